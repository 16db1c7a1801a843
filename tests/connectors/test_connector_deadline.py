"""The deadline of a request holds, wherever the other side takes its time."""

import contextlib
import socket
import threading

import pytest
from vendor_server import API_TOKEN

from connectors import ConnectorError, TeamViewer, base

# So many bytes, one at a time, take ten times as long as the deadline; then no more come.
PACE, TIMES, DEADLINE = 0.02, 250, 0.5


@contextlib.contextmanager
def listening(answer):
    """Serve each connection by `answer(sock, stopped)`; yields the address."""
    stopped = threading.Event()
    listener = socket.create_server(('127.0.0.1', 0))

    def serve():
        while not stopped.is_set():
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=run, args=(sock,), daemon=True).start()

    def run(sock):
        with contextlib.suppress(OSError), sock:
            answer(sock, stopped)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{listener.getsockname()[1]}'
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def dripping(start, byte):
    """Answer `start` at once, then `byte` again and again."""

    def answer(sock, stopped):
        sock.recv(65_536)
        sock.sendall(start)
        for _time in range(TIMES):
            if stopped.wait(PACE):
                return
            sock.sendall(byte)

    return answer


HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
DRIPS = {
    'status line': dripping(b'HTTP/1.1 200 ', b'O'),
    'headers': dripping(HEAD + b'X-Long: ', b'a'),
    'many headers': dripping(HEAD, b'X-A: b\r\n'),
    'interim answers': dripping(b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
    'body': dripping(HEAD + b'Content-Length: 1000000\r\n\r\n', b' '),
    'body without a length': dripping(HEAD + b'\r\n{"records": []}', b' '),
    'chunks': dripping(HEAD + b'Transfer-Encoding: chunked\r\n\r\n', b'1\r\n \r\n'),
    'size of a chunk': dripping(HEAD + b'Transfer-Encoding: chunked\r\n\r\n', b'0'),
    'trailers': dripping(
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n', b'X-A: b\r\n'
    ),
    'body of a redirect': dripping(
        b'HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 1000000\r\n\r\n', b' '
    ),
    'body of a refusal': dripping(
        b'HTTP/1.1 500 Error\r\nContent-Length: 1000000\r\n\r\n', b' '
    ),
}  # fmt: skip


def make(address, **options):
    return TeamViewer({'api_token': API_TOKEN}, base_url=address, **options)


def ask(address, **options):
    client = make(address, **options)
    try:
        with pytest.raises(ConnectorError) as caught:
            client.request('GET', f'{address}/x')
        return caught.value.code
    finally:
        client.close()


@pytest.mark.parametrize('name', DRIPS)
def test_an_answer_that_drips_is_cut_off_at_the_deadline(name):
    with listening(DRIPS[name]) as address:
        # No single wait is long: only the whole is.
        code = ask(address, timeout=10, deadline=DEADLINE)
    # What a redirect or a refusal says is in its status; its body is not waited for.
    assert code in {'redirect', 'server'} if 'of a re' in name else code == 'timeout'


def test_a_tls_handshake_that_drips_is_cut_off_at_the_deadline():
    # The header of a TLS record that says 16,384 bytes are to come.
    handshake = dripping(b'\x16\x03\x03\x40\x00\x02\x00\x3f\xfc', b'\x00')
    with listening(handshake) as address:
        code = ask(address.replace('http:', 'https:'), timeout=10, deadline=DEADLINE)
    assert code == 'timeout'


def test_a_second_request_by_the_same_connection_has_a_deadline_too():
    answer = HEAD + b'Content-Length: 2\r\n\r\n{}'

    def once_then_drip(sock, stopped):
        sock.recv(65_536)
        sock.sendall(answer)
        dripping(HEAD, b'X-A: b\r\n')(sock, stopped)

    with listening(once_then_drip) as address:
        client = make(address, timeout=10, deadline=DEADLINE)
        assert client.request('GET', f'{address}/x') == {}
        with pytest.raises(ConnectorError) as caught:
            client.request('GET', f'{address}/x')
        client.close()
    assert caught.value.code == 'timeout'


def test_a_client_works_again_after_a_deadline():
    def drip_once_then_answer(sock, stopped):
        if served:
            sock.recv(65_536)
            sock.sendall(HEAD + b'Content-Length: 2\r\n\r\n{}')
            return
        served.append(True)
        DRIPS['headers'](sock, stopped)

    served = []
    with listening(drip_once_then_answer) as address:
        client = make(address, timeout=10, deadline=DEADLINE)
        with pytest.raises(ConnectorError):
            client.request('GET', f'{address}/x')
        assert client.request('GET', f'{address}/x') == {}
        client.close()


def test_many_addresses_of_a_host_do_not_add_up(monkeypatch):
    found = socket.getaddrinfo('127.0.0.1', 9, type=socket.SOCK_STREAM)[:1] * 200
    given = []

    def create_connection(address, timeout, *args, **kwargs):
        given.append(timeout)
        raise OSError("nobody there")

    monkeypatch.setattr(socket, 'getaddrinfo', lambda *args, **kwargs: found)
    monkeypatch.setattr('urllib3.util.connection.create_connection', create_connection)
    assert ask('http://127.0.0.1:9', timeout=30, deadline=60) == 'unreachable'
    assert [timeout * len(found) <= 60 for timeout in given] == [True]


def test_a_redirect_is_not_read(monkeypatch):
    # A library that follows redirects reads all that comes with them first, whatever its size.
    monkeypatch.setattr(base, 'MAX_BYTES', 1000)
    sent = []

    def pour(sock, stopped):
        sock.recv(65_536)
        sock.sendall(b'HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 90000000\r\n\r\n')
        while not stopped.is_set():
            sock.sendall(b' ' * 1_000_000)
            sent.append(1)

    with listening(pour) as address:
        code = ask(address, timeout=10, deadline=10)
    assert code == 'redirect'
    assert len(sent) < 40


def test_no_thread_and_no_handle_stays_behind():
    def answer(sock, stopped):
        sock.recv(65_536)
        sock.sendall(HEAD + b'\r\n{}')

    with listening(answer) as address:
        client = TeamViewer({'api_token': API_TOKEN}, base_url=address)
        client.request('GET', f'{address}/x')
        handles = list(client.watch._handles.values())
        client.close()
        assert handles
        assert all(handle.fileno() == -1 for handle in handles)
    assert not client.watch._handles
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


@pytest.mark.parametrize('size', [b'-5', b'zz'])
def test_a_chunk_of_no_length_is_told(size):
    chunks = HEAD + b'Transfer-Encoding: chunked\r\n\r\n' + size + b'\r\n{}\r\n0\r\n\r\n'
    with listening(dripping(chunks, b'')) as address:
        assert ask(address) in {'not_json', 'unreachable'}
