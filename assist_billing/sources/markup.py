"""XML and HTML as files of records. No entity is expanded, nothing outside the file is read."""

import re
from itertools import islice
from xml.parsers import expat

from . import registry
from .columns import is_session
from .layout import spread
from .outcome import ReadError

_MAX_DEPTH = 60
# Elements and attributes; each is an object, of some hundred bytes.
MAX_NODES = 2_000_000
_MAX_TEXT = 131_072
_MAX_FIELDS = 1_000
_RECORDS_MOST = 300_000
# What is called so holds sessions, even where what is around has times as well.
_LIST_KEYS = frozenset({'session', 'record'})
# An export has some dozen; each is looked at closely.
_WAYS_MOST = 1_000
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

    The records are the elements of one way, such as “customer.session”, that have several values;
    of several such lists the one that a known tool writes, else one of sessions, else the longest.
    A value inside is named by its way, such as “customer_list.customer.hostname”; what is there
    more than once, by a number besides. What an element around says, such as the customer of a
    group of sessions, belongs to each record in it: “customer.name”.
    """
    best, best_score = None, (False, False, 0, 0)
    lists = []
    for way, nodes in islice(_groups(root), _WAYS_MOST):
        first = _flatten(nodes[0][0])
        is_inner = way[-1].lower() not in _LIST_KEYS and any(
            way[: len(above)] == above for above in lists
        )
        if len(first) < 2 or is_inner:
            continue
        is_list = is_session(values_of(nodes[0][0]))
        if is_list and len(nodes) > 1:
            # Within a session there may be people and events, which have times as well.
            lists.append(way)
        score = (registry.recognise([first]) is not None, is_list, len(nodes), -len(way))
        if best is None or score > best_score:
            best, best_score = nodes, score
    if best is None:
        raise ReadError('xml_no_records')
    if len(best) > _RECORDS_MOST:
        raise ReadError('too_many_records', limit=f'{_RECORDS_MOST:,}')
    return [_within(around, _flatten(node)) for node, around in best]


def _groups(root):
    """Yield `(way, [(element, the elements around it)])` of all ways; the root first.

    Elements of one way belong together wherever they stand, or those of other groups were lost.
    """
    level, depth = {(root.name,): [(root, ())]}, 0
    yield from level.items()
    while level and depth < 6:
        depth += 1
        below, count = {}, 0
        for way, nodes in level.items():
            for node, around in nodes:
                # The root says what holds for the file, such as how many there are.
                inner = (*around, node) if depth > 1 else ()
                for child in node.children or ():
                    count += 1
                    below.setdefault((*way, child.name), []).append((child, inner))
        for way, nodes in below.items():
            nodes = [pair for pair in nodes if pair[0].children or pair[0].attributes]
            if nodes:
                yield way, nodes
        # A list of sessions is not found below thousands of anything else.
        level = below if count < 5_000 else {}


def values_of(node):
    """Return the plain values of an element: its attributes, and elements that have but a text."""
    own = dict(node.attributes or {})
    for child in islice(node.children or (), _MAX_FIELDS):
        if not child.children:
            own.setdefault(child.name, (child.text or '').strip())
    return own


def _within(around, record):
    for node in around:
        for key, value in values_of(node).items():
            if len(record) < _MAX_FIELDS:
                record.setdefault(f'{node.name}.{key}', value)
    return record


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


def sheets_of(root):
    """Return `(title, rows)` of the sheets of an XML Spreadsheet, those that are hidden last.

    Rows are numbered: `(number, cells)`.
    """
    sheets = [sheet for sheet in root.children or () if sheet.name == 'Worksheet']
    sheets.sort(key=_is_hidden)
    return [((sheet.attributes or {}).get('Name', ''), _sheet_rows(sheet)) for sheet in sheets]


def _is_hidden(sheet):
    options = _children(sheet, 'WorksheetOptions')
    said = [node.text for option in options for node in _children(option, 'Visible')]
    return any(text in {'SheetHidden', 'SheetVeryHidden'} for text in said)


def _children(node, name):
    return [child for child in node.children or () if child.name == name]


def _sheet_rows(sheet):
    spans = {}

    def read():
        number = 0
        for row in (row for table in _children(sheet, 'Table') for row in _children(table, 'Row')):
            number = _index(row, number)
            yield number, _sheet_cells(row, number, spans)

    return spread(read(), spans)


def _index(node, last):
    told = (node.attributes or {}).get('Index', '')
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 7 else last + 1


def _sheet_cells(row, number, spans):
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
        down = _span(cell.attributes or {}, 'MergeDown', least=0)
        if down and data is not None and (data.attributes or {}).get('Type') != 'Number':
            spans.setdefault(number, []).append((place, number + down))
        place += _span(cell.attributes or {}, 'MergeAcross', least=0)
    return cells


class _Table:
    """The rows of a table, and the cells that stand for several of them."""

    def __init__(self):
        self.rows = []
        # By their places: those of rows above that reach into this row, and into the next.
        self.above = {}
        self.below = {}

    def start_row(self):
        """Begin a row; return how many cells reach into it."""
        self.end_row()
        self.above = self.below
        self.below = {place: (left - 1, cell) for place, (left, cell) in self.above.items()
                      if left > 1}  # fmt: skip
        self.rows.append([])
        return len(self.above)

    def end_row(self):
        if self.rows and self.rows[-1]:
            self._fill()

    def start_cell(self, cell, columns, rows):
        """Begin a cell; the columns that it goes over besides are blank."""
        self._fill()
        row = self.rows[-1]
        for part in (cell, *([] for _column in range(columns - 1))):
            if rows > 1 and len(row) < _MAX_FIELDS:
                self.below[len(row)] = (rows - 1, part)
            row.append(part)

    def _fill(self):
        row = self.rows[-1]
        while len(row) in self.above:
            row.append(self.above[len(row)][1])


class _Tables:
    """Collects the tables of an HTML page, as its parser comes upon them."""

    def __init__(self):
        self.tables = []
        self.open = []
        self.cell = None
        self.cells = 0

    def start(self, tag, attributes):
        if tag == 'table':
            self.open.append(_Table())
            self.tables.append(self.open[-1])
            self.cell = None
        elif tag == 'tr' and self.open:
            self._count(self.open[-1].start_row())
        elif tag in {'td', 'th'} and self.open and self.open[-1].rows:
            self._count(1)
            self.cell = []
            columns, rows = (_span(attributes, name) for name in ('colspan', 'rowspan'))
            self.open[-1].start_cell(self.cell, columns, rows)
        elif tag == 'br' and self.cell is not None:
            self.cell.append('\n')

    def _count(self, cells):
        self.cells += cells
        if self.cells > MAX_NODES:
            raise ReadError('too_many_cells', limit=f'{MAX_NODES:,}')

    def end(self, tag):
        if tag == 'table' and self.open:
            self.open.pop().end_row()
            self.cell = None
        elif tag in {'td', 'th', 'tr'}:
            self.cell = None

    def data(self, text):
        if self.cell is not None:
            self.cell.append(text)

    def close(self):
        for table in self.open:
            table.end_row()
        return [table.rows for table in self.tables]


def _span(attributes, name, least=1):
    """Return how many columns or rows a cell goes over."""
    told = str(attributes.get(name) or '').strip()
    if not (told.isascii() and told.isdecimal() and len(told) < 7):
        return least
    return min(max(int(told), least), 65_534 if name in {'rowspan', 'MergeDown'} else 100)


def html_rows(data, encoding):
    """Return the rows of the longest table of an HTML page, `(number, cells)`, and of how many.

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
    return rows, sum(_table_size(table) > 1 for table in tables)


def _table_size(table):
    return sum(len(row) > 1 for row in table)


_META = re.compile(
    rb'<meta[^>]{0,200}?charset\s*=\s*["\']?\s*([A-Za-z0-9_:.-]{2,40})', re.IGNORECASE
)


def html_encoding(data):
    """Return the encoding that an HTML page names, or None."""
    match = _META.search(data[:4096])
    return match[1].decode('ascii').lower() if match else None
