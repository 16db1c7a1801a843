from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    # === FIELDS === #

    assist_bill_handling = fields.Selection(
        related='company_id.assist_bill_handling', readonly=False, required=True
    )
    assist_close_grace_hours = fields.Integer(
        related='company_id.assist_close_grace_hours', readonly=False
    )
    assist_session_arrival = fields.Selection(
        related='company_id.assist_session_arrival', readonly=False
    )
    assist_date_bills = fields.Selection(
        related='company_id.assist_date_bills', readonly=False, required=True
    )
    assist_backdate_days = fields.Integer(related='company_id.assist_backdate_days', readonly=False)
    assist_late_days = fields.Integer(related='company_id.assist_late_days', readonly=False)
    assist_amend_posted = fields.Boolean(related='company_id.assist_amend_posted', readonly=False)
    assist_attach_statement = fields.Boolean(
        related='company_id.assist_attach_statement', readonly=False
    )
    assist_payment_journal_id = fields.Many2one(
        related='company_id.assist_payment_journal_id', readonly=False
    )
    assist_manager_id = fields.Many2one(related='company_id.assist_manager_id', readonly=False)

    assist_tax_warning = fields.Char(
        compute='_compute_assist_tax_warning',
        help="Products of plans all of whose taxes are archived.",
    )
    assist_quick_billing = fields.Char(
        compute='_compute_assist_quick_billing',
        help="Whether bills that are alike are derived from each other at present, and why not.",
    )

    # === COMPUTE METHODS === #

    @api.depends('company_id')
    def _compute_assist_tax_warning(self):
        for settings in self:
            plans = self.env['assist.billing.plan'].search(
                [('company_id', '=', settings.company_id.id)]
            )
            untaxed = plans.session_product_id.browse().union(
                *(plan._get_archived_taxed_products() for plan in plans)
            )
            settings.assist_tax_warning = bool(untaxed) and self.env._(
                "All sales taxes of these products are archived, so nobody can be billed with "
                "them: %(products)s. Choose another tax on the product, or none.",
                products=", ".join(untaxed.mapped('display_name')),
            )

    @api.depends('company_id')
    def _compute_assist_quick_billing(self):
        for settings in self:
            # sudo: what the closing run would find, which acts so
            maker = self.env['assist.bill.maker'].sudo().with_company(settings.company_id)
            settings.assist_quick_billing = maker._describe_deriving()

    # === ACTIONS === #

    def action_assist_view_products(self):
        """Open the products shipped for plans: their accounts and taxes go on the bills."""
        self.check_access('read')
        products = self.env['res.company']._assist_get_products()
        return products._get_records_action(name=self.env._("Remote Support Products"))
