from odoo.exceptions import ConcurrencyError, RedirectWarning
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestMatching(AssistBillingCommon):
    """Who a session and a device belong to."""

    def test_the_nearest_association_above_the_contact_is_billed(self):
        company = self._create_partner("Company", is_company=True)
        department = self._create_partner("Department", parent_id=company.id)
        clerk = self._create_partner("Clerk", parent_id=department.id)
        of_company = self._associate(company)
        self.assertEqual(self._create_session(clerk).association_id, of_company)
        of_department = self._associate(department)
        self.assertEqual(self._create_session(clerk).association_id, of_department)
        self.assertEqual(self._create_session(company).association_id, of_company)

    def test_starting_ending_and_moving_resolve_waiting_sessions_again(self):
        session = self._create_session()
        self.assertEqual(session.state, 'unmatched')
        association = self._associate()
        self.assertRecordValues(session, [{'state': 'to_bill', 'association_id': association.id}])
        association.end_date = '2026-01-10'
        self.assertEqual(session.state, 'unmatched')
        association.end_date = False
        self.assertEqual(session.state, 'to_bill')
        association.partner_id = self._create_partner("Moved")
        self.assertEqual(session.state, 'unmatched')

    def test_a_contact_put_below_another_is_billed_to_that_one(self):
        association = self._associate()
        stray = self._create_partner("Stray")
        session = self._create_session(stray)
        self.assertEqual(session.state, 'unmatched')
        stray.parent_id = self.customer
        self.assertEqual(session.association_id, association)

    def test_an_ended_association_still_gets_what_ended_in_its_time(self):
        association = self._associate(end_date='2026-02-01')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(association.state, 'ended')
        self._associate(start_date='2026-02-01', plan=self.hourly)
        self.assertEqual(self._create_session().association_id, association)
        later = self._create_session(ended_at='2026-02-15 10:00:00')
        self.assertEqual(later.association_id.plan_id, self.hourly)

    def test_running_sessions_become_billable_when_they_end(self):
        self._associate(start_date='2025-01-01')
        session = self.env['assist.session'].create(
            {'partner_id': self.customer.id, 'started_at': '2026-01-15 10:00:00'}
        )
        self.assertEqual(session.state, 'running')
        session.action_stop()
        self.assertEqual(session.state, 'to_bill')

    def test_non_billable_sessions_are_left_out(self):
        association = self._associate()
        session = self._create_session(billable=False, non_billable_reason="Warranty")
        self.assertEqual(session.state, 'non_billable')
        self._close('2026-02-01 00:00:00')
        self.assertFalse(association.bill_ids)
        self.assertEqual(session.state, 'non_billable')

    # === DEVICES === #

    def test_devices_below_a_customer_count_but_not_those_of_a_department_with_its_own(self):
        plan = self._create_plan(charge_devices=True, price_per_device=5.0)
        company = self._create_partner("Company", is_company=True)
        department = self._create_partner("Department", parent_id=company.id)
        of_company = self._associate(company, plan)
        self._create_device(company)
        in_department = self._create_device(department)
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._lines(self._bill(of_company)), [('device', 2.0, 5.0, 10.0)])

        of_department = self._associate(department, plan, start_date='2026-02-01')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(self._lines(self._bill(of_company)), [('device', 1.0, 5.0, 5.0)])
        self.assertEqual(
            self._bill(of_department).assist_cycle_id.device_ids.device_id, in_department
        )

    def test_a_device_counts_for_one_customer_on_one_day(self):
        plan = self._create_plan(charge_devices=True, price_per_device=31.0, device_count='by_day')
        first = self._associate(plan=plan, end_date='2026-01-11')
        device = self._create_device()
        self._close('2026-01-11 00:00:00')
        second = self._associate(self._create_partner("Second"), plan)
        device.partner_id = second.partner_id
        self._close('2026-02-01 00:00:00')
        self.assertEqual(first.cycle_ids.device_ids.days, 10)
        self.assertEqual(
            self._lines(self._bill(second)), [('device', round(21 / 31, 2), 31.0, 21.08)]
        )

    # === CONTACTS === #

    def test_a_customer_in_force_cannot_be_archived(self):
        association = self._associate()
        with self.assertRaises(RedirectWarning):
            self.customer.active = False
        association.action_end()
        association.state = 'ended'
        self.customer.active = False

    def test_two_customers_in_force_cannot_be_merged(self):
        other = self._create_partner("Acme Inc")
        self._associate()
        self._associate(other)
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        with self.assertRefused("cannot be merged"):
            wizard._merge((self.customer | other).ids, self.customer)

    def test_merged_contacts_take_everything_along(self):
        other = self._create_partner("Acme Inc")
        association = self._associate(other)
        mine, theirs = self._create_session(), self._create_session(other)
        device = self._create_device(other)
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.customer | other).ids, self.customer)
        self.env.invalidate_all()
        self.assertEqual(association.partner_id, self.customer)
        self.assertEqual(device.partner_id, self.customer)
        self.assertEqual((mine | theirs).association_id, association)
        self.assertEqual(set((mine | theirs).mapped('state')), {'to_bill'})

    def _merge_with_one_that_was_billed(self, **vals):
        """Merge another customer, with an association at another price, into this one.

        It has ended, as the merge wants it; until then both were in force.
        """
        other = self._create_partner("Acme Inc")
        theirs = self._associate(other, self.hourly, start_date='2026-01-10')
        mine = self._associate(**vals)
        sessions = self._create_session(ended_at='2026-02-11 10:00:00') | self._create_session(
            other, ended_at='2026-02-11 10:00:00'
        )
        kept = self._create_session(ended_at='2026-01-15 10:00:00')
        self._close('2026-02-12 00:00:00')
        self._bill(mine).button_cancel()
        theirs.end_date = '2026-02-15'
        self._close('2026-02-15 00:00:00')
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.customer | other).ids, self.customer)
        self.env.invalidate_all()
        self.assertEqual((mine | theirs).partner_id, self.customer)
        return mine, theirs, sessions, kept

    def test_sessions_of_merged_contacts_are_billed_at_their_own_prices(self):
        mine, theirs, sessions, kept = self._merge_with_one_that_was_billed()
        sessions[0].customer_note = "Edited"
        sessions._resolve()
        self.assertEqual([session.association_id for session in sessions], [mine, theirs])
        self.assertEqual(kept.cycle_id, self._cycles(mine)[0], "kept to be billed again")
        self._cycles(mine)[0].action_rebill()
        self._close('2026-03-01 00:00:00')
        self.assertEqual(
            self._cycles(mine)[:2].move_id.mapped('amount_untaxed'), [20.0, 20.0], "per session"
        )
        self.assertEqual(self._bill(theirs).amount_untaxed, 30.0, "half an hour")

    def test_whose_contact_was_merged_can_be_put_on_hold_and_ended(self):
        mine, _theirs, _sessions, _kept = self._merge_with_one_that_was_billed()
        mine.action_hold()
        mine.action_resume()
        mine.end_date = '2026-06-01'
        mine.end_date = '2026-05-01'
        with self.assertRefused("already associated"):
            self._associate(start_date='2026-02-01', end_date='2026-02-02', state='ended')
        self._close('2026-05-01 00:00:00')
        self.assertEqual(mine.state, 'ended')

    def test_whose_contact_was_merged_ends_on_the_day_and_stops_nobody(self):
        mine, _theirs, _sessions, _kept = self._merge_with_one_that_was_billed(
            end_date='2026-04-01'
        )
        another = self._associate(self._create_partner("Another"), start_date='2026-03-01')
        self._create_session(another.partner_id, ended_at='2026-03-11 10:00:00')
        self._close('2026-04-01 00:00:00')
        self.assertEqual(mine.state, 'ended')
        self.assertEqual(self._bill(another).amount_untaxed, 20.0)

    # === ASSOCIATIONS === #

    def test_periods_of_one_customer_do_not_overlap(self):
        self._associate(end_date='2026-03-01')
        self._close('2026-03-01 00:00:00')
        with self.assertRefused("already associated"):
            self._associate(start_date='2026-02-28')
        self._associate(start_date='2026-03-01')

    @mute_logger('odoo.sql_db')
    def test_one_that_a_run_has_just_opened_a_period_for_is_deleted_anew(self):
        association = self._associate()
        self._close('2026-01-02 00:00:00')
        # As a transaction that began before.
        self.patch(type(association), '_ondelete_methods', [])
        with self.assertRaises(ConcurrencyError), self.cr.savepoint():
            association.unlink()

    def test_one_without_periods_is_deleted_though_it_has_sessions(self):
        sessions = self._create_session()
        sessions |= sessions.create(
            {'partner_id': self.customer.id, 'started_at': '2026-01-16 10:00:00'}
        )
        association = self._associate()
        self.assertEqual(sessions.association_id, association)
        association.unlink()
        self.assertFalse(sessions.association_id)
        self.assertEqual(sessions.mapped('state'), ['unmatched', 'running'])
        # Then by another one.
        again = self._associate()
        self.assertEqual(sessions.association_id, again)
        self.assertEqual(sessions.mapped('state'), ['to_bill', 'running'])

    def test_a_start_date_can_be_mended_until_something_closed(self):
        association = self._associate()
        self._close('2026-01-15 00:00:00')
        association.start_date = '2026-01-10'
        self._close('2026-01-15 00:00:00')
        self.assertEqual(str(association.cycle_ids.date_start), '2026-01-10')
        self._close('2026-02-10 00:00:00')
        with self.assertRefused("billed up to"):
            association.start_date = '2026-01-01'
        with self.assertRefused("billed up to"):
            association.end_date = '2026-01-20'

    def test_an_end_taken_back_gives_the_cycle_its_length_again(self):
        association = self._associate()
        self._close('2026-01-15 00:00:00')
        association.end_date = '2026-01-20'
        self.assertEqual(str(association.cycle_ids.end_at), '2026-01-20 00:00:00')
        association.end_date = False
        self.assertEqual(str(association.cycle_ids.end_at), '2026-02-01 00:00:00')

    def test_used_plans_and_associations_cannot_be_deleted(self):
        association = self._associate()
        self._close('2026-01-15 00:00:00')
        with self.assertRefused("End it instead"):
            association.unlink()
        with self.assertRefused("Archive it instead"):
            self.plan.unlink()
        with self.assertRefused("Duplicate the plan"):
            self.plan.billing_type = 'hour'
        copy = self.plan.copy({'billing_type': 'hour'})
        self.assertEqual(copy.name, "Premium (copy)")

    def test_a_moved_association_bills_open_cycles_to_the_new_customer_only(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        new = self._create_partner("New owner")
        association.partner_id = new
        self._create_session(new, ended_at='2026-02-10 10:00:00')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(
            self._cycles(association).mapped('partner_id.name'),
            ["Acme", "New owner"],
        )
        self.assertEqual(self._cycles(association).move_id.partner_id, self.customer | new)
