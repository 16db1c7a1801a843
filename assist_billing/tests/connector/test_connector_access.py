# ruff: noqa: S105 - these secrets open nothing
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ...models.connector.assist_connector import BASE_URL_PARAMETER
from .connector_common import SECRETS, ConnectorCommon
from .vendor_server import status, zoho_record

HIDDEN = ('client_secret', 'refresh_token', 'api_token', 'access_token', 'access_token_expires')


@tagged('post_install', '-at_install')
class TestConnectorAccess(ConnectorCommon):
    """Secrets go in and never come out; screens say what is the matter."""

    def _create_user(self, login, groups):
        return new_test_user(
            self.env,
            login,
            groups=f'base.group_user,{groups}',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def test_secrets_are_written_and_never_read(self):
        connector = self._create_zoho()
        # sudo: only so can it be seen that they are stored
        self.assertEqual(connector.sudo().refresh_token, SECRETS[2])
        admin = self._create_user('admin2', 'base.group_system,account.group_account_manager')
        admin.group_ids |= self.env.ref('assist_billing.assist_billing_group_manager')
        for user in (self.env.user, admin):
            mine = connector.with_user(user)
            self.assertFalse(set(HIDDEN) & mine.fields_get().keys())
            for name in HIDDEN:
                with self.assertRaises(AccessError):
                    mine.read([name])
                with self.assertRaises(AccessError):
                    mine.write({name: 'x'})
                with self.assertRaises(AccessError):
                    mine.search([(name, '=like', '1%')])
                with self.assertRaises(AccessError):
                    mine.export_data([name])
            self.assertFalse(mine.new_refresh_token)
        self.assertNoSecretShown(connector)

    def test_what_is_left_empty_in_the_form_is_kept(self):
        connector = self._create_zoho()
        with Form(connector) as form:
            self.assertFalse(form.new_client_secret)
            form.new_refresh_token = ' 1000.another '
        # sudo: only so can it be seen what is stored
        stored = connector.sudo()
        self.assertEqual(stored.client_secret, SECRETS[1])
        self.assertEqual(stored.refresh_token, '1000.another')
        self.assertFalse(connector.new_refresh_token)

    def test_a_copy_has_no_secrets(self):
        copy = self._create_zoho().copy()
        self.assertFalse(copy.is_complete)
        # sudo: only so can it be seen that nothing is stored
        self.assertFalse(any(copy.sudo()[name] for name in HIDDEN))

    def test_new_credentials_make_the_cached_token_void_and_try_at_once(self):
        self.server.zoho = [zoho_record(1)]
        connector = self._create_zoho()
        self._fetch()
        # sudo: only so can it be seen what is stored
        self.assertTrue(connector.sudo().access_token)
        connector.data_centre = 'eu'
        self.assertFalse(connector.sudo().access_token)
        self.assertFalse(connector.next_at)

    def test_who_may_do_what(self):
        connector = self._create_zoho()
        technician = self._create_technician()
        biller = self._create_user('biller', 'account.group_account_invoice')
        with self.assertRaises(AccessError):
            connector.with_user(technician).read(['name'])
        self.assertEqual(connector.with_user(biller).name, 'zoho_assist')
        for call in (
            lambda: connector.with_user(biller).write({'new_api_token': 'x'}),
            lambda: connector.with_user(biller).action_fetch_now(),
            lambda: connector.with_user(biller).action_test_connection(),
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertFalse(self.server.requests)

    def test_connectors_of_other_companies_are_not_seen(self):
        # sudo: the user of these tests sets up no companies
        other = self.env['res.company'].sudo().create({'name': "Other Company"})
        foreign = self._create_zoho().sudo()
        foreign.company_id = other
        manager = self._create_user('manager2', 'assist_billing.assist_billing_group_manager')
        self.assertNotIn(foreign, self.env['assist.connector'].with_user(manager).search([]))
        with self.assertRaises(AccessError):
            foreign.with_user(manager).read(['name'])

    def test_the_connection_can_be_tested(self):
        connector = self._create_zoho()
        answer = connector.action_test_connection()
        self.assertIn("It works", answer['params']['message'])
        self.assertFalse(self._sessions(connector))
        self.server.faults.append(status(401))
        self.server.faults.append(status(401))
        connector.new_refresh_token = 'wrong-refresh-token'
        with self.assertRaisesRegex(UserError, "does not accept the refresh token") as caught:
            connector.action_test_connection()
        self.assertNotIn('wrong-refresh-token', str(caught.exception))
        self.assertNoSecretShown(connector)

    def test_fetching_can_be_asked_for(self):
        connector = self._create_zoho()
        connector.sudo().next_at = '2030-01-01 00:00:00'
        triggers = self.env['ir.cron.trigger'].sudo()
        before = triggers.search_count([])
        connector.action_fetch_now()
        self.assertFalse(connector.next_at)
        self.assertEqual(triggers.search_count([]), before + 1)

    def test_credentials_go_to_no_other_server_by_a_parameter(self):
        connector = self._create_zoho()
        # sudo: parameters are the administrator's
        self.env['ir.config_parameter'].sudo().set_param(
            BASE_URL_PARAMETER, 'https://127.0.0.1.example.com'
        )
        with self.assertRaisesRegex(UserError, "names no server of this machine"):
            connector.action_test_connection()

    def test_a_connector_that_has_fetched_stays_with_its_account(self):
        connector = self._create_zoho()
        self._fetch()
        with self.assertRefused("Make another connector"):
            connector.source = 'teamviewer'

    def test_every_screen_opens(self):
        connector = self._create_zoho()
        for model in ('assist.connector', 'assist.connector.rejection'):
            self.env[model].get_views([(False, 'list'), (False, 'form'), (False, 'search')])
        self.env['assist.connector.write.back'].get_views([(False, 'list')])
        for action in (
            connector.action_view_sessions(),
            connector.action_view_rejections(),
            connector.action_view_write_backs(),
        ):
            self.assertIsInstance(self.env[action['res_model']].search(action['domain']).ids, list)
