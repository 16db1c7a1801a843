"""What befalls a machine at month end: each costs time, and no bill, session or mail.

`make faults` does the same at full size, at random moments, and checks each amount.
"""

import contextlib
import time
from collections import Counter
from datetime import date, timedelta

import psycopg2
import pytest

from odoo import sql_db

from environment.spare_postgres import SparePostgres

from .mail_server import MailServer
from .test_bills_processes import (
    PREPARE as PREPARE_BILLS,
)
from .test_bills_processes import (
    SEND,
    SEND_MAILS,
    assert_each_delivered_once,
    assert_each_queued_once,
)
from .test_closing_processes import CLOSE, CUSTOMERS, PREPARE, assert_each_billed_once

# For the scheduler, which goes by the clock: last month is due, and this one is not.
LAST_MONTH = date.today().replace(day=1) - timedelta(days=1)
PREPARE_LAST_MONTH = PREPARE.replace('2026-01-', f'{LAST_MONTH:%Y-%m}-')
# No other scheduled action, and this one only when it is called.
ONLY_CLOSING = """
DELETE FROM ir_cron_trigger;
UPDATE ir_cron
   SET nextcall = now() AT TIME ZONE 'UTC' + INTERVAL '1 day',
       active = (id = (SELECT res_id FROM ir_model_data
                        WHERE module = 'assist_billing' AND name = 'ir_cron_close_cycles'))
"""
CALL = """
INSERT INTO ir_cron_trigger (cron_id, call_at)
SELECT id, now() AT TIME ZONE 'UTC' FROM ir_cron WHERE active
"""
CLOSE_ONE_BATCH = """
from odoo import fields
from odoo.addons.assist_billing.models.closing import close
close.DERIVED_BATCH = 50
now = fields.Datetime.now()
env['assist.billing.cycle']._open_begun_cycles(now)
env['assist.billing.run']._close_next_batch(now, [])
env.cr.commit()
"""
COUNT_CLOSED = "SELECT count(*) FROM assist_billing_cycle WHERE state = 'closed'"
# The disk takes the first 100 bytes of each file, and no more.
FULL_DISK = """
import resource
from odoo.addons.base.models.ir_attachment import IrAttachment
file_write = IrAttachment._file_write
def write_on_full_disk(self, *args):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        return file_write(self, *args)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
IrAttachment._file_write = write_on_full_disk
"""
# What was left of a file that was cut short is not in the way of the same file, once there is room.
STORE_TWICE = """
vals = {'name': "statement.csv", 'raw': b"the same " * 100}
try:
    env['ir.attachment'].create(vals)
except OSError as error:
    print("FULL", error)
    env.cr.rollback()
IrAttachment._file_write = file_write
attachment = env['ir.attachment'].create(vals)
attachment.invalidate_recordset()
assert attachment.raw == vals['raw'], attachment.raw
env.cr.rollback()
"""


@pytest.fixture
def execute(database):
    """Run SQL on the private database and commit."""

    def run_statement(statement):
        with sql_db.db_connect(database).cursor() as cr:
            cr.execute(statement)

    return run_statement


@pytest.fixture
def wait_until(database):
    """Wait for a condition, waking the schedulers: they look by themselves once a minute."""

    def wait(condition, seconds=300):
        give_up = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < give_up, "it does not come to an end"
            with sql_db.db_connect('postgres').cursor() as cr:
                cr.execute("SELECT pg_notify('cron_trigger', %s)", [database])
            time.sleep(0.2)

    return wait


