from odoo import models


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
