"""Allowances: time or sessions that cost nothing more, whoever gave them and whatever for.

The hours that a plan includes are one; any other source of them is rated alike. Units are whole
numbers that the caller chooses, so that nothing is lost in halves: the rating takes hundredths of
a second, for an hour may use up more or less than an hour of its allowance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Allowance:
    """So many `units`, for `owner` alone if there is one, on the days from `start` up to `end`.

    `end` is the first day it no longer counts; an empty day leaves it open. The lowest `order` is
    used first; of equals the one that ends first.

    :raise ValueError: units that are no whole number of zero or more
    """

    id: Any
    units: int
    owner: Any = None
    start: date | None = None
    end: date | None = None
    order: int = 0

    def __post_init__(self):
        if not isinstance(self.units, int) or self.units < 0:
            raise ValueError(f"Allowance {self.id}: {self.units!r} is no whole number of units.")

    def covers(self, owner: Any, day: date | None) -> bool:
        """Tell whether it is for that owner on that day; without a day, on any."""
        if self.owner is not None and self.owner != owner:
            return False
        return day is None or (
            (self.start is None or self.start <= day) and (self.end is None or day < self.end)
        )


@dataclass(frozen=True)
class Need:
    """What is to be covered: so many units for an owner on a day."""

    units: int
    owner: Any = None
    day: date | None = None


def in_order(allowances: Iterable[Allowance]) -> list[Allowance]:
    """Return allowances in the order of their use."""
    return sorted(allowances, key=lambda each: (each.order, each.end or date.max, each.id))


def use(
    allowances: Iterable[Allowance], needs: Sequence[Need]
) -> tuple[list[dict[Any, int]], dict[Any, int]]:
    """Cover `needs` one after the other, each as far as there is anything left for it.

    :return: for each need what was taken for it, allowance's id -> units (none of zero); and what
        is left of each allowance
    """
    ordered = in_order(allowances)
    left = {each.id: each.units for each in ordered}
    taken = []
    for need in needs:
        wanted, found = need.units, {}
        for each in ordered:
            if not wanted:
                break
            units = min(wanted, left[each.id]) if each.covers(need.owner, need.day) else 0
            if units:
                found[each.id] = units
                left[each.id] -= units
                wanted -= units
        taken.append(found)
    return taken, left
