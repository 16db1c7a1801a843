"""Siblings of the files that people really have: other orders, delimiters, languages and forms."""

import csv
import io
import json
import zipfile
from datetime import datetime

import openpyxl
import pytest

from sources import Normal, ReadError, infer, normalise, read_file

NOW = datetime(2026, 11, 26, 12)
BERLIN = 'Europe/Berlin'
T1 = (datetime(2026, 10, 5, 8, 12, 30), datetime(2026, 10, 5, 8, 42, 30))
T2 = (datetime(2026, 10, 6, 23, 50), datetime(2026, 10, 7, 0, 10, 5))


def sessions(content, name='x.csv', source=None, tz=BERLIN, encoding=None, **mapping):
    """Return what a file comes to: its source, and its sessions and rejections."""
    content = content if isinstance(content, bytes) else content.encode()
    reading = read_file(content, name, encoding)
    source = source or reading.source or 'csv'
    options, _notes = infer(reading, source, mapping, tz=tz)
    mapping = {**options, **mapping} or None
    return reading.source, [
        normalise(record, source, tz=tz, mapping=mapping, now=NOW) for record in reading.records
    ]


def spans(content, name='x.csv', **options):
    results = sessions(content, name, **options)[1]
    rejected = [result.reason for result in results if not isinstance(result, Normal)]
    assert not rejected, rejected
    return [(result.started_at, result.ended_at) for result in results]


# === LANGUAGES === #

LANGUAGES = {
    'de': ('Sitzungs-ID;Techniker;Kunde;Gerät;Beginn;Ende;Notiz', None),
    'de apart': ('Techniker;Kunde;Gerät;Startdatum;Startzeit;Enddatum;Endzeit', 'apart'),
    'fr': ('Identifiant;Technicien;Client;Poste;Début;Fin;Remarque', None),
    'fr apart': (
        'Technicien;Client;Poste;Date de début;Heure de début;Date de fin;Heure de fin', 'apart',
    ),
    'es': ('ID de sesión;Técnico;Cliente;Equipo;Inicio;Fin;Notas', None),
    'es apart': (
        'Técnico;Cliente;Equipo;Fecha de inicio;Hora de inicio;Fecha de fin;Hora de fin', 'apart',
    ),
    'nl': ('Sessie-ID;Medewerker;Klant;Apparaat;Begin;Einde;Opmerking', None),
    'nl apart': ('Medewerker;Klant;Apparaat;Startdatum;Starttijd;Einddatum;Eindtijd', 'apart'),
    'it': ('ID sessione;Tecnico;Cliente;Dispositivo;Inizio;Fine;Descrizione', None),
    'it apart': (
        'Tecnico;Cliente;Dispositivo;Data inizio;Ora inizio;Data fine;Ora fine', 'apart',
    ),
    'pt': ('ID da sessão;Técnico;Cliente;Computador;Início;Fim;Observações', None),
    'pt apart': (
        'Técnico;Cliente;Computador;Data de início;Hora de início;Data de término;Hora de término',
        'apart',
    ),
}  # fmt: skip


@pytest.mark.parametrize('language', LANGUAGES)
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'cp1252'])
def test_headings_in_seven_languages(language, encoding):
    heading, form = LANGUAGES[language]
    if form == 'apart':
        rows = ['Ava;Atelier Lumière;PC-1;05/10/2026;10:12:30;05/10/2026;10:42:30',
                'Ava;Atelier Lumière;PC-1;07/10/2026;01:50:00;07/10/2026;02:10:05']  # fmt: skip
    else:
        rows = ['A1;Ava;Atelier Lumière;PC-1;05/10/2026 10:12:30;05/10/2026 10:42:30;Drücker',
                'A2;Ava;Atelier Lumière;PC-1;07/10/2026 01:50:00;07/10/2026 02:10:05;']  # fmt: skip
    content = '\r\n'.join([heading, *rows]).encode(encoding)
    _source, results = sessions(content)
    assert [(one.started_at, one.ended_at) for one in results] == [T1, T2]
    assert {(one.technician, one.customer_name, one.device_name) for one in results} == {
        ('Ava', 'Atelier Lumière', 'PC-1')
    }
    if form is None:
        assert results[0].external_id == 'A1'


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-16', 'cp1250'])
@pytest.mark.parametrize(
    ('heading', 'times'),
    [
        ('ID sesji;Technik;Klient;Urządzenie;Początek;Koniec;Uwagi;Do fakturowania',
         '05/10/2026 10:12:30;05/10/2026 10:42:30'),
        ('Identyfikator;Pracownik;Firma;Nazwa komputera;Data rozpoczęcia;Godzina rozpoczęcia;'
         'Data zakończenia;Godzina zakończenia;Opis;Płatne',
         '05/10/2026;10:12:30;05/10/2026;10:42:30'),
        ('Nr sesji;Użytkownik;Kontrahent;Komputer;Data;Godzina od;Godzina do;Notatka;Fakturowane',
         '5.10.2026;10:12:30;10:42:30'),
        ('Numer sesji;Konsultant;Nazwa klienta;Stacja robocza;Rozpoczęto;Czas trwania;Komentarz;'
         'Do rozliczenia', 'poniedziałek, 5 października 2026 10:12:30;0 godz. 30 minut'),
    ],
)  # fmt: skip
def test_polish_headings(heading, times, encoding):
    content = f'{heading}\nA1;Ava;Świeża Łódź;PC-1;{times};Druk;Nie\nRazem;;;;;;;\n'
    first, total = sessions(content.encode(encoding))[1]
    assert (first.started_at, first.ended_at) == T1
    said = (first.external_id, first.technician, first.customer_name, first.device_name, first.note)
    assert said == ('A1', 'Ava', 'Świeża Łódź', 'PC-1', 'Druk')
    assert first.billable is False
    assert total.code == 'total'


