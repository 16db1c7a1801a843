"""Values as the tools write them."""

from datetime import date, datetime, time, timedelta, timezone

import pytest

from sources import inert_cell, plain_cell, shorten, values

MOMENT = datetime(2026, 1, 31, 14, 5)


@pytest.mark.parametrize(
    ('value', 'unit', 'order', 'expected', 'aware'),
    [
        (1769868300, 's', None, MOMENT, True),
        ('1769868300', 's', None, MOMENT, True),
        (1769868300.9, 's', None, MOMENT, True),
        ('1769868300.9', 's', None, MOMENT, True),
        (1769868300999, 'ms', None, MOMENT, True),
        (' 1769868300999 ', 'ms', None, MOMENT, True),
        (1769868300, 'auto', None, MOMENT, True),
        (1769868300000, 'auto', None, MOMENT, True),
        ('2026-01-31T14:05:00Z', None, None, MOMENT, True),
        ('2026-01-31T14:05:00z', None, None, MOMENT, True),
        ('2026-01-31T14:05:00.123456789Z', None, None, MOMENT, True),
        ('2026-01-31T15:05:00+01:00', None, None, MOMENT, True),
        ('2026-01-31 15:05:00 +01:00', None, None, MOMENT, True),
        ('2026-01-31 14:05:00 UTC', None, None, MOMENT, True),
        ('2026-01-31 14:05:00', None, None, MOMENT, False),
        ('2026-01-31 14:05', None, None, MOMENT, False),
        ('2026-01-31', None, None, datetime(2026, 1, 31), False),
        ('31.01.2026 14:05', None, None, MOMENT, False),
        ('31.1.26 14:05:00', None, None, MOMENT, False),
        ('1/31/2026 2:05 PM', None, None, MOMENT, False),
        ('1/31/2026, 2:05:00 pm', None, None, MOMENT, False),
        ('31/01/2026 14:05', None, None, MOMENT, False),
        ('2026/01/31 14:05:00', None, None, MOMENT, False),
        ('31-01-2026 14:05', None, None, MOMENT, False),
        ('1/1/2026 12:00 AM', None, None, datetime(2026, 1, 1), False),
        ('1/2/2026 12:00 PM', None, 'dmy', datetime(2026, 2, 1, 12), False),
        ('1/2/2026 12:00 PM', None, 'mdy', datetime(2026, 1, 2, 12), False),
        (datetime(2026, 1, 31, 14, 5, 0, 999), None, None, MOMENT, False),
        (datetime(2026, 1, 31, 14, 5, tzinfo=timezone.utc), None, None, MOMENT, True),
        (date(2026, 1, 31), None, None, datetime(2026, 1, 31), False),
    ],
)
def test_instants_are_read_in_every_form_in_use(value, unit, order, expected, aware):
    assert values.wall_time(value, unit, order) == (expected, aware)


@pytest.mark.parametrize(
    ('value', 'unit', 'code'),
    [
        (1769868300, None, 'bad_time'),
        ('1769868300', None, 'bad_time'),
        (20260131, 'auto', 'bad_time'),
        (True, 's', 'bad_time_s'),
        (float('nan'), 's', 'bad_time_s'),
        ('1769868300999', 's', 'bad_time_s'),
        ('2026-02-30 10:00:00', None, 'bad_time'),
        ('2026-02-30T10:00:00Z', None, 'bad_time'),
        ('30.02.2026 10:00', None, 'bad_time'),
        ('1/31/2026 13:05 PM', None, 'bad_time'),
        ('2026-01-31 25:00', None, 'bad_time'),
        ('0000-00-00 00:00:00', None, 'bad_time'),
        ('٢٠٢٦-01-31 10:00', None, 'bad_time'),
        ('²', 's', 'bad_time_s'),
        ('x' * 10_000_000, None, 'bad_time'),
        (' ' * 10_000_000, None, 'bad_time'),
        ('9' * 5000, 's', 'bad_time_s'),
        ('2/3/2026 10:00', None, 'ambiguous_time'),
        ([], None, 'bad_time'),
        (timedelta(1), None, 'bad_time'),
    ],
)
def test_what_is_no_instant_is_told_apart(value, unit, code):
    with pytest.raises(values.BadValue) as caught:
        values.wall_time(value, unit)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ('value', 'unit', 'seconds'),
    [
        ('155493', 'ms', 155),
        (155, 's', 155),
        (2.5, 'min', 150),
        ('1,5', 'h', 5400),
        ('01:30:00', 's', 5400),
        ('1:30', 'h', 5400),
        ('100:00:01', 's', 360001),
        ('1.02:03:04', 's', 93784),
        ('1d 02:03:04', 's', 93784),
        ('1 h 5 min', 's', 3900),
        ('1h5m10s', 's', 3910),
        ('90 minutes', 's', 5400),
        ('2 Hours', 's', 7200),
        (timedelta(minutes=1), 's', 60),
        (time(1, 2, 3), 's', 3723),
        (datetime(1899, 12, 31, 1, 0), 's', 3600),
        (0, 's', 0),
    ],
)
def test_durations_are_read_in_every_form_in_use(value, unit, seconds):
    assert values.duration(value, unit) == seconds


