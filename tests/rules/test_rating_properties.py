"""What holds for any sessions, devices and terms; and a second, naive rating that must agree."""

import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import few, shortened

from rules import rating

FIRST = datetime(2026, 1, 5)
MONTHS = {
    'weekly': Fraction(12, 52),
    'fortnightly': Fraction(12, 26),
    'monthly': 1,
    'quarterly': 3,
    'semiannual': 6,
    'yearly': 12,
}

# === STRATEGIES === #

cents = st.integers(0, 20_000).map(lambda n: Decimal(n).scaleb(-2))
# Mostly off, as in real plans, and small enough to matter when on.
minutes = st.sampled_from((0, 0, 1, 5, 15, 60)) | st.integers(0, 90)
terms_values = st.fixed_dictionaries(
    {
        'billing_type': st.sampled_from(('session', 'hour')),
        'price_per_session': cents,
        'price_per_hour': cents,
        'charge_devices': st.booleans(),
        'price_per_device': cents,
        'device_count': st.sampled_from(('any_day', 'at_close', 'peak', 'by_day')),
        'ignore_under_seconds': st.sampled_from((0, 60, 600)) | st.integers(0, 4000),
        'merge_gap_minutes': minutes,
        'minimum_minutes': minutes,
        'increment_minutes': minutes,
        'base_fee': st.just(0) | cents,
        'base_minutes': minutes,
        'included_quantity': st.just(0) | st.integers(0, 1000).map(lambda n: Decimal(n).scaleb(-2)),
        'minimum_charge': st.just(0) | cents,
        'amounts_per': st.sampled_from(('cycle', 'month')),
        'prorate_partial': st.booleans(),
        'cycle': st.sampled_from(sorted(MONTHS)),
        'quantity_digits': st.integers(0, 4),
        'price_digits': st.integers(0, 4),
        'currency_rounding': st.sampled_from(('1', '0.05', '0.01', '0.001')),
    }
)

# Half minutes, so that ends, gaps and increments often meet exactly.
moments = st.integers(0, 500).map(lambda n: FIRST + timedelta(seconds=30 * n))
lengths = st.integers(0, 180).map(lambda n: timedelta(seconds=30 * n))
sessions_lists = st.lists(
    st.builds(
        lambda start, length, *keys: (start, start + length, *keys),
        moments,
        lengths,
        st.sampled_from('ab'),
        st.sampled_from('xy'),
        st.sampled_from((None, 'pc', 'pc', 'mac')),
    ),
    max_size=8,
).map(lambda rows: [rating.Session(i, *row) for i, row in enumerate(rows)])

ends = st.none() | st.integers(-2, 14).map(lambda n: date(2026, 1, 1) + timedelta(days=n))
devices_lists = st.lists(st.lists(st.tuples(ends, ends), max_size=3), max_size=5).map(
    lambda rows: [rating.Device(i, row) for i, row in enumerate(rows)]
)
periods = st.tuples(st.integers(1, 12), st.integers(0, 20)).map(
    lambda n: (date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=n[0]), n[0] + n[1])
)
anything = {
    'values': terms_values,
    'period': periods,
    'sessions': sessions_lists,
    'devices': devices_lists,
}


def rate(values, period, sessions, devices=()):
    return rating.rate(rating.Terms.from_dict(values), period, sessions, devices)


# === A SECOND RATING === #


def rounded(value, step):
    with localcontext() as context:
        context.prec = 90
        value = Fraction(value) / Fraction(step)
        units = Decimal(value.numerator) / Decimal(value.denominator)
        return units.quantize(Decimal(1), ROUND_HALF_UP) * Decimal(step)


def naive_clusters(values, sessions):
    """Join any two clusters that belong together until there are no such two."""
    clusters = [
        [each]
        for each in sessions
        if (each.end - each.start).total_seconds() >= values['ignore_under_seconds']
    ]
    gap = timedelta(minutes=values['merge_gap_minutes'])

    def near(one, other):
        same = all(
            getattr(one, name) == getattr(other, name)
            for name in ('customer', 'technician', 'device')
        )
        apart = max(one.start, other.start) - min(one.end, other.end)
        return gap and same and one.device is not None and apart <= gap

    while True:
        pairs = [
            (a, b)
            for a in clusters
            for b in clusters
            if a is not b and any(near(one, other) for one in a for other in b)
        ]
        if not pairs:
            return clusters
        clusters.remove(pairs[0][1])
        pairs[0][0].extend(pairs[0][1])


def naive_seconds(values, cluster):
    points = sorted({each.start for each in cluster} | {each.end for each in cluster})
    union = sum(
        (b - a).total_seconds()
        for a, b in pairwise(points)
        if any(each.start <= a and b <= each.end for each in cluster)
    )
    minutes = Decimal(int(union)) / 60
    if minutes < values['minimum_minutes']:
        minutes = Decimal(values['minimum_minutes'])
    seconds = int((minutes * 60).to_integral())
    if values['increment_minutes']:
        blocks = Decimal(seconds) / (values['increment_minutes'] * 60)
        seconds = int(blocks.to_integral(ROUND_CEILING)) * values['increment_minutes'] * 60
    if values['billing_type'] == 'hour':
        seconds -= min(seconds, values['base_minutes'] * 60)
    return seconds


