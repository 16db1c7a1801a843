"""Values as the tools write them: texts, IDs, instants, durations, zones.

Every function takes anything at all, does a bounded amount of work, and raises nothing but
`BadValue`, whose code is a key of `messages.RECORD`.
"""

import re
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

ID_LIMIT = 255
TEXT_LIMIT = 255
NOTE_LIMIT = 20_000

UTC = timezone.utc
_EPOCH = datetime(1970, 1, 1)
_YEAR_3000 = 32_503_680_000  # seconds since 1970: beyond it a number is in the wrong unit
# What exports write where nothing is known.
_NOTHING = frozenset({'', '-', 'null', 'none', 'nan', 'nil', 'n/a', 'undefined'})
_NUMBER = re.compile(r'[+-]?\d{1,19}(?:\.\d{1,9})?', re.ASCII)
_ISO = re.compile(r'\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?', re.ASCII)
_COMMON = re.compile(
    r'(\d{1,4})([./-])(\d{1,2})\2(\d{2,4}),?[ T]+'
    r'(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?: ?([AaPp])\.?[Mm]\.?)?',
    re.ASCII,
)
_FRACTION = re.compile(r'\.\d+')
_CLOCK = re.compile(
    r'([+-]?)(?:(\d{1,5})[d.] ?)?(\d{1,7}):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?', re.ASCII
)
_WORDS = re.compile(
    r'(?:(\d{1,5}) ?d(?:ays?)?)? ?(?:(\d{1,7}) ?h(?:(?:ou)?rs?)?)? ?'
    r'(?:(\d{1,9}) ?m(?:in(?:ute)?s?)?)? ?(?:(\d{1,9}) ?s(?:ec(?:ond)?s?)?)?',
    re.ASCII | re.IGNORECASE,
)
_EMAIL = re.compile(r'[^\s@<>"(),;:]{1,64}@[^\s@<>"(),;:]{1,189}')
_UNITS = {'ms': 0.001, 's': 1, 'min': 60, 'h': 3600}
# Characters that make a text show in another order than it is stored.
_REORDERING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


class BadValue(ValueError):
    """A value that cannot be taken; `code` is a key of `messages.RECORD`."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def is_blank(value):
    """Tell whether nothing is given: None, a blank text, or NaN."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value or (len(value) < 16 and value.strip().casefold() in _NOTHING)
    return isinstance(value, float) and value != value


def clean_text(value, limit=TEXT_LIMIT):
    """Return a scalar as text: trimmed, at most `limit` long, and fit for database, XML and page.

    Lists and objects give ''. A text that is cut ends in “…”.
    """
    if type(value) is not str:
        value = _scalar_text(value)
    if len(value) > limit:
        value = value[: 4 * limit].strip()
    # Printable says at once: no NUL, no control character, no half of a surrogate pair.
    if not value.isprintable():
        value = ''.join(filter(None, map(_clean_char, value.replace('\r\n', '\n'))))
        value = value.translate(_REORDERING)
    value = value.strip()
    return value if len(value) <= limit else value[: limit - 1].rstrip() + '…'


def _clean_char(char):
    if char.isprintable() or char in '\n\t':
        return char
    if '\ud800' <= char <= '\udfff' or char in '\ufffe\uffff':
        # Half of a pair, and what no XML may hold.
        return '\ufffd'
    if char == '\r':
        return '\n'
    return '' if char < ' ' or '\x7f' <= char <= '\x9f' else char


def _scalar_text(value):
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool) or value is None:
        return ''
    if isinstance(value, int):
        return str(value) if value.bit_length() < 200 else ''
    if isinstance(value, float):
        # Spreadsheets keep whole numbers as floats; 706174884.0 is the ID 706174884.
        whole = value == value and abs(value) < 2**53 and value == int(value)
        return str(int(value)) if whole else '' if value != value else repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return ''


def clean_line(value, limit=TEXT_LIMIT):
    """Return a scalar as one line of text."""
    text = clean_text(value, limit)
    return text if text.isprintable() else ' '.join(text.split())


def identity(value):
    """Return an ID as text; '' when there is none.

    A number nought stands for none: whoever has no ID for any record would give it to all.
    """
    kind = type(value)
    if kind is int:
        if value.bit_length() >= 200:
            raise BadValue('bad_id')
        return str(value) if value else ''
    if is_blank(value):
        return ''
    if kind is str:
        text = value.strip() if value.isprintable() else clean_line(value[: ID_LIMIT * 4])
        if len(value) > ID_LIMIT * 4 or len(text) > ID_LIMIT:
            raise BadValue('bad_id')
        return text
    if kind is float and abs(value) < 2**53 and value == int(value):
        return str(int(value)) if value else ''
    if isinstance(value, str):
        return identity(str(value))
    raise BadValue('bad_id')


