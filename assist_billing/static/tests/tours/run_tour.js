import { registry } from "@web/core/registry";
import { delay } from "@web/core/utils/concurrency";

/** A run that goes on: nothing is pressed, and the page says when it is done. */
registry.category("web_tour.tours").add("assist_billing_run", {
    steps: () => [
        {
            content: "It goes on",
            trigger: ".o_statusbar_status [data-value=running].o_arrow_button_current",
        },
        {
            content: "It is done, without a reload",
            trigger: ".o_statusbar_status [data-value=done].o_arrow_button_current",
            timeout: 20000,
        },
        {
            content: "It looks no more: this is longer than it waited from one look to the next",
            trigger: ".o_form_view",
            run: () => delay(4000),
        },
    ],
});
