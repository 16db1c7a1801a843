from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    # === FIELDS === #

    assist_project_id = fields.Many2one(
        'project.project',
        string="Project of Remote Support",
        domain="[('allow_timesheets', '=', True), ('company_id', 'in', (id, False))]",
        ondelete='restrict',
        help="Timesheets of sessions are on this project, where neither the session nor its "
        "association has one. Without any, a session makes no timesheet.",
    )

    # === CRUD METHODS === #

    def write(self, vals):
        result = super().write(vals)
        if 'assist_project_id' in vals:
            self.env['assist.session']._trigger_timesheets()
        return result
