"""Files into records: JSON, CSV and XLSX, sound and broken."""

import io
import json
import zipfile
from datetime import datetime, timedelta

import openpyxl
import pytest

from sources import (
    ReadError,
    Reading,
    inert_cell,
    normalise,
    read_csv,
    read_file,
    read_json,
    read_xlsx,
    suggest_mapping,
    tables,
    write_rejected,
)

RECORDS = [{'session_id': 1, 'start_time': 1481369000053, 'agent_email': 'é@example.com'}]


def refused(read, data, **options):
    with pytest.raises(ReadError) as caught:
        read(data, **options)
    assert '%(' not in caught.value.reason
    assert str(caught.value) == caught.value.reason
    return caught.value


# === JSON === #


@pytest.mark.parametrize(
    ('content', 'source'),
    [
        (RECORDS, 'zoho_assist'),
        (RECORDS[0], 'zoho_assist'),
        ({'representation': RECORDS, 'total_count': 1}, 'zoho_assist'),
        ({'data': {'records': RECORDS}}, 'zoho_assist'),
        ({'response': 'ok', 'sessions': RECORDS}, 'zoho_assist'),
    ],
)
def test_json_in_every_envelope(content, source):
    reading = read_json(json.dumps(content).encode())
    assert (reading.records, reading.source) == (RECORDS, source)


@pytest.mark.parametrize(
    ('content', 'source'),
    [({'representation': []}, 'zoho_assist'), ({'representation': None}, 'zoho_assist'),
     ({'records': []}, None), ([], None)],
)  # fmt: skip
def test_a_list_without_records_is_no_error(content, source):
    reading = read_json(json.dumps(content).encode())
    assert reading.records == []
    assert reading.source == source


@pytest.mark.parametrize(
    'encoding',
    ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'utf-32-le', 'utf-32-be'],
)
def test_json_in_every_encoding(encoding):
    assert read_json(json.dumps(RECORDS, ensure_ascii=False).encode(encoding)).records == RECORDS


def test_odd_records_are_kept_to_be_rejected_one_by_one():
    data = b'[{"session_id": NaN}, 5, null, [], {"session_id": ' + b'9' * 6000 + b'}]'
    records = read_json(data).records
    assert len(records) == 5
    codes = [normalise(record, 'zoho_assist').code for record in records]
    assert codes == ['no_id', 'not_object', 'not_object', 'not_object', 'bad_id']


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (b'', 'empty'),
        (b' \r\n\t', 'empty'),
        (b'<!DOCTYPE html><html>', 'not_json_web_page'),
        (b'\xef\xbb\xbf <html>', 'not_json_web_page'),
        (b'PK\x03\x04rest', 'not_json_spreadsheet'),
        (b'[{"session_id": 1}, {"sess', 'json_truncated'),
        (b'[{"session_id": 1},', 'json_truncated'),
        (b'[{"session_id": 1}', 'json_truncated'),
        (b'[{"session_id": ', 'json_truncated'),
        (b'[{"session_id" 1}]', 'json_syntax'),
        (b'[{"a": 1}] trailing', 'json_syntax'),
        (b"{'single': 'quotes'}", 'json_syntax'),
        (b'session_id,start_time\n1,2\n', 'json_syntax'),
        (b'[{"name": "\xe9"}]', 'json_encoding'),
        (b'[' * 100_000, 'json_nested'),
        (b'{"a":' * 100_000, 'json_nested'),
        (b'"text"', 'json_no_records'),
        (b'5', 'json_no_records'),
        (b'null', 'json_no_records'),
        (b'{}', 'json_no_records'),
        (b'{"total_count": 3}', 'json_no_records'),
        (b'{"representation": 5}', 'json_no_records'),
        (b'{"error": {"code": 401, "message": "invalid token"}}', 'json_error'),
        (b'{"message": "rate limit"}', 'json_error'),
    ],
)
def test_json_that_holds_no_records_says_why(data, code):
    assert refused(read_json, data).code == code


def test_a_truncated_file_says_where_it_breaks_off():
    whole = json.dumps({'representation': RECORDS * 3}, indent=1).encode()
    for length in range(2, len(whole) - 1):
        error = refused(read_json, whole[:length])
        assert error.code in {'json_truncated', 'json_syntax'}
    assert 'line 3, column 4' in refused(read_json, b'{"representation":\n [\n  {').reason


def test_the_error_of_the_source_is_repeated():
    error = refused(read_json, b'{"error": {"code": 401, "message": "invalid token"}}')
    assert '401' in error.reason
    assert 'invalid token' in error.reason


def test_too_large_says_how_large():
    error = refused(read_json, b'5' * 3_000_000, max_bytes=2_000_000)
    assert 'is 3 MB; at most 2 MB' in error.reason
    assert refused(read_csv, b'a' * 3_000_000, max_bytes=2_000_000).code == 'too_large'
    assert refused(read_xlsx, b'PK' * 2_000_000, max_bytes=2_000_000).code == 'too_large'


