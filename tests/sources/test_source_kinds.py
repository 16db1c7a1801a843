"""Files as people really have them, each read to exactly the sessions that it holds."""

from datetime import datetime
from pathlib import Path

import pytest

from sources import Normal, Rejection, infer, normalise, read_file, suggest_mapping

KINDS = Path(__file__).parents[2] / 'assist_billing' / 'tests' / 'kinds'
NOW = datetime(2026, 11, 26, 12)
BERLIN, PARIS = 'Europe/Berlin', 'Europe/Paris'


def at(text):
    return datetime.fromisoformat(f'2026-{text}')


T1 = (at('10-05 08:12:30'), at('10-05 08:42:30'))
T2 = (at('10-06 23:50:00'), at('10-07 00:10:05'))
K1 = (at('10-05 08:12:00'), at('10-05 08:42:00'))
K2 = (at('10-06 23:50:00'), at('10-07 00:10:00'))
# file: source it is recognised as, source to read it as, zone, order of dates, sessions, rejected
FILES = {
    '01_teamviewer_Connections_incoming.txt': (
        'teamviewer', 'teamviewer', None, None,
        [T1, T2, (at('10-20 09:58:25'), at('10-20 10:14:27'))], [],
    ),
    '03_teamviewer_api_connections.json': (
        'teamviewer', 'teamviewer', BERLIN, None, [T1, T2], [],
    ),
    '04_teamviewerps_export_de.csv': ('teamviewer', 'teamviewer', BERLIN, None, [T1, T2], []),
    '05_teamviewer_api_sessions.json': ('teamviewer', 'teamviewer', BERLIN, None, [T1], []),
    '06_anydesk_api_sessions.json': ('anydesk', 'anydesk', BERLIN, None, [T1, T2], []),
    '07_anydesk_restapi_SessionCSV.csv': ('anydesk', 'anydesk', BERLIN, None, [T1, T2], []),
    '09_my_anydesk_de.csv': ('anydesk', 'anydesk', BERLIN, None, [T1, T2], []),
    '11_rustdesk_pro_api_audits_conn.json': ('rustdesk', 'rustdesk', BERLIN, None, [T1, T2], []),
    '13_rustdesk_api_lejianwen.json': ('rustdesk', 'rustdesk', BERLIN, None, [T1, T2], []),
    '14_meshcentral_Report.csv': ('meshcentral', 'meshcentral', BERLIN, None, [T1, T2], []),
    # The session's start, and the same session's end.
    '16_meshcentral_eventslist.json': (
        'meshcentral', 'meshcentral', BERLIN, None, [(T1[0], None), T1], [],
    ),
    '17_screenconnect_GetReport.json': (
        'screenconnect', 'screenconnect', None, None, [T1, T2], ['guest'],
    ),
    '18_screenconnect_report.csv': (
        'screenconnect', 'screenconnect', None, None, [T1, T2], ['guest'],
    ),
    '19_beyondtrust_SupportSession.xml': ('beyondtrust', 'beyondtrust', BERLIN, None, [T1], []),
    '21_zoho_assist_api_reports.json': ('zoho_assist', 'zoho_assist', BERLIN, None, [T1, T2], []),
    '22_guacamole_history.csv': ('guacamole', 'guacamole', BERLIN, None, [T1, T2], []),
    '24_clockify_detailed_us.csv': ('clockify', 'clockify', BERLIN, 'mdy', [T1, T2], ['total']),
    '27_zeitexport_de_dezimal.csv': (
        None, 'csv', BERLIN, None, [K1, (K2[0], at('10-07 01:05:00'))], [],
    ),
    '28_interventions_fr_cp1252.csv': (None, 'csv', PARIS, None, [K1, K2], []),
    '30_intune_remote_help.json': (
        'intune_remote_help', 'intune_remote_help', None, None, [T1], [],
    ),
    '32_logmein_rescue_getReport.txt': (
        'logmein_rescue', 'logmein_rescue', None, None, [T1, T2], [],
    ),
    '35_excel_serial_dates.xlsx': (None, 'csv', BERLIN, None, [T1, T2], []),
    '36_excel_date_cells.xlsx': (None, 'csv', BERLIN, None, [T1, T2], []),
    '38_tickets_as_ids.csv': (
        None, 'csv', BERLIN, None,
        [T1, (at('10-06 07:00:00'), at('10-06 09:00:00')), T2,
         (at('10-08 07:00:00'), at('10-08 07:30:00'))], [],
    ),
    '39_two_customers_same_minute.csv': (
        None, 'csv', BERLIN, None, [K1, (K1[0], at('10-05 09:42:00'))], [],
    ),
    '40_only_minutes.csv': (
        None, 'csv', BERLIN, None, [T1, (at('10-06 08:12:30'), at('10-06 09:27:30'))], [],
    ),
    '42_events.ndjson': (None, 'csv', BERLIN, None, [T1, T2], []),
    '43_html_table.xls': (None, 'csv', BERLIN, None, [T1], []),
}  # fmt: skip


