"""What would be read as something else than a person reads is asked, and nothing is swallowed."""

import io
import json
from datetime import datetime, time, timedelta

import openpyxl
import pytest

from sources import (
    Normal,
    ReadError,
    Repeats,
    infer,
    normalise,
    read_file,
    write_rejected,
)

BERLIN = 'Europe/Berlin'
T1 = (datetime(2026, 10, 5, 8, 12, 30), datetime(2026, 10, 5, 8, 42, 30))
LOCAL = tuple(moment + timedelta(hours=2) for moment in T1)

HEAD = 'ID,Customer,Start,End,Note\n'
ROW = 'A,Harbor,2026-10-05 10:12:30,2026-10-05 10:42:30,'


def sessions(content, name='x.csv', tz=BERLIN, **mapping):
    """Return what the rows of a file come to, as the dialog reads them."""
    reading = read_file(content if isinstance(content, bytes) else content.encode(), name)
    source = reading.source or 'csv'
    options, _notes = infer(reading, source, mapping, tz=tz)
    mapping = {**options, **mapping}
    now = datetime(2026, 11, 26)
    return [normalise(one, source, tz=tz, mapping=mapping, now=now) for one in reading.records]


def spans(content, **options):
    return [(one.started_at, one.ended_at) for one in sessions(content, **options)]


def rejected(content, **options):
    """Return the codes of the rejections of a file, None for what is a session."""
    return [getattr(result, 'code', None) for result in sessions(content, **options)]


@pytest.mark.parametrize(
    'rows',
    [
        f'{ROW}"printer\nB{ROW[1:]}ok\nC{ROW[1:]}ok\n',
        f'{ROW}"printer\nB{ROW[1:]}ok\nC{ROW[1:]}"ok"\nD{ROW[1:]}ok\n',
        f'{ROW}"printer\n' + f'B{ROW[1:]}ok\n' * 12_000,
    ],
)
@pytest.mark.parametrize('delimiter', [',', '\t'])
def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(rows, delimiter):
    content = (HEAD + rows).replace(',', delimiter).encode()
    with pytest.raises(ReadError) as caught:
        read_file(content)
    assert (caught.value.code, caught.value.params) == ('csv_quote', {'line': 2})


def test_quotation_marks_that_are_closed_are_no_matter():
    content = HEAD + f'{ROW}"two ""lines""\nof, text"\nB{ROW[1:]}24" screen\nC{ROW[1:]}"x\n"\n'
    assert spans(content) == [T1, T1, T1]


@pytest.mark.parametrize(
    'content',
    [
        'ID,Customer,Start,End\nA,Harbor, Inc,2026-10-05 10:12,2026-10-05 10:42\n',
        'ID,Customer,Start,End\nA,Harbor,10/13/2026, 10:12 AM,10/13/2026, 10:42 AM\n',
        'Date,Customer,Start,Duration (h),Technician\n2026-10-05,Harbor,10:12,0,5,Ava\n',
        'ID,Start,End,Customer,Note\nA,2026-10-05 10:12,2026-10-05 10:42,Harbor, Inc,Mail\n',
    ],
)
def test_a_row_with_more_cells_than_headings_is_asked(content):
    assert rejected(content) == ['long_row']


def test_a_row_that_was_too_long_stays_so_until_it_is_mended():
    content = (
        b'ID,Customer,Start,End\nA,Harbor, Inc,2026-10-05 10:12:30,2026-10-05 10:42:30\n'
        b'C,Lane, Ltd,2026-10-05 10:12:30,2026-10-05 10:42:30\nB,Harbor,2026-10-05 10:12,x\n'
    )
    for _again in range(2):
        reading = read_file(content, 'x.csv')
        # Reasons are sentences: the file has semicolons in as many rows as commas.
        rejections = [(i, '', "more values than headings; quote them, please") for i in range(3)]
        content, _extension = write_rejected(reading, rejections)
        assert rejected(content) == ['long_row', 'long_row', 'bad_time']
    mended = content.replace(b'Harbor,Inc', b'"Harbor, Inc"')
    assert mended != content
    first = sessions(mended)[0]
    assert (first.customer_name, first.started_at, first.ended_at) == ('Harbor, Inc', *T1)


def test_what_was_rejected_of_a_list_without_headings_makes_none():
    reading = read_file(b'session_id,started_at\n' + b','.join([b'2026-01-31 10:00'] * 4), 'x.csv')
    content, _extension = write_rejected(reading, [(i, 'ID', "is missing") for i in range(2)])
    assert len(read_file(content, 'x.csv').records) == len(reading.records) == 2


def test_a_column_without_a_heading_is_none():
    content = 'ID;Start;End;\nA;2026-10-05 10:12:30;2026-10-05 10:42:30;x\n'
    assert spans(content) == [T1]
    assert spans(content.replace('End;\n', 'End\n').replace(';x', ';;')) == [T1]


@pytest.mark.parametrize(
    'content',
    [
        'ID,Start Date,Time,End Date,Time\nA,2026-10-05,23:50,2026-10-06,00:10\n',
        'ID,Start,End\nA,2026-10-05 10:12:00,2026-10-06',
        'ID,Start,Duration (min)\nA,05.10.2026,30\n',
        'ID,Start,End\nA,"October 5, 2026","October 6, 2026"\n',
    ],
)
def test_a_day_is_no_time_of_day(content):
    assert rejected(content) == ['no_time']


def test_days_in_cells_are_no_times_of_day():
    book = openpyxl.Workbook()
    for row in (
        ['ID', 'Start', 'End'],
        ['A', *(moment.date() for moment in LOCAL)],
        ['B', LOCAL[0].replace(hour=0, minute=0, second=0), LOCAL[1]],
    ):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    assert rejected(content.getvalue(), name='x.xlsx') == ['no_time', None]


