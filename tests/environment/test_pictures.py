"""What PDFs are made of: Odoo draws barcodes with one library and joins pages with another."""

import io

from reportlab.graphics.barcode import createBarcodeDrawing
from reportlab.pdfgen.canvas import Canvas

from odoo.tools.pdf import OdooPdfFileReader, OdooPdfFileWriter


def make_pdf(text):
    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.drawString(100, 100, text)
    canvas.save()
    return stream


def test_barcodes_are_drawn():
    for kind in ('QR', 'Code128'):
        drawing = createBarcodeDrawing(kind, value='4711', format='png', width=100, height=100)
        assert drawing.asString('png').startswith(b'\x89PNG')


def test_a_page_is_laid_over_another_as_odoo_does_it():
    page = OdooPdfFileReader(make_pdf("bill"), strict=False).getPage(-1)
    page.mergePage(OdooPdfFileReader(make_pdf("slip"), strict=False).getPage(0))
    writer = OdooPdfFileWriter()
    writer.addPage(page)
    joined = io.BytesIO()
    writer.write(joined)
    text = OdooPdfFileReader(joined, strict=False).getPage(0).extract_text()
    assert "bill" in text
    assert "slip" in text
