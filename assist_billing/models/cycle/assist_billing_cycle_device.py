from odoo import api, fields, models

from ...utils.sql_changes import insert


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
    device_id = fields.Many2one('assist.device', required=True, ondelete='restrict')
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(string="To", required=True, help="First day it no longer counted.")
    days = fields.Integer(compute='_compute_days')

    # === CONSTRAINTS AND INDEXES === #

    # Whether a period has days of a device does not depend on how many there were before.
    _device_index = models.Index("(device_id, date_to)")
    _dates_ordered = models.Constraint(
        "CHECK (date_to > date_from)", "Device of a cycle: the days cannot end before they begin."
    )

    # === COMPUTE METHODS === #

    @api.depends('date_from', 'date_to')
    def _compute_days(self):
        for row in self:
            row.days = (row.date_to - row.date_from).days if row.date_from and row.date_to else 0

    # === BUSINESS METHODS === #

    @api.model
    def _store_days(self, days):
        """Store the days of devices of cycles that are being closed, in one statement.

        :param list days: tuples (cycle id, device id, first day, day after the last)
        """
        cycles = self.env['assist.billing.cycle'].browse(cycle_id for cycle_id, *_more in days)
        insert(
            self,
            [
                {
                    'cycle_id': cycle.id,
                    'device_id': device_id,
                    'date_from': date_from,
                    'date_to': date_to,
                    'company_id': cycle.company_id.id,
                    'association_id': cycle.association_id.id,
                }
                for cycle, (_cycle_id, device_id, date_from, date_to) in zip(
                    cycles, days, strict=True
                )
            ],
        )
