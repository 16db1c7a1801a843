# ruff: noqa: S105, S106 - these secrets open nothing
import importlib.util
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from odoo.tests import Form, tagged
from odoo.tools import SQL, sql

from ... import connectors, sources
from ...connectors import base
from ...sources import registry
from .connector_common import ConnectorCommon

MIGRATION = Path(__file__).parents[2] / 'migrations/19.0.2.0.0/post-connector_secrets.py'


@tagged('post_install', '-at_install')
class TestConnectorProtocol(ConnectorCommon):
    """A tool that nobody here has heard of, in the lines that its one file would have."""

    def setUp(self):
        super().setUp()
        marked = self.marked = []

        class NewTool(connectors.Client):
            source = 'new_tool'
            required = ('server_url', 'client_secret')
            id_name = 'number'
            guide = "Ask its maker."
            marks_billed = True
            lists_devices = True
            device_id_names = ('serial',)

            def pages(self, start, end, position=None):
                yield connectors.Page([{'number': 7}], {'page': 2})
                yield connectors.Page(
                    [{'number': 8, 'begun': 1768471200, 'done': 1768474800, 'host': 'serial 1'}],
                    None,
                )

            def device_pages(self, department):
                yield connectors.Page([{'serial': 'S1', 'name': "PC", 'no': department}], None)

            def check(self, now):
                pass

            def mark_billed(self, external_id):
                marked.append(external_id)

        for registered in (base._CLIENTS, registry._PROFILES):
            kept = patch.dict(registered)
            kept.start()
            self.addCleanup(kept.stop)
        connectors.register(NewTool)
        sources.register(
            sources.Profile(
                name='new_tool',
                label="New Tool",
                time_unit='s',
                columns={
                    'external_id': ('number',),
                    'started_at': ('begun',),
                    'ended_at': ('done',),
                    'device_name': ('host',),
                },
            )
        )

    def test_its_sessions_come_in_and_are_marked_and_nothing_else_was_told_of_it(self):
        connector = self._create_connector(
            'new_tool',
            server_url='https://tool.example.com',
            new_client_secret='its-secret',
            write_back=True,
            write_back_from='2026-01-01',
        )
        self.assertTrue(connector.is_complete)
        self.assertIn(
            "Connection successful", connector.action_test_connection()['params']['message']
        )
        self._fetch()
        self.assertFalse(connector.error)
        self.assertEqual(self._sessions(connector).started_at, datetime(2026, 1, 15, 10))
        self.assertEqual(connector.rejection_ids.field, 'begun')
        self.assertTied(connector)
        self._fetch('2026-01-16 13:00:00')
        self.assertEqual(len(connector.rejection_ids), 1, "known again by its number")
        self._associate()
        self._sessions(connector).partner_id = self.customer
        self._close('2026-02-01 00:00:00')
        self._fetch('2026-02-01 01:00:00')
        self.assertEqual(self.marked, ['8'])

    def test_the_form_asks_for_what_it_needs(self):
        with Form(self.env['assist.connector']) as form:
            form.name = "New"
            form.source = 'new_tool'
            self.assertEqual(form.guide, "Ask its maker.")
            self.assertTrue(form.lists_devices)
            self.assertTrue(form.marks_billed)
            form.server_url = 'https://tool.example.com'
            form.new_client_secret = 'its-secret'
            form.source = 'teamviewer'
            self.assertFalse(form.lists_devices)
            form.source = 'new_tool'
        self.assertTrue(form.record.is_complete)

    def test_a_client_that_lacks_something_is_no_client(self):
        for vals in (
            {'source': None, 'required': ('api_token',)},
            {'source': 'other', 'required': ()},
            {'source': 'other', 'required': ('password',)},
            {'source': 'teamviewer', 'required': ('api_token',)},
            {'source': 'other', 'required': ('api_token',), 'lists_devices': True},
        ):
            with self.subTest(vals=vals), self.assertRaises(ValueError):
                connectors.register(type('Bad', (connectors.Client,), vals))

    def test_every_client_has_a_profile_that_reads_its_records(self):
        for name in connectors.names():
            with self.subTest(source=name):
                self.assertTrue(sources.get(name))
                client = connectors.get(name)
                if name != 'new_tool':
                    ids = sources.get(name).columns['external_id']
                    self.assertIn(client.id_name, ids)
                self.assertTrue(client.guide)
                self.assertEqual(client.marks_billed, 'mark_billed' in vars(client))
                self.assertEqual(client.lists_devices, 'device_pages' in vars(client))


@tagged('post_install', '-at_install')
class TestConnectorMigration(ConnectorCommon):
    """Connectors of the first version keep their secrets, which leave their rows."""

    def test_secrets_move_out_of_the_rows(self):
        connector, empty = self._create_zoho(), self._create_connector('teamviewer')
        connector._assist_forget_secrets()
        for name in ('client_secret', 'refresh_token', 'api_token', 'access_token'):
            column = SQL.identifier(name)
            self.env.cr.execute(SQL("ALTER TABLE assist_connector ADD COLUMN %s varchar", column))
            self.env.cr.execute(
                SQL(
                    "UPDATE assist_connector SET %s = %s WHERE id = %s",
                    column,
                    f'the {name}',
                    connector.id,
                )
            )
        spec = importlib.util.spec_from_file_location('migration', MIGRATION)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for _time in range(2):
            module.migrate(self.env.cr, '19.0.1.0.0')
            self.assertEqual(
                connector._assist_get_secrets(),
                {
                    'client_secret': 'the client_secret',
                    'refresh_token': 'the refresh_token',
                    'api_token': 'the api_token',
                },
            )
            self.assertEqual(empty._assist_get_secrets(), {})
            for name in module.SECRETS + module.VOID:
                self.assertFalse(sql.column_exists(self.env.cr, 'assist_connector', name))
        self.env.cr.execute("SELECT string_agg(s::text, ' ') FROM assist_secret s")
        self.assertNotIn('the refresh', self.env.cr.fetchone()[0])
