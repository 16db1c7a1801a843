from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, format_date, formatLang

from ...rules.revisions import revise
from ...utils.checks import count_digits, refuse_absurd_dates, refuse_negative
from ...utils.races import NOBODYS_FAULT, lock_or_refuse, retry_races
from ..plan.assist_billing_plan import PRICE_FIELDS

# No zone is further ahead: where a day begins first.
FIRST_ZONE = timedelta(hours=14)
# Mails that are made while somebody waits, or at a time; the rest is for the background.
NOTICE_BATCH = 100
# What makes the new prices of what.
RULE_FIELDS = (
    'method',
    'percent',
    'amount',
    'index_old',
    'index_new',
    'rounding',
    'date_from',
    'plan_ids',
    'with_devices',
    'with_fees',
    'with_agreement_fees',
    'with_rates',
    'with_customer_rates',
)


class AssistBillingPlan(models.Model):
    """What had no dates of its own, tiers and the like, and was revised nevertheless."""

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    undated_revised_on = fields.Date(
        readonly=True,
        copy=False,
        help="The last day from which a price revision changed what has no dates. Cycles that "
        "begin before have the prices before.",
    )

    # === BUSINESS METHODS === #

    def _note_revision(self, day):
        """Note that what has no dates has other prices from a day on."""
        self.ensure_one()
        days = [day, self.undated_revised_on or day]
        self._assist_as_engine().undated_revised_on = max(days)

    def _get_prices_before(self, name, day):
        """Return what cost something else on `day` than now, for a revision changed it since.

        From the last such day on nothing does, and nothing is looked up.

        :param name: the field of a revision's line that says what it is: `tier_id`
        :return: dict of id -> price
        """
        self.ensure_one()
        if not day or not self.undated_revised_on or day >= self.undated_revised_on:
            return {}
        # sudo: cycles open whoever has them opened
        lines = (
            self.env['assist.price.revision.line']
            .sudo()
            .search(
                [
                    ('plan_id', '=', self._origin.id),
                    (name, '!=', False),
                    ('revision_id.state', '=', 'applied'),
                    ('revision_id.date_from', '>', day),
                ]
            )
        )
        # Of several the earliest says what was before all of them.
        lines = lines.sorted(lambda line: line.revision_id.date_from, reverse=True)
        return {line[name].id: line.old_price for line in lines}


