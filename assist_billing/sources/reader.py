"""From the bytes of a file to records. The one error raised is `ReadError`, in words."""

import io
import json
import re
import zipfile

from . import registry
from .encodings import BOMS, decoder_of, guess_encoding
from .json_shapes import find_missing, find_records, paths_of, zone_around
from .markup import (
    html_encoding,
    html_rows,
    is_sheet,
    parse_xml,
    sheets_of,
    values_of,
    xml_records,
)
from .messages import KINDS_OF_FILES
from .outcome import Note, ReadError, Reading
from .tables import (
    MAX_COLUMNS,
    check_encoding,
    read_csv,
    read_rows,
    read_sheets,
    read_xlsx,
    with_encoding,
)

MEGABYTE = 1_000_000
MAX_JSON_BYTES = 64 * MEGABYTE
# As in a table: what is read must fit into the memory of a server process, with the answers.
MAX_RECORDS = 300_000
MAX_VALUES = 6_000_000
_MAX_OBJECTS = 5 * MAX_RECORDS


def read_json(data, *, max_bytes=MAX_JSON_BYTES):
    """Return the `Reading` of a JSON answer or file.

    It may be a list of records, one record, or an object that holds the list: `representation`
    (Zoho Assist), `records` (TeamViewer), `list` (AnyDesk), `data` (RustDesk) and so on.

    :param bytes data: the content
    :raise ReadError: it is too large, no JSON, broken off, nested too deeply, or has no list
    """
    if len(data) > max_bytes:
        raise ReadError('too_large', size=len(data) // MEGABYTE, limit=max_bytes // MEGABYTE)
    if not data.strip():
        raise ReadError('empty')
    text = _json_text(data)
    _check_size(text)
    start = text.lstrip()[:1]
    if start == '<':
        raise ReadError('not_json_web_page')
    found = _parse(text)
    records, key = find_records(found)
    if len(records) > MAX_RECORDS:
        raise ReadError('too_many_records', limit=f'{MAX_RECORDS:,}')
    source = registry.recognise(records) or (None if records else _source_of_envelope(key))
    return Reading(
        records, [], [], source, paths=tuple(paths_of(records)),
        tz=_zone_of_source(source) or zone_around(found), notes=find_missing(found, records),
    )  # fmt: skip


def _json_text(data):
    if data[:4] == b'PK\x03\x04':
        raise ReadError('not_json_spreadsheet')
    encoding = json.detect_encoding(bytes(data[:8]))
    for bom, name in BOMS:
        if data.startswith(bom):
            data, encoding = data[len(bom) :], name
            break
    try:
        return bytes(data).decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.upper()
        raise ReadError('json_encoding', encoding=name, position=error.start) from None


def _check_size(text):
    """Refuse what would become too many objects; some bytes of text take hundreds of memory."""
    if text.count(',') > MAX_VALUES or text.count('{') + text.count('[') > _MAX_OBJECTS:
        raise ReadError('too_many_values', limit=f'{MAX_VALUES:,}')


def _parse(text):
    try:
        return _loads(text)
    except RecursionError:
        raise ReadError('json_nested') from None
    except json.JSONDecodeError as error:
        if error.msg == 'Extra data' and (several := _one_after_another(text)):
            return several
        # Whatever breaks off leaves its mistake at the very end.
        rest = text[error.pos :].strip()
        broken_off = not rest or (error.msg.startswith('Unterminated') and '\n' not in rest)
        raise ReadError(
            'json_truncated' if broken_off else 'json_syntax',
            line=error.lineno,
            column=error.colno,
            problem=error.msg,
        ) from None


def _loads(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # A number of thousands of digits. Read it as text, so that its record alone is refused.
        return json.loads(text, parse_int=_int_or_text)


def _int_or_text(digits):
    return int(digits) if len(digits) < 64 else digits


def _one_after_another(text):
    """Return the values of JSON lines, or of objects that follow one another; None if it is none.

    :raise json.JSONDecodeError: one of them is broken
    """
    decoder = json.JSONDecoder(parse_int=_int_or_text)
    values, position = [], 0
    space = re.compile(r'[\s,]*')
    while (position := space.match(text, position).end()) < len(text):
        if text[position] not in '{[':
            return None
        if len(values) > MAX_RECORDS:
            raise ReadError('too_many_records', limit=f'{MAX_RECORDS:,}')
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            rest = text[error.pos :].strip()
            code = 'json_syntax' if '\n' in rest else 'json_truncated'
            raise ReadError(
                code, line=error.lineno, column=error.colno, problem=error.msg
            ) from None
        values.append(value)
    return values


def _source_of_envelope(key):
    owners = [profile.name for profile in registry.profiles() if key in profile.envelope]
    return owners[0] if len(owners) == 1 else None


def _zone_of_source(source):
    profile = registry.get(source)
    return 'UTC' if profile is not None and profile.naive == 'utc' else None


# === MARKUP === #


def read_xml(data, *, max_bytes=MAX_JSON_BYTES, encoding=None):
    """Return the `Reading` of an XML file: a report, or a workbook of older programs.

    :raise ReadError: it is too large, broken, defines entities, or has no list of records
    """
    if len(data) > max_bytes:
        raise ReadError('too_large', size=len(data) // MEGABYTE, limit=max_bytes // MEGABYTE)
    root = parse_xml(bytes(data), encoding)
    if is_sheet(root):
        return read_sheets(sheets_of(root))
    records = xml_records(root)
    columns = list(dict.fromkeys(name for record in records for name in record))
    if len(columns) > MAX_COLUMNS:
        raise ReadError('too_many_columns', count=f'{len(columns):,}', limit=f'{MAX_COLUMNS:,}')
    source = registry.recognise(columns)
    around = values_of(root)
    is_alone = all(records[0].get(name) == value for name, value in around.items())
    notes = () if is_alone else find_missing(around, records)
    return Reading(records, columns, list(range(1, len(records) + 1)), source,
                   tz=_zone_of_source(source), notes=notes)  # fmt: skip


def read_html(data, *, max_bytes=MAX_JSON_BYTES, encoding=None):
    """Return the `Reading` of the longest table of a web page, such as many an “.xls” is.

    :raise ReadError: it is too large, or has no table
    """
    if len(data) > max_bytes:
        raise ReadError('too_large', size=len(data) // MEGABYTE, limit=max_bytes // MEGABYTE)
    found, how = guess_encoding(data)
    told = html_encoding(data)
    if how != 'sure' and (encoding or told):
        found, how = check_encoding(encoding or told), 'told'
    text = bytes(data).decode(found, decoder_of(found, how))
    text = text.replace('\0', '').lstrip('\ufeff')
    # As plain UTF-8, whatever it was: the parser would believe what the page says of itself.
    rows, count = html_rows(text.encode('utf-8', 'replace'), 'utf-8')
    reading = with_encoding(read_rows(rows), found, how)
    if count > 1:
        note = Note('other_tables', {'count': str(count)})
        reading = reading._replace(notes=(*reading.notes, note))
    return reading


# === ANY === #

# How files begin that are not read, and what they are.
_BEGINNINGS = (
    (b'%PDF', 'pdf'), (b'\x89PNG', 'image'), (b'GIF8', 'image'), (b'\xff\xd8\xff', 'image'),
    (b'BM', 'image'), (b'\x1f\x8b', 'gzip'), (b'7z\xbc\xaf', '7z'), (b'Rar!', 'rar'),
    (b'SQLite format 3', 'sqlite'), (b'{\\rtf', 'rtf'), (b'MZ', 'program'), (b'\x7fELF', 'program'),
    (b'PAR1', 'parquet'), (b'MIME-Version:', 'mhtml'), (b'Received:', 'mail'),
    (b'Return-Path:', 'mail'), (b'Delivered-To:', 'mail'), (b'BEGIN:VCALENDAR', 'calendar'),
)  # fmt: skip
# AnyDesk's connection_trace.txt says when somebody connected, and not for how long.
_ANYDESK_TRACE = re.compile(rb'(?:Incoming|Outgoing)\s{2,}\d{4}-\d\d-\d\d, \d\d:\d\d\s')
_PACKED = frozenset({'zip', 'gzip', '7z', 'rar'})
_HTML = re.compile(rb'<!doctype\s+html|<html[\s>]|<table[\s>]|<head[\s>]|<body[\s>]|<meta[\s>]'
                   rb'|<div[\s>]', re.IGNORECASE)  # fmt: skip


def read_file(data, name=None, encoding=None):
    """Return the `Reading` of a file: JSON, JSON lines, CSV, XLSX, XML, or a table of a web page.

    :param bytes data: the content
    :param name: its name, of which the extension counts when the content leaves it open
    :param encoding: the encoding of a text whose bytes do not tell it; default: the likeliest
    :raise ReadError: nothing can be read; the reason says what the file is, where it is known
    """
    data = bytes(data)
    start = data[:512]
    if start[:4] in {b'PK\x03\x04', b'\xd0\xcf\x11\xe0'}:
        _check_archive_kind(data)
        return read_xlsx(data)
    _check_kind(start)
    extension = str(name or '')[-5:].lower().rpartition('.')[2]
    plain = start.replace(b'\0', b'').lstrip(b'\xef\xbb\xbf\xff\xfe \t\r\n')
    if _ANYDESK_TRACE.match(plain):
        raise ReadError('other_kind', kind=KINDS_OF_FILES['anydesk_trace'])
    if plain[:1] == b'<':
        return _read_markup(data, plain, encoding)
    if extension in {'json', 'ndjson', 'jsonl'} or _begins_json(plain):
        return read_json(data)
    return read_csv(data, encoding=encoding)


def _begins_json(plain):
    """Tell whether a text begins as JSON; a table's first cell may begin with a bracket too."""
    return bool(re.match(rb'\{\s*["}]|\[\s*[\[{"\]\-\dtfn]|[\[{]\s*$', plain))


def _read_markup(data, plain, encoding):
    if _HTML.match(plain) or (plain[:2] == b'<!' and b'<html' in plain.lower()):
        return read_html(data, encoding=encoding)
    if plain[:5] == b'<?xml' and _HTML.search(plain) and b'Workbook' not in plain:
        return read_html(data, encoding=encoding)
    try:
        return read_xml(data)
    except ReadError as error:
        # Fragments of pages: rows of a table without a page around.
        if error.code == 'xml_syntax' and re.search(rb'<t[rhd][\s>]', data[:65_536], re.IGNORECASE):
            return read_html(b'<table>' + data, encoding=encoding)
        raise


def _check_kind(start):
    """Raise `ReadError` that says what a file is, when it is of a kind that is not read."""
    for beginning, kind in _BEGINNINGS:
        if start.startswith(beginning) and (len(beginning) > 2 or b'\0' in start):
            code = 'packed' if kind in _PACKED else 'other_kind'
            raise ReadError(code, kind=KINDS_OF_FILES[kind])


def _check_archive_kind(data):
    if data[:2] != b'PK':
        return
    head = data[:4_096]
    kind = None
    if b'mimetypeapplication/vnd.oasis' in head:
        kind = 'ods'
    elif b'word/' in head or b'ppt/' in head:
        kind = 'docx'
    else:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = archive.namelist()[:5_000]
        except Exception:  # noqa: BLE001 - what is broken is told as a broken workbook
            return
        if 'xl/workbook.bin' in names:
            kind = 'xlsb'
        elif 'Index/Document.iwa' in names:
            kind = 'numbers'
        elif names and not any(part.startswith(('xl/', '[Content_Types]')) for part in names):
            kind = 'zip'
    if kind == 'zip':
        raise ReadError('packed', kind=KINDS_OF_FILES[kind])
    if kind:
        raise ReadError('other_kind', kind=KINDS_OF_FILES[kind])
