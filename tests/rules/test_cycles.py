"""Cycle arithmetic: exact in every zone and year, for every start day and length of cycle."""

from bisect import bisect_left
from calendar import monthrange
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import example, given, settings
from hypothesis import strategies as st
from thorough import few, shortened, thorough

from rules import cycles

# 'localtime' and 'posixrules' are this machine's, not names one could store.
ZONES = sorted(available_timezones() - {'localtime', 'posixrules'})
DAY = timedelta(days=1)

names = st.sampled_from(sorted(cycles.CYCLES))
zones = st.sampled_from(ZONES)
days = st.dates(date(1970, 1, 1), date(2199, 12, 31))
# Early enough for the dozens of yearly cycles that follow.
starts = st.dates(date(1970, 1, 1), date(2150, 1, 1))
STEPS = {
    'weekly': relativedelta(weeks=1),
    'fortnightly': relativedelta(weeks=2),
    'monthly': relativedelta(months=1),
    'quarterly': relativedelta(months=3),
    'semiannual': relativedelta(months=6),
    'yearly': relativedelta(years=1),
}


def at(text):
    return datetime.fromisoformat(text)


def day(text):
    return date.fromisoformat(text)


# === MIDNIGHTS === #


@pytest.mark.parametrize(
    ('tz', 'local_day', 'instant'),
    [
        ('UTC', '2026-01-01', '2026-01-01 00:00'),
        ('Europe/Paris', '2026-07-01', '2026-06-30 22:00'),
        ('Asia/Kathmandu', '2026-07-01', '2026-06-30 18:15'),
        ('Pacific/Kiritimati', '2026-07-01', '2026-06-30 10:00'),
        ('Pacific/Pago_Pago', '2026-07-01', '2026-07-01 11:00'),
        # Days whose midnight the clocks skip begin when the gap ends.
        ('America/Sao_Paulo', '2018-11-04', '2018-11-04 03:00'),
        ('America/Havana', '2018-03-11', '2018-03-11 05:00'),
        ('Asia/Beirut', '2021-03-28', '2021-03-27 22:00'),
        ('Africa/Cairo', '2023-04-28', '2023-04-27 22:00'),
        ('Asia/Gaza', '2019-03-29', '2019-03-28 22:00'),
        # One minute past midnight the clocks went to 01:01: midnight itself was there.
        ('America/St_Johns', '2006-04-02', '2006-04-02 03:30'),
        ('Asia/Gaza', '2011-04-01', '2011-03-31 22:00'),
        # Midnights that occur twice: the first one.
        ('America/Havana', '2018-11-04', '2018-11-04 04:00'),
        ('America/St_Johns', '2006-10-29', '2006-10-29 02:30'),
        ('Antarctica/Casey', '2010-03-05', '2010-03-04 13:00'),
        ('Atlantic/Azores', '2020-10-25', '2020-10-25 00:00'),
        # The clocks go from 24:00 back to 23:00: the day begins an hour late, and once.
        ('America/Sao_Paulo', '2018-02-18', '2018-02-18 03:00'),
        ('Africa/Cairo', '2023-10-27', '2023-10-26 22:00'),
        # Two hours at once; at two in the morning, which leaves midnight alone.
        ('Antarctica/Troll', '2024-03-31', '2024-03-31 00:00'),
        ('Antarctica/Troll', '2024-04-01', '2024-03-31 22:00'),
        # Samoa went from the evening of the 29th to the morning of the 31st.
        ('Pacific/Apia', '2011-12-29', '2011-12-29 10:00'),
        ('Pacific/Apia', '2011-12-30', '2011-12-30 10:00'),
        ('Pacific/Apia', '2011-12-31', '2011-12-30 10:00'),
        ('Pacific/Apia', '2012-01-01', '2011-12-31 10:00'),
        ('Pacific/Kwajalein', '1993-08-21', '1993-08-21 12:00'),
        ('Pacific/Kwajalein', '1993-08-22', '1993-08-21 12:00'),
        # Liberia's clocks were 44 minutes and 30 seconds behind, up to 7 January 1972, 00:00.
        ('Africa/Monrovia', '1970-06-01', '1970-06-01 00:44:30'),
        ('Africa/Monrovia', '1972-01-07', '1972-01-07 00:44:30'),
    ],
)
def test_midnights_known_by_hand(tz, local_day, instant):
    assert cycles.local_midnight(day(local_day), tz) == at(instant)


