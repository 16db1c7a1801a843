"""A rise of prices: what becomes of one price by a percentage, an amount, or an index."""

from decimal import Decimal
from fractions import Fraction

from .shapes import round_half_up

METHODS = ('percent', 'amount', 'index')


def revise(
    price: Decimal, method: str, value: Decimal | tuple[Decimal, Decimal], step: Decimal
) -> Decimal:
    """Return the new price: a whole number of `step`, halves upwards, never below zero.

    :param value: percent, or amount, on top (off it, below zero); or the index as it was and is
    :param step: what the new price is rounded to, above zero
    :raise ValueError: an unknown method, a step of zero, an index that was zero
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is none of {', '.join(METHODS)}.")
    if step <= 0:
        raise ValueError(f"step: {step} rounds to nothing.")
    price = Fraction(price)
    if method == 'percent':
        price += price * Fraction(value) / 100
    elif method == 'amount':
        price += Fraction(value)
    else:
        before, now = map(Fraction, value)
        if before <= 0:
            raise ValueError(f"index: {before} is not above zero.")
        price *= now / before
    return round_half_up(max(price, Fraction(0)), step)
