import { registry } from "@web/core/registry";

const GRID = ".o_assist_week_table";
const cell = (day, slot) => `${GRID} [data-day='${day}'][data-slot='${slot}']`;

/** Paint from one cell to another, as a mouse or a finger does. */
function paint(from, to) {
    return () => {
        const send = (type, selector) => {
            const target = document.querySelector(selector);
            const { x, y, width, height } = target.getBoundingClientRect();
            const at = { clientX: x + width / 2, clientY: y + height / 2 };
            target.dispatchEvent(
                new PointerEvent(type, { bubbles: true, cancelable: true, isPrimary: true, ...at }),
            );
        };
        send("pointerdown", from);
        send("pointermove", to);
        send("pointerup", to);
    };
}

/** Press a key on the cell of the step, which has the focus then. */
function press(key, options = {}) {
    return ({ anchor }) => {
        anchor.focus();
        const event = { key, bubbles: true, cancelable: true, ...options };
        anchor.dispatchEvent(new KeyboardEvent("keydown", event));
    };
}

function takeBrush(name) {
    return {
        content: `Paint with ${name}`,
        trigger: `.o_assist_brush:contains(${name})`,
        run: "click",
    };
}

function chooseIn(field, name, scope = "") {
    return [
        {
            content: `Look for ${name}`,
            trigger: `${scope} .o_field_widget[name=${field}] input`,
            run: `edit ${name}`,
        },
        {
            content: `Choose ${name}`,
            trigger: `.o-autocomplete--dropdown-item:contains(${name})`,
            run: "click",
        },
    ];
}

/** Service hours are painted, then a plan has rates for evenings and weekends. */
registry.category("web_tour.tours").add("assist_billing_evenings_and_weekends", {
    steps: () => [
        {
            content: "Name the hours",
            trigger: ".o_field_widget[name=name] input",
            run: "edit Tour Hours",
        },
        takeBrush("Evening"),
        {
            content: "Evenings from 18 to 24, Monday to Friday",
            trigger: cell(0, 36),
            run: paint(cell(0, 36), cell(4, 47)),
        },
        {
            content: "Each cell says what it is",
            trigger: `${cell(4, 47)}[aria-label='Friday 23:30–24:00: Evening']`,
        },
        {
            content: "The list below says the same",
            trigger: ".o_field_widget[name=line_ids] .o_data_row:contains(Friday):contains(18:00)",
        },
        takeBrush("Weekend"),
        {
            content: "The weekend",
            trigger: cell(5, 0),
            run: paint(cell(6, 47), cell(5, 0)),
        },
        {
            content: "With the keyboard: one half hour",
            trigger: cell(0, 14),
            run: press(" "),
        },
        {
            content: "And the next one",
            trigger: `${cell(0, 14)}[aria-label='Monday 07:00–07:30: Weekend']:focus`,
            run: press("ArrowRight", { shiftKey: true }),
        },
        {
            content: "It is painted as well",
            trigger: `${cell(0, 15)}[aria-label='Monday 07:30–08:00: Weekend']:focus`,
        },
        {
            content: "That was not meant: take it away again",
            trigger: ".o_assist_brush[data-band='0']",
            run: "click",
        },
        {
            content: "Both half hours",
            trigger: cell(0, 14),
            run: paint(cell(0, 14), cell(0, 15)),
        },
        {
            content: "It has the plan's price again",
            trigger: `${cell(0, 15)}[aria-label="Monday 07:30–08:00: the plan's price"]`,
        },
        {
            content: "Save the hours",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "Saved: they can be filled in from elsewhere too",
            trigger: ".o_form_saved button[name=action_fill]",
        },
        {
            content: "Setup",
            trigger: "button[data-menu-xmlid='assist_billing.assist_app_menu_setup']",
            run: "click",
        },
        {
            content: "Billing Plans",
            trigger: "a[data-menu-xmlid='assist_billing.assist_app_menu_plans']",
            run: "click",
        },
        {
            content: "A new plan",
            trigger: ".o_breadcrumb:contains(Billing Plans)",
        },
        {
            content: "New",
            trigger: ".o_list_button_add, .o-kanban-button-new",
            run: "click",
        },
        {
            content: "Name the plan",
            trigger: ".o_field_widget[name=name] :is(input, textarea)",
            run: "edit Tour Plan",
        },
        {
            content: "By the hour",
            trigger: ".o_field_widget[name=billing_type] .o_radio_item:contains(Hour) input",
            run: "click",
        },
        {
            content: "90.00 an hour",
            trigger: ".o_field_widget[name=price_per_hour] input",
            run: "edit 90.00",
        },
        {
            content: "Rates",
            trigger: ".o_notebook .nav-link[name=rates]",
            run: "click",
        },
        ...chooseIn("hours_id", "Tour Hours"),
        ...[
            ["Evening", 150],
            ["Weekend", 200],
        ].flatMap(([name, percent]) => [
            {
                content: "One more rate",
                trigger: ".o_field_widget[name=rate_ids] .o_field_x2many_list_row_add a",
                run: "click",
            },
            ...chooseIn("band_id", name, ".o_selected_row"),
            {
                content: `${percent} %`,
                trigger: ".o_selected_row .o_field_widget[name=value] input",
                run: `edit ${percent}`,
            },
            {
                content: "Leave the row",
                trigger: ".o_notebook .tab-pane.active p.text-muted",
                run: "click",
            },
            {
                content: "It reads as a sentence",
                trigger: `.o_field_widget[name=rate_ids]:not(:has(.o_selected_row)) .o_data_row:contains(${name}: ${percent} % of the price)`,
            },
        ]),
        {
            content: "Save the plan",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "Saved, and it can be tried",
            trigger: ".o_form_saved button[name=action_try_rates]",
        },
    ],
});

