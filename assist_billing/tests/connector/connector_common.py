import logging
from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from odoo import SUPERUSER_ID

from ...models.connector.assist_connector import BASE_URL_PARAMETER
from ..common import AssistBillingCommon
from .vendor_server import API_TOKEN, ZOHO_SECRETS, serving

SECRETS = [
    API_TOKEN,
    ZOHO_SECRETS['client_secret'],
    ZOHO_SECRETS['refresh_token'],
    'zoho-access-token',
]


class ConnectorCommon(AssistBillingCommon):
    """Connectors that talk to a local server, and what they may never tell anybody."""

    def setUp(self):
        super().setUp()
        context = serving()
        self.server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        # sudo: parameters are the administrator's
        self.env['ir.config_parameter'].sudo().set_param(BASE_URL_PARAMETER, self.server.url)
        self.env['assist.connector'].sudo().search([]).action_archive()
        self.logged = []
        handler = logging.Handler()
        handler.emit = lambda record: self.logged.append(
            logging.Formatter('%(message)s').format(record)
        )
        for name in ('odoo.addons.assist_billing', 'odoo.sql_db', 'urllib3', 'requests'):
            logger = logging.getLogger(name)
            level = logger.level
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)
            if name == 'odoo.sql_db':
                # Each statement: for this handler alone.
                self.addCleanup(setattr, logger, 'propagate', logger.propagate)
                logger.propagate = False
            self.addCleanup(logger.setLevel, level)
            self.addCleanup(logger.removeHandler, handler)

    # === FACTORIES === #

    def _create_zoho(self, **vals):
        return self._create_connector(
            'zoho_assist',
            client_id=ZOHO_SECRETS['client_id'],
            new_client_secret=ZOHO_SECRETS['client_secret'],
            new_refresh_token=vals.pop('refresh_token', ZOHO_SECRETS['refresh_token']),
            **vals,
        )

    def _create_teamviewer(self, **vals):
        return self._create_connector(
            'teamviewer', new_api_token=vals.pop('api_token', API_TOKEN), **vals
        )

    def _create_connector(self, source, **vals):
        return self.env['assist.connector'].create(
            {'name': source, 'source': source, 'fetch_from': '2026-01-15', **vals}
        )

    # === HELPERS === #

    def _fetch(self, now='2026-01-16 12:00:00', **context):
        """Run the scheduled action as of `now` (UTC, ISO)."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.env(cr=cr, user=SUPERUSER_ID, context=context)
            env['assist.connector']._cron_fetch_sessions(now=datetime.fromisoformat(now))
        self.env.invalidate_all()

    @contextmanager
    def _time_is_up_after(self, commits):
        """Have the scheduler say that time is up after so many commits."""
        cron_class = self.registry['ir.cron']
        original = cron_class._commit_progress
        left = [commits]

        def commit(cron, *args, **kwargs):
            original(cron, *args, **kwargs)
            left[0] -= 1
            return max(left[0], 0)

        with patch.object(cron_class, '_commit_progress', commit):
            yield

    def _sessions(self, connector):
        return self.env['assist.session'].search(
            [('source', '=', connector.source), ('company_id', '=', connector.company_id.id)]
        )

    def _activities(self, connector):
        return connector.sudo().activity_ids

    # === ASSERTIONS === #

    def assertTied(self, connector):
        """Records received = sessions made + ended + known already + rejected."""
        self.assertEqual(
            connector.received_count,
            connector.created_count
            + connector.updated_count
            + connector.duplicate_count
            + connector.rejected_count,
        )
        self.assertEqual(connector.created_count, len(self._sessions(connector)))

    def assertNoSecretShown(self, connector):
        """No secret is in the log, a message, or a field that anybody can read."""
        names = list(connector.fields_get())
        shown = [*self.logged, repr(connector.read(names)), repr(connector.sudo().read(names))]
        messages = connector.sudo().message_ids
        shown += [repr(messages.mapped('body')), repr(messages.tracking_value_ids.read())]
        shown.append(repr(connector.sudo().activity_ids.mapped('note')))
        self.env.cr.execute("SELECT c::text FROM assist_connector c")
        shown += [row[0] for row in self.env.cr.fetchall()]
        self.env.cr.execute("SELECT s::text FROM assist_secret s")
        shown += [row[0] for row in self.env.cr.fetchall()]
        for text in shown:
            for secret in SECRETS:
                self.assertNotIn(secret, text)