@pytest.mark.parametrize(
    ('heading', 'row', 'encoding'),
    [
        ('Sessions-ID;Tekniker;Kund;Dator;Starttid;Sluttid;Anteckning;Debiterbar',
         'A1;Ava;Växjö AB;PC-1;{iso};{iso_end};Skrivare;Nej', 'cp1252'),
        ('Sessionsnummer;Handläggare;Företag;Enhet;Datum;Från;Till;Kommentar;Faktureras',
         'A1;Ava;Växjö AB;PC-1;2026-10-05;10:12:30;10:42:30;Skrivare;Nej', 'utf-8'),
        ('Sessions-ID;Medarbejder;Kunde;Enhed;Startdato;Starttidspunkt;Slutdato;Sluttidspunkt;'
         'Bemærkning;Fakturerbar', 'A1;Ava;Ålborg ApS;PC-1;05-10-2026;10:12:30;05-10-2026;'
         '10:42:30;Printer;Nej', 'cp1252'),
        ('Økt-ID;Ansatt;Bedrift;Maskin;Startet;Varighet;Merknad;Faktureres',
         'A1;Ava;Bærum AS;PC-1;mandag 5. oktober 2026 kl. 10:12:30;30 minutter;Skriver;Nei',
         'utf-8'),
        ('ID relace;Technik;Zákazník;Počítač;Začátek;Konec;Poznámka;K fakturaci',
         'A1;Ava;Škoda s.r.o.;PC-1;5. října 2026 10:12:30;5.10.2026 10:42:30;Tisk;Ne', 'cp1250'),
        ('ID сеанса;Специалист;Заказчик;Компьютер;Начало;Длительность (мин);Тема;Оплачивается',
         'A1;Ava;Ромашка и дочери;PC-1;05.10.2026 10:12:30;30;Принтер;Нет', 'cp1251'),
        ('セッションID;担当者;顧客名;端末名;開始日時;所要時間(分);備考;請求対象',
         'A1;Ava;株式会社サンプル;PC-1;2026年10月5日 10:12:30;30;プリンタ;いいえ', 'cp932'),
        ('Oturum ID;Teknisyen;Müşteri;Cihaz;Başlangıç;Bitiş;Not;Faturalandırılabilir',
         'A1;Ava;Işık Limanı A.Ş.;PC-1;5 Ekim 2026 10:12:30;05.10.2026 10:42:30;Yazıcı;Hayır',
         'cp1254'),
        ('OTURUM ID;KULLANICI;MÜŞTERİ;CİHAZ;BAŞLANGIÇ TARİHİ;BAŞLANGIÇ SAATİ;SÜRE (DK);AÇIKLAMA;'
         'ÜCRETLİ',
         'A1;Ava;Işık Limanı A.Ş.;PC-1;05.10.2026;10:12:30;30;Yazıcı;Hayır', 'cp1254'),
        ('Munkamenet-azonosító;Technikus;Ügyfél;Eszköz;Kezdés;Időtartam;Megjegyzés;Számlázható',
         'A1;Ava;Kikötő Kft.;PC-1;2026. október 5. 10:12:30;30 perc;Nyomtató;Nem', 'cp1250'),
        ('Αναγνωριστικό συνεδρίας;Τεχνικός;Πελάτης;Συσκευή;Έναρξη;Λήξη;Σημειώσεις;Χρεώσιμο',
         'A1;Ava;Λιμάνι;PC-1;05/10/2026 10:12:30;05/10/2026 10:42:30 π.μ.;Εκτυπωτής;Όχι',
         'cp1253'),
        ('会话ID;技术员;客户;设备;开始时间;时长;备注;是否计费',
         'A1;Ava;港口网络科技有限公司;PC-1;2026/10/5 上午10:12:30;30分钟;打印机;否', 'gb18030'),
        ('工作階段 ID;技術人員;客戶;裝置;開始時間;結束時間;備註;是否計費',
         'A1;Ava;港口科技股份有限公司;PC-1;2026/10/05 10:12:30;2026/10/05 10:42:30;印表機;否',
         'big5'),
        ('세션 ID;기술자;고객;장치;시작 시간;지속 시간;메모;청구 가능',
         'A1;Ava;항구 주식회사;PC-1;2026. 10. 5. 오전 10:12:30;0시간 30분;프린터;아니요', 'euc_kr'),
    ],
)  # fmt: skip
def test_headings_of_the_north_and_the_east(heading, row, encoding):
    row = row.format(iso='2026-10-05 10:12:30', iso_end='2026-10-05 10:42:30')
    for each in (encoding, 'utf-8', 'utf-16'):
        first, total = sessions(f'{heading}\n{row}\nSumma;;;;;;\n'.encode(each))[1]
        assert (first.started_at, first.ended_at) == T1
        said = (first.external_id, first.technician, first.customer_name, first.device_name)
        assert said == ('A1', 'Ava', row.split(';')[2], 'PC-1')
        assert first.note in row
        assert first.note
        assert first.billable is False
        assert total.code == 'total'


def test_japanese_headings_do_not_say_that_days_come_first():
    content = '担当者,顧客名,開始日時,終了日時\nAva,サンプル,05/10/2026 10:12,05/10/2026 10:42\n'
    assert sessions(content)[1][0].code == 'ambiguous_time'


@pytest.mark.parametrize('language', ['zh', 'ko', 'hu'])
def test_where_years_come_first_headings_do_not_say_that_days_come_before_months(language):
    heading = {
        'zh': '技术员,客户,开始时间,结束时间',
        'ko': '기술자,고객,시작 시간,종료 시간',
        'hu': 'Technikus,Ügyfél,Kezdés,Befejezés',
    }[language]
    content = f'{heading}\nAva,X,05/10/2026 10:12,05/10/2026 10:42\n'
    assert sessions(content)[1][0].code == 'ambiguous_time'


@pytest.mark.parametrize(
    ('encoding', 'names'),
    [('gb18030', '王伟 港口公司 上海浦东发展银行 打印机安装'),
     ('big5', '王偉 港口公司 台北科技股份有限公司'),
     ('euc_kr', '김민수 항구 서울네트웍스')],
)  # fmt: skip
def test_names_in_pairs_of_bytes_under_english_headings(encoding, names):
    rows = ['ID,Start,End,Customer', *(
        f'{number},2026-10-05 10:12:30,2026-10-05 10:42:30,{name}'
        for number, name in enumerate(names.split(), 1)
    )]  # fmt: skip
    reading = read_file('\n'.join(rows).encode(encoding))
    assert reading.encoding == encoding
    assert [record['Customer'] for record in reading.records] == names.split()


@pytest.mark.parametrize(
    'name',
    ['ПЕТРОВИЧ', 'ИЖЕВСК И ЮГ', 'Львів Харків Київ', 'ΑΘΗΝΑ ΘΕΣΣΑΛΟΝΙΚΗ', 'ÄÖÜ ÄRZTE ÖL',
     'Château Évêque', 'Żółć Łódź', '“Größe” – „Büro“ …', 'Işık Şirketi', 'NºÚÑICO ÁÉÍÓÚ'],
)  # fmt: skip
def test_what_is_not_in_pairs_of_bytes_is_not_taken_for_it(name):
    for encoding in ('cp1250', 'cp1251', 'cp1252', 'cp1253', 'cp1254', 'cp850', 'mac_roman',
                     'koi8_r', 'utf-8'):  # fmt: skip
        try:
            row = f'1;{name}\n'.encode(encoding)
        except UnicodeEncodeError:
            continue
        for rows in (row, 20 * row, 20 * row + b'2;\xe4\n'):
            reading = read_file(b'ID;Kunde\n' + rows)
            assert reading.encoding not in {'gb18030', 'big5', 'euc_kr'}


@pytest.mark.parametrize('name', ['Привет мир', 'Львів Харків', 'Château Évêque', 'Łódź', 'Ιθάκη'])
def test_what_is_no_japanese_is_not_taken_for_it(name):
    for encoding in ('cp1250', 'cp1251', 'cp1252', 'cp1253', 'cp850', 'mac_roman'):
        try:
            content = f'ID;Kunde\n1;{name}\n2;{name}\n'.encode(encoding)
        except UnicodeEncodeError:
            continue
        assert read_file(content).encoding != 'cp932'


@pytest.mark.parametrize(
    ('encoding', 'name'),
    [('cp1250', 'Łódź Gdańsk Kraków świeża żółć'), ('cp1251', 'Київ Харків Львів'),
     ('cp1252', 'Müller Søren Français'), ('cp1253', 'Αθήνα Θεσσαλονίκη')],
)  # fmt: skip
def test_code_pages_are_recognised(encoding, name):
    rows = ['ID;Start;End;Customer', *(
        f'{number};2026-10-05 10:12:30;2026-10-05 10:42:30;{name}' for number in range(1, 9)
    )]  # fmt: skip
    content = '\n'.join(rows).encode(encoding)
    reading = read_file(content)
    assert reading.encoding == encoding
    assert reading.records[0]['Customer'] == name
    chosen = read_file(content, encoding='cp1252')
    assert chosen.records[0]['Customer'] == name.encode(encoding).decode('cp1252', 'replace')


def test_an_encoding_that_is_none_is_refused_in_words():
    with pytest.raises(ReadError) as caught:
        read_file('ID;Käse\n1;x\n'.encode('cp1252'), encoding='nosuch')
    assert caught.value.code == 'unknown_encoding'


def test_a_text_in_two_encodings_keeps_both():
    content = 'ID;Start;Kunde\n1;2026-10-05 10:00;Müller & Söhne Käserei\n'.encode()
    content += '2;2026-10-05 11:00;Größe\n'.encode('cp1252')
    reading = read_file(content)
    assert [note.code for note in reading.notes] == ['mixed']
    records = reading.records
    assert [record['Kunde'] for record in records] == ['Müller & Söhne Käserei', 'Größe']


# === LINES BEFORE THE HEADINGS === #

TABLE = (
    'Session ID,Technician,Start,End\n'
    'a1,ava,2026-10-05 10:12:30,2026-10-05 10:42:30\n'
    'a2,ava,2026-10-07 01:50:00,2026-10-07 02:10:05\n'
)


