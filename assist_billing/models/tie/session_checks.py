from odoo import api, models
from odoo.tools import SQL

from .assist_billing_tie import KEPT_RECORDS, PATIENCE_DAYS, STATES, Check

# Late sessions billed by a bill of their own: they are no part of the cycle's own bill, and stay
# billed when that one is taken back.
BILLED_ALONE = SQL("(p.id IS NOT NULL AND p.origin_cycle_id = p.cycle_id)")


class AssistBillingTie(models.Model):
    """Each session is in one state, the one its facts call for, and on one bill at most."""

    _inherit = 'assist.billing.tie'

    @api.model
    def _get_session_checks(self):
        return [
            Check(
                'sessions_in_no_state',
                'assist.session',
                self.env._("Sessions without a state"),
                self.env._(
                    "Every session is either billed, to bill, non-billable, running or unmatched."
                ),
            ),
            Check(
                'sessions_in_a_wrong_state',
                'assist.session',
                self.env._("Sessions in the wrong state"),
                self.env._(
                    "A running session has no end; only non-billable sessions are marked as such; "
                    "a session to bill has someone to bill it to; the measured time is end minus "
                    "start."
                ),
            ),
            Check(
                'sessions_resolved_wrongly',
                'assist.session',
                self.env._("Sessions with the wrong association"),
                self.env._(
                    "A session is unmatched if there was no one to bill it to on the day it ended; "
                    "otherwise it is to bill."
                ),
            ),
            Check(
                'sessions_billed_by_no_bill',
                'assist.session',
                self.env._("Billed sessions without a closed cycle"),
                self.env._("A billed session belongs to a closed cycle."),
            ),
            Check(
                'sessions_left_behind',
                'assist.session',
                self.env._("Unbilled sessions that can no longer be billed"),
                self.env._(
                    "A session is reserved for a cycle only while that cycle is waiting to be "
                    "billed again."
                ),
            ),
            Check(
                'sessions_waiting_too_long',
                'assist.session',
                self.env._("Sessions that have waited too long"),
                self.env._(
                    "No cycle has opened for these sessions, or they arrived late and no run has "
                    "billed them."
                ),
            ),
            Check(
                'sessions_of_another_customer',
                'assist.session',
                self.env._("Sessions on another customer's cycle"),
                self.env._("A session and its cycle have the same association and company."),
            ),
            Check(
                'sessions_of_another_time',
                'assist.session',
                self.env._("Sessions on the wrong cycle"),
                self.env._(
                    "A session ended in the cycle that bills it, or is listed there as a late "
                    "session of the earlier cycle in which it ended."
                ),
            ),
            Check(
                'sessions_merged_wrongly',
                'assist.session',
                self.env._("Sessions merged wrongly"),
                self.env._(
                    "A merged session is merged into a billed session of the same customer, "
                    "technician and device that is not itself merged."
                ),
            ),
        ]

    # === SEEN BY LOOKING AT EACH SESSION === #

    def _find_together(self):
        """Return what `_find_<key>` would, of all checks that one look at each session answers.

        :return: `{key: (number, ids)}`
        """
        conditions = self._get_session_conditions()
        flags = [SQL.identifier(key) for key in conditions]
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT %(found)s FROM (
                    SELECT s.id, %(conditions)s
                      FROM assist_session s
                 LEFT JOIN assist_billing_cycle c ON c.id = s.cycle_id
                 LEFT JOIN (
                           SELECT p.id, p.cycle_id, p.origin_cycle_id, o.association_id,
                                  o.start_at, o.end_at
                             FROM assist_billing_cycle_prior p
                        LEFT JOIN assist_billing_cycle o ON o.id = p.origin_cycle_id
                           ) AS p ON p.id = s.prior_id
                     WHERE %(scope)s
                ) AS f WHERE %(any)s
                """,
                found=SQL(", ").join(
                    SQL(
                        "count(*) FILTER (WHERE %(flag)s),"
                        " (array_agg(f.id ORDER BY f.id) FILTER (WHERE %(flag)s))[1:%(kept)s]",
                        flag=flag,
                        kept=KEPT_RECORDS,
                    )
                    for flag in flags
                ),
                conditions=SQL(", ").join(
                    SQL("(%s) IS TRUE AS %s", condition, flag)
                    for condition, flag in zip(conditions.values(), flags, strict=True)
                ),
                scope=self._get_session_scope(),
                any=SQL(" OR ").join(flags),
            )
        )
        return {
            key: (row[2 * number], row[2 * number + 1] or [])
            for number, key in enumerate(conditions)
        }

    def _get_session_conditions(self):
        """Return what breaks a rule: `{key of the check: condition}`, an SQL.

        It is on a session `s`, its cycle `c`, and `p`: what it was billed late with, and the
        association and the times of the cycle it ended in.
        """
        return {
            'sessions_in_no_state': SQL("s.state NOT IN %s", STATES),
            'sessions_in_a_wrong_state': SQL(
                """
                (s.state = 'running') != (s.ended_at IS NULL)
                OR s.state = 'non_billable' AND s.billable
                OR s.state IN ('billed', 'to_bill', 'unmatched') AND s.billable IS NOT TRUE
                OR s.state IN ('billed', 'to_bill') AND s.association_id IS NULL
                OR CASE WHEN s.ended_at IS NULL THEN s.duration_seconds IS DISTINCT FROM 0
                        ELSE (s.ended_at >= s.started_at + make_interval(secs => s.duration_seconds)
                              AND s.ended_at
                                  < s.started_at + make_interval(secs => s.duration_seconds + 1)
                             ) IS NOT TRUE END
                """
            ),
            'sessions_billed_by_no_bill': SQL(
                "s.state = 'billed' AND (c.state = 'closed'"
                " OR c.state IN ('to_rebill', 'waived') AND %s) IS NOT TRUE",
                BILLED_ALONE,
            ),
            'sessions_left_behind': SQL(
                "c.id IS NOT NULL AND s.state IN ('to_bill', 'unmatched', 'running')"
                " AND NOT (s.state = 'to_bill' AND c.state = 'to_rebill')"
            ),
            'sessions_of_another_customer': SQL(
                "c.id IS NOT NULL AND (s.association_id IS DISTINCT FROM c.association_id"
                " OR s.company_id != c.company_id)"
            ),
            'sessions_of_another_time': SQL(
                """
                c.id IS NOT NULL AND s.state = 'billed'
                AND NOT CASE
                    WHEN p.id IS NULL THEN s.ended_at >= c.start_at AND s.ended_at < c.end_at
                    ELSE p.cycle_id = c.id AND p.association_id = c.association_id
                         AND s.ended_at >= p.start_at AND s.ended_at < p.end_at
                    END
                -- Listed as late, but on no bill.
                OR s.prior_id IS NOT NULL AND s.cycle_id IS NULL
                """
            ),
        }

    # === SEEN BY LOOKING AT OTHERS TOO === #

    def _find_sessions_resolved_wrongly(self):
        """Find by the rule of the associations alone, not by how sessions are resolved."""
        return self._find(
            SQL(
                """
                WITH RECURSIVE target AS (
                    SELECT s.id, s.partner_id, s.company_id, s.association_id, s.ended_at, s.state
                      FROM assist_session s
                     WHERE %s AND s.state IN ('to_bill', 'unmatched') AND s.ended_at IS NOT NULL
                ), above AS (
                    SELECT DISTINCT partner_id AS contact, partner_id, 0 AS steps FROM target
                     UNION ALL
                    SELECT b.contact, r.parent_id, b.steps + 1
                      FROM above b JOIN res_partner r ON r.id = b.partner_id
                     WHERE r.parent_id IS NOT NULL
                ), nearest AS (
                    SELECT DISTINCT ON (t.id) t.id, a.id AS association_id
                      FROM target t
                      JOIN above b ON b.contact = t.partner_id
                      JOIN assist_billing_association a
                        ON a.partner_id = b.partner_id AND a.company_id = t.company_id
                       AND t.ended_at >= a.start_at
                       AND t.ended_at < COALESCE(a.end_at, 'infinity')
                  ORDER BY t.id, b.steps, a.start_at DESC, a.id DESC
                )
                SELECT t.id FROM target t
             LEFT JOIN nearest n ON n.id = t.id
                 WHERE t.association_id IS DISTINCT FROM n.association_id
                    OR (t.state = 'to_bill') != (
                       n.association_id IS NOT NULL AND NOT EXISTS (
                           SELECT 1 FROM assist_billing_suspension x
                            WHERE x.association_id = n.association_id AND t.ended_at >= x.start_at
                              AND t.ended_at < COALESCE(x.end_at, 'infinity')
                       ))
                """,
                self._get_session_scope(),
            )
        )

    def _find_sessions_waiting_too_long(self):
        return self._find(
            SQL(
                """
                SELECT s.id
                  FROM assist_session s
                  JOIN assist_billing_association a ON a.id = s.association_id
                  JOIN res_company r ON r.id = s.company_id
             LEFT JOIN assist_billing_cycle o
                    ON o.association_id = a.id
                   AND s.ended_at >= o.start_at AND s.ended_at < o.end_at
                 WHERE %(scope)s AND s.state = 'to_bill' AND s.cycle_id IS NULL
                   AND (
                       o.id IS NULL
                   AND s.ended_at < %(now)s - %(patience)s * INTERVAL '1 day'
                    OR o.state IN ('closed', 'waived') AND o.error IS NULL
                   AND a.state != 'on_hold'
                   AND o.end_at + r.assist_close_grace_hours * INTERVAL '1 hour'
                       + (r.assist_late_days + %(patience)s) * INTERVAL '1 day' < %(now)s
                   -- It goes on the next bill, if one follows soon.
                   AND NOT EXISTS (
                       SELECT 1 FROM assist_billing_cycle n
                        WHERE n.association_id = a.id AND n.state = 'open'
                          AND n.currency_id = o.currency_id
                          AND n.end_at <= %(now)s + r.assist_late_days * INTERVAL '1 day'
                   )
                   -- Its cycle has no bill yet, so the next run makes one.
                    OR %(unbilled)s AND a.state != 'on_hold'
                   AND GREATEST(o.closed_at, s.write_date)
                       < %(now)s - %(patience)s * INTERVAL '1 day'
                   )
                """,
                scope=self._get_session_scope(),
                unbilled=self.env['assist.billing.cycle']._get_unbilled_sql(SQL("o")),
                now=self.checked_at,
                patience=PATIENCE_DAYS,
            )
        )

    def _find_sessions_merged_wrongly(self):
        return self._find(
            SQL(
                """
                SELECT s.id FROM assist_session s
                  JOIN assist_session h ON h.id = s.merged_into_id
                 WHERE %s AND s.state = 'billed'
                   AND (h.id = s.id OR h.state != 'billed'
                        OR h.association_id IS DISTINCT FROM s.association_id
                        OR h.partner_id IS DISTINCT FROM s.partner_id
                        OR h.technician_id IS DISTINCT FROM s.technician_id
                        OR h.device_id IS DISTINCT FROM s.device_id
                        -- A billed one may have been taken in by another that came late.
                        OR h.merged_into_id IS NOT NULL AND s.prior_id IS NULL)
                """,
                self._get_session_scope(),
            )
        )
