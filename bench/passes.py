"""The ways to make bills that are compared, each timed over real commits; run inside Odoo.

Every function returns `seconds`, and what tells the ways' bills apart or shows them equal.
"""

import gc
import os
import re
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from odoo.tools import SQL, split_every

from .clock import Clock
from .rows import copy_moves

BATCH = 100


def close(env, now):
    """Run the closing as the scheduled action does.

    :param str now: naive UTC, ISO; what is due then is billed
    :return: seconds by both clocks, and those of Odoo's processor for proofs; bills made and how
        many of them were derived, their untaxed total, memory in MB at the peak and before
    """
    before = get_last_move(env)
    proving = []
    gc.collect()
    _reset_peak()
    held = _get_memory('VmRSS')
    clock = Clock(env)
    with _timed(type(env['assist.bill.maker']), '_prove', proving):
        env['assist.billing.cycle']._cron_close_cycles(now=datetime.fromisoformat(now))
        env.cr.commit()
    cost = clock.stop()
    run = env['assist.billing.run'].search([], limit=1)
    return {
        **cost,
        'proof_seconds': sum(proving),
        'peak_mb': _get_memory('VmHWM'),
        'held_mb': held,
        'derived': sum(run.line_ids.mapped('derived_count')),
        **count_moves(env, before),
    }


@contextmanager
def _timed(owner, name, seconds):
    """Add to a list what each call of a method takes of this process."""
    method = getattr(owner, name)

    def timed(*args):
        began = time.process_time()
        try:
            return method(*args)
        finally:
            seconds.append(time.process_time() - began)

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, method)


def describe(env, after):
    """Return what the bills made after the move `after` say, for others to make the same."""
    moves = env['account.move'].search([('id', '>', after), ('assist_cycle_id', '!=', False)])
    return [
        {
            'ref': move.partner_id.ref,
            'invoice_date': str(move.invoice_date),
            'invoice_date_due': str(move.invoice_date_due),
            'delivery_date': str(move.delivery_date),
            'invoice_origin': move.invoice_origin,
            'lines': [
                [line.assist_charge, line.name, line.quantity, line.price_unit]
                for line in move.invoice_line_ids.sorted('id')
            ],
        }
        for move in moves.sorted('id')
    ]


def copy_by_sql(env, after, journal):
    """Copy the bills made after the move `after` by SQL alone: the floor."""
    ids = [
        row[0]
        for row in env.execute_query(
            SQL("SELECT id FROM account_move WHERE id > %s AND assist_cycle_id IS NOT NULL", after)
        )
    ]
    before = get_last_move(env)
    clock = Clock(env)
    for batch in split_every(BATCH, ids):
        copy_moves(env, list(batch), journal)
        env.cr.commit()
    return {**clock.stop(), **count_moves(env, before)}


def create_and_post(env, bills):
    """Make the same bills the plain way: `create` and `_post`, 100 at a time.

    :param bills: as `describe` returns them
    """
    customers = _get_customers(env, bills)
    products = _get_products(env)
    before = get_last_move(env)
    env.invalidate_all()
    clock = Clock(env)
    for batch in split_every(BATCH, bills):
        moves = env['account.move'].create(
            [_prepare_move_vals(bill, customers, products) for bill in batch]
        )
        moves._post(soft=False)
        env.cr.commit()
    return {**clock.stop(), **count_moves(env, before)}


def run_contracts(env, date):
    """Run the scheduled action of OCA's `contract`, and post what it made in one batch.

    :param str date: ISO; the day it runs
    """
    before = get_last_move(env)
    clock = Clock(env)
    env['contract.contract'].cron_recurring_create_invoice(
        date_ref=datetime.fromisoformat(date).date()
    )
    drafts = env['account.move'].search([('id', '>', before), ('state', '=', 'draft')])
    drafts._post(soft=False)
    env.cr.commit()
    return {**clock.stop(), **count_moves(env, before)}


def check_tie(env, now):
    """Tie all sessions and bills as of `now` (naive UTC, ISO); return what was found."""
    tie = env['assist.billing.tie'].create({})
    # Again: what should have been billed by today is not what should have been billed by then.
    began = time.perf_counter()
    tie._run(now=datetime.fromisoformat(now))
    return {
        'seconds': time.perf_counter() - began,
        'sessions': tie.session_count,
        'billed': sum(
            tie.part_ids.filtered(lambda part: part.state == 'billed').mapped('session_count')
        ),
        'checks': len(tie.check_ids),
        'differences': tie.difference_count,
        'found': {
            check.name: check.difference_count
            for check in tie.check_ids.filtered('difference_count')
        },
    }


def _prepare_move_vals(bill, customers, products):
    return {
        'move_type': 'out_invoice',
        'partner_id': customers[bill['ref']],
        'invoice_date': bill['invoice_date'],
        'invoice_date_due': bill['invoice_date_due'],
        'invoice_payment_term_id': False,
        'delivery_date': bill['delivery_date'],
        'taxable_supply_date': bill['delivery_date'],
        'invoice_user_id': False,
        'invoice_origin': bill['invoice_origin'],
        'invoice_line_ids': [
            (0, 0, {
                'product_id': products[charge],
                'name': name,
                'quantity': quantity,
                'price_unit': price,
            })
            for charge, name, quantity, price in bill['lines']
        ],
    }  # fmt: skip


def _get_customers(env, bills):
    refs = [bill['ref'] for bill in bills]
    found = env['res.partner'].search_fetch([('ref', 'in', refs)], ['ref'])
    return {partner.ref: partner.id for partner in found}


def _get_products(env):
    found = env['product.product'].search([('default_code', 'in', ('session', 'device'))])
    return {product.default_code: product.id for product in found}


def get_last_move(env):
    """Return the ID of the newest move."""
    env.flush_all()
    [[last]] = env.execute_query(SQL("SELECT COALESCE(max(id), 0) FROM account_move"))
    return last


def count_moves(env, after):
    """Return the number and total of the bills posted after the move `after`."""
    [[count, total]] = env.execute_query(
        SQL(
            "SELECT count(*), COALESCE(sum(amount_total), 0) FROM account_move"
            " WHERE id > %s AND state = 'posted'",
            after,
        )
    )
    return {'bills': count, 'total': float(total), 'after': after}


def _reset_peak():
    """Have the kernel count this process's peak of memory from now on."""
    Path('/proc/self/clear_refs').write_text('5')


def _get_memory(name):
    """Return a figure of this process's memory, in MB."""
    text = Path(f'/proc/{os.getpid()}/status').read_text()
    return int(re.search(rf'^{name}:\s+(\d+) kB', text, re.MULTILINE)[1]) / 1024
