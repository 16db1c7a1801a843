from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ...utils.remembering import remembered
from ..rates.rate_card import PART_TERMS
from ..rating.usage import as_decimal
from .assist_billing_tie import KEPT_RECORDS, Check


class AssistBillingTie(models.Model):
    """Sessions that were cut: their parts are what the rate card of their cycle makes of them."""

    _inherit = 'assist.billing.tie'

    @api.model
    def _get_part_checks(self):
        return [
            Check(
                'parts_saying_something_else',
                'assist.session',
                self.env._("Sessions whose parts say something else"),
                self.env._(
                    "The parts of a billed session have its billed time together, and are those "
                    "that the rates of its cycle make."
                ),
            ),
        ]

    def _get_by_parts_sql(self):
        """Return the SQL condition that a cycle `c` takes more than numbers to be rated again.

        That is by parts, or down to a maximum.
        """
        return SQL("c.terms ?| %s", [*PART_TERMS, 'maximum_charge'])

    @remembered(lambda tie: tie)
    def _rate_by_parts(self):
        """Rate the closed cycles of that kind again; return (cycle, rating) of each."""
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id FROM assist_billing_cycle c WHERE %s AND c.state = 'closed'"
                " AND %s ORDER BY c.id",
                self._get_cycle_scope(),
                self._get_by_parts_sql(),
            )
        )
        cycles = self.env['assist.billing.cycle'].browse(row[0] for row in rows)
        sessions = cycles._read_sessions_where(SQL("s.cycle_id = c.id AND s.prior_id IS NULL"))
        return [(cycle, cycle._rate(sessions[cycle.id])) for cycle in cycles]

    def _find_parts_saying_something_else(self):
        wrong = {
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT s.id FROM assist_session s JOIN assist_session_part p
                        ON p.session_id = s.id
                     WHERE %s
                  GROUP BY s.id
                    HAVING sum(p.billed_seconds) != s.billed_seconds
                        OR bool_or(p.cycle_id IS DISTINCT FROM s.cycle_id)
                    """,
                    self._get_session_scope(),
                )
            )
        }
        for cycle, rated in self._rate_by_parts():
            expected = defaultdict(list)
            for part in rated.kept_parts:
                expected[part.id].append((part.start, part.end, part.quantity, part.amount))
            found = defaultdict(list)
            for part in cycle.part_ids.filtered(lambda part: not part.session_id.prior_id):
                found[part.session_id.id].append(
                    (
                        part.started_at,
                        part.ended_at,
                        as_decimal(part.quantity),
                        as_decimal(part.amount),
                    )
                )
            wrong |= {
                key for key in {*expected, *found} if sorted(expected[key]) != sorted(found[key])
            }
        return len(wrong), sorted(wrong)[:KEPT_RECORDS]
