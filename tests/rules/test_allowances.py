"""Allowances: what is used of which, and what is left."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.allowances import Allowance, Need, use

days = st.none() | st.integers(1, 9).map(lambda day: date(2026, 1, day))
allowances = st.lists(
    st.builds(
        lambda units, owner, start, end, order: (units, owner, start, end, order),
        st.integers(0, 50),
        st.sampled_from((None, 'a', 'b')),
        days,
        days,
        st.integers(0, 2),
    ),
    max_size=5,
).map(lambda rows: [Allowance(i, *row) for i, row in enumerate(rows)])
needs = st.lists(st.builds(Need, st.integers(0, 40), st.sampled_from('ab'), days), max_size=8)


@given(allowances, needs)
def test_units_are_taken_one_by_one_from_the_first_that_covers_them(given_ones, wanted):
    left = {each.id: each.units for each in given_ones}
    expected = []
    for need in wanted:
        found = {}
        for _unit in range(need.units):
            usable = [
                each
                for each in given_ones
                if left[each.id]
                and each.owner in (None, need.owner)
                and (not need.day or not each.start or each.start <= need.day)
                and (not need.day or not each.end or need.day < each.end)
            ]
            if not usable:
                break
            best = min(usable, key=lambda each: (each.order, each.end or date.max, each.id))
            left[best.id] -= 1
            found[best.id] = found.get(best.id, 0) + 1
        expected.append(found)
    assert use(given_ones, wanted) == (expected, left)


def test_units_are_whole_and_not_below_zero():
    for units in (-1, 0.5, True + 0.5):
        with pytest.raises(ValueError, match="no whole number"):
            Allowance('a', units)
