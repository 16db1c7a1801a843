from odoo import models
from odoo.exceptions import UserError


class AccountMoveReversal(models.TransientModel):
    _inherit = 'account.move.reversal'

    def reverse_moves(self, is_modify=False):
        # EXTENDS account: "Reverse and Create Invoice" of a bill credits it and gives its cycle
        # back; a copy of the invoice would be a second bill that no cycle knows of
        self.move_ids.check_access('write')
        if is_modify:
            # Pressed twice, it would credit them twice, and copy them.
            self.move_ids._assist_check_not_given_back()
        bills = self.move_ids.filtered('assist_cycle_id')
        if not is_modify or not bills:
            action = super().reverse_moves(is_modify)
            if is_modify and len(self.new_move_ids) == len(self.move_ids):
                # Odoo makes them in the order of the documents.
                for move, copy in zip(self.move_ids, self.new_move_ids, strict=True):
                    copy._assist_take_place_of(move)
            return action
        if bills != self.move_ids:
            raise UserError(
                self.env._(
                    "%(invoice)s is not a remote support bill. Credit bills and other invoices "
                    "separately.",
                    invoice=(self.move_ids - bills)[0].display_name,
                )
            )
        cycles = bills.assist_cycle_id
        self.new_move_ids = bills._assist_credit_for_rebilling(
            [self._prepare_default_reversal(bill) for bill in bills]
        )
        return cycles._get_records_action(name=self.env._("To Bill Again"))
