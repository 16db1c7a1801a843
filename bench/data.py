"""Customers, devices, bills and sessions to measure with; run inside Odoo.

One customer, with a bill, is made by Odoo; all others are copies of its rows. Associations are
monthly, in UTC; each is due at the first of every month from February 2025. A bill has a line for
sessions, one for devices, a tax and a receivable line.
"""

from datetime import datetime, timedelta

from odoo import Command
from odoo.tools import SQL

from .rows import copy_rows

FIRST_DUE = datetime(2025, 2, 1)
PRICE_PER_SESSION = 20.0
PRICE_PER_HOUR = 90.0
PRICE_PER_DEVICE = 5.0
DEVICES_PER_CUSTOMER = 2
TABLES = (
    'res_partner', 'assist_device', 'assist_billing_association', 'assist_billing_cycle',
    'assist_session', 'account_move', 'account_move_line', 'mail_message',
)  # fmt: skip


def get_due_date(month):
    """Return when the cycles of a month are due (naive UTC); 0 is 1 February 2025."""
    return datetime(FIRST_DUE.year + (month + 1) // 12, (month + 1) % 12 + 1, 1)


def prepare(env, due, later=0, others=0, bills=0, sessions=0, hourly=False):
    """Fill a fresh database; say where the rows begin, for the other commands.

    :param due: customers that are due every month
    :param later: customers that are due every month but the first
    :param others: customers that are not due at all
    :param bills: bills that are in the ledger already, spread over all customers
    :param sessions: billed sessions that are stored already, spread over these bills
    :param hourly: their plan charges hours, not sessions
    """
    pattern = _create_pattern(env, hourly)
    # Without a look-up for each foreign key, of which the copies have a dozen, and right ones.
    env.cr.execute("SET LOCAL session_replication_role = replica")
    customers = due + later + others
    first = _copy_customers(env, pattern, customers)
    _copy_open_cycles(env, pattern, first, customers, due, later)
    if bills:
        cycles = _copy_bills(env, pattern, first, customers, bills)
        if sessions:
            _copy_billed_sessions(env, pattern, first, cycles, customers, bills, sessions)
    env.cr.execute("SET LOCAL session_replication_role = origin")
    # The pattern is not to be billed with the rest.
    env.cr.execute(
        SQL("UPDATE assist_billing_association SET state = 'on_hold' WHERE id = %s",
            pattern['association'])
    )  # fmt: skip
    analyze(env)
    return {**first, 'session_pattern': pattern['session'], 'journal': _create_journal(env)}


def prepare_second_company(env, due):
    """Have a second company, with a journal of its own, that has as many customers due."""
    company = env['res.company'].create({'name': "Second"})
    env['account.chart.template'].try_loading('generic_coa', company, install_demo=False)
    return prepare(env(context={**env.context, 'allowed_company_ids': company.ids}), due)


def mix(env, first, customers):
    """Have customers differ: a third has a salesperson, a quarter a fiscal position of its own."""
    partners = env['res.partner'].browse(range(first['partner'], first['partner'] + customers))
    salesperson = env['res.users'].create({'name': "Salesperson", 'login': 'bench_salesperson'})
    partners[::3].user_id = salesperson
    partners[::4].property_account_position_id = env['account.fiscal.position'].create(
        {'name': "Bench"}
    )


def create_hours(env):
    """Create service hours: business from 8 to 18 on workdays, evening at any other time."""
    business, evening = (env.ref(f'assist_billing.band_{name}') for name in ('business', 'evening'))
    spans = [
        (day, *span)
        for day in '01234'
        for span in ((0, 480, evening), (480, 1080, business), (1080, 1440, evening))
    ]
    spans += [(day, 0, 1440, evening) for day in '56']
    return env['assist.billing.hours'].create(
        {
            'name': "Office",
            'line_ids': [
                Command.create(
                    {
                        'dayofweek': day,
                        'minute_from': first,
                        'minute_to': last,
                        'band_id': band.id,
                    }
                )
                for day, first, last, band in spans
            ],
        }
    )


def add_rates(env):
    """Give all plans rates: evenings and weekends cost half as much again, a visit more."""
    evening = env.ref('assist_billing.band_evening')
    plans = env['assist.billing.plan'].search([])
    plans.hours_id = create_hours(env)
    rates = [{'band_id': evening.id, 'value': 150.0}, {'kind': 'on_site', 'value': 120.0}]
    env['assist.billing.rate'].create(
        [{'plan_id': plan.id, **rate} for plan in plans for rate in rates]
    )
    for plan in plans:
        plan.action_apply_to_open_cycles()
    env.cr.commit()


def add_due_sessions(env, first, month, customers, per_customer, mixed=False):
    """Store sessions of the month that ends when `month` is due, to be billed then.

    They last 10 to 69 minutes and are spread over the month.

    :param mixed: customers have different numbers of them
    """
    end = get_due_date(month)
    start = end - timedelta(days=28)
    count = customers * per_customer
    step = 27 * 86400 / per_customer
    customer = f'(i % {customers})'
    if mixed:
        # A third has the sessions of another third besides its own.
        customer = f'(CASE WHEN i < {count // 2} THEN {customer} ELSE {customer} / 3 * 3 END)'
    ended = (
        f"TIMESTAMP '{start}' + INTERVAL '1 day'"
        f" + ((i / {customers}) * {step} + i % 3600) * INTERVAL '1 second'"
    )
    seconds = '(600 + i % 3540)'
    copy_rows(
        env, 'assist_session', first['session_pattern'], count,
        partner_id=f"{first['partner']} + {customer}",
        association_id=f"{first['association']} + {customer}",
        external_id=f"'M{month}-' || i",
        cycle_id='NULL', billed_seconds='NULL', state="'to_bill'",
        ended_at=ended,
        started_at=f"{ended} - {seconds} * INTERVAL '1 second'",
        duration_seconds=seconds,
    )  # fmt: skip
    env.cr.execute("ANALYZE assist_session")


def analyze(env):
    """Refresh the statistics that PostgreSQL plans with, as its daemon does by and by."""
    for table in TABLES:
        env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))


