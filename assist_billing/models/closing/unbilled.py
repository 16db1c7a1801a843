from odoo import api, fields, models
from odoo.tools import SQL

from ...utils.races import retry_races

# What a session keeps of its billing, and what is forgotten when its cycle opens again.
STAMP_FIELDS = ['state', 'cycle_id', 'billed_seconds', 'merged_into_id', 'prior_id']


class AssistBillingCycle(models.Model):
    """Cycles that closed without a bill: nobody has seen one, so they can simply open again.

    They do for sessions that come in later, and for prices applied to them. The closing run then
    closes them as any other, with a bill of their own if there is something to bill by now.
    """

    _inherit = 'assist.billing.cycle'

    # === FIELDS === #

    reopened_at = fields.Datetime(
        string="Opened Again",
        readonly=True,
        help="It had closed without a bill; then sessions came in, or prices were applied to it.",
    )

    # === CONSTRAINTS === #

    _unbilled_index = models.Index("(plan_id) WHERE state = 'closed' AND move_id IS NULL")

    # === WHICH === #

    @api.model
    def _get_unbilled_sql(self, cycle):
        """Return the SQL condition that nobody has seen a bill of `cycle`, though it has closed.

        Not of a cycle that had a bill, or whose late sessions another bill has carried: what was
        billed of it stands, and the rest is billed as late.

        :param SQL cycle: alias of the cycle in the query
        """
        return SQL(
            """
            (%(cycle)s.state = 'closed' AND %(cycle)s.move_id IS NULL
             AND NOT EXISTS (
                 SELECT 1 FROM account_move um WHERE um.assist_origin_cycle_id = %(cycle)s.id
             )
             AND NOT EXISTS (
                 SELECT 1 FROM assist_billing_cycle_prior up
                  WHERE up.origin_cycle_id = %(cycle)s.id
                    AND (up.cycle_id != %(cycle)s.id OR up.move_id IS NOT NULL OR up.amount != 0)
             ))
            """,
            cycle=cycle,
        )

    @api.model
    def _search_unbilled(self, condition):
        """Return the cycles `c` without a bill that meet an SQL condition, oldest first."""
        self._flush_usage()
        self.env['assist.billing.cycle.prior'].flush_model()
        self.env['account.move'].flush_model(['assist_origin_cycle_id'])
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id FROM assist_billing_cycle c WHERE %s AND %s ORDER BY c.end_at, c.id",
                self._get_unbilled_sql(SQL("c")),
                condition,
            )
        )
        return self.browse(row[0] for row in rows)

    # === OPENING AGAIN === #

    @api.model
    def _reopen_unbilled(self):
        """Open again what closed without a bill and has got sessions since; commits as it goes."""
        while retry_races(self._reopen_next_unbilled):
            self.env['ir.cron']._commit_progress()

    @api.model
    def _reopen_next_unbilled(self):
        """Lock and open again the next such cycles, a batch at most; return them."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
                  JOIN assist_billing_association a ON a.id = c.association_id
                 WHERE %(unbilled)s AND a.state != 'on_hold' AND EXISTS (
                       SELECT 1 FROM assist_session s
                        WHERE s.association_id = c.association_id AND s.state = 'to_bill'
                          AND s.cycle_id IS NULL
                          AND s.ended_at >= c.start_at AND s.ended_at < c.end_at
                 )
              ORDER BY c.end_at, c.id
                 LIMIT %(limit)s
            FOR UPDATE OF c SKIP LOCKED
                """,
                unbilled=self._get_unbilled_sql(SQL("c")),
                limit=self._get_batch_size(),
            )
        )
        cycles = self.browse(row[0] for row in rows)
        cycles._reopen()
        return cycles

    def _reopen(self):
        """Open these locked cycles again, which closed without a bill.

        All they hold is let go, sessions and days of devices, and is rated anew by the next run.
        """
        if not self:
            return
        # Late sessions of earlier cycles that came to nothing here are late again.
        self.prior_ids.unlink()
        self.device_ids.unlink()
        sessions = self._release_sessions()
        self.write(
            {
                'state': 'open',
                'reopened_at': fields.Datetime.now(),
                'closed_at': False,
                **dict.fromkeys(
                    (
                        'session_count',
                        'session_seconds',
                        'billed_quantity',
                        'device_quantity',
                        'usage_amount',
                    ),
                    0,
                ),
            }
        )
        # They may be somebody else's by now: as long as they counted as billed they stayed.
        sessions._resolve()

    def _release_sessions(self):
        """Take the stamp off the sessions billed by these cycles, in one statement."""
        sessions = self.env['assist.session']
        sessions.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE assist_session
                   SET state = 'to_bill', cycle_id = NULL, billed_seconds = 0,
                       merged_into_id = NULL, prior_id = NULL,
                       write_uid = %s, write_date = NOW() AT TIME ZONE 'UTC'
                 WHERE cycle_id IN %s AND state = 'billed'
             RETURNING id
                """,
                self.env.uid,
                tuple(self.ids),
            )
        )
        sessions = sessions.browse(row[0] for row in rows)
        self.env['assist.session'].invalidate_model(STAMP_FIELDS)
        self.invalidate_recordset(['session_ids'])
        sessions.modified(STAMP_FIELDS)
        return sessions
