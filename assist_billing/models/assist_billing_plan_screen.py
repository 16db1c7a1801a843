from odoo import api, fields, models


class AssistBillingPlan(models.Model):
    """What only the screens of a plan need."""

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    price = fields.Float(
        digits='Product Price',
        compute='_compute_price',
        help="Per session or per hour, as the billing type says.",
    )
    has_cycles = fields.Boolean(compute='_compute_has_cycles')

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
