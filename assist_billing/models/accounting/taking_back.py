from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount

from ...utils.naming import name_some
from ..invoice.account_move_line import ADJUSTMENT_CHARGES


class AccountMove(models.Model):
    """What may be done to a bill, and how its cycle gets free when it is taken back."""

    _inherit = 'account.move'

    # === COMPUTE METHODS === #

    @api.depends('state', 'amount_total', 'assist_bill_id.assist_linked_ids.state')
    def _compute_alerts(self):
        return super()._compute_alerts()

    def _get_alerts(self):
        # EXTENDS account: Odoo proposes to credit the whole of what is credited in part already
        alerts = super()._get_alerts()
        if credited := self._get_assist_credited_before():
            alerts['assist_credited_before'] = {'level': 'warning', 'message': credited}
        return alerts

    def _get_moves_requiring_confirmation(self):
        # EXTENDS account: from a list nobody sees what the form says
        return super()._get_moves_requiring_confirmation() | self.filtered(
            lambda move: move._get_assist_credited_before()
        )

    def _get_assist_credited_before(self):
        """Return in words that this draft would credit more than is left of its document."""
        document = self.assist_bill_id
        if self.state != 'draft' or self.assist_kind != 'credit':
            return False
        credited = document._assist_get_credited()
        left = document.amount_total - credited
        currency = document.currency_id
        if (
            self.currency_id != currency
            or currency.compare_amounts(credited, 0.0) <= 0
            or currency.compare_amounts(self.amount_total, left) <= 0
        ):
            return False
        return self.env._(
            "%(credited)s of %(bill)s is already credited by %(credits)s, which leaves %(left)s. "
            "This would credit %(amount)s: more than was charged. Lower its lines, or delete it.",
            credited=format_amount(self.env, credited, currency),
            bill=document.display_name,
            credits=name_some(self.env, document._assist_get_credits().mapped('name')),
            left=format_amount(self.env, left, currency),
            amount=format_amount(self.env, self.amount_total, currency),
        )

    # === CRUD METHODS === #

    def unlink(self):
        self.check_access('unlink')
        self._assist_check_droppable()
        self._assist_give_back()
        # As the engine: its lines go with it, those of what was used too.
        return super(AccountMove, self._assist_as_engine()).unlink()

    # === ACTIONS === #

    def button_draft(self):
        self.check_access('write')
        self._assist_check_returnable()
        result = super().button_draft()
        # A mail that did not get through must not go out later, with a bill that is a draft now.
        self.filtered('assist_kind')._assist_drop_sending()
        return result

    def button_cancel(self):
        self.check_access('write')
        # Before Odoo takes the payments off, which writing the state looks for as well.
        self._assist_check_droppable()
        return super().button_cancel()

    def action_assist_view_sessions(self):
        self.ensure_one()
        self.check_access('read')
        self._assist_refuse_others(('bill', 'supplementary', 'credit', 'given_back'))
        cycle = self.assist_cycle_id or self.assist_origin_cycle_id
        return cycle.action_view_sessions()

    # === BUSINESS METHODS - account.move === #

    def _post(self, soft=True):
        # EXTENDS account: a payment that a credit set free goes to the bill made instead, and what
        # credits fees to the bills that charged them
        # Looked up before the entries change, which would have to be stored for it.
        # sudo: who posts a bill need not see its cycle
        heirs = self.filtered('assist_cycle_id').filtered(
            lambda bill: bill.assist_cycle_id.sudo().freed_line_ids
        )
        credits_of_fees = self.filtered(
            lambda bill: bill.move_type == 'out_refund' and bill.assist_cycle_id
        )
        posted = super()._post(soft)
        # Matching makes entries of its own, which want all checks.
        checks = {'skip_invoice_sync': False, 'check_move_validity': True}
        for bill in posted & heirs:
            bill.with_context(**checks)._assist_reconcile_freed()
        for bill in posted & credits_of_fees:
            bill.with_context(**checks)._assist_reconcile_credited_fees()
        return posted

    @contextmanager
    def _sync_tax_lines(self, container):
        # EXTENDS account: Odoo's own rounding of taxes may write the balance of what was used,
        # which nobody else may; it begins once what is done within has been done
        with super()._sync_tax_lines(container):
            yield
            moves = container['records']
            if is_billing := bool(moves.filtered('assist_cycle_id')):
                container['records'] = moves._assist_as_engine()
        if is_billing:
            container['records'] = container['records'].with_env(moves.env)

    def _reverse_moves(self, default_values_list=None, cancel=False):
        # EXTENDS account: a credit note knows the bill and the cycle it is about
        default_values_list = default_values_list or [{} for _move in self]
        for move, values in zip(self, default_values_list, strict=True):
            if cycle := move.assist_cycle_id or move.assist_origin_cycle_id:
                for name, value in self._prepare_assist_kind_vals('credit', cycle, move).items():
                    values.setdefault(name, value)
        # As the engine: a credit note knows by itself, and its lines with it, what it is about.
        credits_ = super(AccountMove, self._assist_as_engine())._reverse_moves(
            default_values_list, cancel
        )
        return credits_.with_env(self.env)

    # === GUARDS === #

    def _assist_check_state(self, state):
        """Refuse a state that these documents may not take, by whatever door it is written.

        :return: those whose state is about to change
        """
        changing = self.filtered(lambda move: move.assist_kind and move.state != state)
        if state == 'posted':
            changing._assist_check_something_to_credit()
        elif state == 'cancel':
            changing._assist_check_droppable()
        else:
            changing._assist_check_returnable()
        return changing

    def _assist_follow_state(self, was_cancelled):
        """Give back the cycles of bills that were cancelled, or take them again.

        :param was_cancelled: which of these documents were until now
        """
        self.filtered(lambda move: move.state == 'cancel')._assist_give_back()
        was_cancelled.filtered(
            lambda move: move.assist_kind == 'given_back'
        )._assist_take_cycle_again()

    def _assist_check_returnable(self):
        """Refuse to reset, cancel or delete a bill that was sent or has a payment.

        One that is credited so that its period is billed again stays so, and so does its credit.
        """
        posted = self.filtered(lambda move: move.state == 'posted')
        posted._assist_check_not_given_back()
        posted.filtered(
            lambda move: move.assist_kind == 'credit'
        )._assist_check_bill_stays_credited()
        for bill in self.filtered(lambda move: move.assist_kind in ('bill', 'supplementary')):
            if bill.assist_delivery_state in ('queued', 'sent') or bill._assist_get_taken():
                reason = bill._assist_get_sent_reason()
            elif bill._assist_get_begun():
                reason = bill._assist_get_unknown_end()
            elif bill._assist_get_payment_lines() or bill._assist_get_payments():
                reason = self.env._("it has a payment")
            else:
                continue
            raise UserError(
                self.env._(
                    "%(bill)s cannot be reset, cancelled or deleted: %(reason)s. "
                    "Make a credit note instead.",
                    bill=bill.display_name,
                    reason=reason,
                )
            )

    def _assist_check_not_given_back(self):
        if given_back := self.filtered(lambda move: move.assist_kind == 'given_back'):
            raise UserError(
                self.env._(
                    "%(bill)s was credited and its period is billed again or waived, so it can be "
                    "neither reset nor credited to be billed again once more.",
                    bill=given_back[0].display_name,
                )
            )

    def _assist_check_bill_stays_credited(self):
        """Refuse to drop these credit notes where a bill taken back would be owed once more."""
        for bill in self.assist_bill_id.filtered(
            lambda bill: bill.assist_kind == 'given_back' and bill.state == 'posted'
        ):
            credits_ = bill._assist_get_credits()
            left = sum((credits_ - self).mapped('amount_total'))
            if bill.currency_id.compare_amounts(left, bill.amount_total) < 0:
                raise UserError(
                    self.env._(
                        "%(credit)s credits %(bill)s, whose period is billed again or waived. It "
                        "cannot be reset, cancelled, reversed or deleted: the customer would owe "
                        "%(bill)s once more.",
                        credit=(self & credits_)[0].name,
                        bill=bill.display_name,
                    )
                )

    def _assist_check_droppable(self):
        """Refuse to cancel or delete what has to stay."""
        self._assist_check_returnable()
        self._assist_check_late_documents()
        self._assist_check_not_credited()

    def _assist_check_late_documents(self):
        """Refuse to drop a bill for late sessions or fees: no bill would charge them any more."""
        late = self.filtered(
            lambda move: move.assist_kind == 'supplementary'
            and not {'prior', 'fee'}.isdisjoint(move.invoice_line_ids.mapped('assist_charge'))
        )
        if late:
            raise UserError(
                self.env._(
                    "%(bill)s bills fees in advance, or sessions that came in late, and cannot be "
                    "cancelled or deleted. Make a credit note instead.",
                    bill=late[0].display_name,
                )
            )

    def _assist_check_not_credited(self):
        """Refuse to drop a bill whose credit would stay: the customer would be owed it."""
        for bill in self.filtered(lambda move: move.assist_kind in ('bill', 'supplementary')):
            if bill.currency_id.compare_amounts(bill._assist_get_credited(), 0.0) > 0:
                raise UserError(
                    self.env._(
                        "%(bill)s cannot be cancelled or deleted: the customer would keep the "
                        "credit of %(credits)s. Cancel or delete that first.",
                        bill=bill.display_name,
                        credits=name_some(
                            self.env, bill._assist_get_credits().mapped('display_name')
                        ),
                    )
                )

    def _assist_check_something_to_credit(self):
        """Refuse to post credit notes that were drafts when their bill was cancelled.

        What credits a bill whose period is billed again is not taken back by a document either.
        """
        for credit in self.filtered(lambda move: move.assist_kind == 'credit'):
            if credit.assist_bill_id.assist_kind == 'credit':
                credit.assist_bill_id._assist_check_bill_stays_credited()
            if credit.assist_bill_id.state == 'cancel':
                raise UserError(
                    self.env._(
                        "%(credit)s cannot be posted: %(bill)s is cancelled, so there is nothing "
                        "to credit. Delete this draft.",
                        credit=credit.display_name,
                        bill=credit.assist_bill_id.display_name,
                    )
                )

    def _assist_get_credits(self):
        """Return what credits this document and is posted: of a credit note it is an invoice."""
        return self.assist_linked_ids.filtered(
            lambda document: document.assist_kind == 'credit' and document.state == 'posted'
        )

    def _assist_get_credited(self):
        """Return how much of this document is credited; less what was taken back of that again."""
        return sum(
            credit.amount_total - credit._assist_get_credited()
            for credit in self._assist_get_credits()
        )

    def _assist_get_receivable_lines(self):
        return self.line_ids.filtered(
            lambda line: line.account_id.account_type == 'asset_receivable'
        )

    def _assist_get_payments(self):
        """Return payments registered for this bill, those without an entry included."""
        self.ensure_one()
        return self.matched_payment_ids.filtered(
            lambda payment: payment.state not in ('draft', 'canceled', 'rejected')
        )

    def _assist_get_payment_lines(self):
        """Return the journal items that pay this bill: what it is matched with, but for credits.

        Of a credit note: what pays it back, but for the bills it is set off against.
        """
        self.ensure_one()
        receivable = self._assist_get_receivable_lines()
        counterparts = (
            receivable.matched_credit_ids.credit_move_id
            | receivable.matched_debit_ids.debit_move_id
        )
        return counterparts.filtered(lambda line: not line.move_id.is_sale_document())

    # === TAKING BACK === #

    def _assist_give_back(self):
        """Free the cycles of these bills: a person decides whether to bill again or to waive."""
        for bill in self.filtered('assist_cycle_id'):
            cycle = bill.assist_cycle_id
            bill._assist_as_engine().with_context(skip_is_manually_modified=True).write(
                self._prepare_assist_kind_vals('given_back', cycle)
            )
            # sudo: cycles are written by the engine only
            cycle.sudo()._give_back()

    def _assist_take_cycle_again(self):
        """Make bills that were taken back the current ones of their cycles again."""
        for bill in self:
            # sudo: cycles are written by the engine only
            cycle = bill.assist_origin_cycle_id.sudo()
            cycle._check_to_rebill()
            cycle._check_same_usage(bill)
            bill._assist_as_engine().write(self._prepare_assist_kind_vals('bill', cycle))
            cycle._take_again()

    def _assist_credit_for_rebilling(self, default_values_list):
        """Credit these bills in full and give their cycles back; payments are set free.

        :param default_values_list: values of each credit note, as for `_reverse_moves`
        :return: the credit notes
        """
        self._assist_check_credited()
        for bill in self:
            # sudo: cycles are written by the engine only
            bill.assist_cycle_id.sudo().freed_line_ids |= bill._assist_get_payment_lines()
        credits_ = self._reverse_moves(default_values_list, cancel=True)
        self._assist_give_back()
        return credits_

    def _assist_take_place_of(self, origin):
        """Be about the bill that `origin` was about, whose copy this is.

        Only what adjusts a bill is: late sessions and fees stay with the document that billed them.
        """
        self.ensure_one()
        lines, copies = (
            move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
            for move in (origin, self)
        )
        if (
            origin.assist_kind != 'supplementary'
            or not origin.assist_bill_id
            or not {*ADJUSTMENT_CHARGES, False}.issuperset(lines.mapped('assist_charge'))
            or len(lines) != len(copies)
        ):
            return
        self._assist_as_engine().write(
            {
                **self._prepare_assist_kind_vals(
                    'supplementary', origin.assist_origin_cycle_id, origin.assist_bill_id
                ),
                'assist_rounds_lines': origin.assist_rounds_lines,
                'invoice_line_ids': [
                    fields.Command.update(copy.id, {'assist_charge': line.assist_charge})
                    for line, copy in zip(lines, copies, strict=True)
                ],
            }
        )

    def _assist_check_credited(self):
        for bill in self:
            if bill.assist_linked_ids.filtered(
                lambda document: document.move_type == 'out_refund' and document.state == 'posted'
            ):
                raise UserError(
                    self.env._(
                        "%(bill)s has already been partly credited, so it cannot be credited in "
                        "full and billed again. Credit the rest, or adjust it.",
                        bill=bill.display_name,
                    )
                )

    def _assist_reconcile_credited_fees(self):
        """Match this credit note of a cycle with the bills that charged the fees it credits."""
        self.ensure_one()
        # sudo: who posts a bill need not see its cycle
        rows = self.assist_cycle_id.sudo().fee_ids
        bills = rows.filtered(lambda row: row.true_up_quantity < 0).move_id
        self._assist_reconcile_with(
            self.browse(bills.ids).filtered(
                lambda bill: bill.state == 'posted' and bill.move_type == 'out_invoice'
            )
        )

    def _assist_reconcile_freed(self):
        """Match the payments that a credit set free with this bill, made in place of that one."""
        self.ensure_one()
        # sudo: cycles are written by the engine only
        cycle = self.assist_cycle_id.sudo()
        if not cycle.freed_line_ids:
            return
        receivable = self._assist_get_receivable_lines()
        free = cycle.freed_line_ids.filtered(
            lambda line: self.move_type == 'out_invoice'
            and not line.reconciled
            and line.parent_state == 'posted'
            and line.account_id == receivable.account_id
        )
        if free:
            (receivable | free).reconcile()
        cycle.freed_line_ids = [fields.Command.clear()]
