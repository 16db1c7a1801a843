from odoo import models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = 'account.move'

    # === ACTIONS === #

    def action_assist_download(self):
        """Download these bills: one as PDF, several as a ZIP with a PDF each.

        A posted bill without PDF gets it now, as if it were sent; a draft is downloaded as such.
        """
        self.check_access('read')
        if not self:
            raise UserError(self.env._("Choose the bills to download."))
        self._assist_check_bills()
        self._assist_make_pdfs()
        return self.action_invoice_download_pdf()

    # === BUSINESS METHODS === #

    def _assist_check_bills(self):
        """Refuse documents that have nothing to do with remote support, by name."""
        if others := self.filtered(lambda move: not move.assist_kind):
            raise UserError(
                self.env._(
                    "These are no remote support bills: %(names)s. Leave them out of the "
                    "selection.",
                    names=", ".join(others[:5].mapped('display_name')),
                )
            )

    def _assist_make_pdfs(self):
        """Make the PDFs that posted bills lack, one by one; nothing is sent."""
        missing = self.filtered(lambda move: move.state == 'posted')
        missing = missing.filtered(lambda move: not move.invoice_pdf_report_id)
        if not missing.has_access('write'):
            return  # an auditor gets what can be shown to him without keeping it
        for bill in missing:
            self.env['account.move.send']._generate_and_send_invoices(
                bill, sending_methods=['manual'], allow_raising=True
            )