# === CSV === #

ROWS = [['Name', 'Note'], ['Zoë', 'a, b; "c"'], ['', 'x\ny']]


def csv_bytes(rows, encoding, delimiter=','):
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    return '\r\n'.join(delimiter.join(row) for row in quoted).encode(encoding)


@pytest.mark.parametrize('delimiter', [',', ';', '\t', '|'])
@pytest.mark.parametrize(
    'encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'cp1252']
)
def test_csv_in_every_encoding_and_delimiter(encoding, delimiter):
    reading = read_csv(csv_bytes(ROWS, encoding, delimiter))
    assert reading.columns == ['Name', 'Note']
    assert reading.records == [
        {'Name': 'Zoë', 'Note': 'a, b; "c"'},
        {'Name': '', 'Note': 'x\ny'},
    ]


def test_csv_rows_short_long_and_blank():
    data = b'sep=;\r\n\r\na;b;;b\r\n1\r\n\r\n1;2;3;4;5;;\r\n;;;\r\n'
    reading = read_csv(data)
    assert reading.columns == ['a', 'b', 'Column 3', 'b (2)', 'Column 5']
    assert reading.records == [
        {'a': '1', 'b': '', 'Column 3': '', 'b (2)': ''},
        {'a': '1', 'b': '2', 'Column 3': '3', 'b (2)': '4', 'Column 5': '5'},
    ]
    assert len(reading.lines) == 2


@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'])
def test_csv_line_ends(end):
    assert len(read_csv(end.join(['a,b', '1,2', '3,4', '']).encode()).records) == 2


def test_csv_lines_are_numbered_as_in_the_file():
    assert read_csv(b'a,b\n"1\n1",2\n\n3,4\n').lines == [3, 5]


def test_what_was_exported_inert_comes_back():
    rows = [['Note'], [inert_cell('=1+1')], [inert_cell("it's")]]
    reading = read_csv(csv_bytes(rows, 'utf-8'))
    assert [record['Note'] for record in reading.records] == ['=1+1', "it's"]


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (b'', 'empty'),
        (b' \r\n ', 'empty'),
        (b'\xef\xbb\xbf', 'empty'),
        (b',,,\n,,,\n', 'empty'),
        (bytes(range(32)) * 100, 'not_text'),
        (b'%PDF-1.4' + b'\x01\x02\x03\x04' * 200, 'not_text'),
        (b'1,2\n3,4\n', 'no_header'),
        (b'a,"' + b'x' * 200_000 + b'"\n1,2', 'csv_syntax'),
        (','.join(f'c{number}' for number in range(2_000)).encode(), 'too_many_columns'),
        (b'a,b\n1,2' + b',x' * 2_000, 'too_many_columns'),
    ],
)
def test_csv_that_cannot_be_read_says_why(data, code):
    assert refused(read_csv, data).code == code


def test_csv_bounds(monkeypatch):
    monkeypatch.setattr(tables, 'MAX_ROWS', 3)
    assert refused(read_csv, b'a\n' + b'1\n' * 5).code == 'too_many_rows'
    assert refused(read_csv, b'a\n' + b'\n' * 50).code == 'too_many_rows'
    monkeypatch.setattr(tables, 'MAX_CELLS', 4)
    assert refused(read_csv, b'a,b\n1,2\n3,4\n').code == 'too_many_cells'


# === XLSX === #


def workbook_bytes(rows, title='Sessions'):
    workbook = openpyxl.Workbook()
    workbook.active.title = title
    for row in rows:
        workbook.active.append(row)
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def archive_bytes(parts, compression=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w', compression) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def test_xlsx_with_dates_and_numbers():
    rows = [
        ['Session ID', 'Start', 'End', 'Technician', None],
        [706174884, datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 9, 30), 'Olga', None],
        [None, None, None, None, None],
        ['A-2', '2026-03-02 10:00', None, "'=1", 'beyond'],
    ]
    reading = read_xlsx(workbook_bytes(rows))
    assert reading.columns == ['Session ID', 'Start', 'End', 'Technician', 'Column 5']
    assert reading.lines == [2, 4]
    first, second = (normalise(record, 'csv', tz='UTC') for record in reading.records)
    assert first.external_id == '706174884'
    assert first.duration_seconds == 1800
    assert second.technician == '=1'
    assert second.ended_at is None


def test_xlsx_date_and_time_in_two_columns():
    rows = [['id', 'Day', 'At'], ['1', datetime(2026, 3, 2), datetime(2026, 3, 2, 9).time()]]
    record = read_xlsx(workbook_bytes(rows)).records[0]
    session = normalise(record, 'csv', tz='UTC', mapping={'started_at': ['Day', 'At']})
    assert session.started_at == datetime(2026, 3, 2, 9)


