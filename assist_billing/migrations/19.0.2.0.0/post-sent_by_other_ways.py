"""Bills that another way than e-mail took, Peppol say, are sent."""

from odoo.tools import SQL, sql

# By what an add-on shows on the invoice that its way took it: (method, column, values).
WAYS = (
    ('peppol', 'peppol_move_state', ('processing', 'done')),
    ('nemhandel', 'nemhandel_move_state', ('processing', 'done')),
    (
        'it_edi_send',
        'l10n_it_edi_state',
        (
            'being_sent',
            'processing',
            'forwarded',
            'forward_failed',
            'forward_attempt',
            'accepted_by_pa_partner',
            'rejected_by_pa_partner',
            'accepted_by_pa_partner_after_expiry',
        ),
    ),
    ('pl_ksef', 'l10n_pl_edi_status', ('sent', 'accepted')),
)


def migrate(cr, version):
    if not version:
        return
    for method, column, values in WAYS:
        if not sql.column_exists(cr, 'account_move', column):
            continue
        cr.execute(
            SQL(
                """
                UPDATE account_move
                   SET assist_transmission = jsonb_build_object(
                           'taken',
                           COALESCE(assist_transmission -> 'taken', '[]'::jsonb)
                           || jsonb_build_array(%(method)s::text)
                       ),
                       assist_delivery_state = 'sent'
                 WHERE assist_kind IS NOT NULL AND state = 'posted' AND %(column)s IN %(values)s
                """,
                method=method,
                column=SQL.identifier(column),
                values=values,
            )
        )
    if not sql.column_exists(cr, 'mail_notification', 'letter_id'):
        return
    cr.execute(
        """
        UPDATE account_move m
           SET assist_transmission = jsonb_build_object(
                   'taken',
                   COALESCE(assist_transmission -> 'taken', '[]'::jsonb) || '["snailmail"]'::jsonb
               ),
               assist_delivery_state = 'sent'
         WHERE assist_kind IS NOT NULL AND state = 'posted'
           AND EXISTS (
               SELECT 1 FROM mail_notification n JOIN mail_message g ON g.id = n.mail_message_id
                WHERE g.model = 'account.move' AND g.res_id = m.id
                  AND n.notification_type = 'snail'
                  AND n.notification_status IN ('sent', 'process', 'pending')
           )
        """
    )