def naive_devices(values, period, devices):
    if not values['charge_devices']:
        return 0
    first, last, _whole = period
    calendar = [first + timedelta(days=n) for n in range((last - first).days)]
    present = [
        [any((a or first) <= day < (b or last) for a, b in device.days) for day in calendar]
        for device in devices
    ]
    if values['device_count'] == 'any_day':
        return sum(any(each) for each in present)
    if values['device_count'] == 'at_close':
        return sum(each[-1] for each in present)
    by_day = [sum(each[n] for each in present) for n in range(len(calendar))]
    if values['device_count'] == 'peak':
        return max(by_day)
    return rounded(Fraction(sum(by_day), len(calendar)), '0.01')


def naive_lines(values, period, sessions, devices):
    first, last, whole = period
    scale = Fraction(MONTHS[values['cycle']] if values['amounts_per'] == 'month' else 1)
    if values['prorate_partial']:
        scale = scale * (last - first).days / whole
    cent = values['currency_rounding']
    clusters = naive_clusters(values, sessions)
    if values['billing_type'] == 'hour':
        used = Fraction(sum(naive_seconds(values, each) for each in clusters)) / 3600
        price, fee = values['price_per_hour'], values['base_fee']
    else:
        used, price, fee = Fraction(len(clusters)), values['price_per_session'], 0
    used = max(Fraction(0), used - Fraction(values['included_quantity']) * scale)
    digits = Decimal(1).scaleb(-values['price_digits'])
    lines = [
        (values['billing_type'], rounded(used, f"1e-{values['quantity_digits']}"), price),
        ('base_fee', len(clusters) if rounded(fee, digits) else 0, fee),
        (
            'device',
            naive_devices(values, period, devices),
            Fraction(values['price_per_device']) * scale,
        ),
    ]
    lines = [
        (charge, quantity, rounded(Fraction(price), digits)) for charge, quantity, price in lines
    ]
    lines = [(*line, rounded(line[1] * line[2], cent)) for line in lines]
    missing = rounded(Fraction(values['minimum_charge']) * scale, cent) - lines[0][3] - lines[1][3]
    if missing > 0:
        lines.append(('minimum', 1, missing, missing))
    return [line for line in lines if line[1]]


@shortened
@settings(max_examples=few(600, 120))
@given(**anything)
def test_the_naive_rating_agrees(values, period, sessions, devices):
    expected = naive_lines(values, period, sessions, devices)
    rated = rate(values, period, sessions, devices)
    assert [(row.charge, row.quantity, row.price, row.amount) for row in rated.lines] == expected
    assert rated.total == sum(line[3] for line in expected)
    assert rated.usage_amount == sum(line[3] for line in expected if line[0] != 'device')

    counted = {row.id: row.billed_seconds for row in rated.sessions if row.reason is None}
    clusters = naive_clusters(values, sessions)
    heads = [min(each, key=lambda one: (one.start, one.end, one.id)).id for each in clusters]
    assert counted == {
        head: naive_seconds(values, each) for head, each in zip(heads, clusters, strict=True)
    }
    assert {row.id: row.merged_into for row in rated.sessions if row.reason == 'merged'} == {
        one.id: head
        for head, each in zip(heads, clusters, strict=True)
        for one in each
        if one.id != head
    }


# === PROPERTIES === #


@given(**anything, data=st.data())
def test_the_order_of_sessions_devices_and_spans_does_not_matter(
    values, period, sessions, devices, data
):
    shuffled = [
        rating.Device(each.id, data.draw(st.permutations(each.days)))
        for each in data.draw(st.permutations(devices))
    ]
    again = rate(values, period, data.draw(st.permutations(sessions)), shuffled)
    assert again == rate(values, period, sessions, devices)


@given(**anything)
def test_every_session_is_counted_or_short_or_merged_into_one_that_counts(
    values, period, sessions, devices
):
    rated = rate(values, period, sessions, devices)
    rows = {row.id: row for row in rated.sessions}
    assert len(rows) == len(rated.sessions)
    assert [row.id for row in rated.sessions] == [
        each.id for each in sorted(sessions, key=lambda one: (one.start, one.end, one.id))
    ]
    for each in sessions:
        row = rows[each.id]
        assert row.measured_seconds == (each.end - each.start).total_seconds()
        assert row.reason in (None, 'short', 'merged')
        assert (row.reason == 'short') == (row.measured_seconds < values['ignore_under_seconds'])
        assert (row.reason == 'merged') == (row.merged_into is not None)
        if row.reason:
            assert (row.billed_seconds, row.quantity, row.amount, row.base_fee) == (0, 0, 0, 0)
        if row.reason == 'merged':
            assert rows[row.merged_into].reason is None


