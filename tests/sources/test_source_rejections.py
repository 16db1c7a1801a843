"""What cannot be taken of a record is rejected, with the vendor's field and what to do."""

from datetime import datetime, timedelta

import pytest

from sources import Normal, Rejection, normalise

NOW = datetime(2026, 11, 20, 12, 0)
ZONE = 'Europe/Paris'
ZOHO = {'session_id': 7, 'start_time': 1481369000053, 'end_time': 1481369155546}


@pytest.mark.parametrize(
    ('change', 'field', 'code'),
    [
        ({'session_id': None}, 'session_id', 'no_id'),
        ({'session_id': ''}, 'session_id', 'no_id'),
        ({'session_id': '  '}, 'session_id', 'no_id'),
        ({'session_id': 0}, 'session_id', 'no_id'),
        ({'session_id': 'null'}, 'session_id', 'no_id'),
        ({'session_id': float('nan')}, 'session_id', 'no_id'),
        ({'session_id': True}, 'session_id', 'bad_id'),
        ({'session_id': 1.5}, 'session_id', 'bad_id'),
        ({'session_id': float('inf')}, 'session_id', 'bad_id'),
        ({'session_id': {'a': 1}}, 'session_id', 'bad_id'),
        ({'session_id': [1]}, 'session_id', 'bad_id'),
        ({'session_id': 10**5000}, 'session_id', 'bad_id'),
        ({'session_id': 'x' * 256}, 'session_id', 'bad_id'),
        ({'start_time': None}, 'start_time', 'no_start'),
        ({'start_time': 0}, 'start_time', 'no_start'),
        ({'start_time': '0'}, 'start_time', 'no_start'),
        ({'start_time': ''}, 'start_time', 'no_start'),
        ({'start_time': 'yesterday'}, 'start_time', 'bad_time_ms'),
        ({'start_time': True}, 'start_time', 'bad_time_ms'),
        ({'start_time': float('inf')}, 'start_time', 'bad_time_ms'),
        ({'start_time': 10**300}, 'start_time', 'bad_time_ms'),
        ({'start_time': -(10**17)}, 'start_time', 'bad_time_ms'),
        ({'start_time': [1481369000053]}, 'start_time', 'bad_time_ms'),
        # In seconds instead of milliseconds: a day of January 1970.
        ({'start_time': 1481369000}, 'start_time', 'too_early'),
        ({'start_time': '0000-01-01T00:00:00Z'}, 'start_time', 'bad_time_ms'),
        ({'start_time': '9999-12-31T23:59:59Z'}, 'start_time', 'ahead'),
        ({'start_time': '9999-12-31T23:59:59-12:00'}, 'start_time', 'bad_time_ms'),
        ({'start_time': 253402300799000}, 'start_time', 'bad_time_ms'),
        ({'end_time': 'soon'}, 'end_time', 'bad_time_ms'),
        ({'end_time': 1481368999000}, 'end_time', 'reversed'),
        ({'end_time': -5}, 'end_time', 'reversed'),
        ({'end_time': 1795348800000}, 'end_time', 'ahead'),
        ({'end_time': 1581369155546}, 'end_time', 'too_long'),
        ({'end_time': None, 'duration': '-155493'}, 'duration', 'negative_duration'),
        ({'end_time': None, 'duration': 'long'}, 'duration', 'bad_duration'),
        ({'end_time': None, 'duration': 10**14}, 'duration', 'too_long'),
        ({'end_time': None, 'duration': float('inf')}, 'duration', 'bad_duration'),
    ],
)
def test_what_cannot_be_taken_is_rejected_with_the_vendors_field(change, field, code):
    result = normalise({**ZOHO, **change}, 'zoho_assist', now=NOW)
    assert isinstance(result, Rejection)
    assert (result.field, result.code) == (field, code)
    assert field in result.reason
    assert '%(' not in result.reason
    assert len(result.reason) < 400


def test_the_reason_shows_value_and_start():
    result = normalise({**ZOHO, 'end_time': 1481368999000}, 'zoho_assist', now=NOW)
    assert result.reason == (
        'end_time is 1481368999000, which is before the start (start_time: 1481369000053). Correct '
        'one of the two.'
    )
    ahead = normalise({**ZOHO, 'start_time': 1900000000000}, 'zoho_assist', now=NOW)
    assert '1900000000000 (2030-03-17 17:46:40 UTC)' in ahead.reason