/** All prices rise from January on: the customers are told, the plans have the new prices. */
registry.category("web_tour.tours").add("assist_billing_price_rise", {
    steps: () => [
        {
            content: "A new one",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Name it",
            trigger: ".o_field_widget[name=name] input",
            run: "edit Tour Rise",
        },
        {
            content: "From January on",
            trigger: ".o_field_widget[name=date_from] :is(button, input)",
            run: "click",
        },
        {
            content: "The first day",
            trigger: ".o_field_widget[name=date_from] input",
            run: "edit 01/01/2035",
        },
        {
            content: "By an index",
            trigger: ".o_field_widget[name=method] .o_radio_item:contains(index) input",
            run: "click",
        },
        {
            content: "As it was",
            trigger: ".o_field_widget[name=index_old] input",
            run: "edit 100",
        },
        {
            content: "As it is",
            trigger: ".o_field_widget[name=index_new] input",
            run: "edit 103.4",
        },
        {
            content: "In steps of half a unit",
            trigger: ".o_field_widget[name=rounding] input",
            run: "edit 0.50",
        },
        ...chooseIn("plan_ids", "Tour Plan"),
        {
            content: "Save it",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "90.00 becomes 93.00",
            trigger: ".o_field_widget[name=line_ids] .o_data_row:contains(90.00):contains(93.00)",
        },
        {
            content: "Announce it",
            trigger: "button[name=action_announce]:contains(Announce)",
            run: "click",
        },
        {
            content: "Yes",
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "One customer was told, one could not be reached: see whom",
            trigger: "button[name=action_view_notices]:contains(Not Reached):contains(1)",
            run: "click",
        },
        {
            content: "That one has no address",
            trigger: ".o_data_row:contains(Tour Customer South):contains(No address)",
        },
        {
            content: "Back",
            trigger: ".o_back_button, .breadcrumb-item a:contains(Tour Rise)",
            run: "click",
        },
        {
            content: "Apply it",
            trigger: "button[name=action_apply]",
            run: "click",
        },
        {
            content: "Yes",
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "It is applied",
            trigger: ".o_arrow_button_current:contains(Applied)",
        },
    ],
});

