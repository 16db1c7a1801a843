"""A local MeshCentral: its socket `control.ashx`, as its source has it, faults included."""

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from collections import deque
from datetime import datetime, timezone

USER, PASSWORD = '~t:Qd2mV7', 'meshcentral-login-token-5c90'
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
TEN = int(datetime(2026, 1, 15, 10, tzinfo=timezone.utc).timestamp())
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


def write_time(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.207Z')


def events_of(number, begun=TEN, minutes=10, device=1, user='ava', **values):
    """Return the events of a desktop session, oldest first; no minutes: it is still running."""
    common = {
        'etype': 'relay',
        'action': 'relaylog',
        'userid': f'user//{user}',
        'username': user,
        'nodeid': f'node//Device{device}',
        'protocol': 2,
        **values,
    }
    name = f's{number:05d}'
    parties = [name, '192.0.2.19', '192.0.2.250']
    events = [{**common, 'msgid': 15, 'msgArgs': parties, 'time': write_time(begun)}]
    if minutes is not None:
        seconds = int(minutes * 60)
        events.append(
            {
                **common,
                'msgid': 11,
                'msgArgs': [*parties, seconds],
                'time': write_time(begun + seconds),
            }
        )
    return events


class MeshServer:
    """One server; `faults` is a queue of functions that take `(connection, message)`.

    A fault answers instead, to the message whose turn it is (None: the log-in); it returns True if
    the true answer follows.
    """

    def __init__(self, tls=None):
        self.events = []
        self.groups = {'mesh//Acme': "Acme", 'mesh//Globex': "Globex"}
        self.devices = {1: ("FRONT-DESK", 'mesh//Acme'), 2: ("SERVER", 'mesh//Globex')}
        self.account = {'_id': 'user//ava', 'links': {'mesh//Acme': {'rights': 4294967295}}}
        self.close_with = None
        self.overlooks = ()  # options that an older version does not know
        self.chatter = []  # messages that nobody asked for, before each answer
        self.pieces = 1  # frames of which a message is made
        self.faults = deque()
        self.asked = []
        self.logins = []
        self.tls = tls
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self.listener.getsockname()[1]}'
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        while not self.stopped.is_set():
            try:
                sock, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(sock,), daemon=True).start()

    def serve_one(self, sock):
        # One that is cut off, or that does not like our certificate, is no fault of a test's.
        with contextlib.suppress(OSError), contextlib.closing(sock):
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            Connection(self, sock).talk()


