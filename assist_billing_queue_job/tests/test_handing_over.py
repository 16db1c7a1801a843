from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.assist_billing.tests.common import AssistBillingCommon
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.tests.common import trap_jobs

MONTH_END = '2026-02-01 00:10:00'


@tagged('post_install', '-at_install')
class TestHandingOver(AssistBillingCommon):
    """Due cycles as jobs: handed over in one test, closed in another."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.associations = cls.env['assist.billing.association']
        for number in range(5):
            partner = cls._create_partner(f"Customer {number}")
            cls.associations |= cls._associate(partner)
            cls._create_session(partner)
        cls.jobs = cls.env['queue.job'].sudo().search([])
        cls._set_size(2)

    @classmethod
    def _set_size(cls, size):
        cls.env['ir.config_parameter'].sudo().set_param(
            'assist_billing_queue_job.cycles_per_job', str(size)
        )

    def _run_scheduled(self, at=MONTH_END):
        """Run the scheduled action, which is given no moment."""
        with freeze_time(at):
            self._run_schedule('_cron_close_cycles', 'assist.billing.cycle')

    def _get_jobs(self):
        return self.env['queue.job'].sudo().search([('id', 'not in', self.jobs.ids)], order='id')

    def _due(self):
        return self.associations.cycle_ids.filtered(lambda c: str(c.date_start) == '2026-01-01')

    # === HANDING OVER === #

    def test_due_cycles_become_jobs_oldest_first(self):
        self._close('2026-01-02 00:00:00')
        due = self._due()
        with trap_jobs() as trap, freeze_time(MONTH_END):
            run = self.env['assist.billing.run'].sudo().create({'user_id': self.env.user.id})
            done = run.with_context(assist_hand_over=True)._close_due(
                self.env.cr.now().replace(year=2026, month=2, day=1)
            )
            self.assertTrue(done)
            trap.assert_jobs_count(3)
            self.assertEqual([len(job.recordset) for job in trap.enqueued_jobs], [2, 2, 1])
            handed = [id_ for job in trap.enqueued_jobs for id_ in job.recordset.ids]
            self.assertEqual(sorted(handed), sorted(due.ids))
        self.assertEqual(run.handed_over_count, 5)
        self.assertEqual(set(due.mapped('state')), {'open'}, "the jobs close them")

    def test_jobs_go_to_their_own_channel_and_are_tried_again(self):
        self._run_scheduled()
        jobs = self._get_jobs()
        self.assertEqual(jobs.mapped('channel'), ['root.assist_billing'] * 3)
        self.assertEqual(jobs[0].name, "Close 2 billing cycles")
        function = self.env['queue.job.function'].sudo()
        config = function.job_config('<assist.billing.cycle>._close_as_job')
        self.assertEqual(config.retry_pattern, {1: 5, 3: 30, 5: 300})
        self.assertFalse(self.associations.bill_ids)

    def test_a_cycle_is_never_in_two_jobs(self):
        self._run_scheduled()
        partner = self._create_partner("Latecomer")
        self.associations |= self._associate(partner)
        self._create_session(partner)
        self._run_scheduled('2026-02-01 00:20:00')
        ids = [id_ for job in self._get_jobs() for id_ in job.records.ids]
        self.assertEqual(sorted(ids), sorted(self._due().ids))
        self.assertEqual(len(ids), 6)

    def test_who_gives_a_moment_waits_for_the_bills(self):
        self._close('2026-02-01 00:10:00')
        self.assertEqual(len(self.associations.bill_ids), 5)
        self.assertFalse(self._get_jobs())

    def test_nothing_is_handed_over_when_it_is_switched_off(self):
        self._set_size(0)
        self._run_scheduled()
        self.assertEqual(len(self.associations.bill_ids), 5)
        self.assertFalse(self._get_jobs())

    def test_jobs_that_nobody_takes_cost_no_bill(self):
        self._run_scheduled()
        self._run_scheduled('2026-02-01 00:50:00')
        self.assertFalse(self.associations.bill_ids, "not yet: a worker may come")
        self._run_scheduled('2026-02-01 01:20:00')
        self.assertEqual(len(self.associations.bill_ids), 5)
        for job in self._get_jobs():
            self.assertEqual(job.records._close_as_job(), "Nothing was due any more.")
        self.assertEqual(len(self.associations.bill_ids), 5)

    def test_the_size_of_a_job_is_a_setting(self):
        settings = self.env['res.config.settings'].sudo()
        self.assertEqual(settings.create({}).assist_cycles_per_job, 2)
        settings.create({'assist_cycles_per_job': 0}).set_values()
        self.assertEqual(self.env['assist.billing.run']._get_job_size(), 0)
        settings.create({'assist_cycles_per_job': 250}).set_values()
        self.assertEqual(self.env['assist.billing.run']._get_job_size(), 250)
        with self.assertRaises(ValidationError):
            settings.create({'assist_cycles_per_job': -1})

    # === CLOSING === #

    def test_a_job_closes_its_cycles_and_a_second_time_nothing(self):
        self._close('2026-01-02 00:00:00')
        due = self._due()
        with freeze_time(MONTH_END):
            self.assertEqual(due[:2].sudo()._close_as_job(), "2 closed, 0 failed.")
            self.assertEqual(set((due[:2]).mapped('state')), {'closed'})
            self.assertEqual(set((due[2:]).mapped('state')), {'open'})
            # Killed after its work, and queued again.
            self.assertEqual(due[:2].sudo()._close_as_job(), "Nothing was due any more.")
        self.assertEqual(len(self.associations.bill_ids), 2)
        run = due[0].run_id
        self.assertEqual(
            (run.state, run.closed_count, run.invoice_count, run.failed_count), ('done', 2, 2, 0)
        )

    def test_a_customer_that_fails_costs_no_other_of_the_job(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        plan = self._create_plan(name="Euro", currency_id=euro.id, price_per_session=10.0)
        partner = self._create_partner("Broken")
        broken = self._associate(partner, plan)
        self._create_session(partner)
        euro.active = False
        self._close('2026-01-02 00:00:00')
        cycles = self._due() | broken.cycle_ids
        with freeze_time(MONTH_END):
            self.assertEqual(cycles.sudo()._close_as_job(), "5 closed, 1 failed.")
        self.assertIn("EUR", broken.cycle_ids[0].error)
        self.assertEqual(len(self.associations.bill_ids), 5)

    def test_a_lost_race_is_for_the_queue_to_do_again(self):
        self._close('2026-01-02 00:00:00')
        due = self._due()
        cycle = type(self.env['assist.billing.cycle'])
        with (
            freeze_time(MONTH_END),
            patch.object(cycle, '_close', side_effect=SerializationFailure("too late")),
            self.assertRaises(RetryableJobError) as raised,
            self.cr.savepoint(),
        ):
            due.sudo()._close_as_job()
        self.assertIsNone(raised.exception.seconds, "the retry pattern says when")
        self.assertFalse(self.associations.bill_ids)
        self.assertFalse(due.filtered('error'))

    def test_missed_periods_follow_at_once(self):
        self._close('2026-01-02 00:00:00')
        for association in self.associations:
            self._create_session(association.partner_id, ended_at='2026-02-15 10:00:00')
        self._run_scheduled('2026-03-01 00:10:00')
        cron = self.env.ref('assist_billing.ir_cron_close_cycles').sudo()
        triggers = self.env['ir.cron.trigger'].sudo().search_count([('cron_id', '=', cron.id)])
        with freeze_time('2026-03-01 00:11:00'):
            for job in self._get_jobs():
                job.records._close_as_job()
        self.assertGreater(
            self.env['ir.cron.trigger'].sudo().search_count([('cron_id', '=', cron.id)]), triggers
        )
        self._get_jobs().write({'state': 'done'})
        self._run_scheduled('2026-03-01 00:12:00')
        with freeze_time('2026-03-01 00:13:00'):
            for job in self._get_jobs().filtered(lambda job: job.state == 'pending'):
                job.records._close_as_job()
        self.assertEqual(len(self.associations.bill_ids), 10)
