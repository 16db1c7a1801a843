from odoo import api, fields, models


class AssistBillingPlan(models.Model):
    """What only the screens of a plan need."""

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    price = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_price',
        help="Per session or per hour, as the billing type says.",
    )
    has_cycles = fields.Boolean(compute='_compute_has_cycles')
    open_cycle_count = fields.Integer(
        string="Open Cycles", compute='_compute_applicable_counts', help="To which prices apply."
    )
    unbilled_cycle_count = fields.Integer(
        string="Cycles Without a Bill",
        compute='_compute_applicable_counts',
        help="Closed, for nothing was to be billed; changed prices can be applied to them too.",
    )

    # === COMPUTE METHODS === #

    @api.depends('billing_type', 'price_per_session', 'price_per_hour')
    def _compute_price(self):
        for plan in self:
            plan.price = (
                plan.price_per_hour if plan.billing_type == 'hour' else plan.price_per_session
            )

    def _compute_has_cycles(self):
        # sudo: cycles of any company keep the plan from changing, as `write` sees it
        counts = (
            self.env['assist.billing.cycle']
            .sudo()
            ._read_group([('plan_id', 'in', self.ids)], ['plan_id'])
        )
        billed = self.browse(plan.id for [plan] in counts)
        for plan in self:
            plan.has_cycles = plan._origin in billed

    def _compute_applicable_counts(self):
        # sudo: prices are applied to the cycles of the plan, whoever may see them
        cycles = self.env['assist.billing.cycle'].sudo()
        opened = dict(
            cycles._read_group(
                [('plan_id', 'in', self.ids), ('state', '=', 'open')], ['plan_id'], ['__count']
            )
        )
        unbilled = self._get_unbilled_cycles().grouped('plan_id')
        for plan in self:
            plan.open_cycle_count = opened.get(plan._origin, 0)
            plan.unbilled_cycle_count = len(unbilled.get(plan._origin.sudo(), ()))

    # === ACTIONS === #

    def action_associate_customers(self):
        """Open the dialog that associates customers with this plan; of several, none is chosen."""
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Associate Customers"),
            'res_model': 'assist.associate.customers',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_plan_id': self.id if len(self) == 1 else False,
                'dialog_size': 'extra-large',
            },
        }
