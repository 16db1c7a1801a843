from odoo import api, fields, models


class AssistBillingPlan(models.Model):
    """The plan's fees: none, and without any effect, until they are used."""

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    fee_ids = fields.One2many(
        'assist.billing.plan.fee',
        'plan_id',
        string="Fees",
        copy=True,
        help="What each period costs besides what is done in it. A change counts from the next "
        "period on.",
    )

    has_fees = fields.Boolean(
        compute='_compute_has_fees',
        store=True,
        help="Stored, so that plans without fees cost no look at them.",
    )

    # === CONSTRAINTS === #

    @api.constrains('billing_type')
    def _check_fee_hours(self):
        for plan in self:
            plan.fee_ids._check_hours()

    @api.constrains('currency_id')
    def _check_fee_digits(self):
        self.fee_ids._check_fee_digits()
        self.association_ids.fee_ids._check_numbers()

    # === COMPUTE METHODS === #

    @api.depends('fee_ids.active')
    def _compute_has_fees(self):
        for plan in self:
            plan.has_fees = bool(plan.fee_ids.filtered('active'))

    # === BUSINESS METHODS === #

    def _prepare_fees_terms(self, association, day=None):
        """Return what a cycle keeps of the fees, ready for JSON; nothing without any.

        :param association: whose own numbers count; empty for those of the plan alone
        :param day: with the prices of a cycle that begins on it; default: the last ones
        """
        self.ensure_one()
        if not self.has_fees:
            return {}
        own = association.fee_ids.grouped('fee_id')
        before = self._get_prices_before('fee_id', day)
        before_own = self._get_prices_before('own_fee_id', day)
        fees = []
        for fee in self.fee_ids:
            number = own.get(fee._origin)
            terms = fee._prepare_fee_terms(number)
            earlier = before_own.get(number.id) if number else before.get(fee._origin.id)
            fees.append(terms if earlier is None else {**terms, 'price': earlier})
        return {'fees': fees}

    def _prepare_fee_product_terms(self):
        """Return what products of fees give their lines, see `_prepare_product_terms`."""
        self.ensure_one()
        if not self.has_fees:
            return {}
        return {
            f'product:{product.id}': self._prepare_product_terms(product)
            for product in self.fee_ids.product_id
        }
