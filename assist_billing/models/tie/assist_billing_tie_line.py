import json

from odoo import api, fields, models


class AssistBillingTieLine(models.Model):
    """What a tie found: the sessions in one state, or what breaks one rule."""

    _name = 'assist.billing.tie.line'
    _description = "Line of a Reconciliation"
    _inherit = ['assist.guard']
    _order = 'id'
    # Its name is in the reader's words.
    _rec_names_search = ['check', 'state']

    # === FIELDS === #

    tie_id = fields.Many2one(
        'assist.billing.tie', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='tie_id.company_id', store=True, index=True)
    name = fields.Char(compute='_compute_name')
    meaning = fields.Char(compute='_compute_name')
    # Sessions of one state.
    state = fields.Char(readonly=True)
    session_count = fields.Integer(string="Sessions", readonly=True)
    measured_hours = fields.Float(string="Measured Time", readonly=True)
    billed_hours = fields.Float(string="Billed Time", readonly=True)
    # One rule.
    check = fields.Char(readonly=True)
    res_model = fields.Char(readonly=True)
    record_ids = fields.Char(readonly=True, help="IDs of the first records that break the rule.")
    difference_count = fields.Integer(
        string="Differences", readonly=True, help="Records that break the rule."
    )

    # === COMPUTE METHODS === #

    @api.depends('state', 'check')
    @api.depends_context('lang')
    def _compute_name(self):
        states = dict(self.env['assist.session']._fields['state']._description_selection(self.env))
        checks = {check.key: check for check in self.env['assist.billing.tie']._get_checks()}
        for line in self:
            if check := checks.get(line.check):
                line.name, line.meaning = check.name, check.meaning
            else:
                line.name, line.meaning = states.get(line.state, line.state or line.check), False

    # === ACTIONS === #

    def action_view_records(self):
        """Open what breaks this rule."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.name,
            'res_model': self.res_model,
            'view_mode': 'list,form',
            'domain': [('id', 'in', json.loads(self.record_ids or '[]'))],
            'context': {'create': False, 'active_test': False},
        }

    def action_view_sessions(self):
        """Open the sessions counted here."""
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_session_action'),
            'name': self.name,
            'domain': self._get_sessions_domain(),
            'context': {'create': False},
        }

    def _get_sessions_domain(self):
        domain = [('state', '=', self.state), ('company_id', '=', self.company_id.id)]
        # sudo: the zone of a company's contact is no secret to its users
        start, end = self.tie_id.sudo()._get_period()
        when = 'started_at' if self.state == 'running' else 'ended_at'
        if start:
            domain.append((when, '>=', start))
        if end:
            domain.append((when, '<', end))
        return domain
