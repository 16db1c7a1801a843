from odoo import models
from odoo.tools import format_amount

from ..session.assist_session import BILLING_GROUPS

# Sessions rated while the dashboard is opened; beyond that it says "more than".
RATED_AT_MOST = 20_000


class AccountJournal(models.Model):
    _inherit = 'account.journal'

    # === DASHBOARD === #

    def _fill_sale_purchase_dashboard_data(self, dashboard_data):
        # EXTENDS account: the first sales journal's card says what cannot be billed
        super()._fill_sale_purchase_dashboard_data(dashboard_data)
        if not self.env.user.has_groups(BILLING_GROUPS):
            return
        for company, journals in self.grouped('company_id').items():
            journal = journals.filtered(lambda journal: journal.type == 'sale')[:1]
            first = self.search(
                [*self._check_company_domain(company), ('type', '=', 'sale')], limit=1
            )
            if journal and journal == first:
                dashboard_data[journal.id].update(self._get_assist_unmatched_data(company))

    def _get_assist_unmatched_data(self, company):
        groups = self.env['assist.unmatched'].search([('company_id', '=', company.id)])
        count = sum(groups.mapped('session_count'))
        if not count:
            return {}
        rated, sessions = groups.browse(), 0
        for group in groups.sorted('session_count'):
            sessions += group.session_count
            if sessions > RATED_AT_MOST:
                break
            rated |= group
        plan = groups._get_usual_plan(company)
        amount = float(sum(amount for _plan, amount in rated._rate_sessions().values()))
        shown = format_amount(self.env, amount, plan.currency_id or company.currency_id)
        if rated != groups:
            shown = self.env._("more than %(amount)s", amount=shown)
        return {'assist_unmatched_count': count, 'assist_unmatched_amount': plan and shown}

    def action_assist_unmatched(self):
        """Open the inbox of unmatched sessions."""
        self.env['assist.unmatched'].check_access('read')
        return self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_unmatched_action'
        )