@pytest.mark.parametrize(
    ('heading', 'text'),
    [('Duration (min)', '05:30'), ('Minutes', '05:30'), ('Duration (s)', '05:30'),
     ('Duration', '"1,200 min"'), ('Duration', '"1,200 s"')],
)  # fmt: skip
def test_minutes_that_can_be_hours_are_asked(heading, text):
    content = f'ID,Start,{heading}\nA,2026-10-05 10:12:30,{text}\n'
    assert rejected(content) == ['ambiguous_duration']
    if ':' in text:
        [session] = sessions(content, duration_unit='mm:ss')
        assert session.duration_seconds == 330


@pytest.mark.parametrize(
    'headings',
    ['Duration (rounded),Duration (exact)', 'Duration billed,Duration actual',
     'Billed Duration,Actual Duration', 'Dauer (gerundet),Dauer (exakt)',
     'Dauer gerundet,Dauer exakt', 'Durée arrondie,Durée réelle', 'Duration (rounded),Duration'],
)  # fmt: skip
@pytest.mark.parametrize('is_turned', [False, True])
def test_what_was_measured_counts_not_what_was_rounded(headings, is_turned):
    columns = [*zip(headings.split(','), ('00:45:00', '00:30:00'), strict=True)]
    names, values = zip(*(reversed(columns) if is_turned else columns), strict=True)
    content = f'ID,Start,{",".join(names)}\nA,2026-10-05 10:12:30,{",".join(values)}\n'
    assert spans(content) == [T1]


def test_what_happened_counts_not_what_was_planned():
    content = (
        'ID;Beginn (Soll);Ende (Soll);Beginn (Ist);Ende (Ist)\n'
        'A;05.10.2026 10:00;05.10.2026 12:00;05.10.2026 10:12:30;05.10.2026 10:42:30\n'
    )
    assert spans(content) == [T1]


@pytest.mark.parametrize(
    ('text', 'code'),
    [('26/10/05 10:12', 'bad_time'), ('26-10-13 10:12', 'bad_time'), ('05/10/26 10:12', None)],
)
def test_two_figures_that_are_the_year_are_not_the_day(text, code):
    assert rejected(f'ID,Start\nA,{text}\n', date_order='dmy') == [code]


@pytest.mark.parametrize(
    ('word', 'tz', 'hour'),
    [('EST', 'America/New_York', 14), ('ET', 'America/New_York', 14), ('EST', BERLIN, None),
     ('CET', BERLIN, 8), ('MEZ', BERLIN, 8), ('CEST', 'America/New_York', None),
     ('Ist', BERLIN, 8), ('Local', BERLIN, 8)],
)  # fmt: skip
def test_a_zone_by_its_abbreviation_in_a_heading_is_the_chosen_one_or_asked(word, tz, hour):
    [result] = sessions(f'ID,Start ({word})\nA,2026-10-05 10:12\n', tz=tz)
    if hour is None:
        assert result.code == 'zone_word'
    else:
        assert isinstance(result, Normal)
        assert result.started_at.hour == hour


@pytest.mark.parametrize(
    'answer',
    [
        {'errors': [{'message': 'token expired'}]},
        {'representation': [], 'error': {'code': 1, 'message': 'token expired'}},
        {'status': 'error', 'message': 'token expired', 'data': []},
        {'success': False, 'message': 'token expired', 'records': []},
    ],
)
def test_an_error_beside_an_empty_list_is_no_empty_list(answer):
    with pytest.raises(ReadError) as caught:
        read_file(json.dumps(answer).encode())
    assert caught.value.code == 'json_error'
    assert 'token expired' in caught.value.reason


def test_a_hidden_sheet_comes_last():
    book = openpyxl.Workbook()
    book.active.sheet_state = 'hidden'
    for sheet, name in ((book.active, 'old'), (book.create_sheet('Sessions'), 'new')):
        sheet.append(['ID', 'Start', 'End'])
        sheet.append([name, *T1])
    book.active = 1
    content = io.BytesIO()
    book.save(content)
    assert read_file(content.getvalue()).records[0]['ID'] == 'new'


@pytest.mark.parametrize('words', ['From,To,Session Start,Session End',
                                   'Von,Nach,Sitzungsbeginn,Sitzungsende'])  # fmt: skip
def test_from_and_to_can_be_computers(words):
    content = f'ID,{words}\nA,AVA-PC,STORE-1,2026-10-05 10:12:30,2026-10-05 10:42:30\n'
    assert spans(content) == [T1]


def test_of_two_lists_none_is_dropped():
    record = {'id': 'a', 'start': '2026-10-05T08:12:30Z', 'end': '2026-10-05T08:42:30Z'}
    zoho = {'session_id': 1, 'viewer_email': 'a@x', 'agent_email': 'b@y', 'start_time': 1}
    with pytest.raises(ReadError) as caught:
        read_file(json.dumps({'items': [record], 'sessions': [record]}).encode())
    assert caught.value.code == 'json_many_lists'
    for other in ([], ['a'], {'count': 1}, None):
        assert spans(json.dumps({'records': other, 'sessions': [record]})) == [T1]
    answer = {'records': [{'name': 'x'}], 'sessions': [zoho]}
    assert read_file(json.dumps(answer).encode()).source == 'zoho_assist'


@pytest.mark.parametrize('text', ['3:30', '3:30:00', '3 h 30 min', '210', '3.5'])
def test_durations_of_any_form_that_are_not_from_start_to_end_are_said(text):
    content = f'Date;Start;End;Away;Duration\n2026-10-05;08:00;12:00;0:30;{text}\n'
    _options, notes = infer(read_file(content.encode()), 'csv', tz=BERLIN)
    assert [note.code for note in notes] == ['unlike_duration']
    whole = content.replace(text, '4:00:00')
    assert infer(read_file(whole.encode()), 'csv', tz=BERLIN)[1] == []


