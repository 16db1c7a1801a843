"""Exports as people have them: what stands in them for nobody, for free, for several rows."""

import io
from datetime import datetime

import openpyxl
import pytest

from sources import Normal, infer, normalise, read_device, read_file, recognise_devices

BERLIN = 'Europe/Berlin'
NOW = datetime(2026, 11, 26)
T1 = (datetime(2026, 10, 5, 8, 12, 30), datetime(2026, 10, 5, 8, 42, 30))
TIMES = '2026-10-05 10:12:30,2026-10-05 10:42:30'


def results(content, name='x.csv', tz=BERLIN):
    reading = read_file(content if isinstance(content, bytes) else content.encode(), name)
    source = reading.source or 'csv'
    options, _notes = infer(reading, source, None, tz=tz)
    return [normalise(one, source, tz=tz, mapping=options, now=NOW) for one in reading.records]


def workbook(rows, *, merged=(), hidden=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    for row in hidden:
        book.active.row_dimensions[row].hidden = True
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


# === WORKBOOKS === #


def row(day, customer='Harbor', number=1):
    start = datetime(2026, 10, day, 10, 12)
    return [number, customer, start, start.replace(minute=42)]


HEADINGS = ['Session ID', 'Customer', 'Start', 'End']


def test_a_cell_over_several_rows_is_in_each_of_them():
    rows = [
        HEADINGS,
        row(5),
        row(6, None, 2),
        row(7, None, 3),
        row(8, 'Atelier', 4),
        row(9, None, 5),
    ]
    found = results(workbook(rows, merged=['B2:B4']), 'x.xlsx')
    assert [one.customer_name for one in found] == ['Harbor'] * 3 + ['Atelier', '']
    # Below the data there are no sessions, how far the cell may reach.
    assert len(results(workbook(rows, merged=['B2:B4', 'B6:B40']), 'x.xlsx')) == 5


def test_a_day_and_a_heading_over_several_rows_are_in_each_of_them():
    rows = [
        ['Date', 'Customer', 'Time', None],
        [None, None, 'Start', 'End'],
        [datetime(2026, 10, 5), 'Harbor', '10:12', '10:42'],
        [None, None, '11:12', '11:42'],
    ]
    found = results(workbook(rows, merged=['A1:A2', 'B1:B2', 'C1:D1', 'A3:A4', 'B3:B4']), 'x.xlsx')
    assert [(one.started_at, one.customer_name) for one in found] == [
        (datetime(2026, 10, 5, 8, 12), 'Harbor'), (datetime(2026, 10, 5, 9, 12), 'Harbor'),
    ]  # fmt: skip


def test_a_number_over_several_rows_is_of_none_but_the_first():
    rows = [['ID', 'Start', 'Duration (min)']]
    rows += [[day, datetime(2026, 10, day, 10, 12), 90 if day == 5 else None] for day in (5, 6)]
    found = results(workbook(rows, merged=['C2:C3']), 'x.xlsx')
    assert [one.ended_at is None for one in found] == [False, True]


def test_hidden_rows_are_read_and_said():
    rows = [HEADINGS, row(5), row(6, number=2), row(7, number=3), [None]]
    assert not read_file(workbook(rows), 'x.xlsx').notes
    reading = read_file(workbook(rows, hidden=[3, 9]), 'x.xlsx')
    assert len(reading.records) == 3
    assert [(note.code, note.params) for note in reading.notes] == [('hidden_rows', {'count': '1'})]


def test_a_cell_over_several_rows_of_an_xml_spreadsheet_is_in_each_of_them():
    def cells(*values, down=0):
        made = [f'<Cell><Data ss:Type="String">{value}</Data></Cell>' for value in values]
        made[0] = made[0].replace('<Cell>', f'<Cell ss:MergeDown="{down}">') if down else made[0]
        return '<Row>' + ''.join(made) + '</Row>'

    name = 'urn:schemas-microsoft-com:office:spreadsheet'
    rest = cells('Ava', '2026-10-06 10:12:30', '2026-10-06 10:42:30')
    content = (
        f'<?xml version="1.0"?><Workbook xmlns="{name}" xmlns:ss="{name}">'
        '<Worksheet ss:Name="S"><Table>'
        + cells('Customer', 'Technician', 'Start', 'End')
        + cells('Harbor', 'Ava', *TIMES.split(','), down=1)
        + rest.replace('<Cell>', '<Cell ss:Index="2">', 1)
        + cells('Atelier', 'Ava', '2026-10-07 10:12:30', '2026-10-07 10:42:30')
        + '</Table></Worksheet></Workbook>'
    )
    found = results(content, 'x.xml')
    assert [one.customer_name for one in found] == ['Harbor', 'Harbor', 'Atelier']


# === WHO, AND WHETHER IT IS BILLED === #


WORDS = ['N/A', '#N/A', '#REF!', '-', '--', '(none)', 'Unknown', 'unbekannt', '?']


@pytest.mark.parametrize('word', WORDS)
def test_a_word_for_nobody_is_no_name(word):
    content = f'Technician,Customer,Device,Start,End\n{word},{word},{word},{TIMES}\n'
    (found,) = results(content)
    assert (found.technician, found.customer_name, found.device_name) == ('', '', '')


def test_an_id_that_is_made_of_a_word_for_nobody_stays():
    """What came in before such words were known is not to come in a second time."""
    (found,) = results(f'Technician,Customer,Start,End\nAva,N/A,{TIMES}\n')
    assert found.external_id == 'e-9e7d134d91d63565db1a5d2ba85644c5'


@pytest.mark.parametrize(
    ('heading', 'free'),
    [
        ('Billing', 'Do not bill'), ('Billing', 'Billed'), ('Facturation', 'Ne pas facturer'),
        ('Estado de facturación', 'No facturar'), ('To bill', 'No'), ('Fatturazione', 'Fatturato'),
    ],
)  # fmt: skip
def test_what_is_not_to_be_billed_is_not(heading, free):
    content = f'ID,Customer,Start,End,{heading}\n1,Harbor,{TIMES},{free}\n2,Harbor,{TIMES},x\n'
    assert [one.billable for one in results(content)] == [False, None]


def test_a_question_is_no_name():
    (found,) = results(f'ID,Employee?,Client,Start,End\n1,Yes,Harbor,{TIMES}\n')
    assert (found.technician, found.customer_name) == ('', 'Harbor')


def test_a_long_number_with_blanks_is_the_device_that_lists_have():
    (session,) = results(f'ID,Device ID,Start,End\n1,362 798 056,{TIMES}\n')
    record = {'AnyDesk ID': '362 798 056', 'Alias': 'office-pc'}
    device = read_device(record, 'anydesk', BERLIN, NOW)
    assert session.device_ref == device.external_id == '362798056'
    assert device.former_id == '362 798 056'


# === TIMES === #


@pytest.mark.parametrize('zone', ['GMT+5:30', 'UTC+05:30', '+05:30', 'utc+0530'])
def test_half_hour_zones_of_headings_and_columns(zone):
    start, end = '2026-10-05 13:42:30', '2026-10-05 14:12:30'
    (found,) = results(f'ID,Start,End,Time Zone\n1,{start},{end},{zone}\n')
    assert (found.started_at, found.ended_at) == T1
    if not zone.startswith('+'):
        (found,) = results(f'ID,Start ({zone}),End ({zone})\n1,{start},{end}\n')
        assert (found.started_at, found.ended_at) == T1


def test_a_zone_beside_a_time_in_an_object_holds():
    moment = '{{"DateTime": "2026-10-05T{}", "TimeZone": "UTC"}}'
    content = (
        '{"Sessions": [{"SessionId": "a", "Start": '
        + moment.format('08:12:30') + ', "End": ' + moment.format('08:42:30') + '}]}'
    )  # fmt: skip
    (found,) = results(content, 'x.json')
    assert (found.started_at, found.ended_at) == T1


def test_offsets_that_are_none_are_refused():
    for zone in ('UTC+15', 'UTC+05:75', 'GMT+', '+'):
        (found,) = results(f'ID,Start,End,Time Zone\n1,{TIMES},{zone}\n')
        assert found.code == 'unknown_zone'


@pytest.mark.parametrize('length', ['1:20', '80', '1,33', '1:20:00', '80 min'])
def test_the_hour_that_comes_twice_is_told_by_durations_without_a_unit(length):
    content = f'ID;Beginn;Ende;Dauer\n1;25.10.2026 01:50;25.10.2026 02:10;{length}\n'
    (found,) = results(content)
    assert found.duration_seconds == 4800


def test_a_short_one_in_that_hour_stays_short():
    content = 'ID;Beginn;Ende;Dauer\n1;25.10.2026 01:50;25.10.2026 02:10;0:20\n'
    assert results(content)[0].duration_seconds == 1200


def test_am_and_pm_in_german():
    content = (
        'Sitzungs-ID;Kunde;Startzeit;Endzeit\n'
        '1;Harbor;05. Okt. 2026 10:12:30 vorm.;05. Okt. 2026 10:42:30 vorm.\n'
        '2;Harbor;5.10.2026 1:50 nachm.;5.10.2026 2:10 nachm.\n'
    )
    first, second = results(content)
    assert (first.started_at, first.ended_at) == T1
    assert second.started_at == datetime(2026, 10, 5, 11, 50)


def test_a_break_without_a_duration_asks_for_what_can_be_done():
    content = 'Datum;Von;Bis;Pause;Kunde{}\n05.10.2026;10:12;12:42;0:30;Harbor{}\n'
    (alone,) = results(content.format('', ''))
    (beside,) = results(content.format(';Dauer', ';2:00'))
    assert (alone.code, beside.code) == ('pause_alone', 'pause')


# === LETTERS, TOOLS === #


def test_lines_that_end_as_on_a_mac_are_of_a_mac():
    content = f'ID,Kunde,Start,Ende\r1,Müller,{TIMES}\r'.encode('mac_roman')
    assert read_file(content).records[0]['Kunde'] == "Müller"


@pytest.mark.parametrize(
    ('content', 'source', 'technician', 'device'),
    [
        (
            'Description,Duration,Member,Email,Project,Tags,Start date,Start time,Stop date,'
            'Stop time\nx,0:30:00,Ava,ava@x.example,S,-,2026-10-05,10:12:30,2026-10-05,10:42:30\n',
            'toggl', 'ava@x.example', '',
        ),
        (
            'LSID,Session Type,Start Time,End Time,Primary Representative,Hostname\n'
            'c69a,support,2026-10-05T08:12:30Z,2026-10-05T08:42:30Z,Ava,FRONT-DESK\n',
            'beyondtrust', 'Ava', 'FRONT-DESK',
        ),
        (
            'SessionId,ProviderEmail,ProviderName,RecipientName,DeviceName,SessionStartTime,'
            'SessionEndTime\na,ava@x.example,Ava,Jane,FRONT-DESK,2026-10-05T08:12:30Z,'
            '2026-10-05T08:42:30Z\n',
            'intune_remote_help', 'ava@x.example', 'FRONT-DESK',
        ),
        (
            f'Technician Full Name,Device Hostname,Start,End\nAva,FRONT-DESK,{TIMES}\n',
            None, 'Ava', 'FRONT-DESK',
        ),
    ],
)  # fmt: skip
def test_technician_and_device_of_more_tools(content, source, technician, device):
    assert read_file(content.encode()).source == source
    (found,) = results(content)
    assert isinstance(found, Normal)
    assert (found.started_at, found.ended_at) == T1
    assert (found.technician, found.device_name) == (technician, device)


@pytest.mark.parametrize(
    ('source', 'content', 'key', 'name'),
    [
        ('meshcentral', 'id,rname,name,osdesc,groupname\nnode//a,PC,Front,Windows,Harbor\n',
         'node//a', 'Front'),
        ('meshcentral', 'id,name,icon,conn,pwr\nnode//a,Front,1,1,1\n', 'node//a', 'Front'),
        ('screenconnect', 'SessionID,Name,GuestMachineName,CustomProperty1\n0e1f,,PC,Harbor\n',
         '0e1f', 'PC'),
        ('rustdesk', 'row_id,id,hostname,uuid,alias\n1,483920174,PC,x,Front\n', '483920174', 'PC'),
    ],
)  # fmt: skip
def test_lists_of_devices_name_the_key_of_their_tool(source, content, key, name):
    reading = read_file(content.encode())
    assert recognise_devices(reading.names) == source
    device = read_device(reading.records[0], source, BERLIN, NOW)
    assert (device.external_id, device.name) == (key, name)


def test_a_word_for_nobody_is_no_name_of_a_device():
    device = read_device({'ID': 'A1', 'Name': '-', 'Customer': 'N/A'}, 'csv', BERLIN, NOW)
    assert (device.name, device.customer_name, device.group) == ('A1', '', '')
