from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, split_every

from odoo.addons.assist_billing.models.closing.close import CLOSE_BATCH

CHUNK_PARAMETER = 'assist_billing_queue_job.cycles_per_job'
# As many as are closed together: numbers are taken last, and held until the commit.
DEFAULT_CHUNK = CLOSE_BATCH
# Jobs that nobody took for so long are not waited for: the scheduled action closes by itself.
PATIENCE = timedelta(hours=1)


class AssistBillingRun(models.Model):
    """Due cycles handed over to the job queue by the run of the schedule."""

    _inherit = 'assist.billing.run'

    # === FIELDS === #

    handed_over_count = fields.Integer(
        string="Given to Workers",
        readonly=True,
        help="Cycles that this run gave to the job queue; each job is a run of its own.",
    )

    # === BUSINESS METHODS === #

    def _close_due(self, now):
        # EXTENDS assist_billing
        size = self._get_job_size()
        if not size or not self.env.context.get('assist_hand_over'):
            return super()._close_due(now)
        jobs = self.env['assist.billing.cycle']._get_waiting_jobs()
        if any(job.date_created < now - PATIENCE for job in jobs):
            # No worker takes them. Whoever comes first locks and closes, so nothing is made twice.
            return super()._close_due(now)
        self._hand_over(now, jobs, size)
        return True

    @api.model
    def _get_job_size(self):
        """Return how many cycles a job closes; 0: none is handed over."""
        # sudo: a setting of the system
        parameters = self.env['ir.config_parameter'].sudo()
        return int(parameters.get_param(CHUNK_PARAMETER, DEFAULT_CHUNK))

    def _hand_over(self, now, jobs, size):
        """Make jobs of the due cycles that are in none yet, oldest first, `size` in each."""
        cycles = self.env['assist.billing.cycle']
        queued = {cycle_id for job in jobs for cycle_id in job.records.ids}
        cycles._flush_due()
        rows = self.env.execute_query(
            SQL("SELECT c.id %s ORDER BY c.end_at, c.id", cycles._get_due_sql(now))
        )
        due = [cycle_id for [cycle_id] in rows if cycle_id not in queued]
        for ids in split_every(size, due):
            cycles.browse(ids).with_delay(
                identity_key=cycles._get_job_key(ids),
                description=self.env._("Close %(count)s billing cycles", count=len(ids)),
            )._close_as_job()
        if self and due:
            self.handed_over_count += len(due)
