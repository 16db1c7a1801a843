import { registry } from "@web/core/registry";

const DIALOG = ".modal:has(.o_form_view)";

function chooseCustomer(name) {
    return [
        {
            content: `Look for ${name}`,
            trigger: `${DIALOG} .o_field_widget[name=partner_ids] input`,
            run: `edit ${name}`,
        },
        {
            content: `Choose ${name}`,
            trigger: `.o-autocomplete--dropdown-item:contains(${name})`,
            run: "click",
        },
        {
            content: `${name} has a line of his own, with his first periods`,
            trigger: `${DIALOG} .o_field_widget[name=line_ids] .o_data_row:contains(${name}):contains(–)`,
        },
    ];
}

/** From the first-use page: a plan, then two customers associated with it. */
registry.category("web_tour.tours").add("assist_billing_plan_and_customers", {
    steps: () => [
        {
            content: "The step of the plan",
            trigger: ".o_assist_get_started li[data-step=plan] .o_assist_buttons .btn",
            run: "click",
        },
        {
            content: "Name the plan",
            trigger: `${DIALOG} .o_field_widget[name=name] :is(input, textarea)`,
            run: "edit Premium Support",
        },
        {
            content: "By the hour",
            trigger: ".o_field_widget[name=billing_type] .o_radio_item:contains(Hour) input",
            run: "click",
        },
        {
            content: "85.00 an hour",
            trigger: ".o_field_widget[name=price_per_hour] input",
            run: "edit 85.00",
        },
        {
            content: "Devices are charged",
            trigger: ".o_field_widget[name=charge_devices] input",
            run: "click",
        },
        {
            content: "3.50 each",
            trigger: ".o_field_widget[name=price_per_device] input",
            run: "edit 3.50",
        },
        {
            content: "Save the plan",
            trigger: `${DIALOG} .o_form_button_save`,
            run: "click",
        },
        {
            content: "Go on with its customers",
            trigger:
                ".o_assist_get_started li[data-step=plan].o_assist_done ~ li[data-step=association] .o_assist_buttons .btn:contains(Associate)",
            run: "click",
        },
        {
            content: "The plan is chosen already",
            trigger: `${DIALOG} .o_field_widget[name=plan_id] input:value(Premium Support)`,
        },
        {
            content: "28 due days",
            trigger: `${DIALOG} .o_group .o_field_widget[name=due_days] input`,
            run: "edit 28",
        },
        ...chooseCustomer("Tour Customer North"),
        ...chooseCustomer("Tour Customer South"),
        {
            content: "Associate both",
            trigger: `${DIALOG} button[name=action_associate]`,
            run: "click",
        },
        {
            content: "Both steps are ticked, and the sessions are what is to be brought in",
            trigger:
                ".o_assist_get_started:has(li[data-step=plan].o_assist_done):has(li[data-step=association].o_assist_done) li[data-step=session][aria-current=step]",
        },
    ],
});

/** The scheduled action closes what is due; the cycle leads to its bill. */
registry.category("web_tour.tours").add("assist_billing_close", {
    steps: () => [
        {
            content: "Run the closing now",
            trigger: "button[name=method_direct_trigger]:enabled",
            run: "click",
        },
        {
            content: "Open the apps",
            trigger: ".o_navbar_apps_menu button:enabled",
            run: "click",
        },
        {
            content: "Invoicing",
            trigger: ".o_app[data-menu-xmlid='account.menu_finance']",
            run: "click",
        },
        {
            content: "Remote Support",
            trigger:
                ".o_menu_sections button[data-menu-xmlid='assist_billing.assist_billing_menu_root']",
            run: "click",
        },
        {
            content: "Billing Cycles",
            trigger:
                ".o-dropdown--menu a[data-menu-xmlid='assist_billing.assist_billing_cycle_menu']",
            run: "click",
        },
        {
            content: "The cycle that was due is closed: open it",
            trigger:
                ".o_data_row:contains(Tour Customer):has(.o_field_widget[name=state]:contains(Closed)) .o_data_cell:contains(Tour Customer)",
            run: "click",
        },
        {
            content: "It leads to its bill",
            trigger: "button[name=action_view_bill]",
            run: "click",
        },
        {
            content: "The bill is posted, and says what it is for",
            trigger:
                ".o_form_view:has(button[name=action_assist_confirm_payment]) .o_field_widget[name=invoice_line_ids] .o_data_row:contains(Remote support)",
        },
    ],
});
