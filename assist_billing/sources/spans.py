"""A column of spans, “10:12 – 10:42”, becomes two: from the start of each to its end."""

import re
from itertools import islice

from .outcome import LongRow
from .values import BadValue, clock_of, is_blank, is_date_alone, wall_time
from .words import is_total

# In so many rows a column is looked for whose values are spans, most of them.
_LOOKED_AT = 100
_LONGEST = 80
_BETWEEN = re.compile(
    r'\s*(?:->|[-–—−~〜～→])\s*|\s+(?:bis|to|until|till|til|à|a|hasta|tot|alle|do|até|ate)\s+',  # noqa: RUF001
    re.IGNORECASE,
)
_HALF = re.compile(r'\d\s?[ap]\.?\s?m\b', re.IGNORECASE)


def split_span(text):
    """Return the start and the end of “10:12 – 10:42” or the like, with or without a date.

    None for anything else, and where am or pm is told of the end alone: nobody knows of the start.
    """
    if type(text) is not str or not 7 <= len(text) <= _LONGEST:
        return None
    for match in _BETWEEN.finditer(text):
        start, end = text[: match.start()].strip(), text[match.end() :].strip()
        if not (_is_time(start) and _is_time(end)):
            continue
        if bool(_HALF.search(start)) == bool(_HALF.search(end)):
            return start, end
    return None


def _is_time(text):
    if clock_of(text) is not None:
        return True
    if len(text) < 8 or is_date_alone(text):
        return False
    for order in ('dmy', 'mdy'):
        try:
            wall_time(text, None, order)
        except BadValue:
            continue
        return ':' in text
    return False


def find_spans(records, columns):
    """Return the one column most of whose values are spans; None where there is none, or several.

    A row of sums has none.
    """
    found = []
    for name in columns:
        values = [
            record[name]
            for record in islice(records, _LOOKED_AT)
            if not is_blank(record.get(name)) and not is_total(next(iter(record.values())))
        ]
        if 2 * sum(split_span(value) is not None for value in values) > len(values):
            found.append(name)
    return found[0] if len(found) == 1 else None


def split_spans(records, columns, name):
    """Put two columns in the place of one of spans, in records and in the list of names.

    What is no span stays what it is, in the first of the two.

    :return: `(records, columns, names of the two)`
    """
    # What the heading says in brackets, a zone perhaps, it says of both.
    told = re.sub(r'^[^(\[{]{1,40}', lambda match: f'({match[0].strip()}) ', name).strip()
    two = (f'Start {told}', f'End {told}')
    columns = [part for column in columns for part in (two if column == name else (column,))]
    return [_split(record, name, two) for record in records], columns, two


def _split(record, name, two):
    values = dict(zip(two, split_span(record.get(name)) or (record.get(name), ''), strict=True))
    parts = {}
    for key, value in record.items():
        parts |= values if key == name else {key: value}
    return LongRow(parts, record.width + 1) if isinstance(record, LongRow) else parts
