from odoo import fields, models


class AssistBillingAssociation(models.Model):
    """What only the screens of an association need."""

    _inherit = 'assist.billing.association'

    # === FIELDS === #

    cycle_count = fields.Integer(string="Number of Cycles", compute='_compute_cycle_figures')
    next_close_date = fields.Date(
        string="Next Bill",
        compute='_compute_cycle_figures',
        help="The day after the last one of the oldest cycle that is still open.",
    )
    is_failing = fields.Boolean(
        string="Failing", compute='_compute_cycle_figures', help="A cycle could not be closed."
    )
    plan_bills_nothing = fields.Boolean(related='plan_id.bills_nothing')
    session_count = fields.Integer(string="Number of Sessions", compute='_compute_session_count')

    # === COMPUTE METHODS === #

    def _compute_cycle_figures(self):
        domain = [('association_id', 'in', self.ids)]
        cycles = self.env['assist.billing.cycle']
        counts = dict(cycles._read_group(domain, ['association_id'], ['__count']))
        ends = dict(
            cycles._read_group(
                [*domain, ('state', '=', 'open')], ['association_id'], ['date_end:min']
            )
        )
        failing = {
            association
            for [association] in cycles._read_group(
                [*domain, ('error', '!=', False)], ['association_id']
            )
        }
        for association in self:
            origin = association._origin
            association.cycle_count = counts.get(origin, 0)
            association.next_close_date = ends.get(origin, False)
            association.is_failing = origin in failing

    def _compute_session_count(self):
        counts = dict(
            self.env['assist.session']._read_group(
                [('association_id', 'in', self.ids)], ['association_id'], ['__count']
            )
        )
        for association in self:
            association.session_count = counts.get(association._origin, 0)
