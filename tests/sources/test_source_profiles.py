"""Each source's documented shape, read as its profile declares."""

import importlib
from datetime import datetime
from unittest.mock import patch

import pytest

from environment.effort import count_calls
from sources import (
    Normal,
    Profile,
    Rejection,
    get,
    names,
    normalise,
    normaliser,
    read_file,
    recognise,
    register,
    registry,
)
from sources.profile import fold

NOW = datetime(2026, 11, 20, 12, 0)
ZONE = 'Europe/Paris'

# file, source as recognised, source to read it as, sessions, of them running, rejected
SAMPLES = [
    ('zoho_assist.json', 'zoho_assist', 'zoho_assist', 4, 1, 0),
    ('teamviewer.json', 'teamviewer', 'teamviewer', 3, 1, 0),
    ('anydesk.json', 'anydesk', 'anydesk', 2, 1, 0),
    ('rustdesk.json', 'rustdesk', 'rustdesk', 3, 1, 0),
    ('rustdesk.csv', 'rustdesk', 'rustdesk', 3, 0, 0),
    ('take_control.json', 'take_control', 'take_control', 2, 0, 0),
    ('screenconnect.csv', 'screenconnect', 'screenconnect', 3, 1, 1),
    ('splashtop.csv', None, 'splashtop', 3, 0, 0),
    ('isl_online.json', 'isl_online', 'isl_online', 2, 1, 0),
    ('generic.csv', None, 'csv', 3, 1, 0),
]


def read(sample, name, source, **options):
    reading = read_file(sample(name), name)
    return [normalise(record, source, now=NOW, **options) for record in reading.records]


@pytest.mark.parametrize(('name', 'recognised', 'source', 'count', 'running', 'rejected'), SAMPLES)
def test_a_sample_of_each_documented_shape_is_read(
    sample, name, recognised, source, count, running, rejected
):
    assert read_file(sample(name), name).source == recognised
    results = read(sample, name, source, tz=ZONE)
    sessions = [result for result in results if isinstance(result, Normal)]
    assert len(sessions) == count
    assert sum(session.ended_at is None for session in sessions) == running
    assert len(results) - len(sessions) == rejected
    assert len({session.external_id for session in sessions}) == count
    assert read(sample, name, source, tz=ZONE) == results


def test_every_source_is_told_by_a_shape_or_says_that_none_is_documented():
    for name in set(names()) - {'csv'}:
        module = importlib.import_module(f'sources.{name}')
        said = ' '.join(module.__doc__.split())
        told = get(name).signatures or get(name).headless
        assert told or 'Not documented' in said or 'Not published' in said, name


def test_no_two_sources_are_told_by_the_same_names():
    seen = {}
    for name in names():
        for signature in get(name).signatures:
            key = frozenset(fold(part) for part in signature)
            assert seen.setdefault(key, name) == name


def test_zoho_milliseconds_technician_and_customer(sample):
    first, unattended, shared, running = read(sample, 'zoho_assist.json', 'zoho_assist')
    assert first.external_id == '706174884'
    assert first.started_at == datetime(2016, 12, 10, 11, 23, 20)
    assert first.ended_at == datetime(2016, 12, 10, 11, 25, 55)
    assert first.duration_seconds == 155
    assert first.technician == 'david.w@example.com'
    assert (first.customer_email, first.customer_name) == ('mark.k@customer.example', 'Mark')
    assert first.kind == 'remote_support'
    assert unattended.kind == 'unattended'
    assert unattended.device_name == 'FRONT-DESK-2'
    assert shared.kind == 'screen_share'
    assert shared.customer_email == 'jane@customer.example'
    assert shared.started_at == datetime(2016, 12, 10, 14, 26, 40)
    assert running.ended_at is None
    assert running.duration_seconds == 0


def test_zoho_duration_stands_in_for_a_missing_end():
    record = {'session_id': 1, 'start_time': 1481369000053, 'duration': '155493'}
    assert normalise(record, 'zoho_assist').duration_seconds == 155


def test_zoho_customer():
    record = {
        'session_id': 1,
        'start_time': 1481369000053,
        'agent_email': 'Mark.K@Customer.Example',
        'display_name': 'Mark',
        'department': 'Sales',
    }
    normal = normalise(record, 'zoho_assist')
    assert normal.customer_email == 'mark.k@customer.example'
    assert (normal.customer_name, normal.department) == ('Mark', 'Sales')


def test_teamviewer_group_device_and_billing_state(sample):
    billed, excluded, running = read(sample, 'teamviewer.json', 'teamviewer')
    assert billed.duration_seconds == 11
    assert (billed.device_ref, billed.device_name) == ('d111', 'test-device1')
    assert (billed.group, billed.note) == ('Customer A', 'Printer driver')
    assert billed.billable is None
    assert excluded.billable is False
    assert excluded.billable_note
    assert running.ended_at is None


