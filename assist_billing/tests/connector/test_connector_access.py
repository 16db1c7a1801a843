# ruff: noqa: S105, S106 - these secrets open nothing
import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ...models.connector.assist_connector import BASE_URL_PARAMETER
from .connector_common import SECRETS, ConnectorCommon
from .vendor_server import status, zoho_record

SHOWN_EMPTY = ('new_client_secret', 'new_refresh_token', 'new_api_token')


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
        self.assertEqual(connector._assist_get_secrets()['refresh_token'], SECRETS[2])
        admin = self._create_user('admin2', 'base.group_system,account.group_account_manager')
        admin.group_ids |= self.env.ref('assist_billing.assist_billing_group_manager')
        for user in (self.env.user, admin):
            mine = connector.with_user(user)
            for values in mine.read([*SHOWN_EMPTY]) + mine.sudo().read([*SHOWN_EMPTY]):
                self.assertEqual([values[name] for name in SHOWN_EMPTY], [False] * 3)
            for name in SHOWN_EMPTY:
                self.assertFalse(mine.export_data([name])['datas'][0][0])
            secrets = self.env['assist.secret'].with_user(user)
            # sudo: nobody finds them
            found = secrets.sudo().search([]).with_user(user)
            for call in (
                lambda secrets=secrets: secrets.search([]),
                lambda secrets=secrets: secrets.search_count([('value', '=like', '1%')]),
                lambda found=found: found.read(['value']),
                lambda found=found: found.unlink(),
                lambda secrets=secrets: secrets.create({'name': 'api_token', 'value': 'x'}),
            ):
                with self.assertRaises(AccessError):
                    call()
        self.assertNoSecretShown(connector)

    def test_no_statement_no_error_of_the_database_and_no_dump_has_a_secret(self):
        connector = self._create_zoho()
        connector.write({'new_client_secret': SECRETS[1], 'name': "Zoho again"})
        self.env.flush_all()
        with (
            self.assertRaises(psycopg2.Error) as caught,
            self.env.cr.savepoint(),
        ):
            # Whatever becomes of a statement about a connector: its row holds no secret.
            connector.write({'new_refresh_token': SECRETS[2], 'overlap_hours': -1})
            self.env.flush_all()
        self.assertFalse([text for text in SECRETS if text in str(caught.exception)])
        self.assertTrue(any('INSERT INTO assist_secret' in line for line in self.logged))
        self.assertTrue(any('overlap_hours' in line for line in self.logged))
        self.assertNoSecretShown(connector)

    def test_what_is_left_empty_in_the_form_is_kept(self):
        connector = self._create_zoho()
        with Form(connector) as form:
            self.assertFalse(form.new_client_secret)
            form.new_refresh_token = ' 1000.another '
        stored = connector._assist_get_secrets()
        self.assertEqual(stored['client_secret'], SECRETS[1])
        self.assertEqual(stored['refresh_token'], '1000.another')
        self.assertFalse(connector.new_refresh_token)
        self.assertIn("stored", connector.refresh_token_hint)
        self.assertIn("not entered", connector.api_token_hint)

    def test_a_copy_has_no_secrets(self):
        copy = self._create_zoho().copy()
        self.assertFalse(copy.is_complete)
        self.assertEqual(copy._assist_get_secrets(), {})

    def test_secrets_go_with_their_connector(self):
        connector = self._create_zoho()
        # sudo: nobody has access to them
        secrets = self.env['assist.secret'].sudo().search([('res_id', '=', connector.id)])
        self.assertTrue(secrets)
        connector.unlink()
        self.assertFalse(secrets.exists())

    def test_with_the_key_of_another_database_there_are_none(self):
        connector = self._create_zoho()
        # sudo: the database's own key; a copy that Odoo makes gets another one
        self.env['ir.config_parameter'].sudo().set_param('database.secret', 'another')
        connector.invalidate_recordset()
        self.assertEqual(connector._assist_get_secrets(), {})
        self.assertFalse(connector.is_complete)
        with self.assertRaisesRegex(UserError, "Fill them in"):
            connector.action_test_connection()

    def test_secrets_do_not_go_where_the_connector_is_sent_later(self):
        connector = self._create_connector('teamviewer', new_api_token='kept-for-one-tool')
        connector.source = 'zoho_assist'
        self.assertEqual(connector._assist_get_secrets(), {})
        connector.write({'source': 'teamviewer', 'new_api_token': 'another'})
        self.assertEqual(connector._assist_get_secrets(), {'api_token': 'another'})
        connector.server_url = 'https://one.example.com'
        self.assertEqual(connector._assist_get_secrets(), {'api_token': 'another'})
        connector.server_url = 'https://two.example.com'
        self.assertEqual(connector._assist_get_secrets(), {})

    def test_an_odd_address_of_a_server_is_refused(self):
        connector = self._create_connector('teamviewer')
        for address in (
            'http://evil\\@127.0.0.1',
            'https://user@example.com',
            'ftp://example.com',
            'http://example.com',
            'example.com',
            'https://example.com?x',
        ):
            with self.subTest(address=address), self.assertRefused("is not the address"):
                connector.server_url = address
        connector.server_url = 'https://support.example.com:8443/desk/'

    def test_new_credentials_make_the_cached_token_void_and_try_at_once(self):
        self.server.zoho = [zoho_record(1)]
        connector = self._create_zoho()
        self._fetch()
        self.assertIn('access_token', connector._assist_get_secrets())
        connector.data_centre = 'eu'
        self.assertNotIn('access_token', connector._assist_get_secrets())
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
        self.assertIn("Connection successful", answer['params']['message'])
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
        for address in (
            'https://127.0.0.1.example.com',
            'http://evil\\@127.0.0.1',
            'http://user@127.0.0.1',
            'ftp://127.0.0.1',
            'https://example.com',
        ):
            # sudo: parameters are the administrator's
            self.env['ir.config_parameter'].sudo().set_param(BASE_URL_PARAMETER, address)
            with (
                self.subTest(address=address),
                self.assertRaisesRegex(UserError, "names no server of this machine"),
            ):
                connector.action_test_connection()

    def test_a_connector_that_has_fetched_stays_with_its_account(self):
        connector = self._create_zoho()
        self._fetch()
        with self.assertRefused("Create another connector"):
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
