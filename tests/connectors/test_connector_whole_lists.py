"""RustDesk, AnyDesk and NinjaOne against a server that answers as documented, and that fails."""

import logging
from datetime import datetime, timedelta

import pytest
from vendor_server import (
    ANYDESK_SECRETS,
    NINJA_SECRETS,
    RUSTDESK_TOKEN,
    TEN,
    anydesk_record,
    body,
    change,
    cut_json,
    drip,
    html,
    ninja_activities,
    nothing,
    on_token,
    rustdesk_record,
    serving,
    silence,
    status,
    truncated,
)

from connectors import AnyDesk, ConnectorError, NinjaOne, RustDesk

START, END = datetime(2026, 1, 15), datetime(2026, 1, 16)
SECRETS = [
    RUSTDESK_TOKEN,
    ANYDESK_SECRETS['api_token'],
    NINJA_SECRETS['client_secret'],
    'ninja-acc',
]
DAY = 86_400


@pytest.fixture
def server():
    with serving() as server:
        yield server


class Tool:
    """One of the tools as these tests see it."""

    def __init__(self, client, credentials, records, id_name):
        self.client, self.credentials, self.id_name = client, credentials, id_name
        self.records = records  # of a connection: number, begun=, minutes=

    def put(self, server, connections):
        setattr(server, self.client.source, [row for rows in connections for row in rows])

    def make(self, server, **options):
        credentials = {'server_url': server.url, **self.credentials, **options.pop('wrong', {})}
        return self.client(credentials, base_url=server.url, **options)


def one(make):
    return lambda *args, **values: [make(*args, **values)]


TOOLS = {
    'rustdesk': Tool(RustDesk, {'api_token': RUSTDESK_TOKEN}, one(rustdesk_record), 'guid'),
    'anydesk': Tool(AnyDesk, ANYDESK_SECRETS, one(anydesk_record), 'sid'),
    'ninjaone': Tool(NinjaOne, NINJA_SECRETS, ninja_activities, 'id'),
}


@pytest.fixture(params=TOOLS)
def tool(request):
    return TOOLS[request.param]


def read(client, start=START, end=END):
    return [record for page in client.pages(start, end) for record in page.records]


def ids(tool, records):
    return sorted(str(record[tool.id_name]) for record in records)


@pytest.mark.parametrize('page_size', [None, 1, 7, 100])
@pytest.mark.parametrize('amount', [0, 1, 2, 40])
def test_all_are_read_however_long_a_page_is(server, tool, amount, page_size):
    tool.put(server, [tool.records(number) for number in range(1, amount + 1)])
    server.page_size = page_size
    records = read(tool.make(server))
    assert len(set(ids(tool, records))) == len(records) == amount


def test_a_stretch_of_time_has_what_began_in_it_and_all_stretches_have_all(server, tool):
    begun = [TEN - 11 * 3600, TEN - 10 * 3600, TEN, TEN + 14 * 3600 - 1, TEN + 14 * 3600]
    tool.put(server, [tool.records(number, begun=at) for number, at in enumerate(begun, 1)])
    client = tool.make(server)
    days = [START - timedelta(days=1), START, END, END + timedelta(days=1)]
    found = [len(read(client, day, day + timedelta(days=1))) for day in days]
    assert found == [1, 3, 1, 0]


@pytest.mark.parametrize('begun', [0, -5, TEN * 1000, 10**400, 1e308, float('nan'), '2026', True])
def test_what_begins_at_no_time_goes_along_to_be_rejected(server, tool, begun):
    kinds = {'rustdesk': 'created_at', 'anydesk': 'start-time', 'ninjaone': 'activityTime'}
    odd = tool.records(1)
    for record in odd:
        record[kinds[tool.client.source]] = begun
    tool.put(server, [odd, tool.records(2)])
    if tool.client is RustDesk:
        # Whatever it makes of the time that is asked for.
        server.faults.append(body({'data': server.rustdesk, 'total': 2}))
    assert len(read(tool.make(server))) == 2


def test_the_list_is_read_once_for_all_stretches_of_a_run(server, tool):
    tool.put(server, [tool.records(number) for number in range(1, 30)])
    client = tool.make(server)
    read(client)
    asked = len(server.requests)
    read(client, END, END + timedelta(days=7))
    assert len(server.requests) == asked
    read(client, START - timedelta(days=7), START)
    assert len(server.requests) > asked


def test_a_running_session_has_no_end(server, tool):
    tool.put(server, [tool.records(1, minutes=None)])
    [record] = read(tool.make(server))
    assert record.get('end_time', record.get('end-time')) is None


