import time

from odoo import models
from odoo.exceptions import UserError

from ...utils.naming import name_some

# Sending methods that want no file but the PDF.
PLAIN_METHODS = (False, 'manual', 'email', 'snailmail')
# A PDF takes about a second. Servers end requests after two minutes, and all is undone then.
DOWNLOAD_SECONDS = 60
# So many are made anew for one download where they are not kept.
MOST_UNKEPT = 50
# Their numbers stand in the address, and web servers take 8 KB of it.
MOST_DOWNLOADED = 1_000


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

        Of very many PDFs are made, and kept, as long as a request may take; then it is said how
        many are left.

        :raise UserError: no bills, other documents, or too many
        """
        self.check_access('read')
        if not self:
            raise UserError(self.env._("Choose the bills to download."))
        if len(self) > MOST_DOWNLOADED:
            raise UserError(
                self.env._(
                    "Download at most %(most)s bills at a time: you have chosen %(count)s.",
                    most=MOST_DOWNLOADED,
                    count=len(self),
                )
            )
        self._assist_check_bills()
        missing = self._assist_get_missing_pdfs()
        unkept = self.filtered(lambda move: not move.invoice_pdf_report_id) - missing
        if len(unkept) > MOST_UNKEPT:
            raise UserError(
                self.env._(
                    "Download at most %(most)s of these bills at a time: the PDFs of %(count)s are "
                    "not kept, so they are made anew each time. They are drafts, or will be sent "
                    "with an e-invoice, or you may not change them.",
                    most=MOST_UNKEPT,
                    count=len(unkept),
                )
            )
        if left := missing._assist_make_pdfs():
            return {
                'type': 'ir.actions.client',
                'tag': 'display_notification',
                'params': {
                    'type': 'warning',
                    'sticky': True,
                    'title': self.env._("PDFs still to be made: %(count)s", count=len(left)),
                    'message': self.env._(
                        "The others are kept. Download the same bills again to go on."
                    ),
                },
            }
        return self.action_invoice_download_pdf()

    # === BUSINESS METHODS === #

    def _assist_check_bills(self):
        """Refuse documents that have nothing to do with remote support, by name."""
        if others := self.filtered(lambda move: not move.assist_kind):
            raise UserError(
                self.env._(
                    "These are not remote support bills: %(names)s. Leave them out of the "
                    "selection.",
                    names=name_some(self.env, others.mapped('display_name')),
                )
            )

    def _assist_get_missing_pdfs(self):
        """Return the posted bills whose PDFs are yet to be made, and will be kept."""
        missing = self.filtered(
            lambda move: move.state == 'posted'
            and not move.invoice_pdf_report_id
            and not move._assist_has_e_invoice()
        )
        # An auditor gets what can be shown to him without keeping it.
        return missing if missing.has_access('write') else missing.browse()

    def _assist_make_pdfs(self):
        """Make the PDFs of these bills, one by one, and return those left when time is up.

        Nothing is sent.
        """
        send = self.env['account.move.send']
        until = time.monotonic() + DOWNLOAD_SECONDS
        for index, bill in enumerate(self):
            if index and time.monotonic() > until:
                return self[index:]
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
        return self.browse()

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
