"""Rating of sessions, rule by rule and together: expectations worked out by hand."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from rules import rating

JANUARY = (date(2026, 1, 1), date(2026, 2, 1), 31)


def hourly(**values):
    return rating.Terms(**{'billing_type': 'hour', 'price_per_hour': 60, **values})


def by_session(**values):
    return rating.Terms(**{'price_per_session': 10, **values})


def session(session_id, start, end, customer='acme', technician='ann', device='pc'):
    """Return a session of 5 January 2026, between two times of day."""
    start, end = (datetime.fromisoformat(f'2026-01-05 {text}') for text in (start, end))
    return rating.Session(session_id, start, end, customer, technician, device)


def rate(terms, *sessions, devices=(), period=JANUARY):
    return rating.rate(terms, period, sessions, devices)


def printed(rated):
    """Return the lines as text, 'charge quantity x price = amount'."""
    return [f'{row.charge} {row.quantity} x {row.price} = {row.amount}' for row in rated.lines]


TWENTY = session(1, '10:00', '10:20')
HALF_HOUR = session(2, '12:00', '12:30')
DEVICES = tuple(rating.Device(each, [(None, None)]) for each in (1, 2, 3))


# === ONE RULE AT A TIME === #


@pytest.mark.parametrize(
    ('terms', 'sessions', 'expected'),
    [
        # Nothing used; hours in full; sessions by number.
        (hourly(), (), []),
        (hourly(), (TWENTY, HALF_HOUR), ['hour 0.83 x 60.00 = 49.80']),
        (by_session(), (TWENTY, HALF_HOUR), ['session 2.00 x 10.00 = 20.00']),
        # Hours are rounded once, half up: 3 x 100 s are 0.08 h and not 3 x 0.03 h.
        (
            hourly(),
            [session(i, f'1{i}:00:00', f'1{i}:01:40') for i in range(3)],
            ['hour 0.08 x 60.00 = 4.80'],
        ),
        (hourly(), [session(1, '10:00:00', '10:00:18')], ['hour 0.01 x 60.00 = 0.60']),
        (hourly(), [session(1, '10:00:00', '10:00:17')], []),
        (hourly(quantity_digits=4), [TWENTY], ['hour 0.3333 x 60.00 = 20.00']),
        # Seconds are whole: 10:00:00 to 10:00:18, and to 10:00:17.
        (hourly(), [session(1, '10:00:00.900', '10:00:18.100')], ['hour 0.01 x 60.00 = 0.60']),
        (hourly(), [session(1, '10:00:00.000', '10:00:17.999')], []),
        # What was used is printed, even at a price of zero.
        (by_session(price_per_session=0), [TWENTY], ['session 1.00 x 0.00 = 0.00']),
        # Short ones: under 60 s, not 60 s.
        (
            by_session(ignore_under_seconds=60),
            [session(1, '10:00:00', '10:00:59'), session(2, '11:00:00', '11:01:00')],
            ['session 1.00 x 10.00 = 10.00'],
        ),
        # Minimum and increment, per session.
        (hourly(minimum_minutes=15), [session(1, '10:00', '10:01')], ['hour 0.25 x 60.00 = 15.00']),
        (hourly(minimum_minutes=15), [TWENTY], ['hour 0.33 x 60.00 = 19.80']),
        (
            hourly(increment_minutes=15),
            [session(1, '10:00:00', '10:15:00'), session(2, '11:00:00', '11:15:01')],
            ['hour 0.75 x 60.00 = 45.00'],
        ),
        (by_session(minimum_minutes=99), [TWENTY], ['session 1.00 x 10.00 = 10.00']),
        # The base fee covers its minutes; what one session leaves of them, no other can use.
        (
            hourly(base_fee=5, base_minutes=30),
            [session(1, '10:00', '10:10'), session(2, '11:00', '11:50')],
            ['hour 0.33 x 60.00 = 19.80', 'base_fee 2 x 5.00 = 10.00'],
        ),
        (hourly(base_fee=5, base_minutes=20), [TWENTY], ['base_fee 1 x 5.00 = 5.00']),
        (hourly(base_minutes=20), [HALF_HOUR], ['hour 0.17 x 60.00 = 10.20']),
        (
            by_session(base_fee=5, base_minutes=20),
            [TWENTY],
            ['session 1.00 x 10.00 = 10.00'],
        ),
        # Included: sessions or hours of the whole cycle.
        (hourly(included_quantity='0.5'), (TWENTY, HALF_HOUR), ['hour 0.33 x 60.00 = 19.80']),
        (by_session(included_quantity=1), (TWENTY, HALF_HOUR), ['session 1.00 x 10.00 = 10.00']),
        (by_session(included_quantity=2), (TWENTY, HALF_HOUR), []),
        (by_session(included_quantity=9), (TWENTY, HALF_HOUR), []),
        # The minimum charge is topped up, and billed although nothing was used.
        (
            by_session(minimum_charge='25.50'),
            (TWENTY, HALF_HOUR),
            ['session 2.00 x 10.00 = 20.00', 'minimum 1 x 5.50 = 5.50'],
        ),
        (by_session(minimum_charge=20), (TWENTY, HALF_HOUR), ['session 2.00 x 10.00 = 20.00']),
        (by_session(minimum_charge=20), (), ['minimum 1 x 20.00 = 20.00']),
        (
            hourly(base_fee=5, minimum_charge=30),
            [TWENTY],
            ['hour 0.33 x 60.00 = 19.80', 'base_fee 1 x 5.00 = 5.00', 'minimum 1 x 5.20 = 5.20'],
        ),
        # Currencies: yen, centimes in fives, fils; prices of their own digits, half up.
        (
            by_session(price_per_session='2.5', currency_rounding=1),
            [TWENTY],
            ['session 1.00 x 2.50 = 3'],
        ),
        (
            by_session(price_per_session='1.125', price_digits=3, currency_rounding='0.05'),
            [TWENTY],
            ['session 1.00 x 1.125 = 1.15'],
        ),
        (
            hourly(price_per_hour='1.234', price_digits=3, currency_rounding=0.001),
            [HALF_HOUR],
            ['hour 0.50 x 1.234 = 0.617'],
        ),
        (by_session(price_per_session='1.005'), [TWENTY], ['session 1.00 x 1.01 = 1.01']),
    ],
)
def test_each_rule(terms, sessions, expected):
    assert printed(rate(terms, *sessions)) == expected


# === MERGING === #


@pytest.mark.parametrize(
    ('gap', 'sessions', 'merged_into', 'billed'),
    [
        # Gap of at most 5 minutes, unbilled.
        (5, [session(1, '10:00', '10:10'), session(2, '10:15', '10:25')], {2: 1}, {1: 20}),
        (4, [session(1, '10:00', '10:10'), session(2, '10:15', '10:25')], {}, {1: 10, 2: 10}),
        # Chained: the third is 15 minutes after the first, 5 after the second.
        (
            5,
            [session(i, f'10:{15 * i:02}', f'10:{15 * i + 10}') for i in (0, 1, 2)],
            {1: 0, 2: 0},
            {0: 30},
        ),
        # Overlapping time counts once; one within another adds nothing.
        (1, [session(1, '10:00', '10:30'), session(2, '10:20', '10:40')], {2: 1}, {1: 40}),
        (1, [session(1, '10:00', '10:30'), session(2, '10:10', '10:20')], {2: 1}, {1: 30}),
        # The gap counts from the latest end, not from the end of the session before.
        (
            5,
            [
                session(1, '10:00', '11:00'),
                session(2, '10:10', '10:20'),
                session(3, '11:04', '11:10'),
            ],
            {2: 1, 3: 1},
            {1: 66},
        ),
        # A new chain after too long a gap.
        (
            5,
            [
                session(1, '10:00', '10:10'),
                session(2, '11:00', '11:10'),
                session(3, '11:12', '11:20'),
            ],
            {3: 2},
            {1: 10, 2: 18},
        ),
        # Zero is off, even for sessions that overlap.
        (0, [session(1, '10:00', '10:30'), session(2, '10:20', '10:40')], {}, {1: 30, 2: 20}),
        # Another customer, technician or device; no device.
        *(
            (60, [TWENTY, session(2, '10:10', '10:30', **other)], {}, {1: 20, 2: 20})
            for other in ({'customer': 'x'}, {'technician': 'x'}, {'device': 'x'}, {'device': None})
        ),
        (
            60,
            [session(i, '10:00', '10:20', device=None) for i in (1, 2)],
            {},
            {1: 20, 2: 20},
        ),
        # Another's session in between does not part them.
        (
            5,
            [TWENTY, session(2, '10:10', '10:22', technician='bob'), session(3, '10:25', '10:30')],
            {3: 1},
            {1: 25, 2: 12},
        ),
        # The earliest is the head; of those that start at once the one that ends first.
        (5, [session(1, '10:00', '10:20'), session(2, '10:00', '10:10')], {1: 2}, {2: 20}),
        (5, [session(2, '10:00', '10:10'), session(1, '10:00', '10:10')], {2: 1}, {1: 10}),
    ],
)
def test_merging(gap, sessions, merged_into, billed):
    rated = rate(hourly(merge_gap_minutes=gap), *sessions)
    assert {row.id: row.merged_into for row in rated.sessions if row.reason} == merged_into
    assert {row.id: row.billed_seconds // 60 for row in rated.sessions if not row.reason} == billed
    assert {row.reason for row in rated.sessions} <= {None, 'merged'}
    assert rated.measured_seconds == sum((each.end - each.start).seconds for each in sessions)
    assert rate(by_session(merge_gap_minutes=gap), *sessions).billed_quantity == len(billed)


def test_a_plan_by_session_shows_minimum_and_increment_but_no_base_minutes():
    rules = {'minimum_minutes': 25, 'increment_minutes': 15, 'base_minutes': 10, 'base_fee': 5}
    rated = rate(by_session(**rules), TWENTY)
    assert (rated.billed_seconds, rated.sessions[0].base_fee) == (1800, 0)


def test_merged_seconds_are_whole_ones():
    sessions = session(1, '10:00:00', '10:10:00.900'), session(2, '10:05:00', '10:10:10.200')
    assert rate(hourly(merge_gap_minutes=1), *sessions).billed_seconds == 610


# === THE ORDER OF THE RULES === #


@pytest.mark.parametrize(
    ('rules', 'sessions', 'minutes'),
    [
        # Ignored before merging: 30 s between two others do not bring them together.
        (
            {'ignore_under_seconds': 60, 'merge_gap_minutes': 5, 'minimum_minutes': 20},
            [
                session(1, '10:00:00', '10:10:00'),
                session(2, '10:14:00', '10:14:30'),
                session(3, '10:19:00', '10:30:00'),
            ],
            [20, 0, 20],
        ),
        # Short by its own time, though the merged time would do.
        (
            {'ignore_under_seconds': 60, 'merge_gap_minutes': 5},
            [session(1, '10:00:00', '10:00:40'), session(2, '10:00:40', '10:01:20')],
            [0, 0],
        ),
        # Merged before the minimum, and before the increment.
        (
            {'merge_gap_minutes': 5, 'minimum_minutes': 15},
            [session(1, '10:00', '10:05'), session(2, '10:07', '10:12')],
            [15, 0],
        ),
        (
            {'merge_gap_minutes': 5, 'increment_minutes': 15},
            [session(1, '10:00', '10:08'), session(2, '10:10', '10:18')],
            [30, 0],
        ),
        # Minimum before increment: 10 -> 20 -> 30, not 10 -> 15 -> 20.
        ({'minimum_minutes': 20, 'increment_minutes': 15}, [session(1, '10:00', '10:10')], [30]),
        # Increment before the base minutes: 40 -> 45 -> 20, not 40 -> 15 -> 15.
        (
            {'increment_minutes': 15, 'base_minutes': 25, 'base_fee': 1},
            [session(1, '10:00', '10:40')],
            [20],
        ),
    ],
)
def test_the_order_of_the_rules(rules, sessions, minutes):
    rated = rate(hourly(**rules), *sessions)
    assert [row.billed_seconds / 60 for row in rated.sessions] == minutes


def test_all_the_rules_at_once():
    terms = hourly(
        ignore_under_seconds=60,
        merge_gap_minutes=5,
        minimum_minutes=15,
        increment_minutes=10,
        base_fee='7.50',
        base_minutes=10,
        included_quantity='0.25',
        minimum_charge=60,
        charge_devices=True,
        price_per_device=4,
    )
    rated = rate(
        terms,
        session(1, '10:00', '10:12'),  # with 2 and its gap left out: 22 -> 30 - 10 = 20
        session(2, '10:15', '10:25'),
        session(3, '11:00:00', '11:00:30'),  # short
        session(4, '12:00', '12:05', device=None),  # 15 -> 20 - 10 = 10
        devices=DEVICES,
    )
    assert printed(rated) == [
        'hour 0.25 x 60.00 = 15.00',
        'base_fee 2 x 7.50 = 15.00',
        'device 3 x 4.00 = 12.00',
        'minimum 1 x 30.00 = 30.00',
    ]
    assert [
        (row.id, row.measured_seconds, row.billed_seconds, row.merged_into, row.reason)
        for row in rated.sessions
    ] == [
        (1, 720, 1200, None, None),
        (2, 600, 0, 1, 'merged'),
        (3, 30, 0, None, 'short'),
        (4, 300, 600, None, None),
    ]
    assert [(str(row.quantity), str(row.amount), str(row.base_fee)) for row in rated.sessions] == [
        ('0.33', '20.00', '7.50'),
        ('0', '0', '0'),
        ('0', '0', '0'),
        ('0.17', '10.00', '7.50'),
    ]
    assert rated.included == rating.Included(Decimal('-0.25'), Decimal('-15.00'))
    assert (rated.total, rated.usage_amount) == (Decimal('72.00'), Decimal('60.00'))
    assert (rated.billed_quantity, rated.device_quantity) == (Decimal('0.25'), Decimal(3))
    assert (rated.measured_seconds, rated.billed_seconds) == (1650, 1800)


# === LATE SESSIONS === #

LATE = session(9, '15:00', '15:45')


@pytest.mark.parametrize(
    ('terms', 'billed_so_far', 'expected'),
    [
        # 45 minutes at the price of an hour; one session; the same again with nothing changed.
        (hourly(), '49.80', '0.75 x 60.00 = 45.00'),
        (by_session(), '20', '1.00 x 10.00 = 10.00'),
        (by_session(), '30', None),
        # More was billed than there is to pay, by earlier late lines for example.
        (by_session(), '31', None),
        # The difference is not quantity x price: part of it billed, a base fee, a minimum.
        (by_session(), '25', '1 x 5.00 = 5.00'),
        (hourly(base_fee=5), '59.80', '1 x 50.00 = 50.00'),
        (by_session(minimum_charge=25), '25', '1 x 5.00 = 5.00'),
        (by_session(minimum_charge=30), '30', None),
        # The included quantity has room for it, or for none of it.
        (by_session(included_quantity=3), '0', None),
        (by_session(included_quantity=2), '0', '1.00 x 10.00 = 10.00'),
        # Cents that rounding moves: 0.50 h and 0.75 h at 0.01 are 0.01 each.
        (hourly(price_per_hour='0.01', included_quantity='0.33'), '0.01', None),
        # Devices are no part of it.
        (by_session(charge_devices=True, price_per_device=7), '20', '1.00 x 10.00 = 10.00'),
    ],
)
def test_late_sessions(terms, billed_so_far, expected):
    before = rate(terms, TWENTY, HALF_HOUR, devices=DEVICES)
    again = rate(terms, TWENTY, HALF_HOUR, LATE, devices=DEVICES)
    line = rating.late_difference(Decimal(billed_so_far), again, before)
    if expected is None:
        assert line is None
    else:
        assert f'{line.quantity} x {line.price} = {line.amount}' == expected
        assert line.charge == 'prior'


def test_late_sessions_twice_are_billed_once_each():
    terms = by_session(included_quantity=1)
    first = rate(terms, TWENTY)
    second = rate(terms, TWENTY, HALF_HOUR)
    third = rate(terms, TWENTY, HALF_HOUR, LATE)
    billed = first.usage_amount
    assert billed == 0
    for before, again in ((first, second), (second, third)):
        line = rating.late_difference(billed, again, before)
        assert (line.quantity, line.amount) == (1, 10)
        billed += line.amount
    assert billed == third.usage_amount