def test_a_gap_that_starts_before_midnight_is_left_exactly_at_its_end(monkeypatch):
    """No zone has done so since 1970; Toronto's clocks went from 23:30 to 00:30 in 1919."""
    monkeypatch.setattr(cycles, 'FIRST_YEAR', 1900)
    assert cycles.local_midnight(date(1919, 3, 30), 'America/Toronto') == at('1919-03-30 05:00')
    assert cycles.local_midnight(date(1919, 3, 31), 'America/Toronto') == at('1919-03-31 04:30')
    assert cycles.local_midnight(date(1919, 4, 1), 'America/Toronto') == at('1919-04-01 04:00')


def changes(tz):
    """Yield each change of offset from 1970 to 2038 as (instant, offset before, offset after)."""
    zone = ZoneInfo(tz)

    def offset(timestamp):
        return datetime.fromtimestamp(timestamp, zone).utcoffset()

    week = 7 * 86400
    before = offset(4 * 86400)
    for start in range(4 * 86400, 2**31, week):
        after = offset(start + week)
        if after != before:
            second = bisect_left(
                range(start, start + week), True, key=lambda second: offset(second) != before
            )
            change = start + second
            yield datetime(1970, 1, 1) + timedelta(seconds=change), before, offset(change)
        before = after


@thorough
def test_midnights_are_exact_around_every_change_of_every_zone():
    seen = 0
    for tz in ZONES:
        for change, before, after in changes(tz):
            wall_before, wall_after = change + before, change + after
            local_day = min(wall_before, wall_after).date()
            while local_day <= max(wall_before, wall_after).date():
                midnight = datetime.combine(local_day, time())
                if wall_before <= midnight < wall_after:
                    expected = change
                elif midnight < wall_before:
                    expected = midnight - before
                else:
                    expected = midnight - after
                assert cycles.local_midnight(local_day, tz) == expected, (tz, local_day)
                seen += 1
                local_day += DAY
    assert seen > 10_000


@given(local_day=days, tz=zones)
@example(local_day=date(2011, 12, 30), tz='Pacific/Apia')
@example(local_day=date(2018, 11, 4), tz='America/Sao_Paulo')
@example(local_day=date(2006, 10, 29), tz='America/St_Johns')
def test_a_midnight_is_the_first_instant_of_its_day(local_day, tz):
    instant = cycles.local_midnight(local_day, tz)
    assert cycles.local_date(instant, tz) >= local_day
    assert cycles.local_date(instant - timedelta(seconds=1), tz) < local_day
    for quarters in range(1, 4 * 30):
        assert cycles.local_date(instant - timedelta(minutes=15 * quarters), tz) < local_day


@pytest.mark.parametrize(
    ('instant', 'tz', 'local_day'),
    [
        ('2026-06-30 21:59:59', 'Europe/Paris', '2026-06-30'),
        ('2026-06-30 22:00:00', 'Europe/Paris', '2026-07-01'),
        ('2026-06-30 22:00:00', 'UTC', '2026-06-30'),
        ('2026-01-01 10:59:59', 'Pacific/Pago_Pago', '2025-12-31'),
        ('2025-12-31 10:00:00', 'Pacific/Kiritimati', '2026-01-01'),
        ('2011-12-30 09:59:59', 'Pacific/Apia', '2011-12-29'),
        ('2011-12-30 10:00:00', 'Pacific/Apia', '2011-12-31'),
    ],
)
def test_local_dates_known_by_hand(instant, tz, local_day):
    assert cycles.local_date(at(instant), tz) == day(local_day)


# === BOUNDARIES === #


