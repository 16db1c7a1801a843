"""The closing run in real processes: two at a time, killed, and run again."""

import random
import time

CUSTOMERS = 120
PREPARE = f"""
plan = env['assist.billing.plan'].create({{'name': "Plan", 'price_per_session': 10.0}})
partners = env['res.partner'].create([{{'name': f"C{{n}}"}} for n in range({CUSTOMERS})])
env['assist.billing.association'].create([
    {{'partner_id': p.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'}}
    for p in partners])
env['assist.session'].create([
    {{'partner_id': p.id, 'started_at': '2026-01-%02d 10:00:00' % day,
      'ended_at': '2026-01-%02d 10:30:00' % day}}
    for p in partners for day in (5, 6, 7)])
env.cr.commit()
"""
CLOSE = """
from datetime import datetime
from odoo.addons.assist_billing.models.closing import close as closing
closing.CLOSE_BATCH = closing.DERIVED_BATCH = 10
env['assist.billing.cycle']._cron_close_cycles(now=datetime(2026, 2, 1))
print("CLOSED")
"""


# Somebody notes what was done between a first look at the database and the lock of the next cycles.
RACE = """
lock = type(env['assist.billing.cycle'])._lock_due_cycles
raced = []
def lock_late(self, now, tried=()):
    if len(raced) < 3:
        raced.append(True)
        self.env.cr.execute("SELECT 1")
        with self.env.registry.cursor() as other:
            other.execute("UPDATE assist_session SET customer_note = 'x' WHERE state = 'to_bill'")
    return lock(self, now, tried)
type(env['assist.billing.cycle'])._lock_due_cycles = lock_late
"""
# Another run opens the next cycles between a first look at the database and the lock.
OPEN_RACE = """
from odoo import api
cycles = type(env['assist.billing.cycle'])
lock_to_open = cycles._lock_associations_to_open
opened = []
def lock_to_open_late(self, now, failed):
    if not opened:
        opened.append(True)
        self.env.cr.execute("SELECT 1")
        with self.env.registry.cursor() as other:
            api.Environment(other, 1, {})['assist.billing.cycle']._open_begun_cycles(now)
    return lock_to_open(self, now, failed)
cycles._lock_associations_to_open = lock_to_open_late
"""
# Somebody saves another price between a first look at the database and the opening of cycles.
PRICE_RACE = """
from datetime import datetime
from odoo import api
from odoo.addons.assist_billing.utils.races import retry_races
cycles = env['assist.billing.cycle']
lock_to_open = type(cycles)._lock_associations_to_open
saved = []
def lock_to_open_early(self, now, failed):
    found = lock_to_open(self, now, failed)
    if not saved:
        saved.append(True)
        with self.env.registry.cursor() as other:
            plans = api.Environment(other, 1, {})['assist.billing.plan']
            plans.browse(plan.id).price_per_session = 20
    return found
type(cycles)._lock_associations_to_open = lock_to_open_early
retry_races(cycles._open_begun_cycles, datetime(2026, 1, 2))
"""


def assert_each_billed_once(query):
    """Every due cycle has exactly one bill of its three sessions; nothing else was made."""
    assert query(
        """SELECT state, count(*), count(move_id), sum(session_count), count(error)
             FROM assist_billing_cycle GROUP BY state ORDER BY state"""
    ) == [
        ('closed', CUSTOMERS, CUSTOMERS, 3 * CUSTOMERS, 0),
        ('open', CUSTOMERS, 0, None, 0),
    ]
    assert query("SELECT state, count(*) FROM assist_session GROUP BY state") == [
        ('billed', 3 * CUSTOMERS)
    ]
    assert query(
        """SELECT state, count(*), count(DISTINCT assist_cycle_id), count(DISTINCT name),
                  sum(amount_untaxed)::int
             FROM account_move WHERE assist_cycle_id IS NOT NULL GROUP BY state"""
    ) == [('posted', CUSTOMERS, CUSTOMERS, CUSTOMERS, 30 * CUSTOMERS)]
    assert query("SELECT count(*) FROM account_move WHERE assist_kind != 'bill'") == [(0,)]
    # The numbers have no hole.
    assert query(
        """SELECT max(sequence_number) - min(sequence_number) + 1 FROM account_move
            WHERE assist_cycle_id IS NOT NULL"""
    ) == [(CUSTOMERS,)]


