from odoo import models
from odoo.exceptions import UserError

from ...utils.naming import name_some


class ProductTemplate(models.Model):
    _inherit = 'product.template'

    # === CRUD METHODS === #

    def write(self, vals):
        if self:
            self.check_access('write')
        if vals.get('company_id'):
            self._assist_check_company(vals['company_id'])
        return super().write(vals)

    # === BUSINESS METHODS === #

    def _assist_check_company(self, company_id):
        """Refuse to move products away from companies that bill remote support with them."""
        company = self.env['res.company'].browse(company_id)
        for biller, products in self.env['assist.billing.plan']._get_billed_products().items():
            moved = products.product_tmpl_id & self
            # A product is for the branches of its company too.
            if moved and company not in biller.parent_ids:
                raise UserError(
                    self.env._(
                        "%(products)s cannot be moved to %(company)s, because %(biller)s bills "
                        "remote support with it. Leave its company empty, so that all companies "
                        "can use it.",
                        products=name_some(self.env, moved.mapped('display_name')),
                        company=company.name,
                        biller=biller.name,
                    )
                )


class ProductProduct(models.Model):
    _inherit = 'product.product'

    # === BUSINESS METHODS === #

    def _assist_get_accounting(self, company):
        """Return this product's sale taxes and income account in `company`: what Odoo would take.

        Before any fiscal position; the account is empty where Odoo takes the journal's.
        """
        self.ensure_one()
        product = self.with_company(company)
        account = product.product_tmpl_id.get_product_accounts()['income']
        return product.taxes_id._filter_taxes_by_company(company), account

    def _assist_get_flat_product(self, company):
        """Return the product of a line that charges a flat amount in place of this one's.

        Such a line is counted in units. Odoo wants a line to have the unit of its product; so it
        is this product only if it is counted in units itself, else the one shipped for fees.
        """
        self.ensure_one()
        unit = self.env.ref('uom.product_uom_unit', raise_if_not_found=False)
        if not unit or self.uom_id == unit:
            return self
        fee = self.env.ref('assist_billing.product_fee', raise_if_not_found=False)
        if fee and fee.uom_id == unit and fee.company_id in (company, company.browse()):
            return fee
        return self
