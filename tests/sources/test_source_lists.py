"""Lists of devices as tools write them: each device under the key that the tool's sessions name."""

from datetime import datetime
from pathlib import Path

import pytest

from sources import read_device, read_file, recognise_devices, suggest_device_mapping

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
