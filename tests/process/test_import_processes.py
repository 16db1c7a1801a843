"""Imports in the background, killed anywhere; undone by two at once, and while bills are made.

Processes are forked from one Odoo shell, which boots once. Each has connections of its own. Where
one must be in the middle of something, it stops there and waits, so no outcome depends on luck.
"""

import json

import pytest

RECORDS, CHUNK = 1_000, 100

FORK = """
import base64, json, os, signal, sys, time, traceback
from odoo import api, sql_db
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service.model import execute_cr
from odoo.addons.assist_billing.models.ingest import assist_session_import_record as importing
from odoo.addons.assist_billing.wizard import assist_session_import as dialog
DATABASE, USER = env.cr.dbname, env.uid
# Who waits for another that has failed is ended, and the test with him.
PATIENCE_SECONDS = 120
signal.alarm(PATIENCE_SECONDS)

def say(*words):
    print(json.dumps(words), flush=True)

def fork(step, *args):
    # Run a step in a process of its own; the parent stays without any connection to share.
    sql_db.close_all()
    if pid := os.fork():
        return pid
    signal.alarm(PATIENCE_SECONDS)
    code = 1
    try:
        with Registry(DATABASE).cursor() as cr:
            step(api.Environment(cr, USER, {}), *args)
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.stdout)
    sys.stdout.flush()
    os._exit(code)

def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def after(env, model, method, call, do):
    # Do something once a method has been called that often.
    cls, calls = type(env[model]), []
    original = getattr(cls, method)
    def wrapped(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        calls.append(method)
        if len(calls) == call:
            do()
        return result
    setattr(cls, method, wrapped)

class Gate:
    # Where a process says that it has come here, and waits until it may go on.
    def __init__(self):
        self.here, self.go = os.pipe(), os.pipe()
    def stop(self):
        os.write(self.here[1], b'.')
        os.read(self.go[0], 1)
    def reached(self):
        os.read(self.here[0], 1)
    def open(self):
        os.write(self.go[1], b'.')

def bring(env, records):
    wizard = env['assist.session.import'].create({
        'file': base64.b64encode(json.dumps(records).encode()), 'filename': 'large.json',
        'source': 'zoho_assist', 'tz': 'UTC'})
    wizard.action_import()

def record(number, end=1767263400000):
    return {'session_id': number, 'start_time': 1767261600000, 'end_time': end,
            'viewer_email': 'olga@example.com', 'agent_email': 'office@acme.example'}

def undo(env):
    # As Odoo's server calls it: again when it loses a race.
    [found] = env['assist.session.import.record'].search([])
    try:
        execute_cr(env.cr, USER, found._name, 'action_undo', [found.ids], {})
        say('undone')
    except UserError as error:
        env.cr.rollback()
        say('refused', str(error))

def see_one_wait(env):
    # Come back once some process waits for the lock of another.
    end = time.time() + PATIENCE_SECONDS / 2
    while time.time() < end:
        env.cr.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                       " AND wait_event_type = 'Lock'")
        if env.cr.fetchone()[0]:
            return
        env.cr.rollback()
        time.sleep(0.02)
    raise TimeoutError

def finish():
    # The shell's own cursor was closed before the first fork.
    sys.stdout.flush()
    os._exit(0)
"""
RECORD = """
SELECT state, record_count, position, created_count, updated_count, duplicate_count, rejected_count
  FROM assist_session_import_record"""
SESSIONS = "SELECT count(*), count(DISTINCT external_id), count(import_id) FROM assist_session"


@pytest.fixture
def said(run):
    """Run a script that forks; returns what its processes said, in order."""

    def run_forks(script):
        output = run(f'{FORK}\n{script}\nfinish()\n')
        return [json.loads(line) for line in output.splitlines() if line.startswith('[')]

    return run_forks


KILLED = f"""
importing.CHUNK_RECORDS, dialog.DIRECT_RECORDS = {CHUNK}, 10
bring(env, [record(n, 5 if n % 10 == 0 else 1767263400000) for n in range(1, {RECORDS} + 1)])
env.cr.commit()

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def take(env, *death):
    if death:
        after(env, *death, die)
    env['assist.session.import.record']._cron_import_sessions()

def look(env):
    env.cr.execute({RECORD!r})
    [counts] = env.cr.fetchall()
    env.cr.execute({SESSIONS!r})
    say(counts, *env.cr.fetchall())

name = 'assist.session.import.record'
for death in (
    (name, '_link_sessions', 2),  # sessions are written, their counts are not
    ('ir.cron', '_commit_progress', 3),  # two more parts have just been committed
    (name, '_prepare_taken_vals', {RECORDS} // {CHUNK} - 3),  # all but the last commit
    (),
):
    say('exit', wait(fork(take, *death)))
    wait(fork(look))
"""