def read(name, source, zone, order):
    reading = read_file((KINDS / name).read_bytes(), name)
    mapping = {'date_order': order} if order else {}
    options, _notes = infer(reading, source, mapping, tz=zone or 'UTC')
    mapping = {**mapping, **options} or None
    zone = zone or reading.tz
    return reading, [
        normalise(r, source, tz=zone, mapping=mapping, now=NOW) for r in reading.records
    ]


def test_every_file_is_looked_at():
    sessions = {path.name for path in KINDS.iterdir() if not path.name.startswith('d')}
    assert set(FILES) == sessions


@pytest.mark.parametrize('name', FILES)
def test_a_file_is_read_to_its_sessions(name):
    recognised, source, zone, order, sessions, rejected = FILES[name]
    reading, results = read(name, source, zone, order)
    assert reading.source == recognised
    normals = [result for result in results if isinstance(result, Normal)]
    assert [(normal.started_at, normal.ended_at) for normal in normals] == sessions
    assert [result.code for result in results if isinstance(result, Rejection)] == rejected
    ids = {normal.external_id for normal in normals}
    assert len(ids) == (1 if 'eventslist' in name else len(sessions))
    # The same again, in another order, has the same IDs.
    again = [normalise(record, source, tz=zone or reading.tz, now=NOW,
                       mapping={'date_order': order} if order else None)
             for record in reversed(reading.records)]  # fmt: skip
    if 'interventions' not in name:
        assert {result.external_id for result in again if isinstance(result, Normal)} == ids


def first(name):
    _recognised, source, zone, order, _sessions, _rejected = FILES[name]
    return [r for r in read(name, source, zone, order)[1] if isinstance(r, Normal)]