def _create_pattern(env, hourly):
    """Create one customer with two devices, and close its cycle; return the IDs of its rows."""
    plan = env['assist.billing.plan'].create(
        {
            'name': "Bench",
            'billing_type': 'hour' if hourly else 'session',
            'price_per_session': PRICE_PER_SESSION,
            'price_per_hour': PRICE_PER_HOUR,
            'charge_devices': True,
            'price_per_device': PRICE_PER_DEVICE,
            'bill_handling': 'post',
        }
    )
    partner = env['res.partner'].create({'name': "Pattern", 'email': 'pattern@example.com'})
    devices = env['assist.device'].create(
        [
            {'name': f"PC {number}", 'partner_id': partner.id, 'enrolled_on': '2024-01-01'}
            for number in range(DEVICES_PER_CUSTOMER)
        ]
    )
    association = env['assist.billing.association'].create(
        {
            'plan_id': plan.id,
            'partner_id': partner.id,
            'cycle': 'monthly',
            'tz': 'UTC',
            'start_date': '2024-12-01',
            'due_days': 14,
        }
    )
    session = env['assist.session'].create(
        {
            'source': 'zoho_assist',
            'external_id': 'pattern',
            'partner_id': partner.id,
            'started_at': '2024-12-10 09:00:00',
            'ended_at': '2024-12-10 09:30:00',
        }
    )
    env['assist.billing.cycle']._cron_close_cycles(now=datetime(2025, 1, 1))
    closed, opened = association.cycle_ids.sorted('date_start')
    return {
        'partner': partner.id,
        'device': devices[0].id,
        'association': association.id,
        'session': session.id,
        'closed': closed.id,
        'open': opened.id,
        'move': closed.move_id.id,
    }


def _copy_customers(env, pattern, count):
    partner = copy_rows(
        env, 'res_partner', pattern['partner'], count,
        **_get_partner_values("s.id"),
    )  # fmt: skip
    env.cr.execute(SQL("UPDATE res_partner SET commercial_partner_id = id WHERE id >= %s", partner))
    copy_rows(
        env, 'assist_device', pattern['device'], count * DEVICES_PER_CUSTOMER,
        name="'PC ' || i", partner_id=f'{partner} + i % {count}',
    )  # fmt: skip
    association = copy_rows(
        env, 'assist_billing_association', pattern['association'], count,
        partner_id=f'{partner} + i',
        start_date="DATE '2025-01-01'", start_at="TIMESTAMP '2025-01-01'",
    )  # fmt: skip
    return {'partner': partner, 'association': association}


