"""XML and HTML as files of records. No entity is expanded, nothing outside the file is read."""

import re
from xml.parsers import expat

from . import registry
from .outcome import ReadError

_MAX_DEPTH = 60
# Elements and attributes; each is an object, of some hundred bytes.
MAX_NODES = 2_000_000
_MAX_TEXT = 131_072
_MAX_FIELDS = 1_000
_RECORDS_MOST = 300_000
_CHUNK = 1 << 16


class _Node:
    __slots__ = ('attributes', 'children', 'name', 'text')

    def __init__(self, name, attributes):
        self.name = name
        self.attributes = attributes
        self.children = None
        self.text = None


def _local(name):
    return name.rpartition(':')[2][:200]


class _Builder:
    """Builds a tree of nodes, and stops at whatever an export does not have."""

    def __init__(self, encoding):
        parser = self.parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.data
        # Entities are defined there, of which few letters make gigabytes of text.
        parser.StartDoctypeDeclHandler = self.refuse
        parser.EntityDeclHandler = self.refuse
        self.root = None
        self.stack = []
        self.count = 0

    def refuse(self, *_args):
        raise ReadError('xml_doctype')

    def start(self, name, attributes):
        self.count += 1 + len(attributes)
        if self.count > MAX_NODES:
            raise ReadError('too_many_values', limit=f'{MAX_NODES:,}')
        if len(self.stack) >= _MAX_DEPTH:
            raise ReadError('xml_nested')
        kept = {}
        for key, value in attributes.items():
            if not key.startswith('xmlns'):
                kept[_local(key)] = value[:_MAX_TEXT]
        node = _Node(_local(name), kept or None)
        if self.stack:
            parent = self.stack[-1]
            if parent.children is None:
                parent.children = []
            parent.children.append(node)
        else:
            self.root = node
        self.stack.append(node)

    def end(self, _name):
        self.stack.pop()

    def data(self, text):
        node = self.stack[-1]
        if text.strip():
            node.text = text if node.text is None else (node.text + text)[:_MAX_TEXT]


def parse_xml(data, encoding=None):
    """Return the root of an XML file as a tree of plain nodes.

    :raise ReadError: it is no XML, broken off, nested too deeply, or defines entities
    """
    builder = _Builder(encoding)
    try:
        for position in range(0, len(data), _CHUNK):
            builder.parser.Parse(data[position : position + _CHUNK], False)
        builder.parser.Parse(b'', True)
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code)
        raise ReadError(
            'xml_syntax', line=error.lineno, column=error.offset + 1, problem=problem
        ) from None
    except (ValueError, LookupError) as error:
        # An encoding that is named and not known.
        raise ReadError('xml_syntax', line=1, column=1, problem=str(error)[:100]) from None
    return builder.root


# === RECORDS === #


def xml_records(root):
    """Return the records in a tree: flat dicts, by the names of elements and attributes.

    The records are the elements that stand beside others of their name and have several values;
    of several such lists the one that a known tool writes, else the longest. A value inside is
    named by its way, such as “customer_list.customer.hostname”; what is there more than once, by
    a number besides.
    """
    best, best_score = None, (False, 0, 0)
    for depth, nodes in _groups(root):
        first = _flatten(nodes[0])
        if len(first) < 2:
            continue
        score = (registry.recognise([first]) is not None, len(nodes), -depth)
        if best is None or score > best_score:
            best, best_score = nodes, score
    if best is None:
        raise ReadError('xml_no_records')
    if len(best) > _RECORDS_MOST:
        raise ReadError('too_many_records', limit=f'{_RECORDS_MOST:,}')
    return [_flatten(node) for node in best]


def _groups(root):
    """Yield `(depth, elements of one name beside each other)`, the root first."""
    level, depth = [root], 0
    yield depth, level
    while level and depth < 6:
        depth += 1
        below = []
        for node in level:
            by_name = {}
            for child in node.children or ():
                by_name.setdefault(child.name, []).append(child)
            for group in by_name.values():
                if group[0].children or group[0].attributes:
                    yield depth, group
            below += node.children or ()
        # A list of sessions is not found below thousands of anything else.
        level = below if len(below) < 5_000 else []


def _flatten(node):
    record = {}
    for name, value in (node.attributes or {}).items():
        _put(record, name, value)
    if node.text is not None and not node.children:
        _put(record, node.name, node.text.strip())
    _fill(record, node, '')
    return record


