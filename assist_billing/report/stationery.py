"""Letterhead, page numbers and page breaks for wkhtmltopdf built without the patched Qt."""

import io
from copy import deepcopy

import lxml.html
from lxml import etree

from odoo.tools.pdf import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    PdfFileReader,
    PdfFileWriter,
)

# How large this build prints a CSS pixel, in points; no option of its changes that.
PIXEL = 0.5763
# How large the patched build prints it with Odoo's options: pages are to look the same.
WANTED_PIXEL = 0.8141
ZOOM = WANTED_PIXEL / PIXEL
MM = 72 / 25.4
# This build draws the letters of web fonts as shapes: nobody can search or copy them, and a page
# weighs a megabyte. So it gets fonts of the system.
FONTS = '"Liberation Sans", Arimo, Helvetica, "DejaVu Sans Condensed", "DejaVu Sans", sans-serif'

# Splits what is longer than a page between rows, with the table's head on each page, where the
# element itself begins a page. Sizes on the screen are those on paper once the width is the same.
PAGING = """
(function () {
    var unit = document.body.getBoundingClientRect().width / %(width)d;
    var MOST = %(height)d * unit * 0.985;
    function top(node) { return node.getBoundingClientRect().top; }
    function bottom(node) { return node.getBoundingClientRect().bottom; }
    function breakBefore(node) { node.style.pageBreakBefore = 'always'; }
    function getTable(row) {
        var table = row.parentNode;
        while (table.tagName !== 'TABLE') { table = table.parentNode; }
        return table;
    }
    function splitTable(row) {
        var table = getTable(row);
        var rest = table.cloneNode(false), body = row.parentNode.cloneNode(false);
        var head = table.tHead, groups = table.querySelectorAll('colgroup');
        for (var i = 0; i < groups.length; i++) { rest.appendChild(groups[i].cloneNode(true)); }
        if (head) { rest.appendChild(head.cloneNode(true)); }
        rest.appendChild(body);
        rest.style.marginTop = 0;
        while (row) { var next = row.nextElementSibling; body.appendChild(row); row = next; }
        table.parentNode.insertBefore(rest, table.nextSibling);
        breakBefore(rest);
    }
    function startPage(unit) {
        if (unit.tagName !== 'TR') { breakBefore(unit); }
        else if (unit.previousElementSibling) { splitTable(unit); }
        else { breakBefore(getTable(unit)); }
    }
    // How much is above a unit on the page that it begins: the head of its table, once more or not.
    function getRoom(unit) {
        if (unit.tagName !== 'TR') { return 0; }
        var table = getTable(unit), head = table.tHead;
        if (!unit.previousElementSibling) { return top(unit) - top(table); }
        return head ? bottom(head) - top(head) : 0;
    }
    function goesWithPrevious(unit) {
        return unit.className.indexOf('o_assist_with_previous') >= 0;
    }
    // All is measured before anything is moved: to measure after each page takes a minute where
    // there are a hundred.
    function page(root) {
        var fresh = root.className.indexOf('o_assist_new_page') >= 0;
        var start = fresh ? top(root) : top(document.body);
        var units = root.querySelectorAll('.o_assist_unit'), first = -1, i, kept;
        var tops = [], bottoms = [], breaks = [];
        for (i = 0; i < units.length; i++) {
            tops.push(top(units[i]));
            bottoms.push(bottom(units[i]));
        }
        for (i = 0; i < units.length; i++) {
            if (bottoms[i] - start <= MOST) { continue; }
            kept = i;
            while (kept > first + 1 && goesWithPrevious(units[kept])) { kept--; }
            start = tops[kept] - getRoom(units[kept]);
            breaks.push(units[kept]);
            i = first = kept;
        }
        // From the last one on: so each row is moved once.
        while (breaks.length) { startPage(breaks.pop()); }
    }
    var roots = document.querySelectorAll('.o_assist_statement');
    for (var n = 0; n < roots.length; n++) { page(roots[n]); }
})();
"""


