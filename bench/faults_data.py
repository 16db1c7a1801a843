"""What runs inside Odoo while things go wrong: a month end, sending on a full disk, people.

Each function is called in `odoo shell`, in a process of its own that may be killed.
"""

import contextlib
import random
import resource
import sys
import time
from datetime import date, datetime, timedelta

from odoo import Command
from odoo.exceptions import LockError, UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.base.models.ir_attachment import IrAttachment

from .data import create_hours

DUE = """
SELECT count(*) FROM assist_billing_cycle
 WHERE state = 'open' AND end_at <= now() AT TIME ZONE 'UTC'
"""
# One of each way to charge; `faults_oracle.py` knows the rules by itself.
PLANS = [
    {
        'name': "Sessions and devices",
        'price_per_session': 20.0,
        'charge_devices': True,
        'price_per_device': 5.0,
        'device_count': 'any_day',
    },
    {
        'name': "Hours in quarters",
        'billing_type': 'hour',
        'price_per_hour': 61.3,
        'minimum_minutes': 10,
        'increment_minutes': 15,
    },
    {
        'name': "Hours with base fee and minimum",
        'billing_type': 'hour',
        'price_per_hour': 48.5,
        'base_fee': 12.0,
        'base_minutes': 15,
        'minimum_charge': 250.0,
    },
    {
        'name': "Sessions beyond some",
        'price_per_session': 12.35,
        'included_quantity': 4,
        'ignore_under_seconds': 300,
        'charge_devices': True,
        'price_per_device': 7.25,
        'device_count': 'at_close',
    },
    {
        'name': "Drafts by the second",
        'billing_type': 'hour',
        'price_per_hour': 79.99,
        'bill_handling': 'draft',
    },
]
# How the evenings are charged, from the eighteenth hour to the eighth; and the weekend.
EVENING_PERCENT = 150
SENT_PLAN = {'name': "Sent", 'price_per_session': 15.0, 'bill_handling': 'send'}


def prepare(env, customers, per_customer, sent):
    """Fill a fresh database with a month that is due today.

    :param customers: associations that are due, in turn of each plan
    :param per_customer: sessions of each
    :param sent: how many of them have a plan whose bills are sent
    """
    end = date.today().replace(day=1)
    start = (end - timedelta(days=1)).replace(day=1)
    draw = random.Random(1)  # noqa: S311 - the same month each time
    plans = env['assist.billing.plan'].create(
        [{'bill_handling': 'post', **p} for p in [*PLANS, *_describe_agreements(env, start)]]
    )
    sending = env['assist.billing.plan'].create(SENT_PLAN)
    env.company.email = 'billing@seller.example'
    partners = env['res.partner'].create(
        [{'name': f"Customer {n}", 'email': f'c{n}@x.example'} for n in range(customers)]
    )
    env['assist.billing.association'].create(
        [
            {
                'partner_id': partner.id,
                'plan_id': (sending if n < sent else plans[n % len(plans)]).id,
                'start_date': start,
                'tz': 'UTC',
                'due_days': 14,
            }
            for n, partner in enumerate(partners)
        ]
    )
    env['assist.device'].create(
        [
            {
                'name': f"PC {n}",
                'partner_id': partner.id,
                'enrolled_on': start + timedelta(days=10 * n),
                # The first one leaves on the way, the second stays, the third comes late.
                'removed_on': start + timedelta(days=20) if n == 0 else False,
            }
            for partner in partners
            for n in range(3)
        ]
    )
    env.cr.commit()
    for first in range(0, customers, 100):
        env['assist.session'].create(
            [
                _draw_session(draw, partner, start, (end - start).days)
                for partner in partners[first : first + 100]
                for _number in range(per_customer)
            ]
        )
        env.cr.commit()
    env['assist.billing.cycle']._open_begun_cycles(env.cr.now())
    # Only what bills are made and sent with runs by itself.
    ours = env.ref('assist_billing.ir_cron_close_cycles')
    env['ir.cron'].search([('id', '!=', ours.id)]).active = False
    env['ir.cron.trigger'].search([]).unlink()
    ours.nextcall = '2099-01-01 00:00:00'
    env.cr.commit()
    env.cr.execute("ANALYZE")
    env.cr.commit()