// What somebody needs, from the list of plans to the first bill of a managed agreement.
const MOST_CLICKS = 15;
let clicks = 0;

function click(content, trigger) {
    return {
        content,
        trigger,
        run: async (helpers) => {
            clicks++;
            await helpers.click();
        },
    };
}

function type(content, trigger, text) {
    return { content, trigger, run: `edit ${text}` };
}

/** A plan with fees in advance and hours in them; a customer starts, and has the first bill. */
registry.category("web_tour.tours").add("assist_billing_managed_agreement", {
    steps: () => [
        click("A new plan", ".o_list_button_add"),
        type("Its name", ".o_field_widget[name=name] :is(input, textarea)", "Tour Agreement"),
        click(
            "By the hour",
            ".o_field_widget[name=billing_type] .o_radio_item:contains(Hour) input",
        ),
        type(
            "95.00 for an hour that is not included",
            ".o_field_widget[name=price_per_hour] input",
            "95",
        ),
        click("What it costs besides", ".o_notebook .nav-link[name=fees]"),
        click("A fee", ".o_field_widget[name=fee_ids] .o_field_x2many_list_row_add a"),
        type("What it is called", ".o_selected_row .o_field_widget[name=name] input", "Care"),
        type("500.00", ".o_selected_row .o_field_widget[name=price] input", "500"),
        type("5 hours in it", ".o_selected_row .o_field_widget[name=included_hours] input", "5"),
        click("One more", ".o_field_widget[name=fee_ids] .o_field_x2many_list_row_add a"),
        type(
            "For workplaces",
            ".o_data_row:contains(Care) ~ .o_selected_row .o_field_widget[name=name] input",
            "Workplaces",
        ),
        click("Of what", ".o_selected_row .o_field_widget[name=quantity_rule] input"),
        click("Each device", ".o_select_menu_item:contains(Each device)"),
        type("8.00", ".o_selected_row .o_field_widget[name=price] input", "8"),
        click("Who has it", "button[name=action_associate_customers]"),
        {
            content: "The customer",
            trigger: ".modal .o_field_widget[name=partner_ids] input",
            run: "edit Tour Customer North",
        },
        click("This one", ".o-autocomplete--dropdown-item:contains(Tour Customer North)"),
        {
            content: "What is billed at once is said",
            trigger:
                ".modal .o_field_widget[name=first_advances]:contains(the first bill, of 596.00 USD, is made today)",
        },
        click("Associate", ".modal button[name=action_associate]"),
        click("Bill it now", ".o_notification button:contains(Bill Now)"),
        {
            content: "The first bill: fees alone, in advance",
            trigger:
                ".o_field_widget[name=invoice_line_ids]:has(.o_data_row:contains(Care):contains(500.00)):has(.o_data_row:contains(Workplaces):contains(12.00):contains(96.00))",
            run: () => {
                if (clicks > MOST_CLICKS) {
                    throw new Error(`It took ${clicks} clicks, more than ${MOST_CLICKS}`);
                }
            },
        },
    ],
});

/** Its first period is over: hours above those included, and the fees of the next. */
registry.category("web_tour.tours").add("assist_billing_managed_agreement_closed", {
    steps: () => [
        {
            content: "The bill of the period",
            trigger: ".o_data_row:contains(Tour Customer North) .o_data_cell[name=name]",
            run: "click",
        },
        {
            content: "Hours above the five, and the next period in advance",
            trigger:
                ".o_field_widget[name=invoice_line_ids]:has(.o_data_row:contains(2.25):contains(213.75)):has(.o_data_row:contains(Care):contains(500.00)):has(.o_data_row:contains(Workplaces):contains(96.00))",
        },
        {
            content: "Together",
            trigger: ".oe_subtotal_footer:contains(809.75)",
        },
    ],
});
