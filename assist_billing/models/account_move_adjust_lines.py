import math
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare, format_amount

from ..rules import rating
from .account_move_line import USAGE_CHARGES

# Whose product, account and taxes a cost takes, where there are lines of several charges.
USAGE_ORDER = ('session', 'hour', 'base_fee', 'minimum', 'prior', 'device')


class AccountMove(models.Model):
    """What the lines of an adjustment say, and how much may be discounted. Nothing here writes."""

    _inherit = 'account.move'

    # === LINES === #

    def _prepare_assist_adjustment_lines(self, charge, amount, description):
        """Return the values of the lines of an adjustment, as they stand on this bill.

        :param str charge: `additional` or `discount`
        :param float amount: untaxed, above zero; a discount's lines are negative
        """
        self.ensure_one()
        if charge == 'additional':
            return [
                self._prepare_assist_line_vals(
                    self._assist_get_usage_line(), charge, amount, description
                )
            ]
        return [
            self._prepare_assist_line_vals(line, charge, -part, description)
            for line, part in self._assist_spread(amount)
        ]

    def _prepare_assist_line_vals(self, usage_line, charge, amount, description):
        """Return the values of one line that takes product, account and taxes of `usage_line`."""
        label = description or self._assist_get_charge_label(charge, self.partner_id.lang)
        # Neither sessions nor hours are added.
        product = usage_line.product_id
        product = product and product._assist_get_flat_product(self.company_id)
        return {
            'assist_charge': charge,
            'name': label,
            'product_id': product.id,
            'product_uom_id': product.uom_id.id,
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
        today = self.company_id._assist_get_today(fields.Datetime.now())
        self.assist_cycle_id._check_currency(today)
        lines = self._prepare_assist_adjustment_lines(charge, amount, description)
        for line in lines if is_credit else ():
            line['price_unit'] = -line['price_unit']
        label = self._assist_get_charge_label(charge, self.partner_id.lang)
        due_days = 0 if is_credit else self.assist_association_id.due_days
        return {
            'move_type': 'out_refund' if is_credit else 'out_invoice',
            'assist_kind': 'credit' if is_credit else 'supplementary',
            'assist_bill_id': self.id,
            'assist_origin_cycle_id': self.assist_cycle_id.id,
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
            'delivery_date': self.delivery_date,
            'invoice_user_id': self.invoice_user_id.id,
            'invoice_origin': self.name,
            'ref': f"{self.name}: {description or label}",
            'invoice_line_ids': [fields.Command.create(line) for line in lines],
        }

    def _assist_get_charge_label(self, charge, lang=None):
        """Return the name of an adjustment, in `lang` or the user's language."""
        env = self.with_context(lang=lang).env if lang else self.env
        return env._("Discount") if charge == 'discount' else env._("Additional cost")

    # === AMOUNTS === #

    def _assist_get_usage_lines(self):
        return self.invoice_line_ids.filtered(lambda line: line.assist_charge in USAGE_CHARGES)

    def _assist_get_usage_line(self):
        """Return the line whose product, account and taxes a cost takes."""
        return self._assist_get_usage_lines().sorted(
            lambda line: (USAGE_ORDER.index(line.assist_charge), -line.price_subtotal)
        )[:1]

    def _assist_get_credit_notes(self):
        """Return the credit notes about this bill, drafts included."""
        return self.assist_linked_ids.filtered(
            lambda document: document.move_type == 'out_refund' and document.state != 'cancel'
        )

    def _assist_get_left(self):
        """Return what is left of this bill, before taxes, by the taxes it carries.

        :return: {taxes: amount}; earlier discounts and credit notes are taken off
        """
        left = {}
        for document in self | self._assist_get_credit_notes():
            sign = -1 if document.move_type == 'out_refund' else 1
            for line in document.invoice_line_ids:
                if line.display_type == 'product':
                    left[line.tax_ids] = left.get(line.tax_ids, 0.0) + sign * line.price_subtotal
        return left

    def _assist_spread(self, amount):
        """Spread a discount over the bill's taxes, in proportion to what is left under each.

        :return: list of (usage line whose taxes they are, amount), zero amounts left out
        """
        lines = {}
        for line in self._assist_get_usage_lines().sorted('price_subtotal', reverse=True):
            lines.setdefault(line.tax_ids, line)
        left = {
            taxes: value
            for taxes, value in self._assist_get_left().items()
            if taxes in lines and self.currency_id.compare_amounts(value, 0.0) > 0
        }
        step = Decimal(str(self.currency_id.rounding))
        cents = [self._assist_count(value, step) for value in left.values()]
        parts = rating.split(self._assist_count(amount, step) * step, step, cents)
        return [
            (lines[taxes], float(part)) for taxes, part in zip(left, parts, strict=True) if part
        ]

    def _assist_count(self, amount, step):
        """Return how many `step`s of its currency an amount is, as an integer."""
        return round(Decimal(str(self.currency_id.round(amount))) / step)

    def _assist_get_updated_total(self, charge, amount):
        """Return what the bill and its linked documents would come to, with taxes.

        :param float amount: untaxed, above zero
        """
        self.ensure_one()
        sign = -1 if charge == 'discount' else 1
        tax = self.env['account.tax']
        result, _reason = self._assist_get_adjustment(charge)
        is_on_bill = result in ('line', 'amend')
        lines = [
            tax._prepare_base_line_for_taxes_computation(
                None,
                # A document of its own is made as bills are made now.
                _assist_rounds_lines=self.assist_rounds_lines or not is_on_bill,
                product_id=self.env['product.product'].browse(vals['product_id']),
                tax_ids=tax.browse(vals['tax_ids'][0][2]),
                price_unit=vals['price_unit'],
                quantity=1.0,
                currency_id=self.currency_id,
                partner_id=self.commercial_partner_id,
                rate=self.invoice_currency_rate or 1.0,
            )
            for vals in self._prepare_assist_adjustment_lines(charge, amount, None)
        ]
        if is_on_bill:
            lines += [
                self._prepare_product_base_line_for_taxes_computation(line)
                for line in self.invoice_line_ids
                if line.display_type == 'product'
            ]
            return self.assist_net_total - self.amount_total + self._assist_get_total(lines)
        for line in lines:
            line['price_unit'] = abs(line['price_unit'])
        return self.assist_net_total + sign * self._assist_get_total(lines)

    def _assist_get_total(self, base_lines):
        tax = self.env['account.tax']
        tax._add_tax_details_in_base_lines(base_lines, self.company_id)
        tax._round_base_lines_tax_details(base_lines, self.company_id)
        summary = tax._get_tax_totals_summary(base_lines, self.currency_id, self.company_id)
        return summary['total_amount_currency']

    # === CHECKS === #

    def _assist_check_adjustable(self):
        """Refuse what is not one bill that is in force."""
        if not self:
            raise UserError(self.env._("Choose the bill to which something is to be added."))
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
        left = sum(self._assist_get_left().values())
        if charge == 'discount' and self.currency_id.compare_amounts(amount, left) > 0:
            raise UserError(
                self.env._(
                    "A discount of %(amount)s is more than what is left of %(bill)s: %(left)s "
                    "before taxes, earlier discounts and credit notes taken off.",
                    amount=format_amount(self.env, amount, self.currency_id),
                    bill=self.display_name,
                    left=format_amount(self.env, left, self.currency_id),
                )
            )

    def _assist_check_digits(self, amount):
        """Refuse an amount that its currency cannot say exactly: it would be rounded silently."""
        rounded = self.currency_id.round(amount)
        if float_compare(amount, rounded, precision_rounding=self.currency_id.rounding * 1e-6):
            raise UserError(
                self.env._(
                    "%(amount)s has more decimals than amounts in %(currency)s have. "
                    "Did you mean %(rounded)s?",
                    amount=f"{amount:.15g}",
                    currency=self.currency_id.name,
                    rounded=format_amount(self.env, rounded, self.currency_id),
                )
            )
