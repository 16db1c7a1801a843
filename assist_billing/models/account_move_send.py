from odoo import api, models


class AccountMoveSend(models.AbstractModel):
    """Bills are sent by e-mail, to the association's addresses, and their delivery is followed."""

    _inherit = 'account.move.send'

    # === DEFAULTS === #

    @api.model
    def _get_default_sending_methods(self, move):
        # EXTENDS account: whoever e-mails a bill means e-mail; other ways, Peppol say, stay
        methods = super()._get_default_sending_methods(move)
        if not move.assist_kind:
            return methods
        return {*methods, 'email'} - {'manual'}

    @api.model
    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        # OVERRIDE account for bills: recipients are the association's, and contacts made for
        # addresses belong to the customer
        if not move.assist_kind:
            return super()._get_default_mail_partner_ids(move, mail_template, mail_lang)
        recipients = move._assist_get_recipients()
        if self.env.context.get('allow_partners_without_mail'):
            return recipients
        return recipients.filtered('email')

    # === ATTACHMENTS === #

    @api.model
    def _get_placeholder_mail_attachments_data(self, move, **kwargs):
        # EXTENDS account: the statement as CSV is made when the mail is
        data = super()._get_placeholder_mail_attachments_data(move, **kwargs)
        if not move._assist_attaches_statement():
            return data
        name = move._assist_get_statement_filename()
        return [
            *data,
            {
                'id': f'placeholder_{name}',
                'name': name,
                'mimetype': 'text/csv',
                'placeholder': True,
            },
        ]

    @api.model
    def _get_mail_params(self, move, move_data):
        # EXTENDS account
        params = super()._get_mail_params(move, move_data)
        taken_out = {
            data['name']
            for data in move_data.get('mail_attachments_widget') or []
            if data.get('skip')
        }
        name = move._assist_get_statement_filename()
        if move._assist_attaches_statement() and name not in taken_out:
            params['attachments'].append((name, move._assist_get_statement_csv()))
        return params

    # === ALERTS === #

    @api.model
    def _get_alerts(self, moves, moves_data):
        # EXTENDS account: in a batch, Odoo looks at the customers' own addresses only
        alerts = super()._get_alerts(moves, moves_data)
        if len(moves) > 1 and any(moves.mapped('assist_kind')):
            alerts.pop('account_missing_email', None)
            if without := moves.filtered(
                lambda move: 'email' in moves_data[move]['sending_methods']
                and not moves_data[move].get('mail_partner_ids')
            ):
                alerts['account_missing_email'] = {
                    'level': 'warning',
                    'message': self.env._(
                        "There is no e-mail address for %(customers)s. These bills will not be "
                        "sent, and are marked so; the others will.",
                        customers=", ".join(without.partner_id.mapped('display_name')),
                    ),
                    'action_text': self.env._("View Partner(s)"),
                    'action': without.partner_id._get_records_action(
                        name=self.env._("Check Partner(s) Email(s)")
                    ),
                }
        if left_out := moves.browse(self.env.context.get('assist_left_out_ids')):
            alerts['assist_left_out'] = {
                'level': 'info',
                'message': self.env._(
                    "Already sent, and not sent again: %(bills)s",
                    bills=", ".join(left_out.mapped('display_name')),
                ),
            }
        return alerts

    # === SENDING === #

    @api.model
    def _generate_and_send_invoices(
        self,
        moves,
        from_cron=False,
        allow_raising=True,
        allow_fallback_pdf=False,
        **custom_settings,
    ):
        # EXTENDS account: making a PDF only does not take a bill out of the queue for sending
        methods = custom_settings.get('sending_methods')
        queued = {}
        if methods is not None and 'email' not in methods:
            queued = {
                move: move.sending_data for move in moves if move.assist_kind and move.sending_data
            }
        attachments = super()._generate_and_send_invoices(
            moves,
            from_cron=from_cron,
            allow_raising=allow_raising,
            allow_fallback_pdf=allow_fallback_pdf,
            **custom_settings,
        )
        for move, sending_data in queued.items():
            move.sending_data = sending_data
        return attachments

    @api.model
    def _send_mail(self, move, mail_template, **kwargs):
        # EXTENDS account
        result = super()._send_mail(move, mail_template, **kwargs)
        if move.assist_kind:
            # It has left Odoo's queue of invoices; what becomes of the mail counts from now on.
            move.sending_data = False
            move._assist_mailed()
        return result

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        # EXTENDS account: a bill without address is not sent, whatever Odoo says of it
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        for move, move_data in moves_data.items():
            if (
                move.assist_kind
                and 'email' in move_data['sending_methods']
                and not move_data.get('mail_partner_ids')
            ):
                move._assist_as_engine().assist_delivery_state = 'no_address'
        return result

    @api.model
    def _hook_if_errors(self, moves_data, allow_raising=True):
        # EXTENDS account
        result = super()._hook_if_errors(moves_data, allow_raising=allow_raising)
        for move in moves_data:
            if move.assist_kind:
                move._assist_as_engine().assist_delivery_state = 'failed'
        return result

    @api.model
    def _send_notifications_to_partners(self, moves_grouped_by_author_partner_id, is_success=True):
        # EXTENDS account: "sent successfully" would be said of a bill whose mail is still queued,
        # and once for each; the delivery state tells
        others = {}
        for partner_id, move_ids in moves_grouped_by_author_partner_id.items():
            moves = self.env['account.move'].browse(move_ids)
            if rest := moves.filtered(lambda move: not move.assist_kind):
                others[partner_id] = rest.ids
        return super()._send_notifications_to_partners(others, is_success=is_success)
