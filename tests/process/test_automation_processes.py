"""Automation rules, with the real add-on of Odoo in a database of its own."""

import os
import subprocess
import sys

PREPARE = """
plan = env['assist.billing.plan'].create({'name': "Plan", 'price_per_session': 70.0})
tax = env['account.tax'].search([('type_tax_use', '=', 'sale')], limit=1)
plan.session_product_id.taxes_id = tax
partners = env['res.partner'].create([{'name': f"C{n}"} for n in range(6)])
env['assist.billing.association'].create([
    {'partner_id': p.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'}
    for p in partners])
env['assist.session'].create([
    {'partner_id': p.id, 'started_at': f'2026-01-{day:02} 10:00:00',
     'ended_at': f'2026-01-{day:02} 10:30:00'}
    for p in partners for day in (5, 6, 7)])

def add_rule(model, trigger, code):
    action = env['ir.actions.server'].create({
        'name': code, 'state': 'code', 'code': code,
        'model_id': env['ir.model']._get_id(model), 'usage': 'base_automation'})
    return env['base.automation'].create({
        'name': "House Rule", 'model_id': env['ir.model']._get_id(model),
        'trigger': trigger, 'action_server_ids': [(6, 0, action.ids)]})

def close():
    from datetime import datetime
    cycles = env['assist.billing.cycle'].search([('state', '=', 'open')])
    cycles = cycles.filtered(lambda cycle: cycle.end_at <= datetime(2026, 2, 1))
    if not cycles:
        env['assist.billing.cycle']._open_for(
            env['assist.billing.association'].search([]), datetime(2026, 2, 1))
        cycles = env['assist.billing.cycle'].search([('end_at', '<=', datetime(2026, 2, 1))])
    cycles._close(datetime(2026, 2, 1))
    return cycles

def show(title, cycles):
    moves = cycles.move_id
    balance = {round(sum(move.line_ids.mapped('balance')), 2) for move in moves}
    taxed = {bool(move.line_ids.tax_line_id) for move in moves}
    untaxed = {move.amount_untaxed for move in moves}
    adds_up = all(
        not move.currency_id.compare_amounts(
            move.amount_total, sum(move.invoice_line_ids.mapped('price_total')))
        for move in moves)
    states = {move.state for move in moves}
    print(title, len(moves), states, untaxed, balance, taxed, adds_up)
"""
RULES = """
for title, model, trigger, code in (
    ("TAXES_OFF", 'account.move', 'on_create_or_write',
     "for move in records:\\n  if move.state == 'draft' and move.invoice_line_ids.tax_ids:\\n"
     "    move.invoice_line_ids.write({'tax_ids': [(5, 0, 0)]})"),
    ("FEE", 'account.move', 'on_create',
     "for move in records: move.write({'invoice_line_ids': [(0, 0, {'name': 'Fee', "
     "'quantity': 1, 'price_unit': 10.0, 'tax_ids': [(5, 0, 0)]})]})"),
    ("ON_LINES", 'account.move.line', 'on_create',
     "for line in records.filtered('assist_charge'): line.write({'tax_ids': [(5, 0, 0)]})"),
    ("ON_POSTING", 'account.move', 'on_create_or_write',
     "for move in records.filtered(lambda m: m.state == 'posted' and not m.ref):"
     " move.write({'ref': 'Posted'})"),
):
    with env.cr.savepoint() as savepoint:
        rule = add_rule(model, trigger, code)
        words = env['assist.bill.maker']._get_listeners()
        cycles = close()
        show(title, cycles)
        print("WORDS", any("House Rule" in text for text in words))
        print("REFS", {move.ref for move in cycles.move_id})
        rule.active = False
        savepoint.rollback()
    env.invalidate_all()
rule = add_rule('account.move', 'on_create', "raise UserError('No invoices today.')")
cycles = close()
print("REFUSED", set(cycles.mapped('state')), {"No invoices" in error for error in
      cycles.mapped('error')}, len(cycles.move_id))
rule.active = False
cycles.retry_at = False
print("WITHOUT_RULES", env['assist.bill.maker']._get_listeners())
show("AS_EVER", close())
"""

