"""Peppol and the Italian tax agency: the real scheduler transmits, and is killed over it.

Odoo's own add-ons, in their demo modes. `tests/addons/assist_billing_test_channels` writes down
what they transmit, and kills the process before it, between it and the answer, or after.
"""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

import odoo
from odoo import sql_db

from environment import databases
from tests import sending_scheduler

ADDONS = Path(__file__).parents[1] / 'addons'
BILLS = 3
# A company each, with as many customers as there are to be bills, which wait to be sent.
PREPARE = f"""
from datetime import datetime
from odoo.addons.account_peppol.tools import demo_utils

env['ir.config_parameter'].set_param('account_peppol.edi.mode', 'demo')
COMPANIES = {{
    'BE': ('be_comp', {{
        'vat': 'BE0477472701', 'street': "Rue 1", 'zip': "1000", 'city': "Bruxelles",
        'peppol_eas': '0208', 'peppol_endpoint': '0477472701'}}),
    'IT': ('it', {{
        'vat': 'IT01234560157', 'l10n_it_codice_fiscale': '01234560157',
        'l10n_it_tax_system': 'RF01', 'street': "Via 1", 'zip': "20121", 'city': "Milano",
        'phone': "0266766700"}}),
}}
CUSTOMERS = {{
    'BE': {{
        'street': "Rue 2", 'zip': "5000", 'city': "Namur", 'vat': 'BE0202239951',
        'peppol_eas': '0208', 'peppol_endpoint': '0202239951',
        'invoice_sending_method': 'peppol', 'invoice_edi_format': 'ubl_bis3'}},
    'IT': {{
        'street': "Via 2", 'zip': "00100", 'city': "Roma", 'vat': 'IT00465840031',
        'l10n_it_codice_fiscale': '00465840031', 'l10n_it_pa_index': '0803HR0',
        'email': "office@acme.example"}},
}}
env['assist.billing.association'].search([]).unlink()
for code, (chart, vals) in COMPANIES.items():
    country = env.ref('base.' + code.lower())
    company = env['res.company'].create({{
        'name': code, 'country_id': country.id, 'email': "office@support.example"}})
    env.user.company_ids |= company
    env['account.chart.template'].try_loading(chart, company=company, install_demo=False)
    company.write(vals)
    company.external_report_layout_id = env.ref('web.external_layout_standard')
    own = env(context={{'allowed_company_ids': company.ids}})
    if code == 'BE':
        registration = own['peppol.registration'].create({{
            'company_id': company.id, 'contact_email': "office@support.example"}})
        demo_utils._mock_create_connection(
            None, registration, '0208:0477472701', 'uuid', company)
        own['res.partner.bank'].create({{
            'acc_number': 'BE15001559627230', 'partner_id': company.partner_id.id,
            'allow_out_payment': True}})
    plan = own['assist.billing.plan'].create({{
        'name': code, 'price_per_session': 20.0, 'bill_handling': 'send',
        'company_id': company.id}})
    for number in range({BILLS}):
        partner = own['res.partner'].create({{
            'name': f"{{code}} {{number}}", 'country_id': country.id, 'is_company': True,
            **CUSTOMERS[code]}})
        own['assist.billing.association'].create({{
            'partner_id': partner.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'}})
        own['assist.session'].create({{
            'partner_id': partner.id, 'started_at': '2026-01-05 10:00:00',
            'ended_at': '2026-01-05 10:30:00', 'company_id': company.id}})
env['assist.billing.cycle']._cron_close_cycles(now=datetime(2026, 2, 1))
env.cr.commit()
print("CLOSED")
"""
DELIVERY = """
SELECT c.name, m.assist_delivery_state, count(*)
  FROM account_move m JOIN res_company c ON c.id = m.company_id
 WHERE m.assist_kind = 'bill' GROUP BY 1, 2 ORDER BY 1, 2
"""
SEND_AGAIN = """
bills = env['account.move'].search([('assist_delivery_state', '=', 'failed')])
for company in bills.company_id:
    own = bills.filtered(lambda bill: bill.company_id == company)
    print(own.mapped('assist_delivery_problem'))
    own.with_context(allowed_company_ids=company.ids).action_assist_retry_sending()
env.cr.commit()
"""


