"""Service hours against a clock that is read second by second, in zones that change theirs."""

from datetime import date, datetime, timedelta, timezone
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import few, shortened

from rules.bands import HOLIDAY, MINUTES, Hours
from rules.cycles import local_midnight

WEEK = tuple((day, 480, 1080, 'business') for day in range(5))
# Zones and a moment (UTC) of each at which its clocks are changed, or a day was left out.
CHANGES = [
    ('Europe/Berlin', datetime(2026, 3, 29, 1)),
    ('Europe/Berlin', datetime(2026, 10, 25, 1)),
    ('America/New_York', datetime(2026, 3, 8, 7)),
    ('America/New_York', datetime(2026, 11, 1, 6)),
    ('Australia/Lord_Howe', datetime(2026, 4, 4, 15)),
    ('Australia/Lord_Howe', datetime(2026, 10, 3, 15, 30)),
    ('Antarctica/Troll', datetime(2026, 3, 29, 1)),
    ('Antarctica/Troll', datetime(2026, 10, 25, 1)),
    ('Pacific/Apia', datetime(2011, 12, 30, 10)),
    ('America/Havana', datetime(2026, 3, 8, 5)),
    ('Africa/Casablanca', datetime(2026, 2, 15, 2)),
    ('Asia/Beirut', datetime(2026, 3, 28, 22)),
    ('Pacific/Chatham', datetime(2026, 4, 4, 14)),
    ('Asia/Kathmandu', datetime(2026, 1, 1)),
]


def utc(tz, text, fold=0):
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz), fold=fold)
    return local.astimezone(timezone.utc).replace(tzinfo=None)


def clock_band(values, second):
    """Return the band by reading a clock, without any of the code that is tested."""
    local = datetime.fromtimestamp(second, ZoneInfo(values['tz']))
    minute = local.hour * 60 + local.minute
    holiday = values['holidays'].get(local.date())
    day = HOLIDAY if holiday is not None and minute >= holiday else local.weekday()
    for line_day, start, end, band in values['lines']:
        if line_day == day and start <= minute < end:
            return band
    return None


def clock_cut(values, start, end):
    first = int(start.replace(tzinfo=timezone.utc).timestamp())
    seconds = range(first, first + int((end - start).total_seconds()))
    return [
        (band, len(list(found)))
        for band, found in groupby(seconds, lambda s: clock_band(values, s))
    ]


def lengths(pieces):
    return [(band, int((end - start).total_seconds())) for start, end, band in pieces]


# Where bands change, in half hours: on all days alike, so that spans meet these edges.
marks = st.sets(st.integers(0, 48), max_size=30).map(sorted)


@st.composite
def cases(draw):
    """Draw service hours without overlaps, and a span near a change of their zone's clocks."""
    tz, change = draw(st.sampled_from(CHANGES))
    edges = draw(marks)
    kept = [
        (day, 30 * start, 30 * end, 'abc'[(start + end + (day == HOLIDAY)) % 3])
        for day in (*range(7), HOLIDAY)
        for start, end in pairwise(edges)
        if (start * end + len(str(day))) % 4
    ]
    holidays = draw(
        st.dictionaries(
            st.integers(-1, 2).map(lambda n: change.date() + timedelta(days=n)),
            st.sampled_from((0, 0, 720, 1439)),
            max_size=2,
        )
    )
    start = change + timedelta(seconds=draw(st.integers(-20_000, 5_000)))
    length = draw(st.sampled_from((0, 1, 3600)) | st.integers(3600, 25_000))
    values = {'tz': tz, 'lines': tuple(kept), 'holidays': holidays}
    return values, start, start + timedelta(seconds=length)


