from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ..thorough import thorough
from ..tie.tie_common import TieCommon


@tagged('post_install', '-at_install')
@thorough
class TestCyclesWithoutBill(TieCommon):
    """Nobody has seen a bill of them: sessions and prices that come in later are billed yet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.free = cls._create_plan(name="Not priced yet")

    # === HELPERS === #

    def _states(self, association):
        return self._cycles(association).mapped('state')

    def _close(self, now):
        self.closed_until = now
        return super()._close(now)

    def _assert_ties(self):
        self.assertTied(now=self.closed_until)

    def _assert_billed_once(self, association):
        """Each session is on one bill's cycle, and all that was rated ties."""
        sessions = self.env['assist.session'].search([('association_id', '=', association.id)])
        self.assertEqual(set(sessions.mapped('state')), {'billed'})
        self.assertTrue(all(sessions.mapped('cycle_id')))
        self._assert_ties()

    # === PRICES === #

    def test_a_price_set_afterwards_bills_what_came_in(self):
        """The plan was saved with no price, and the period closed at once."""
        association = self._associate(plan=self.free, start_date='2026-10-01')
        self._close('2026-11-05 10:00:00')
        self.assertEqual(self._states(association), ['closed', 'open'])
        self.free.price_per_session = 25.0
        self.free.action_apply_to_open_cycles()
        for day in range(10, 16):
            self._create_session(ended_at=f'2026-10-{day} 10:00:00')
        self._close('2026-11-05 11:00:00')
        self.assertEqual(self._states(association), ['closed', 'open'])
        bill = self._bill(association)
        self.assertEqual(self._lines(bill), [('session', 6.0, 25.0, 150.0)])
        self.assertEqual(str(bill.assist_period_start), '2026-10-01')
        self.assertEqual(bill.assist_session_count, 6)
        self._assert_billed_once(association)

    def test_sessions_billed_at_zero_take_the_price_that_is_applied(self):
        association = self._associate(plan=self.free)
        sessions = self._create_session() | self._create_session(ended_at='2026-01-16 10:00:00')
        self._close('2026-02-02 10:00:00')
        self.assertEqual(sessions.mapped('state'), ['billed', 'billed'])
        self.assertFalse(association.bill_ids)
        self.free.price_per_session = 25.0
        self._close('2026-02-02 11:00:00')
        self.assertFalse(association.bill_ids, "not applied, so it counts for later cycles")
        self.free.action_apply_to_open_cycles()
        self.assertEqual(sessions.mapped('state'), ['to_bill', 'to_bill'])
        self._close('2026-02-02 12:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('session', 2.0, 25.0, 50.0)])
        self.assertEqual(sessions.cycle_id, self._cycles(association)[0])
        self._close('2026-02-02 13:00:00')
        self.assertEqual(len(association.bill_ids), 1)
        self._assert_billed_once(association)

    def test_how_many_they_are_is_said(self):
        self._associate(plan=self.free)
        self._close('2026-04-02 10:00:00')
        self.assertEqual((self.free.open_cycle_count, self.free.unbilled_cycle_count), (1, 3))
        self.free.price_per_session = 25.0
        self.free.action_apply_to_open_cycles()
        body = self.free.message_ids[0].body
        self.assertIn("Open cycles: 1", body)
        self.assertIn("closed without a bill: 3", body)

    def test_prices_are_not_applied_to_what_had_a_bill(self):
        association = self._associate()
        self._create_session()
        self._create_session(ended_at='2026-03-10 10:00:00')
        self._close('2026-04-02 10:00:00')
        self.assertEqual(self.plan.unbilled_cycle_count, 1)
        self.plan.price_per_session = 50.0
        self.plan.action_apply_to_open_cycles()
        self._create_session(ended_at='2026-02-10 10:00:00')
        self._close('2026-04-02 11:00:00')
        self.assertEqual(
            self._cycles(association).move_id.sorted('assist_period_end').mapped('amount_untaxed'),
            [20.0, 50.0, 20.0],
        )
        self._assert_billed_once(association)

    def test_unchanged_terms_open_nothing_again(self):
        association = self._associate(plan=self.free)
        self._create_session()
        self._close('2026-02-02 10:00:00')
        self.free.action_apply_to_open_cycles()
        self.assertEqual(self._states(association), ['closed', 'open'])
        self.assertIn("closed without a bill: 0", self.free.message_ids[0].body)

    def test_devices_of_such_a_cycle_are_billed_with_the_price(self):
        self._create_device()
        association = self._associate(plan=self.free)
        self._close('2026-02-02 10:00:00')
        self.free.write({'charge_devices': True, 'price_per_device': 4.0})
        self.free.action_apply_to_open_cycles()
        self._close('2026-02-02 11:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('device', 1.0, 4.0, 4.0)])
        self._assert_ties()

    # === SESSIONS === #

    def test_a_session_after_nothing_was_used_gets_a_bill_of_its_period(self):
        """By the next run: it waits for no other bill, and is no late session."""
        association = self._associate()
        self._close('2026-02-02 10:00:00')
        session = self._create_session()
        self._create_session(ended_at='2026-02-01 10:00:00')
        self._close('2026-02-02 11:00:00')
        bill = self._bill(association)
        self.assertEqual(bill.assist_cycle_id, self._cycles(association)[0])
        self.assertEqual(self._lines(bill), [('session', 1.0, 20.0, 20.0)])
        self.assertFalse(session.prior_id)
        self._close('2026-03-01 10:00:00')
        self.assertEqual(self._lines(self._bill(association, 0)), [('session', 1.0, 20.0, 20.0)])
        self._assert_billed_once(association)

    def test_all_of_a_period_s_sessions_are_rated_together(self):
        """Five are included and used up before the sixth comes in."""
        self.plan.included_quantity = 5
        association = self._associate()
        for day in range(10, 15):
            self._create_session(ended_at=f'2026-01-{day} 10:00:00')
        self._close('2026-02-02 10:00:00')
        self.assertFalse(association.bill_ids)
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-02-02 11:00:00')
        bill = self._bill(association)
        self.assertEqual(self._lines(bill), [('session', 1.0, 20.0, 20.0)])
        self.assertEqual(bill.assist_session_count, 6)
        self._assert_billed_once(association)

    def test_one_that_still_costs_nothing_is_billed_at_zero_once(self):
        association = self._associate(plan=self.free)
        self._close('2026-02-02 10:00:00')
        session = self._create_session()
        self._close('2026-02-02 11:00:00')
        self.assertEqual(session.state, 'billed')
        closed_at = self._cycles(association)[0].closed_at
        self._close('2026-02-02 12:00:00')
        self.assertEqual(self._cycles(association)[0].closed_at, closed_at, "left alone")
        self._assert_billed_once(association)

    def test_a_session_after_a_bill_is_late_as_before(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-02 10:00:00')
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-02 10:00:00')
        self.assertEqual([line[0] for line in self._lines(self._bill(association))], ['prior'])
        self.assertEqual(late.prior_id.origin_cycle_id, self._cycles(association)[0])
        # February's bill carries it; what else comes in for January does not disturb that.
        self._create_session(ended_at='2026-02-20 10:00:00')
        self._close('2026-04-02 10:00:00')
        self._assert_billed_once(association)

    def test_late_sessions_carried_at_zero_are_carried_again(self):
        """January's late session came to nothing in February, which had no bill itself."""
        self.plan.included_quantity = 3
        association = self._associate()
        for day in range(10, 14):
            self._create_session(ended_at=f'2026-01-{day} 10:00:00')
        self._close('2026-02-02 10:00:00')
        self.plan.ignore_under_seconds = 600
        january = self._cycles(association)[0]
        january.sudo().terms = {**january.terms, 'ignore_under_seconds': 600}
        late = self._create_session(ended_at='2026-01-20 10:00:00', minutes=1)
        self._close('2026-03-02 10:00:00')
        february = self._cycles(association)[1]
        self.assertEqual(late.cycle_id, february)
        self.assertFalse(february.move_id)
        for day in range(10, 15):
            self._create_session(ended_at=f'2026-02-{day} 10:00:00')
        self._close('2026-03-02 11:00:00')
        self.assertEqual(self._lines(february.move_id), [('session', 2.0, 20.0, 40.0)])
        self.assertEqual(late.cycle_id, february)
        self.assertEqual(late.prior_id.origin_cycle_id, january)
        self.assertEqual(february.session_count, 6)
        self._assert_billed_once(association)

    # === STATES === #

    def test_on_hold_waits_and_ended_is_billed(self):
        held = self._associate(self._create_partner("Held"))
        ended = self._associate(self._create_partner("Gone"), end_date='2026-02-01')
        self._close('2026-02-02 10:00:00')
        self.assertEqual(ended.state, 'ended')
        held.action_hold()
        for association in (held, ended):
            self._create_session(association.partner_id)
        self._close('2026-02-02 11:00:00')
        self.assertFalse(held.bill_ids)
        self.assertEqual(self._bill(ended).amount_untaxed, 20.0)
        held.action_resume()
        self._close('2026-02-02 12:00:00')
        self.assertEqual(self._bill(held).amount_untaxed, 20.0)
        self._assert_ties()

    def test_waived_and_to_bill_again_are_a_person_s_decision(self):
        waived = self._associate(self._create_partner("Waived"))
        waiting = self._associate(self._create_partner("Waiting"))
        for association in (waived, waiting):
            self._create_session(association.partner_id)
        self.plan.bill_handling = 'draft'
        self._close('2026-02-02 10:00:00')
        (waived | waiting).bill_ids.unlink()
        self._cycles(waived)[0].action_waive("A present")
        self.plan.price_per_session = 30.0
        self.plan.action_apply_to_open_cycles()
        self.assertEqual(self.plan.unbilled_cycle_count, 0)
        self._close('2026-02-02 11:00:00')
        self.assertEqual(self._cycles(waived)[0].state, 'waived')
        self.assertEqual(self._cycles(waiting)[0].state, 'to_rebill')
        self._assert_ties()

    def test_a_cycle_whose_bill_was_taken_back_is_not_one_of_them(self):
        """Billed again, it came to nothing; but the customer has seen a bill of it."""
        association = self._associate()
        session = self._create_session()
        self._close('2026-02-02 10:00:00')
        self._bill(association).button_cancel()
        cycle = self._cycles(association)[0]
        session.write({'billable': False, 'non_billable_reason': "Our fault"})
        cycle.action_rebill()
        self.assertEqual((cycle.state, len(cycle.move_id)), ('closed', 0))
        self.assertEqual(self.plan.unbilled_cycle_count, 0)

    def test_a_failure_stays_on_the_cycle_and_is_tried_again(self):
        association = self._associate()
        self._close('2026-02-02 10:00:00')
        self._create_session()
        journals = self.env['account.journal'].search(
            [('type', '=', 'sale'), ('company_id', '=', self.company.id)]
        )
        journals.active = False
        self._close('2026-02-02 11:00:00')
        cycle = self._cycles(association)[0]
        self.assertTrue(cycle.error)
        self.assertEqual(cycle.state, 'open')
        journals.active = True
        self._close('2026-02-02 14:00:00')
        self.assertFalse(cycle.error)
        self.assertEqual(self._bill(association).amount_untaxed, 20.0)
        self._assert_billed_once(association)

    def test_a_cycle_cut_short_gets_no_longer_when_it_opens_again(self):
        """Its end was taken back after it had closed, so that others follow it."""
        association = self._associate(end_date='2026-01-16')
        self._close('2026-01-17 10:00:00')
        association.action_resume()
        self._close('2026-03-02 10:00:00')
        self.free.price_per_session = 1.0
        cycle = self._cycles(association)[0]
        cycle.sudo()._reopen()
        association.end_date = '2026-06-01'
        self.assertEqual(str(cycle.date_end), '2026-01-16')
        self._close('2026-03-02 11:00:00')
        self._assert_ties()

    def test_the_run_book_says_so(self):
        association = self._associate(plan=self.free)
        self._close('2026-02-02 10:00:00')
        self._create_session()
        self.free.price_per_session = 25.0
        self.free.action_apply_to_open_cycles()
        cycle = self._cycles(association)[0]
        self.assertEqual(cycle.state, 'open')
        self.assertEqual(cycle.preview_amount, 25.0)
        self.assertIn("had closed without a bill", cycle.unusual)

    # === SAID === #

    def test_a_plan_that_bills_nothing_says_so(self):
        for vals, expected in (
            ({}, True),
            ({'price_per_session': 1.0}, False),
            ({'price_per_hour': 1.0}, True),
            ({'billing_type': 'hour', 'price_per_session': 1.0}, True),
            ({'billing_type': 'hour', 'base_fee': 1.0}, False),
            ({'base_fee': 1.0}, True),
            ({'minimum_charge': 1.0}, False),
            ({'price_per_device': 1.0}, True),
            ({'price_per_device': 1.0, 'charge_devices': True}, False),
        ):
            with self.subTest(vals=vals):
                self.assertEqual(self._create_plan(**vals).bills_nothing, expected)

    @freeze_time('2026-01-10 10:00:00')
    def test_the_run_book_says_that_a_plan_bills_nothing(self):
        association = self._associate(plan=self.free)
        self._close('2026-01-10 10:00:00')
        self.assertIn("the plan bills nothing", self._cycles(association).unusual)
        self.assertTrue(association.plan_bills_nothing)

    def test_the_dialog_says_that_a_plan_bills_nothing(self):
        dialog = self.env['assist.associate.customers'].create(
            {'plan_id': self.free.id, 'partner_ids': [Command.set(self.customer.ids)]}
        )
        self.assertTrue(dialog.plan_bills_nothing)
