"""Shapes of exports beside those of samples: other languages, older versions, other marks."""

import json
from datetime import datetime

import pytest

from sources import Normal, infer, normalise, read_device, read_file

BERLIN = 'Europe/Berlin'
NOW = datetime(2026, 11, 26)
T1 = (datetime(2026, 10, 5, 8, 12, 30), datetime(2026, 10, 5, 8, 42, 30))
T2 = (datetime(2026, 10, 6, 23, 50), datetime(2026, 10, 7, 0, 10, 5))


def sessions(content, name='x.csv', tz=BERLIN):
    """Return what a file comes to: its source, and its sessions and rejections."""
    reading = read_file(content.encode(), name)
    source = reading.source or 'csv'
    options, _notes = infer(reading, source, None, tz=tz)
    return reading.source, [
        normalise(one, source, tz=tz, mapping=options or None, now=NOW) for one in reading.records
    ]


@pytest.mark.parametrize(
    'headings',
    ['Benutzername,Sitzung aktiv seit,Verbindungsdauer,Verbindungsname,Entfernter Host',
     'Identifiant,Heure de début,Durée,Nom de connexion,Hôte distant',
     'Usuario,Activo desde,Duración,Nombre de conexión,Host remoto',
     'Nome utente,Ora di inizio,Durata,Nome della connessione,Host remoto',
     'Usuário,Horário de início,Duração,Nome da conexão,Host remoto'],
)  # fmt: skip
def test_guacamoles_pages_in_other_languages(headings):
    row = 'ava,05-10-2026 10:12:30,1800.412,FRONT-DESK,192.0.2.20\n'
    source, [one] = sessions(f'{headings}\n{row}')
    assert source == 'guacamole'
    assert (one.started_at, one.ended_at) == T1
    assert (one.technician, one.device_name) == ('ava', 'FRONT-DESK')


@pytest.mark.parametrize(
    ('texts', 'seconds'),
    [(['205.412', '1800.5'], [205, 1800]), (['205,412', '0,5'], [205, 0]),
     (['205.412', '12.500'], None), (['205.412', '0,5'], None), (['1.800', '2'], None)],
)  # fmt: skip
def test_other_durations_tell_what_a_mark_is(texts, seconds):
    rows = [f'{number};2026-10-05 10:12:30;{text}' for number, text in enumerate(texts, 1)]
    found = sessions('\n'.join(['ID;Start;Duration (s)', *rows]))[1]
    if seconds is None:
        assert found[0].code == 'ambiguous_duration'
    else:
        assert [one.duration_seconds for one in found] == seconds


@pytest.mark.parametrize(
    'word',
    ['In progress', 'Active', 'läuft', 'en cours', '進行中', '0000-00-00 00:00:00',
     '0001-01-01T00:00:00Z', '01.01.0001 00:00:00', '1970-01-01 00:00:00'],
)  # fmt: skip
def test_what_says_that_it_is_not_over_is_no_end(word):
    [one] = sessions(f'ID;Start;End\na1;2026-10-05 10:12:30;{word}\n')[1]
    assert isinstance(one, Normal), one.reason
    assert one.ended_at is None


def test_sessions_that_stand_alone_in_objects():
    record = {'id': 'a1', 'start': '2026-10-05T08:12:30Z', 'end': '2026-10-05T08:42:30Z',
              'technician': {'name': 'Ava'}, 'customer': {'name': 'Acme'}}  # fmt: skip
    for content in ([{'time_entry': record}], {'sessions': [{'session': record}]}):
        [one] = sessions(json.dumps(content), 'x.json')[1]
        assert (one.started_at, one.ended_at) == T1
        assert (one.external_id, one.technician, one.customer_name) == ('a1', 'Ava', 'Acme')


