from odoo import Command
from odoo.tests import freeze_time, tagged
from odoo.tools.image import image_data_uri

from ..common import AssistBillingCommon

PERIOD = "01/01/2026 – 01/31/2026"


@tagged('post_install', '-at_install')
class TestPrinted(AssistBillingCommon):
    """What a customer reads: the bill on paper, and the mail that it comes with."""

    def _create_bill(self, partner=None, **vals):
        association = self._associate(partner, plan=self.hourly, **vals)
        self._create_session(partner, minutes=90)
        self._close('2026-02-01 00:00:00')
        return self._bill(association)

    def _print(self, bill):
        reports = self.env['ir.actions.report']
        content, _kind = reports._render_qweb_html('account.report_invoice_with_payments', bill.ids)
        return content.decode()

    def _write_mail(self, bill):
        template = self.env.ref('assist_billing.mail_template_bill')
        return template._render_field('body_html', bill.ids)[bill.id]

    # === PAPER === #

    def test_the_period_stands_once_and_on_one_line(self):
        bill = self._create_bill()
        self.assertIn(PERIOD, bill.invoice_line_ids[0].name, "the ledger knows it by itself")
        page = self._print(bill)
        self.assertEqual(page.count(PERIOD), 1)
        self.assertRegex(page, rf'text-nowrap[^>]*>{PERIOD}')
        self.assertRegex(self._write_mail(bill), rf'white-space: nowrap;?"[^>]*>{PERIOD}')

    def test_layouts_of_countries_that_put_other_words_print_each_line_once(self):
        """As those of Saudi Arabia and its neighbours, and of Chile; amounts stay on the page."""
        views = self.env['ir.ui.view']
        base = self.env.ref('account.report_invoice_document')
        primary = views.create(
            {
                'name': "Of a Country",
                'type': 'qweb',
                'mode': 'primary',
                'key': 'assist_billing.report_of_a_country',
                'inherit_id': base.id,
                'arch': """
                    <data>
                        <xpath position="replace"
                            expr="//td[@name='account_invoice_line_name']/span">
                            <b t-out="line.name" />
                        </xpath>
                        <xpath expr="//div[@id='right-elements']" position="attributes">
                            <attribute name="t-attf-class">col-12</attribute>
                        </xpath>
                    </data>
                """,
            }
        )
        bill = self._create_bill()
        name = bill.invoice_line_ids[0].name.split("\n", maxsplit=1)[0]
        plain = self._print(bill).split('id="total"')[0]
        views.create(
            {
                'name': "Of a Country: Invoice",
                'type': 'qweb',
                'inherit_id': self.env.ref('account.report_invoice').id,
                'arch': f"""
                    <xpath position="attributes"
                        expr="//t[@t-call='account.report_invoice_document']">
                        <attribute name="t-call">{primary.key}</attribute>
                    </xpath>
                """,
            }
        )
        page = self._print(bill)
        self.assertIn(f"<b>{name}", page)
        self.assertEqual(page.split('id="total"')[0].count(name), plain.count(name))
        self.assertRegex(page, r'class="[^"]*o_assist_labels"')

    def test_nobody_is_sent_the_picture_that_asks_for_a_logo(self):
        self.company.logo = self.company._get_logo()  # as of a new company
        self.assertTrue(self.company.logo and self.company.uses_default_logo)
        picture = image_data_uri(self.company.logo)
        bill = self._create_bill()
        for layout in self.env['report.layout'].search([]):
            self.company.external_report_layout_id = layout.view_id
            self.assertNotIn(picture, self._print(bill), layout.name)
        self.company.logo = b'R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=='
        self.assertFalse(self.company.uses_default_logo)
        self.assertIn(image_data_uri(self.company.logo), self._print(bill))

    def test_hours_have_their_unit_and_nothing_has_it_twice(self):
        bill = self._create_bill()
        [cell] = [part for part in self._print(bill).split('<td') if 'name="td_quantity"' in part]
        self.assertIn("1.50", cell)
        self.assertEqual(cell.count("Hours"), 1)
        self.env.user.group_ids |= self.env.ref('uom.group_uom')
        [cell] = [part for part in self._print(bill).split('<td') if 'name="td_quantity"' in part]
        self.assertEqual(cell.count("Hours"), 1, "Odoo prints it then")

    def test_bars_have_a_title_and_a_scale(self):
        page = self._print(self._create_bill())
        self.assertIn("Measured time per day", page)
        self.assertIn(">1:30<", page)

    def test_other_invoices_are_printed_as_ever(self):
        invoice = self._create_invoice_one_line(price_unit=10.0, name=f"Advice\n{PERIOD}")
        page = self._print(invoice)
        self.assertIn(PERIOD, page)
        # An attribute with a condition takes the place of Odoo's own.
        self.assertIn('id="payment_term" class="clearfix mt-3"', page)
        self.assertNotIn("o_assist", page)

    def test_what_is_more_than_usage_is_not_called_so(self):
        self.assertIn("Usage of the period", self._print(self._create_bill()))
        fee = {
            'product_id': self.env.ref('assist_billing.product_fee').id,
            'name': "Care",
            'price': 100.0,
            'charge': 'arrears',
        }
        self.hourly.fee_ids = [Command.create(fee)]
        other = self._create_partner("Other")
        bill = self._create_bill(partner=other)
        page = self._print(bill)
        self.assertNotIn("Usage of the period", page)
        self.assertEqual(page.count("Charges"), 2)

    # === MAIL === #

    def test_what_is_past_due_was_due(self):
        bill = self._create_bill(due_days=10)
        with freeze_time('2026-02-01 12:00:00'):
            bill.invalidate_recordset(['assist_status'])
            self.assertIn("is due on", self._write_mail(bill))
        with freeze_time('2026-03-01 12:00:00'):
            bill.invalidate_recordset(['assist_status'])
            mail = self._write_mail(bill)
        self.assertIn("was due on", mail)
        self.assertNotIn("is due on", mail)

    def test_a_discount_is_told_and_somebody_signs(self):
        bill = self._create_bill()
        mail = self._write_mail(bill)
        self.assertNotIn("Discount", mail)
        self.assertIn(self.company.name, mail.split("Kind regards")[1])
        self.env['assist.add.charges'].create(
            {'move_id': bill.id, 'adjustment_type': 'discount', 'amount': 5.0}
        ).action_add()
        self.assertIn("Discount", self._write_mail(bill))
        bill.invoice_user_id = self.env.user
        self.assertIn(self.env.user.name, self._write_mail(bill).split("Kind regards")[1])

    def test_there_is_one_button_which_odoo_makes(self):
        self.assertNotIn("href", self._write_mail(self._create_bill()))
