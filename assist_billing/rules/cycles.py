"""Cycle arithmetic: when the cycles of an association begin and end.

Days are local dates of the association's time zone; instants are naive UTC datetimes. Cycles are
half open: `date_end` and `end_at` belong to the next one. A boundary is always computed from the
anchor (the start date, or where the present rhythm took over), never from the boundary before it;
so a cycle that starts on 31 January ends on 28 February, 31 March, 30 April.

After a change of zone or of cycle length, the boundary at which it takes effect becomes the
anchor, and `day_of_month` stays that of the original start date.
"""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = 'days'
MONTHS = 'months'

# Length of each cycle: (number, unit).
CYCLES = {
    'weekly': (7, DAYS),
    'fortnightly': (14, DAYS),
    'monthly': (1, MONTHS),
    'quarterly': (3, MONTHS),
    'semiannual': (6, MONTHS),
    'yearly': (12, MONTHS),
}
WEEKS_PER_YEAR = 52
HALF_MONTH = 15

# Anchors and first days of cycles. The last yearly cycle ends a year later, hence the margin.
FIRST_YEAR, LAST_YEAR = 1970, 2200
LAST_END_YEAR = LAST_YEAR + 1


# === TIME ZONES === #


def local_midnight(day: date, tz: str) -> datetime:
    """Return the instant (naive UTC) at which the local date becomes `day` in zone `tz`.

    A midnight that the clocks skip is the first instant after the gap; so a whole day that a zone
    skipped begins when the next one does. A midnight that occurs twice is the first one.

    :raise ValueError: unknown zone, or a day before 1970 or after 2201
    """
    _check_year(day, LAST_END_YEAR)
    zone = _zone(tz)
    midnight = datetime.combine(day, time())
    instant = midnight - midnight.replace(tzinfo=zone).utcoffset()
    if _wall_clock(instant, zone) == midnight:
        return instant
    # Skipped. The offsets after and before the gap give an instant on either side of the change
    # (or on it); between them, find the first second whose wall clock is past midnight.
    earliest = midnight - midnight.replace(tzinfo=zone, fold=1).utcoffset()
    seconds = bisect_left(
        range(int((instant - earliest).total_seconds())),
        midnight,
        key=lambda second: _wall_clock(earliest + timedelta(seconds=second), zone),
    )
    return earliest + timedelta(seconds=seconds)


def local_date(instant: datetime, tz: str) -> date:
    """Return the local date in zone `tz` at `instant` (naive UTC).

    :raise ValueError: unknown zone, an instant with a zone, or one at the calendar's very ends
    """
    if instant.tzinfo is not None:
        raise ValueError(f"{instant} has a time zone: give the instant in UTC, without one.")
    try:
        return _wall_clock(instant, _zone(tz)).date()
    except OverflowError as error:
        raise ValueError(f"{instant} has no local date: it lies at the calendar's end.") from error


def local_time(instant: datetime, tz: str) -> datetime:
    """Return what clocks in zone `tz` show at `instant` (naive UTC), to be read by people.

    Never fails for an instant: at the calendar's very ends, where a zone has no time, it is UTC's.

    :raise ValueError: unknown zone
    """
    try:
        return _wall_clock(instant, _zone(tz))
    except OverflowError:
        return instant


def _wall_clock(instant, zone):
    offset = _get_offset(zone, instant.date())
    if offset is not None:
        return instant + offset
    return instant.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=10_000)
def _get_offset(zone, day):
    """Return how far clocks are ahead of UTC all through a day of UTC; None where that changes."""
    if day in (date.min, date.max):
        return None
    midnight = datetime.combine(day, time(), timezone.utc)
    hours = (midnight + timedelta(hours=hour) for hour in range(25))
    offsets = {hour.astimezone(zone).utcoffset() for hour in hours}
    return offsets.pop() if len(offsets) == 1 else None


def _zone(tz):
    try:
        return ZoneInfo(tz)
    # A directory of zones ("America"), an empty or absolute name, NUL: each has its own error.
    except (ZoneInfoNotFoundError, OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"Unknown time zone {tz!r}: give an IANA name such as 'Europe/Paris'."
        ) from error


# === BOUNDARIES === #


def boundary(anchor: date, day_of_month: int, cycle: str, k: int) -> date:
    """Return the `k`-th boundary counted from `anchor`, which is the one of `k` = 0.

    Months and years end on `day_of_month` (1 to 31), or on the month's last day if it is shorter.

    :raise ValueError: unknown cycle, impossible day of the month, negative `k`, year out of range
    """
    number, unit = _step(cycle)
    _check_year(anchor)
    if not 1 <= day_of_month <= 31:
        raise ValueError(f"{day_of_month} is no day of a month: give one from 1 to 31.")
    if k < 0:
        raise ValueError(f"Boundary {k} lies before the anchor: count from 0.")
    if k == 0:
        return anchor
    if unit == DAYS:
        ordinal = anchor.toordinal() + k * number
        if ordinal > date(LAST_END_YEAR, 12, 31).toordinal():
            raise ValueError(f"Boundary {k} from {anchor} lies after the year {LAST_END_YEAR}.")
        return date.fromordinal(ordinal)
    months = k * number + _months_shift(anchor, day_of_month)
    year, month0 = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    if year > LAST_END_YEAR:
        raise ValueError(f"Boundary {k} from {anchor} lies after the year {LAST_END_YEAR}.")
    return date(year, month0 + 1, min(day_of_month, monthrange(year, month0 + 1)[1]))


