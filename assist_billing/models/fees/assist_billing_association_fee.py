from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...utils.checks import refuse_negative
from .assist_billing_plan_fee import NOT_NEGATIVE


class AssistBillingAssociationFee(models.Model):
    """A fee of the plan as one customer has it: with seats, a price and hours of their own."""

    _name = 'assist.billing.association.fee'
    _description = "Customer's Own Fee"
    _inherit = ['assist.guard']
    _order = 'association_id, id'
    _check_company_auto = True

    # === FIELDS === #

    association_id = fields.Many2one(
        'assist.billing.association',
        string="Customer",
        required=True,
        index=True,
        check_company=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        'res.company', related='association_id.company_id', store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one(related='association_id.currency_id')
    fee_id = fields.Many2one(
        'assist.billing.plan.fee',
        required=True,
        index=True,
        check_company=True,
        ondelete='cascade',
        help="A fee of the customer's plan. Fees of an earlier plan do not count.",
    )
    quantity_rule = fields.Selection(related='fee_id.quantity_rule')
    quantity = fields.Float(
        digits='Product Unit',
        compute='_compute_numbers',
        store=True,
        readonly=False,
        precompute=True,
        help="Seats, or how many of a fixed fee. Devices are counted.",
    )
    price = fields.Float(
        string="Unit Price",
        min_display_digits='Product Price',
        compute='_compute_numbers',
        store=True,
        readonly=False,
        precompute=True,
    )
    included_hours = fields.Float(
        string="Hours Included",
        digits='Product Unit',
        compute='_compute_numbers',
        store=True,
        readonly=False,
        precompute=True,
    )

    # === CONSTRAINTS === #

    _fee_unique = models.Constraint(
        "UNIQUE (association_id, fee_id)", "A customer has one fee of its own for each of the plan."
    )
    _numbers_positive = models.Constraint(
        "CHECK (quantity >= 0 AND price >= 0 AND included_hours >= 0)",
        "Fee: quantity, price and hours cannot be negative.",
    )

    @api.constrains('association_id', 'fee_id', 'quantity', 'price', 'included_hours')
    def _check_numbers(self):
        for own in self:
            plan = own.fee_id.plan_id
            if own.association_id.plan_id != plan:
                raise ValidationError(
                    self.env._(
                        "Fee “%(fee)s” belongs to “%(plan)s”, which is not the plan of "
                        "%(customer)s.",
                        fee=own.fee_id.display_name,
                        plan=plan.name,
                        customer=own.association_id.partner_id.display_name,
                    )
                )
            if own.quantity_rule != 'devices' and not own.quantity:
                raise ValidationError(
                    self.env._(
                        "Fee “%(fee)s” of %(customer)s: give a number above zero.",
                        fee=own.fee_id.display_name,
                        customer=own.association_id.partner_id.display_name,
                    )
                )
            if own.included_hours and plan.billing_type != 'hour':
                raise ValidationError(
                    self.env._(
                        "Fee “%(fee)s” includes hours, but “%(plan)s” bills by the session.",
                        fee=own.fee_id.display_name,
                        plan=plan.name,
                    )
                )
            own.fee_id._refuse_digits(own.price)

    # === COMPUTE METHODS === #

    @api.depends('fee_id')
    def _compute_numbers(self):
        """Begin with what the plan says."""
        for own in self:
            own.quantity = own.fee_id.quantity
            own.price = own.fee_id.price
            own.included_hours = own.fee_id.included_hours

    @api.depends('fee_id')
    def _compute_display_name(self):
        for own in self:
            own.display_name = own.fee_id.display_name

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self.browse()._check_vals(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_vals(vals)
        return super().write(vals)

    # === CHECKS === #

    def _check_vals(self, vals):
        """Say in words what the database would refuse in code, before anything is stored."""
        # Before anything is said of a fee or a customer.
        self.env['assist.billing.plan.fee'].browse(vals.get('fee_id') or ()).check_access('read')
        associations = self.env['assist.billing.association']
        associations.browse(vals.get('association_id') or ()).check_access('write')
        refuse_negative(self, vals, NOT_NEGATIVE)
        if not self or 'fee_id' in vals or 'association_id' in vals:
            self._check_not_given(vals)

    def _check_not_given(self, vals):
        """Refuse a second one for the same fee; the database would name a constraint."""
        pairs = [
            (
                vals.get('association_id') or own.association_id.id,
                vals.get('fee_id') or own.fee_id.id,
            )
            for own in self or [self]
        ]
        for association_id, fee_id in pairs:
            others = self.search(
                [
                    ('association_id', '=', association_id),
                    ('fee_id', '=', fee_id),
                    ('id', 'not in', self.ids),
                ],
                limit=1,
            )
            if others:
                raise ValidationError(
                    self.env._(
                        "%(customer)s has a fee of its own for “%(fee)s” already: change that.",
                        customer=others.association_id.partner_id.display_name,
                        fee=others.fee_id.display_name,
                    )
                )
