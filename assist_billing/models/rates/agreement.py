from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import formatLang

from ...rules import tiers

# What a cycle keeps of these; where a plan does not use them it has none of these keys.
AGREEMENT_TERMS = (
    'tiers',
    'tier_mode',
    'maximum_charge',
    'rollover',
    'rollover_cap',
    'rollover_cycles',
)


class AssistBillingPlan(models.Model):
    """What a managed agreement adds to a plan: tiers, a maximum, included hours that roll over.

    All is off, and costs nothing, until it is used.
    """

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    tier_ids = fields.One2many(
        'assist.billing.tier',
        'plan_id',
        string="Tiers",
        copy=True,
        help="Prices by how much was used in a cycle. Without tiers all has the plan's price.",
    )
    tier_mode = fields.Selection(
        [('graduated', "Each tier its own price"), ('volume', "One price for all")],
        string="Tier Pricing",
        required=True,
        default='graduated',
        tracking=True,
        help="- Each tier its own price: a session or hour has the price of the tier it falls in\n"
        "- One price for all: all have the price of the tier that their sum reaches",
    )
    tier_note = fields.Text(
        compute='_compute_tier_note', help="Where more sessions or hours cost less."
    )
    maximum_charge = fields.Float(
        min_display_digits='Product Price',
        tracking=True,
        help="The charge for sessions or hours, base fees included, is at most this; 0 for no "
        "limit. Devices do not count towards it.",
    )
    rollover = fields.Selection(
        [
            ('none', "Lapses"),
            ('all', "Rolls over"),
            ('capped', "Rolls over, up to a limit"),
        ],
        string="What Is Not Used",
        required=True,
        default='none',
        tracking=True,
        help="What becomes of included sessions or hours that a cycle did not use.",
    )
    rollover_cap = fields.Float(
        string="Rolls Over at Most",
        digits='Product Unit',
        tracking=True,
        help="So many sessions or hours are handed on to the next cycle at most; the oldest above "
        "this lapse.",
    )
    rollover_cycles = fields.Integer(
        string="Can Be Used In",
        default=1,
        tracking=True,
        help="In how many of the following cycles it can be used; then it lapses.",
    )

    # === CONSTRAINTS === #

    _agreement_positive = models.Constraint(
        "CHECK (maximum_charge >= 0 AND rollover_cap >= 0 AND rollover_cycles >= 0)",
        "Billing plan: maximum charge and what rolls over cannot be negative.",
    )

    @api.constrains('maximum_charge', 'minimum_charge')
    def _check_maximum(self):
        for plan in self:
            minimum = max([plan.minimum_charge, *plan.version_ids.mapped('minimum_charge')])
            if 0 < plan.maximum_charge < minimum:
                raise ValidationError(
                    self.env._(
                        "Billing plan “%(plan)s”: the maximum charge, %(maximum)s, is below the "
                        "minimum charge, %(minimum)s. Raise it, or leave it at zero for no limit.",
                        plan=plan.name,
                        maximum=plan._format_number(plan.maximum_charge),
                        minimum=plan._format_number(minimum),
                    )
                )

    @api.constrains('rollover', 'rollover_cycles', 'rollover_cap')
    def _check_rollover(self):
        for plan in self:
            if plan.rollover != 'none' and plan.rollover_cycles < 1:
                raise ValidationError(
                    self.env._(
                        "Billing plan “%(plan)s”: what rolls over must be usable in at least one "
                        "cycle.",
                        plan=plan.name,
                    )
                )
            if plan.rollover == 'capped' and not plan.rollover_cap:
                raise ValidationError(
                    self.env._(
                        "Billing plan “%(plan)s”: say how much rolls over at most, or choose that "
                        "it lapses.",
                        plan=plan.name,
                    )
                )

    @api.constrains('currency_id')
    def _check_tier_digits(self):
        self.tier_ids._check_digits()

    # === COMPUTE METHODS === #

    @api.depends(
        'billing_type',
        'price_per_session',
        'price_per_hour',
        'tier_mode',
        'tier_ids.from_quantity',
        'tier_ids.price',
        'currency_id',
    )
    @api.depends_context('lang')
    def _compute_tier_note(self):
        for plan in self:
            plan.tier_note = "\n".join(plan._get_cliffs()) or False

    def _get_cliffs(self):
        """Return in words where more sessions or hours cost less, as "one price for all" does."""
        self.ensure_one()
        if self.tier_mode != 'volume' or not self.currency_id:
            return []
        is_hourly = self.billing_type == 'hour'
        digits = self.env['decimal.precision'].precision_get('Product Unit') if is_hourly else 0
        step = Decimal(1).scaleb(-digits)
        try:
            rules = tiers.read_tiers(self._prepare_tier_terms())
            price = Decimal(str(self.price))
        except ValueError:  # half entered; saving says what is wrong
            return []
        found = []
        for tier, price_below in tiers.find_cliffs(rules, price):
            below, least = tier.from_quantity - step, self.currency_id.round
            before, after = (
                least(float(quantity * each))
                for quantity, each in ((below, price_below), (tier.from_quantity, tier.price))
            )
            if after >= before:
                continue
            values = {
                'less': formatLang(self.env, float(below), digits=digits),
                'more': formatLang(self.env, float(tier.from_quantity), digits=digits),
                'before': self._format_number(before),
                'after': self._format_number(after),
            }
            found.append(
                self.env._(
                    "More costs less here: %(less)s hours are %(before)s, %(more)s hours are "
                    "%(after)s.",
                    **values,
                )
                if is_hourly
                else self.env._(
                    "More costs less here: %(less)s sessions are %(before)s, %(more)s sessions "
                    "are %(after)s.",
                    **values,
                )
            )
        return found

    # === BUSINESS METHODS === #

    def _prepare_agreement_terms(self):
        """Return what a cycle keeps of tiers, maximum and rollover: only of what is used."""
        self.ensure_one()
        terms = {}
        if self.tier_ids:
            terms |= {'tiers': self._prepare_tier_terms(), 'tier_mode': self.tier_mode}
        if self.maximum_charge:
            terms['maximum_charge'] = self.maximum_charge
        if self.rollover != 'none':
            terms |= {'rollover': self.rollover, 'rollover_cycles': self.rollover_cycles}
        if self.rollover == 'capped':
            terms['rollover_cap'] = self.rollover_cap
        return terms

    def _prepare_earlier_tiers_terms(self, day):
        """Return the tiers of a cycle that begins on a day, if they have been revised since."""
        self.ensure_one()
        if not (self.tier_ids and self._get_prices_before('tier_id', day)):
            return {}
        return {'tiers': self._prepare_tier_terms(day)}

    def _prepare_tier_terms(self, day=None):
        """Return the tiers as `rules.tiers.read_tiers` reads them: pairs, ready for JSON.

        :param day: with the prices of a cycle that begins on it; default: the last ones
        """
        self.ensure_one()
        before = self._get_prices_before('tier_id', day)
        rows = self.tier_ids.sorted(lambda tier: (tier.from_quantity, tier.id or 0))
        return [[tier.from_quantity, before.get(tier._origin.id, tier.price)] for tier in rows]

    def _format_number(self, amount):
        """Return an amount of money of this plan, with all its digits."""
        self.ensure_one()
        digits = self.currency_id.decimal_places
        return f"{formatLang(self.env, amount, digits=digits)} {self.currency_id.name or ''}"
