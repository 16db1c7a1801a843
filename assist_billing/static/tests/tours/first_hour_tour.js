import { registry } from "@web/core/registry";

const PAGE = ".o_assist_get_started";
const DIALOG = ".modal:has(.o_form_view)";
// What somebody who never saw this needs, from an empty company to a bill that was sent.
const MOST_CLICKS = 15;
const EXPORT = `Customer,Customer Email,Start,End,Technician,External ID
Acme Dental,it@acmedental.example,2026-01-08T09:00:00Z,2026-01-08T10:30:00Z,Jo,one
Acme Dental,it@acmedental.example,2026-01-20T14:00:00Z,2026-01-20T14:30:00Z,Jo,two
`;

// Odoo loads the page anew when a company was saved: the number outlives that.
function countClick() {
    sessionStorage.setItem("assist_clicks", getClicks() + 1);
}

function getClicks() {
    return Number(sessionStorage.getItem("assist_clicks"));
}

function click(content, trigger, rest = {}) {
    return {
        content,
        trigger,
        run: async (helpers) => {
            countClick();
            await helpers.click();
        },
        ...rest,
    };
}

function type(content, trigger, text) {
    return { content, trigger, run: `edit ${text}` };
}

function chooseFile({ anchor }) {
    countClick();
    const files = new DataTransfer();
    files.items.add(new File([EXPORT], "sessions.csv", { type: "text/csv" }));
    anchor.files = files.files;
    anchor.dispatchEvent(new Event("change", { bubbles: true }));
}

registry.category("web_tour.tours").add("assist_billing_first_hour", {
    steps: () => [
        click("The company has no name yet", `${PAGE} li[data-check=name] button`),
        type("Its name", `${DIALOG} .o_field_widget[name=name] input`, "Helpful Computers"),
        type("Its address", `${DIALOG} .o_field_widget[name=email] input`, "bills@helpful.example"),
        click("Save", `${DIALOG} footer .btn-primary`, { expectUnloadPage: true }),
        click(
            "A plan is the next step",
            `${PAGE} li[data-step=plan][aria-current=step] .btn-primary`,
        ),
        type("Its name", `${DIALOG} .o_field_widget[name=name] :is(input, textarea)`, "Support"),
        type("Its price", `${DIALOG} .o_field_widget[name=price_per_session] input`, "20"),
        click("Save", `${DIALOG} .o_form_button_save`),
        click(
            "Sessions come in files: on to the import",
            `${PAGE} li[data-step=session][aria-current=step] button[data-choice=file]`,
        ),
        {
            content: "The file",
            trigger: `${DIALOG} .o_field_widget[name=file] input[type=file]:not(:visible)`,
            run: chooseFile,
        },
        click(
            "Check it",
            `${DIALOG}:has(.o_field_widget[name=file] .o_clear_file_button) button[name=action_preview]:enabled`,
        ),
        click("Import it", `${DIALOG} button[name=action_import]:enabled`),
        click("They belong to nobody: match them", `${DIALOG} button[name=action_match]:enabled`),
        click(
            "Say whose they are",
            ".o_data_row:contains(acmedental.example) button[name=action_assign]",
        ),
        {
            content: "The customer's name is proposed",
            trigger: `${DIALOG} .o_field_widget[name=new_name] input:value(Acme Dental)`,
        },
        click("Assign", `${DIALOG} button[name=action_assign]:enabled`),
        {
            content: "What is over is said",
            trigger: `${DIALOG} .o_field_widget[name=closing_now]:contains(Sessions: 2)`,
        },
        click("By the only plan", `${DIALOG} button[name=action_associate]:enabled`),
        click("What is over is billed", ".o_notification button:contains(Bill Now)"),
        click("Send it", ".o_statusbar_buttons button[name=action_assist_email]:enabled"),
        click("By e-mail", `${DIALOG} button[name=action_send_and_print]:enabled`),
        {
            content: "It is sent",
            trigger: ".o_statusbar_buttons button[name=action_assist_email]:contains(Email Again)",
            run: () => {
                if (getClicks() > MOST_CLICKS) {
                    throw new Error(`It took ${getClicks()} clicks, more than ${MOST_CLICKS}`);
                }
            },
        },
    ],
});