class Connection:
    def __init__(self, server, sock):
        self.server, self.sock = server, sock
        self.file = sock.makefile('rb')

    def talk(self):
        headers = self.read_headers()
        if not headers:
            return
        if not self.has_passed_fault(None):
            return
        self.shake_hands(headers)
        names = [base64.b64decode(part).decode() for part in headers['x-meshauth'].split(',')]
        self.server.logins.append(names)
        if self.server.close_with or names != [USER, PASSWORD]:
            self.send({'action': 'close', **(self.server.close_with or {'cause': 'noauth'})})
            self.write_frame(CLOSE, struct.pack('!H', 1000))
            return
        self.send({'action': 'serverinfo', 'serverinfo': {'domain': '', 'name': 'mesh'}})
        self.send({'action': 'userinfo', 'userinfo': self.server.account})
        while (message := self.read_message()) is not None:
            self.server.asked.append(message)
            if self.has_passed_fault(message):
                self.answer(message)

    def has_passed_fault(self, message):
        return not self.server.faults or self.server.faults.popleft()(self, message)

    def answer(self, message):
        for unasked in self.server.chatter:
            self.send(unasked)
        action, tag = message['action'], message.get('tag')
        known = {
            name: value for name, value in message.items() if name not in self.server.overlooks
        }
        if action == 'events' and self.server.account.get('links') is not None:
            found = sorted(self.server.events, key=lambda event: event['time'], reverse=True)
            if 'filter' in known:
                found = [event for event in found if event['action'] == known['filter']]
            found = found[: known.get('limit', len(found))]
            self.send({'action': 'events', 'events': found, 'tag': tag})
        elif action == 'meshes':
            groups = [{'_id': key, 'name': name} for key, name in self.server.groups.items()]
            self.send({'action': 'meshes', 'meshes': groups, 'tag': tag})
        elif action == 'nodes':
            nodes = {}
            for number, (name, group) in self.server.devices.items():
                device = {'_id': f'node//Device{number}', 'name': name, 'meshid': group}
                if known.get('id', device['_id']) == device['_id']:
                    nodes.setdefault(group, []).append(device)
            self.send({'action': 'nodes', 'nodes': nodes, 'tag': tag})

    # === RFC 6455 === #

    def read_headers(self):
        headers, line = {}, self.file.readline()
        self.path = line.split(b' ')[1].decode() if line else ''
        while (line := self.file.readline().strip()) and line:
            name, _colon, value = line.decode().partition(':')
            headers[name.lower()] = value.strip()
        return headers

    def shake_hands(self, headers):
        key = hashlib.sha1(headers['sec-websocket-key'].encode() + GUID, usedforsecurity=False)
        accept = base64.b64encode(key.digest()).decode()
        self.sock.sendall(
            b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            + f'Sec-WebSocket-Accept: {accept}\r\n\r\n'.encode()
        )

    def send(self, message):
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        length = -(-len(data) // self.server.pieces) or 1
        parts = [data[index : index + length] for index in range(0, len(data), length)]
        for index, part in enumerate(parts):
            self.write_frame(TEXT if not index else 0, part, last=index == len(parts) - 1)

    def write_frame(self, opcode, data, last=True, length=None):
        length = len(data) if length is None else length
        head = bytes([opcode | 0x80 * last])
        if length < 126:
            head += bytes([length])
        elif length < 65_536:
            head += b'\x7e' + struct.pack('!H', length)
        else:
            head += b'\x7f' + struct.pack('!Q', length)
        self.sock.sendall(head + data)

    def read_message(self):
        """Return the next message, None where the client is gone."""
        while True:
            head = self.file.read(2)
            if len(head) < 2:
                return None
            length = head[1] & 0x7F
            if length > 125:
                size = 2 if length == 126 else 8
                length = int.from_bytes(self.file.read(size), 'big')
            mask, data = self.file.read(4), self.file.read(length)
            data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
            if head[0] & 0x0F == CLOSE:
                return None
            if head[0] & 0x0F == TEXT:
                return json.loads(data)


# === FAULTS === #


def nothing(_connection, _message):
    return True


def status(code, **headers):
    """Answer the log-in by HTTP alone."""

    def fault(connection, _message):
        lines = [f'HTTP/1.1 {code} x', 'Content-Length: 2']
        lines += [f'{name.replace("_", "-")}: {value}' for name, value in headers.items()]
        connection.sock.sendall('\r\n'.join([*lines, '', 'no']).encode())

    return fault


def raw(data):
    """Answer bytes as they are: no HTTP, or no frames."""
    return lambda connection, _message: connection.sock.sendall(data)


def says(message):
    """Answer a message, whatever was asked for."""
    return lambda connection, _message: connection.send(message)


def answers(**values):
    """Answer what was asked for, with other contents."""

    def fault(connection, message):
        connection.send({'action': message['action'], 'tag': message['tag'], **values})

    return fault


def frame(opcode, data=b'', **options):
    return lambda connection, _message: connection.write_frame(opcode, data, **options)


def cut(connection, _message):
    """Announce more than comes, and hang up."""
    connection.write_frame(TEXT, b'{"action": "events", "eve', length=5_000)
    connection.sock.shutdown(socket.SHUT_RDWR)


def hang_up(connection, _message):
    connection.sock.shutdown(socket.SHUT_RDWR)


def silence(connection, _message):
    connection.server.stopped.wait(5)


def drip(start, byte):
    """Send `start`, then `byte` again and again."""

    def fault(connection, _message):
        connection.sock.sendall(start)
        for _time in range(250):
            connection.sock.sendall(byte)
            time.sleep(0.02)

    return fault


def flood(connection, _message):
    """Send a frame that is larger than any list of sessions."""
    connection.write_frame(TEXT, b'', length=2**40)
    for _piece in range(2_000):
        connection.sock.sendall(b' ' * 65_536)


def change(action):
    """Change the data before the answer, which follows."""

    def fault(connection, _message):
        action(connection.server)
        return True

    return fault


@contextlib.contextmanager
def serving(tls=None):
    server = MeshServer(tls)
    server.thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        # Wakes the thread that waits for the next one.
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        server.thread.join(5)
