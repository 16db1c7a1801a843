import { registry } from "@web/core/registry";

// Long enough to see that it was the wrong row, or that something else is to be done.
const SHOWN_MILLISECONDS = 15000;

/**
 * Say what was done, with a button for what may come next: to undo it, or to go on.
 *
 * `params` are those of Odoo's `display_notification`, and `button`: its `name`, and which method
 * of which model it calls with which ids, in which context.
 */
function notify(env, { params }) {
    const { name, model, method, ids, context } = params.button;
    const close = env.services.notification.add(params.message, {
        title: params.title,
        type: params.type,
        autocloseDelay: SHOWN_MILLISECONDS,
        buttons: [
            {
                name,
                onClick: async () => {
                    close();
                    await env.services.action.doAction(
                        await env.services.orm.call(model, method, ids ? [ids] : [], { context }),
                    );
                },
            },
        ],
    });
    return params.next;
}

registry.category("actions").add("assist_billing.notify", notify);