@pytest.mark.parametrize('name', ['rustdesk', 'anydesk'])
@pytest.mark.parametrize('at_front', [True, False])
def test_a_list_that_changes_while_it_is_read_loses_nothing(server, name, at_front):
    tool = TOOLS[name]
    tool.put(server, [tool.records(number) for number in range(1, 41)])
    server.page_size = 10
    rows = getattr(server, name)

    def vanish(_server):
        del rows[:3]

    def both(_server):
        del rows[:3]
        rows[0 if at_front else len(rows) : 0 if at_front else len(rows)] = [
            tool.records(number)[0] for number in (97, 98, 99)
        ]

    for action in (vanish, both):
        server.faults += [nothing, nothing, change(action)]
        found = set(ids(tool, read(tool.make(server))))
        assert found >= set(ids(tool, rows))
        assert not server.faults


@pytest.mark.parametrize('name', ['rustdesk', 'anydesk'])
def test_a_list_that_never_comes_to_rest_is_given_up(server, name):
    tool = TOOLS[name]
    tool.put(server, [tool.records(number) for number in range(1, 400)])
    server.page_size = 10
    rows = getattr(server, name)
    server.faults += [change(lambda _server: rows.pop())] * 300
    with pytest.raises(ConnectorError) as caught:
        read(tool.make(server))
    assert caught.value.code == 'changing'


@pytest.mark.parametrize('name', ['rustdesk', 'anydesk'])
def test_a_list_that_ends_before_it_is_as_long_as_told_is_read_and_known_as_short(server, name):
    tool = TOOLS[name]
    records = [record for number in range(1, 21) for record in tool.records(number)]
    for pieces, is_short in (([records, []], True), ([[]], True), ([records], False)):
        told = 30 if is_short else len(records)
        server.faults += [
            body({'data': piece, 'list': piece, 'total': told, 'count': told})
            for piece in pieces * 2
        ]
        client = tool.make(server)
        assert ids(tool, read(client)) == ids(tool, pieces[0])
        assert (client.missing > 0) is is_short
        server.faults.clear()


FAULTS = [
    (status(401), 'unauthorized'),
    (status(403), 'forbidden'),
    (status(404), 'refused'),
    (status(429, Retry_After='7'), 'rate_limited'),
    (status(500), 'server'),
    (status(302, Location='https://example.com/'), 'redirect'),
    (html, 'not_json'),
    (cut_json, 'not_json'),
    (body([]), 'unexpected'),
    (body({}), 'unexpected'),
    (body({'data': {}, 'list': 7, 'activities': 'x'}), 'unexpected'),
    (body({'data': [], 'list': [], 'activities': [7], 'total': '9', 'count': -1}), 'unexpected'),
    (silence(0.6), 'timeout'),
    (drip, 'timeout'),
]


@pytest.mark.parametrize('fault, code', FAULTS)
@pytest.mark.parametrize('at', [0, 1])
def test_each_fault_has_a_name_and_carries_no_secret(server, tool, caplog, fault, code, at):
    caplog.set_level(logging.DEBUG)
    tool.put(server, [tool.records(number) for number in range(1, 41)])
    server.page_size = 10
    if tool is TOOLS['ninjaone']:
        server.faults.append(on_token(nothing))
    server.faults += [nothing] * at + [fault] * (2 if code == 'unauthorized' else 1)
    with pytest.raises(ConnectorError) as caught:
        read(tool.make(server, timeout=0.3, deadline=0.5))
    assert caught.value.code == code
    assert caught.value.retry_after == (7 if code == 'rate_limited' else 0)
    shown = f'{caught.value!r} {vars(caught.value)} {caplog.text}'
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_truncated_answer_is_an_error(server, tool):
    server.faults += [on_token(nothing)] * (tool is TOOLS['ninjaone']) + [truncated]
    with pytest.raises(ConnectorError) as caught:
        read(tool.make(server))
    assert caught.value.code in {'not_json', 'unreachable'}


def test_wrong_credentials_are_told(server, tool):
    name = 'client_secret' if tool is TOOLS['ninjaone'] else 'api_token'
    with pytest.raises(ConnectorError) as caught:
        read(tool.make(server, wrong={name: 'wrong'}))
    assert caught.value.code == ('bad_client' if name == 'client_secret' else 'unauthorized')


def test_what_is_missing_is_told(server, tool):
    for name in tool.client.required:
        with pytest.raises(ConnectorError) as caught:
            tool.make(server, wrong={name: ''})
        assert caught.value.code == 'missing'


def test_it_can_be_checked(server, tool):
    tool.make(server).check(END)
    server.faults += [on_token(nothing)] * (tool is TOOLS['ninjaone']) + [body({})]
    with pytest.raises(ConnectorError):
        tool.make(server).check(END)