def test_anydesk_seconds_and_both_sides(sample):
    ended, running = read(sample, 'anydesk.json', 'anydesk')
    assert ended.external_id == '900537412'
    assert ended.started_at == datetime(2025, 7, 20, 8, 2, 9)
    assert ended.duration_seconds == 3659
    assert (ended.technician, ended.device_ref) == ('support@ad', '362798056')
    assert ended.device_name == 'office-pc@ad'
    # An active session has a duration so far, which is no end.
    assert running.ended_at is None
    assert running.technician == '100000001'


def test_rustdesk_failed_login_is_not_billable(sample):
    for name in ('rustdesk.json', 'rustdesk.csv'):
        results = read(sample, name, 'rustdesk', tz=ZONE)
        assert [result.billable for result in results] == [None, None, False]


def test_rustdesk_times_of_the_console_need_a_zone(sample):
    first = read(sample, 'rustdesk.csv', 'rustdesk', tz='America/New_York')[0]
    assert first.started_at == datetime(2025, 9, 15, 18, 15, 57)
    rejected = read(sample, 'rustdesk.csv', 'rustdesk')[0]
    assert isinstance(rejected, Rejection)
    assert (rejected.field, rejected.code) == ('Start Time', 'no_zone')


def test_take_control_customer_number_and_derived_id(sample):
    first, second = read(sample, 'take_control.json', 'take_control', tz=ZONE)
    assert first.customer_ref == 'C0987654321'
    assert first.customer_email == 'office@customer.example'
    assert first.started_at == datetime(2026, 3, 2, 8, 0)
    assert first.note == 'Add-in removed'
    assert first.external_id != second.external_id


def test_a_derived_id_does_not_depend_on_the_zone(sample):
    here = read(sample, 'take_control.json', 'take_control', tz=ZONE)
    there = read(sample, 'take_control.json', 'take_control', tz='Asia/Tokyo')
    assert [session.external_id for session in here] == [s.external_id for s in there]
    record = {'TECH_NAME': 'Olga', 'COMPUTER_NAME': 'A', 'DATE_START': '2026-03-02 09:00:00'}
    running = normalise(record, 'take_control', tz=ZONE)
    ended = normalise({**record, 'DATE_END': '2026-03-02 09:30:00'}, 'take_control', tz=ZONE)
    # Ended, it has an ID of its own, and says under which it may be known as running.
    assert ended.open_id == running.external_id != ended.external_id
    assert running.ended_at is None
    assert ended.duration_seconds == 1800


def test_a_source_without_ids_needs_technician_or_device():
    result = normalise({'DATE_START': '2026-03-02 09:00:00'}, 'take_control', tz=ZONE)
    assert result.code == 'no_identity'
    assert 'TECH_USERNAME' in result.reason


def test_screenconnect_bills_connections_not_sessions(sample):
    host, guest, other, support = read(sample, 'screenconnect.csv', 'screenconnect', tz=ZONE)
    assert host.external_id == '9a0c7a52-1f0b-4a7e-8a6e-4c6a6a0f0001'
    assert host.device_ref == other.device_ref
    assert host.kind == 'unattended'
    assert support.kind == 'remote_support'
    assert (guest.field, guest.code) == ('ProcessType', 'guest')


def test_splashtop_reads_common_headings(sample):
    first, other, over_midnight = read(sample, 'splashtop.csv', 'splashtop', tz=ZONE)
    assert first.started_at == other.started_at
    assert first.external_id != other.external_id
    assert (first.technician, first.device_name) == ('olga.t@example.com', 'FRONT-DESK')
    assert over_midnight.duration_seconds == 1200


def test_isl_prefers_the_start_to_the_creation_of_the_code(sample):
    first, waiting = read(sample, 'isl_online.json', 'isl_online')
    assert first.started_at == datetime(2026, 3, 2, 9, 1)
    assert first.duration_seconds == 1200
    assert first.device_name == 'FRONT-DESK'
    assert waiting.ended_at is None


def test_generic_file_with_common_words(sample):
    first, second, third = read(sample, 'generic.csv', 'csv', tz=ZONE)
    assert first.external_id == 'A-1'
    assert first.started_at == datetime(2026, 3, 2, 8, 0)
    assert first.note == 'Line one\nline two; with a semicolon'
    assert (second.billable, second.note) == (False, 'Überprüft')
    assert third.ended_at is None


