import re
from datetime import datetime

from odoo import Command
from odoo.tests import tagged

from .fees_common import FeesCommon


@tagged('post_install', '-at_install')
class TestFees(FeesCommon):
    """A managed agreement: fees in advance and in arrears, hours in them, devices trued up."""

    # === NUMBERS === #

    def test_the_agreement_of_the_design(self):
        self._create_devices(12)
        association = self._associate(plan=self.managed, start_date='2026-03-01', due_days=14)
        self._close('2026-03-01 00:00:00')
        opening = self._opening(association)
        self.assertEqual(
            self._lines(opening), [('fee', 1.0, 500.0, 500.0), ('fee', 12.0, 8.0, 96.0)]
        )
        self.assertEqual(str(opening.invoice_date), '2026-03-01')
        self.assertEqual(str(opening.invoice_date_due), '2026-03-15')
        self.assertEqual(opening.state, 'posted')
        self.assertIn("Care\n03/01/2026 – 03/31/2026", opening.invoice_line_ids[0].name)

        self._create_session(ended_at='2026-03-10 12:00:00', minutes=435)
        self._close('2026-04-01 00:00:00')
        bill = self._bill(association)
        self.assertEqual(
            self._lines(bill),
            [
                ('hour', 2.25, 95.0, 213.75),
                ('fee', 1.0, 500.0, 500.0),
                ('fee', 12.0, 8.0, 96.0),
            ],
        )
        self.assertEqual(bill.amount_untaxed, 809.75)
        self.assertEqual(bill.assist_session_charge, 809.75)
        self.assertIn("Care\n04/01/2026 – 04/30/2026", bill.invoice_line_ids[1].name)
        self.assertEqual(
            self._rows(association),
            [
                ('2026-03-01', "Care", 1.0, 0.0),
                ('2026-03-01', "Devices cared for", 12.0, 0.0),
                ('2026-04-01', "Care", 1.0, 0.0),
                ('2026-04-01', "Devices cared for", 12.0, 0.0),
            ],
        )
        rows = self._cycles(association).fee_ids.sorted('id')
        self.assertEqual(rows.move_id, opening | bill)
        self.assertEqual(rows.mapped('amount'), [500.0, 96.0, 500.0, 96.0])
        self.assertTied(now='2026-04-01 00:00:00')

    def test_a_device_that_comes_is_trued_up_by_days(self):
        plan = self._create_managed_plan({**self.per_device, 'price': 12.0})
        self._create_devices(2)
        association = self._associate(plan=plan, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self._create_device(enrolled_on='2026-03-10')
        self._close('2026-04-01 00:00:00')
        self.assertEqual(
            self._lines(self._bill(association)),
            [('true_up', 0.71, 12.0, 8.52), ('fee', 3.0, 12.0, 36.0)],
        )
        self.assertTied(now='2026-04-01 00:00:00')

    def test_a_device_that_goes_is_credited_or_not(self):
        for true_up, expected in (
            ('both', [('true_up', -0.71, 12.0, -8.52)]),
            ('up', []),
            ('none', []),
        ):
            with self.subTest(true_up=true_up):
                partner = self._create_partner(true_up)
                plan = self._create_managed_plan(
                    {**self.per_device, 'price': 12.0, 'true_up': true_up}
                )
                gone, *_others = self._create_devices(3, partner)
                association = self._associate(partner, plan, start_date='2026-03-01')
                self._close('2026-03-01 00:00:00')
                gone.removed_on = '2026-03-10'
                self._close('2026-04-01 00:00:00')
                self.assertEqual(
                    self._lines(self._bill(association)),
                    [*expected, ('fee', 2.0, 12.0, 24.0)],
                )
        self.assertTied(now='2026-04-01 00:00:00')

    def test_fees_in_arrears_are_on_the_bill_of_their_period(self):
        plan = self._create_managed_plan(
            {**self.care, 'charge': 'arrears'}, {**self.per_device, 'charge': 'arrears'}
        )
        plan.device_count = 'by_day'
        self._create_devices(2)
        self._create_device(enrolled_on='2026-03-10')
        association = self._associate(plan=plan, start_date='2026-03-01')
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=360)
        self._close('2026-03-01 00:00:00')
        self.assertFalse(self._opening(association))
        self._close('2026-04-01 00:00:00')
        self.assertEqual(
            self._lines(self._bill(association)),
            [
                ('hour', 1.0, 95.0, 95.0),
                ('fee', 1.0, 500.0, 500.0),
                ('fee', 2.71, 8.0, 21.68),
            ],
        )
        self.assertTied(now='2026-04-01 00:00:00')

    # === FIRST AND LAST === #

    def test_missed_cycles_are_billed_one_by_one(self):
        association = self._associate(plan=self.managed, start_date='2026-01-01')
        self._close('2026-04-01 00:00:00')
        self.assertEqual(len(self._opening(association)), 1)
        self.assertEqual(
            [self._lines(cycle.move_id) for cycle in self._cycles(association)],
            [[('fee', 1.0, 500.0, 500.0)]] * 3 + [[]],
        )
        self._close('2026-04-01 00:00:00')
        self.assertEqual(len(self._rows(association)), 8)
        self.assertTied(now='2026-04-01 00:00:00')

    def test_the_last_cycle_charges_nothing_in_advance(self):
        association = self._associate(
            plan=self.managed, start_date='2026-03-01', end_date='2026-05-01'
        )
        self._create_session(ended_at='2026-04-10 12:00:00', minutes=360)
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            [self._lines(cycle.move_id) for cycle in self._cycles(association)],
            [[('fee', 1.0, 500.0, 500.0)], [('hour', 1.0, 95.0, 95.0)]],
        )
        self.assertTied(now='2026-05-01 00:00:00')

    def test_ending_early_credits_the_days_not_served(self):
        """10 of 31 days: 0.32 of the fee and of its hours."""
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self._create_session(ended_at='2026-03-05 12:00:00', minutes=480)
        association.end_date = '2026-03-11'
        self._close('2026-03-11 00:00:00')
        bill = self._bill(association)
        # 8.00 h less 5 x 0.32 = 1.60.
        self.assertEqual(
            self._lines(bill),
            [('hour', 6.4, 95.0, 608.0), ('true_up', -0.68, 500.0, -340.0)],
        )
        self.assertEqual(bill.move_type, 'out_invoice')
        self.assertTied(now='2026-03-11 00:00:00')

    def test_a_total_below_zero_is_a_credit_note(self):
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self._create_session(ended_at='2026-03-05 12:00:00', minutes=156)
        association.end_date = '2026-03-11'
        self._close('2026-03-11 00:00:00')
        credit = self._bill(association)
        self.assertEqual(credit.move_type, 'out_refund')
        self.assertEqual(credit.state, 'posted')
        self.assertEqual(
            self._lines(credit),
            [('hour', -1.0, 95.0, -95.0), ('true_up', 0.68, 500.0, 340.0)],
        )
        self.assertEqual(credit.amount_untaxed, 245.0)
        self.assertEqual(credit.assist_session_charge, -245.0)
        self.assertEqual(credit.amount_untaxed_signed, -245.0)
        self.assertTied(now='2026-03-11 00:00:00')

    def test_a_credit_note_is_matched_with_the_bill_that_charged_the_fee(self):
        for paid, residual, rest in ((0.0, 160.0, 0.0), (200.0, 0.0, 40.0)):
            with self.subTest(paid=paid):
                partner = self._create_partner(f"Paid {paid}")
                plan = self._create_managed_plan({**self.care, 'product_id': self.untaxed.id})
                association = self._associate(partner, plan, start_date='2026-03-01')
                self._close('2026-03-01 00:00:00')
                opening = self._opening(association)
                if paid:
                    self._register_payment(opening, amount=paid)
                association.end_date = '2026-03-11'
                self._close('2026-03-11 00:00:00')
                credit = self._bill(association)
                self.assertEqual(credit.amount_total, 340.0)
                self.assertEqual(
                    (opening.amount_residual, credit.amount_residual), (residual, rest)
                )

    def test_a_credit_note_is_matched_once_it_is_posted_by_hand(self):
        plan = self._create_managed_plan(self.care, bill_handling='draft')
        association = self._associate(plan=plan, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        opening = self._opening(association)
        association.end_date = '2026-03-11'
        self._close('2026-03-11 00:00:00')
        credit = self._bill(association)
        opening.action_post()
        self.assertEqual(opening.amount_residual, opening.amount_total)
        credit.action_post()
        self.assertEqual(
            (opening.amount_residual, credit.amount_residual),
            (opening.amount_total - credit.amount_total, 0.0),
        )

    def test_an_end_before_the_period_paid_credits_all_of_it(self):
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self._close('2026-04-01 00:00:00')
        association.end_date = '2026-04-01'
        last = self._cycles(association)[-1]
        self.assertEqual((str(last.date_start), str(last.date_end)), ('2026-04-01', '2026-04-02'))
        self._close('2026-04-02 00:00:00')
        credit = last.move_id
        self.assertEqual(credit.move_type, 'out_refund')
        self.assertEqual(self._lines(credit), [('true_up', 1.0, 500.0, 500.0)])
        self.assertTied(now='2026-04-02 00:00:00')

    def test_a_fee_not_by_days_is_owed_in_full_for_a_period_with_a_day_of_service(self):
        plan = self._create_managed_plan(self._fee())
        association = self._associate(plan=plan, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        association.end_date = '2026-03-02'
        self._close('2026-03-02 00:00:00')
        self.assertFalse(self._cycles(association).move_id)
        self.assertEqual(self._rows(association), [('2026-03-01', "Fee", 1.0, 0.0)])
        self.assertTied(now='2026-03-02 00:00:00')

    def test_try_it_says_what_is_charged_besides(self):
        dialog = self.env['assist.try.rates'].create({'plan_id': self.managed.id})
        devices = "Devices cared for, 8.00 USD per device, in advance"
        self.assertEqual(
            dialog.fees.split("\n"),
            ["Care, 1 × 500.00 USD, 5 h included with each, in advance", devices],
        )
        association = self._associate(plan=self.managed)
        association.fee_ids = [Command.create({'fee_id': self.managed.fee_ids[0].id, 'price': 300})]
        dialog.association_id = association
        self.assertEqual(
            dialog.fees.split("\n"),
            ["Care, 1 × 300.00 USD, 5 h included with each, in advance", devices],
        )
        self.assertFalse(self.env['assist.try.rates'].create({'plan_id': self.hourly.id}).fees)

    # === CHANGES === #

    def test_a_change_counts_from_the_next_cycle(self):
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self.managed.fee_ids[0].price = 600.0
        self._close('2026-04-01 00:00:00')
        self.managed.fee_ids[0].price = 700.0
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            [self._lines(move) for move in self._opening(association)]
            + [self._lines(move) for move in self._cycles(association).move_id],
            [
                [('fee', 1.0, 500.0, 500.0)],
                [('fee', 1.0, 600.0, 600.0)],
                [('fee', 1.0, 700.0, 700.0)],
            ],
        )
        self.assertTied(now='2026-05-01 00:00:00')

    # === WITHOUT FEES === #

    def test_a_plan_without_fees_costs_no_query_for_them(self):
        """Nothing is read of fees, nor written, where a customer has none."""
        self._create_managed_plan(self._fee())
        associations = self._associate(plan=self.hourly) | self._associate(
            self._create_partner("Other"), self.hourly
        )
        self._create_session(ended_at='2026-01-10 12:00:00')
        cycles = self.env['assist.billing.cycle'].sudo()
        now = datetime(2026, 2, 1)
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertLogs('odoo.sql_db', 'DEBUG') as logs:
            cycles._open_for(associations.sudo(), now)
            associations.cycle_ids.sudo().filtered(lambda each: each.end_at <= now)._close(now)
            self.env.flush_all()
        self.assertTrue(associations.cycle_ids.move_id)
        tables = re.compile(r'assist_billing_(plan|association|cycle)_fee\b')
        self.assertFalse([line for line in logs.output if tables.search(line)])
