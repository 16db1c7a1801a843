"""The clients against a server that answers as documented, and that fails in every way."""

import logging
import time
from datetime import datetime

import pytest
from vendor_server import (
    API_TOKEN,
    ZOHO_SECRETS,
    body,
    change,
    cut_json,
    drip,
    html,
    nothing,
    on_token,
    pause,
    serving,
    silence,
    status,
    teamviewer_record,
    truncated,
    zoho_device,
    zoho_record,
)

from connectors import DATA_CENTRES, ConnectorError, TeamViewer, ZohoAssist, base
from connectors.base import read_retry_after

START, END = datetime(2026, 1, 15), datetime(2026, 1, 16)
SECRETS = [API_TOKEN, ZOHO_SECRETS['client_secret'], ZOHO_SECRETS['refresh_token'], 'access-token']


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def zoho(server):
    def make(**options):
        credentials = {'data_centre': 'com', **ZOHO_SECRETS, **options.pop('credentials', {})}
        return ZohoAssist(credentials, base_url=server.url, **options)

    return make


@pytest.fixture
def teamviewer(server):
    def make(**options):
        credentials = {'api_token': API_TOKEN, **options.pop('credentials', {})}
        return TeamViewer(credentials, base_url=server.url, **options)

    return make


def ids(pages, name='session_id'):
    return [record[name] for page in pages for record in page.records]


def read(client):
    return list(client.pages(START, END))


# === PAGING === #


@pytest.mark.parametrize('paging', ['next', 'record', 'page'])
@pytest.mark.parametrize('amount', [0, 1, 2, 49, 50, 51, 100, 101, 149])
def test_zoho_reads_all_whatever_index_counts(server, zoho, paging, amount):
    server.paging = paging
    server.zoho = [zoho_record(number) for number in range(amount)]
    assert set(ids(read(zoho()))) == set(range(amount))


@pytest.mark.parametrize('paging', ['next', 'record', 'page'])
def test_zoho_reads_all_when_it_gives_fewer_than_asked_for(server, zoho, paging):
    server.paging, server.page_size = paging, 7
    server.zoho = [zoho_record(number) for number in range(40)]
    assert set(ids(read(zoho()))) == set(range(40))


@pytest.mark.parametrize('paging', ['next', 'record', 'page'])
def test_zoho_goes_on_from_every_position(server, zoho, paging):
    server.paging, server.page_size = paging, 7
    server.zoho = [zoho_record(number) for number in range(40)]
    pages = read(zoho())
    for stop, page in enumerate(pages):
        if page.position:
            before = set(ids(pages[: stop + 1]))
            after = set(ids(zoho().pages(START, END, page.position)))
            assert before | after == set(range(40))


@pytest.mark.parametrize('paging', ['next', 'record', 'page'])
def test_zoho_loses_nothing_when_sessions_appear_or_vanish_while_it_reads(server, zoho, paging):
    server.paging, server.page_size = paging, 10
    server.zoho = [zoho_record(number) for number in range(40)]
    client = zoho()
    client.check(END)
    server.faults += [nothing, nothing, change(lambda s: s.zoho.__delitem__(slice(0, 3)))]
    assert set(ids(read(client))) >= set(range(3, 40))
    server.faults += [nothing, nothing, change(lambda s: s.zoho.insert(0, zoho_record(99)))]
    assert set(ids(read(client))) >= set(range(3, 40))


def test_zoho_begins_anew_when_sessions_vanished_while_it_was_interrupted(server, zoho):
    server.page_size = 10
    server.zoho = [zoho_record(number) for number in range(40)]
    position = read(zoho())[0].position
    del server.zoho[:5]
    assert set(ids(zoho().pages(START, END, position))) == set(range(5, 40))


def test_zoho_gives_up_on_a_list_that_never_comes_to_rest(server, zoho):
    server.page_size = 10
    server.zoho = [zoho_record(number) for number in range(200)]
    server.faults += [change(lambda s: s.zoho.__delitem__(slice(0, 3))) for _request in range(200)]
    with pytest.raises(ConnectorError) as caught:
        read(zoho())
    assert caught.value.code == 'changing'


def test_zoho_what_ends_before_it_is_as_long_as_told_is_read_and_known_as_short(server, zoho):
    records = [zoho_record(number) for number in range(20)]
    client = zoho()
    client.check(END)
    server.faults += [
        body({'representation': page, 'total_count': 30, 'page': {'next': following}})
        for page, following in [(records, 'x?index=21'), ([], None)] * 2
    ]
    assert set(ids(read(client))) == set(range(20))
    assert client.missing > 0
    server.faults.clear()
    client = zoho()
    client.check(END)
    server.zoho = records
    assert set(ids(read(client))) == set(range(20))
    assert client.missing == 0


@pytest.mark.parametrize('following', [None, '?index=51'])
@pytest.mark.parametrize('amount', [30, 50])
def test_zoho_that_gives_the_same_page_for_ever_is_not_believed(server, zoho, amount, following):
    page = {'representation': [zoho_record(number) for number in range(1, amount + 1)]}
    first = {**page, 'page': {'next': following}} if following else page
    server.faults += [on_token(nothing)] + [body(first), *[body(page)] * 3] * 3
    client = zoho()
    assert len(set(ids(client.pages(START, END)))) == amount
    # Less than was asked for is all that there is.
    assert (client.missing > 0) is (amount == 50)


