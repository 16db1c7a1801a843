import json
import subprocess
import sys
import tempfile
from pathlib import Path

from lxml import etree

from odoo import Command
from odoo.tests import tagged

from odoo.addons.assist_billing.models.invoice.account_move_line import (
    ADJUSTMENT_CHARGES,
    USAGE_CHARGES,
)
from odoo.addons.assist_billing.tests.common import AssistBillingCommon
from odoo.addons.assist_billing.tests.thorough import thorough

from . import official_rules

LEITWEG_ID = '04011000-1234512345-06'
JANUARY = ('2026-01-01', '2026-01-31')
FEBRUARY = ('2026-02-01', '2026-02-28')
BOTH = ('2026-01-01', '2026-02-28')
# UBL of Peppol, Germany, the Netherlands.
UBL_FORMATS = ('ubl_bis3', 'xrechnung', 'nlcius')
FORMATS = (*UBL_FORMATS, 'facturx')


def get_text(node, path):
    """Return the text at a path whose names stand for any namespace; '' where there is none."""
    found = node.find('/'.join(f'{{*}}{name}' for name in path.split('/')))
    return '' if found is None else found.text


def get_period(node):
    """Return the first and the last day that a node of UBL or of Factur-X says, or None."""
    period = node.find('{*}InvoicePeriod')
    if period is not None:
        return get_text(period, 'StartDate'), get_text(period, 'EndDate')
    period = node.find('.//{*}BillingSpecifiedPeriod')
    if period is None:
        return None
    days = [get_text(period, f'{name}DateTime/DateTimeString') for name in ('Start', 'End')]
    return tuple(f'{day[:4]}-{day[4:6]}-{day[6:]}' for day in days)


def get_periods(document):
    """Return the period of an e-invoice, and those of its lines in order."""
    if settlement := document.findall('.//{*}ApplicableHeaderTradeSettlement'):
        lines = document.findall('.//{*}IncludedSupplyChainTradeLineItem')
        return get_period(settlement[0]), [get_period(line) for line in lines]
    lines = document.findall('{*}InvoiceLine') + document.findall('{*}CreditNoteLine')
    return get_period(document), [get_period(line) for line in lines]


def get_references(document):
    """Return order reference and buyer reference of an e-invoice, '' where there is none."""
    agreement = document.find('.//{*}ApplicableHeaderTradeAgreement')
    if agreement is None:
        return get_text(document, 'OrderReference/ID'), get_text(document, 'BuyerReference')
    return (
        get_text(agreement, 'BuyerOrderReferencedDocument/IssuerAssignedID'),
        get_text(agreement, 'BuyerReference'),
    )


