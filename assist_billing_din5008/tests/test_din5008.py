import io
import os

from odoo import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import html2plaintext
from odoo.tools.pdf import PdfFileReader

from odoo.addons.assist_billing.tests.common import AssistBillingCommon
from odoo.addons.assist_billing.tests.statement.patched_qt import PatchedQt
from odoo.addons.assist_billing.tests.statement.test_statement_pdf import read_text
from odoo.addons.base.models.ir_actions_report import _wkhtml

# What stands on a page beside letterhead and page number.
CONTENT = r"By hand|Total|Payment Communication|Help with the printer"


@tagged('post_install', '-at_install')
class TestDin5008(AssistBillingCommon, HttpCase):
    """A bill in the layout DIN 5008 is as complete as in any other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.sudo().write(
            {
                'name': "Northwind IT",
                'external_report_layout_id': cls.env.ref('l10n_din5008.external_layout_din5008').id,
                'paperformat_id': cls.env.ref('l10n_din5008.paperformat_euro_din').id,
            }
        )
        cls.env['decimal.precision'].sudo().search([('name', '=', 'Product Price')]).digits = 4
        cls.association = cls._associate(
            plan=cls._create_plan(name="Premium", price_per_session=20.1234, bill_handling='draft')
        )

    def _bill_with_lines(self, count):
        """Return a posted bill with so many lines, of which the first has a long price."""
        bill = self._bill(self.association)
        if bill.state == 'posted':
            bill.button_draft()
        bill.invoice_line_ids.filtered(lambda line: not line.assist_charge).unlink()
        bill.invoice_line_ids = [
            Command.create({'name': f"By hand {number}", 'price_unit': 1.0})
            for number in range(1, count)
        ]
        bill.action_post()
        return bill

    def _print(self, bill, name):
        report = self.env['ir.actions.report'].with_context(force_report_rendering=True)
        content, _kind = report._render_qweb_pdf('account.account_invoices', bill.ids)
        if folder := os.environ.get('ASSIST_KEEP_PDFS'):
            with open(
                os.path.join(folder, f'{name}{int(_wkhtml().is_patched_qt)}.pdf'), 'wb'
            ) as file:
                file.write(content)
        return [read_text(page) for page in PdfFileReader(io.BytesIO(content)).pages]

    def test_one_to_twelve_lines(self):
        self._create_session(name="Help with the printer")
        self._close('2026-02-01 01:00:00')
        for count in range(1, 13):
            with self.subTest(lines=count):
                pages = self._print(self._bill_with_lines(count), f'din5008_{count:02}')
                self.assertIn("01/01/2026 – 01/31/2026", pages[0])
                self.assertIn("Period", pages[0])
                self.assertIn("Plan Premium", pages[0])
                self.assertNotIn("Source", pages[0])
                self.assertNotIn("Delivery Date", pages[0])
                self.assertIn("20.1234", pages[0])
                self.assertIn("Help with the printer", pages[-1])
                for page in pages:
                    self.assertRegex(page, CONTENT, "an empty page")

    def test_other_invoices_stay_as_they_are(self):
        invoice = self._create_invoice_one_line(
            partner_id=self.customer.id,
            product_id=self.plan.session_product_id.id,
            price_unit=10.0,
            post=True,
        )
        invoice.invoice_origin = "SO 1"
        html, _kind = self.env['ir.actions.report']._render_qweb_html(
            'account.report_invoice', invoice.ids
        )
        text = " ".join(html2plaintext(html.decode()).split())
        self.assertIn("Source SO 1", text)
        self.assertIn("$ 10.00", text)
        self.assertNotIn("Period", text)


@tagged('post_install', '-at_install')
class TestDin5008PatchedQt(PatchedQt, TestDin5008):
    """The same, by a wkhtmltopdf with patched Qt."""
