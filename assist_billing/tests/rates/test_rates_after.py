from odoo.tests import tagged

from ..thorough import thorough
from .rates_common import BERLIN, RatesCommon


@tagged('post_install', '-at_install')
@thorough
class TestRatesAfter(RatesCommon):
    """Late sessions, taking back, billing again, waiving: of a plan with rates."""

    def test_late_sessions_are_billed_by_their_prices(self):
        association = self._associate(plan=self.evenings, start_date='2026-03-01', tz=BERLIN)
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        self._close('2026-03-31 22:00:00')
        late = self._work('2026-03-06 16:00:00', '2026-03-06 18:30:00')
        self._work('2026-04-08 09:00:00', '2026-04-08 10:00:00')
        self._close('2026-04-30 22:00:00')
        first, second = self._cycles(association)[:2]
        self.assertEqual(
            self._lines(second.move_id),
            [
                ('hour', 1.0, 90.0, 90.0),
                ('prior', 1.0, 90.0, 90.0),
                ('prior', 1.5, 135.0, 202.5),
            ],
        )
        self.assertIn("Out of hours", second.move_id.invoice_line_ids[2].name)
        self.assertEqual((late.cycle_id, len(late.prior_id)), (second, 1))
        self.assertEqual(second.prior_ids.origin_cycle_id, first)
        statement = self.assertStatementAddsUp(second)
        self.assertEqual(
            [(section.is_late, section.label) for section in statement.sections],
            [(False, ""), (True, ""), (True, "Out of hours")],
        )
        self.assertTied(now='2026-04-30 22:00:00')

    def test_late_sessions_that_shift_what_is_included_are_one_line(self):
        plan = self._create_rated_plan(included_quantity=1)
        association = self._associate(plan=plan, start_date='2026-03-01', tz=BERLIN)
        # The included hour went to the evening; the late one, before it, takes it.
        self._work('2026-03-05 18:00:00', '2026-03-05 19:00:00')
        self._work('2026-03-06 09:00:00', '2026-03-06 10:00:00')
        self._close('2026-03-31 22:00:00')
        self.assertEqual(
            self._lines(self._cycles(association)[0].move_id), [('hour', 1.0, 90.0, 90.0)]
        )
        self._work('2026-03-04 09:00:00', '2026-03-04 10:00:00')
        self._close('2026-04-30 22:00:00')
        second = self._cycles(association)[1]
        self.assertEqual(self._lines(second.move_id), [('prior', 1.0, 135.0, 135.0)])
        self.assertStatementAddsUp(second)
        self.assertTied(now='2026-04-30 22:00:00')

    def test_late_sessions_get_a_bill_of_their_own_where_none_follows(self):
        association = self._associate(
            plan=self.evenings, start_date='2026-03-01', end_date='2026-04-01', tz=BERLIN
        )
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        self._close('2026-03-31 22:00:00')
        self._work('2026-03-06 16:00:00', '2026-03-06 18:30:00')
        self._close('2026-05-31 22:00:00')
        cycle = self._cycles(association)
        bill = self.env['account.move'].search(
            [('assist_origin_cycle_id', '=', cycle.id), ('assist_kind', '=', 'supplementary')]
        )
        self.assertEqual(
            self._lines(bill), [('prior', 1.0, 90.0, 90.0), ('prior', 1.5, 135.0, 202.5)]
        )
        self.assertStatementAddsUp(cycle, cycle._get_late_statement(bill))
        self.assertTied(now='2026-05-31 22:00:00')
        # Taking its own bill back leaves the parts of the late ones where they are.
        late = cycle.part_ids.filtered('session_id.prior_id')
        self.assertEqual(len(late), 2)
        cycle.move_id.button_cancel()
        cycle.action_rebill()
        self.assertEqual(late.exists(), late)
        self.assertTied(now='2026-05-31 22:00:00')

    def test_billing_again_makes_the_same_lines_and_parts(self):
        self._work('2026-03-06 16:40:00', '2026-03-06 17:25:00')
        bill = self._bill_march()
        cycle, lines = bill.assist_cycle_id, self._lines(bill)
        parts = [part._get_share_vals() for part in cycle.part_ids]
        bill.button_cancel()
        self.assertEqual(cycle.state, 'to_rebill')
        cycle.action_rebill()
        self.assertEqual(self._lines(cycle.move_id), lines)
        self.assertEqual([part._get_share_vals() for part in cycle.part_ids], parts)
        cycle.move_id.action_post()
        self.assertStatementAddsUp(cycle)
        self.assertTied(now='2026-03-31 22:00:00')

    def test_a_bill_that_is_valid_once_more_has_the_parts_of_today(self):
        session = self._work('2026-03-06 16:40:00', '2026-03-06 17:25:00')
        bill = self._bill_march()
        cycle = bill.assist_cycle_id
        bill.button_cancel()
        # The same price for the same time, a day before.
        session.write({'started_at': '2026-03-05 16:40:00', 'ended_at': '2026-03-05 17:25:00'})
        bill.button_draft()
        self.assertEqual((bill.assist_cycle_id, cycle.state), (cycle, 'closed'))
        self.assertEqual(min(cycle.part_ids.mapped('started_at')), session.started_at)
        bill.action_post()
        self.assertTied(now='2026-03-31 22:00:00')

    def test_what_is_waived_has_no_parts(self):
        self._work('2026-03-06 16:40:00', '2026-03-06 17:25:00')
        bill = self._bill_march()
        cycle = bill.assist_cycle_id
        bill.button_cancel()
        cycle.action_waive("Goodwill")
        self.assertFalse(cycle.part_ids)
        self.assertTied(now='2026-03-31 22:00:00')
