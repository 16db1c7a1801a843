"""`account_payment`: customers pay bills online, and Confirm Payment knows of it."""

from odoo import Command
from odoo.exceptions import RedirectWarning
from odoo.tests import new_test_user, tagged

from odoo.addons.assist_billing.tests.common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestOnlinePayments(AssistBillingCommon):
    """What is being paid online is not paid a second time without a warning."""

    def setUp(self):
        super().setUp()
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        biller = new_test_user(
            self.env,
            'biller',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.bill = self._bill(association).with_user(biller)

    def _pay_online(self, code, state):
        provider = self.env['payment.provider'].create(
            {'name': "Provider", 'code': code, 'state': 'test', 'company_id': self.company.id}
        )
        method = self.env['payment.method'].create(
            {'name': "Method", 'code': 'method', 'provider_ids': [Command.link(provider.id)]}
        )
        transaction = self.env['payment.transaction'].create(
            {
                'provider_id': provider.id,
                'payment_method_id': method.id,
                'reference': f"Online {self.bill.id}",
                'amount': self.bill.amount_total,
                'currency_id': self.bill.currency_id.id,
                'partner_id': self.customer.id,
                'invoice_ids': [Command.set(self.bill.ids)],
            }
        )
        transaction.state = state
        return transaction

    def _open_dialog(self):
        return (
            self.env['assist.confirm.payment']
            .with_user(self.bill.env.user)
            .create({'move_ids': [Command.set(self.bill.ids)]})
        )

    def test_a_payment_under_way_is_told_of_and_may_be_passed_over(self):
        transaction = self._pay_online('demo', 'pending')
        for state in ('pending', 'authorized', 'done'):
            transaction.state = state
            with self.assertRaisesRegex(RedirectWarning, f"payment of {self.bill.name} is under"):
                self.bill.action_assist_confirm_payment()
            self.assertEqual(self.bill.payment_state, 'not_paid')
        dialog = self._open_dialog()
        self.assertIn("is under way", dialog.online_warning)
        dialog.action_confirm()
        self.assertEqual(self.bill.payment_state, 'paid')

    def test_a_payment_that_failed_is_not_told_of(self):
        self._pay_online('demo', 'error')
        self.assertFalse(self._open_dialog().online_warning)
        self.bill.action_assist_confirm_payment()
        self.assertEqual(self.bill.payment_state, 'paid')

    def test_a_transfer_that_the_customer_makes_is_confirmed_here(self):
        self._pay_online('none', 'pending')
        self.bill.action_assist_confirm_payment()
        self.assertEqual(self.bill.payment_state, 'paid')
