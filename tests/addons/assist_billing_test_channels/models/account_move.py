from odoo import models

from odoo.addons.assist_billing_test_courier.models import courier


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _l10n_it_edi_upload(self, files):
        # EXTENDS l10n_it_edi, whose demo mode answers
        courier.reach('sdi before')
        for file in files:
            courier.hand_over(file['filename'])
        answer = super()._l10n_it_edi_upload(files)
        courier.reach('sdi between')
        return answer
