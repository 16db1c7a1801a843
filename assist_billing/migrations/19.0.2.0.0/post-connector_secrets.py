"""The secrets of connectors move out of their rows, enciphered."""

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL, sql

SECRETS = ('client_secret', 'refresh_token', 'api_token')
# Given for an hour; the next run asks for another one.
VOID = ('access_token', 'access_token_expires')


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {'active_test': False})
    for name in SECRETS:
        if not sql.column_exists(cr, 'assist_connector', name):
            continue
        column = SQL.identifier(name)
        cr.execute(SQL("SELECT id, %s FROM assist_connector WHERE %s != ''", column, column))
        for connector_id, secret in cr.fetchall():
            env['assist.connector'].browse(connector_id)._assist_set_secrets({name: secret})
    for name in SECRETS + VOID:
        cr.execute(
            SQL("ALTER TABLE assist_connector DROP COLUMN IF EXISTS %s", SQL.identifier(name))
        )
