"""A database of some years' work, to open every screen in; run inside Odoo.

One customer is made by Odoo, with devices, sessions and a bill of last month; all others are copies
of its rows, each bill of a customer a month before the next. So sessions and bills tie.
"""

from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from odoo import Command
from odoo.tools import SQL

from .data import DEVICES_PER_CUSTOMER, _copy_customers, _copy_lines, analyze
from .rows import copy_rows

TECHNICIANS = 20
ACCOUNTANT, PORTAL_USER = 'bench_accountant', 'bench_portal'
DURATION = 1800  # seconds of each session
# Unmatched sessions are of so many unknown domains.
DOMAINS = 400
RUNS = 1_000
FAILED = 20
TABLES = (
    'assist_billing_cycle_device', 'assist_session_part', 'assist_billing_run',
    'assist_billing_run_line', 'res_users', 'mail_followers',
)  # fmt: skip


def fill_screens(env, customers, bills, per_bill, waiting, unmatched, portal):
    """Fill a fresh database; `get_screen_users` says who looks.

    :param bills: of all customers together, each a month apart
    :param per_bill: billed sessions of each
    :param waiting: sessions of the present month, to be billed
    :param unmatched: sessions of nobody
    :param portal: sessions that the portal's customer has besides, for which nothing is charged
    """
    _user, portal_user = _create_users(env)
    pattern = _create_pattern(env, per_bill)
    technicians = _create_technicians(env)
    # Without a look-up for each foreign key, of which the copies have a dozen, and right ones.
    env.cr.execute("SET LOCAL session_replication_role = replica")
    first = _copy_customers(env, pattern, customers)
    _date_associations(env, first['association'], bills // customers)
    first['device'] = _get_first_device(env, first['partner'])
    _copy_open_cycles(env, pattern, first, customers)
    cycles = _copy_bills(env, pattern, first, customers, bills)
    _copy_sessions(
        env, pattern, first, technicians, customers, cycles=cycles, bills=bills,
        per_bill=per_bill, waiting=waiting, unmatched=unmatched, portal=portal,
    )  # fmt: skip
    _copy_runs(env)
    env.cr.execute("SET LOCAL session_replication_role = origin")
    env.cr.execute(
        SQL("UPDATE res_users SET partner_id = %s WHERE id = %s", first['partner'], portal_user.id)
    )
    _name_kinds(env, first, customers)
    analyze(env)
    for table in TABLES:
        env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
    env['assist.unmatched.summary']._cron_check()
    env['assist.billing.tie']._cron_check()
    env['assist.billing.cycle']._cron_note_unusual()


def get_screen_users(env):
    """Return the IDs of who looks and of whose portal it is, by the names `walk_screens` has."""
    users = env['res.users']
    return {
        'user': users.search([('login', '=', ACCOUNTANT)]).id,
        'portal_user': users.search([('login', '=', PORTAL_USER)]).id,
    }


def _create_users(env):
    """Create who looks, with all the rights of a billing manager, and a portal user."""
    groups = (
        'base.group_user', 'base.group_partner_manager', 'base.group_allow_export',
        'account.group_account_manager',
        'assist_billing.assist_billing_group_manager',
        'assist_billing.assist_billing_group_technician',
    )  # fmt: skip
    users = env['res.users'].with_context(no_reset_password=True)
    return users.create(
        [
            {
                'name': "Accountant",
                'login': ACCOUNTANT,
                'group_ids': [Command.set([env.ref(group).id for group in groups])],
            },
            {
                'name': "Portal",
                'login': PORTAL_USER,
                'group_ids': [Command.set([env.ref('base.group_portal').id])],
            },
        ]
    )


def _create_technicians(env):
    """Create them; return the first one's ID, which the others' follow."""
    users = env['res.users'].with_context(no_reset_password=True)
    technicians = users.create(
        [
            {'name': f"Technician {number}", 'login': f'bench_technician_{number}'}
            for number in range(TECHNICIANS)
        ]
    )
    return technicians[0].id


def _create_pattern(env, per_bill):
    """Create a customer with devices, sessions of last month and their bill; return their IDs."""
    month = date.today().replace(day=1)
    last = month - relativedelta(months=1)
    plan = env['assist.billing.plan'].create(
        {
            'name': "Bench",
            'price_per_session': 20.0,
            'charge_devices': True,
            'price_per_device': 5.0,
            'bill_handling': 'post',
        }
    )
    partner = env['res.partner'].create({'name': "Pattern", 'email': 'pattern@example.com'})
    devices = env['assist.device'].create(
        [
            {'name': f"PC {number}", 'partner_id': partner.id, 'enrolled_on': '2015-01-01'}
            for number in range(DEVICES_PER_CUSTOMER)
        ]
    )
    association = env['assist.billing.association'].create(
        {
            'plan_id': plan.id,
            'partner_id': partner.id,
            'cycle': 'monthly',
            'tz': 'UTC',
            'start_date': last,
            'due_days': 14,
        }
    )
    begun = datetime.combine(last, datetime.min.time()) + timedelta(days=1)
    sessions = env['assist.session'].create(
        [
            {
                'source': 'zoho_assist',
                'external_id': f'pattern{number}',
                'name': "Pattern",
                'partner_id': partner.id,
                'technician_id': env.user.id,
                'started_at': begun + timedelta(hours=number),
                'ended_at': begun + timedelta(hours=number, seconds=DURATION),
            }
            for number in range(per_bill)
        ]
    )
    waiting = sessions[0].copy(
        {
            'source': 'zoho_assist',
            'external_id': 'waiting',
            'started_at': begun + relativedelta(months=1),
            'ended_at': begun + relativedelta(months=1, seconds=DURATION),
        }
    )
    now = datetime.combine(month, datetime.min.time())
    env['assist.billing.cycle']._cron_close_cycles(now=now)
    closed, opened = association.cycle_ids.sorted('date_start')
    association.state = 'on_hold'
    env.flush_all()
    return {
        'partner': partner.id,
        'device': devices[0].id,
        'association': association.id,
        'session': sessions[0].id,
        'waiting': waiting.id,
        'closed': closed.id,
        'open': opened.id,
        'move': closed.move_id.id,
    }


def _date_associations(env, association, months):
    """Have the associations begin with their oldest bill."""
    start = date.today().replace(day=1) - relativedelta(months=months)
    env.cr.execute(
        SQL(
            "UPDATE assist_billing_association SET state = 'running', start_date = %s,"
            " start_at = %s, anchor_date = NULL WHERE id >= %s",
            start,
            start,
            association,
        )
    )


def _get_first_device(env, partner):
    [[device]] = env.execute_query(
        SQL("SELECT min(id) FROM assist_device WHERE partner_id = %s", partner)
    )
    return device


def _copy_open_cycles(env, pattern, first, customers):
    copy_rows(
        env, 'assist_billing_cycle', pattern['open'], customers,
        association_id=f"{first['association']} + i",
        partner_id=f"{first['partner']} + i",
        error=f"CASE WHEN i < {FAILED} THEN 'No rate' END",
        attempts=f"(i < {FAILED})::int",
    )  # fmt: skip


def _copy_bills(env, pattern, first, customers, bills):
    """Copy the bill of the pattern with its cycle, so many months back; return the first cycle."""
    months = f'(i / {customers})'
    partner = f"{first['partner']} + i % {customers}"
    association = f"{first['association']} + i % {customers}"
    cycles = copy_rows(
        env, 'assist_billing_cycle', pattern['closed'], bills,
        **_shift(env, 'assist_billing_cycle', months),
        association_id=association, partner_id=partner, move_id='NULL',
    )  # fmt: skip
    number = "'INV/2025/' || (100000 + i)"
    paid = f'{months} > 1'
    moves = copy_rows(
        env, 'account_move', pattern['move'], bills,
        **_shift(env, 'account_move', months),
        name=number, payment_reference=number, sequence_prefix="'INV/2025/'",
        sequence_number='100000 + i', partner_id=partner, commercial_partner_id=partner,
        partner_shipping_id=partner, assist_association_id=association,
        assist_cycle_id=f'{cycles} + i',
        payment_state=f"CASE WHEN {paid} THEN 'paid' ELSE 'not_paid' END",
        amount_residual=f'CASE WHEN {paid} THEN 0 ELSE s.amount_total END',
        amount_residual_signed=f'CASE WHEN {paid} THEN 0 ELSE s.amount_total END',
        assist_delivery_state=f"CASE WHEN {paid} THEN 'sent' ELSE 'none' END",
    )  # fmt: skip
    env.cr.execute(
        SQL("UPDATE assist_billing_cycle SET move_id = %s + id WHERE id BETWEEN %s AND %s",
            moves - cycles, cycles, cycles + bills - 1)
    )  # fmt: skip
    _copy_lines(env, pattern, partner, number, moves, bills)
    _date_lines(env, moves)
    _copy_messages(env, pattern, moves, bills)
    for [kept] in env.execute_query(
        SQL("SELECT id FROM assist_billing_cycle_device WHERE cycle_id = %s ORDER BY id",
            pattern['closed'])
    ):  # fmt: skip
        copy_rows(
            env, 'assist_billing_cycle_device', kept, bills,
            **_shift(env, 'assist_billing_cycle_device', months),
            cycle_id=f'{cycles} + i', association_id=association,
            device_id=f"{first['device']} + (i % {customers}) + {customers}"
            f" * (s.device_id - {pattern['device']})",
        )  # fmt: skip
    return cycles


def _shift(env, table, months):
    """Return SQL that has all dates and times of a copied row so many months earlier."""
    rows = env.execute_query(
        SQL(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %s AND data_type IN ('date', 'timestamp without time zone')",
            table,
        )
    )
    return {
        name: f"(s.{name} - {months} * INTERVAL '1 month')::{kind.partition(' ')[0]}"
        for name, kind in rows
    }


def _date_lines(env, moves):
    """Date the lines as their bills are, and have nothing due on those that are paid."""
    env.cr.execute(
        SQL(
            """
            UPDATE account_move_line l
               SET date = m.date, invoice_date = m.invoice_date,
                   date_maturity = CASE WHEN l.date_maturity IS NOT NULL
                                        THEN m.invoice_date_due END,
                   amount_residual = CASE WHEN m.payment_state = 'paid' THEN 0
                                          ELSE l.amount_residual END,
                   amount_residual_currency = CASE WHEN m.payment_state = 'paid' THEN 0
                                                   ELSE l.amount_residual_currency END,
                   reconciled = l.reconciled OR m.payment_state = 'paid'
                                            AND l.date_maturity IS NOT NULL
              FROM account_move m WHERE m.id = l.move_id AND m.id >= %s
            """,
            moves,
        )
    )


def _copy_messages(env, pattern, moves, bills):
    for [message] in env.execute_query(
        SQL("SELECT id FROM mail_message WHERE model = 'account.move' AND res_id = %s",
            pattern['move'])
    ):  # fmt: skip
        copy_rows(env, 'mail_message', message, bills, res_id=f'{moves} + i')


def _copy_sessions(
    env, pattern, first, technicians, customers, *, cycles, bills, per_bill, waiting, unmatched,
    portal,
):  # fmt: skip
    month = datetime.combine(date.today().replace(day=1), datetime.min.time())
    billed_month = f"TIMESTAMP '{month}' - INTERVAL '1 month' * (1 + (i % {bills}) / {customers})"
    _copy_some(
        env, pattern['session'], 'B', first, technicians, customers, bills * per_bill,
        customer=f'((i % {bills}) % {customers})',
        ended=f"{billed_month} + INTERVAL '1 day' + ((i / {bills}) * {26 * 86400 // per_bill}"
        " + i::bigint * 7919 % 40000) * INTERVAL '1 second'",
        cycle_id=f'{cycles} + i % {bills}',
    )  # fmt: skip
    elapsed = max(int((datetime.now() - month).total_seconds()), 7200)
    present = (
        f"TIMESTAMP '{month}' + (3600 + i::bigint * 7919 % {elapsed - 3600}) * INTERVAL '1 second'"
    )
    _copy_some(
        env, pattern['waiting'], 'W', first, technicians, customers, waiting,
        customer=f'(i % {customers})', ended=present,
    )  # fmt: skip
    nobody = _copy_some(
        env, pattern['waiting'], 'U', first, technicians, customers, unmatched,
        customer='i', ended=present,
        source_email=f"'user' || i || '@company' || i % {DOMAINS} || '.example'",
        state="'unmatched'",
    )  # fmt: skip
    env.cr.execute(
        SQL("UPDATE assist_session SET partner_id = NULL, association_id = NULL, device_id = NULL"
            " WHERE id >= %s", nobody)
    )  # fmt: skip
    _copy_some(
        env, pattern['waiting'], 'P', first, technicians, customers, portal,
        customer='0',
        ended=f"TIMESTAMP '{month}' - i * INTERVAL '5 minutes'",
        state="'non_billable'", billable='FALSE',
    )  # fmt: skip
    _copy_parts(env)


def _copy_some(
    env, source, series, first, technicians, customers, count, *, customer, ended, **values
):
    device = f"{first['device']} + {customer} + {customers} * (i / 7 % {DEVICES_PER_CUSTOMER})"
    subjects = "(ARRAY['Printer', 'Mail', 'Update', 'Network', 'Backup'])[1 + i * 31 % 5]"
    return copy_rows(
        env, 'assist_session', source, count,
        **{
            'name': f"{subjects} || ' ' || i",
            'partner_id': f"{first['partner']} + {customer}",
            'association_id': f"{first['association']} + {customer}",
            'device_id': f'CASE WHEN i % 3 = 0 THEN {device} END',
            'technician_id': f'{technicians} + i * 13 % {TECHNICIANS}',
            'kind': "(ARRAY['remote_support', 'unattended', 'phone'])[1 + i * 17 % 3]",
            'external_id': f"'{series}' || i",
            'ended_at': ended,
            'started_at': f"{ended} - INTERVAL '{DURATION} seconds'",
            **values,
        },
    )  # fmt: skip


def _copy_parts(env):
    """Give a fifth of the billed sessions a part, as rates make them."""
    env.cr.execute(
        SQL(
            """
            INSERT INTO assist_session_part (
                session_id, cycle_id, company_id, currency_id, started_at, ended_at, kind,
                measured_seconds, seconds, billed_seconds, price, quantity, amount
            )
            SELECT s.id, s.cycle_id, s.company_id, c.currency_id, s.started_at, s.ended_at, s.kind,
                   s.duration_seconds, s.duration_seconds, s.billed_seconds, 20, 1, 20
              FROM assist_session s JOIN assist_billing_cycle c ON c.id = s.cycle_id
             WHERE s.state = 'billed' AND s.id %% 5 = 0
            """
        )
    )


def _copy_runs(env):
    [[run]] = env.execute_query(SQL("SELECT min(id) FROM assist_billing_run"))
    hours = "i * INTERVAL '1 hour'"
    runs = copy_rows(
        env, 'assist_billing_run', run, RUNS,
        **{
            name: f's.{name} - {hours}' for name in ('started_at', 'last_at', 'ended_at')
        },
    )  # fmt: skip
    for [line] in env.execute_query(
        SQL("SELECT id FROM assist_billing_run_line WHERE run_id = %s", run)
    ):
        copy_rows(env, 'assist_billing_run_line', line, RUNS, run_id=f'{runs} + i')


def _name_kinds(env, first, customers):
    """Have some of everything: on hold, ended, taken out of service, running."""
    env.cr.execute(
        SQL(
            "UPDATE assist_billing_association SET state = 'on_hold' WHERE id >= %(first)s"
            " AND id %% 100 = 0",
            first=first['association'],
        )
    )
    env.cr.execute(
        SQL(
            "UPDATE assist_device SET removed_on = CURRENT_DATE - 1000 WHERE id >= %s"
            " AND id %% 50 = 0 AND NOT EXISTS (SELECT 1 FROM assist_billing_cycle_device k"
            " WHERE k.device_id = assist_device.id)",
            first['device'],
        )
    )
    env.cr.execute(
        SQL(
            "UPDATE assist_session SET state = 'running', ended_at = NULL, duration_seconds = 0"
            " WHERE state = 'to_bill' AND id %% 2000 = 0"
        )
    )
    env.invalidate_all()
