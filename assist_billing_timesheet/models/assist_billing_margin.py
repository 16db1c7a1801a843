from odoo import fields, models
from odoo.tools import SQL


class AssistBillingMargin(models.Model):
    """What remote support brought in and what it cost, by customer and day.

    A bill, a supplementary bill or a credit note is a row, on the last day it serves; so is the
    timesheet of each session, billed or not. Without taxes, in the company's currency.
    """

    _name = 'assist.billing.margin'
    _description = "Remote Support Margin"
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'partner_id'
    _depends = {
        'account.move': [
            'assist_association_id',
            'assist_kind',
            'assist_period_end',
            'company_id',
            'invoice_date',
            'partner_id',
            'state',
        ],
        'account.move.line': ['balance', 'display_type', 'move_id'],
        'account.analytic.line': ['amount', 'assist_session_id', 'company_id', 'date'],
        'assist.session': ['association_id', 'duration_seconds', 'partner_id', 'technician_id'],
        'assist.billing.association': ['partner_id'],
    }

    # === FIELDS === #

    date = fields.Date(readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    commercial_partner_id = fields.Many2one(
        'res.partner', string="Company of Customer", readonly=True
    )
    association_id = fields.Many2one('assist.billing.association', readonly=True)
    technician_id = fields.Many2one('res.users', readonly=True)
    hours = fields.Float(readonly=True, help="Measured time of the sessions.")
    revenue = fields.Monetary(readonly=True)
    cost = fields.Monetary(
        readonly=True, help="The time of technicians at the hourly cost of each as an employee."
    )
    margin = fields.Monetary(readonly=True)

    # === QUERY === #

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT row_number() OVER (ORDER BY r.date, r.kind, r.origin) AS id, r.date,
                   r.company_id, r.partner_id, p.commercial_partner_id, r.association_id,
                   r.technician_id, r.hours, r.revenue, r.cost, r.revenue - r.cost AS margin
              FROM ((%s) UNION ALL (%s)) AS r
         LEFT JOIN res_partner p ON p.id = r.partner_id
            """,
            self._get_revenue_sql(),
            self._get_cost_sql(),
        )

    def _get_revenue_sql(self):
        return SQL(
            """
            SELECT 1 AS kind, m.id AS origin,
                   COALESCE(m.assist_period_end - 1, m.invoice_date) AS date,
                   m.company_id, m.partner_id, m.assist_association_id AS association_id,
                   NULL::int AS technician_id, 0.0 AS hours,
                   -SUM(l.balance) AS revenue, 0.0 AS cost
              FROM account_move m
              JOIN account_move_line l ON l.move_id = m.id AND l.display_type = 'product'
             WHERE m.assist_kind IS NOT NULL AND m.state = 'posted'
          GROUP BY m.id
            """
        )

    def _get_cost_sql(self):
        return SQL(
            """
            SELECT 2 AS kind, l.id AS origin, l.date, l.company_id,
                   COALESCE(a.partner_id, s.partner_id) AS partner_id, s.association_id,
                   s.technician_id, s.duration_seconds / 3600.0 AS hours,
                   0.0 AS revenue, -l.amount AS cost
              FROM account_analytic_line l
              JOIN assist_session s ON s.id = l.assist_session_id
         LEFT JOIN assist_billing_association a ON a.id = s.association_id
            """
        )
