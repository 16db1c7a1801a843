"""Upgrading a database of the first version, and taking the add-on out and putting it in again."""

import subprocess

import pytest

# Bills of January by a plan whose product, taxes and account change afterwards, one of them for a
# customer of a fiscal position, one taken back; in yen, and by the hour, with all charges.
PREPARE = """
from datetime import datetime
from odoo.fields import Command
company = env.company
if not company.chart_template:
    env['account.chart.template'].try_loading('generic_coa', company, install_demo=False)
yen = env.ref('base.JPY')
yen.active = True
env['res.currency.rate'].create(
    {'currency_id': yen.id, 'name': '2020-01-01', 'rate': 150.0, 'company_id': company.id})
session, hour = env.ref('assist_billing.product_session'), env.ref('assist_billing.product_hour')
tax, free = env['account.tax'].create([
    {'name': "21 % incl.", 'amount': 21.0, 'type_tax_use': 'sale',
     'price_include_override': 'tax_included'},
    {'name': "Abroad", 'amount': 0.0, 'type_tax_use': 'sale'}])
position = env['account.fiscal.position'].create({'name': "Abroad"})
free.write({'fiscal_position_ids': [Command.set(position.ids)],
            'original_tax_ids': [Command.set(tax.ids)]})
income = env['account.account'].search(
    [('account_type', '=', 'income'), ('company_ids', 'in', company.id)], limit=1)
own_income = income.copy({'code': '400999', 'name': "Own"})
taxed = session.copy({'name': "Taxed", 'taxes_id': [Command.set(tax.ids)],
                      'property_account_income_id': own_income.id})
plans = env['assist.billing.plan'].create([
    {'name': "Taxed", 'price_per_session': 121.0, 'session_product_id': taxed.id},
    {'name': "Yen", 'price_per_session': 3000.0, 'currency_id': yen.id},
    {'name': "Hours", 'billing_type': 'hour', 'price_per_hour': 60.0, 'base_fee': 5.0,
     'minimum_charge': 100.0, 'charge_devices': True, 'price_per_device': 3.0}])
taxed_plan, yen_plan, hour_plan = plans
associations = {}
for name, plan, values in [
    ('taxed', taxed_plan, {}), ('back', taxed_plan, {}), ('yen', yen_plan, {}),
    ('abroad', taxed_plan, {'property_account_position_id': position.id}),
    ('hours', hour_plan, {}),
]:
    partner = env['res.partner'].create({'name': name, **values})
    associations[name] = env['assist.billing.association'].create(
        {'partner_id': partner.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'})
    env['assist.device'].create(
        {'name': "PC", 'partner_id': partner.id, 'enrolled_on': '2025-01-01'})
def use(name, day):
    env['assist.session'].create({
        'partner_id': associations[name].partner_id.id,
        'started_at': f'{day} 10:00:00', 'ended_at': f'{day} 10:30:00'})
def close(day):
    env.cr.commit()
    env['assist.billing.cycle']._cron_close_cycles(now=datetime.fromisoformat(day))
for name in associations:
    use(name, '2026-01-15')
close('2026-01-01')
associations['yen'].plan_id = hour_plan
close('2026-02-01')
associations['hours'].bill_ids._assist_adjust('additional', 7.0)
paid = associations['abroad'].bill_ids
paid.action_assist_confirm_payment()
supplement = paid._assist_adjust('additional', 40.0)
env['account.move.reversal'].with_context(
    active_model='account.move', active_ids=supplement.ids
).create({'journal_id': supplement.journal_id.id}).refund_moves()
supplement.assist_linked_ids.action_post()
bill = associations['back'].bill_ids
bill.button_draft()
bill.button_cancel()
use('yen', '2026-01-20')
use('hours', '2026-01-20')
close('2026-02-02')
close('2026-03-01')
env.cr.commit()
"""
# Whatever has been changed since: what was billed stays.
CHANGE = """
taxed = env['product.product'].search([('name', '=', "Taxed")])
taxed.taxes_id = env['account.tax'].search([('name', '=', "Abroad")])
taxed.property_account_income_id = False
plan = env['assist.billing.plan'].search([('name', '=', "Taxed")])
plan.session_product_id = env.ref('assist_billing.product_session')
env.cr.commit()
"""
# What the first version did not store, or stored otherwise; and flat amounts were in hours.
AGE = """
UPDATE account_move_line l SET product_id = p.id, product_uom_id = t.uom_id
  FROM ir_model_data d JOIN product_product p ON p.id = d.res_id
  JOIN product_template t ON t.id = p.product_tmpl_id
 WHERE d.module = 'assist_billing' AND d.name = 'product_hour'
   AND l.assist_charge IN ('base_fee', 'minimum');
UPDATE account_move_line l SET product_id = d.res_id FROM ir_model_data d
 WHERE d.module = 'assist_billing' AND d.name = 'product_hour' AND l.assist_charge = 'additional';
ALTER TABLE assist_billing_cycle_prior DROP COLUMN currency_id;
UPDATE assist_billing_cycle SET terms = terms - 'products' - 'currency_id';
DELETE FROM product_product p USING ir_model_data d
 WHERE d.module = 'assist_billing' AND d.name = 'product_fee' AND d.res_id = p.id
;
DELETE FROM ir_model_data WHERE module = 'assist_billing' AND name LIKE 'product_fee%';
CREATE INDEX assist_billing_cycle_device__device_id_index
    ON assist_billing_cycle_device (device_id);
UPDATE assist_session SET duration_seconds = 0 WHERE id IN (SELECT max(id) FROM assist_session);
UPDATE ir_module_module SET latest_version = '19.0.1.0.0' WHERE name = 'assist_billing';
SELECT 1;
"""
BILLED = """
SELECT c.id, c.terms FROM assist_billing_cycle c
 WHERE EXISTS (SELECT 1 FROM account_move m WHERE m.assist_cycle_id = c.id
               OR m.assist_origin_cycle_id = c.id AND m.assist_kind = 'given_back')
 ORDER BY c.id
"""
CHARGE_CREDITED = """
UPDATE account_move b SET assist_misc_charge = b.assist_misc_charge + 40
  FROM account_move s JOIN account_move c ON c.assist_bill_id = s.id
 WHERE s.assist_bill_id = b.id RETURNING b.id
"""
BILLS = """
SELECT (SELECT md5(string_agg((
            to_jsonb(m) - 'assist_misc_charge' - CASE
                WHEN EXISTS (SELECT 1 FROM account_move s JOIN account_move c
                                 ON c.assist_bill_id = s.id WHERE s.assist_bill_id = m.id)
                THEN ARRAY['write_date', 'write_uid'] ELSE '{}' END
        )::text, '|' ORDER BY id)) FROM account_move m),
       (SELECT array_agg(round(assist_misc_charge, 2) ORDER BY id) FROM account_move),
       (SELECT md5(string_agg(l::text, '|' ORDER BY id)) FROM account_move_line l),
       (SELECT md5(string_agg(t::text, '|' ORDER BY t::text))
          FROM account_move_line_account_tax_rel t)
"""
MEASURED = (
    "SELECT id, extract(epoch FROM ended_at - started_at)::int FROM assist_session ORDER BY 1"
)
SHOWN = "SELECT id, duration_seconds FROM assist_session ORDER BY 1"
DEVICE_INDICES = """
SELECT indexname FROM pg_indexes
 WHERE tablename = 'assist_billing_cycle_device' AND indexdef LIKE '%(device_id%'
 ORDER BY 1
"""
PRIORS = """
SELECT p.id, p.origin_cycle_id, p.amount, c.name FROM assist_billing_cycle_prior p
  JOIN res_currency c ON c.id = p.currency_id ORDER BY p.id
"""
READ_BILLED = """
for association in env['assist.billing.association'].search([]):
    for cycle in association.cycle_ids.filtered(lambda cycle: cycle.state == 'to_rebill'):
        cycle.action_rebill()
        line = cycle.move_id.invoice_line_ids.filtered(lambda l: l.assist_charge == 'session')
        print("AGAIN", line.product_id.name, line.price_total, line.price_subtotal)
"""
UNINSTALL = """
env['ir.module.module'].search([('name', '=', 'assist_billing')]).button_immediate_uninstall()
"""
STATE = "SELECT state FROM ir_module_module WHERE name = 'assist_billing'"


