from odoo import api, fields, models

from ...rules import cycles
from ...utils.checks import refuse_absurd_dates


class AssistBillingSuspension(models.Model):
    """Days on which an association gets no service and is billed nothing."""

    _name = 'assist.billing.suspension'
    _description = "Remote Support Suspension"
    _inherit = ['assist.guard']
    _order = 'date_from, id'

    # === FIELDS === #

    association_id = fields.Many2one(
        'assist.billing.association', required=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='association_id.company_id', store=True, index=True)
    date_from = fields.Date(string="From", required=True, help="First day without service.")
    date_to = fields.Date(
        string="To", help="First day with service again. Empty while still suspended."
    )
    start_at = fields.Datetime(compute='_compute_instants', store=True, precompute=True)
    end_at = fields.Datetime(compute='_compute_instants', store=True, precompute=True)

    # === CONSTRAINTS === #

    _dates_ordered = models.Constraint(
        "CHECK (date_to > date_from)", "Suspension: it cannot end before it begins."
    )

    # === COMPUTE METHODS === #

    @api.depends('date_from', 'date_to', 'association_id')
    def _compute_instants(self):
        for span in self:
            tz = span.association_id.tz or 'UTC'
            span.start_at = span.date_from and cycles.local_midnight(span.date_from, tz)
            span.end_at = span.date_to and cycles.local_midnight(span.date_to, tz)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            refuse_absurd_dates(self, vals, ['date_from', 'date_to'])
        spans = super().create(vals_list)
        spans.association_id._resolve_sessions()
        return spans

    def write(self, vals):
        self._assist_check_access('write', [vals])
        refuse_absurd_dates(self, vals, ['date_from', 'date_to'])
        result = super().write(vals)
        self.association_id._resolve_sessions()
        return result

    def unlink(self):
        self.check_access('unlink')
        associations = self.association_id
        result = super().unlink()
        associations._resolve_sessions()
        return result
