"""Fees: what is charged in advance, set right afterwards, and the hours in it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import fees
from rules.fees import Fee, FeeCharge, Period
from rules.rating import Device, Session, Terms, rate

MARCH = date(2026, 3, 1)
MARCH_NOON = datetime(2026, 3, 1, 12)
TERMS = Terms(billing_type='hour', price_per_hour=Decimal(95))


def make_period(days=31, served=None, start=MARCH, whole=None):
    end = start + timedelta(days)
    return Period(
        start, end, start + timedelta(whole or days), [(start, end)] if served is None else served
    )


def on(day):
    return MARCH + timedelta(day - 1)


# === NUMBERS === #


def test_a_device_from_day_10_of_31():
    fee = Fee(1, quantity_rule='devices', price=12, prorate=True, true_up='both')
    devices = [Device(i, [(None, None)]) for i in range(12)]
    charge = fees.get_advance(TERMS, fee, make_period(), devices)
    assert (charge.units, charge.quantity) == (12, 12)
    later = [*devices, Device(12, [(on(10), None)])]
    quantity = fees.get_true_up(TERMS, charge, make_period(), later)
    line = fees.make_line(TERMS, 'true_up', fee, quantity)
    assert (line.quantity, line.amount) == (Decimal('0.71'), Decimal('8.52'))


def test_ten_days_of_31_are_a_third():
    fee = Fee(1, price=500, prorate=True, included_hours=5)
    charge = fees.get_advance(TERMS, fee, make_period(), ())
    cut = make_period(10, whole=31)
    quantity = fees.get_true_up(TERMS, charge, cut, ())
    line = fees.make_line(TERMS, 'true_up', fee, quantity)
    assert (line.quantity, line.price, line.amount) == (Decimal('-0.68'), 500, Decimal('-340.00'))
    assert fees.get_hours(TERMS, fee, charge.quantity + quantity) == Decimal('1.60')


def test_what_is_not_by_days_is_owed_for_a_period_with_a_day_of_service():
    fee = Fee(1, price=500)
    charge = FeeCharge(fee, Decimal(1), Decimal(1))
    one_day = make_period(served=[(on(3), on(4))])
    assert fees.get_true_up(TERMS, charge, one_day, ()) == 0
    assert fees.get_true_up(TERMS, charge, make_period(served=[]), ()) == -1


def test_monthly_amounts_are_scaled():
    terms = replace(TERMS, amounts_per='month', cycle='quarterly')
    fee = Fee(1, price=8, included_hours='0.5')
    assert fees.get_price(terms, fee) == 24
    assert fees.get_hours(terms, fee, Decimal(2)) == 3


def test_hours_of_fees_come_off_what_was_used():
    sessions = [Session(1, *(MARCH_NOON + timedelta(minutes=m) for m in (0, 435)))]
    period = MARCH, date(2026, 4, 1), 31
    for terms in (TERMS, replace(TERMS, rates=({'id': 1, 'kind': 'travel', 'value': 50},))):
        rated = rate(replace(terms, fee_hours=5), period, sessions)
        assert rated.get_line('hour').amount == Decimal('213.75')
        assert rated.included.quantity == -5


def test_what_no_fee_can_be():
    for values in (
        {'quantity_rule': 'people'},
        {'charge': 'never'},
        {'true_up': 'down'},
        {'price': -1},
        {'quantity': 'many'},
    ):
        with pytest.raises(ValueError, match=next(iter(values))):
            Fee(1, **values)


def test_missing_keys_are_neutral():
    fee = Fee.from_dict({'id': 7, 'product': 3, 'unknown': 1})
    assert (fee.quantity, fee.price, fee.included_hours, fee.true_up) == (1, 0, 0, 'none')


# === ORACLE, DAY BY DAY === #

lengths = st.integers(1, 40)
spans = st.lists(
    st.tuples(st.integers(-5, 45), st.integers(0, 50)).map(lambda each: (on(each[0]), each[1])),
    max_size=3,
).map(lambda rows: [(start, start + timedelta(days)) for start, days in rows])
device_lists = st.lists(spans, max_size=6).map(
    lambda rows: [Device(i, each) for i, each in enumerate(rows)]
)
fee_values = st.fixed_dictionaries(
    {
        'quantity_rule': st.sampled_from(fees.QUANTITY_RULES),
        'quantity': st.integers(1, 30),
        'price': st.integers(0, 100000).map(lambda cents: Decimal(cents) / 100),
        'prorate': st.booleans(),
        'true_up': st.sampled_from(fees.TRUE_UPS),
    }
)


@st.composite
def stories(draw):
    """What was known when a period was charged, and what became of it."""
    whole = draw(lengths)
    known_holes, holes = draw(spans), draw(spans)
    cut = draw(st.integers(1, whole))
    return (
        Fee(1, **draw(fee_values)),
        (whole, known_holes, draw(device_lists)),
        (whole, cut, holes, draw(device_lists)),
    )


def list_days(count, holes):
    """Return the days with service, one by one."""
    days = [MARCH + timedelta(i) for i in range(count)]
    return [day for day in days if not any(start <= day < end for start, end in holes)]


def to_period(days, count, whole):
    served = [(day, day + timedelta(1)) for day in days]
    return Period(MARCH, MARCH + timedelta(count), MARCH + timedelta(whole), served)


def count_there(devices, day):
    return len([1 for device in devices if any(a <= day < b for a, b in device.days)])


def in_hundredths(numerator, denominator):
    """Return a quotient in hundredths, half up, by integers alone."""
    return (2 * 100 * numerator + denominator) // (2 * denominator)


def get_due(fee, units, days, whole, devices=None):
    """Return what is due in hundredths of a unit, by days counted one by one."""
    if not days:
        return 0
    parts, of = (len(days), whole) if fee.prorate else (1, 1)
    due = (units * parts, of)
    if devices is not None:
        of = whole if fee.prorate else len(days)
        there = (sum(count_there(devices, day) for day in days), of)
        if fee.true_up == 'both' or there[0] * due[1] > due[0] * there[1]:
            due = there
    return in_hundredths(*due)


@given(stories())
def test_what_is_charged_and_set_right_is_what_a_count_of_days_gives(story):
    fee, (whole, known_holes, known_devices), (_whole, cut, holes, devices) = story
    known = list_days(whole, known_holes)
    first = known[0] if known else MARCH
    counted = fee.quantity_rule == 'devices'
    charge = fees.get_advance(TERMS, fee, to_period(known, whole, whole), known_devices)
    units = count_there(known_devices, first) if counted else int(fee.quantity)
    assert charge.units == units
    assert charge.quantity * 100 == get_due(fee, units, known, whole)

    served = list_days(cut, holes)
    if counted and not units and served and served[0] != MARCH:
        units = count_there(devices, served[0])
    trued = counted and fee.true_up != 'none'
    due = get_due(fee, units, served, whole, devices if trued else None)
    difference = fees.get_true_up(TERMS, charge, to_period(served, cut, whole), devices)
    assert (charge.quantity + difference) * 100 == due
    # Printed quantity x printed price, to the cent.
    for quantity, name in ((charge.quantity, 'fee'), (difference, 'true_up')):
        line = fees.make_line(TERMS, name, fee, quantity)
        cent = Decimal('0.01')
        assert line.amount == (line.quantity * line.price).quantize(cent, ROUND_HALF_UP)
        assert line.quantity == quantity


@given(stories())
def test_knowing_all_beforehand_leaves_nothing_to_be_set_right(story):
    fee, _known, (whole, cut, holes, devices) = story
    period = to_period(list_days(cut, holes), cut, whole)
    charge = fees.get_advance(TERMS, fee, period, devices)
    if fee.quantity_rule != 'devices' or fee.true_up == 'none':
        assert fees.get_true_up(TERMS, charge, period, devices) == 0


@given(stories(), st.integers(1, 40))
def test_a_longer_service_never_costs_less(story, more):
    fee, _known, (whole, cut, _holes, devices) = story
    charge = FeeCharge(fee, Decimal(3), Decimal(3))
    served, later = list_days(cut, ()), list_days(min(whole, cut + more), ())
    by_days = [Device(device.id, [(MARCH, MARCH + timedelta(whole))]) for device in devices]
    assert fees.get_true_up(TERMS, charge, to_period(served, cut, whole), by_days) <= (
        fees.get_true_up(TERMS, charge, to_period(later, len(later), whole), by_days)
    )


@given(stories(), st.integers(0, 3))
def test_devices_that_go_are_credited_only_where_that_is_agreed(story, units):
    fee, _known, (whole, _cut, _holes, devices) = story
    fee = replace(fee, quantity_rule='devices')
    period = to_period(list_days(whole, ()), whole, whole)
    difference = fees.get_true_up(
        TERMS, FeeCharge(fee, Decimal(units), Decimal(units)), period, devices
    )
    if fee.true_up == 'none':
        assert difference == 0
    elif fee.true_up == 'up':
        assert difference >= 0