def email_address(value):
    """Return an e-mail address in lower case, '' when the value has not the form of one."""
    text = value if type(value) is str else _scalar_text(value)
    if '@' not in text or len(text) > 4 * TEXT_LIMIT:
        return ''
    if '<' in text:
        text = text.rpartition('<')[2].partition('>')[0]
    text = text.strip()
    if len(text) > 254 or not text.isprintable() or not _EMAIL.fullmatch(text):
        return ''
    return text.lower()


@lru_cache(maxsize=1024)
def _find_zone(name):
    if not name.isascii() or len(name) > 64 or name.startswith(('posix', 'right/', 'localtime')):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # Not only ZoneInfoNotFoundError (a KeyError): a folder such as “Europe” is an OSError,
        # a path that leads out of the database a ValueError.
        return None


def zone_info(name):
    """Return the `ZoneInfo` of an IANA name. Raise `BadValue` for anything else."""
    zone = _find_zone(name.strip()) if isinstance(name, str) and len(name) < 200 else None
    if zone is None:
        raise BadValue('unknown_zone')
    return zone


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
        return _from_number(value, unit), True
    if kind is str:
        return _from_text(value, unit, order)
    if isinstance(value, datetime):
        return _to_utc(value)
    if kind is date:
        return datetime(value.year, value.month, value.day), False
    raise BadValue(_time_code(unit))


def _time_code(unit):
    return 'bad_time_' + unit if unit in {'s', 'ms'} else 'bad_time'


def _from_number(value, unit):
    if unit == 'auto':
        # 10 and 13 digits: the years 2001 to 2286 in either unit.
        unit = 's' if 10**9 <= value < 10**10 else 'ms' if 10**12 <= value < 10**13 else None
    if unit is None or not (value == value and abs(value) < 10**18):
        raise BadValue(_time_code(unit))
    return from_epoch(int(value), unit)


def _from_text(text, unit, order):
    if 19 <= len(text) <= 20 and text[4] == '-' and (len(text) == 19 or text[19] in 'Zz'):
        # By far the most frequent form: 2017-02-03T14:10:50Z, with or without its Z.
        try:
            return datetime.fromisoformat(text[:19]), len(text) == 20
        except ValueError:
            pass  # another form of the same length, read below
    if len(text) > 64:
        text = text.strip()
        if len(text) > 64:
            raise BadValue(_time_code(unit))
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _from_number(float(text) if '.' in text else int(text), unit), True
    if _ISO.fullmatch(text):
        # “Z” and fractions of other than 3 or 6 digits are not read before Python 3.11.
        plain = _FRACTION.sub('', text[:-1] + '+00:00' if text[-1] in 'Zz' else text)
        plain = plain.removesuffix(' UTC') + ('+00:00' if plain.endswith(' UTC') else '')
        try:
            return _to_utc(datetime.fromisoformat(plain.replace(' +', '+').replace(' -', '-')))
        except ValueError:
            raise BadValue(_time_code(unit)) from None
    match = _COMMON.fullmatch(text)
    if not match:
        raise BadValue(_time_code(unit))
    return _from_parts(match, unit, order), False


def _from_parts(match, unit, order):
    """Return the datetime of 31.01.2026 14:05, 1/31/2026 2:05 PM, 2026/01/31 14:05 and the like."""
    first, mark, second, third, hour, minute, second_, half = match.groups()
    a, b, c = int(first), int(second), int(third)
    if len(first) == 4:
        year, month, day = a, b, c
    else:
        if len(first) > 2 or len(third) not in {2, 4}:
            raise BadValue(_time_code(unit))
        year = c if len(third) == 4 else 2000 + c
        if mark == '.':
            order = 'dmy'
        elif order is None:
            if a <= 12 and b <= 12 and a != b:
                raise BadValue('ambiguous_time')
            order = 'mdy' if a <= 12 else 'dmy'
        day, month = (a, b) if order == 'dmy' else (b, a)
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise BadValue(_time_code(unit))
        hours = hours % 12 + (12 if half in 'Pp' else 0)
    try:
        return datetime(year, month, day, hours, int(minute), int(second_ or 0))
    except ValueError:
        raise BadValue(_time_code(unit)) from None


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


def duration(value, unit='s'):
    """Return a duration in whole seconds: a number in `unit`, 01:30:00, or “1 h 5 min”.

    :param unit: 'ms', 's', 'min' or 'h'
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
        text = value.strip() if len(value) <= 64 else ''
        if _NUMBER.fullmatch(text.replace(',', '.')):
            value = float(text.replace(',', '.'))
        else:
            return _duration_text(text)
    if not (value == value and abs(value) < 10**15):
        raise BadValue('bad_duration')
    return _whole(value * _UNITS[unit])


def _duration_text(text):
    if match := _CLOCK.fullmatch(text):
        sign, days, hours, minutes, seconds = match.groups()
        total = int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
        return _whole(-total if sign == '-' else total)
    match = _WORDS.fullmatch(text) if text else None
    if not match:
        raise BadValue('bad_duration')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def _whole(seconds):
    if seconds < 0:
        raise BadValue('negative_duration')
    return int(seconds)
