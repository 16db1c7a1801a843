"""What a change from weeks to months does to the first boundary."""

from datetime import date

import pytest

from rules import cycles


@pytest.mark.parametrize(
    ('anchor', 'day_of_month', 'expected'),
    [
        # The nearest 1st to 28 February is 1 March, not 1 February three days on.
        (date(2026, 1, 29), 1, [date(2026, 3, 1), date(2026, 4, 1)]),
        (date(2026, 1, 5), 1, [date(2026, 2, 1), date(2026, 3, 1)]),
        (date(2026, 3, 14), 31, [date(2026, 3, 31), date(2026, 4, 30)]),
        (date(2026, 3, 20), 31, [date(2026, 4, 30), date(2026, 5, 31)]),
        (date(2026, 2, 28), 31, [date(2026, 3, 31), date(2026, 4, 30)]),
    ],
)
def test_after_weeks_the_first_month_ends_on_the_nearest_original_day(
    anchor, day_of_month, expected
):
    first = cycles.next_boundary(anchor, anchor, day_of_month, 'monthly')
    second = cycles.next_boundary(first, anchor, day_of_month, 'monthly')
    assert [first, second] == expected
