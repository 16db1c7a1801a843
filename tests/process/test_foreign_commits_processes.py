"""Add-ons that commit in the midst of sending and posting, and processes killed over it.

`tests/addons/assist_billing_test_courier` hands bills over as e-invoicing add-ons do: a web service
after the PDF, then a commit. Each test kills a real process at one moment, and runs another.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

import odoo
from odoo import sql_db

from environment import databases
from environment.ready_odoo import ReadyOdoo
from tests import sending_scheduler

COURIER = Path(__file__).parents[1] / 'addons'
OPTIONS = (
    *('-c', os.environ['ODOO_RC']),
    f"--addons-path={','.join([*odoo.tools.config['addons_path'], str(COURIER)])}",
)
BILLS = 6
# Of the first company: three bills by courier, without any e-mail address, and three by mail. And
# ordinary invoices that wait in the same queue: of the first company, and of another one.
PREPARE = f"""
plan = env['assist.billing.plan'].create({{
    'name': "Plan", 'price_per_session': 10.0, 'bill_handling': 'send'}})
partners = env['res.partner'].create([
    {{'name': f"C{{n}}"}} | (
        {{'invoice_sending_method': 'courier'}} if n < 3 else {{'email': f"c{{n}}@x.example"}})
    for n in range({BILLS})])