@pytest.mark.parametrize(
    ('anchor', 'day_of_month', 'cycle', 'expected'),
    [
        ('2026-01-31', 31, 'monthly', '2026-01-31 2026-02-28 2026-03-31 2026-04-30 2026-05-31'),
        ('2024-01-31', 31, 'monthly', '2024-01-31 2024-02-29 2024-03-31'),
        ('2026-01-30', 30, 'monthly', '2026-01-30 2026-02-28 2026-03-30'),
        ('2023-01-25', 25, 'monthly', '2023-01-25 2023-02-25 2023-03-25'),
        ('2025-11-30', 30, 'quarterly', '2025-11-30 2026-02-28 2026-05-30 2026-08-30'),
        ('2025-08-31', 31, 'semiannual', '2025-08-31 2026-02-28 2026-08-31 2027-02-28'),
        ('2024-02-29', 29, 'yearly', '2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29'),
        ('2026-02-26', 26, 'weekly', '2026-02-26 2026-03-05 2026-03-12'),
        ('2026-12-24', 24, 'fortnightly', '2026-12-24 2027-01-07 2027-01-21'),
        # Counted on from a boundary that February had clipped: the 31st comes back.
        ('2026-02-28', 31, 'monthly', '2026-02-28 2026-03-31 2026-04-30'),
        ('2026-02-28', 31, 'quarterly', '2026-02-28 2026-05-31 2026-08-31'),
        ('2025-02-28', 29, 'yearly', '2025-02-28 2026-02-28 2027-02-28 2028-02-29'),
    ],
)
def test_boundaries_known_by_hand(anchor, day_of_month, cycle, expected):
    for k, text in enumerate(expected.split()):
        assert cycles.boundary(day(anchor), day_of_month, cycle, k) == day(text)


@given(anchor=days, cycle=names, k=st.integers(0, 60))
def test_boundaries_are_the_start_date_plus_k_cycles(anchor, cycle, k):
    k = min(k, 2200 - anchor.year)
    assert cycles.boundary(anchor, anchor.day, cycle, k) == anchor + STEPS[cycle] * k


@given(anchor=starts, dom=st.integers(1, 31), cycle=names)
def test_boundaries_strictly_increase_and_keep_the_day_of_the_month(anchor, dom, cycle):
    found = [cycles.boundary(anchor, dom, cycle, k) for k in range(40)]
    assert found[0] == anchor
    assert all(earlier < later for earlier, later in pairwise(found))
    if not STEPS[cycle].days:
        for each in found[1:]:
            assert each.day == min(dom, monthrange(each.year, each.month)[1])


@given(anchor=days, dom=st.integers(1, 31), cycle=names, distance=st.integers(-800, 20_000))
@example(anchor=date(2026, 2, 28), dom=31, cycle='monthly', distance=31)
@example(anchor=date(2026, 2, 28), dom=31, cycle='monthly', distance=30)
def test_the_next_boundary_is_the_first_one_after_a_day(anchor, dom, cycle, distance):
    after = min(date(2199, 12, 31), max(date(1970, 1, 1), anchor + timedelta(days=distance)))
    found = cycles.next_boundary(after, anchor, dom, cycle)
    assert found > after
    k = 1
    while cycles.boundary(anchor, dom, cycle, k) < found:
        assert cycles.boundary(anchor, dom, cycle, k) <= after
        k += 1
    assert cycles.boundary(anchor, dom, cycle, k) == found


def test_a_month_factor_is_the_share_of_a_year_in_months():
    assert {name: cycles.month_factor(name) for name in cycles.CYCLES} == {
        'weekly': Fraction(12, 52),
        'fortnightly': Fraction(12, 26),
        'monthly': 1,
        'quarterly': 3,
        'semiannual': 6,
        'yearly': 12,
    }


# === PERIODS === #