def test_a_text_that_is_written_as_a_formula_keeps_its_noughts():
    content = (
        'ID,Customer Number,Start,End\n="001","=""0042""",2026-10-05 10:12:30,2026-10-05 10:42\n'
    )
    [session] = sessions(content)
    assert (session.external_id, session.customer_ref) == ('001', '0042')


@pytest.mark.parametrize(
    ('word', 'kind'),
    [('On-Site', 'on_site'), ('Vor Ort', 'on_site'), ('Téléphone', 'phone'), ('Anfahrt', 'travel'),
     ('Déplacement', 'travel'), ('Remote Support', 'remote_support')],
)  # fmt: skip
def test_kinds_in_words(word, kind):
    [session] = sessions(f'ID,Start,Type\nA,2026-10-05 10:12:30,{word}\n')
    assert session.kind == kind


@pytest.mark.parametrize('word', ['Kulanz', 'Garantie', 'nicht abrechnen', 'Gratis', '0.00'])
def test_what_is_free_in_words_is_not_billed(word):
    [session] = sessions(f'ID,Beginn,Abrechnung\nA,2026-10-05 10:12:30,{word}\n')
    assert session.billable is False


def test_rows_of_a_list_that_are_no_sessions_say_what_they_are():
    rows = ['Datum;Von;Bis;Kunde', '05.10.2026;10:12:30;10:42:30;A', ';11:12;11:42;B']
    content = '\n'.join([*rows, 'Summe;;;', ';;Summe: 1;'])
    results = sessions(content)
    assert [getattr(result, 'code', None) for result in results] == [
        None, 'no_start', 'total', 'total',
    ]  # fmt: skip
    assert results[1].field == 'Datum'


def test_rows_that_are_alike_are_told_how_to_be_told_apart():
    rows = ['Start,End,Technician,Note', *(
        f'2026-10-05 10:00,2026-10-05 10:15,Ava,{note}' for note in ('Jane', 'Jane', 'Bob')
    )]  # fmt: skip
    repeats = Repeats([2, 3, 4])
    results = [repeats.meet(index, one) for index, one in enumerate(sessions('\n'.join(rows)))]
    assert results[:2] == [None, None]
    assert results[2].code == 'alike_row'
    assert results[2].reason.startswith("Row 2 has the same start")


def met(content):
    """Return what becomes of each row of a file, beside those that stand before it."""
    reading = read_file(content.encode(), 'x.csv')
    repeats = Repeats(reading.lines, reading.records)
    return [
        (isinstance(one, Normal) and repeats.meet(index, one)) or one
        for index, one in enumerate(sessions(content))
    ]


@pytest.mark.parametrize(
    ('first', 'group', 'all_'),
    [
        ('Acme Total,', 'Beta,Total', 'Grand Total,'),
        ('Acme Ergebnis,', 'Beta Ergebnis,', 'Gesamtergebnis,'),
        ('Total Acme,', 'Beta,Zwischensumme', 'Total général,'),
        ('Total for: Acme,', 'Beta,Ava Total', 'Total,'),
        ('Summe (Acme),', 'Summe für Beta,', 'Summe: 3,'),
        ('Acme 集計,', 'Beta 集計,', '総計,'),
    ],
)
def test_a_row_of_sums_from_the_first_start_to_the_last_end_is_no_session(first, group, all_):
    """“Acme*” matched “Acme Total”, and a technician “Total” was of the customer Beta."""
    results = met(
        'Customer,Technician,Start,End,Duration\n'
        'Acme,Ava,2026-10-05 10:12,2026-10-05 10:42,0:30:00\n'
        'Acme,Bo,2026-10-06 10:12,2026-10-06 10:42,0:30:00\n'
        f'{first},2026-10-05 10:12,2026-10-06 10:42,1:00:00\n'
        'Beta,Ava,2026-10-05 11:12,2026-10-05 11:42,0:30:00\n'
        f'{group},2026-10-05 11:12,2026-10-05 11:42,0:30:00\n'
        f'{all_},2026-10-05 10:12,2026-10-06 10:42,1:30:00\n'
    )
    codes = [getattr(one, 'code', None) for one in results]
    assert codes == [None, None, 'total', None, 'total', 'total']


def test_who_is_called_like_a_sum_is_helped_and_helps():
    results = met(
        'Customer,Technician,Start,End\n'
        'Acme,Ava,2026-10-05 10:12,2026-10-05 10:42\n'
        'Acme,Suma,2026-10-05 10:12,2026-10-05 10:42\n'
        'Total,Ava,2026-10-06 10:12,2026-10-06 10:42\n'
        'Total,Ava,2026-10-07 10:12,2026-10-07 10:42\n'
        'Acme Total,Bo,2026-10-07 10:12,2026-10-07 10:42\n'
    )
    assert all(isinstance(one, Normal) for one in results)


def test_what_differs_in_columns_that_are_not_read_are_two_sessions():
    """Time entered for two tickets, at the time of day that is proposed."""
    rows = ['Issue,Start,End,Technician', *(
        f'{issue},2026-10-05 09:00,2026-10-05 10:00,Ava' for issue in ('S-1', 'S-1', 'S-2')
    )]  # fmt: skip
    content = '\n'.join(rows)
    repeats = Repeats([2, 3, 4], read_file(content.encode()).records)
    results = [repeats.meet(index, one) for index, one in enumerate(sessions(content))]
    assert results[:2] == [None, None]
    assert results[2].code == 'alike_row'
    assert results[2].params['differs'] == ('Issue',)


# === LISTS THAT ARE ONE IN SEVERAL PIECES === #


