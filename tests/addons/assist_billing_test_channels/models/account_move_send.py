from odoo import api, models

from odoo.addons.assist_billing_test_courier.models import courier


class AccountMoveSend(models.AbstractModel):
    _inherit = 'account.move.send'

    @api.model
    def _call_web_service_after_invoice_pdf_render(self, invoices_data):
        # EXTENDS account: `account_peppol` has committed
        super()._call_web_service_after_invoice_pdf_render(invoices_data)
        courier.reach('peppol after')