def test_a_mapping_names_joins_and_leaves_out_columns():
    record = {
        'Day': '2026-03-02',
        'From hour': '09:00',
        'Lasted': '1,5',
        'Who': 'Olga',
        'Technician': 'somebody else',
        'Box': 'PC1',
    }
    mapping = {
        'external_id': ['Day', 'From hour', 'Who', 'Box'],
        'started_at': ['Day', 'From hour'],
        'duration': 'Lasted',
        'duration_unit': 'h',
        'technician': 'Who',
        'device_name': None,
    }
    session = normalise(record, 'csv', tz=ZONE, mapping=mapping)
    assert session.external_id == '2026-03-02 09:00 Olga PC1'
    assert session.started_at == datetime(2026, 3, 2, 8, 0)
    assert session.duration_seconds == 5400
    assert session.technician == 'Olga'
    assert session.device_name == ''


def test_a_joined_column_that_is_missing_is_named_with_the_others():
    result = normalise({'X': 1}, 'csv', mapping={'external_id': ['Day', 'Who']})
    assert (result.field, result.code) == ('Day + Who', 'no_id')


@pytest.mark.parametrize(
    'mapping',
    [
        ['started_at'],
        'started_at',
        {'start': 'Start'},
        {'started_at': 5},
        {'started_at': [1, 2]},
        {'started_at': ['a'] * 50},
        {'date_order': 'ymd'},
        {'duration_unit': ['h']},
        {5: 'x'},
    ],
)
def test_a_mapping_that_cannot_be_used_is_a_rejection(mapping):
    result = normalise({'external_id': '1', 'started_at': '2026-01-01'}, 'csv', mapping=mapping)
    assert (result.field, result.code) == ('mapping', 'bad_mapping')


def test_the_order_of_day_and_month_must_be_said_when_it_is_open():
    record = {'external_id': '1', 'started_at': '03/04/2026 10:00'}
    result = normalise(record, 'csv', tz='UTC')
    assert (result.field, result.code) == ('started_at', 'ambiguous_time')
    for order, month in (('dmy', 4), ('mdy', 3)):
        session = normalise(record, 'csv', tz='UTC', mapping={'date_order': order})
        assert session.started_at.month == month
    clear = normalise({**record, 'started_at': '23/04/2026 10:00'}, 'csv', tz='UTC')
    assert clear.started_at == datetime(2026, 4, 23, 10)


def test_another_addon_can_bring_a_source():
    profile = Profile(
        name='example_tool',
        label="Example",
        naive='utc',
        columns={'external_id': ('ref',), 'started_at': ('begin',), 'ended_at': ('finish',)},
        signatures=({'ref', 'begin', 'finish'},),
    )
    record = {'ref': 'x', 'begin': '2026-01-01 10:00:00', 'finish': '2026-01-01 10:30:00'}
    assert normalise(record, 'example_tool').code == 'unknown_source'
    with patch.dict(registry._PROFILES):
        register(profile)
        assert get('example_tool') is profile
        assert recognise([record]) == 'example_tool'
        assert normalise(record, 'example_tool').duration_seconds == 1800
        with pytest.raises(ValueError, match='registered already'):
            register(profile)
        assert register(profile, replace=True) is profile
    assert get('example_tool') is None


@pytest.mark.parametrize(
    'fault',
    [
        {'columns': {'started_at': ('a',)}},
        {'columns': {'external_id': ('a',)}},
        {'columns': {'external_id': ('a',), 'started_at': ('b',), 'nosuch': ('c',)}},
        {'kinds': {'a': 'nosuch'}},
        {'kind': 'nosuch'},
        {'identity': ('nosuch',)},
        {'time_unit': 'minutes'},
        {'duration_unit': 'days'},
        {'naive': 'maybe'},
        {'name': 'no name'},
    ],
)
def test_a_profile_with_a_fault_is_refused_when_it_is_made(fault):
    sound = {
        'name': 'sound',
        'label': "Sound",
        'columns': {'external_id': ('a',), 'started_at': ('b',)},
    }
    Profile(**sound)
    with pytest.raises(ValueError, match='Profile'):
        Profile(**{**sound, **fault})


def test_recognise_looks_at_names_of_columns_too():
    assert recognise(['SESSION ID', 'Start-Time', 'viewer email']) == 'zoho_assist'
    assert recognise(['a', 'b']) is None
    assert recognise([]) is None
    assert recognise(None) is None
    assert recognise([None, 5, {5: 6}, {'sid': 1, 'start-time': 2}]) == 'anydesk'


def test_a_record_costs_the_same_after_many_others():
    take = normaliser('zoho_assist')
    record = {
        'start_time': 1481369000053,
        'end_time': 1481369155546,
        'viewer_email': 'david.w@example.com',
        'display_name': 'Mark',
    }

    def count(records):
        for number in range(1, records):
            assert isinstance(take({**record, 'session_id': number}, NOW), Normal)
        return count_calls(lambda: take({**record, 'session_id': records}, NOW))

    assert count(5_000) <= count(10)