@pytest.mark.parametrize(
    'before',
    ['', 'OK\n\n', '\n\n', '#TYPE Some.Report\n', 'sep=,\n', 'Session report\n\n',
     'Session report\nOctober 2026\n\n', 'Report,Sessions\nFrom,2026-10-01\nTo,2026-10-31\n\n',
     '"Sessions of all technicians, October"\n', 'Exported 2026-11-01 10:00:00\n\n'],
)  # fmt: skip
@pytest.mark.parametrize('delimiter', [',', ';', '\t', '|'])
def test_lines_before_the_headings_are_passed_over(before, delimiter):
    table = TABLE.replace(',', delimiter)
    before = before.replace('sep=,', f'sep={delimiter}')
    assert spans(before + table) == [T1, T2]


def test_what_was_passed_over_is_said():
    [note] = read_file(f'Session report\n\n{TABLE}'.encode()).notes
    assert (note.code, note.params['lines']) == ('skipped', 'Session report')


# === NO HEADINGS === #


def test_a_log_of_outgoing_connections():
    content = (
        '613209944\t05-10-2026 08:12:30\t05-10-2026 08:42:30\tava\tRemoteControl\t'
        '{00000001-1111-4222-8333-000000000001}\r\n'
        '613209945\t06-10-2026 23:50:00\t07-10-2026 00:10:05\tava\tRemoteControl\t'
        '{00000002-1111-4222-8333-000000000002}\r\n'
    )
    source, results = sessions(content, 'Connections.txt', tz='UTC')
    assert source == 'teamviewer'
    assert [(one.started_at, one.ended_at) for one in results] == [T1, T2]
    assert {(one.technician, one.device_ref) for one in results} == {
        ('ava', '613209944'), ('ava', '613209945'),
    }  # fmt: skip


def test_a_table_without_headings_loses_no_row():
    content = b'a1;ava;2026-10-05 10:12:30;2026-10-05 10:42:30\n'
    content += b'a2;ava;2026-10-07 01:50:00;2026-10-07 02:10:05\n'
    reading = read_file(content)
    assert len(reading.records) == 2
    assert [note.code for note in reading.notes] == ['headless']
    mapping = {'external_id': 'Column 1', 'technician': 'Column 2', 'started_at': 'Column 3',
               'ended_at': 'Column 4'}  # fmt: skip
    assert spans(content, **mapping) == [T1, T2]


# === JSON === #

RECORDS = [
    {'session_id': 'a1', 'start_time': '2026-10-05T08:12:30Z', 'end_time': '2026-10-05T08:42:30Z'},
    {'session_id': 'a2', 'start_time': '2026-10-06T23:50:00Z', 'end_time': '2026-10-07T00:10:05Z'},
]
NAMES = list(RECORDS[0])
ROWS = [list(record.values()) for record in RECORDS]


@pytest.mark.parametrize(
    'content',
    [
        RECORDS,
        {'whatever': RECORDS, 'count': 2, 'next': None},
        {'a': {'b': {'c': RECORDS}}},
        {'FieldNames': NAMES, 'Items': ROWS},
        {'report': {'FieldNames': NAMES, 'Items': ROWS}},
        {'Schema': [{'Column': name, 'PropertyType': 'String'} for name in NAMES], 'Values': ROWS},
        {'columns': NAMES, 'index': [0, 1], 'data': ROWS},
        {'fields': [{'id': name} for name in NAMES], 'rows': ROWS},
        [NAMES, *ROWS],
        dict(zip(NAMES, zip(*ROWS, strict=True), strict=True)),
        [{'data': RECORDS[:1], 'next': 'x'}, {'data': RECORDS[1:], 'next': None}],
        {'users': [], 'sessions': RECORDS},
        {'users': [{'name': 'ava'}], 'sessions': RECORDS},
    ],
)
def test_json_in_every_arrangement(content):
    assert spans(json.dumps(content), 'x.json') == [T1, T2]


@pytest.mark.parametrize('joint', ['\n', '\r\n', '\n\n', ' ', ',\n'])
def test_json_one_after_the_other(joint):
    content = joint.join(json.dumps(record) for record in RECORDS)
    assert spans(content, 'x.ndjson') == [T1, T2]
    assert spans(joint.join(json.dumps(r, indent=1) for r in RECORDS), 'x.json') == [T1, T2]


def test_json_lines_that_break_off_are_refused():
    content = '\n'.join(json.dumps(record) for record in RECORDS)[:-20]
    with pytest.raises(ReadError) as caught:
        read_file(content.encode())
    assert caught.value.code == 'json_truncated'


def test_json_with_several_unknown_lists_is_refused_and_names_them():
    with pytest.raises(ReadError) as caught:
        read_file(json.dumps({'red': [{'a': 1}], 'blue': [{'b': 1}]}).encode())
    assert caught.value.code == 'json_many_lists'
    assert 'red, blue' in caught.value.reason


def test_values_within_objects_can_be_named():
    record = {'ref': 'a1', 'when': {'from': '2026-10-05 10:12:30', 'to': '2026-10-05 10:42:30'}}
    reading = read_file(json.dumps({'things': [record]}).encode())
    assert reading.names == ['ref', 'when.from', 'when.to']
    mapping = {'external_id': 'ref', 'started_at': 'when.from', 'ended_at': ['when.to']}
    assert spans(json.dumps({'things': [record]}), 'x.json', **mapping) == [T1]


def test_names_within_objects_are_found():
    record = {
        'Id': 5, 'start': '2026-10-05T08:12:30Z', 'end': '2026-10-05T08:42:30Z',
        'Agent': {'Id': 7, 'Name': 'Ava'}, 'customer': {'name': 'Acme', 'email': 'it@acme.example'},
    }  # fmt: skip
    _source, [session] = sessions(json.dumps({'rows': [record]}), 'x.json')
    assert (session.technician, session.customer_name) == ('Ava', 'Acme')
    assert session.customer_email == 'it@acme.example'


def test_a_log_in_columns_of_blanks_loses_no_row():
    line = b'Connected    2026-10-05, 08:12    User    362798056    362798056    \r\n'
    reading = read_file(line * 3, 'trace.txt')
    assert len(reading.records) == 3
    assert [note.code for note in reading.notes] == ['headless']


def test_names_that_cannot_be_shown_are_no_columns():
    content = json.dumps(
        [{'\0': 1, '': 2, 'ok': 3, 'a\nb': 4, ' x ': 5, '\ud800': 6, 'y' * 300: 7}]
    )
    assert read_file(content.encode()).names == ['ok']


def test_what_is_said_of_a_file_can_be_shown():
    record = {'id': '1', 'start': '\0\ud80003/04/2026 10:00', 'end': '03/04/2026 10:30'}
    reading = read_file(json.dumps([record]).encode())
    for note in infer(reading, 'csv')[1]:
        assert (note.template % note.params).isprintable()


# === XML, WEB PAGES, WORKBOOKS === #


def xml(before='', namespace='', tag='session'):
    inside = ''.join(
        f'<{tag} id="{r["session_id"]}"><start_time>{r["start_time"]}</start_time>'
        f'<end_time>{r["end_time"]}</end_time></{tag}>'
        for r in RECORDS
    )
    return f'{before}<report{namespace}><title>October</title><list>{inside}</list></report>'


@pytest.mark.parametrize(
    'content',
    [
        xml(),
        xml('<?xml version="1.0"?>\n<!-- exported -->\n'),
        xml(namespace=' xmlns="urn:x"'),
        xml(namespace=' xmlns:a="urn:x"', tag='a:session'),
        xml('<?xml version="1.0" encoding="utf-16"?>').encode('utf-16'),
        xml('<?xml version="1.0" encoding="iso-8859-1"?>').encode('latin-1'),
        '\ufeff' + xml(),
    ],
)
def test_xml_in_every_form(content):
    assert spans(content, 'x.xml') == [T1, T2]


def test_a_workbook_as_older_programs_wrote_it():
    rows = ''.join(
        '<Row>' + ''.join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row)
        + '</Row>'
        for row in csv.reader(io.StringIO(TABLE))
    )  # fmt: skip
    content = (
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="S"><Table>'
        f'{rows}</Table></Worksheet></Workbook>'
    )
    assert spans(content, 'x.xls') == [T1, T2]
    # A cell that is left out is told by the place of the next.
    sparse = content.replace(
        '<Cell><Data ss:Type="String">ava</Data></Cell><Cell>', '<Cell ss:Index="3">'
    )
    assert spans(sparse, 'x.xls') == [T1, T2]