@shortened
@settings(max_examples=few(300, 60))
@given(start=starts, cycle=names, tz=zones)
@example(start=date(2011, 11, 30), cycle='monthly', tz='Pacific/Apia')
@example(start=date(2018, 10, 28), cycle='weekly', tz='America/Sao_Paulo')
@example(start=date(2006, 10, 29), cycle='weekly', tz='America/St_Johns')
@example(start=date(1993, 8, 21), cycle='weekly', tz='Pacific/Kwajalein')
def test_periods_tile_time_without_gap_or_overlap(start, cycle, tz):
    expected_start, expected_start_at = start, cycles.local_midnight(start, tz)
    for k, period in enumerate(islice(cycles.periods(start, cycle, tz), 30), start=1):
        assert period.date_start == expected_start
        assert period.start_at == expected_start_at
        assert period.date_end == period.whole_end == start + STEPS[cycle] * k
        assert period.end_at == cycles.local_midnight(period.date_end, tz) > period.start_at
        assert period.days == period.whole_days == (period.date_end - period.date_start).days
        expected_start, expected_start_at = period.date_end, period.end_at


@given(
    start=starts,
    stretches=st.lists(st.tuples(names, zones, st.integers(1, 5)), min_size=1, max_size=6),
)
def test_periods_tile_time_through_changes_of_zone_and_length(start, stretches):
    date_start, start_at = start, None
    for cycle, tz, count in stretches:
        anchor = date_start
        for _ in range(count):
            period = cycles.open_period(date_start, start_at, anchor, start.day, cycle, tz)
            assert period.date_start == date_start < period.date_end
            assert start_at is None or period.start_at == start_at
            assert period.start_at < period.end_at == cycles.local_midnight(period.date_end, tz)
            if not STEPS[cycle].days:
                end = period.date_end
                assert end.day == min(start.day, monthrange(end.year, end.month)[1])
            date_start, start_at = period.date_end, period.end_at


def test_a_change_of_zone_or_length_counts_on_from_the_next_boundary():
    first = cycles.open_period(
        day('2026-01-31'), None, day('2026-01-31'), 31, 'monthly', 'Europe/Paris'
    )
    assert (first.start_at, first.end_at) == (at('2026-01-30 23:00'), at('2026-02-27 23:00'))
    second = cycles.open_period(
        first.date_end, first.end_at, first.date_end, 31, 'quarterly', 'Asia/Tokyo'
    )
    assert second == cycles.Period(
        day('2026-02-28'),
        day('2026-05-31'),
        at('2026-02-27 23:00'),
        at('2026-05-30 15:00'),
        day('2026-05-31'),
    )


@given(start=starts, cycle=names, tz=zones, served=st.integers(1, 900))
def test_an_end_date_cuts_the_last_period_and_nothing_follows(start, cycle, tz, served):
    end_date = start + timedelta(days=served)
    whole = cycles.periods(start, cycle, tz)
    expected = list(takewhile(lambda period: period.date_start < end_date, whole))
    found = list(cycles.periods(start, cycle, tz, end_date))
    assert [period.whole_end for period in found] == [period.whole_end for period in expected]
    assert found[:-1] == expected[:-1]
    assert found[-1].date_end == end_date
    assert found[-1].end_at == cycles.local_midnight(end_date, tz)
    assert found[-1].whole_days == expected[-1].days >= found[-1].days


def test_a_cut_period_knows_the_whole_one():
    period = cycles.open_period(
        day('2026-04-01'), None, day('2026-01-01'), 1, 'monthly', 'UTC', day('2026-04-11')
    )
    assert (period.days, period.whole_days) == (10, 30)
    assert period.end_at == at('2026-04-11 00:00')


def test_no_period_begins_on_or_after_the_end_date():
    first = day('2026-04-01')
    # Even where the zone moved to leaves hours between the two: Kiritimati is far ahead of UTC.
    earlier = cycles.local_midnight(first, 'Pacific/Kiritimati')
    for end_date in (first, first - DAY):
        for start_at in (None, earlier):
            found = cycles.open_period(first, start_at, first, 1, 'monthly', 'UTC', end_date)
            assert found is None


def test_an_end_date_equal_to_the_boundary_cuts_nothing():
    found = list(cycles.periods(day('2026-01-31'), 'monthly', 'UTC', day('2026-03-31')))
    assert [(period.days, period.whole_days) for period in found] == [(28, 28), (31, 31)]


