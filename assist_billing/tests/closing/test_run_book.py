from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from ...models.rating import unusual
from ..common import AssistBillingCommon

CLOSING_LOG = 'odoo.addons.assist_billing.models.closing.close'


@tagged('post_install', '-at_install')
class TestPreview(CronMixinCase, AssistBillingCommon):
    def setUp(self):
        super().setUp()
        self.association = self._associate()

    def _open_cycle(self):
        return self._cycles(self.association).filtered(lambda cycle: cycle.state == 'open')[:1]

    def test_it_says_what_the_bill_will_be_and_writes_nothing(self):
        self._close('2026-01-20 00:00:00')
        for day in (5, 6, 7):
            self._create_session(ended_at=f'2026-01-{day:02} 10:00:00')
        cycle = self._open_cycle()
        cycle.flush_recordset()
        before = self.env['assist.session'].search([]).mapped('write_date')
        self.assertEqual(cycle.preview_amount, 60.0)
        self.assertEqual(cycle.preview_sessions, 3)
        self.assertEqual(cycle.unusual, "first bill")
        self.assertEqual(self.env['assist.session'].search([]).mapped('write_date'), before)
        self.assertFalse(cycle.move_id)
        self._close('2026-02-01 01:00:00')
        self.assertEqual(self._bill(self.association, 0).amount_untaxed, 60.0)

    def test_bills_unlike_the_last_ones_are_remarked(self):
        for day in (5, 6, 7, 8):
            self._create_session(ended_at=f'2026-01-{day:02} 10:00:00')
        self._close('2026-02-01 01:00:00')
        cycle = self._open_cycle()
        self.assertEqual(cycle.last_amount, 80.0)
        self.assertIn("no sessions", cycle.unusual)
        self.assertIn("-100 %", cycle.unusual)
        for day in (5, 6, 7):
            self._create_session(ended_at=f'2026-02-{day:02} 10:00:00')
        cycle.invalidate_recordset()
        self.assertEqual(cycle.preview_amount, 60.0)
        self.assertFalse(cycle.unusual, "a quarter less is usual")
        for day in (8, 9, 10):
            self._create_session(ended_at=f'2026-02-{day:02} 10:00:00')
        cycle.invalidate_recordset()
        self.assertIn("+50 %", cycle.unusual)
        found = self.env['assist.billing.cycle'].search([('unusual', '!=', False)])
        self.assertIn(cycle, found)

    def test_less_than_usual_is_no_remark_while_more_may_come(self):
        today = fields.Date.today()
        partner = self._create_partner("Newer")
        association = self._associate(partner, start_date=today - timedelta(days=40))
        first = today - timedelta(days=35)
        self._create_session(partner, ended_at=f'{first} 10:00:00')
        self._close(f'{today} 00:00:00')
        closed, opened = self._cycles(association)
        self.assertEqual((closed.state, opened.state), ('closed', 'open'))
        self.assertEqual(opened.last_amount, 20.0)
        self.assertFalse(opened.unusual)
        for _number in range(2):
            self._create_session(partner, ended_at=f'{today} 00:00:00')
        opened.invalidate_recordset()
        self.assertIn("+100 %", opened.unusual)

    def test_a_device_that_is_gone_is_remarked(self):
        self.plan.write({'charge_devices': True, 'price_per_device': 5.0})
        device = self._create_device()
        self._close('2026-02-01 01:00:00')
        device.removed_on = '2026-02-01'
        self.assertIn("fewer devices", self._open_cycle().unusual)

    def test_what_cannot_be_rated_says_why_and_costs_no_other(self):
        other = self._associate(self._create_partner("Other"))
        self._close('2026-01-20 00:00:00')
        self._create_session()
        broken = self._cycles(other)
        with (
            patch.object(
                type(broken),
                '_rate',
                autospec=True,
                side_effect=self._rate_unless(broken),
            ),
        ):
            cycles = broken | self._cycles(self.association)
            cycles.invalidate_recordset()
            self.assertEqual(self._cycles(self.association).preview_amount, 20.0)
            self.assertIn("Cannot be rated: a rule of it is broken", broken.unusual)

    def _rate_unless(self, broken):
        rate = type(broken)._rate

        def side_effect(cycle, *args, **kwargs):
            if cycle == broken:
                raise ValueError("a rule of it is broken")
            return rate(cycle, *args, **kwargs)

        return side_effect

    def test_of_very_many_the_filter_knows_what_was_noted_and_says_when(self):
        cycles = self.env['assist.billing.cycle']
        newer = self._associate(self._create_partner("Newer"), start_date='2026-02-01')
        for day in (5, 6):
            self._create_session(ended_at=f'2026-01-{day:02} 10:00:00')
        self._close('2026-02-01 01:00:00')
        usual, newer = self._open_cycle(), self._cycles(newer)
        both = usual | newer
        unusual_ones, usual_ones = (
            [('unusual', operator, False), ('id', 'in', both.ids)] for operator in ('!=', '=')
        )
        with freeze_time('2026-02-02 03:20:00') as clock:
            self.assertEqual(cycles.search(unusual_ones), newer)
            self._note_unusual()
            self.assertFalse(self.company.assist_unusual_at, "few are looked for each time")
            with patch.object(unusual, 'MOST_RATED', 1):
                self._note_unusual()
                self.assertEqual(str(self.company.assist_unusual_at), '2026-02-02 03:20:00')
                self.assertEqual(cycles.search(unusual_ones), newer)
                self.assertEqual(cycles.search(usual_ones), usual)
                # It is as of that moment, which the list says.
                for minute in range(10, 29):
                    self._create_session(ended_at=f'2026-02-01 10:{minute}:00', minutes=1)
                clock.move_to('2026-02-02 05:00:00')
                cycles.invalidate_model()
                self.assertIn("+850 %", usual.unusual)
                self.assertEqual(cycles.search(unusual_ones), newer)
                self.assertEqual(str(usual.unusual_at), '2026-02-02 03:20:00')
                self._note_unusual()
                self.assertEqual(cycles.search(unusual_ones), both.sorted())
                self.assertEqual(str(usual.unusual_at), '2026-02-02 05:00:00')
                self.assertEqual(usual.noted_unusual, usual.unusual)
            self._note_unusual()
            self.assertFalse(self.company.assist_unusual_at, "few again")
            self.assertEqual(cycles.search(unusual_ones), both.sorted())

    def test_who_bills_can_have_all_looked_through_again(self):
        with self.capture_triggers('assist_billing.ir_cron_unusual') as captured:
            self._open_cycle().action_look_for_unusual()
            self.assertEqual(len(captured.records), 1)
        with self.assertRaises(AccessError):
            cycles = self.env['assist.billing.cycle'].with_user(self._create_technician())
            cycles.action_look_for_unusual()

    def _note_unusual(self):
        with self.enter_registry_test_mode():
            self.env.ref('assist_billing.ir_cron_unusual').sudo().method_direct_trigger()
        self.env.invalidate_all()

    def test_the_preview_of_a_page_reads_in_a_fixed_number_of_queries(self):
        for number in range(20):
            partner = self._create_partner(f"Customer {number}")
            self._associate(partner)
            self._create_session(partner)
        self._close('2026-02-01 01:00:00')
        cycles = self.env['assist.billing.cycle'].search([('state', '=', 'open')])
        self.env.invalidate_all()
        self.env.flush_all()
        before = self.cr.sql_log_count
        cycles[:2].mapped('unusual')
        few = self.cr.sql_log_count - before
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        cycles.mapped('unusual')
        self.assertLessEqual(self.cr.sql_log_count - before, few + 5)


