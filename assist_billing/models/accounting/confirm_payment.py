from odoo import fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.tools import SQL, format_amount

from ...utils.naming import name_some
from ...utils.sums import format_sums
from .account_payment import PAY_AS_SHOWN


class AccountMove(models.Model):
    """Confirm Payment: real payments of what is still due, all of a selection or none."""

    _inherit = 'account.move'

    # === COMPUTE METHODS === #

    def _compute_reconciled_payment_ids(self):
        # EXTENDS account: bills that nothing is reconciled with, new ones above all, have no such
        # payment. Odoo's query takes minutes to find none, for each batch, when PostgreSQL takes
        # the ledger for empty: its first batch was cut off, and no statistics can tell better.
        open_bills = self.filtered(lambda move: move.assist_kind and move.id)
        open_bills -= open_bills._assist_get_reconciled()
        for bill in open_bills:
            bill.reconciled_payment_ids = bill.matched_payment_ids
        return super(AccountMove, self - open_bills)._compute_reconciled_payment_ids()

    def _assist_get_reconciled(self):
        """Return those of these moves that anything is reconciled with."""
        # Of bills that are just being made nothing is.
        if not self.ids or self.env.context.get('assist_complete'):
            return self.browse()
        self.env['account.partial.reconcile'].flush_model(['debit_move_id', 'credit_move_id'])
        self.env['account.move.line'].flush_model(['move_id'])
        found = [
            self.env.execute_query(
                SQL(
                    "SELECT l.move_id FROM account_move_line l"
                    " JOIN account_partial_reconcile p ON p.%s = l.id WHERE l.move_id IN %s",
                    SQL.identifier(side),
                    tuple(self.ids),
                )
            )
            for side in ('debit_move_id', 'credit_move_id')
        ]
        return self.browse({move for rows in found for [move] in rows})

    def _is_eligible_for_early_payment_discount(self, currency, reference_date):
        # EXTENDS account: a confirmed payment is of what is shown, which is all that is due
        if self.env.context.get(PAY_AS_SHOWN):
            return False
        return super()._is_eligible_for_early_payment_discount(currency, reference_date)

    # === ACTIONS === #

    def action_assist_confirm_payment(self):
        """Pay these bills in full, today, through the company's journal for confirmed payments."""
        self.check_access('write')
        if warning := self._assist_get_online_warning():
            raise RedirectWarning(
                warning,
                self.action_assist_confirm_payment_dialog(),
                self.env._("Confirm Payment All the Same…"),
            )
        payments = self._assist_pay()
        return self._assist_notify_paid(payments)

    def action_assist_confirm_payment_dialog(self):
        """Ask for date, journal and memo before the payments are registered."""
        self.check_access('write')
        self._assist_check_payable()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Confirm Payment"),
            'res_model': 'assist.confirm.payment',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_move_ids': [fields.Command.set(self.ids)]},
        }

    def action_assist_undo_payment(self):
        """Cancel what Confirm Payment registered for these bills, unless the bank knows of it."""
        self.check_access('write')
        self._assist_refuse_others()
        self._assist_lock()
        payments = self.env['account.payment']
        for bill in self:
            payments |= bill._assist_get_undoable_payments()
        payments.action_cancel()
        for bill in self:
            bill.message_post(body=self.env._("The confirmed payment was undone."))
        return self._assist_notify(
            self.env._("Payment undone"), name_some(self.env, self.mapped('display_name'))
        )

    # === BUSINESS METHODS === #

    def _assist_pay(self, date=None, journal=None, memo=None):
        """Register and reconcile one payment per bill over what is still due, or none at all.

        :param date: date of the payments; default: today, the user's
        :param journal: where they go; default: see `_assist_get_payment_journal`
        :param str memo: text of the payments; default: each bill's payment reference
        :return: the payments
        :raise UserError: something in the selection cannot be paid; it is named
        """
        self.check_access('write')
        # Locked before it is looked at: what somebody else has just paid is read anew.
        self._assist_lock()
        self._assist_check_payable()
        journal = journal or self._assist_get_payment_journal()
        self._assist_check_payment_method(journal)
        shown = {bill: bill.amount_residual for bill in self}
        register = (
            self.env['account.payment.register']
            .with_context(active_model='account.move', active_ids=self.ids, **{PAY_AS_SHOWN: True})
            .create(self._prepare_assist_register_vals(date, journal, memo))
        )
        payments = register._create_payments()
        for payment in payments:
            payment._assist_as_engine().assist_bill_id = payment.invoice_ids & self
            if memo:
                payment.memo = memo
        self._assist_check_paid(payments, shown)
        return payments.with_env(self.env)

    def _assist_check_paid(self, payments, shown):
        """Refuse payments that are not just what was shown to be due; the transaction is undone.

        :param dict shown: {bill: amount that was due, in its currency}
        """
        if open_bills := self.filtered(lambda bill: not bill._assist_is_settled()):
            raise UserError(
                self.env._(
                    "%(bills)s would not be paid in full. Nothing was registered; use Odoo's own "
                    "Pay dialog for it.",
                    bills=name_some(self.env, open_bills.mapped('display_name')),
                )
            )
        payments_by_bill = payments.grouped('assist_bill_id')
        for bill, amount in shown.items():
            payment = payments_by_bill.get(bill, payments.browse())
            if (
                len(payment) != 1
                or payment.currency_id != bill.currency_id
                or bill.currency_id.compare_amounts(payment.amount, amount)
                or payment._assist_is_written_off()
            ):
                raise UserError(
                    self.env._(
                        "%(bill)s would not be paid as shown: %(amount)s is due. Nothing was "
                        "registered; use Odoo's own Pay dialog for it.",
                        bill=bill.display_name,
                        amount=format_amount(self.env, amount, bill.currency_id),
                    )
                )

    def _prepare_assist_register_vals(self, date, journal, memo):
        """Return the values of Odoo's own dialog for these payments."""
        vals = {
            'payment_date': date or fields.Date.context_today(self),
            'journal_id': journal.id,
            # A journal in another currency would have it converted, and the rest of a cent left.
            'currency_id': self.currency_id.id,
            'group_payment': False,
            # All that is due, not the next instalment of a payment term.
            'installments_mode': 'full',
        }
        if memo:
            vals['communication'] = memo
        return vals

    # === HELPERS === #

    def _assist_get_payment_journal(self):
        """Return the journal chosen for confirmed payments, else the company's only bank journal.

        With several bank journals nobody but the accountant knows where the money came in.
        """
        company = self.company_id
        if (chosen := company.assist_payment_journal_id) and chosen.active:
            return chosen
        journals = self.env['account.journal'].search(
            [*self.env['account.journal']._check_company_domain(company), ('type', '=', 'bank')]
        )
        if len(journals) == 1:
            return journals
        raise UserError(
            self.env._(
                "No journal is chosen for confirmed payments of %(company)s. Choose one under "
                "Invoicing / Configuration / Settings / Remote Support Billing / Confirmed "
                "Payments.",
                company=company.name,
            )
        )

    def _assist_check_payment_method(self, journal):
        if not journal._get_available_payment_method_lines('inbound'):
            raise UserError(
                self.env._(
                    "The journal %(journal)s takes no incoming payments. Give it a payment method "
                    "under Incoming Payments, or choose another journal.",
                    journal=journal.display_name,
                )
            )

    def _assist_check_payable(self):
        """Refuse the whole selection, naming each document of it that cannot be paid and why."""
        self._assist_refuse_others(('bill', 'supplementary', 'given_back'))
        refused = [
            # A draft has no number that would tell it from others.
            f"{bill.display_name} ({bill.partner_id.display_name}): {reason}"
            for bill in self
            if (reason := bill._assist_get_unpayable_reason())
        ]
        if refused:
            raise UserError(
                self.env._(
                    "No payment was registered because these cannot be paid:\n%(bills)s",
                    bills="\n".join(refused),
                )
            )
        if len(self.company_id) > 1:
            raise UserError(
                self.env._(
                    "No payment was registered: the bills belong to several companies "
                    "(%(companies)s). Confirm the payments of one company at a time.",
                    companies=", ".join(self.company_id.mapped('name')),
                )
            )
        if len(self.currency_id) > 1:
            raise UserError(
                self.env._(
                    "No payment was registered: the bills are in several currencies "
                    "(%(currencies)s). Confirm the payments of one currency at a time.",
                    currencies=", ".join(self.currency_id.mapped('name')),
                )
            )

    def _assist_get_unpayable_reason(self):
        """Return in words why this bill cannot be paid, or False."""
        self.ensure_one()
        if self.state == 'draft':
            return self.env._("it is a draft; post it first")
        if self.state == 'cancel':
            return self.env._("it is cancelled")
        if self.move_type == 'out_refund':
            return self.env._("it is a credit note")
        if self.payment_state == 'reversed':
            return self.env._("it has been fully credited")
        if self._assist_is_settled() or self.currency_id.is_zero(self.amount_residual):
            return self.env._("it is paid already")
        return False

    def _assist_get_online_warning(self):
        """Return in words which of these bills are being paid online at present, or False."""
        if 'transaction_ids' not in self._fields:
            return False  # nobody pays online: Odoo's add-on for it is not installed
        # sudo: who confirms payments need not see what providers of online payments say
        paying = self.sudo().filtered(
            lambda bill: bill.transaction_ids.filtered(
                lambda transaction: (
                    transaction.state in ('pending', 'authorized')
                    or (transaction.state == 'done' and not transaction.is_post_processed)
                )
                # What customers transfer by themselves is confirmed here.
                and transaction.provider_code not in ('none', 'custom')
            )
        )
        if not paying:
            return False
        return self.env._(
            "An online payment of %(bills)s is under way. If another payment is confirmed, the "
            "money is booked twice once it gets through.",
            bills=name_some(self.env, paying.mapped('display_name')),
        )

    def _assist_get_undoable_payments(self):
        """Return the confirmed payments of this bill.

        :raise UserError: there is none, or the bank knows of it
        """
        self.ensure_one()
        payments = (
            self._assist_get_payment_lines().payment_id | self._assist_get_payments()
        ).filtered('assist_bill_id')
        if not payments:
            raise UserError(
                self.env._(
                    "%(bill)s has no payment that was confirmed here. Undo other payments where "
                    "they were registered.",
                    bill=self.display_name,
                )
            )
        if matched := payments.filtered(lambda payment: payment._assist_is_matched_with_bank()):
            raise UserError(
                self.env._(
                    "The payment %(payment)s of %(bill)s is matched with the bank and cannot be "
                    "undone. Undo the match on the bank statement first.",
                    payment=matched[0].display_name,
                    bill=self.display_name,
                )
            )
        return payments

    def _assist_notify_paid(self, payments):
        """Return a notice of these payments, with their sum, that offers to undo them."""
        amount = format_sums(
            (currency, sum(group.mapped('amount')))
            for currency, group in payments.grouped('currency_id').items()
        )
        title = (
            self.env._("Payment confirmed: %(amount)s", amount=amount)
            if len(payments) == 1
            else self.env._(
                "%(count)s payments confirmed: %(amount)s", count=len(payments), amount=amount
            )
        )
        notice = self._assist_notify(title, name_some(self.env, self.mapped('display_name')))
        return {
            **notice,
            'tag': 'assist_billing.notify',
            'params': {
                **notice['params'],
                'button': {
                    'name': self.env._("Undo"),
                    'model': self._name,
                    'method': 'action_assist_undo_payment',
                    'ids': self.ids,
                },
            },
        }

    def _assist_notify(self, title, message):
        """Return a notice for the user that closes a dialog and shows the new state."""
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'title': title,
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