def test_a_last_day_without_any_time_is_no_period():
    skipped = cycles.open_period(
        day('2011-12-30'), None, day('2011-12-30'), 30, 'weekly', 'Pacific/Apia', day('2011-12-31')
    )
    assert skipped is None
    # Pago Pago's 1 March starts at 11:00 UTC; at 10:00 it is 2 March in Kiritimati already.
    moved = cycles.open_period(
        day('2026-03-01'),
        cycles.local_midnight(day('2026-03-01'), 'Pacific/Pago_Pago'),
        day('2026-03-01'),
        1,
        'monthly',
        'Pacific/Kiritimati',
        day('2026-03-02'),
    )
    assert moved is None


# === BAD INPUT === #


@pytest.mark.parametrize('tz', ['Mars/Phobos', 'America', '', '../UTC', '/etc/passwd', 'a\0', None])
def test_an_unknown_zone_is_named(tz):
    with pytest.raises(ValueError, match="Unknown time zone"):
        cycles.local_midnight(date(2026, 1, 1), tz)
    with pytest.raises(ValueError, match="Unknown time zone"):
        cycles.local_date(datetime(2026, 1, 1), tz)


@pytest.mark.parametrize('cycle', ['daily', '', None, False, ['monthly']])
def test_an_unknown_cycle_is_named(cycle):
    with pytest.raises(ValueError, match="Unknown cycle"):
        cycles.boundary(date(2026, 1, 1), 1, cycle, 1)
    with pytest.raises(ValueError, match="Unknown cycle"):
        cycles.month_factor(cycle)


@pytest.mark.parametrize('bad', [date(1, 1, 1), date(1969, 12, 31), date(2201, 1, 1), date.max])
def test_a_start_out_of_range_is_refused(bad):
    start = date(2026, 1, 1)
    with pytest.raises(ValueError, match="1970 to 2200"):
        cycles.boundary(bad, 1, 'monthly', 1)
    with pytest.raises(ValueError, match="1970 to 2200"):
        cycles.next_boundary(bad, start, 1, 'monthly')
    with pytest.raises(ValueError, match="1970 to 2200"):
        next(cycles.periods(bad, 'monthly', 'UTC'))
    for beyond in (date.min, date(1969, 12, 31), date(2202, 1, 1), date.max):
        with pytest.raises(ValueError, match="1970 to 2201"):
            cycles.local_midnight(beyond, 'UTC')


@pytest.mark.parametrize('cycle', sorted(cycles.CYCLES))
def test_the_range_ends_are_served_and_not_passed(cycle):
    for start in (date(1970, 1, 1), date(2200, 12, 31)):
        assert next(cycles.periods(start, cycle, 'Pacific/Kiritimati')).date_start == start
    with pytest.raises(ValueError, match="2201"):
        cycles.boundary(date(2200, 12, 31), 31, cycle, 60)
    with pytest.raises(ValueError, match="2201"):
        cycles.boundary(date(2026, 1, 1), 1, cycle, 10**12)


def test_an_impossible_day_of_the_month_or_a_negative_boundary_is_refused():
    for day_of_month in (0, 32, -1):
        with pytest.raises(ValueError, match="no day of a month"):
            cycles.boundary(date(2026, 1, 1), day_of_month, 'monthly', 1)
    with pytest.raises(ValueError, match="count from 0"):
        cycles.boundary(date(2026, 1, 1), 1, 'monthly', -1)


def test_an_instant_with_a_zone_or_at_the_end_of_time_is_refused():
    with pytest.raises(ValueError, match="without one"):
        cycles.local_date(datetime(2026, 1, 1, tzinfo=timezone.utc), 'UTC')
    with pytest.raises(ValueError, match="calendar"):
        cycles.local_date(datetime.max, 'Asia/Tokyo')
    with pytest.raises(ValueError, match="calendar"):
        cycles.local_date(datetime.min, 'America/New_York')
