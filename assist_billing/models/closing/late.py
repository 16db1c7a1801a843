from odoo import api, models
from odoo.tools import SQL

from ...utils.races import NOBODYS_FAULT, UndoPoint, retry_races, watched_commits


class AssistBillingCycle(models.Model):
    """Late sessions: those that no further bill is to carry soon get a bill of their own."""

    _inherit = 'assist.billing.cycle'

    # === LATE SESSIONS === #

    @api.model
    def _bill_late_sessions(self, now, run):
        """Bill late sessions by a bill of their own where no other is to carry them soon."""
        tried = []
        while origins := retry_races(self._bill_next_late, now, tried, run):
            tried += origins.ids
            if not self.env['ir.cron']._commit_progress():
                return

    @api.model
    def _bill_next_late(self, now, tried, run):
        """Lock and bill the late sessions of the next closed cycles; return these cycles."""
        origins = self._lock_late_cycles(now, tried)
        for origin in origins:
            origin._bill_late(now)
        run._count_late(origins)
        return origins

    @api.model
    def _lock_late_cycles(self, now, tried):
        """Lock and return closed cycles with late sessions that have waited long enough.

        They wait `assist_late_days` from the end of their cycle, and longer if another bill is
        to follow within that time from now. If the next bill is in another currency, they do not
        wait at all. A batch at most.
        """
        self._flush_due()
        self.flush_model(['start_at'])
        self.env['res.company'].flush_model(['assist_late_days'])
        self.env['assist.session'].flush_model(['association_id', 'state', 'cycle_id', 'ended_at'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT o.id
                  FROM assist_billing_cycle o
                  JOIN assist_billing_association a ON a.id = o.association_id
                  JOIN res_company p ON p.id = o.company_id
             LEFT JOIN LATERAL (
                       SELECT n.currency_id FROM assist_billing_cycle n
                        WHERE n.association_id = o.association_id AND n.state = 'open'
                     ORDER BY n.date_start LIMIT 1
                       ) following ON TRUE
                 WHERE o.state IN ('closed', 'waived') AND a.state != 'on_hold'
                   AND NOT %(unbilled)s
                   AND (following.currency_id != o.currency_id
                        OR o.end_at + p.assist_close_grace_hours * INTERVAL '1 hour'
                           + p.assist_late_days * INTERVAL '1 day' <= %(now)s)
                   AND (o.retry_at IS NULL OR o.retry_at <= %(now)s)
                   AND o.id != ALL(%(tried)s)
                   AND EXISTS (
                       SELECT 1 FROM assist_session s
                        WHERE s.association_id = o.association_id AND s.state = 'to_bill'
                          AND s.cycle_id IS NULL
                          AND s.ended_at >= o.start_at AND s.ended_at < o.end_at
                   )
                   AND NOT EXISTS (
                       SELECT 1 FROM assist_billing_cycle n
                        WHERE n.association_id = o.association_id AND n.state = 'open'
                          AND following.currency_id = o.currency_id
                          AND n.currency_id = o.currency_id
                          AND n.end_at <= %(now)s + p.assist_late_days * INTERVAL '1 day'
                   )
              ORDER BY o.end_at, o.id
                 LIMIT %(limit)s
            FOR UPDATE OF o SKIP LOCKED
                """,
                now=now,
                tried=tried,
                limit=self._get_batch_size(),
                unbilled=self._get_unbilled_sql(SQL("o")),
            )
        )
        return self.browse(row[0] for row in rows)

    def _bill_late(self, now):
        """Bill the late sessions of this locked cycle by a supplementary bill."""
        self.ensure_one()
        point = UndoPoint(self.env.cr)
        try:
            with point:
                outcome = self._get_late_outcome()
                move = self.env['account.move']
                # Until the sessions are wholly billed nobody commits.
                with watched_commits(self.env.cr, lambda: False):
                    if outcome.total:
                        move = self._create_moves([self._prepare_supplementary_vals(outcome, now)])
                    self._keep_details([outcome], supplementary=move)
                    self._stamp_sessions([outcome])
                    self._close_succeeded()
                if move:
                    self._process_moves(move)
        except NOBODYS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - kept on the cycle and shown
            if not point.is_lost:
                self._close_failed(error, now)
