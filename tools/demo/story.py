"""Plays the demo story in an Odoo shell: import, close, send, pay, print the bills, write a PDF.

    ASSIST_DEMO_PDF=bill.pdf ASSIST_DEMO_URL=http://127.0.0.1:8069 tools/odoo shell -d DB < this

Running it again adds nothing. A server must answer at ASSIST_DEMO_URL, for wkhtmltopdf fetches the
style sheets of the PDF there. `env` is the shell's.
"""

import json
import os
from collections import Counter
from datetime import datetime, time, timedelta
from pathlib import Path

from odoo.modules.module import get_module_path

# How many days before a bill was due its customer has paid it; others pay on the last day.
PAID_EARLY = {'My Department': 9, 'Zylker Corp': 2, 'Northwind Traders': 15, 'Sakura Logistics': 5}
# Who is late with one bill: the last one.
LATE = {'Harbor Law Group'}
COLUMNS = (
    ("Bill ID", 16, '<'),
    ("Customer", 24, '<'),
    ("Bill Start Date", 15, '<'),
    ("End Date", 10, '<'),
    ("Due Date", 10, '<'),
    ("Misc Charges", 12, '>'),
    ("Total Amount", 12, '>'),
    ("Status", 8, '<'),
)


def import_sample_export():
    path = Path(get_module_path('assist_billing'), 'demo', 'zoho_assist_reports.json')
    records = json.loads(path.read_text())['representation']
    answers = Counter(
        answer['status'] for answer in env['assist.session'].ingest(records, 'zoho_assist')
    )
    env.cr.commit()
    said = ", ".join(f"{count} {status}" for status, count in sorted(answers.items()))
    print(f"Sample export of Zoho Assist: {len(records)} records, {said}.")


def close_cycles():
    """Close what is due, each cycle as of its own day, so that the bills carry their own dates."""
    cycles = env['assist.billing.cycle']
    now = datetime.utcnow().replace(microsecond=0)
    cycles._open_begun_cycles(now)
    due = cycles.search([('state', '=', 'open'), ('end_at', '<=', now)])
    noons = {datetime.combine(day, time(12)) for day in due.mapped('date_end')}
    for moment in sorted({min(noon, now) for noon in noons} | {now}):
        cycles._cron_close_cycles(now=moment)
    closed = len(due.filtered(lambda cycle: cycle.state != 'open'))
    print(f"Closed {closed} cycles that were due.")


def pay_bills():
    """Have all bills sent but those of the last month, and paid but what is not due or late."""
    today = datetime.utcnow().date()
    last = max(bills().mapped('assist_period_end'), default=None)
    for bill in bills().filtered(lambda bill: bill.payment_state == 'not_paid'):
        is_last = bill.assist_period_end == last
        if not is_last and bill.assist_delivery_state == 'none':
            bill._assist_set_delivery_state('sent')
        early = PAID_EARLY.get(bill.partner_id.display_name, 0)
        paid_on = bill.invoice_date_due - timedelta(days=early)
        is_late = is_last and bill.partner_id.display_name in LATE
        if paid_on <= today and bill.state == 'posted' and not is_late:
            wizard = env['account.payment.register'].with_context(
                active_model='account.move', active_ids=bill.ids
            )
            wizard.create({'payment_date': paid_on})._create_payments()
    env.cr.commit()


def bills():
    return env['account.move'].search(
        [('assist_kind', '=', 'bill')], order='assist_period_end desc, id desc'
    )


def print_bills():
    form = "  ".join(f"{{:{align}{width}.{width}}}" for _title, width, align in COLUMNS)
    print()
    print(form.format(*(title for title, _width, _align in COLUMNS)))
    print("  ".join("-" * width for _title, width, _align in COLUMNS))
    for bill in bills():
        currency = bill.currency_id.name
        print(
            form.format(
                bill.name or "(draft)",
                bill.partner_id.display_name,
                str(bill.assist_period_start),
                str(bill.assist_period_end),
                str(bill.invoice_date_due),
                f"{currency} {bill.assist_misc_charge:.2f}" if bill.assist_misc_charge else "Add",
                f"{currency} {bill.amount_total:.2f}",
                "PAID" if bill.payment_state in ('paid', 'in_payment', 'reversed') else "NOT PAID",
            )
        )
    print()


def write_pdf():
    path = Path(os.environ['ASSIST_DEMO_PDF'])
    env['ir.config_parameter'].set_param('report.url', os.environ['ASSIST_DEMO_URL'])
    bill = max(bills(), key=lambda bill: (bill.assist_session_count, bill.id))
    content, _kind = env['ir.actions.report']._render_qweb_pdf('account.account_invoices', bill.ids)
    # The URL is for this rendering only, and the demo bill keeps no PDF of it.
    env.cr.rollback()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"PDF of bill {bill.name}: {path.resolve()}")


import_sample_export()
close_cycles()
pay_bills()
print_bills()
write_pdf()
