from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import formatLang

from ...utils.checks import count_digits, refuse_negative

NOT_NEGATIVE = ('from_quantity', 'price')


class AssistBillingTier(models.Model):
    """From so many sessions or hours of a cycle on, one costs this: a tier of a plan."""

    _name = 'assist.billing.tier'
    _description = "Price Tier"
    _inherit = ['assist.guard']
    _order = 'plan_id, from_quantity, id'
    _check_company_auto = True

    # === FIELDS === #

    plan_id = fields.Many2one(
        'assist.billing.plan',
        required=True,
        index=True,
        check_company=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        related='plan_id.company_id', store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one(related='plan_id.currency_id')
    from_quantity = fields.Float(
        string="From",
        digits='Product Unit',
        help="Sessions or hours of the cycle from which on this price counts, this number "
        "included. Below the first tier the plan's own price counts.",
    )
    price = fields.Float(min_display_digits='Product Price', help="Per session or per hour.")

    # === CONSTRAINTS === #

    # Looked at last, when all tiers are as they are to be.
    _from_unique = models.Constraint(
        "UNIQUE (plan_id, from_quantity) DEFERRABLE INITIALLY DEFERRED",
        "Two tiers of a plan cannot begin at the same number.",
    )
    _numbers_positive = models.Constraint(
        "CHECK (from_quantity >= 0 AND price >= 0)",
        "Tier: where it begins and its price cannot be negative.",
    )

    @api.constrains('plan_id', 'from_quantity')
    def _check_from(self):
        """Refuse two tiers that begin at the same number: which price would it be?"""
        for plan in self.plan_id:
            seen = set()
            for tier in plan.tier_ids:
                if tier.from_quantity in seen:
                    raise ValidationError(
                        self.env._(
                            "Billing plan “%(plan)s”: two tiers begin at %(quantity)s. Each needs "
                            "a beginning of its own.",
                            plan=plan.name,
                            quantity=tier._format_from(),
                        )
                    )
                seen.add(tier.from_quantity)

    @api.constrains('price', 'plan_id')
    def _check_digits(self):
        """Refuse a price with more digits than are printed: it would be rounded silently."""
        for tier in self:
            most = tier.plan_id._get_price_digits()
            if count_digits(tier.price) > most:
                raise ValidationError(
                    self.env._(
                        "The price of the tier from %(quantity)s, %(price)s, has more than the "
                        "%(digits)s decimals that prices in %(currency)s can have. Round it.",
                        quantity=tier._format_from(),
                        price=f"{tier.price:.15g}",
                        digits=most,
                        currency=tier.currency_id.name,
                    )
                )

    # === COMPUTE METHODS === #

    @api.depends('from_quantity', 'price')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for tier in self:
            tier.display_name = self.env._("From %(quantity)s", quantity=tier._format_from())

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self._check_plan_vals(vals)
            refuse_negative(self, vals, NOT_NEGATIVE)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_plan_vals(vals)
        refuse_negative(self, vals, NOT_NEGATIVE)
        return super().write(vals)

    def _check_plan_vals(self, vals):
        """Refuse a tier of a plan that is not the user's, before anything is said of it."""
        self.env['assist.billing.plan'].browse(vals.get('plan_id') or ()).check_access('write')

    # === HELPERS === #

    def _format_from(self):
        self.ensure_one()
        digits = count_digits(self.from_quantity)
        return formatLang(self.env, self.from_quantity, digits=digits)