def _describe_agreements(env, start):
    """Return the values of plans with rates, tiers, fees and prices by date."""
    evening, hours = env.ref('assist_billing.band_evening'), create_hours(env)
    product = env.ref('assist_billing.product_fee').id
    return [
        {
            'name': "Evenings, and dearer from the fifteenth on",
            'billing_type': 'hour',
            'price_per_hour': 61.3,
            'increment_minutes': 15,
            'hours_id': hours.id,
            'rate_ids': [Command.create({'band_id': evening.id, 'value': EVENING_PERCENT})],
            'version_ids': [
                Command.create({'date_from': start + timedelta(days=14), 'price_per_hour': 66.45})
            ],
        },
        {
            'name': "The more, the cheaper, up to a maximum",
            'billing_type': 'hour',
            'price_per_hour': 80.0,
            'maximum_charge': 250.0,
            'tier_ids': [
                Command.create({'from_quantity': quantity, 'price': price})
                for quantity, price in ((2.0, 70.35), (4.0, 60.0))
            ],
        },
        {
            'name': "A managed agreement",
            'billing_type': 'hour',
            'price_per_hour': 95.0,
            'fee_ids': [
                Command.create({'product_id': product, 'price': 150.0, 'included_hours': 2.0}),
                Command.create({'product_id': product, 'quantity_rule': 'devices', 'price': 3.15}),
            ],
        },
    ]


def _draw_session(draw, partner, start, days):
    second = draw.randrange(days * 86400 - 3600)
    begin = datetime.combine(start, datetime.min.time()) + timedelta(seconds=second)
    return {
        'partner_id': partner.id,
        'started_at': begin,
        'ended_at': begin + timedelta(seconds=draw.randrange(60, 3600)),
    }


def close(env):
    """Run the scheduled action as the scheduler does, once."""
    _say("BEGIN")
    env['assist.billing.cycle']._cron_close_cycles()
    _say("END")


def finish(env):
    """Let hours pass, and Odoo run what is scheduled, until nothing is due and nothing fails.

    Odoo counts an action as failing that was killed three times before it had told of anything;
    the next time, an hour later, it runs again.
    """
    env.cr.execute("UPDATE assist_billing_run SET last_at = last_at - INTERVAL '1 hour'")
    closing = env.ref('assist_billing.ir_cron_close_cycles')
    for _turn in range(5):
        env.cr.execute(
            "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - INTERVAL '1 minute'"
            " WHERE id = %s",
            [closing.id],
        )
        env.cr.commit()
        closing._process_jobs(env.cr.dbname)
        env.invalidate_all()
        env.cr.execute(DUE)
        if not closing.failure_count and env.cr.fetchone() == (0,):
            break
    env.cr.commit()
    _say("END")


def send(env, room=None):
    """Send what is queued, with room for so many files; the disk takes 512 bytes of the next."""
    write, written = IrAttachment._file_write, 0

    def write_until_full(self, *args):
        nonlocal written
        written += 1
        if written <= room:
            return write(self, *args)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, limits[1]))
        try:
            return write(self, *args)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    if room is not None:
        IrAttachment._file_write = write_until_full
    env['account.move']._cron_account_move_send()
    env.cr.commit()
    _say("END")


def bill_again(env):
    """Do what a person does who has taken bills back: bill these cycles again."""
    env['assist.billing.cycle'].search([('state', '=', 'to_rebill')]).action_rebill()
    env.cr.commit()
    _say("END")


