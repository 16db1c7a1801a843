import hashlib

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.assist_billing.utils.races import LOST_RACES
from odoo.addons.queue_job.exception import RetryableJobError

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

    # === BUSINESS METHODS === #

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
        run._analyze_new_ledger()
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
