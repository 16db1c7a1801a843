from odoo import models


class AccountChartTemplate(models.AbstractModel):
    _inherit = 'account.chart.template'

    def _post_load_data(self, template_code, company, template_data):
        # EXTENDS account: now the company has taxes, so our products can have them
        untaxed = company._assist_get_untaxed_products()
        result = super()._post_load_data(template_code, company, template_data)
        # Odoo puts the default tax on products that have one in another company.
        company._assist_set_product_taxes(given=untaxed)
        return result
