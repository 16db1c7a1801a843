from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from odoo import models

from ...rules import rating

# Lines of one adjustment whose amounts are given, and not computed from the price, are rounded by
# themselves: no cent of other lines' global rounding is put on them.
COMPUTATION_KEY = 'assist_adjustment'
# What `extra_tax_data` says of each tax, in the document's currency and in the company's.
TAX_AMOUNTS = ('base_amount_currency', 'base_amount', 'tax_amount_currency', 'tax_amount')


@dataclass
class Share:
    """What a bill's documents say, or an adjustment takes, under one set of taxes.

    :param line: an invoice line with these taxes, whose product and account they are
    :param base: untaxed, in the bill's currency
    :param company_base: the same in the company's currency
    :param taxes: {tax: {name of `TAX_AMOUNTS`: amount}}; None: as Odoo computes them
    """

    line: Any
    base: float = 0.0
    company_base: float | None = 0.0
    taxes: dict | None = field(default_factory=dict)
    is_cash_rounding: bool = False


class AssistBillAdjuster(models.AbstractModel):
    """The one place that says what is left of a bill, spreads a discount over it and exhausts it.

    Nothing here writes. What is left is read from the documents as they are rounded, not from the
    sum of their lines: the two differ by cents.
    """

    _name = 'assist.bill.adjuster'
    _description = "What Is Left of a Bill, and What Is Taken of It"

    # === WHAT IS LEFT === #

    def _get_left(self, bill, on_bill):
        """Return what is left of this bill, by the taxes it carries: a list of `Share`s.

        :param bool on_bill: what a line of the bill itself can take, credit notes taken off; else
            what a credit note can: supplementary bills then count as well
        """
        bill.ensure_one()
        shares = {}
        for document in self._get_left_documents(bill, on_bill):
            sign = -1 if document.move_type == 'out_refund' else 1
            for base_line in self._get_base_lines(document, on_bill and document == bill):
                is_rounding = base_line['special_type'] == 'cash_rounding'
                share = shares.setdefault(
                    (is_rounding, base_line['tax_ids']),
                    Share(base_line['record'], is_cash_rounding=is_rounding),
                )
                self._add_base_line(bill, share, base_line, sign)
        return list(shares.values())

    def _get_left_documents(self, bill, on_bill):
        linked = bill.assist_linked_ids if on_bill else bill._assist_get_linked()
        linked = linked.filtered(
            lambda document: (
                document.state != 'cancel' and document.currency_id == bill.currency_id
            )
        )
        if on_bill:
            linked = linked.filtered(lambda document: document.move_type == 'out_refund')
        return bill | linked

    def _get_base_lines(self, bill, is_changed):
        """Return this document's lines with their taxes, rounded, largest usage lines first.

        :param bool is_changed: lines are added to it, so its taxes are computed anew: those that
            somebody wrote into its tax lines and its cash rounding are gone then
        """
        bill.ensure_one()
        if is_changed:
            base_lines = self._compute_lines(bill, [])
        else:
            base_lines, _tax_lines = bill._get_rounded_base_and_tax_lines()
        return sorted(
            base_lines,
            key=lambda base_line: (
                # No line of the invoice, and no product's account.
                bool(base_line['special_type']),
                not base_line['record'].assist_charge,
                -abs(base_line['tax_details']['total_excluded_currency']),
            ),
        )

    def _add_base_line(self, bill, share, base_line, sign):
        details = base_line['tax_details']
        # Early payment takes a part of the taxes, and moves their base only.
        if base_line['special_type'] != 'early_payment':
            share.base = bill.currency_id.round(
                share.base
                + sign
                * (details['total_excluded_currency'] + details['delta_total_excluded_currency'])
            )
            share.company_base = bill.company_currency_id.round(
                share.company_base
                + sign * (details['total_excluded'] + details['delta_total_excluded'])
            )
        for data in details['taxes_data']:
            if data['is_reverse_charge']:
                continue  # the other side of the same tax
            amounts = share.taxes.setdefault(data['tax'], dict.fromkeys(TAX_AMOUNTS, 0.0))
            for name in TAX_AMOUNTS:
                currency = (
                    bill.currency_id if name.endswith('_currency') else bill.company_currency_id
                )
                amounts[name] = currency.round(amounts[name] + sign * data[name])

    def _get_left_amount(self, bill, left):
        """Return what a discount takes at least to take all, and what it takes at most.

        They differ where the bill is rounded to what coins there are: the sum of its lines is all,
        and so is the untaxed amount with the rounding.
        """
        lines = bill.currency_id.round(
            sum(share.base for share in left if not share.is_cash_rounding)
        )
        whole = bill.currency_id.round(sum(share.base for share in left))
        return min(lines, whole), max(lines, whole)

    # === WHAT IS TAKEN === #

    def _spread(self, bill, amount, on_bill):
        """Spread a discount over the bill's taxes, in proportion to what is left under each.

        One that takes all takes the rest of base and of each tax exactly.

        :return: a list of `Share`s; nothing of it is zero
        """
        left = self._get_left(bill, on_bill)
        least, _most = self._get_left_amount(bill, left)
        if bill.currency_id.compare_amounts(amount, least) >= 0:
            return [share for share in left if self._is_left(bill, share, on_bill)]
        # Where something else was taken off by hand, nothing more is.
        left = [
            share
            for share in left
            if not share.is_cash_rounding and bill.currency_id.compare_amounts(share.base, 0.0) > 0
        ]
        step = Decimal(str(bill.currency_id.rounding))
        cents = [self._count(bill, share.base, step) for share in left]
        parts = rating.split(self._count(bill, amount, step) * step, step, cents)
        return [
            Share(share.line, float(part), None, None)
            for share, part in zip(left, parts, strict=True)
            if part
        ]

    def _is_left(self, bill, share, on_bill):
        # Cash rounding of the bill itself is computed anew.
        if share.is_cash_rounding and on_bill:
            return False
        return not (
            bill.currency_id.is_zero(share.base)
            and (not on_bill or bill.company_currency_id.is_zero(share.company_base))
            and all(
                bill.currency_id.is_zero(amounts['tax_amount_currency'])
                for amounts in share.taxes.values()
            )
        )

    def _count(self, bill, amount, step):
        """Return how many `step`s of its currency an amount is, as an integer."""
        return round(Decimal(str(bill.currency_id.round(amount))) / step)

    # === LINES OF GIVEN AMOUNTS === #

    def _make_exact(self, bill, lines, shares, left, on_bill):
        """Have lines say exactly their share, where their price alone would not.

        Odoo computes their taxes as long as the amounts are then those of the shares, and no more
        is taken of a tax than is left of it; else they are given.

        :param lines: values of lines, see the bill's `_prepare_assist_line_vals`; signed as on it
        :param shares: what each of them is to say, signed as on the bill
        :param left: what is left, as `Share`s; None for a cost
        """
        is_given = any(share.taxes is not None for share in shares)
        if not is_given and self._are_exact(bill, lines, shares, left, on_bill):
            return lines
        rest = self._sum_taxes(bill, left or [])
        return [
            self._prepare_given_vals(
                bill,
                vals,
                share if share.taxes is not None else self._limit(bill, vals, share, left, rest),
                on_bill,
            )
            for vals, share in zip(lines, shares, strict=True)
        ]

    def _are_exact(self, bill, lines, shares, left, on_bill):
        """Tell whether lines say their shares if Odoo computes them."""
        fixed = {
            tax
            for share in shares
            for tax in share.line.tax_ids.flatten_taxes_hierarchy()
            if not tax._can_be_discounted()
        }
        if left is not None and fixed:
            return False  # a discount lowers no tax that is so much apiece
        round_ = bill.currency_id.round
        computed = self._compute_lines(bill, lines, on_bill)
        new = computed[-len(lines) :]
        if any(
            bill.currency_id.compare_amounts(self._get_base(base_line), share.base)
            for base_line, share in zip(new, shares, strict=True)
        ):
            return False
        before = self._compute_lines(bill, []) if on_bill else []
        change = sum(map(self._get_base, computed)) - sum(map(self._get_base, before))
        if bill.currency_id.compare_amounts(change, sum(share.base for share in shares)):
            return False
        if left is None:
            return True
        taken = self._sum_base_lines(computed)
        for tax, tax_amount in self._sum_base_lines(before).items():
            taken[tax] -= tax_amount
        rest = self._sum_taxes(bill, left)
        return all(
            # Neither more than there is, nor the other way.
            round_(-tax_amount) == self._cap(bill, round_(-tax_amount), rest.get(tax, 0.0))
            for tax, tax_amount in taken.items()
        )

    def _cap(self, bill, amount, limit):
        """Return of an amount what has the sign of `limit` and is no further from zero."""
        if limit >= 0:
            return bill.currency_id.round(min(max(amount, 0.0), limit))
        return bill.currency_id.round(max(min(amount, 0.0), limit))

    def _limit(self, bill, vals, share, left, rest):
        """Return a share with the taxes Odoo computes of it, no more of each than is left.

        :param dict rest: {tax: amount left}; what is taken is taken off
        """
        [base_line] = self._compute_lines(bill, [vals], on_bill=False, rounding='round_globally')
        taxes = {}
        for data in base_line['tax_details']['taxes_data']:
            if data['is_reverse_charge']:
                continue
            tax = data['tax']
            amount = data['tax_amount_currency']
            if left is not None:
                own = next(
                    group.taxes.get(tax, {}).get('tax_amount_currency', 0.0)
                    for group in left
                    if group.line == share.line
                )
                wanted = -amount if tax._can_be_discounted() else 0.0
                taken = self._cap(bill, self._cap(bill, wanted, own), rest.get(tax, 0.0))
                rest[tax] = bill.currency_id.round(rest.get(tax, 0.0) - taken)
                amount = -taken
            taxes[tax] = {
                'tax_amount_currency': amount,
                'base_amount_currency': bill.currency_id.round(
                    data['base_amount_currency'] + share.base - self._get_base(base_line)
                ),
            }
        return Share(share.line, share.base, None, taxes)

    def _prepare_given_vals(self, bill, vals, share, on_bill):
        """Return the values of a line whose base and taxes are given by its share."""
        rate = self._get_rate(bill, on_bill)
        included = self._get_included_taxes(share.line.tax_ids)
        price = share.base + sum(
            amounts['tax_amount_currency']
            for tax, amounts in share.taxes.items()
            if tax in included
        )
        # Another day's rate is another document's: what is its in the company's currency.
        is_same_rate = on_bill or bill.currency_id == bill.company_currency_id

        def get_company_amount(amount, known):
            if is_same_rate and known is not None:
                return known
            return bill.company_currency_id.round(amount / rate) if rate else 0.0

        return {
            **vals,
            'price_unit': price,
            'extra_tax_data': {
                'computation_key': COMPUTATION_KEY,
                'currency_id': bill.currency_id.id,
                'price_unit': price,
                'quantity': 1.0,
                'discount': 0.0,
                'rate': rate,
                'manual_total_excluded_currency': share.base,
                'manual_total_excluded': get_company_amount(share.base, share.company_base),
                # Odoo takes none of this for a line that gives no tax: so one that is none.
                'manual_tax_amounts': {
                    str(tax.id): {
                        name: amounts[name]
                        if name.endswith('_currency')
                        else get_company_amount(amounts[f'{name}_currency'], amounts.get(name))
                        for name in TAX_AMOUNTS
                    }
                    for tax, amounts in share.taxes.items()
                }
                or {'0': {}},
            },
        }

    def _get_included_taxes(self, taxes):
        return taxes.flatten_taxes_hierarchy().filtered(
            lambda tax: tax.price_include and not tax.has_negative_factor
        )

    def _get_rate(self, bill, on_bill):
        """Return the rate of the bill, or of a document that is made today."""
        if on_bill:
            return bill.invoice_currency_rate or 1.0
        return bill._get_expected_currency_rate_at(bill._assist_get_linked_date())

    # === COMPUTING === #

    def _compute_lines(self, bill, lines, on_bill=True, rounding=None):
        """Return base lines with taxes, rounded as on one document; those of `lines` come last.

        :param lines: values of lines that are not there yet, signed as on the bill
        :param bool on_bill: with the lines of this bill, all taxes of which are computed anew
        """
        tax = self.env['account.tax']
        base_lines = []
        if on_bill:
            base_lines += [
                bill._prepare_product_base_line_for_taxes_computation(line)
                for line in bill.invoice_line_ids
                if line.display_type == 'product'
            ]
        base_lines += [
            tax._prepare_base_line_for_taxes_computation(
                None,
                # A document of its own is made as bills are made now.
                _assist_rounds_lines=bill.assist_rounds_lines or not on_bill,
                product_id=self.env['product.product'].browse(vals['product_id']),
                tax_ids=tax.browse(vals['tax_ids'][0][2]),
                price_unit=vals['price_unit'],
                quantity=1.0,
                currency_id=bill.currency_id,
                partner_id=bill.commercial_partner_id,
                account_id=self.env['account.account'].browse(vals['account_id']),
                analytic_distribution=vals['analytic_distribution'],
                rate=self._get_rate(bill, on_bill),
                # As the lines that are there have it: their taxes are summed up with these.
                sign=bill.direction_sign,
                extra_tax_data=vals.get('extra_tax_data'),
            )
            for vals in lines
        ]
        for base_line in base_lines:
            tax._add_tax_details_in_base_line(base_line, bill.company_id, rounding)
        tax_lines = bill.line_ids.browse()
        if on_bill and lines and not any(vals['tax_ids'][0][2] for vals in lines):
            # What somebody wrote into the tax lines stays if only lines without taxes are added.
            tax_lines = bill.line_ids.filtered(lambda line: line.display_type == 'tax')
        tax._round_base_lines_tax_details(
            base_lines,
            bill.company_id,
            [bill._prepare_tax_line_for_taxes_computation(line) for line in tax_lines],
        )
        return base_lines

    def _get_base(self, base_line):
        details = base_line['tax_details']
        return details['total_excluded_currency'] + details['delta_total_excluded_currency']

    def _sum_taxes(self, bill, shares):
        """Return {tax: amount} of `Share`s."""
        taxes = defaultdict(float)
        for share in shares:
            for tax, amounts in share.taxes.items():
                taxes[tax] = bill.currency_id.round(taxes[tax] + amounts['tax_amount_currency'])
        return taxes

    def _sum_base_lines(self, base_lines):
        """Return {tax: amount} of base lines; the other side of a reversed charge left out."""
        taxes = defaultdict(float)
        for base_line in base_lines:
            for data in base_line['tax_details']['taxes_data']:
                if not data['is_reverse_charge']:
                    taxes[data['tax']] += data['tax_amount_currency']
        return taxes

    # === TOTALS === #

    def _get_total(self, bill, base_lines, on_bill):
        """Return the total that these lines come to, on the bill or on a document of their own."""
        tax = self.env['account.tax']
        if on_bill and (early := self._prepare_early_payment(bill, base_lines)):
            tax._add_tax_details_in_base_lines(early, bill.company_id)
            base_lines = base_lines + early
            tax._round_base_lines_tax_details(base_lines, bill.company_id)
        taxes = [
            data['tax_amount_currency']
            for base_line in base_lines
            for data in base_line['tax_details']['taxes_data']
        ]
        total = bill.currency_id.round(sum(map(self._get_base, base_lines)) + sum(taxes))
        rounding = bill.invoice_cash_rounding_id if on_bill else None
        # Odoo puts it on the biggest tax, if there is one.
        if rounding and (
            rounding.strategy != 'biggest_tax' or self._has_tax_lines(bill, base_lines)
        ):
            total += rounding.compute_difference(bill.currency_id, total)
        return total

    def _has_tax_lines(self, bill, base_lines):
        """Tell whether a bill of these has lines for taxes: those that come to zero have none."""
        tax = self.env['account.tax']
        for base_line in base_lines:
            # What is not there is False on stored lines, and None on others: two groups for Odoo.
            base_line['analytic_distribution'] = base_line['analytic_distribution'] or None
        tax._add_accounting_data_in_base_lines_tax_details(base_lines, bill.company_id)
        return bool(tax._prepare_tax_lines(base_lines, bill.company_id)['tax_lines_to_add'])

    def _prepare_early_payment(self, bill, base_lines):
        """Return what an early payment discount that lowers the taxes adds to these base lines."""
        term = bill.invoice_payment_term_id
        if not term.early_discount or term.early_pay_discount_computation != 'mixed':
            return []
        amounts = defaultdict(float)
        for base_line in base_lines:
            taxes = base_line['tax_ids'].filtered(lambda tax: tax.amount_type != 'fixed')
            if base_line['tax_ids']:
                part = base_line['tax_details']['total_excluded_currency']
                amounts[taxes] -= bill.currency_id.round(part * term.discount_percentage / 100)
        amounts[self.env['account.tax']] -= sum(amounts.values())
        return [
            self.env['account.tax']._prepare_base_line_for_taxes_computation(
                None,
                tax_ids=taxes,
                price_unit=amount,
                quantity=1.0,
                currency_id=bill.currency_id,
                partner_id=bill.commercial_partner_id,
                rate=self._get_rate(bill, on_bill=True),
                special_mode='total_excluded',
                special_type='early_payment',
            )
            for taxes, amount in amounts.items()
        ]
