"""Instants as tools, spreadsheets and people write them.

Whatever is not read with certainty is no instant: it raises `BadValue`, so that somebody is asked.
"""

import re
from datetime import date, datetime, time, timedelta, timezone

from .bad_value import BadValue
from .words import MONTHS, WEEKDAYS, fold_text

UTC = timezone.utc
_EPOCH = datetime(1970, 1, 1)
_YEAR_3000 = 32_503_680_000  # seconds since 1970: beyond it a number is in the wrong unit
# Days since 1899-12-30, as spreadsheets count them: 1990 to 2118. As seconds or milliseconds since
# 1970 these are minutes or days of January 1970, when nobody was helped by any of these tools.
_SERIALS = (32_874, 80_000)
_SERIAL_EPOCH = datetime(1899, 12, 30)
LONGEST_TEXT = 120
# Of two-digit numbers that may be a year, the one that is no further back is.
_LIKELY_YEARS = 10

_NUMBER = re.compile(r'[+-]?\d{1,19}(?:[.,]\d{1,15})?', re.ASCII)
_ISO = re.compile(r'\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?', re.ASCII)
_FRACTION = re.compile(r'[.,]\d+')
_NET = re.compile(r'/?\\?/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\\?/?', re.ASCII)

_CLOCK = (
    r'(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d\d)(?:[:.m](?P<second>\d\d)(?:[.,:]\d{1,9})?s?)?)?'
    r' ?(?P<word>uhr|hrs?|h)?'
    r'(?: ?(?P<half>[ap])\.? ?m\b\.?)?'
)
_ZONE = (
    r' ?(?P<name>z|[a-z]{2,5})?\.?'
    r' ?(?:(?P<sign>[+-]) ?(?P<off_hour>\d{1,2})(?::?(?P<off_minute>\d\d))?)?'
    r' ?(?:\([^()]{0,60}\))?(?:\[(?P<iana>[a-z_/+-]{3,40})\])?'
)
_REST = re.compile(_CLOCK + _ZONE, re.ASCII)
_CLOCK_ONLY = re.compile(_CLOCK, re.ASCII)
_HALVES = re.compile(r'(?<=\d )(vorm|nachm|π\.?μ|μ\.?μ)(?:\.|\b)')
# Halves of the day before the time, as they are in China, Japan and Korea.
_HALF_BEFORE = re.compile(
    fold_text('(?:(上午|午前|오전)|下午|午後|오후)') + r' ?(\d{1,2}(?::\d\d){0,2})'
)
# What may stand between a date and its time of day.
_BETWEEN = re.compile(
    r'^(?:,|-|–|@|\bt(?=\d)|t |at |um |a las |a la |as |a |alle ore |alle |ore |om |kl\.? |'
    r'den )+ ?'
)
_DATES = (
    # 2026-01-31, 2026/1/31, 2026.01.31, 2026. 01. 31.
    re.compile(
        r'(?<!\d)(?P<y>\d{4})(?P<mark>[-/.]) ?(?P<m>\d{1,2})(?P=mark) ?(?P<d>\d{1,2})(?!\d)\.?',
        re.ASCII,
    ),
    # 31.01.2026, 31/1/26, 1-31-2026, 31. 1. 2026
    re.compile(
        r'(?<!\d)(?P<a>\d{1,2})(?P<mark>[-/.]) ?(?P<b>\d{1,2})(?P=mark) ?(?P<y>\d{4}|\d\d)(?!\d)',
        re.ASCII,
    ),
    # 31 January 2026, 31-Jan-26, 31/Jan/26, 31. Januar 2026, 31 de enero de 2026, 1er janvier 2026
    re.compile(
        r'(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|°|\.)?[ /-]?(?:de |of )?(?P<month>[a-z]{3,12})'
        r'\.?(?:,? |[/-]|,)(?:de |del )?(?P<y>\d{4}|\d\d)(?![\d:])',
        re.ASCII,
    ),
    # January 31, 2026
    re.compile(
        r'\b(?P<month>[a-z]{3,12})\.?[ -](?P<d>\d{1,2})(?:st|nd|rd|th)?,?[ -](?P<y>\d{4})\b',
        re.ASCII,
    ),
    # 2026. január 31.
    re.compile(
        r'(?<!\d)(?P<y>\d{4})\.? (?P<month>[a-z]{3,12})\.? (?P<d>\d{1,2})(?![\d:])\.?', re.ASCII
    ),
    # Sat Jan 31 14:05:00 2026, with or without a zone before the year
    re.compile(
        r'\b(?P<month>[a-z]{3}) (?P<d>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d(?: [a-z]{3,4})?) '
        r'(?P<y>\d{4})\b',
        re.ASCII,
    ),
    # 20260131T140500
    re.compile(
        r'(?<!\d)(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)'
        r'(?:(?:t| )(?P<compact>\d{4}(?:\d\d)?)(?!\d))?(?!\d)',
        re.ASCII,
    ),
)
_OFFSETS = {
    'z': 0, 'utc': 0, 'gmt': 0, 'wet': 0, 'west': 60, 'cet': 60, 'mez': 60, 'cest': 120,
    'mesz': 120, 'eet': 120, 'eest': 180, 'msk': 180, 'est': -300, 'edt': -240, 'cdt': -300,
    'mst': -420, 'mdt': -360, 'pst': -480, 'pdt': -420, 'akst': -540, 'akdt': -480, 'hst': -600,
    'nzst': 720, 'nzdt': 780, 'aest': 600, 'aedt': 660, 'jst': 540,
}  # fmt: skip
# Abbreviations that stand for several zones: they count only as what the chosen zone calls itself.
_SEVERAL = frozenset({'cst', 'ist', 'bst', 'ast', 'sst', 'wst', 'gst', 'pkt', 'hkt', 'sgt', 'krt'})


