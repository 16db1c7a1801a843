from odoo import api, fields, models


class AssistBillingCycleFee(models.Model):
    """A fee of one period: what was charged for it, by which bill. There is one row at most.

    That is what makes sure that no fee is billed twice for a period, whichever bill carries it:
    in advance that of the period before, in arrears the period's own. What was charged in advance
    is set right on the period's own bill, by a true-up.
    """

    _name = 'assist.billing.cycle.fee'
    _description = "Fee of a Billing Cycle"
    _inherit = ['assist.guard']
    _order = 'cycle_id, id'

    # === FIELDS === #

    cycle_id = fields.Many2one(
        'assist.billing.cycle',
        string="Period",
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help="The period that it pays for.",
    )
    fee_id = fields.Many2one(
        'assist.billing.plan.fee', required=True, readonly=True, index=True, ondelete='restrict'
    )
    company_id = fields.Many2one(
        related='cycle_id.company_id', store=True, precompute=True, index=True
    )
    association_id = fields.Many2one(
        related='cycle_id.association_id', store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one('res.currency', required=True, readonly=True)
    date_start = fields.Date(related='cycle_id.date_start', store=True, precompute=True)
    date_end = fields.Date(related='cycle_id.date_end', store=True, precompute=True)
    fee_terms = fields.Json(
        required=True, readonly=True, help="The fee as it was when this was charged."
    )
    units = fields.Float(
        readonly=True, help="Devices or seats counted, or the fixed number: for a whole period."
    )
    quantity = fields.Float(digits='Product Unit', readonly=True)
    price = fields.Float(min_display_digits='Product Price', readonly=True)
    amount = fields.Monetary(readonly=True)
    hours = fields.Float(
        string="Hours Included", readonly=True, help="Hours of the period that come with it."
    )
    billing_cycle_id = fields.Many2one(
        'assist.billing.cycle',
        string="Billed With",
        readonly=True,
        index=True,
        ondelete='restrict',
        help="The cycle whose bill charges it. Empty where it has a bill of its own, or waits for "
        "one.",
    )
    own_move_id = fields.Many2one(
        'account.move',
        string="Bill of Its Own",
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    move_id = fields.Many2one('account.move', string="Bill", compute='_compute_move_id')
    true_up_quantity = fields.Float(
        string="Adjusted By",
        digits='Product Unit',
        readonly=True,
        help="On the period's own bill: below zero it is a credit.",
    )
    true_up_amount = fields.Monetary(string="Adjustment", readonly=True)

    # === CONSTRAINTS === #

    _fee_unique = models.Constraint(
        "UNIQUE (cycle_id, fee_id)", "No fee is billed twice for a period."
    )
    _numbers_positive = models.Constraint(
        "CHECK (units >= 0 AND quantity >= 0 AND price >= 0 AND amount >= 0 AND hours >= 0"
        " AND quantity + true_up_quantity >= 0)",
        "Fee of a period: it cannot be negative, and no more is credited than was charged.",
    )
    _one_bill = models.Constraint(
        "CHECK (num_nonnulls(billing_cycle_id, own_move_id) <= 1)",
        "Fee of a period: one bill charges it.",
    )

    # === COMPUTE METHODS === #

    @api.depends('billing_cycle_id.move_id', 'own_move_id')
    def _compute_move_id(self):
        for row in self:
            row.move_id = row.own_move_id or row.billing_cycle_id.move_id

    @api.depends('fee_terms', 'date_start', 'date_end')
    def _compute_display_name(self):
        for row in self:
            name = (row.fee_terms or {}).get('name') or row.fee_id.display_name
            row.display_name = f"{name}, {row.cycle_id._format_period()}"
