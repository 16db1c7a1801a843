"""Tables as files: CSV in any usual encoding and with any usual delimiter, and XLSX."""

import codecs
import csv
import io
import re
from itertools import islice

from . import registry
from .archive import check_archive
from .cells import plain_cell
from .columns import Columns
from .outcome import ReadError, Reading
from .profile import FIELDS
from .writer import FIELD_HEADING, REASON_HEADING

MEGABYTE = 1_000_000
# As records a file takes some ten times its size in memory, of which a server process has about
# two gigabytes; 300,000 rows of 20 columns stay well below.
MAX_BYTES = 64 * MEGABYTE
MAX_COLUMNS = 1_000
MAX_ROWS = 300_000
MAX_CELLS = 6_000_000
MAX_CELL_LENGTH = 131_072
# A workbook takes far longer to read than a text.
MAX_XLSX_BYTES = 25 * MEGABYTE
MAX_XLSX_CELLS = 3_000_000

_DELIMITERS = ',;\t|'
_SAMPLE = 65_536
_CONTROLS = re.compile(r'[\x00-\x08\x0e-\x1f]')
# What a file of rejected rows has besides; it must be readable wherever its original was.
_ADDED = frozenset({FIELD_HEADING, REASON_HEADING})


def read_csv(data, *, max_bytes=MAX_BYTES):
    """Return the `Reading` of a CSV file; its records are dicts of texts, keyed by the headings.

    Encoding (UTF-8, UTF-16, else Windows-1252) and delimiter (comma, semicolon, tab, bar) are
    found out. The first row that is not blank names the columns; blank rows are passed over.
    Cells beyond the headings are kept under “Column N”.

    :raise ReadError: it is too large, no text, no CSV, or has no headings
    """
    if len(data) > max_bytes:
        raise ReadError('too_large', size=len(data) // MEGABYTE, limit=max_bytes // MEGABYTE)
    if not data.strip():
        raise ReadError('empty')
    encoding, head = _encoding(data)
    skipped, delimiter = _delimiter(head)
    # Line by line: as one text it would be four times as large.
    lines = io.TextIOWrapper(io.BytesIO(data), encoding, errors='replace', newline=None)
    rows = csv.reader(
        (line.replace('\0', '').lstrip('\ufeff') for line in islice(lines, skipped, None)),
        delimiter=delimiter,
        skipinitialspace=True,
    )
    try:
        return _collect(_numbered(rows, skipped), MAX_CELLS)
    except csv.Error as error:
        line = rows.line_num + skipped
        raise ReadError('csv_syntax', line=line, problem=str(error)) from None


def _numbered(rows, skipped):
    for row in rows:
        # The module's own limit is one setting for the whole process, and Odoo lifts it.
        if max(map(len, row), default=0) > MAX_CELL_LENGTH:
            message = f"a cell has more than {MAX_CELL_LENGTH} characters"
            raise csv.Error(message)
        yield rows.line_num + skipped, row


def _encoding(data):
    """Return the encoding of a text, and how it begins."""
    encoding = _guess_encoding(data)
    head = data[:_SAMPLE].decode(encoding, 'replace').lstrip('\ufeff')
    controls = len(_CONTROLS.findall(head.replace('\0', '')))
    if controls > 8 and controls > len(head) * 0.02:
        raise ReadError('not_text')
    return encoding, head


def _guess_encoding(data):
    for bom, encoding in (
        (codecs.BOM_UTF8, 'utf-8'),
        (codecs.BOM_UTF16_LE, 'utf-16-le'),
        (codecs.BOM_UTF16_BE, 'utf-16-be'),
    ):
        if data.startswith(bom):
            return encoding
    sample = data[:_SAMPLE]
    if b'\0' in sample:
        # UTF-16 without a mark: every other byte of plain text is nought.
        for encoding, zeros in (('utf-16-le', sample[1::2]), ('utf-16-be', sample[0::2])):
            if zeros.count(0) > len(zeros) * 0.6:
                return encoding
    try:
        data.decode('utf-8')
    except UnicodeDecodeError:
        return 'cp1252'
    return 'utf-8'


def _delimiter(head):
    """Return how many lines to skip before the headings, and the delimiter that splits best."""
    lines = io.StringIO(head.replace('\0', ''), newline=None).readlines()
    for skipped, line in enumerate(lines):
        if line[:4].lower() == 'sep=' and line[4:5] and line[4] in _DELIMITERS:
            # What Excel writes, and understands, as a first line.
            return skipped + 1, line[4]
        if line.strip():
            break
    best, best_score = ',', (0, 0)
    for delimiter in _DELIMITERS:
        try:
            rows = [len(row) for row in csv.reader(lines[:20], delimiter=delimiter) if row]
        except csv.Error:
            continue
        width = rows[0] if rows else 0
        # Columns that all rows have count for more than many columns in one.
        score = (sum(row == width for row in rows) if width > 1 else 0, width)
        if score > best_score:
            best, best_score = delimiter, score
    return 0, best


def _collect(rows, max_cells):
    """Return the reading of numbered rows of cells, the first of which has the headings."""
    columns, records, lines = None, [], []
    cells = added = 0
    for number, row in rows:
        cells += max(len(row) - added, 0)
        if number > MAX_ROWS * 2 or len(records) >= MAX_ROWS:
            raise ReadError('too_many_rows', limit=f'{MAX_ROWS:,}')
        if cells > max_cells:
            raise ReadError('too_many_cells', limit=f'{max_cells:,}')
        if not any(cell not in (None, '') for cell in row):
            continue
        if columns is None:
            columns = _headings(row)
            added = len(_ADDED.intersection(columns))
            continue
        while len(row) > len(columns):
            if row[-1] not in (None, ''):
                _extend(columns, len(row), MAX_COLUMNS + added)
                break
            row = row[:-1]
        # A short row lacks its last cells; they are blank, not absent.
        records.append(
            dict(zip(columns, map(plain_cell, row), strict=False))
            if len(row) == len(columns)
            else dict.fromkeys(columns, '') | dict(zip(columns, map(plain_cell, row), strict=False))
        )
        lines.append(number)
    if columns is None:
        raise ReadError('empty')
    return Reading(records, columns, lines, registry.recognise(columns))


def _headings(row):
    while row and row[-1] in (None, ''):
        row = row[:-1]
    if len(row) - len(_ADDED.intersection(row)) > MAX_COLUMNS:
        raise ReadError('too_many_columns', count=f'{len(row):,}', limit=f'{MAX_COLUMNS:,}')
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


def _extend(columns, width, most):
    if width > most:
        raise ReadError('too_many_columns', count=f'{width:,}', limit=f'{MAX_COLUMNS:,}')
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

    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        for sheet in islice(workbook.worksheets, 10):
            # Dimensions are what the writer claims, up to 16,384 columns; look ourselves.
            sheet.reset_dimensions()
            try:
                return _collect(enumerate(sheet.iter_rows(values_only=True), 1), MAX_XLSX_CELLS)
            except ReadError as error:
                if error.code != 'empty':
                    raise
    finally:
        workbook.close()
    raise ReadError('empty')


def suggest_mapping(columns, source):
    """Return `{field: column}` as `source` would read a table with these columns.

    A field that finds no column is missing. For a dialog, to be shown and changed before use.
    """
    profile = registry.get(source)
    if profile is None or not isinstance(columns, list | tuple):
        return {}
    names = [name for name in columns if isinstance(name, str)]
    shape = Columns(profile).shape(dict.fromkeys(names))
    suggestion = {}
    for field, found in zip(FIELDS, shape, strict=True):
        if found and isinstance(found[0], str):
            suggestion[field] = found[0]
    return suggestion
