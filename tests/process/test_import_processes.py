"""A large file that is imported in the background, killed anywhere, and gone on with."""

import time

RECORDS, CHUNK, KILLS = 6_000, 250, 4
PREPARE = f"""
import base64, json
from odoo.addons.assist_billing.wizard import assist_session_import as dialog
dialog.DIRECT_RECORDS = 100
records = [
    {{'session_id': number, 'start_time': 1767261600000 + number * 1000,
      'end_time': 1767263400000 + number * 1000 if number % 10 else 5,
      'viewer_email': 'olga@example.com', 'agent_email': 'c@example.com'}}
    for number in range(1, {RECORDS} + 1)]
wizard = env['assist.session.import'].create({{
    'file': base64.b64encode(json.dumps(records).encode()), 'filename': 'large.json',
    'source': 'zoho_assist', 'tz': 'UTC'}})
wizard.action_import()
env.cr.commit()
"""
RUN = f"""
from odoo.addons.assist_billing.models import assist_session_import_record as importing
importing.CHUNK_RECORDS = {CHUNK}
env['assist.session.import.record']._cron_import_sessions()
env.cr.commit()
print('DONE')
"""
RECORD = """
SELECT state, record_count, position, created_count, updated_count, duplicate_count, rejected_count
  FROM assist_session_import_record"""
SESSIONS = "SELECT count(*), count(DISTINCT external_id), count(import_id) FROM assist_session"


def test_an_import_that_is_killed_goes_on_where_it_was(odoo_shell, run, query):
    run(PREPARE)
    for _attempt in range(KILLS):
        process = odoo_shell(RUN)
        before = query(RECORD)[0][2]
        # Killed as soon as a part is stored, while the next is under way.
        while process.poll() is None and query(RECORD)[0][2] == before:
            time.sleep(0.005)
        process.kill()
        process.wait()
        [(state, count, position, created, updated, duplicate, rejected)] = query(RECORD)
        assert (state, count) == ('running', RECORDS)
        assert position == created + rejected
        assert position % CHUNK == 0
        assert position > before
        assert (updated, duplicate) == (0, 0)
        assert query(SESSIONS) == [(created, created, created)]
    assert 'DONE' in run(RUN)
    good = RECORDS * 9 // 10
    assert query(RECORD) == [('done', RECORDS, RECORDS, good, 0, 0, RECORDS - good)]
    assert query(SESSIONS) == [(good, good, good)]
