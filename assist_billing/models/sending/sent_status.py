from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL


class AccountMove(models.Model):
    """Where Odoo says Sent: of a bill it means that the customer was sent it, not that a PDF is."""

    _inherit = 'account.move'

    # === COMPUTE METHODS === #

    @api.depends('assist_kind', 'assist_delivery_state')
    def _compute_status_in_payment(self):
        # EXTENDS account
        result = super()._compute_status_in_payment()
        for move in self:
            if move.status_in_payment in ('sent', 'posted') and move.assist_kind:
                is_sent = move.assist_delivery_state == 'sent'
                move.status_in_payment = 'sent' if is_sent else 'posted'
        return result

    def compute_move_sent_values(self):
        # EXTENDS account
        result = super().compute_move_sent_values()
        for move in self.filtered('assist_kind'):
            is_sent = move.assist_delivery_state == 'sent'
            move.move_sent_values = 'sent' if is_sent else 'not_sent'
        return result

    def _search_move_sent_values(self, operator, value):
        # EXTENDS account
        others = super()._search_move_sent_values(operator, value)
        if others is NotImplemented:
            return others
        ours = Domain.OR(
            Domain('assist_delivery_state', '=' if is_sent == 'sent' else '!=', 'sent')
            for is_sent in value
        )
        is_ours = Domain('assist_kind', '!=', False)
        return (is_ours & ours) | (~is_ours & Domain(others))

    def _field_to_sql(self, alias, fname, query=None):
        # EXTENDS account
        sql = super()._field_to_sql(alias, fname, query)
        if fname != 'move_sent_values':
            return sql
        return SQL(
            "CASE WHEN %(kind)s IS NULL THEN %(others)s "
            "WHEN %(delivery)s = 'sent' THEN 'sent' ELSE 'not_sent' END",
            kind=SQL.identifier(alias, 'assist_kind'),
            delivery=SQL.identifier(alias, 'assist_delivery_state'),
            others=sql,
        )
