from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ...rules.matching import PUBLIC_DOMAINS
from ..ingest.session_source import SOURCE_TEXTS
from ..session.assist_session import BILLING_GROUPS

# Separates the parts of a group's key; no text of a source has it.
SEPARATOR = '\x1f'


class AssistUnmatched(models.Model):
    """Sessions nobody can be billed for, by what they have in common: one decision for each.

    Every unmatched session is in one group, known by the ID of its first session. What tells a
    customer best comes first: customer number, e-mail domain (the whole address where anybody
    can have one), device group, department, customer name, device.
    """

    _name = 'assist.unmatched'
    _description = "Unmatched Sessions"
    _auto = False
    _order = 'session_count desc, id'
    _rec_name = 'label'
    # What is read of them, and so is stored before.
    _depends = {
        'assist.session': [
            'association_id',
            'company_id',
            'duration_seconds',
            'partner_id',
            'source',
            'started_at',
            'state',
            *SOURCE_TEXTS.values(),
        ],
        'res.partner': ['complete_name', 'name'],
    }

    # === FIELDS === #

    company_id = fields.Many2one('res.company', readonly=True)
    reason = fields.Selection(
        [
            ('customer', "Customer unknown"),
            ('association', "No billing plan"),
            ('suspended', "Service suspended"),
        ],
        string="Why",
        readonly=True,
    )
    field = fields.Selection(
        selection='_get_fields', string="In Common", readonly=True, help="What they share."
    )
    label = fields.Char(string="As Reported", readonly=True)
    source = fields.Selection(
        selection=lambda self: self.env['assist.session']._get_sources(),
        readonly=True,
        help="Empty: several.",
    )
    partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    association_id = fields.Many2one(
        'assist.billing.association', readonly=True, groups=BILLING_GROUPS
    )
    session_count = fields.Integer(string="Sessions", readonly=True)
    duration_hours = fields.Float(string="Measured Time", readonly=True)
    first_at = fields.Datetime(string="First", readonly=True)
    last_at = fields.Datetime(string="Last", readonly=True)
    session_id = fields.Many2one('assist.session', string="Example", readonly=True)
    explanation = fields.Char(string="What Is Missing", compute='_compute_explanation')
    currency_id = fields.Many2one(
        'res.currency', compute='_compute_revenue_at_risk', groups=BILLING_GROUPS
    )
    revenue_at_risk = fields.Monetary(
        string="Revenue at Risk",
        compute='_compute_revenue_at_risk',
        groups=BILLING_GROUPS,
        help="What these sessions would cost, before taxes, by the plan most used: without what "
        "a plan includes, its minimum and its devices.",
    )

    # === TABLE === #

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT g.id, g.id AS session_id, g.company_id, g.first_at, g.last_at, g.session_count,
                   g.duration_seconds / 3600.0 AS duration_hours,
                   split_part(g.key, %(separator)s, 1) AS reason,
                   NULLIF(split_part(g.key, %(separator)s, 2), '') AS field,
                   CASE WHEN g.sources = 1 THEN e.source END AS source,
                   e.partner_id, e.association_id, %(label)s AS label
              FROM (
                  SELECT s.company_id, %(key)s AS key, min(s.id) AS id, count(*) AS session_count,
                         sum(s.duration_seconds) AS duration_seconds, min(s.started_at) AS first_at,
                         max(s.started_at) AS last_at, count(DISTINCT s.source) AS sources
                    FROM assist_session s WHERE s.state = 'unmatched'
                GROUP BY s.company_id, %(key)s
              ) g
        -- One look-up for each group: PostgreSQL cannot guess how few they are, and would
        -- read all sessions there are beside them.
        CROSS JOIN LATERAL (SELECT * FROM assist_session s WHERE s.id = g.id OFFSET 0) AS e
         LEFT JOIN res_partner p ON p.id = e.partner_id
            """,
            separator=SEPARATOR,
            key=self._get_key_sql(),
            label=self._get_label_sql(),
        )

    @api.model
    def _get_fields(self):
        """Return by what sessions are grouped: the fields of matching rules, and nothing."""
        return [
            *self.env['assist.matching.rule']._fields['field']._description_selection(self.env),
            ('none', self.env._("Only the source")),
        ]

    @api.model
    def _get_key_sql(self):
        """Return the key of the group that an unmatched session `s` belongs to.

        A colleague's address, as time trackers write it beside the user, says nothing of whose the
        session is: by it all customers were one.
        """
        return SQL(
            """
            concat_ws(%(separator)s,
                CASE WHEN s.partner_id IS NULL THEN 'customer'
                     WHEN s.association_id IS NULL THEN 'association' ELSE 'suspended' END,
                CASE WHEN s.partner_id IS NOT NULL
                     THEN concat_ws(%(separator)s, '', s.partner_id, s.association_id)
                     WHEN s.source_customer_ref > ''
                     THEN concat_ws(
                         %(separator)s, 'customer_ref', lower(s.source_customer_ref), s.source)
                     WHEN s.source_email > '' AND NOT %(is_ours)s AND %(is_public)s
                     THEN concat_ws(%(separator)s, 'email', lower(s.source_email))
                     WHEN s.source_email > '' AND NOT %(is_ours)s
                     THEN concat_ws(%(separator)s, 'email_domain', %(domain)s)
                     WHEN s.source_group > ''
                     THEN concat_ws(%(separator)s, 'group', lower(s.source_group))
                     WHEN s.source_department > ''
                     THEN concat_ws(%(separator)s, 'department', lower(s.source_department))
                     WHEN s.source_customer > ''
                     THEN concat_ws(%(separator)s, 'customer', lower(s.source_customer))
                     WHEN COALESCE(NULLIF(s.source_device_ref, ''), s.source_device) > ''
                     THEN concat_ws(%(separator)s, 'device', lower(COALESCE(
                         NULLIF(s.source_device_ref, ''), s.source_device)), s.source)
                     ELSE concat_ws(%(separator)s, 'none', s.source) END)
            """,
            separator=SEPARATOR,
            domain=SQL("split_part(lower(s.source_email), '@', 2)"),
            is_ours=SQL("lower(s.source_email) = ANY(%s)", self._get_colleagues_addresses()),
            is_public=SQL(
                "split_part(lower(s.source_email), '@', 2) = ANY(%s)",
                sorted(PUBLIC_DOMAINS),
            ),
        )

    @api.model
    def _get_colleagues_addresses(self):
        # sudo: whoever sees the inbox need not see who the users are
        colleagues = self.env['res.users'].sudo().search([('share', '=', False)])
        return sorted(set(colleagues.mapped('email_normalized')) - {False})

    @api.model
    def _get_label_sql(self):
        """Return what the group `g` is called, of its first session `e` and its contact `p`."""
        return SQL(
            """
            CASE split_part(g.key, %(separator)s, 2)
                 WHEN '' THEN p.complete_name
                 WHEN 'customer_ref' THEN e.source_customer_ref
                 WHEN 'email' THEN e.source_email
                 WHEN 'email_domain' THEN split_part(e.source_email, '@', 2)
                 WHEN 'group' THEN e.source_group
                 WHEN 'department' THEN e.source_department
                 WHEN 'customer' THEN e.source_customer
                 WHEN 'device' THEN COALESCE(NULLIF(e.source_device, ''), e.source_device_ref)
                 ELSE e.name END
            """,
            separator=SEPARATOR,
        )

    @api.model
    def _get_sessions_sql(self, ids):
        """Return a query for `(group id, session id)` of these groups."""
        return SQL(
            """
            SELECT f.id AS group_id, m.id
              FROM (
                  SELECT s.id, s.company_id, %(key)s AS key FROM assist_session s
                   WHERE s.id = ANY(%(ids)s) AND s.state = 'unmatched'
              ) f
              JOIN (
                  SELECT s.id, s.company_id, %(key)s AS key FROM assist_session s
                   WHERE s.state = 'unmatched'
              ) m ON m.company_id = f.company_id AND m.key = f.key
            """,
            key=self._get_key_sql(),
            ids=list(ids),
        )

    # === COMPUTE METHODS === #

    @api.depends('reason', 'field', 'partner_id')
    @api.depends_context('lang', 'allowed_company_ids')
    def _compute_explanation(self):
        spans = self._read_association_spans()
        for group in self:
            if group.reason == 'customer' and group.field == 'none':
                group.explanation = self.env._("The source does not report who was helped.")
            elif group.reason == 'customer':
                group.explanation = self.env._("No customer matches this.")
            elif group.reason == 'suspended':
                group.explanation = self.env._("The customer's service was suspended at the time.")
            else:
                group.explanation = group._explain_spans(spans[group.partner_id.id])

    def _explain_spans(self, spans_by_company):
        """Say in words when a customer is associated, which was not when it was helped.

        :param dict spans_by_company: `{company id: [(start date, end date)]}`
        """
        self.ensure_one()
        spans = spans_by_company.get(self.company_id.id)
        elsewhere = self.env.companies.filtered(lambda company: company.id in spans_by_company)
        if not spans and elsewhere:
            return self.env._(
                "The customer is associated with a billing plan of %(companies)s, but with none of "
                "%(company)s, whose sessions these are.",
                companies=", ".join(elsewhere.mapped('name')),
                company=self.company_id.name,
            )
        if not spans:
            return self.env._("The customer is not associated with a billing plan.")
        texts = [
            self.env._(
                "%(start)s – %(end)s",
                start=format_date(self.env, start),
                end=format_date(self.env, fields.Date.subtract(end, days=1)),
            )
            if end
            else self.env._("since %(start)s", start=format_date(self.env, start))
            for start, end in spans
        ]
        return self.env._(
            "The customer was not associated on these days, only %(spans)s.",
            spans=", ".join(texts),
        )

    def _read_association_spans(self):
        """Return `{partner id: {company id: [(start date, end date)]}}` of the associations at or
        above each, in their companies and in all that are looked at.

        Dates only, which are no secret to technicians.
        """
        spans = defaultdict(lambda: defaultdict(list))
        groups = self.filtered(lambda group: group.reason == 'association')
        if not groups:
            return spans
        self.env['assist.billing.association'].flush_model()
        self.env['res.partner'].flush_model(['parent_id'])
        for partner_id, company_id, *span in self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE chain AS (%s)
                SELECT c.origin, a.company_id, a.start_date, a.end_date
                  FROM chain c JOIN assist_billing_association a ON a.partner_id = c.partner_id
                 WHERE a.company_id = ANY(%s) ORDER BY c.origin, a.start_date, a.id
                """,
                self.env['assist.billing.association']._get_chain_sql(
                    SQL("SELECT unnest(%s::int[]) AS partner_id", groups.partner_id.ids)
                ),
                (groups.company_id | self.env.companies).ids,
            )
        ):
            spans[partner_id][company_id].append(tuple(span))
        return spans

    @api.depends('company_id')
    def _compute_revenue_at_risk(self):
        revenues = self._rate_sessions()
        for group in self:
            plan, amount = revenues[group.id]
            group.currency_id = plan.currency_id or group.company_id.currency_id
            group.revenue_at_risk = float(amount)

    # === ACTIONS === #

    def action_view_sessions(self):
        """Open the sessions of these groups."""
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_session_action_unmatched'
            ),
            'domain': [('state', '=', 'unmatched'), ('unmatched_id', 'in', self.ids)],
        }

    def action_assign(self):
        """Ask whose sessions these are."""
        self.ensure_one()
        self.check_access('read')
        if self.reason != 'customer':
            raise UserError(
                self.env._(
                    "%(customer)s is already the customer of these sessions. %(explanation)s",
                    customer=self.partner_id.display_name,
                    explanation=self.explanation,
                )
            )
        if self.field == 'none':
            # Nothing to make a rule of: each is somebody else's.
            return self.action_view_sessions()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Whose Sessions Are These?"),
            'res_model': 'assist.unmatched.assign',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_session_id': self.session_id.id,
                'default_company_id': self.company_id.id,
                'default_field': self.field,
                'default_value': self._get_rule_value(),
                'default_source': self._get_rule_source(),
            },
        }

    def action_associate(self):
        """Open the dialog that associates the customers of these groups with a plan."""
        self.check_access('read')
        groups = self.filtered(lambda group: group.reason == 'association')
        companies = groups.company_id
        if len(companies) > 1:
            raise UserError(
                self.env._(
                    "These sessions are of several companies (%(companies)s), each of which has "
                    "its own plans. Associate the customers of one company at a time.",
                    companies=", ".join(companies.mapped('name')),
                )
            )
        return self._get_associate_action(
            groups.partner_id,
            companies or self.env.company,
            min(groups.mapped('first_at'), default=None),
        )

    def action_view_association(self):
        self.ensure_one()
        self.check_access('read')
        return self.association_id._get_records_action()

    # === BUSINESS METHODS === #

    def _get_rule_value(self):
        """Return what a rule for this group has to look for."""
        self.ensure_one()
        if self.field == 'device':
            return self.session_id.source_device_ref or self.label
        return self.label

    def _get_rule_source(self):
        """Return the source a rule for this group is for: numbers mean nothing elsewhere."""
        self.ensure_one()
        return self.source if self.field in ('customer_ref', 'device') else False

    @api.model
    def _get_associate_action(self, partners, company, first_at):
        """Return the action that opens Associate Customers, filled in as far as is known.

        :param first_at: start of the earliest session (UTC), or None
        """
        plan = self._get_usual_plan(company)
        context = {'default_partner_ids': [fields.Command.set(partners.ids)]}
        if plan:
            context['default_plan_id'] = plan.id
        if first_at:
            context['default_start_date'] = fields.Date.to_string(
                company._assist_get_today(first_at)
            )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Associate Customers"),
            'res_model': 'assist.associate.customers',
            'view_mode': 'form',
            'target': 'new',
            'context': context,
        }