class Scheduler:
    """A database with bills that wait, and what was transmitted of them."""

    def __init__(self, name, folder):
        self.name = name
        self._file = folder / 'transmitted'
        self._log = folder / 'server.log'

    def execute(self, statement):
        with sql_db.db_connect(self.name).cursor() as cr:
            cr.execute(statement)
            rows = cr.fetchall() if cr.description else []
            cr.commit()
        return rows

    def run(self, dies=''):
        """Have Odoo's scheduler send until it is through, or until it is killed at a moment."""
        sending_scheduler.wake(self.name)
        server = start(
            self.name,
            '--max-cron-threads=1',
            f'--logfile={self._log}',
            COURIER_FILE=str(self._file),
            COURIER_DIES=dies,
        )
        try:
            sending_scheduler.wait(self.name, server)
        finally:
            server.terminate()
            server.communicate(timeout=60)
        if dies:
            assert server.returncode == -signal.SIGKILL, self._log.read_text()
        assert 'Traceback' not in self._log.read_text()

    @property
    def transmitted(self):
        """The documents that were transmitted, in order."""
        return self._file.read_text().splitlines() if self._file.exists() else []

    def assert_one_unknown(self, transmitted):
        """One bill waits for a person; so many were transmitted, and each of them once."""
        assert len(self.transmitted) == len(set(self.transmitted)) == transmitted
        states = {}
        for _company, state, count in self.execute(DELIVERY):
            states[state] = states.get(state, 0) + count
        assert states == {'failed': 1, 'sent': 2 * BILLS - 1}

    def assert_all_transmitted_once(self):
        assert len(set(self.transmitted)) == len(self.transmitted) == 2 * BILLS
        assert self.execute(DELIVERY) == [('BE', 'sent', BILLS), ('IT', 'sent', BILLS)]
        assert self.execute(
            """SELECT count(DISTINCT peppol_message_uuid) FROM account_move
                WHERE assist_kind = 'bill'"""
        ) == [(BILLS,)]
        assert self.execute(
            """SELECT count(*) FROM account_move m WHERE assist_kind = 'bill' AND EXISTS (
                   SELECT 1 FROM ir_attachment a WHERE a.res_model = 'account.move'
                      AND a.res_id = m.id AND a.res_field = 'invoice_pdf_report_file')"""
        ) == [(2 * BILLS,)]


def start(database, *arguments, command=(), **environment):
    addons = ','.join([*odoo.tools.config['addons_path'], str(ADDONS)])
    return subprocess.Popen(
        [
            *(sys.executable, '-m', 'odoo', *command, '-d', database, '--no-http'),
            *('-c', os.environ['ODOO_RC'], f'--addons-path={addons}', *arguments),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    )


def run(database, *arguments, script=None, **options):
    process = start(database, *arguments, **options)
    output, _errors = process.communicate(script, timeout=900)
    assert process.returncode == 0, output
    assert 'Traceback' not in output, output
    return output


def drop_database(name):
    sql_db.close_db(name)
    databases.drop(name)


@pytest.fixture(scope='module')
def billed():
    """A database whose bills wait to be sent; yields its name."""
    name = f"{odoo.tools.config['db_name'][0]}_{uuid.uuid4().hex[:8]}"
    databases.copy(os.environ['ASSIST_TEMPLATE_DATABASE'], name)
    run(name, '-i', 'assist_billing_test_channels', '--stop-after-init')
    assert "CLOSED" in run(name, '--log-level=warn', command=('shell',), script=PREPARE)
    yield name
    drop_database(name)


@pytest.fixture
def scheduler(billed, tmp_path):
    name = f'{billed}_{uuid.uuid4().hex[:4]}'
    databases.copy(billed, name)
    yield Scheduler(name, tmp_path)
    drop_database(name)


def test_the_scheduler_transmits_each_bill_once(scheduler):
    scheduler.run()
    scheduler.assert_all_transmitted_once()
    scheduler.run()
    scheduler.assert_all_transmitted_once()


@pytest.mark.parametrize('channel', ['peppol', 'sdi'])
def test_killed_before_it_is_transmitted(scheduler, channel):
    scheduler.run(dies=f'{channel} before')
    scheduler.run()
    scheduler.run()
    # The others left; this one may have arrived, for all that can be known.
    scheduler.assert_one_unknown(2 * BILLS - 1)
    # A person has looked, and it is not there.
    told = run(scheduler.name, '--log-level=warn', command=('shell',), script=SEND_AGAIN)
    assert "it is not known whether it arrived" in told
    scheduler.run()
    scheduler.assert_all_transmitted_once()


@pytest.mark.parametrize('channel', ['peppol', 'sdi'])
def test_killed_between_transmission_and_answer(scheduler, channel):
    scheduler.run(dies=f'{channel} between')
    scheduler.run()
    scheduler.run()
    scheduler.assert_one_unknown(2 * BILLS)


def test_killed_once_the_answer_is_stored(scheduler):
    scheduler.run(dies='peppol after')
    assert len(scheduler.transmitted) == 1
    scheduler.run()
    scheduler.run()
    scheduler.assert_all_transmitted_once()
