"""What somebody could choose as a file of sessions: tables, workbooks, JSON, bombs and noise."""

import io
import itertools
import json
import zipfile
from datetime import datetime, timedelta

import openpyxl
from hypothesis import strategies as st

from fuzz_inputs import batches, hostile_texts, json_anything, json_records, texts
from sources import get

ENCODINGS = (
    'utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'cp1252', 'latin-1',
    'shift_jis', 'utf-7',
)  # fmt: skip
FILENAMES = st.sampled_from(
    ['a.csv', 'a.json', 'a.xlsx', 'a', '', '.csv', '../../etc/passwd.csv', '<b>.csv', 'a.csv.exe',
     'ü%s%(x)s.csv', 'x' * 300 + '.json', False]
)  # fmt: skip
MOMENTS = (
    '2026-01-31 10:00:00', '31.01.2026 10:30', '2026-01-31T11:00:00Z', '1481369000053', '0',
    '0000-00-00 00:00:00', '9999-12-31 23:59:59', '31.12.0001 00:00', '', 'NaN', '-1',
)  # fmt: skip


def quoted(cell, delimiter):
    if any(char in cell for char in (delimiter, '"', '\n', '\r')):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def headings(draw):
    """Return headings of some source, or nearly, and the source."""
    source = draw(st.sampled_from(['csv', 'rustdesk', 'screenconnect', 'splashtop', 'zoho_assist']))
    columns = get(source).columns
    own = [columns[field][0] for field in columns if columns[field]]
    kept = draw(st.lists(st.sampled_from(own), unique=True, min_size=1, max_size=len(own)))
    required = [columns[field][0] for field in ('external_id', 'started_at') if columns.get(field)]
    if draw(st.integers(0, 5)):
        kept = list(dict.fromkeys((*required, *kept)))
    return [*kept, *draw(st.lists(texts, max_size=3))], source


def tables(cells):
    """A strategy of `(rows of cells, source)`, the first row being headings."""

    @st.composite
    def draw_table(draw):
        columns, source = headings(draw)
        rows = [columns]
        for number in range(draw(st.integers(0, 5))):
            row = [draw(cells) for _column in range(draw(st.integers(0, len(columns) + 2)))]
            if row and draw(st.booleans()):
                row[0] = f'N{number}'
            rows.append(row)
        return rows, source

    return draw_table()


text_cells = st.one_of(st.sampled_from(MOMENTS), st.sampled_from(MOMENTS), texts)


@st.composite
def csv_files(draw):
    rows, source = draw(tables(text_cells))
    delimiter = draw(st.sampled_from(',;\t|'))
    end = draw(st.sampled_from(['\n', '\r\n', '\r']))
    text = end.join(delimiter.join(quoted(cell, delimiter) for cell in row) for row in rows)
    encoding = draw(st.sampled_from(ENCODINGS))
    return text.encode(encoding, 'replace'), source


@st.composite
def json_files(draw):
    batch, source = draw(batches(json_anything, json_records))
    content = draw(
        st.sampled_from([batch, {'representation': batch}, {'data': {'records': batch}}, {'': 0}])
    )
    if draw(st.integers(0, 9)) == 0:
        content = draw(json_anything)
    text = json.dumps(content, ensure_ascii=draw(st.booleans()))
    encoding = draw(st.sampled_from(ENCODINGS[:6]))
    data = text.encode(encoding, 'surrogatepass' if 'utf-7' not in encoding else 'replace')
    return data[: draw(st.sampled_from([None, None, None, -1, -7]))], source


# === WORKBOOKS === #

