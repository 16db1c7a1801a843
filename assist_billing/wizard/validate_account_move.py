from odoo import api, fields, models


class ValidateAccountMove(models.TransientModel):
    _inherit = 'validate.account.move'

    assist_warnings = fields.Text(compute='_compute_assist_warnings')

    @api.depends('move_ids')
    def _compute_assist_warnings(self):
        """Say of credit notes what their forms say, when they are posted from a list."""
        for wizard in self:
            warnings = (move._get_assist_credited_before() for move in wizard.move_ids)
            wizard.assist_warnings = "\n".join(filter(None, warnings))
