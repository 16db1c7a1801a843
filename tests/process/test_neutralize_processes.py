"""On a copy of a database that Odoo neutralises, no connector can reach its tool."""

SET_UP = """
connector = env['assist.connector'].create({
    'name': 'Team', 'source': 'teamviewer', 'new_api_token': 'a-token', 'write_back': True})
partner = env['res.partner'].create({'name': 'Acme'})
session = env['assist.session'].create({
    'partner_id': partner.id, 'started_at': '2026-01-01 10:00:00',
    'ended_at': '2026-01-01 11:00:00'})
env['assist.connector.write.back'].create({
    'connector_id': connector.id, 'session_id': session.id})
env.cr.commit()
print('SECRETS', connector._assist_get_secrets())
"""
NEUTRALIZE = """
from odoo.modules.neutralize import neutralize_database
neutralize_database(env.cr)
env.cr.commit()
env.invalidate_all()
connector = env['assist.connector'].search([])
print('SECRETS', connector._assist_get_secrets(), connector.is_complete, connector.write_back)
"""


def test_a_neutralised_copy_has_no_secrets_and_marks_nothing(run, query):
    assert "SECRETS {'api_token': 'a-token'}" in run(SET_UP)
    assert 'SECRETS {} False False' in run(NEUTRALIZE)
    assert query("SELECT count(*) FROM assist_secret") == [(0,)]
    assert query("SELECT count(*) FROM assist_connector_write_back") == [(0,)]
    assert query("SELECT count(*) FROM assist_connector WHERE write_back") == [(0,)]
    # What was there besides is there.
    assert query("SELECT count(*) FROM assist_connector") == [(1,)]
    assert query("SELECT count(*) FROM assist_session") == [(1,)]
