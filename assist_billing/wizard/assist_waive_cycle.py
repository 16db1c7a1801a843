from odoo import fields, models


class AssistWaiveCycle(models.TransientModel):
    _name = 'assist.waive.cycle'
    _description = "Waive Remote Support Cycles"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    cycle_ids = fields.Many2many(
        'assist.billing.cycle',
        string="Cycles",
        required=True,
        default=lambda self: self._default_cycle_ids(),
    )
    reason = fields.Char(
        required=True, help="Stays on record: on the cycle, and on each of its sessions."
    )

    # === DEFAULTS === #

    def _default_cycle_ids(self):
        if self.env.context.get('active_model') == 'assist.billing.cycle':
            cycles = self.cycle_ids.browse(self.env.context.get('active_ids'))
            # Before a reason is typed.
            cycles._check_to_rebill()
            return cycles
        return False

    # === ACTIONS === #

    def action_waive(self):
        self.ensure_one()
        self.check_access('write')
        self.cycle_ids.action_waive(self.reason)
        return {'type': 'ir.actions.act_window_close'}