def next_boundary(after: date, anchor: date, day_of_month: int, cycle: str) -> date:
    """Return the first boundary strictly after the day `after`, never the anchor itself.

    :raise ValueError: as `boundary`
    """
    number, unit = _step(cycle)
    _check_year(after)
    if unit == DAYS:
        return boundary(anchor, day_of_month, cycle, max(1, (after - anchor).days // number + 1))
    months = (after.year - anchor.year) * 12 + after.month - anchor.month
    months -= _months_shift(anchor, day_of_month)
    # The boundary of the month `after` lies in, or of the last month before it that has one.
    k = max(1, months // number)
    candidate = boundary(anchor, day_of_month, cycle, k)
    return candidate if candidate > after else boundary(anchor, day_of_month, cycle, k + 1)


def _months_shift(anchor, day_of_month):
    """Return by how many months boundaries move when the anchor is not on `day_of_month`.

    That is so after a change from weeks to months. The first boundary is then the `day_of_month`
    nearest to one whole cycle from the anchor, so that no few days are billed as a month.
    """
    if anchor.day == min(day_of_month, monthrange(anchor.year, anchor.month)[1]):
        return 0
    distance = day_of_month - anchor.day
    return (distance < -HALF_MONTH) - (distance > HALF_MONTH)


def month_factor(cycle: str) -> Fraction:
    """Return how many months a cycle is billed as, for amounts that are given per month.

    :raise ValueError: unknown cycle
    """
    number, unit = _step(cycle)
    return Fraction(number) if unit == MONTHS else Fraction(12 * number, 7 * WEEKS_PER_YEAR)


def _step(cycle):
    try:
        return CYCLES[cycle]
    except (KeyError, TypeError) as error:
        raise ValueError(f"Unknown cycle {cycle!r}: it is one of {', '.join(CYCLES)}.") from error


def _check_year(day, last_year=LAST_YEAR):
    if not FIRST_YEAR <= day.year <= last_year:
        raise ValueError(
            f"The date {day} is out of range: give one of the years {FIRST_YEAR} to {last_year}."
        )


# === PERIODS === #


@dataclass(frozen=True)
class Period:
    """One cycle in time: local days and UTC instants, both half open.

    `whole_end` is the day it would have ended on, had no end date cut it short.
    """

    date_start: date
    date_end: date
    start_at: datetime
    end_at: datetime
    whole_end: date

    @property
    def days(self) -> int:
        """Number of local days served."""
        return (self.date_end - self.date_start).days

    @property
    def whole_days(self) -> int:
        """Number of local days of the uncut cycle."""
        return (self.whole_end - self.date_start).days


def open_period(
    date_start: date,
    start_at: datetime | None,
    anchor: date,
    day_of_month: int,
    cycle: str,
    tz: str,
    end_date: date | None = None,
) -> Period | None:
    """Return the cycle that begins on `date_start`, or None if `end_date` leaves it no time.

    :param start_at: the previous cycle's end (naive UTC): the present zone may be another than
        that cycle's, and must neither open a gap nor an overlap. None: midnight in `tz`
    :param end_date: the first day without service; cuts the cycle short
    :raise ValueError: as `boundary` and `local_midnight`
    """
    if end_date is not None and date_start >= end_date:
        return None
    whole_end = next_boundary(date_start, anchor, day_of_month, cycle)
    date_end = whole_end if end_date is None else min(whole_end, end_date)
    if start_at is None:
        start_at = local_midnight(date_start, tz)
    end_at = local_midnight(date_end, tz)
    if start_at >= end_at:
        # One last day that the zone skipped, or that had ended already in a zone now moved to.
        return None
    return Period(date_start, date_end, start_at, end_at, whole_end)


def periods(
    start_date: date, cycle: str, tz: str, end_date: date | None = None
) -> Iterator[Period]:
    """Yield the cycles from `start_date` on, one after the other, up to `end_date` or for ever.

    :raise ValueError: as `open_period`; without `end_date` at the latest when years run out
    """
    date_start, start_at = start_date, None
    while period := open_period(
        date_start, start_at, start_date, start_date.day, cycle, tz, end_date
    ):
        yield period
        date_start, start_at = period.date_end, period.end_at
