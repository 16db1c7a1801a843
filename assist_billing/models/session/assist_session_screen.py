from odoo import api, fields, models
from odoo.tools import SQL

# Hours are computed from seconds; these let pivot, graph and groups sum them by the database.
HOURS_IN_SECONDS = {'duration_hours': 'duration_seconds', 'billed_hours': 'billed_seconds'}
LONG_RUNNING_HOURS = 24


class AssistSession(models.Model):
    """What only the screens of a session need."""

    _inherit = 'assist.session'

    # === FIELDS === #

    is_long_running = fields.Boolean(
        compute='_compute_is_long_running',
        help="It started more than 24 hours ago and has not ended: was it forgotten?",
    )

    # === COMPUTE METHODS === #

    @api.depends('started_at', 'ended_at')
    def _compute_is_long_running(self):
        earliest = fields.Datetime.subtract(fields.Datetime.now(), hours=LONG_RUNNING_HOURS)
        for session in self:
            session.is_long_running = (
                bool(session.started_at) and not session.ended_at and session.started_at < earliest
            )

    # === ONCHANGE METHODS === #

    @api.onchange('device_id')
    def _onchange_device_id(self):
        """Take the customer of the device, and its kind of session, when none was chosen."""
        if self.device_id.partner_id and not self.partner_id:
            self.partner_id = self.device_id.partner_id
            self.kind = 'unattended'

    # === GROUPING === #

    def _field_to_sql(self, alias, field_expr, query=None):
        # OVERRIDE: hours are no column; access is checked on the column they are made of
        if field_expr in HOURS_IN_SECONDS:
            seconds = super()._field_to_sql(alias, HOURS_IN_SECONDS[field_expr], query)
            return SQL("(%s / 3600.0)", seconds)
        return super()._field_to_sql(alias, field_expr, query)
