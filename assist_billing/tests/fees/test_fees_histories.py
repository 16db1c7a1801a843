from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from ..thorough import few, shortened
from .fees_common import FeesCommon

# What happens, each so many days after the one before.
STEPS = st.tuples(
    st.integers(1, 16),
    st.sampled_from(
        ['come', 'come', 'go', 'price', 'suspend', 'resume', 'take_back', 'bill_again', 'nothing']
    ),
    st.integers(0, 5),
)
# (quantity rule, quantity, price, charge, by days, true-up); whole prices, so that a sum of
# hundredths has no cents to be rounded.
FEES = [
    ('fixed', 1, 500, 'advance', True, 'none'),
    ('seats', 7, 11, 'advance', False, 'none'),
    ('devices', 0, 12, 'advance', True, 'both'),
    ('devices', 0, 9, 'advance', True, 'up'),
    ('devices', 0, 8, 'advance', False, 'none'),
    ('fixed', 2, 40, 'arrears', True, 'none'),
    ('devices', 0, 5, 'arrears', True, 'none'),
]
DAY = timedelta(1)


def following(day, cycle):
    """Return the first day of the next period, of those that begin up to the 28th."""
    if cycle != 'monthly':
        return day + (7 if cycle == 'weekly' else 14) * DAY
    return date(day.year + day.month // 12, day.month % 12 + 1, day.day)


def half_up(numerator, denominator):
    """Return a quotient in hundredths, half up, by whole numbers alone."""
    return (200 * numerator + denominator) // (2 * denominator)


class Story:
    """What happened, day by day, and what it comes to: nothing of the engine is asked."""

    def __init__(self, start, cycle):
        self.start, self.cycle = start, cycle
        self.devices = []  # [first day, day of going or None]
        self.holes = []  # [first day without service, first day with it again or None]
        self.prices = {}  # place of a fee -> [(day, price)]
        self.end = None

    def get_periods(self):
        """Return (first day, day after the last, day after the last uncut) of each period."""
        periods, day = [], self.start
        while day <= self.end:
            after = following(day, self.cycle)
            periods.append((day, min(after, self.end), after))
            day = after
        # One that had begun on the day of the end was charged in advance.
        return periods

    def is_served(self, day):
        return day < self.end and not any(
            start <= day and (stop is None or day < stop) for start, stop in self.holes
        )

    def is_there(self, device, day):
        start, stop = device
        return start <= day and (stop is None or day < stop)

    def get_price(self, place, day):
        """Return the price in force when the period opened: what happens on a day comes later."""
        price = FEES[place][2]
        for changed_on, changed in self.prices.get(place, ()):
            price = changed if changed_on < day else price
        return price

    def get_due(self, place, start, stop, after):
        """Return what a fee of a period comes to, in hundredths of a unit."""
        rule, quantity, _price, charge, by_days, true_up = FEES[place]
        days = [start + i * DAY for i in range((stop - start).days)]
        served = [day for day in days if self.is_served(day)]
        if not served:
            return 0
        whole = (after - start).days
        share = (len(served), whole) if by_days else (1, 1)
        if rule != 'devices':
            return half_up(quantity * share[0], share[1])
        if charge == 'arrears':
            counted = [
                device
                for device in self.devices
                if any(self.is_there(device, day) for day in served)
            ]
            return half_up(len(counted) * share[0], share[1])
        there = sum(self.is_there(device, day) for device in self.devices for day in served)
        if true_up == 'both':
            return half_up(there, whole if by_days else len(served))
        if served[0] == start or not self.was_suspended(start):
            # As it stood when the period began.
            known = [d for d in self.devices if d[0] < start and (d[1] is None or start <= d[1])]
            units = len(known)
        else:
            units = 0
        if not units and served[0] != start:
            units = sum(self.is_there(device, served[0]) for device in self.devices)
        due = (units * share[0], share[1])
        if true_up == 'up' and there * due[1] > due[0] * whole:
            due = (there, whole)
        return half_up(*due)

    def was_suspended(self, day):
        return any(start < day and (stop is None or day <= stop) for start, stop in self.holes)

    def get_owed(self):
        hundredths = sum(
            self.get_due(place, *period) * self.get_price(place, period[0])
            for period in self.get_periods()
            for place in range(len(FEES))
        )
        return Decimal(hundredths) / 100


@tagged('post_install', '-at_install')
class TestFeesHistories(FeesCommon):
    """Whatever happens in which order: each fee once for each period, to the cent."""

    def _play(self, story, steps, ended_after):
        """Let it all happen to a new customer; return the association."""
        partner = self._create_partner("History")
        names = ('quantity_rule', 'quantity', 'price', 'charge', 'prorate', 'true_up')
        plan = self._create_managed_plan(
            *(
                self._fee(name=f"Fee {place}", **dict(zip(names, values, strict=True)))
                for place, values in enumerate(FEES)
            )
        )
        association = self._associate(partner, plan, start_date=story.start, cycle=story.cycle)
        self._close(f'{story.start} 00:00:00')
        self.devices = []
        day = story.start
        for days, name, number in steps:
            self._pass(story, day, day + days * DAY)
            day += days * DAY
            self._do(story, association, day, name, number)
        story.end = day + ended_after * DAY
        self._pass(story, day, day)
        association.end_date = story.end
        self._pass(story, day, story.end)
        self._bill_again(association)
        self._close(f'{story.end + DAY} 00:00:00')
        self._bill_again(association)
        return association

    def _pass(self, story, day, until):
        """Run the closing on the first day of each period on the way, and at its end."""
        boundary = story.start
        while boundary < until:
            if boundary > day:
                self._close(f'{boundary} 00:00:00')
            boundary = following(boundary, story.cycle)
        self._close(f'{until} 00:00:00')

    def _do(self, story, association, day, name, number):
        open_hole = next((hole for hole in story.holes if hole[1] is None), None)
        if name == 'come':
            story.devices.append([day, None])
            self.devices.append(self._create_device(association.partner_id, enrolled_on=day))
        elif name == 'go' and story.devices:
            place = number % len(story.devices)
            if story.devices[place][1] is None and story.devices[place][0] < day:
                story.devices[place][1] = day
                self.devices[place].removed_on = day
        elif name == 'price':
            place = number % len(FEES)
            story.prices.setdefault(place, []).append((day, FEES[place][2] + number + 1))
            association.plan_id.fee_ids[place].price = FEES[place][2] + number + 1
        elif name == 'suspend' and not open_hole and not any(day == h[1] for h in story.holes):
            story.holes.append([day, None])
            self.env['assist.billing.suspension'].create(
                {'association_id': association.id, 'date_from': day}
            )
        elif name == 'resume' and open_hole and open_hole[0] < day:
            open_hole[1] = day
            association.suspension_ids.filtered(lambda span: not span.date_to).date_to = day
        elif name == 'take_back':
            bills = association.bill_ids.filtered(
                lambda bill: bill.assist_kind == 'bill' and bill.state == 'posted'
            ).sorted('id')
            if bills:
                bills[number % len(bills)].button_cancel()
        elif name == 'bill_again':
            self._bill_again(association)

    def _bill_again(self, association):
        waiting = association.cycle_ids.filtered(lambda cycle: cycle.state == 'to_rebill')
        if waiting:
            waiting.action_rebill()
            waiting.move_id.filtered(lambda bill: bill.state == 'draft').action_post()

    @settings(
        max_examples=few(10, 2),
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        start=st.integers(1, 28),
        cycle=st.sampled_from(['weekly', 'fortnightly', 'monthly']),
        steps=st.lists(STEPS, min_size=3, max_size=7),
        ended_after=st.integers(0, 20),
    )
    def _check_histories(self, start, cycle, steps, ended_after):
        with self.cr.savepoint() as savepoint:
            story = Story(date(2026, 1, start), cycle)
            association = self._play(story, steps, ended_after)
            bills = self.env['account.move'].search(
                [('assist_association_id', '=', association.id), ('state', '=', 'posted')]
            )
            billed = sum(Decimal(str(round(bill.amount_untaxed_signed, 2))) for bill in bills)
            self.assertEqual(billed, story.get_owed(), (start, cycle, steps, ended_after))
            self._check_periods(association, story)
            self.assertTied(now=f'{story.end + DAY} 00:00:00')
            savepoint.rollback()
            self.env.invalidate_all()

    def _check_periods(self, association, story):
        """The periods of each fee follow each other from the start to the end, each once."""
        for fee in association.plan_id.fee_ids:
            rows = self.env['assist.billing.cycle.fee'].search(
                [('association_id', '=', association.id), ('fee_id', '=', fee.id)],
                order='date_start',
            )
            self.assertEqual(len(rows.cycle_id), len(rows))
            ends = [story.start, *rows.mapped('date_end')]
            self.assertEqual(ends[:-1], rows.mapped('date_start'))
            # One charged for a period that the end came before has a day without service.
            self.assertIn(ends[-1], (story.end, story.end + DAY))

    @shortened
    def test_whatever_happens_each_fee_is_paid_once(self):
        self._check_histories()
