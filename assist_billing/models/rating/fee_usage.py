from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from odoo import models

from ...rules import fees
from ...rules.shapes import ZERO, Line
from .usage import Outcome, as_decimal, subtract_spans


@dataclass
class FeeShare:
    """A fee of one period on a bill: charged (`fee`), or set right after it was (`true_up`)."""

    # The period that it is for: that of the bill, or another one, in advance.
    cycle: models.Model
    fee: fees.Fee
    # Of quantity zero it is kept, but not printed.
    line: Line
    units: Decimal = ZERO
    # Hours that the period has with it, all in all.
    hours: Decimal = ZERO
    # What is kept of it already, an `assist.billing.cycle.fee`.
    row: models.Model | None = None


class AssistBillingCycle(models.Model):
    """What fees cycles bill: their own in arrears, others' in advance. Nothing here writes."""

    _inherit = 'assist.billing.cycle'

    def _get_fee_shares(self):
        """Return what fees the bills of these cycles charge: a dict of cycle -> list of FeeShare.

        A cycle that opened without fees is not in it, and costs no query. What an open cycle
        bills is found out now; what another one billed, or is to bill again, was kept.
        """
        cycles = self.filtered(lambda cycle: 'fees' in cycle._read_terms())
        if not cycles:
            return {}
        rows = self.env['assist.billing.cycle.fee'].search(
            ['|', ('cycle_id', 'in', cycles.ids), ('billing_cycle_id', 'in', cycles.ids)]
        )
        own, carried = rows.grouped('cycle_id'), rows.grouped('billing_cycle_id')
        opened = cycles.filtered(lambda cycle: cycle.state == 'open')
        upcoming = opened._find_fees_due()
        devices = (opened | self.concat(*upcoming.values()))._read_fee_devices()
        none, shares = rows.browse(), {}
        for cycle in cycles:
            if cycle in opened:
                shares[cycle] = cycle._rate_own_fees(own.get(cycle, none), devices[cycle.id])
            else:
                shares[cycle] = cycle._get_kept_fees(own.get(cycle, none))
            others = carried.get(cycle, none).filtered(
                lambda row, cycle=cycle: row.cycle_id != cycle
            )
            shares[cycle] += others._get_shares()
            for period in upcoming.get(cycle, ()):
                shares[cycle] += period._rate_fees_due(devices[period.id])
        return shares

    def _find_fees_due(self):
        """Return for which periods the bills of these open cycles charge fees in advance.

        Those of the same customer and currency that begin when the cycle ends, at the latest, and
        that no bill has charged yet.
        """
        due = self.search(
            [('association_id', 'in', self.association_id.ids), ('fees_due', '=', True)],
            order='date_start',
        ).grouped('association_id')
        return {
            cycle: due.get(cycle.association_id, self.browse()).filtered(
                lambda period, cycle=cycle: (
                    period != cycle
                    and period.currency_id == cycle.currency_id
                    and period.date_start <= cycle.date_end
                )
            )
            for cycle in self
        }

    def _read_fee_devices(self):
        """Return the days of devices for fees per device: a dict of cycle id -> devices."""
        counted = self.filtered(lambda cycle: cycle._counts_devices_for_fees())
        return counted._read_device_days() if counted else defaultdict(list)

    def _get_fees(self):
        """Return the fees that were in force when this cycle opened, as `rules.fees.Fee`."""
        self.ensure_one()
        return [fees.Fee.from_dict(values) for values in self._read_terms().get('fees', ())]

    def _get_fee_period(self):
        """Return this cycle as `rules.fees.Period`, with what is known of its days of service."""
        self.ensure_one()
        served = subtract_spans([(self.date_start, self.date_end)], self._get_suspended_spans())
        return fees.Period(self.date_start, self.date_end, self.whole_date_end, sorted(served))

    # === WHAT IS BILLED NOW === #

    def _rate_own_fees(self, rows, devices):
        """Return the fees of this open cycle that its own bill charges, and what it sets right.

        :param rows: those of its fees that were charged in advance
        """
        self.ensure_one()
        terms, period = self._get_frozen_terms(), self._get_fee_period()
        known, shares = set(rows.fee_id.ids), []
        for fee in self._get_fees():
            if fee.id in known:
                continue
            shares.append(self._rate_whole_fee(terms, fee, period, devices))
        for row in rows:
            # Free of charge, or given back by a bill that was waived: it is on this one.
            if row.billing_cycle_id == self or not (row.billing_cycle_id or row.own_move_id):
                shares += row._get_shares()
            shares.append(row._get_true_up_share(terms, period, devices))
        return shares

    def _rate_fees_due(self, devices):
        """Return the fees of this period that a bill charges in advance."""
        self.ensure_one()
        terms, period = self._get_frozen_terms(), self._get_fee_period()
        shares = []
        known = set(self.fee_ids.fee_id.ids)
        for fee in self._get_fees():
            if fee.is_advance and fee.id not in known:
                charge = fees.get_advance(terms, fee, period, devices)
                shares.append(self._make_fee_share(terms, fee, charge.units, charge.quantity))
        waiting = self.fee_ids.filtered(lambda row: not (row.billing_cycle_id or row.own_move_id))
        return shares + waiting._get_shares()

    def _rate_whole_fee(self, terms, fee, period, devices):
        """Return what a fee of this period comes to that nothing was charged for before."""
        if fee.is_advance:
            charge = fees.get_advance(terms, fee, period, devices)
            quantity = charge.quantity + fees.get_true_up(terms, charge, period, devices)
        else:
            charge = fees.get_arrears(terms, fee, period, devices)
            quantity = charge.quantity
        return self._make_fee_share(terms, fee, charge.units, quantity)

    def _make_fee_share(self, terms, fee, units, quantity):
        self.ensure_one()
        return FeeShare(
            self,
            fee,
            fees.make_line(terms, 'fee', fee, quantity),
            units,
            fees.get_hours(terms, fee, quantity),
        )

    def _get_fees_due_outcomes(self):
        """Return what bills for the fees in advance alone would charge: for each cycle its own."""
        devices = self._read_fee_devices()
        return [
            Outcome(cycle=cycle, rating=None, fees=cycle._rate_fees_due(devices[cycle.id]))
            for cycle in self
        ]

    # === HOURS THAT COME WITH FEES === #

    def _with_fee_hours(self, shares):
        """Return this cycle such that its rating knows the hours of these fees of its own."""
        self.ensure_one()
        if self.state != 'open' or 'fees' not in self._read_terms():
            return self
        own = {share.fee.id: share.hours for share in shares if share.cycle == self}
        return self.with_context(assist_fee_hours=sum(own.values(), ZERO))

    # === BY ITSELF, FOR COMPARISON === #

    def _get_fees_of_period(self):
        """Return what is charged for the fees of this period, by whichever bill; so far if open."""
        self.ensure_one()
        charged = self.fee_ids._get_shares()
        if self.state != 'open':
            return charged + [row._get_kept_true_up() for row in self.fee_ids]
        found_out = self._get_fee_shares().get(self, ())
        return charged + [
            share
            for share in found_out
            if share.cycle == self and not (share.row and share.line.charge == 'fee')
        ]

    def _simulate_fees(self, devices):
        """Return what the fees in the terms of this period come to, whatever was charged for it.

        :param devices: those there were in it
        :return: this cycle such that its rating knows their hours, and a list of FeeShare
        """
        self.ensure_one()
        terms, period = self._get_frozen_terms(), self._get_fee_period()
        shares = [self._rate_whole_fee(terms, fee, period, devices) for fee in self._get_fees()]
        hours = sum((share.hours for share in shares), ZERO)
        return self.with_context(assist_fee_hours=hours), shares

    def _get_fee_hours(self):
        """Return the hours that come with the fees of this cycle: those kept, if it has closed."""
        self.ensure_one()
        hours = self.env.context.get('assist_fee_hours')
        if hours is not None:
            return hours
        return sum((as_decimal(row.hours) for row in self.fee_ids), ZERO)

    def _counts_devices_for_fees(self):
        """Tell whether fees of this cycle are per device, whoever else counts them."""
        self.ensure_one()
        return 'fees' in self._read_terms() and (
            any(fee.counts_devices for fee in self._get_fees())
            or any(row._get_fee().counts_devices for row in self.fee_ids)
        )

    # === WHAT WAS BILLED === #

    def _get_kept_fees(self, rows):
        """Return what the bill of this cycle charged for its own period."""
        self.ensure_one()
        own = rows.filtered(lambda row: row.billing_cycle_id == self)
        return own._get_shares() + [row._get_kept_true_up() for row in rows if row.true_up_quantity]