def html(table_rows, before='<html><head><title>x</title></head><body><p>Report</p>'):
    head, *rows = csv.reader(io.StringIO(table_rows))
    cells = [f'<tr>{"".join(f"<th>{c}</th>" for c in head)}</tr>']
    cells += [f'<tr>{"".join(f"<td>{c}</td>" for c in row)}</tr>' for row in rows]
    return (
        f'{before}<table class="menu"><tr><td>Home</td></tr></table><table>{"".join(cells)}</table>'
    )


@pytest.mark.parametrize(
    'content',
    [
        html(TABLE),
        html(TABLE, '<!DOCTYPE html><html>'),
        html(TABLE, ''),
        html(TABLE, '<?xml version="1.0"?><!DOCTYPE html PUBLIC "x" "y"><html>'),
        html(TABLE, '<meta charset="utf-16">').encode('utf-16'),
        html(TABLE).replace('<td>', '<td><b>').replace('<tr>', '\n  <tr>\n'),
        html(TABLE).replace('</td>', '').replace('</tr>', ''),
        html(TABLE).replace('<table>', '<table><tr><th colspan="4">Sessions</th></tr>'),
    ],
)
def test_tables_of_web_pages(content):
    assert spans(content, 'x.xls') == [T1, T2]


def test_a_web_page_in_a_code_page_says_so_itself():
    page = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1250">'
    page += html(TABLE.replace('ava', 'Łukasz'), '</head>')
    assert sessions(page.encode('cp1250'), 'x.xls')[1][0].technician == 'Łukasz'


@pytest.mark.parametrize(
    ('content', 'code'),
    [
        ('<html><body><form>Login</form></body></html>', 'web_page'),
        ('<a><b></b></a>', 'xml_no_records'),
        ('<a><b>', 'xml_syntax'),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a><b c="1" d="2"/></a>', 'xml_doctype'),
        ('<a>' * 100 + '</a>' * 100, 'xml_nested'),
        (b'%PDF-1.7\n...', 'other_kind'),
        (b'\x89PNG\r\n\x1a\n', 'other_kind'),
        (b'\x1f\x8b\x08\0', 'packed'),
        (b'7z\xbc\xaf\x27\x1c', 'packed'),
        (b'SQLite format 3\0', 'other_kind'),
        (b'{\\rtf1 x}', 'other_kind'),
        (b'MIME-Version: 1.0\nContent-Type: multipart/related\n', 'other_kind'),
    ],
)
def test_what_is_not_read_says_what_it_is(content, code):
    with pytest.raises(ReadError) as caught:
        read_file(content if isinstance(content, bytes) else content.encode(), 'x.xls')
    assert caught.value.code == code
    assert '%(' not in caught.value.reason


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        (b'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n', "a calendar"),
        ({'[Content_Types].xml': b'<Types/>', 'xl/workbook.bin': b'\0'}, "XLSB"),
        ({'Index/Document.iwa': b'x', 'Metadata/Properties.plist': b'x'}, "Apple Numbers"),
        ({'sessions.csv': b'ID,Start\n'}, "a ZIP archive"),
    ],
)
def test_what_is_exported_in_another_form_is_named(content, said):
    if isinstance(content, dict):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, 'w') as archive:
            for name, part in content.items():
                archive.writestr(name, part)
        content = packed.getvalue()
    with pytest.raises(ReadError) as caught:
        read_file(content, 'x')
    assert said in caught.value.reason


def workbook(rows, **sheets):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, more in sheets.items():
        sheet = book.create_sheet(title)
        for row in more:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_workbooks_with_a_cover_titles_and_plain_numbers():
    day, first, last = 46300, 0.42534722222222, 0.44618055555556
    rows = [['Session ID', 'Date', 'Start', 'End'], ['a1', day, first, last]]
    assert spans(workbook(rows), 'x.xlsx') == [T1]
    rows = [['Report of October'], [], ['Session ID', 'Start', 'End'],
            ['a1', day + first, day + last]]  # fmt: skip
    assert spans(workbook(rows), 'x.xlsx') == [T1]
    content = workbook([['Company report']], Sessions=rows[2:])
    assert spans(content, 'x.xlsx') == [T1]
    [note] = read_file(content).notes
    assert note.code == 'other_sheets'


# === TIMES === #


@pytest.mark.parametrize(
    'form',
    [
        '2026-10-05 10:12:30', '2026-10-05T10:12:30', '2026/10/05 10:12:30', '2026.10.05 10:12:30',
        '05.10.2026 10:12:30', '05.10.2026, 10:12:30', '5.10.26 10:12:30', '5. 10. 2026 10:12:30',
        '05.10.2026 10.12.30', '5. Oktober 2026 10:12:30', '5. Okt. 2026, 10:12:30 Uhr',
        'Mo., 5. Oktober 2026 um 10:12:30', '5 octobre 2026 à 10:12:30',
        'lundi 5 octobre 2026 10:12:30',
        '5 de octubre de 2026, 10:12:30', '5 de outubro de 2026 às 10:12:30',
        '5 ottobre 2026 alle 10:12:30', '5 oktober 2026 om 10:12:30', '5-Oct-2026 10:12:30',
        '05-Oct-26 10:12:30 AM', 'Oct 5, 2026 10:12:30 AM', 'October 5, 2026, 10:12:30 AM',
        'October 5, 2026 at 10:12:30\u202fAM', 'Mon Oct  5 10:12:30 2026',
        'Monday, October 5, 2026 10:12:30 AM', '2026-10-05 10:12:30.0000000',
        '2026-10-05 10:12:30,123', '20261005T101230', '20261005 101230',
        '\u200e2026-10-05 10:12:30',
        '05.10.2026\u00a010:12:30', '2026年10月5日 10:12:30', '46300,4253472222',
        # With its own zone.
        '2026-10-05T08:12:30Z', '2026-10-05T08:12:30.123456789Z', '2026-10-05T10:12:30+02:00',
        '2026-10-05 10:12:30 +0200', '2026-10-05 08:12:30 UTC', '2026-10-05 08:12:30 GMT',
        '2026-10-05 10:12:30 CEST', '2026-10-05 10:12:30 MESZ', '2026-10-05 10:12:30 GMT+2',
        '2026-10-05 10:12:30 UTC+02:00', '2026-10-05 04:12:30 EDT', 'Mon, 05 Oct 2026 08:12:30 GMT',
        'Mon, 5 Oct 2026 10:12:30 +0200', '2026-10-05T10:12:30+02:00[Europe/Berlin]',
        'Mon Oct 05 2026 10:12:30 GMT+0200 (Central European Summer Time)',
        '2026-10-05T03:12:30-05:00',
        '/Date(1791187950000)/', '1791187950', '1791187950000', '20261005T081230Z',
    ],
)  # fmt: skip
def test_a_time_in_every_form(form):
    content = io.StringIO()
    csv.writer(content).writerows([['ID', 'Start', 'End'], ['a1', form, '2026-10-05 10:42:30']])
    assert spans(content.getvalue()) == [T1]


@pytest.mark.parametrize(
    ('form', 'order'),
    [('10/5/2026 10:12:30 AM', 'mdy'), ('10/05/26 10:12:30 a.m.', 'mdy'),
     ('05/10/2026 10h12', 'dmy'), ('05/10/2026 10:12:30 a. m.', 'dmy'),
     ('05-10-2026 10:12:30', 'dmy'), ('05/10/2026 - 10:12:30', 'dmy')],
)  # fmt: skip
def test_a_time_of_which_the_order_is_chosen(form, order):
    content = io.StringIO()
    csv.writer(content).writerows([['ID', 'Start', 'End'], ['a1', form, '2026-10-05 10:42:30']])
    [(start, _end)] = spans(content.getvalue(), date_order=order)
    assert start.replace(second=0) == T1[0].replace(second=0)
    asked = sessions(content.getvalue())[1][0]
    assert asked.code == 'ambiguous_time'


