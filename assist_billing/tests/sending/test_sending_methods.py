from unittest.mock import patch

from odoo.exceptions import RedirectWarning, UserError
from odoo.tests import tagged

from odoo.addons.account.models.account_move_send import AccountMoveSend

from ..thorough import thorough
from .sending_common import SendingCommon


@tagged('post_install', '-at_install')
@thorough
class TestSendingMethods(SendingCommon):
    """A bill goes the ways the customer gets invoices, and is sent when one of them took it."""

    def _create_bill_by_post(self, **vals):
        """Return the bill of a customer who gets invoices by post, and has no e-mail address."""
        partner = self._create_partner(
            "Posted",
            invoice_sending_method='snailmail',
            **{
                'street': "Main Street 1",
                'city': "Springfield",
                'zip': "12345",
                'country_id': self.env.ref('base.us').id,
            }
            | vals,
        )
        self.plan.bill_handling = 'send'
        association = self._associate(partner)
        self._create_session(partner)
        self._close('2026-02-01 00:00:00')
        return self._bill(association)

    def _get_letter(self, bill):
        return self.env['snailmail.letter'].search(
            [('model', '=', 'account.move'), ('res_id', '=', bill.id)], order='id desc'
        )

    # === BY POST === #

    def test_a_customer_by_post_needs_no_email_address(self):
        bill = self._create_bill_by_post()
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertFalse(self.emails)
        letter = self._get_letter(bill)
        self.assertEqual(len(letter), 1)
        self.assertEqual(bill.assist_delivery_state, 'queued', "not posted yet")
        letter.notification_ids.sudo().notification_status = 'sent'
        self.assertRecordValues(
            bill,
            [{'assist_delivery_state': 'sent', 'move_sent_values': 'sent', 'sending_data': False}],
        )
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(self._get_letter(bill), letter, "once")

    def test_a_letter_that_failed_is_posted_again_when_somebody_says_so(self):
        bill = self._create_bill_by_post()
        self._send_queued()
        letter = self._get_letter(bill)
        letter.notification_ids.sudo().write(
            {'notification_status': 'exception', 'failure_reason': "No such street"}
        )
        self.assertEqual(bill.assist_delivery_state, 'failed')
        self.assertIn("No such street", bill.assist_delivery_problem)
        bill.action_assist_retry_sending()
        self._send_queued()
        self.assertEqual(len(self._get_letter(bill)), 2)
        self.assertEqual(bill.assist_delivery_state, 'queued')
        self._get_letter(bill)[0].notification_ids.sudo().notification_status = 'sent'
        self.assertEqual(bill.assist_delivery_state, 'sent')

    def test_what_was_posted_is_not_taken_back(self):
        bill = self._create_bill_by_post()
        self._send_queued()
        self._get_letter(bill).notification_ids.sudo().notification_status = 'sent'
        for refused in ('button_draft', 'button_cancel', 'unlink'):
            with self.subTest(refused=refused), self.assertRefused("it was sent to the customer"):
                getattr(bill, refused)()
        self.assertTrue(bill._assist_get_amend_obstacle())

    def test_an_address_nobody_can_post_to_is_a_failure_in_words(self):
        bill = self._create_bill_by_post(zip=False)
        self._send_queued()
        self.assertFalse(self._get_letter(bill))
        self.assertEqual(bill.assist_delivery_state, 'failed')
        self.assertIn("cannot be used for this one", bill.message_ids[0].body)

    def test_the_dialog_offers_what_the_customer_wants(self):
        bill = self._create_bill_by_post()
        bill._assist_as_engine().write({'sending_data': False, 'assist_delivery_state': 'none'})
        action = bill.action_assist_email()
        dialog = self.env[action['res_model']].with_context(**action['context']).create({})
        self.assertEqual(dialog.sending_methods, ['snailmail'])
        with self.mock_mail_gateway():
            dialog.action_send_and_print()
        self.assertFalse(self.emails)
        self.assertEqual(len(self._get_letter(bill)), 1)

    def test_addresses_for_bills_get_them_by_email_too(self):
        bill = self._create_bill_by_post()
        bill.assist_association_id.billing_emails = 'books@customer.example'
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), ['books@customer.example'])
        self.assertEqual(len(self._get_letter(bill)), 1)
        self.assertEqual(bill.assist_delivery_state, 'sent', "the mail was delivered")

    # === WHAT ANOTHER WAY TOOK === #

    def test_what_another_way_took_is_sent_and_not_handed_over_again(self):
        [bill] = self._create_bills(1, handling='send')
        send = self.env['account.move.send']
        with patch.object(
            AccountMoveSend, '_get_default_extra_edis', lambda *_args: {'tax_agency'}
        ):
            with self.mock_mail_gateway(), self._refuse_mails():
                self._send_queued()
            self.assertEqual(bill.assist_transmission, {'taken': ['tax_agency']})
            self.assertEqual(bill.assist_delivery_state, 'sent', "though its mail failed")
            self.assertFalse(send._get_default_sending_settings(bill)['extra_edis'])
        for refused in ('button_draft', 'button_cancel', 'unlink'):
            with self.subTest(refused=refused), self.assertRefused("it was sent to the customer"):
                getattr(bill, refused)()

    def test_what_another_way_took_is_noted_whoever_sends(self):
        [bill] = self._create_bills(1)
        self.assertFalse(bill.env.su)
        bill._assist_answered({'tax_agency'})
        self.assertEqual(bill.assist_transmission, {'taken': ['tax_agency']})
        self.assertEqual(bill.assist_delivery_state, 'sent')
        self.assertTrue(bill.sending_data['assist_files_only'])

    def test_what_was_refused_is_not_sent_and_says_why(self):
        [bill] = self._create_bills(1, handling='send')

        def refuse(_sender, invoices_data):
            for move_data in invoices_data.values():
                move_data['error'] = "The agency does not know you"

        with (
            patch.object(AccountMoveSend, '_get_default_extra_edis', lambda *_args: {'tax_agency'}),
            patch.object(AccountMoveSend, '_call_web_service_after_invoice_pdf_render', refuse),
            self.mock_mail_gateway(),
        ):
            self._send_queued()
        self.assertEqual(bill.assist_delivery_state, 'failed')
        self.assertFalse(bill.assist_transmission)
        self.assertIn("does not know you", bill.message_ids[0].body)
        bill.button_draft()

    def test_what_is_to_be_asked_for_again_stays_queued_and_stops_nobody(self):
        [bill] = self._create_bills(1, handling='send')
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        invoice.partner_id.email = 'any@customer.example'
        invoice.sending_data = {
            'author_user_id': self.env.uid,
            'author_partner_id': self.env.user.partner_id.id,
        }

        def wait(_sender, invoices_data):
            for move, move_data in invoices_data.items():
                if move == bill:
                    move_data['error'] = {'error_title': "Busy", 'retry': True}

        with (
            patch.object(AccountMoveSend, '_call_web_service_after_invoice_pdf_render', wait),
            self.mock_mail_gateway(),
        ):
            self._send_queued()
        self.assertEqual(bill.assist_delivery_state, 'queued')
        self.assertTrue(bill.sending_data)
        self.assertFalse(invoice.sending_data)
        self.assertTrue(invoice.is_move_sent)
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(bill.assist_delivery_state, 'sent')

    def test_the_customer_s_format_goes_along(self):
        [bill] = self._create_bills(1, handling='send')
        bill.partner_id.invoice_edi_format = 'ubl_bis3'
        self.assertEqual(
            self.env['account.move.send']._get_default_sending_settings(bill)['invoice_edi_format'],
            'ubl_bis3',
        )

    # === ADDRESSES === #

    def test_an_address_written_twice_is_one(self):
        association = self._associate(
            billing_emails="a@b.co.uk, A@B.co.uk,Ada <a@b.co.uk> , a@b.co.uk., "
            '"Lovelace, Ada" <A@b.co.uk>, c@d.example'
        )
        self.assertEqual(association.billing_emails, "a@b.co.uk, c@d.example")
        # What was stored before.
        self.env.cr.execute(
            "UPDATE assist_billing_association SET billing_emails = %s WHERE id = %s",
            ["a@b.co.uk, A@b.co.uk, Ada <A@B.co.uk>,c@d.example,", association.id],
        )
        association.invalidate_recordset()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        recipients = bill._assist_get_recipients()
        self.assertEqual(recipients.mapped('email'), ["a@b.co.uk", "c@d.example"])
        self.assertEqual(bill._assist_get_recipients(), recipients)
        with self.mock_mail_gateway():
            self._send_by_dialog(bill)
        self.assertEqual(self._get_sent_addresses(), ["a@b.co.uk", "c@d.example"])

    def test_a_contact_whose_address_is_written_otherwise_is_no_second_one(self):
        known = self.env['res.partner']
        for name, email in (
            ("Upper", "A@B.CO.UK"),
            ("Named", '"Ada" <ada@b.co.uk>'),
            ("Blank", " blank@b.co.uk "),
            ("Dot", "dot@b.co.uk."),
        ):
            known |= self._create_partner(name, email=email, parent_id=self.customer.id)
        association = self._associate(
            billing_emails="a@b.co.uk, ada@b.co.uk, blank@b.co.uk, dot@b.co.uk"
        )
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(association)._assist_get_recipients(), known)

    # === SENDER === #

    def test_a_company_without_address_is_told_with_a_button(self):
        bills = self._create_bills(2)
        self.company.email = False
        self.company.alias_domain_id = False
        one = bills[0]
        action = one.action_assist_email()
        dialog = self.env[action['res_model']].with_context(**action['context']).create({})
        alert = dialog.alerts['assist_no_sender']
        self.assertEqual(alert['action']['res_id'], self.company.id)
        self.assertIn(self.company.name, alert['message'])
        with self.assertRefused("has no e-mail address"):
            dialog.action_send_and_print()
        with self.assertRefused("has no e-mail address"):
            self._queue_by_dialog(bills)
        administrator = self.env.ref('base.user_admin')
        administrator.company_ids |= self.company
        send = self.env['account.move.send'].with_user(administrator)
        with self.assertRaisesRegex(RedirectWarning, "has no e-mail address"):
            send._generate_and_send_invoices(one.with_user(administrator))
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'none'})
        # On the queue: failed, and why; then it leaves.
        one._assist_queue_sending()
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(one.assist_delivery_state, 'failed')
        self.assertIn("has no e-mail address", one.message_ids[0].body)
        self.assertNotIn("ICP", one.message_ids[0].body)
        with self.assertRaisesRegex((RedirectWarning, UserError), "has no e-mail address"):
            one.action_assist_retry_sending()
        self.company.email = 'billing@seller.example'
        # Odoo keeps it for the length of a transaction.
        self.company.invalidate_recordset(['email_formatted'])
        one.action_assist_retry_sending()
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(one.assist_delivery_state, 'sent')

    def test_a_stored_mail_without_sender_gets_one(self):
        [bill] = self._create_bills(1, handling='send')
        with self.mock_mail_gateway():
            self._run('_cron_account_move_send')
        mail = bill.assist_message_id.notification_ids.sudo().mail_mail_id
        # As it was stored before the company had an address.
        mail.write({'email_from': False, 'state': 'exception'})
        mail.notification_ids.sudo().write(
            {'notification_status': 'exception', 'failure_type': 'mail_from_missing'}
        )
        self.assertEqual(bill.assist_delivery_state, 'failed')
        bill.action_assist_retry_sending()
        with self.mock_mail_gateway():
            self._send_queued()
        self.assertEqual(bill.assist_delivery_state, 'sent')
        self.assertIn('billing@seller.example', self._mails[0]['email_from'])

    # === DOWNLOAD === #

    def test_a_download_hands_over_nothing(self):
        bill, other = self._create_bills(2)

        def transmit(_sender, *_args, **_kwargs):
            self.fail("handed over by a download")

        with (
            patch.object(AccountMoveSend, '_call_web_service_before_invoice_pdf_render', transmit),
            patch.object(AccountMoveSend, '_call_web_service_after_invoice_pdf_render', transmit),
            patch.object(AccountMoveSend, '_hook_if_success', transmit),
            patch.object(
                AccountMoveSend, '_hook_invoice_document_before_pdf_report_render', transmit
            ),
        ):
            bill.action_assist_download()
            self.assertTrue(bill.invoice_pdf_report_id)
            with patch.object(
                AccountMoveSend, '_get_default_extra_edis', lambda *_args: {'tax_agency'}
            ):
                other.action_assist_download()
                self.assertFalse(other.invoice_pdf_report_id, "made with the e-invoice")
        self.assertEqual(set((bill | other).mapped('assist_delivery_state')), {'none'})
        self.assertFalse(bill.is_move_sent)

    def test_a_posted_bill_is_never_called_a_proforma(self):
        [bill] = self._create_bills(1)
        reports = type(self.env['ir.actions.report'])
        with (
            patch.object(reports, '_pre_render_qweb_pdf', lambda *_a, **_k: (b'%PDF', 'pdf')),
            patch.object(
                reports, '_get_splitted_report', lambda *_args: {bill.id: b'%PDF of the bill'}
            ),
        ):
            document = bill._get_invoice_legal_documents('pdf', allow_fallback=True)
        self.assertEqual(document['content'], b'%PDF of the bill')
        self.assertEqual(document['filename'], f"{bill.name.replace('/', '_')}.pdf")
