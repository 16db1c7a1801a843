"""What rolls over: numbers, and that each included hour is used once at most."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import rating
from rules.allowances import Allowance
from rules.rates import Rate
from rules.rollover import Carried, carry_over, take_off


def make_terms(**values):
    return rating.Terms(
        **{
            'billing_type': 'hour',
            'price_per_hour': 100,
            'included_quantity': 5,
            'rollover': 'all',
            **values,
        }
    )


def rate_month(terms, month, hours, extra=()):
    """Rate one session of so many hours in a month."""
    start = datetime(2026, month, 2)
    sessions = [rating.Session(1, start, start + timedelta(seconds=int(Fraction(hours) * 3600)))]
    period = (date(2026, month, 1), date(2026, month + 1, 1), 31)
    return rating.rate(terms, period, [*sessions, *extra])


def hand_on(rated, source):
    terms = rated.terms
    most = Fraction(terms.rollover_cap) if terms.rollover == 'capped' else None
    return carry_over(terms.carried, rated.left, source, terms.rollover_cycles, most)


def bill_months(hours, **values):
    """Return what months of so many hours each bill, and what each hands on, as (source, hours)."""
    carried, billed, handed = (), [], []
    for month, worked in enumerate(hours, start=1):
        rated = rate_month(make_terms(carried=carried, **values), month, worked)
        carried = hand_on(rated, month)
        billed.append(rated.billed_quantity)
        handed.append([(each.source, each.quantity) for each in carried])
    return billed, handed


def test_what_is_left_is_used_in_the_next_cycle():
    assert bill_months((3, 6, 6)) == ([0, 0, 0], [[(1, 2)], [(2, 1)], []])
    assert bill_months((3, 8, 8)) == ([0, Decimal(1), Decimal(3)], [[(1, 2)], [], []])


def test_the_oldest_goes_first():
    billed, handed = bill_months((4, 4, 4, 4), rollover_cycles=2)
    # So nothing lapses here: each month uses first what the one before has left.
    assert handed == [[(1, 1)], [(2, 2)], [(3, 3)], [(4, 4)]]
    assert billed == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ('lasts', 'expected'),
    [
        (1, [[(1, 5)], [(2, 5)], [(3, 5)]]),
        (2, [[(1, 5)], [(1, 5), (2, 5)], [(2, 5), (3, 5)]]),
        (3, [[(1, 5)], [(1, 5), (2, 5)], [(1, 5), (2, 5), (3, 5)]]),
    ],
)
def test_what_is_not_used_lapses_after_so_many_cycles(lasts, expected):
    assert bill_months((0, 0, 0), rollover_cycles=lasts)[1] == expected


def test_a_limit_keeps_the_newest():
    values = {'rollover': 'capped', 'rollover_cap': 7, 'rollover_cycles': 3}
    assert bill_months((0, 0, 1), **values)[1] == [
        [(1, 5)],
        [(1, 2), (2, 5)],
        [(2, 2), (3, 5)],
    ]


def test_the_example_of_the_handbook():
    billed, handed = bill_months(
        (3, 1, Fraction(15, 2), Fraction(19, 2)),
        rollover='capped',
        rollover_cap=7,
        rollover_cycles=2,
    )
    assert billed == [0, 0, 0, 1]
    assert handed == [[(1, 2)], [(1, 1), (2, 5)], [(3, Fraction(7, 2))], []]


def test_what_was_handed_on_is_gone_from_its_cycle():
    rated = rate_month(make_terms(), 1, 3)
    handed = hand_on(rated, 'january')
    again = make_terms(handed_on=handed)
    assert rate_month(again, 1, 3).total == 0
    late = rating.Session(2, datetime(2026, 1, 1), datetime(2026, 1, 1, 1))
    assert rate_month(again, 1, 3, [late]).lines[0].quantity == 1
    # What lapsed instead is there for it.
    capped = make_terms(rollover='capped', rollover_cap=Decimal('1.5'), handed_on=())
    handed = hand_on(rate_month(capped, 1, 3), 'january')
    assert [each.quantity for each in handed] == [Fraction(3, 2)]
    again = make_terms(rollover='capped', rollover_cap=Decimal('1.5'), handed_on=handed)
    assert rate_month(again, 1, 3, [late]).billed_quantity == Decimal('0.5')


def test_an_hour_that_takes_more_or_less_of_what_is_included():
    rates = (Rate(id=1, value=100, burn_percent=150),)
    rated = rate_month(make_terms(rates=rates), 1, 2)
    assert hand_on(rated, 1) == (Carried(1, Fraction(2), 1),)


def test_fractions_of_a_scaled_quantity_are_kept_exactly():
    terms = make_terms(amounts_per='month', cycle='weekly')
    period = (date(2026, 1, 5), date(2026, 1, 12), 7)
    [row] = hand_on(rating.rate(terms, period, []), 1)
    assert row.quantity == Fraction(60, 52)
    assert Carried(*row.as_row()) == row
    assert row.as_row() == [1, '15/13', 1]


def test_allowances_of_other_sources_roll_over_with_the_plans():
    found = carry_over((), {'included': Fraction(1), 'fee:7': Fraction(2)}, 9, 1)
    assert found == (Carried(9, Fraction(3), 1),)
    allowances = [Allowance('included', 300), Allowance('fee:7', 200, order=1)]
    left = take_off(allowances, (), found, 100)
    assert {each.id: each.units for each in left} == {'included': 200, 'fee:7': 0}


def test_without_rollover_nothing_is_different():
    for hours in (0, 3, Fraction(11, 2)):
        plain = rate_month(make_terms(rollover='none'), 1, hours)
        rolling = rate_month(make_terms(), 1, hours)
        assert plain.terms.is_plain
        assert [(x.charge, x.quantity, x.amount) for x in plain.lines] == [
            (x.charge, x.quantity, x.amount) for x in rolling.lines
        ]
        assert plain.sessions == rolling.sessions


@given(
    st.lists(st.integers(0, 40).map(lambda n: Fraction(n, 4)), min_size=1, max_size=10),
    st.integers(1, 4),
    st.sampled_from((None, 0, 3, 7)),
)
def test_every_included_hour_is_used_once_lapses_or_is_there(hours, lasts, cap):
    """An oracle: each included hour is a token with an age; the oldest is taken first."""
    values = {'rollover_cycles': lasts}
    if cap:
        values |= {'rollover': 'capped', 'rollover_cap': cap}
    cap = cap or None
    billed, handed = bill_months(hours, **values)
    tokens, expected = [], []
    for month, worked in enumerate(hours, start=1):
        # A token is a quarter of an hour.
        tokens += [month] * 20
        needed = int(worked * 4)
        expected.append(Decimal(max(0, needed - len(tokens))) / 4)
        tokens = [token for token in tokens[needed:] if token + lasts > month]
        if cap:
            tokens = tokens[-cap * 4 :]
        found = {token: Fraction(tokens.count(token), 4) for token in tokens}
        assert dict(handed[month - 1]) == found
    assert billed == expected
