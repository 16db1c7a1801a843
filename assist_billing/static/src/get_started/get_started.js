import { Component, onWillStart, useState, useSubEnv } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { getDefaultConfig } from "@web/views/view";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

/**
 * The first page: until all is set up, each step with the buttons that do it, ticked when it is
 * done; after that, how things stand. What there is, and what is done, the server says.
 */
export class GetStarted extends Component {
    static components = { Layout };
    static template = "assist_billing.GetStarted";
    static props = { ...standardActionServiceProps };

    setup() {
        useSubEnv({ config: { ...getDefaultConfig(), ...this.env.config } });
        useSetupAction();
        this.action = useService("action");
        this.orm = useService("orm");
        this.state = useState({ steps: [], overview: null, showsSteps: false });
        onWillStart(() => this.load());
    }

    async load() {
        const [steps, overview] = await Promise.all([
            this.orm.call("assist.billing.get.started", "get_steps", []),
            this.orm.call("assist.billing.overview", "get_overview", []),
        ]);
        Object.assign(this.state, { steps, overview });
    }

    get doneCount() {
        return this.state.steps.filter((step) => step.done).length;
    }

    get progress() {
        return Math.round((100 * this.doneCount) / this.state.steps.length);
    }

    /** The step to do now is the first that is not done. */
    get currentKey() {
        return this.state.steps.find((step) => !step.done)?.key;
    }

    /** What the company still lacks is no reason to withhold how things stand. */
    get isSetUp() {
        return this.state.steps.every((step) => step.done || step.key === "company");
    }

    get showsOverview() {
        return this.isSetUp && !this.state.showsSteps;
    }

    async open(action) {
        if (action.method) {
            const { model, method, context } = action;
            action = await this.orm.call(model, method, [], { context });
        }
        return this.action.doAction(action, {
            onClose: (closing) => {
                // Not awaited: the dialog would wait for it, and for ever once another page is
                // there, for what a page that is gone has asked is never answered.
                if (!closing?.noReload) {
                    this.load();
                }
            },
        });
    }

    async choose(choice) {
        await this.orm.call("assist.billing.get.started", "choose_arrival", [choice.key]);
        await this.load();
        if (choice.action) {
            await this.open(choice.action);
        }
    }

    toggleSteps() {
        this.state.showsSteps = !this.state.showsSteps;
    }
}

registry.category("actions").add("assist_billing.get_started", GetStarted);