def _fill(record, node, way):
    for child in node.children or ():
        if len(record) >= _MAX_FIELDS:
            return
        name = way + child.name
        if child.children:
            for key, value in (child.attributes or {}).items():
                _put(record, f'{name}@{key}', value)
            _fill(record, child, name + '.')
            continue
        _put(record, name, (child.text or '').strip())
        for key, value in (child.attributes or {}).items():
            _put(record, f'{name}@{key}', value)


def _put(record, name, value):
    key, count = name, 1
    while key in record and count < 50:
        count += 1
        key = f'{name} ({count})'
    record[key] = value


# === TABLES === #


def is_sheet(root):
    """Tell whether XML is a workbook as spreadsheet programs once wrote it (“XML Spreadsheet”)."""
    return root.name == 'Workbook' and any(
        child.name == 'Worksheet' for child in root.children or ()
    )


def sheet_rows(root):
    """Yield `(number, cells)` of the first sheet of an XML Spreadsheet that has rows."""
    for sheet in root.children or ():
        tables = [child for child in sheet.children or () if child.name == 'Table']
        if sheet.name != 'Worksheet' or not tables or not tables[0].children:
            continue
        number = 0
        for row in tables[0].children:
            if row.name == 'Row':
                number = _index(row, number)
                yield number, _sheet_cells(row)
        return


def _index(node, last):
    told = (node.attributes or {}).get('Index', '')
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 7 else last + 1


def _sheet_cells(row):
    cells, place = [], 0
    for cell in row.children or ():
        if cell.name != 'Cell':
            continue
        place = _index(cell, place)
        if place > 2 * _MAX_FIELDS:
            raise ReadError('too_many_columns', count=f'{place:,}', limit=f'{_MAX_FIELDS:,}')
        cells += [''] * (place - 1 - len(cells))
        data = next((child for child in cell.children or () if child.name == 'Data'), None)
        cells.append('' if data is None else (data.text or '').strip())
    return cells


class _Tables:
    """Collects the tables of an HTML page, as its parser comes upon them."""

    def __init__(self):
        self.tables = []
        self.open = []
        self.cell = None
        self.cells = 0

    def start(self, tag, attributes):
        if tag == 'table':
            self.open.append([])
            self.tables.append(self.open[-1])
            self.cell = None
        elif tag == 'tr' and self.open:
            self.open[-1].append([])
        elif tag in {'td', 'th'} and self.open and self.open[-1]:
            self._start_cell(attributes)
        elif tag == 'br' and self.cell is not None:
            self.cell.append('\n')

    def _start_cell(self, attributes):
        self.cells += 1
        if self.cells > MAX_NODES:
            raise ReadError('too_many_cells', limit=f'{MAX_NODES:,}')
        self.cell = []
        row = self.open[-1][-1]
        row.append(self.cell)
        span = str(attributes.get('colspan') or '')
        if span.isascii() and span.isdecimal() and len(span) < 4:
            row += [[] for _column in range(min(int(span), 100) - 1)]

    def end(self, tag):
        if tag == 'table' and self.open:
            self.open.pop()
            self.cell = None
        elif tag in {'td', 'th', 'tr'}:
            self.cell = None

    def data(self, text):
        if self.cell is not None:
            self.cell.append(text)

    def close(self):
        return self.tables


def html_rows(data, encoding):
    """Return the rows of the longest table of an HTML page: `(number, cells)`.

    :raise ReadError: it has no table of several columns
    """
    # Imported here: whoever reads no web pages needs no lxml.
    try:
        from lxml import etree  # noqa: PLC0415
    except ImportError:
        raise ReadError('html_missing') from None

    target = _Tables()
    parser = etree.HTMLParser(target=target, encoding=encoding, no_network=True)
    try:
        for position in range(0, len(data), _CHUNK):
            parser.feed(bytes(data[position : position + _CHUNK]))
        tables = parser.close()
    except etree.LxmlError as error:
        raise ReadError('web_page_broken', problem=type(error).__name__) from None
    finally:
        target.cell = None
    best = max(tables or (), key=_table_size, default=None)
    if best is None or _table_size(best) < 2:
        raise ReadError('web_page')
    rows = []
    for number, cells in enumerate(best, 1):
        rows.append((number, [' '.join(''.join(cell).split()) for cell in cells]))
    return rows


def _table_size(table):
    return sum(len(row) > 1 for row in table)


_META = re.compile(
    rb'<meta[^>]{0,200}?charset\s*=\s*["\']?\s*([A-Za-z0-9_:.-]{2,40})', re.IGNORECASE
)


def html_encoding(data):
    """Return the encoding that an HTML page names, or None."""
    match = _META.search(data[:4096])
    return match[1].decode('ascii').lower() if match else None
