from odoo.addons.assist_billing.models.connector.assist_connector import BASE_URL_PARAMETER
from odoo.addons.assist_billing.tests.connector import connector_common

from ..meshcentral import MeshCentral
from .mesh_server import PASSWORD, USER, serving

ENCODED = 'bWVzaGNlbnRyYWwtbG9naW4tdG9rZW4tNWM5MA=='


class MeshCommon(connector_common.ConnectorCommon):
    """A local MeshCentral, and connectors and clients of it."""

    def setUp(self):
        super().setUp()
        context = serving()
        self.mesh = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        # sudo: parameters are the administrator's
        self.env['ir.config_parameter'].sudo().set_param(BASE_URL_PARAMETER, self.mesh.url)

    def _create_meshcentral(self, **vals):
        return self._create_connector(
            'meshcentral',
            **{
                'server_url': self.mesh.url,
                'client_id': USER,
                'new_api_token': PASSWORD,
                **vals,
            },
        )

    def _make_client(self, server_url=None, **options):
        url = server_url or self.mesh.url
        client = MeshCentral(
            {'server_url': url, 'client_id': USER, 'api_token': PASSWORD},
            base_url=None if server_url else url,
            **options,
        )
        self.addCleanup(client.close)
        return client

    def _read(self, client, start, end):
        return [record for page in client.pages(start, end) for record in page.records]

    def assertNoSecretShown(self, connector):
        res = super().assertNoSecretShown(connector)
        for secret in (PASSWORD, ENCODED):
            self.assertNotIn(secret, repr(self.logged))
            self.assertNotIn(secret, repr(connector.sudo().read()))
            self.assertNotIn(secret, repr(connector.sudo().message_ids.mapped('body')))
        return res
