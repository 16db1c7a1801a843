from odoo import api, fields, models


class AssistBillingCycleDevice(models.Model):
    """The days a device counted for in a closed cycle."""

    _name = 'assist.billing.cycle.device'
    _description = "Device of a Billing Cycle"
    _inherit = ['assist.guard']
    _order = 'cycle_id, device_id, date_from'

    # === FIELDS === #

    cycle_id = fields.Many2one(
        'assist.billing.cycle', required=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(
        related='cycle_id.company_id', store=True, precompute=True, index=True
    )
    association_id = fields.Many2one(related='cycle_id.association_id', store=True, precompute=True)
    device_id = fields.Many2one('assist.device', required=True, index=True, ondelete='restrict')
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(string="To", required=True, help="First day it no longer counted.")
    days = fields.Integer(compute='_compute_days')

    # === CONSTRAINTS === #

    _dates_ordered = models.Constraint(
        "CHECK (date_to > date_from)", "Device of a cycle: the days cannot end before they begin."
    )

    # === COMPUTE METHODS === #

    @api.depends('date_from', 'date_to')
    def _compute_days(self):
        for row in self:
            row.days = (row.date_to - row.date_from).days if row.date_from and row.date_to else 0
