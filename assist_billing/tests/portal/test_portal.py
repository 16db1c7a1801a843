import csv
import io
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ...controllers import portal_sessions
from ...rules import cycles
from .portal_common import DEVICES, HOME, SCRIPT, SESSIONS, PortalCommon


@tagged('post_install', '-at_install')
class TestPortal(PortalCommon):
    """The customer's pages: what is on them, in which zone, and what never is."""

    # === HOME === #

    def test_the_home_page_leads_there_and_counts(self):
        page = self._get_page('/my')
        for url in (HOME, SESSIONS, DEVICES):
            self.assertIn(f'href="{url}"', page)
        counters = ['assist_session_count', 'assist_device_count', 'assist_association_count']
        answer = self.make_jsonrpc_request('/my/counters', {'counters': counters})
        self.assertEqual(
            {name: answer[name] for name in counters}, dict(zip(counters, (3, 1, 1), strict=False))
        )

    def test_each_page_has_a_title(self):
        # Beside `website` the browser shows the technical name of a page that has none.
        pages = self.env['ir.ui.view'].search(
            [
                ('key', '=like', 'assist_billing%.%'),
                ('mode', '=', 'primary'),
                ('arch_db', 'like', 't-call="portal.portal_layout"'),
            ]
        )
        self.assertGreaterEqual(len(pages), 4)
        for page in pages:
            with self.subTest(page=page.key):
                self.assertIn('t-set="additional_title"', page.arch)

    def test_the_open_cycle_shows_what_it_comes_to(self):
        self._close(str(fields.Datetime.now()))
        cycle = self.association.cycle_ids.sorted('date_start')[-1]
        self._create_session(ended_at=str(cycle.start_at.replace(hour=23)), minutes=90)
        page = self._get_page(HOME)
        for text in ("Premium", "Europe/Paris", "so far, before taxes", cycle._format_period()):
            self.assertIn(text, page)
        self.assertIn(f"{self.association.accrued_amount:.2f}", page)
        self.assertEqual(page.count('name="assist_open_cycle"'), 1)

    # === SESSIONS === #

    def test_the_list_has_times_in_the_zone_and_no_price(self):
        page = self._get_page(SESSIONS)
        for text in ("Printer repaired", "Lab robot restarted", "A favour", "Tina Technician"):
            self.assertIn(text, page)
        self.assertIn("Europe/Paris", page)
        self.assertIn("10:30", page)  # 09:30 UTC
        self.assertNotIn("20.00", page)

    def test_what_is_internal_is_on_no_page(self):
        self._close_january()
        texts = [self._get_page(url) for url in self._get_urls()]
        texts.append(self._get(f'{SESSIONS}/csv').content.decode())
        for secret in ("slow to pay", "our own mistake", 'tina@seller.example', 'price_per'):
            for text in texts:
                self.assertNotIn(secret, text)

    def test_markup_in_a_note_is_text(self):
        response = self._get(f'{SESSIONS}/{self.printer_session.id}')
        self.assertIn("Changed the toner &lt;script&gt;", response.text)
        self.assertNotIn(SCRIPT, response.text)

    def test_filters_search_and_order(self):
        hits = {
            'filterby=free': {"A favour"},
            'filterby=to_bill': {"Printer repaired", "Lab robot restarted"},
            'search=toner': {"Printer repaired"},
            'search=slow': set(),
            'search=server&search_in=device': {"Printer repaired"},
            'search=tina&search_in=technician': {"Printer repaired"},
            'search=tina&search_in=subject': set(),
            'kind=unattended': set(),
            'when=month': set(),
            'kind=remote_support&groupby=technician': None,
            'groupby=month&sortby=longest': None,
            # Forged or old: as if not given.
            'sortby=x&filterby=x&when=x&kind=x&groupby=x&search_in=x': None,
        }
        names = {"Printer repaired", "Lab robot restarted", "A favour"}
        for query, expected in hits.items():
            with self.subTest(query=query):
                page = self._get_page(f'{SESSIONS}?{query}')
                found = {name for name in names if f">{name}</a>" in page}
                self.assertEqual(found, names if expected is None else expected)

    def test_this_month_begins_at_midnight_in_the_zone(self):
        today = cycles.local_date(fields.Datetime.now(), 'Europe/Paris')
        midnight = cycles.local_midnight(today.replace(day=1), 'Europe/Paris')
        for name, minutes in (("Just before", 61), ("Just after", 59)):
            self._create_session(
                name=name, ended_at=str(midnight + timedelta(hours=1)), minutes=minutes
            )
        page = self._get_page(f'{SESSIONS}?when=month')
        self.assertIn("Just after", page)
        self.assertNotIn("Just before", page)
        page = self._get_page(f'{SESSIONS}?when=last_month')
        self.assertIn("Just before", page)
        self.assertNotIn("Just after", page)

    def test_the_list_is_read_a_page_at_a_time(self):
        portal = portal_sessions.AssistPortalSessions
        with patch.object(portal, '_items_per_page', 2):
            self.assertEqual(self._get_page(SESSIONS).count('name="assist_session"'), 2)
            second = self._get_page(f'{SESSIONS}/page/2')
        self.assertEqual(second.count('name="assist_session"'), 1)

    def test_a_billed_session_leads_to_its_bill(self):
        url = f'{SESSIONS}/{self.printer_session.id}'
        self.assertNotIn("/my/invoices/", self._get_page(url))
        bill = self._close_january()
        self.assertIn(f'href="/my/invoices/{bill.id}"', self._get_page(url))
        bill.button_draft()  # what is being corrected is not shown
        self.assertNotIn(f'/my/invoices/{bill.id}', self._get_page(url))

    # === CSV === #

    def test_the_csv_has_what_the_list_shows_and_no_formula(self):
        self.printer_session.name = "=HYPERLINK(1)"
        response = self._get(f'{SESSIONS}/csv?sortby=oldest&filterby=to_bill')
        self.assertIn('attachment', response.headers['Content-Disposition'])
        rows = list(csv.DictReader(io.StringIO(response.content.decode('utf-8-sig'))))
        self.assertEqual(
            [row['Subject'] for row in rows], ["'=HYPERLINK(1)", "Lab robot restarted"]
        )
        self.assertEqual(rows[0]['Start'], '2026-01-15 10:30:00')
        self.assertEqual(rows[0]['Timezone'], 'Europe/Paris')
        self.assertEqual(rows[0]['Measured (s)'], '1800')
        self.assertFalse({'Amount', 'Price'} & rows[0].keys())

    def test_a_csv_too_long_is_refused_in_words(self):
        with patch.object(portal_sessions, 'MOST_ROWS', 2):
            response = self._get(f'{SESSIONS}/csv')
        self.assertIn('too_many=1', response.url)
        self.assertIn("choose a shorter time", response.text)

    # === DEVICES === #

    def test_devices(self):
        self._create_device(name="Old Laptop", removed_on='2025-06-01')
        page = self._get_page(DEVICES)
        self.assertIn("Acme Server", page)
        self.assertNotIn("Old Laptop", page)
        self.assertIn("Old Laptop", self._get_page(f'{DEVICES}?filterby=removed'))

    # === BILLS === #

    def test_the_page_of_a_bill_says_its_period_and_plan(self):
        bill = self._close_january()
        page = self._get_page(f'/my/invoices/{bill.id}')
        for text in (bill.assist_period_label, "Premium", "Sessions (CSV)"):
            self.assertIn(text, page)
        self.assertIn(bill.assist_period_label, self._get_page('/my/invoices'))
        filtered = self._get_page('/my/invoices?filterby=remote_support')
        self.assertIn(bill.name, filtered)
        self.assertIn(bill.name, self._get_page(HOME))

    def test_the_document_of_a_bill_has_the_statement(self):
        bill = self._close_january()
        page = self._get(f'/my/invoices/{bill.id}?report_type=html').text
        self.assertIn("Session Statement", page)
        self.assertIn("Printer repaired", page)
        self.assertNotIn("slow to pay", page)
        self.assertNotIn(SCRIPT, page)

    def test_the_statement_of_a_bill_as_csv(self):
        bill = self._close_january()
        url = f'/my/invoices/{bill.id}/statement'
        content = self._get(url).content
        self.assertEqual(content, bill.assist_cycle_id._get_statement_csv())
        self.assertIn("Printer repaired", content.decode())

    def _get_urls(self):
        return (HOME, SESSIONS, f'{SESSIONS}/{self.printer_session.id}', DEVICES, '/my/invoices')
