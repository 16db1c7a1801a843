"""What rating refuses, and terms that come from JSON."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from rules import rating


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('billing_type', 'minute'),
        ('device_count', None),
        ('amounts_per', 'week'),
        ('cycle', 'daily'),
        ('charge_devices', 'yes'),
        ('prorate_partial', 1),
        ('price_per_session', -1),
        ('price_per_hour', '-0.01'),
        ('price_per_device', 'ten'),
        ('base_fee', float('nan')),
        ('included_quantity', float('inf')),
        ('minimum_charge', None),
        ('ignore_under_seconds', -1),
        ('merge_gap_minutes', 1.5),
        ('minimum_minutes', True),
        ('increment_minutes', ''),
        ('base_minutes', '-5'),
        ('quantity_digits', -2),
        ('price_digits', 'two'),
        ('currency_rounding', 0),
        ('currency_rounding', -0.01),
    ],
)
def test_impossible_terms_are_refused_by_field(field, value):
    with pytest.raises(ValueError, match=f'^{field}: '):
        rating.Terms.from_dict({field: value})


def test_terms_come_from_json():
    given = {
        'billing_type': 'hour',
        'price_per_hour': 0.1,
        'price_per_device': '4.50',
        'charge_devices': True,
        'minimum_minutes': 15.0,
        'included_quantity': 2,
        'cycle': 'weekly',
        'plan': 'Premium',
        'tz': 'Europe/Paris',
    }
    terms = rating.Terms.from_dict(json.loads(json.dumps(given)))
    assert (terms.price_per_hour, terms.price_per_device) == (Decimal('0.1'), Decimal('4.50'))
    assert (terms.minimum_minutes, terms.included_quantity) == (15, 2)
    assert terms.cycle == 'weekly'
    assert rating.Terms.from_dict({}) == rating.Terms()


def test_what_cannot_be_rated_is_named():
    start = datetime(2026, 1, 5, 10)
    with pytest.raises(ValueError, match="Session 4 ends before it starts"):
        rating.Session(4, start, start - timedelta(seconds=1))
    january, terms = (date(2026, 1, 1), date(2026, 2, 1), 31), rating.Terms(charge_devices=True)
    ticket, laptop = rating.Session(1, start, start), rating.Device('laptop', [(None, None)])
    with pytest.raises(ValueError, match="Session 1 is given twice"):
        rating.rate(terms, january, [ticket, rating.Session(2, start, start), ticket])
    with pytest.raises(ValueError, match="Device laptop is given twice"):
        rating.rate(terms, january, [], [laptop, laptop])
    with pytest.raises(ValueError, match="has no day"):
        rating.rate(terms, (date(2026, 1, 1), date(2026, 1, 1), 31), [])


def test_what_is_made_later_is_a_tuple_made_once():
    made = []

    def make():
        made.append(True)
        return iter((1, 2))

    later = rating.Later(2, make)
    assert len(later) == 2
    assert not made
    assert later == (1, 2) == tuple(later)
    assert (1, 2) == later == rating.Later(2, lambda: [1, 2])
    assert later != (2, 1)
    assert later[0] == 1
    assert hash(later) == hash((1, 2))
    assert repr(later) == '(1, 2)'
    assert len(made) == 1
