"""Tables as files: CSV in any usual encoding and with any usual delimiter, and XLSX."""

import codecs
import csv
import io
import re
from collections import Counter
from datetime import datetime, timedelta
from itertools import chain, islice

from . import registry
from .archive import check_archive, find_layout
from .cells import plain_cell
from .columns import Columns, Joined, Split
from .encodings import ENCODINGS, decoder_of, guess_encoding
from .headings import known_headings
from .layout import LOOKED_AT, find_headings, headless_columns, is_heading, spread
from .outcome import LongRow, Note, ReadError, Reading
from .profile import FIELDS
from .spans import find_spans, split_spans
from .values import clean_line, is_blank, is_date_alone
from .words import is_total
from .writer import FIELD_HEADING, REASON_HEADING

MEGABYTE = 1_000_000
# As records a file takes some ten times its size in memory, of which a server process has about
# two gigabytes; 300,000 rows of 20 columns stay well below.
MAX_BYTES = 64 * MEGABYTE
MAX_COLUMNS = 1_000
MAX_ROWS = 300_000
MAX_CELLS = 6_000_000
MAX_CELL_LENGTH = 131_072
# A note can have many lines; more is a quotation mark that nobody closed.
MAX_ROW_LINES = 10_000
# A workbook takes far longer to read than a text.
MAX_XLSX_BYTES = 25 * MEGABYTE
MAX_XLSX_CELLS = 3_000_000

MAC_EPOCH = datetime(1904, 1, 1)
_DELIMITERS = ',;\t|'
_SAMPLE = 65_536
_CONTROLS = re.compile(r'[\x00-\x08\x0e-\x1f]')
# What a file of rejected rows has besides; it must be readable wherever its original was.
_ADDED = frozenset({FIELD_HEADING, REASON_HEADING})
_OUR_HEADINGS = f'{FIELD_HEADING},{REASON_HEADING}'