def from_epoch(value, unit):
    """Return the wall time in UTC of a number of seconds ('s') or milliseconds ('ms').

    A number that can only be in the other unit is refused, not guessed at.
    """
    seconds = value // 1000 if unit == 'ms' else value // 1
    if not -_YEAR_3000 < seconds < _YEAR_3000:
        raise BadValue('bad_time_' + unit)
    return _EPOCH + timedelta(seconds=seconds)


def wall_time(value, unit=None, order=None):
    """Read an instant as the source wrote it.

    :param value: a number, a text, a date or a datetime
    :param unit: 's' or 'ms' when numbers count from 1970; 'auto' to tell by their size
    :param order: 'dmy' or 'mdy', for dates with slashes that leave it open
    :return: `(datetime, aware)`: a naive datetime in whole seconds, and whether it is in UTC
        already; an unaware one is in the source's own zone
    """
    kind = type(value)
    if kind is int or kind is float:
        return _from_number(value, unit)
    if kind is str:
        return _from_text(value, unit, order)
    if isinstance(value, datetime):
        return _to_utc(value)
    if kind is date:
        return datetime(value.year, value.month, value.day), False
    raise BadValue(time_code(unit))


def time_code(unit):
    return 'bad_time_' + unit if unit in {'s', 'ms'} else 'bad_time'


def _from_number(value, unit):
    if _SERIALS[0] <= value < _SERIALS[1]:
        return _SERIAL_EPOCH + timedelta(seconds=round(value * 86_400)), False
    if unit == 'auto':
        # 10 and 13 digits: the years 2001 to 2286 in either unit.
        unit = 's' if 10**9 <= value < 10**10 else 'ms' if 10**12 <= value < 10**13 else None
    if unit is None or not (value == value and abs(value) < 10**18):
        raise BadValue(time_code(unit))
    return from_epoch(int(value), unit), True


def _from_text(text, unit, order):
    if 19 <= len(text) <= 20 and text[4] == '-' and (len(text) == 19 or text[19] in 'Zz'):
        # By far the most frequent form: 2017-02-03T14:10:50Z, with or without its Z.
        try:
            return datetime.fromisoformat(text[:19]), len(text) == 20
        except ValueError:
            pass  # another form of the same length, read below
    if len(text) > LONGEST_TEXT:
        text = text[: 4 * LONGEST_TEXT].strip()
        if len(text) > LONGEST_TEXT:
            raise BadValue(time_code(unit))
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = float(text.replace(',', '.')) if '.' in text or ',' in text else int(text)
        return _from_number(number, unit)
    if match := _NET.fullmatch(text):
        return from_epoch(int(match[1]), 'ms'), True
    if _ISO.fullmatch(text):
        found = _from_iso(text)
        if found:
            return found
    return _from_words(_with_halves(fold_text(text)), unit, order)


def _from_iso(text):
    # “Z” and fractions of other than 3 or 6 digits are not read before Python 3.11.
    plain = _FRACTION.sub('', text[:-1] + '+00:00' if text[-1] in 'Zz' else text)
    plain = plain.removesuffix(' UTC') + ('+00:00' if plain.endswith(' UTC') else '')
    try:
        return _to_utc(datetime.fromisoformat(plain.replace(' +', '+').replace(' -', '-')))
    except ValueError:
        return None


def clock_of(value):
    """Return a time of day alone as a `time`; None for anything else."""
    if type(value) is time:
        return value
    if type(value) is float and 0 <= value < 1:
        # A spreadsheet's time of day: the fraction of a day.
        return (datetime.min + timedelta(seconds=round(value * 86_400))).time()
    if type(value) is not str or not 0 < len(value) < 24:
        return None
    match = _CLOCK_ONLY.fullmatch(_with_halves(fold_text(value)))
    return _clock(match) if match else None


def is_date_alone(value):
    """Tell whether a value names a day and no time of day."""
    if isinstance(value, datetime):
        return value.time() == time.min
    if type(value) is date:
        return True
    if type(value) in {int, float}:
        return _SERIALS[0] <= value < _SERIALS[1] and value == int(value)
    if type(value) is not str or len(value) > 40:
        return False
    text = fold_text(value)
    for pattern in _DATES:
        if match := pattern.search(text):
            return not _without(text, match)
    return False


