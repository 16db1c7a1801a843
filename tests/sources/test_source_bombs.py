"""Files of some kilobytes that would become gigabytes are refused before they do."""

import io
import json
import tracemalloc
import zipfile

import openpyxl
import pytest

from sources import (
    ReadError,
    archive,
    read_csv,
    read_json,
    read_xlsx,
    reader,
    tables,
    write_rejected,
)
from sources.writer import FIELD_HEADING

SHEET = 'xl/worksheets/sheet1.xml'
STYLES = 'xl/styles.xml'
TEXTS = 'xl/sharedStrings.xml'


def workbook(parts=None, compression=zipfile.ZIP_DEFLATED):
    """Return a sound workbook of two cells, with some of its parts replaced."""
    book = openpyxl.Workbook()
    book.active.append(['Session ID', 'Start'])
    content = io.BytesIO()
    book.save(content)
    out = io.BytesIO()
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(out, 'w', compression) as new:
        found = {name: old.read(name) for name in old.namelist()} | (parts or {})
        for name, part in found.items():
            new.writestr(name, part)
    return out.getvalue()


def sheet(rows, root='worksheet'):
    return f'<?xml version="1.0"?><{root}><sheetData>{rows}</sheetData></{root}>'.encode()


def refused(read, data):
    """Return the error, which must come without memory."""
    tracemalloc.start()
    try:
        with pytest.raises(ReadError) as caught:
            read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Of a text in memory there may be a copy or two; of a workbook never more than a piece.
    assert peak < 20_000_000 + 3 * len(data)
    assert '%(' not in caught.value.reason
    return caught.value.code


@pytest.mark.parametrize(
    ('part', 'content', 'code'),
    [
        pytest.param(
            *(SHEET, sheet('<row/>' * 601_000), 'too_many_rows'), marks=pytest.mark.thorough
        ),
        (SHEET, sheet('<row>' + '<c/>' * 250_000 + '</row>'), 'xlsx_tags'),
        (SHEET, sheet('<x:row>' + '<x:c/>' * 250_000 + '</x:row>'), 'xlsx_tags'),
        (SHEET, sheet('<row>' + '<a>' * 250_000), 'xlsx_tags'),
        pytest.param(
            *(SHEET, sheet(('<row>' + '<c/>' * 199_000 + '</row>') * 71), 'xlsx_tags'),
            marks=pytest.mark.thorough,
        ),
        (SHEET, sheet('<c/>' * 1_100_000), 'xlsx_tags'),
        (SHEET, sheet('<row><c/></row></sheetData>' + '<a/>' * 1_100_000), 'xlsx_tags'),
        (STYLES, sheet('<row/><xf/>' * 600_000, 'styleSheet'), 'xlsx_tags'),
        (STYLES, b'<!-- <worksheet> -->' + sheet('<row/>' * 1_100_000, 'styleSheet'), 'xlsx_tags'),
        (TEXTS, sheet('<si/>' * 6_100_000, 'sst'), 'xlsx_tags'),
        (SHEET, b'<!--' + b'x' * 70_000 + b'--><!DOCTYPE l [<!ENTITY a "a">]><l/>', 'xlsx_broken'),
        (SHEET, b'x' * ((1 << 20) - 4) + b'<!DOCTYPE l>', 'xlsx_broken'),
        (SHEET, '<?xml version="1.0" encoding="utf-16"?><a/>'.encode('utf-16'), 'xlsx_broken'),
        (SHEET, '<a/>'.encode('utf-16-le'), 'xlsx_broken'),
        (SHEET, '<a/>'.encode('utf-32-be'), 'xlsx_broken'),
        (SHEET, '<?xml version="1.0"?><a/>'.encode('cp037'), 'xlsx_broken'),
        (SHEET, b'<?xml version="1.0" encoding="cp037"?>\x4c\x81\x61\x6e', 'xlsx_broken'),
    ],
)
def test_a_workbook_that_a_parser_would_choke_on_is_not_parsed(part, content, code):
    data = workbook({part: content})
    assert len(data) < 300_000
    assert refused(read_xlsx, data) == code


def test_only_what_unpacks_in_bounded_pieces_is_unpacked():
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert refused(read_xlsx, workbook(compression=compression)) == 'xlsx_broken'


def test_a_prolog_made_to_take_for_ever_does_not():
    """One that could be read in several ways would be read in all of them, and never end."""
    for prolog in (b'<!---->' * 20_000, b'<?x?>' * 20_000, b'<!--' * 20_000, b' ' * 100_000):
        assert archive._ROOT.match(prolog + b'!') is None


def test_the_largest_honest_row_and_sheet_are_read():
    book = openpyxl.Workbook(write_only=True)
    rows = book.create_sheet()
    rows.append(['Session ID', *(None for _column in range(16_000)), None])
    for number in range(3_000):
        rows.append([f'N{number}', *range(5)])
    content = io.BytesIO()
    book.save(content)
    reading = read_xlsx(content.getvalue())
    assert len(reading.records) == 3_000


@pytest.mark.parametrize(
    ('content', 'code'),
    [
        (b'[' + b'0,' * 400_000 + b'0]', 'too_many_records'),
        (b'[' + b'0,' * 7_000_000 + b'0]', 'too_many_values'),
        (b'[' + b'{},' * 1_600_000 + b'0]', 'too_many_values'),
        (b'[' + b'[],' * 1_600_000 + b'0]', 'too_many_values'),
    ],
)
def test_json_that_would_become_too_many_objects_is_refused(content, code):
    if code == 'too_many_values':
        assert refused(read_json, content) == code
    else:
        with pytest.raises(ReadError) as caught:
            read_json(content)
        assert caught.value.code == code


def test_as_many_records_as_rows():
    assert reader.MAX_RECORDS == tables.MAX_ROWS
    assert reader.MAX_VALUES == tables.MAX_CELLS


def test_rejected_rows_of_the_widest_file_can_be_read_again():
    columns = ['Session ID', *(f'c{number}' for number in range(tables.MAX_COLUMNS - 1))]
    data = f'{",".join(columns)}\n{"1," * 999}1\n'.encode()
    reading = read_csv(data)
    for _time in range(2):
        content, _extension = write_rejected(reading, [(0, 'Start', 'is missing')])
        reading = read_csv(content)
        assert len(reading.records) == 1
        assert reading.records[0][FIELD_HEADING] == 'Start'
    with pytest.raises(ReadError):
        read_csv(f'{",".join(columns)},{FIELD_HEADING},x\n1\n'.encode())


def test_a_record_nested_too_deeply_to_be_written_does_not_stop_the_others():
    nested = []
    for _depth in range(100_000):
        nested = [nested]
    reading = read_json(b'[{"a": 1}, {"b": 2, "c": 3}]')
    reading.records[1]['c'] = nested
    content, extension = write_rejected(reading, [(0, 'a', 'one'), (1, 'b', 'two')])
    records = json.loads(content)
    assert extension == 'json'
    assert [record['Rejected Because'] for record in records] == ['one', 'two']
    assert (records[1]['b'], records[1]['c']) == (2, '[…]')
    # Taking apart what is nested so deeply would overflow the stack.
    while nested:
        nested = nested.pop()
