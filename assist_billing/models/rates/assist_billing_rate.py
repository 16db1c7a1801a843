from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from ...rules.rates import NOT_NEGATIVE, SIGNED_METHOD, Rate
from ...utils.checks import (
    MOST_MINUTES,
    count_digits,
    refuse_absurd_dates,
    refuse_negative,
    refuse_too_many,
)
from ...utils.prices import format_price
from ...utils.remembering import remembered

# What is looked at together before a rate is stored.
CHECKED = (
    'plan_id',
    'association_id',
    'band_id',
    'kind',
    'grade_id',
    'date_from',
    'date_to',
    'method',
    'value',
    'minimum_minutes',
    'increment_minutes',
)


class AssistBillingRate(models.Model):
    """A price for some of the sessions of a plan, or of one customer: a line of the rate card."""

    _name = 'assist.billing.rate'
    _description = "Rate"
    _inherit = ['assist.guard']
    _order = 'sequence, id'
    _check_company_auto = True

    # === FIELDS === #

    plan_id = fields.Many2one(
        'assist.billing.plan',
        index='btree_not_null',
        check_company=True,
        ondelete='cascade',
    )
    association_id = fields.Many2one(
        'assist.billing.association',
        string="Customer",
        index='btree_not_null',
        check_company=True,
        ondelete='cascade',
        help="A rate of one customer comes before all rates of the plan.",
    )
    company_id = fields.Many2one(
        'res.company', compute='_compute_company_id', store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one('res.currency', compute='_compute_currency_id')
    sequence = fields.Integer(default=10)
    band_id = fields.Many2one(
        'assist.billing.band', index='btree_not_null', check_company=True, ondelete='restrict'
    )
    kind = fields.Selection(selection='_get_kinds', string="Kind of Work")
    grade_id = fields.Many2one(
        'assist.technician.grade', index='btree_not_null', check_company=True, ondelete='restrict'
    )
    date_from = fields.Date(string="First Day")
    date_to = fields.Date(string="Last Day")
    method = fields.Selection(
        [
            ('percent', "Percent of the price"),
            ('fixed', "Price"),
            ('add', "On top of the price"),
        ],
        required=True,
        default='percent',
    )
    value = fields.Float(
        min_display_digits='Product Price',
        default=100.0,
        help="A percentage, a price, or what comes on top of the price (below zero: off it).",
    )
    burn_percent = fields.Integer(
        string="Uses Up",
        default=100,
        help="How much of an included hour one hour takes, in percent. At 0 it takes none, and is "
        "always charged.",
    )
    minimum_minutes = fields.Integer(
        string="Minimum",
        help="In minutes, instead of the plan's; 0 leaves it. Only for a rate of no band.",
    )
    increment_minutes = fields.Integer(
        string="Round Up To",
        help="In minutes, instead of the plan's; 0 leaves it. Only for a rate of no band.",
    )
    sentence = fields.Char(string="Rate", compute='_compute_sentence')

    # === CONSTRAINTS === #

    _owner = models.Constraint(
        "CHECK (num_nonnulls(plan_id, association_id) = 1)",
        "A rate belongs to a plan or to a customer: to one of them.",
    )
    _value_positive = models.Constraint(
        f"CHECK (method = '{SIGNED_METHOD}' OR value >= 0)", "A rate cannot be below zero."
    )
    _numbers_positive = models.Constraint(
        f"CHECK ({' AND '.join(f'{name} >= 0' for name in NOT_NEGATIVE)})",
        "Rate: percent and minutes cannot be below zero.",
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_to >= date_from)", "A rate cannot end before it begins."
    )

    @api.constrains('method', 'value', 'plan_id', 'association_id')
    def _check_digits(self):
        """Refuse a price with more digits than are printed: it would be rounded silently."""
        for rate in self:
            plan = rate.plan_id or rate.association_id.plan_id
            most = plan._get_price_digits()
            if rate.method != 'percent' and count_digits(rate.value) > most:
                raise ValidationError(
                    self.env._(
                        "Rate “%(rate)s” has more than the %(digits)s decimals that prices in "
                        "%(currency)s can have. Round it.",
                        rate=rate.sentence,
                        digits=most,
                        currency=plan.currency_id.name,
                    )
                )

    # === SELECTIONS === #

    @api.model
    def _get_kinds(self):
        return self.env['assist.session']._fields['kind']._description_selection(self.env)

    # === COMPUTE METHODS === #

    @api.depends('plan_id', 'association_id')
    def _compute_company_id(self):
        for rate in self:
            rate.company_id = rate.plan_id.company_id or rate.association_id.company_id

    @api.depends('plan_id', 'association_id')
    def _compute_currency_id(self):
        for rate in self:
            rate.currency_id = rate.plan_id.currency_id or rate.association_id.currency_id

    @api.depends(
        'band_id', 'kind', 'grade_id', 'date_from', 'date_to', 'method', 'value', 'currency_id'
    )
    @api.depends_context('lang')
    def _compute_sentence(self):
        for rate in self:
            rate.sentence = self._describe(rate._prepare_rate_terms(), rate.currency_id)

    @api.depends('sentence')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for rate in self:
            rate.display_name = rate.sentence

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self.browse()._check_vals(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        if self and vals:
            self._check_vals(vals)
        return super().write(vals)

    def _check_vals(self, vals):
        """Say in words what the database would refuse in code, before anything is stored.

        Of each of these records, or of a new one.
        """
        # Before anything is said of a plan or customer.
        self.env['assist.billing.plan'].browse(vals.get('plan_id') or ()).check_access('write')
        self.env['assist.billing.association'].browse(
            vals.get('association_id') or ()
        ).check_access('write')
        refuse_absurd_dates(self, vals, ['date_from', 'date_to'])
        refuse_negative(self, vals, NOT_NEGATIVE)
        refuse_too_many(
            self, vals, {'minimum_minutes': MOST_MINUTES, 'increment_minutes': MOST_MINUTES}
        )
        for draft in self._assist_get_drafts(vals, CHECKED):
            if bool(draft.plan_id) == bool(draft.association_id):
                raise ValidationError(
                    self.env._("A rate belongs to a plan or to a customer: choose one of them.")
                )
            draft._check_meaning()

    def _check_meaning(self):
        """Refuse what no rate can be."""
        self.ensure_one()
        if self.value < 0 and self.method != SIGNED_METHOD:
            raise ValidationError(
                self.env._("Rate “%(rate)s”: it cannot be below zero.", rate=self.sentence)
            )
        if self.band_id and (self.minimum_minutes or self.increment_minutes):
            raise ValidationError(
                self.env._(
                    "Rate “%(rate)s”: minimum and rounding are of a whole session, which can be in "
                    "several bands. Give them in a rate without a band.",
                    rate=self.sentence,
                )
            )
        if self.date_from and self.date_to and self.date_to < self.date_from:
            raise ValidationError(
                self.env._("Rate “%(rate)s”: it cannot end before it begins.", rate=self.sentence)
            )

    # === BUSINESS METHODS === #

    def _prepare_rate_terms(self):
        """Return this line as `rules.rates.Rate` reads it, ready for JSON."""
        self.ensure_one()
        return {
            'id': self.id or None,
            'band': self.band_id.id or None,
            'kind': self.kind or None,
            'grade': self.grade_id.id or None,
            'date_from': fields.Date.to_string(self.date_from) or None,
            'date_to': fields.Date.to_string(self.date_to) or None,
            'method': self.method or 'percent',
            'value': self.value,
            'burn_percent': self.burn_percent,
            'minimum_minutes': self.minimum_minutes,
            'increment_minutes': self.increment_minutes,
        }

    def _get_given_prices(self):
        """Return the prices in these, as they were given."""
        return self._get_money().mapped('value')

    def _get_money(self):
        """Return those of these whose value is money: a percentage is not."""
        return self.filtered(lambda rate: rate.method != 'percent')

    def _get_rule(self):
        return Rate.from_dict(self._prepare_rate_terms())

    def _follow_up(self, day, value):
        """End this rate before `day`, and let one at `value` follow it in its place.

        In its place among the others too: the first that is for a session wins.
        """
        self.ensure_one()
        owner = self.plan_id or self.association_id
        follower = self.copy({'date_from': day, 'value': value})
        self.date_to = fields.Date.subtract(day, days=1)
        rates = (owner.rate_ids - follower).sorted(lambda rate: (rate.sequence, rate.id))
        number = 0
        for rate in rates:
            for each in (rate, follower) if rate == self else (rate,):
                number += 1
                if each.sequence != number:
                    each.sequence = number
        return follower

    @api.model
    def _describe(self, terms, currency):
        """Return a line of the rate card in words: “Evening, Phone: 150 % of the price”."""
        text = self._describe_price(terms, currency)
        whom = self._describe_group(terms['band'], terms['kind'], terms['grade'])
        sentence = self.env._("%(whom)s: %(price)s", whom=whom or self.env._("Always"), price=text)
        days = self._describe_days(terms['date_from'], terms['date_to'])
        return f"{sentence}, {days}" if days else sentence

    @api.model
    def _describe_days(self, first, last):
        """Return in words from which day up to which, both included; either may be open."""
        if first and last:
            days = self.env._("from %(first)s to %(last)s")
        elif first:
            days = self.env._("from %(first)s on")
        elif last:
            days = self.env._("up to %(last)s")
        else:
            return ""
        first, last = (day and format_date(self.env, day) for day in (first, last))
        return days % {'first': first, 'last': last}

    @api.model
    def _describe_price(self, terms, currency):
        value = terms['value']
        if terms['method'] == 'percent':
            return self.env._("%(percent)s %% of the price", percent=f"{value:.15g}")
        amount = f"{format_price(self.env, abs(value))} {currency.name or ''}".strip()
        if terms['method'] == 'fixed':
            return amount
        if value < 0:
            return self.env._("%(amount)s less than the price", amount=amount)
        return self.env._("%(amount)s on top of the price", amount=amount)

    @api.model
    @remembered(lambda rates, *about: (rates.env.lang, about))
    def _describe_group(self, band_id, kind, grade_id):
        """Return what explains a price, in the language of the context; empty for the plan's."""
        # sudo: the names are printed on bills and statements, for whoever may see these
        band = self.env['assist.billing.band'].sudo().browse(band_id or ()).exists()
        grade = self.env['assist.technician.grade'].sudo().browse(grade_id or ()).exists()
        words = [band.name, dict(self._get_kinds()).get(kind), grade.name]
        return ", ".join(filter(None, words))