def write_against(env, seed):
    """Change sessions, customers and associations that are being billed, as fast as it goes."""
    draw = random.Random(seed)  # noqa: S311
    _say("BEGIN")
    env.cr.execute(DUE)
    while env.cr.fetchone() != (0,):
        with contextlib.suppress(*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            env.cr.execute(
                """UPDATE assist_session SET note = %s WHERE id IN (
                       SELECT id FROM assist_session WHERE state = 'to_bill' ORDER BY id
                        OFFSET %s LIMIT 1)""",
                [f"note {draw.random()}", draw.randrange(500)],
            )
            env.cr.execute(
                """UPDATE assist_billing_association SET due_days = 14 WHERE id IN (
                       SELECT association_id FROM assist_billing_cycle
                        WHERE state = 'open' AND end_at <= now() AT TIME ZONE 'UTC' ORDER BY id
                       OFFSET %s LIMIT 1)""",
                [draw.randrange(200)],
            )
            env.cr.commit()
        env.cr.rollback()
        time.sleep(0.01)
        env.cr.execute(DUE)
    _say("END")


def work(env, seed):
    """Work as accountants do until nothing is due; print what was done how often.

    Whoever loses a race tries something else, and so does who is told in words that he cannot.
    """
    draw = random.Random(seed)  # noqa: S311
    person = _People(env, draw)
    done = dict.fromkeys(person.actions, 0)
    lost = refused = 0
    _say("BEGIN")
    env.cr.execute(DUE)
    while env.cr.fetchone() != (0,):
        name = draw.choice(person.actions)
        try:
            done[name] += getattr(person, name)()
            env.cr.commit()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            lost += 1
        except (UserError, ValidationError, LockError):
            refused += 1
        env.cr.rollback()
        env.invalidate_all()
        time.sleep(draw.uniform(0, 0.3))
        env.cr.execute(DUE)
    _say("DONE " + repr({**done, 'lost': lost, 'refused': refused}))


class _People:
    """What people do meanwhile; each returns how many records it was done to."""

    actions = (
        'edit', 'post', 'cancel', 'delete', 'reset', 'archive_plan', 'move_to_plan', 'merge',
        'write_to_customer',
    )  # fmt: skip

    def __init__(self, env, draw):
        self.env, self.draw = env, draw
        self.plans = env['assist.billing.plan'].search([])

    def _pick(self, model, domain):
        ids = self.env[model].search(domain, limit=40, order='id desc').ids
        return self.env[model].browse(self.draw.choice(ids) if ids else ())

    def _pick_bill(self, state):
        return self._pick('account.move', [('assist_kind', '=', 'bill'), ('state', '=', state)])

    def edit(self):
        bill = self._pick_bill('draft')
        bill.write({'narration': "Thank you", 'ref': str(self.draw.random())})
        return len(bill)

    def post(self):
        bill = self._pick_bill('draft')
        bill.action_post()
        return len(bill)

    def cancel(self):
        bill = self._pick_bill('draft')
        bill.button_cancel()
        return len(bill)

    def delete(self):
        bill = self._pick_bill('draft')
        bill.unlink()
        return len(bill)

    def reset(self):
        bill = self._pick_bill('posted')
        if bill.assist_delivery_state == 'queued':
            return 0
        bill.button_draft()
        bill.action_post()
        return len(bill)

    def archive_plan(self):
        plan = self.draw.choice(self.plans)
        plan.active = not plan.active
        return 1

    def move_to_plan(self):
        association = self.env['assist.billing.association'].browse(self._pick_due())
        association.plan_id = self.draw.choice(self.plans)
        return len(association)

    def merge(self):
        """Merge a contact that was entered twice into the customer."""
        association = self.env['assist.billing.association'].browse(self._pick_due())
        if not association:
            return 0
        customer = association.partner_id
        double = self.env['res.partner'].create({'name': customer.name, 'email': customer.email})
        self.env.flush_all()
        self.env['base.partner.merge.automatic.wizard']._merge(
            [customer.id, double.id], dst_partner=customer
        )
        return len(association)

    def write_to_customer(self):
        association = self.env['assist.billing.association'].browse(self._pick_due())
        association.partner_id.write({'phone': str(self.draw.random())})
        association.billing_emails = "bills@example.com"
        return len(association)

    def _pick_due(self):
        self.env.cr.execute(
            """SELECT association_id FROM assist_billing_cycle
                WHERE state = 'open' AND end_at <= now() AT TIME ZONE 'UTC' ORDER BY id
               OFFSET %s LIMIT 1""",
            [self.draw.randrange(200)],
        )
        return [association for [association] in self.env.cr.fetchall()]


def _say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()
