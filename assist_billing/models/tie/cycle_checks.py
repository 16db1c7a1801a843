from odoo import api, models
from odoo.tools import SQL

from ...rules import cycles
from ..rating.usage import as_decimal
from .assist_billing_tie import PATIENCE_DAYS, Check


class AssistBillingTie(models.Model):
    """Cycles follow each other without a gap, close in turn, and count what their sessions are."""

    _inherit = 'assist.billing.tie'

    @api.model
    def _get_cycle_checks(self):
        return [
            Check(
                'cycles_not_in_a_row',
                'assist.billing.cycle',
                self.env._("Cycles with a gap or an overlap"),
                self.env._(
                    "A cycle begins when the previous one ends; the first one begins on the start "
                    "date."
                ),
            ),
            Check(
                'cycles_closed_out_of_turn',
                'assist.billing.cycle',
                self.env._("Open cycles older than a closed one"),
                self.env._("The cycles of a customer close in order, oldest first."),
            ),
            Check(
                'cycles_nobody_closed',
                'assist.billing.cycle',
                self.env._("Due cycles that no run has attempted"),
                self.env._(
                    "A cycle that has been due for more than two days is closed or shows why it "
                    "could not be. Is the scheduled action running?"
                ),
            ),
            Check(
                'cycles_counting_other_sessions',
                'assist.billing.cycle',
                self.env._("Cycles that count different sessions"),
                self.env._(
                    "The number and measured time of a closed cycle equal those of its sessions."
                ),
            ),
            Check(
                'cycles_billing_another_quantity',
                'assist.billing.cycle',
                self.env._("Cycles that bill a different quantity"),
                self.env._(
                    "The sessions or hours billed by a closed cycle equal those of its sessions, "
                    "less what the plan includes."
                ),
            ),
        ]

    # === IN TIME === #

    def _find_cycles_not_in_a_row(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM (
                    SELECT k.*, lag(k.end_at) OVER following AS before_at,
                           lag(k.date_end) OVER following AS before_date
                      FROM assist_billing_cycle k
                     WHERE k.company_id = %s
                    WINDOW following AS (PARTITION BY k.association_id ORDER BY k.date_start)
                ) AS c
                  JOIN assist_billing_association a ON a.id = c.association_id
                 WHERE %s
                   AND (c.start_at != COALESCE(c.before_at, a.start_at)
                        OR c.date_start != COALESCE(c.before_date, a.start_date)
                        OR c.company_id != a.company_id)
                """,
                self.company_id.id,
                self._get_cycle_scope(),
            )
        )

    def _find_cycles_closed_out_of_turn(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
                 WHERE %s AND c.state = 'open'
                   -- What closed without a bill may have opened again.
                   AND c.reopened_at IS NULL AND EXISTS (
                       SELECT 1 FROM assist_billing_cycle n
                        WHERE n.association_id = c.association_id AND n.state != 'open'
                          AND n.date_start > c.date_start
                 )
                """,
                self._get_cycle_scope(),
            )
        )

    def _find_cycles_nobody_closed(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
                  JOIN assist_billing_association a ON a.id = c.association_id
                  JOIN res_company r ON r.id = c.company_id
                 WHERE %s AND c.state = 'open' AND c.error IS NULL AND a.state != 'on_hold'
                   AND c.end_at + r.assist_close_grace_hours * INTERVAL '1 hour'
                       + %s * INTERVAL '1 day' < %s
                   -- Younger ones wait for one that fails.
                   AND NOT EXISTS (
                       SELECT 1 FROM assist_billing_cycle e
                        WHERE e.association_id = c.association_id AND e.state = 'open'
                          AND e.date_start < c.date_start
                   )
                """,
                self._get_cycle_scope(),
                PATIENCE_DAYS,
                self.checked_at,
            )
        )

    # === IN COUNT === #

    def _get_used_sql(self):
        """Return SQL of what the sessions of closed cycles come to, late ones apart.

        Rows of (id, sessions, seconds, own_seconds, own_counted): number and measured time of
        all sessions a cycle's bill carries; billed seconds and number of its own that count.
        """
        return SQL(
            """
            SELECT c.id,
                   count(s.id) FILTER (WHERE %(carried)s) AS sessions,
                   COALESCE(sum(s.duration_seconds) FILTER (WHERE %(carried)s), 0) AS seconds,
                   COALESCE(sum(s.billed_seconds) FILTER (WHERE s.prior_id IS NULL), 0)
                       AS own_seconds,
                   count(s.id) FILTER (
                       WHERE s.prior_id IS NULL AND s.merged_into_id IS NULL
                         AND s.duration_seconds >= (c.terms ->> 'ignore_under_seconds')::int
                   ) AS own_counted
              FROM assist_billing_cycle c
         LEFT JOIN assist_session s ON s.cycle_id = c.id AND s.state = 'billed'
         LEFT JOIN assist_billing_cycle_prior p ON p.id = s.prior_id
             WHERE %(scope)s AND c.state = 'closed'
          GROUP BY c.id
            """,
            # Not those that came in late and got a bill of their own.
            carried=SQL("(s.prior_id IS NULL OR p.origin_cycle_id != c.id)"),
            scope=self._get_cycle_scope(),
        )

    def _get_scaled_sql(self):
        """Return SQL of closed cycles with their terms as numbers.

        Rows of (id, move_id, billing_type, billed_quantity, device_quantity, usage_amount, price,
        fee, device_price, included, fee_hours, num, den, rounding, by_parts): the included quantity
        is included x num / den, of which a device's price has the same factor, and the hours that
        come with fees. With a rate card, tiers and the like (`by_parts`) what was used is no matter
        of these numbers.
        """
        factors = SQL(", ").join(
            SQL("(%s, %s::numeric, %s::numeric)", cycle, factor.numerator, factor.denominator)
            for cycle in cycles.CYCLES
            for factor in [cycles.month_factor(cycle)]
        )
        return SQL(
            """
            SELECT t.*, round(t.device_price_raw * t.num / t.den, t.price_digits) AS device_price
              FROM (
                SELECT c.id, c.move_id, c.terms ->> 'billing_type' AS billing_type,
                       c.billed_quantity, c.device_quantity, c.usage_amount,
                       (c.terms ->> 'price_digits')::int AS price_digits,
                       (c.terms ->> 'quantity_digits')::int AS quantity_digits,
                       (c.terms ->> 'currency_rounding')::numeric AS rounding,
                       round(CASE c.terms ->> 'billing_type'
                             WHEN 'hour' THEN (c.terms ->> 'price_per_hour')::numeric
                             ELSE (c.terms ->> 'price_per_session')::numeric END,
                             (c.terms ->> 'price_digits')::int) AS price,
                       round(CASE c.terms ->> 'billing_type'
                             WHEN 'hour' THEN (c.terms ->> 'base_fee')::numeric ELSE 0 END,
                             (c.terms ->> 'price_digits')::int) AS fee,
                       (c.terms ->> 'price_per_device')::numeric AS device_price_raw,
                       (c.terms ->> 'included_quantity')::numeric AS included,
                       (SELECT COALESCE(sum(f.hours), 0)::numeric
                          FROM assist_billing_cycle_fee f WHERE f.cycle_id = c.id) AS fee_hours,
                       %s AS by_parts,
                       x.month * f.num * CASE WHEN x.cut THEN x.days ELSE 1 END
                           + (1 - x.month) * CASE WHEN x.cut THEN x.days ELSE 1 END AS num,
                       x.month * f.den * CASE WHEN x.cut THEN x.whole ELSE 1 END
                           + (1 - x.month) * CASE WHEN x.cut THEN x.whole ELSE 1 END AS den
                  FROM assist_billing_cycle c
                  JOIN (VALUES %s) AS f (cycle, num, den) ON f.cycle = c.terms ->> 'cycle'
                 CROSS JOIN LATERAL (
                       SELECT (c.terms ->> 'amounts_per' = 'month')::int AS month,
                              (c.terms ->> 'prorate_partial')::boolean
                                  AND c.date_end < c.whole_date_end AS cut,
                              c.date_end - c.date_start AS days,
                              c.whole_date_end - c.date_start AS whole
                       ) AS x
                 WHERE %s AND c.state = 'closed'
              ) AS t
            """,
            self._get_by_parts_sql(),
            factors,
            self._get_cycle_scope(),
        )

    def _find_cycles_counting_other_sessions(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
                  JOIN (%s) AS u ON u.id = c.id
                 WHERE (c.session_count, c.session_seconds) != (u.sessions, u.seconds)
                """,
                self._get_used_sql(),
            )
        )

    def _find_cycles_billing_another_quantity(self):
        wrong = [
            cycle.id
            for cycle, rated in self._rate_by_parts()
            if rated.billed_quantity != as_decimal(cycle.billed_quantity)
        ]
        return self._find(
            SQL(
                """
                SELECT unnest(%s::int[]) AS id
                 UNION ALL
                SELECT t.id FROM (%s) AS t
                  JOIN (%s) AS u ON u.id = t.id
                 WHERE NOT t.by_parts AND t.billed_quantity != round(
                       GREATEST(0, CASE t.billing_type
                           WHEN 'hour' THEN u.own_seconds
                               - 3600 * (t.included * t.num / t.den + t.fee_hours)
                           ELSE 3600 * (u.own_counted - t.included * t.num / t.den)
                       END) / 3600, t.quantity_digits)
                """,
                wrong,
                self._get_scaled_sql(),
                self._get_used_sql(),
            )
        )
