from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date

from ...utils.naming import name_some
from ...utils.races import UndoPoint
from .queue import LETTER_TYPES

# What can be sent: whatever the customer gets from us.
SENDABLE_KINDS = ('bill', 'supplementary', 'credit', 'given_back')
FAILED_STATUSES = ('exception', 'bounce', 'canceled')
# How long mails that found no mail server are queued again by themselves.
RETRY_DAYS = 7


class AccountMove(models.Model):
    """Email Invoice: who gets a bill, and what became of the e-mail."""

    _inherit = 'account.move'

    # === FIELDS === #

    assist_period_label = fields.Char(
        string="Period",
        compute='_compute_assist_period_label',
        help="First and last day of service, in the reader's language.",
    )
    assist_delivery_problem = fields.Char(
        string="Why It Was Not Sent",
        compute='_compute_assist_delivery_problem',
        # Customers read their bills, but not what mail servers said.
        groups='base.group_user',
    )

    # === COMPUTE METHODS === #

    @api.depends('assist_period_start', 'assist_period_end')
    @api.depends_context('lang')
    def _compute_assist_period_label(self):
        for move in self:
            start, end = move.assist_period_start, move.assist_period_end
            move.assist_period_label = (
                f"{format_date(self.env, start)} – "
                f"{format_date(self.env, fields.Date.subtract(end, days=1))}"
                if start and end
                else False
            )

    @api.depends('assist_delivery_state', 'assist_transmission')
    def _compute_assist_delivery_problem(self):
        failed = self.filtered(lambda move: move.assist_delivery_state == 'failed')
        (self - failed).assist_delivery_problem = False
        has_server = not failed or self.env['res.company']._assist_has_mail_server()
        for move in failed:
            # sudo: mails, letters and notifications are nobody's but the engine's
            notifications = (
                move.sudo()._assist_get_notifications() | move.sudo()._assist_get_letters()
            )
            problems = [
                f"{notification.res_partner_id.email or notification.res_partner_id.name}: "
                f"{notification.failure_reason or notification.format_failure_reason()}"
                for notification in notifications
                if notification.notification_status in FAILED_STATUSES
            ]
            if refused := move._assist_get_refused():
                problems.append(
                    self.env._(
                        "refused after it was handed over (%(channels)s)",
                        channels=move._assist_describe_channels(refused),
                    )
                )
            if move._assist_get_begun():
                problems.append(move._assist_get_unknown_end())
            problem = ", ".join(problems)
            if not has_server and any(each.failure_type == 'mail_smtp' for each in notifications):
                missing = self.env._(
                    "There is no server for outgoing mail: an administrator connects one among "
                    "the set-up steps of Remote Support."
                )
                problem = f"{problem}. {missing}"
            move.assist_delivery_problem = problem

    # === WHERE ODOO SAYS SENT: THE CUSTOMER WAS SENT IT, NOT THAT A PDF IS === #

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

    def _assist_move_sent_to_sql(self, alias, others):
        """Return Odoo's `move_sent_values` as SQL: of bills, whether they were delivered.

        :param SQL others: what it is of other documents
        """
        return SQL(
            "CASE WHEN %(kind)s IS NULL THEN %(others)s "
            "WHEN %(delivery)s = 'sent' THEN 'sent' ELSE 'not_sent' END",
            kind=SQL.identifier(alias, 'assist_kind'),
            delivery=SQL.identifier(alias, 'assist_delivery_state'),
            others=others,
        )

    # === ACTIONS === #

    def action_assist_email(self):
        """Open Odoo's dialog for sending: of one bill, or of many in the background."""
        self.check_access('write')
        self._assist_refuse_others(SENDABLE_KINDS)
        self._assist_check_sendable()
        if len(self) == 1:
            # Without first asking for a logo and a layout: the first page has done so.
            return self.with_context(discard_logo_check=True).action_invoice_sent()
        sent = self.filtered(lambda bill: bill.assist_delivery_state == 'sent')
        if sent == self:
            sent = self.browse()  # all of them: so they are meant to be sent again
        action = (self - sent).action_send_and_print()
        # The dialog says which ones are left out.
        action['context'] = {**action.get('context', {}), 'assist_left_out_ids': sent.ids}
        return action

    def action_assist_retry_sending(self):
        """Queue the mails that failed again, never new ones; what was not mailed yet is."""
        self.check_access('write')
        self._assist_refuse_others(SENDABLE_KINDS)
        self._assist_lock()
        if wrong := self.filtered(
            lambda bill: bill.assist_delivery_state not in ('failed', 'no_address')
        ):
            raise UserError(
                self.env._(
                    "%(bills)s: sending has not failed, so there is nothing to retry.",
                    bills=name_some(self.env, wrong.mapped('display_name')),
                )
            )
        mailed = self.filtered('assist_message_id')
        self.env['account.move.send']._assist_check_sender(
            self.filtered(lambda bill: bill.assist_message_id or bill._assist_is_mailed())
        )
        mailed._assist_requeue_mails()
        (self - mailed)._assist_queue_sending()
        return self._assist_notify(
            self.env._("Sending will be retried"), name_some(self.env, self.mapped('display_name'))
        )

    # === CRON === #

    @api.model
    def _cron_assist_follow_sending(self):
        """Bring delivery states up to date; queue mails again that found no mail server."""
        # Those whose row was in use when their mail was sent.
        queued = self.search(
            [
                ('assist_delivery_state', '=', 'queued'),
                ('assist_message_id', '!=', False),
                ('sending_data', '=', False),
            ]
        )
        queued._assist_update_delivery()
        failed = self.search(
            [
                ('assist_delivery_state', '=', 'failed'),
                ('state', '=', 'posted'),
                ('assist_kind', '!=', 'given_back'),
                ('assist_message_id.date', '>=', f'-{RETRY_DAYS}d'),
                ('assist_message_id.notification_ids.failure_type', '=', 'mail_smtp'),
            ]
        )
        failed.filtered(
            lambda bill: bill._assist_get_failed_mails('mail_smtp')
        )._assist_requeue_mails('mail_smtp')

    # === BUSINESS METHODS - account.move === #

    def _get_mail_template(self):
        # EXTENDS account: bills have a mail of their own; credit notes keep Odoo's
        template = self.env.ref('assist_billing.mail_template_bill', raise_if_not_found=False)
        if (
            template
            and self
            and all(move.assist_kind and move.move_type == 'out_invoice' for move in self)
        ):
            return template
        return super()._get_mail_template()

    # === BUSINESS METHODS - mail.thread === #

    def message_post(self, **kwargs):
        # EXTENDS mail: the schedule makes bills, so that nobody here follows them; what a customer
        # asks about one would reach nobody
        self.check_access('read')
        if reader := self._assist_get_reader(kwargs):
            kwargs['partner_ids'] = [*(kwargs.get('partner_ids') or ()), reader.id]
        return super().message_post(**kwargs)

    def _assist_get_reader(self, message):
        """Return who is told of a message about this bill that would be told to no colleague.

        That is the one who is told of failures.

        :param dict message: as for `message_post`
        """
        # sudo: customers post who see neither followers nor colleagues
        bill, reader = self.sudo(), self.env['res.partner']
        if not bill.assist_kind or not self._assist_is_from_outside(message):
            return reader
        if any(not follower.partner_share for follower in bill.message_partner_ids):
            return reader
        return bill.company_id._assist_get_manager().partner_id.with_env(self.env)

    def _assist_is_from_outside(self, message):
        """Tell whether a customer writes this: by mail, or on the portal."""
        match message.get('message_type'):
            case 'comment':
                return not self.env.user._is_internal()
            case 'email':
                # sudo: only whether it is a colleague; of an unknown address there is no contact
                author = self.env['res.partner'].sudo().browse(message.get('author_id') or ())
                return not author or author.partner_share
        return False

    # === RECIPIENTS === #

    def _assist_get_recipients(self):
        """Return the contacts this document is sent to; there may be one without address.

        They are those of the association's billing addresses, found or created below the customer;
        else the customer's invoice address, or himself.
        """
        self.ensure_one()
        customer = self.partner_id
        if addresses := self.assist_association_id._get_billing_emails():
            return customer._assist_get_contacts(addresses)
        invoice_contact = customer.browse(customer.address_get(['invoice'])['invoice'])
        candidates = invoice_contact | customer | customer.commercial_partner_id
        return candidates.filtered('email')[:1] or invoice_contact

    def _assist_is_mailed(self):
        """Tell whether e-mail is among the ways in which the customer gets this document."""
        self.ensure_one()
        return 'email' in self.env['account.move.send']._get_default_sending_methods(self)

    def _assist_get_sender(self):
        """Return from what address this document is mailed, or something false."""
        self.ensure_one()
        template = self._get_mail_template()
        sender = self.env['account.move.send']._get_mail_default_field_value_from_template(
            template, self.env.lang, self, 'email_from'
        )
        server = self.env['ir.mail_server'].with_company(self.company_id)
        # sudo: whoever sends bills need not see servers
        return sender or server.sudo()._get_default_from_address()

    # === DELIVERY === #

    def _assist_set_delivery_state(self, state, **vals):
        """Have these bills in this state of delivery. Nothing else writes it.

        :param str state: `none`, `queued`, `sent`, `failed` or `no_address`
        :param vals: what is written along with it
        """
        self._assist_as_engine().write({'assist_delivery_state': state, **vals})

    def _assist_queue_sending(self):
        """Hand these posted bills over to Odoo's asynchronous sending."""
        if not self:
            return
        for bill in self:
            author = bill.invoice_user_id or self.env.user
            bill._assist_set_delivery_state(
                'queued',
                sending_data={
                    'author_user_id': author.id,
                    'author_partner_id': (bill.invoice_user_id or bill.company_id).partner_id.id,
                },
                assist_message_id=False,
            )
            bill._assist_forget_failed()
        # sudo: the engine may run for a user who does not see scheduled actions
        self.env.ref('account.ir_cron_account_move_send').sudo()._trigger()

    def _assist_mailed(self):
        """Remember the message that has just been posted as the one this bill is sent with."""
        self.ensure_one()
        message = self.env['mail.message'].search(
            [('model', '=', self._name), ('res_id', '=', self.id)], order='id desc', limit=1
        )
        self._assist_as_engine().assist_message_id = message
        self._assist_update_delivery()

    def _assist_update_delivery(self):
        """Take the delivery state from what it was sent by. Never fails: a mail may be leaving.

        A bill whose row somebody else is using is brought up to date a moment later.
        """
        # sudo: mails and notifications are nobody's but the engine's
        changed = self.sudo().filtered(
            lambda bill: bill._assist_get_delivery_state() != bill.assist_delivery_state
        )
        if not changed:
            return
        locked = self.browse()
        try:
            with UndoPoint(self.env.cr):
                locked = changed.try_lock_for_update(allow_referencing=True)
                for bill in locked.with_context(skip_is_manually_modified=True):
                    bill._assist_set_delivery_state(bill._assist_get_delivery_state())
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            locked = self.browse()
        if changed - locked:
            self.env.ref('assist_billing.ir_cron_follow_sending').sudo()._trigger(
                at=fields.Datetime.add(fields.Datetime.now(), minutes=1)
            )

    def _assist_get_delivery_state(self):
        """Return the state that all it was sent by is in: sent as soon as one of them took it."""
        self.ensure_one()
        states = {
            *self._assist_get_mail_states(),
            *('sent' for _channel in self._assist_get_taken() - LETTER_TYPES.keys()),
            *('failed' for _channel in self._assist_get_refused()),
            *map(self._assist_get_notification_state, self._assist_get_letters()),
        }
        if 'sent' in states:
            return 'sent'
        if self.sending_data or not states:
            return self.assist_delivery_state
        return 'failed' if 'failed' in states else 'queued'

    def _assist_get_mail_states(self):
        """Return the state of its mail, if there is one: sent when all recipients were."""
        if not self.assist_message_id or self.sending_data:
            return set()
        states = {
            self._assist_get_notification_state(notification)
            for notification in self._assist_get_notifications()
        }
        if not states or 'failed' in states:
            return {'failed'}
        return {'queued'} if 'queued' in states else {'sent'}

    def _assist_get_notification_state(self, notification):
        """Return `sent`, `queued` or `failed` for one recipient."""
        status, mail = notification.notification_status, notification.mail_mail_id
        if notification.notification_type in LETTER_TYPES.values():
            if status in FAILED_STATUSES:
                return 'failed'
            return 'sent' if status in ('sent', 'process', 'pending') else 'queued'
        if status in FAILED_STATUSES:
            # Somebody has put the mail back into the queue.
            return 'queued' if mail.state == 'outgoing' else 'failed'
        if status != 'ready':
            return 'sent'
        # A mail taken out of the queue will never leave.
        return 'queued' if mail.state == 'outgoing' else 'failed'

    def _assist_get_notifications(self):
        """Return the notifications of the recipients; followers who get a copy do not count."""
        message = self.assist_message_id
        return message.notification_ids.filtered(
            lambda notification: notification.res_partner_id in message.partner_ids
        )

    def _assist_get_letters(self):
        """Return the notifications of the letters it was posted with, the newest of each kind."""
        types = [LETTER_TYPES[name] for name in self._assist_get_taken() & LETTER_TYPES.keys()]
        letters = self.env['mail.notification'].search(
            [
                ('mail_message_id.model', '=', self._name),
                ('mail_message_id.res_id', '=', self.id),
                ('notification_type', 'in', types),
            ],
            order='id desc',
        )
        return letters[:1]

    # === RETRYING === #

    def _assist_get_failed_mails(self, failure_type=None):
        """Return what failed, by mail: {mail: notifications}. Mails that are gone are left out.

        :param str failure_type: only failures of this kind
        """
        self.ensure_one()
        # sudo: mails and notifications are nobody's but the engine's
        failed = (
            self.sudo()
            ._assist_get_notifications()
            .filtered(
                lambda notification: notification.notification_status in FAILED_STATUSES
                and notification.mail_mail_id.state in ('exception', 'cancel')
                and failure_type in (None, notification.failure_type)
            )
        )
        return failed.grouped('mail_mail_id')

    def _assist_requeue_mails(self, failure_type=None):
        """Put the failed mails back into the queue, for those only who did not get them."""
        if not self:
            return
        for bill in self:
            mails = bill._assist_get_failed_mails(failure_type)
            if not mails:
                raise UserError(
                    self.env._(
                        "The mail with %(bill)s cannot be sent again as it was (%(problem)s). "
                        "Correct the address, then use Email Invoice.",
                        bill=bill.display_name,
                        problem=bill.assist_delivery_problem,
                    )
                )
            for mail, notifications in mails.items():
                mail.recipient_ids = notifications.res_partner_id
                if not mail.email_from:
                    # Made before there was an address to mail it from.
                    mail.email_from = bill._assist_get_sender()
                mail.mark_outgoing()
                notifications.write(
                    {'notification_status': 'ready', 'failure_type': False, 'failure_reason': False}
                )
        self._assist_trigger_mails()

    def _assist_drop_sending(self):
        """Take mails that did not get through out of the queue, and forget about them."""
        for bill in self:
            for mail in bill._assist_get_failed_mails():
                mail.cancel()
        self._assist_set_delivery_state('none', assist_message_id=False)
        self._assist_mark_unfinished(False)

    @api.model
    def _assist_trigger_mails(self):
        # sudo: whoever sends a bill need not see scheduled actions
        self.env.ref('mail.ir_cron_mail_scheduler_action').sudo()._trigger()

    # === CHECKS === #

    def _assist_get_sent_reason(self):
        """Return in words why a bill that is on its way to the customer must not change."""
        self.ensure_one()
        if self.assist_delivery_state == 'queued' and not self._assist_get_taken():
            return self.env._("it is being sent already")
        return self.env._("it was sent to the customer")

    def _assist_check_sendable(self):
        reasons = {
            'draft': self.env._("it is a draft; post it first"),
            'cancel': self.env._("it is cancelled"),
            'queued': self.env._("it is being sent already"),
        }
        refused = [
            f"{bill.display_name} ({bill.partner_id.display_name}): {reason}"
            for bill in self
            if (reason := reasons.get(bill.state) or reasons.get(bill.assist_delivery_state))
        ]
        if refused:
            raise UserError(
                self.env._(
                    "Nothing was sent because these cannot be sent:\n%(bills)s",
                    bills="\n".join(refused),
                )
            )
