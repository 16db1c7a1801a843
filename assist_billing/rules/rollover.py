"""Rollover: what a cycle includes and did not use, handed on to the cycles after it.

It is handed on once, when its cycle closes, and is used up before what the next cycle includes
itself, the oldest first. What has been handed on is gone from its own cycle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from .allowances import Allowance, in_order

ROLLOVERS = ('none', 'all', 'capped')
# What a cycle was handed comes before all that it includes itself.
PREFIX = 'carried:'


@dataclass(frozen=True)
class Carried:
    """So many sessions or hours of the cycle `source` that the next one may use.

    `lasts` says in how many cycles, the next one included. The quantity may be given as text.
    """

    source: Any
    quantity: Fraction
    lasts: int

    def __post_init__(self):
        object.__setattr__(self, 'quantity', Fraction(self.quantity))

    def as_row(self) -> list:
        """Return it as JSON keeps it, and as `read_carried` reads it."""
        return [self.source, str(self.quantity), self.lasts]


def read_carried(values: Iterable) -> tuple[Carried, ...]:
    """Return what is given as such, or as JSON keeps it."""
    return tuple(each if isinstance(each, Carried) else Carried(*each) for each in values)


def make_allowances(carried: Sequence[Carried], units: int) -> list[Allowance]:
    """Return what a cycle was handed as allowances, to be used before all others.

    :param units: as many are one session or hour; a multiple of all that divides them
    """
    return [
        Allowance(f'{PREFIX}{i:04}', int(each.quantity * units), order=i - len(carried))
        for i, each in enumerate(carried)
    ]


def carry_over(
    carried: Sequence[Carried],
    left: Mapping[Any, Fraction],
    source: Any,
    lasts: int,
    most: Fraction | None = None,
) -> tuple[Carried, ...]:
    """Return what a cycle hands on, the oldest first.

    :param carried: what it was handed itself, of which some can lapse now
    :param left: what is left of each of its allowances, by id, sessions or hours
    :param source: the cycle; what is left of all that it includes itself is one
    :param lasts: in how many cycles that can be used
    :param most: so much is handed on at most; the oldest above it lapses
    """
    rows = [
        replace(each, quantity=left.get(f'{PREFIX}{i:04}', Fraction(0)), lasts=each.lasts - 1)
        for i, each in enumerate(carried)
    ]
    own = sum((each for key, each in left.items() if not _is_carried(key)), Fraction(0))
    rows.append(Carried(source, own, lasts))
    kept = []
    for row in reversed(rows):
        quantity = row.quantity if most is None else min(row.quantity, most)
        if quantity and row.lasts > 0:
            kept.append(replace(row, quantity=quantity))
            most = None if most is None else most - quantity
    return tuple(reversed(kept))


def take_off(
    allowances: Iterable[Allowance],
    carried: Sequence[Carried],
    handed_on: Iterable[Carried],
    units: int,
) -> list[Allowance]:
    """Return `allowances` of a cycle without what it has handed on.

    Of what it includes itself, the last to be used is taken first.

    :param carried: what it was handed
    :param units: as for `make_allowances`
    """
    ids = {each.source: f'{PREFIX}{i:04}' for i, each in enumerate(carried)}
    gone = {ids.get(each.source): int(each.quantity * units) for each in handed_on}
    result = []
    for each in reversed(in_order(allowances)):
        key = each.id if _is_carried(each.id) else None
        taken = min(each.units, gone.get(key, 0))
        gone[key] = gone.get(key, 0) - taken
        result.append(replace(each, units=each.units - taken))
    return result[::-1]


def _is_carried(key):
    return isinstance(key, str) and key.startswith(PREFIX)
