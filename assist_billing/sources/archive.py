"""A workbook before it is opened: what it would unpack to, and what a parser would make of it.

A workbook is an archive of XML files. Some hundred kilobytes can unpack to gigabytes, and some
hundred megabytes of tags become gigabytes of objects. So all parts are looked through first, as
bytes, in bounded memory.
"""

import html
import io
import re
import zipfile

from .outcome import ReadError

MAX_UNPACKED = 250_000_000
_MAX_PARTS = 5_000
# A cell has some four tags.
_MAX_TAGS = 14_000_000
# 16,384 cells are the most that a row can have.
_MAX_TAGS_IN_ROW = 200_000
# The texts that cells share are read one by one; all else, such as styles, becomes one tree.
_MAX_TAGS_OF_TEXTS = 6_000_000
_MAX_TAGS_ELSEWHERE = 1_000_000
_CHUNK = 1 << 20
# Longer than anything that is looked for.
_TAG_START = 64

_ROW = re.compile(rb'<(?:\w{1,20}:)?(?:(row)\b|/sheetData\b)')
# Past declarations and comments; each ends at its first end, or this would take for ever.
_ROOT = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*(?:<\?(?:(?!\?>).)*\?>\s*|<!--(?:(?!-->).)*-->\s*)*'
    rb'<(?:\w{1,20}:)?(\w+)',
    re.DOTALL,
)
_ENCODING = re.compile(rb'<\?xml[^>]{0,100}?encoding\s*=\s*["\']([^"\']{0,40})')
_MAX_SPANS = 100_000
_SPAN = re.compile(
    rb'<(?:\w{1,20}:)?mergeCell\s[^<>]{0,99}?ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"'
)
_HIDDEN_ROW = re.compile(rb'<(?:\w{1,20}:)?row\s[^<>]{0,400}?\bhidden="(?:1|true)"[^<>]{0,400}')
# Of a formula that nobody has computed there is no value; of one that gives an empty text there is.
_FORMULA = re.compile(
    rb'<(?:\w{1,20}:)?c\s(?![^<>]{0,200}\bt="str")[^<>]{0,200}?\br="([A-Z]{1,3})(\d{1,7})"[^<>]{0,200}>'
    rb'<(?:\w{1,20}:)?f(?:\s[^<>]{0,200})?(?:/>|>([^<]{0,9000})</(?:\w{1,20}:)?f>)'
    rb'(?:<(?:\w{1,20}:)?v\s?/>|<(?:\w{1,20}:)?v></(?:\w{1,20}:)?v>)?</(?:\w{1,20}:)?c>'
)
_OVERLAP = 1 << 16
_ROW_NUMBER = re.compile(rb'\sr="(\d{1,7})"')
# How XML begins that is in another encoding than UTF-8; no spreadsheet program writes such.
_OTHER_ENCODINGS = (
    b'\xfe\xff', b'\xff\xfe', b'\0<', b'<\0', b'\0\0\0<', b'\0\0\xfe\xff', b'Lo\xa7\x94',
)  # fmt: skip


def check_archive(data, max_rows):
    """Raise `ReadError` unless a workbook can be opened in bounded time and memory.

    :param bytes data: the workbook
    :param int max_rows: the most rows that its sheets may have
    :raise zipfile.BadZipFile: it is no archive, or broken
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        # zipfile reads no more of a part than its declared size, so that is what counts.
        if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise ReadError('xlsx_bomb', limit=MAX_UNPACKED // 1_000_000)
        counter = _TagCounter(max_rows)
        for part in parts:
            if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ReadError('xlsx_broken', problem='compression')
            with archive.open(part) as content:
                counter.read(content)


def find_layout(content):
    """Return what a sheet's cells do not say: which span rows, or were not computed; hidden rows.

    :param content: the sheet's part, a file of bytes
    :return: `({first row: [(column, last row)]}, set of hidden rows, {row: {column: formula}})`,
        all counted from 1
    """
    # Imported here: whoever reads no XLSX needs no openpyxl.
    from openpyxl.utils import column_index_from_string as column_of  # noqa: PLC0415

    spans, hidden, formulas, rest = {}, set(), {}, b''
    while chunk := content.read(_CHUNK):
        # What lies across the border of two chunks is found in the next one; some is found twice.
        chunk = rest + chunk
        hidden.update(
            int(number[1])
            for row in _HIDDEN_ROW.finditer(chunk)
            if (number := _ROW_NUMBER.search(row[0]))
        )
        for span in _SPAN.finditer(chunk):
            column, first, last_row = column_of(span[1].decode()), int(span[2]), int(span[3])
            of_row = spans.setdefault(first, []) if len(spans) < _MAX_SPANS else []
            if first < last_row and (column, last_row) not in of_row:
                of_row.append((column, last_row))
        for cell in _FORMULA.finditer(chunk):
            if len(formulas) < _MAX_SPANS:
                text = '=' + html.unescape((cell[3] or b'').decode(errors='replace')[:200])
                formulas.setdefault(int(cell[2]), {})[column_of(cell[1].decode())] = text
        rest = chunk[-_OVERLAP:]
    return spans, hidden, formulas


class _TagCounter:
    """Counts the tags of a workbook's parts: in all, by row, and between."""

    def __init__(self, max_rows):
        self.max_rows = max_rows
        self.rows = 0
        self.tags = 0

    def read(self, content):
        """Look through a part, a file of bytes."""
        start = content.read(_CHUNK)
        if start.startswith(_OTHER_ENCODINGS):
            raise ReadError('xlsx_broken', problem='encoding')
        match = _ENCODING.search(start, 0, 400)
        if match and match[1].lower() not in {b'utf-8', b'us-ascii', b'ascii'}:
            raise ReadError('xlsx_broken', problem='encoding')
        root = _ROOT.match(start)
        self.has_rows = bool(root) and root[1] == b'worksheet'
        has_texts = bool(root) and root[1] == b'sst'
        self.stretch = 0
        self.limit = _MAX_TAGS_OF_TEXTS if has_texts else _MAX_TAGS_ELSEWHERE
        rest = b''
        while start:
            chunk = rest + start
            if b'<!DOCTYPE' in chunk:
                # Entities are defined there, of which few letters make gigabytes of text.
                raise ReadError('xlsx_broken', problem='DOCTYPE')
            # The last tag may go on in the next chunk: it is counted there.
            last = chunk.rfind(b'<')
            rest = b'' if last < 0 else chunk[last : last + _TAG_START]
            self._count(chunk, max(last, 0))
            start = content.read(_CHUNK)

    def _count(self, chunk, end):
        position = 0
        for match in _ROW.finditer(chunk, 0, end) if self.has_rows else ():
            self._add(chunk.count(b'<', position, match.start()))
            position = match.start()
            self.stretch = 0
            self.limit = _MAX_TAGS_IN_ROW if match[1] else _MAX_TAGS_ELSEWHERE
            self.rows += bool(match[1])
            if self.rows > self.max_rows:
                raise ReadError('too_many_rows', limit=f'{self.max_rows:,}')
        self._add(chunk.count(b'<', position, end))

    def _add(self, tags):
        self.stretch += tags
        self.tags += tags
        for count, limit in ((self.stretch, self.limit), (self.tags, _MAX_TAGS)):
            if count > limit:
                raise ReadError('xlsx_tags', limit=f'{limit:,}')
