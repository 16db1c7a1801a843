"""Whatever a session says of itself is text: on the portal, on the PDF, in the CSV files."""

import csv
import io

from hypothesis import strategies as st
from lxml import html
from thorough import thorough

from odoo.tests import tagged

from odoo.addons.assist_billing.sources.values import clean_text
from odoo.addons.assist_billing.tests.ingest.ingest_common import zoho
from odoo.addons.assist_billing.tests.portal.portal_common import (
    DEVICES,
    HOME,
    SESSIONS,
    PortalCommon,
)

from fuzz_inputs import HOSTILE, texts
from fuzz_properties import check_inert_cells
from fuzz_run import tried, undone

shown_texts = texts.filter(lambda text: clean_text(text))


@tagged('post_install', '-at_install')
class TestFuzzShown(PortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.email = 'office@acme.example'
        cls.plain = None

    def _take_in(self, name, note, device):
        """Bring in a session and its device; return their IDs."""
        devices = self.env['assist.device'].ingest(
            [{'key': 'K1', 'computer_name': device, 'customer_email': 'office@acme.example',
              'created_time': 1767348000000}],
            'zoho_assist',
        )  # fmt: skip
        answers = self.env['assist.session'].ingest(
            [zoho(1, display_name=name, notes=note, computer_id='K1')], 'zoho_assist'
        )
        self.assertEqual([devices[0]['status'], answers[0]['status']], ['created'] * 2)
        session = self.env['assist.session'].browse(answers[0]['id'])
        session.write({'customer_note': clean_text(note), 'device_id': devices[0]['id']})
        return session

    def _show(self, name, note, device):
        """Return the pages, and the tables, that show a session and its bill."""
        session = self._take_in(name, note, device)
        urls = [HOME, SESSIONS, f'{SESSIONS}/{session.id}', DEVICES]
        pages = [self._get(url) for url in urls]
        tables = [self._get(f'{SESSIONS}/csv')]
        bill = self._close_january()
        pages.append(self._get(f'/my/invoices/{bill.id}?report_type=html'))
        tables.append(self._get(f'/my/invoices/{bill.id}/statement'))
        for response in (*pages, *tables):
            self.assertEqual(response.status_code, 200)
        return [page.text for page in pages], [table.content for table in tables]

    def _outline(self, page):
        """Return the elements of a page, each with the names of its attributes."""
        elements = html.fromstring(page).iter()
        return [
            (element.tag, sorted(element.attrib))
            for element in elements
            # A text of several lines is shown in as many.
            if isinstance(element.tag, str) and element.tag != 'br'
        ]

    @tried(st.tuples(shown_texts, shown_texts, shown_texts), 6)
    def test_no_text_is_markup_or_a_formula(self, case):
        if self.plain is None:
            with undone(self.env):
                type(self).plain = [self._outline(page) for page in self._show("A", "B", "C")[0]]
        with undone(self.env):
            pages, tables = self._show(*case)
            for page, plain in zip(pages, self.plain, strict=True):
                self.assertEqual(self._outline(page), plain)
            for table in tables:
                text = table.decode('utf-8-sig')
                check_inert_cells(csv.reader(io.StringIO(text, newline='')))

    @thorough
    def test_all_of_them_on_one_document(self):
        """A real PDF: nothing in it stops the program that makes it."""
        records = [
            zoho(number, display_name=text, notes=text) for number, text in enumerate(HOSTILE, 1)
        ]
        answers = self.env['assist.session'].ingest(records, 'zoho_assist')
        self.assertEqual({answer['status'] for answer in answers}, {'created'})
        for answer, text in zip(answers, HOSTILE, strict=True):
            session = self.env['assist.session'].browse(answer['id'])
            session.customer_note = clean_text(text, 500)
        bill = self._close_january()
        self.assertGreaterEqual(bill.assist_session_count, len(HOSTILE))
        report = self.env['ir.actions.report'].with_context(force_report_rendering=True)
        content, kind = report._render_qweb_pdf('account.account_invoices', bill.ids)
        self.assertEqual(kind, 'pdf')
        self.assertTrue(content.startswith(b'%PDF'))
        page = report._render_qweb_html('account.account_invoices', bill.ids)[0].decode()
        self.assertIn('&lt;script&gt;', page)
        self.assertFalse(html.fromstring(page).xpath('//img[@onerror]'))