def xml_sessions(*numbers):
    return ''.join(
        f'<session id="{number}"><start>2026-10-05T0{number}:12:30Z</start>'
        f'<end>2026-10-05T0{number}:42:30Z</end><people><person role="host" name="Ava"/>'
        '<person role="guest" name="Jane"/><person role="guest" name="Jo"/></people></session>'
        for number in numbers
    )


@pytest.mark.parametrize(
    ('content', 'customers'),
    [
        (f'<r><customer name="Harbor">{xml_sessions(1, 2)}</customer>'
         f'<customer name="Mill">{xml_sessions(3)}</customer></r>', ['Harbor', 'Harbor', 'Mill']),
        (f'<r><customer><name>Harbor</name>{xml_sessions(1, 2)}</customer><customer>'
         '<name>Nobody</name></customer><customer><name>None</name></customer>'
         f'<customer><name>Mill</name>{xml_sessions(3)}</customer></r>',
         ['Harbor', 'Harbor', 'Mill']),
        (f'<r total="3"><page>{xml_sessions(1)}</page><page>{xml_sessions(2, 3)}</page></r>',
         ['', '', '']),
        (f'<r>{xml_sessions(1, 2, 3)}</r>', ['', '', '']),
    ],
)  # fmt: skip
def test_sessions_in_several_elements_are_all_read(content, customers):
    results = sessions(content, name='x.xml')
    assert [result.external_id for result in results] == ['1', '2', '3']
    assert [result.customer_name for result in results] == customers
    assert {result.duration_seconds for result in results} == {1800}


def test_a_cell_of_a_web_page_that_stands_for_several_rows():
    reading = read_file(
        b'<table><tr><th>ID</th><th>Customer</th><th>Start</th><th>End</th><th>Technician</th></tr>'
        b'<tr><td>1</td><td rowspan="2">Harbor</td><td>2026-10-05 10:00</td>'
        b'<td>2026-10-05 10:30</td><td rowspan=2>Ava</td></tr>'
        b'<tr><td>2</td><td>2026-10-05 11:00</td><td>2026-10-05 11:30</td></tr>'
        b'<tr><td>3</td><td>Mill</td><td>2026-10-05 12:00</td><td>2026-10-05 12:30</td>'
        b'<td>Jo</td></tr></table>',
        'x.xls',
    )
    rows = [list(record.values()) for record in reading.records]
    assert [(row[0], row[1], row[2][-5:], row[4]) for row in rows] == [
        ('1', 'Harbor', '10:00', 'Ava'), ('2', 'Harbor', '11:00', 'Ava'),
        ('3', 'Mill', '12:00', 'Jo'),
    ]  # fmt: skip


def test_tables_and_sheets_that_are_left_out_are_said():
    table = (
        '<table><tr><th>ID<th>Start<th>End</tr>'
        '<tr><td>{}<td>2026-10-05 10:00<td>2026-10-05 10:30</tr></table>'
    )
    reading = read_file((table.format(1) + table.format(2)).encode(), 'x.xls')
    assert [(note.code, note.params) for note in reading.notes] == [
        ('other_tables', {'count': '2'})
    ]
    cells = '<Cell><Data>{}</Data></Cell>' * 3
    rows = f'<Row>{cells}</Row>'.format('ID', 'Start', 'End')
    rows += f'<Row>{cells}</Row>'.format('1', '2026-10-05 10:00', '2026-10-05 10:30')
    hidden = '<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions>'
    sheets = ''.join(
        f'<Worksheet Name="{name}"><Table>{content}</Table>{more}</Worksheet>'
        for name, content, more in (
            ('Old', rows, hidden), ('Cover', '<Row><Cell><Data>x</Data></Cell></Row>', ''),
            ('October', rows, ''), ('November', rows, ''),
        )
    )  # fmt: skip
    reading = read_file(f'<Workbook>{sheets}</Workbook>'.encode(), 'x.xls')
    assert [record['ID'] for record in reading.records] == ['1']
    assert [(note.code, note.params['sheet']) for note in reading.notes] == [
        ('other_sheets', 'October')
    ]
    assert reading.notes[0].params['others'] == 'Cover, November, Old'


SESSION = {'id': 1, 'start': '2026-10-05T08:12:30Z', 'end': '2026-10-05T08:42:30Z'}
PART = {'start': '2026-10-05T08:12:30Z', 'end': '2026-10-05T08:20:30Z'}


@pytest.mark.parametrize('key', ['connections', 'events', 'history', 'items', 'data'])
@pytest.mark.parametrize('parts', [[PART, PART], [{'time': 1, 'text': 'chat'}], []])
def test_a_list_within_a_session_is_not_taken_for_the_sessions(key, parts):
    inner = [{**SESSION, key: parts}, {**SESSION, 'id': 2, key: [PART]}]
    lines = '\n'.join(json.dumps(one) for one in inner)
    for content in (json.dumps(inner), json.dumps({'sessions': inner}), lines):
        results = sessions(content, name='x.json')
        assert [(one.external_id, one.started_at, one.ended_at) for one in results] == [
            ('1', *T1), ('2', *T1),
        ]  # fmt: skip


@pytest.mark.parametrize('key', ['sessions', 'records'])
def test_what_holds_for_a_whole_list_is_no_session(key):
    group = {'id': 7, 'from': '2026-10-01T00:00:00Z', 'to': '2026-11-01T00:00:00Z', key: [SESSION]}
    assert spans(json.dumps([group, group]), name='x.json') == [T1, T1]


@pytest.mark.parametrize('inside', [{'rows': [SESSION]}, {'page': {'rows': [SESSION]}}])
@pytest.mark.parametrize('around', [{'from': '2026-10-01', 'to': '2026-10-31'}, {'start': 0}])
def test_what_an_answer_says_of_its_list_is_no_session(around, inside):
    content = json.dumps({**around, 'duration': 12, 'result': inside})
    assert spans(content, name='x.json') == [T1]


