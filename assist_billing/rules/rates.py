"""The rate card: which price a stretch of time has, and why.

The first line that matches decides, whatever else would match; none leaves the plan's price. Of a
price that changes on a date, the one in force on the local day counts.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

METHODS = ('fixed', 'percent', 'add')
# The one whose value may be below zero: it comes off another price.
SIGNED_METHOD = 'add'
# Whole numbers of zero or more.
NOT_NEGATIVE = ('burn_percent', 'minimum_minutes', 'increment_minutes')
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rate:
    """A line of the rate card; what it does not name, it is for whatever it is.

    `fixed` gives the price, `percent` is of the price in force, `add` comes on top of it (or off
    it, below zero). `date_from` and `date_to` are the first and the last local day.
    `burn_percent` says how much of an included hour one hour takes; at 0 it takes none, and is
    charged. Minimum and increment are those of the whole session, so no band has them.

    :raise ValueError: an unknown method, a price or percent below zero, days or numbers that
        cannot be; the message says what
    """

    id: Any = None
    band: Any = None
    kind: Any = None
    grade: Any = None
    date_from: date | None = None
    date_to: date | None = None
    method: str = 'percent'
    value: Decimal = Decimal(100)
    burn_percent: int = 100
    minimum_minutes: int = 0
    increment_minutes: int = 0

    def __post_init__(self):
        for name in ('date_from', 'date_to'):
            day = getattr(self, name)
            object.__setattr__(self, name, date.fromisoformat(day) if isinstance(day, str) else day)
        object.__setattr__(self, 'value', Decimal(str(self.value)))
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is none of {', '.join(METHODS)}.")
        if not self.value.is_finite() or (self.value < 0 and self.method != SIGNED_METHOD):
            raise ValueError(f"value: {self.value} is below zero.")
        for name in NOT_NEGATIVE:
            number = getattr(self, name)
            if not isinstance(number, int) or number < 0:
                raise ValueError(f"{name}: {number!r} is no whole number of zero or more.")
        if self.band is not None and (self.minimum_minutes or self.increment_minutes):
            raise ValueError(
                f"Rate {self.id}: one of a band has no minimum or increment of its own."
            )
        if self.date_from and self.date_to and self.date_to < self.date_from:
            raise ValueError(f"Rate {self.id}: it cannot end before it begins.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Rate':
        """Return the rate kept as JSON: other keys are ignored, missing or empty ones neutral.

        :raise ValueError: as the class
        """
        names = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in names})

    def matches(self, kind: Any, grade: Any, day: date) -> bool:
        """Tell whether it is for this kind and grade on this day; its band aside."""
        return (
            self.kind in (None, kind)
            and self.grade in (None, grade)
            and (self.date_from is None or self.date_from <= day)
            and (self.date_to is None or day <= self.date_to)
        )

    def get_price(self, base: Decimal) -> Fraction:
        """Return the price that it makes of the price in force; never below zero."""
        value = Fraction(self.value)
        if self.method == 'fixed':
            return value
        if self.method == 'percent':
            return Fraction(base) * value / 100
        return max(Fraction(0), Fraction(base) + value)


def find_rate(rates: Iterable[Rate], band: Any, kind: Any, grade: Any, day: date) -> Rate | None:
    """Return the first of `rates` that is for this, None if it is the plan's price."""
    return next(
        (rate for rate in rates if rate.band in (None, band) and rate.matches(kind, grade, day)),
        None,
    )


def find_times(rates: Iterable[Rate], kind: Any, grade: Any, day: date) -> Rate | None:
    """Return the first of `rates` without a band that is for this: its minimum and increment."""
    return next(
        (rate for rate in rates if rate.band is None and rate.matches(kind, grade, day)), None
    )


def find_unused(rates: Iterable[Rate]) -> list[tuple[Rate, Rate]]:
    """Return the rates that never apply, each with the earlier one that always comes before it."""
    rates = list(rates)
    found = []
    for i, rate in enumerate(rates):
        for other in rates[:i]:
            if (
                all(
                    getattr(other, name) in (None, getattr(rate, name))
                    for name in ('band', 'kind', 'grade')
                )
                and (other.date_from or date.min) <= (rate.date_from or date.min)
                and (other.date_to or date.max) >= (rate.date_to or date.max)
            ):
                found.append((rate, other))
                break
    return found


class PriceDates:
    """The days on which a price or a rate begins or ends, and what is in force between them."""

    def __init__(self, rates: Iterable[Rate], versions: Iterable[tuple[date, Decimal]]):
        self.versions = sorted(versions)
        days = {day for day, _price in self.versions}
        for rate in rates:
            days.update(filter(None, (rate.date_from, rate.date_to and rate.date_to + DAY)))
        self.days = sorted(days)

    def get_price(self, day: date, price: Decimal) -> Decimal:
        """Return the price in force on a day; `price` is the one before the first version."""
        i = bisect_right(self.versions, day, key=lambda version: version[0])
        return self.versions[i - 1][1] if i else price
