from odoo import models

from ..models.sending.queue import LETTER_TYPES


class AccountMoveSendWizard(models.TransientModel):
    """Odoo's dialog for sending: what has taken a bill already is not offered again."""

    _inherit = 'account.move.send.wizard'

    # === COMPUTE METHODS === #

    def _compute_sending_method_checkboxes(self):
        # EXTENDS account
        result = super()._compute_sending_method_checkboxes()
        for wizard in self:
            wizard.sending_method_checkboxes = wizard._assist_leave_out_taken(
                wizard.sending_method_checkboxes
            )
        return result

    def _compute_extra_edi_checkboxes(self):
        # EXTENDS account
        result = super()._compute_extra_edi_checkboxes()
        for wizard in self:
            wizard.extra_edi_checkboxes = wizard._assist_leave_out_taken(
                wizard.extra_edi_checkboxes
            )
        return result

    # === HELPERS === #

    def _assist_leave_out_taken(self, checkboxes):
        # A second letter may be what somebody wants.
        taken = self.move_id._assist_get_taken() - LETTER_TYPES.keys()
        return {
            name: {**box, 'checked': False, 'readonly': True} if name in taken else box
            for name, box in (checkboxes or {}).items()
        }
