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
