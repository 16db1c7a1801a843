from contextlib import closing

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..models.plan.assist_billing_association import CYCLES
from ..utils.checks import refuse_wrong_types
from ..utils.naming import name_some
from ..utils.zones import get_zones

# Of more customers it is counted alone.
MOST_SAID = 5


class AssistAssociateCustomers(models.TransientModel):
    _name = 'assist.associate.customers'
    _description = "Associate Customers"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    plan_id = fields.Many2one('assist.billing.plan')
    company_id = fields.Many2one('res.company', compute='_compute_company_id')
    partner_ids = fields.Many2many(
        'res.partner',
        string="Departments / Customers",
        help="Customers, or departments: contacts below their company.",
    )
    cycle = fields.Selection(CYCLES, string="Billing Cycle", required=True, default='monthly')
    tz = fields.Selection(
        get_zones,
        string="Customer Timezone",
        help="Cycles begin and end at midnight in this time zone. If empty, in each customer's "
        "own.",
    )
    start_date = fields.Date(
        string="Bill Start Date",
        required=True,
        default=lambda self: fields.Date.context_today(self),
        help="First day that is billed; later cycles begin on the same day of the month.",
    )
    due_days = fields.Integer(
        default=0,
        help="Days between the date of a bill and its due date: with 28, a bill of 25 February is "
        "due on 25 March. They apply regardless of the customer's payment term.",
    )
    billing_emails = fields.Char(
        string="Billing Email Address",
        help="Addresses that bills are sent to, separated by commas. If empty, the customer's "
        "invoice address is used.",
    )
    line_ids = fields.One2many(
        'assist.associate.customers.line',
        'dialog_id',
        string="Customers",
        help="Change here what differs for a single customer.",
    )

    closing_now = fields.Text(
        compute='_compute_closing_now',
        help="Which periods are over, and are billed as soon as the customers are associated.",
    )
    first_advances = fields.Text(
        compute='_compute_first_advances',
        help="What the first bills charge for fees in advance, and when they are made.",
    )
    waits = fields.Boolean(
        string="Wait: Bill Nothing Yet",
        help="The customers are put on hold: nothing is billed until you resume them, for example "
        "once their past sessions are in.",
    )
    plan_bills_nothing = fields.Boolean(related='plan_id.bills_nothing', related_sudo=False)
    conflicts = fields.Text(
        compute='_compute_conflicts', help="Customers that cannot be associated, and why."
    )

    # === COMPUTE METHODS === #

    @api.depends('plan_id')
    def _compute_company_id(self):
        for dialog in self:
            dialog.company_id = dialog.plan_id.company_id or self.env.company

    @api.depends('line_ids.conflict')
    def _compute_conflicts(self):
        for dialog in self:
            dialog.conflicts = "\n".join(filter(None, dialog.line_ids.mapped('conflict')))

    @api.depends('line_ids.closing_now')
    def _compute_closing_now(self):
        for dialog in self:
            dialog.closing_now = dialog._join_said(dialog.line_ids.mapped('closing_now'))

    @api.depends('line_ids.first_advance')
    def _compute_first_advances(self):
        for dialog in self:
            dialog.first_advances = dialog._join_said(dialog.line_ids.mapped('first_advance'))

    def _join_said(self, texts):
        """Return what is said of customers as one text, of not too many of them."""
        said = [text for text in texts if text]
        if len(said) > MOST_SAID:
            rest = len(said) - MOST_SAID
            said = [*said[:MOST_SAID], self.env._("And %(count)s more.", count=rest)]
        return "\n".join(said)

    # === ONCHANGE METHODS === #

    @api.onchange('partner_ids')
    def _onchange_partner_ids(self):
        """Keep one line for each customer."""
        chosen = self.partner_ids._origin
        gone = self.line_ids.filtered(lambda line: line.partner_id._origin not in chosen)
        new = chosen - self.line_ids.partner_id._origin
        self.line_ids = [
            *(Command.unlink(line.id) for line in gone),
            *(Command.create({'partner_id': partner.id}) for partner in new),
        ]

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self.browse().check_access('create')
        for vals in vals_list:
            refuse_wrong_types(self, vals, sparing=['tz'])
            # In words, before the selection field does in code.
            self.env['assist.billing.association']._check_vals({'tz': vals.get('tz')})
        return super().create(vals_list)

    # === ACTIONS === #

    def action_associate(self):
        """Associate all customers with the plan, or none of them.

        :raise UserError: names each customer that cannot be, and why
        """
        self.ensure_one()
        self.check_access('write')
        self._check_complete()
        vals_list = [self._prepare_association_vals(partner) for partner in self.partner_ids]
        associations = self.env['assist.billing.association']
        try:
            with self.env.cr.savepoint():
                associations = associations.create(vals_list)
                if self.waits:
                    associations.action_hold()
        except UserError as error:
            raise UserError(
                self.env._(
                    "No customer was associated because of the following:\n%(conflicts)s",
                    conflicts="\n".join(self._get_conflicts(vals_list)) or str(error),
                )
            ) from error
        return self._notify_associated(associations)

    def _notify_associated(self, associations):
        """Return a notice that closes the dialog, and offers to bill what is over."""
        notice = {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'title': self.env._(
                    "Customers associated with %(plan)s: %(count)s",
                    count=len(associations),
                    plan=self.plan_id.name,
                ),
                'message': name_some(self.env, associations.partner_id.mapped('display_name')),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
        is_due = self.closing_now or any(self.line_ids.mapped('is_advance_due'))
        if is_due and not self.waits:
            notice['tag'] = 'assist_billing.notify'
            notice['params']['button'] = {
                'name': self.env._("Bill Now"),
                'model': 'assist.billing.cycle',
                'method': 'action_bill_over',
                # What is over in other companies was not spoken of.
                'context': {'allowed_company_ids': self.company_id.ids},
            }
        return notice

    # === BUSINESS METHODS === #

    def _check_complete(self):
        if not self.plan_id:
            raise UserError(self.env._("Choose the plan that the customers are to be billed by."))
        if not self.plan_id.active:
            raise UserError(
                self.env._(
                    "The plan “%(plan)s” is archived. Restore it, or choose another one.",
                    plan=self.plan_id.name,
                )
            )
        if not self.partner_ids:
            raise UserError(self.env._("Choose at least one customer or department."))

    def _prepare_association_vals(self, partner):
        """Return the values of one customer's association: of its line, if there is one."""
        self.ensure_one()
        own = self.line_ids.filtered(lambda line: line.partner_id == partner)[:1] or self
        vals = {
            'plan_id': self.plan_id.id,
            'partner_id': partner.id,
            'company_id': self.company_id.id,
            'cycle': self.cycle,
            'start_date': own.start_date,
            'due_days': own.due_days,
            'billing_emails': own.billing_emails,
        }
        if own.tz:  # else the association takes the customer's own
            vals['tz'] = own.tz
        return vals

    def _get_conflicts(self, vals_list):
        """Try each association by itself; return what is wrong, customer by customer."""
        conflicts = []
        for partner, vals in zip(self.partner_ids, vals_list, strict=True):
            with closing(self.env.cr.savepoint()):  # undone in any case
                try:
                    self.env['assist.billing.association'].create(vals)
                except UserError as error:
                    conflicts.append(f"- {partner.display_name}: {error}")
        return conflicts
