"""What rating is given and what it gives: terms, sessions, devices; lines, shares, a rating."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

from .allowances import Allowance
from .bands import Hours
from .cycles import CYCLES
from .rates import Rate
from .rollover import ROLLOVERS, make_allowances, read_carried
from .tiers import MODES, read_tiers

ZERO, ONE, HUNDREDTH = Decimal(0), Decimal(1), Decimal('0.01')
# What is charged by the session or by the hour.
USAGE = ('session', 'hour')
CHOICES = {
    'billing_type': ('session', 'hour'),
    'device_count': ('any_day', 'at_close', 'peak', 'by_day'),
    'amounts_per': ('cycle', 'month'),
    'cycle': tuple(CYCLES),
    'tier_mode': MODES,
    'rollover': ROLLOVERS,
}


def round_half_up(value: Decimal | Fraction, step: Decimal) -> Decimal:
    """Return `value` as a whole number of `step`, halves away from zero."""
    # In whole numbers: fractions would be reduced at each step, and this is asked all the time.
    above, below = value.as_integer_ratio()
    step_above, step_below = step.as_integer_ratio()
    above, below = above * step_below, below * step_above
    units = (2 * abs(above) + below) // (2 * below)
    return step * (units if above >= 0 else -units)


def get_seconds(start: datetime, end: datetime) -> int:
    """Return the whole seconds from one instant to another, rounded down."""
    span = end - start
    return 86400 * span.days + span.seconds


def split(total, step, weights):
    """Split `total`, a whole number of `step`, in proportion to `weights`, largest remainder first.

    Of equal remainders the earlier one wins. Weights may be fractions; without any, nothing is
    split off.
    """
    units, whole = int(total / step), sum(weights) or 1
    parts = [units * weight // whole for weight in weights]
    if rest := units - sum(parts):
        by_remainder = sorted(range(len(weights)), key=lambda i: -(units * weights[i] % whole))
        for i in by_remainder[:rest]:
            parts[i] += 1
    return [part * step for part in parts]


def split_somehow(total, step, weights):
    """Split `total` as `split` does, evenly where all weights are zero."""
    return split(total, step, weights if any(weights) else [1] * len(weights))


# === GIVEN === #


@dataclass(frozen=True)
class Terms:
    """Prices and rules of one cycle; every rule is off by default.

    A rule of one's own is a subclass with a field for it and the method that it changes; see
    `_get_terms_class` of `assist.billing.cycle`. Numbers may be decimals, integers, text or floats
    (which count as they print).

    :raise ValueError: a negative value, one that is no number, no choice; the message names it
    """

    billing_type: str = 'session'
    price_per_session: Decimal = ZERO
    price_per_hour: Decimal = ZERO
    charge_devices: bool = False
    price_per_device: Decimal = ZERO
    device_count: str = 'any_day'
    ignore_under_seconds: int = 0
    merge_gap_minutes: int = 0
    minimum_minutes: int = 0
    increment_minutes: int = 0
    base_fee: Decimal = ZERO
    base_minutes: int = 0
    included_quantity: Decimal = ZERO
    minimum_charge: Decimal = ZERO
    amounts_per: str = 'cycle'
    prorate_partial: bool = False
    cycle: str = 'monthly'
    quantity_digits: int = 2
    price_digits: int = 2
    currency_rounding: Decimal = HUNDREDTH
    # The rate card: service hours, rates in their order, prices of this period by their first day,
    # and the products of bands that have one of their own. Days are those of the zone `tz`.
    hours: Hours | None = None
    rates: tuple = ()
    versions: tuple = ()
    band_products: tuple = ()
    tz: str = 'UTC'
    # Tiers in their order, and what one is for.
    tiers: tuple = ()
    tier_mode: str = 'graduated'
    # The charge for sessions or hours is at most this; 0 for no limit.
    maximum_charge: Decimal = ZERO
    # What becomes of an included quantity that was not used, see `rollover`; with what this cycle
    # was handed, and what it has handed on already and so does not have any more.
    rollover: str = 'none'
    rollover_cap: Decimal = ZERO
    rollover_cycles: int = 1
    carried: tuple = ()
    handed_on: tuple = ()
    # Hours that come with the fees of this cycle: it opens without them.
    fee_hours: Decimal = ZERO

    def __post_init__(self):
        for each in fields(self):
            read = READERS.get(each.name)
            value = getattr(self, each.name)
            value = read(value) if read else _read(each.name, each.type, value)
            object.__setattr__(self, each.name, value)
        if not self.currency_rounding:
            raise ValueError(f"currency_rounding: {self.currency_rounding} rounds to nothing.")
        if 0 < self.maximum_charge < self.minimum_charge:
            raise ValueError(
                f"maximum_charge: {self.maximum_charge} is below the minimum charge of "
                f"{self.minimum_charge}."
            )

    @property
    def is_plain(self) -> bool:
        """Tell whether there is one price and nothing else, so that no session is cut."""
        return not (
            self.rates
            or self.versions
            or (self.hours and self.band_products)
            or self.tiers
            or self.rollover != 'none'
        )

    @property
    def price(self) -> Decimal:
        """The price of a session or an hour, where nothing makes another of it."""
        return self.price_per_hour if self.billing_type == 'hour' else self.price_per_session

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Terms':
        """Return the terms found in `values`: other keys are ignored, missing ones neutral."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})

    def get_billed_seconds(self, seconds: int) -> int:
        """Return what is billed of the whole `seconds` of one session, merged ones included.

        Of a plan by session too, where it is for information.
        """
        seconds = max(seconds, self.minimum_minutes * 60)
        if increment := self.increment_minutes * 60:
            seconds = -(-seconds // increment) * increment
        # A plan by session has no base fee; minutes that one session leaves unused help no other.
        covered = self.base_minutes * 60 if self.billing_type == 'hour' else 0
        return max(0, seconds - covered)

    def get_allowances(self, scale: Fraction, units: int) -> list[Allowance]:
        """Return what costs nothing more, in the order of its use; extend it for other sources.

        :param scale: what amounts of the cycle are multiplied by
        :param units: as many are one session or hour; a multiple of all that divides them
        """
        included = scale * Fraction(self.included_quantity) * units
        own = [Allowance('included', int(included))] if included else []
        if self.fee_hours:
            own.append(Allowance('fees', int(Fraction(self.fee_hours) * units)))
        return make_allowances(self.carried, units) + own

    def get_divisor(self, scale: Fraction) -> int:
        """Return what units of allowances are a multiple of; extend it with `get_allowances`."""
        quantities = [scale * Fraction(self.included_quantity), Fraction(self.fee_hours)]
        quantities += [each.quantity for each in (*self.carried, *self.handed_on)]
        return lcm(*(each.denominator for each in quantities))

    def printed_price(self, price: Decimal | Fraction) -> Decimal:
        return round_half_up(price, ONE.scaleb(-self.price_digits))

    def make_line(
        self, charge: str, quantity: Decimal, price: Decimal, group: 'Group | None' = None
    ) -> 'Line':
        """Return the line of a printed quantity at a printed price."""
        amount = round_half_up(quantity * price, self.currency_rounding)
        return Line(charge, quantity, price, amount, group)


def _read(name, kind, value):
    if kind is str and value not in CHOICES.get(name, (value,)):
        raise ValueError(f"{name}: {value!r} is none of {', '.join(CHOICES[name])}.")
    if kind is bool and not isinstance(value, bool):
        raise ValueError(f"{name}: {value!r} is neither true nor false.")
    if kind in (str, bool):
        return value
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal('NaN')
    if not number.is_finite() or number < 0 or (kind is int and number % 1):
        wanted = "whole number" if kind is int else "number"
        raise ValueError(f"{name}: {value!r} is not a {wanted} of zero or more.")
    return kind(number)


def _read_hours(value):
    return Hours.from_dict(value) if isinstance(value, Mapping) else value or None


def _read_rates(values):
    return tuple(Rate.from_dict(each) if isinstance(each, Mapping) else each for each in values)


def _read_versions(values):
    """Return prices by their first day, in order; given as pairs, or as JSON keeps these."""
    return tuple(
        sorted(
            (
                date.fromisoformat(day) if isinstance(day, str) else day,
                _read('versions', Decimal, price),
            )
            for day, price in values
        )
    )


def _read_band_products(values):
    """Return the products of bands as pairs of band and product."""
    return tuple(tuple(pair) for pair in values)


READERS = {
    'hours': _read_hours,
    'rates': _read_rates,
    'versions': _read_versions,
    'band_products': _read_band_products,
    'tiers': read_tiers,
    'carried': read_carried,
    'handed_on': read_carried,
}


@dataclass(frozen=True)
class Session:
    """A finished session: naive UTC instants, of which whole seconds count.

    `customer`, `technician` and `device` may be anything hashable, ids anything that sorts. A
    session without device (None) is never merged.

    :raise ValueError: it ends before it starts
    """

    id: Any
    start: datetime
    end: datetime
    customer: Any = None
    technician: Any = None
    device: Any = None
    # What rates can be for: the kind of work, and the technician's grade.
    kind: Any = None
    grade: Any = None

    def __post_init__(self):
        for name in ('start', 'end'):
            if (moment := getattr(self, name)).microsecond:
                object.__setattr__(self, name, moment.replace(microsecond=0))
        if self.end < self.start:
            raise ValueError(f"Session {self.id} ends before it starts.")


@dataclass(frozen=True)
class Device:
    """A device and the half-open spans (from, to) of days it was looked after.

    Spans may overlap and reach beyond the cycle; an empty date leaves one open.
    """

    id: Any
    days: Iterable[tuple[date | None, date | None]]


# === RETURNED === #


class Later(Sequence):
    """A tuple that is made when somebody looks into it; how long it is is known before.

    Of thousands of cycles people ask what each comes to, and of few how it is split.
    """

    def __init__(self, length: int, make: Callable[[], Iterable]):
        self._length = length
        self._make = make
        self._made = None

    def _get(self) -> tuple:
        if self._made is None:
            self._made, self._make = tuple(self._make()), None
        return self._made

    def __len__(self):
        return self._length

    def __getitem__(self, index):
        return self._get()[index]

    def __iter__(self):
        return iter(self._get())

    def __eq__(self, other):
        return self._get() == tuple(other) if isinstance(other, tuple | Later) else NotImplemented

    def __hash__(self):
        return hash(self._get())

    def __repr__(self):
        return repr(self._get())


@dataclass(frozen=True)
class Group:
    """What the time on one line has in common beside its price: the product, and what explains it.

    That is what the rate named; nothing, where the price is the plan's own. `tier` is the place
    of the tier that the price depends on, see `tiers`; None, where it depends on none.
    """

    product: Any = None
    band: Any = None
    kind: Any = None
    grade: Any = None
    tier: int | None = None


@dataclass(frozen=True)
class Line:
    """A line of a bill; its `amount` is `quantity` x `price`, rounded to the currency.

    A usage line of a plan with a rate card has a `group`: there can be several.
    """

    charge: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    group: Group | None = None


@dataclass(frozen=True)
class SessionShare:
    """A session's row: its part of the usage before the included quantity, and of the base fee.

    `reason` says why it has none: 'short', or 'merged' into the session `merged_into`.
    """

    id: Any
    measured_seconds: int
    billed_seconds: int = 0
    merged_into: Any = None
    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    base_fee: Decimal = ZERO
    reason: str | None = None


@dataclass(frozen=True)
class DeviceShare:
    """A device's row: its days in the cycle, and its part of the device line.

    One that was there but is not counted (gone at close, say) has a part of zero.
    """

    id: Any
    days: int
    spans: tuple[tuple[date, date], ...]
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Included:
    """What the included quantity takes off the sessions' rows; zero or negative."""

    quantity: Decimal
    amount: Decimal


class PartShare(NamedTuple):
    """A part of a session's row: time of one price, from `start` to `end` (naive UTC).

    `seconds` are those rated, of the sessions merged into it too; `measured_seconds` its own.
    `price_date` is the local day on which it began, `rate` the id of the rate it took, if any.
    """

    id: Any
    start: datetime
    end: datetime
    measured_seconds: int
    seconds: int
    billed_seconds: int
    band: Any
    kind: Any
    grade: Any
    price_date: date
    rate: Any
    price: Decimal
    group: Group
    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    # Its session has others: then it has its own times on the statement.
    is_cut: bool = False

    @property
    def reason(self) -> None:
        """Why it has no charge, as of a session: a part always has one."""


@dataclass(frozen=True)
class GroupShare:
    """The parts of one line, less what is `included`; the line may be of quantity zero."""

    line: Line
    included: Included
    parts: tuple[PartShare, ...]


@dataclass(frozen=True)
class Rating:
    """The lines of a cycle in printing order, and the part each session and device has in them.

    A line is there when its quantity is not zero, even at a price of zero, so that the customer
    sees what he used. Whether there is a bill at all is for the caller to say, by `total`.
    """

    terms: Terms
    lines: tuple[Line, ...]
    sessions: Sequence[SessionShare]
    devices: Sequence[DeviceShare]
    # The sessions' rows plus this make the usage lines.
    included: Included
    # With a rate card: the usage lines one by one, and the parts that make them.
    groups: tuple[GroupShare, ...] = ()
    # What is left of allowances, by id, in sessions or hours; only of terms that are not plain.
    left: Mapping[Any, Fraction] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[PartShare, ...]:
        """The parts of all sessions, by session and time; none without a rate card."""
        parts = [part for group in self.groups for part in group.parts]
        order = {share.id: i for i, share in enumerate(self.sessions)}
        return tuple(sorted(parts, key=lambda part: (order[part.id], part.start, part.end)))

    @property
    def kept_parts(self) -> tuple[PartShare, ...]:
        """The parts of sessions that say more than these do by themselves."""
        parts = self.parts
        counts = Counter(part.id for part in parts)
        return tuple(
            part
            for part in parts
            if counts[part.id] > 1 or part.rate is not None or part.group != Group()
        )

    def get_line(self, *charges: str) -> Line:
        """Return the line of one of `charges`, or an empty one."""
        found = (line for line in self.lines if line.charge in charges)
        return next(found, Line(charges[0], ZERO, ZERO, ZERO))

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def usage_amount(self) -> Decimal:
        """Usage, base fee, cap and minimum: what late sessions are compared by."""
        return self.total - self.get_line('device').amount

    @property
    def billed_quantity(self) -> Decimal:
        """Sessions or hours of the usage lines."""
        return sum((line.quantity for line in self.lines if line.charge in USAGE), ZERO)

    @property
    def device_quantity(self) -> Decimal:
        return self.get_line('device').quantity

    @property
    def measured_seconds(self) -> int:
        return sum(share.measured_seconds for share in self.sessions)

    @property
    def billed_seconds(self) -> int:
        return sum(share.billed_seconds for share in self.sessions)
