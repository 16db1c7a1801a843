from odoo import models
from odoo.tools import format_amount, format_date

from ..session.assist_session import BILLING_GROUPS


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
        count, currency, amount, checked_at = self.env[
            'assist.unmatched.summary'
        ]._get_present_figures(company)
        if not count:
            return {}
        shown = currency and format_amount(self.env, amount, currency)
        if shown and checked_at:
            shown = self.env._(
                "%(amount)s on %(date)s", amount=shown, date=format_date(self.env, checked_at)
            )
        return {'assist_unmatched_count': count, 'assist_unmatched_amount': shown}

    def action_assist_unmatched(self):
        """Open the inbox of unmatched sessions."""
        self.env['assist.unmatched'].check_access('read')
        return self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_unmatched_action'
        )