def test_a_single_session_is_one():
    for more in ({}, {'customer': {'name': 'Harbor'}}):
        assert spans(json.dumps({**SESSION, **more}), name='x.json') == [T1]


# === ANSWERS THAT ARE NOT WHOLE === #


@pytest.mark.parametrize(
    ('around', 'said'),
    [
        ({'@odata.nextLink': 'https://rd.example/2'}, '@odata.nextLink: “https://rd.example/2”'),
        ({'links': {'next': {'href': 'https://rd.example/2'}}}, 'next: “https://rd.example/2”'),
        ({'meta': {'pagination': {'current_page': 1, 'total_pages': 3}}}, 'total_pages: 3'),
        ({'page': {'next': '/reports?index=21'}, 'total_count': 1}, 'next: “/reports?index=21”'),
        ({'records_remaining': 1200}, 'records_remaining: 1200'),
        ({'hasMore': True}, 'hasMore: true'),
        ({'total': 340, 'page': 1, 'pageSize': 1}, 'total: 340'),
        ({'success': False, 'error': 'limit reached'}, 'error: “limit reached”'),
        ({'errors': [{'message': 'too many'}]}, 'errors: “too many”'),
        ({'error': {'code': 429, 'message': 'slow'}}, 'error: 429 “slow”'),
        ({'next': None, 'has_more': False, 'total': 1, 'pages': 1, 'errors': []}, None),
        ({'page': 3, 'total_pages': 3, 'next_cursor': ''}, None),
        ({'records_remaining': 0, 'error': None}, None),
    ],
)
def test_pages_that_are_missing_are_said(around, said):
    reading = read_file(json.dumps({**around, 'sessions': [SESSION]}).encode(), 'x.json')
    assert [note.code for note in reading.notes] == (['incomplete'] if said else [])
    if said:
        assert reading.notes[0].params == {'said': said}


@pytest.mark.parametrize('said', ['total="340"', 'next="/2"', 'total="3"'])
def test_pages_of_xml_that_are_missing_are_said(said):
    reading = read_file(f'<r {said}>{xml_sessions(1, 2, 3)}</r>'.encode(), 'x.xml')
    is_whole = said == 'total="3"'
    assert [note.code for note in reading.notes] == ([] if is_whole else ['incomplete'])


def test_what_a_group_says_belongs_to_the_sessions_in_it():
    groups = [
        {
            'company': "Harbor",
            'account': "Ours",
            'records': [SESSION, {**SESSION, 'client': "Pier"}],
        },
        {'company': {'name': "Lotus"}, 'account': "Ours", 'records': [SESSION]},
        {'company': None, 'account': "Ours", 'records': [SESSION]},
    ]
    found = [one.customer_name for one in sessions(json.dumps(groups), 'x.json')]
    assert found == ["Harbor", "Pier", "Lotus", ""]


def test_the_zone_that_groups_name_holds_for_their_sessions():
    for zones in (('America/New_York', 'Asia/Tokyo'), ('America/New_York',) * 2):
        groups = [
            {'customer': name, 'timezone': zone, 'sessions': [
                {'id': name, 'start': '2026-10-05 10:12', 'end': '2026-10-05 10:42'}]}
            for name, zone in zip('ab', zones, strict=True)
        ]  # fmt: skip
        began = [start.hour for start, _end in spans(json.dumps(groups), name='x.json')]
        assert began == [14, {'Asia/Tokyo': 1}.get(zones[1], 14)]


def test_what_all_groups_say_is_of_none():
    pages = [{'user': "admin", 'page': page, 'records': [SESSION]} for page in (1, 2)]
    assert read_file(json.dumps(pages).encode(), 'x.json').records == [SESSION, SESSION]


def test_of_several_pages_the_last_may_be_missing():
    first = {'data': [SESSION], 'total': 2, 'next': 'x'}
    last = {'data': [{**SESSION, 'id': 2}], 'total': 2, 'next': None}
    for pages, codes in (
        ([first, last], []), ([last, first], []), ([first, first], ['incomplete']),
        ([first, {**last, 'total': 3}], ['incomplete']), ([first, last, {'data': None}], []),
    ):  # fmt: skip
        for content in (json.dumps(pages), '\n'.join(map(json.dumps, pages))):
            reading = read_file(content.encode(), 'x.json')
            assert len(reading.records) == 2
            assert [note.code for note in reading.notes] == codes


def test_a_page_that_is_an_error_is_no_page():
    for problem in ({'message': 'Too many requests'}, {'error': {'message': 'Too many requests'}}):
        with pytest.raises(ReadError) as caught:
            read_file(json.dumps([{'data': [SESSION]}, problem]).encode(), 'x.json')
        assert 'Too many requests' in caught.value.reason


# === BREAKS === #


@pytest.mark.parametrize('heading', ['Break', 'Pause', 'Pausen (min)', 'Descanso', 'break_time'])
def test_a_break_is_not_billed(heading):
    content = (
        f'Start,End,{heading},Duration\n2026-10-05 08:00,2026-10-05 12:00,0:30,3:30:00\n'
        '2026-10-05 13:00,2026-10-05 14:00,0:00,1:00:00\n'
        '2026-10-05 15:00,2026-10-05 16:00,,1:00:00\n'
    )
    assert rejected(content) == ['pause', None, None]
    assert f'{heading} is “0:30”' in sessions(content)[0].reason
    lengths = [one.duration_seconds for one in sessions(content, ended_at=None)]
    assert lengths == [12_600, 3_600, 3_600]


# === MARKS OF THOUSANDS === #


@pytest.mark.parametrize('unit', ['s', 'min', 'ms'])
@pytest.mark.parametrize('text', ['1.800', '1,800', '12.600', '1.800 s'])
def test_a_mark_in_a_duration_that_can_be_of_thousands_is_asked(unit, text):
    content = f'Start;Duration ({unit})\n2026-10-05 08:00;{text}\n'
    assert rejected(content) == ['ambiguous_duration']