def test_an_import_that_is_killed_goes_on_where_it_was(said):
    lines = said(KILLED)
    positions = [CHUNK, 3 * CHUNK, RECORDS - CHUNK, RECORDS]
    for position, code, seen in zip(positions, lines[::2], lines[1::2], strict=True):
        good = position * 9 // 10
        over = position == RECORDS
        assert code == ['exit', 0 if over else -9]
        assert seen == [
            ['done' if over else 'running', RECORDS, position, good, 0, 0, position - good],
            [good, good, good],
        ]


UNDONE_TWICE = """
bring(env, [record(n) for n in range(1, 21)])
env.cr.commit()
gate = Gate()

def undo_slowly(env):
    after(env, 'assist.session.import.record', '_lock_sessions', 1, gate.stop)
    undo(env)

slow = fork(undo_slowly)
gate.reached()
assert wait(fork(undo)) == 0
gate.open()
assert wait(slow) == 0
assert wait(fork(undo)) == 0
"""


def test_of_two_who_undo_at_once_one_does(said, query):
    first, second, third = said(UNDONE_TWICE)
    assert first[0] == 'refused'
    assert "right now" in first[1]
    assert second == ['undone']
    assert third[0] == 'refused'
    assert "has already been undone" in third[1]
    assert query("SELECT state FROM assist_session_import_record") == [('undone',)]
    assert query("SELECT count(*) FROM assist_session") == [(0,)]


CLOSING = """
from datetime import datetime
plan = env['assist.billing.plan'].create({'name': "Plan", 'price_per_session': 10.0})
acme = env['res.partner'].create({'name': "Acme", 'email': 'office@acme.example'})
env['assist.billing.association'].create(
    {'partner_id': acme.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'})
bring(env, [record(n) for n in range(1, 21)])
assert set(env['assist.session'].search([]).mapped('state')) == {'to_bill'}
env.cr.commit()
gate = Gate()

def close(env, *place):
    after(env, *place, 1, gate.stop)
    env['assist.billing.cycle']._cron_close_cycles(now=datetime(2026, 2, 1))
    say('closed')
"""
# The closing run has read which sessions it bills; then they are removed.
UNDONE_FIRST = f"""{CLOSING}
closing = fork(close, 'assist.billing.cycle', '_read_usage')
gate.reached()
assert wait(fork(undo)) == 0
gate.open()
assert wait(closing) == 0
"""
# The closing run has billed them, and is about to commit.
BILLED_FIRST = f"""{CLOSING}
closing = fork(close, 'assist.billing.run', '_count_batch')
gate.reached()
undoing = fork(undo)

assert wait(fork(see_one_wait)) == 0
gate.open()
assert wait(closing) == 0
assert wait(undoing) == 0
"""
CYCLES = """
SELECT c.state, c.session_count, c.error, m.amount_untaxed::int
  FROM assist_billing_cycle c LEFT JOIN account_move m ON m.id = c.move_id
 WHERE c.date_start = '2026-01-01'"""


def test_what_is_undone_while_it_is_being_billed_is_not_billed(said, query):
    assert said(UNDONE_FIRST) == [['undone'], ['closed']]
    assert query("SELECT count(*) FROM assist_session") == [(0,)]
    [(state, sessions, error, amount)] = query(CYCLES)
    assert (state, sessions or 0, error, amount or 0) == ('closed', 0, None, 0)


def test_what_is_billed_first_is_not_undone(said, query):
    closed, refused = sorted(said(BILLED_FIRST))
    assert closed == ['closed']
    assert refused[0] == 'refused'
    assert "Sessions already billed: 20 of 20" in refused[1]
    assert query("SELECT state, count(*) FROM assist_session GROUP BY state") == [('billed', 20)]
    assert query(CYCLES) == [('closed', 20, None, 200)]
    assert query("SELECT state FROM assist_session_import_record") == [('done',)]
