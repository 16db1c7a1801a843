from unittest.mock import patch

from markupsafe import Markup

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account.models.account_move_send import AccountMoveSend

from ..thorough import thorough
from .sending_common import SendingCommon

MAIL_LOG = 'odoo.addons.mail.models.mail_mail'
QUEUE_LOG = 'odoo.addons.assist_billing.models.sending.queue'


@tagged('post_install', '-at_install')
class TestSending(SendingCommon):
    """A bill is sent once, to whom it should be, and is called sent only when it was."""

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
        body = mail['body'].replace('&amp;', '&')
        self.assertIn(f'/mail/view?access_token={bill.access_token}', body)
        self.assertNotIn('/my/invoices', body, "Odoo's button leads there, and there is no other")
        self.assertEqual(
            [name for name, *_rest in mail['attachments']], [f"{bill.name.replace('/', '_')}.pdf"]
        )

    def test_what_a_customer_asks_about_a_bill_reaches_somebody(self):
        association = self._associate(billing_emails="a@acme.example")
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        manager = new_test_user(
            self.env,
            'telling',
            groups='assist_billing.assist_billing_group_manager',
            company_id=self.company.id,
        )
        self.company.assist_manager_id = manager
        gateway = self.env.ref('base.user_root')
        portal = new_test_user(
            self.env, 'asking', groups='base.group_portal', company_id=self.company.id
        )
        portal.partner_id.parent_id = self.customer
        on_portal = {
            'message_type': 'comment',
            'subtype_xmlid': 'mail.mt_comment',
            'body': "What is this?",
        }
        by_mail = {
            **on_portal,
            'message_type': 'email',
            'author_id': self.customer.id,
            'email_from': "a@acme.example",
        }
        unknown = {**by_mail, 'author_id': False, 'email_from': "new@acme.example"}

        def ask(message, user):
            with self.mock_mail_gateway():
                message = bill.with_user(user).sudo().message_post(**message)
            return message.notified_partner_ids

        self.assertEqual(ask(on_portal, portal), manager.partner_id)
        self.assertEqual(ask(by_mail, gateway), manager.partner_id)
        self.assertEqual(ask(unknown, gateway), manager.partner_id)
        self.assertEqual(bill.assist_delivery_state, 'none')
        # Who of the colleagues has written follows the bill, and is told by Odoo.
        clerk = new_test_user(self.env, 'clerk', groups='account.group_account_invoice')
        self.assertFalse(ask(on_portal, clerk))
        self.assertEqual(ask(on_portal, portal), clerk.partner_id)

    def test_the_statement_goes_along_as_csv_if_wanted(self):
        self.company.assist_attach_statement = True
        association = self._associate(billing_emails="a@acme.example")
        self._create_session(name="Printer")
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        name = bill._assist_get_statement_filename()
        with self.mock_mail_gateway():
            dialog = self._send_by_dialog(bill)
        self.assertIn(name, [data['name'] for data in dialog.mail_attachments_widget])
        attachments = {name: content for name, content, *_rest in self._mails[0]['attachments']}
        self.assertEqual(attachments.keys(), {name, f"{bill.name.replace('/', '_')}.pdf"})
        text = attachments[name]
        text = text.decode('utf-8-sig') if isinstance(text, bytes) else text
        self.assertIn("Printer", text)
        self.assertIn("20.0", text)

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
                body=Markup("Any questions?"),
                partner_ids=bill.partner_id.ids,
                subtype_xmlid='mail.mt_comment',
                message_type='comment',
            )
        self.assertEqual(bill.assist_delivery_state, 'sent')

    def test_a_pdf_made_does_not_mean_sent(self):
        [bill] = self._create_bills(1)
        self.env['account.move.send']._generate_and_send_invoices(bill, sending_methods=['manual'])
        self.assertTrue(bill.invoice_pdf_report_id)
        self.assertRecordValues(
            bill,
            [
                {
                    'is_move_sent': True,
                    'assist_delivery_state': 'none',
                    # Nor does Odoo call it so.
                    'status_in_payment': 'posted',
                    'move_sent_values': 'not_sent',
                }
            ],
        )
        self._check_called_sent(bill, False)
        with self.mock_mail_gateway():
            self._send_by_dialog(bill)
        self.assertRecordValues(bill, [{'status_in_payment': 'sent', 'move_sent_values': 'sent'}])
        self._check_called_sent(bill, True)

    def _check_called_sent(self, bill, is_sent):
        """Expect Odoo's filters and groups to call this bill sent or not, and an invoice too."""
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        invoice.is_move_sent = is_sent
        domain = [('id', 'in', (bill | invoice).ids)]
        for value in ('sent', 'not_sent'):
            expected = bill | invoice if (value == 'sent') == is_sent else bill.browse()
            self.assertEqual(
                bill.search([*domain, ('move_sent_values', '=', value)], order='id'), expected
            )
        self.assertEqual(
            bill._read_group(domain, ['move_sent_values'], ['__count']),
            [('sent' if is_sent else 'not_sent', 2)],
        )

    def test_a_pdf_made_meanwhile_does_not_take_a_bill_out_of_the_queue(self):
        [bill] = self._create_bills(1, handling='send')
        self.env['account.move.send']._generate_and_send_invoices(bill, sending_methods=['manual'])
        self.assertEqual(bill.assist_delivery_state, 'queued')
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(bill.assist_delivery_state, 'sent')

    # === MANY === #

    @thorough
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
        bills = self._create_bills(6, handling='send')
        broken = bills[3]
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
        self.assertEqual(len(self._get_sent_addresses()), 5)
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

    def test_other_invoices_are_not_forgotten_when_time_is_up_with_the_last_bill(self):
        self._create_bills(1, handling='send')
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        invoice.sending_data = {
            'author_user_id': self.env.user.id,
            'author_partner_id': self.env.user.partner_id.id,
        }
        cron = self.env.ref('account.ir_cron_account_move_send').sudo()
        progress = cron.env['ir.cron.progress'].create({'cron_id': cron.id})
        context = {'cron_id': cron.id, 'ir_cron_progress_id': progress.id, 'cron_end_time': 0.0}
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.env(cr=cr, user=SUPERUSER_ID, context=context)
            env['account.move']._cron_account_move_send()
        self.env.invalidate_all()
        self.assertTrue(invoice.sending_data)
        self.assertRecordValues(progress, [{'done': 1, 'remaining': 1}])

    @thorough
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
        with self.assertRefused(f"{invoice.name}: not a remote support bill"):
            (invoice | good).action_assist_email()
        with self.assertRefused("nothing to retry"):
            good.action_assist_retry_sending()

    def test_a_refusal_names_the_first_of_many(self):
        bills = self._create_bills(7)
        with self.assertRefused("and 2 more: sending has not failed"):
            bills.action_assist_retry_sending()

    def test_what_is_being_sent_is_not_said_to_have_been_sent(self):
        [bill] = self._create_bills(1)
        bill._assist_queue_sending()
        self.assertEqual(bill._assist_get_amend_obstacle(), "it is being sent already")
        with self.assertRefused("it is being sent already. Make a credit note instead"):
            bill.button_draft()
