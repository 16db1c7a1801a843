import io
from unittest.mock import patch

from odoo import Command
from odoo.tests import HttpCase, tagged
from odoo.tools.pdf import PdfFileReader

from odoo.addons.base.models.ir_actions_report import _wkhtml

from ...report.stationery import Stationery
from ..common import AssistBillingCommon
from ..thorough import thorough
from .patched_qt import PatchedQt


def read_text(page):
    """Return the words on a page, whatever blanks stand between them."""
    return " ".join(page.extract_text().split())


def find_heights(page, *texts):
    """Return how high above the foot of the page the lines with these texts stand, in points."""
    lines = {}

    def visit(text, matrix, text_matrix, *_font):
        height = text_matrix[4] * matrix[1] + text_matrix[5] * matrix[3] + matrix[5]
        lines[round(height)] = lines.get(round(height), '') + text.replace('\t', ' ')

    page.extract_text(visitor_text=visit)
    return [max(height for height, line in lines.items() if text in line) for text in texts]


@tagged('post_install', '-at_install')
class TestStatementPdf(AssistBillingCommon, HttpCase):
    """Real PDFs, by whatever wkhtmltopdf is installed; Debian's has an unpatched Qt."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.name = "Northwind IT"
        cls.association = cls._associate()

    def _create_sessions(self, count, partner=None, with_notes=True):
        self.env['assist.session'].create(
            [
                {
                    'partner_id': (partner or self.customer).id,
                    'started_at': f'2026-01-{1 + number % 30:02} 10:00:00',
                    'ended_at': f'2026-01-{1 + number % 30:02} 10:30:00',
                    'name': f"Help {number:03}",
                    'customer_note': with_notes and "Cleared the queue. " * (number % 5),
                }
                for number in range(count)
            ]
        )

    def _print(self, bills, report='account.account_invoices'):
        """Return the text of each page of the PDF that printing `bills` gives."""
        return [read_text(page) for page in self._print_pages(bills, report)]

    def _print_pages(self, bills, report='account.account_invoices'):
        report_model = self.env['ir.actions.report'].with_context(force_report_rendering=True)
        content, kind = report_model._render_qweb_pdf(report, bills.ids)
        self.assertEqual(kind, 'pdf')
        return PdfFileReader(io.BytesIO(content)).pages

    def test_a_small_bill_has_letterhead_period_and_page_numbers_on_both_pages(self):
        self._create_sessions(3)
        self._close('2026-02-01 01:00:00')
        with patch.object(Stationery, 'put_on', wraps=Stationery.put_on) as put_on:
            pages = self._print(self._bill(self.association))
        self.assertEqual(put_on.call_count, 0 if _wkhtml().is_patched_qt else 1)
        self.assertEqual(len(pages), 2)
        for number, page in enumerate(pages, 1):
            self.assertIn("Northwind IT", page)
            self.assertRegex(page, rf'Page\s+{number}\s+/\s+2')
        self.assertIn("01/01/2026 – 01/31/2026", pages[0])
        self.assertIn("Premium", pages[0])
        for number in range(3):
            self.assertEqual(pages[1].count(f"Help {number:03}"), 1)
        self.assertIn("60.00", pages[1])

    @thorough
    def test_four_hundred_sessions_have_the_head_on_each_page(self):
        # Names as long as people's and firms' are fit on a line.
        self.env.user.sudo().name = "Maximilian Hohenberger-Schmid"
        self.customer.name = "Acme Beteiligungs- und Verwaltungsgesellschaft mbH"
        self._create_sessions(400, with_notes=False)
        self._close('2026-02-01 01:00:00')
        pages = self._print(self._bill(self.association))
        text = "\n".join(pages)
        self.assertEqual(
            [n for n in range(400) if text.count(f"Help {n:03}") != 1], [], "each on one page"
        )
        with_rows = [page for page in pages[1:] if "Help " in page]
        self.assertTrue(all("Technician" in page for page in with_rows))
        self.assertEqual([n for n, page in enumerate(pages) if "Northwind IT" not in page], [])
        self.assertLessEqual(len(pages), 14)

    def _tall_letterhead(self):
        self.company.write(
            {
                'external_report_layout_id': self.env.ref('web.external_layout_standard').id,
                'paperformat_id': self.env.ref('base.paperformat_us').id,
                'company_details': "Northwind IT<br/>Street 1<br/>Floor 2<br/>Town<br/>Last line",
            }
        )

    @thorough
    def test_a_tall_letterhead_hides_neither_title_nor_heads(self):
        self._tall_letterhead()
        self._create_sessions(60)
        self._close('2026-02-01 01:00:00')
        pages = self._print_pages(self._bill(self.association))
        # Half a line of the letterhead, and how tall the letters of the title and the heads are.
        for page, below, points in (
            (pages[1], "Session Statement", 6 + 12),
            (pages[2], "Technician", 6 + 6),
        ):
            letterhead, height = find_heights(page, "Last line", below)
            self.assertGreaterEqual(letterhead - height, points, below)

    @thorough
    def test_no_head_is_printed_over_rows_wherever_a_page_ends(self):
        """A table that has no room below its head begins the next page."""
        self._tall_letterhead()
        self.plan.write({'charge_devices': True, 'price_per_device': 3.0})
        for number in range(3):
            self._create_device(name=f"Machine {number}")
        for month, count in enumerate(range(11, 17), 1):
            self.env['assist.session'].create(
                [
                    {
                        'partner_id': self.customer.id,
                        'started_at': f'2026-{month:02}-{1 + number:02} 10:00:00',
                        'ended_at': f'2026-{month:02}-{1 + number:02} 10:30:00',
                        'name': f"Help {number:03}",
                    }
                    for number in range(count)
                ]
            )
        self._close('2026-07-01 01:00:00')
        for bill in self.env['account.move'].search(
            [('assist_association_id', '=', self.association.id)]
        ):
            pages = self._print_pages(bill)
            with self.subTest(sessions=bill.assist_session_count):
                [page] = [page for page in pages if "Machine 0" in read_text(page)]
                self.assertEqual(read_text(page).count("Looked after"), 1)
                title, head, first = find_heights(
                    page, "Unattended devices", "Counted", "Machine 0"
                )
                self.assertGreater(title - head, 6)
                self.assertGreater(head - first, 6)

    @thorough
    def test_no_page_begins_with_sums_alone(self):
        """The last row of a table is on the page of its sums, wherever a page ends."""
        self.plan.write({'charge_devices': True, 'price_per_device': 3.0})
        self._create_device(name="Machine")
        for month, count in enumerate(range(20, 25), 1):
            self.env['assist.session'].create(
                [
                    {
                        'partner_id': self.customer.id,
                        'started_at': f'2026-{month:02}-{1 + number % 28:02} 10:00:00',
                        'ended_at': f'2026-{month:02}-{1 + number % 28:02} 10:30:00',
                        'name': f"Help {number:03}",
                    }
                    for number in range(count)
                ]
            )
        self._close('2026-06-01 01:00:00')
        for bill in self.env['account.move'].search(
            [('assist_association_id', '=', self.association.id)]
        ):
            pages = self._print_pages(bill)
            with self.subTest(sessions=bill.assist_session_count):
                [page] = [page for page in pages if "Sum of the sessions" in read_text(page)]
                self.assertIn("Help", read_text(page))
                head, last, sums = find_heights(page, "Technician", "Help", "Sum of the sessions")
                self.assertGreater(head, last)
                self.assertGreater(last, sums)

    @thorough
    def test_a_tall_letterhead_hides_neither_totals_nor_account(self):
        self._tall_letterhead()
        self.plan.bill_handling = 'draft'
        self._create_sessions(1)
        self._close('2026-02-01 01:00:00')
        bill = self._bill(self.association)
        for count in range(1, 9):
            bill.invoice_line_ids = [
                Command.create({'name': f"By hand {count}", 'price_unit': 1.0})
            ]
            bill.invoice_line_ids[-1].sequence = 99
            bill.action_post()
            pages = self._print_pages(bill)
            bill.button_draft()
            with self.subTest(lines=count + 1):
                [totals] = [page for page in pages if "Untaxed Amount" in read_text(page)]
                [account] = [page for page in pages if "Payment Communication" in read_text(page)]
                for page, text in ((totals, "Untaxed Amount"), (account, "Payment Comm")):
                    letterhead, height = find_heights(page, "Last line", text)
                    self.assertGreater(letterhead - height, 6 + 6)

    @thorough
    def test_the_layout_folder_has_the_title_of_the_document(self):
        """It is in the letterhead there, and below what this can be of the page."""
        self.company.write(
            {
                'external_report_layout_id': self.env.ref('web.external_layout_folder').id,
                'paperformat_id': self.env.ref('base.paperformat_us').id,
            }
        )
        self._create_sessions(1)
        self._close('2026-02-01 01:00:00')
        bill = self._bill(self.association)
        page = self._print_pages(bill)[0]
        title, below = find_heights(page, f"Invoice {bill.name}", "Invoice Date")
        self.assertGreater(title, below)
        if not _wkhtml().is_patched_qt:
            # The document covers what is further down than the margin of the page.
            margin = self.env.ref('base.paperformat_us').margin_top * 72 / 25.4
            self.assertGreater(title, float(page.mediabox.height) - margin)

    @thorough
    def test_no_note_is_cut_in_two_by_the_end_of_a_page(self):
        self._create_sessions(60)
        for session in self.env['assist.session'].search([], limit=60):
            session.customer_note = f"Begin {session.name}. {'So it went on. ' * 12} End."
        self._close('2026-02-01 01:00:00')
        for page in self._print(self._bill(self.association)):
            self.assertEqual(page.count("Begin "), page.count("End."))

    @thorough
    def test_a_batch_is_printed_document_by_document(self):
        partners = [self._create_partner(f"Customer {number}") for number in range(3)]
        for partner in partners:
            self._associate(partner)
            self._create_sessions(2, partner)
        self._close('2026-02-01 01:00:00')
        bills = self.env['account.move'].search([('assist_kind', '=', 'bill')])
        self.assertEqual(len(bills), 3)
        other = self.init_invoice('out_invoice', partner=self.customer, amounts=[10], post=True)
        pages = self._print(bills + other)
        self.assertEqual(len(pages), 7)
        for number, bill in enumerate(bills):
            self.assertIn(bill.name, pages[2 * number])
            self.assertIn("Help 001", pages[2 * number + 1])
        self.assertIn(other.name, pages[6])

    @thorough
    def test_sending_many_keeps_a_pdf_of_each(self):
        partners = [self._create_partner(f"Customer {number}") for number in range(2)]
        for partner in partners:
            self._associate(partner)
            self._create_sessions(1, partner)
        self._close('2026-02-01 01:00:00')
        bills = self.env['account.move'].search([('assist_kind', '=', 'bill')])
        send = self.env['account.move.send'].with_context(force_report_rendering=True)
        send._generate_and_send_invoices(bills, sending_methods=['manual'])
        for bill in bills:
            reader = PdfFileReader(io.BytesIO(bill.invoice_pdf_report_id.raw))
            self.assertEqual(len(reader.pages), 2)
            self.assertIn(bill.name, read_text(reader.pages[0]))

    @thorough
    def test_a_statement_of_any_time_is_printed_on_us_letter(self):
        self.company.paperformat_id = self.env.ref('base.paperformat_us')
        self._create_sessions(30)
        self._close('2026-02-01 01:00:00')
        wizard = self.env['assist.statement'].create(
            {
                'association_id': self.association.id,
                'date_from': '2026-01-02',
                'date_to': '2026-01-30',
            }
        )
        pages = self._print(wizard, 'assist_billing.report_statement')
        text = "\n".join(pages)
        self.assertNotIn("Help 000", text)
        self.assertEqual(sum(text.count(f"Help {number:03}") for number in range(30)), 29)


@thorough
@tagged('post_install', '-at_install')
class TestStatementPdfPatchedQt(PatchedQt, TestStatementPdf):
    """The same PDFs, by a wkhtmltopdf with patched Qt."""

    def test_it_is_the_patched_one(self):
        self.assertTrue(_wkhtml().is_patched_qt)