# What XML, and so a workbook, can hold at all.
_xml_texts = texts.map(
    lambda text: ''.join(char for char in text if char.isprintable() or char in '\t\n')[:30_000]
)
workbook_cells = st.one_of(
    _xml_texts,
    st.sampled_from(MOMENTS),
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)),
    st.times(),
    st.timedeltas(timedelta(0), timedelta(10_000)),
)
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">%s]>' % ''.join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise('abcdefghij')
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'
_SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
# What a sheet can say of its cells, sound or not; the headings are those of a file.
ODD_ROWS = (
    '<row r="1"><c r="XFD1048576"><v>1</v></c></row>',
    '<row r="99999999999"><c r="A1"><v>1</v></c></row>',
    '<row r="-1"/><row r="x"/><row/>',
    '<row><c t="s"><v>999</v></c><c t="s"><v>-1</v></c><c t="s"><v>x</v></c></row>',
    '<row><c t="d"><v>0000-00-00T99:99:99</v></c><c t="d"><v/></c></row>',
    '<row><c t="n"><v>1e400</v></c><c t="n"><v>NaN</v></c><c><v>0x1</v></c></row>',
    '<row><c t="e"><v>#DIV/0!</v></c><c t="b"><v>7</v></c><c t="?"><v>1</v></c></row>',
    '<row><c t="inlineStr"><is><t>&j;</t></is></c></row>',
    '<row><c r="A0"/><c r=""/><c r="1A"/><c r="AAAAAAAAAAAAAA1"/></row>',
    '<row><c s="99999"><v>1</v></c><c s="-1"><v>1</v></c><c s="1"><v>99999999999</v></c></row>',
    '<row><c s="1"><v>-5</v></c><c s="1"><v>2958466</v></c></row>',
    f'<row>{"<c/>" * 17_000}</row>',
    f'<row>{"<c><v>1</v></c>" * 2_000}</row>',
    '<row/>' * 5_000,
    '<row><c t="inlineStr"><is><t>\x01\ufffe</t></is></c></row>',
    '<row><c><f>cmd|x</f></c></row>',
    '<a>' * 3_000,
)
_HEAD = '<row>%s</row>' % ''.join(
    f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in ('Session ID', 'Start', 'End')
)


def workbook(rows):
    """Return the bytes of a workbook of these rows."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def with_part(data, name, content):
    """Return a workbook with one of its parts replaced, or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        parts = {part: old.read(part) for part in old.namelist()}
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as new:
        for part, found in (parts | {name: content}).items():
            new.writestr(part, found)
    return out.getvalue()


PLAIN = workbook([['Session ID', 'Start'], ['1', '2026-01-31 10:00:00']])
with zipfile.ZipFile(io.BytesIO(PLAIN)) as _archive:
    PARTS = _archive.namelist()


@st.composite
def odd_sheets(draw):
    """A workbook whose sheet is XML that no spreadsheet program writes."""
    before = draw(st.sampled_from(['', '', '', LAUGHS, OUTSIDE, '<!--' + 'x' * 5_000 + '-->']))
    before += draw(st.sampled_from(['', '', LAUGHS]))
    rows = ''.join(draw(st.lists(st.sampled_from(ODD_ROWS), max_size=3)))
    xml = f'{before}<worksheet {_SHEET}><sheetData>{_HEAD}{rows}</sheetData></worksheet>'
    encoding = draw(st.sampled_from(['utf-8', 'utf-8', 'utf-16', 'utf-32']))
    content = f'<?xml version="1.0" encoding="{encoding}"?>{xml}'.encode(encoding)
    return with_part(PLAIN, 'xl/worksheets/sheet1.xml', content)


@st.composite
def broken_workbooks(draw):
    """A workbook with a part replaced by noise, or with bytes of the archive changed."""
    data = PLAIN
    for _part in range(draw(st.integers(0, 2))):
        content = draw(st.one_of(st.binary(max_size=60), hostile_texts.map(_encoded)))
        data = with_part(data, draw(st.sampled_from(PARTS)), content)
    data = bytearray(data)
    for _byte in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.sampled_from([None, None, -1, -30, 100]))])


def _encoded(text):
    return text.encode('utf-8', 'replace')


@st.composite
def xlsx_files(draw):
    if draw(st.booleans()):
        rows, source = draw(tables(workbook_cells))
        headings_ = [''.join(filter(str.isprintable, name))[:1_000] for name in rows[0]]
        return workbook([headings_, *rows[1:]]), source
    return draw(st.one_of(odd_sheets(), broken_workbooks())), 'csv'


# === MARKUP, LINES, LAYOUTS === #

_names = st.sampled_from(
    ['session', 'a:session', 'row', 'Row', 'Cell', 'Data', 'Workbook', 'Worksheet', 'Table',
    'start',
     'end_time', 'x' * 300, 'table', 'tr', 'td', 'th', 'br']
)  # fmt: skip


@st.composite
def markup(draw, depth=3):
    """Elements in each other, closed or not, with any text."""
    name = draw(_names)
    attributes = ''.join(
        f' {key}="{draw(_xml_texts).replace(chr(34), "").replace("<", "")[:50]}"'
        for key in draw(st.lists(st.sampled_from(['id', 'lsid', 'ss:Index', 'xmlns', 'colspan',
                                                  'timestamp']), max_size=3))
    )  # fmt: skip
    inside = draw(
        st.sampled_from([*MOMENTS, '', '&amp;', '&j;', '<![CDATA[x]]>', '<!--x-->', '&#0;'])
    )
    if depth:
        inside += ''.join(draw(st.lists(markup(depth - 1), max_size=4)))
    return f'<{name}{attributes}>{inside}' + draw(st.sampled_from([f'</{name}>'] * 9 + ['']))