@pytest.mark.parametrize(('text', 'seconds'), [('1.250', 4_500), ('1,25', 4_500), ('0,500', 1_800)])
def test_hours_have_no_thousands(text, seconds):
    [session] = sessions(f'Start;Duration (h)\n2026-10-05 08:00;{text}\n')
    assert session.duration_seconds == seconds


# === THE HOUR THAT THE CLOCK SHOWS TWICE === #


@pytest.mark.parametrize(
    ('start', 'end', 'length', 'began', 'seconds'),
    [
        ('02:30', '03:10', '0:40:00', (1, 30), 2_400),
        ('02:30', '03:10', '1:40:00', (0, 30), 6_000),
        ('01:50', '02:10', '1:20:00', (-1, 50), 4_800),
        ('01:50', '02:10', '0:20:00', (-1, 50), 1_200),
        ('02:30', '02:10', '0:40:00', (0, 30), 2_400),
        ('02:30', '03:10', '', (0, 30), 6_000),
        ('02:30', '03:10', '0:25:00', (0, 30), 6_000),
    ],
)
def test_the_duration_tells_which_of_two_hours_it_was(start, end, length, began, seconds):
    hour, minute = began
    [session] = sessions(f'Date;Start;End;Duration\n2026-10-25;{start};{end};{length}\n')
    assert session.started_at == datetime(2026, 10, 25) + timedelta(hours=hour, minutes=minute)
    assert session.duration_seconds == seconds


# === THE HOUR THAT THE CLOCK SKIPS === #


@pytest.mark.parametrize(
    ('start', 'end', 'length', 'began', 'seconds'),
    [
        ('02:30', '03:30', '1:00:00', (0, 30), 3_600),
        ('02:30', '03:30', '0:00:00', (1, 30), 0),
        ('02:45', '03:10', '0:25:00', (0, 45), 1_500),
        ('02:30', '04:00', '0:30', (1, 30), 1_800),
        # A clock that was not put forward: from before that hour, or within it.
        ('01:50', '02:20', '', (0, 50), 1_800),
        ('02:10', '02:40', '', (1, 10), 1_800),
        # Without an end there is nothing to contradict.
        ('02:30', '', '1:00:00', (1, 30), 3_600),
    ],
)
def test_the_duration_tells_what_a_time_that_was_skipped_was(start, end, length, began, seconds):
    hour, minute = began
    [session] = sessions(f'Date;Start;End;Duration\n2026-03-29;{start};{end};{length}\n')
    assert session.started_at == datetime(2026, 3, 29, hour, minute)
    assert session.duration_seconds == seconds


@pytest.mark.parametrize('times', ['02:30;03:30', '02:45;03:10', '02:30;04:00', '02:00;03:00'])
@pytest.mark.parametrize('length', ['', '0:07:00'])
def test_a_start_that_was_skipped_is_asked_where_nothing_tells(times, length):
    content = f'Date;Start;End;Duration\n2026-03-29;{times};{length}\n'
    [rejected] = sessions(content)
    assert rejected.code == 'skipped_time'
    assert rejected.field == 'Start'
    [session] = sessions(content, tz='UTC')
    assert session.duration_seconds > 0


# === WHAT IS NOT TO BE BILLED === #


@pytest.mark.parametrize(
    ('heading', 'value', 'is_billed'),
    [
        ('Non-Billable', 'Yes', False), ('isNonBillable', 'true', False), ('Kulanz', 'x', False),
        ('Nicht abrechenbar', 'Ja', False), ('Invoiced?', 'Yes', False),
        ('Abgerechnet', 'Ja', False), ('Déjà facturé', 'oui', False), ('No Charge', '1', False),
        ('Billing status', 'Billed', False), ('Abrechnung', 'abgerechnet', False),
        ('Billable Option', 'NoCharge', False),
        ('Non-Billable', 'No', True), ('Kulanz', '', True), ('Abgerechnet', 'Nein', True),
        ('Invoiced?', '', True), ('Billing status', 'Bill', True), ('Billable', 'Yes', True),
    ],
)  # fmt: skip
def test_what_is_free_or_billed_elsewhere_is_not_billed(heading, value, is_billed):
    [session] = sessions(f'{HEAD.strip()},{heading}\n{ROW},{value}\n')
    assert session.billable is (None if is_billed else False)
    assert session.billable_note == ('' if is_billed else f'{heading}: {value}')


