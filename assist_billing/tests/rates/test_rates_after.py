from odoo import Command
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


@tagged('post_install', '-at_install')
class TestGradesAfter(RatesCommon):
    """Who was a junior when a session ended is billed as one, whatever he is by now."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        grades = cls.env['assist.technician.grade']
        cls.junior, cls.senior = grades.create([{'name': "Junior"}, {'name': "Senior"}])
        cls.technician = cls._create_technician()
        cls.technician.assist_grade_id = cls.junior
        cls.graded = cls._create_plan(
            name="By grade",
            price_per_session=20.0,
            rate_ids=[
                Command.create({'method': 'fixed', 'value': value, 'grade_id': grade.id})
                for grade, value in ((cls.junior, 10.0), (cls.senior, 99.0))
            ],
        )

    def _get_grade(self, session):
        self.env.flush_all()
        return session.sudo().grade_id

    def test_a_billed_session_keeps_its_grade_though_its_times_are_written_again(self):
        """As a form or an import writes them: unchanged, which is no change."""
        association = self._associate(plan=self.graded)
        session = self._create_session(technician_id=self.technician.id)
        self._close('2026-02-01 00:00:00')
        self.technician.assist_grade_id = self.senior
        vals = {'technician_id': self.technician.id, 'ended_at': '2026-01-15 10:00:00'}
        session.with_user(self.technician).write(vals)
        session.with_user(self.technician).web_save({**vals, 'note': "Seen"}, {})
        session.with_user(self.technician).load(
            ['.id', 'ended_at'], [[str(session.id), '2026-01-15 10:00:00']]
        )
        self.assertEqual(self._get_grade(session), self.junior)
        # A late one has its period rated again: nothing else of it has changed.
        self._create_session(technician_id=False, ended_at='2026-01-20 10:00:00')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(
            [self._lines(bill) for bill in association.bill_ids.sorted('id')],
            [[('session', 1.0, 10.0, 10.0)], [('prior', 1.0, 20.0, 20.0)]],
        )
        self.assertTied(now='2026-03-01 01:00:00')

    def test_a_mended_end_leaves_the_grade_and_another_technician_brings_his(self):
        session = self._create_session(technician_id=self.technician.id)
        running = self._create_session(technician_id=self.technician.id)
        running.ended_at = False
        self.technician.assist_grade_id = self.senior
        session.ended_at = '2026-01-15 10:05:00'
        self.assertEqual(self._get_grade(session), self.junior)
        session.duration_hours = 1
        self.assertEqual(self._get_grade(session), self.junior)
        running.ended_at = '2026-01-15 11:00:00'
        self.assertEqual(self._get_grade(running), self.senior, "it ended just now")
        session.technician_id = self._create_technician('other')
        self.assertFalse(self._get_grade(session))
