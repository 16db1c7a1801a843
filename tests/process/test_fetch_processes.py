"""A connector's run in a real process, killed anywhere, and run again: none lost, none twice."""

import importlib.util
import random
import sys
import time
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / 'assist_billing' / 'tests' / 'connector' / 'vendor_server.py'
SESSIONS, DEVICES, KILLS = 3_000, 400, 6
# Makes a connector to the server, or runs the one there is.
SET_UP = """
env['ir.config_parameter'].set_param('assist_billing.connector_base_url', URL)
env['assist.connector'].create({
    'name': 'Zoho', 'source': 'zoho_assist', 'fetch_from': '2026-01-15',
    'device_departments': '101', **SECRETS})
env.cr.commit()
"""
RUN = """
env['assist.connector'].search([]).write({'next_at': False})
env.cr.commit()
print('READY', flush=True)
env['assist.connector']._cron_fetch_sessions()
env.cr.commit()
print('DONE', env['assist.connector'].search([]).state, flush=True)
"""


@pytest.fixture
def server():
    """Serve both tools' answers, one after the other and not too fast to be killed in between."""
    spec = importlib.util.spec_from_file_location('vendor_server', PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault('vendor_server', module)
    spec.loader.exec_module(module)
    with module.serving() as server:
        server.module = module
        yield server


def test_a_fetch_that_is_killed_loses_and_doubles_nothing(
    odoo_shell, run, query, server, record_property
):
    module = server.module
    server.zoho = [module.zoho_record(number) for number in range(1, SESSIONS + 1)]
    server.devices = {'101': [module.zoho_device(number) for number in range(1, DEVICES + 1)]}
    secrets = {
        'client_id': module.ZOHO_SECRETS['client_id'],
        'new_client_secret': module.ZOHO_SECRETS['client_secret'],
        'new_refresh_token': module.ZOHO_SECRETS['refresh_token'],
    }
    run(f"URL, SECRETS = {server.url!r}, {secrets!r}\n{SET_UP}")
    stopped_at = []
    for _attempt in range(KILLS):
        process = odoo_shell(RUN)
        line = ''
        while 'READY' not in line:
            line = process.stdout.readline()
            assert line, "the run ended before it began"
        time.sleep(random.uniform(0.05, 0.8))
        process.kill()
        process.wait()
        [[sessions, distinct]] = query(
            "SELECT count(*), count(DISTINCT external_id) FROM assist_session"
        )
        assert sessions == distinct
        stopped_at.append(sessions)
        # What a killed run had taken in stays, and no device of an unfinished list is removed.
        assert stopped_at == sorted(stopped_at)
        assert query("SELECT count(*) FROM assist_device WHERE removed_on IS NOT NULL") == [(0,)]
    assert 'DONE working' in run(RUN)
    for table, amount in (('assist_session', SESSIONS), ('assist_device', DEVICES)):
        found = query(f"SELECT count(*), count(DISTINCT external_id) FROM {table}")  # noqa: S608
        assert found == [(amount, amount)]
    [[received, created, updated, duplicate, rejected, error]] = query(
        "SELECT received_count, created_count, updated_count, duplicate_count, rejected_count,"
        " error FROM assist_connector"
    )
    assert received == created + updated + duplicate + rejected
    assert (created, rejected, error) == (SESSIONS, 0, None)
    record_property('killed_at', stopped_at)
    record_property('taken_twice', duplicate)
