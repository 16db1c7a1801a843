"""What becomes of a price by a percentage, an amount or an index."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.revisions import METHODS, revise

CENT, HALF = Decimal('0.01'), Decimal('0.50')


@pytest.mark.parametrize(
    ('price', 'method', 'value', 'step', 'expected'),
    [
        ('90', 'percent', '3.4', CENT, '93.06'),
        ('90', 'percent', '3.4', HALF, '93.00'),
        ('90', 'index', ('100', '103.4'), HALF, '93.00'),
        ('90', 'index', ('117.5', '121.495'), CENT, '93.06'),
        ('90.25', 'percent', '0', HALF, '90.50'),
        ('90', 'amount', '5', HALF, '95.00'),
        ('90', 'amount', '-100', CENT, '0.00'),
        ('90', 'percent', '-100', CENT, '0.00'),
        ('8', 'percent', '3.4', Decimal(1), '8'),
        ('12.345', 'percent', '10', Decimal('0.001'), '13.580'),
    ],
)
def test_numbers(price, method, value, step, expected):
    value = tuple(map(Decimal, value)) if isinstance(value, tuple) else Decimal(value)
    assert revise(Decimal(price), method, value, step) == Decimal(expected)


@pytest.mark.parametrize(
    ('method', 'value', 'step', 'words'),
    [
        ('factor', Decimal(1), CENT, 'method'),
        ('percent', Decimal(1), Decimal(0), 'step'),
        ('index', (Decimal(0), Decimal(100)), CENT, 'index'),
    ],
)
def test_what_cannot_be_is_refused(method, value, step, words):
    with pytest.raises(ValueError, match=words):
        revise(Decimal(90), method, value, step)


prices = st.decimals(0, 10000, places=2)
steps = st.sampled_from([CENT, Decimal('0.05'), HALF, Decimal(1), Decimal(5)])


@given(prices, st.sampled_from(METHODS), st.decimals(-100, 100, places=3), steps)
def test_it_is_the_nearest_multiple_of_the_step(price, method, value, step):
    exact = {
        'percent': Fraction(price) * (1 + Fraction(value) / 100),
        'amount': Fraction(price) + Fraction(value),
        'index': Fraction(price) * (Fraction(value) + 200) / 150,
    }[method]
    given_value = (Decimal(150), value + 200) if method == 'index' else value
    new = revise(price, method, given_value, step)
    assert new % step == 0
    assert new >= 0
    difference = Fraction(new) - max(exact, Fraction(0))
    assert -Fraction(step) / 2 < difference <= Fraction(step) / 2


@given(prices, prices, st.sampled_from(METHODS), st.decimals(-100, 100, places=3), steps)
def test_the_dearer_stays_the_dearer(one, other, method, value, step):
    given_value = (Decimal(150), value + 200) if method == 'index' else value
    low, high = (revise(each, method, given_value, step) for each in sorted((one, other)))
    assert low <= high
