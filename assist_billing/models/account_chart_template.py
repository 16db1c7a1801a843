from odoo import models


class AccountChartTemplate(models.AbstractModel):
    _inherit = 'account.chart.template'

    def _post_load_data(self, template_code, company, template_data):
        # EXTENDS account: now the company has taxes, so our products can have them
        result = super()._post_load_data(template_code, company, template_data)
        company._assist_set_product_taxes()
        return result
