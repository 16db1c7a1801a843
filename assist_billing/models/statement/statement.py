from collections import defaultdict
from fractions import Fraction

from odoo import models
from odoo.tools import SQL

from ...rules import rating
from ...rules.shapes import ONE, ZERO, round_half_up
from ...utils.checks import count_digits
from ..invoice.account_move_line import PRINTED_DIGITS
from ..rating.usage import as_decimal
from .shapes import (
    Statement,
    StatementDevice,
    StatementLine,
    StatementSection,
)


class AssistBillingCycle(models.Model):
    """The statement of a cycle: each session and device, and how they make the bill.

    Nothing here writes, and the internal note of a session is never read.
    """

    _inherit = 'assist.billing.cycle'

    # === STATEMENT === #

    def _get_statement(self):
        """Return the Statement of this cycle; of one not billed yet, as it would be now.

        A closed cycle is rated again from its frozen terms, the sessions stamped with it and the
        device days kept, so that rows add up to the lines of its bill exactly.
        """
        # sudo: who may see the bill or the cycle may see what it is made of, although he may not
        # read technicians, devices and sessions by themselves (the portal)
        cycle = self.sudo()
        cycle.ensure_one()
        rated, late = cycle._get_statement_rating()
        lines = cycle._get_statement_lines(rated, late, cycle.move_id)
        own = cycle._get_own_sections(rated, lines)
        return Statement(
            cycle=cycle,
            bill=cycle.move_id,
            terms=cycle._get_terms(),
            sections=own + cycle._get_late_sections(late, lines),
            devices=cycle._get_statement_devices(rated, lines),
            lines=lines,
            no_charge=cycle._get_no_charge_rows(),
            bars=cycle._get_bars([row for section in own for row in section.rows]),
        )

    def _get_late_statement(self, bill):
        """Return the Statement of a supplementary bill for late sessions of this cycle."""
        # sudo: as for the statement of a bill
        cycle, bill = self.sudo(), bill.sudo()
        late = cycle._get_billed_late(cycle.prior_ids.filtered(lambda prior: prior.move_id == bill))
        lines = cycle._get_statement_lines(None, late, bill)
        return Statement(
            cycle=cycle,
            bill=bill,
            terms=cycle._get_terms(),
            sections=cycle._get_late_sections(late, lines),
            lines=lines,
        )

    def _get_statement_rating(self):
        """Return the rating (None if waived) and the late sessions of this cycle's bill.

        :return: `rules.rating.Rating`, and a list of (cycle, line or None, list of shares)
        """
        if self.state in ('open', 'to_rebill'):
            outcome = self._get_outcomes()[self]
            return outcome.rating, [
                (usage.origin, usage.line, list(usage.shares)) for usage in outcome.late
            ]
        late = self._get_billed_late(self.prior_ids.filtered(lambda prior: not prior.move_id))
        if self.state == 'waived':
            return None, late
        sessions = self._read_sessions_where(
            SQL("s.state = 'billed' AND s.cycle_id = c.id AND s.prior_id IS NULL")
        )
        devices = self._read_device_days()
        return self._rate(sessions[self.id], devices[self.id]), late

    def _get_billed_late(self, priors):
        """Return late sessions as they were billed, see `_get_statement_rating`."""
        late = []
        for prior in priors.sorted(lambda prior: (prior.origin_cycle_id.date_start, prior.id)):
            values = (as_decimal(prior[name]) for name in ('quantity', 'price', 'amount'))
            origin = prior.origin_cycle_id
            shares = [origin._get_late_share(session) for session in prior.session_ids]
            late.append((origin, rating.Line('prior', *values) if prior.quantity else None, shares))
        return late

    # === LINES === #

    def _get_statement_lines(self, rated, late, bill):
        """Return the usage lines as a list of StatementLine, in the order they are printed.

        Price and amount are those that `bill` prints, if there is one: a fiscal position may have
        taken an included tax out of the price, and amounts are printed with taxes or without.
        """
        charged = [(line, self) for line in (rated.lines if rated else ())]
        charged += [(line, origin) for origin, line, _shares in late if line]
        printed = defaultdict(list)
        for line in bill.invoice_line_ids.sorted(lambda line: (line.sequence, line.id)):
            printed[line.assist_charge].append(line)
        lines = []
        for line, origin in charged:
            price, amount = line.price, line.amount
            if found := printed[line.charge][:1]:
                del printed[line.charge][0]
                price, amount = self._get_printed_amounts(found[0], line.quantity)
            terms = rating.Terms.from_dict(origin.terms)
            lines.append(
                StatementLine(
                    line.charge,
                    # The period stands above; that of late sessions is another one.
                    self._get_charge_label(line.charge, origin),
                    line.quantity,
                    price,
                    amount,
                    quantity_digits=terms.quantity_digits,
                    price_digits=max(terms.price_digits, count_digits(price)),
                )
            )
        return lines

    def _get_charge_label(self, charge, origin):
        """Return what a line charges, in the language of the context."""
        labels = {
            'session': self.env._("Sessions"),
            'hour': self.env._("Hours"),
            'base_fee': self.env._("Base fee per session"),
            'device': self.env._("Unattended devices"),
            'minimum': self.env._("Top-up to the minimum charge"),
        }
        if charge in labels:
            return labels[charge]
        return self.env._("Received late: %(period)s", period=origin._format_period())

    def _get_printed_amounts(self, line, quantity):
        """Return price and amount of an invoice line as its document prints them.

        Where an amount with taxes stands beside a price without, the price is given with them too:
        quantity x price is the amount.
        """
        with_taxes = line.move_id.company_price_include == 'tax_included'
        amount = as_decimal(line.price_total if with_taxes else line.price_subtotal)
        rounding, step = self._get_rounding(), ONE.scaleb(-PRINTED_DIGITS)
        amount = round_half_up(amount, rounding)
        price = round_half_up(as_decimal(line.price_unit), step)
        if round_half_up(quantity * price, rounding) != amount:
            price = round_half_up(Fraction(amount) / Fraction(quantity), step)
        return price, amount

    def _get_rounding(self):
        return rating.Terms.from_dict(self.terms).currency_rounding

    def _fit(self, amounts, total):
        """Return `amounts` such that they make `total`, in proportion to what they are."""
        if sum(amounts) == total:
            return amounts
        weights = [Fraction(amount) for amount in amounts]
        return rating.split(
            total, self._get_rounding(), weights if any(weights) else [1] * len(weights)
        )

    # === SESSIONS === #

    def _get_own_sections(self, rated, lines):
        """Return the section of this cycle's own sessions, as a list; empty without any."""
        if not rated or not rated.sessions:
            return []
        usage = rated.get_line('session', 'hour')
        line = next((line for line in lines if line.charge == usage.charge), None)
        fee = next((line for line in lines if line.charge == 'base_fee'), None)
        gross = sum((share.amount for share in rated.sessions), ZERO)
        included = rated.included
        if line and line.amount != usage.amount:
            # The bill prints it in another tax mode than it was rated in.
            ratio = (
                Fraction(line.amount) / Fraction(usage.amount)
                if usage.amount
                else Fraction(line.price) / Fraction(usage.price or ONE)
            )
            gross = round_half_up(Fraction(gross) * ratio, self._get_rounding())
            included = rating.Included(included.quantity, line.amount - gross)
        amounts = self._fit([share.amount for share in rated.sessions], gross)
        fees = [share.base_fee for share in rated.sessions]
        fees = self._fit(fees, fee.amount) if fee else fees
        rows = self._get_rows(
            [
                (share, {'quantity': share.quantity, 'amount': amount, 'base_fee': base_fee})
                for share, amount, base_fee in zip(rated.sessions, amounts, fees, strict=True)
            ]
        )
        return [StatementSection(self, rows, line, included)]

    def _get_late_sections(self, late, lines):
        """Return a section for each earlier period of which sessions came in late."""
        prior_lines = iter([line for line in lines if line.charge == 'prior'])
        sections = []
        for origin, charged, shares in late:
            line = next(prior_lines) if charged else None
            quantities = origin._split_late_quantity(charged, shares)
            amounts = origin._split_late_amount(line.amount if line else ZERO, shares)
            rows = self._get_rows(
                [
                    (share, {'quantity': quantity, 'amount': amount})
                    for share, quantity, amount in zip(shares, quantities, amounts, strict=True)
                ]
            )
            sections.append(StatementSection(origin, rows, line, is_late=True))
        return sections

    def _split_late_quantity(self, line, shares):
        """Split what late sessions of this cycle are charged for over their `shares`."""
        terms = self._get_terms()
        hourly = terms.billing_type == 'hour'
        weights = [share.billed_seconds if hourly else int(not share.reason) for share in shares]
        step = ONE.scaleb(-terms.quantity_digits)
        price = terms.printed_price(terms.price_per_hour if hourly else terms.price_per_session)
        if line and line == terms.make_line('prior', line.quantity, price):
            total = line.quantity
        else:  # charged as 1 x the difference, or nothing: the quantity is for information
            total = round_half_up(Fraction(sum(weights), 3600 if hourly else 1), step)
        return rating.split(total, step, weights if any(weights) else [1] * len(weights))

    def _split_late_amount(self, total, shares):
        """Split the amount for late sessions of this cycle over their `shares`."""
        terms = self._get_terms()
        fee, price = Fraction(terms.base_fee), Fraction(terms.price_per_hour) / 3600
        if terms.billing_type == 'hour':
            weights = [
                share.billed_seconds * price + (0 if share.reason else fee) for share in shares
            ]
        else:
            weights = [Fraction(int(not share.reason)) for share in shares]
        return rating.split(
            total, self._get_rounding(), weights if any(weights) else [1] * len(weights)
        )

    # === DEVICES === #

    def _get_statement_devices(self, rated, lines):
        """Return the devices and their parts of the device line, by name."""
        if not rated:
            return []
        line = next((line for line in lines if line.charge == 'device'), None)
        amounts = [share.amount for share in rated.devices]
        amounts = self._fit(amounts, line.amount) if line else amounts
        devices = [
            StatementDevice(
                device=self.env['assist.device'].browse(share.id),
                days=share.days,
                spans=share.spans,
                quantity=share.quantity,
                amount=amount,
            )
            for share, amount in zip(rated.devices, amounts, strict=True)
        ]
        return sorted(devices, key=lambda row: (row.device.name.casefold(), row.device.id))