# === NINJAONE: TWO MAKE ONE === #


@pytest.fixture
def pairs(server):
    def get(*connections):
        server.ninjaone = [activity for rows in connections for activity in rows]
        records = read(TOOLS['ninjaone'].make(server), START - timedelta(days=9), END)
        return [
            (record['deviceId'], record['start_time'], record['end_time']) for record in records
        ]

    return get


def test_ninjaone_a_beginning_and_its_end_make_one_session(pairs):
    assert pairs(ninja_activities(1), ninja_activities(2, begun=TEN + 60, minutes=5)) == [
        (1, TEN + 0.25, TEN + 600.25),
        (2, TEN + 60.25, TEN + 360.25),
    ]


def test_ninjaone_other_activities_are_no_sessions(pairs):
    assert pairs(ninja_activities(1)[:1]) == []
    assert pairs(ninja_activities(1)[2:]) == [], "it began before what is read"
    assert pairs([ninja_activities(1)[1] | {'statusCode': 'COMPLETED'}]) == []
    assert pairs([ninja_activities(1)[1] | {'statusCode': None}]) == []


def test_ninjaone_an_end_that_was_never_told_lengthens_no_other_session(pairs):
    first = [activity | {'deviceId': 1} for activity in ninja_activities(1, minutes=None)]
    second = [activity | {'deviceId': 1} for activity in ninja_activities(2, begun=TEN + DAY // 4)]
    assert pairs(first, second) == [
        (1, TEN + 0.25, None),
        (1, TEN + DAY // 4 + 0.25, TEN + DAY // 4 + 600.25),
    ]


def test_ninjaone_sessions_of_one_device_at_a_time_are_told_apart(pairs):
    def by(number, **values):
        return [
            activity | {'deviceId': 1, **values}
            for activity in ninja_activities(number, begun=TEN + number, minutes=number)
        ]

    for first, second in (
        (by(9, userId=1), by(5, userId=2)),
        (by(9, seriesUid='a'), by(5, seriesUid='b')),
        (by(9, activityType='RDP'), by(5)),
    ):
        assert sorted(pairs(first, second)) == [
            (1, TEN + 5.25, TEN + 305.25),
            (1, TEN + 9.25, TEN + 549.25),
        ]


def test_ninjaone_reading_ends_where_it_is_old_enough(server):
    server.page_size = 10
    server.ninjaone = [
        activity
        for number in range(1, 200)
        for activity in ninja_activities(number, begun=TEN - (200 - number) * 3600)
    ]
    read(TOOLS['ninjaone'].make(server))
    assert 3 <= len(server.requests) < 10


def test_ninjaone_a_token_that_was_withdrawn_is_renewed_once(server):
    kept = []
    server.ninjaone = ninja_activities(1)
    client = TOOLS['ninjaone'].make(server, keep_token=lambda *token: kept.append(token))
    assert len(read(client)) == 1
    server.faults.append(status(401))
    assert len(read(client, START - timedelta(days=1), END)) == 1
    assert len(kept) == server.tokens == 2


@pytest.mark.parametrize('name', ['rustdesk', 'anydesk'])
def test_a_server_that_gives_the_same_piece_again_is_not_believed(server, name):
    """Whatever it makes of the number of the page: what it says there is did not come."""
    tool = TOOLS[name]
    tool.put(server, [tool.records(number) for number in range(1, 31)])
    server.page_size = 10
    client = tool.make(server)
    request = client.request

    def ask(method, url, **options):
        if name == 'rustdesk':
            options['params'] = {**options['params'], 'current': 1}
        else:
            url = url.partition('&offset=')[0] + '&offset=0'
            options['authorization'] = client._sign('GET', url.partition(':8081')[2])
        return request(method, url, **options)

    client.request = ask
    with pytest.raises(ConnectorError) as caught:
        read(client)
    assert caught.value.code == 'changing'


@pytest.mark.parametrize('amount', [499, 500, 501, 1000, 1234])
@pytest.mark.parametrize('page_size', [None, 100])
def test_anydesk_all_are_read_whichever_length_is_that_of_the_list(server, amount, page_size):
    tool = TOOLS['anydesk']
    tool.put(server, [tool.records(number) for number in range(1, amount + 1)])
    server.page_size = page_size
    server.lengths_exchanged = True
    assert len(read(tool.make(server))) == amount
    # And where neither tells the length of the whole.
    client = tool.make(server)
    request = client.request

    def ask(*args, **options):
        answer = request(*args, **options)
        return {**answer, 'count': len(answer['list']), 'selected': len(answer['list'])}

    if page_size is None:
        client.request = ask
        assert len(read(client)) == amount
