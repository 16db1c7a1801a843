import math
from dataclasses import replace

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare, format_amount

from ..invoice.account_move_line import USAGE_CHARGES
from .adjust_spread import Share

# Whose product, account and taxes a cost takes, where there are lines of several charges.
USAGE_ORDER = ('session', 'hour', 'base_fee', 'minimum', 'prior', 'device')


class AccountMove(models.Model):
    """What the lines of an adjustment say, and how much may be discounted. Nothing here writes."""

    _inherit = 'account.move'

    # === LINES === #

    def _prepare_assist_adjustment_lines(self, charge, amount, description, on_bill):
        """Return the values of the lines of an adjustment, as they would stand on this bill.

        :param str charge: `additional` or `discount`
        :param float amount: untaxed, above zero; a discount's lines are negative
        :param bool on_bill: they go on this bill itself, and not on a document linked to it
        """
        self.ensure_one()
        left = None
        if charge == 'additional':
            shares = [Share(self._assist_get_usage_line(), amount, None, None)]
        else:
            left = self._assist_get_left(on_bill)
            shares = [self._assist_negate(share) for share in self._assist_spread(amount, on_bill)]
        lines = [
            self._prepare_assist_line_vals(share.line, charge, share.base, description)
            for share in shares
        ]
        return self._assist_make_exact(lines, shares, left, on_bill)

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
        if charge != 'discount':
            return
        result, _reason = self._assist_get_adjustment(charge)
        left = self._assist_get_left(on_bill=result in ('line', 'amend'))
        _least, most = self._assist_get_left_amount(left)
        if self.currency_id.compare_amounts(amount, most) > 0:
            raise UserError(
                self.env._(
                    "A discount of %(amount)s is more than what is left of %(bill)s: %(left)s "
                    "before taxes, earlier discounts and credit notes taken off.",
                    amount=format_amount(self.env, amount, self.currency_id),
                    bill=self.display_name,
                    left=format_amount(self.env, most, self.currency_id),
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