def test_zoho_devices_of_which_the_same_page_comes_for_ever_are_not_all(server, zoho):
    server.faults += [on_token(nothing)]
    server.faults += [body({'representation': [zoho_device(n) for n in range(1, 51)]})] * 9
    with pytest.raises(ConnectorError) as caught:
        list(zoho().device_pages('101'))
    assert caught.value.code == 'short'


def test_zoho_asks_for_all_types_in_milliseconds(server, zoho):
    read(zoho())
    query = server.requests[-1][2]
    assert query['type'] == 'all'
    assert (int(query['fromdate']), int(query['todate'])) == (1768435200000, 1768521600000)


def test_teamviewer_reads_all_pages_and_the_last_day_whole(server, teamviewer):
    server.page_size = 10
    late = teamviewer_record(99, start='2026-01-16T23:59:00Z')
    server.teamviewer = [*(teamviewer_record(number) for number in range(25)), late]
    pages = list(teamviewer().pages(START, datetime(2026, 1, 16, 9)))
    assert len(ids(pages, 'id')) == 26
    assert [query['to_date'] for *_rest, query in server.requests] == ['2026-01-17T00:00:00Z'] * 3
    rest = teamviewer().pages(START, datetime(2026, 1, 16, 9), pages[0].position)
    assert len(ids(rest, 'id')) == 16


@pytest.mark.parametrize('offsets', ['77', '787'])
def test_teamviewer_does_not_go_round_in_circles(server, teamviewer, offsets):
    server.faults += [body({'records': [], 'next_offset': offset}) for offset in offsets]
    with pytest.raises(ConnectorError) as caught:
        read(teamviewer())
    assert caught.value.code == 'unexpected'


@pytest.mark.parametrize('following', [True, {'a': 1}, [['7']], '\0', '\ud800', 1e400])
def test_teamviewer_goes_on_at_a_place_only(server, teamviewer, following):
    server.faults.append(body({'records': [], 'next_offset': following}))
    with pytest.raises(ConnectorError) as caught:
        read(teamviewer())
    assert caught.value.code == 'unexpected'
    assert len(server.requests) == 1


@pytest.mark.parametrize('index', ['²', '9' * 5_000, '-1', 'x'])
def test_zoho_goes_on_at_a_number_only(server, zoho, index):
    page = {'representation': [zoho_record(1)], 'page': {'next': f'?index={index}'}}
    server.faults += [on_token(nothing), body(page)]
    with pytest.raises(ConnectorError) as caught:
        read(zoho())
    assert caught.value.code == 'unexpected'


def test_what_all_requests_may_take_together_is_kept(server, teamviewer):
    client = teamviewer()
    client.allow(3)
    server.faults += [pause(1.6), silence(6)]
    client.check(START)
    assert client.has_time
    for _request in range(2):
        with pytest.raises(ConnectorError) as caught:
            client.check(START)
        assert caught.value.code == 'too_long'
    # It is this answer that takes long.
    client.allow(1)
    server.faults.append(silence(3))
    with pytest.raises(ConnectorError) as caught:
        client.check(START)
    assert caught.value.code == 'timeout'
    client.allow(5)
    client.check(START)


# === LOGGING IN === #


def test_zoho_uses_a_token_until_it_expires(server, zoho):
    kept = []
    client = zoho(keep_token=lambda *token: kept.append(token))
    read(client)
    read(client)
    assert server.tokens == 1
    [(token, expires)] = kept
    assert expires > time.time() + 3000
    again = zoho(credentials={'access_token': token, 'access_token_expires': expires})
    read(again)
    assert server.tokens == 1
    read(zoho(credentials={'access_token': token, 'access_token_expires': time.time() + 60}))
    assert server.tokens == 2


def test_zoho_renews_a_withdrawn_token_once(server, zoho):
    server.zoho = [zoho_record(1)]
    old = {'access_token': 'withdrawn', 'access_token_expires': time.time() + 3000}
    assert ids(read(zoho(credentials=old))) == [1]
    assert server.tokens == 1
    server.faults += [status(401), status(401)]
    with pytest.raises(ConnectorError) as caught:
        read(zoho(credentials=old))
    assert caught.value.code == 'unauthorized'
    assert server.tokens == 2


@pytest.mark.parametrize(
    'credentials, code',
    [
        ({'client_secret': 'wrong'}, 'bad_client'),
        ({'refresh_token': 'wrong'}, 'bad_refresh_token'),
        ({'refresh_token': ''}, 'missing'),
    ],
)
def test_zoho_tells_what_is_wrong_with_the_credentials(zoho, credentials, code):
    with pytest.raises(ConnectorError) as caught:
        read(zoho(credentials=credentials))
    assert caught.value.code == code


