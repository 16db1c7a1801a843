from odoo import models
from odoo.exceptions import UserError

# Sending methods that want no file but the PDF.
PLAIN_METHODS = (False, 'manual', 'email', 'snailmail')


class AccountMove(models.Model):
    """What a bill prints beyond an invoice, and the files it is given out as."""

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

    # === ACTIONS === #

    def action_assist_download(self):
        """Download these bills: one as PDF, several as a ZIP with a PDF each.

        Nothing is handed over to anybody, and a PDF comes out in any case, as with Odoo's own
        Print. It is kept with the bill, unless that is to be sent with an e-invoice: Odoo makes
        the two together. A draft is downloaded as such.
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
                    "These are not remote support bills: %(names)s. Leave them out of the "
                    "selection.",
                    names=", ".join(others[:5].mapped('display_name')),
                )
            )

    def _assist_make_pdfs(self):
        """Make the PDFs that posted bills lack, one by one; nothing is sent."""
        missing = self.filtered(
            lambda move: move.state == 'posted'
            and not move.invoice_pdf_report_id
            and not move._assist_has_e_invoice()
        )
        if not missing.has_access('write'):
            return  # an auditor gets what can be shown to him without keeping it
        send = self.env['account.move.send']
        for bill in missing:
            # Not by Odoo's sending, in which other add-ons hand bills over.
            bills_data = {bill: {'pdf_report': send._get_default_pdf_report_id(bill)}}
            send._prepare_invoice_pdf_report(bills_data)
            # sudo: Odoo keeps the files of invoices so, whoever has them made
            attachment = (
                self.env['ir.attachment'].sudo().create(bills_data[bill]['pdf_attachment_values'])
            )
            bill.with_context(
                skip_is_manually_modified=True
            ).message_main_attachment_id = attachment.sudo(False)
            bill.invalidate_recordset(['invoice_pdf_report_id', 'invoice_pdf_report_file'])

    def _assist_has_e_invoice(self):
        """Tell whether this bill is to be sent with, or as, an e-invoice."""
        self.ensure_one()
        customer = self.commercial_partner_id.with_company(self.company_id)
        return bool(
            customer.invoice_edi_format
            or customer.invoice_sending_method not in PLAIN_METHODS
            or self.env['account.move.send']._get_default_extra_edis(self)
        )

    # === BUSINESS METHODS - account.move === #

    def _get_invoice_pdf_proforma(self):
        # EXTENDS account: what is posted is no proforma, kept or not
        self.ensure_one()
        if not self.assist_kind or self.state != 'posted':
            return super()._get_invoice_pdf_proforma()
        report = self.env['account.move.send']._get_default_pdf_report_id(self)
        reports = self.env['ir.actions.report'].with_company(self.company_id)
        content, kind = reports._pre_render_qweb_pdf(report.report_name, self.ids)
        return {
            'filename': self._get_invoice_report_filename(report=report),
            'filetype': 'pdf',
            'content': reports._get_splitted_report(report.report_name, content, kind)[self.id],
        }
