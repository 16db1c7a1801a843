from odoo import models

from odoo.addons.assist_billing_test_courier.models import courier


class AccountEdiProxyClientUser(models.Model):
    _inherit = 'account_edi_proxy_client.user'

    def _call_peppol_proxy(self, endpoint, params=None):
        # EXTENDS account_peppol, whose demo mode answers
        if not endpoint.endswith('send_document'):
            return super()._call_peppol_proxy(endpoint, params=params)
        courier.reach('peppol before')
        for document in params['documents']:
            courier.hand_over(document['filename'])
        answer = super()._call_peppol_proxy(endpoint, params=params)
        courier.reach('peppol between')
        return answer
