"""Unit prices in words."""

from odoo.tools import formatLang

from .checks import count_digits


def format_price(env, price):
    """Return a unit price with all its digits, which can be more than its currency's."""
    digits = max(env['decimal.precision'].precision_get('Product Price'), count_digits(price))
    return formatLang(env, price, digits=digits)
