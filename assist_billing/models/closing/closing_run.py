from odoo import api, fields, models
from odoo.tools import SQL

from ...utils.races import retry_races

# Cycles closed, and committed, at a time. More gains little, and loses more when one of them fails.
CLOSE_BATCH = 50


class AssistBillingCycle(models.Model):
    """The closing run: which cycles are due, in batches, each locked, closed and committed."""

    _inherit = 'assist.billing.cycle'

    # === CRON === #

    @api.model
    def _cron_close_cycles(self, now=None):
        """Open the cycles that have begun and close those that are due; the scheduled action.

        Commits as it goes: each batch is billed wholly or not at all. Running it twice, or twice
        at a time, bills nothing twice.

        :param datetime now: naive UTC; default: the present. For catching up and for tests.
        """
        now = now or fields.Datetime.now()
        progress = self.env['ir.cron']
        progress._commit_progress()
        retry_races(self._open_begun_cycles, now)
        self._reopen_unbilled()
        run = retry_races(self.env['assist.billing.run']._begin, now)
        progress._commit_progress(remaining=self._count_due(now))
        self._finish_bills()  # what an earlier run was killed over
        if not self._close_due(now, run):
            run._pause()
            return  # out of time: the scheduler comes back for the rest
        self._bill_late_sessions(now, run)
        self._finish_bills()
        run._end()
        progress._commit_progress(remaining=0)

    @api.model
    def _close_due(self, now, run):
        """Close all that is due, batch by batch; False when time is up before.

        :param run: the `assist.billing.run` they count for, or none
        """
        tried = []
        while batch := retry_races(self._close_next_batch, now, tried, run):
            tried += batch.filtered(lambda cycle: cycle.state == 'open').ids
            if not self.env['ir.cron']._commit_progress(len(batch)):
                return False
            if self._analyze_new_ledger():
                self.env['ir.cron']._commit_progress()
        return True

    @api.model
    def _close_next_batch(self, now, tried, run):
        """Lock and close the next due cycles; return them, or nothing when none is left.

        :param list tried: ids that failed in this run already; they are not tried in circles
        :param run: the `assist.billing.run` they count for, or none
        """
        # The lock is the first statement after a commit: its snapshot is fresh, so that what
        # another run has just closed is not due here any more.
        batch = self._lock_due_cycles(now, tried)
        if self.env.context.get('assist_lost_races'):
            batch._lock_sessions()
        batch._close(now)
        run._count_batch(batch)
        return batch

    @api.model
    def _analyze_new_ledger(self):
        """Have PostgreSQL count the entries as long as it takes them for none.

        A ledger's first batches come faster than the server looks by itself; and with statistics
        that say "no rows" a query that Odoo makes while posting takes minutes.

        :return: whether it was to be done
        """
        tables = ('account_move', 'account_move_line')
        if self.env.execute_query(
            SQL(
                "SELECT 1 FROM pg_class WHERE oid IN (%s::regclass, %s::regclass)"
                " AND reltuples <= 0",
                *tables,
            )
        ):
            self.env.cr.execute(
                SQL("ANALYZE %s", SQL(", ").join(SQL.identifier(table) for table in tables))
            )
            return True
        return False

    @api.model
    def _get_batch_size(self):
        """Return how many cycles are closed at a time: half as many after each lost race.

        The fewer sessions a batch has, and the less time it takes, the less of it others change.
        """
        return max(1, CLOSE_BATCH >> self.env.context.get('assist_lost_races', 0))

    def _lock_sessions(self):
        """Lock what these cycles may bill: who changes it meanwhile waits, and we do not lose.

        Only after a lost race, for a lock costs as much as the stamp on a session.
        """
        self.flush_model(['association_id', 'end_at'])
        self.env['assist.session'].flush_model(['association_id', 'state', 'ended_at'])
        self.env.cr.execute(
            SQL(
                """
                SELECT s.id FROM assist_session s
                  JOIN assist_billing_cycle c ON c.association_id = s.association_id
                 WHERE c.id = ANY(%s) AND s.state = 'to_bill' AND s.ended_at < c.end_at
              ORDER BY s.id
                   FOR NO KEY UPDATE OF s
                """,
                self.ids,
            )
        )

    # === DUE CYCLES === #

    @api.model
    def _get_due_sql(self, now, tried=()):
        """Return FROM and WHERE of the due cycles `c`; also what a run book previews.

        Due is the oldest open cycle of an association that is not on hold, once its end and the
        company's grace have passed. Younger ones wait for it: bills are made oldest first.
        """
        return SQL(
            """
            FROM assist_billing_cycle c
            JOIN assist_billing_association a ON a.id = c.association_id
            JOIN res_company p ON p.id = c.company_id
           WHERE c.state = 'open'
             AND c.end_at + p.assist_close_grace_hours * INTERVAL '1 hour' <= %(now)s
             AND a.state != 'on_hold'
             AND (c.retry_at IS NULL OR c.retry_at <= %(now)s)
             AND c.id != ALL(%(tried)s)
             AND NOT EXISTS (
                 SELECT 1 FROM assist_billing_cycle e
                  WHERE e.association_id = c.association_id AND e.state = 'open'
                    AND e.date_start < c.date_start
             )
            """,
            now=now,
            tried=list(tried),
        )

    @api.model
    def _flush_due(self):
        """Store what waits to be stored of that by which cycles are due."""
        self.flush_model(['state', 'end_at', 'date_start', 'association_id', 'retry_at'])
        self.env['assist.billing.association'].flush_model(['state'])
        self.env['res.company'].flush_model(['assist_close_grace_hours'])

    @api.model
    def _count_due(self, now):
        self._flush_due()
        [[count]] = self.env.execute_query(SQL("SELECT count(*) %s", self._get_due_sql(now)))
        return count

    @api.model
    def _lock_due_cycles(self, now, tried=()):
        """Lock the oldest due cycles that nobody else is closing, a batch at most."""
        self._flush_due()
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id %s ORDER BY c.end_at, c.id LIMIT %s FOR UPDATE OF c SKIP LOCKED",
                self._get_due_sql(now, tried),
                self._get_batch_size(),
            )
        )
        return self.browse(row[0] for row in rows)
