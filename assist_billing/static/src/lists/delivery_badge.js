import { xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { BadgeField, badgeField } from "@web/views/fields/badge/badge_field";

/** What became of sending a bill; pointing at a failure says why. */
export class DeliveryBadge extends BadgeField {
    static template = xml`
        <span
            t-if="props.record.data[props.name]"
            class="badge rounded-pill"
            t-att-class="badgeClass"
            t-att-data-tooltip="props.record.data.assist_delivery_problem or undefined"
            t-esc="formattedValue"
        />`;
}

registry.category("fields").add("assist_delivery", {
    ...badgeField,
    component: DeliveryBadge,
    fieldDependencies: [{ name: "assist_delivery_problem", type: "char" }],
});
