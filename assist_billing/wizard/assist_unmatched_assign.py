from odoo import api, fields, models
from odoo.exceptions import UserError


class AssistUnmatchedAssign(models.TransientModel):
    """Says whose sessions of one group are: makes a matching rule, and matches all its like."""

    _name = 'assist.unmatched.assign'
    _description = "Assign Unmatched Sessions"
    _check_company_auto = True

    # === FIELDS === #

    session_id = fields.Many2one('assist.session', string="Example", readonly=True)
    company_id = fields.Many2one(
        'res.company', required=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one('res.partner', string="Customer", check_company=True)
    source = fields.Selection(
        selection=lambda self: self.env['assist.session']._get_sources(),
        help="Only sessions from this source. Leave empty for any source.",
    )
    field = fields.Selection(
        selection=lambda self: self.env['assist.matching.rule']
        ._fields['field']
        ._description_selection(self.env),
        string="What the Source Says",
        required=True,
    )
    operator = fields.Selection(
        selection=lambda self: self.env['assist.matching.rule']
        ._fields['operator']
        ._description_selection(self.env),
        required=True,
        default='equals',
    )
    value = fields.Char(required=True)
    problem = fields.Char(compute='_compute_trial')
    unmatched_count = fields.Integer(string="Will Be Matched", compute='_compute_trial')
    conflict_count = fields.Integer(string="Of Another Customer", compute='_compute_trial')
    rule_id = fields.Many2one('assist.matching.rule', readonly=True)
    matched_count = fields.Integer(readonly=True)
    without_plan_count = fields.Integer(readonly=True)
    first_at = fields.Datetime(readonly=True)

    # === COMPUTE METHODS === #

    @api.depends('source', 'field', 'operator', 'value', 'partner_id')
    def _compute_trial(self):
        for dialog in self:
            rule = self.env['assist.matching.rule'].new(dialog._prepare_rule_vals())
            dialog.problem = rule.try_problem
            dialog.unmatched_count = rule.try_unmatched_count
            dialog.conflict_count = rule.try_conflict_count

    # === ACTIONS === #

    def action_assign(self):
        """Make the rule, match, and show what came of it."""
        self.ensure_one()
        self.check_access('write')
        if not self.partner_id:
            raise UserError(self.env._("Choose the customer whose sessions these are."))
        self.rule_id = self.env['assist.matching.rule'].create(self._prepare_rule_vals())
        matched = self.env['assist.session'].search([('matching_rule_id', '=', self.rule_id.id)])
        left = matched.filtered(
            lambda session: session.state == 'unmatched' and not session.association_id
        )
        self.write(
            {
                'matched_count': len(matched),
                'without_plan_count': len(left),
                'first_at': min(left.mapped('ended_at'), default=False),
            }
        )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Sessions Matched"),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'target': 'new',
        }

    def action_associate(self):
        """Go on to Associate Customers, for what still has no plan."""
        self.ensure_one()
        self.check_access('read')
        return self.env['assist.unmatched']._get_associate_action(
            self.partner_id, self.company_id, self.first_at
        )

    def action_close(self):
        """Go back to the inbox, as it is now."""
        self.check_access('read')
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    # === BUSINESS METHODS === #

    def _prepare_rule_vals(self):
        """Return the values of the rule; extend it when rules get more to say."""
        self.ensure_one()
        return {
            'company_id': self.company_id.id,
            'source': self.source,
            'field': self.field,
            'operator': self.operator,
            'value': self.value,
            'partner_id': self.partner_id.id,
        }
