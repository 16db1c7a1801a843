from odoo import api, fields, models

# What makes the new prices, besides what the revision itself names.
RULE_FIELD = 'with_agreement_fees'


class AssistPriceRevision(models.Model):
    """Fees rise with the other prices: those of plans, and what customers have instead."""

    _inherit = 'assist.price.revision'

    # === FIELDS === #

    with_agreement_fees = fields.Boolean(
        string="Fees",
        default=True,
        help="Fees of the plans, and customers' own ones; by percent or index. Periods that begin "
        "before the day keep the prices before.",
    )

    # === NEW PRICES === #

    @api.model
    def _get_rule_fields(self):
        # EXTENDS assist_billing
        return [*super()._get_rule_fields(), RULE_FIELD]

    def _prepare_plan_lines_vals(self, plan):
        # EXTENDS assist_billing
        vals_list = super()._prepare_plan_lines_vals(plan)
        if self.method == 'amount' or not self.with_agreement_fees:
            return vals_list
        vals_list += [
            self._prepare_line_vals(plan, 'fee', fee.price, fee_id=fee.id) for fee in plan.fee_ids
        ]
        own_fees = self._get_associations(plan).fee_ids.filtered(
            lambda own: own.fee_id in plan.fee_ids
        )
        return vals_list + [
            self._prepare_line_vals(
                plan, 'fee', own.price, own_fee_id=own.id, association_id=own.association_id.id
            )
            for own in own_fees
        ]

    # === ANNOUNCING === #

    def _get_lines_of(self, association):
        # EXTENDS assist_billing: where a customer has a fee of its own, the plan's is not about it
        lines = super()._get_lines_of(association)
        own_fees = association.fee_ids.fee_id
        return lines.filtered(lambda line: line.fee_id not in own_fees or line.own_fee_id)


class AssistPriceRevisionLine(models.Model):
    """What a fee was, and what it becomes."""

    _inherit = 'assist.price.revision.line'

    # === FIELDS === #

    fee_id = fields.Many2one(
        'assist.billing.plan.fee', readonly=True, index='btree_not_null', ondelete='set null'
    )
    own_fee_id = fields.Many2one(
        'assist.billing.association.fee',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )

    # === SELECTIONS === #

    @api.model
    def _get_kinds(self):
        # EXTENDS assist_billing
        return [*super()._get_kinds(), ('fee', self.env._("Fee"))]

    # === COMPUTE METHODS === #

    @api.depends('fee_id', 'own_fee_id')
    def _compute_what(self):
        # EXTENDS assist_billing
        return super()._compute_what()

    # === BUSINESS METHODS === #

    def _describe(self):
        # EXTENDS assist_billing
        fee = self.fee_id or self.own_fee_id
        return fee.display_name if fee else super()._describe()

    @api.model
    def _get_key_names(self):
        # EXTENDS assist_billing
        return [*super()._get_key_names(), 'fee_id', 'own_fee_id']

    def _get_undated(self):
        # EXTENDS assist_billing
        return self.fee_id or self.own_fee_id or super()._get_undated()
