from odoo import api, fields, models
from odoo.exceptions import UserError


class AssistNonBillable(models.TransientModel):
    """Says of many sessions at once that they are not billed, and why."""

    _name = 'assist.non.billable'
    _description = "Make Sessions Non-billable"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    session_ids = fields.Many2many(
        'assist.session',
        string="Sessions",
        required=True,
        default=lambda self: self._default_session_ids(),
    )
    session_count = fields.Integer(compute='_compute_session_count')
    usual_reason = fields.Selection(
        [
            ('warranty', "Warranty"),
            ('goodwill', "Goodwill"),
            ('own_fault', "Our own fault"),
            ('internal', "Internal"),
            ('test', "Test, or no real help"),
            ('included', "Included in another contract"),
            ('other', "Another reason"),
        ],
        string="Why",
        required=True,
    )
    explanation = fields.Char(
        help="Follows the reason chosen above: in the history of each session, and where the "
        "customer reads it, on the statement under “No charge”."
    )

    # === DEFAULTS === #

    @api.model
    def _default_session_ids(self):
        if self.env.context.get('active_model') == 'assist.session':
            sessions = self.env['assist.session'].browse(self.env.context.get('active_ids'))
            sessions._check_not_billed()
            return sessions
        return False

    # === COMPUTE METHODS === #

    @api.depends('session_ids')
    def _compute_session_count(self):
        for wizard in self:
            wizard.session_count = len(wizard.session_ids)

    # === ACTIONS === #

    def action_apply(self):
        """Make the sessions non-billable; when one of them is billed, none is changed."""
        self.ensure_one()
        self.check_access('write')
        explanation = (self.explanation or "").strip()
        if self.usual_reason == 'other' and not explanation:
            raise UserError(self.env._("Give the reason why these sessions are not billed."))
        chosen = dict(self._fields['usual_reason']._description_selection(self.env))
        reason = chosen[self.usual_reason]
        if self.usual_reason == 'other':
            reason = explanation
        elif explanation:
            reason = self.env._(
                "%(reason)s: %(explanation)s", reason=reason, explanation=explanation
            )
        self.session_ids.action_make_non_billable(reason)
        return {'type': 'ir.actions.act_window_close'}