OURS = """
from datetime import datetime
def watch(model, trigger, state):
    rule = add_rule(model, trigger, "for record in records: env['ir.config_parameter'].set_param("
        f"'{trigger}.{state}', (env['ir.config_parameter'].get_param('{trigger}.{state}') or '') +"
        " ' %s' % (record.id if record.state == '" + state + "' else '?'))")
    fields = env['ir.model.fields']._get(model, 'state')
    rule.write({
        'filter_domain': [('state', '=', state)],
        'trigger_field_ids': [(6, 0, fields.ids if trigger == 'on_create_or_write' else [])]})

def told(key):
    return (env['ir.config_parameter'].get_param(key) or '').split()

watch('assist.session', 'on_create', 'to_bill')
watch('assist.session', 'on_create_or_write', 'billed')
watch('assist.billing.cycle', 'on_create_or_write', 'closed')
sessions = env['assist.session'].search([('state', '=', 'to_bill')])
assert not sessions, sessions
env['res.partner'].browse(partners.ids)[0].email = 'c0@one.example'
env.cr.commit()
answers = env['assist.session'].ingest([
    {'external_id': f's{n}', 'customer_email': email, 'technician': 'Jo',
     'started_at': '2026-02-03 10:00:00', 'ended_at': '2026-02-03 10:30:00'}
    for n, email in enumerate(('c0@one.example', 'c9@other.example'))], 'csv')
env.cr.commit()
mine = str(answers[0]['id'])
print("CREATED", told('on_create.to_bill') == [mine], [each['status'] for each in answers])
cycles._open_for(env['assist.billing.association'].search([]), datetime(2026, 3, 1))
env.cr.commit()
due = env['assist.billing.cycle'].search(
    [('end_at', '<=', '2026-03-01'), ('state', '=', 'open')])
due._close(datetime(2026, 3, 1))
env.cr.commit()
print("BILLED", told('on_create_or_write.billed') == [mine],
      env['assist.session'].browse(int(mine)).state)
print("CLOSED", sorted(map(int, told('on_create_or_write.closed'))) == sorted(due.ids), len(due))
env.cr.rollback()
"""


def test_automation_rules_do_with_bills_what_they_do_with_invoices(database, run):
    subprocess.run(
        [
            *(sys.executable, '-m', 'odoo', '--no-http', '--log-level=warn', '-d', database),
            *('-c', os.environ['ODOO_RC'], '-i', 'base_automation', '--stop-after-init'),
        ],
        check=True,
        timeout=300,
    )
    lines = run(PREPARE + RULES + OURS).splitlines()
    shown = dict(line.split(" ", 1) for line in lines if line.split(" ", 1)[0].isupper())
    assert shown['TAXES_OFF'] == "6 {'posted'} {210.0} {0.0} {False} True", lines
    assert shown['FEE'] == "6 {'posted'} {220.0} {0.0} {True} True", lines
    assert shown['ON_LINES'] == "6 {'posted'} {210.0} {0.0} {False} True", lines
    assert shown['ON_POSTING'] == "6 {'posted'} {210.0} {0.0} {True} True", lines
    assert [line for line in lines if line.startswith("WORDS")] == ["WORDS True"] * 4, lines
    assert [line for line in lines if line.startswith("REFS")][-1] == "REFS {'Posted'}", lines
    assert shown['REFUSED'] == "{'open'} {True} 0", lines
    assert shown['WITHOUT_RULES'] == "[]", lines
    assert shown['AS_EVER'] == "6 {'posted'} {210.0} {0.0} {True} True", lines
    # Sessions and cycles are written past `create` and `write`, which the rules stand on.
    assert shown['CREATED'] == "True ['created', 'created']", lines
    assert shown['BILLED'] == "True billed", lines
    assert shown['CLOSED'] == "True 6", lines
