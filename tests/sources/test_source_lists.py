"""Lists of devices as tools write them: each device under the key that the tool's sessions name."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from sources import (
    device_notes,
    read_device,
    read_file,
    recognise_devices,
    suggest_device_mapping,
)

KINDS = Path(__file__).parents[2] / 'assist_billing' / 'tests' / 'kinds'
NOW = datetime(2026, 11, 26, 12)
FILES = {
    'd1_teamviewer_api_devices.json': (
        'teamviewer', [('613209944', 'FRONT-DESK', 'g10'), ('613209945', 'STORE-1', 'g10')],
    ),
    'd3_anydesk_ClientCSV.csv': (
        'anydesk', [('362798056', 'office-pc@ad', 'Harbor'), ('362798057', '362798057', '')],
    ),
    'd4_rustdesk_pro_devices.json': ('rustdesk', [('483920174', 'FRONT-DESK', 'Harbor')]),
    'd7_tactical_rmm_agents.json': (
        'tactical_rmm', [('ZxCvBnM1', 'FRONT-DESK', 'Harbor Law Group')],
    ),
    'd9_intune_devices.csv': ('intune_remote_help', [('3f0a-1', 'FRONT-DESK', '')]),
    'd11_geraete_de.csv': (None, [('613209944', 'FRONT-DESK', '')]),
}  # fmt: skip


def read(name, source=None, content=None, **options):
    reading = read_file(content or (KINDS / name).read_bytes(), name)
    source = source or recognise_devices(reading.names) or 'csv'
    return [read_device(record, source, 'Europe/Berlin', NOW, **options)
            for record in reading.records]  # fmt: skip


def test_every_list_is_looked_at():
    assert set(FILES) == {path.name for path in KINDS.iterdir() if path.name.startswith('d')}


@pytest.mark.parametrize('name', FILES)
def test_a_list_is_read_to_its_devices(name):
    source, devices = FILES[name]
    reading = read_file((KINDS / name).read_bytes(), name)
    assert recognise_devices(reading.names) == source
    found = read(name)
    assert [(device.external_id, device.name, device.group) for device in found] == devices


def test_days_and_customers_are_kept():
    [device] = read('d11_geraete_de.csv')
    assert device.customer_name == 'Harbor Law Group'
    assert device.enrolled_at == datetime(2026, 9, 1, 10)  # noon in Berlin
    [device] = read('d9_intune_devices.csv')
    assert device.customer_email == 'jane@harborlaw.example'
    assert device.enrolled_at == datetime(2026, 9, 1, 6)
    [device] = read('d7_tactical_rmm_agents.json')
    assert (device.customer_name, device.department) == ('Harbor Law Group', 'Main')


def test_a_removal_is_read_and_so_is_one_to_come():
    content = b'Device ID;Name;Enrolled on;Removed on\nA;X;2026-01-02;2026-03-04\nB;Y;;2027-01-31\n'
    gone, leaving = read('x.csv', content=content)
    assert gone.gone
    assert gone.removed_at.date() == datetime(2026, 3, 4).date()
    assert not leaving.gone
    assert leaving.removed_at.year == 2027


@pytest.mark.parametrize(
    ('status', 'is_gone', 'code'),
    [('Online', False, None), ('Offline', False, None), ('', False, None),
     ('Retired', True, 'gone'), ('Decommissioned', True, 'gone'),
     ('Stillgelegt', True, 'gone'), ('Mis au rebut', True, 'gone'),
     ('Dado de baja', True, 'gone'), ('已删除', True, 'gone'), ('삭제됨', True, 'gone'),
     ('Inactive', False, 'open_state'), ('DISABLED', False, 'open_state'),
     ('Archiviert', False, 'open_state'), ('Désactivé', False, 'open_state'),
     ('Außer Betrieb', False, 'open_state')],
)  # fmt: skip
def test_what_a_status_says_of_a_device_and_may_say(status, is_gone, code):
    content = f'ID;Name;Status\nA;X;{status}\nB;Y;{status}\nC;Z;Online\n'.encode()
    reading = read_file(content)
    assert [device.gone for device in read('x.csv', content=content)] == [is_gone, is_gone, False]
    notes = [
        (note.code, note.params['column'], note.params['count'])
        for note in device_notes(reading, 'csv')
    ]
    assert notes == ([(code, 'Status', '2')] if code else [])
    assert device_notes(reading, 'csv', {'status': None}) == []


def test_a_column_of_yes_and_no_says_which_are_removed():
    content = b'ID;Name;Retired\nA;X;Yes\nB;Y;No\nC;Z;\nD;Z;2026-03-04\nE;Z;soon\n'
    *devices, last = read('x.csv', content=content)
    assert [(one.gone, bool(one.removed_at)) for one in devices] == [
        (True, False), (False, False), (False, False), (True, True),
    ]  # fmt: skip
    assert last.code == 'bad_time'


def test_what_a_tool_gives_though_it_was_deleted_is_removed():
    content = json.dumps({'devices': [
        {'id': 7, 'siteName': "Acme", 'hostname': "PC-1", 'deleted': False},
        {'id': 8, 'siteName': "Acme", 'hostname': "PC-2", 'deleted': True},
    ]})  # fmt: skip
    assert [one.gone for one in read('x.json', content=content.encode())] == [False, True]


def test_how_many_a_customer_has_is_no_device():
    content = (
        b'Group;Device ID;Device Name\nAcme;7;PC-1\nAcme Total;1;\nGesamtergebnis;1;\n'
        b'Acme;8;Total PC\n'
    )
    found = read('x.csv', content=content)
    assert [getattr(one, 'code', None) for one in found] == [None, 'total', 'total', None]
    [one] = read('x.csv', content=b'Device Name;Device ID\nTotal PC;8\n')
    assert one.name == "Total PC"


@pytest.mark.parametrize(
    'content',
    [
        'Cihaz ID;Cihaz adı;Müşteri;Grup;Eklenme tarihi;Durum\nA1;PC;Liman;G;13.09.2026;Silindi\n',
        'Eszközazonosító;Eszköznév;Ügyfél;Csoport;Hozzáadva;Állapot\n'
        'A1;PC;Liman;G;2026.09.13.;Törölve\n',
        'Αναγνωριστικό συσκευής;Όνομα συσκευής;Πελάτης;Ομάδα;Ημερομηνία προσθήκης;Κατάσταση\n'
        'A1;PC;Liman;G;13/09/2026;Διαγράφηκε\n',
        '设备ID,设备名称,客户,分组,添加时间,状态\nA1,PC,Liman,G,2026-09-13,已删除\n',
        '장치 ID,장치 이름,고객,그룹,추가일,상태\nA1,PC,Liman,G,2026. 9. 13.,삭제됨\n',
        'デバイスID,デバイス名,顧客,グループ,追加日,状態\nA1,PC,Liman,G,2026年9月13日,削除済み\n',
        'ID устройства;Имя устройства;Клиент;Группа;Добавлено;Статус\n'
        'A1;PC;Liman;G;13.09.2026;Удалено\n',
        'ID zařízení;Název zařízení;Zákazník;Skupina;Přidáno;Stav\n'
        'A1;PC;Liman;G;13.9.2026;Vyřazeno\n',
    ],
)
def test_lists_in_more_languages(content):
    [one] = read('x.csv', content=content.encode())
    assert (one.external_id, one.name, one.customer_name, one.group) == ('A1', 'PC', 'Liman', 'G')
    assert one.enrolled_at == datetime(2026, 9, 13, 10)
    assert one.gone


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ('ID de l’appareil;Nom du poste;Client;Date d’ajout;Supprimé le\n'
         'A1;POSTE;Atelier;01/09/2026;\n',
         ('A1', 'POSTE', 'Atelier')),
        ('ID del dispositivo;Nombre del equipo;Cliente;Fecha de alta\nA1;PC;Taller;13/09/2026\n',
         ('A1', 'PC', 'Taller')),
        ('Apparaat-ID;Apparaatnaam;Klant;Toegevoegd op\nA1;PC;Bakker;13-09-2026\n',
         ('A1', 'PC', 'Bakker')),
        ('ID dispositivo;Nome dispositivo;Nome cliente;Aggiunto il\nA1;PC;Rossi;13/09/2026\n',
         ('A1', 'PC', 'Rossi')),
        ('ID do dispositivo;Nome do dispositivo;Cliente;Criado em\nA1;PC;Silva;13/09/2026\n',
         ('A1', 'PC', 'Silva')),
        ('ID urządzenia;Nazwa urządzenia;Klient;Dodano\nA1;PC;Łódź;13.09.2026\n',
         ('A1', 'PC', 'Łódź')),
    ],
)  # fmt: skip
def test_headings_in_other_languages(content, expected):
    [device] = read('x.csv', content=content.encode(), mapping={'date_order': 'dmy'})
    assert (device.external_id, device.name, device.customer_name) == expected
    assert device.enrolled_at is not None


def test_days_that_can_be_read_both_ways_are_asked():
    content = b'Device ID;Name;Enrolled on\nA1;PC;03/04/2026\n'
    [asked] = read('x.csv', content=content)
    assert (asked.field, asked.code) == ('Enrolled on', 'ambiguous')
    [device] = read('x.csv', content=content, mapping={'date_order': 'mdy'})
    assert device.enrolled_at.month == 3


def test_columns_can_be_named():
    content = b'Box;What;Whose\n17;PC;Acme\n'
    assert suggest_device_mapping(['Box', 'What', 'Whose'], 'csv') == {}
    mapping = {'external_id': ['Box'], 'name': 'What', 'customer_name': ['Whose']}
    [device] = read('x.csv', content=content, mapping=mapping)
    assert (device.external_id, device.name, device.customer_name) == ('17', 'PC', 'Acme')


def test_ninjaone_and_meshcentral_and_a_row_of_totals():
    ninja = (b'[{"id": 12, "organizationId": 3, "nodeClass": "WINDOWS_WORKSTATION", "systemName":'
             b' "FRONT-DESK", "created": 1756713600.5, "references": {"organization": {"name":'
             b' "Harbor Law Group"}}}]')  # fmt: skip
    [device] = read('n.json', content=ninja)
    assert (device.external_id, device.name, device.group) == (
        '12',
        'FRONT-DESK',
        'Harbor Law Group',
    )
    assert device.enrolled_at == datetime(2025, 9, 1, 8)
    mesh = (
        b'[{"_id": "node//AbCd", "name": "PC", "meshid": "mesh//x", "mtype": 2, "groupname": "G"}]'
    )
    [device] = read('m.json', content=mesh)
    assert (device.external_id, device.name, device.group) == ('node//AbCd', 'PC', 'G')
    found = read('x.csv', content=b'Name;Device ID\nPC;A1\nTotal;\n')
    assert found[1].code == 'total'


def test_teamviewer_is_known_by_what_it_was_called_before():
    device = read('d1_teamviewer_api_devices.json')[0]
    assert device.former_id == 'd1234567'
    [spaced] = read('x.csv', content=b'TeamViewer ID;Name\n613 209 944;FRONT-DESK\n')
    assert spaced.external_id == '613209944'
