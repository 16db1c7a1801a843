from odoo import api, models
from odoo.exceptions import RedirectWarning, UserError

from ...utils.naming import name_some
from ...utils.races import commits_as_before, watch_commits
from .queue import FILES_ONLY, LETTER_TYPES


class AccountMoveSend(models.AbstractModel):
    """Bills are sent by e-mail, to the association's addresses, and their delivery is followed."""

    _inherit = 'account.move.send'

    # === DEFAULTS === #

    @api.model
    def _get_default_sending_methods(self, move):
        # EXTENDS account: the customer's own ways, as for any invoice. Whoever sends a bill means
        # e-mail where the customer has no other, or where there are addresses for bills.
        methods = super()._get_default_sending_methods(move)
        if not move.assist_kind:
            return methods
        methods = {*methods} - {'manual'}
        if not methods or move.assist_association_id._get_billing_emails():
            methods.add('email')
        return methods

    @api.model
    def _get_default_sending_settings(self, move, from_cron=False, **custom_settings):
        # EXTENDS account: what has taken a bill is not handed it again. Its format stays, for the
        # files.
        settings = super()._get_default_sending_settings(
            move, from_cron=from_cron, **custom_settings
        )
        if move.assist_kind and (taken := move._assist_get_taken()):
            if 'sending_methods' in custom_settings:
                taken -= LETTER_TYPES.keys()  # a second letter is what somebody has asked for
            for key in ('sending_methods', 'extra_edis'):
                settings[key] = [name for name in settings[key] if name not in taken]
        return settings

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
                        "sent and will be marked accordingly; the others will be sent.",
                        customers=name_some(self.env, without.partner_id.mapped('display_name')),
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
                    bills=name_some(self.env, left_out.mapped('display_name')),
                ),
            }
        if senderless := self._assist_get_senderless(
            moves.filtered(lambda move: 'email' in moves_data[move]['sending_methods'])
        ):
            alerts['assist_no_sender'] = {
                'level': 'danger',
                'message': self._assist_get_senderless_message(senderless),
                'action_text': self.env._("Set the Address"),
                'action': self._assist_get_company_action(senderless),
            }
        return alerts

    # === SENDER === #

    @api.model
    def _assist_get_senderless(self, moves):
        """Return which of these bills have nobody from whose address they could be mailed."""
        return moves.filtered(lambda move: move.assist_kind and not move._assist_get_sender())

    @api.model
    def _assist_get_senderless_message(self, moves):
        return self.env._(
            "%(companies)s has no e-mail address, so its bills cannot be e-mailed. Enter one on "
            "the "
            "company, then send again.",
            companies=", ".join(moves.company_id.mapped('display_name')),
        )

    @api.model
    def _assist_get_company_action(self, moves):
        """Return the action that opens the company of these bills."""
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Company"),
            'res_model': 'res.company',
            'res_id': moves.company_id[:1].id,
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'current',
        }

    @api.model
    def _assist_check_sender(self, moves):
        """Refuse to mail bills from nobody.

        :raise RedirectWarning: for those who may enter the missing address
        :raise UserError: for all others
        """
        senderless = self._assist_get_senderless(moves)
        if not senderless:
            return
        message = self._assist_get_senderless_message(senderless)
        if not senderless.company_id[:1].has_access('write'):
            raise UserError(message)
        raise RedirectWarning(
            message, self._assist_get_company_action(senderless), self.env._("Set the Address")
        )

    @api.model
    def _check_sending_data(self, moves, **custom_settings):
        # EXTENDS account: before anything is made or handed over
        result = super()._check_sending_data(moves, **custom_settings)
        for bill in moves.filtered('assist_kind'):
            methods = custom_settings.get('sending_methods')
            if methods is None:
                methods = self._get_default_sending_methods(bill)
            if 'email' in methods:
                self._assist_check_sender(bill)
        return result

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
        # EXTENDS account: by nobody else meanwhile; making a PDF only does not take a bill out of
        # the queue for sending
        bills = moves.filtered('assist_kind')
        methods = custom_settings.get('sending_methods')
        queued = {}
        if methods is not None and 'email' not in methods and not from_cron:
            queued = {bill: bill.sending_data for bill in bills if bill.sending_data}
        # The schedule has seen to it already.
        others = bills.browse() if self.env.context.get('assist_is_only_sender') else bills
        with others._assist_only_sender() as is_only:
            if not is_only:
                bills._assist_raise_being_sent()
            begun = False
            try:
                with commits_as_before(self.env.cr) as is_begun:
                    try:
                        attachments = super()._generate_and_send_invoices(
                            moves,
                            from_cron=from_cron,
                            allow_raising=allow_raising,
                            allow_fallback_pdf=allow_fallback_pdf,
                            **custom_settings,
                        )
                    finally:
                        begun = is_begun()
            except Exception:
                if begun and not from_cron:
                    bills._assist_cut_short()
                raise
            for bill, sending_data in queued.items():
                bill.sending_data = sending_data
            # Stored, so locked, before others may send them.
            self.env.flush_all()
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
        # EXTENDS account: what took a bill is noted before a mail is made, which may fail. A bill
        # without address is not sent, whatever Odoo says of it.
        bills_data = {move: data for move, data in moves_data.items() if move.assist_kind}
        for move, move_data in bills_data.items():
            if taken := move_data.get('assist_channels', set()) - LETTER_TYPES.keys():
                move._assist_note_transmission(taken=taken)
                move._assist_update_delivery()
        self._assist_keep_outcome(bills_data)
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        for move, move_data in bills_data.items():
            if letters := move_data.get('assist_channels', set()) & LETTER_TYPES.keys():
                move._assist_note_transmission(taken=letters)
            move.sending_data = False
            move._assist_update_delivery()
            if not (move._assist_get_taken() or move.assist_message_id):
                self._assist_not_sent(move, move_data)
        return result

    @api.model
    def _assist_not_sent(self, move, move_data):
        """Say why this bill was sent by nothing, where it was to be."""
        methods = {*move_data['sending_methods']} - {'manual'}
        if 'email' in methods:
            if not move_data.get('mail_partner_ids'):
                move._assist_set_delivery_state('no_address')
        elif methods:
            move._assist_set_delivery_state('failed')
            move.message_post(
                body=self.env._(
                    "This bill was not sent: the customer receives bills by %(channels)s, which "
                    "cannot be used for this one.",
                    channels=move._assist_describe_channels(methods),
                )
            )

    @api.model
    def _hook_if_errors(self, moves_data, allow_raising=True):
        # EXTENDS account: what was refused was not handed over, and is known not to be
        bills_data = {move: data for move, data in moves_data.items() if move.assist_kind}
        for move, move_data in bills_data.items():
            if isinstance(move_data['error'], str):
                # As some add-ons leave it; Odoo would stumble over it.
                move_data['error'] = {'error_title': move_data['error']}
            if move_data.get('assist_begun'):
                move._assist_note_transmission()
        self._assist_keep_outcome(bills_data)
        result = super()._hook_if_errors(moves_data, allow_raising=allow_raising)
        for move, move_data in bills_data.items():
            if move._assist_get_taken():
                continue
            # What the other side is to be asked again stays in the queue.
            is_kept = move.sending_data and move_data['error'].get('retry')
            move._assist_set_delivery_state('queued' if is_kept else 'failed')
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

    # === HANDING OVER === #

    @api.model
    def _call_web_service_before_invoice_pdf_render(self, invoices_data):
        # EXTENDS account: add-ons call this before they do what they do
        for move, move_data in invoices_data.items():
            if move.assist_kind:
                move_data['assist_channels'] = self._assist_get_channels(move, move_data)
        if self._assist_is_extended('_call_web_service_before_invoice_pdf_render'):
            self._assist_begin_transmission(invoices_data)
        return super()._call_web_service_before_invoice_pdf_render(invoices_data)

    @api.model
    def _call_web_service_after_invoice_pdf_render(self, invoices_data):
        # EXTENDS account
        self._assist_begin_transmission(invoices_data)
        return super()._call_web_service_after_invoice_pdf_render(invoices_data)

    @api.model
    def _assist_is_extended(self, name):
        """Tell whether an add-on beside Odoo's accounting and this one extends this method."""
        return any(
            name in vars(cls) and cls._module not in ('account', 'assist_billing')
            for cls in type(self).mro()
            if hasattr(cls, '_module')
        )

    @api.model
    def _assist_get_channels(self, move, move_data):
        """Return what else than e-mail is to take this bill: methods and e-invoices, as a set."""
        methods = {*move_data['sending_methods']} - {'email', 'manual'}
        applicable = {
            method for method in methods if self._is_applicable_to_move(method, move, **move_data)
        }
        return applicable | ({*move_data['extra_edis']} - FILES_ONLY)

    @api.model
    def _assist_begin_transmission(self, invoices_data):
        """Commit that these bills begin to be handed over, and watch what becomes of it."""
        begun = self.env['account.move']
        for move, move_data in invoices_data.items():
            channels = move_data.get('assist_channels', set()) - LETTER_TYPES.keys()
            if channels and not move_data.get('assist_begun') and self._can_commit():
                move._assist_note_transmission(begun=channels)
                move_data['assist_begun'] = True
                begun |= move
        if not begun:
            return
        self.env.cr.commit()  # pylint: disable=invalid-commit
        begun._assist_lock_again()
        marks = begun._assist_get_marks()
        # Until `_generate_and_send_invoices` is through.
        watch_commits(self.env.cr, lambda: self._assist_note_answers(begun, invoices_data, marks))

    @api.model
    def _assist_note_answers(self, bills, invoices_data, marks):
        """Note, with what another add-on commits, that it has handed over these bills.

        Not of all that it commits: some store a new password before they begin. What shows it is
        that the bill has changed, or that there is a message on it.

        :param marks: as of `_assist_get_marks`, from before
        """
        self.env.flush_all()
        marks_by_now = bills._assist_get_marks()
        for bill in bills:
            if marks_by_now[bill.id] == marks[bill.id] or invoices_data[bill].get('error'):
                continue
            if bill._assist_get_begun():
                bill._assist_answered(invoices_data[bill]['assist_channels'] - LETTER_TYPES.keys())

    @api.model
    def _assist_keep_outcome(self, bills_data):
        """Commit what became of bills that were handed over: what comes next may fail."""
        begun = [move_data for move_data in bills_data.values() if move_data.get('assist_begun')]
        if begun:
            self.env.cr.commit()  # pylint: disable=invalid-commit
