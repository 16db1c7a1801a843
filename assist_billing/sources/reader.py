"""From the bytes of a file to records. The one error raised is `ReadError`, in words."""

import codecs
import json

from . import registry
from .outcome import ReadError, Reading, shorten
from .tables import read_csv, read_xlsx

MEGABYTE = 1_000_000
MAX_JSON_BYTES = 64 * MEGABYTE
# As in a table: what is read must fit into the memory of a server process, with the answers.
MAX_RECORDS = 300_000
MAX_VALUES = 6_000_000
_MAX_OBJECTS = 5 * MAX_RECORDS

_BOMS = (
    (codecs.BOM_UTF8, 'utf-8'),
    (codecs.BOM_UTF32_LE, 'utf-32-le'),
    (codecs.BOM_UTF32_BE, 'utf-32-be'),
    (codecs.BOM_UTF16_LE, 'utf-16-le'),
    (codecs.BOM_UTF16_BE, 'utf-16-be'),
)
# Keys under which tools without a profile put their lists.
_COMMON_ENVELOPE = ('records', 'sessions', 'items', 'results', 'data', 'list')
_ENVELOPE_DEPTH = 3


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
    try:
        found = _loads(text)
    except RecursionError:
        raise ReadError('json_nested') from None
    except json.JSONDecodeError as error:
        # Whatever breaks off leaves its mistake at the very end.
        rest = text[error.pos :].strip()
        broken_off = not rest or (error.msg.startswith('Unterminated') and '\n' not in rest)
        raise ReadError(
            'json_truncated' if broken_off else 'json_syntax',
            line=error.lineno,
            column=error.colno,
            problem=error.msg,
        ) from None
    records, key = _find_records(found)
    if len(records) > MAX_RECORDS:
        raise ReadError('too_many_records', limit=f'{MAX_RECORDS:,}')
    source = registry.recognise(records) or _source_of_envelope(key)
    return Reading(records, [], [], source)


def _json_text(data):
    if data[:4] == b'PK\x03\x04':
        raise ReadError('not_json_spreadsheet')
    encoding = json.detect_encoding(bytes(data[:8]))
    for bom, name in _BOMS:
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


def _find_records(found):
    """Return the list of records within what was read, and the key it stood under."""
    known = [key for profile in registry.profiles() for key in profile.envelope]
    known = list(dict.fromkeys((*known, *_COMMON_ENVELOPE)))
    key = None
    for _depth in range(_ENVELOPE_DEPTH):
        if isinstance(found, list):
            return found, key
        if not isinstance(found, dict):
            break
        if registry.recognise([found]):
            return [found], key
        inside = next((key for key in known if isinstance(found.get(key), list | dict)), None)
        if inside is None:
            null = next((key for key in known if found.get(key, 0) is None), None)
            if null is not None:
                return [], null
            if problem := found.get('error') or found.get('errors') or found.get('message'):
                raise ReadError('json_error', problem=_problem_text(problem))
            break
        key, found = inside, found[inside]
    raise ReadError('json_no_records', known=', '.join(known))


def _problem_text(problem):
    if isinstance(problem, dict):
        parts = [problem.get(name) for name in ('code', 'title', 'message', 'description')]
        return ' '.join(shorten(part) for part in parts if part) or shorten(problem)
    return shorten(problem)


def _source_of_envelope(key):
    owners = [profile.name for profile in registry.profiles() if key in profile.envelope]
    return owners[0] if len(owners) == 1 else None


def read_file(data, name=None):
    """Return the `Reading` of a file, whichever of JSON, CSV and XLSX it is.

    :param bytes data: the content
    :param name: its name, of which the extension counts when the content leaves it open
    :raise ReadError: nothing can be read
    """
    data = bytes(data)
    start = data[:64]
    if start[:4] in {b'PK\x03\x04', b'\xd0\xcf\x11\xe0'}:
        return read_xlsx(data)
    extension = str(name or '')[-5:].lower().rpartition('.')[2]
    plain = start.replace(b'\0', b'').lstrip(b'\xef\xbb\xbf\xff\xfe \t\r\n')
    if extension == 'json' or plain[:1] in {b'{', b'['}:
        return read_json(data)
    return read_csv(data)