@pytest.fixture
def command(odoo_server):
    """Run Odoo on the private database to its end; `command(*options)` returns its log."""

    def run_command(*options):
        process, log = odoo_server('--stop-after-init', '--max-cron-threads=0', *options)
        try:
            status = process.wait(timeout=300)
        except subprocess.TimeoutExpired:
            raise AssertionError(log.read_text()) from None
        assert status == 0, log.read_text()
        return log.read_text()

    return run_command


def test_first_version_is_upgraded_and_no_bill_touched(run, query, command):
    run(PREPARE)
    billed, priors = query(BILLED), query(PRIORS)
    assert len(billed) >= 6
    assert {currency for *_rest, currency in priors} == {'JPY', 'USD'}
    run(CHANGE)
    query(AGE)
    assert query(SHOWN) != query(MEASURED)
    bills = query(BILLS)
    # What was credited of it was counted no more by the first version.
    assert query(CHARGE_CREDITED)
    log = command('-u', 'assist_billing')
    assert 'Running migration' in log
    assert query(BILLS) == bills
    assert query(BILLED) == billed
    assert query(PRIORS) == priors
    assert query(SHOWN) == query(MEASURED)
    assert query(DEVICE_INDICES) == [('assist_billing_cycle_device_device_index',)]
    # What has no bill is as its plan is now.
    [(open_cycles, frozen)] = query(
        "SELECT count(*), count(terms -> 'products') FROM assist_billing_cycle WHERE state = 'open'"
    )
    assert open_cycles == frozen == 5
    # Once more, as by an upgrade that was interrupted: nothing changes.
    query(
        "UPDATE ir_module_module SET latest_version = '19.0.1.0.0'"
        " WHERE name = 'assist_billing' RETURNING 1"
    )
    terms = query("SELECT id, terms FROM assist_billing_cycle ORDER BY id")
    command('-u', 'assist_billing')
    assert query("SELECT id, terms FROM assist_billing_cycle ORDER BY id") == terms
    assert "AGAIN Taxed 121.0 100.0" in run(READ_BILLED)


def test_add_on_is_taken_out_and_put_in_again_beside_its_bills(run, query, command):
    """An adjustment is as the first version made it: in units, of the product in hours."""
    run(PREPARE)
    assert query(
        """UPDATE account_move_line l SET product_id = d.res_id FROM ir_model_data d
            WHERE d.module = 'assist_billing' AND d.name = 'product_hour'
              AND l.assist_charge = 'additional' RETURNING l.id"""
    )
    bills = query("SELECT count(*), sum(amount_total) FROM account_move")
    output = run(f"import logging; logging.disable(logging.ERROR)\n{UNINSTALL}")
    assert query(STATE) == [('uninstalled',)], output
    command('-i', 'assist_billing')
    assert query(STATE) == [('installed',)]
    assert query("SELECT count(*), sum(amount_total) FROM account_move") == bills
