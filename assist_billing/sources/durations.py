"""Durations as tools, spreadsheets and people write them, in whole seconds."""

import re
from datetime import datetime, time, timedelta

from .bad_value import BadValue
from .words import fold_text

UNITS = {'ms': 0.001, 's': 1, 'min': 60, 'h': 3600, 'd': 86_400}
_SHORT_UNITS = ('ms', 's', 'min')
_NUMBER = re.compile(r'[+-]?\d{1,19}(?:[.,]\d{1,15})?', re.ASCII)
# 1,800 and 1.800 are a thousand and eight hundred, or one and eight tenths.
_THOUSANDS = re.compile(r'[1-9]\d{0,2}[.,]\d{3}', re.ASCII)
_CLOCK = re.compile(
    r'([+-]?)(?:(\d{1,5}) ?(?:d(?:ays?)?,?|days?,?|\.) ?)?(\d{1,7}):(\d\d)'
    r'(?::(\d\d)(?:[.,]\d{1,9})?)?(?: ?(h|hrs?|hours?|std\.?|min\.?|m))?',
    re.ASCII,
)
_PERIOD = re.compile(
    r'-?p(?:(\d{1,5})d)?(?:t(?:(\d{1,7}(?:[.,]\d{1,9})?)h)?(?:(\d{1,9}(?:[.,]\d{1,9})?)m)?'
    r'(?:(\d{1,9}(?:[.,]\d{1,9})?)s)?)?',
    re.ASCII,
)
# The words of twelve languages, without accents; what a unit may begin with is told apart by order.
_NAMES = {
    'd': r'd|days?|tage?n?|j|jours?|dias?|dagen|dag|giorn[oi]|dzien|dni|dagar|dage',
    'h': r'h|hrs?|hours?|std|stdn|stunden?|heures?|horas?|hs?|u|uur|uren|or[ae]|godz|godzin[ay]?|'
    r'tim|timmar|timme|timer?|hod|hodin[ay]?|saat|ωρα|ωρες|小时|小時|時間|' + fold_text('시간'),
    'min': r"m|mins?|minutes?|minuten?|minutos?|minut[oi]|minuut|mn|minut[ay]?|minutt?er|'|"
    f"dk|dakika|perc|λεπτα|λεπτο|分钟|分鐘|分|{fold_text('분')}",
    's': r's|secs?|seconds?|sek|sekunden?|secondes?|segundos?|second[oi]|seconden|sekund[ay]?|'
    r'sekunder|"|sn|saniye|masodperc|mp|秒|' + fold_text('초'),
    'ms': r'ms|msecs?|milli\w{3,12}',
}
_PART = re.compile(
    r'(\d{1,9}(?:[.,]\d{1,9})?) ?('
    + '|'.join(f'(?P<{unit}>{words})' for unit, words in _NAMES.items())
    + r')\b\.?(?:,| and| und| et| y| en| e|)? *'.replace('\\b', r'(?![a-z])'),
    re.ASCII,
)
_H_MM = re.compile(r'(\d{1,5}) ?h ?(\d{1,2})', re.ASCII)


def duration(value, unit='s', mark=None):
    """Return a duration in whole seconds: a number in `unit`, 01:30:00, or “1 h 5 min”.

    :param unit: 'ms', 's', 'min', 'h' or 'd'; 'mm:ss' where 05:30 is minutes and seconds; None
        when nobody knows, so that a plain number is refused
    :param mark: '.' or ',' where it is known to be the decimal mark: then 205.412 is no 205412
    """
    if isinstance(value, timedelta):
        return _whole(value.total_seconds())
    if isinstance(value, time):
        return value.hour * 3600 + value.minute * 60 + value.second
    if isinstance(value, datetime) and value.year < 1901:
        # A spreadsheet keeps a duration as a day of 1899 or 1900.
        return _whole((value.replace(tzinfo=None) - datetime(1899, 12, 31)).total_seconds())
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadValue('bad_duration')
    if isinstance(value, str):
        text = fold_text(value) if len(value) <= 64 else ''
        if not _NUMBER.fullmatch(text):
            return _duration_text(text, unit)
        if is_mark_open(text, unit) and not (mark and mark in text):
            raise BadValue('ambiguous_duration')
        value = float(text.replace(',', '.'))
    if not (value == value and abs(value) < 10**15):
        raise BadValue('bad_duration')
    if value and unit not in UNITS:
        raise BadValue('negative_duration' if value < 0 else 'ambiguous_duration')
    return _whole(value * UNITS.get(unit, 1))


def _duration_text(text, unit):
    if match := _CLOCK.fullmatch(text):
        return _from_clock(match, unit)
    if text and (match := _PERIOD.fullmatch(text)) and any(match.groups()):
        days, hours, minutes, seconds = (_number(part) for part in match.groups())
        total = days * 86_400 + hours * 3600 + minutes * 60 + seconds
        return _whole(-total if text[0] == '-' else total)
    if match := _H_MM.fullmatch(text):
        if int(match[2]) > 59:
            raise BadValue('bad_duration')
        return int(match[1]) * 3600 + int(match[2]) * 60
    return _from_parts(text)


def _from_clock(match, unit):
    sign, days, first, second, third, suffix = match.groups()
    if suffix:
        unit = 'mm:ss' if suffix[0] == 'm' else 'h'
    if int(second) > 59 or int(third or 0) > 59:
        raise BadValue('bad_duration')
    if third is None and unit == 'mm:ss':
        total = int(first) * 60 + int(second)
    elif third is None and days is None and is_clock_open(int(first), unit):
        raise BadValue('ambiguous_duration')
    else:
        total = int(first) * 3600 + int(second) * 60 + int(third or 0)
    total += int(days or 0) * 86_400
    return _whole(-total if sign == '-' else total)


def is_mark_open(text, unit):
    """Tell whether a plain number can be thousands as well as have decimals; hours have none."""
    return unit not in {'h', 'd'} and _THOUSANDS.fullmatch(text) is not None


def decimal_mark_of(text):
    """Return the mark of a plain number that can be nothing but that of its decimals, or None."""
    text = text.strip()
    if not _NUMBER.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return None
    return next((mark for mark in '.,' if mark in text), None)


def is_clock_open(first, unit):
    """Tell whether 05:30 can be hours and minutes as well as minutes and seconds.

    So it can where plain numbers are minutes or less; and 30:00 is, where they are not hours.
    """
    return unit in {None, *_SHORT_UNITS} or (first > 23 and unit not in {'h', 'mm:ss'})


def _from_parts(text):
    """Return the seconds of “1 day 2 h 5 min”, each unit at most once and in this order."""
    position, total, last = 0, 0.0, None
    order = list(_NAMES)
    while position < len(text):
        match = _PART.match(text, position)
        unit = next((name for name in order if match and match[name]), None)
        if unit is None or (last is not None and order.index(unit) <= order.index(last)):
            raise BadValue('bad_duration')
        if unit in _SHORT_UNITS and _THOUSANDS.fullmatch(match[1]):
            raise BadValue('ambiguous_duration')
        total += _number(match[1]) * UNITS[unit]
        position, last = match.end(), unit
    if last is None:
        raise BadValue('bad_duration')
    return _whole(total)


def _number(text):
    return float(text.replace(',', '.')) if text else 0


def _whole(seconds):
    if seconds < 0:
        raise BadValue('negative_duration')
    # A float such as 0.35 * 3600 falls short of the whole second that it is.
    return int(seconds + 1e-6)
