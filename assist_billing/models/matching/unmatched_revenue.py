from collections import defaultdict
from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ...rules import rating

# What a plan grants or asks for a whole cycle says nothing of single sessions.
NEUTRAL = {
    'included_quantity': 0,
    'minimum_charge': 0,
    'maximum_charge': 0,
    'charge_devices': False,
    'rollover': 'none',
}


class AssistUnmatched(models.Model):
    """What unmatched sessions would bring, by the plan most used."""

    _inherit = 'assist.unmatched'

    # === BUSINESS METHODS === #

    @api.model
    def _get_usual_plan(self, company):
        """Return the plan most customers of a company have now, else had; an empty one if none."""
        # sudo: which plan is meant does not hang on who asks; prices are behind groups
        plans = self.env['assist.billing.plan'].sudo()
        plans.flush_model(['active', 'company_id'])
        self.env['assist.billing.association'].flush_model(['plan_id', 'state'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT p.id FROM assist_billing_plan p
             LEFT JOIN assist_billing_association a ON a.plan_id = p.id
                 WHERE p.company_id = %s AND p.active
              GROUP BY p.id
              ORDER BY count(a.id) FILTER (WHERE a.state != 'ended') DESC, count(a.id) DESC, p.id
                 LIMIT 1
                """,
                company.id,
            )
        )
        return plans.browse(rows[0] if rows else ())

    def _rate_sessions(self):
        """Return `{group id: (plan, untaxed amount)}`, the amount a decimal, 0 without a plan."""
        plans = {company: self._get_usual_plan(company) for company in self.company_id}
        amounts = {group.id: (plans[group.company_id], rating.ZERO) for group in self}
        priced = self.filtered(lambda group: plans[group.company_id])
        sessions = defaultdict(list)
        for group_id, session in priced._read_sessions():
            sessions[group_id].append(session)
        for group in priced:
            plan = plans[group.company_id]
            amounts[group.id] = plan, self._rate(plan, sessions[group.id])
        return amounts

    def _get_revenue(self):
        """Return what all of these groups would bring, untaxed."""
        return float(sum(amount for _plan, amount in self._rate_sessions().values()))

    def _read_sessions(self):
        """Return each session of these groups, as the rating wants it: [(group id, session)]."""
        cycles = self.env['assist.billing.cycle']
        cycles._flush_usage()
        columns, make = cycles._get_session_reader()
        rows = self.env.execute_query(
            SQL(
                "SELECT q.group_id, %s FROM (%s) AS q JOIN assist_session s ON s.id = q.id",
                columns,
                self._get_sessions_sql(self.ids),
            )
        )
        return [(group_id, make(values)) for group_id, *values in rows]

    @api.model
    def _rate(self, plan, sessions):
        """Return what sessions of one customer would cost by the present terms of a plan."""
        if not sessions:
            return rating.ZERO
        terms_class = self.env['assist.billing.cycle']._get_terms_class()
        first = min(session.end for session in sessions).date()
        last = max(session.end for session in sessions).date() + timedelta(days=1)
        terms = plan._prepare_customer_terms(
            plan.association_ids.browse(),
            plan._prepare_terms(),
            plan.company_id.partner_id.tz or 'UTC',
            first,
            last,
        )
        terms = terms_class.from_dict({**terms, **NEUTRAL})
        period = first, last, (last - first).days
        return sum(
            (line.amount for line in rating.rate(terms, period, sessions).lines), rating.ZERO
        )
