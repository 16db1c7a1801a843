"""Tiers and the maximum charge: numbers, two oracles, and what always holds."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules import rating, tiers
from rules.rates import Rate

MARCH = (date(2026, 3, 1), date(2026, 4, 1), 31)
THREE = ((0, 100), (10, 90), (20, 80))
START = datetime(2026, 3, 2, 8)
CENT = Decimal('0.01')


def make_terms(**values):
    return rating.Terms(**{'billing_type': 'hour', 'price_per_hour': 100, 'tiers': THREE, **values})


def work(*hours, **values):
    """Return sessions of so many hours, one a day."""
    return [
        rating.Session(
            i,
            START + timedelta(days=i),
            START + timedelta(days=i, seconds=int(Fraction(str(length)) * 3600)),
            **values,
        )
        for i, length in enumerate(hours)
    ]


def charge(terms, sessions, period=MARCH):
    return [
        (line.charge, line.quantity, line.price, line.amount)
        for line in rating.rate(terms, period, sessions).lines
    ]


def hours(*rows):
    return [('hour', *(Decimal(str(value)) for value in row)) for row in rows]


# === NUMBERS === #


def test_each_tier_has_its_price_or_all_have_the_last():
    sessions = work(8, 8, 7.5)
    assert charge(make_terms(), sessions) == hours((10, 100, 1000), (10, 90, 900), (3.5, 80, 280))
    assert rating.rate(make_terms(), MARCH, sessions).total == 2180
    volume = make_terms(tier_mode='volume')
    assert charge(volume, sessions) == hours((23.5, 80, 1880))
    assert charge(volume, work(19.99)) == hours((19.99, 90, 1799.1))
    assert charge(volume, work(20)) == hours((20, 80, 1600))


def test_where_a_tier_begins_belongs_to_it():
    assert charge(make_terms(), work(10)) == hours((10, 100, 1000))
    assert charge(make_terms(tier_mode='volume'), work(10)) == hours((10, 90, 900))
    assert charge(make_terms(tier_mode='volume'), work(9.99)) == hours((9.99, 100, 999))
    # What is printed decides: these would be 9.996 hours.
    assert charge(make_terms(tier_mode='volume'), work('9.996')) == hours((10, 90, 900))


def test_below_the_first_tier_the_plans_price_counts():
    terms = make_terms(price_per_hour=120, tiers=((10, 90),))
    assert charge(terms, work(12)) == hours((10, 120, 1200), (2, 90, 180))
    volume = replace(terms, tier_mode='volume')
    assert charge(volume, work(8)) == hours((8, 120, 960))
    assert charge(volume, work(12)) == hours((12, 90, 1080))


def test_sessions_have_tiers_as_hours_have():
    terms = make_terms(billing_type='session', price_per_session=20, tiers=((3, 15), (5, 10)))
    sessions = work(*[1] * 6)
    assert charge(terms, sessions) == [
        ('session', 3, 20, 60),
        ('session', 2, 15, 30),
        ('session', 1, 10, 10),
    ]
    assert charge(replace(terms, tier_mode='volume'), sessions) == [('session', 6, 10, 60)]


def test_what_is_included_comes_off_first():
    assert charge(make_terms(included_quantity=5), work(12)) == hours((7, 100, 700))
    assert charge(make_terms(included_quantity=5), work(18)) == hours((10, 100, 1000), (3, 90, 270))
    rated = rating.rate(make_terms(included_quantity=5), MARCH, work(4, 14))
    assert [group.included for group in rated.groups] == [
        rating.Included(Decimal(-5), Decimal(-500)),
        rating.Included(Decimal(0), Decimal(0)),
    ]


def test_tiers_scale_as_the_included_quantity_does():
    terms = make_terms(amounts_per='month', cycle='quarterly', tiers=((0, 100), (10, 90)))
    quarter = (date(2026, 1, 1), date(2026, 4, 1), 90)
    assert charge(terms, work(40), quarter) == hours((30, 100, 3000), (10, 90, 900))
    weekly = make_terms(amounts_per='month', cycle='weekly', tiers=((0, 100), (13, 90)))
    week = (date(2026, 3, 2), date(2026, 3, 9), 7)
    assert charge(weekly, work(4), week) == hours((3, 100, 300), (1, 90, 90))
    cut = make_terms(prorate_partial=True, tiers=((0, 100), (31, 90)))
    assert charge(cut, work(12), (date(2026, 3, 1), date(2026, 3, 11), 31)) == hours(
        (10, 100, 1000), (2, 90, 180)
    )


def test_a_session_over_a_beginning_is_split_by_amount():
    rated = rating.rate(make_terms(), MARCH, work(8, 4))
    assert [(part.id, part.group.tier, part.quantity, part.amount) for part in rated.parts] == [
        (0, 1, 8, 800),
        (1, 1, 2, 200),
        (1, 2, 2, 180),
    ]
    assert [part.billed_seconds for part in rated.parts if part.id == 1] == [7200, 7200]
    assert [part.measured_seconds for part in rated.parts if part.id == 1] == [7200, 7200]


def test_a_percentage_is_of_the_tiers_price():
    rates = (
        Rate(id=1, kind='travel', value=150),
        Rate(id=2, kind='phone', method='fixed', value=30),
    )
    days = (('travel', 8), ('travel', 6), ('phone', 2), (None, 5))
    sessions = [
        rating.Session(
            i, START + timedelta(days=i), START + timedelta(days=i, hours=length), kind=kind
        )
        for i, (kind, length) in enumerate(days)
    ]
    # Phone counts towards the tiers, but its price is of none of them.
    assert charge(make_terms(rates=rates), sessions) == hours(
        (4, 90, 360), (1, 80, 80), (10, 150, 1500), (4, 135, 540), (2, 30, 60)
    )


def test_the_maximum_comes_last_and_the_minimum_after_it():
    terms = make_terms(tiers=(), maximum_charge=500, minimum_charge=200)
    assert charge(terms, work(7)) == [*hours((7, 100, 700)), ('cap', 1, -200, -200)]
    assert charge(terms, work(5)) == hours((5, 100, 500))
    assert charge(terms, work(1)) == [*hours((1, 100, 100)), ('minimum', 1, 100, 100)]
    rated = rating.rate(terms, MARCH, work(7), [rating.Device(1, [(None, None)])])
    assert rated.usage_amount == rated.total == 500
    # Base fees count, devices do not.
    terms = make_terms(
        tiers=(), maximum_charge=500, base_fee=50, charge_devices=True, price_per_device=8
    )
    rated = rating.rate(terms, MARCH, work(5), [rating.Device(1, [(None, None)])])
    assert [(line.charge, line.amount) for line in rated.lines] == [
        ('hour', 500),
        ('base_fee', 50),
        ('cap', -50),
        ('device', 8),
    ]
    assert (rated.usage_amount, rated.total) == (500, 508)


def test_the_maximum_scales_as_the_minimum_does():
    terms = make_terms(
        tiers=(), maximum_charge=520, amounts_per='month', cycle='weekly', prorate_partial=True
    )
    week = (date(2026, 3, 2), date(2026, 3, 9), 7)
    assert rating.rate(terms, week, work(7)).total == 120
    assert rating.rate(terms, (*week[:1], date(2026, 3, 3), 7), work(7)).total == Decimal('17.14')


@pytest.mark.parametrize(
    'values',
    [
        {'tiers': ((20, 90), (10, 80))},
        {'tiers': ((10, 90), (10, 80))},
        {'tiers': ((-1, 90),)},
        {'tiers': ((0, -90),)},
        {'tiers': (('much', 90),)},
        {'tier_mode': 'steps'},
        {'maximum_charge': -1},
        {'maximum_charge': 10, 'minimum_charge': 11},
    ],
)
def test_what_cannot_be_is_refused(values):
    with pytest.raises(ValueError, match=r'tier|maximum'):
        make_terms(**values)


def test_a_cliff_is_where_more_costs_less():
    found = tiers.find_cliffs(tiers.read_tiers(THREE), Decimal(50))
    assert [(tier.from_quantity, before) for tier, before in found] == [(10, 100), (20, 90)]
    assert not tiers.find_cliffs(tiers.read_tiers(((5, 60), (7, 70))), Decimal(50))


# === LATE SESSIONS === #


def late(terms, before, more):
    """Return the lines that bill `more` late, and the parts they charge."""
    old = rating.rate(terms, MARCH, before)
    new = rating.rate(terms, MARCH, [*before, *more])
    ids = [session.id for session in more]
    lines = rating.late_charges(old.usage_amount, new, old, ids)
    shares = rating.late_shares(new, old, ids)
    parts = rating.split_late_parts(new, lines, shares) if new.groups else ()
    assert sum(line.amount for line in lines) == max(0, new.usage_amount - old.usage_amount)
    if new.groups:
        assert sum(part.amount for part in parts) == sum(line.amount for line in lines)
    return [(line.quantity, line.price, line.amount) for line in lines], parts


def test_a_late_session_is_billed_in_the_tiers_that_it_fills():
    # It was first of all; so others move to the last tier, and that is where it is charged.
    early = [
        replace(work(1)[0], id=99, start=START - timedelta(hours=9), end=START - timedelta(hours=8))
    ]
    lines, parts = late(make_terms(), work(10, 12), early)
    assert lines == [(1, 80, 80)]
    assert [(part.id, part.group.tier, part.quantity) for part in parts] == [(99, 3, 1)]
    more = [replace(session, id=99) for session in work(0, 12)[1:]]
    lines, parts = late(make_terms(), work(9), more)
    assert lines == [(1, 100, 100), (10, 90, 900), (1, 80, 80)]
    assert [(part.group.tier, part.quantity, part.billed_seconds) for part in parts] == [
        (1, 1, 3600),
        (2, 10, 36000),
        (3, 1, 3600),
    ]


def test_a_late_session_that_changes_the_price_of_all_is_one_amount():
    volume = make_terms(tier_mode='volume')
    more = [replace(session, id=99) for session in work(0, 6)[1:]]
    lines, _parts = late(volume, work(9), more)
    assert lines == [(1, 450, 450)]
    # Beyond the cliff there is nothing more to pay.
    lines, _parts = late(
        volume, work(19), [replace(more[0], end=more[0].start + timedelta(hours=1))]
    )
    assert lines == []


def test_late_sessions_pay_what_is_missing_to_the_maximum():
    more = [replace(session, id=99) for session in work(0, 2)[1:]]
    for terms in (
        make_terms(tiers=(), maximum_charge=1000),
        make_terms(maximum_charge=1000),
    ):
        assert late(terms, work(9), more)[0] == [(1, 100, 100)]
        assert late(terms, work(12), more)[0] == []


# === WHAT ALWAYS HOLDS === #


@st.composite
def agreements(draw):
    starts = sorted(draw(st.sets(st.sampled_from((0, 1, 2, Decimal('2.5'), 4, 7)), max_size=4)))
    prices = draw(st.lists(st.sampled_from((0, 40, 80, Decimal('99.99'))), min_size=4, max_size=4))
    terms = rating.Terms(
        billing_type=draw(st.sampled_from(('hour', 'session'))),
        price_per_hour=90,
        price_per_session=30,
        included_quantity=draw(st.sampled_from((0, 1, Decimal('1.25')))),
        minimum_minutes=draw(st.sampled_from((0, 10))),
        increment_minutes=draw(st.sampled_from((0, 15))),
        base_fee=draw(st.sampled_from((0, 5))),
        base_minutes=draw(st.sampled_from((0, 10))),
        merge_gap_minutes=draw(st.sampled_from((0, 10))),
        minimum_charge=draw(st.sampled_from((0, 50))),
        maximum_charge=draw(st.sampled_from((0, 0, 200))),
        amounts_per=draw(st.sampled_from(('cycle', 'month'))),
        cycle=draw(st.sampled_from(('monthly', 'weekly', 'quarterly'))),
        prorate_partial=draw(st.booleans()),
        tiers=tuple(zip(starts, prices, strict=False)),
        tier_mode=draw(st.sampled_from(('graduated', 'volume'))),
    )
    period = (
        date(2026, 3, 1),
        date(2026, 3, 1) + timedelta(days=draw(st.sampled_from((9, 31)))),
        31,
    )
    return terms, period


@st.composite
def worked(draw, kinds=(None,)):
    sessions, start = [], START
    for number in range(draw(st.integers(0, 7))):
        start += timedelta(seconds=draw(st.integers(0, 9000)))
        length = draw(st.sampled_from((0, 900, 3600, 9000)) | st.integers(1, 15000))
        kind = draw(st.sampled_from(kinds))
        end = start + timedelta(seconds=length)
        sessions.append(rating.Session(number, start, end, device=number % 2 or None, kind=kind))
    return sessions


def half_up(value, step=CENT):
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return (exact / step).quantize(Decimal(1), ROUND_HALF_UP) * step


@given(agreements(), worked())
def test_as_worked_out_by_hand(agreement, sessions):
    """An oracle: all hours first, then how far they reach into each tier; no session is cut."""
    terms, period = agreement
    # What counts, without prices: as sessions of a plan that has only a price.
    plain = replace(terms, tiers=(), minimum_charge=0, maximum_charge=0, included_quantity=0)
    shares = [share for share in rating.rate(plain, period, sessions).sessions if not share.reason]
    hourly = terms.billing_type == 'hour'
    used = (
        Fraction(sum(s.billed_seconds for s in shares), 3600) if hourly else Fraction(len(shares))
    )
    days = (period[1] - period[0]).days
    scale = Fraction(1)
    if terms.amounts_per == 'month':
        scale = {'monthly': Fraction(1), 'weekly': Fraction(12, 52), 'quarterly': Fraction(3)}[
            terms.cycle
        ]
    if terms.prorate_partial and days < 31:
        scale *= Fraction(days, 31)
    over = max(Fraction(0), used - scale * Fraction(terms.included_quantity))
    steps = [(scale * Fraction(tier.from_quantity), tier.price) for tier in terms.tiers]
    if not steps or steps[0][0]:
        steps.insert(0, (Fraction(0), terms.price))
    expected = []
    if terms.tier_mode == 'volume':
        quantity = half_up(over)
        price = [price for start, price in steps if start <= Fraction(quantity)][-1]
        expected.append((quantity, price))
    else:
        ends = [start for start, _price in steps[1:]] + [max(over, steps[-1][0])]
        for (start, price), end in zip(steps, ends, strict=True):
            expected.append((half_up(max(Fraction(0), min(over, end) - start)), price))
    amounts = [half_up(Fraction(quantity) * Fraction(price)) for quantity, price in expected]
    fees = terms.base_fee * len(shares) if hourly else 0
    total = sum(amounts) + fees
    if terms.maximum_charge:
        total = min(total, half_up(scale * Fraction(terms.maximum_charge)))
    total = max(total, half_up(scale * Fraction(terms.minimum_charge)))
    rated = rating.rate(terms, period, sessions)
    assert rated.total == total
    assert [
        (line.quantity, line.price) for line in rated.lines if line.charge == terms.billing_type
    ] == [(quantity, price) for quantity, price in expected if quantity]


@given(
    worked(kinds=(None, 'travel', 'phone')),
    st.sampled_from((0, 1, Decimal('1.25'))),
    st.sampled_from((50, 100, 150)),
)
def test_minute_by_minute_with_rates(sessions, included, burn):
    """An oracle that looks at each minute in turn: what is left of the included, which tier."""
    rates = (
        Rate(id=1, kind='travel', value=150, burn_percent=burn),
        Rate(id=2, kind='phone', method='fixed', value=30),
    )
    steps = ((0, 100), (1, 90), (Decimal('2.5'), 80))
    terms = make_terms(tiers=steps, rates=rates, included_quantity=included)
    found, left, used = {}, int(included * 3600 * 100), 0
    for session in sorted(sessions, key=lambda each: (each.start, each.end, each.id)):
        seconds = (session.end - session.start) // timedelta(seconds=1)
        takes = burn if session.kind == 'travel' else 100
        free = min(Fraction(seconds), Fraction(left, takes))
        left -= int(free * takes)
        rest = Fraction(seconds) - free
        while rest:
            # Up to the next whole minute of use: tiers begin at such.
            tick = min(rest, 60 - used % 60)
            price = [price for start, price in steps if start * 3600 <= used][-1]
            key = {
                'travel': ('travel', Decimal(price) * 3 / 2),
                'phone': ('phone', Decimal(30)),
            }.get(session.kind, (None, Decimal(price)))
            found[key] = found.get(key, 0) + tick
            used += tick
            rest -= tick
    expected = sorted(
        (half_up(Fraction(seconds) / 3600), price)
        for (_kind, price), seconds in found.items()
        if half_up(Fraction(seconds) / 3600)
    )
    assert (
        sorted((line.quantity, line.price) for line in rating.rate(terms, MARCH, sessions).lines)
        == expected
    )


@given(agreements(), worked(), st.integers(1, 5000))
def test_graduated_grows_with_time_and_never_jumps(agreement, sessions, more):
    terms, period = agreement
    terms = replace(terms, tier_mode='graduated', maximum_charge=0, merge_gap_minutes=0)
    assume(sessions)
    # In whatever session the time is.
    session = sessions[more % len(sessions)]
    longer = [
        replace(each, end=each.end + timedelta(seconds=more)) if each is session else each
        for each in sessions
    ]
    before, after = (rating.rate(terms, period, given) for given in (sessions, longer))
    assert after.total >= before.total
    billed = after.billed_seconds - before.billed_seconds
    # Each line is rounded to hundredths of an hour at 100.00 at most, and to cents.
    slack = 2 * (len(terms.tiers) + 1)
    assert after.total - before.total <= Fraction(100 * billed, 3600) + slack * Fraction(101, 100)


@given(agreements(), worked(), st.randoms(use_true_random=False))
def test_the_order_of_sessions_does_not_matter(agreement, sessions, random):
    terms, period = agreement
    shuffled = random.sample(sessions, len(sessions))
    assert rating.rate(terms, period, shuffled) == rating.rate(terms, period, sessions)


@given(agreements(), worked())
def test_tiers_of_the_plans_price_change_no_cent(agreement, sessions):
    terms, period = agreement
    plain = rating.rate(replace(terms, tiers=()), period, sessions)
    one = rating.rate(replace(terms, tiers=((0, terms.price),)), period, sessions)
    assert one.total == plain.total
    assert [(x.charge, x.quantity, x.amount) for x in one.lines] == [
        (x.charge, x.quantity, x.amount) for x in plain.lines
    ]
    for share, other in zip(one.sessions, plain.sessions, strict=True):
        assert share == other


@given(agreements(), worked())
def test_parts_make_the_lines_and_the_sessions(agreement, sessions):
    terms, period = agreement
    rated = rating.rate(terms, period, sessions)
    for group in rated.groups:
        assert sum(p.quantity for p in group.parts) + group.included.quantity == group.line.quantity
        assert sum(p.amount for p in group.parts) + group.included.amount == group.line.amount
    by_session = {}
    for part in rated.parts:
        seconds = by_session.setdefault(part.id, [0, 0])
        seconds[0] += part.billed_seconds
        seconds[1] += part.measured_seconds
    for share in rated.sessions if rated.groups else ():
        if not share.reason:
            assert by_session[share.id] == [share.billed_seconds, share.measured_seconds]
    assert rated.usage_amount >= 0
    if terms.maximum_charge:
        most = half_up(rating.get_scale(terms, period) * Fraction(terms.maximum_charge))
        assert rated.usage_amount <= most


@given(agreements(), worked(), st.integers(0, 6))
def test_late_sessions_add_up(agreement, sessions, count):
    terms, period = agreement
    came, more = sessions[count:], sessions[:count]
    old, new = (rating.rate(terms, period, given) for given in (came, sessions))
    ids = [session.id for session in more]
    lines = rating.late_charges(old.usage_amount, new, old, ids)
    assert sum(line.amount for line in lines) == max(0, new.usage_amount - old.usage_amount)
    assert all(
        line.amount == half_up(Fraction(line.quantity) * Fraction(line.price)) for line in lines
    )
    if not new.groups:
        return
    parts = rating.split_late_parts(new, lines, rating.late_shares(new, old, ids))
    charged = {(line.group, line.price): line for line in lines}
    if len(lines) == 1 and lines[0].group is None:
        assert sum(part.amount for part in parts) == lines[0].amount or not parts
        return
    for key, line in charged.items():
        own = [part for part in parts if (part.group, part.price) == key]
        assert sum(part.amount for part in own) == line.amount
        assert sum(part.quantity for part in own) == line.quantity
