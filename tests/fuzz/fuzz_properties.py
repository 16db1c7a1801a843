"""What holds for every answer, whatever came in."""

import json
import re

UNFIT = re.compile('[\x00-\x1f\x7f-\x9f\ufffe\uffff]')
STATUSES = ('created', 'updated', 'duplicate', 'rejected')


def check_answers(answers, count):
    """Assert that each of `count` records was answered once, in its order, in words."""
    assert [answer['index'] for answer in answers] == list(range(count))
    for answer in answers:
        assert set(answer) == {'index', 'status', 'id', 'field', 'reason'}
        if answer['status'] == 'rejected':
            assert answer['id'] is False
            assert isinstance(answer['field'], str)
            assert len(answer['field']) <= 255
            assert 10 < len(answer['reason']) < 2_000
            for text in (answer['field'], answer['reason']):
                # It is stored, and shown in pages: neither NUL nor half characters.
                text.encode()
                assert not UNFIT.search(text), text
        else:
            assert answer['status'] in STATUSES
            assert type(answer['id']) is int
            assert answer['field'] is answer['reason'] is False
    json.dumps(answers)


def count_statuses(answers):
    return [sum(answer['status'] == status for answer in answers) for status in STATUSES]


def check_sent_again(first, second):
    """Assert that nothing is new the second time; what was rejected is, in the same words."""
    for before, after in zip(first, second, strict=True):
        if before['status'] == 'rejected':
            assert after == before
        else:
            assert after == {**before, 'status': 'duplicate'}


def expected_count(records):
    """Return how many answers there are to anything that may be sent as records."""
    return len(records) if isinstance(records, list | tuple | set | frozenset) else 1


def rows(env, table):
    """Return all rows of a table as they are stored."""
    env.flush_all()
    env.cr.execute(f'SELECT * FROM {table} ORDER BY id')  # noqa: S608 - a name from the tests
    return env.cr.fetchall()


def check_inert_cells(table):
    """Assert that no cell of a table is taken for a formula by a spreadsheet program."""
    for row in table:
        for cell in row:
            start = cell.lstrip(' \u00a0\u3000\ufeff\u200b')[:1]
            assert start not in tuple('=+-@\t\r\n\uff1d\uff0b\uff0d\uff20') or is_number(cell), cell


def is_number(cell):
    """Tell whether a text is a plain number, which may begin with a sign."""
    return bool(re.fullmatch(r'-?\d+(\.\d+)?', cell))
