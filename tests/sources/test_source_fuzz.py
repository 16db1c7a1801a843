"""No input raises, hangs, or comes out as something the database or a page cannot take."""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import few, shortened, thorough

from fuzz_inputs import anything, mappings, nearly_sound, records, texts, zones
from fuzz_results import NOW, check
from sources import (
    Normal,
    ReadError,
    inert_cell,
    names,
    normalise,
    normaliser,
    plain_cell,
    read_csv,
    read_file,
    read_json,
    read_xlsx,
    recognise,
    suggest_mapping,
)


@shortened
@settings(max_examples=few(300, 30), deadline=None)
@given(records, st.sampled_from(names()), zones, mappings)
def test_any_record_is_a_session_or_a_rejection(record, source, tz, mapping):
    check(normalise(record, source, tz=tz, mapping=mapping, now=NOW))


@shortened
@settings(max_examples=few(1500, 150), deadline=None)
@given(nearly_sound())
def test_any_values_among_sound_ones(case):
    source, record = case
    result = normalise(record, source, tz='Europe/Paris', now=NOW)
    check(result)


@thorough
def test_the_strategy_reaches_sessions_and_many_rejections():
    """What stops at the first check proves nothing of the others."""
    reached = Counter()

    @settings(max_examples=800, deadline=None, derandomize=True)
    @given(nearly_sound())
    def count(case):
        source, record = case
        result = normalise(record, source, tz='Europe/Paris', now=NOW)
        reached['session' if isinstance(result, Normal) else result.code] += 1

    count()
    assert reached['session'] > 100
    assert len(reached) > 8, reached


@shortened
@settings(max_examples=few(300, 30), deadline=None)
@given(anything, anything, anything, anything)
def test_any_arguments_at_all(record, source, tz, mapping):
    check(normalise(record, source, tz=tz, mapping=mapping, now=NOW))
    assert recognise(record) is None or recognise(record) in names()
    assert isinstance(suggest_mapping(record, source), dict)


@shortened
@settings(max_examples=few(100, 10), deadline=None)
@given(st.lists(nearly_sound(), max_size=5), st.sampled_from(names()))
def test_many_at_once_are_read_as_one_by_one(cases, source):
    batch = [record for _source, record in cases]
    take = normaliser(source, tz='Europe/Paris')
    assert [take(record, NOW) for record in batch] == [
        normalise(record, source, tz='Europe/Paris', now=NOW) for record in batch
    ]


def test_two_thousand_names_and_large_values_take_bounded_work():
    record = {f'name {number}': 'x' * 5_000 for number in range(2_000)}
    record |= {'session_id': 'y' * 10_000_000, 'notes': ['z' * 10_000_000]}
    check(normalise(record, 'zoho_assist', now=NOW))
    nested = []
    for _depth in range(100_000):
        nested = [nested]
    values = dict.fromkeys(('session_id', 'start_time', 'agent_email', 'notes'), nested)
    check(normalise(values, 'zoho_assist', now=NOW))
    # Taking apart what is nested so deeply would overflow the stack.
    while nested:
        nested = nested.pop()


@shortened
@settings(max_examples=few(500, 50), deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_reading_or_an_error_in_words(data):
    for read in (read_json, read_csv, read_xlsx, read_file):
        try:
            reading = read(data)
        except ReadError as error:
            assert error.reason
        else:
            assert isinstance(reading.records, list)
            for record in reading.records[:5]:
                check(normalise(record, 'csv', tz='UTC', now=NOW))


@shortened
@settings(max_examples=few(300, 30), deadline=None)
@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
))  # fmt: skip
def test_any_json_is_a_reading_or_an_error_in_words(content):
    data = json.dumps(content).encode()
    try:
        reading = read_json(data)
    except ReadError as error:
        assert error.reason
    else:
        assert isinstance(reading.records, list)


@shortened
@settings(max_examples=few(300, 30), deadline=None)
@given(
    st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=6), max_size=6),
    st.sampled_from([',', ';', '\t', '|']),
    st.sampled_from(['utf-8', 'utf-16', 'cp1252', 'latin-1', 'shift_jis']),
)
def test_any_table_is_a_reading_or_an_error_in_words(rows, delimiter, encoding):
    data = '\n'.join(delimiter.join(row) for row in rows).encode(encoding, 'replace')
    try:
        reading = read_csv(data)
    except ReadError as error:
        assert error.reason
    else:
        assert len(reading.records) == len(reading.lines)
        assert len(set(reading.columns)) == len(reading.columns)


@given(st.text(st.sampled_from("=+-@\t\r\n '\u200b\ufeffa1\uff1d"), max_size=8))
def test_no_text_is_left_active_and_each_comes_back(text):
    inert = inert_cell(text)
    assert inert.lstrip(" \u00a0\u3000\ufeff\u200b")[:1] not in tuple(
        '=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'
    )
    assert plain_cell(inert) == text