@st.composite
def markup_files(draw):
    before = draw(st.sampled_from(
        ['', '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>',
         '<?xml version="1.0" encoding="nosuch"?>', '<html>', '<!DOCTYPE html>', LAUGHS, OUTSIDE,
         '<?xml version="1.0"?>' + LAUGHS, '<?xml version="1.0"?>' + OUTSIDE, '<!--', '<table>']
    ))  # fmt: skip
    text = before + draw(markup())
    return text.encode(draw(st.sampled_from(ENCODINGS)), 'replace'), 'csv'


@st.composite
def line_files(draw):
    """Records one after the other, of which some are broken."""
    batch, source = draw(batches(json_anything, json_records))
    batch = batch if isinstance(batch, list) else [batch]
    joint = draw(st.sampled_from(['\n', '\r\n', ' ', '', ',\n']))
    text = joint.join(json.dumps(record) for record in batch)
    return text.encode()[: draw(st.sampled_from([None, None, -1, -9]))], source


@st.composite
def columnar_files(draw):
    names = draw(st.lists(texts, min_size=1, max_size=5))
    rows = draw(st.lists(st.one_of(st.lists(json_anything, max_size=6), json_anything), max_size=4))
    keys = draw(
        st.sampled_from([('FieldNames', 'Items'), ('Schema', 'Values'), ('columns', 'data')])
    )
    head = [{'Column': name} for name in names] if draw(st.booleans()) else names
    content = draw(st.sampled_from([{keys[0]: head, keys[1]: rows}, [names, *rows],
                                    {'x': {keys[0]: head, keys[1]: rows}}]))  # fmt: skip
    return json.dumps(content).encode(), 'csv'


@st.composite
def odd_tables(draw):
    """Lines before the headings, no headings, rows of totals, and several encodings in one file."""
    rows, source = draw(tables(text_cells))
    delimiter = draw(st.sampled_from(',;\t|'))
    before = draw(
        st.sampled_from(['', 'OK\n\n', '#TYPE x\n', f'sep={delimiter}\n', 'Title\n', '\n' * 9])
    )
    lines = [delimiter.join(quoted(cell, delimiter) for cell in row) for row in rows]
    lines = lines[draw(st.integers(0, 1)) :] + draw(st.lists(st.just('Total;;1'), max_size=1))
    data = before.encode()
    for line in lines:
        data += line.encode(draw(st.sampled_from(ENCODINGS)), 'replace') + b'\n'
    return data, source


# === ALL === #


@st.composite
def wide_files(draw):
    """More columns than any export has."""
    count = draw(st.sampled_from([999, 1_000, 1_001, 2_000, 5_000]))
    names = ['Session ID', 'Start', *(f'c{number}' for number in range(count - 2))]
    row = draw(st.lists(text_cells, max_size=3))
    return '\n'.join(','.join(quoted(cell, ',') for cell in line) for line in (names, row))


noise = st.one_of(
    st.binary(max_size=400),
    wide_files().map(_encoded),
    st.sampled_from(
        [b'[' * 50_000, b'{"a":' * 50_000, b'[' * 900 + b']' * 900, b'\xef\xbb\xbf', b'\xff\xfe',
         b'PK\x03\x04', b'\xd0\xcf\x11\xe0', b'\0' * 500, b'<html>', b'Start\n' * 9, b'"' * 999,
         b'<a>' * 5_000, b'<table>' * 5_000, b'<a b="' * 500, b'<td>' * 9_000, b'x' * 300_000,
         b'<!--' * 5_000, b'<![CDATA[' * 500, b'{' * 9_000, b'{}' * 9_000, b'5 ' * 9_000]
    ),
)  # fmt: skip
# `(content, source to choose, name)` of a file.
files = st.one_of(
    st.tuples(csv_files(), FILENAMES),
    st.tuples(json_files(), FILENAMES),
    st.tuples(xlsx_files(), FILENAMES),
    st.tuples(markup_files(), FILENAMES),
    st.tuples(line_files(), FILENAMES),
    st.tuples(columnar_files(), FILENAMES),
    st.tuples(odd_tables(), FILENAMES),
    st.tuples(st.tuples(noise, st.just('csv')), FILENAMES),
).map(lambda case: (*case[0], case[1]))
