from odoo import fields, models

TIMESHEET_FIELDS = {'project_id', 'task_id'}


class AssistBillingAssociation(models.Model):
    _inherit = 'assist.billing.association'

    # === FIELDS === #

    project_id = fields.Many2one(
        'project.project',
        index='btree_not_null',
        check_company=True,
        domain="[('allow_timesheets', '=', True)]",
        ondelete='restrict',
        tracking=True,
        help="Timesheets of this customer's sessions are on this project. If empty, on the "
        "company's project for remote support.",
    )
    task_id = fields.Many2one(
        'project.task',
        index='btree_not_null',
        check_company=True,
        domain="[('allow_timesheets', '=', True), ('project_id', '=?', project_id)]",
        ondelete='restrict',
        tracking=True,
        help="The task that these timesheets are on.",
    )

    # === CRUD METHODS === #

    def write(self, vals):
        result = super().write(vals)
        if not TIMESHEET_FIELDS.isdisjoint(vals):
            self.env['assist.session']._trigger_timesheets()
        return result
