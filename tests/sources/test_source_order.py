"""What a record comes to does not depend on what was read before it."""

from datetime import datetime
from unittest.mock import patch

import pytest

from sources import Normal, device_reader, devices, names, normaliser

NOW = datetime(2026, 11, 26, 12)
TIMES = {'id': '1', 'start': '2026-01-02T10:00:00Z', 'end': '2026-01-02T11:00:00Z'}
WHO = ('technician', 'customer', 'device')
VALUES = (None, 'Ann', {}, {'name': None}, {'id': '7'}, {'id': '7', 'name': 'Bo'}, {'name': 'Cy'})
RECORDS = [{**TIMES, **dict.fromkeys(WHO, value)} for value in VALUES]


def session_reader(source):
    # With a mapping nobody else's reader is used.
    read = normaliser(source, tz='UTC', mapping={})
    return lambda record: read(record, NOW)


def a_device_reader(source):
    read = device_reader(source, 'UTC')
    return lambda record: read(record, NOW)


@pytest.mark.parametrize('make', (session_reader, a_device_reader))
@pytest.mark.parametrize('source', names())
def test_each_record_is_read_as_if_it_were_the_first(make, source):
    alone = [make(source)(record) for record in RECORDS]
    for first in RECORDS:
        read = make(source)
        read(first)
        assert [read(record) for record in RECORDS] == alone


def test_who_helped_is_known_though_the_first_record_does_not_say():
    read = session_reader('csv')
    agents = (None, {'id': 4}, {'id': 4, 'name': 'Ann'}, 'Bo', None)
    results = [read({**TIMES, 'agent': agent}) for agent in agents]
    assert all(isinstance(result, Normal) for result in results)
    assert [result.technician for result in results] == ['', '', 'Ann', 'Bo', '']


def test_names_are_looked_for_once_for_all_devices_alike():
    looked = []
    columns = devices._columns
    with patch.object(devices, '_columns', lambda *args: looked.append(args) or columns(*args)):
        read = device_reader('csv', 'UTC')
        found = [read({'id': str(number), 'name': 'PC'}, NOW) for number in range(1_000)]
    assert [device.external_id for device in found[:2]] == ['0', '1']
    assert len(looked) == 1
