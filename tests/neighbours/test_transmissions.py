"""Several bills at once by the channels that laws ask for, in the demo modes of Odoo's add-ons."""

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.account_peppol.tools import demo_utils
from odoo.addons.assist_billing.tests.common import AssistBillingCommon

BILLS = 3


class TransmissionCase(AssistBillingCommon):
    """Customers with a session each, whose plan sends their bills."""

    @classmethod
    def _create_customers(cls, **vals):
        plan = cls._create_plan(name="Sent", price_per_session=20.0, bill_handling='send')
        customers = cls.env['res.partner']
        for number in range(BILLS):
            partner = cls._create_partner(f"Customer {number}", **vals)
            cls._associate(partner, plan)
            cls._create_session(partner)
            customers |= partner
        return customers

    def _bills(self):
        return self.env['account.move'].search(
            [('assist_kind', '=', 'bill'), ('company_id', '=', self.company.id)], order='id'
        )

    def _send_all(self):
        """Run the sending of the schedule, twice; return the bills."""
        for _time in range(2):
            self._run_schedule('_cron_account_move_send', 'account.move')
        return self._bills()


@tagged('post_install', '-at_install')
class TestPeppol(TransmissionCase):
    """`account_peppol`: each bill goes out once, with the period it serves."""

    @classmethod
    @AssistBillingCommon.setup_chart_template('be_comp')
    def setUpClass(cls):
        super().setUpClass()
        cls.env['ir.config_parameter'].sudo().set_param('account_peppol.edi.mode', 'demo')
        cls.company.sudo().write(
            {
                'vat': 'BE0477472701',
                'street': "Rue 1",
                'zip': "1000",
                'city': "Bruxelles",
                'email': "office@support.example",
                'peppol_eas': '0208',
                'peppol_endpoint': '0477472701',
            }
        )
        registration = (
            cls.env['peppol.registration']
            .sudo()
            .create({'company_id': cls.company.id, 'contact_email': "office@support.example"})
        )
        demo_utils._mock_create_connection(
            None, registration, '0208:0477472701', 'uuid', cls.company.sudo()
        )
        cls.env['res.partner.bank'].create(
            {
                'acc_number': 'BE15001559627230',
                'partner_id': cls.company.partner_id.id,
                'allow_out_payment': True,
            }
        )
        cls.customers = cls._create_customers(
            country_id=cls.env.ref('base.be').id,
            street="Rue 2",
            zip="5000",
            city="Namur",
            vat='BE0202239951',
            peppol_eas='0208',
            peppol_endpoint='0202239951',
            invoice_sending_method='peppol',
            invoice_edi_format='ubl_bis3',
            is_company=True,
        )

    def test_each_bill_is_transmitted_once(self):
        self._close('2026-02-01 01:00:00')
        sent = []
        original = demo_utils._mock_call_peppol_proxy

        def count(func, user, endpoint, params=None):
            if endpoint.endswith('send_document'):
                sent.extend(document['filename'] for document in params['documents'])
            return original(func, user, endpoint, params)

        with patch.dict(demo_utils._demo_behaviour, {'_call_peppol_proxy': count}):
            bills = self._send_all()
        self.assertEqual(len(bills), BILLS)
        self.assertEqual(len(sent), BILLS, sent)
        self.assertEqual(len(set(sent)), BILLS)
        self.assertEqual(bills.mapped('assist_delivery_state'), ['sent'] * BILLS)
        self.assertEqual(bills.mapped('peppol_move_state'), ['processing'] * BILLS)
        self.assertEqual(len(set(bills.mapped('peppol_message_uuid'))), BILLS)
        for bill in bills:
            self.assertIn(b'<cbc:EndDate>2026-01-31</cbc:EndDate>', bill.ubl_cii_xml_id.raw)


@tagged('post_install', '-at_install')
class TestSdi(TransmissionCase):
    """`l10n_it_edi`: each bill goes to the tax agency once."""

    @classmethod
    @AssistBillingCommon.setup_chart_template('it')
    def setUpClass(cls):
        super().setUpClass()
        cls.company.sudo().write(
            {
                'vat': 'IT01234560157',
                'l10n_it_codice_fiscale': '01234560157',
                'l10n_it_tax_system': 'RF01',
                'street': "Via 1",
                'zip': "20121",
                'city': "Milano",
                'phone': "0266766700",
                'email': "office@support.example",
            }
        )
        cls.customers = cls._create_customers(
            country_id=cls.env.ref('base.it').id,
            street="Via 2",
            zip="00100",
            city="Roma",
            vat='IT00465840031',
            l10n_it_codice_fiscale='00465840031',
            l10n_it_pa_index='0803HR0',
            email="office@acme.example",
            is_company=True,
        )

    def test_each_bill_is_transmitted_once(self):
        self._close('2026-02-01 01:00:00')
        sent = []
        model = type(self.env['account.move'])
        original = model._l10n_it_edi_upload

        def count(moves, attachments):
            sent.extend(moves.ids)
            return original(moves, attachments)

        with patch.object(model, '_l10n_it_edi_upload', count):
            bills = self._send_all()
        self.assertEqual(len(bills), BILLS)
        self.assertEqual(sorted(sent), bills.ids)
        self.assertEqual(bills.mapped('assist_delivery_state'), ['sent'] * BILLS)
        self.assertTrue(all(bills.mapped('l10n_it_edi_transaction')))