def read_csv(data, *, max_bytes=MAX_BYTES, encoding=None):
    """Return the `Reading` of a CSV file; its records are dicts of texts, keyed by the headings.

    Encoding (UTF-8, UTF-16, else the likeliest code page) and delimiter (comma, semicolon, tab,
    bar) are found out, and so are the headings: the first row, or the first as wide as the table
    after titles and the like. A table without headings keeps all its rows. Blank rows are passed
    over. Cells beyond the headings are kept under “Column N”.

    :param encoding: the encoding, where somebody has chosen one
    :raise ReadError: it is too large, no text, no CSV, or has no headings
    """
    if len(data) > max_bytes:
        raise ReadError('too_large', size=len(data) // MEGABYTE, limit=max_bytes // MEGABYTE)
    if not data.strip():
        raise ReadError('empty')
    encoding, how, head = _encoding(data, encoding)
    skipped, delimiter = _delimiter(head)
    # Line by line: as one text it would be four times as large.
    lines = io.TextIOWrapper(
        io.BytesIO(data), encoding, errors=decoder_of(encoding, how), newline=None
    )
    lines = _Lines(islice(lines, skipped, None))
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        reading = _collect(_numbered(rows, lines, skipped), MAX_CELLS, is_split=True)
    except csv.Error as error:
        line = rows.line_num + skipped
        raise ReadError('csv_syntax', line=line, problem=str(error)) from None
    return with_encoding(reading, encoding, how)


def with_encoding(reading, encoding, how):
    """Return a reading that says in which encoding it was read, where that was not sure."""
    if how == 'weighed':
        note = Note('encoding', {'encoding': dict(ENCODINGS).get(encoding, encoding)})
        return reading._replace(encoding=encoding, notes=(*reading.notes, note))
    if how == 'mixed':
        return reading._replace(notes=(*reading.notes, Note('mixed', {})))
    return reading


class _Lines:
    """The lines of a text without marks; those of the row that is being read are kept."""

    def __init__(self, lines):
        self._lines = lines
        self._row = []

    def __iter__(self):
        return self

    def __next__(self):
        line = next(self._lines).replace('\0', '').lstrip('\ufeff')
        self._row.append(line)
        if len(self._row) > MAX_ROW_LINES:
            raise _OpenQuote
        return line

    def take(self):
        row, self._row = self._row, []
        return row


class _OpenQuote(Exception):
    """A row does not end: a quotation mark that begins a cell of it is not closed."""


def _numbered(rows, lines, skipped):
    while True:
        first = rows.line_num + 1 + skipped
        try:
            row = next(rows, None)
        except _OpenQuote:
            raise ReadError('csv_quote', line=first) from None
        if row is None:
            return
        if len(text := lines.take()) > 1:
            _check_quotes(text, rows.dialect.delimiter, first)
        # The module's own limit is one setting for the whole process, and Odoo lifts it.
        if max(map(len, row), default=0) > MAX_CELL_LENGTH:
            message = f"a cell has more than {MAX_CELL_LENGTH} characters"
            raise csv.Error(message)
        yield rows.line_num + skipped, row


def _check_quotes(lines, delimiter, first):
    """Raise `ReadError` where a cell of several lines is none: its mark is not closed.

    It would swallow the rows that follow, up to the next mark, or all of them.
    """
    try:
        list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        raise ReadError('csv_quote', line=first) from None


def check_encoding(name):
    """Return the encoding that somebody has chosen. Raise `ReadError` when there is none such."""
    try:
        found = codecs.lookup(str(name)[:40])
    except (LookupError, ValueError):
        found = None
    if found is None or not found._is_text_encoding:
        raise ReadError('unknown_encoding', encoding=str(name)[:40])
    return found.name


def _encoding(data, chosen):
    """Return the encoding of a text, how it was found, and how the text begins."""
    encoding, how = guess_encoding(data)
    if chosen and how != 'sure':
        encoding, how = check_encoding(chosen), 'chosen'
    head = data[:_SAMPLE].decode(encoding, decoder_of(encoding, how)).lstrip('\ufeff')
    controls = len(_CONTROLS.findall(head.replace('\0', '')))
    if controls > 8 and controls > len(head) * 0.02:
        raise ReadError('not_text')
    return encoding, how, head


def _delimiter(head):
    """Return how many lines to skip before the headings, and the delimiter that splits best."""
    lines = io.StringIO(head.replace('\0', ''), newline=None).readlines()
    for skipped, line in enumerate(lines):
        if line[:4].lower() == 'sep=' and line[4:5] and line[4] in _DELIMITERS:
            # What Excel writes, and understands, as a first line.
            return skipped + 1, line[4]
        if _OUR_HEADINGS in line:
            # Ours: reasons have commas and semicolons, and rows that are too long are of any width.
            return 0, ','
        if line.strip():
            break
    best, best_score = ',', (0, 0)
    for delimiter in _DELIMITERS:
        try:
            rows = [len(row) for row in csv.reader(lines[:60], delimiter=delimiter) if row]
        except csv.Error:
            continue
        # Columns that most rows have count for more than many columns in one.
        wide = Counter(width for width in rows if width > 1)
        width = max(wide, key=lambda width: (wide[width], width), default=0)
        score = (wide[width], width)
        if score > best_score:
            best, best_score = delimiter, score
    return 0, best


def read_rows(rows, max_cells=None):
    """Return the `Reading` of numbered rows of cells, wherever they come from."""
    return _collect(rows, max_cells or MAX_CELLS)


def _collect(rows, max_cells, *, is_split=False):
    """Return the reading of numbered rows of cells.

    :param is_split: whether cells were lines that a delimiter splits, so that a row with more of
        them than there are headings may have its values in the wrong places
    """
    rows = _bounded(rows, max_cells)
    first = list(islice(rows, LOOKED_AT))
    if not first:
        raise ReadError('empty')
    cells = [row for _number, row in first]
    # In a file of what was rejected, a row with the name of a field in it can look like headings.
    place = 0 if _ADDED.issubset(cells[0]) else find_headings(cells)
    source, notes = None, []
    take = _text_cell if is_split else plain_cell
    width = len(cells[place]) if is_split and place is not None else None
    if place is None:
        source, columns = headless_columns(cells)
        if len(columns) > MAX_COLUMNS:
            raise _too_many_columns(len(columns))
        if source is None:
            notes.append(Note('headless', {}))
    else:
        columns = _headings(cells[place])
        if place:
            notes.append(Note('skipped', {'lines': _shown(cells[:place])}))
        first = first[place + 1 :]
    added = len(_ADDED.intersection(columns))
    records, lines = [], []
    # In a file of what was rejected there are none further down.
    headings = cells[place] if place is not None and not added else None
    below, earlier = [], []
    for number, row in chain(first, rows):
        if headings is not None and is_heading(row, headings):
            # Of another file behind the first one, whose columns may stand in another order.
            headings = [cell.strip('\ufeff ') if isinstance(cell, str) else cell for cell in row]
            below.append(str(number))
            earlier += columns
            columns = _headings(headings)
            width = len(headings) if is_split else None
            continue
        record = _record(row, columns, take, MAX_COLUMNS + added)
        is_long = width is not None and any(cell not in (None, '') for cell in row[width:])
        records.append(LongRow(record, width) if is_long else record)
        lines.append(number)
    if below:
        columns = list(dict.fromkeys((*earlier, *columns)))
        if len(columns) > MAX_COLUMNS + added:
            raise _too_many_columns(len(columns))
        notes.append(Note('more_headings', {'lines': clean_line(', '.join(below), 100)}))
    source = source or _source_of(columns)
    zone = _zone_of(place, source)
    return _split_spans(Reading(records, columns, lines, source, tz=zone, notes=tuple(notes)))


def _source_of(columns):
    """Return the tool that wrote a table, or None; also where its times are called otherwise.

    A tool of which other exports are known, and not this one: the common words say more of it.
    """
    source = registry.recognise(columns)
    if source is None or {'started_at', 'ended_at'} & suggest_mapping(columns, source).keys():
        return source
    return None if 'started_at' in suggest_mapping(columns, 'csv') else source


def _split_spans(reading):
    """Return a reading with two columns in place of the one that holds start and end.

    Only where there is no end, nor another start: what can be read as it is stays so.
    """
    if reading.source is not None:
        return reading
    read = suggest_mapping(reading.columns, 'csv')
    name = None if 'ended_at' in read else find_spans(reading.records, reading.columns)
    if name is None or read.get('started_at', name) != name:
        return reading
    days = (record.get(read.get('day')) for record in reading.records if read.get('day') != name)
    if not all(is_blank(day) or is_date_alone(day) or is_total(day) for day in days):
        return reading
    records, columns, (start, end) = split_spans(reading.records, reading.columns, name)
    note = Note('spans', {'column': name, 'start': start, 'end': end})
    return reading._replace(records=records, columns=columns, notes=(*reading.notes, note))


def _record(row, columns, take, most):
    """Return the values of a row by its columns, to which are added what it has besides."""
    while len(row) > len(columns):
        if row[-1] not in (None, ''):
            _extend(columns, len(row), most)
            break
        row = row[:-1]
    record = dict(zip(columns, map(take, row), strict=False))
    # A short row lacks its last cells; they are blank, not absent.
    return record if len(row) == len(columns) else dict.fromkeys(columns, '') | record


def _text_cell(cell):
    """Return a cell of a text; what is written as a formula to keep its noughts is the text."""
    if cell[:2] == '="' and cell[-1] == '"' and cell.count('"') == 2:
        return cell[2:-1]
    return plain_cell(cell)


def _bounded(rows, max_cells):
    """Yield the rows that are not blank. Raise `ReadError` when they are too many."""
    cells = count = 0
    added = None
    for number, row in rows:
        if added is None:
            added = len(_ADDED.intersection(row)) if any(row) else None
        cells += max(len(row) - (added or 0), 0)
        if number > MAX_ROWS * 2 or count > MAX_ROWS:
            raise ReadError('too_many_rows', limit=f'{MAX_ROWS:,}')
        if cells > max_cells:
            raise ReadError('too_many_cells', limit=f'{max_cells:,}')
        if any(cell not in (None, '') for cell in row):
            count += 1
            yield number, row


def _zone_of(place, source):
    """Return the zone of a table's times, where its tool is known to write them in one."""
    profile = registry.get(source)
    if profile is None:
        return None
    return 'UTC' if profile.naive == 'utc' or (place is None and profile.headless) else None


def _shown(rows):
    texts = [' '.join(str(cell) for cell in row if cell not in (None, '')) for row in rows[:5]]
    return ' / '.join(clean_line(text, 80) for text in texts)


def _headings(row):
    while row and row[-1] in (None, ''):
        row = row[:-1]
    if len(row) - len(_ADDED.intersection(row)) > MAX_COLUMNS:
        raise _too_many_columns(len(row))
    headings = []
    taken = set()
    for position, cell in enumerate(row, 1):
        name = ' '.join(str(plain_cell(cell) if cell is not None else '').split())[:200]
        name = name or f'Column {position}'
        heading, count = name, 1
        while heading in taken:
            count += 1
            heading = f'{name} ({count})'
        taken.add(heading)
        headings.append(heading)
    if not any(char.isalpha() for heading in headings for char in heading):
        raise ReadError('no_header')
    return headings


def _too_many_columns(count):
    return ReadError('too_many_columns', count=f'{count:,}', limit=f'{MAX_COLUMNS:,}')


def _extend(columns, width, most):
    if width > most:
        raise _too_many_columns(width)
    for position in range(len(columns) + 1, width + 1):
        name = f'Column {position}'
        columns.append(name if name not in columns else f'{name} (2)')


def read_xlsx(data, *, max_bytes=MAX_XLSX_BYTES):
    """Return the `Reading` of the first sheet of an XLSX workbook that has any cells.

    Dates come as datetimes, numbers as numbers, formulas as the value last computed.

    :raise ReadError: it is too large, would unpack to too much, is broken, locked or an old XLS
    """
    if len(data) > max_bytes:
        raise ReadError('too_large', size=len(data) // MEGABYTE, limit=max_bytes // MEGABYTE)
    if not data:
        raise ReadError('empty')
    if data[:4] == b'\xd0\xcf\x11\xe0':
        # The container of both old workbooks and encrypted new ones.
        locked = 'EncryptedPackage'.encode('utf-16-le') in data
        raise ReadError('xlsx_locked' if locked else 'xlsx_old')
    try:
        check_archive(data, MAX_ROWS * 2)
        return _read_sheets(data)
    except ReadError:
        raise
    except ImportError:
        raise ReadError('xlsx_missing') from None
    except Exception as error:  # noqa: BLE001 - zip, XML and openpyxl raise anything when broken
        raise ReadError('xlsx_broken', problem=type(error).__name__) from None


def _read_sheets(data):
    # Imported here: whoever reads no XLSX needs no openpyxl.
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.datetime import CALENDAR_MAC_1904  # noqa: PLC0415

    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    is_mac = workbook.epoch == CALENDAR_MAC_1904
    try:
        # What somebody hid are lists to choose from, and what is no longer true.
        sheets = sorted(workbook.worksheets, key=lambda sheet: sheet.sheet_state != 'visible')
        return read_sheets(
            [(sheet.title, _SheetRows(sheet, is_mac=is_mac)) for sheet in sheets], MAX_XLSX_CELLS
        )
    finally:
        workbook.close()


class _SheetRows:
    """The numbered rows of a sheet, as somebody sees them.

    :ivar notes: what is to be looked at, once they were read
    """

    def __init__(self, sheet, *, is_mac):
        self._sheet = sheet
        self._is_mac = is_mac
        self.notes = ()

    def __iter__(self):
        with self._sheet._get_source() as content:
            spans, hidden, formulas = find_layout(content)
        # Dimensions are what the writer claims, up to 16,384 columns; look ourselves.
        self._sheet.reset_dimensions()
        rows = enumerate(self._sheet.iter_rows(values_only=True), 1)
        rows = _with_formulas(rows, formulas) if formulas else rows
        rows = _since_1904(rows) if self._is_mac else rows
        count = 0
        for number, row in spread(rows, spans) if spans else rows:
            if number in hidden and any(cell not in (None, '') for cell in row):
                count += 1
                self.notes = (Note('hidden_rows', {'count': str(count)}),)
            yield number, row


def read_sheets(sheets, max_cells=None):
    """Return the `Reading` of the first sheet that has sessions, which names the others.

    :param list sheets: `(title, numbered rows of cells)`
    """
    found = None
    for title, rows in islice(sheets, 10):
        try:
            reading = _collect(rows, max_cells or MAX_CELLS)
        except ReadError as error:
            if error.code != 'empty' and found is None:
                raise
            continue
        others = ', '.join(other for other, rows_ in sheets if rows_ is not rows)[:300]
        reading = reading._replace(notes=(*reading.notes, *getattr(rows, 'notes', ())))
        if others:
            titles = {'sheet': clean_line(title, 60), 'others': clean_line(others, 300)}
            reading = reading._replace(notes=(*reading.notes, Note('other_sheets', titles)))
        found = found or reading
        # A first sheet may be but a cover.
        if reading.source or known_headings(reading.columns) >= 2:
            return reading
    if found is None:
        raise ReadError('empty')
    return found


def _with_formulas(rows, formulas):
    """Yield rows in which a formula that nobody computed stands as it is, to be refused.

    Without its value it would be blank: a session whose end is one would run.
    """
    for number, row in rows:
        if number in formulas:
            row = list(row)
            for column, text in formulas[number].items():
                if column <= len(row) and row[column - 1] is None:
                    row[column - 1] = text
        yield number, row


def _since_1904(rows):
    """Yield rows of a workbook that counts days from 1904, its plain numbers of days as dates.

    Cells that are formatted as dates come as dates already.
    """
    for number, row in rows:
        yield (
            number,
            [
                MAC_EPOCH + timedelta(seconds=round(cell * 86_400))
                if type(cell) is float and 31_412 <= cell < 78_538 and cell != int(cell)
                else cell
                for cell in row
            ],
        )


def suggest_mapping(columns, source):
    """Return `{field: column}` as `source` would read records with these columns.

    A field that stands in several columns, such as a date and a time of day, has a list of them;
    one that finds no column is missing. For a dialog, to be shown and changed before use.
    """
    profile = registry.get(source)
    if profile is None or not isinstance(columns, list | tuple):
        return {}
    names = [name for name in columns if isinstance(name, str)]
    shape = Columns(profile).shape(dict.fromkeys(names))
    suggestion = {}
    for field, found in zip(FIELDS, shape.columns, strict=True):
        column = found[0] if found else None
        if isinstance(column, Joined):
            suggestion[field] = [getattr(part, 'label', part) for part in column.columns]
        elif isinstance(column, Split):
            suggestion[field] = list(column.columns.values())
        elif column is not None:
            suggestion[field] = getattr(column, 'label', column)
    return suggestion