env['assist.billing.association'].create([
    {{'partner_id': p.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'}}
    for p in partners])
env['assist.session'].create([
    {{'partner_id': p.id, 'started_at': '2026-01-05 10:00:00',
      'ended_at': '2026-01-05 10:30:00'}} for p in partners])
env.company.email = 'billing@seller.example'
env.company.external_report_layout_id = env.ref('web.external_layout_standard')
other = env['res.company'].create({{'name': "Other", 'email': 'other@seller.example'}})
env['account.chart.template'].try_loading('generic_coa', company=other, install_demo=False)
"""
CLOSE = """
from datetime import datetime
env['assist.billing.cycle']._cron_close_cycles(now=datetime(2026, 2, 1))
env.cr.commit()
print("CLOSED")
"""
INVOICES = """
for company in env['res.company'].search([('name', 'in', (env.company.name, "Other"))]):
    customer = env['res.partner'].create({'name': "Any", 'email': 'any@x.example'})
    invoice = env['account.move'].with_company(company).create({
        'move_type': 'out_invoice', 'partner_id': customer.id, 'company_id': company.id,
        'invoice_line_ids': [(0, 0, {'name': "Any", 'price_unit': 5.0})]})
    invoice.action_post()
    invoice.sending_data = {
        'author_user_id': env.uid, 'author_partner_id': env.user.partner_id.id}
env.cr.commit()
"""
SEND = """
env['account.move']._cron_account_move_send()
env.cr.commit()
print("SENT")
"""
# The dialog as a user has it, for the first bill by courier. He may write what he may, no more.
SEND_BY_DIALOG = """
env = env(user=env.ref('base.user_admin'))
bill = env['account.move'].search([('assist_kind', '=', 'bill')], order='id', limit=1)
action = bill.action_assist_email()
dialog = env[action['res_model']].with_context(**action['context']).create({})
dialog.action_send_and_print()
env.cr.commit()
print("SENT")
"""
SEND_AGAIN = """
bills = env['account.move'].search([('assist_delivery_state', '=', 'failed')])
print(bills.mapped('assist_delivery_problem'))
bills.action_assist_retry_sending()
env.cr.commit()
"""
TAKE_BACK = """
from odoo.exceptions import UserError
bill = env['account.move'].search([('assist_delivery_state', '=', 'failed')])
print(bill.assist_delivery_problem)
for action in ('button_draft', 'button_cancel', 'unlink'):
    try:
        getattr(bill, action)()
    except UserError as error:
        print("REFUSED", error)
    env.cr.rollback()
"""
DELIVERY = """
SELECT assist_delivery_state, count(*), count(assist_message_id), count(sending_data)
  FROM account_move WHERE assist_kind = 'bill' GROUP BY 1 ORDER BY 1
"""


class Courier:
    """A database with the courier's add-on, and what the courier was given."""

    def __init__(self, ready, name, folder):
        self.name = name
        self._ready = ready
        self._folder = folder
        self._file = folder / 'courier'

    def start(self, script, **moments):
        """Start a process with this script; `dies='after'` and the like as in the add-on."""
        variables = {'COURIER_FILE': str(self._file)}
        variables |= {f'COURIER_{name.upper()}': moment for name, moment in moments.items()}
        folder = self._folder / f'process{len(list(self._folder.iterdir()))}'
        folder.mkdir()
        return self._ready.start(self.name, script, folder=folder, merged=True, variables=variables)

    def run(self, script, **moments):
        """Run such a script to its end; return what it printed."""
        process = self.start(script, **moments)
        output, _errors = process.communicate(timeout=300)
        if moments.get('dies'):
            assert process.returncode == -signal.SIGKILL, output
        else:
            assert process.returncode == 0, output
            assert 'Traceback' not in output, output
        return output

    def query(self, statement):
        with sql_db.db_connect(self.name).cursor() as cr:
            cr.execute(statement)
            return cr.fetchall()

    @property
    def taken(self):
        """What it was given, in order."""
        return self._file.read_text().splitlines() if self._file.exists() else []

    # === WHAT MUST HOLD === #

    def assert_all_left(self):
        """Each bill went its way once, its files are linked, and ordinary invoices left too."""
        ids = [
            str(row[0])
            for row in self.query(
                """SELECT m.id FROM account_move m JOIN res_partner p ON p.id = m.partner_id
                    WHERE m.assist_kind = 'bill' AND p.name < 'C3' ORDER BY m.id"""
            )
        ]
        assert sorted(self.taken) == sorted(ids), "each handed over once"
        self.assert_files_linked()
        assert self.query(DELIVERY) == [('queued', 3, 3, 0), ('sent', 3, 0, 0)]
        assert self.query(
            """SELECT count(*) FROM mail_mail l JOIN mail_message g ON g.id = l.mail_message_id
                 JOIN account_move m ON g.model = 'account.move' AND g.res_id = m.id
                WHERE m.assist_kind = 'bill'"""
        ) == [(3,)], "a mail for each that is to be mailed"
        self.assert_ordinary_left()

    def assert_files_linked(self):
        assert self.query(
            """SELECT a.res_field, count(*), count(DISTINCT a.res_id) FROM ir_attachment a
                 JOIN account_move m ON m.id = a.res_id AND a.res_model = 'account.move'
                WHERE m.assist_kind = 'bill' AND a.res_field IS NOT NULL
                GROUP BY 1 ORDER BY 1"""
        ) == [('courier_file', 3, 3), ('invoice_pdf_report_file', BILLS, BILLS)]

    def assert_ordinary_left(self):
        assert self.query(
            """SELECT count(DISTINCT company_id), count(*), count(sending_data),
                      count(*) FILTER (WHERE is_move_sent)
                 FROM account_move WHERE assist_kind IS NULL AND move_type = 'out_invoice'"""
        ) == [(2, 2, 0, 2)]

    def assert_billed_once(self, by_hand=0):
        """Each cycle is closed, with a bill that is posted, and queued once."""
        assert self.query(
            """SELECT c.state, count(DISTINCT c.id), count(DISTINCT m.id),
                      count(*) FILTER (WHERE m.state = 'posted'),
                      count(*) FILTER (WHERE m.sending_data IS NOT NULL),
                      count(m.assist_unfinished)
                 FROM assist_billing_cycle c JOIN account_move m ON m.assist_cycle_id = c.id
                GROUP BY 1"""
        ) == [('closed', BILLS, BILLS, BILLS - by_hand, BILLS - by_hand, 0)]
        assert self.query(
            """SELECT state, count(*), count(DISTINCT cycle_id) FROM assist_session GROUP BY 1"""
        ) == [('billed', BILLS, BILLS)]
        assert self.query("SELECT count(*) FROM account_move WHERE move_type = 'out_invoice'") == [
            (BILLS,)
        ]


def start(database, *arguments, **environment):
    """Start Odoo, the courier's add-on among those that it finds."""
    return subprocess.Popen(
        [*(sys.executable, '-m', 'odoo', '-d', database, '--no-http'), *OPTIONS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    )


def drop_database(name):
    sql_db.close_db(name)
    databases.drop(name)


@pytest.fixture(scope='module')
def installed():
    """A database with the courier's add-on; yields its name."""
    name = f"{odoo.tools.config['db_name'][0]}_{uuid.uuid4().hex[:8]}"
    databases.copy(os.environ['ASSIST_TEMPLATE_DATABASE'], name)
    process = start(name, '-i', 'assist_billing_test_courier', '--stop-after-init')
    output, _errors = process.communicate(timeout=300)
    assert process.returncode == 0, output
    yield name
    drop_database(name)


@pytest.fixture(scope='module')
def ready(installed):
    """Odoo, loaded with the courier's add-on, to fork processes from."""
    ready = ReadyOdoo(sys.executable, installed, [*OPTIONS, '--no-http', '--log-level=warn'])
    yield ready
    ready.stop()


@pytest.fixture(scope='module')
def unbilled(ready, installed, tmp_path_factory):
    """Such a database, with customers whose cycles are due; yields its name."""
    Courier(ready, installed, tmp_path_factory.mktemp('unbilled')).run(PREPARE + "env.cr.commit()")
    return installed


@pytest.fixture(scope='module')
def billed(ready, unbilled, tmp_path_factory):
    """The same, with bills and ordinary invoices that wait to be sent; yields its name."""
    name = f'{unbilled}_billed'
    databases.copy(unbilled, name)
    courier = Courier(ready, name, tmp_path_factory.mktemp('billed'))
    assert "CLOSED" in courier.run(CLOSE + INVOICES)
    yield name
    drop_database(name)


@pytest.fixture
def courier(ready, billed, tmp_path):
    name = f'{billed}_{uuid.uuid4().hex[:4]}'
    databases.copy(billed, name)
    yield Courier(ready, name, tmp_path)
    drop_database(name)


@pytest.fixture
def closing(ready, unbilled, tmp_path):
    name = f'{unbilled}_{uuid.uuid4().hex[:4]}'
    databases.copy(unbilled, name)
    yield Courier(ready, name, tmp_path)
    drop_database(name)


# === SENDING === #


def test_an_add_on_that_commits_while_it_sends(courier):
    assert "SENT" in courier.run(SEND)
    courier.assert_all_left()
    courier.run(SEND)
    courier.assert_all_left()


@pytest.mark.parametrize('moment', ['printed', 'after', 'mailed'])
def test_killed_while_it_is_known_whether_it_was_handed_over(courier, moment):
    courier.run(SEND, dies=moment)
    courier.run(SEND)
    courier.assert_all_left()


@pytest.mark.parametrize(('moment', 'arrived'), [('before', False), ('between', True)])
def test_killed_while_nobody_can_know_it(courier, moment, arrived):
    courier.run(SEND, dies=moment)
    courier.run(SEND)
    courier.run(SEND)
    assert len(courier.taken) == (3 if arrived else 2), "the others left, and none a second time"
    assert courier.query(DELIVERY) == [
        ('failed', 1, 0, 0),
        ('queued', 3, 3, 0),
        ('sent', 2, 0, 0),
    ]
    courier.assert_ordinary_left()
    told = courier.run(TAKE_BACK)
    assert "it is not known whether it arrived" in told
    assert told.count("REFUSED") == 3, told
    if not arrived:
        # A person has looked, and it is not there.
        courier.run(SEND_AGAIN)
        courier.run(SEND)
        courier.assert_all_left()


@pytest.mark.parametrize('moment', ['after', 'mailed'])
def test_an_error_once_it_was_handed_over(courier, moment):
    assert "SENT" in courier.run(SEND, fails=moment)
    taken = courier.taken
    assert len(taken) == len(set(taken)) == 3
    courier.run(SEND_AGAIN.replace("bills.action", "bills and bills.action") + SEND)
    assert courier.taken == taken
    assert courier.query(
        """SELECT count(*) FROM account_move m JOIN res_partner p ON p.id = m.partner_id
            WHERE m.assist_kind = 'bill' AND p.name < 'C3' AND assist_delivery_state = 'sent'"""
    ) == [(3,)]


def test_an_error_before_it_is_handed_over_is_told(courier):
    assert "SENT" in courier.run(SEND, fails='before')
    assert courier.taken == []
    courier.assert_ordinary_left()
    courier.run(SEND_AGAIN + SEND)
    courier.assert_all_left()


def test_two_at_a_time_hand_over_once(courier):
    # Between its commit and its end: the row of the bill is free, and it is queued yet.
    first = courier.start(SEND, stops='after')
    while not courier.taken:
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    time.sleep(0.5)
    courier.run(SEND)
    assert len(courier.taken) == 3
    first.kill()
    first.communicate()
    courier.run(SEND)
    courier.assert_all_left()


def test_the_dialog_killed_once_it_has_handed_over(courier):
    courier.run(
        "env['account.move'].search([('assist_kind', '=', 'bill')]).write("
        "{'sending_data': False, 'assist_delivery_state': 'none'})\nenv.cr.commit()"
    )
    courier.run(SEND_BY_DIALOG, dies='after')
    assert courier.query(DELIVERY) == [('none', 5, 0, 0), ('sent', 1, 0, 1)]
    # The schedule makes the files; the dialog, opened again, does not hand it over again.
    courier.run(SEND + SEND_BY_DIALOG)
    assert len(courier.taken) == 1
    assert courier.query(
        "SELECT count(*) FROM ir_attachment WHERE res_field IN"
        " ('courier_file', 'invoice_pdf_report_file') AND res_model = 'account.move'"
        " AND res_id IN (SELECT id FROM account_move WHERE assist_kind = 'bill')"
    ) == [(2,)]


def test_the_dialog_that_fails_says_so_and_keeps_that_nobody_knows(courier):
    courier.run(
        "env['account.move'].search([('assist_kind', '=', 'bill')]).write("
        "{'sending_data': False, 'assist_delivery_state': 'none'})\nenv.cr.commit()"
    )
    process = courier.start(SEND_BY_DIALOG, fails='between')
    assert "The courier fell over" in process.communicate(timeout=300)[0]
    assert courier.query(DELIVERY) == [('failed', 1, 0, 0), ('none', 5, 0, 0)]


def test_the_real_scheduler_sends_beside_an_add_on_that_commits(courier, tmp_path):
    sending_scheduler.wake(courier.name)
    log = tmp_path / 'server.log'
    server = start(
        courier.name,
        '--max-cron-threads=1',
        f'--logfile={log}',
        COURIER_FILE=str(tmp_path / 'courier'),
    )
    try:
        sending_scheduler.wait(courier.name, server)
    finally:
        server.terminate()
        server.communicate(timeout=30)
    courier.assert_all_left()
    assert 'Traceback' not in log.read_text()


# === CLOSING === #


@pytest.mark.parametrize('moment', [None, 'created', 'posted'])
def test_an_add_on_that_commits_while_bills_are_made(closing, moment):
    moments = {'dies': moment} if moment else {}
    output = closing.run(CLOSE, posts='yes', **moments)
    if not moment:
        assert "CLOSED" in output
        closing.assert_billed_once()
    closing.run(CLOSE, posts='yes')
    closing.assert_billed_once()
    assert len(set(closing.taken)) == len(closing.taken) == BILLS, "each posted once"
    closing.run(CLOSE, posts='yes')
    closing.assert_billed_once()


def test_killed_again_while_the_rest_is_finished(closing):
    closing.run(CLOSE, posts='yes', dies='posted')
    closing.run(CLOSE, posts='yes', dies='posted')
    assert len(closing.taken) == 2
    closing.run(CLOSE, posts='yes')
    closing.assert_billed_once()
    assert len(set(closing.taken)) == len(closing.taken) == BILLS, "each posted once"


def test_an_add_on_that_commits_and_then_refuses(closing):
    assert "CLOSED" in closing.run(CLOSE, posts='yes', fails='posted')
    closing.run(CLOSE, posts='yes')
    closing.assert_billed_once()
    assert len(set(closing.taken)) == len(closing.taken) == BILLS, "each posted once"
