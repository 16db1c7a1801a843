"""Paying and sending bills in real processes: two at a time, killed, and run again."""

import random
import time

import pytest

from odoo import sql_db

from .mail_server import MailServer

CUSTOMERS = 40
PREPARE = f"""
plan = env['assist.billing.plan'].create({{
    'name': "Plan", 'price_per_session': 10.0, 'bill_handling': %(handling)r}})
partners = env['res.partner'].create([
    {{'name': f"C{{n}}", 'email': f"c{{n}}@x.example"}} for n in range({CUSTOMERS})])
env['assist.billing.association'].create([
    {{'partner_id': p.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'}}
    for p in partners])
env['assist.session'].create([
    {{'partner_id': p.id, 'started_at': '2026-01-05 10:00:00',
      'ended_at': '2026-01-05 10:30:00'}} for p in partners])
env['ir.mail_server'].search([]).active = False
env['ir.mail_server'].create({{
    'name': "Test", 'smtp_host': '127.0.0.1', 'smtp_port': %(port)s,
    'smtp_encryption': 'none'}})
env.company.email = 'billing@seller.example'
journal = env['account.journal'].search([('type', '=', 'bank')], limit=1)
env.company.assist_payment_journal_id = journal
from datetime import datetime
env['assist.billing.cycle']._cron_close_cycles(now=datetime(2026, 2, 1))
env.cr.commit()
"""
# That a PDF can be printed is proved elsewhere.
SEND = """
import io
from odoo.addons.account.models.account_move_send import AccountMoveSend
from odoo.tools.pdf import PdfWriter
page = io.BytesIO()
writer = PdfWriter()
writer.add_blank_page(100, 100)
writer.write(page)
def make_pdfs(sender, invoices_data):
    for move, data in invoices_data.items():
        data['pdf_attachment_values'] = {
            'name': "bill.pdf", 'raw': page.getvalue(), 'mimetype': 'application/pdf',
            'res_model': move._name, 'res_id': move.id, 'res_field': 'invoice_pdf_report_file'}
AccountMoveSend._prepare_invoice_pdf_report = make_pdfs
env['account.move']._cron_account_move_send()
print("SENT")
"""
# Somebody writes on the bills between a first look at the database and the lock of the next bill.
RACE = """
lock_next = type(env['account.move'])._assist_lock_next_to_send
raced = []
def lock_next_late(self, tried):
    if len(raced) < 2:
        raced.append(True)
        self.env.cr.execute("SELECT 1")
        with self.env.registry.cursor() as other:
            other.execute("UPDATE account_move SET narration = 'x' WHERE sending_data IS NOT NULL")
    return lock_next(self, tried)
type(env['account.move'])._assist_lock_next_to_send = lock_next_late
"""
SEND_MAILS = """
env['mail.mail'].process_email_queue()
env.cr.commit()
"""
PAY = """
from odoo.exceptions import UserError
from odoo.service.model import retrying
def pay():
    bills = env['account.move'].search([('assist_kind', '=', 'bill')])
    print("READY", flush=True)
    return bills.action_assist_confirm_payment()
try:
    retrying(pay, env)
    env.cr.commit()
    print("PAID")
except UserError as error:
    print("REFUSED", error)
"""


@pytest.fixture
def mail_server():
    with MailServer() as server:
        yield server


def assert_each_queued_once(query):
    """Each bill was sent with one message, has one mail, and is in no queue of invoices."""
    assert query(
        """SELECT count(*), count(DISTINCT assist_message_id), count(sending_data)
             FROM account_move WHERE assist_kind = 'bill'"""
    ) == [(CUSTOMERS, CUSTOMERS, 0)]
    assert query(
        """SELECT count(*) FROM mail_message m JOIN account_move b
               ON m.model = 'account.move' AND m.res_id = b.id
            WHERE m.message_type = 'comment'"""
    ) == [(CUSTOMERS,)], "a message for each, and no second one"


def assert_each_delivered_once(query, server):
    assert sorted(server.delivered) == sorted(f"c{n}@x.example" for n in range(CUSTOMERS))
    assert query(
        """SELECT assist_delivery_state, count(*) FROM account_move
            WHERE assist_kind = 'bill' GROUP BY 1"""
    ) == [('sent', CUSTOMERS)]


def test_two_sending_runs_at_the_same_time_send_each_bill_once(run, odoo_shell, query, mail_server):
    run(PREPARE % {'handling': 'send', 'port': mail_server.port})
    both = [odoo_shell(SEND), odoo_shell(RACE + SEND)]
    for process in both:
        output, _errors = process.communicate(timeout=300)
        assert "SENT" in output, output
    assert_each_queued_once(query)
    run(SEND + SEND_MAILS)
    assert_each_queued_once(query)
    assert_each_delivered_once(query, mail_server)


def test_killed_while_sending_and_run_again_sends_each_bill_once(
    run, odoo_shell, query, mail_server
):
    run(PREPARE % {'handling': 'send', 'port': mail_server.port})
    seen = set()
    for _attempt in range(4):
        process = odoo_shell(SEND)
        count = "SELECT count(*) FROM account_move WHERE assist_message_id IS NOT NULL"
        before = done = query(count)[0][0]
        while process.poll() is None and done == before:
            time.sleep(0.01)
            done = query(count)[0][0]
        time.sleep(random.uniform(0, 0.2))
        process.kill()
        process.wait()
        seen.add(query(count)[0][0])
    assert any(0 < done < CUSTOMERS for done in seen), f"never killed in the middle: {seen}"
    run(SEND + SEND_MAILS)
    assert_each_queued_once(query)
    assert_each_delivered_once(query, mail_server)


def test_two_who_confirm_the_same_payments_pay_once(run, odoo_shell, query):
    run(PREPARE % {'handling': 'post', 'port': 25})
    outputs = [
        process.communicate(timeout=300)[0] for process in [odoo_shell(PAY), odoo_shell(PAY)]
    ]
    assert sorted("PAID" in output for output in outputs) == [False, True], outputs
    refused = next(output for output in outputs if "PAID" not in output)
    assert "is paid already" in refused or "currently working" in refused, refused
    assert query(
        """SELECT count(*), count(DISTINCT assist_bill_id) FROM account_payment
            WHERE state != 'canceled'"""
    ) == [(CUSTOMERS, CUSTOMERS)]
    assert query(
        """SELECT payment_state, sum(amount_residual)::int, count(*) FROM account_move
            WHERE assist_kind = 'bill' GROUP BY 1"""
    ) == [('paid', 0, CUSTOMERS)]


def test_a_bill_in_use_while_its_mail_leaves_is_brought_up_to_date_later(
    run, query, database, mail_server
):
    run(PREPARE % {'handling': 'send', 'port': mail_server.port} + SEND)
    with sql_db.db_connect(database).cursor() as cr:
        cr.execute("SELECT id FROM account_move WHERE assist_kind = 'bill' FOR UPDATE")
        run(SEND_MAILS)
    assert len(mail_server.delivered) == CUSTOMERS, "no mail waits for a bill"
    states = "SELECT DISTINCT assist_delivery_state FROM account_move WHERE assist_kind = 'bill'"
    assert query(states) == [('queued',)]
    run("env['account.move']._cron_assist_follow_sending()\nenv.cr.commit()\n")
    assert_each_delivered_once(query, mail_server)