def test_who_helped_whom_is_kept():
    for name, expected in (
        ('01_teamviewer_Connections_incoming.txt', {'technician': 'OLGA-PC'}),
        ('04_teamviewerps_export_de.csv', {
            'technician': 'Olga T.', 'device_ref': '613209944', 'device_name': 'FRONT-DESK',
            'group': 'Harbor Law Group', 'note': 'printer'}),
        ('05_teamviewer_api_sessions.json', {
            'customer_name': 'Harbor Law Group', 'customer_email': 'help@harborlaw.example',
            'note': 'printer'}),
        ('07_anydesk_restapi_SessionCSV.csv', {
            'technician': 'support@ad', 'device_ref': '362798056', 'device_name': 'office-pc@ad',
            'note': 'Printer', 'external_id': '900537412'}),
        ('09_my_anydesk_de.csv', {
            'technician': 'support@ad', 'device_ref': '362798056', 'external_id': '900537412'}),
        ('11_rustdesk_pro_api_audits_conn.json', {
            'technician': 'ava', 'device_ref': '483920174', 'note': 'printer', 'billable': None}),
        ('13_rustdesk_api_lejianwen.json', {
            'technician': 'ava', 'device_ref': '483920174', 'billable': None}),
        ('14_meshcentral_Report.csv', {
            'technician': 'ava - Ava Chen', 'customer_name': 'Harbor Law Group',
            'device_name': 'FRONT-DESK'}),
        ('16_meshcentral_eventslist.json', {'technician': 'ava', 'device_ref': 'node//AbCd'}),
        ('17_screenconnect_GetReport.json', {
            'technician': 'ava', 'customer_name': 'Harbor Law Group', 'kind': 'unattended',
            'device_ref': '0e1f7a52-1f0b-4a7e-8a6e-4c6a6a0f0001', 'device_name': 'FRONT-DESK'}),
        ('18_screenconnect_report.csv', {
            'technician': 'ava', 'customer_name': 'Harbor Law Group', 'kind': 'unattended',
            'device_ref': '0e1f7a52-1f0b-4a7e-8a6e-4c6a6a0f0001'}),
        ('19_beyondtrust_SupportSession.xml', {
            'customer_name': 'Harbor Law Group', 'technician': 'Ava Chen',
            'device_name': 'FRONT-DESK', 'external_id': 'e9e99aeb9ad54fb381634498502c5a1b'}),
        ('24_clockify_detailed_us.csv', {
            'technician': 'ava@yourcompany.example', 'customer_name': 'Harbor Law Group',
            'customer_email': '', 'note': 'Printer', 'billable': None}),
        ('27_zeitexport_de_dezimal.csv', {
            'customer_name': 'Harbor Law Group', 'note': 'Drucker', 'external_id': 'b-1001'}),
        ('28_interventions_fr_cp1252.csv', {
            'customer_name': 'Atelier Lumière', 'technician': 'Ava Chen',
            'device_name': 'ACCUEIL'}),
        ('30_intune_remote_help.json', {
            'technician': 'ava@yourcompany.example', 'customer_email': 'help@harborlaw.example',
            'device_name': 'FRONT-DESK'}),
        ('32_logmein_rescue_getReport.txt', {
            'technician': 'Ava Chen', 'customer_name': 'Harbor Law Group',
            'external_id': '254286942'}),
    ):  # fmt: skip
        session = first(name)[0]
        assert {field: getattr(session, field) for field in expected} == expected, name


def test_what_is_marked_as_not_to_be_billed_is_not():
    for name in ('03_teamviewer_api_connections.json', '04_teamviewerps_export_de.csv',
                 '24_clockify_detailed_us.csv'):  # fmt: skip
        assert [session.billable for session in first(name)] == [None, False], name


def test_dates_that_can_be_read_both_ways_are_asked():
    results = read('24_clockify_detailed_us.csv', 'clockify', BERLIN, None)[1]
    assert [result.code for result in results[:2]] == ['ambiguous_time'] * 2
    reading = read_file((KINDS / '24_clockify_detailed_us.csv').read_bytes())
    assert [note.code for note in infer(reading, 'clockify')[1]] == ['open_order']


def test_a_language_that_has_one_order_is_believed_and_said():
    reading = read_file((KINDS / '28_interventions_fr_cp1252.csv').read_bytes())
    options, notes = infer(reading, 'csv')
    assert options == {'date_order': 'dmy'}
    assert [note.code for note in notes] == ['day_first']


def test_the_chosen_zone_holds_for_every_time_without_one():
    """Also where the tool is known to write UTC: whoever chooses another zone knows better."""
    for name in ('01_teamviewer_Connections_incoming.txt', '18_screenconnect_report.csv',
                 '30_intune_remote_help.json'):  # fmt: skip
        source = FILES[name][1]
        session = read(name, source, 'America/New_York', None)[1][0]
        assert session.started_at == at('10-05 12:12:30'), name


def test_a_ticket_is_no_id_of_a_session():
    assert 'external_id' not in suggest_mapping(['Ticket', 'Ticket ID', 'Start', 'End'], 'csv')
