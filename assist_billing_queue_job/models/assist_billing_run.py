from odoo import fields, models


class AssistBillingRun(models.Model):
    _inherit = 'assist.billing.run'

    # === FIELDS === #

    handed_over_count = fields.Integer(
        string="Given to Workers",
        readonly=True,
        help="Cycles that this run gave to the job queue; each job is a run of its own.",
    )