def _with_halves(text):
    """Return a text whose “vorm.” and “nachm.”, as Java writes them in German, are am and pm."""
    if not text.isascii():
        text = _HALF_BEFORE.sub(lambda match: f"{match[2]} {'am' if match[1] else 'pm'}", text)
    return _HALVES.sub(lambda match: 'pm' if match[1][0] in 'nμ' else 'am', text)


def _clock(match):
    """Return the `time` that a match of `_CLOCK` is; `time.max` for 24:00, None for none."""
    hour, half, word = int(match['hour']), match['half'], match['word']
    if match['minute'] is None and not half and not word:
        return None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == 'p' else 0)
    minute, second = int(match['minute'] or 0), int(match['second'] or 0)
    if (hour, minute, second) == (24, 0, 0):
        return time.max
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def _from_words(text, unit, order):
    """Return the instant of a date in figures or words, with or without time of day and zone."""
    for pattern in _DATES:
        match = pattern.search(text)
        if not match:
            continue
        day = _date(match, order, unit)
        rest = _without(text, match)
        if not rest:
            return datetime.combine(day, time.min), False
        return _with_rest(day, rest, unit)
    raise BadValue(time_code(unit))


def _without(text, match):
    """Return what a text says besides its date: time of day and zone, without words between."""
    before, after = text[: match.start()].strip(' ,'), text[match.end() :].lstrip(' ')
    if before.strip('.') in WEEKDAYS:
        before = ''
    groups = match.groupdict()
    if compact := groups.get('compact'):
        parts = [compact[index : index + 2] for index in range(0, len(compact), 2)]
        after = ':'.join(parts) + after
    if clock := groups.get('clock'):
        after = f'{clock} {after}'
    after = _BETWEEN.sub('', after)
    return f'{before} {after}'.strip(' ,')


def _date(match, order, unit):
    groups = match.groupdict()
    year = int(groups['y']) + (2000 if len(groups['y']) == 2 else 0)
    if year > 1999 and len(groups['y']) == 2 and groups.get('a'):
        _check_year(year, 2000 + int(groups['a']), unit)
    if groups.get('month'):
        month, day = MONTHS.get(groups['month']), int(groups['d'])
        if not month:
            raise BadValue(time_code(unit))
    elif groups.get('a'):
        day, month = _day_and_month(int(groups['a']), int(groups['b']), groups['mark'], order)
    else:
        month, day = int(groups['m']), int(groups['d'])
    try:
        return date(year, month, day)
    except ValueError:
        raise BadValue(time_code(unit)) from None


def _check_year(last, first, unit):
    """Refuse 26/10/05 where the year is likely to come first: a decade ago it was no session's."""
    present = date.today().year
    if last < present - _LIKELY_YEARS <= first <= present:
        raise BadValue(time_code(unit))


def _day_and_month(first, second, mark, order):
    if mark == '.':
        order = 'dmy'
    elif order is None:
        if first <= 12 and second <= 12 and first != second:
            raise BadValue('ambiguous_time')
        order = 'mdy' if first <= 12 else 'dmy'
    return (first, second) if order == 'dmy' else (second, first)


def _with_rest(day, rest, unit):
    match = _REST.fullmatch(rest)
    clock = _clock(match) if match else None
    if clock is None:
        raise BadValue(time_code(unit))
    moment = datetime.combine(day, clock)
    if clock == time.max:
        try:
            moment = datetime.combine(day + timedelta(days=1), time.min)
        except OverflowError:
            raise BadValue(time_code(unit)) from None
    return _in_zone(moment, match, unit)


def _in_zone(moment, match, unit):
    name, iana = match['name'], match['iana']
    if name in _SEVERAL and not match['sign']:
        raise BadValue('zone_word', word=name, wall=moment)
    if name is not None and name not in _OFFSETS and name not in _SEVERAL:
        raise BadValue(time_code(unit))
    if match['sign']:
        minutes = int(match['off_hour']) * 60 + int(match['off_minute'] or 0)
        offset = -minutes if match['sign'] == '-' else minutes
        if name not in {None, 'utc', 'gmt', 'z'} or minutes > 14 * 60:
            raise BadValue(time_code(unit))
    elif name is not None:
        offset = _OFFSETS[name]
    elif iana:
        raise BadValue('zone_word', word=iana, wall=moment)
    else:
        return moment, False
    try:
        return moment - timedelta(minutes=offset), True
    except OverflowError:
        raise BadValue(time_code(unit)) from None


def _to_utc(moment):
    if moment.tzinfo is None:
        return moment.replace(microsecond=0, fold=0), False
    try:
        return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0), True
    except (OverflowError, ValueError):
        raise BadValue('bad_time') from None


def local_to_utc(moment, zone, fold=0):
    """Return the naive UTC datetime of a wall time in `zone`.

    An hour that the clock shows twice counts as the first one (`fold=0`).
    """
    try:
        local = moment.replace(tzinfo=zone, fold=fold)
        return local.astimezone(UTC).replace(tzinfo=None)
    except (OverflowError, ValueError):
        raise BadValue('bad_time') from None