@pytest.mark.parametrize(
    ('value', 'code'),
    [
        (-1, 'negative_duration'),
        ('-00:05:00', 'negative_duration'),
        ('-5', 'negative_duration'),
        (timedelta(-1), 'negative_duration'),
        ('', 'bad_duration'),
        ('a while', 'bad_duration'),
        (True, 'bad_duration'),
        (10**400, 'bad_duration'),
        (float('nan'), 'bad_duration'),
        (None, 'bad_duration'),
        ('9' * 1_000_000, 'bad_duration'),
        (datetime(2026, 1, 1), 'bad_duration'),
    ],
)
def test_what_is_no_duration_is_told_apart(value, code):
    with pytest.raises(values.BadValue) as caught:
        values.duration(value)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (706174884, '706174884'),
        (706174884.0, '706174884'),
        (' 706174884 ', '706174884'),
        ('0007', '0007'),
        (-3, '-3'),
        (0, ''),
        (0.0, ''),
        (None, ''),
        ('NULL', ''),
        ('a\0b', 'ab'),
        ('a\nb', 'a b'),
    ],
)
def test_ids_are_texts(value, text):
    assert values.identity(value) == text


@pytest.mark.parametrize(
    ('value', 'address'),
    [
        ('A.B@Example.COM', 'a.b@example.com'),
        ('Ann <ann@example.com>', 'ann@example.com'),
        ('ann@example.com, bob@example.com', ''),
        ('ann', ''),
        ('@', ''),
        ('a@b\0.c', ''),
        (5, ''),
        ('x' * 1_000_000 + '@example.com', ''),
    ],
)
def test_email_addresses_have_the_form_of_one(value, address):
    assert values.email_address(value) == address


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (5, '5'),
        (5.0, '5'),
        (1.5, '1.5'),
        (float('nan'), ''),
        (float('inf'), 'inf'),
        (True, ''),
        (None, ''),
        ({'a': 1}, ''),
        ([1], ''),
        (10**400, ''),
        ('a\r\nb\rc\x00\x07\x85\ud800', 'a\nb\nc\ufffd'),
        ('👩\u200d💻', '👩\u200d💻'),
    ],
)
def test_scalars_become_clean_text(value, text):
    assert values.clean_text(value) == text


def test_zones_are_names_of_the_database():
    assert str(values.zone_info(' Europe/Paris ')) == 'Europe/Paris'
    with pytest.raises(values.BadValue):
        values.zone_info('Europe/Nowhere')


def test_a_wall_time_that_the_clock_skips_counts_on():
    """29 March 2026 in Paris: there is no 02:30; it is what 01:30 and an hour comes to."""
    paris = values.zone_info('Europe/Paris')
    assert values.local_to_utc(datetime(2026, 3, 29, 2, 30), paris) == datetime(2026, 3, 29, 1, 30)


@pytest.mark.parametrize(
    ('value', 'shown'),
    [
        ('abc', '“abc”'),
        ('a\0b', '“a\ufffdb”'),
        ('x' * 10_000_000, '“' + 'x' * 60 + '…”'),
        (None, 'null'),
        (True, 'true'),
        (10**400, '≈2^1329'),
        (1.5, '1.5'),
        ({'a': 1}, '{…}'),
        ([1, 2], '[…]'),
        (datetime(2026, 1, 1), '2026-01-01 00:00:00'),
        (object(), '<object>'),
    ],
)
def test_a_value_is_shown_shortened(value, shown):
    assert shorten(value) == shown


@pytest.mark.parametrize(
    'text',
    ['=cmd|x!A1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '  =1', "'=1", "' '=1", '\uff1d1',
     '\u200b=1', '\ufeff=1', "''=1", '=', '-'],
)  # fmt: skip
def test_a_formula_is_made_inert_and_comes_back(text):
    assert inert_cell(text) == "'" + text
    assert plain_cell(inert_cell(text)) == text


@pytest.mark.parametrize('value', ['', 'text', "it's", "'quoted'", '1=1', 5, -5, None, 1.5])
def test_anything_else_stays_as_it_is(value):
    assert inert_cell(value) == value
    assert plain_cell(value) == value
