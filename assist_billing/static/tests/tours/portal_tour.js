import { registry } from "@web/core/registry";

function checkNot(words, where) {
    return ({ anchor }) => {
        const found = anchor.textContent.match(words);
        if (found) {
            throw new Error(`The customer sees ${found} on ${where}`);
        }
    };
}

/** The customer: his open period, his sessions without prices, his bill and its statement. */
registry.category("web_tour.tours").add("assist_billing_portal", {
    steps: () => [
        {
            content: "The open period, by its plan",
            trigger: "#wrap [name=assist_open_cycle]:contains(Premium)",
        },
        {
            content: "Nobody else's bill or period",
            trigger: "#wrap",
            run: checkNot(/South/, "his page"),
        },
        {
            content: "His sessions",
            trigger: "#wrap a[href='/my/remote-support/sessions']:contains(All sessions)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "#wrap tr[name=assist_session]:contains(Northern session)",
        },
        {
            content: "Only his, and no price",
            trigger: "#wrap",
            run: checkNot(/Southern session|[$€]\s?\d/, "his sessions"),
        },
        {
            content: "Back to the start",
            trigger: ".breadcrumb-item a[href='/my/remote-support']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The bill of last month",
            trigger: "#wrap tbody tr:contains(23.00) a[href^='/my/invoices/']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It says its plan",
            trigger: "[name=assist_bill]:contains(Premium)",
        },
        {
            content: "Its sessions can be downloaded",
            trigger: "a[href*='/statement?']",
            run: async ({ anchor }) => {
                const response = await fetch(anchor.href);
                const text = await response.text();
                if (!response.ok || !text.includes("Northern session")) {
                    throw new Error(`The statement is not there: ${response.status} ${text}`);
                }
                if (text.includes("Southern session")) {
                    throw new Error("The statement has somebody else's session");
                }
            },
        },
    ],
});