@given(**anything)
def test_the_statement_adds_up_to_the_lines(values, period, sessions, devices):
    rated = rate(values, period, sessions, devices)
    usage, fee = rated.get_line('session', 'hour'), rated.get_line('base_fee')
    for name in ('quantity', 'amount'):
        used = sum(getattr(row, name) for row in rated.sessions)
        assert used + getattr(rated.included, name) == getattr(usage, name)
        assert getattr(rated.included, name) <= 0
        there = sum(getattr(row, name) for row in rated.devices)
        assert there == getattr(rated.get_line('device'), name)
    assert sum(row.base_fee for row in rated.sessions) == fee.amount
    for row in rated.lines:
        assert row.quantity > 0
        assert row.amount == rounded(
            Fraction(row.quantity * row.price), values['currency_rounding']
        )


@given(**anything)
def test_no_row_is_a_step_away_from_its_due(values, period, sessions, devices):
    rated = rate({**values, 'billing_type': 'hour'}, period, sessions, devices)
    steps = {
        'quantity': Decimal(1).scaleb(-values['quantity_digits']),
        'amount': Decimal(values['currency_rounding']),
    }
    for name, step in steps.items():
        whole = sum(getattr(row, name) for row in rated.sessions)
        for row in rated.sessions:
            due = Fraction(whole) * row.billed_seconds / (rated.billed_seconds or 1)
            assert abs(Fraction(getattr(row, name)) - due) < Fraction(step)


@given(**anything, late=sessions_lists)
def test_one_more_session_never_costs_less(values, period, sessions, devices, late):
    """Without merging: that one can fill a gap, and make one session of two."""
    values = {**values, 'merge_gap_minutes': 0}
    extra = [rating.Session(each.id + len(sessions), each.start, each.end) for each in late]
    before = rate(values, period, sessions, devices)
    more = rate(values, period, sessions + extra, devices)
    assert more.total >= before.total
    assert more.billed_quantity >= before.billed_quantity


@given(**anything)
def test_minimum_and_increment_bound_what_is_billed(values, period, sessions, devices):
    values = {**values, 'base_minutes': 0, 'merge_gap_minutes': 0}
    increment = values['increment_minutes'] * 60
    for row in rate(values, period, sessions, devices).sessions:
        least = max(row.measured_seconds, values['minimum_minutes'] * 60)
        if row.reason is None:
            assert least <= row.billed_seconds < least + max(1, increment)
            assert not increment or row.billed_seconds % increment == 0


@given(sessions=sessions_lists, price=cents, period=periods)
def test_neutral_terms_bill_plain_seconds_and_sessions(sessions, price, period):
    seconds = sum(int((each.end - each.start).total_seconds()) for each in sessions)
    values = {'billing_type': 'hour', 'price_per_hour': price, 'price_per_session': price}
    rated = rate(values, period, sessions)
    assert rated.measured_seconds == rated.billed_seconds == seconds
    assert rated.billed_quantity == rounded(Fraction(seconds, 3600), '0.01')
    assert rated.included == rating.Included(Decimal(0), Decimal(0))
    assert {row.charge for row in rated.lines} <= {'hour'}
    rated = rate({**values, 'billing_type': 'session'}, period, sessions)
    assert (rated.billed_quantity, rated.total) == (len(sessions), len(sessions) * price)


@given(**anything, split=st.integers(0, 8))
def test_late_sessions_make_up_the_difference(values, period, sessions, devices, split):
    before = rate(values, period, sessions[:split], devices)
    again = rate(values, period, sessions, devices)
    line = rating.late_difference(before.usage_amount, again, before)
    due = max(Decimal(0), again.usage_amount - before.usage_amount)
    assert (line.amount if line else 0) == due
    if line:
        assert line.amount == rounded(line.quantity * line.price, values['currency_rounding'])


def test_the_seed_of_hashing_does_not_matter():
    program = """
from datetime import datetime, timedelta
from rules import rating

start = datetime(2026, 1, 5)
sessions = {
    rating.Session(f's{i}', start + timedelta(minutes=i % 7), start + timedelta(minutes=i + 9),
        f'customer {i % 3}', f'technician {i % 2}', f'device {i % 2}')
    for i in range(40)
}
devices = {rating.Device(f'd{i}', ((None, None),)) for i in range(7)}
terms = rating.Terms(billing_type='hour', price_per_hour=7, merge_gap_minutes=1,
    charge_devices=True, price_per_device='1.43', device_count='by_day', currency_rounding='0.05')
print(rating.rate(terms, (start.date(), start.date() + timedelta(days=31), 31), sessions, devices))
"""
    addon = Path(rating.__file__).parents[1]
    answers = {
        subprocess.run(
            [sys.executable, '-c', program],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, 'PYTHONPATH': str(addon), 'PYTHONHASHSEED': seed},
        ).stdout
        for seed in ('0', '1', '2')
    }
    assert len(answers) == 1
    assert 'DeviceShare' in answers.pop()