@pytest.mark.parametrize(
    'form',
    ['2026-10-05 10:12:30 XYZ', '2026-10-05 25:12:30', '32.10.2026 10:00', '5 Foo 2026 10:00',
     '10:12:30', 'yesterday', '2026-10-05 13:12:30 PM', '2026-13-05 10:12:30', '12.2026 10:00',
     '2026-10-05 10:72', 'Oct 5 10:12:30'],
)  # fmt: skip
def test_what_is_no_time_is_rejected(form):
    content = f'ID;Start;End\na1;{form};2026-10-05 10:42:30\n'
    [result] = sessions(content)[1]
    assert result.code == 'bad_time'


def test_a_zone_word_that_means_several_is_asked_unless_the_chosen_zone_calls_itself_so():
    content = 'ID;Start;End\na1;2026-01-05 10:12:30 CST;2026-01-05 10:42:30 CST\n'
    assert sessions(content)[1][0].code == 'zone_word'
    [(start, _end)] = spans(content, tz='Asia/Shanghai')
    assert start == datetime(2026, 1, 5, 2, 12, 30)
    [(start, _end)] = spans(content, tz='America/Chicago')
    assert start == datetime(2026, 1, 5, 16, 12, 30)


@pytest.mark.parametrize(
    'heading', ['Start (UTC)', 'Start UTC', 'Start [GMT]', 'Start Time (UTC+0)']
)
def test_a_zone_in_a_heading_holds(heading):
    content = f'ID;{heading};Duration (min)\na1;2026-10-05 08:12:30;30\n'
    assert spans(content) == [T1]
    content = 'ID;Start (GMT+5:30);Duration (min)\na1;2026-10-05 13:42:30;30\n'
    assert spans(content) == [T1]


# === ONE DATE, TIMES OF DAY, DURATIONS === #


@pytest.mark.parametrize(
    'content',
    [
        'Date;Start;End\n2026-10-05;10:12:30;10:42:30\n2026-10-07;01:50;02:10:05\n',
        'End;Start;Date\n10:42:30;10:12:30;2026-10-05\n02:10:05;01:50;2026-10-07\n',
        'Start time;End time;Day\n10:12:30 AM;10:42:30 AM;Oct 5, 2026\n'
        '1:50 AM;2:10:05 AM;Oct 7, 2026\n',
        'Date;Start;Duration\n2026-10-05;10:12:30;30 min\n2026-10-07;01:50;0:20:05\n',
        'Date;End;Duration (s)\n2026-10-05;10:42:30;1800\n2026-10-07;02:10:05;1205\n',
        'End;Duration in Seconds\n2026-10-05 10:42:30;1800\n2026-10-07 02:10:05;1205\n',
        'Start date;Start time;End time\n2026-10-05;10:12:30;10:42:30\n2026-10-07;01:50;02:10:05\n',
    ],
)
def test_start_and_end_from_what_there_is(content):
    assert spans(content) == [T1, T2]


def test_a_session_past_midnight_with_one_date():
    content = 'Date;Start;End\n2026-10-06;23:50;00:10:05\n'
    [(start, end)] = spans(content, tz='UTC')
    assert (start, end) == T2
    reversed_ = sessions('Date;Start;End\n2026-10-06;10:42;10:12\n')[1][0]
    assert reversed_.code == 'reversed'


@pytest.mark.parametrize(
    ('heading', 'text', 'seconds'),
    [
        ('Duration (h)', '0,50', 1800), ('Duration (h)', '0.5', 1800), ('Duration (h)',
        '1,25', 4500),
        ('Duration (decimal)', '0.35', 1260), ('Dauer (Std.)', '1,5', 5400), ('Hours', '1.5', 5400),
        ('Stunden', '0,25', 900), ('Duration (min)', '75', 4500), ('Minutes', '75', 4500),
        ('Dauer in Minuten', '7,5', 450), ('Duration in Seconds', '1205', 1205),
        ('duration_seconds', '1205', 1205), ('durationSeconds', '1205', 1205),
        ('Duration (ms)', '1205000', 1205), ('Duration', '1h 12m', 4320), ('Duration',
        '0h30', 1800),
        ('Duration', '1 Std. 12 Min.', 4320), ('Duration', 'PT1H12M', 4320),
        ('Duration', 'PT1205S', 1205), ('Duration', 'P1DT2H', 93600),
        ('Duration', '1 day, 2:03:04', 93784), ('Duration', '2 days, 0:00:01', 172801),
        ('Duration', '1 heure 12 minutes', 4320), ('Duration', '1 hora y 12 minutos', 4320),
        ('Duration', '1 uur 5 minuten', 3900), ('Duration', '1 ora 5 minuti', 3900),
        ('Duration', '45 s', 45), ('Duration', "5' 30\"", 330), ('Duration', '00:20:05', 1205),
        ('Duration', '00:20:05.123', 1205), ('Duration (mm:ss)', '20:05', 1205),
        ('Duration (hh:mm)', '0:30', 1800), ('Duration (h:mm)', '0:30', 1800), ('Duration',
        '1.5 hours', 5400),
        ('Duration', '1:30 h', 5400), ('Duration', '90min', 5400), ('Duration', '1d 2h', 93600),
    ],
)  # fmt: skip
def test_a_duration_in_every_form(heading, text, seconds):
    content = io.StringIO()
    csv.writer(content).writerows([['ID', 'Start', heading], ['a1', '2026-10-05 10:12:30', text]])
    [result] = sessions(content.getvalue())[1]
    assert isinstance(result, Normal), result.reason
    assert result.duration_seconds == seconds


@pytest.mark.parametrize('text', ['30', '0.5', '1800', '1,800', '30:00', '1,5', '05:30'])
def test_a_duration_that_can_be_two_things_is_asked(text):
    content = io.StringIO()
    csv.writer(content).writerows(
        [['ID', 'Start', 'Duration'], ['a1', '2026-10-05 10:12:30', text]]
    )
    [result] = sessions(content.getvalue())[1]
    assert (result.field, result.code) == ('Duration', 'ambiguous_duration')
    assert 'Choose the unit' in result.reason


def test_a_unit_that_other_rows_tell_is_not_asked():
    content = (
        'ID;Start;End;Duration\n'
        'a1;2026-10-05 10:12:30;2026-10-05 10:42:30;30\n'
        'a2;2026-10-07 01:50:00;;75\n'
    )
    assert spans(content)[1] == (T2[0], datetime(2026, 10, 7, 1, 5))


@pytest.mark.parametrize(
    ('known', 'open_', 'seconds'), [('30:00', '05:30', 330), ('0:30', '5:30', 19800)]
)
def test_minutes_and_seconds_are_told_by_other_rows(known, open_, seconds):
    content = (
        'ID;Start;End;Duration\n'
        f'a1;2026-10-05 10:12:30;2026-10-05 10:42:30;{known}\n'
        f'a2;2026-10-07 01:50:00;;{open_}\n'
    )
    start, end = spans(content)[1]
    assert (end - start).total_seconds() == seconds


@pytest.mark.parametrize(
    ('hours', 'minutes', 'seconds'),
    [('1', '30', 5400), ('0', '45', 2700), ('', '45', 2700), ('2', '', 7200), ('1.5', '90', None),
     ('0,5', '30', None), ('1', '75', None)],
)  # fmt: skip
def test_hours_and_minutes_in_columns_of_their_own(hours, minutes, seconds):
    content = f'ID;Start;Hours;Minutes\na1;2026-10-05 10:12:30;{hours};{minutes}\n'
    [result] = sessions(content)[1]
    if seconds is None:
        assert (result.field, result.code) == ('Hours + Minutes', 'bad_duration')
    else:
        assert result.duration_seconds == seconds


def test_durations_that_are_not_from_start_to_end_are_said():
    content = b'ID;Start;End;Duration (min)\na1;2026-10-05 10:12:30;2026-10-05 10:42:30;75\n'
    _options, notes = infer(read_file(content), 'csv')
    assert [note.code for note in notes] == ['unlike_duration']


# === IDENTITY === #