def _get_partner_values(commercial):
    return {
        'name': "'Customer ' || i",
        'complete_name': "'Customer ' || i",
        'ref': "'C' || i",
        'email': "'c' || i || '@example.com'",
        'email_normalized': "'c' || i || '@example.com'",
        'commercial_partner_id': commercial,
    }


def _copy_open_cycles(env, pattern, first, count, due, later):
    end = (
        f"(CASE WHEN i < {due} THEN DATE '2025-02-01'"
        f" WHEN i < {due + later} THEN DATE '2025-03-01' ELSE DATE '2035-01-01' END)"
    )
    copy_rows(
        env, 'assist_billing_cycle', pattern['open'], count,
        association_id=f"{first['association']} + i",
        partner_id=f"{first['partner']} + i",
        date_end=end, whole_date_end=end, end_at=f'{end}::timestamp',
    )  # fmt: skip


def _copy_bills(env, pattern, first, customers, bills):
    """Copy the bill of the pattern with its cycle; each customer's are a week apart."""
    week = f'(i / {customers})'
    begin, end = (f"(DATE '2025-01-01' - 7 * ({week} + {more}))" for more in (1, 0))
    partner = f"{first['partner']} + i % {customers}"
    association = f"{first['association']} + i % {customers}"
    cycles = copy_rows(
        env, 'assist_billing_cycle', pattern['closed'], bills,
        association_id=association, partner_id=partner, move_id='NULL',
        date_start=begin, start_at=f'{begin}::timestamp',
        date_end=end, whole_date_end=end, end_at=f'{end}::timestamp',
    )  # fmt: skip
    # In the same year as the bills that are measured: one sequence numbers them all.
    number = "'INV/2025/' || (100000 + i)"
    day = "DATE '2025-01-01'"
    moves = copy_rows(
        env, 'account_move', pattern['move'], bills,
        name=number, payment_reference=number, sequence_prefix="'INV/2025/'",
        sequence_number='100000 + i', partner_id=partner, commercial_partner_id=partner,
        partner_shipping_id=partner, assist_association_id=association,
        assist_cycle_id=f'{cycles} + i', date=day, invoice_date=day,
    )  # fmt: skip
    env.cr.execute(
        SQL("UPDATE assist_billing_cycle SET move_id = %s + id WHERE id BETWEEN %s AND %s",
            moves - cycles, cycles, cycles + bills - 1)
    )  # fmt: skip
    _copy_lines(env, pattern, partner, number, moves, bills)
    for [message] in env.execute_query(
        SQL("SELECT id FROM mail_message WHERE model = 'account.move' AND res_id = %s",
            pattern['move'])
    ):  # fmt: skip
        copy_rows(env, 'mail_message', message, bills, res_id=f'{moves} + i')
    return cycles


def _copy_lines(env, pattern, partner, number, moves, bills):
    for [line] in env.execute_query(
        SQL("SELECT id FROM account_move_line WHERE move_id = %s ORDER BY id", pattern['move'])
    ):
        copies = copy_rows(
            env, 'account_move_line', line, bills,
            move_id=f'{moves} + i', partner_id=partner, move_name=number,
            date="DATE '2025-01-01'", invoice_date="DATE '2025-01-01'",
        )  # fmt: skip
        env.cr.execute(
            SQL(
                "INSERT INTO account_move_line_account_tax_rel"
                " (account_move_line_id, account_tax_id)"
                " SELECT %s + i, account_tax_id FROM account_move_line_account_tax_rel,"
                " generate_series(0, %s) i WHERE account_move_line_id = %s",
                copies,
                bills - 1,
                line,
            )
        )


def _copy_billed_sessions(env, pattern, first, cycles, customers, bills, sessions):
    ended = (
        f"TIMESTAMP '2024-12-31' - ((i % {bills}) / {customers}) * INTERVAL '7 days'"
        " - i % 86400 * INTERVAL '1 second'"
    )
    customer = f'(i % {bills}) % {customers}'
    copy_rows(
        env, 'assist_session', pattern['session'], sessions,
        partner_id=f"{first['partner']} + {customer}",
        association_id=f"{first['association']} + {customer}",
        external_id="'H' || i", cycle_id=f'{cycles} + i % {bills}',
        ended_at=ended, started_at=f"{ended} - INTERVAL '30 minutes'",
    )  # fmt: skip


def _create_journal(env):
    """Create the journal for the copies that are made by SQL alone."""
    return env['account.journal'].create({'name': "Floor", 'code': 'FLOOR', 'type': 'sale'}).id
