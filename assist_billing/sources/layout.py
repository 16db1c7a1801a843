"""Where in a table its headings are, after titles and other lines, and what cells span rows."""

import re
from collections import Counter
from datetime import date, datetime, time

from . import registry
from .headings import known_headings
from .values import BadValue, wall_time

# Before these many rows the headings are looked for.
LOOKED_AT = 60
# Each row is looked through for the cells that reach into it, in so many columns.
SPANNED_COLUMNS = 200
_DAY = re.compile(r'(?<!\d)(?:\d{4}-\d\d-\d\d|\d{1,2}([./-])\d{1,2}\1\d{4})(?!\d)', re.ASCII)
_GUID = re.compile(r'\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?')


def find_headings(rows):
    """Return the index of the row of headings among the first rows; None when there is none.

    :param list rows: the first rows that are not blank, each a list of cells
    """
    if not rows:
        return None
    widths = [_width(row) for row in rows]
    for index, row in enumerate(rows[:-1] or rows):
        if widths[index] > 1 and not _is_data(row) and _is_known(row):
            return index
    index = _first_wide(rows, widths)
    return None if _is_data(rows[index]) else index


def is_heading(row, headings):
    """Tell whether a row below the headings has headings: the same again, or those of other files.

    :param list headings: the row of headings above
    """
    texts = [cell for cell in row if cell not in (None, '')]
    if len(texts) < 2 or not all(isinstance(cell, str) for cell in texts):
        return False
    if any(map(str.isdigit, ''.join(texts))) and texts[0].lstrip('\ufeff') not in headings:
        return False
    cells = [text.strip('\ufeff ') for text in texts]
    same = [heading for heading in headings if heading not in (None, '')]
    return cells == same or (not _is_data(cells) and _is_known(cells))


def _first_wide(rows, widths):
    """Return the index of the first row that is as wide as the table."""
    if str(rows[0][0] or '').startswith('#TYPE '):
        return 1 if len(rows) > 1 else 0
    wide = Counter(width for width in widths if width > 1)
    if not wide:
        return 0
    typical = max(wide, key=lambda width: (wide[width], width))
    if widths[0] * 5 >= typical * 3 or typical < 3:
        return 0
    index = next(index for index, width in enumerate(widths) if width * 5 >= typical * 3)
    # What is neither data nor words was no list below titles: no row is passed over.
    return index if _is_data(rows[index]) or _are_words(rows[index]) else 0


def _are_words(row):
    filled = [cell for cell in row if cell not in (None, '')]
    return all(isinstance(cell, str) and any(map(str.isalpha, cell)) for cell in filled) and len(
        set(filled)
    ) == len(filled)


def _width(row):
    """Return how many cells there are up to the last that is filled."""
    for index in range(len(row), 0, -1):
        if row[index - 1] not in (None, ''):
            return index
    return 0


def _is_known(row):
    names = [cell for cell in row[:2_000] if isinstance(cell, str) and cell]
    return registry.recognise(names) is not None or known_headings(names) >= 3


def _is_data(row):
    """Tell whether a row has what no heading is: an instant, a number of days, a GUID."""
    return any(map(_is_datum, row[:200]))


def _is_datum(cell):
    if isinstance(cell, datetime | date | time):
        return True
    if not isinstance(cell, str) or not 8 <= len(cell) <= 60 or cell.isalpha():
        return False
    if _GUID.fullmatch(cell.strip()) or _DAY.search(cell):
        return True
    if not any(map(str.isdigit, cell)) or cell.strip().isdigit():
        return False
    try:
        wall_time(cell, None, 'dmy')
    except BadValue:
        try:
            wall_time(cell, None, 'mdy')
        except BadValue:
            return False
    return True


def headless_columns(rows):
    """Return `(source, names of its columns)` of a tool whose tables have no headings.

    None and plain numbered names where no tool is known to write such.
    """
    width = max(map(_width, rows))
    for profile in registry.profiles():
        for names, patterns in profile.headless:
            if width <= len(names) + 1 and all(_fits(row, patterns) for row in rows[:5]):
                # What older versions do not write is no column.
                names = names[:width]
                extra = range(len(names) + 1, width + 1)
                return profile.name, [*names, *(f'Column {number}' for number in extra)]
    return None, [f'Column {number}' for number in range(1, width + 1)]


def _fits(row, patterns):
    return all(
        index < len(row) and re.fullmatch(pattern, str(row[index] or '').strip())
        for index, pattern in patterns.items()
    )


def spread(rows, spans):
    """Yield rows in which a cell that spans several of them is in each, where it is a name or day.

    Not a number: what a duration over several rows is of each of them nobody knows.

    :param rows: `(number, cells)`
    :param dict spans: `{number of a row: [(column, number of the last row)]}`; may grow meanwhile
    """
    open_spans = {}
    for number, row in rows:
        if open_spans and any(cell not in (None, '') for cell in row):
            row = list(row)
            for column, (last, value) in list(open_spans.items()):
                if number > last:
                    del open_spans[column]
                elif column <= len(row) and row[column - 1] in (None, ''):
                    row[column - 1] = value
        for column, last in spans.get(number, ()):
            if column > SPANNED_COLUMNS:
                continue
            value = row[column - 1] if column <= len(row) else None
            if isinstance(value, str | date):
                open_spans[column] = last, value
        yield number, row
