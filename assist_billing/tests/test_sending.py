import io
import smtplib
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.pdf import PdfWriter

from odoo.addons.account.models.account_move_send import AccountMoveSend
from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.mail.tests.common import MailCommon

from .common import AssistBillingCommon

MAIL_LOG = 'odoo.addons.mail.models.mail_mail'
QUEUE_LOG = 'odoo.addons.assist_billing.models.account_move_queue'


@tagged('post_install', '-at_install')
class TestSending(AssistBillingCommon, MailCommon):
    """A bill is sent once, to whom it should be, and is called sent only when it was."""

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
        return associations.cycle_ids.move_id.sorted('id')

    def _run(self, method, model='account.move'):
        """Run a scheduled action's method the way the scheduler does."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.env(cr=cr, user=SUPERUSER_ID, context={})
            getattr(env[model], method)()
        self.env.invalidate_all()

    def _send_queued(self):
        """Run Odoo's sending of invoices, then its mail queue."""
        self._run('_cron_account_move_send')
        self._run('process_email_queue', 'mail.mail')

    def _send_by_dialog(self, bill):
        action = bill.action_assist_email()
        with Form(self.env[action['res_model']].with_context(**action['context'])) as form:
            dialog = form.save()
        dialog.action_send_and_print()

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

    # === ONE BILL === #

    def test_one_bill_is_sent_by_odoo_s_dialog(self):
        association = self._associate(billing_emails="a@acme.example, B@acme.example")
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        with self.mock_mail_gateway():
            self._send_by_dialog(bill)
        self.assertEqual(self._get_sent_addresses(), ['a@acme.example', 'b@acme.example'])
        self.assertRecordValues(bill, [{'assist_delivery_state': 'sent'}])
        mail = self._mails[0]
        self.assertIn("01/01/2026 – 01/31/2026", mail['subject'])
        self.assertIn(bill.name, mail['subject'])
        self.assertIn("23.00", mail['body'])
        self.assertIn(bill.get_portal_url(), mail['body'].replace('&amp;', '&'))
        self.assertEqual(
            [name for name, *_rest in mail['attachments']], [f"{bill.name.replace('/', '_')}.pdf"]
        )

    def test_contacts_made_for_addresses_belong_to_the_customer(self):
        stray = self._create_partner("Stray", email='a@acme.example')
        known = self._create_partner("Known", email='B@acme.example', parent_id=self.customer.id)
        association = self._associate(
            billing_emails="a@acme.example, b@acme.example, acme@customer.example"
        )
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        biller = new_test_user(
            self.env,
            'biller',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        recipients = bill.with_user(biller)._assist_get_recipients()
        made = recipients - known - self.customer
        self.assertRecordValues(
            made, [{'parent_id': self.customer.id, 'email': 'a@acme.example', 'type': 'other'}]
        )
        self.assertNotIn(stray, recipients)
        self.assertEqual(bill._assist_get_recipients(), recipients, "found again, not made anew")
        self.assertEqual(
            self.customer.address_get(['invoice'])['invoice'],
            self.customer.id,
            "bills are made out to the customer as before",
        )

    def test_without_billing_addresses_the_invoice_address_gets_it(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        self.assertEqual(bill._assist_get_recipients(), self.customer)
        books = self._create_partner(
            "Books", email='books@acme.example', type='invoice', parent_id=self.customer.id
        )
        self.assertEqual(bill._assist_get_recipients(), books)

    def test_a_department_without_address_falls_back_on_its_company(self):
        department = self._create_partner("IT", parent_id=self.customer.id)
        association = self._associate(department)
        self._create_session(department)
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(association)._assist_get_recipients(), self.customer)

    def test_the_sender_is_the_salesperson_or_the_company(self):
        seller = new_test_user(self.env, 'seller', email='seller@seller.example')
        first, second = self._create_bills(2, handling='send')
        first.invoice_user_id = seller
        self.assertFalse(second.invoice_user_id)
        with self.mock_mail_gateway():
            self._send_queued()
        senders = {mail['email_to'][0]: mail['email_from'] for mail in self._mails}
        self.assertEqual(len(senders), 2)
        for bill, address, author in (
            (first, 'seller@seller.example', seller.partner_id),
            (second, 'billing@seller.example', self.company.partner_id),
        ):
            self.assertIn(
                address,
                next(value for key, value in senders.items() if bill.partner_id.email in key),
            )
            self.assertEqual(bill.assist_message_id.author_id, author)

    def test_a_sent_bill_keeps_its_state_whatever_else_is_written_about_it(self):
        [bill] = self._create_bills(1)
        with self.mock_mail_gateway():
            self._send_by_dialog(bill)
        with self.mock_mail_gateway(), self._refuse_mails(), mute_logger(MAIL_LOG):
            bill.message_post(
                body="Any questions?",
                partner_ids=bill.partner_id.ids,
                subtype_xmlid='mail.mt_comment',
                message_type='comment',
            )
        self.assertEqual(bill.assist_delivery_state, 'sent')

    def test_a_pdf_made_does_not_mean_sent(self):
        [bill] = self._create_bills(1)
        self.env['account.move.send']._generate_and_send_invoices(bill, sending_methods=['manual'])
        self.assertTrue(bill.invoice_pdf_report_id)
        self.assertRecordValues(bill, [{'is_move_sent': True, 'assist_delivery_state': 'none'}])

    def test_a_pdf_made_meanwhile_does_not_take_a_bill_out_of_the_queue(self):
        [bill] = self._create_bills(1, handling='send')
        self.env['account.move.send']._generate_and_send_invoices(bill, sending_methods=['manual'])
        self.assertEqual(bill.assist_delivery_state, 'queued')
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(bill.assist_delivery_state, 'sent')

    # === MANY === #

    def test_a_batch_with_a_customer_without_address(self):
        bills = self._create_bills(12)
        nowhere = bills[5]
        nowhere.partner_id.email = False
        dialog = self._queue_by_dialog(bills)
        self.assertIn("C5", dialog.alerts['account_missing_email']['message'])
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'queued'})
        with self.mock_mail_gateway():
            self._send_queued()
            # Twice does not mean twice.
            self._send_queued()
        self.assertRecordValues(nowhere, [{'assist_delivery_state': 'no_address'}])
        self.assertEqual(set((bills - nowhere).mapped('assist_delivery_state')), {'sent'})
        self.assertEqual(
            self._get_sent_addresses(), sorted((bills - nowhere).partner_id.mapped('email'))
        )
        # The address is found, and it is tried again.
        nowhere.partner_id.email = 'found@customer.example'
        nowhere.action_assist_retry_sending()
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), ['found@customer.example'])
        self.assertEqual(nowhere.assist_delivery_state, 'sent')

    def test_one_that_fails_does_not_stop_its_batch(self):
        bills = self._create_bills(12, handling='send')
        broken = bills[5]
        generate = AccountMoveSend._generate_and_send_invoices

        def fail_for_one(sender, moves, **settings):
            if moves == broken:
                generate(sender, moves, **settings)
                raise UserError(self.env._("The printer is out of order"))
            return generate(sender, moves, **settings)

        with (
            self.mock_mail_gateway(),
            patch.object(AccountMoveSend, '_generate_and_send_invoices', fail_for_one),
        ):
            self._send_queued()
        self.assertRecordValues(
            broken,
            [
                {
                    'assist_delivery_state': 'failed',
                    'sending_data': False,
                    'invoice_pdf_report_id': False,
                }
            ],
        )
        self.assertIn("The printer is out of order", broken.message_ids[0].body)
        self.assertEqual(set((bills - broken).mapped('assist_delivery_state')), {'sent'})
        self.assertEqual(len(self._get_sent_addresses()), 11)
        broken.action_assist_retry_sending()
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), [broken.partner_id.email])
        self.assertEqual(broken.assist_delivery_state, 'sent')

    def test_what_nobody_expected_is_logged_and_shown(self):
        [bill] = self._create_bills(1, handling='send')
        with (
            self.assertLogs(QUEUE_LOG, 'ERROR'),
            patch.object(AccountMoveSend, '_send_mails', side_effect=ZeroDivisionError("oops")),
        ):
            self._send_queued()
        self.assertEqual(bill.assist_delivery_state, 'failed')
        self.assertIn("ZeroDivisionError: oops", bill.message_ids[0].body)

    def test_other_invoices_are_sent_by_odoo_as_ever(self):
        [bill] = self._create_bills(1, handling='send')
        invoice = self._create_invoice_one_line(
            price_unit=10.0, post=True, partner_id=self._create_partner("X", email='x@x.example')
        )
        invoice.sending_data = {
            'author_user_id': self.env.user.id,
            'author_partner_id': self.env.user.partner_id.id,
        }
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), sorted(['x@x.example', bill.partner_id.email]))
        self.assertRecordValues(invoice, [{'sending_data': False, 'assist_delivery_state': 'none'}])

    def test_a_batch_leaves_out_what_was_sent_and_says_so(self):
        bills = self._create_bills(3)
        with self.mock_mail_gateway():
            self._send_by_dialog(bills[0])
        dialog = self._queue_by_dialog(bills)
        self.assertIn(bills[0].name, dialog.alerts['assist_left_out']['message'])
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), bills[1:].partner_id.mapped('email'))
        self.assertEqual(
            bills.action_assist_email()['context']['active_ids'],
            bills.ids,
            "all of them sent: they are meant to be sent again",
        )

    # === REFUSALS === #

    def test_drafts_cancelled_queued_and_other_documents_are_refused_by_name(self):
        draft, cancelled, queued, good = self._create_bills(4)
        draft.button_draft()
        cancelled.button_cancel()
        queued._assist_queue_sending()
        for bill, words in (
            (draft, r"\(C0\): it is a draft"),
            (cancelled, r"\(C1\): it is cancelled"),
            (queued, r"\(C2\): it is being sent already"),
        ):
            with self.subTest(words=words), self.assertRefused(words):
                (bill | good).action_assist_email()
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        with self.assertRefused(f"{invoice.name}: no remote support bill"):
            (invoice | good).action_assist_email()
        with self.assertRefused("nothing to try again"):
            good.action_assist_retry_sending()

    # === MAIL SERVER === #

    def test_a_server_that_refuses_then_accepts(self):
        bills = self._create_bills(3, handling='send')
        error = smtplib.SMTPDataError(554, b"Refused")
        with self.mock_mail_gateway(), self._refuse_mails(error), mute_logger(MAIL_LOG):
            self._send_queued()
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'failed'})
        self.assertIn("Refused", bills[0].assist_delivery_problem)
        mails = self.env['mail.mail'].search(
            [('mail_message_id', 'in', bills.assist_message_id.ids)]
        )
        self.assertEqual(len(mails), 3)
        # Refused is not retried by itself: the server has said no.
        with self.mock_mail_gateway():
            self._run('_cron_assist_follow_sending')
            self._send_queued()
        self.assertFalse(self.emails)

        bills.action_assist_retry_sending()
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'queued'})
        with self.mock_mail_gateway(mail_unlink_sent=True):
            self._send_queued()
            self.assertFalse(self._new_mails, "the failed mails are sent, no new ones")
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), bills.partner_id.mapped('email'))
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'sent'})
        self.assertFalse(bills[0].assist_delivery_problem)

    def test_a_server_that_is_down_loses_nothing(self):
        bills = self._create_bills(3, handling='send')
        with self.mock_mail_gateway(), self._refuse_mails():
            self._send_queued()
            self.assertEqual(set(bills.mapped('assist_delivery_state')), {'failed'})
            self._run('_cron_assist_follow_sending')
            self.assertEqual(set(bills.mapped('assist_delivery_state')), {'queued'})
            self._send_queued()
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'failed'})
        with self.mock_mail_gateway():
            self._run('_cron_assist_follow_sending')
            self._send_queued()
            self._run('_cron_assist_follow_sending')
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), bills.partner_id.mapped('email'))
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'sent'})

    def test_only_those_who_did_not_get_it_get_it_again(self):
        [bill] = self._create_bills(1, billing_emails="a@x.example, b@x.example")
        with self.mock_mail_gateway():
            bill._assist_queue_sending()
            self._run('_cron_account_move_send')
        self.assertEqual(bill.assist_delivery_state, 'queued')
        notifications = bill.assist_message_id.notification_ids.sudo()
        notifications[0].notification_status = 'sent'
        self.assertEqual(bill.assist_delivery_state, 'queued', "one of two")
        notifications[1].mail_mail_id.state = 'exception'
        notifications[1].notification_status = 'exception'
        self.assertEqual(bill.assist_delivery_state, 'failed')
        bill.action_assist_retry_sending()
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(
            self._get_sent_addresses(), notifications[1].res_partner_id.mapped('email')
        )
        self.assertEqual(bill.assist_delivery_state, 'sent')

    def test_a_bounce_is_a_failure_that_needs_another_address(self):
        [bill] = self._create_bills(1)
        with self.mock_mail_gateway(mail_unlink_sent=True):
            self._send_by_dialog(bill)
        bill.assist_message_id.notification_ids.sudo().write(
            {'notification_status': 'bounce', 'failure_type': 'mail_bounce'}
        )
        self.assertEqual(bill.assist_delivery_state, 'failed')
        with self.assertRefused("Correct the address"):
            bill.action_assist_retry_sending()

    def test_mails_taken_out_of_the_queue_were_not_sent(self):
        cancelled, deleted = self._create_bills(2, handling='send')
        with self.mock_mail_gateway(mail_unlink_sent=True):
            self._run('_cron_account_move_send')
            for bill, action in ((cancelled, 'cancel'), (deleted, 'unlink')):
                self.assertEqual(bill.assist_delivery_state, 'queued')
                getattr(bill.assist_message_id.notification_ids.sudo().mail_mail_id, action)()
                self.assertEqual(bill.assist_delivery_state, 'failed')

    def test_a_failed_mail_does_not_go_out_once_the_bill_is_reset(self):
        [bill] = self._create_bills(1, handling='send')
        with self.mock_mail_gateway(), self._refuse_mails():
            self._send_queued()
        bill.button_draft()
        self.assertEqual(bill.assist_delivery_state, 'none')
        with self.mock_mail_gateway():
            self._run('_cron_assist_follow_sending')
            self._send_queued()
        self.assertFalse(self.emails)
