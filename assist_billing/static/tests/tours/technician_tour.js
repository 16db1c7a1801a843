import { registry } from "@web/core/registry";
import { rpc } from "@web/core/network/rpc";

const MONEY = /[$€]\s?\d|price|amount|charge|total/i;

function checkNoMoney(selector) {
    const element = document.querySelector(selector);
    const found = element.textContent.match(MONEY);
    if (found || element.querySelector(".o_field_monetary")) {
        throw new Error(`A technician sees money in ${selector}: ${found}`);
    }
}

/** Ask the server for something behind the screens' back; it has to refuse. */
async function checkRefused(model, method, args) {
    try {
        await rpc(`/web/dataset/call_kw/${model}/${method}`, { model, method, args, kwargs: {} });
    } catch (error) {
        if (error.data?.name === "odoo.exceptions.AccessError") {
            return;
        }
        throw error;
    }
    throw new Error(`A technician may call ${method} of ${model}`);
}

/** His sessions, without any price: not on the screen, not in the menus, not by asking for it. */
registry.category("web_tour.tours").add("assist_billing_technician", {
    steps: () => [
        {
            content: "His sessions are there, without money",
            trigger: ".o_list_view .o_data_row:contains(Tour Customer North)",
            run: () => checkNoMoney(".o_list_view"),
        },
        {
            content: "Open one",
            trigger: ".o_data_row:contains(Tour Customer North) .o_data_cell[name=partner_id]",
            run: "click",
        },
        {
            content: "Nor on its form",
            trigger: ".o_form_view .o_field_widget[name=started_at]",
            run: () => checkNoMoney(".o_form_view"),
        },
        {
            content: "His menus do not lead to bills or plans",
            trigger: ".o_main_navbar .o_menu_sections",
            run: () => {
                for (const menu of document.querySelectorAll(
                    ".o_menu_sections [data-menu-xmlid]",
                )) {
                    if (/bill|plan|cycle/i.test(menu.textContent)) {
                        throw new Error(`A technician finds the menu ${menu.textContent}`);
                    }
                }
            },
        },
        {
            content: "The server does not tell him either",
            trigger: ".o_form_view",
            run: async () => {
                const read = [[], ["display_name"]];
                await checkRefused("assist.billing.plan", "search_read", read);
                await checkRefused("assist.billing.association", "search_read", read);
                await checkRefused("assist.billing.cycle", "search_read", read);
                await checkRefused("account.move", "search_read", read);
                await checkRefused("assist.billing.get.started", "get_steps", []);
                await checkRefused("assist.session", "search_read", [[], ["billed_seconds"]]);
                await checkRefused("assist.session", "search_read", [[], ["cycle_id"]]);
            },
        },
    ],
});
