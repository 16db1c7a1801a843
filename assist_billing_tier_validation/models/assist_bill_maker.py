from odoo import models


class AssistBillMaker(models.AbstractModel):
    _inherit = 'assist.bill.maker'

    # === APPROVAL === #

    def _get_unapproved(self, moves):
        # EXTENDS assist_billing
        return super()._get_unapproved(moves) | moves.filtered(
            lambda bill: bill.need_validation
            or (bill.review_ids and bill.validation_status != 'validated')
        )

    def _request_approval(self, moves):
        # EXTENDS assist_billing
        result = super()._request_approval(moves)
        moves.filtered('need_validation').request_validation()
        return result
