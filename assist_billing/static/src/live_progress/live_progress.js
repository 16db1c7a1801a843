import { useEffect } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import {
    ProgressBarField,
    progressBarField,
} from "@web/views/fields/progress_bar/progress_bar_field";

const INTERVAL = 3000; // milliseconds

/** A progress bar that reads its record again as long as what it shows goes on. */
export class LiveProgressField extends ProgressBarField {
    static props = {
        ...ProgressBarField.props,
        unfinished: { type: Array },
        while: { type: String },
    };

    setup() {
        super.setup();
        useEffect(
            (goesOn) => {
                if (goesOn) {
                    const timer = browser.setInterval(() => this.reload(), INTERVAL);
                    return () => browser.clearInterval(timer);
                }
            },
            () => [this.goesOn],
        );
    }

    get goesOn() {
        const { record, unfinished } = this.props;
        return Boolean(record.data[this.props.while]) || unfinished.includes(record.data.state);
    }

    /** Nobody looks at a hidden page, and what somebody is typing is not read over. */
    async reload() {
        const { record } = this.props;
        if (
            document.visibilityState === "visible" &&
            !this.reloading &&
            !(await record.isDirty())
        ) {
            this.reloading = true;
            try {
                await record.load();
            } finally {
                this.reloading = false;
            }
        }
    }
}

registry.category("fields").add("assist_live_progress", {
    ...progressBarField,
    component: LiveProgressField,
    extractProps: (field, dynamic) => ({
        ...progressBarField.extractProps(field, dynamic),
        // The record still changes by itself in these values of `state`, or while a field is set.
        unfinished: field.options.unfinished || [],
        while: field.options.while || "",
    }),
});
