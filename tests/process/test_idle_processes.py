"""An idle database is idle: how often the scheduler of a real server runs what."""

import re
import time
from collections import Counter

from .test_closing_processes import CLOSE

IDLE_SECONDS = 20
PATIENCE_LOOKS = 400
# Each of ours is called once, at once; by their intervals none comes again meanwhile.
CALL_OURS_ONCE = """
env['ir.cron.trigger'].search([]).unlink()
ours = env['ir.model.data'].search([
    ('model', '=', 'ir.cron'), ('module', '=like', 'assist_billing%')]).mapped('res_id')
crons = env['ir.cron'].search([])
crons.write({'nextcall': '2999-01-01 00:00:00'})
for cron in crons.browse(ours):
    cron._trigger()
env.cr.commit()
print("OURS", len(ours))
"""
# One that has ended by now, one that is held, one suspended, one that fails, one that is billed.
FILL = """
from datetime import datetime
plan = env['assist.billing.plan'].create({'name': "Plan", 'price_per_session': 10.0})
def associate(name, **vals):
    partner = env['res.partner'].create({'name': name})
    env['assist.session'].create({
        'partner_id': partner.id, 'started_at': '2026-01-05 10:00:00',
        'ended_at': '2026-01-05 10:30:00'})
    return env['assist.billing.association'].create({
        'partner_id': partner.id, 'plan_id': vals.pop('plan', plan).id,
        'start_date': '2026-01-01', 'tz': 'UTC', **vals})
associate("Billed")
associate("Held", state='on_hold')
associate("Suspended", state='suspended')
associate("Over", end_date='2026-01-20')
currency = env['res.currency'].create({'name': 'XTS', 'symbol': 'X'})
env['res.currency.rate'].search([('currency_id', '=', currency.id)]).unlink()
failing = plan.copy({'name': "Failing", 'currency_id': currency.id})
associate("Failing", plan=failing)
currency.active = False
env['assist.session'].create({
    'name': "Unmatched", 'started_at': '2026-01-05 10:00:00', 'ended_at': '2026-01-05 11:00:00'})
env.cr.commit()
"""


def run_idle(run, odoo_server, query, wait_seconds=IDLE_SECONDS):
    """Serve a database for a while; return how often which scheduled action ran."""
    ours = int(re.search(r"OURS (\d+)", run(CALL_OURS_ONCE))[1])
    assert ours >= 6
    process, log = odoo_server('--max-cron-threads=1', '--log-level=info')
    starts = re.compile(r"Job '(.+?)' \(\d+\) starting")

    def count():
        return Counter(starts.findall(log.read_text() if log.exists() else ""))

    for _look in range(PATIENCE_LOOKS):
        if sum(count().values()) >= ours:
            break
        assert process.poll() is None, log.read_text()
        time.sleep(0.5)
    else:
        raise AssertionError(f"not each of ours ran: {count()}")
    first = count()
    time.sleep(wait_seconds)
    assert count() == first, f"more ran of themselves: {count() - first}"
    assert query(
        "SELECT count(*) FROM ir_cron_trigger WHERE call_at <= now() AT TIME ZONE 'UTC'"
    ) == [(0,)]
    # Or it would do what the next one is asked for.
    process.terminate()
    process.wait()
    return first


def test_an_empty_database_is_idle(run, odoo_server, query):
    runs = run_idle(run, odoo_server, query)
    assert set(runs.values()) == {1}, runs


def test_a_database_with_all_sorts_in_it_is_idle(run, odoo_server, query):
    """With an association that ended, one that fails, one held; before and after a closing."""
    run(FILL)
    runs = run_idle(run, odoo_server, query)
    # What the closing billed may ask for Odoo's own mails once; nothing of ours comes twice.
    assert {name: n for name, n in runs.items() if 'Remote Support' in name and n > 1} == {}, runs
    assert query("SELECT state FROM assist_billing_association ORDER BY id") == [
        ('running',), ('on_hold',), ('suspended',), ('ended',), ('running',),
    ]  # fmt: skip
    assert query("SELECT count(*) > 0 FROM assist_billing_cycle WHERE error IS NOT NULL") == [
        (True,)
    ]
    run(CLOSE)
    runs = run_idle(run, odoo_server, query)
    assert {name: n for name, n in runs.items() if 'Remote Support' in name and n > 1} == {}, runs
