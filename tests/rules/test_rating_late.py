"""Billed time of sessions that came in after their cycle closed."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules import rating

PERIOD = (datetime(2026, 1, 1).date(), datetime(2026, 2, 1).date(), 31)
MORNING = datetime(2026, 1, 10, 8)


def session(number, minute, minutes, device='pc'):
    start = MORNING + timedelta(minutes=minute)
    return rating.Session(number, start, start + timedelta(minutes=minutes), 1, 1, device)


def shares(terms, billed, late):
    before = rating.rate(terms, PERIOD, billed)
    again = rating.rate(terms, PERIOD, [*billed, *late])
    return before, again, rating.late_shares(again, before, [each.id for each in late])


def test_a_late_session_apart_carries_its_own_time():
    terms = rating.Terms(billing_type='hour', price_per_hour=60, minimum_minutes=15)
    _before, _again, [late] = shares(terms, [session(1, 0, 30)], [session(2, 120, 5)])
    assert (late.id, late.billed_seconds, late.merged_into) == (2, 900, None)


def test_a_late_session_merged_into_a_billed_one_carries_what_it_adds():
    terms = rating.Terms(billing_type='hour', price_per_hour=60, merge_gap_minutes=10)
    _before, _again, [late] = shares(terms, [session(1, 0, 30)], [session(2, 35, 10)])
    assert (late.billed_seconds, late.merged_into) == (600, 1)


def test_a_late_session_that_takes_the_place_of_a_billed_one_carries_the_rest():
    terms = rating.Terms(billing_type='hour', price_per_hour=60, merge_gap_minutes=10)
    _before, _again, [late] = shares(terms, [session(1, 35, 10)], [session(2, 0, 30)])
    assert (late.billed_seconds, late.merged_into) == (1800, None)


def test_a_late_session_that_joins_two_minimums_is_not_charged_below_zero():
    terms = rating.Terms(
        billing_type='hour', price_per_hour=60, merge_gap_minutes=10, minimum_minutes=30
    )
    before, again, [late] = shares(terms, [session(1, 0, 5), session(2, 15, 5)], [session(3, 6, 2)])
    assert again.billed_seconds <= before.billed_seconds
    assert late.billed_seconds == 0


@given(
    spans=st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 90), st.booleans()), min_size=1, max_size=12
    ),
    gap=st.integers(0, 30),
    minimum=st.integers(0, 30),
)
def test_billed_time_of_a_cycle_adds_up_however_its_sessions_came_in(spans, gap, minimum):
    terms = rating.Terms(
        billing_type='hour', price_per_hour=60, merge_gap_minutes=gap, minimum_minutes=minimum
    )
    every = [session(n, start, length) for n, (start, length, _late) in enumerate(spans)]
    late = [each for each, (_s, _l, is_late) in zip(every, spans, strict=True) if is_late]
    billed = [each for each in every if each not in late]
    before, again, late = shares(terms, billed, late)
    total = before.billed_seconds + sum(share.billed_seconds for share in late)
    if late:
        assert total == max(before.billed_seconds, again.billed_seconds)
    assert all(share.billed_seconds >= 0 for share in late)
