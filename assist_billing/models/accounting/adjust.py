from markupsafe import Markup

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount

from ...utils.races import UndoPoint, watched_commits


class AccountMove(models.Model):
    """Add Charges / Discounts: on the bill itself where that is allowed, else by a document."""

    _inherit = 'account.move'

    # === ACTIONS === #

    def action_assist_add_charges(self):
        """Open the dialog for one bill."""
        self.check_access('write')
        self._assist_check_adjustable()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Add Charges / Discounts"),
            'res_model': 'assist.add.charges',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_move_id': self.id},
        }

    # === BUSINESS METHODS === #

    def _assist_adjust(self, charge, amount, description=None):
        """Add a cost to this bill, or grant a discount on it.

        :param str charge: `additional` or `discount`
        :param float amount: untaxed, in the bill's currency, above zero
        :param str description: what the customer reads; default: the name of the charge
        :return: the document that says so: this bill, or a new one linked to it
        """
        self.check_access('write')
        self._assist_check_adjustable()
        # Locked before it is looked at: two discounts at once must not exceed what is left.
        self._assist_lock()
        self._assist_check_amount(charge, amount)
        amount = self.currency_id.round(amount)
        total = self._assist_get_updated_total(charge, amount)
        before = self._assist_get_adjusted()
        result, reason = self._assist_get_adjustment(charge)
        document = self
        if result == 'line':
            self._assist_add_lines(charge, amount, description)
        elif result == 'amend':
            reason = self._assist_amend(charge, amount, description)
            if reason:
                # Supplementary bills count for a credit note, and each document rounds by itself.
                total = self._assist_get_updated_total(charge, amount, on_bill=False)
        if reason:
            document = self._assist_create_linked(charge, amount, description)
        added = self._assist_get_adjusted() - before
        self._assist_check_outcome(charge, amount, added, total)
        self._assist_log_adjustment(charge, abs(added), description, document, reason)
        return document

    def _assist_get_adjusted(self):
        """Return the untaxed amount of the adjustments of this bill, as it stands on lines."""
        return sum(self.assist_adjustment_line_ids.mapped('assist_adjustment'))

    def _assist_check_outcome(self, charge, amount, added, total):
        """Refuse an adjustment that did not do what was announced; the transaction is undone.

        :param float amount: what was asked for, untaxed
        :param float added: what has been added, untaxed; below zero for a discount
        :param float total: what the bill and its documents were to come to, with taxes
        """
        currency = self.currency_id
        wanted = -amount if charge == 'discount' else amount
        if currency.compare_amounts(self.assist_net_total, total):
            raise UserError(
                self.env._(
                    "%(bill)s would come to %(total)s with this, and not to %(announced)s: "
                    "something else changes its lines or taxes. Nothing was done.",
                    bill=self.display_name,
                    total=format_amount(self.env, self.assist_net_total, currency),
                    announced=format_amount(self.env, total, currency),
                )
            )
        # What takes all takes cents of cash rounding along.
        if currency.compare_amounts(added, wanted) and not currency.is_zero(total):
            raise UserError(
                self.env._(
                    "%(added)s would be added to %(bill)s, and not %(wanted)s. Nothing was done.",
                    bill=self.display_name,
                    added=format_amount(self.env, added, currency),
                    wanted=format_amount(self.env, wanted, currency),
                )
            )

    def _assist_add_lines(self, charge, amount, description):
        lines = self._prepare_assist_adjustment_lines(charge, amount, description, on_bill=True)
        rounding = self.invoice_cash_rounding_id
        if rounding:
            # Else Odoo puts the old rounding on other lines, and rounds once more.
            self.invoice_cash_rounding_id = False
        self._assist_as_engine().write(
            {'invoice_line_ids': [fields.Command.create(vals) for vals in lines]}
        )
        if rounding:
            self.invoice_cash_rounding_id = rounding

    def _assist_amend(self, charge, amount, description):
        """Reset this posted bill, add the lines and post it again under the same number.

        :return: False; or, when Odoo refuses, why: then nothing has changed
        """
        point = UndoPoint(self.env.cr)
        try:
            with point:
                self._assist_reset_and_post(charge, amount, description)
        except UserError as error:
            if point.is_lost:
                raise  # stored by another add-on, so it must not be done a second time
            return str(error)
        return False

    def _assist_reset_and_post(self, charge, amount, description):
        number = self.name
        # Nobody stores the half of it.
        with watched_commits(self.env.cr, lambda: False):
            self.button_draft()
            self._assist_add_lines(charge, amount, description)
        self._post(soft=False)
        if self.name != number:
            raise UserError(self.env._("the bill would get another number"))

    def _assist_create_linked(self, charge, amount, description):
        """Create and post a credit note, or a supplementary bill, over this adjustment."""
        document = self._assist_as_engine().create(
            self._prepare_assist_linked_vals(charge, amount, description)
        )
        document = document.with_env(self.env)
        document._post(soft=False)
        if charge == 'discount':
            document._assist_reconcile_with(self)
        return document

    def _assist_reconcile_with(self, bill):
        """Match this credit note with what is open on the bill, then on its supplementary bills.

        The rest stays as the customer's credit.
        """
        for document in bill | bill._assist_get_supplementary_bills():
            open_lines = (
                (self | document)
                ._assist_get_receivable_lines()
                .filtered(lambda line: not line.reconciled)
            )
            for lines in open_lines.grouped('account_id').values():
                if len(lines.move_id) > 1:
                    lines.reconcile()

    def _assist_get_supplementary_bills(self):
        """Return the posted bills about this bill."""
        return self.assist_linked_ids.filtered(
            lambda document: document.move_type == 'out_invoice' and document.state == 'posted'
        ).sorted('id')

    def _assist_log_adjustment(self, charge, amount, description, document, reason):
        """Leave on the bill who added what, why, and where it stands."""
        body = Markup("<p>%s</p>") % self.env._(
            "%(what)s of %(amount)s before taxes, by %(user)s.",
            what=self._assist_get_charge_label(charge),
            amount=format_amount(self.env, amount, self.currency_id),
            user=self.env.user.name,
        )
        if description:
            body += Markup("<p>%s</p>") % description
        if document != self:
            body += Markup("<p>%s %s</p>") % (
                document._get_html_link(),
                self.env._("(not on the bill itself: %(reason)s)", reason=reason),
            )
        self.message_post(body=body)

    # === WHAT WILL RESULT === #

    def _assist_get_adjustment(self, charge):
        """Return which document an adjustment results in, and why not the bill itself.

        :return: (`line` | `amend` | `credit` | `supplementary`, reason in words or False)
        """
        self.ensure_one()
        if self.state == 'draft':
            return 'line', False
        reason = self._assist_get_amend_obstacle()
        if not reason and charge == 'discount' and self._assist_get_supplementary_bills():
            reason = self.env._("it has a supplementary bill")
        if reason:
            return ('credit' if charge == 'discount' else 'supplementary'), reason
        return 'amend', False

    def _assist_get_amend_obstacle(self):
        """Return in words why this posted bill itself must not change any more, or False."""
        self.ensure_one()
        if (
            self.assist_delivery_state in ('queued', 'sent')
            or self.sending_data
            or self._assist_get_taken()
            or self._assist_get_begun()
        ):
            return self.env._("it was sent to the customer")
        if self._assist_get_payment_lines() or self._assist_get_payments():
            return self.env._("it has a payment")
        if self.invoice_pdf_report_id:
            return self.env._("its PDF was made")
        if self.is_move_sent:
            return self.env._("it is marked as sent")
        receivable = self._assist_get_receivable_lines()
        if receivable.matched_credit_ids or receivable.matched_debit_ids:
            return self.env._("it is credited in part")
        if self.inalterable_hash or self.restrict_mode_hash_table:
            return self.env._("its journal secures posted entries")
        if self._get_violated_lock_dates(self.date, self._affect_tax_report()):
            return self.env._("its period is locked")
        if self.need_cancel_request or not self.show_reset_to_draft_button:
            return self.env._("Odoo does not let it be reset")
        if not self.company_id.assist_amend_posted:
            return self.env._("the settings say that posted bills are not changed")
        return False
