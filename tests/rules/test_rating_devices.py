"""Rating of devices, and amounts that are scaled: expectations worked out by hand."""

from datetime import date, datetime, timedelta

import pytest

from rules import rating

JANUARY = (date(2026, 1, 1), date(2026, 2, 1), 31)
# The first ten of April's thirty days.
CUT = (date(2026, 4, 1), date(2026, 4, 11), 30)


def device(device_id, *texts):
    """Return a device of texts such as '03..10', days of January 2026; '..10' is open."""
    ends = (text.split('..') for text in texts)
    days = [tuple(date(2026, 1, int(end)) if end else None for end in each) for each in ends]
    return rating.Device(device_id, days)


def terms(device_count='any_day', **values):
    return rating.Terms(
        **{
            'charge_devices': True,
            'price_per_device': 10,
            'device_count': device_count,
            **values,
        }
    )


def rate(given, devices, period=JANUARY):
    return rating.rate(given, period, (), devices)


def printed(rated):
    return [f'{row.charge} {row.quantity} x {row.price} = {row.amount}' for row in rated.lines]


def quantities(rated):
    return {row.id: str(row.quantity) for row in rated.devices}


# === COUNTING === #

FLEET = [
    device('always', '..'),
    device('joined', '20..'),
    device('left', '..11'),  # last day: the 10th
    device('guest', '05..06', '08..09'),
    device('returned', '..03', '31..'),
    device('almost', '05..31'),  # gone on the last day
]


@pytest.mark.parametrize(
    ('device_count', 'line', 'counted'),
    [
        ('any_day', 'device 6 x 10.00 = 60.00', 'always joined left guest returned almost'),
        ('at_close', 'device 3 x 10.00 = 30.00', 'always joined returned'),
        # Four on the 5th, and again on the 8th; not on the 1st and on the 20th.
        ('peak', 'device 4 x 10.00 = 40.00', 'always left guest almost'),
    ],
)
def test_devices_are_counted_as_the_plan_says(device_count, line, counted):
    rated = rate(terms(device_count), FLEET)
    assert printed(rated) == [line]
    assert {row.id for row in rated.devices if row.quantity} == set(counted.split())
    assert {row.id: row.days for row in rated.devices} == {
        'always': 31,
        'joined': 12,
        'left': 10,
        'guest': 2,
        'returned': 3,
        'almost': 26,
    }


def test_devices_by_day_are_device_days_by_days_of_the_cycle():
    rated = rate(terms('by_day'), FLEET)
    # 84 device-days / 31 = 2.710. Of 271 hundredths 100.01, 38.7, 32.3, 6.5, 9.7 and 83.9 are
    # due: 268 whole ones, and the three left go to the largest remainders.
    assert printed(rated) == ['device 2.71 x 10.00 = 27.10']
    assert quantities(rated) == {
        'always': '1.00',
        'joined': '0.39',
        'left': '0.32',
        'guest': '0.06',
        'returned': '0.10',
        'almost': '0.84',
    }
    assert sum(row.amount for row in rated.devices) == rated.total


def test_the_busiest_day_is_the_first_of_several():
    early, late = device('early', '05..10'), device('late', '20..25')
    rated = rate(terms('peak'), [late, early])
    assert quantities(rated) == {'early': '1', 'late': '0'}


@pytest.mark.parametrize(
    ('texts', 'spans', 'days'),
    [
        (['..'], [(1, 32)], 31),
        (['03..10', '08..12'], [(3, 12)], 9),
        (['03..10', '10..12'], [(3, 12)], 9),
        (['10..12', '03..05'], [(3, 5), (10, 12)], 4),
        (['03..20', '05..10'], [(3, 20)], 17),
        (['03..03', '07..08'], [(7, 8)], 1),
    ],
)
def test_spans_are_joined_and_cut_to_the_cycle(texts, spans, days):
    (row,) = rate(terms(), [device(1, *texts)]).devices
    assert [((a - JANUARY[0]).days + 1, (b - JANUARY[0]).days + 1) for a, b in row.spans] == spans
    assert row.days == days


def test_a_device_outside_of_the_cycle_is_not_there():
    before = rating.Device(1, [(date(2025, 1, 1), date(2026, 1, 1))])
    after = rating.Device(2, [(date(2026, 2, 1), None)])
    around = rating.Device(3, [(date(2025, 1, 1), date(2027, 1, 1))])
    rated = rate(terms(), [before, after, around])
    assert [row.id for row in rated.devices] == [3]
    assert rated.devices[0].spans == ((date(2026, 1, 1), date(2026, 2, 1)),)


@pytest.mark.parametrize('device_count', ['any_day', 'at_close', 'peak', 'by_day'])
def test_no_devices_no_line(device_count):
    assert rate(terms(device_count), []).lines == ()
    uncharged = rate(terms(device_count, charge_devices=False), FLEET)
    assert (uncharged.lines, uncharged.devices) == ((), ())


def test_a_share_of_zero_is_no_line():
    # One day of 366 is 0.003 devices.
    rated = rate(terms('by_day'), [device(1, '05..06')], (date(2025, 6, 1), date(2026, 6, 2), 366))
    assert rated.lines == ()
    assert quantities(rated) == {1: '0.00'}