def test_another_table_of_a_tool_is_read_by_common_words():
    content = (
        'LSID,Session Type,Session Start Time,Session End Time,Customer Name,Representative\n'
        'e9,support,2026-10-05 08:12:30 UTC,2026-10-05 08:42:30 UTC,Acme,Ava\n'
    )
    _source, [one] = sessions(content)
    assert isinstance(one, Normal), one.reason
    assert (one.started_at, one.ended_at) == T1
    assert (one.technician, one.customer_name) == ('Ava', 'Acme')


def test_logs_of_older_teamviewers_have_no_guid():
    content = (
        '613209944\t05-10-2026 08:12:30\t05-10-2026 08:42:30\tava\tRemoteControl\t\r\n'
        '613209944\t06-10-2026 23:50:00\t07-10-2026 00:10:05\tava\tRemoteControl\t\r\n'
    )
    source, found = sessions(content, 'Connections.txt', tz='UTC')
    assert source == 'teamviewer'
    assert [(one.started_at, one.ended_at) for one in found] == [T1, T2]
    assert len({one.external_id for one in found}) == 2


def test_meshcentrals_report_by_day():
    content = (
        '"Group","Time","User","Device","Device Group","Session","Length"\n'
        '"10/5/2026","10:42:30 AM","ava","FRONT-DESK","Acme","Desktop","1800"\n'
    )
    source, [one] = sessions(content)
    assert source == 'meshcentral'
    assert (one.started_at, one.ended_at) == T1
    assert (one.technician, one.device_name, one.customer_name) == ('ava', 'FRONT-DESK', 'Acme')


def test_the_address_in_kimais_export_is_the_users():
    content = (
        'Date,Begin,End,Duration,User,E-mail,Customer,Project,Activity,Description,Exported\n'
        '2026-10-05,10:12:30,10:42:30,1800,ava,ava@ours.example,Acme,S,R,x,no\n'
    )
    source, [one] = sessions(content)
    assert source == 'kimai'
    assert (one.technician, one.customer_email) == ('ava@ours.example', '')


@pytest.mark.parametrize(
    ('headings', 'row', 'expected'),
    [
        ('Machine Name,Customer,Serial number', 'FRONT-DESK,Acme,SN1', ('SN1', 'FRONT-DESK', '')),
        ('ID,Company,Asset Name,Serial,Status', '7,Acme,FRONT-DESK,SN1,Deployed',
         ('7', 'FRONT-DESK', '')),
        ('Name;Entity;Status;Serial number', 'FRONT-DESK;Root > Acme;In use;SN1',
         ('SN1', 'FRONT-DESK', 'Root > Acme')),
        ('Asset Name,Customer,Serial,Created', 'FRONT-DESK,Acme,SN1,2026-01-05',
         ('SN1', 'FRONT-DESK', '')),
    ],
)  # fmt: skip
def test_lists_of_more_tools_have_their_names(headings, row, expected):
    [record] = read_file(f'{headings}\n{row}\n'.encode()).records
    one = read_device(record, 'csv', BERLIN, NOW)
    assert (one.external_id, one.name, one.group) == expected


def test_a_count_of_devices_is_no_device():
    content = 'Name;ID;Group\nFRONT-DESK;613209944;Acme\nTOTAL;613209945;Fuel\nTotal;12;\n'
    found = [
        read_device(record, 'csv', BERLIN, NOW) for record in read_file(content.encode()).records
    ]
    assert [one.name for one in found[:2]] == ['FRONT-DESK', 'TOTAL']
    assert found[2].code == 'total'


def test_a_day_of_work_in_jira_is_as_many_seconds_as_it_says():
    """Its “1d” are the hours that a working day has there, and no 24."""
    record = {
        'id': '100',
        'started': '2026-10-05T08:12:30.000+0000',
        'timeSpent': '1d',
        'timeSpentSeconds': 28800,
        'author': {'displayName': 'ava'},
    }
    _source, [one] = sessions(json.dumps({'total': 1, 'worklogs': [record]}), 'x.json')
    assert (one.ended_at - one.started_at).total_seconds() == 28800
