from odoo import Command
from odoo.tests import freeze_time, tagged

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-02-05 12:00:00')
class TestPaymentAsShown(AssistBillingCommon):
    """Confirm Payment registers just what it shows: nothing deducted, nothing written off."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bank = cls.company_data['default_journal_bank']
        cls.company.assist_payment_journal_id = cls.bank

    def _create_bills(self, count=1, plan=None, **vals):
        """Return posted bills of 1,000.00 and the tax, of `count` customers, with these values."""
        plan = plan or self.plan
        plan.price_per_session = 1000.0
        associations = self.env['assist.billing.association']
        for number in range(count):
            associations |= self._associate(self._create_partner(f"Customer {number}"), plan)
            self._create_session(associations[-1].partner_id)
        self._close('2026-02-01 00:00:00')
        bills = associations.cycle_ids.move_id.sorted(lambda bill: bill.partner_id.id)
        if vals:
            bills.button_draft()
            bills.write(vals)
            bills.action_post()
        return bills

    def _create_early_term(self, computation='included'):
        return self.env['account.payment.term'].create(
            {
                'name': f"2 % within 10 days, {computation}",
                'early_discount': True,
                'discount_percentage': 2.0,
                'discount_days': 10,
                'early_pay_discount_computation': computation,
                'line_ids': [Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )

    def _open(self, bills):
        context = bills.action_assist_confirm_payment_dialog()['context']
        return self.env['assist.confirm.payment'].with_context(**context).create({})

    def _assert_paid_as_shown(self, bills):
        due = {bill.id: bill.amount_residual for bill in bills}
        dialog = self._open(bills)
        self.assertAlmostEqual(dialog.amount, sum(due.values()))
        dialog.action_confirm()
        payments = self.env['account.payment'].search([('assist_bill_id', 'in', bills.ids)])
        self.assertEqual({pay.assist_bill_id.id: pay.amount for pay in payments}, due)
        self.assertEqual(payments.currency_id, bills.currency_id)
        self.assertEqual([len(payment.move_id.line_ids) for payment in payments], [2] * len(bills))
        self.assertEqual(set(bills.mapped('payment_state')), {'paid'})
        self.assertEqual(bills.mapped('amount_residual'), [0.0] * len(bills))

    # === EARLY PAYMENT === #

    def test_no_discount_for_early_payment_is_taken(self):
        bill = self._create_bills(invoice_payment_term_id=self._create_early_term().id)
        self.assertTrue(bill._is_eligible_for_early_payment_discount(bill.currency_id, bill.date))
        self._assert_paid_as_shown(bill)

    def test_none_is_taken_whatever_it_does_to_the_tax(self):
        for computation in ('mixed', 'excluded'):
            with self.subTest(computation=computation), self.cr.savepoint() as savepoint:
                term = self._create_early_term(computation)
                self._assert_paid_as_shown(self._create_bills(invoice_payment_term_id=term.id))
                savepoint.rollback()

    def test_none_is_taken_of_many_at_once(self):
        self._assert_paid_as_shown(
            self._create_bills(3, invoice_payment_term_id=self._create_early_term().id)
        )

    def test_one_click_takes_none_either(self):
        bill = self._create_bills(invoice_payment_term_id=self._create_early_term().id)
        bill.action_assist_confirm_payment()
        self.assertEqual(bill.matched_payment_ids.amount, bill.amount_total)

    def test_odoo_s_own_dialog_still_offers_it(self):
        bill = self._create_bills(invoice_payment_term_id=self._create_early_term().id)
        action = self._open(bill).action_other_payment()
        register = self.env['account.payment.register'].with_context(**action['context']).create({})
        self.assertAlmostEqual(register.amount, bill.amount_total * 0.98)

    # === OTHER DIFFERENCES === #

    def test_a_journal_in_another_currency_gets_the_currency_of_the_bill(self):
        euro = self.setup_other_currency('EUR', rates=[('2020-01-01', 0.8371)])
        self.company.assist_payment_journal_id = self.bank.copy(
            {'name': "Euro bank", 'currency_id': euro.id}
        )
        self._assert_paid_as_shown(self._create_bills())
        self._assert_paid_as_shown(self._create_bills(2, self._create_plan(name="Other")))

    def test_a_bill_in_a_currency_without_cents_is_paid_at_another_day_s_rate(self):
        yen = self.setup_other_currency(
            'JPY', rates=[('2020-01-01', 147.31), ('2026-02-04', 151.07)], rounding=1.0
        )
        plan = self._create_plan(name="Yen", currency_id=yen.id)
        self._assert_paid_as_shown(self._create_bills(2, plan))

    def test_part_payments_and_credits_are_taken_off(self):
        bill = self._create_bills(invoice_payment_term_id=self._create_early_term().id)
        self._register_payment(bill, amount=0.01)
        bill._assist_adjust('discount', 33.33)
        self._assert_paid_as_rest(bill)

    def _assert_paid_as_rest(self, bill):
        due = bill.amount_residual
        self._open(bill).action_confirm()
        payment = self.env['account.payment'].search([('assist_bill_id', '=', bill.id)])
        self.assertEqual(payment.amount, due)
        self.assertEqual(bill.amount_residual, 0.0)

    def test_instalments_are_paid_in_one(self):
        term = self.env['account.payment.term'].create(
            {
                'name': "Thirds",
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': part, 'nb_days': days})
                    for part, days in ((33.33, 0), (33.33, 30), (33.34, 60))
                ],
            }
        )
        self._assert_paid_as_shown(self._create_bills(2, invoice_payment_term_id=term.id))

    def test_a_bill_rounded_to_coins_is_paid_rounded(self):
        rounding = self.env['account.cash.rounding'].create(
            {
                'name': "Coins of 5",
                'rounding': 0.05,
                'strategy': 'add_invoice_line',
                'profit_account_id': self.company_data['default_account_revenue'].id,
                'loss_account_id': self.company_data['default_account_expense'].id,
            }
        )
        bill = self._create_bills()
        bill._assist_adjust('additional', 0.02)
        bill.button_draft()
        bill.invoice_cash_rounding_id = rounding
        bill.action_post()
        self.assertEqual(bill.amount_total, 1150.0)
        self._assert_paid_as_shown(bill)

    # === WHAT CHANGED MEANWHILE === #

    def test_what_changed_since_it_was_shown_is_not_paid_unseen(self):
        bill = self._create_bills()
        dialog = self._open(bill)
        self.assertEqual(dialog.amount, 1150.0)
        self._register_payment(bill, amount=150.0)
        with self.assertRefused("1,000.00 is due by now, not .*1,150.00"):
            dialog.action_confirm()
        self.assertFalse(self.env['account.payment'].search([('assist_bill_id', '=', bill.id)]))
