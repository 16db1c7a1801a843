"""Tiers: a price that depends on how much was used in the cycle.

A tier begins at a number of sessions or hours, that number included, and ends where the next one
begins; below the first the plan's own price counts. `graduated` prices each session or hour by the
tier it falls in, in the order of time; `volume` prices all by the tier that the sum reaches.
Places of tiers are counted from 1, and 0 is what comes before the first.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise

MODES = ('graduated', 'volume')


@dataclass(frozen=True)
class Tier:
    """From `from_quantity` sessions or hours on, one costs `price`.

    :raise ValueError: a number below zero, or none
    """

    from_quantity: Decimal
    price: Decimal

    def __post_init__(self):
        for name in ('from_quantity', 'price'):
            value = getattr(self, name)
            try:
                number = Decimal(str(value))
            except InvalidOperation:
                number = Decimal('NaN')
            if not number.is_finite() or number < 0:
                raise ValueError(f"tiers: {name} {value!r} is not a number of zero or more.")
            object.__setattr__(self, name, number)


def read_tiers(values: Iterable) -> tuple[Tier, ...]:
    """Return tiers given as such, or as pairs of where they begin and their price.

    :raise ValueError: they do not follow each other, or a number that cannot be
    """
    tiers = tuple(each if isinstance(each, Tier) else Tier(*each) for each in values)
    for before, after in pairwise(tiers):
        if after.from_quantity == before.from_quantity:
            raise ValueError(f"tiers: two begin at {after.from_quantity}.")
        if after.from_quantity < before.from_quantity:
            raise ValueError(
                f"tiers: {after.from_quantity} comes after {before.from_quantity}, which is more."
            )
    return tiers


def get_starts(tiers: Iterable[Tier], scale: Fraction) -> list[Fraction]:
    """Return where tiers begin in a cycle whose amounts are multiplied by `scale`."""
    return [scale * Fraction(tier.from_quantity) for tier in tiers]


def get_place(starts: Sequence[Fraction], quantity: Fraction | Decimal) -> int:
    """Return the place of the tier that a quantity is in."""
    return bisect_right(starts, Fraction(quantity))


def cut(
    starts: Sequence[Fraction], used: Fraction, quantity: Fraction
) -> list[tuple[int, Fraction]]:
    """Cut a quantity that comes after `used` where tiers begin: (place, so much of it), in order.

    There is always one, of nothing too.
    """
    end, place = used + quantity, get_place(starts, used)
    pieces = []
    while place < len(starts) and starts[place] < end:
        pieces.append((place, starts[place] - used))
        used = starts[place]
        place += 1
    return [*pieces, (place, end - used)]


def find_cliffs(tiers: Sequence[Tier], price: Decimal) -> list[tuple[Tier, Decimal]]:
    """Return the tiers of `volume` that make more cost less, each with the price just below it.

    :param price: the one below the first tier
    """
    before = [price, *(tier.price for tier in tiers)]
    return [
        (tier, last)
        for tier, last in zip(tiers, before, strict=False)
        if tier.from_quantity and tier.price < last
    ]