def test_devices_without_a_price_are_printed():
    assert printed(rate(terms(price_per_device=0), FLEET[:2])) == ['device 2 x 0.00 = 0.00']


def test_amounts_that_do_not_divide_go_to_the_first():
    given = terms(price_per_device='0.335', price_digits=3)
    rated = rate(given, [device(each, '..') for each in (3, 1, 2)])
    assert printed(rated) == ['device 3 x 0.335 = 1.01']
    assert [(row.id, str(row.amount)) for row in rated.devices] == [
        (1, '0.34'),
        (2, '0.34'),
        (3, '0.33'),
    ]


# === SCALED AMOUNTS === #


def hours(seconds):
    start = datetime(2026, 4, 5, 10)
    return [rating.Session(1, start, start + timedelta(seconds=seconds))]


@pytest.mark.parametrize(
    ('cycle', 'price', 'minimum'),
    [
        # 10 and 100 a month, 12 months in 52 weeks; the price is rounded before it is multiplied.
        ('weekly', '3 x 2.31 = 6.93', '23.08'),
        ('fortnightly', '3 x 4.62 = 13.86', '46.15'),
        ('monthly', '3 x 10.00 = 30.00', '100.00'),
        ('quarterly', '3 x 30.00 = 90.00', '300.00'),
        ('semiannual', '3 x 60.00 = 180.00', '600.00'),
        ('yearly', '3 x 120.00 = 360.00', '1200.00'),
    ],
)
def test_amounts_per_month_are_scaled_by_the_cycle(cycle, price, minimum):
    devices = [device(each, '..') for each in (1, 2, 3)]
    given = {'minimum_charge': 100, 'cycle': cycle}
    assert printed(rate(terms(amounts_per='month', **given), devices)) == [
        f'device {price}',
        f'minimum 1 x {minimum} = {minimum}',
    ]
    assert printed(rate(terms(amounts_per='cycle', **given), devices)) == [
        'device 3 x 10.00 = 30.00',
        'minimum 1 x 100.00 = 100.00',
    ]


@pytest.mark.parametrize(
    ('used', 'included', 'cycle', 'billed'),
    [
        # 10 hours a month are 2.3077 a week; 10814 s are 3.003889 h: 0.69620 are left. (Rounded
        # before the subtraction it would be 0.69.)
        (10_814, 10, 'weekly', '0.70'),
        (10_800, 1, 'quarterly', '0'),
        (10_836, 1, 'quarterly', '0.01'),
        (46_800, 1, 'yearly', '1.00'),
    ],
)
def test_an_included_quantity_per_month_is_scaled_exactly(used, included, cycle, billed):
    given = rating.Terms(
        billing_type='hour',
        price_per_hour=1,
        included_quantity=included,
        amounts_per='month',
        cycle=cycle,
    )
    assert str(rating.rate(given, JANUARY, hours(used)).billed_quantity) == billed


PRORATED = {
    'billing_type': 'hour',
    'price_per_hour': 60,
    'included_quantity': 3,
    'minimum_charge': 200,
}


@pytest.mark.parametrize(
    ('values', 'period', 'expected'),
    [
        # A third of 10.00, of 3 hours and of 200.00.
        (
            {'prorate_partial': True},
            CUT,
            ['hour 1.00 x 60.00 = 60.00', 'device 1 x 3.33 = 3.33', 'minimum 1 x 6.67 = 6.67'],
        ),
        # A week of February's 28 days: a quarter.
        (
            {'prorate_partial': True},
            (date(2026, 2, 1), date(2026, 2, 8), 28),
            ['hour 1.25 x 60.00 = 75.00', 'device 1 x 2.50 = 2.50'],
        ),
        (
            {'prorate_partial': False},
            CUT,
            ['device 1 x 10.00 = 10.00', 'minimum 1 x 200.00 = 200.00'],
        ),
        (
            {'prorate_partial': True},
            (date(2026, 4, 1), date(2026, 5, 1), 30),
            ['device 1 x 10.00 = 10.00', 'minimum 1 x 200.00 = 200.00'],
        ),
        # A third of a quarter's, had the cycle been a whole one: the same as a month's.
        (
            {'prorate_partial': True, 'amounts_per': 'month', 'cycle': 'quarterly'},
            CUT,
            ['device 1 x 10.00 = 10.00', 'minimum 1 x 200.00 = 200.00'],
        ),
    ],
)
def test_a_cycle_cut_short_is_prorated_if_the_plan_says_so(values, period, expected):
    given = terms(**PRORATED, **values)
    # Two hours are used, of which one, three quarters of one, or both are included.
    rated = rating.rate(given, period, hours(7200), [rating.Device(1, [(None, None)])])
    assert printed(rated) == expected


def test_by_day_counts_the_days_of_the_cut_cycle():
    half = rating.Device(1, [(date(2026, 4, 6), None)])
    rated = rate(terms('by_day', prorate_partial=True), [half], CUT)
    assert printed(rated) == ['device 0.50 x 3.33 = 1.67']
    assert rated.device_quantity == rated.devices[0].quantity
