import io
from base64 import b64encode

from odoo import api, models
from odoo.tools.pdf import PdfWriter

from . import courier


class AccountMoveSend(models.AbstractModel):
    """As `account_peppol`: a file of its own, handed over after the PDF, then a commit."""

    _inherit = 'account.move.send'

    @api.model
    def _prepare_invoice_pdf_report(self, invoices_data):
        # OVERRIDE account: that a PDF can be printed is proved elsewhere
        for move, move_data in invoices_data.items():
            page = io.BytesIO()
            writer = PdfWriter()
            writer.add_blank_page(100, 100)
            writer.write(page)
            move_data['pdf_attachment_values'] = {
                'name': "bill.pdf",
                'raw': page.getvalue(),
                'mimetype': 'application/pdf',
                'res_model': move._name,
                'res_id': move.id,
                'res_field': 'invoice_pdf_report_file',
            }
        courier.reach('printed')

    @api.model
    def _hook_invoice_document_before_pdf_report_render(self, invoice, invoice_data):
        super()._hook_invoice_document_before_pdf_report_render(invoice, invoice_data)
        if invoice.commercial_partner_id.invoice_sending_method == 'courier':
            invoice_data['courier_file'] = invoice.name.encode()

    @api.model
    def _call_web_service_after_invoice_pdf_render(self, invoices_data):
        super()._call_web_service_after_invoice_pdf_render(invoices_data)
        for move, move_data in invoices_data.items():
            if 'courier' not in move_data['sending_methods']:
                continue
            courier.reach('before')
            courier.hand_over(move.id)
            courier.reach('between')
            move.courier_reference = f"COURIER {move.id}"
            move.message_post(body="Given to the courier")
            if self._can_commit():
                self.env.cr.commit()
            courier.reach('after')

    @api.model
    def _link_invoice_documents(self, invoices_data):
        super()._link_invoice_documents(invoices_data)
        for move, move_data in invoices_data.items():
            if content := move_data.get('courier_file'):
                move.courier_file = b64encode(content)
                courier.reach('linked')

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        super()._hook_if_success(moves_data, from_cron=from_cron)
        if any('courier_file' in move_data for move_data in moves_data.values()):
            courier.reach('mailed')
