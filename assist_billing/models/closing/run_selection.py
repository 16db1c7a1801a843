from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# Cycles a person closes at once while he waits; more are for the background.
DIRECT_CYCLES = 500


class AssistBillingRun(models.Model):
    """A run over the cycles that a person has chosen, at once."""

    _inherit = 'assist.billing.run'

    # === A SELECTION === #

    @api.model
    def _run_selection(self, cycles):
        """Close those of `cycles` that are due, at once; return the run.

        A failed one is tried again whenever that would have been due.
        """
        cycles._check_billing_user()
        if len(cycles) > DIRECT_CYCLES:
            raise UserError(
                self.env._(
                    "%(count)s cycles are too many to wait for. Choose %(limit)s at most, or bill "
                    "all that is due in the background.",
                    count=len(cycles),
                    limit=DIRECT_CYCLES,
                )
            )
        # sudo: cycles and runs are written by the engine only
        run, cycles = self.sudo(), cycles.sudo()
        now = fields.Datetime.now()
        cycles.filtered('retry_at').write({'retry_at': False})
        run = run.create(
            {'user_id': self.env.user.id, 'started_at': now, 'last_at': now, 'state': 'running'}
        )
        if not run._close_selected(cycles, now):
            raise UserError(
                self.env._(
                    "None of the chosen cycles is due: they are already closed, are being closed "
                    "by another run, or are waiting for an older cycle of the same customer."
                )
            )
        run._end()
        return run.sudo(False)

    def _close_selected(self, cycles, now):
        """Close those of `cycles` that are due, in this transaction; return those tried."""
        tried = cycles.browse()
        while batch := self._lock_selected(cycles, now, tried.ids):
            batch._close(now)
            tried |= batch
            self._count_batch(batch)
        return tried

    @api.model
    def _lock_selected(self, cycles, now, tried):
        """Lock the due ones of `cycles` that nobody else is closing, a batch at most."""
        cycles._flush_due()
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id %s AND c.id = ANY(%s) ORDER BY c.end_at, c.id LIMIT %s"
                " FOR UPDATE OF c SKIP LOCKED",
                cycles._get_due_sql(now, tried),
                cycles.ids,
                cycles._get_batch_size(),
            )
        )
        return cycles.browse(row[0] for row in rows)
