from odoo import api, fields, models

from . import courier


class AccountMove(models.Model):
    _inherit = 'account.move'

    courier_reference = fields.Char(copy=False)
    courier_file = fields.Binary(attachment=True, copy=False)

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        if courier.takes_posted():
            self.env.cr.commit()
            courier.reach('created')
        return moves

    def _post(self, soft=True):
        posted = super()._post(soft)
        if courier.takes_posted():
            for move in posted.filtered(lambda move: move.is_sale_document()):
                courier.hand_over(f"posted {move.id}")
                self.env.cr.commit()
                courier.reach('posted')
        return posted
