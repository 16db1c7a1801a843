import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize, format_date

from ...rules import cycles
from ...utils.assigning import assign
from ...utils.checks import (
    MOST_DAYS,
    refuse_absurd_dates,
    refuse_negative,
    refuse_too_many,
    split_addresses,
)
from ...utils.naming import name_some
from ...utils.races import anew_if_used
from ...utils.sums import format_sums
from ...utils.zones import get_zones

# Between customer and plan, in the name of an association.
SEPARATOR = " – "

# One bare address: no display name, no second address behind a semicolon or a blank.
EMAIL = re.compile(r"[^\s;,@<>]+@[^\s;,@<>]+\.[^\s;,@<>.]{2,}")

CYCLES = [
    ('weekly', "Weekly"),
    ('fortnightly', "Fortnightly"),
    ('monthly', "Monthly"),
    ('quarterly', "Quarterly"),
    ('semiannual', "Half-yearly"),
    ('yearly', "Yearly"),
]


# What decides which sessions are an association's.
RESOLVING_FIELDS = ('partner_id', 'company_id', 'start_date', 'end_date', 'state', 'tz')
# What decides when its cycles begin and end.
WAKING_FIELDS = ('start_date', 'end_date', 'tz')
# Where another association of the same customer may come to be in the way.
OVERLAPPING_FIELDS = frozenset(('partner_id', 'plan_id', 'company_id', 'start_date', 'end_date'))


