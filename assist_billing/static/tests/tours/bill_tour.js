import { registry } from "@web/core/registry";

const NORTH = ".o_data_row:contains(Tour Customer North)";
const SOUTH = ".o_data_row:contains(Tour Customer South)";
const DIALOG = ".modal:has(.o_form_view)";

function openBill(row) {
    return {
        content: "Open the bill",
        trigger: `${row} .o_data_cell[name=partner_id]`,
        run: "click",
    };
}

function select(row) {
    return {
        content: "Select the bill",
        trigger: `${row} .o_list_record_selector input:not(:checked)`,
        run: "click",
    };
}

/** A discount from the row: the new total as one types, the amount in the list afterwards. */
registry.category("web_tour.tours").add("assist_billing_add_charges", {
    steps: () => [
        {
            content: "Nothing was added yet: Add stands in its place",
            trigger: `${NORTH} button[name=action_assist_add_charges]`,
            run: "click",
        },
        {
            content: "The session charge cannot be changed",
            trigger: `${DIALOG} .o_field_widget[name=session_charge].o_readonly_modifier:contains(20.00)`,
        },
        {
            content: "A discount",
            trigger: `${DIALOG} .o_field_widget[name=adjustment_type] .o_radio_item:contains(Discount) input`,
            run: "click",
        },
        {
            content: "Of 5.00",
            trigger: `${DIALOG} .o_field_widget[name=amount] input`,
            run: "edit 5.00 && press Tab",
        },
        {
            content: "The total follows: 15.00 and 15 % of taxes",
            trigger: `${DIALOG} .o_field_widget[name=updated_total]:contains(17.25)`,
        },
        {
            content: "Say why",
            trigger: `${DIALOG} .o_field_widget[name=description] :is(input, textarea)`,
            run: "edit Goodwill",
        },
        {
            content: "Add it",
            trigger: `${DIALOG} button[name=action_add]`,
            run: "click",
        },
        {
            content: "It stands in the list",
            trigger: `${NORTH} .o_data_cell[name=assist_misc_charge]:contains(-5.00)`,
        },
    ],
});

/** Two bills at one click, then one of them undone on its form. */
registry.category("web_tour.tours").add("assist_billing_confirm_payment", {
    steps: () => [
        select(NORTH),
        select(SOUTH),
        {
            content: "Confirm both",
            trigger: ".o_control_panel button[name=action_assist_confirm_payment]",
            run: "click",
        },
        {
            content: "Two payments",
            trigger: ".o_notification:contains(2 payments confirmed)",
        },
        {
            trigger: `${SOUTH} .o_data_cell[name=assist_status]:contains(Paid):not(:contains(Not))`,
        },
        {
            trigger: `${NORTH} .o_data_cell[name=assist_status]:contains(Paid):not(:contains(Not))`,
        },
        openBill(NORTH),
        {
            content: "One of them was a mistake",
            trigger: ".o_statusbar_buttons button[name=action_assist_undo_payment]:enabled",
            run: "click",
        },
        {
            content: "It can be confirmed again",
            trigger: ".o_statusbar_buttons button[name=action_assist_confirm_payment]",
        },
    ],
});

/** From the bill, through Odoo's own Send dialog. */
registry.category("web_tour.tours").add("assist_billing_email", {
    steps: () => [
        openBill(NORTH),
        {
            content: "Email Invoice",
            trigger: ".o_statusbar_buttons button[name=action_assist_email]:enabled",
            run: "click",
        },
        {
            content: "The recipients are the association's",
            trigger: `${DIALOG} .o_field_widget[name=mail_partner_ids]:contains(books@north.example)`,
        },
        {
            content: "Send",
            trigger: `${DIALOG} button[name=action_send_and_print]:enabled`,
            run: "click",
        },
        {
            content: "It can be sent again, and is called sent",
            trigger: ".o_statusbar_buttons button[name=action_assist_email]:contains(Email Again)",
        },
    ],
});

/** From the row. What the browser gets is looked at on the server's side. */
registry.category("web_tour.tours").add("assist_billing_download", {
    steps: () => [
        {
            content: "Download Bill",
            trigger: `${NORTH} button[name=action_assist_download]`,
            run: "click",
        },
        {
            content: "The list stays",
            trigger: `body:not(.o_ui_blocked) ${NORTH} button[name=action_assist_download]:enabled`,
        },
    ],
});
