from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from ..thorough import thorough
from .tie_common import TieCommon


@tagged('post_install', '-at_install')
class TestTie(CronMixinCase, TieCommon):
    """Sessions and bills tie after whatever may happen to them."""

    def test_nothing_at_all_ties(self):
        self.assertTied()

    def test_sessions_of_every_state_make_all_sessions(self):
        self._associate()
        self._create_session(minutes=90)
        self._create_session(ended_at='2026-02-10 10:00:00', minutes=60)
        self._create_session(partner=self._create_partner("Passer-by"), minutes=20)
        self._create_session(billable=False, minutes=15)
        self.env['assist.session'].create(
            {'partner_id': self.customer.id, 'started_at': '2026-01-03 10:00:00'}
        )
        self._bill_months(2)
        tie = self._tie(now='2026-02-02 00:00:00')
        self.assertEqual(
            [
                (line.state, line.session_count, line.measured_hours, line.billed_hours)
                for line in tie.part_ids
            ],
            [
                ('billed', 1, 1.5, 1.5),
                ('to_bill', 1, 1.0, 0.0),
                ('non_billable', 1, 0.25, 0.0),
                ('running', 1, 0.0, 0.0),
                ('unmatched', 1, 20 / 60, 0.0),
            ],
        )
        self.assertEqual(tie.session_count, 5)
        self.assertEqual(tie.difference_count, 0)
        for line in tie.part_ids:
            action = line.action_view_sessions()
            self.assertEqual(self.env['assist.session'].search_count(action['domain']), 1)

    @thorough
    def test_every_rating_rule_ties(self):
        association = self._use_every_rule()
        for day in ('08', '15', '22'):
            self._close(f'2026-01-{day} 00:00:00')
        self._close('2026-01-25 00:00:00')
        bills = association.cycle_ids.move_id
        self.assertEqual(len(bills), 4)
        self.assertEqual(
            set(bills.invoice_line_ids.mapped('assist_charge')),
            {'hour', 'base_fee', 'device', 'minimum'},
        )
        self.assertTied(now='2026-01-25 01:00:00')

    def test_a_plan_by_session_ties(self):
        self.plan.write(
            {'merge_gap_minutes': 10, 'included_quantity': 1.5, 'ignore_under_seconds': 60}
        )
        device = self._create_device()
        association = self._associate()
        for minute in ('10', '20', '50'):
            self._create_session(
                ended_at=f'2026-01-15 10:{minute}:00', minutes=5, device_id=device.id
            )
        self._create_session(minutes=0)
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._bill_months(2)
        self.assertEqual(self._lines(self._bill(association)), [('session', 1.5, 20.0, 30.0)])
        self.assertTied(now='2026-02-01 01:00:00')

    def test_late_sessions_tie(self):
        association = self._bill_late()
        kinds = self.env['account.move'].search([('partner_id', '=', association.partner_id.id)])
        self.assertEqual(set(kinds.mapped('assist_kind')), {'bill', 'supplementary'})
        self.assertTied()

    def test_late_merged_sessions_tie(self):
        self.hourly.write({'merge_gap_minutes': 30, 'minimum_minutes': 30})
        device = self._create_device()
        self._associate(plan=self.hourly)
        self._create_session(ended_at='2026-01-15 10:00:00', minutes=10, device_id=device.id)
        self._create_session(ended_at='2026-01-15 11:00:00', minutes=10, device_id=device.id)
        self._bill_months(2)
        for ended_at in ('2026-01-15 10:30:00', '2026-01-15 09:40:00'):
            self._create_session(ended_at=ended_at, minutes=10, device_id=device.id)
            self._bill_months(3)
        self._bill_months(4)
        self.assertTied(now='2026-04-01 01:00:00')

    def test_a_waived_cycle_ties_late_sessions_included(self):
        association = self._associate(end_date='2026-02-01')
        self._create_session()
        self._bill_months(2)
        cycle = association.cycle_ids
        cycle.move_id.button_cancel()
        self.assertTied(now='2026-02-02 00:00:00')
        cycle.action_waive("Goodwill")
        self.assertTied(now='2026-02-02 00:00:00')
        for day in ('20', '21'):
            self._create_session(ended_at=f'2026-01-{day} 10:00:00')
            self._close(f'2026-04-{day} 00:00:00')
        extra = self.env['account.move'].search([('assist_origin_cycle_id', '=', cycle.id)])
        extra = extra.filtered(lambda move: move.assist_kind == 'supplementary')
        self.assertEqual(extra.mapped('amount_untaxed'), [20.0, 20.0])
        self.assertTied()

    def test_billing_again_ties_and_leaves_bills_for_late_sessions_alone(self):
        association = self._bill_late()
        first = self._cycles(association)[0]
        before = self._lines(first.move_id)
        supplements = self.env['account.move'].search(
            [('assist_kind', '=', 'supplementary'), ('partner_id', '=', first.partner_id.id)]
        )
        lines = [self._lines(move) for move in supplements]
        first.move_id.button_cancel()
        self.assertTied()
        first.action_rebill()
        self.assertEqual(self._lines(first.move_id), before)
        self.assertEqual([self._lines(move) for move in supplements], lines)
        self.assertTied()

    def test_waiving_leaves_sessions_on_bills_of_their_own_billed(self):
        association = self._bill_late()
        first = self._cycles(association)[0]
        first.move_id.button_cancel()
        first.action_waive("Goodwill")
        self.assertTied()
        late = self.env['assist.session'].search(
            [('prior_id.origin_cycle_id', '=', first.id), ('prior_id.cycle_id', '=', first.id)]
        )
        self.assertEqual(late.mapped('state'), ['billed'])

    @thorough
    def test_credits_and_adjustments_tie(self):
        association = self._associate()
        self._create_session()
        self._create_session(ended_at='2026-02-15 10:00:00')
        self._bill_months(2, 3)
        first, second = self._cycles(association)[:2]
        first.move_id._assist_adjust('additional', 12.0)
        first.move_id._assist_adjust('discount', 5.0)
        second.move_id._reverse_moves(cancel=True)
        self.assertTied(now='2026-03-02 00:00:00')
        self._credit_to_bill_again(first.move_id)
        self.assertTied(now='2026-03-02 00:00:00')
        first.action_rebill()
        self.assertTied(now='2026-03-02 00:00:00')

    def test_a_session_made_billable_again_after_its_period_was_waived_is_billed_late(self):
        association = self._associate(end_date='2026-02-01')
        session = self._create_session()
        self._bill_months(2)
        cycle = association.cycle_ids
        cycle.move_id.button_cancel()
        cycle.action_waive("Goodwill")
        session.billable = True
        self.assertTied(now='2026-02-02 00:00:00')
        self._close('2026-04-01 00:00:00')
        self.assertEqual(session.state, 'billed')
        self.assertTied()

    def test_a_late_session_that_leaves_a_bill_taken_back_is_not_listed_there(self):
        association = self._associate()
        other = self._associate(self._create_partner("Other"))
        self._create_session()
        # January is billed, so that what comes to it later is late.
        self._create_session(other.partner_id)
        self._bill_months(2)
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._bill_months(3)
        self._cycles(association)[1].move_id.button_cancel()
        late.partner_id = other.partner_id
        self.assertTied(now='2026-03-02 00:00:00')
        self._bill_months(4)
        self.assertEqual(late.state, 'billed')
        self.assertEqual(late.prior_id.cycle_id.association_id, other)
        self.assertTied(now='2026-04-02 00:00:00')

    # === TAXES AND CURRENCIES === #

    def test_taxes_included_and_taken_out_by_a_fiscal_position_tie(self):
        tax = self._set_included_tax()
        free = self.env['account.tax'].create({'name': "0 %", 'amount': 0.0})
        position = self.env['account.fiscal.position'].create({'name': "Abroad"})
        free.write(
            {
                'fiscal_position_ids': [Command.link(position.id)],
                'original_tax_ids': [Command.link(tax.id)],
            }
        )
        abroad = self._create_partner("Abroad", property_account_position_id=position.id)
        self.plan.write({'minimum_charge': 100.0, 'price_per_session': 19.99})
        associations = self._associate() | self._associate(abroad)
        for customer in associations.partner_id:
            self._create_session(customer)
        self._bill_months(2)
        prices = [self._lines(self._bill(each))[0][2] for each in associations]
        self.assertAlmostEqual(prices[0], 19.99)
        self.assertAlmostEqual(prices[1], 19.99 / 1.2, places=2)
        self.assertTied(now='2026-02-02 00:00:00')
        line = self._bill(associations[1]).invoice_line_ids[0]
        self.env.cr.execute(
            "UPDATE account_move_line SET price_unit = 19.99 WHERE id = %s", [line.id]
        )
        self.env.invalidate_all()
        self.assertIn('bills_saying_something_else', self._differences(now='2026-02-02 00:00:00'))

    def test_taxes_of_which_only_some_are_included_tie(self):
        included = self._set_included_tax()
        on_top = self.env['account.tax'].create({'name': "5 %", 'amount': 5.0})
        self.plan.session_product_id.taxes_id = [Command.set((included | on_top).ids)]
        for rounding in ('round_per_line', 'round_globally'):
            self.company.tax_calculation_rounding_method = rounding
            customer = self._create_partner(rounding)
            self._associate(customer)
            self._create_session(customer)
        self.plan.price_per_session = 33.33
        self._bill_months(2)
        self.assertTied(now='2026-02-02 00:00:00')
        self.env.cr.execute(
            "UPDATE account_move_line SET price_total = price_total + 0.01"
            " WHERE assist_charge = 'session'"
        )
        self.env.invalidate_all()
        self.assertEqual(
            self._differences(now='2026-02-02 00:00:00'), {'bills_calculated_wrongly': 2}
        )

    def test_bills_tie_whose_tax_was_changed_since(self):
        tax = self._set_included_tax()
        tax.price_include_override = 'tax_excluded'
        self._associate()
        self._create_session()
        self._bill_months(2)
        self.assertTied(now='2026-02-02 00:00:00')
        # What is done in one transaction is done at one time.
        self.env.cr.execute("UPDATE account_move_line SET create_date = now() - INTERVAL '1 day'")
        tax.write({'price_include_override': 'tax_included', 'amount': 19.0})
        self.assertTied(now='2026-02-02 00:00:00')
        self.env.cr.execute(
            "UPDATE account_move_line SET price_subtotal = price_subtotal + 0.01"
            " WHERE assist_charge = 'session'"
        )
        self.env.invalidate_all()
        self.assertIn('bills_calculated_wrongly', self._differences(now='2026-02-02 00:00:00'))

    def test_a_currency_without_cents_ties(self):
        yen = (
            self.env['res.currency'].with_context(active_test=False).search([('name', '=', 'JPY')])
        )
        yen.write({'active': True, 'rounding': 1.0})
        self.env['res.currency.rate'].create(
            {'currency_id': yen.id, 'name': '2025-01-01', 'rate': 150.0}
        )
        plan = self._create_plan(
            name="Yen", currency_id=yen.id, billing_type='hour', price_per_hour=6000.55
        )
        self._associate(plan=plan)
        self._create_session(minutes=17)
        self._bill_months(2)
        self.assertTied(now='2026-02-02 00:00:00')

    # === PERIODS, COMPANIES, RIGHTS === #

    def test_a_period_looks_at_what_ended_in_it(self):
        self._associate()
        for month in ('01', '02'):
            self._create_session(ended_at=f'2026-{month}-15 10:00:00')
        self._bill_months(2, 3)
        tie = self._tie(date_from='2026-02-01', date_to='2026-02-28')
        self.assertEqual(tie.session_count, 1)
        self.assertEqual(tie.difference_count, 0)
        with self.assertRefused("before it begins"):
            self._tie(date_from='2026-02-01', date_to='2026-01-28')

    def test_the_manager_is_told_once_and_no_more_when_it_reads_zero(self):
        self._associate()
        session = self._create_session()
        self._bill_months(2)
        with freeze_time('2026-02-02 00:00:00'):
            tie = self._check_as_at_night()
            self.assertFalse(tie.activity_ids)
            self._set_state(session, 'to_bill')
            for _night in range(2):
                self._check_as_at_night()
            activity = tie.activity_ids
            self.assertEqual(len(activity), 1)
            self.assertEqual(activity.user_id, self.company._assist_get_manager())
            self.assertIn("do not reconcile", activity.summary)
            self.assertIn("can no longer be billed", activity.note)
            self._set_state(session, 'billed')
            self._check_as_at_night()
            self.assertFalse(tie.activity_ids)

    def test_the_standing_tie_is_one_per_company_and_over_everything(self):
        ties = self.env['assist.billing.tie']
        standing = ties._get_standing(self.company)
        self.assertEqual(ties._get_standing(self.company), standing)
        with self.assertRefused("every night"):
            standing.date_from = '2026-01-01'

    def test_who_reads_bills_opens_the_tie_and_only_his_company_s(self):
        other = self.setup_other_company()['company']
        reader = new_test_user(
            self.env,
            'reader',
            groups='base.group_user,account.group_account_readonly',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.env['assist.billing.tie'].sudo()._get_standing(other | self.company)
        ties = self.env['assist.billing.tie'].with_user(reader)
        action = ties.with_company(self.company).action_open()
        tie = ties.browse(action['res_id'])
        tie.action_check()
        self.assertEqual(tie.company_id, self.company)
        self.assertFalse(ties.search([('company_id', '=', other.id)]))
        with self.assertRaises(AccessError):
            ties.create({})
        with self.assertRaises(AccessError):
            self.env['assist.billing.tie'].with_user(self._create_technician()).action_open()

    def test_what_takes_long_is_checked_in_the_background(self):
        ties = self.env['assist.billing.tie']
        with freeze_time('2026-02-02 08:00:00'):
            tie = ties._get_standing(self.company).sudo()
        tie._assist_as_engine().seconds = 16.0
        self._create_session()
        with (
            freeze_time('2026-02-02 12:00:00'),
            self.capture_triggers('assist_billing.ir_cron_tie_requested') as captured,
        ):
            self.assertEqual(ties.action_open()['res_id'], tie.id)
            tie.action_check()
            self.assertEqual(len(captured.records), 1, "asked for once, not twice")
        # What is shown is what was found last, and says when.
        self.assertEqual(tie.session_count, 0)
        self.assertEqual(str(tie.checked_at), '2026-02-02 08:00:00')
        self.assertEqual(str(tie.requested_at), '2026-02-02 12:00:00')
        with freeze_time('2026-02-02 12:00:04'):
            tie.invalidate_recordset(['progress'])
            self.assertEqual(tie.progress, 25)
            self._check_requested()
        self.assertEqual(tie.session_count, 1)
        self.assertEqual(str(tie.checked_at), '2026-02-02 12:00:04')
        self.assertFalse(tie.requested_at)

    def test_a_request_that_nobody_followed_can_be_made_again(self):
        with freeze_time('2026-02-02 08:00:00'):
            tie = self.env['assist.billing.tie'].create({}).sudo()
            tie._assist_as_engine().seconds = 16.0
            tie.action_check()
        with (
            freeze_time('2026-02-02 10:00:00'),
            self.capture_triggers('assist_billing.ir_cron_tie_requested') as captured,
        ):
            tie.action_check()
            self.assertEqual(len(captured.records), 1)

    def test_nobody_asked_so_nothing_is_checked(self):
        with freeze_time('2026-02-02 08:00:00'):
            tie = self.env['assist.billing.tie'].create({})
        self._check_requested()
        self.assertEqual(str(tie.checked_at), '2026-02-02 08:00:00')

    def _check_requested(self):
        with self.enter_registry_test_mode():
            self.env.ref('assist_billing.ir_cron_tie_requested').sudo().method_direct_trigger()
        self.env.invalidate_all()

    def _check_as_at_night(self):
        with self.enter_registry_test_mode():
            self.env.ref('assist_billing.ir_cron_tie').sudo().method_direct_trigger()
        self.env.invalidate_all()
        return self.env['assist.billing.tie'].search(
            [('is_standing', '=', True), ('company_id', '=', self.company.id)]
        )

    def _set_state(self, session, state):
        self.env.cr.execute(
            "UPDATE assist_session SET state = %s WHERE id = %s", [state, session.id]
        )
        self.env.invalidate_all()
