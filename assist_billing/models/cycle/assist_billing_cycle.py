from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tools import SQL, format_date, formatLang

from ...rules import cycles
from ...utils.prices import format_price
from ...utils.remembering import remembered, remembering
from ...utils.sql_changes import insert
from ..rates.agreement import AGREEMENT_TERMS
from ..rates.rate_card import CARD_TERMS, PART_TERMS

# Associations looked at, and committed, at a time when cycles open.
OPEN_BATCH = 500
# Of an association `a`.
LAST_CYCLE = SQL(
    "LATERAL (SELECT c.date_end, c.end_at FROM assist_billing_cycle c"
    " WHERE c.association_id = a.id ORDER BY c.date_start DESC LIMIT 1)"
)
# From where a cycle comes to a state.
STATES_BEFORE = {
    'open': {'open', 'closed'},
    'closed': {'open', 'closed', 'to_rebill'},
    'to_rebill': {'closed'},
    'waived': {'to_rebill'},
}
# The terms in words.
ROW = Markup('<tr><th scope="row" class="fw-normal text-muted pe-4">%s</th><td>%s</td></tr>')
TABLE = Markup('<table class="table table-sm w-auto mb-0"><tbody>%s</tbody></table>')


class AssistBillingCycle(models.Model):
    """The period of one bill of an association: what it covers, its terms, what became of it."""

    _name = 'assist.billing.cycle'
    _description = "Remote Support Billing Cycle"
    _inherit = ['mail.thread', 'mail.activity.mixin', 'assist.billing.failure', 'assist.guard']
    _order = 'date_end desc, id desc'
    _rec_names_search = ['partner_id']
    _check_company_auto = True
    # Nobody writes a cycle by hand, but whoever reads it may leave a note on it.
    _mail_post_access = 'read'

    # === FIELDS === #

    association_id = fields.Many2one(
        'assist.billing.association', required=True, readonly=True, index=True, ondelete='restrict'
    )
    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help="The association's customer, as long as the cycle is open.",
    )
    plan_id = fields.Many2one(
        'assist.billing.plan', required=True, readonly=True, index=True, ondelete='restrict'
    )
    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True)
    currency_id = fields.Many2one('res.currency', required=True, readonly=True)
    date_start = fields.Date(string="Start Date", required=True, readonly=True)
    date_end = fields.Date(
        string="End Date",
        required=True,
        readonly=True,
        index=True,
        help="First day of the next cycle.",
    )
    whole_date_end = fields.Date(
        required=True, readonly=True, help="Where the cycle ends, or would end if not cut short."
    )
    start_at = fields.Datetime(string="Starts At", required=True, readonly=True)
    end_at = fields.Datetime(string="Ends At", required=True, readonly=True)
    tz = fields.Char(string="Timezone", required=True, readonly=True)
    state = fields.Selection(
        [
            ('open', "Open"),
            ('closed', "Closed"),
            ('to_rebill', "To Bill Again"),
            ('waived', "Waived"),
        ],
        required=True,
        readonly=True,
        default='open',
        index=True,
    )
    terms = fields.Json(
        required=True,
        readonly=True,
        prefetch=False,  # long, and read by what rates alone: see `_fetch_terms`
        help="Prices, rules and plan in force when it opened.",
    )
    terms_summary = fields.Html(
        string="Prices and Rules",
        compute='_compute_terms_summary',
        help="In force when the cycle opened.",
    )
    move_ids = fields.One2many('account.move', 'assist_cycle_id')
    move_id = fields.Many2one(
        'account.move',
        string="Bill",
        compute='_compute_move_id',
        store=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    bill_status = fields.Selection(related='move_id.assist_status', string="Bill Status")
    session_ids = fields.One2many('assist.session', 'cycle_id')
    device_ids = fields.One2many('assist.billing.cycle.device', 'cycle_id')
    part_ids = fields.One2many('assist.session.part', 'cycle_id')
    prior_ids = fields.One2many('assist.billing.cycle.prior', 'cycle_id')
    session_count = fields.Integer(string="Sessions", readonly=True)
    session_seconds = fields.Integer(
        string="Measured (s)", readonly=True, help="Measured time of its sessions, in seconds."
    )
    session_hours = fields.Float(string="Measured Time", compute='_compute_session_hours')
    billed_quantity = fields.Float(
        digits='Product Unit', readonly=True, help="Sessions or hours on the usage line."
    )
    device_quantity = fields.Float(string="Devices", digits='Product Unit', readonly=True)
    usage_amount = fields.Monetary(
        readonly=True, help="Billed for sessions, base fees and minimum, before taxes."
    )
    fee_ids = fields.One2many('assist.billing.cycle.fee', 'cycle_id', string="Fees")
    fees_due = fields.Boolean(
        string="Fees to Be Billed",
        readonly=True,
        help="It has fees in advance that no bill charges yet.",
    )
    freed_line_ids = fields.Many2many(
        'account.move.line',
        help="Payments released by a credit note. They are applied to the bill that replaces it.",
    )
    run_id = fields.Many2one(
        'assist.billing.run',
        string="Billing Run",
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help="The run that tried it last.",
    )
    closed_at = fields.Datetime(readonly=True)
    reopened_at = fields.Datetime(
        string="Opened Again",
        readonly=True,
        help="It had closed without a bill; then sessions came in, or prices were applied to it.",
    )
    waive_reason = fields.Char(readonly=True)
    error = fields.Text(readonly=True, help="Why it could not be closed at the last attempt.")
    attempts = fields.Integer(readonly=True)
    retry_at = fields.Datetime(string="Next Attempt", readonly=True)

    # === CONSTRAINTS === #

    _start_unique = models.Constraint(
        "UNIQUE (association_id, date_start)",
        "An association has one cycle at most that starts on a date.",
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_end > date_start AND end_at > start_at AND whole_date_end >= date_end)",
        "Cycle: it cannot end before it starts.",
    )
    _quantities_positive = models.Constraint(
        "CHECK (session_count >= 0 AND session_seconds >= 0 AND billed_quantity >= 0"
        " AND device_quantity >= 0 AND usage_amount >= 0 AND attempts >= 0)",
        "Cycle: counts, times and amounts cannot be negative.",
    )
    _due_index = models.Index("(end_at, id) WHERE state = 'open'")
    # How things stand is asked all the time: of few among very many that have closed.
    _open_index = models.Index("(company_id, date_end) WHERE state = 'open'")
    _failed_index = models.Index("(company_id) WHERE error IS NOT NULL")
    _unbilled_index = models.Index("(plan_id) WHERE state = 'closed' AND move_id IS NULL")
    _fees_due_index = models.Index("(association_id) WHERE fees_due")

    # === COMPUTE METHODS === #

    @api.depends('association_id', 'date_start', 'date_end')
    def _compute_display_name(self):
        for cycle in self:
            cycle.display_name = f"{cycle.partner_id.display_name}, {cycle._format_period()}"

    @api.depends('move_ids')
    def _compute_move_id(self):
        for cycle in self:
            cycle.move_id = cycle.move_ids[:1]

    @api.depends('session_seconds')
    def _compute_session_hours(self):
        for cycle in self:
            cycle.session_hours = cycle.session_seconds / 3600

    @api.depends('terms', 'currency_id')
    @api.depends_context('lang')
    def _compute_terms_summary(self):
        found = {}  # most cycles of a plan have the same
        for cycle in self:
            key = repr(cycle._read_terms()), cycle.currency_id
            if key not in found:
                rows = cycle._get_terms_rows() if cycle.terms else []
                found[key] = TABLE % Markup().join(ROW % row for row in rows)
            cycle.terms_summary = found[key]

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_closed(self):
        if any(cycle.state != 'open' for cycle in self):
            raise UserError(
                self.env._("A cycle that has closed cannot be deleted: it is the record of a bill.")
            )

    # === ACTIONS === #

    def action_view_sessions(self):
        self.ensure_one()
        self.check_access('read')
        if self.state == 'open':
            domain = [
                ('association_id', '=', self.association_id.id),
                ('ended_at', '>=', self.start_at),
                ('ended_at', '<', self.end_at),
            ]
        else:
            domain = [('cycle_id', '=', self.id)]
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_session_action'),
            'domain': domain,
            'context': {'create': False},
        }

    def action_view_bill(self):
        self.check_access('read')
        return self.move_id._get_records_action(name=self.env._("Remote Support Bill"))

    def action_retry(self):
        """Try failed cycles again at once, in the background."""
        self._check_billing_user()
        # sudo: cycles are written by the engine only
        waiting = self.sudo().filtered(lambda cycle: cycle.state == 'open')
        if waiting:
            waiting.write({'retry_at': False})
            self.env['assist.billing.association']._trigger_closing()
        return True

    @api.model
    def _may_bill(self):
        return self.env.su or self.env.user.has_group('account.group_account_invoice')

    def _check_billing_user(self):
        """Refuse who may not bill; the engine then writes cycles for him, as sudo."""
        self.check_access('read')
        if not self._may_bill():
            raise AccessError(self.env._("Only billing users can bill, bill again or waive."))

    # === OPENING === #

    @api.model
    def _open_begun_cycles(self, now):
        """Open every cycle that has begun at `now` (naive UTC); end associations that are over.

        Commits after each batch. Cycles open on time even while an earlier one waits.
        """
        failed = self.env['assist.billing.association']
        found = OPEN_BATCH
        # Fewer than a batch are the last: all of theirs that have begun open at once.
        while found == OPEN_BATCH:
            associations = self._lock_associations_to_open(now, failed)
            failed |= self._open_for(associations, now)
            found = len(associations)
            self.env['ir.cron']._commit_progress(found)
        self._end_associations(now)
        self.env['ir.cron']._commit_progress()

    @api.model
    def _open_next_begun(self, now):
        """Open the next cycles that have begun, a batch at most, in this transaction."""
        associations = self._lock_associations_to_open(now, self.association_id.browse())
        self._open_for(associations, now)

    @api.model
    def _lock_associations_to_open(self, now, failed):
        """Lock and return associations whose next cycle has begun, OPEN_BATCH at most.

        :param failed: associations to leave out, for their cycles could not be counted.
        """
        self.flush_model(['association_id', 'date_start', 'date_end', 'end_at', 'state'])
        failed.flush_model(['start_at', 'start_date', 'end_date'])
        rows = self.env.execute_query(
            SQL(
                """
                -- Nearly all have a cycle that runs on: for these no last one is looked up.
                WITH ready AS MATERIALIZED (
                     SELECT id FROM assist_billing_association
                     EXCEPT
                     SELECT association_id FROM assist_billing_cycle
                      WHERE state = 'open' AND end_at > %(now)s
                )
                SELECT a.id
                  FROM ready
                  JOIN assist_billing_association a ON a.id = ready.id
             LEFT JOIN %(last)s last ON TRUE
                 WHERE COALESCE(last.end_at, a.start_at) <= %(now)s
                   AND (a.end_date IS NULL OR COALESCE(last.date_end, a.start_date) < a.end_date)
                   AND a.id != ALL(%(failed)s)
              ORDER BY a.id
                 LIMIT %(limit)s
            FOR UPDATE OF a SKIP LOCKED
                """,
                last=LAST_CYCLE,
                now=now,
                failed=failed.ids,
                limit=OPEN_BATCH,
            )
        )
        return self.env['assist.billing.association'].browse(row[0] for row in rows)

    @api.model
    def _open_for(self, associations, now):
        """Create the cycles of `associations` begun at `now`; return those that failed."""
        vals_list, problems, last_ends = [], {}, self._get_last_ends(associations)
        self._hold_plans(associations.plan_id)
        # The same for all customers of a plan.
        terms = {plan: plan._prepare_terms() for plan in associations.plan_id}
        with remembering(self.env):
            for association in associations:
                try:
                    vals_list += self._prepare_cycles_vals(
                        association,
                        last_ends.get(
                            association.id, (association.start_date, association.start_at)
                        ),
                        now,
                        terms[association.plan_id],
                    )
                except ValueError as error:  # a date or zone that cannot be counted with
                    problems[association] = str(error)
        for association, problem in problems.items():
            told = association._assist_in_language()
            told._assist_report_failure(
                told.env._("The next billing cycle could not be opened"), problem
            )
        self._check_not_opened(vals_list)
        self._create_opened(vals_list)
        return associations.browse().union(*problems)

    @api.model
    def _hold_plans(self, plans):
        """Have whoever changes these plans wait until the cycles that open now are stored.

        What was saved since this transaction began makes it start anew. So prices that are applied
        to open cycles once they are saved reach all that opened without them.
        """
        if plans:
            plans.flush_recordset()
            self.env.cr.execute(
                SQL(
                    "SELECT id FROM assist_billing_plan WHERE id IN %s ORDER BY id FOR SHARE",
                    tuple(plans.ids),
                )
            )

    @api.model
    def _create_opened(self, vals_list):
        """Create cycles, many at a time in one statement; where nobody else has a hand in it.

        :param list vals_list: as of `_prepare_cycle_vals`
        """
        self._assist_check_access('create', vals_list)
        if not vals_list or self._is_create_extended(vals_list[0]):
            # One creation note each would be noise; the cycle itself is the record.
            self.with_context(tracking_disable=True).create(vals_list)
        else:
            insert(self, [vals | self._prepare_state_vals('open') for vals in vals_list])

    @api.model
    def _is_create_extended(self, names):
        """Tell whether an add-on, or an automation, does something of its own with new cycles.

        That is by `create`, a constraint in Python, or a field that has a default, is computed and
        stored, or is given a value.

        :param names: the fields that are given a value
        """
        own = ('odoo.orm.', 'odoo.addons.mail.models.', 'odoo.addons.assist_billing.models.')
        methods = [vars(parent).get('create') for parent in type(self).mro()]
        methods += self._constraint_methods
        return (
            any('assist_billing' not in self._fields[name]._modules for name in names)
            or any(
                field.store
                and (field.default or field.compute)
                # What these are of a new cycle is known.
                and field.name not in ('state', 'move_id')
                for field in self._fields.values()
            )
            or any(
                not (getattr(method, '__module__', None) or '').startswith(own)
                for method in methods
                if method
            )
        )

    @api.model
    def _check_not_opened(self, vals_list):
        """Raise ConcurrencyError if another run opened one of these since this transaction began.

        It has locked the associations before, but changed nothing of them: so the lock does not
        tell. Another transaction does, for it sees what was committed meanwhile.
        """
        if not vals_list:
            return
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """
                    SELECT c.id FROM assist_billing_cycle c
                      JOIN unnest(%s, %s::date[]) AS v (association_id, date_start)
                     USING (association_id, date_start)
                     LIMIT 1
                    """,
                    [vals['association_id'] for vals in vals_list],
                    [vals['date_start'] for vals in vals_list],
                )
            )
            if cr.fetchone():
                message = "Another run has opened the next cycles meanwhile."
                raise ConcurrencyError(message)

    @api.model
    def _get_last_ends(self, associations):
        """Return when the last cycle of each ends: id of the association -> date, naive UTC.

        Not by the ORM, which would read the terms of all cycles that there ever were.
        """
        self.flush_model(['association_id', 'date_start', 'date_end', 'end_at'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT a.id, last.date_end, last.end_at
                  FROM assist_billing_association a, %s last
                 WHERE a.id = ANY(%s)
                """,
                LAST_CYCLE,
                associations.ids,
            )
        )
        return {association_id: (date_end, end_at) for association_id, date_end, end_at in rows}

    @api.model
    def _prepare_cycles_vals(self, association, begin, now, terms):
        """Return values of the cycles of an association from a day on, up to `now`.

        :param tuple begin: the day, and when it begins in naive UTC
        :param dict terms: those of its plan
        """
        vals_list = []
        date_start, start_at = begin
        while start_at <= now:
            period = cycles.open_period(
                date_start=date_start,
                start_at=start_at,
                anchor=association.anchor_date or association.start_date,
                day_of_month=association.start_date.day,
                cycle=association.cycle,
                tz=association.tz,
                end_date=association.end_date or None,
            )
            if period is None:
                break
            vals_list.append(self._prepare_cycle_vals(association, period, terms))
            date_start, start_at = period.date_end, period.end_at
        return vals_list

    @api.model
    def _prepare_cycle_vals(self, association, period, terms):
        """Return the values of one cycle that opens now, its plan's `terms` included."""
        plan = association.plan_id
        terms = plan._prepare_customer_terms(
            association,
            {**terms, 'cycle': association.cycle},
            association.tz,
            period.date_start,
            period.date_end,
        )
        return {
            'association_id': association.id,
            'plan_id': plan.id,
            'fees_due': any(fee['charge'] == 'advance' for fee in terms.get('fees', ())),
            'partner_id': association.partner_id.id,
            'company_id': association.company_id.id,
            'currency_id': plan.currency_id.id,
            'date_start': period.date_start,
            'date_end': period.date_end,
            'whole_date_end': period.whole_end,
            'start_at': period.start_at,
            'end_at': period.end_at,
            'tz': association.tz,
            'terms': terms,
        }

    def _prepare_present_terms(self, terms):
        """Return what this cycle would keep if it opened now.

        :param dict terms: the present ones of its plan
        """
        self.ensure_one()
        optional = {*CARD_TERMS, *AGREEMENT_TERMS}
        kept = {name: value for name, value in self.terms.items() if name not in optional}
        if 'fees' in kept:
            kept['fees'] = []  # without any, what was charged in advance is still to be set right
        terms = self.plan_id._prepare_customer_terms(
            self.association_id, terms, self.tz, self.date_start, self.date_end
        )
        return {**kept, **terms}

    @api.model
    def _end_associations(self, now):
        """Mark as ended what is over; who is on hold stays so, for nothing of his may close."""
        over = self.env['assist.billing.association'].search(
            [('state', 'in', ('running', 'suspended')), ('end_at', '<=', now)]
        )
        if over:
            over.write({'state': 'ended'})

    # === TERMS IN WORDS === #

    def _get_terms_rows(self):
        """Return the terms as (label, text), in the order of the plan's screen; rules at zero not.

        Extend it when a rule is added to the plan.
        """
        self.ensure_one()
        return [
            *self._get_price_rows(),
            *self._get_tier_rows(),
            *self._get_rate_rows(),
            *self._get_fee_rows(),
            *self._get_time_rows(),
            *self._get_amount_rows(),
        ]

    def _get_price_rows(self):
        terms = self.terms
        price = 'price_per_hour' if terms['billing_type'] == 'hour' else 'price_per_session'
        rows = [
            (self.env._("Plan"), terms['plan']),
            (
                self._get_term_label('cycle', 'assist.billing.association'),
                self._get_term_choice('cycle', 'assist.billing.association'),
            ),
            (self._get_term_label(price), self._format_price(terms[price])),
        ]
        rates = self.env['assist.billing.rate']
        rows += [
            ("", f"{self._format_price(price)}, {rates._describe_days(day, None)}")
            for day, price in terms.get('versions', ())
        ]
        if terms['charge_devices']:
            rows += [
                (
                    self._get_term_label('price_per_device'),
                    self._format_price(terms['price_per_device']),
                ),
                (self._get_term_label('device_count'), self._get_term_choice('device_count')),
            ]
        return rows

    def _get_rate_rows(self):
        rates = self.env['assist.billing.rate']
        texts = [rates._describe(terms, self.currency_id) for terms in self.terms.get('rates', ())]
        label = self._get_term_label('rate_ids')
        return [(label if not i else "", text) for i, text in enumerate(texts)]

    def _get_fee_rows(self):
        fees = self.env['assist.billing.plan.fee']
        texts = [fees._describe(terms, self._format_price) for terms in self.terms.get('fees', ())]
        label = self._get_term_label('fee_ids')
        return [(label if not i else "", text) for i, text in enumerate(texts)]

    def _get_time_rows(self):
        terms = self.terms
        rows = []
        if seconds := terms['ignore_under_seconds']:
            rows.append(
                (
                    self._get_term_label('ignore_under_seconds'),
                    self.env._("%(count)s s", count=seconds),
                )
            )
        names = ['merge_gap_minutes', 'minimum_minutes', 'increment_minutes']
        if terms['billing_type'] == 'hour' and terms['base_fee']:
            names.append('base_minutes')
        rows += [
            (self._get_term_label(name), self.env._("%(count)s min", count=terms[name]))
            for name in names
            if terms[name]
        ]
        return rows

    def _get_amount_rows(self):
        terms = self.terms
        rows = []
        if terms['billing_type'] == 'hour' and terms['base_fee']:
            rows.append((self._get_term_label('base_fee'), self._format_price(terms['base_fee'])))
        if terms['included_quantity']:
            text = self._format_quantity(terms['included_quantity'])
            rows.append((self._get_term_label('included_quantity'), text))
        rows += self._get_rollover_rows()
        limits = [name for name in ('minimum_charge', 'maximum_charge') if terms.get(name)]
        rows += [(self._get_term_label(name), self._format_price(terms[name])) for name in limits]
        scaled = (*limits, 'charge_devices', 'included_quantity', 'tiers')
        if any(terms.get(name) for name in scaled):
            rows.append((self._get_term_label('amounts_per'), self._get_term_choice('amounts_per')))
            if terms['prorate_partial']:
                rows.append((self._get_term_label('prorate_partial'), self.env._("Yes")))
        return rows

    def _get_term_label(self, name, model='assist.billing.plan'):
        return self.env[model]._fields[name]._description_string(self.env)

    def _get_term_choice(self, name, model='assist.billing.plan'):
        """Return the label of a selected term; what the terms hold, if it is no choice any more."""
        choices = dict(self.env[model]._fields[name]._description_selection(self.env))
        return choices.get(self.terms.get(name), self.terms.get(name) or "")

    def _format_quantity(self, quantity):
        """Return so many sessions or hours in words."""
        number = formatLang(self.env, quantity, dp='Product Unit')
        if self.terms['billing_type'] == 'hour':
            return self.env._("%(quantity)s hours", quantity=number)
        return self.env._("%(quantity)s sessions", quantity=number)

    def _format_price(self, price):
        """Return a unit price with all its digits, and the currency's sign where it stands."""
        text = format_price(self.env, price)
        symbol = self.currency_id.symbol or self.currency_id.name
        parts = (text, symbol) if self.currency_id.position == 'after' else (symbol, text)
        return "\N{NO-BREAK SPACE}".join(parts)

    # === STATEMENT === #

    def _get_statement(self):
        """Return what makes the bill of this cycle, see `assist.billing.statement`."""
        return self.env['assist.billing.statement']._get_statement(self)

    def _get_late_statement(self, bill):
        """Return what makes a supplementary bill for late sessions of this cycle."""
        return self.env['assist.billing.statement']._get_late_statement(self, bill)

    def _get_statement_csv(self):
        """Return the statement of this cycle as CSV (bytes), see `assist.billing.statement`."""
        return self.env['assist.billing.statement']._get_csv(self._get_statement())

    # === FEES === #

    def _mark_fees_due(self):
        """Note which of these cycles have fees in advance that no bill charges yet."""
        for cycle in self:
            known = {row.fee_id.id for row in cycle.fee_ids}
            is_due = any(
                fee['charge'] == 'advance' and fee['id'] not in known
                for fee in cycle._read_terms().get('fees', ())
            ) or any(not (row.billing_cycle_id or row.own_move_id) for row in cycle.fee_ids)
            if cycle.fees_due != is_due:
                cycle.fees_due = is_due

    # === HELPERS === #

    def _is_by_parts(self):
        """Tell whether its sessions are rated by parts: by rates, dates, tiers, rollover."""
        self.ensure_one()
        return not self._read_terms().keys().isdisjoint(PART_TERMS)

    def _prepare_state_vals(self, state):
        """Return the values that move these cycles to a state. Nothing else writes it.

        :raise ValueError: no cycle goes there from where one of these is
        """
        for cycle in self:
            if cycle.state not in STATES_BEFORE[state]:
                raise ValueError(f"Cycle {cycle.id} goes from {cycle.state} to {state}.")
        return {'state': state}

    def _get_last_day(self):
        """Return the last day served: `date_end` is the first one of the next cycle."""
        self.ensure_one()
        return fields.Date.subtract(self.date_end, days=1)

    @remembered(lambda cycle: (cycle.date_start, cycle.date_end))
    def _format_period(self):
        """Return the period by its first and last served day, in the language of the context."""
        self.ensure_one()
        if not self.date_start or not self.date_end:
            return ""
        return (
            f"{format_date(self.env, self.date_start)} – "
            f"{format_date(self.env, self._get_last_day())}"
        )
