"""Fees: what a period costs whatever was done in it, and the hours that come with it.

A fee is charged once for each period (cycle) of a customer: in arrears on the period's own bill, or
in advance on the bill before it. What is charged in advance is charged by what is known then; on
the period's own bill it is set right, by a line of its own (a *true-up*):

- 12 devices at 8.00 are charged in advance, one more comes on day 10 of 31: it was there for 22
  days, and 22 / 31 = 0.71. At 12.00 that is 0.71 x 12.00 = 8.52.
- 500.00 are charged in advance for 31 days, the customer leaves after 10: 10 / 31 = 0.32 are
  served, so 0.32 - 1.00 = -0.68, and -0.68 x 500.00 = -340.00.

It is the quantity that is cut by days and rounded, half up, to the digits of quantities, so that
printed quantity x printed price is the amount. Days without service (suspended, or after the end)
are not charged if the fee is prorated. One that is not is charged in full for a period with a day
of service, and not at all for a period without one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from .cycles import month_factor
from .rating import clip_spans, count_devices
from .shapes import ONE, ZERO, Device, Group, Line, Terms, round_half_up

QUANTITY_RULES = ('fixed', 'devices', 'seats')
CHARGES = ('advance', 'arrears')
TRUE_UPS = ('none', 'up', 'both')


@dataclass(frozen=True)
class Fee:
    """A fee as a cycle keeps it; the price, and the hours that come with one of it, are per unit.

    `quantity` counts where the rule is `fixed` or `seats`. `true_up` says what becomes of devices
    that come or go within a period charged in advance: nothing, those that come are charged by
    days, or those that go are credited too.

    :raise ValueError: a negative value, one that is no number, no choice; the message names it
    """

    id: Any
    product: Any = None
    name: str = ''
    quantity_rule: str = 'fixed'
    quantity: Decimal = ONE
    price: Decimal = ZERO
    charge: str = 'advance'
    included_hours: Decimal = ZERO
    prorate: bool = False
    true_up: str = 'none'

    def __post_init__(self):
        for name, choices in (
            ('quantity_rule', QUANTITY_RULES),
            ('charge', CHARGES),
            ('true_up', TRUE_UPS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}: {getattr(self, name)!r} is none of {', '.join(choices)}."
                )
        for name in ('quantity', 'price', 'included_hours'):
            try:
                number = Decimal(str(getattr(self, name)))
            except InvalidOperation:
                number = Decimal('NaN')
            if not number.is_finite() or number < 0:
                raise ValueError(
                    f"{name}: {getattr(self, name)!r} is not a number of zero or more."
                )
            object.__setattr__(self, name, number)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Fee':
        """Return the fee found in `values`: other keys are ignored, missing ones neutral."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})

    @property
    def is_advance(self) -> bool:
        return self.charge == 'advance'

    @property
    def counts_devices(self) -> bool:
        return self.quantity_rule == 'devices'


@dataclass(frozen=True)
class FeeGroup(Group):
    """What a line of a fee is about: its product, and what it is called on the bill."""

    fee: Any = None
    name: str = ''


@dataclass(frozen=True)
class Period:
    """A period: first day, the day after its last, the same uncut, and the spans of days served.

    `served` is what is known of it: half-open spans within the period, in order.
    """

    date_start: date
    date_end: date
    whole_end: date
    served: Sequence[tuple[date, date]]

    @property
    def whole_days(self) -> int:
        return (self.whole_end - self.date_start).days

    @property
    def served_days(self) -> int:
        return _count_days(self.served)

    @property
    def first_day(self) -> date:
        """The first day with service; of a period without one, its first."""
        return self.served[0][0] if self.served else self.date_start

    def get_share(self, prorate: bool) -> Fraction:
        """Return how much of a fee the period is: by days if prorated, else all or nothing.

        10 of 31 days: 10/31 prorated, else 1. Without a day of service 0 in either case.
        """
        if prorate:
            return Fraction(self.served_days, self.whole_days)
        return Fraction(bool(self.served_days))