def test_what_tells_sessions_apart_that_are_not_numbered():
    head = 'Technician;Customer;Computer;Start;End\n'
    rows = [
        'ava;A;PC1;2026-10-05 10:12;2026-10-05 10:42',
        'ava;B;PC1;2026-10-05 10:12;2026-10-05 10:42',
        'jon;A;PC1;2026-10-05 10:12;2026-10-05 10:42',
        'ava;A;PC2;2026-10-05 10:12;2026-10-05 10:42',
        'ava;A;PC1;2026-10-05 10:12;2026-10-05 10:43',
        'ava;A;PC1;2026-10-05 10:13;2026-10-05 10:42',
    ]  # fmt: skip
    _source, results = sessions(head + '\n'.join(rows))
    ids = [result.external_id for result in results]
    assert len(set(ids)) == 6
    _source, again = sessions(head + '\n'.join(reversed([*rows, rows[0]])), tz='Asia/Tokyo')
    assert [result.external_id for result in again] == [ids[0], *reversed(ids)]


def test_a_file_with_an_id_column_needs_its_ids():
    content = 'Session ID;Start;End\n;2026-10-05 10:12:30;2026-10-05 10:42:30\n'
    [result] = sessions(content)[1]
    assert (result.field, result.code) == ('Session ID', 'no_id')
    assert spans(content, external_id=None) == [T1]


@pytest.mark.parametrize('word', ['Total', 'TOTAL:', 'Summe', 'Gesamt', 'Totale', 'Totaal', 'Suma'])
def test_a_row_of_totals_is_told(word):
    content = (
        'Technician;Start;End;Duration\n'
        f'ava;2026-10-05 10:12:30;2026-10-05 10:42:30;0:30:00\n{word};;;0:30:00\n'
    )
    [session, total] = sessions(content)[1]
    assert isinstance(session, Normal)
    assert total.code == 'total'


# === TOOLS === #


@pytest.mark.parametrize(
    ('source', 'content', 'name', 'expected'),
    [
        ('anydesk',
         'Session ID,From ID,From Alias,To ID,To Alias,Start,End,Duration,Comment\n'
         '7,1,sup@ad,2,pc@ad,"2026-10-05, 10:12:30","2026-10-05, 10:42:30",00:30:00,x\n',
         'x.csv', ('7', 'sup@ad', '2')),
        ('anydesk',
         'ID de session;De ID;De alias;Vers ID;Vers alias;Début;Fin\n'
         '7;1;sup@ad;2;pc@ad;05.10.2026, 10:12:30;05.10.2026, 10:42:30\n',
         'x.csv', ('7', 'sup@ad', '2')),
        ('meshcentral',
         '"Group","Time","User","Session","Length"\n'
         '"FRONT-DESK","10/5/2026 10:42:30 AM","ava","Desktop","1800"\n',
         'x.csv', (None, 'ava', '')),
        ('meshcentral',
         json.dumps({'events': [
             {'msgid': 11, 'msgArgs': ['8m', 'a', 'b', 1800], 'nodeid': 'node//A',
             'username': 'ava',
              'time': '2026-10-05T08:42:30.207Z'}]}),
         'x.json', ('8m node//A', 'ava', 'node//A')),
        ('screenconnect',
         'ConnectionID;ProcessType;SessionName;ParticipantName;ConnectedTime;DisconnectedTime\n'
         'c1;Host;PC;ava;10/5/2026 8:12:30 AM;10/5/2026 8:42:30 AM\n',
         'x.csv', ('c1', 'ava', '')),
        ('guacamole',
         json.dumps([{'identifier': '4', 'connectionIdentifier': '2', 'connectionName': 'PC',
                      'startDate': 1791187950000, 'endDate': 1791189750000, 'username': 'ava',
                      'active': False}]),
         'x.json', ('4', 'ava', '2')),
        ('jamf_remote_assist',
         json.dumps({'totalCount': 1, 'results': [
             {'sessionId': 's', 'deviceId': '12', 'sessionStartedTimestamp': '2026-10-05T08:12:30Z',
              'sessionEndedTimestamp': '2026-10-05T08:42:30Z', 'sessionType': 'UNATTENDED',
              'sessionAdminId': '3', 'statusType': 'FINISHED', 'comment': ''}]}),
         'x.json', ('s', '3', '12')),
        ('syncro',
         json.dumps({'ticket_timers': [
             {'id': 9, 'ticket_id': 4, 'user_id': 3, 'start_time': '2026-10-05T10:12:30.000+02:00',
              'end_time': '2026-10-05T10:42:30.000+02:00', 'active_duration': 1800,
              'billable': True, 'notes': 'x'}]}),
         'x.json', ('9', '3', '')),
        ('ninjaone',
         json.dumps([{'id': 5, 'appUserContactId': 8, 'createTime': 1791189750.25,
                      'timeTracked': 1800, 'type': 'COMMENT', 'body': 'x'}]),
         'x.json', ('5', '8', '')),
        ('toggl',
         'User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,'
         'End time,Duration,Tags\n'
         'Ava,ava@x.example,Acme,Support,,Printer,No,2026-10-05,10:12:30,2026-10-05,10:42:30,'
         '00:30:00,\n',
         'x.csv', (None, 'ava@x.example', '')),
        ('toggl',
         json.dumps([{'id': 5, 'workspace_id': 1, 'start': '2026-10-05T08:12:30+00:00',
                      'stop': '2026-10-05T08:42:30Z', 'duration': 1800, 'user_id': 7}]),
         'x.json', ('5', '7', '')),
        ('clockify',
         json.dumps({'timeentries': [
             {'_id': 'e1', 'description': 'x', 'billable': False, 'userEmail': 'ava@x.example',
              'clientName': 'Acme', 'timeInterval': {'start': '2026-10-05T08:12:30Z',
                                                     'end': '2026-10-05T08:42:30Z',
                                                     'duration': 1800}}]}),
         'x.json', ('e1', 'ava@x.example', '')),
        ('kimai',
         json.dumps([{'id': 3, 'begin': '2026-10-05T10:12:30+0200',
         'end': '2026-10-05T10:42:30+0200',
                      'duration': 1800, 'activity': 1, 'project': 2, 'exported': False, 'user': 1,
                      'billable': True, 'description': 'x'}]),
         'x.json', ('3', '1', '')),
        ('kimai',
         'Datum;Beginn;Ende;Dauer;Benutzer;Kunde;Projekt;Tätigkeit;Beschreibung;Exportiert\n'
         '05.10.2026;10:12:30;10:42:30;00:30:00;ava;Acme;Hilfe;Fern;x;nein\n',
         'x.csv', (None, 'ava', '')),
        ('teamviewer',
         '"Id","Datetime_Start","Datetime_End","User_Name","Device_Id","Device_Name"\n'
         '"g1","2026-10-05T08:12:30Z","2026-10-05T08:42:30Z","ava","12","PC"\n',
         'x.csv', ('g1', 'ava', '12')),
        ('beyondtrust',
         '<session_list><session lsid="l1"><session_type>support</session_type>'
         '<start_time timestamp="1791187950"/><end_time timestamp="1791189750"/>'
         '<primary_rep id="1">Ava</primary_rep></session></session_list>',
         'x.xml', ('l1', 'Ava', '')),
        ('logmein_rescue',
         'OK\n\nStart Time|End Time|Technician Name|Technician ID|Session ID|Channel Name|'
         'Waiting Time\n10/5/2026 8:12:30 AM|10/5/2026 8:42:30 AM|Ava|1|99|C|0\n',
         'x.txt', ('99', 'Ava', '')),
        ('isl_online',
         '<queryDatabase><islLightSession id="s-1_0_1"><deskCode>1</deskCode>'
         '<deskHostname>OLGA</deskHostname><clientHostname>PC</clientHostname>'
         '<createdTime>1791187950</createdTime><endTime>1791189750</endTime></islLightSession>'
         '</queryDatabase>',
         'x.xml', ('s-1_0_1', 'OLGA', '')),
    ],
)  # fmt: skip
def test_a_sibling_of_each_tool(source, content, name, expected):
    tz = 'UTC' if source in {'screenconnect', 'logmein_rescue'} else BERLIN
    order = {'date_order': 'mdy'} if source == 'screenconnect' else {}
    told, [result] = sessions(content, name, tz=tz, **order)
    assert told == source
    assert isinstance(result, Normal), result.reason
    assert (result.started_at, result.ended_at) == T1
    external_id, technician, device_ref = expected
    assert external_id in {None, result.external_id}
    assert (result.technician, result.device_ref) == (technician, device_ref)


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('Computer,User,Login Time,Logout Time,Session Duration\n'
         'PC,Ava,2026-10-05 10:12:30,2026-10-05 10:42:30,00:30:00\n', ('Ava', '', 'PC')),
        ('Company,Member,Date Start,Time Start,Time End,Actual Hours\n'
         'Acme,Ava,2026-10-05,10:12:30 AM,10:42:30 AM,0.50\n', ('Ava', 'Acme', '')),
        ('Resource Name,Account Name,Date Worked,Start Time,Stop Time,Hours Worked\n'
         'Ava,Acme,2026-10-05,10:12:30 AM,10:42:30 AM,0.50\n', ('Ava', 'Acme', '')),
        ('Resource Name,Account Name,Worked Date,Start Time,End Time,Summary Notes\n'
         'Ava,Acme,2026-10-05,10:12:30 AM,10:42:30 AM,Printer\n', ('Ava', 'Acme', '')),
        ('Session Start Date,Session Start Time,Session End Date,Session End Time,Representative\n'
         '2026-10-05,10:12:30 AM,2026-10-05,10:42:30 AM,Ava\n', ('Ava', '', '')),
        ('Computer Name,Accessed By,Connected On,Disconnected On\n'
         'PC,Ava,05/Oct/26 10:12:30,05/Oct/26 10:42:30\n', ('Ava', '', 'PC')),
        ('Ticket,Agent,Client,Start Date,Time Taken (h)\n'
         '77,Ava,Acme,2026-10-05 10:12:30,0.5\n', ('Ava', 'Acme', '')),
        ('Computer Name,Accessed By,Start Time,End Time\n'
         'PC,Ava,2026-10-05 10:12:30,2026-10-05 10:42:30\n', ('Ava', '', 'PC')),
        ('Technikername;Kundenname;Startzeit;Endzeit\n'
         'Ava;Acme;05.10.2026 10:12:30;05.10.2026 10:42:30\n', ('Ava', 'Acme', '')),
        ('Operatore;Nome PC;Data inizio;Data fine\n'
         'Ava;PC;05/10/2026 10:12:30;05/10/2026 10:42:30\n', ('Ava', '', 'PC')),
    ],
)  # fmt: skip
def test_more_headings(content, said):
    [one] = sessions(content)[1]
    assert (one.started_at, one.ended_at) == T1
    assert (one.technician, one.customer_name, one.device_name) == said


