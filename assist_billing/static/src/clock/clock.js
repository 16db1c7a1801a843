import { Component, onWillUnmount, useState, xml } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const { DateTime } = luxon;

/** How long ago something began, counting on: 0:07:31. */
export class ClockField extends Component {
    static template = xml`<span role="timer" t-out="text"/>`;
    static props = { ...standardFieldProps };

    setup() {
        this.state = useState({ now: DateTime.now() });
        const timer = browser.setInterval(() => (this.state.now = DateTime.now()), 1000);
        onWillUnmount(() => browser.clearInterval(timer));
    }

    get text() {
        const begun = this.props.record.data[this.props.name];
        return begun && begun < this.state.now
            ? this.state.now.diff(begun).toFormat("h:mm:ss")
            : "0:00:00";
    }
}

registry.category("fields").add("assist_clock", {
    component: ClockField,
    displayName: _t("Running Clock"),
    supportedTypes: ["datetime"],
});
