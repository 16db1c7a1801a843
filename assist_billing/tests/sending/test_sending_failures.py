import smtplib
from ast import literal_eval
from unittest.mock import patch

from lxml import etree

from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ..thorough import thorough
from .sending_common import SendingCommon

MAIL_LOG = 'odoo.addons.mail.models.mail_mail'


@tagged('post_install', '-at_install')
@thorough
class TestSendingFailures(SendingCommon):
    """A mail that did not get through is not lost, not doubled, and not called sent."""

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

    @thorough
    def test_twelve_bills_one_without_address_and_a_server_that_refuses_then_accepts(self):
        bills = self._create_bills(12)
        nowhere = bills[5]
        nowhere.partner_id.email = False
        others = bills - nowhere
        self._check_filters(bills, not_sent=bills)
        self._queue_by_dialog(bills)
        self._check_filters(bills, queued=bills)
        error = smtplib.SMTPDataError(554, b"Refused")
        with self.mock_mail_gateway(), self._refuse_mails(error), mute_logger(MAIL_LOG):
            self._send_queued()
            self.assertFalse(self.emails)
        self._check_filters(bills, failed=others, no_address=nowhere)
        others.action_assist_retry_sending()
        self._check_filters(bills, queued=others, no_address=nowhere)
        with self.mock_mail_gateway(mail_unlink_sent=True):
            self._send_queued()
            self._send_queued()
        self._check_filters(bills, sent=others, no_address=nowhere)
        self.assertEqual(
            self._get_sent_addresses(), sorted(others.partner_id.mapped('email')), "each once"
        )
        # The address is found in the end: that bill, and no other, goes out.
        nowhere.partner_id.email = 'found@customer.example'
        nowhere.action_assist_retry_sending()
        with self.mock_mail_gateway(mail_unlink_sent=True):
            self._send_queued()
        self.assertEqual(self._get_sent_addresses(), ['found@customer.example'])
        self._check_filters(bills, sent=bills)

    def _check_filters(self, bills, **expected):
        """Expect each of the list's delivery filters to show these bills, the others none."""
        view = self.env.ref('assist_billing.account_move_view_search_assist_bills')
        filters = {node.get('name'): node for node in etree.fromstring(view.arch).iter('filter')}
        for name in ('not_sent', 'queued', 'sent', 'failed', 'no_address'):
            domain = literal_eval(filters[name].get('domain'))
            found = bills.search([*domain, ('id', 'in', bills.ids)], order='id')
            self.assertEqual(found, expected.get(name, bills.browse()), name)

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

    def test_without_a_mail_server_the_bill_says_so(self):
        self.env['ir.mail_server'].search([]).active = False
        [bill] = self._create_bills(1)
        with (
            patch.dict(config.options, smtp_server='localhost'),
            self.mock_mail_gateway(),
            self._refuse_mails(),
            mute_logger(MAIL_LOG),
        ):
            self._send_by_dialog(bill)
            self._send_queued()
            self.assertEqual(bill.assist_delivery_state, 'failed')
            self.assertIn("no server for outgoing mail", bill.assist_delivery_problem)

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