def test_zoho_tells_a_pause_from_a_wrong_token(server, zoho):
    denied = {'error_description': 'too many requests continuously', 'error': 'Access Denied'}
    for fault in (body(denied), status(400, denied)):
        server.faults.append(on_token(fault))
        with pytest.raises(ConnectorError) as caught:
            read(zoho())
        assert caught.value.code == 'rate_limited'


@pytest.mark.parametrize('token', ['wrong', 'curly “quotes”', 'two\nlines'])
def test_teamviewer_with_a_wrong_token(teamviewer, token):
    with pytest.raises(ConnectorError) as caught:
        read(teamviewer(credentials={'api_token': token}))
    assert caught.value.code in {'unauthorized', 'unreachable'}
    assert token not in str(caught.value)


def test_all_documented_data_centres_are_there():
    roots = [root for root, _accounts in DATA_CENTRES.values()]
    assert len(set(roots)) == 9
    assert all(root.startswith('https://assist.zoho') for root in roots)
    assert DATA_CENTRES['ca'] == ('https://assist.zohocloud.ca', 'https://accounts.zohocloud.ca')


# === FAULTS === #

FAULTS = [
    (status(401), 'unauthorized'),
    (status(403), 'forbidden'),
    (status(404), 'refused'),
    (status(429, Retry_After='7'), 'rate_limited'),
    (status(500), 'server'),
    (status(503, Retry_After='7'), 'server'),
    (status(302, Location='https://example.com/'), 'redirect'),
    (html, 'not_json'),
    (cut_json, 'not_json'),
    (body(b'\xff\xfe\x00'), 'not_json'),
    (body(b'[' * 100_000), 'not_json'),
    (body([]), 'unexpected'),
    (body({}), 'unexpected'),
    (body({'records': {}}), 'unexpected'),
    (silence(0.6), 'timeout'),
    (drip, 'timeout'),
]


@pytest.mark.parametrize('fault, code', FAULTS)
def test_each_fault_has_a_name_and_carries_no_secret(server, teamviewer, caplog, fault, code):
    caplog.set_level(logging.DEBUG)
    server.faults.append(fault)
    with pytest.raises(ConnectorError) as caught:
        read(teamviewer(timeout=0.3, deadline=0.6))
    assert caught.value.code == code
    assert caught.value.retry_after == (7 if caught.value.status in {429, 503} else 0)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    shown = f'{caught.value!r} {vars(caught.value)} {caplog.text}'
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_truncated_answer_is_an_error(server, teamviewer):
    server.faults.append(truncated)
    with pytest.raises(ConnectorError) as caught:
        read(teamviewer())
    assert caught.value.code in {'not_json', 'unreachable'}


def test_an_answer_without_end_is_not_read(server, teamviewer, monkeypatch):
    monkeypatch.setattr(base, 'MAX_BYTES', 1000)
    server.faults.append(body(b' ' * 200_000))
    with pytest.raises(ConnectorError) as caught:
        read(teamviewer())
    assert caught.value.code == 'too_large'


def test_credentials_do_not_follow_a_redirect(server, teamviewer):
    with serving() as other:
        server.faults.append(status(307, Location=f'{other.url}/api/v1/reports/connections'))
        with pytest.raises(ConnectorError):
            read(teamviewer())
        assert not other.requests


def test_nobody_listens(teamviewer):
    client = teamviewer()
    client.base_url = 'http://127.0.0.1:9'
    with pytest.raises(ConnectorError) as caught:
        read(client)
    assert caught.value.code == 'unreachable'


def test_the_certificate_is_verified(server, teamviewer):
    client = teamviewer()
    assert client.session.verify is True
    client.base_url = server.url.replace('http:', 'https:')
    with pytest.raises(ConnectorError) as caught:
        read(client)
    assert caught.value.code in {'tls', 'unreachable'}


def test_a_netrc_does_not_take_the_place_of_the_token(server, teamviewer, tmp_path, monkeypatch):
    netrc = tmp_path / 'netrc'
    netrc.write_text('machine 127.0.0.1 login someone password else\n')
    monkeypatch.setenv('NETRC', str(netrc))
    server.teamviewer = [teamviewer_record(1)]
    assert len(ids(read(teamviewer()), 'id')) == 1


@pytest.mark.parametrize(
    'header, seconds',
    [
        (None, 0),
        ('', 0),
        ('120', 120),
        ('1.5', 2),
        ('-5', 0),
        ('nan', 0),
        ('inf', 0),
        ('1e300', 86400),
        ('soon', 0),
        ('Thu, 01 Jan 1970 00:01:40 GMT', 100),
        ('Thu, 01 Jan 1970 00:00:00 GMT', 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header, seconds):
    assert read_retry_after(header, now=0) == seconds


# === MARKING === #


def test_teamviewer_marks_as_billed(server, teamviewer):
    teamviewer().mark_billed('a b/c')
    assert server.requests[-1][:2] == ('PUT', '/api/v1/reports/connections/a%20b%2Fc')
    assert server.marked == ['a%20b%2Fc']


def test_both_can_be_checked(server, zoho, teamviewer):
    zoho().check(END)
    teamviewer().check(END)
    assert server.paths()[-1] == '/api/v1/reports/connections'