class AssistPriceRevision(models.Model):
    """A rise of prices from a day on: announced to the customers, then applied to the plans.

    It writes versions of plans, rates that follow others, and new prices of tiers and fees; what is
    billed stays as it is.
    """

    _name = 'assist.price.revision'
    _description = "Price Revision"
    _inherit = ['mail.thread', 'mail.activity.mixin', 'assist.billing.failure', 'assist.guard']
    _order = 'date_from desc, id desc'
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    state = fields.Selection(
        [('draft', "Draft"), ('announced', "Announced"), ('applied', "Applied")],
        required=True,
        readonly=True,
        default='draft',
        tracking=True,
        index=True,
    )
    date_from = fields.Date(
        string="From",
        required=True,
        tracking=True,
        help="The first day of the new prices, by each customer's clock.",
    )
    method = fields.Selection(
        [('percent', "Percent"), ('amount', "Amount"), ('index', "Price index")],
        string="By",
        required=True,
        default='percent',
        tracking=True,
    )
    percent = fields.Float(
        string="Percent on Top", digits=(16, 4), tracking=True, help="Below zero: off it."
    )
    amount = fields.Float(
        string="Amount on Top",
        min_display_digits='Product Price',
        tracking=True,
        help="Of each session or hour, in the plan's currency; below zero: off it.",
    )
    index_old = fields.Float(
        string="Index Before", digits=(16, 4), tracking=True, help="As the contract refers to it."
    )
    index_new = fields.Float(string="Index Now", digits=(16, 4), tracking=True)
    rounding = fields.Float(
        string="Round To",
        digits=(16, 4),
        tracking=True,
        help="New prices are whole multiples of this, half up: 0.50 makes 93.00 of 93.06. At 0 "
        "they have the decimals of prices.",
    )
    plan_ids = fields.Many2many(
        'assist.billing.plan', string="Plans", required=True, check_company=True
    )
    with_devices = fields.Boolean(string="Device Prices", default=True)
    with_fees = fields.Boolean(string="Base Fees and Minimum Charges", default=True)
    with_agreement_fees = fields.Boolean(
        string="Fees",
        default=True,
        help="Fees of the plans, and customers' own ones; by percent or index. Periods that begin "
        "before the day keep the prices before.",
    )
    with_rates = fields.Boolean(
        string="Fixed Rates of the Plans",
        default=True,
        help="Rates that are a percentage of the price follow it by themselves; what comes on top "
        "of it stays.",
    )
    with_customer_rates = fields.Boolean(string="Customers' Own Fixed Rates", default=True)
    by_mail = fields.Boolean(
        string="Mail the Customers",
        default=True,
        help="Announcing sends each customer of these plans an e-mail with the new prices.",
    )
    applies_by_itself = fields.Boolean(
        string="Apply on Its Day",
        default=True,
        help="Once announced, it is applied when its day begins, before billing cycles open.",
    )
    rule = fields.Char(string="Change", compute='_compute_rule')
    line_ids = fields.One2many('assist.price.revision.line', 'revision_id', readonly=True)
    notice_ids = fields.One2many('assist.price.revision.notice', 'revision_id', readonly=True)
    announced_at = fields.Datetime(readonly=True)
    applied_at = fields.Datetime(readonly=True)
    error = fields.Text(readonly=True, help="Why it was not applied on its day.")
    notice_count = fields.Integer(string="Customers Told", compute='_compute_notice_counts')
    unreached_count = fields.Integer(
        string="Not Reached",
        compute='_compute_notice_counts',
        help="Customers without an address, or whose e-mail failed.",
    )
    unaware_cycle_count = fields.Integer(
        compute='_compute_unaware_cycle_count',
        help="Open cycles that reach beyond the day and began before it was applied.",
    )

    # === CONSTRAINTS === #

    _rounding_positive = models.Constraint(
        "CHECK (rounding >= 0)", "Price revision: prices cannot be rounded to less than zero."
    )

    @api.constrains('method', 'percent', 'index_old', 'index_new', 'plan_ids')
    def _check_rule(self):
        for revision in self:
            if not revision.plan_ids:
                raise ValidationError(
                    self.env._("Price revision “%(name)s”: choose plans.", name=revision.name)
                )
            if revision.method == 'percent' and revision.percent < -100:
                raise ValidationError(
                    self.env._(
                        "Price revision “%(name)s”: no price can fall by more than 100 %%.",
                        name=revision.name,
                    )
                )
            if revision.method == 'index' and min(revision.index_old, revision.index_new) <= 0:
                raise ValidationError(
                    self.env._(
                        "Price revision “%(name)s”: give the index as it was and as it is now, "
                        "both above zero.",
                        name=revision.name,
                    )
                )

    @api.constrains('rounding', 'amount', 'plan_ids')
    def _check_digits(self):
        """Refuse what would make prices with more digits than are printed."""
        for revision in self.filtered('plan_ids'):
            most = min(plan._get_price_digits() for plan in revision.plan_ids)
            for name in ('rounding', 'amount'):
                if count_digits(revision[name]) > most:
                    raise ValidationError(
                        self.env._(
                            "Price revision “%(name)s”: %(field)s, %(value)s, has more than the "
                            "%(digits)s decimals that prices of these plans can have.",
                            name=revision.name,
                            field=revision.fields_get([name], ['string'])[name]['string'],
                            value=f"{revision[name]:.15g}",
                            digits=most,
                        )
                    )

    # === COMPUTE METHODS === #

    @api.depends('method', 'percent', 'amount', 'index_old', 'index_new')
    @api.depends_context('lang')
    def _compute_rule(self):
        for revision in self:
            value, unit = revision.percent, " %"
            if revision.method == 'amount':
                value, unit = revision.amount, ""
            elif revision.method == 'index':
                value = 100 * (revision.index_new / (revision.index_old or 1.0) - 1)
            sign = "+" if value > 0 else ""
            revision.rule = f"{sign}{formatLang(self.env, value, digits=2)}{unit}"

    def _compute_notice_counts(self):
        for revision in self:
            notices = revision.notice_ids.filtered(lambda notice: not notice.is_withdrawn)
            revision.notice_count = len(notices.filtered('mailed_at'))
            revision.unreached_count = len(
                notices.filtered(lambda notice: notice.state in ('no_address', 'failed'))
            )

    @api.depends('state', 'plan_ids')
    def _compute_unaware_cycle_count(self):
        for revision in self:
            plans = revision.plan_ids if revision.state == 'applied' else revision.plan_ids.browse()
            revision.unaware_cycle_count = sum(plans.mapped('unaware_cycle_count'))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self.browse()._check_vals(vals)
        revisions = super().create(vals_list)
        revisions._refresh_lines()
        return revisions

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_vals(vals)
        is_other = any(name in vals for name in RULE_FIELDS)
        if is_other and not self._assist_is_engine():
            self._check_draft(vals)
        result = super().write(vals)
        if is_other:
            self._refresh_lines()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_told(self):
        for revision in self:
            if revision.state == 'applied' or revision.notice_ids:
                raise UserError(
                    self.env._(
                        "“%(name)s” cannot be deleted: customers have been told of it, or it has "
                        "been applied.",
                        name=revision.name,
                    )
                )

    def _check_vals(self, vals):
        refuse_absurd_dates(self, vals, ['date_from'])
        refuse_negative(self, vals, ['rounding', 'index_old', 'index_new'])

    def _check_draft(self, vals):
        """Refuse to change what has been announced: it is what customers were told."""
        for revision in self.filtered(lambda each: each.state != 'draft'):
            if (
                any(
                    name in vals and revision._assist_is_changed(name, vals[name])
                    for name in RULE_FIELDS
                    if name != 'plan_ids'
                )
                or 'plan_ids' in vals
            ):
                raise UserError(
                    self.env._(
                        "“%(name)s” has been announced, so it does not change. Withdraw it first.",
                        name=revision.name,
                    )
                )

    # === ACTIONS === #

    def action_announce(self):
        """Fix the new prices, and mail them to the customers, each once."""
        self._lock_in('draft')
        for revision in self:
            revision._refresh_lines()
            revision._refuse_obstacles()
            revision._assist_as_engine().write(
                {'state': 'announced', 'announced_at': fields.Datetime.now(), 'error': False}
            )
            if revision.by_mail:
                revision._create_notices()
        notices = self.env['assist.price.revision.notice']
        # sudo: notices are the engine's; whoever may announce may have them mailed
        if notices.sudo()._send_next(self):
            self.env['assist.billing.association']._trigger_closing()
        return True

    def action_withdraw(self):
        """Take it back to a draft: mails that have not gone yet do not go."""
        self._lock_in('announced')
        for revision in self:
            # sudo: notices and their mails are the engine's
            told = revision.sudo().notice_ids._withdraw()
            revision._assist_as_engine().write({'state': 'draft', 'error': False})
            revision._assist_clear_failure()
            revision.message_post(
                body=self.env._(
                    "Withdrawn. Customers told by e-mail already: %(count)s.", count=told
                )
            )
        return True

    def action_apply(self):
        """Write the new prices: versions of the plans, and rates that follow others."""
        self._lock_in('announced')
        for revision in self:
            revision._refuse_obstacles()
            revision._apply()
        return True

    def action_apply_to_open_cycles(self):
        """Apply the prices of these plans to their open cycles, as the button on each plan does."""
        self.check_access('write')
        for plan in self.filtered(lambda each: each.state == 'applied').plan_ids:
            plan.action_apply_to_open_cycles()
        return True

    def action_send_again(self):
        """Mail again to those who were not reached; who was, is not mailed twice."""
        self._lock_in('announced', 'applied')
        # sudo: notices and their mails are the engine's
        self.sudo().notice_ids._send_again()
        return True

    def action_view_notices(self):
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Customers Told"),
            'res_model': 'assist.price.revision.notice',
            'view_mode': 'list',
            'domain': [('revision_id', '=', self.id)],
        }

    def _lock_in(self, *states):
        """Lock these revisions, and refuse if one is in none of `states`: nothing is done twice."""
        self.check_access('write')
        lock_or_refuse(self)
        self.invalidate_recordset(['state'])
        labels = dict(self._fields['state']._description_selection(self.env))
        for revision in self:
            if revision.state not in states:
                raise UserError(
                    self.env._(
                        "“%(name)s” is in the state “%(state)s”; this cannot be done then.",
                        name=revision.name,
                        state=labels[revision.state],
                    )
                )

    # === NEW PRICES === #

    def _refresh_lines(self):
        """Compute the new prices of drafts anew."""
        for revision in self.filtered(lambda each: each.state == 'draft'):
            # sudo: lines are the engine's
            revision.sudo().line_ids.unlink()
            self.env['assist.price.revision.line'].sudo().create(revision._prepare_lines_vals())

    def _prepare_lines_vals(self):
        """Return the values of what this revises: prices of plans, then fixed rates."""
        self.ensure_one()
        vals_list = []
        for plan in self.plan_ids.sorted(lambda plan: (plan.name, plan.id)):
            vals_list += self._prepare_plan_lines_vals(plan)
        return [vals for vals in vals_list if vals['old_price']]

    def _prepare_plan_lines_vals(self, plan):
        """Return the values of what this revises of one plan."""
        self.ensure_one()
        # Not the version of that very day: there must be none.
        prices = plan._get_prices_on(fields.Date.subtract(self.date_from, days=1))
        return [
            *(
                self._prepare_line_vals(plan, kind, prices[kind])
                for kind in self._get_revised_prices(plan)
            ),
            *(
                self._prepare_line_vals(plan, 'tier', tier.price, tier_id=tier.id)
                for tier in plan.tier_ids
            ),
            *(
                self._prepare_line_vals(
                    plan,
                    'rate',
                    rate.value,
                    rate_id=rate.id,
                    association_id=rate.association_id.id,
                )
                for rate in self._get_revised_rates(plan)
            ),
            *self._prepare_fee_lines_vals(plan),
        ]

    def _prepare_fee_lines_vals(self, plan):
        """Return the values of the fees that this revises: the plan's, and customers' own ones."""
        if self.method == 'amount' or not self.with_agreement_fees:
            return []
        own_fees = self._get_associations(plan).fee_ids
        return [
            *(
                self._prepare_line_vals(plan, 'fee', fee.price, fee_id=fee.id)
                for fee in plan.fee_ids
            ),
            *(
                self._prepare_line_vals(
                    plan, 'fee', own.price, own_fee_id=own.id, association_id=own.association_id.id
                )
                for own in own_fees.filtered(lambda own: own.fee_id in plan.fee_ids)
            ),
        ]

    def _get_revised_prices(self, plan):
        """Return the names of the prices of a plan that are revised: those that it charges."""
        usage = plan._get_usage_price_name()
        wanted = {usage}
        if self.method != 'amount':  # that is of a session or an hour
            wanted |= {'price_per_device'} if self.with_devices else set()
            wanted |= {'base_fee', 'minimum_charge'} if self.with_fees else set()
        return [name for name in plan._get_charging_names() if name in wanted]

    def _get_revised_rates(self, plan):
        """Return the fixed rates, of a plan and of its customers, that are in force before."""
        rates = plan.rate_ids if self.with_rates else plan.rate_ids.browse()
        if self.with_customer_rates:
            rates |= self._get_associations(plan).rate_ids
        return rates.filtered(
            lambda rate: rate.method == 'fixed'
            and (not rate.date_from or rate.date_from < self.date_from)
            and (not rate.date_to or rate.date_to >= self.date_from)
        )

    def _get_associations(self, plans):
        """Return the customers of `plans` who are still served on the first day."""
        return self.env['assist.billing.association'].search(
            [
                ('plan_id', 'in', plans.ids),
                ('state', '!=', 'ended'),
                '|',
                ('end_date', '=', False),
                ('end_date', '>', self.date_from),
            ]
        )

    def _prepare_line_vals(self, plan, kind, price, **target):
        return {
            'revision_id': self.id,
            'plan_id': plan.id,
            'association_id': False,
            **target,
            'kind': kind,
            'old_price': price,
            'new_price': self._revise(plan, price),
        }

    def _revise(self, plan, price):
        """Return what a price of a plan becomes, as a float."""
        step = self.rounding or 10.0 ** -plan._get_price_digits()
        value = {
            'percent': as_number(self.percent),
            'amount': as_number(self.amount),
            'index': (as_number(self.index_old), as_number(self.index_new)),
        }[self.method]
        return float(revise(as_number(price), self.method, value, as_number(step)))

    # === APPLYING === #

    def _get_obstacles(self):
        """Return in words why this cannot be announced or applied, as it is now."""
        self.ensure_one()
        date = format_date(self.env, self.date_from)
        obstacles = []
        if not self.line_ids:
            obstacles.append(self.env._("These plans have no price that it changes."))
        ends = self.plan_ids._get_billed_ends()
        for plan in self.plan_ids:
            if self.date_from < ends.get(plan.id, self.date_from):
                obstacles.append(
                    self.env._(
                        "Plan “%(plan)s”: bills have been made up to %(last)s, beyond %(date)s.",
                        plan=plan.name,
                        last=format_date(self.env, fields.Date.subtract(ends[plan.id], days=1)),
                        date=date,
                    )
                )
            if later := plan._get_versions().filtered(
                lambda version: version.date_from >= self.date_from
            ):
                obstacles.append(
                    self.env._(
                        "Plan “%(plan)s” has prices from %(later)s on already; change or delete "
                        "those.",
                        plan=plan.name,
                        later=format_date(self.env, later[0].date_from),
                    )
                )
            obstacles += self._get_limit_obstacles(plan)
        if self.state == 'announced':
            obstacles += self._get_changes()
        return obstacles

    def _get_limit_obstacles(self, plan):
        """Return in words why the new minimum charge of a plan cannot be."""
        minimum = self.line_ids.filtered(
            lambda line: line.plan_id == plan and line.kind == 'minimum_charge'
        ).new_price
        if not 0 < plan.maximum_charge < minimum:
            return []
        return [
            self.env._(
                "Plan “%(plan)s”: the new minimum charge, %(minimum)s, would be above its maximum "
                "charge, %(maximum)s.",
                plan=plan.name,
                minimum=plan._format_number(minimum),
                maximum=plan._format_number(plan.maximum_charge),
            )
        ]

    def _get_changes(self):
        """Return in words what is not as it was announced any more."""
        self.ensure_one()
        changes = []
        for vals, line in self._match_lines():
            if not line:
                plan = self.env['assist.billing.plan'].browse(vals['plan_id'])
                customer = self.env['assist.billing.association'].browse(vals['association_id'])
                changes.append(
                    self.env._(
                        "%(owner)s has a price that was not announced. Withdraw it, and announce "
                        "it again.",
                        owner=customer.partner_id.display_name or plan.name,
                    )
                )
            elif (line.old_price, line.new_price) != (vals['old_price'], vals['new_price']):
                changes.append(
                    self.env._(
                        "%(what)s has changed since it was announced. Withdraw it, and announce "
                        "it again.",
                        what=line.display_name,
                    )
                )
        return changes

    def _match_lines(self):
        """Return the values of all lines as they would be now, each with the line that was told.

        A line that would not be there any more (its customer is not served then) is none of them.
        """
        told = {line._get_key(): line for line in self.line_ids}
        lines = self.env['assist.price.revision.line']
        return [
            (vals, told.get(lines._get_key(vals), lines)) for vals in self._prepare_lines_vals()
        ]

    def _refuse_obstacles(self):
        if obstacles := self._get_obstacles():
            raise UserError("\n".join([self.name, *obstacles]))

    def _apply(self):
        """Write versions and rates; the caller has looked for obstacles."""
        self.ensure_one()
        present = self.line_ids.browse().union(*(line for _vals, line in self._match_lines()))
        changed = present._get_changed()
        versions = changed.filtered(lambda line: line.kind in PRICE_FIELDS)
        for plan, lines in versions.grouped('plan_id').items():
            self.env['assist.billing.plan.version'].create(
                {
                    'plan_id': plan.id,
                    'date_from': self.date_from,
                    **{line.kind: line.new_price for line in lines},
                }
            )
        for line in changed.filtered('rate_id'):
            line.rate_id._follow_up(self.date_from, line.new_price)
        for line in changed:
            if undated := line._get_undated():
                undated.price = line.new_price
                line.plan_id._note_revision(self.date_from)
        self._assist_as_engine().write(
            {'state': 'applied', 'applied_at': fields.Datetime.now(), 'error': False}
        )
        self._assist_clear_failure()

    @api.model
    def _run(self, now):
        """Mail what waits to be mailed, and apply what has been announced and has begun.

        Part of the closing run, before cycles open; commits as it goes.

        :param datetime now: naive UTC
        """
        progress = self.env['ir.cron']
        while retry_races(self.env['assist.price.revision.notice']._send_next):
            progress._commit_progress(1)
        progress._commit_progress()
        retry_races(self._apply_begun, now)
        progress._commit_progress()

    @api.model
    def _apply_begun(self, now):
        """Apply what begins where the day begins first; what cannot be is shown, and waits."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM assist_price_revision
                 WHERE state = 'announced' AND applies_by_itself AND error IS NULL
                   AND date_from <= %s
              ORDER BY date_from, id
            FOR UPDATE SKIP LOCKED
                """,
                (now + FIRST_ZONE).date(),
            )
        )
        for found in self.browse(row[0] for row in rows):
            revision = found._assist_in_language()
            try:
                with self.env.cr.savepoint():
                    obstacles = revision._get_obstacles()
                    if not obstacles:
                        revision._apply()
            except NOBODYS_FAULT:
                raise
            except Exception as error:  # noqa: BLE001 - kept with the revision and shown
                obstacles = [str(error)]
            if obstacles:
                revision._report("\n".join(obstacles))

    def _report(self, reason):
        self.ensure_one()
        self.error = reason
        self._assist_report_failure(
            self.env._("New prices were not applied: %(name)s", name=self.name), reason
        )

    # === ANNOUNCING === #

    def _create_notices(self):
        """Note whom to tell: each customer whose prices change, at today's addresses."""
        self.ensure_one()
        changed = self.line_ids._get_changed()
        own = changed.association_id
        plans = changed.filtered(lambda line: not line.association_id).plan_id
        # sudo: notices are the engine's
        self.env['assist.price.revision.notice'].sudo().create(
            [
                {
                    'revision_id': self.id,
                    'association_id': association.id,
                    'email': association._get_notice_email(),
                }
                for association in self._get_associations(self.plan_ids)
                if association.plan_id in plans or association in own
            ]
        )

    def _get_lines_of(self, association):
        """Return the lines that are about a customer: of the plan, and of own rates."""
        self.ensure_one()
        lines = self.env['assist.price.revision.line'].search(
            [
                ('revision_id', '=', self.id),
                ('plan_id', '=', association.plan_id.id),
                ('association_id', 'in', (association.id, False)),
            ]
        )
        # Where the customer has a fee of its own, the plan's is not about it.
        own_fees = association.fee_ids.fee_id
        return lines.filtered(lambda line: line.fee_id not in own_fees)._get_changed()


def as_number(value):
    """Return a number of a field as the decimal that it prints as."""
    return Decimal(f'{value:.15g}')
