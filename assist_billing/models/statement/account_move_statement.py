from odoo import models


class AccountMove(models.Model):
    """What a bill prints beyond an invoice."""

    _inherit = 'account.move'

    def _assist_get_statement(self):
        """Return the Statement to be printed with this document, or None.

        Bills have one, and supplementary bills for sessions that came in late.
        """
        self.ensure_one()
        if self.assist_cycle_id:
            statement = self.assist_cycle_id._get_statement()
        elif self._assist_is_late_bill():
            statement = self.assist_origin_cycle_id._get_late_statement(self)
        else:
            return None
        return None if statement.is_empty else statement

    def _assist_get_statement_csv(self):
        """Return the statement as CSV (bytes) in the customer's language."""
        bill = self.with_context(lang=self.partner_id.lang or self.env.lang)
        statement = bill._assist_get_statement()
        return bill.env['assist.billing.statement']._get_csv(statement)

    def _assist_get_statement_filename(self):
        self.ensure_one()
        return f"{(self.name or '').replace('/', '_')}_sessions.csv"

    def _assist_attaches_statement(self):
        """Tell whether the statement goes along as CSV when this document is sent."""
        self.ensure_one()
        return bool(
            self.assist_kind
            and self.company_id.assist_attach_statement
            and self._assist_get_statement()
        )

    def _assist_is_late_bill(self):
        self.ensure_one()
        charges = self.invoice_line_ids.mapped('assist_charge')
        return self.assist_kind == 'supplementary' and 'prior' in charges

    def _assist_get_printed_cycle(self):
        """Return the cycle whose period and plan stand on the document."""
        self.ensure_one()
        return (self.assist_cycle_id or self.assist_origin_cycle_id).sudo()
