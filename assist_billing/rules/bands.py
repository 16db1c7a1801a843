"""Service hours: which band the wall clock is in at each instant, and what it cuts a span into.

A grid says for each weekday, and for holidays, from which minute to which there is which band; a
minute without one is a gap. Only what clocks show counts: an hour that clocks repeat is twice in
its band, one that they skip is never. Holidays go by the local date and replace the weekday, from
a minute of that day on. Instants are naive UTC, of whole seconds, spans half open.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from .cycles import _zone, local_time

HOLIDAY = 'holiday'
# The days of a grid: Monday is 0.
DAYS = (*range(7), HOLIDAY)
MINUTES = 24 * 60
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Hours:
    """Service hours in the zone `tz`.

    :param lines: (day of `DAYS`, first minute, minute after the last, band); a band is anything
        hashable
    :param holidays: local date -> minute from which that day is a holiday
    :raise ValueError: unknown zone or day, minutes that no day has or that run backwards, two
        bands at one time; the message says where
    """

    tz: str
    lines: tuple = ()
    holidays: Mapping[date, int] = field(default_factory=dict)

    def __post_init__(self):
        _zone(self.tz)
        lines = tuple(sorted((tuple(line) for line in self.lines), key=_line_key))
        holidays = {_as_date(day): minute for day, minute in dict(self.holidays).items()}
        if wrong := [minute for minute in holidays.values() if not 0 <= minute < MINUTES]:
            raise ValueError(f"A holiday cannot begin at minute {wrong[0]} of its day.")
        days = _fill(lines)
        object.__setattr__(self, 'lines', lines)
        object.__setattr__(self, 'holidays', holidays)
        # What a day consists of: (minute after the last, band), without gaps in between.
        object.__setattr__(self, '_days', days)
        object.__setattr__(
            self,
            '_holidays',
            {
                day: _replace_from(days[day.weekday()], days[HOLIDAY], minute)
                for day, minute in holidays.items()
            },
        )
        # What was found of days in UTC: thousands of sessions are cut by the same ones.
        object.__setattr__(self, '_stretches', {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Hours':
        """Return the hours kept as JSON: `tz`, `lines`, and `holidays` as pairs.

        :raise ValueError: as the class
        """
        return cls(
            tz=values['tz'],
            lines=tuple(tuple(line) for line in values.get('lines', ())),
            holidays=dict(values.get('holidays', ())),
        )

    @property
    def bands(self) -> set:
        return {band for _day, _start, _end, band in self.lines}

    def get_band(self, instant: datetime) -> Any:
        """Return the band at an instant (naive UTC), None in a gap."""
        return self._find(local_time(instant, self.tz))[0]

    def cut(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime, Any]]:
        """Return the span from `start` to `end` cut where the band changes.

        :return: list of (start, end, band), one after the other; empty for an empty span
        """
        pieces = []
        while start < end:
            for stop, band in self._get_stretches(start.date()):
                if stop <= start:
                    continue
                stop = min(stop, end)
                if pieces and pieces[-1][2] == band:
                    pieces[-1] = (pieces[-1][0], stop, band)
                else:
                    pieces.append((start, stop, band))
                start = stop
                if start >= end:
                    break
        return pieces

    def _get_stretches(self, day):
        """Return what a day in UTC consists of: (instant after the last, band), in order."""
        if day not in self._stretches:
            found = self._stretches[day] = []
            start = datetime.combine(day, time())
            end = start + timedelta(days=1)
            while start < end:
                start, band = self._get_stretch(start, end)
                found.append((start, band))
        return self._stretches[day]

    def _get_stretch(self, start, end):
        """Return until when, `end` at most, clocks run evenly in one band from `start` on."""
        wall = local_time(start, self.tz)
        band, left = self._find(wall)
        offset = wall - start
        stop = min(end, start + left)
        if local_time(stop, self.tz) - stop != offset:
            # The clocks were changed meanwhile: up to the first second that is counted otherwise.
            seconds = range(1, (stop - start) // SECOND + 1)
            stop = start + SECOND * (
                1
                + bisect_left(
                    seconds,
                    True,
                    key=lambda second: (
                        local_time(start + second * SECOND, self.tz) - start - second * SECOND
                        != offset
                    ),
                )
            )
        return stop, band

    def _find(self, wall):
        """Return the band at a wall clock's time, and how long the clock still shows it."""
        spans = self._holidays.get(wall.date()) or self._days[wall.weekday()]
        minute = wall.hour * 60 + wall.minute
        until, band = next(span for span in spans if minute < span[0])
        return band, timedelta(
            minutes=until - minute, seconds=-wall.second, microseconds=-wall.microsecond
        )


def _line_key(line):
    day, start, end, _band = line
    if day not in DAYS:
        raise ValueError(f"{day!r} is no day of service hours: give 0 (Monday) to 6, or 'holiday'.")
    if not 0 <= start < end <= MINUTES:
        raise ValueError(f"Service hours from minute {start} to {end}: no day has these.")
    return DAYS.index(day), start, end


def _fill(lines):
    """Return for each day what it consists of, gaps being of the band None."""
    days = {day: [] for day in DAYS}
    for day, start, end, band in lines:
        spans = days[day]
        reached = spans[-1][0] if spans else 0
        if start < reached:
            raise ValueError(
                f"Two bands at one time, on day {day} at minute {start}: they must not overlap."
            )
        if start > reached:
            spans.append((start, None))
        spans.append((end, band))
    for spans in days.values():
        if not spans or spans[-1][0] < MINUTES:
            spans.append((MINUTES, None))
    return {day: tuple(spans) for day, spans in days.items()}


def _replace_from(weekday, holiday, minute):
    """Return a day that is a weekday up to `minute`, and a holiday from then on."""
    before = [(min(end, minute), band) for end, band in weekday]
    spans = [span for i, span in enumerate(before) if not i or span[0] > before[i - 1][0]]
    return tuple(
        [span for span in spans if minute] + [span for span in holiday if span[0] > minute]
    )


def _as_date(day):
    return date.fromisoformat(day) if isinstance(day, str) else day


def get_overlaps(lines: Iterable) -> list[tuple]:
    """Return pairs of lines (day, first minute, minute after the last, ...) that overlap."""
    ordered = sorted(lines, key=lambda line: (DAYS.index(line[0]), line[1], line[2]))
    return [
        (one, other)
        for i, one in enumerate(ordered)
        for other in ordered[i + 1 :]
        if one[0] == other[0] and other[1] < one[2]
    ]
