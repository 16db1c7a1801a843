import io
from unittest.mock import patch

from odoo.tests import Form
from odoo.tools.pdf import PdfWriter

from odoo.addons.account.models.account_move_send import AccountMoveSend
from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.mail.tests.common import MailCommon

from ..common import AssistBillingCommon


class SendingCommon(AssistBillingCommon, MailCommon):
    """Sends bills through Odoo's dialogs and scheduled actions, to a mail server of our own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.email = 'billing@seller.example'
        cls.customer.email = 'acme@customer.example'
        # Else an administrator is asked for it before he may send.
        cls.company.external_report_layout_id = cls.env.ref('web.external_layout_standard')

    @classmethod
    def default_env_context(cls):
        return {}  # with chatter and mails

    def setUp(self):
        super().setUp()
        # That a PDF can be printed is proved elsewhere; here it only takes time.
        self.startPatcher(
            patch.object(AccountMoveSend, '_prepare_invoice_pdf_report', self._make_pdfs)
        )

    @staticmethod
    def _make_pdfs(sender, invoices_data):
        page = io.BytesIO()
        writer = PdfWriter()
        writer.add_blank_page(100, 100)
        writer.write(page)
        for move, move_data in invoices_data.items():
            move_data['pdf_attachment_values'] = {
                'name': f"{move.name.replace('/', '_')}.pdf",
                'raw': page.getvalue(),
                'mimetype': 'application/pdf',
                'res_model': move._name,
                'res_id': move.id,
                'res_field': 'invoice_pdf_report_file',
            }

    # === HELPERS === #

    def _create_bills(self, count, handling='post', **vals):
        """Return posted bills of `count` customers with an address each."""
        self.plan.bill_handling = handling
        associations = self.env['assist.billing.association']
        for number in range(count):
            partner = self._create_partner(f"C{number}", email=f"c{number}@customer.example")
            associations |= self._associate(partner, **vals)
            self._create_session(partner)
        self._close('2026-02-01 00:00:00')
        # In the order of the customers, whichever was made first.
        return associations.cycle_ids.move_id.sorted(lambda bill: bill.partner_id.id)

    def _run(self, method, model='account.move', **kwargs):
        self._run_schedule(method, model, **kwargs)

    def _send_queued(self):
        """Run Odoo's sending of invoices, then its mail queue."""
        self._run('_cron_account_move_send')
        self._run('process_email_queue', 'mail.mail')

    def _send_by_dialog(self, bill):
        action = bill.action_assist_email()
        with Form(self.env[action['res_model']].with_context(**action['context'])) as form:
            dialog = form.save()
        dialog.action_send_and_print()
        return dialog

    def _queue_by_dialog(self, bills):
        action = bills.action_assist_email()
        dialog = self.env[action['res_model']].with_context(**action['context']).create({})
        dialog.action_send_and_print()
        return dialog

    def _refuse_mails(self, error=None):
        """Let the mail server refuse every mail, or let nobody reach it."""
        if error:
            return patch.object(IrMail_Server, 'send_email', side_effect=error)
        return patch.object(
            type(self.env['ir.mail_server']),
            '_connect__',
            side_effect=ConnectionRefusedError("no mail server"),
        )

    def _get_sent_addresses(self):
        return sorted(address for mail in self.emails for address in mail['smtp_to_list'])