def test_a_day_ahead_is_allowed_and_no_more():
    record = {'id': 'a', 'start_date': '2026-11-20T11:00:00Z', 'end_date': '2026-11-21T12:00:00Z'}
    assert isinstance(normalise(record, 'teamviewer', now=NOW), Normal)
    record['end_date'] = '2026-11-21T12:00:01Z'
    assert normalise(record, 'teamviewer', now=NOW).code == 'ahead'
    assert normalise(record, 'teamviewer', now=NOW + timedelta(seconds=1)).external_id == 'a'


@pytest.mark.parametrize('record', [None, [], 'x', 5, [ZOHO], ZOHO.items(), object()])
def test_a_record_that_is_no_object_is_rejected(record):
    assert normalise(record, 'zoho_assist').code == 'not_object'


@pytest.mark.parametrize('source', ['manual', 'nosuch', '', None, 5, [], {}])
def test_an_unknown_source_is_rejected_and_the_known_are_named(source):
    result = normalise(ZOHO, source)
    assert (result.field, result.code) == ('source', 'unknown_source')
    assert 'zoho_assist' in result.reason


@pytest.mark.parametrize(
    'zone',
    ['Mars/Base', 'Europe', '../etc/passwd', 'Europe/Paris\0', 'é', 'x' * 500, 5, 'localtime'],
)
def test_an_unknown_zone_is_rejected(zone):
    record = {'TECH_NAME': 'Olga', 'DATE_START': '2026-03-02 09:00:00'}
    result = normalise(record, 'take_control', tz=zone)
    assert (result.field, result.code) == ('tz', 'unknown_zone')
    row = {'external_id': '1', 'started_at': '2026-03-02 09:00:00', 'Time zone': zone}
    result = normalise(row, 'csv', tz='UTC')
    assert (result.field, result.code) == ('Time zone', 'unknown_zone')


def test_a_zone_in_the_row_goes_before_the_importers():
    row = {'external_id': '1', 'started_at': '2026-03-02 09:00:00', 'tz': 'Asia/Tokyo'}
    assert normalise(row, 'csv', tz='UTC').started_at == datetime(2026, 3, 2)


def test_the_hour_that_the_clock_shows_twice():
    """25 October 2026 in Paris: 02:50 summer time, then 02:10 winter time, twenty minutes on."""
    record = {
        'TECH_NAME': 'Olga',
        'DATE_START': '2026-10-25 02:50:00',
        'DATE_END': '2026-10-25 02:10:00',
    }
    session = normalise(record, 'take_control', tz=ZONE, now=NOW)
    assert session.started_at == datetime(2026, 10, 25, 0, 50)
    assert session.ended_at == datetime(2026, 10, 25, 1, 10)
    record['DATE_END'] = '2026-10-25 01:10:00'
    assert normalise(record, 'take_control', tz=ZONE, now=NOW).code == 'reversed'


def test_texts_come_out_clean_and_bounded():
    record = {
        **ZOHO,
        'display_name': ' A\0B\x1b\ud800\u202e\uffff\n<b>c</b> ',
        'agent_email': 'not an address',
        'notes': 'x' * 10_000_000,
        'viewer_email': {'nested': ['json']},
        'session_owner_email': 'o@example.com',
    }
    session = normalise(record, 'zoho_assist')
    assert session.customer_name == 'AB\ufffd\ufffd <b>c</b>'
    assert session.customer_email == ''
    assert len(session.note) == 20_000
    assert session.note.endswith('…')
    assert session.technician == ''


def test_a_name_that_cannot_be_shown_is_told_without_what_spoils_it():
    """The field and the reason are stored, and shown in pages."""
    record = {key: value for key, value in ZOHO.items() if key != 'session_id'}
    for name in ('session\0_id', 'session_\ud800id', 'session_id\x1b[1m', 'Session\nID'):
        rejection = normalise({**record, name: None}, 'zoho_assist', now=NOW)
        for text in (rejection.field, rejection.reason):
            text.encode()
            assert text.isprintable()
    long = 'session_id' + ' ' * 300
    assert len(normalise({**record, long: None}, 'zoho_assist', now=NOW).field) <= 255
