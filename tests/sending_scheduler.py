"""Odoo's own scheduler, which has bills to send and nothing else to do."""

import time

from odoo import sql_db

# Nothing but the sending is to run, and at once.
WAKE = """
DELETE FROM ir_cron_trigger;
UPDATE ir_cron
   SET nextcall = now() AT TIME ZONE 'UTC' + INTERVAL '1 day',
       active = id = (SELECT res_id FROM ir_model_data WHERE module = 'account'
                         AND name = 'ir_cron_account_move_send');
INSERT INTO ir_cron_trigger (cron_id, call_at)
     SELECT id, now() AT TIME ZONE 'UTC' FROM ir_cron WHERE active
"""
# The call goes in the transaction that ends the run: as long as it is there, the run has not begun
# or is under way, though the last bill may have been sent, and committed, a moment ago.
HAS_WORK = """
SELECT 1 WHERE EXISTS (SELECT 1 FROM account_move WHERE sending_data IS NOT NULL)
            OR EXISTS (SELECT 1 FROM ir_cron_trigger WHERE call_at <= now() AT TIME ZONE 'UTC')
"""


def wake(database):
    """Have the next scheduler of this database send, and do nothing else."""
    with sql_db.db_connect(database).cursor() as cr:
        cr.execute(WAKE)
        cr.commit()


def wait(database, server, patience=300):
    """Wait until a started server has sent all, its run being over, or until it has ended."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and server.poll() is None:
        with sql_db.db_connect(database).cursor() as cr:
            cr.execute(HAS_WORK)
            if not cr.fetchall():
                return
        # Else it looks once a minute.
        with sql_db.db_connect('postgres').cursor() as cr:
            cr.execute("SELECT pg_notify('cron_trigger', %s)", [database])
            cr.commit()
        time.sleep(1)
