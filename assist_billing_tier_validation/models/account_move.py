from odoo import models


class AccountMove(models.Model):
    _inherit = 'account.move'

    # === BUSINESS METHODS === #

    def _assist_get_unapproved(self):
        # EXTENDS assist_billing
        unapproved = super()._assist_get_unapproved()
        return unapproved | self.filtered(
            lambda bill: bill.need_validation
            or (bill.review_ids and bill.validation_status != 'validated')
        )

    def _assist_request_approval(self):
        # EXTENDS assist_billing
        result = super()._assist_request_approval()
        self.filtered('need_validation').request_validation()
        return result