class AssistBillingAssociation(models.Model):
    """A customer (or department) tied to a plan: what is billed, how often and since when."""

    _name = 'assist.billing.association'
    _description = "Remote Support Association"
    _inherit = ['mail.thread', 'mail.activity.mixin', 'assist.billing.failure', 'assist.guard']
    _order = 'partner_id, start_date desc, id desc'
    _rec_names_search = ['partner_id', 'plan_id']
    _check_company_auto = True

    # === FIELDS === #

    plan_id = fields.Many2one(
        'assist.billing.plan',
        required=True,
        index=True,
        check_company=True,
        ondelete='restrict',
        tracking=True,
        help="A change applies to cycles that open afterwards.",
    )
    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        required=True,
        index=True,
        check_company=True,
        ondelete='restrict',
        tracking=True,
        help="The customer, or the department: a contact below its company.",
    )
    company_id = fields.Many2one(
        'res.company',
        required=True,
        index=True,
        compute='_compute_company_id',
        store=True,
        readonly=False,
        precompute=True,
    )
    currency_id = fields.Many2one(related='plan_id.currency_id')
    cycle = fields.Selection(
        CYCLES, string="Billing Cycle", required=True, default='monthly', tracking=True
    )
    tz = fields.Selection(
        selection='_get_zones',
        string="Customer Timezone",
        required=True,
        compute='_compute_tz',
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Cycles begin and end at midnight in this time zone.",
    )
    start_date = fields.Date(
        string="Bill Start Date",
        required=True,
        default=fields.Date.context_today,
        tracking=True,
        help="First day that is billed; later cycles begin on the same day of the month.",
    )
    end_date = fields.Date(
        tracking=True,
        help="The day after the last day that is billed. Leave empty to bill until further notice.",
    )
    start_at = fields.Datetime(
        string="In Force From", compute='_compute_start_at', store=True, precompute=True
    )
    end_at = fields.Datetime(
        string="In Force Until", compute='_compute_end_at', store=True, precompute=True
    )
    anchor_date = fields.Date(
        readonly=True,
        copy=False,
        help="The date from which cycles are counted after a change of cycle or time zone.",
    )
    due_days = fields.Integer(
        default=0,
        tracking=True,
        help="Days between the date of a bill and its due date: with 28, a bill of 25 February is "
        "due on 25 March. They apply regardless of the customer's payment term.",
    )
    billing_emails = fields.Char(
        string="Billing Email Address",
        tracking=True,
        help="Addresses that bills are sent to, separated by commas. If empty, the customer's "
        "invoice address is used.",
    )
    customer_reference = fields.Char(
        tracking=True,
        help="What the customer wants to see on each bill: an order or contract number. It is the "
        "bill's Customer Reference, on paper and in e-invoices (order reference, BT-13).",
    )
    buyer_reference = fields.Char(
        tracking=True,
        help="Where an e-invoice is to go within the customer's organisation (buyer reference, "
        "BT-10): the Leitweg-ID of a German authority, for instance.",
    )
    state = fields.Selection(
        [
            ('running', "Running"),
            ('on_hold', "On Hold"),
            ('suspended', "Suspended"),
            ('ended', "Ended"),
        ],
        required=True,
        default='running',
        copy=False,
        index=True,
        tracking=True,
        help="On hold: nothing is billed for now; it will be billed later.\nSuspended: there is "
        "no service, so this time is never billed.",
    )
    suspension_ids = fields.One2many('assist.billing.suspension', 'association_id', copy=False)
    rate_ids = fields.One2many(
        'assist.billing.rate',
        'association_id',
        string="Own Rates",
        help="They come before all rates of the plan.",
    )
    fee_ids = fields.One2many(
        'assist.billing.association.fee',
        'association_id',
        string="Own Fees",
        help="Seats, price and hours of this customer, instead of the plan's.",
    )
    plan_has_fees = fields.Boolean(related='plan_id.has_fees')
    cycle_ids = fields.One2many('assist.billing.cycle', 'association_id', copy=False)
    bill_ids = fields.One2many(
        'account.move',
        'assist_association_id',
        string="Bills",
        domain=[('assist_kind', '=', 'bill')],
        copy=False,
    )
    bill_count = fields.Integer(compute='_compute_bill_count')
    accrued_amount = fields.Monetary(
        compute='_compute_accrued_amount',
        currency_field='accrued_currency_id',
        help="What the open cycle would bill, before taxes, if it closed now.",
    )
    accrued_currency_id = fields.Many2one('res.currency', compute='_compute_accrued_amount')
    accrued_besides = fields.Char(
        compute='_compute_accrued_amount',
        help="What older, still open cycles would bill in other currencies.",
    )

    # Not stored, for the screens of associations.
    cycle_count = fields.Integer(string="Number of Cycles", compute='_compute_cycle_count')
    next_close_date = fields.Date(
        string="Next Bill",
        compute='_compute_next_close_date',
        help="The day after the last day of the oldest open cycle.",
    )
    is_failing = fields.Boolean(
        string="Failing", compute='_compute_is_failing', help="A cycle could not be closed."
    )
    plan_bills_nothing = fields.Boolean(related='plan_id.bills_nothing')
    session_count = fields.Integer(string="Number of Sessions", compute='_compute_session_count')

    # === CONSTRAINTS === #

    # An index, not a table constraint: merging contacts in Odoo deletes the rows that a table
    # constraint on `partner_id` stands in the way of.
    _partner_unique = models.UniqueIndex(
        "(partner_id, company_id) WHERE state != 'ended'",
        "This customer already has an association that has not ended.",
    )
    _due_days_positive = models.Constraint(
        "CHECK (due_days >= 0)", "Association: the due days cannot be negative."
    )
    _dates_ordered = models.Constraint(
        "CHECK (end_date >= start_date)", "Association: it cannot end before it starts."
    )

    @api.constrains('billing_emails')
    def _check_billing_emails(self):
        for association in self:
            wrong = [
                address
                for address in association._get_billing_emails()
                if email_normalize(address) != address.lower() or not EMAIL.fullmatch(address)
            ]
            if wrong:
                raise ValidationError(
                    self.env._(
                        "Billing e-mail addresses of %(customer)s: %(addresses)s – not an e-mail "
                        "address. Separate several addresses with commas.",
                        customer=association.partner_id.display_name,
                        addresses=", ".join(f"“{address}”" for address in wrong),
                    )
                )

    @api.constrains('partner_id', 'state')
    def _check_customer_not_archived(self):
        for association in self:
            if association.state != 'ended' and not association.partner_id.active:
                raise ValidationError(
                    self.env._(
                        "%(customer)s is archived, so remote support cannot be billed to this "
                        "contact. Restore the contact first.",
                        customer=association.partner_id.display_name,
                    )
                )

    # === COMPUTE METHODS === #

    @api.depends('partner_id', 'plan_id')
    def _compute_display_name(self):
        for association in self:
            names = (association.partner_id.display_name, association.plan_id.name)
            association.display_name = SEPARATOR.join(filter(None, names)) or False

    @api.model
    def _search_display_name(self, operator, value):
        # EXTENDS base: a part of its name is the customer's or the plan's; the whole is of both
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        found = [super()._search_display_name(operator, value)]
        for name in [value] if isinstance(value, str) else value or ():
            pieces = name.split(SEPARATOR) if isinstance(name, str) else ()
            # Names of customers and of plans may have the like of it in them.
            for i in range(1, len(pieces)):
                customer, plan = SEPARATOR.join(pieces[:i]), SEPARATOR.join(pieces[i:])
                is_like = operator.endswith('like')
                found.append(
                    Domain('partner_id', operator if is_like else '=', customer)
                    & Domain('plan_id', operator if is_like else '=', plan)
                )
        return Domain.OR(found)

    @api.depends('plan_id')
    def _compute_company_id(self):
        for association in self:
            association.company_id = (
                association.plan_id.company_id or association.company_id or self.env.company
            )

    @api.depends('partner_id')
    def _compute_tz(self):
        for association in self:
            association.tz = (
                # The stored one: a form proposes a zone before it knows the customer.
                association._origin.tz
                or association.partner_id.tz
                or association.partner_id.commercial_partner_id.tz
                or association.company_id.partner_id.tz
                or 'UTC'
            )

    @api.depends('start_date', 'tz')
    def _compute_start_at(self):
        """Keep the instant the first cycle began: a change of zone only counts for later ones."""
        for association in self:
            first = association._origin.cycle_ids.sorted('date_start')[:1]
            if first and first.date_start == association.start_date:
                association.start_at = first.start_at
            else:
                association.start_at = association._get_midnight(association.start_date)

    @api.depends('end_date', 'tz')
    def _compute_end_at(self):
        for association in self:
            last = association._origin.cycle_ids.sorted('date_start')[-1:]
            if last and last.date_end == association.end_date:
                association.end_at = last.end_at
            else:
                association.end_at = association._get_midnight(association.end_date)

    @api.depends('bill_ids')
    def _compute_bill_count(self):
        counts = dict(
            self.env['account.move']._read_group(
                [('assist_association_id', 'in', self.ids), ('assist_kind', '=', 'bill')],
                ['assist_association_id'],
                ['__count'],
            )
        )
        for association in self:
            association.bill_count = counts.get(association._origin, 0)

    def _compute_accrued_amount(self):
        # sudo: the sum is a figure of the association; cycles and sessions need no rights of
        # their own for it
        open_cycles = (
            self.env['assist.billing.cycle']
            .sudo()
            .search([('association_id', 'in', self.ids), ('state', '=', 'open')])
        )
        amounts = open_cycles._get_accrued_amounts()
        by_association = open_cycles.sorted('date_start').grouped('association_id')
        figures = {}
        for association in self:
            sums = {}
            for cycle in by_association.get(association._origin, ()):
                sums[cycle.currency_id] = sums.pop(cycle.currency_id, 0.0) + amounts[cycle]
            # The currency of the latest is the one in which things accrue now.
            currency, amount = sums.popitem() if sums else (association.currency_id, 0.0)
            figures[association.id] = currency, amount, format_sums(sums.items())
        assign(self, 'accrued_currency_id', lambda each: figures[each.id][0])
        for associations in self.grouped('accrued_currency_id').values():
            assign(associations, 'accrued_amount', lambda each: figures[each.id][1])
        assign(self, 'accrued_besides', lambda each: figures[each.id][2])

    def _compute_cycle_count(self):
        counts = dict(self._group_cycles([], ['__count']))
        assign(self, 'cycle_count', lambda each: counts.get(each._origin, 0))

    def _compute_next_close_date(self):
        ends = dict(self._group_cycles([('state', '=', 'open')], ['date_end:min']))
        assign(self, 'next_close_date', lambda each: ends.get(each._origin, False))

    def _compute_is_failing(self):
        failing = {association for [association] in self._group_cycles([('error', '!=', False)])}
        assign(self, 'is_failing', lambda each: each._origin in failing)

    def _group_cycles(self, domain, aggregates=()):
        return self.env['assist.billing.cycle']._read_group(
            [('association_id', 'in', self.ids), *domain], ['association_id'], aggregates
        )

    def _compute_session_count(self):
        counts = dict(
            self.env['assist.session']._read_group(
                [('association_id', 'in', self.ids)], ['association_id'], ['__count']
            )
        )
        for association in self:
            association.session_count = counts.get(association._origin, 0)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self._check_vals(vals)
            self._check_not_associated(vals)
            self._check_plan_taken(vals)
        associations = super().create(vals_list)
        associations._check_overlap()
        for association in associations:
            if association.state == 'suspended':
                association._suspend(association.start_date)
            elif association.state == 'ended' and not association.end_date:
                association.end_date = association._get_today()
        associations._resolve_sessions()
        now = fields.Datetime.now()
        if any(association.start_at <= now for association in associations):
            self._trigger_closing()
        return associations

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_same_company(vals)
        self._check_vals(vals)
        self._check_plan_taken(vals)
        priced = self._read_own_prices() if 'plan_id' in vals else {}
        states = {association: association.state for association in self}
        watched = self._read_watched(vals)
        overlapping = self._get_overlapping(vals)
        if 'start_date' in vals:
            self._restart(fields.Date.to_date(vals['start_date']))
        if 'end_date' in vals:
            self._check_end_date(fields.Date.to_date(vals['end_date']))
        if {'cycle', 'tz'} & vals.keys():
            self._anchor_at_next_boundary(vals)
        result = super().write(vals)
        self._check_overlap(vals, overlapping)
        self._check_own_prices(priced)
        if 'state' in vals:
            for association, before in states.items():
                association._state_changed(before)
        if 'end_date' in vals:
            self._cut_open_cycles()
        if 'partner_id' in vals:
            self._move_open_cycles()
        changed = self.browse(
            association.id
            for association, values in watched.items()
            if any(association[name] != value for name, value in values.items())
        )
        changed._resolve_sessions()
        if any(association._can_begin_or_fall_due(watched[association]) for association in changed):
            self._trigger_closing()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_cycles(self):
        if used := self.filtered('cycle_ids'):
            raise UserError(
                self.env._(
                    "The association of %(customers)s has billing cycles and cannot be deleted. "
                    "End it instead.",
                    customers=name_some(self.env, used.partner_id.mapped('display_name')),
                )
            )

    def unlink(self):
        self.check_access('unlink')
        # sudo: sessions go back to those nobody can be billed for, whoever may write them
        sessions = self.env['assist.session'].sudo().search([('association_id', 'in', self.ids)])
        # Those with cycles are refused, and keep theirs.
        sessions._forget_associations(self.sudo().filtered(lambda each: not each.cycle_ids))
        with anew_if_used('assist_billing_cycle'):
            result = super().unlink()
        sessions._resolve()
        return result

    # === CHECKS === #

    def _check_vals(self, vals):
        """Refuse in words a zone, a date or days that nobody can count with; tidy addresses."""
        refuse_negative(self, vals, ['due_days'])
        refuse_too_many(self, vals, {'due_days': MOST_DAYS})
        if vals.get('tz') and not self._is_zone(vals['tz']):
            raise ValidationError(
                self.env._(
                    "Customer timezone: there is no time zone “%(tz)s”. Zones are named like "
                    "Europe/Paris or America/Los_Angeles.",
                    tz=str(vals['tz'])[:60],
                )
            )
        refuse_absurd_dates(self, vals, ['start_date', 'end_date'])
        if not vals.keys().isdisjoint(('start_date', 'end_date')):
            for association in self or [self]:
                association._check_dates_ordered(vals)
        if vals.get('billing_emails'):
            vals['billing_emails'] = ", ".join(split_addresses(vals['billing_emails']))

    def _check_same_company(self, vals):
        """Refuse a plan or a company of another company once there are cycles."""
        if not {'plan_id', 'company_id'} & vals.keys():
            return
        plan = self.plan_id.browse(vals.get('plan_id'))
        for association in self:
            # sudo: only compared; who may not see the plan is refused when it is written
            company_id = plan.sudo().company_id.id or vals.get('company_id')
            # sudo: cycles that the user may not see count as well
            if (
                company_id
                and company_id != association.company_id.id
                and (association.sudo().cycle_ids)
            ):
                raise UserError(
                    self.env._(
                        "%(customer)s already has billing cycles in %(company)s, so this "
                        "association cannot move to another company. End it, then associate the "
                        "customer with a plan of the other company.",
                        customer=association.partner_id.display_name,
                        company=association.company_id.name,
                    )
                )

    def _check_dates_ordered(self, vals):
        start, end = (
            fields.Date.to_date(vals[name]) if name in vals else self[name]
            for name in ('start_date', 'end_date')
        )
        if start and end and end < start:
            raise ValidationError(
                self.env._(
                    "%(customer)s: the association cannot end (%(end)s) before it starts "
                    "(%(start)s).",
                    customer=self._get_customer(vals).display_name,
                    end=format_date(self.env, end),
                    start=format_date(self.env, start),
                )
            )

    def _check_not_associated(self, vals):
        """Refuse in words a second association in force; the database would name an index."""
        partner = self._get_customer(vals)
        plan = self.env['assist.billing.plan'].browse(vals.get('plan_id'))
        in_force = partner._assist_get_associations_in_force().filtered(
            lambda association: association.company_id.id
            == (vals.get('company_id') or plan.company_id.id)
        )
        if in_force and vals.get('state') != 'ended':
            in_force._refuse_early(fields.Date.to_date(vals.get('start_date')))
            in_force._refuse_other()

    def _refuse_early(self, start_date):
        """Say that another association of the same customer can only be made later, if so."""
        self.ensure_one()
        if not (self.end_date and start_date and start_date >= self.end_date):
            return
        words = {
            'customer': self.partner_id.display_name,
            'plan': self.plan_id.name,
            'end': format_date(self.env, self.end_date),
        }
        if self.end_date <= fields.Date.context_today(self):
            message = self.env._(
                "%(customer)s was associated with %(plan)s until %(end)s, and the last period "
                "of that is not billed yet. Bill it first: resume the association if it is on "
                "hold, and see under Checks / Failures whether something else stands in the "
                "way.",
                **words,
            )
        else:
            message = self.env._(
                "%(customer)s is associated with %(plan)s until %(end)s. Associate the "
                "customer again once that is over; or change the plan of that association, "
                "which applies from its next period on.",
                **words,
            )
        raise ValidationError(message)

    def _refuse_other(self):
        """Say that this association stands in the way of another one of the same customer."""
        self.ensure_one()
        raise ValidationError(
            self.env._(
                "%(customer)s is already associated with %(plan)s, from %(start)s to %(end)s. "
                "End that association first, or start this one later.",
                customer=self.partner_id.display_name,
                plan=self.plan_id.name,
                start=format_date(self.env, self.start_date),
                end=format_date(self.env, self.end_date) or self.env._("further notice"),
            )
        )

    def _check_overlap(self, names=OVERLAPPING_FIELDS, before=None):
        """Refuse that another association of the same customer is in force on the same day.

        Two contacts that were billed at the same time may be merged since: what was, stays.

        :param names: fields that were written
        :param dict before: what `_get_overlapping` returned before they were
        """
        for association, others in self._get_overlapping(names).items():
            if new := others - (before or {}).get(association, others.browse()):
                new[0]._refuse_other()

    def _get_overlapping(self, names):
        """Return which others of its customer are in force on a day on which an association is.

        :param names: fields that are written; if none of them counts here, nothing is looked up
        :return: `{association: associations}`
        """
        if OVERLAPPING_FIELDS.isdisjoint(names):
            return {}
        return {
            # sudo: an association that the user may not see is in the way all the same
            association: association.sudo().search(
                [
                    ('id', '!=', association.id),
                    ('partner_id', '=', association.partner_id.id),
                    ('company_id', '=', association.company_id.id),
                    *([('start_date', '<', association.end_date)] if association.end_date else []),
                    '|',
                    ('end_date', '=', False),
                    ('end_date', '>', association.start_date),
                ]
            )
            for association in self
        }

    def _check_plan_taken(self, vals):
        """Refuse a plan that is archived: it bills those who have it, and takes no one new."""
        plan = self.env['assist.billing.plan'].browse(vals.get('plan_id'))
        # sudo: only looked at; who may not see the plan is refused when it is written
        if not plan or plan.sudo().active or (self and self.plan_id == plan):
            return
        raise ValidationError(
            self.env._(
                "The plan “%(plan)s” is archived and accepts no new customers. Restore it, or "
                "choose another one.",
                plan=plan.sudo().name,
            )
        )

    def _read_own_prices(self):
        """Return what the money in these customers' own rates is of, and how much it is.

        :return: `{association: (what, {rate: (method, value)})}`
        """
        return {
            association: (
                (association.currency_id, association.plan_id.billing_type),
                {rate: (rate.method, rate.value) for rate in association.rate_ids._get_money()},
            )
            for association in self
        }

    def _check_own_prices(self, before):
        """Refuse that a price of one currency, or of an hour, becomes one of another.

        :param before: what `_read_own_prices` returned before the plan was changed
        """
        for association, (what, prices) in before.items():
            if what == (association.currency_id, association.plan_id.billing_type):
                continue
            kept = [
                rate.sentence
                for rate in association.rate_ids
                if prices.get(rate) == (rate.method, rate.value)
            ]
            if kept:
                raise ValidationError(
                    self.env._(
                        "%(customer)s has rates of its own with a price: %(rates)s. “%(plan)s” "
                        "bills in another currency, or per hour instead of per session, so these "
                        "prices would come to mean something else. Change or delete them together "
                        "with the plan.",
                        customer=association.partner_id.display_name,
                        rates="; ".join(kept),
                        plan=association.plan_id.name,
                    )
                )

    def _get_customer(self, vals):
        return self.partner_id.browse(vals.get('partner_id')) or self.partner_id

    @api.model
    def _is_zone(self, name):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            return False
        return True

    # === HELPERS === #

    def _get_billing_emails(self):
        """Return the billing addresses, each once, as a list of strings."""
        self.ensure_one()
        return split_addresses(self.billing_emails)

    def _get_notice_email(self):
        """Return the addresses for what is not a bill: the billing ones, else the invoice's."""
        self.ensure_one()
        contact = self.partner_id.browse(self.partner_id.address_get(['invoice'])['invoice'])
        found = (contact | self.partner_id | self.partner_id.commercial_partner_id).filtered(
            'email'
        )
        return ", ".join(self._get_billing_emails()) or found[:1].email or False

    def _get_given_prices(self):
        """Return the prices that these customers have of their own, as they were given."""
        prices = self.rate_ids._get_given_prices()
        with_fees = self.filtered('plan_has_fees')
        return prices + with_fees.fee_ids.mapped('price') if with_fees else prices

    def _get_midnight(self, day):
        """Return the instant (naive UTC) at which `day` begins for the customer, or False."""
        self.ensure_one()
        return cycles.local_midnight(day, self.tz) if day and self.tz else False

    def _get_today(self):
        """Return the customer's present date."""
        self.ensure_one()
        return cycles.local_date(fields.Datetime.now(), self.tz)

    @api.model
    def _get_chain_sql(self, origins):
        """Return the query of contacts whose associations may bill these: they and those above.

        The nearest association bills, so that of the least depth. The caller has flushed
        `parent_id`.

        :param SQL origins: a query with a column `partner_id`
        :return: a query with columns `origin`, `partner_id` and `depth`, that is to be named
            `chain` in a WITH RECURSIVE
        """
        return SQL(
            """
            SELECT partner_id AS origin, partner_id, 0 AS depth FROM (%s) AS origins
            UNION ALL
            SELECT c.origin, p.parent_id, c.depth + 1
              FROM chain c
              JOIN res_partner p ON p.id = c.partner_id
             WHERE p.parent_id IS NOT NULL
            """,
            origins,
        )

    def _read_watched(self, names):
        """Return what these associations have now in the fields that decide whose sessions are.

        :param names: fields that are about to be written
        :return: `{association: {name: value}}`
        """
        watched = [name for name in RESOLVING_FIELDS if name in names]
        return {association: {name: association[name] for name in watched} for association in self}

    def _can_begin_or_fall_due(self, before):
        """Tell whether a change may have let a cycle begin or become due at once.

        What the closing run does by itself, to mark as ended what is over, is no such change: it
        would wake itself.

        :param dict before: what the fields that were written had before
        """
        self.ensure_one()
        if any(self[name] != before[name] for name in WAKING_FIELDS if name in before):
            return True
        return before.get('state') == 'on_hold' != self.state

    def _resolve_sessions(self):
        """Match unbilled sessions that this association has or might have got, anew."""
        self.env['assist.session']._resolve_for_associations(self)

    @api.model
    def _trigger_closing(self):
        """Let the scheduled action look at what has begun or become due, soon."""
        self.env.ref('assist_billing.ir_cron_close_cycles').sudo()._trigger()

    # === SELECTIONS === #

    @api.model
    def _get_zones(self):
        return get_zones(self)
