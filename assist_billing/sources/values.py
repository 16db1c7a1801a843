"""Values as the tools write them: texts, IDs, instants, durations, zones.

Every function takes anything at all, does a bounded amount of work, and raises nothing but
`BadValue`, whose code is a key of `messages.RECORD`.
"""

import re
from datetime import date, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from .bad_value import BadValue
from .durations import duration
from .times import UTC, clock_of, from_epoch, is_date_alone, local_to_utc, wall_time
from .words import NOTHING

# What values are read with, in one place, whichever file it stands in.
__all__ = [
    'UTC',
    'BadValue',
    'clean_line',
    'clean_text',
    'clock_of',
    'device_id',
    'duration',
    'email_address',
    'from_epoch',
    'identity',
    'is_blank',
    'is_date_alone',
    'local_to_utc',
    'wall_time',
    'zone_info',
]

ID_LIMIT = 255
TEXT_LIMIT = 255
NOTE_LIMIT = 20_000

# A long number that a spreadsheet program wrote as 1.23457E+12: many numbers came to that.
_ROUNDED = re.compile(r'\d(?:[.,]\d{1,14})?[eE]\+\d{1,3}', re.ASCII)
# 613 209 944
_GROUPED = re.compile(r'\d{1,3}(?: \d{3}){2,3}', re.ASCII)
_EMAIL = re.compile(r'[^\s@<>"(),;:]{1,64}@[^\s@<>"(),;:]{1,189}')
# As headings and columns write it: “(UTC+05:30)”, “GMT+2”, “-04:00”.
_OFFSET = re.compile(r'(?:utc|gmt)? ?([+-])(\d{1,2})(?::?([0-5]\d))?', re.ASCII | re.IGNORECASE)
# Characters that make a text show in another order than it is stored.
_REORDERING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def is_blank(value):
    """Tell whether nothing is given: None, a blank text, or NaN."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value or (len(value) < 16 and value.strip().casefold() in NOTHING)
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
        if len(value) > ID_LIMIT * 4 or len(text) > ID_LIMIT or _ROUNDED.fullmatch(text):
            raise BadValue('bad_id')
        return text
    if kind is float and abs(value) < 2**53 and value == int(value):
        return str(int(value)) if value else ''
    if isinstance(value, str):
        return identity(str(value))
    raise BadValue('bad_id')


def device_id(text):
    """Return a device's ID without the blanks that screens show in a long number."""
    return text.replace(' ', '') if _GROUPED.fullmatch(text) else text


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
    if (match := _OFFSET.fullmatch(name)) and int(match[2]) < 15:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(-offset if match[1] == '-' else offset, name.upper())
    if not name.isascii() or len(name) > 64 or name.startswith(('posix', 'right/', 'localtime')):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # Not only ZoneInfoNotFoundError (a KeyError): a folder such as “Europe” is an OSError,
        # a path that leads out of the database a ValueError.
        return None


def zone_info(name):
    """Return the zone of an IANA name or of an offset. Raise `BadValue` for anything else."""
    zone = _find_zone(name.strip()) if isinstance(name, str) and len(name) < 200 else None
    if zone is None:
        raise BadValue('unknown_zone')
    return zone
