import hashlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, split_every

from odoo.addons.assist_billing.models.closing.closing_run import CLOSE_BATCH
from odoo.addons.assist_billing.utils.races import LOST_RACES
from odoo.addons.queue_job.exception import RetryableJobError

CHUNK_PARAMETER = 'assist_billing_queue_job.cycles_per_job'
# As many as are closed together: numbers are taken last, and held until the commit.
DEFAULT_CHUNK = CLOSE_BATCH
# Jobs that nobody took for so long are not waited for: the scheduled action closes by itself.
PATIENCE = timedelta(hours=1)
WAITING_STATES = ('wait_dependencies', 'pending', 'enqueued', 'started')


class AssistBillingCycle(models.Model):
    """Due cycles handed over to the job queue by the scheduled action."""

    _inherit = 'assist.billing.cycle'

    # === CRON === #

    @api.model
    def _cron_close_cycles(self, now=None):
        # EXTENDS assist_billing: only the schedule hands over. Who gives a moment, to catch up or
        # to test, waits for the bills.
        cycles = self.with_context(assist_hand_over=now is None)
        return super(AssistBillingCycle, cycles)._cron_close_cycles(now)

    @api.model
    def _close_due(self, now, run):
        # EXTENDS assist_billing
        size = self._get_job_size()
        if not size or not self.env.context.get('assist_hand_over'):
            return super()._close_due(now, run)
        jobs = self._get_waiting_jobs()
        if any(job.date_created < now - PATIENCE for job in jobs):
            # No worker takes them. Whoever comes first locks and closes, so nothing is made twice.
            return super()._close_due(now, run)
        self._hand_over(now, run, jobs, size)
        return True

    # === BUSINESS METHODS === #

    @api.model
    def _get_job_size(self):
        """Return how many cycles a job closes; 0: none is handed over."""
        # sudo: a setting of the system
        parameters = self.env['ir.config_parameter'].sudo()
        return int(parameters.get_param(CHUNK_PARAMETER, DEFAULT_CHUNK))

    @api.model
    def _get_waiting_jobs(self):
        """Return the jobs that are to close cycles and have not done so yet."""
        # sudo: jobs are the system's
        return (
            self.env['queue.job']
            .sudo()
            .search(
                [
                    ('model_name', '=', self._name),
                    ('method_name', '=', '_close_as_job'),
                    ('state', 'in', WAITING_STATES),
                ]
            )
        )

    @api.model
    def _hand_over(self, now, run, jobs, size):
        """Make jobs of the due cycles that are in none yet, oldest first, `size` in each."""
        queued = {cycle_id for job in jobs for cycle_id in job.records.ids}
        self._flush_due()
        rows = self.env.execute_query(
            SQL("SELECT c.id %s ORDER BY c.end_at, c.id", self._get_due_sql(now))
        )
        due = [cycle_id for [cycle_id] in rows if cycle_id not in queued]
        for ids in split_every(size, due):
            self.browse(ids).with_delay(
                identity_key=self._get_job_key(ids),
                description=self.env._("Close %(count)s billing cycles", count=len(ids)),
            )._close_as_job()
        if run and due:
            run.handed_over_count += len(due)

    @api.model
    def _get_job_key(self, ids):
        """Return by what a job for the same cycles is known."""
        digest = hashlib.blake2b(repr(sorted(ids)).encode(), digest_size=16).hexdigest()
        return f'{self._name}._close_as_job {digest}'

    def _close_as_job(self):
        """Close those of these cycles that are still due; the whole job is one transaction.

        What fails stays on its cycle, which the schedule hands over again when its time has come.

        :return: what became of them, in words
        :raise RetryableJobError: it lost a race; the queue does it again, as its retry pattern says
        """
        try:
            result = self._close_in_job()
            self.env.flush_all()
        except LOST_RACES as race:
            raise RetryableJobError(str(race)) from race
        return result

    def _close_in_job(self):
        now = fields.Datetime.now()
        run = self.env['assist.billing.run'].create(
            {
                'user_id': self.env.user.id,
                'started_at': now,
                'last_at': now,
                'state': 'running',
            }
        )
        tried = run._close_selected(self.exists(), now)
        if not tried:
            run.unlink()
            return self.env._("Nothing was due any more.")
        run._end()
        self._analyze_new_ledger()
        if self._has_more_due(now):
            # Customers with several missed periods: the next ones are due now.
            self.env['assist.billing.association']._trigger_closing()
        failed = tried.filtered('error')
        return self.env._(
            "%(closed)s closed, %(failed)s failed.",
            closed=len(tried) - len(failed),
            failed=len(failed),
        )

    def _has_more_due(self, now):
        """Tell whether a later cycle of the same customers is due."""
        self.env.flush_all()
        return bool(
            self.env.execute_query(
                SQL(
                    "SELECT 1 %s AND c.association_id = ANY(%s) AND c.id != ALL(%s) LIMIT 1",
                    self._get_due_sql(now),
                    self.association_id.ids,
                    self.ids,
                )
            )
        )
