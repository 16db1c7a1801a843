"""Whatever is chosen as a file is a reading or an error in words, in bounded time and memory."""

import tracemalloc

import pytest
from hypothesis import given, settings
from thorough import few, shortened

from environment.effort import bounded
from fuzz_files import files
from fuzz_results import NOW, check
from sources import (
    Normal,
    ReadError,
    Reading,
    Rejection,
    infer,
    names,
    normalise,
    read_device,
    read_file,
    recognise_devices,
    suggest_mapping,
)


@shortened
@settings(max_examples=few(250, 25), deadline=None)
@given(files)
def test_any_file_is_a_reading_or_an_error_in_words(case):
    content, source, filename = case
    try:
        reading = read_file(content, filename)
    except ReadError as error:
        assert len(error.reason) < 1_500
        assert '%(' not in error.reason
        return
    assert isinstance(reading, Reading)
    assert len(reading.lines) in {0, len(reading.records)}
    assert reading.source in {None, *names()}
    source = reading.source or (source if source in names() else 'csv')
    mapping, notes = infer(reading, source, None, tz='Europe/Paris')
    assert all('%(' not in note.template % note.params for note in notes)
    assert isinstance(suggest_mapping(list(reading.names), source), dict)
    assert recognise_devices(reading.names) in {None, *names()}
    for record in reading.records[:20]:
        result = normalise(record, source, tz='Europe/Paris', mapping=mapping or None, now=NOW)
        assert isinstance(result, Normal | Rejection)
        check(result)
        assert read_device(record, source, 'Europe/Paris', NOW)


def peak_of(data, name='x'):
    """Return the error code of a file (None when it is read), and the bytes of memory it took."""
    tracemalloc.start()
    try:
        with bounded(30):
            read_file(data, name)
        code = None
    except ReadError as error:
        code = error.code
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return code, peak


@pytest.mark.parametrize(
    ('data', 'codes'),
    [
        # Entities that would become gigabytes, and files from outside.
        (b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
         b'<!ENTITY c "&b;&b;&b;&b;">]><l><s a="1" b="2">&c;</s></l>', {'xml_doctype'}),
        (b'<!DOCTYPE l [<!ENTITY j SYSTEM "file:///etc/passwd">]><l><s a="1" b="2">&j;</s></l>',
         {'xml_doctype'}),
        (b'<?xml version="1.0"?><!DOCTYPE l SYSTEM "http://127.0.0.1/x.dtd"><l/>', {'xml_doctype'}),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE l [<!ENTITY a "x">]><l>&a;</l>'
         .encode('utf-16'), {'xml_doctype', 'xml_syntax'}),
        # Too many, too deep, too long.
        pytest.param(b'<l>' + b'<s a="1"/>' * 1_100_000 + b'</l>', {'too_many_values'},
                     marks=pytest.mark.thorough),
        (b'<l>' * 200_000, {'xml_nested'}),
        (b'<l ' + b' '.join(b'a%d="1"' % n for n in range(300_000)) + b'/>',
         {'too_many_columns', 'xml_no_records', None}),
        pytest.param(b'<table>' + b'<tr><td>1<td>2' * 200_000,
                     {'no_header', 'too_many_rows', None}, marks=pytest.mark.thorough),
        pytest.param(b'<table>' + b'<tr><td colspan=999>x' * 30_000,
                     {'too_many_cells', 'too_many_columns', None}, marks=pytest.mark.thorough),
        pytest.param(b'<table>' * 300_000, {'web_page', 'web_page_broken'},
                     marks=pytest.mark.thorough),
        (b'<html>' + b'x' * 5_000_000, {'web_page'}),
        (b'Start,End\n' + b'x' * 5_000_000, {'csv_syntax', None}),
        (b'"' + b'x' * 5_000_000, {'csv_syntax', None}),
        (b'\n' * 3_000_000, {'empty', 'too_many_rows'}),
        (','.join(f'c{n}' for n in range(10_000)).encode() + b'\n1,2\n', {'too_many_columns'}),
        pytest.param(b'{}' * 400_000, {'too_many_records', 'too_many_values'},
                     marks=pytest.mark.thorough),
        (b'{"a": [' + b'{"b": 1},' * 100 + b'{}], "c": [' + b'{"d": 1},' * 100 + b'{}]}',
         {'json_many_lists'}),
    ],
)  # fmt: skip
def test_bombs_of_every_kind_are_refused_before_they_go_off(data, codes):
    code, peak = peak_of(data)
    assert code in codes
    # A tree of the most that is read, or a text and some copies; never what it would unpack to.
    assert peak < 700_000_000


def test_long_texts_take_no_longer_than_they_are_long():
    for text in (
        'a' * 200, '1 ' * 100, '1:' * 100, 'mon ' * 60, '5 okt ' * 30, '(' * 200, '-' * 200,
        '2026-10-05 ' * 20, '05.10.2026, ' * 20, ' ' * 200 + 'x', '10:' * 60, '1h' * 100,
        'PT' + '1H' * 99,
    ):  # fmt: skip
        with bounded(3):
            for _time in range(50):
                normalise({'ID': '1', 'Start': text, 'Duration': text}, 'csv', tz='UTC')