def test_two_closings_at_the_same_time_bill_each_cycle_once(run, odoo_shell, query):
    run(PREPARE)
    both = [odoo_shell(OPEN_RACE + CLOSE), odoo_shell(RACE + CLOSE)]
    for process in both:
        output, _errors = process.communicate(timeout=300)
        assert "CLOSED" in output, output
    assert_each_billed_once(query)
    run(CLOSE)
    assert_each_billed_once(query)


def test_a_price_saved_while_cycles_open_is_theirs(run, query):
    """Who applies it to open cycles right afterwards is told of all of them."""
    run(PREPARE + PRICE_RACE)
    assert query(
        """SELECT terms ->> 'price_per_session', count(*) FROM assist_billing_cycle GROUP BY 1"""
    ) == [('20.0', CUSTOMERS)]


def test_killed_in_the_middle_and_run_again_bills_each_cycle_once(run, odoo_shell, query):
    run(PREPARE)
    seen = set()
    for _attempt in range(6):
        process = odoo_shell(CLOSE)
        before = billed = query("SELECT count(*) FROM assist_session WHERE state = 'billed'")[0][0]
        while process.poll() is None and billed == before:
            time.sleep(0.01)
            billed = query("SELECT count(*) FROM assist_session WHERE state = 'billed'")[0][0]
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        process.wait()
        [(closed, sessions, moves)] = query(
            """SELECT (SELECT count(*) FROM assist_billing_cycle WHERE state = 'closed'),
                      (SELECT count(*) FROM assist_session WHERE state = 'billed'),
                      (SELECT count(*) FROM account_move WHERE assist_cycle_id IS NOT NULL)"""
        )
        assert sessions == 3 * closed, "a cycle is billed wholly or not at all"
        assert moves == closed
        seen.add(closed)
    assert any(0 < closed < CUSTOMERS for closed in seen), f"never killed in the middle: {seen}"
    run(CLOSE)
    assert_each_billed_once(query)


def test_cut_off_from_the_database_and_run_again_bills_each_cycle_once(run, odoo_shell, query):
    run(PREPARE)
    seen = set()
    for _attempt in range(4):
        process = odoo_shell(CLOSE)
        before = billed = query("SELECT count(*) FROM assist_session WHERE state = 'billed'")[0][0]
        while process.poll() is None and billed == before:
            time.sleep(0.01)
            billed = query("SELECT count(*) FROM assist_session WHERE state = 'billed'")[0][0]
        time.sleep(random.uniform(0, 0.3))
        query(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid != pg_backend_pid()"""
        )
        process.communicate(timeout=300)
        [(closed, sessions)] = query(
            """SELECT (SELECT count(*) FROM assist_billing_cycle WHERE state = 'closed'),
                      (SELECT count(*) FROM assist_session WHERE state = 'billed')"""
        )
        assert sessions == 3 * closed, "a cycle is billed wholly or not at all"
        assert query("SELECT count(error) FROM assist_billing_cycle") == [(0,)]
        seen.add(closed)
    assert any(0 < closed < CUSTOMERS for closed in seen), f"never cut off in the middle: {seen}"
    run(CLOSE)
    assert_each_billed_once(query)


# What people do meanwhile, again and again; who loses a race does it once more, as Odoo's server.
MEDDLE = """
import random, time
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
plan = env['assist.billing.plan'].search([('name', '=', "Plan")])
associations = env['assist.billing.association'].search([])
partners = associations.partner_id
def move():
    partner = random.choice(partners)
    partner.write({'phone': str(random.random()), 'street': "Moved"})
def address():
    association = random.choice(associations)
    association.billing_emails = "bills@example.com"
def note():
    session = env['assist.session'].search([('state', '=', 'to_bill')], limit=1)
    session.customer_note = "Done."
def archive():
    plan.active = not plan.active
def look():
    bill = env['account.move'].search([('assist_kind', '=', 'bill')], limit=1, order='id desc')
    bill.write({'narration': "Thank you"})
end, done, lost = time.time() + 12, 0, 0
while time.time() < end:
    try:
        random.choice((move, address, note, archive, look))()
        env.cr.commit()
        done += 1
    except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
        env.cr.rollback()
        lost += 1
    time.sleep(0.05)
print("DONE", done, "LOST", lost)
"""


def test_people_at_work_meanwhile_cost_no_bill(run, odoo_shell, query):
    run(PREPARE)
    people = odoo_shell(MEDDLE)
    closing = odoo_shell(CLOSE)
    output, _errors = closing.communicate(timeout=300)
    assert "CLOSED" in output, output
    output, _errors = people.communicate(timeout=300)
    assert "DONE" in output, output
    assert "DONE 0 " not in output, output
    run(CLOSE)
    assert_each_billed_once(query)
