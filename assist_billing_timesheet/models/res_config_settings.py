from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    # === FIELDS === #

    assist_project_id = fields.Many2one(related='company_id.assist_project_id', readonly=False)