def test_harvest_names_its_user_in_two_columns():
    heading = ('Date,Client,Project,Project Code,Task,Notes,Started At,Ended At,Hours,Billable?,'
               'Invoiced?,First Name,Last Name,Employee?\n')  # fmt: skip
    row = '2026-10-05,Acme,Desk,,Remote,Fix,10:12:30am,10:42:30am,0.50,{},{},{},Ng,Yes\n'
    rows = [row.format(*said) for said in (
        ('Yes', 'No', 'Ava'), ('Yes', 'No', 'Bo'), ('No', 'No', 'Cy'), ('Yes', 'Yes', 'Di'),
    )]  # fmt: skip
    source, results = sessions(heading + ''.join(rows))
    assert source == 'harvest'
    assert {(one.started_at, one.ended_at) for one in results} == {T1}
    assert [(one.technician, one.billable) for one in results] == [
        ('Ava Ng', None), ('Bo Ng', None), ('Cy Ng', False), ('Di Ng', False),
    ]  # fmt: skip
    assert len({one.external_id for one in results}) == 4


def test_time_entries_of_connectwise():
    """B, NB and NC are billed, not billed and free; deducted hours are between start and end."""
    row = '{number},Ava,Acme,10/16/2026,10:00 AM,11:00 AM,{hours},{deducted},{bill},{status}'
    rows = [
        row.format(number=number, hours=hours, deducted=deducted, bill=bill, status=status)
        for number, hours, deducted, bill, status in (
            (1, '1.00', '0.00', 'B', 'Open'), (2, '1.00', '0.00', 'NB', 'Open'),
            (3, '1.00', '0.00', 'NC', 'Open'), (4, '1.00', '0.00', 'B', 'Written Off'),
            (5, '0.75', '0.25', 'B', 'Open'),
        )
    ]  # fmt: skip
    heading = (
        'Time RecId,Member,Company,Date,Start Time,End Time,Hours Actual,Hours Deduct,Bill,Status'
    )
    *results, last = sessions('\n'.join([heading, *rows]))[1]
    assert [(one.external_id, one.billable) for one in results] == [
        ('1', None), ('2', False), ('3', False), ('4', False),
    ]  # fmt: skip
    assert last.code == 'pause'
    [_first, *_others, last] = sessions(
        '\n'.join([heading, *rows]), ended_at=None, duration_unit='h'
    )[1]
    assert last.duration_seconds == 2700


EVENT_ROWS = {
    # The web pages leave the quotation marks of a message as they are, and write commas as dashes.
    'utc, time, type, action, user, device, message': (
        '"{time}","5.10.2026, 10:42:30","relay","relaylog","ava","R&amp;D","{text}"',
        lambda text: text.replace(',', ' -'),
        ('8m R&amp;D', 'ava', 'R&D'),
    ),
    'time,type,action,nodeid,userid,msg': (
        '"{time}","relay","relaylog","node//A","user//ava","{text}"',
        lambda text: text.replace('"', ''),
        ('8m node//A', 'user//ava', 'node//A'),
    ),
}


@pytest.mark.parametrize('headings', EVENT_ROWS)
def test_events_of_meshcentral_as_csv(headings):
    row, mangled, expected = EVENT_ROWS[headings]
    end = '2026-10-05T08:42:30.207Z'
    events = [
        (end, 'Ended desktop session "8m" from 1.2.3.4 to 5.6.7.8, 1800 second(s)'),
        ('2026-10-05T08:12:30.207Z', 'Started desktop session "8m" from 1.2.3.4 to 5.6.7.8'),
        (end, 'Left Web-SSH session "9x" after 1800 second(s).'),
        (end, 'Left the desktop multiplex session "9y" after 1800 second(s).'),
        (end, 'Closed desktop multiplex session "9y", 1800 second(s)'),
        (end, 'Account login'),
    ]
    rows = [row.format(time=time, text=mangled(text)) for time, text in events]
    told, results = sessions('\r\n'.join([headings, *rows]), 'eventslist.csv')
    assert told == 'meshcentral'
    ended, started, left, shared, *others = results
    for one in (ended, left, shared):
        assert (one.started_at, one.ended_at) == T1
    assert (started.started_at, started.ended_at) == (T1[0], None)
    said = (ended.external_id, ended.technician, ended.device_ref or ended.device_name)
    assert said == expected
    assert started.external_id == ended.external_id
    assert len({one.external_id for one in (ended, left, shared)}) == 3
    assert {one.code for one in others} == {'other_event'}


def test_months_first_is_taken_for_granted_only_in_the_american_way_of_writing():
    for when, code in (('5/10/2026, 10:42:30', 'ambiguous_time'),
                       ('5/10/2026, 10:42:30 am', 'ambiguous_time')):  # fmt: skip
        content = (
            f'"Group","Time","Device","Session","Length"\n"ava","{when}","PC","Desktop","1800"\n'
        )
        assert sessions(content)[1][0].code == code


def test_events_of_other_kinds_are_told():
    record = {
        'msgid': 107,
        'msgArgs': ['x'],
        'msg': 'Account login',
        'time': '2026-10-05T08:12:30Z',
    }
    assert normalise(record, 'meshcentral', tz='UTC').code == 'other_event'


def test_a_session_without_an_end_runs_and_is_no_error():
    for content in (
        'ID;Start;End\na1;2026-10-05 10:12:30;\n',
        'ID;Start\na1;2026-10-05 10:12:30\n',
    ):
        [(start, end)] = spans(content)
        assert (start, end) == (T1[0], None)


# === TIME TRACKERS === #


