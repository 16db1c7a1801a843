"""Sessions brought in three ways: `ingest`, Odoo's `create` and `load`; run inside Odoo.

All take the same records, of Zoho Assist's shape, of customers that are found by their e-mail
address; each under IDs of its own, so that all of them are new.
"""

import gc
import time
from datetime import datetime, timedelta, timezone

from .passes import _get_memory, _reset_peak

BEGIN = datetime(2025, 1, 1, tzinfo=timezone.utc)
BATCH = 1_000


def ingest(env, series, count, customers):
    """Take in records through `assist.session.ingest`, in one call.

    :param str series: begins the IDs; another one for each call
    :return: seconds, sessions created, memory in MB at the peak and before
    """
    gc.collect()
    _reset_peak()
    held = _get_memory('VmRSS')
    # A generator, as a file's reader is one: the records are not all in memory at once.
    records = (_make_record(series, number, customers) for number in range(count))
    began = time.perf_counter()
    answers = env['assist.session'].ingest(records, 'zoho_assist')
    env.cr.commit()
    seconds = time.perf_counter() - began
    created = sum(answer['status'] == 'created' for answer in answers)
    return {
        'seconds': seconds,
        'created': created,
        'peak_mb': _get_memory('VmHWM'),
        'held_mb': held,
    }


def create(env, series, count, customers):
    """Create the same sessions by `create`, 1,000 at a time."""
    partners = _get_partners(env, customers)
    began = time.perf_counter()
    sessions = env['assist.session']
    for first in range(0, count, BATCH):
        sessions |= sessions.create(
            [
                _prepare_vals(_make_record(series, number, customers), partners)
                for number in range(first, min(first + BATCH, count))
            ]
        )
    env.cr.commit()
    return {'seconds': time.perf_counter() - began, 'created': len(sessions)}


def load(env, series, count, customers):
    """Import the same sessions by `load`, in one call, as Odoo's import of a CSV file does."""
    fields = ['source', 'external_id', 'name', 'partner_id/.id', 'started_at', 'ended_at']
    partners = _get_partners(env, customers)
    rows = []
    for number in range(count):
        vals = _prepare_vals(_make_record(series, number, customers), partners)
        rows.append([str(vals[field.partition('/')[0]]) for field in fields])
    began = time.perf_counter()
    answer = env['assist.session'].load(fields, rows)
    env.cr.commit()
    if not answer['ids']:
        raise ValueError(answer['messages'][:3])
    return {'seconds': time.perf_counter() - began, 'created': len(answer['ids'])}


def _make_record(series, number, customers):
    start = BEGIN + timedelta(seconds=number * 20 % 2_400_000)
    milliseconds = int(start.timestamp()) * 1000
    return {
        'session_id': f'{series}-{number}',
        'start_time': milliseconds,
        'end_time': milliseconds + 1_800_000,
        'agent_email': f'c{number % customers}@example.com',
        'viewer_email': 'nobody@example.com',
        'display_name': f"Help {number}",
    }


def _prepare_vals(record, partners):
    start = datetime.fromtimestamp(record['start_time'] / 1000, tz=timezone.utc)
    start = start.replace(tzinfo=None)
    return {
        'source': 'zoho_assist',
        'external_id': record['session_id'],
        'name': record['display_name'],
        'partner_id': partners[record['agent_email']],
        'technician_id': False,
        'started_at': start,
        'ended_at': start + timedelta(minutes=30),
    }


def _get_partners(env, customers):
    emails = [f'c{number}@example.com' for number in range(customers)]
    found = env['res.partner'].search_fetch([('email', 'in', emails)], ['email'])
    return {partner.email: partner.id for partner in found}
