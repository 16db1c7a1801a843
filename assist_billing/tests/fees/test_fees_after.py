import csv
import io
from decimal import Decimal
from unittest.mock import patch

import psycopg2

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..thorough import thorough
from .fees_common import FeesCommon


@tagged('post_install', '-at_install')
@thorough
class TestFeesAfter(FeesCommon):
    """Fees once bills are taken back, waived, late, stopped and begun anew: each fee once."""

    def _bill_march(self, *fees, **vals):
        """Bill March and, in advance, April; return the association and that bill."""
        plan = self._create_managed_plan(*(fees or (self.care,)))
        association = self._associate(plan=plan, start_date='2026-03-01', **vals)
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=360)
        self._close('2026-04-01 00:00:00')
        return association, self._cycles(association)[0].move_id

    def _all_lines(self, association):
        """Return the lines of all bills in force of an association, oldest first."""
        bills = self.env['account.move'].search(
            [
                ('assist_association_id', '=', association.id),
                ('assist_kind', 'in', ('bill', 'supplementary')),
            ],
            order='id',
        )
        return [self._lines(bill) for bill in bills]

    # === TAKEN BACK === #

    def test_a_bill_made_again_charges_the_same_fees(self):
        association, _bill = self._bill_march(
            self.care, self._fee(charge='arrears', name="Backup"), self.per_device
        )
        self._create_device(enrolled_on='2026-04-10')
        self._close('2026-05-01 00:00:00')
        cycle = self._cycles(association)[1]
        lines, rows = self._lines(cycle.move_id), self._rows(association)
        self.assertEqual(
            lines,
            [
                ('fee', 1.0, 100.0, 100.0),
                ('true_up', 0.7, 8.0, 5.6),
                ('fee', 1.0, 500.0, 500.0),
                ('fee', 1.0, 8.0, 8.0),
            ],
        )
        cycle.move_id.button_cancel()
        # What changed since is for later cycles.
        cycle.plan_id.fee_ids.write({'price': 1.0})
        self._close('2026-05-02 00:00:00')
        self.assertEqual(self._rows(association), rows)
        cycle.action_rebill()
        self.assertEqual(self._lines(cycle.move_id), lines)
        self.assertEqual(self._rows(association), rows)
        cycle.move_id.action_post()
        self.assertTied(now='2026-05-02 00:00:00')

    def test_a_bill_taken_back_can_take_its_cycle_again(self):
        association, bill = self._bill_march()
        bill.button_cancel()
        bill.button_draft()
        bill.action_post()
        self.assertEqual(self._cycles(association)[0].move_id, bill)
        self.assertEqual(
            self._cycles(association).fee_ids.move_id, self._opening(association) | bill
        )
        self.assertTied(now='2026-04-01 00:00:00')

    def test_a_fee_of_the_next_period_outlives_the_waiver_of_this_one(self):
        association, bill = self._bill_march(self.care, self._fee(charge='arrears'))
        bill.button_cancel()
        self._cycles(association)[0].action_waive("Goodwill")
        self._close('2026-04-02 00:00:00')
        self._close('2026-05-01 00:00:00')
        april, may = ('fee', 1.0, 500.0, 500.0), ('fee', 1.0, 500.0, 500.0)
        self.assertEqual(
            self._all_lines(association),
            [
                [('fee', 1.0, 500.0, 500.0)],
                [april],
                [('fee', 1.0, 100.0, 100.0), may],
            ],
        )
        self.assertTied(now='2026-05-01 00:00:00')

    def test_a_waived_fee_of_a_period_that_has_closed_goes_on_the_next_bill(self):
        association, bill = self._bill_march()
        bill.button_cancel()
        self._close('2026-05-01 00:00:00')
        self._cycles(association)[0].action_waive("Goodwill")
        self._close('2026-06-01 00:00:00')
        self.assertEqual(
            self._lines(self._cycles(association)[2].move_id),
            [('fee', 1.0, 500.0, 500.0), ('fee', 1.0, 500.0, 500.0)],
        )
        periods = self._cycles(association).fee_ids
        self.assertEqual(len(periods), 4)
        self.assertEqual(len(periods.filtered('move_id')), 4)
        self.assertTied(now='2026-06-01 00:00:00')

    def test_a_bill_of_its_own_is_credited_not_dropped(self):
        association, _bill = self._bill_march()
        opening = self._opening(association)
        with self.assertRefused("fees in advance"):
            opening.button_cancel()
        opening.button_draft()
        with self.assertRefused("fees in advance"):
            opening.unlink()
        opening.action_post()

    # === LATE === #

    def test_late_sessions_have_the_hours_that_are_left(self):
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=240)
        self._close('2026-04-01 00:00:00')
        self._create_session(ended_at='2026-03-11 12:00:00', minutes=120)
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            self._lines(self._cycles(association)[1].move_id),
            [('fee', 1.0, 500.0, 500.0), ('prior', 1.0, 95.0, 95.0)],
        )
        self.assertTied(now='2026-05-01 00:00:00')

    # === STOPPED AND BEGUN ANEW === #

    def test_an_association_that_goes_on_is_charged_when_it_does(self):
        association, _bill = self._bill_march(end_date='2026-04-01')
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=60)
        self.assertEqual(association.state, 'ended')
        association.action_resume()
        self._close('2026-04-10 00:00:00')
        self.assertEqual(
            [self._lines(bill) for bill in self._opening(association)],
            [[('fee', 1.0, 500.0, 500.0)], [('fee', 1.0, 500.0, 500.0)]],
        )
        self._close('2026-05-01 00:00:00')
        self.assertEqual(len(self._rows(association)), 3)
        self.assertTied(now='2026-05-01 00:00:00')

    def test_a_new_association_is_charged_anew(self):
        association, _bill = self._bill_march(end_date='2026-04-01')
        follower = self._associate(plan=association.plan_id, start_date='2026-04-01')
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            [len(self._rows(each)) for each in (association, follower)],
            [1, 2],
        )
        self.assertTied(now='2026-05-01 00:00:00')

    def test_suspended_days_are_not_charged(self):
        """Suspended from 11 to 21 March: 21 of 31 days are served, 0.68."""
        plan = self._create_managed_plan(self.care, self._fee(name="Licence"))
        association = self._associate(plan=plan, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self.env['assist.billing.suspension'].create(
            {
                'association_id': association.id,
                'date_from': '2026-03-11',
                'date_to': '2026-03-21',
            }
        )
        self._close('2026-04-01 00:00:00')
        self.assertEqual(
            self._lines(self._bill(association)),
            [
                ('true_up', -0.32, 500.0, -160.0),
                ('fee', 1.0, 500.0, 500.0),
                ('fee', 1.0, 100.0, 100.0),
            ],
        )
        self.assertTied(now='2026-04-01 00:00:00')

    def test_nothing_is_charged_for_a_period_without_service(self):
        """Suspended all March, resumed on 11 April: 20 of 30 days, 0.67, are charged later."""
        plan = self._create_managed_plan(self.care, self._fee(name="Licence"), self.per_device)
        self._create_devices(3)
        association = self._associate(plan=plan, start_date='2026-03-01')
        suspension = self.env['assist.billing.suspension'].create(
            {'association_id': association.id, 'date_from': '2026-03-01'}
        )
        self._close('2026-04-01 00:00:00')
        self.assertFalse(self._all_lines(association))
        suspension.date_to = '2026-04-11'
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            self._all_lines(association),
            [
                [
                    ('true_up', 0.67, 500.0, 335.0),
                    ('true_up', 1.0, 100.0, 100.0),
                    ('true_up', 2.0, 8.0, 16.0),
                    ('fee', 1.0, 500.0, 500.0),
                    ('fee', 1.0, 100.0, 100.0),
                    ('fee', 3.0, 8.0, 24.0),
                ]
            ],
        )
        self.assertTied(now='2026-05-01 00:00:00')

    def test_the_start_cannot_move_once_it_is_billed(self):
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        with self.assertRefused("fees in advance"):
            association.start_date = '2026-03-05'

    # === CHANGES === #

    def test_another_plan_counts_from_the_next_period(self):
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        association.plan_id = self._create_managed_plan(self._fee(name="New"))
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            self._rows(association),
            [
                ('2026-03-01', "Care", 1.0, 0.0),
                ('2026-03-01', "Devices cared for", 0.0, 0.0),
                ('2026-04-01', "New", 1.0, 0.0),
                ('2026-05-01', "New", 1.0, 0.0),
            ],
        )
        self.assertTied(now='2026-05-01 00:00:00')

    def test_another_currency_has_a_bill_of_its_own(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        self.env['res.currency.rate'].create(
            {'currency_id': euro.id, 'name': '2026-01-01', 'rate': 0.5}
        )
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        association.plan_id = self._create_managed_plan(self._fee(), currency_id=euro.id)
        self._close('2026-04-01 00:00:00')
        self.assertEqual(
            [(bill.currency_id.name, bill.amount_untaxed) for bill in self._opening(association)],
            [('USD', 500.0), ('EUR', 100.0)],
        )
        self.assertTied(now='2026-04-01 00:00:00')

    def test_a_fee_applied_to_an_open_cycle_is_billed_once(self):
        association = self._associate(plan=self.hourly, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self.hourly.fee_ids = [Command.create(self._fee())]
        self.hourly.action_apply_to_open_cycles()
        self._close('2026-03-05 00:00:00')
        self.hourly.action_apply_to_open_cycles()
        self._close('2026-03-06 00:00:00')
        self.assertEqual(self._all_lines(association), [[('fee', 1.0, 100.0, 100.0)]])
        # Dropped again: what was charged stays.
        self.hourly.fee_ids.unlink()
        self.hourly.action_apply_to_open_cycles()
        self._close('2026-04-01 00:00:00')
        self.assertEqual(len(self._rows(association)), 1)
        self.assertTied(now='2026-04-01 00:00:00')

    def test_a_cycle_that_closed_without_a_bill_charges_them_once(self):
        plan = self._create_managed_plan(self._fee(price=0.0))
        association = self._associate(plan=plan, start_date='2026-03-01')
        self._close('2026-04-01 00:00:00')
        self.assertFalse(self._all_lines(association))
        plan.fee_ids.price = 10.0
        plan.action_apply_to_open_cycles()
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            self._all_lines(association),
            [[('fee', 1.0, 10.0, 10.0)]] * 3,
        )
        self.assertTied(now='2026-05-01 00:00:00')

    def test_customers_have_seats_prices_and_hours_of_their_own(self):
        seats = self._fee(quantity_rule='seats', quantity=10.0, price=4.0, included_hours=0.5)
        plan = self._create_managed_plan(seats)
        own = {'fee_id': plan.fee_ids.id, 'quantity': 25.0}
        first = self._associate(plan=plan, start_date='2026-03-01')
        second = self._associate(
            self._create_partner("Big"),
            plan,
            start_date='2026-03-01',
            fee_ids=[Command.create(own)],
        )
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=360)
        self._close('2026-04-01 00:00:00')
        self.assertEqual(
            self._lines(self._bill(first)), [('hour', 1.0, 95.0, 95.0), ('fee', 10.0, 4.0, 40.0)]
        )
        self.assertEqual(self._lines(self._bill(second)), [('fee', 25.0, 4.0, 100.0)])
        second.fee_ids.quantity = 30.0
        self._close('2026-05-01 00:00:00')
        self.assertEqual(self._lines(self._bill(second)), [('fee', 30.0, 4.0, 120.0)])
        self.assertTied(now='2026-05-01 00:00:00')

    def test_monthly_amounts_are_scaled_to_the_cycle(self):
        plan = self._create_managed_plan(self._fee(included_hours=1.0), amounts_per='month')
        association = self._associate(plan=plan, start_date='2026-01-01', cycle='quarterly')
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=240)
        self._close('2026-04-01 00:00:00')
        self.assertEqual(
            self._all_lines(association),
            [
                [('fee', 1.0, 300.0, 300.0)],
                [('hour', 1.0, 95.0, 95.0), ('fee', 1.0, 300.0, 300.0)],
            ],
        )
        self.assertTied(now='2026-04-01 00:00:00')

    # === AROUND === #

    def test_merged_contacts_keep_their_fees(self):
        association, _bill = self._bill_march()
        target = self._create_partner("Acme Ltd.")
        self.env['base.partner.merge.automatic.wizard'].sudo()._merge(
            (self.customer | target).ids, target
        )
        self.env.invalidate_all()
        self._close('2026-05-01 00:00:00')
        self.assertEqual(association.partner_id, target)
        self.assertEqual(len(self._rows(association)), 3)
        self.assertTied(now='2026-05-01 00:00:00')

    def test_a_failure_costs_nothing_and_stops_nobody_else(self):
        other = self._associate(
            self._create_partner("Other"), self.managed, start_date='2026-03-01'
        )
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        cycles = type(self.env['assist.billing.cycle'])
        prepare = cycles._prepare_fees_vals

        def fail(cycle, *args):
            if cycle.association_id.id == association.id:
                raise ValueError("No bill today.")
            return prepare(cycle, *args)

        with (
            patch.object(cycles, '_prepare_fees_vals', fail),
            mute_logger('odoo.addons.assist_billing.models.closing.close'),
        ):
            self._close('2026-03-01 00:00:00')
        self.assertIn("No bill today.", self._cycles(association).error)
        self.assertFalse(self._rows(association))
        self.assertEqual(len(self._opening(other)), 1)
        self._close('2026-03-01 01:00:00')
        self.assertFalse(self._cycles(association).error)
        self.assertEqual(len(self._opening(association)), 1)
        self.assertEqual(len(self._opening(other)), 1)

    def test_fees_of_many_customers_are_billed_together(self):
        associations = [
            self._associate(self._create_partner(name), self.managed, start_date='2026-03-01')
            for name in ("One", "Two", "Three")
        ]
        cycles = type(self.env['assist.billing.cycle'])
        with patch.object(
            cycles, '_create_moves', autospec=True, side_effect=cycles._create_moves
        ) as made:
            self._close('2026-03-01 00:00:00')
        self.assertEqual([len(call.args[1]) for call in made.call_args_list], [3])
        for association in associations:
            self.assertRecordValues(
                self._cycles(association).fee_ids.filtered('amount'),
                [{'amount': 500.0, 'own_move_id': self._opening(association).id}],
            )

    def test_out_of_time_the_next_turn_goes_on_with_the_fees(self):
        associations = [
            self._associate(self._create_partner(name), self.managed, start_date='2026-03-01')
            for name in ("One", "Two")
        ]
        told = []

        def commit(_cron, processed=0, remaining=None):
            told.append((processed, remaining))
            return 0 if processed else 60

        with (
            self._batches_of(1),
            patch.object(type(self.env['ir.cron']), '_commit_progress', commit),
        ):
            self._close('2026-03-01 00:00:00')
        self.assertEqual(told[-2:], [(1, None), (0, 1)], "one is billed, and something is left")
        self.assertEqual(sum(len(self._opening(each)) for each in associations), 1)
        self._close('2026-03-01 00:00:00')
        self.assertEqual([len(self._opening(each)) for each in associations], [1, 1])

    def test_the_database_knows_no_fee_twice_for_a_period(self):
        association, _bill = self._bill_march()
        row = self._cycles(association)[0].fee_ids
        with (
            self.assertRaises(psycopg2.IntegrityError),
            mute_logger('odoo.sql_db'),
            self.cr.savepoint(),
        ):
            self.env['assist.billing.cycle.fee'].sudo().create(row.copy_data()[0])

    def test_statement_preview_and_csv_know_fees(self):
        self._create_devices(2)
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=435)
        self._close('2026-03-11 00:00:00')
        cycle = self._cycles(association)
        self._create_device(enrolled_on='2026-03-10')
        self.assertEqual(association.accrued_amount, 213.75 + 5.68)
        self.assertEqual(cycle.preview_amount, 213.75 + 5.68)
        self._close('2026-04-01 00:00:00')
        statement = cycle._get_statement()
        self.assertEqual(
            [
                (line.charge, float(line.quantity), float(line.price), float(line.amount))
                for line in statement.lines
            ],
            self._lines(cycle.move_id),
        )
        self.assertEqual(
            [line.label for line in statement.lines],
            [
                "Hours",
                "Devices cared for, adjusted by days, 03/01/2026 – 03/31/2026",
                "Care, 04/01/2026 – 04/30/2026",
                "Devices cared for, 04/01/2026 – 04/30/2026",
            ],
        )
        rows = list(csv.reader(io.StringIO(cycle._get_statement_csv().decode('utf-8-sig'))))
        self.assertAlmostEqual(
            sum(float(row[11]) for row in rows[1:]), cycle.move_id.amount_untaxed
        )
        self.assertIn("in advance", cycle.terms_summary)

    def test_a_credit_note_has_a_statement_that_adds_up(self):
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        self._create_session(ended_at='2026-03-05 12:00:00', minutes=156)
        association.end_date = '2026-03-11'
        self._close('2026-03-11 00:00:00')
        cycle = self._cycles(association)
        statement = cycle._get_statement()
        self.assertEqual(
            [(line.charge, float(line.amount)) for line in statement.lines],
            [('hour', 95.0), ('true_up', -340.0)],
        )
        credit = cycle.move_id
        with self.assertRefused("credit note"):
            credit.action_assist_add_charges()
        with self.assertRefused("credit note"):
            credit.action_assist_confirm_payment()
        [advance] = association.cycle_ids.fee_ids.own_move_id
        set_off = advance.amount_residual
        self.assertLess(set_off, advance.amount_total)
        credit.button_cancel()
        self.assertEqual(advance.amount_residual, advance.amount_total)
        cycle.action_rebill()
        self.assertEqual(cycle.move_id.move_type, 'out_refund')
        self.assertEqual(cycle.move_id.amount_untaxed, 245.0)
        cycle.move_id.action_post()
        self.assertEqual(advance.amount_residual, set_off)
        self.assertTied(now='2026-03-11 00:00:00')
        credit = cycle.move_id
        reversal = (
            self.env['account.move.reversal']
            .with_context(active_model='account.move', active_ids=credit.ids)
            .create({'journal_id': credit.journal_id.id})
        )
        reversal.modify_moves()
        self.assertRecordValues(
            reversal.new_move_ids, [{'assist_kind': 'credit', 'move_type': 'out_invoice'}]
        )
        with self.assertRefused("once more"):
            reversal.new_move_ids.button_draft()

    def test_the_preview_of_a_real_period_has_fees(self):
        self._create_devices(2)
        association = self._associate(plan=self.managed, start_date='2026-03-01')
        self._create_session(ended_at='2026-03-10 12:00:00', minutes=435)
        self._close('2026-04-01 00:00:00')
        cycle = self._cycles(association)[0].sudo()
        self.assertEqual(
            [line[1:] for line in cycle._get_lines_so_far()],
            [(Decimal('2.25'), 95, Decimal('213.75')), (1, 500, 500), (2, 8, 16)],
        )
        draft = self.managed.new(origin=self.managed)
        draft.fee_ids[0].price = 450.0
        draft.fee_ids[0].included_hours = 6.0
        self.assertEqual(
            [line[1:] for line in cycle._get_lines_under(draft)],
            [(Decimal('1.25'), 95, Decimal('118.75')), (1, 450, 450), (2, 8, 16)],
        )
        self.assertEqual(
            [line[1:] for line in cycle._get_lines_under(self.hourly)],
            [(Decimal('7.25'), 60, 435)],
        )

    # === GIVEN WRONGLY === #

    def test_what_no_fee_can_be_is_refused_at_its_place(self):
        for vals, words in (
            ({'product_id': False}, "needs a product"),
            ({'quantity_rule': 'seats', 'quantity': 0.0}, "number of seats"),
            ({'quantity': 0.0}, "above zero"),
            ({'price': -1.0}, "negative"),
            ({'included_hours': -1.0}, "negative"),
            ({'price': 1.0000001}, "decimals"),
        ):
            with self.subTest(vals=vals), self.assertRefused(words):
                self._create_managed_plan(self._fee(**vals))
        with self.assertRefused("bills by the session"):
            self._create_plan(fee_ids=[Command.create(self.care)])
        association = self._associate(plan=self.managed)
        seats = self._create_managed_plan(self._fee(quantity_rule='seats', quantity=1.0)).fee_ids
        with self.assertRefused("not the plan of"):
            association.fee_ids = [Command.create({'fee_id': seats.id})]
        association.plan_id = seats.plan_id
        with self.assertRefused("above zero"):
            association.fee_ids = [Command.create({'fee_id': seats.id, 'quantity': 0.0})]
        with self.assertRefused("negative"):
            association.fee_ids = [Command.create({'fee_id': seats.id, 'quantity': -1.0})]
        association.fee_ids = [Command.create({'fee_id': seats.id, 'quantity': 2.0})]
        with self.assertRefused("already"):
            association.fee_ids = [Command.create({'fee_id': seats.id, 'quantity': 3.0})]

    def test_a_fee_that_was_billed_is_archived_instead_of_deleted(self):
        association, _bill = self._bill_march()
        fee = association.plan_id.fee_ids
        association.plan_id.fee_ids = [Command.delete(fee.id)]
        self.assertTrue(fee.exists())
        self.assertFalse(association.plan_id.fee_ids)
        self._close('2026-06-01 00:00:00')
        self.assertEqual(len(self._rows(association)), 2)
        self.assertTied(now='2026-06-01 00:00:00')