@tagged('post_install', '-at_install')
class TestRuns(CronMixinCase, AssistBillingCommon):
    def setUp(self):
        super().setUp()
        self.earlier_runs = self.env['assist.billing.run'].search([])
        self.partners = [self._create_partner(f"Customer {number}") for number in range(5)]
        for partner in self.partners:
            self._associate(partner)
            self._create_session(partner)

    def _runs(self):
        return self.env['assist.billing.run'].search([('id', 'not in', self.earlier_runs.ids)])

    def _due_cycles(self):
        return self.env['assist.billing.cycle'].search(
            [('state', '=', 'open'), ('end_at', '<=', '2026-02-01 01:00:00')]
        )

    def test_a_run_is_entered_with_its_figures(self):
        self._close('2026-02-01 01:00:00')
        run = self._runs()
        self.assertEqual(len(run), 1)
        self.assertEqual(run.state, 'done')
        self.assertEqual((run.due_count, run.closed_count, run.invoice_count), (5, 5, 5))
        self.assertEqual(run.failed_count, 0)
        self.assertEqual(run.progress, 100.0)
        self.assertEqual(run.line_ids.amount_untaxed, 100.0)
        self.assertEqual(run.line_ids.currency_id, self.company.currency_id)
        self.assertEqual(
            run.cycle_ids.move_id, self.env['account.move'].search([('assist_kind', '=', 'bill')])
        )
        self.assertEqual(run.no_address_count, 0)

    def test_where_nothing_is_due_no_run_is_entered(self):
        self._close('2026-02-01 01:00:00')
        self._close('2026-02-01 02:00:00')
        self.assertEqual(len(self._runs()), 1)

    @mute_logger(CLOSING_LOG)
    def test_failures_are_counted_and_shown(self):
        self._close('2026-01-20 00:00:00')
        failing = self._due_or_open(self.partners[0])
        with self._failing(failing):
            self._close('2026-02-01 01:00:00')
        run = self._runs()
        self.assertEqual((run.due_count, run.closed_count, run.failed_count), (5, 4, 1))
        action = run.action_view_failures()
        self.assertEqual(self.env['assist.billing.cycle'].search(action['domain']), failing)
        shown = self.env.ref('assist_billing.assist_billing_cycle_action_failures')
        self.assertEqual(shown.res_model, 'assist.billing.cycle')
        self.env['assist.billing.cycle'].action_retry_all()
        self.assertFalse(failing.retry_at)
        self._close('2026-02-01 02:00:00')
        self.assertEqual(failing.state, 'closed')
        with self.assertRefused("nothing to try again"):
            self.env['assist.billing.cycle'].action_retry_all()

    def _due_or_open(self, partner):
        return self.env['assist.billing.cycle'].search([('partner_id', '=', partner.id)])

    def _failing(self, failing):
        prepare = type(failing)._prepare_invoice_vals

        def refuse(cycle, *args, **kwargs):
            if cycle.id in failing.ids:
                raise UserError(cycle.display_name)
            return prepare(cycle, *args, **kwargs)

        return patch.object(type(failing), '_prepare_invoice_vals', refuse)

    def test_a_selection_is_billed_at_once_and_no_other(self):
        self._close('2026-01-20 00:00:00')
        cycles = self._due_cycles()
        chosen = cycles[:2]
        action = chosen.action_bill_selected()
        run = self.env['assist.billing.run'].browse(action['res_id'])
        self.assertEqual(chosen.mapped('state'), ['closed', 'closed'])
        self.assertEqual((cycles - chosen).mapped('state'), ['open'] * 3)
        self.assertEqual((run.invoice_count, run.state), (2, 'done'))
        self.assertEqual(run.user_id, self.env.user)
        with self.assertRefused("None of the chosen periods can be billed now"):
            chosen.action_bill_selected()

    def test_all_that_is_due_is_billed_in_the_background(self):
        self._close('2026-01-20 00:00:00')
        action = self.env['assist.billing.cycle'].action_bill_all_due()
        run = self.env['assist.billing.run'].browse(action['res_id'])
        self.assertEqual(run.state, 'requested')
        self.assertEqual(self._due_cycles().mapped('state'), ['open'] * 5, "not yet")
        self._close('2026-02-01 01:00:00')
        self.env.invalidate_all()
        self.assertEqual((run.state, run.invoice_count), ('done', 5))
        self.assertEqual(len(self._runs()), 1)

    def test_what_several_ask_for_at_once_is_done_soon_for_each(self):
        self._close('2026-01-20 00:00:00')
        actions = [self.env['assist.billing.cycle'].action_bill_all_due() for _user in range(2)]
        first, second = runs = self.env['assist.billing.run'].browse(
            action['res_id'] for action in actions
        )
        with self.capture_triggers('assist_billing.ir_cron_close_cycles') as captured:
            self._close('2026-02-01 01:00:00')
        self.env.invalidate_all()
        self.assertEqual(runs.mapped('state'), ['done', 'requested'])
        self.assertTrue(captured.records, "the scheduler comes back for the other one")
        with self.capture_triggers('assist_billing.ir_cron_close_cycles') as captured:
            self._close('2026-02-01 01:00:00')
        self.env.invalidate_all()
        self.assertEqual(runs.mapped('state'), ['done', 'done'])
        self.assertEqual((first.invoice_count, second.invoice_count), (5, 0))
        self.assertFalse(captured.records, "and then no more")

    def test_a_run_out_of_time_goes_on_as_the_same_run(self):
        with (
            self._batches_of(2),
            patch.object(type(self.env['ir.cron']), '_commit_progress', self._out_of_time()),
        ):
            self._close('2026-02-01 01:00:00')
        run = self._runs()
        self.assertEqual((run.state, run.closed_count, run.due_count), ('paused', 2, 5))
        self.assertEqual(run.progress, 40.0)
        self._close('2026-02-01 01:00:00')
        self.env.invalidate_all()
        self.assertEqual((run.state, run.closed_count, run.due_count), ('done', 5, 5))
        self.assertEqual(self._runs(), run)

    def _out_of_time(self):
        def commit(_cron, processed=0, **_kwargs):
            return 0 if processed else 60

        return commit

    def _create_killed(self, hours_ago=1):
        last_at = fields.Datetime.now() - timedelta(hours=hours_ago)
        return (
            self.env['assist.billing.run']
            .sudo()
            .create(
                {
                    'user_id': self.env.user.id,
                    'state': 'running',
                    'started_at': last_at - timedelta(hours=1),
                    'last_at': last_at,
                }
            )
        )

    def test_batches_are_smaller_after_each_run_that_was_killed_over_one(self):
        sizes = []

        def commit(_cron, processed=0, **_kwargs):
            if processed:
                sizes.append(processed)
            return 60

        self._close('2026-01-20 00:00:00')
        for month, killed, expected in ((2, 0, [4, 1]), (3, 1, [1, 2, 2]), (4, 9, [1] * 5)):
            for _time in range(killed):
                self._create_killed(hours_ago=0)
            sizes.clear()
            with (
                self._batches_of(4),
                patch.object(type(self.env['ir.cron']), '_commit_progress', commit),
            ):
                self._close(f'2026-{month:02}-01 01:00:00')
            self.assertEqual(sizes, [5, *expected], "all are opened, then closed in batches")

    def test_batches_after_one_that_lost_races_begin_nearly_as_small(self):
        sizes, close = [], type(self.env['assist.billing.cycle'])._close

        def lose(cycles, now):
            sizes.append(len(cycles))
            if len(cycles) > 1:
                raise SerializationFailure
            return close(cycles, now)

        self._close('2026-01-20 00:00:00')
        with (
            self._batches_of(4),
            patch.object(type(self.env['assist.billing.cycle']), '_close', lose),
        ):
            self._close('2026-02-01 01:00:00')
        self.assertEqual(sizes, [4, 2, 1, 2, 1, 2, 1, 2, 1, 1, 0], "the last one is empty")
        self.assertEqual(self._runs()[0].closed_count, 5)

    def test_companies_with_many_due_are_billed_apart_each_run_beginning_with_another(self):
        """So two runs at a time do not wait for each other's numbers."""
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        plan = self._create_plan(company_id=other.id)
        for number in range(3):
            partner = self._create_partner(f"Theirs {number}")
            self._associate(partner, plan)
            self._create_session(partner, company_id=other.id)
        batches, close = [], type(self.env['assist.billing.cycle'])._close

        def note(cycles, now):
            batches.append((cycles.company_id.ids, len(cycles)))
            return close(cycles, now)

        self._close('2026-01-20 00:00:00')
        ours, theirs = [self.company.id], [other.id]
        expected = {
            ours[0]: [(ours, 2), (ours, 2), (ours, 1), (theirs, 2), (theirs, 1)],
            theirs[0]: [(theirs, 2), (theirs, 1), (ours, 2), (ours, 2), (ours, 1)],
        }
        first = []
        for month in (2, 3):
            batches.clear()
            with (
                self._batches_of(2),
                patch.object(type(self.env['assist.billing.cycle']), '_close', note),
            ):
                self._close(f'2026-{month:02}-01 01:00:00')
            made = [batch for batch in batches if batch[1]]
            first.append(made[0][0][0])
            self.assertEqual(made, expected[first[-1]])
            self.assertEqual(self._runs()[0].closed_count, 8)
        self.assertEqual(set(first), {self.company.id, other.id})
        batches.clear()
        with (
            self._batches_of(6),
            patch.object(type(self.env['assist.billing.cycle']), '_close', note),
        ):
            self._close('2026-04-01 01:00:00')
        made = [count for _companies, count in batches if count]
        self.assertEqual(made, [6, 2], "neither has a batch of its own")
        self.assertEqual(self._runs()[0].closed_count, 8)

    def test_a_run_that_was_killed_is_closed_as_interrupted(self):
        run = self._create_killed()
        self._close('2026-02-01 01:00:00')
        self.env.invalidate_all()
        self.assertEqual(run.state, 'interrupted')
        self.assertEqual(run.ended_at, run.last_at)
        self.assertEqual(len(self._runs()), 2)

    def test_only_billing_users_run_and_see(self):
        self._close('2026-01-20 00:00:00')
        cycles = self._due_cycles()
        reader = new_test_user(
            self.env,
            'reader',
            groups='account.group_account_readonly',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self.assertEqual(cycles.with_user(reader)[0].preview_amount, 20.0)
        for method in ('action_bill_selected', 'action_bill_all_due'):
            with self.assertRaises(AccessError):
                getattr(cycles.with_user(reader), method)()
        technician = self._create_technician()
        with self.assertRaises(AccessError):
            self.env['assist.billing.run'].with_user(technician).search([])