def test_xlsx_passes_over_empty_sheets():
    workbook = openpyxl.Workbook()
    workbook.create_sheet('Second').append(['a', 'b'])
    content = io.BytesIO()
    workbook.save(content)
    assert read_xlsx(content.getvalue()).columns == ['a', 'b']


def test_xlsx_zip_bomb_is_not_opened():
    parts = {'[Content_Types].xml': 'x', 'xl/worksheets/sheet1.xml': b'0' * 300_000_000}
    data = archive_bytes(parts)
    assert len(data) < 1_000_000
    assert refused(read_xlsx, data).code == 'xlsx_bomb'
    many = archive_bytes({f'p{number}': b'' for number in range(6_000)})
    assert refused(read_xlsx, many).code == 'xlsx_bomb'


def test_xlsx_row_numbers_that_lie_do_not_hang():
    data = workbook_bytes([['a'], ['b']])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = 'xl/worksheets/sheet1.xml'
    parts[sheet] = (
        parts[sheet].replace(b'r="2"', b'r="99999999999"').replace(b'A2', b'A99999999999')
    )
    assert refused(read_xlsx, archive_bytes(parts)).code == 'too_many_rows'


def test_xlsx_with_entities_is_not_opened():
    data = workbook_bytes([['a'], ['b']])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    bomb = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;</l>'
    for part, problem in ((bomb, 'DOCTYPE'), (bomb.decode().encode('utf-16'), 'encoding')):
        parts['xl/sharedStrings.xml'] = part
        error = refused(read_xlsx, archive_bytes(parts))
        assert (error.code, error.params['problem']) == ('xlsx_broken', problem)


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (b'', 'empty'),
        (b'PK\x03\x04', 'xlsx_broken'),
        (b'no archive at all', 'xlsx_broken'),
        (b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old', 'xlsx_old'),
        (b'\xd0\xcf\x11\xe0' + 'EncryptedPackage'.encode('utf-16-le'), 'xlsx_locked'),
        (archive_bytes({'readme.txt': 'hello'}), 'xlsx_broken'),
        (workbook_bytes([]), 'empty'),
        (workbook_bytes([[1, 2]]), 'no_header'),
    ],
)
def test_xlsx_that_cannot_be_read_says_why(data, code):
    assert refused(read_xlsx, data).code == code


def test_xlsx_cut_off_or_damaged_says_so():
    data = workbook_bytes([['a', 'b'], ['1', '2']])
    for position in range(0, len(data), 97):
        assert refused(read_xlsx, data[:position]).code in {'empty', 'xlsx_broken'}
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        try:
            assert isinstance(read_xlsx(bytes(damaged)).records, list)
        except ReadError as error:
            assert error.reason


# === ANY === #


def test_read_file_tells_formats_apart():
    assert read_file(b' {"representation": []}').records == []
    assert read_file(b'\xef\xbb\xbf[]').records == []
    assert read_file('[]'.encode('utf-16')).records == []
    assert read_file(b'a,b\n1,2\n', 'x.csv').records == [{'a': '1', 'b': '2'}]
    assert read_file(workbook_bytes([['a'], ['1']]), 'x.csv').records == [{'a': '1'}]
    assert refused(read_file, b'nothing', name='x.json').code == 'json_syntax'
    assert refused(read_file, b'').code == 'empty'


@pytest.mark.parametrize(
    'heading', ['Subject', 'Betreff', 'Objet', 'Asunto', 'Onderwerp', 'Oggetto', 'Assunto']
)
def test_what_it_was_about_is_its_note(heading):
    assert suggest_mapping(['ID', 'Start', heading], 'csv')['note'] == heading


def test_a_mapping_is_suggested_from_the_columns():
    columns = ['Session-ID', 'START', 'end time', 'User', 'Nothing known']
    assert suggest_mapping(columns, 'csv') == {
        'external_id': 'Session-ID',
        'started_at': 'START',
        'ended_at': 'end time',
        'technician': 'User',
    }
    assert suggest_mapping(columns, 'nosuch') == {}
    assert suggest_mapping(None, 'csv') == {}
    assert suggest_mapping([None, 5], 'csv') == {}


def test_a_rejected_row_of_a_workbook_is_read_again_as_it_was():
    moment, lasting = datetime(2026, 3, 2, 9, 30), timedelta(days=1, hours=2, seconds=5)
    columns = ['Session ID', 'Start', 'Duration', 'Blank', 'Yes']
    record = dict(zip(columns, (706174884.0, moment, lasting, None, True), strict=True))
    reading = Reading([record], columns, [2], None)
    content, extension = write_rejected(reading, [(0, 'End', 'is missing')])
    assert extension == 'csv'
    [again] = read_csv(content).records
    assert list(again.values())[:5] == ['706174884', '2026-03-02 09:30:00', '26:00:05', '', 'True']
    before, after = (normalise(each, 'csv', tz='UTC') for each in (record, again))
    assert before == after
