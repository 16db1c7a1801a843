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

    # === CONSTRAINTS === #

    @api.constrains('billing_type')
    def _check_fee_hours(self):
        for plan in self:
            plan.fee_ids._check_hours()

    # === BUSINESS METHODS === #

    def _prepare_fees_terms(self, association):
        """Return what a cycle keeps of the fees, ready for JSON; nothing without any.

        :param association: whose own numbers count; empty for those of the plan alone
        """
        self.ensure_one()
        if not self.fee_ids:
            return {}
        own = association.fee_ids.grouped('fee_id')
        return {'fees': [fee._prepare_fee_terms(own.get(fee)) for fee in self.fee_ids]}

    def _prepare_fee_product_terms(self):
        """Return what products of fees give their lines, see `_prepare_product_terms`."""
        self.ensure_one()
        return {
            f'product:{product.id}': self._prepare_product_terms(product)
            for product in self.fee_ids.product_id
        }