@pytest.mark.parametrize('groups', [1, 2])
def test_toggls_report_api_has_in_common_what_stands_around_its_entries(groups):
    def group(number, **said):
        return {
            'user_id': 1, 'username': 'ava', 'project_id': None, 'client_name': 'Acme',
            'billable': False, 'description': 'Printer', 'tag_ids': [], 'row_number': number,
            'time_entries': [
                {'id': number * 10 + index, 'seconds': 1800, 'at': '2026-10-05T08:42:31+00:00',
                 'start': f'2026-10-0{day}T10:12:30+02:00',
                 'stop': f'2026-10-0{day}T10:42:30+02:00'}
                for index, day in enumerate((5, 6), 1)
            ],
            **said,
        }  # fmt: skip

    answer = [group(1), group(2, client_name='Beta', billable=True)][:groups]
    source, results = sessions(json.dumps(answer), 'report.json')
    assert source == 'toggl'
    assert [
        (one.external_id, one.technician, one.customer_name, one.billable, one.note)
        for one in results
    ] == [
        ('11', 'ava', 'Acme', False, 'Printer'), ('12', 'ava', 'Acme', False, 'Printer'),
        ('21', 'ava', 'Beta', None, 'Printer'), ('22', 'ava', 'Beta', None, 'Printer'),
    ][: 2 * groups]  # fmt: skip
    assert (results[0].started_at, results[0].ended_at) == T1


@pytest.mark.parametrize('heading', ['Email', 'E-Mail'])
def test_the_address_in_clockifys_german_report_is_the_technicians(heading):
    content = (
        f'"Projekt","Kunde","Beschreibung","Aufgabe","Benutzer","Gruppe","{heading}","Tags",'
        '"Abrechenbar","Startdatum","Startzeit","Enddatum","Endzeit","Dauer (h)",'
        '"Dauer (dezimal)"\n'
        '"Support","Acme","Printer","","Ava","","ava@example.com","","Nein","05.10.2026",'
        '"10:12:30","05.10.2026","10:42:30","00:30:00","0.50"\n'
    )
    source, [one] = sessions(content)
    assert source == 'clockify'
    assert (one.started_at, one.ended_at) == T1
    assert (one.technician, one.customer_name, one.customer_email, one.billable) == (
        'ava@example.com', 'Acme', '', False,
    )  # fmt: skip


def test_a_database_that_writes_null_its_own_way():
    content = (
        'history_id,user_id,username,connection_id,connection_name,start_date,end_date\n'
        '1,2,ava,3,PC-1,2026-10-05 10:12:30,2026-10-05 10:42:30\n'
        '2,2,ava,3,PC-1,2026-10-05 11:12:30,\\N\n'
    )
    first, running = sessions(content)[1]
    assert (first.started_at, first.ended_at) == T1
    assert running.ended_at is None


def test_what_a_charge_type_says_is_free():
    content = (
        'Ticket ID,Customer,Agent,Start Time,End Time,Charge Type\n'
        '7,Acme,Ava,2026-10-05 10:12:30,2026-10-05 10:42:30,Remote Support\n'
        '7,Acme,Ava,2026-10-05 11:12:30,2026-10-05 11:42:30,No Charge\n'
    )
    assert [one.billable for one in sessions(content)[1]] == [None, False]


@pytest.mark.parametrize(
    'who',
    [{'member': {'identifier': 'a', 'name': 'Ava'}}, {'author': {'displayName': 'Ava'}},
     {'author': 'Ava'}],
)  # fmt: skip
def test_who_worked_is_found_within(who):
    record = {'id': 1, 'company': {'name': 'Acme'}, **who, 'timeStart': '2026-10-05T08:12:30Z',
              'timeEnd': '2026-10-05T08:42:30Z', 'billableOption': 'NoCharge'}  # fmt: skip
    [one] = sessions(json.dumps([record]), 'x.json')[1]
    assert (one.technician, one.customer_name, one.billable) == ('Ava', 'Acme', False)


# === WHAT COUNTS === #


@pytest.mark.parametrize(
    ('planned', 'measured'),
    [('Start,End', 'Actual Start,Actual End'), ('Beginn,Ende', 'Beginn (Ist),Ende (Ist)'),
     ('Début,Fin', 'Début réel,Fin réelle')],
)  # fmt: skip
@pytest.mark.parametrize('order', [0, 1])
def test_beside_what_was_planned_what_was_measured_counts(planned, measured, order):
    heads = [planned, measured]
    times = ['2026-10-05 10:00,2026-10-05 12:00', '2026-10-05 10:12:30,2026-10-05 10:42:30']
    if order:
        heads, times = heads[::-1], times[::-1]
    content = f'Session ID,{",".join(heads)}\na1,{",".join(times)}\n'
    assert spans(content) == [T1]
    chosen = {'started_at': planned.split(',')[0], 'ended_at': planned.split(',')[1]}
    assert spans(content, **chosen) == [(datetime(2026, 10, 5, 8), datetime(2026, 10, 5, 10))]


def test_what_was_only_planned_is_no_session():
    content = 'Session ID,Start,End,Actual Start,Actual End\n'
    content += 'a1,2026-10-05 10:00,2026-10-05 12:00,,\n'
    content += 'a2,2026-10-05 10:00,2026-10-05 12:00,2026-10-05 10:12:30,\n'
    planned, running = sessions(content)[1]
    assert planned.code == 'no_start'
    assert (running.started_at, running.ended_at) == (T1[0], None)


@pytest.mark.parametrize(
    ('heading', 'value', 'billable'),
    [
        ('Billable', 'Non billable (warranty)', False), ('Billable', 'No: goodwill', False),
        ('Billable', 'Nein - Kulanz', False), ('Billable', '✗', False),
        ('Billable', 'Yes (remote)', None), ('Billable', '0:30', None), ('Billable', '✓', None),
        ('Invoice Number', 'INV-2026-001', False), ('Rechnungsnummer', '20260012', False),
        ('Invoice No', '', None), ('Invoice No', '0', None), ('Invoice ID', 'none', None),
        ('Invoice Number', 'open', None),
    ],
)  # fmt: skip
def test_what_is_billed_already_or_for_free(heading, value, billable):
    content = f'Session ID,Start,End,{heading}\n'
    content += f'a1,2026-10-05 10:12:30,2026-10-05 10:42:30,{value}\n'
    assert sessions(content)[1][0].billable is billable


def test_a_formula_that_nobody_computed_is_no_blank():
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(['Technician', 'Start', 'Duration (min)', 'Note'])
    sheet.append(['ava', datetime(2026, 10, 5, 10, 12, 30), '=15*2', 'a'])
    sheet.append(['ava', '=B2+1', 30, 'a'])
    sheet.append(['ava', datetime(2026, 10, 5, 10, 12, 30), 30, '=A2&"x"'])
    file = io.BytesIO()
    workbook.save(file)
    duration, start, note = sessions(file.getvalue(), 'x.xlsx')[1]
    assert (duration.code, start.code) == ('bad_duration', 'bad_time')
    assert '=15*2' in duration.reason
    assert (note.started_at, note.ended_at, note.note) == (*T1, '=A2&"x"')


@pytest.mark.parametrize('local', ['Start Time,End Time', 'Start (Local),End (Local)'])
@pytest.mark.parametrize('order', [0, 1])
def test_the_column_that_tells_its_zone_counts_before_one_that_does_not(local, order):
    told = 'Start Time (UTC),End Time (UTC)' if 'Time' in local else 'Start (UTC),End (UTC)'
    heads = [local, told]
    times = ['2026-10-05 10:12:30,2026-10-05 10:42:30', '2026-10-05 08:12:30,2026-10-05 08:42:30']
    if order:
        heads, times = heads[::-1], times[::-1]
    content = f'Session ID,{",".join(heads)}\na1,{",".join(times)}\n'
    assert spans(content, tz='America/New_York') == [T1]


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('way', ['Incoming', 'Outgoing'])
def test_a_trace_without_ends_is_named(way, encoding):
    line = f'{way}    2026-10-05, 10:20    User    123456789    123456789\n'
    with pytest.raises(ReadError) as caught:
        read_file((line * 3).encode(encoding), 'connection_trace.txt')
    assert caught.value.code == 'other_kind'
    assert 'AnyDesk' in caught.value.reason
