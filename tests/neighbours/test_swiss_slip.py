"""The Swiss payment slip of `l10n_ch` behind the statement of a bill."""

import io
import os

from odoo.tests import HttpCase, tagged
from odoo.tools.pdf import PdfFileReader

from odoo.addons.assist_billing.tests.common import AssistBillingCommon
from odoo.addons.assist_billing.tests.statement.patched_qt import PatchedQt
from odoo.addons.assist_billing.tests.statement.test_statement_pdf import read_text
from odoo.addons.base.models.ir_actions_report import _wkhtml


def has_code(page):
    """Tell whether a page has a QR code: a large square picture."""
    objects = page['/Resources'].get_object().get('/XObject', {})
    pictures = [found.get_object() for found in objects.get_object().values()]
    return any(
        picture['/Subtype'] == '/Image' and picture['/Width'] == picture['/Height'] > 100
        for picture in pictures
    )


@tagged('post_install', '-at_install')
class TestSwissSlip(AssistBillingCommon, HttpCase):
    """The bill, its statement, then the slip on a page of its own; whatever was installed first."""

    @classmethod
    @AssistBillingCommon.setup_chart_template('ch')
    def setUpClass(cls):
        super().setUpClass()
        cls.company.sudo().write(
            {'name': "Nordwind", 'street': "Hauptstr. 1", 'zip': "8000", 'city': "Zürich"}
        )
        cls.bank = cls.env['res.partner.bank'].create(
            {
                'acc_number': 'CH4431999123000889012',
                'partner_id': cls.company.partner_id.id,
                'allow_out_payment': True,
            }
        )
        cls.company_data['default_journal_sale'].bank_account_id = cls.bank
        cls.customers = [cls._create_customer(name) for name in ("Eins", "Zwei")]
        for partner in cls.customers:
            cls._associate(partner)
            cls._create_session(partner, name=f"Help for {partner.name}")

    @classmethod
    def _create_customer(cls, name):
        return cls._create_partner(
            name,
            street="Nebenstr. 2",
            zip="3000",
            city="Bern",
            country_id=cls.env.ref('base.ch').id,
        )

    def _bill_all(self):
        self._close('2026-02-01 01:00:00')
        bills = self.env['account.move'].search(
            [('assist_kind', '=', 'bill'), ('company_id', '=', self.company.id)], order='id'
        )
        self.assertEqual(bills.mapped('l10n_ch_is_qr_valid'), [True, True])
        return bills

    def _print(self, bills):
        report = self.env['ir.actions.report'].with_context(force_report_rendering=True)
        content, _kind = report._render_qweb_pdf('account.account_invoices', bills.ids)
        if folder := os.environ.get('ASSIST_KEEP_PDFS'):
            name = f'slip{len(bills)}{int(_wkhtml().is_patched_qt)}.pdf'
            with open(os.path.join(folder, name), 'wb') as file:
                file.write(content)
        return PdfFileReader(io.BytesIO(content)).pages

    def _assert_pages(self, pages, partner):
        bill, statement, slip = (read_text(page) for page in pages)
        self.assertIn("Total", bill)
        self.assertIn(f"Help for {partner.name}", statement)
        self.assertNotIn("Help for", slip)
        # The slip's own words are shapes where wkhtmltopdf draws letters of web fonts so.
        self.assertEqual([has_code(page) for page in pages], [False, False, True])

    def test_the_slip_comes_last(self):
        bill = self._bill_all()[0]
        self._assert_pages(self._print(bill), bill.partner_id)

    def test_several_bills_at_once(self):
        bills = self._bill_all()
        pages = self._print(bills)
        self._assert_pages(pages[:3], bills[0].partner_id)
        self._assert_pages(pages[3:], bills[1].partner_id)

    def test_the_order_of_installation_does_not_matter(self):
        """Views of the same priority are applied in the order in which they were made."""
        view = self.env.ref('assist_billing.report_invoice_document')
        other = self.env.ref('l10n_ch.l10n_ch_report_invoice_document')
        self.assertGreater(view.priority, other.priority)


@tagged('post_install', '-at_install')
class TestSwissSlipPatchedQt(PatchedQt, TestSwissSlip):
    """The same, by a wkhtmltopdf with patched Qt."""