@shortened
@settings(max_examples=few(120, 24))
@given(cases())
def test_every_second_has_the_band_that_the_clock_shows(case):
    values, start, end = case
    hours = Hours(**values)
    pieces = hours.cut(start, end)
    assert lengths(pieces) == clock_cut(values, start, end)
    # One after the other, without a gap.
    assert [piece[0] for piece in pieces] == [start, *(piece[1] for piece in pieces)][: len(pieces)]
    if pieces:
        assert pieces[-1][1] == end
        assert hours.get_band(start) == pieces[0][2]


@shortened
@settings(max_examples=few(100, 20))
@given(cases(), st.integers(1, 40))
def test_a_week_away_from_changes_of_the_clock_changes_nothing(case, weeks):
    values, start, _end = case
    values = {**values, 'tz': 'Asia/Kathmandu', 'holidays': {}}
    hours, moved = Hours(**values), timedelta(weeks=weeks)
    end = start + timedelta(hours=40)
    assert [(a + moved, b + moved, band) for a, b, band in hours.cut(start, end)] == hours.cut(
        start + moved, end + moved
    )


def test_a_night_is_in_the_bands_of_both_days():
    hours = Hours('Europe/Berlin', ((4, 0, MINUTES, 'friday'), (5, 0, MINUTES, 'weekend')))
    start, end = utc(hours.tz, '2026-03-06 23:30'), utc(hours.tz, '2026-03-07 00:45')
    assert lengths(hours.cut(start, end)) == [('friday', 1800), ('weekend', 2700)]


@pytest.mark.parametrize(
    ('start', 'end', 'seconds'),
    [
        ('2026-03-29 01:30', '2026-03-29 03:30', 3600),
        ('2026-10-25 01:30', '2026-10-25 03:30', 10800),
    ],
)
def test_a_night_on_which_the_clocks_change_has_its_real_length(start, end, seconds):
    hours = Hours('Europe/Berlin', ((6, 0, MINUTES, 'weekend'),))
    assert lengths(hours.cut(utc(hours.tz, start), utc(hours.tz, end))) == [('weekend', seconds)]


def test_a_gap_has_no_band_and_a_holiday_replaces_the_weekday_from_its_minute_on():
    hours = Hours('UTC', (*WEEK, (HOLIDAY, 600, 1440, 'holiday')), {date(2026, 12, 24): 840})
    pieces = hours.cut(datetime(2026, 12, 24), datetime(2026, 12, 25))
    assert lengths(pieces) == [(None, 8 * 3600), ('business', 6 * 3600), ('holiday', 10 * 3600)]
    hours = Hours('UTC', hours.lines, {'2026-12-24': 0})
    pieces = hours.cut(datetime(2026, 12, 24), datetime(2026, 12, 25))
    assert lengths(pieces) == [(None, 10 * 3600), ('holiday', 14 * 3600)]


def test_a_year_in_one_span_adds_up():
    hours = Hours('Europe/Berlin', WEEK)
    start, end = (local_midnight(date(year, 1, 1), hours.tz) for year in (2026, 2027))
    business = sum(
        seconds for band, seconds in lengths(hours.cut(start, end)) if band == 'business'
    )
    assert business == 261 * 10 * 3600


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (((0, 480, 1080, 'a'), (0, 1079, 1200, 'b')), "overlap"),
        (((7, 480, 1080, 'a'),), "no day"),
        (((0, 1080, 480, 'a'),), "no day has these"),
        (((0, 0, 1441, 'a'),), "no day has these"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(lines, message):
    with pytest.raises(ValueError, match=message):
        Hours('UTC', lines)


def test_a_zone_or_holiday_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Hours('Mars/Base')
    with pytest.raises(ValueError, match="holiday"):
        Hours('UTC', (), {date(2026, 1, 1): 1440})


def test_hours_are_read_from_json():
    values = {'tz': 'UTC', 'lines': [[0, 0, 60, 7]], 'holidays': [['2026-12-25', 0]]}
    hours = Hours.from_dict(values)
    assert (hours.bands, hours.holidays) == ({7}, {date(2026, 12, 25): 0})