def keep_sums(body):
    """Return the document `body` (HTML) with the sums of a long table on the page of its last row.

    The patched build repeats the head of a table that it splits, cuts no row, and knows of nothing
    else that belongs together: so the last row and the sums become a table within one row.
    """
    root = lxml.html.document_fromstring(str(body))
    for table in root.find_class('o_assist_long'):
        rows = table.findall('tbody/tr')
        sums = [row for row in rows if 'o_assist_with_previous' in row.classes]
        last = len(rows) - len(sums) - 1
        if not sums or last < 0:
            continue
        inner = lxml.html.Element('table', {'class': table.get('class'), 'style': 'border: 0'})
        inner.classes.discard('o_assist_long')
        columns = table.find('colgroup')
        inner.append(deepcopy(columns))
        body_of_inner = etree.SubElement(inner, 'tbody')
        row = lxml.html.Element('tr')
        rows[last].addprevious(row)
        place = etree.SubElement(
            row, 'td', {'colspan': str(len(columns)), 'style': 'padding: 0; border: 0'}
        )
        place.append(inner)
        body_of_inner.extend(rows[last:])
    return Stationery._to_html(root)


class Stationery:
    """The sheets a document is printed on, with letterhead and page numbers.

    :param paper: `report.paperformat`, whose margins (mm) leave the room for both
    :param bool landscape: whether the sheet lies on its long side
    :param dict special: paper format attributes of the document itself, which come first
    """

    def __init__(self, paper, landscape, special):
        width, height = paper.print_page_width, paper.print_page_height
        if landscape and width < height:
            width, height = height, width
        top = float(special.get('data-report-margin-top', paper.margin_top))
        bottom = float(special.get('data-report-margin-bottom', paper.margin_bottom))
        # In CSS pixels, which are zoomed.
        scale = MM / WANTED_PIXEL
        self.width = int((width - paper.margin_left - paper.margin_right) * scale)
        self.height = int((height - top - bottom) * scale)
        self.sheet_height = int(height * scale)
        self.bottom = int(bottom * scale)

    def prepare_body(self, body):
        """Return the document `body` (HTML) in the right size, with page breaks between rows."""
        root = lxml.html.document_fromstring(str(body))
        self._add_style(root)
        script = lxml.html.Element('script')
        script.text = PAGING % {'height': self.height, 'width': self.width}
        root.body.append(script)
        return self._to_html(root)

    def make_sheets(self, header, footer, count):
        """Return the HTML of `count` empty sheets, with the first header and footer on each."""
        root = lxml.html.document_fromstring(str(header))
        parts = [
            (self._get_first(root, 'minimal_layout_report_headers'), 'top'),
            (
                self._get_first(
                    lxml.html.document_fromstring(str(footer)), 'minimal_layout_report_footers'
                ),
                'bottom',
            ),
        ]
        root.body.attrib.pop('onload', None)
        for node in list(root.body):
            root.body.remove(node)
        for page in range(1, count + 1):
            sheet = lxml.html.Element('div', {'class': 'o_assist_sheet'})
            for part, edge in parts:
                if part is None:
                    continue
                place = lxml.html.Element('div', {'class': f'o_assist_{edge}'})
                place.append(self._number(deepcopy(part), page, count))
                sheet.append(place)
            root.body.append(sheet)
        style = f'''
            .o_assist_sheet {{ position: relative; height: {self.sheet_height - 1}px;
                              overflow: hidden; page-break-inside: avoid; }}
            .o_assist_sheet + .o_assist_sheet {{ page-break-before: always; }}
            .o_assist_top, .o_assist_bottom {{ position: absolute; left: 0; right: 0; }}
            .o_assist_top {{ top: 0; }}
            .o_assist_bottom {{ top: {self.sheet_height - self.bottom}px; }}
            .o_assist_sheet div {{ max-width: 100%; }}
            .position-fixed {{ position: absolute !important; }}
            /* The title of a layout that has it below its letterhead, where the document covers
               it: at the foot of the letterhead it can be read. */
            .o_folder_adaptative_shape svg {{ display: none !important; }}
            .o_folder_title {{ position: absolute; right: 0; bottom: 100%; margin: 0 !important; }}
        '''
        self._add_style(root, style)
        return self._to_html(root)

    @staticmethod
    def count_pages(content):
        return len(PdfFileReader(io.BytesIO(content), strict=False).pages)

    @classmethod
    def put_on(cls, content, sheets):
        """Return the PDF `content` with each page on the sheet of its number (PDF `sheets`).

        The sheet is drawn below the page as one picture: to join what is drawn on both, as the
        library does, takes a second a page.
        """
        writer = PdfFileWriter()
        document = PdfFileReader(io.BytesIO(content), strict=False)
        papers = PdfFileReader(io.BytesIO(sheets), strict=False)
        for number, page in enumerate(document.pages):
            writer.addPage(page)
            # The document is white between its margins; so it comes on top.
            cls._put_below(writer, writer.getPage(number), papers.pages[number])
        result = io.BytesIO()
        writer.write(result)
        return result.getvalue()

    @classmethod
    def _put_below(cls, writer, page, paper):
        """Draw a page of another document below a page of the writer's."""
        drawn = paper['/Contents'].get_object()
        form = type(drawn)()
        form.update(drawn)
        form._data = drawn._data
        form.update(
            {
                NameObject('/Type'): NameObject('/XObject'),
                NameObject('/Subtype'): NameObject('/Form'),
                NameObject('/BBox'): paper['/MediaBox'],
                NameObject('/Resources'): paper['/Resources'],
            }
        )
        # Resources may be those of all pages.
        resources = cls._copy(page['/Resources'])
        pictures = cls._copy(resources.get('/XObject', DictionaryObject()))
        pictures[NameObject('/AssistSheet')] = writer._add_object(cls._bring(form, writer))
        resources[NameObject('/XObject')] = pictures
        page[NameObject('/Resources')] = resources
        draw = DecodedStreamObject()
        draw._data = b'q /AssistSheet Do Q\n'
        own = page.raw_get('/Contents')
        page[NameObject('/Contents')] = ArrayObject([writer._add_object(draw), own])
        links = [cls._bring(link.get_object(), writer) for link in paper.get('/Annots', ())]
        if links:
            page[NameObject('/Annots')] = ArrayObject(
                [*page.get('/Annots', ()), *(writer._add_object(link) for link in links)]
            )

    @staticmethod
    def _copy(dictionary):
        """Return a dictionary of a PDF anew; what it holds is the same."""
        copy = DictionaryObject()
        for key in dictionary:
            copy[NameObject(key)] = dictionary.raw_get(key)
        return copy

    @staticmethod
    def _bring(found, writer):
        """Return something of another document for the writer's; older libraries do so by itself.

        What leads back to its page would bring that along.
        """
        if hasattr(found, 'clone'):
            return found.clone(writer, ignore_fields=('/P', '/Parent', '/StructParent'))
        return found

    # === HTML === #

    @staticmethod
    def _get_first(root, element_id):
        found = root.xpath(f'//*[@id="{element_id}"]/*[1]')
        return found[0] if found else None

    @staticmethod
    def _number(part, page, count):
        for name, number in (('page', page), ('topage', count)):
            for node in part.xpath(
                f".//*[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"
            ):
                node.text = str(number)
        return part

    def _add_style(self, root, more=''):
        style = lxml.html.Element('style')
        style.text = f'''
            body {{ zoom: {ZOOM:.4f}; width: {self.width}px !important;
                   max-width: none !important; margin: 0 !important; }}
            .o_assist_keep {{ page-break-inside: auto !important; }}
            body, body *:not(.fa):not(.oi) {{ font-family: {FONTS} !important; }}
            {more}
        '''
        root.head.append(style)

    @staticmethod
    def _to_html(root):
        return lxml.html.tostring(root, encoding='unicode', doctype='<!DOCTYPE html>')
