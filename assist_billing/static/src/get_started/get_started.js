import { Component, onWillStart, useState, useSubEnv } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { getDefaultConfig } from "@web/views/view";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

/**
 * The first-use page: each step with the buttons that do it, ticked when it is done.
 * What the steps are, and what is done, the server says.
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
        this.state = useState({ steps: [] });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.steps = await this.orm.call("assist.billing.get.started", "get_steps", []);
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

    open(action) {
        return this.action.doAction(action, { onClose: () => this.load() });
    }
}

registry.category("actions").add("assist_billing.get_started", GetStarted);