@pytest.mark.parametrize(
    ('heading', 'value', 'is_billed'),
    [
        # Nobody was helped.
        ('Status', 'Missed', False), ('Status', 'No Answer', False), ('State', 'failed', False),
        ('Status', 'Fehlgeschlagen', False), ('Session Status', 'Cancelled', False),
        ('Sitzungsstatus', 'Abgelehnt', False), ('Call Result', 'No answer', False),
        ('Result', 'Missed', False), ('Type', 'Missed', False), ('Call Type', 'Missed', False),
        ('Statut', 'Sans réponse', False), ('Ticket,Status', '7,Missed', False),
        # Why it is free stands where a yes is expected; a database's own no; no time to bill.
        ('Non-billable', 'Warranty', False), ('Kulanz', 'Kulanz', False),
        ('No charge', 'Goodwill: printer', False), ('Kulanz', 'nein', True),
        ('Is Billable', 'f', False), ('Is Billable', 't', True), ('Non-billable', 't', False),
        ('Non-billable', 'f', True), ('Deleted', 't', False), ('Deleted', 'f', True),
        ('Billable Time', '0:00', False), ('Billable Time', '0:30', True),
        ('hoursToBill', '0.0', False), ('Abrechenbare Stunden', '0.0', False),
        ('Facturable', 'F', True),
        # Its tool has thrown it away.
        ('Deleted', 'Yes', False), ('Is Deleted', 'true', False), ('Gelöscht', 'Ja', False),
        ('deleted_at', '2026-10-06 10:00:00', False), ('Deleted on', '05.10.2026', False),
        ('server_deleted_at', '2026-10-06T08:42:30+00:00', False), ('Voided', 'x', False),
        ('Deleted At', '1791187950', False), ('Status', 'Deleted', False),
        ('Status', 'Gelöscht', False), ('Status', 'Void', False), ('Billing Status', 'Void', False),
        ('Ticket,Status', '7,Deleted', None),
        ('Deleted', 'No', True), ('deleted_at', '', True), ('Deleted', '0', True),
        ('deleted_at', 'null', True), ('deleted_at', '0000-00-00 00:00:00', True),
        ('Deleted by', 'Bo', True),
        # Somebody may have been.
        ('Cancelled', 'Yes', None), ('Storno', 'Ja', None), ('Cancelled', 'No', True),
        ('Status', 'Cancelled', None), ('Status', 'Abgebrochen', None),
        ('Session Status', 'Aborted', None), ('Ticket,Status', '7,Failed', None),
        ('Result', 'Failed', None),
        # Somebody was.
        ('Status', 'Completed', True), ('Status', 'Closed', True), ('Call Type', 'Outgoing', True),
        ('Ticket Status', 'Cancelled', True), ('Session Status', 'Closed by technician', True),
        # It is on an invoice already.
        ('Invoice', 'INV-2026-12', False), ('Invoice', '2026/44', False),
        ('Invoice #', '12', False),
        ('Invoice Status', 'Invoiced', False), ('Invoice Date', '2026-10-31', False),
        ('Status', 'Invoiced', False), ('Billed', 'yes (INV-12)', False),
        ('Invoiced', '2026-10-31', False), ('Invoiced', 'RE-12', False),
        ('Abgerechnet am', '31.10.2026', False), ('Status', 'Paid', False),
        ('Billing Status', 'Paid', False), ('Statut de facturation', 'Payé', False),
        # What is paid for, and not free, is to be on one.
        ('Charge Type', 'Paid', True), ('Billing Type', 'Bezahlt', True),
        # Or is to be on one, or is in a file like this.
        ('Invoice', 'Yes', None), ('Invoice', '120.00', None), ('Billed', '1.5', None),
        ('Invoiced', '120.00 EUR', None), ('Exported', 'Yes', None), ('Exportiert', 'Ja', None),
        ('Invoice', 'No', True), ('Invoice', '', True), ('Exported', 'No', True),
        ('Invoice Status', 'Not invoiced', True), ('Invoice #', '', True),
    ],
)  # fmt: skip
def test_what_did_not_take_place_or_is_billed_is_not_billed(heading, value, is_billed):
    """None: nobody knows, so that it is billed and said."""
    content = f'ID,Start,End,{heading}\nA,2026-10-05 10:12,2026-10-05 10:42,{value}\n'
    [session] = sessions(content)
    _options, notes = infer(read_file(content.encode(), 'x.csv'), 'csv', tz=BERLIN)
    assert session.billable is (False if is_billed is False else None)
    said = 'open_invoice' if heading == 'Invoice' else 'open_mark'
    assert [note.code for note in notes] == ([said] if is_billed is None else [])
    if is_billed is False:
        assert value.rpartition(',')[2] in session.billable_note


@pytest.mark.parametrize(
    ('told', 'field', 'read'),
    [
        ({'technicians': ["Ava", "Bo"]}, 'technician', "Ava, Bo"),
        ({'technician': [{'name': "Ava", 'email': 'a@x.example'}, {'name': "Bo"}]},
         'technician', "Ava, Bo"),
        ({'agents': [{'email': 'a@x.example'}]}, 'technician', 'a@x.example'),
        ({'technician': ["Ava", "ava", None, "Ava"]}, 'technician', "Ava, ava"),
        ({'technician': []}, 'technician', ''),
        ({'notes': [{'text': "Printer"}, {'text': "and mail"}]}, 'note', "Printer\nand mail"),
        ({'notes': ["Printer", {'body': "mail", 'author': "Ava"}]}, 'note', "Printer\nmail"),
        ({'note': {'text': "Printer", 'author': "Ava"}}, 'note', "Printer"),
        ({'note': [None, '', {'text': ''}, [["deep"]]]}, 'note', ''),
        ({'customer': ["Acme"]}, 'customer_name', "Acme"),
        ({'customer': [{'id': 7, 'name': "Acme"}]}, 'customer_name', "Acme"),
        ({'customer_email': ['A@x.example']}, 'customer_email', 'a@x.example'),
        ({'customer_email': ['a@x.example', 'b@x.example']}, 'customer_email', ''),
        ({'device': ["PC-1", "PC-2"]}, 'device_name', "PC-1, PC-2"),
        ({'device_id': [613, "7"]}, 'device_ref', "613, 7"),
    ],
)  # fmt: skip
def test_lists_of_names_and_notes_are_read(told, field, read):
    record = {'id': 'A', 'start': '2026-10-05T10:12:30Z', 'end': '2026-10-05T10:42:30Z', **told}
    assert getattr(normalise(record, 'csv'), field) == read


def test_what_nobody_knows_of_a_status_can_be_said():
    content = 'ID,Start,End,Status\nA,2026-10-05 10:12,2026-10-05 10:42,'
    for status, billable in (('Cancelled', False), ('Abgebrochen', False), ('Closed', None)):
        assert sessions(content + status, billable=['Status'])[0].billable is billable


