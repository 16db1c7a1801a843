import math
from dataclasses import replace

from markupsafe import Markup

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare, format_amount

from ...utils.races import UndoPoint, watched_commits
from ..invoice.account_move_line import USAGE_CHARGES
from .assist_bill_adjuster import Share

# Whose product, account and taxes a cost takes, where there are lines of several charges.
USAGE_ORDER = (
    'session',
    'hour',
    'base_fee',
    'minimum',
    'prior',
    'device',
    'fee',
    'true_up',
    'cap',
)


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
            raise UserError(self.env._("the bill would get a different number"))

    def _assist_create_linked(self, charge, amount, description):
        """Create and post a credit note, or a supplementary bill, over this adjustment."""
        document = self._assist_as_engine().create(
            self._prepare_assist_linked_vals(charge, amount, description)
        )
        document = document.with_env(self.env)
        document._post(soft=False)
        if charge == 'discount':
            document._assist_reconcile_with(self | self._assist_get_supplementary_bills())
        return document

    def _assist_reconcile_with(self, bills):
        """Match this credit note with what is open on these posted bills, one after the other.

        The rest stays as the customer's credit.
        """
        for document in bills:
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

    def _assist_get_updated_total(self, charge, amount, on_bill=None):
        """Return what the bill and its linked documents would come to, with taxes.

        :param float amount: untaxed, above zero
        :param bool on_bill: by a line of the bill itself; default: as it is to be
        """
        self.ensure_one()
        if on_bill is None:
            result, _reason = self._assist_get_adjustment(charge)
            on_bill = result in ('line', 'amend')
        adjuster = self.env['assist.bill.adjuster']
        lines = self._prepare_assist_adjustment_lines(charge, amount, None, on_bill)
        total = adjuster._get_total(self, adjuster._compute_lines(self, lines, on_bill), on_bill)
        if on_bill:
            total -= self.amount_total
        return self.currency_id.round(self.assist_net_total + total)

    def _assist_get_amend_obstacle(self):
        """Return in words why this posted bill itself must not change any more, or False."""
        self.ensure_one()
        if (
            self.assist_delivery_state in ('queued', 'sent')
            or self.sending_data
            or self._assist_get_taken()
            or self._assist_get_begun()
        ):
            return self._assist_get_sent_reason()
        if self._assist_get_payment_lines() or self._assist_get_payments():
            return self.env._("it has a payment")
        if self.invoice_pdf_report_id:
            return self.env._("its PDF has been created")
        if self.is_move_sent:
            return self.env._("it is marked as sent")
        receivable = self._assist_get_receivable_lines()
        if receivable.matched_credit_ids or receivable.matched_debit_ids:
            return self.env._("it has been partly credited")
        if self.inalterable_hash or self.restrict_mode_hash_table:
            return self.env._("its journal secures posted entries")
        if self._get_violated_lock_dates(self.date, self._affect_tax_report()):
            return self.env._("its period is locked")
        if self.need_cancel_request or not self.show_reset_to_draft_button:
            return self.env._("Odoo does not let it be reset")
        if not self.company_id.assist_amend_posted:
            return self.env._("the settings say that posted bills are not changed")
        return False

    # === LINES === #

    def _prepare_assist_adjustment_lines(self, charge, amount, description, on_bill):
        """Return the values of the lines of an adjustment, as they would stand on this bill.

        :param str charge: `additional` or `discount`
        :param float amount: untaxed, above zero; a discount's lines are negative
        :param bool on_bill: they go on this bill itself, and not on a document linked to it
        """
        self.ensure_one()
        adjuster, left = self.env['assist.bill.adjuster'], None
        if charge == 'additional':
            shares = [Share(self._assist_get_usage_line(), amount, None, None)]
        else:
            left = adjuster._get_left(self, on_bill)
            shares = [
                self._assist_negate(share) for share in adjuster._spread(self, amount, on_bill)
            ]
        lines = [
            self._prepare_assist_line_vals(share.line, charge, share.base, description)
            for share in shares
        ]
        return adjuster._make_exact(self, lines, shares, left, on_bill)

    def _assist_negate(self, share):
        return replace(
            share,
            base=-share.base,
            company_base=share.company_base and -share.company_base,
            taxes=share.taxes
            and {
                tax: {name: -amount for name, amount in amounts.items()}
                for tax, amounts in share.taxes.items()
            },
        )

    def _prepare_assist_line_vals(self, usage_line, charge, amount, description):
        """Return the values of one line that takes product, account and taxes of `usage_line`."""
        label = description or self._assist_get_charge_label(charge, self.partner_id.lang)
        # Neither sessions nor hours are added.
        product, unit = usage_line.product_id, self.env.ref('uom.product_uom_unit')
        product = product and product._assist_get_flat_product(self.company_id)
        return {
            'assist_charge': charge,
            'name': label,
            'product_id': product.id,
            'product_uom_id': (product.uom_id or unit).id,
            'quantity': 1.0,
            'price_unit': self._assist_get_taxed_price(usage_line, amount),
            'account_id': usage_line.account_id.id,
            'tax_ids': [fields.Command.set(usage_line.tax_ids.ids)],
            'analytic_distribution': usage_line.analytic_distribution,
        }

    def _assist_get_taxed_price(self, usage_line, amount):
        """Return the price of one whose untaxed amount is `amount`: with taxes it must include."""
        details = usage_line.tax_ids._get_tax_details(
            amount,
            1.0,
            precision_rounding=self.currency_id.rounding,
            rounding_method='round_globally',
            product=usage_line.product_id,
            special_mode='total_excluded',
        )
        return amount + sum(
            data['tax_amount'] for data in details['taxes_data'] if data['tax'].price_include
        )

    def _prepare_assist_linked_vals(self, charge, amount, description):
        """Return the values of a credit note, or a supplementary bill, about this bill."""
        self.ensure_one()
        is_credit = charge == 'discount'
        today = self._assist_get_linked_date()
        self.assist_cycle_id._check_currency(today)
        lines = self._prepare_assist_adjustment_lines(charge, amount, description, on_bill=False)
        if is_credit:
            lines = [self._prepare_assist_credited_vals(line) for line in lines]
        label = self._assist_get_charge_label(charge, self.partner_id.lang)
        due_days = 0 if is_credit else self.assist_association_id.due_days
        return {
            'move_type': 'out_refund' if is_credit else 'out_invoice',
            **self._prepare_assist_kind_vals(
                'credit' if is_credit else 'supplementary', self.assist_cycle_id, self
            ),
            'assist_rounds_lines': True,
            'reversed_entry_id': self.id if is_credit else False,
            'company_id': self.company_id.id,
            'journal_id': self.journal_id.id,
            'partner_id': self.partner_id.id,
            'partner_shipping_id': self.partner_shipping_id.id,
            'fiscal_position_id': self.fiscal_position_id.id,
            'currency_id': self.currency_id.id,
            'invoice_date': today,
            'invoice_date_due': fields.Date.add(today, days=due_days),
            # The customer's own payment term would overwrite the due date on posting.
            'invoice_payment_term_id': False,
            **self._prepare_assist_same_served_vals(),
            'invoice_user_id': self.invoice_user_id.id,
            'invoice_origin': self.name,
            'ref': f"{self.name}: {description or label}",
            'invoice_line_ids': [fields.Command.create(line) for line in lines],
        }

    def _prepare_assist_credited_vals(self, vals):
        """Return the values of a line as they stand on a credit note: positive."""
        given = self.env['account.tax']._reverse_quantity_base_line_extra_tax_data(
            vals.get('extra_tax_data')
        )
        if given:
            # What is turned there is the quantity; here it is the price.
            given.update(quantity=-given['quantity'], price_unit=-given['price_unit'])
            vals = {**vals, 'extra_tax_data': given}
        return {**vals, 'price_unit': -vals['price_unit']}

    def _assist_get_linked_date(self):
        """Return the date of documents that are made about this bill: today."""
        return self.company_id._assist_get_today(fields.Datetime.now())

    def _assist_get_charge_label(self, charge, lang=None):
        """Return the name of an adjustment, in `lang` or the user's language."""
        env = self.with_context(lang=lang).env if lang else self.env
        return env._("Discount") if charge == 'discount' else env._("Additional cost")

    # === AMOUNTS === #

    def _assist_get_usage_lines(self):
        return self.invoice_line_ids.filtered(lambda line: line.assist_charge in USAGE_CHARGES)

    def _assist_get_usage_line(self):
        """Return the line whose product, account and taxes a cost takes."""
        lines = self._assist_get_usage_lines().sorted(
            lambda line: (USAGE_ORDER.index(line.assist_charge), -line.price_subtotal)
        ) or self.invoice_line_ids.filtered(lambda line: line.display_type == 'product').sorted(
            'price_subtotal', reverse=True
        )
        return lines[:1]

    # === CHECKS === #

    def _assist_check_adjustable(self):
        """Refuse what is not one bill that is in force."""
        if not self:
            raise UserError(
                self.env._("Choose the bill to which charges or discounts are to be added.")
            )
        if len(self) > 1:
            raise UserError(
                self.env._("Charges and discounts are added to one bill at a time; choose one.")
            )
        if self.assist_kind in ('supplementary', 'credit') and self.assist_bill_id:
            raise UserError(
                self.env._(
                    "%(document)s belongs to %(bill)s. Add charges and discounts to that bill.",
                    document=self.display_name,
                    bill=self.assist_bill_id.display_name,
                )
            )
        self._assist_refuse_others(('bill', 'given_back'))
        if self.move_type == 'out_refund':
            raise UserError(
                self.env._(
                    "%(bill)s is a credit note. Add charges and discounts to a bill of the "
                    "customer.",
                    bill=self.display_name,
                )
            )
        if self.state == 'cancel' or self.assist_kind == 'given_back':
            raise UserError(
                self.env._(
                    "%(bill)s was taken back; nothing can be added to it. Bill its period again "
                    "first.",
                    bill=self.display_name,
                )
            )

    def _assist_check_amount(self, charge, amount):
        """Refuse an amount that is not above zero, or a discount above what is left."""
        if charge not in ('additional', 'discount'):
            raise UserError(self.env._("Choose whether it is an additional cost or a discount."))
        if not math.isfinite(amount) or self.currency_id.compare_amounts(amount, 0.0) <= 0:
            raise UserError(
                self.env._(
                    "The amount must be above zero. To lower the bill, choose Discount and enter "
                    "a positive amount."
                )
            )
        self._assist_check_digits(amount)
        if charge != 'discount':
            return
        result, _reason = self._assist_get_adjustment(charge)
        adjuster = self.env['assist.bill.adjuster']
        left = adjuster._get_left(self, on_bill=result in ('line', 'amend'))
        _least, most = adjuster._get_left_amount(self, left)
        if self.currency_id.compare_amounts(amount, most) > 0:
            raise UserError(
                self.env._(
                    "A discount of %(amount)s is more than what is left of %(bill)s: %(left)s "
                    "before taxes, after earlier discounts and credit notes.",
                    amount=format_amount(self.env, amount, self.currency_id),
                    bill=self.display_name,
                    left=format_amount(self.env, most, self.currency_id),
                )
            )

    def _assist_check_digits(self, amount):
        """Refuse an amount that its currency cannot say exactly: it would be rounded silently."""
        rounded = self.currency_id.round(amount)
        if float_compare(amount, rounded, precision_rounding=self.currency_id.rounding * 1e-6):
            # Nobody means nothing.
            if self.currency_id.is_zero(rounded):
                rounded = self.currency_id.rounding
            raise UserError(
                self.env._(
                    "%(amount)s has more decimals than amounts in %(currency)s can have. "
                    "Did you mean %(rounded)s?",
                    amount=f"{amount:.15g}",
                    currency=self.currency_id.name,
                    rounded=format_amount(self.env, rounded, self.currency_id),
                )
            )
