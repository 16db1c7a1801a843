"""The rate card: which line wins, what it makes of the price, and the numbers of the handbook."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import rating
from rules.bands import HOLIDAY, MINUTES, Hours
from rules.rates import Rate, find_rate, find_unused

BERLIN = 'Europe/Berlin'
BUSINESS = tuple((day, 480, 1080, 'business') for day in range(5))
REST = tuple(
    line for day in range(5) for line in ((day, 0, 480, 'rest'), (day, 1080, MINUTES, 'rest'))
)
WEEKEND = tuple((day, 0, MINUTES, 'rest') for day in (5, 6, HOLIDAY))
HOURS = Hours(BERLIN, BUSINESS + REST + WEEKEND)
MARCH = (date(2026, 3, 1), date(2026, 4, 1), 31)
# 90 an hour; outside of Monday to Friday, 8 to 18, half as much again; rounded up to 15 minutes.
EVENINGS = {
    'billing_type': 'hour',
    'price_per_hour': 90,
    'increment_minutes': 15,
    'hours': HOURS,
    'rates': (Rate('evening', band='rest', value=150),),
    'tz': BERLIN,
}


def utc(tz, text, fold=0):
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz), fold=fold)
    return local.astimezone(timezone.utc).replace(tzinfo=None)


def session(number, start, end, tz=BERLIN, fold=0, **values):
    return rating.Session(number, utc(tz, start), utc(tz, end, fold), **values)


def rate(values, *sessions, period=MARCH):
    return rating.rate(rating.Terms(**values), period, sessions)


def lines(rated):
    return [tuple(map(str, (line.quantity, line.price, line.amount))) for line in rated.lines]


# === NUMBERS === #


@pytest.mark.parametrize(
    ('start', 'end', 'expected', 'total'),
    [
        (
            '2026-03-06 17:40',
            '2026-03-06 18:25',
            [('0.33', '90.00', '29.70'), ('0.42', '135.00', '56.70')],
            '86.40',
        ),
        (
            '2026-03-06 17:50',
            '2026-03-06 18:12',
            [('0.17', '90.00', '15.30'), ('0.33', '135.00', '44.55')],
            '59.85',
        ),
        (
            '2026-03-06 17:55',
            '2026-03-06 18:10',
            [('0.08', '90.00', '7.20'), ('0.17', '135.00', '22.95')],
            '30.15',
        ),
        ('2026-03-29 01:30', '2026-03-29 03:30', [('1.00', '135.00', '135.00')], '135.00'),
    ],
)
def test_a_session_over_the_end_of_business_hours_is_two_lines(start, end, expected, total):
    rated = rate(EVENINGS, session(1, start, end))
    assert lines(rated) == expected
    assert str(rated.total) == total


def test_the_hour_that_clocks_repeat_counts_twice():
    october = (date(2026, 10, 1), date(2026, 11, 1), 31)
    rated = rate(EVENINGS, session(1, '2026-10-25 01:30', '2026-10-25 03:30'), period=october)
    assert lines(rated) == [('3.00', '135.00', '405.00')]


def test_added_time_joins_the_longest_part_and_base_minutes_come_off_the_start():
    values = {**EVENINGS, 'minimum_minutes': 60, 'base_minutes': 12, 'base_fee': 5}
    rated = rate(values, session(1, '2026-03-06 17:50', '2026-03-06 18:12'))
    # 10 and 12 minutes become 10 and 50; 12 from the start leave 0 and 48.
    assert [part.billed_seconds for part in rated.parts] == [0, 48 * 60]
    assert lines(rated) == [('0.80', '135.00', '108.00'), ('1', '5.00', '5.00')]
    equal = rate(EVENINGS, session(1, '2026-03-06 17:52', '2026-03-06 18:08'))
    assert [part.billed_seconds for part in equal.parts] == [22 * 60, 8 * 60]


def test_included_hours_are_used_up_by_percent_in_the_order_of_time():
    values = {
        **EVENINGS,
        'included_quantity': 2,
        'rates': (Rate('evening', band='rest', value=150, burn_percent=150),),
    }
    # One hour in the evening takes 1.5 of the two; the business hour next day takes the rest.
    rated = rate(
        values,
        session(2, '2026-03-03 10:00', '2026-03-03 11:00'),
        session(1, '2026-03-02 19:00', '2026-03-02 20:00'),
    )
    assert lines(rated) == [('0.50', '90.00', '45.00')]
    assert rated.included == rating.Included(Decimal('-1.50'), Decimal('-180.00'))
    free = {**values, 'rates': (Rate('evening', band='rest', value=150, burn_percent=0),)}
    rated = rate(free, session(1, '2026-03-02 19:00', '2026-03-02 20:00'))
    assert lines(rated) == [('1.00', '135.00', '135.00')]


def test_a_price_date_inside_a_cycle_cuts_at_that_midnight():
    values = {
        'billing_type': 'hour',
        'price_per_hour': 90,
        'versions': ((date(2026, 3, 10), 100), (date(2026, 3, 20), 110)),
        'tz': BERLIN,
    }
    rated = rate(
        values,
        session(1, '2026-03-09 23:00', '2026-03-10 02:00'),
        session(2, '2026-03-25 10:00', '2026-03-25 11:00'),
    )
    assert lines(rated) == [
        ('1.00', '90.00', '90.00'),
        ('2.00', '100.00', '200.00'),
        ('1.00', '110.00', '110.00'),
    ]
    assert [part.price_date for part in rated.parts] == [
        date(2026, 3, 9),
        date(2026, 3, 10),
        date(2026, 3, 25),
    ]


def test_percent_is_of_the_price_in_force_and_a_rate_has_its_days():
    values = {
        'billing_type': 'hour',
        'price_per_hour': 100,
        'versions': ((date(2026, 3, 10), 200),),
        'rates': (Rate(1, kind='travel', value=50, date_to=date(2026, 3, 14)),),
    }

    def price(day):
        start = datetime(2026, 3, day, 12)
        travel = rating.Session(1, start, start + timedelta(hours=1), kind='travel')
        return rate(values, travel).lines[0].price

    assert [price(day) for day in (9, 10, 14, 15)] == [50, 100, 100, 200]


def test_a_session_plan_takes_the_price_of_the_beginning():
    values = {
        **EVENINGS,
        'billing_type': 'session',
        'price_per_session': 20,
        'rates': (Rate('evening', band='rest', method='add', value='7.5'),),
    }
    rated = rate(
        values,
        session(1, '2026-03-06 17:59', '2026-03-06 20:00'),
        session(2, '2026-03-06 18:00', '2026-03-06 20:00'),
    )
    assert lines(rated) == [('1.00', '20.00', '20.00'), ('1.00', '27.50', '27.50')]
    assert len(rated.parts) == 2


def test_a_product_of_a_band_has_a_line_of_its_own():
    values = {**EVENINGS, 'rates': (), 'band_products': (('rest', 7),)}
    rated = rate(values, session(1, '2026-03-06 17:00', '2026-03-06 19:00'))
    assert [(line.group.product, line.price) for line in rated.lines] == [(None, 90), (7, 90)]


def test_a_rate_of_its_own_has_its_own_minimum_and_increment():
    values = {
        **EVENINGS,
        'rates': (
            Rate(1, kind='travel', method='fixed', value=60, minimum_minutes=60),
            *EVENINGS['rates'],
        ),
    }
    rated = rate(
        values,
        session(1, '2026-03-06 10:00', '2026-03-06 10:05', kind='travel'),
        session(2, '2026-03-06 11:00', '2026-03-06 11:05', kind='phone'),
    )
    assert lines(rated) == [('0.25', '90.00', '22.50'), ('1.00', '60.00', '60.00')]


def test_sessions_of_different_kinds_are_merged_only_where_no_rate_names_kinds():
    one, other = (
        session(number, start, end, customer=1, technician=1, device=1, kind=kind)
        for number, start, end, kind in (
            (1, '2026-03-06 10:00', '2026-03-06 10:05', 'phone'),
            (2, '2026-03-06 10:06', '2026-03-06 10:10', 'travel'),
        )
    )
    values = {**EVENINGS, 'merge_gap_minutes': 5}
    assert rate(values, one, other).sessions[1].merged_into == 1
    values['rates'] = (Rate(1, kind='travel', value=50),)
    assert rate(values, one, other).sessions[1].merged_into is None


# === WHICH LINE === #


def test_the_first_line_that_matches_wins():
    rates = [
        Rate(1, band='b', kind='phone', value=10),
        Rate(2, kind='phone', value=20),
        Rate(3, band='b', value=30),
        Rate(4, grade='senior', date_from='2026-02-01', value=40),
    ]

    def found(*key):
        rate = find_rate(rates, *key)
        return rate and rate.id

    assert found('b', 'phone', None, date(2026, 1, 1)) == 1
    assert found(None, 'phone', None, date(2026, 1, 1)) == 2
    assert found('b', 'travel', None, date(2026, 1, 1)) == 3
    assert found(None, 'travel', 'senior', date(2026, 1, 31)) is None
    assert found(None, 'travel', 'senior', date(2026, 2, 1)) == 4
    assert [each.id for each, _first in find_unused([*rates, Rate(5, band='b', kind='phone')])] == [
        5
    ]


@pytest.mark.parametrize(
    'values',
    [
        {'method': 'sometimes'},
        {'value': -1},
        {'method': 'fixed', 'value': -1},
        {'value': 'NaN'},
        {'burn_percent': -1},
        {'band': 'b', 'minimum_minutes': 5},
        {'date_from': '2026-02-01', 'date_to': '2026-01-01'},
    ],
)
def test_a_rate_that_cannot_be_is_refused(values):
    with pytest.raises(ValueError, match=r'\.$'):
        Rate(**values)


def test_a_reduction_does_not_go_below_zero():
    assert Rate(method='add', value=-20).get_price(Decimal(15)) == 0


@given(st.integers(0, 100_000), st.integers(0, 500))
def test_percent_is_exact(cents, percent):
    price = Decimal(cents).scaleb(-2)
    assert Rate(value=percent).get_price(price) * 100 == price * percent