@dataclass(frozen=True)
class FeeCharge:
    """What is charged for a fee and a period: so many `units` of it, which are a `quantity`.

    The two differ where the period is cut short: 12 devices for 10 of 31 days are 3.87.
    """

    fee: Fee
    units: Decimal
    quantity: Decimal


def _count_days(spans):
    return sum((end - start).days for start, end in spans)


def get_price(terms: Terms, fee: Fee) -> Decimal:
    """Return what one unit costs in a cycle: monthly terms are scaled, as device prices are.

    8.00 a month are 24.00 for a customer who is billed by the quarter.
    """
    return terms.printed_price(_get_scale(terms) * Fraction(fee.price))


def get_hours(terms: Terms, fee: Fee, quantity: Decimal) -> Decimal:
    """Return the hours that come with a `quantity` of a fee: 5 hours each, for 0.32: 1.60."""
    each = round_half_up(_get_scale(terms) * Fraction(fee.included_hours), Decimal('0.01'))
    return each * max(ZERO, quantity)


def _get_scale(terms):
    return month_factor(terms.cycle) if terms.amounts_per == 'month' else Fraction(1)


def get_advance(terms: Terms, fee: Fee, period: Period, devices: Iterable[Device]) -> FeeCharge:
    """Return what is charged in advance: devices are those of the period's first day."""
    units = fee.quantity
    if fee.counts_devices:
        units = Decimal(_count_on(devices, period.first_day))
    return FeeCharge(fee, units, _round(terms, Fraction(units) * period.get_share(fee.prorate)))


def get_arrears(terms: Terms, fee: Fee, period: Period, devices: Iterable[Device]) -> FeeCharge:
    """Return what is charged afterwards: devices are counted as the plan counts them."""
    units = fee.quantity
    if fee.counts_devices:
        units = count_devices(terms, period.date_start, period.date_end, devices)
    return FeeCharge(fee, units, _round(terms, Fraction(units) * period.get_share(fee.prorate)))


def get_true_up(
    terms: Terms, billed: FeeCharge, period: Period, devices: Iterable[Device]
) -> Decimal:
    """Return by what quantity a charge in advance is to be set right; below zero: a credit.

    :param billed: what was charged in advance
    :param period: as it has become
    :param devices: as they were in it
    """
    fee, units = billed.fee, billed.units
    if fee.counts_devices and period.first_day != period.date_start and not units:
        # There was no service yet on the day on which they were to be counted.
        units = _count_on(devices, period.first_day)
    due = Fraction(units) * period.get_share(fee.prorate)
    if fee.counts_devices and fee.true_up != 'none':
        whole = period.whole_days if fee.prorate else period.served_days
        days = sum(_count_served_days(device, period) for device in devices)
        there = Fraction(days, whole) if whole else Fraction(0)
        due = there if fee.true_up == 'both' else max(due, there)
    return _round(terms, due) - billed.quantity


def make_line(
    terms: Terms, charge: str, fee: Fee, quantity: Decimal, price: Decimal | None = None
) -> Line:
    """Return the line of a fee, or of its true-up; of less than nothing the amount is, too.

    :param str charge: `fee` or `true_up`
    :param price: that of the line it sets right; default: that of the terms
    """
    price = get_price(terms, fee) if price is None else price
    group = FeeGroup(product=fee.product, fee=fee.id, name=fee.name)
    return terms.make_line(charge, quantity, price, group)


def _round(terms, quantity):
    return round_half_up(Fraction(quantity), ONE.scaleb(-terms.quantity_digits))


def _count_on(devices, day):
    """Return how many of the devices are there on a day."""
    return sum(
        any((start or day) <= day and (end is None or day < end) for start, end in device.days)
        for device in devices
    )


def _count_served_days(device, period):
    """Return the days with service on which a device was there."""
    return sum(_count_days(clip_spans(device.days, *span)) for span in period.served)