@pytest.mark.parametrize(
    ('heading', 'so', 'not_so'),
    [
        ('Exported', 'Yes', 'No'), ('Exportiert', 'Ja', 'Nein'), ('Cancelled', 'x', ''),
        ('Billed', '1.5', '0'), ('Non-billable', 'True', 'False'), ('Deleted', 'yes', 'no'),
        ('Invoice Number', 'RE-12', ''), ('Kulanz', 'ja', 'nein'),
    ],
)  # fmt: skip
def test_a_column_of_what_is_not_to_be_billed_says_so_when_it_is_read_as_billable(
    heading, so, not_so
):
    content = f'ID,Start,End,{heading}\nA,2026-10-05 10:12,2026-10-05 10:42,'
    for value, billable in ((so, False), (not_so, None)):
        [session] = sessions(content + value, billable=[heading])[:1]
        assert session.billable is billable, value


def test_why_a_session_is_not_billed_can_be_read():
    [session] = sessions(json.dumps([{**SESSION, 'billable': False}]), name='x.json')
    assert (session.billable, session.billable_note) == (False, 'billable: False')


# === WORKBOOKS THAT A SPREADSHEET PROGRAM HAS CHANGED === #


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_a_day_in_a_cell_is_no_start_of_a_duration():
    content = workbook(
        ['ID', 'Start', 'Duration'],
        [1, datetime(2026, 10, 5), '0:30:00'],
        [2, datetime(2026, 10, 5, 10, 12, 30), '0:30:00'],
    )
    assert rejected(content, name='x.xlsx') == ['no_time', None]
    content = workbook(
        ['ID', 'Date', 'Start', 'Duration', 'End'],
        [1, datetime(2026, 10, 6), time(0, 0), '0:30:00', None],
        [2, datetime(2026, 10, 6), time(0, 0), None, time(0, 30)],
    )
    start = datetime(2026, 10, 5, 22)
    assert spans(content, name='x.xlsx') == [(start, start + timedelta(minutes=30))] * 2


def test_days_and_months_that_were_exchanged_are_said():
    def codes(*days):
        rows = [[number, day, '0:30:00'] for number, day in enumerate(days, 1)]
        reading = read_file(workbook(['ID', 'Start', 'Duration'], *rows), 'x.xlsx')
        return [note.code for note in infer(reading, 'csv', tz=BERLIN)[1]]

    cell, text = datetime(2026, 10, 5, 10), '13/10/2026 10:00'
    assert codes(cell, text, text) == ['exchanged']
    assert codes(cell, cell) == codes(text, text) == []
    # Whoever wrote these days as dates has not exchanged any.
    assert codes(cell, text, datetime(2026, 10, 13, 10)) == []
    assert 'exchanged' not in codes(cell, text, '05/10/2026 10:00')


# === ZONES OF COLUMNS AND OF ROWS === #


@pytest.mark.parametrize(
    'heading',
    ['start_utc,end_utc,timezone', 'Start (UTC),End (UTC),Time Zone', 'Start GMT,End GMT,tz'],
)
def test_a_column_in_utc_is_so_whatever_zone_the_customer_is_in(heading):
    content = f'ID,{heading}\n1,2026-10-05 08:12:30,2026-10-05 08:42:30,Asia/Tokyo\n'
    assert spans(content) == [T1]
    local = content.replace('_utc', '').replace('UTC', 'local').replace(' GMT', '')
    assert spans(local)[0][0] == T1[0] - timedelta(hours=9)


def test_what_stands_in_brackets_is_not_always_a_zone():
    times = f'{LOCAL[0]};{LOCAL[1]}'
    assert spans(f'ID;Beginn (Datum/Uhrzeit);Ende (Datum/Uhrzeit)\n1;{times}\n') == [T1]
    assert rejected(f'ID;Beginn (Europe/Nowhere);Ende\n1;{times}\n') == ['unknown_zone']


@pytest.mark.parametrize(
    'second',
    [
        'Start,End,Customer,Technician\n2026-10-06 10:12,2026-10-06 10:42,Harbor,Ava\n',
        '\ufeffStart,End,Customer,Technician\n2026-10-06 10:12,2026-10-06 10:42,Harbor,Ava\n',
        'Technician,Start,End,Customer\nAva,2026-10-06 10:12,2026-10-06 10:42,Harbor\n',
        'Begin,Finish,Tech,Client,Notes\n2026-10-06 10:12,2026-10-06 10:42,Ava,Harbor,x\n',
    ],
)
def test_files_behind_each_other_are_read_by_their_own_headings(second):
    """Or customer and technician were exchanged where their columns stand in another order."""
    first = 'Start,End,Customer,Technician\n2026-10-05 10:12,2026-10-05 10:42,Harbor,Ava\n'
    reading = read_file((first + second).encode(), 'x.csv')
    assert [note.code for note in reading.notes] == ['more_headings']
    assert reading.notes[0].params == {'lines': '3'}
    read = sessions(first + second)
    assert [(one.customer_name, one.technician) for one in read] == [('Harbor', 'Ava')] * 2
    assert [one.started_at.day for one in read] == [5, 6]
    # What is rejected of it is read again as the same.
    content, _extension = write_rejected(reading, [(0, '', ''), (1, '', '')])
    assert [one.external_id for one in sessions(content)] == [one.external_id for one in read]


def test_words_in_a_row_are_no_headings():
    content = 'Start,End,Customer,Type\n2026-10-05 10:12,2026-10-05 10:42,Client,Support\n'
    rows = content + ',,Client,Support\n'
    assert rejected(rows) == [None, 'no_start']


def test_the_edges_of_graphql_are_its_nodes():
    nodes = [
        {'id': str(day), 'start': f'2026-10-0{day}T10:12:00Z', 'end': f'2026-10-0{day}T10:42:00Z'}
        for day in (5, 6)
    ]
    answer = {'data': {'sessions': {'edges': [{'cursor': 'x', 'node': node} for node in nodes]}}}
    reading = read_file(json.dumps(answer).encode(), 'x.json')
    assert reading.records == nodes
