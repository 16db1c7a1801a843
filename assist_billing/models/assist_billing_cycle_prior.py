from odoo import fields, models


class AssistBillingCyclePrior(models.Model):
    """What a cycle's bill charges for sessions of an earlier cycle that came in late."""

    _name = 'assist.billing.cycle.prior'
    _description = "Late Sessions on a Billing Cycle"
    _inherit = ['assist.guard']
    _order = 'cycle_id, origin_cycle_id'

    # === FIELDS === #

    cycle_id = fields.Many2one(
        'assist.billing.cycle', string="Billed With", required=True, index=True, ondelete='cascade'
    )
    origin_cycle_id = fields.Many2one(
        'assist.billing.cycle', string="Period", required=True, index=True, ondelete='restrict'
    )
    company_id = fields.Many2one(related='cycle_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='cycle_id.currency_id')
    quantity = fields.Float(digits='Product Unit')
    price = fields.Float(digits='Product Price')
    amount = fields.Monetary()
    session_ids = fields.One2many('assist.session', 'prior_id')
    move_id = fields.Many2one(
        'account.move',
        string="Supplementary Bill",
        index='btree_not_null',
        ondelete='set null',
        help="The bill that charges it, where that is not the one of a later cycle.",
    )

    # === CONSTRAINTS === #

    _amount_positive = models.Constraint(
        "CHECK (amount >= 0)", "Late sessions: the difference cannot be negative."
    )
