from odoo import Command
from odoo.tests import tagged

from ...rules.rollover import read_carried
from ..thorough import thorough
from .test_tiers import TiersCommon


@tagged('post_install', '-at_install')
@thorough
class TestRollover(TiersCommon):
    """Included hours that roll over: given, used, given back, late, billed again, waived."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rolling = cls._create_rolling_plan()

    @classmethod
    def _create_rolling_plan(cls, **vals):
        return cls._create_plan(
            **{
                'name': "Rolling",
                'billing_type': 'hour',
                'price_per_hour': 90.0,
                'included_quantity': 5.0,
                'rollover': 'all',
                **vals,
            }
        )

    def _bill_quarter(self, *months, plan=None):
        """Bill months from January on, each with a session of so many hours; return the cycles."""
        association = self._associate(plan=plan or self.rolling)
        for month, hours in enumerate(months, start=1):
            self._work_hours(hours, month=month)
            self._close(f'2026-{month + 1:02}-01 00:00:00')
        return self._cycles(association)[: len(months)]

    def _handed(self, cycle):
        """Return what a cycle was handed and what it has handed on, in hours."""
        return tuple(
            float(sum(row.quantity for row in read_carried(kept or ())))
            for kept in (cycle.rollover_in, cycle.rollover_out)
        )

    def assertBilled(self, cycles, *expected):
        self.assertEqual(
            [(cycle.billed_quantity, *self._handed(cycle)) for cycle in cycles], list(expected)
        )

    # === IN TURN === #

    def test_what_is_left_is_used_by_the_next_cycle(self):
        cycles = self._bill_quarter(3, 6, 8)
        self.assertBilled(cycles, (0, 0, 2), (0, 2, 1), (2, 1, 0))
        self.assertEqual(cycles[2].rollover_in, [[cycles[1].id, '1', 1]])
        self.assertFalse((cycles[0] | cycles[1]).move_id)
        bill = cycles[2].move_id
        self.assertEqual(self._lines(bill), [('hour', 2.0, 90.0, 180.0)])
        statement = self.assertStatementAddsUp(cycles[2])
        [section] = statement.sections
        self.assertEqual(section.included.quantity, -6)
        texts = dict(cycles[2]._get_terms_rows())
        self.assertEqual(texts["Taken over"], "1.00 hours")
        self.assertNotIn("Handed on", texts)
        self.assertTied(now='2026-04-01 00:00:00')

    def test_a_limit_and_a_number_of_cycles(self):
        plan = self._create_rolling_plan(
            rollover='capped', rollover_cap=7.0, rollover_cycles=3, minimum_charge=10.0
        )
        cycles = self._bill_quarter(0.5, 0.5, 0.5, plan=plan)
        self.assertBilled(cycles, (0, 0, 4.5), (0, 4.5, 7), (0, 7, 7))
        self.assertEqual(cycles[2].rollover_out, [[cycles[1].id, '2', 2], [cycles[2].id, '5', 3]])
        self.assertTied(now='2026-04-01 00:00:00')

    def test_an_open_cycle_is_previewed_with_what_it_was_handed(self):
        cycles = self._bill_quarter(3)
        association = cycles.association_id
        self._work_hours(8, month=2)
        self.assertEqual(association.accrued_amount, 90.0)

    def test_a_plan_of_another_type_takes_none_over(self):
        cycles = self._bill_quarter(3)
        association = cycles.association_id
        association.plan_id = self._create_rolling_plan(
            billing_type='session', price_per_session=20.0
        )
        self._close('2026-02-01 00:00:00')
        self.assertEqual(cycles.rollover_out, [[cycles.id, '2', 1]])
        self._close('2026-04-01 00:00:00')
        self.assertFalse(self._cycles(association)[2].rollover_in)

    # === AFTER === #

    def test_a_late_session_does_not_use_what_was_handed_on(self):
        cycles = self._bill_quarter(3)
        association = cycles.association_id
        self._work('2026-01-01 06:00:00', '2026-01-01 07:00:00')
        self._work_hours(7, month=2)
        # The cycle closed without a bill, so it is rated anew, and hands on anew.
        self._close('2026-03-01 00:00:00')
        first, second = self._cycles(association)[:2]
        self.assertBilled(first | second, (0, 0, 1), (1, 1, 0))
        self.assertTied(now='2026-03-01 00:00:00')
        # That is what the second was handed, whatever comes in for the first from now on.
        self._work('2026-01-01 08:00:00', '2026-01-01 10:00:00')
        self._close('2026-04-01 00:00:00')
        self.assertBilled(first | second, (2, 0, 1), (1, 1, 0))
        self.assertEqual(self._lines(first.move_id), [('hour', 2.0, 90.0, 180.0)])
        self.assertTied(now='2026-04-01 00:00:00')

    def test_a_late_session_of_a_billed_cycle_is_charged(self):
        plan = self._create_rolling_plan(minimum_charge=10.0)
        cycles = self._bill_quarter(3, plan=plan)
        association = cycles.association_id
        self._work('2026-01-01 06:00:00', '2026-01-01 07:00:00')
        self._work_hours(6, month=2)
        self._close('2026-03-01 00:00:00')
        first, second = self._cycles(association)[:2]
        self.assertBilled(first | second, (0, 0, 2), (0, 2, 1))
        # 90.00 less the minimum that was billed already.
        self.assertEqual(
            self._lines(second.move_id),
            [('minimum', 1.0, 10.0, 10.0), ('prior', 1.0, 80.0, 80.0)],
        )
        self.assertStatementAddsUp(second)
        self.assertTied(now='2026-03-01 00:00:00')

    def test_billed_again_while_the_next_is_open_it_hands_on_anew(self):
        cycles = self._bill_quarter(6)
        bill = cycles.move_id
        bill.button_cancel()
        cycles.session_ids.write(
            {'started_at': '2026-01-02 06:00:00', 'ended_at': '2026-01-02 10:00:00'}
        )
        cycles.action_rebill()
        self.assertBilled(cycles, (0, 0, 1))
        self._work_hours(6, month=2)
        self._close('2026-03-01 00:00:00')
        self.assertBilled(self._cycles(cycles.association_id)[:2], (0, 0, 1), (0, 1, 0))

    def test_billed_again_after_the_next_it_stays_as_it_is(self):
        plan = self._create_rolling_plan(minimum_charge=10.0)
        cycles = self._bill_quarter(3, 6, 8, plan=plan)
        before = [(cycle.billed_quantity, *self._handed(cycle)) for cycle in cycles]
        lines = [self._lines(cycle.move_id) for cycle in cycles]
        for cycle in cycles:
            cycle.move_id.button_cancel()
            cycle.action_rebill()
            cycle.move_id.action_post()
        self.assertBilled(cycles, *before)
        self.assertEqual([self._lines(cycle.move_id) for cycle in cycles], lines)
        self.assertTied(now='2026-04-01 00:00:00')
        # More in the first: what it has handed on is used already, and is not there for it.
        cycles[0].move_id.button_cancel()
        cycles[0].session_ids.write(
            {'started_at': '2026-01-02 06:00:00', 'ended_at': '2026-01-02 10:00:00'}
        )
        cycles[0].action_rebill()
        cycles[0].move_id.action_post()
        self.assertBilled(cycles, (1, 0, 2), *before[1:])
        self.assertTied(now='2026-04-01 00:00:00')

    def test_what_is_waived_hands_on_what_it_was_handed(self):
        plan = self._create_rolling_plan(rollover_cycles=2, minimum_charge=10.0)
        cycles = self._bill_quarter(3, 1, plan=plan)
        self.assertBilled(cycles, (0, 0, 2), (0, 2, 6))
        cycles[1].move_id.button_cancel()
        cycles[1].action_waive("Goodwill")
        self.assertEqual(cycles[1].rollover_out, [[cycles[0].id, '2', 1]])
        self.assertTied(now='2026-03-01 00:00:00')

    def test_an_association_that_was_suspended_or_cut(self):
        plan = self._create_rolling_plan(prorate_partial=True, rollover_cycles=2)
        association = self._associate(plan=plan, end_date='2026-02-15')
        self._work_hours(3, month=1)
        self._work_hours(5, month=2)
        self._close('2026-02-15 00:00:00')
        first, second = self._cycles(association)
        # Half of February includes half as much.
        self.assertBilled(first | second, (0, 0, 2), (0.5, 2, 0))
        self.assertTied(now='2026-02-15 00:00:00')

    def test_hours_that_come_with_a_fee_roll_over_too(self):
        plan = self._create_rolling_plan(
            included_quantity=1.0,
            fee_ids=[
                Command.create(
                    {
                        'product_id': self.hourly.hour_product_id.id,
                        'name': "Managed support",
                        'price': 500.0,
                        'charge': 'arrears',
                        'included_hours': 4.0,
                    }
                )
            ],
        )
        cycles = self._bill_quarter(3, 6, 8, plan=plan)
        self.assertBilled(cycles, (0, 0, 2), (0, 2, 1), (2, 1, 0))
        self.assertEqual(
            self._lines(cycles[2].move_id),
            [('hour', 2.0, 90.0, 180.0), ('fee', 1.0, 500.0, 500.0)],
        )
        self.assertTied(now='2026-04-01 00:00:00')
