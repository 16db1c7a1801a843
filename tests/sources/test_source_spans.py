"""Tables that have start and end in one column."""

from datetime import datetime

import pytest

from sources import Normal, infer, normalise, read_file
from sources.spans import split_span

NOW = datetime(2026, 11, 26, 12)
K = (datetime(2026, 10, 5, 8, 12), datetime(2026, 10, 5, 8, 42))
NIGHT = (datetime(2026, 10, 6, 21, 50), datetime(2026, 10, 6, 22, 10))


def read(content):
    reading = read_file(content.encode())
    source = reading.source or 'csv'
    options, _notes = infer(reading, source, tz='Europe/Berlin')
    return reading, [
        normalise(record, source, tz='Europe/Berlin', mapping=options or None, now=NOW)
        for record in reading.records
    ]


@pytest.mark.parametrize(
    'content',
    [
        'Date,Time,Technician\n2026-10-05,10:12 - 10:42,Ava\n2026-10-06,23:50 – 00:10,Ava\n',
        'Technician,Session\nAva,2026-10-05 10:12 – 10:42\n'
        'Ava,2026-10-06 23:50 - 2026-10-07 00:10\n',
        'Datum;Von - Bis;Dauer;Techniker\n05.10.2026;10:12 bis 10:42;0,5 h;Ava\n'
        '06.10.2026;23.50-0.10 Uhr;20 min;Ava\nSumme;;0:50;\n',
        'Date,Start,Technician\n10/05/2026,10:12 AM - 10:42 AM,Ava\n'
        '10/06/2026,11:50 PM to 12:10 AM,Ava\n10/16/2026,,Ava\n',
        'Horaire;Date;Technicien\n10h12 à 10h42;05/10/2026;Ava\n23h50 → 0h10;06/10/2026;Ava\n'
        ';16/10/2026;Ava\n',
    ],
)  # fmt: skip
def test_a_column_of_spans_is_start_and_end(content):
    reading, results = read(content)
    assert [(one.started_at, one.ended_at) for one in results if isinstance(one, Normal)] == [
        K, NIGHT,
    ]  # fmt: skip
    assert 'spans' in [note.code for note in reading.notes]


def test_what_the_heading_says_of_the_zone_holds_for_both():
    _reading, results = read('Datum;Von – Bis (UTC);Techniker\n05.10.2026;08:12 – 08:42;Ava\n')
    assert (results[0].started_at, results[0].ended_at) == K


def test_what_is_no_span_is_said_and_not_guessed():
    reading, results = read(
        'Datum;Zeit;Techniker\n05.10.2026;10:12 – 10:42;Ava\n05.10.2026;ganztags;Ava\n'
        '05.10.2026;10:12 – 10:42;Ava;zu viel\n'
    )
    assert [getattr(one, 'code', None) for one in results] == [None, 'bad_time', 'long_row']
    assert reading.records[2].width == 4


@pytest.mark.parametrize(
    'text',
    ['1:12 - 1:42 PM', '10 - 12', '2026-10-05', '2026-10-05 10:12', '05-10-2026 10:12', '10:12 -',
     'from 10:12 - 10:42 and later', '+49 40-123', None, 5, '-' * 100],
)  # fmt: skip
def test_what_can_be_meant_otherwise_is_no_span(text):
    assert split_span(text) is None


@pytest.mark.parametrize(
    'content',
    [
        # A window that was planned, beside what is read already.
        'Start,Duration (min),Slot,Technician\n2026-10-05 10:12,30,09:00 - 11:00,Ava\n',
        'Date,Duration (min),Slot,Technician\n2026-10-05 10:12,30,09:00 - 11:00,Ava\n',
        'Start,End,Slot,Technician\n2026-10-05 10:12,2026-10-05 10:42,09:00 - 11:00,Ava\n',
    ],
)
def test_what_is_read_without_it_stays_as_it_is(content):
    reading, results = read(content)
    assert 'Slot' in reading.columns
    assert (results[0].started_at, results[0].ended_at) == K


def test_of_two_such_columns_nobody_knows():
    reading, results = read(
        'Date,Planned,Done,Technician\n2026-10-05,09:00 - 11:00,10:12 - 10:42,Ava\n'
    )
    assert reading.columns == ['Date', 'Planned', 'Done', 'Technician']
    assert results[0].code == 'no_time'