def test_postgres_killed_and_run_again_bills_each_cycle_once(run, odoo_shell, database):
    run(PREPARE)
    sql_db.close_db(database)
    with SparePostgres() as server:
        server.bring(database, database)

        def connect():
            return psycopg2.connect(host=server.host, user='odoo', dbname=database)

        def query(statement, parameters=None):
            with contextlib.closing(connect()) as connection, connection.cursor() as cr:
                cr.execute(statement, parameters)
                return cr.fetchall()

        closed = 50
        with contextlib.closing(connect()) as somebody, somebody.cursor() as cr:
            # The run comes to this session, in the middle of a batch, and no further.
            cr.execute(
                """SELECT id FROM assist_session WHERE id = (
                       SELECT id FROM assist_session ORDER BY partner_id OFFSET %s LIMIT 1
                   ) FOR UPDATE""",
                [3 * closed + 15],
            )
            process = odoo_shell(CLOSE, f'--db_host={server.host}')
            waiting = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
            while not query(waiting, [somebody.get_backend_pid()]):
                assert process.poll() is None, process.stdout.read()
                time.sleep(0.05)
            server.kill()
        output, _errors = process.communicate(timeout=60)
        assert "CLOSED" not in output, "the run has outlived its server"
        server.start()
        assert query(
            """SELECT (SELECT count(*) FROM assist_billing_cycle WHERE state = 'closed'),
                      (SELECT count(*) FROM assist_session WHERE state = 'billed'),
                      (SELECT count(*) FROM account_move WHERE assist_cycle_id IS NOT NULL),
                      (SELECT count(error) FROM assist_billing_cycle)"""
        ) == [(closed, 3 * closed, closed, 0)], "batches are billed wholly or not at all"
        output, _errors = odoo_shell(CLOSE, f'--db_host={server.host}').communicate(timeout=60)
        assert "CLOSED" in output, output
        assert_each_billed_once(query)


def test_files_that_cannot_be_stored_leave_bills_queued_and_are_stored_later(run, query):
    with MailServer() as mail_server:
        run(PREPARE_BILLS % {'handling': 'send', 'port': mail_server.port})
        output = run(FULL_DISK + SEND + STORE_TWICE)
        assert output.count("their files cannot be stored") == 1, output
        assert "FULL" in output, output
        assert query(
            """SELECT assist_delivery_state, count(sending_data), count(assist_message_id),
                      count(*) = (SELECT count(*) FROM assist_billing_cycle WHERE move_id > 0)
                 FROM account_move WHERE assist_kind = 'bill' GROUP BY 1"""
        ) == [('queued', 40, 0, True)], "nothing is lost, failed or half sent"
        assert query(
            """SELECT count(*) FROM ir_cron_trigger t JOIN ir_model_data d ON d.res_id = t.cron_id
                WHERE d.name = 'ir_cron_account_move_send' AND t.call_at > now() AT TIME ZONE 'UTC'
            """
        ) == [(1,)], "tried again by itself"
        run(SEND + SEND_MAILS)
        assert_each_queued_once(query)
        assert_each_delivered_once(query, mail_server)


def test_the_time_limit_of_scheduled_actions_costs_no_bill(
    run, odoo_server, query, execute, database, wait_until
):
    run(PREPARE_LAST_MONTH + CLOSE_ONE_BATCH)
    execute(ONLY_CLOSING)
    # The second batch waits for this session until the worker's time is up.
    with contextlib.closing(sql_db.db_connect(database).cursor()) as cr:
        cr.execute("SELECT id FROM assist_session ORDER BY partner_id DESC LIMIT 1 FOR UPDATE")
        execute(CALL)
        _process, log = odoo_server(
            '--workers=1', '--max-cron-threads=1', '--limit-time-real-cron=20'
        )
        wait_until(lambda: log.exists() and "timeout after 20s" in log.read_text())
        assert query(COUNT_CLOSED) == [(50,)], "nothing of the second batch"
    wait_until(lambda: query(COUNT_CLOSED) == [(CUSTOMERS,)])
    wait_until(lambda: query("SELECT 1 FROM assist_billing_run WHERE state != 'running'"))
    assert_each_billed_once(query)


def test_two_schedulers_at_the_same_time_bill_each_cycle_once(
    run, odoo_server, query, execute, wait_until
):
    run(PREPARE_LAST_MONTH)
    execute(ONLY_CLOSING)
    schedulers = [odoo_server('--max-cron-threads=2')[0] for _number in range(2)]
    listening = """
        SELECT application_name FROM pg_stat_activity
         WHERE datname = 'postgres' AND query = 'COMMIT'"""
    expected = [f'odoo-{process.pid}' for process in schedulers for _thread in range(2)]
    wait_until(lambda: not Counter(expected) - Counter(name for [name] in query(listening)))
    execute(CALL)
    wait_until(lambda: query(COUNT_CLOSED) == [(CUSTOMERS,)])
    wait_until(lambda: query("SELECT 1 FROM assist_billing_run WHERE state = 'done'"))
    assert_each_billed_once(query)
