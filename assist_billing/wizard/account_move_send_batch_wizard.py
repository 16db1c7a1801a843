from odoo import models


class AccountMoveSendBatchWizard(models.TransientModel):
    _inherit = 'account.move.send.batch.wizard'

    def action_send_and_print(self, force_synchronous=False, allow_fallback_pdf=False):
        self.check_access('write')
        # EXTENDS account: bills show that they are queued, and have the right author
        action = super().action_send_and_print(
            force_synchronous=force_synchronous, allow_fallback_pdf=allow_fallback_pdf
        )
        if not force_synchronous:
            self.move_ids.filtered('assist_kind')._assist_queue_sending()
        return action