@tagged('post_install', '-at_install')
class TestEInvoices(AssistBillingCommon):
    """Periods and references of e-invoices, and what the official rules say of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.sudo().write(
            {
                'country_id': cls.env.ref('base.de').id,
                'vat': 'DE462612124',
                'street': "Hauptstr. 1",
                'zip': "10115",
                'city': "Berlin",
                'phone': "+49 30 123456",
                'email': "office@support.example",
                'account_sale_tax_id': cls._create_vat().id,
            }
        )
        cls.bank = cls.env['res.partner.bank'].create(
            {
                'acc_number': 'DE89370400440532013000',
                'partner_id': cls.company.partner_id.id,
                'allow_out_payment': True,
            }
        )
        products = cls.plan.session_product_id | cls.plan.hour_product_id
        products |= cls.plan.device_product_id
        products.sudo().taxes_id = cls.company.account_sale_tax_id
        cls.customer.write(cls._prepare_address())

    @classmethod
    def _create_vat(cls):
        return (
            cls.env['account.tax']
            .sudo()
            .create(
                {
                    'name': "19 %",
                    'amount': 19.0,
                    'type_tax_use': 'sale',
                    'company_id': cls.company.id,
                }
            )
        )

    # === FACTORIES === #

    @classmethod
    def _prepare_address(cls):
        return {
            'country_id': cls.env.ref('base.de').id,
            'vat': 'DE123456788',
            'street': "Nebenstr. 2",
            'zip': "20095",
            'city': "Hamburg",
            'email': "office@acme.example",
            'is_company': True,
        }

    def _bill_everything(self, **vals):
        """Bill February with a line of each kind; January's late session is among them."""
        plan = self._create_plan(
            billing_type='hour',
            price_per_hour=60.0,
            base_fee=5.0,
            base_minutes=10,
            minimum_charge=500.0,
            charge_devices=True,
            price_per_device=3.0,
        )
        association = self._associate(plan=plan, **vals)
        self._create_device()
        self._create_session(minutes=95)
        self._close('2026-02-01 00:10:00')
        # Three hours more than January's minimum has paid for.
        self._create_session(ended_at='2026-01-20 18:00:00', minutes=600)
        self._create_session(ended_at='2026-02-10 10:00:00', minutes=125)
        self._close('2026-03-01 00:10:00')
        return self._bill(association)

    def _bill_with(self, partner=None, **vals):
        association = self._associate(partner, **vals)
        self._create_session(partner)
        self._close('2026-02-01 00:10:00')
        return self._bill(association)

    def _bill_all_kinds(self):
        """Return February's bill with charges, a discount and a line by hand besides."""
        bill = self._bill_everything()
        bill.button_draft()
        self._adjust(bill, 'additional', 12.5)
        self._adjust(bill, 'discount', 7.5)
        bill.invoice_line_ids = [
            Command.create({'product_id': self.plan.session_product_id.id, 'price_unit': 5.0})
        ]
        bill.action_post()
        return bill

    def _bill_fees(self, partner=None):
        """Return January's bill with the maximum charge, a fee for February, and one set right."""
        fee = {
            'product_id': self.plan.device_product_id.id,
            'quantity_rule': 'devices',
            'price': 12.0,
            'true_up': 'both',
        }
        plan = self._create_plan(
            billing_type='hour',
            price_per_hour=60.0,
            maximum_charge=50.0,
            fee_ids=[Command.create(fee)],
        )
        association = self._associate(partner, plan=plan)
        self._create_device(partner)
        self._create_device(partner, name="Another", enrolled_on='2026-01-10')
        self._create_session(partner, minutes=95)
        self._close('2026-02-01 00:10:00')
        return self._bill(association)

    def _bill_late_sessions(self):
        """Return a bill for sessions of January alone, which came in late."""
        association = self._associate(end_date='2026-02-01')
        self._create_session()
        self._close('2026-02-01 00:10:00')
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-04-20 00:10:00')
        return self.env['account.move'].search(
            [('assist_association_id', '=', association.id), ('assist_kind', '=', 'supplementary')]
        )

    def _credit(self, bill):
        """Return a discount on a bill as a credit note, and a credit of all of it."""
        self.company.sudo().assist_amend_posted = False
        self._adjust(bill, 'discount', 40.0)
        reversal = (
            self.env['account.move.reversal']
            .with_context(active_model='account.move', active_ids=bill.ids)
            .create({'journal_id': bill.journal_id.id})
        )
        [discount] = bill.assist_linked_ids
        whole = bill.browse(reversal.reverse_moves()['res_id'])
        whole.action_post()
        return discount | whole

    def _get_charges(self, move):
        lines = move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        return [line.assist_charge for line in lines]

    def _adjust(self, bill, adjustment_type, amount):
        self.env['assist.add.charges'].create(
            {'move_id': bill.id, 'adjustment_type': adjustment_type, 'amount': amount}
        ).action_add()

    def _export(self, move, einvoice_format):
        """Return an e-invoice of a document as Odoo makes it, parsed."""
        self.assertEqual(move.state, 'posted')
        builder = move.partner_id.commercial_partner_id._get_edi_builder(einvoice_format)
        xml, errors = builder._export_invoice(move)
        self.assertFalse(errors)
        return etree.fromstring(xml)

    def _export_all(self, moves, name):
        """Return e-invoices of documents in all formats: name -> document."""
        return {
            f'{name}_{index}_{einvoice_format}': self._export(move, einvoice_format)
            for index, move in enumerate(moves)
            for einvoice_format in FORMATS
        }

    def _find(self, documents):
        """Return what the official rules find in documents: name -> list of findings."""
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, document in documents.items():
                path = Path(folder, f'{name}.xml')
                path.write_bytes(etree.tostring(document, xml_declaration=True, encoding='UTF-8'))
                paths.append(str(path))
            checked = subprocess.run(
                [sys.executable, official_rules.__file__, *paths],
                capture_output=True,
                text=True,
                check=False,
            )
        self.assertEqual(checked.returncode, 0, checked.stderr)
        return {Path(path).stem: found for path, found in json.loads(checked.stdout).items()}

    # === PERIODS === #

    def test_each_line_says_the_period_it_is_about(self):
        bill = self._bill_all_kinds()
        charges = self._get_charges(bill)
        others = {'session', 'cap', 'fee', 'true_up'}
        self.assertEqual(set(charges), {*USAGE_CHARGES, *ADJUSTMENT_CHARGES, False} - others)
        served = {'prior': JANUARY, False: None}
        expected = [served.get(charge, FEBRUARY) for charge in charges]
        for name, document in self._export_all(bill, 'bill').items():
            self.assertEqual(get_periods(document), (BOTH, expected), name)

    def test_fees_in_advance_say_the_period_that_they_pay_for(self):
        bill = self._bill_fees()
        charges = self._get_charges(bill)
        self.assertEqual(set(charges), {'hour', 'cap', 'fee', 'true_up'})
        expected = [FEBRUARY if charge == 'fee' else JANUARY for charge in charges]
        for name, document in self._export_all(bill, 'fees').items():
            self.assertEqual(get_periods(document), (BOTH, expected), name)

    def test_sessions_alone_say_the_period_of_their_cycle(self):
        for name, document in self._export_all(self._bill_with(), 'bill').items():
            self.assertEqual(get_periods(document), (JANUARY, [JANUARY]), name)

    def test_ubl_2_0_has_the_period_of_the_document_alone(self):
        bill = self._bill_everything()
        xml, _errors = self.env['account.edi.xml.ubl_efff']._export_invoice(bill)
        document = etree.fromstring(xml)
        self.assertEqual(get_periods(document), (BOTH, [None] * len(bill.invoice_line_ids)))

    def test_late_sessions_on_a_bill_of_their_own_say_their_period(self):
        documents = self._export_all(self._bill_late_sessions(), 'late')
        self.assertEqual(len(documents), len(FORMATS))
        for name, document in documents.items():
            self.assertEqual(get_periods(document), (JANUARY, [JANUARY]), name)

    @thorough
    def test_credit_notes_say_the_periods_that_they_credit(self):
        bill = self._bill_everything()
        discount, whole = self._credit(bill)
        expected = [
            JANUARY if charge == 'prior' else FEBRUARY for charge in self._get_charges(bill)
        ]
        for name, document in self._export_all(discount, 'discount').items():
            period, periods = get_periods(document)
            self.assertEqual((period, set(periods)), (FEBRUARY, {FEBRUARY}), name)
        for name, document in self._export_all(whole, 'whole').items():
            self.assertEqual(get_periods(document), (BOTH, expected), name)

    def test_other_invoices_are_as_odoo_makes_them(self):
        invoice = self._create_invoice_one_line(
            partner_id=self.customer.id,
            product_id=self.plan.session_product_id.id,
            price_unit=10.0,
            post=True,
        )
        for einvoice_format in UBL_FORMATS:
            document = self._export(invoice, einvoice_format)
            self.assertEqual(get_periods(document), (None, [None]), einvoice_format)
            self.assertEqual(get_references(document)[0], invoice.name)

    # === REFERENCES === #

    def test_references_of_the_association_are_on_every_document(self):
        bill = self._bill_with(customer_reference="PO 4711", buyer_reference=LEITWEG_ID)
        self.assertEqual(bill.ref, "PO 4711")
        self.company.sudo().assist_amend_posted = False
        self._adjust(bill, 'discount', 5.0)
        self._adjust(bill, 'additional', 5.0)
        documents = self._export_all(bill | bill.assist_linked_ids, 'bill')
        self.assertEqual(len(documents), 3 * len(FORMATS))
        for name, document in documents.items():
            self.assertEqual(get_references(document), ("PO 4711", LEITWEG_ID), name)

    def test_our_own_number_does_not_pass_for_an_order(self):
        bill = self._bill_with(buyer_reference="Cost centre 7")
        for name, document in self._export_all(bill, 'bill').items():
            self.assertEqual(get_references(document), ('', "Cost centre 7"), name)

    def test_without_references_there_is_what_a_format_cannot_do_without(self):
        bill = self._bill_with()
        for einvoice_format, expected in (
            ('ubl_bis3', (bill.name, '')),  # one of the two
            ('xrechnung', ('', 'N/A')),
            ('facturx', ('', '')),
        ):
            document = self._export(bill, einvoice_format)
            self.assertEqual(get_references(document), expected, einvoice_format)

    def test_what_is_changed_on_the_bill_counts(self):
        bill = self._bill_with(customer_reference="PO 4711")
        bill.ref = "PO 4712"
        for einvoice_format in FORMATS:
            document = self._export(bill, einvoice_format)
            self.assertEqual(get_references(document)[0], "PO 4712", einvoice_format)

    # === OFFICIAL RULES === #

    @thorough
    def test_the_official_rules_find_nothing(self):
        bill = self._bill_all_kinds()
        referring, unreferring, other = (
            self._bill_with(self._create_partner(name, **self._prepare_address()), **vals)
            for name, vals in (
                ("One", {'customer_reference': "PO 4711", 'buyer_reference': LEITWEG_ID}),
                ("Two", {}),
                ("Three", {'buyer_reference': "7"}),
            )
        )
        partner = self._create_partner("Fees", **self._prepare_address())
        fees = self._bill_fees(partner)
        documents = {
            **self._export_all(bill | self._credit(bill), 'all_kinds'),
            **self._export_all(fees | self._credit(fees), 'fees'),
            **self._export_all(referring | unreferring | other, 'references'),
        }
        # That they would find something.
        wrong = {
            'ubl': self._export(referring, 'ubl_bis3'),
            'cii': self._export(referring, 'facturx'),
            'schema': self._export(referring, 'xrechnung'),
        }
        wrong['ubl'].find('{*}InvoicePeriod/{*}EndDate').text = '2025-01-01'
        wrong['cii'].find('.//{*}GrandTotalAmount').text = '1.00'
        wrong['schema'].find('{*}InvoicePeriod/{*}EndDate').text = "soon"
        findings = self._find({**documents, **wrong})
        self.assertRegex(str(findings.pop('ubl')), 'BR-29')
        self.assertRegex(str(findings.pop('cii')), 'CO-15')
        self.assertRegex(str(findings.pop('schema')), "'soon' is not a valid value")
        self.assertEqual(findings, {name: [] for name in documents})
