from unittest.mock import patch

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..connector.connector_common import ConnectorCommon
from ..connector.vendor_server import status


@tagged('post_install', '-at_install')
class TestToldInLanguage(ConnectorCommon):
    """What the scheduler cannot do is told to each manager in his language.

    The user it works for has no language. Each of these was told in English.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for language in ('de_DE', 'fr_FR'):
            cls.env['res.lang']._activate_lang(language)
        cls.company.assist_manager_id = cls._create_manager('de_DE', cls.company)

    @classmethod
    def _create_manager(cls, language, company):
        return new_test_user(
            cls.env,
            f'manager_{language}',
            groups='assist_billing.assist_billing_group_manager',
            company_id=company.id,
            company_ids=company.ids,
            lang=language,
        )

    def _get_told(self, record):
        """Return summary and note of the one activity on a record."""
        activity = record.sudo().activity_ids.ensure_one()
        return activity.summary, str(activity.note)

    # === TESTS === #

    def test_customers_who_cannot_be_billed_by_company(self):
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        other.assist_manager_id = self._create_manager('fr_FR', other)
        plan = self._create_plan(company_id=other.id, price_per_session=10.0)
        ours = self._associate()
        theirs = self._associate(self._create_partner("Theirs"), plan)
        for association in ours | theirs:
            self._create_session(association.partner_id, company_id=association.company_id.id)
        self._close('2026-01-20 00:00:00')
        inactive = self.env['res.currency'].search([('active', '=', False)], limit=1)
        (ours | theirs).sudo().cycle_ids.currency_id = inactive

        self._close('2026-02-01 00:00:00')

        german, french = self._cycles(ours)[0], self._cycles(theirs)[0]
        self.assertIn("ist nicht aktiv", german.error)
        self.assertIn("n'est pas active", french.error.replace("’", "'"))
        self.assertEqual(self._get_told(german)[0], "Acme konnte nicht abgerechnet werden")
        self.assertIn("ist nicht aktiv", self._get_told(german)[1])
        self.assertIn("Theirs", self._get_told(french)[0])
        self.assertNotIn("could not", self._get_told(french)[0])

    def test_a_bill_without_a_language_of_its_own_is_in_the_manager_s(self):
        self.customer.lang = False
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self.assertIn("01.01.2026 – 31.01.2026", self._bill(association).invoice_line_ids.name)

    def test_a_connector_that_fails(self):
        connector = self._create_teamviewer(name="Unseres")
        self.server.faults.append(status(401))
        self._fetch()
        self.assertIn("nimmt das Token nicht an", connector.error)
        self.assertEqual(self._get_told(connector)[0], "Unseres ruft keine Sitzungen ab")

    def test_sessions_that_nobody_is_billed_for(self):
        self._create_session(self.env['res.partner'])
        self._run_schedule('_cron_check', 'assist.unmatched.summary')
        summary = self.env['assist.unmatched.summary'].search(
            [('company_id', '=', self.company.id)]
        )
        self.assertIn("Sitzungen", self._get_told(summary)[0])

    def test_a_reconciliation(self):
        self._associate()
        session = self._create_session()
        self.env.flush_all()
        self.cr.execute("UPDATE assist_session SET state = 'unmatched' WHERE id = %s", session.ids)
        self._run_schedule('_cron_check', 'assist.billing.tie')
        tie = self.env['assist.billing.tie'].search(
            [('is_standing', '=', True), ('company_id', '=', self.company.id)]
        )
        summary, note = self._get_told(tie)
        self.assertIn("stimmen nicht überein", summary)
        self.assertEqual(note, "<p>Sitzungen mit der falschen Zuordnung: 1</p>")

    @mute_logger('odoo.addons.assist_billing.models.sending.queue')
    def test_a_bill_that_cannot_be_sent(self):
        plan = self._create_plan(bill_handling='send', price_per_session=10.0)
        association = self._associate(self._create_partner("Mail", email='m@m.example'), plan)
        self._create_session(association.partner_id)
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        with self._refuse_to_send():
            self._run_schedule('_cron_account_move_send', 'account.move')
        self.assertEqual(bill.assist_delivery_state, 'failed')
        self.assertIn("konnte nicht gesendet werden", str(bill.message_ids[0].body))

    def _refuse_to_send(self):
        def refuse(_self, *_args, **_kwargs):
            raise RuntimeError("Nein.")

        return patch.object(
            self.registry['account.move.send'], '_generate_and_send_invoices', refuse
        )
