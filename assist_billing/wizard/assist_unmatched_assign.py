from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize


class AssistUnmatchedAssign(models.TransientModel):
    """Says whose sessions of one group are: makes a matching rule, and matches all its like."""

    _name = 'assist.unmatched.assign'
    _description = "Assign Unmatched Sessions"
    _inherit = ['assist.chosen']
    _check_company_auto = True

    # === FIELDS === #

    session_id = fields.Many2one('assist.session', string="Example", readonly=True)
    company_id = fields.Many2one(
        'res.company', required=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        check_company=True,
        compute='_compute_partner_id',
        store=True,
        readonly=False,
        precompute=True,
    )
    new_name = fields.Char(
        string="New Customer",
        compute='_compute_new_name',
        store=True,
        readonly=False,
        precompute=True,
        help="A contact of this name is created, where no customer is chosen. Proposed from what "
        "the sessions say.",
    )
    new_email = fields.Char(
        string="Its E-mail",
        compute='_compute_new_name',
        store=True,
        readonly=False,
        precompute=True,
        help="Where its bills go.",
    )
    may_create_contact = fields.Boolean(compute='_compute_may_create_contact')
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

    @api.depends('session_id')
    def _compute_partner_id(self):
        """Propose the contact that bears the name which the sessions say, if there is just one."""
        for dialog in self:
            partners = dialog.partner_id.browse()
            if name := dialog.session_id.source_customer:
                partners = partners.search(
                    [('name', '=ilike', name), ('company_id', 'in', (False, dialog.company_id.id))],
                    limit=2,
                )
            dialog.partner_id = partners if len(partners) == 1 else False

    @api.depends('session_id')
    def _compute_new_name(self):
        ours = self.env['assist.unmatched']._get_colleagues_addresses()
        for dialog in self:
            dialog.new_name = dialog.session_id.source_customer
            address = dialog.session_id.source_email
            dialog.new_email = False if address in ours else address

    @api.depends_context('uid')
    def _compute_may_create_contact(self):
        self.may_create_contact = self.env['res.partner'].has_access('create')

    @api.depends('source', 'field', 'operator', 'value', 'partner_id')
    def _compute_trial(self):
        for dialog in self:
            rule = self.env['assist.matching.rule'].new(dialog._prepare_rule_vals())
            dialog.problem = rule.try_problem
            dialog.unmatched_count = rule.try_unmatched_count
            dialog.conflict_count = rule.try_conflict_count

    # === ACTIONS === #

    def action_assign(self):
        """Make the rule, match, and go on to the plan of a customer without one."""
        self.ensure_one()
        self.check_access('write')
        before = self._count_sessions()
        if not self.partner_id:
            self.partner_id = self._create_partner()
        self.rule_id = self.env['assist.matching.rule'].create(self._prepare_rule_vals())
        left = self.env['assist.session'].search(
            [
                ('partner_id', '=', self.partner_id.id),
                ('company_id', '=', self.company_id.id),
                ('state', '=', 'unmatched'),
                ('association_id', '=', False),
            ]
        )
        self.write(
            {
                # Not those of the rule alone: a contact that was made has an address, which
                # matched some before it.
                'matched_count': self._count_sessions() - before,
                'without_plan_count': len(left),
                'first_at': min(left.mapped('ended_at'), default=False),
            }
        )
        if left and self._may_associate():
            return self.action_associate()
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

    def _count_sessions(self):
        """Return how many sessions are the customer's."""
        if not self.partner_id:
            return 0
        return self.env['assist.session'].search_count(
            [('partner_id', '=', self.partner_id.id), ('company_id', '=', self.company_id.id)]
        )

    def _create_partner(self):
        """Return a new contact of the name that was proposed or typed."""
        name = (self.new_name or '').strip()
        if not name:
            raise UserError(self.env._("Choose the customer whose sessions these are."))
        if self.new_email and not email_normalize(self.new_email):
            raise UserError(
                self.env._(
                    "“%(email)s” is no e-mail address. Correct it, or leave it empty.",
                    email=self.new_email,
                )
            )
        return self.env['res.partner'].create(self._prepare_partner_vals(name))

    def _prepare_partner_vals(self, name):
        return {'name': name, 'is_company': True, 'email': self.new_email}

    def _may_associate(self):
        """Tell whether the user may go on to Associate Customers, and there is a plan for it."""
        plans = self.env['assist.billing.plan']
        return self.env['assist.billing.association'].has_access('create') and bool(
            plans.search_count([('company_id', '=', self.company_id.id)], limit=1)
        )

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