class AssistBillingCycleFee(models.Model):
    """A fee that was charged, as a bill charges it again."""

    _inherit = 'assist.billing.cycle.fee'

    def _get_fee(self):
        """Return the fee as it was charged, `rules.fees.Fee`."""
        self.ensure_one()
        return fees.Fee.from_dict(self.fee_terms)

    def _get_shares(self):
        """Return what is charged for each of these, as a list of FeeShare."""
        shares = []
        for row in self.sorted(lambda row: (row.cycle_id.date_start, row.id)):
            fee = row._get_fee()
            line = fees.make_line(
                row.cycle_id._get_frozen_terms(),
                'fee',
                fee,
                as_decimal(row.quantity),
                as_decimal(row.price),
            )
            shares.append(
                FeeShare(row.cycle_id, fee, line, as_decimal(row.units), as_decimal(row.hours), row)
            )
        return shares

    def _get_true_up_share(self, terms, period, devices):
        """Return by what this one is set right once its period is over."""
        self.ensure_one()
        fee = self._get_fee()
        charged = fees.FeeCharge(fee, as_decimal(self.units), as_decimal(self.quantity))
        quantity = fees.get_true_up(terms, charged, period, devices)
        return self._make_true_up(
            terms, quantity, fees.get_hours(terms, fee, charged.quantity + quantity)
        )

    def _get_kept_true_up(self):
        self.ensure_one()
        terms = self.cycle_id._get_frozen_terms()
        return self._make_true_up(terms, as_decimal(self.true_up_quantity), as_decimal(self.hours))

    def _make_true_up(self, terms, quantity, hours):
        self.ensure_one()
        fee = self._get_fee()
        line = fees.make_line(terms, 'true_up', fee, quantity, as_decimal(self.price))
        return FeeShare(self.cycle_id, fee, line, as_decimal(self.units), hours, self)
