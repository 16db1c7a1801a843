"""MeshCentral: events of its remote sessions, over a WebSocket. Tactical RMM has one, too.

Known from its source (Ylianst/MeshCentral: webserver.js, meshuser.js, db.js, meshctrl.js), of
version 1.1.55: the socket is at `control.ashx`; the header `x-meshauth` has the base64 of the
user's name and that of the password, with a comma between; a login token is such a pair, and asks
for no second factor. The server then says `serverinfo` and `userinfo`, or `close` with a `cause`.
It is asked by messages in JSON with an `action`; the answer has the same `action` and `tag`.
Between them come others that nobody asked for.

`events` gives the newest first, at most `limit` of them; of one action alone with `filter`, which
older servers overlook. There is no asking by time: so more and more are asked for, until they
reach back far enough. Each answer is whole, so nothing moves between pages. An account that was
never given a device group gets no answer at all. The server forgets events after some weeks
(`dbExpire`).

An end names the seconds that the session lasted and says all that its beginning said. So a session
that has ended is read from its end alone, whether its beginning was read as well or not, and is
the same each time. What an account sees: a site administrator everything; others the ends of
sessions with the devices of their groups, and the beginnings of their own.

Events name devices by number alone. Names and groups are asked for device by device (`nodes` with
`id`), as the list of all has the whole of each; a device that is gone has none.
"""

import base64
import contextlib
import json
import socket
from datetime import datetime, timezone
from http import HTTPStatus
from http.cookies import CookieError

from urllib3.exceptions import HTTPError
from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketConnectionClosedException,
    WebSocketException,
    WebSocketTimeoutException,
)

from odoo.tools import LazyTranslate

from odoo.addons.assist_billing.connectors import ConnectorError, register
from odoo.addons.assist_billing.connectors.base import MAX_BYTES, PIECE, WholeListClient, to_seconds
from odoo.addons.assist_billing.sources import meshcentral

_lt = LazyTranslate(__name__)

# Events asked for at first, and how many times more the next time.
COUNT = 1_000
GROWTH = 4
# Messages that nobody asked for, before the answer comes.
MOST_OTHERS = 10_000
# What the connection suffers, rather than what was said over it.
LOST = (OSError, HTTPError, WebSocketConnectionClosedException, WebSocketTimeoutException)
# What a refusal to log in means, by its cause.
CAUSES = {'noauth': 'unauthorized', 'notools': 'forbidden', 'emailvalidation': 'forbidden'}


@register
class MeshCentral(WholeListClient):
    source = 'meshcentral'
    required = ('server_url', 'client_id', 'api_token')
    id_name = 'Session ID'
    # There is no env where a class is made.
    guide = _lt(  # pylint: disable=prefer-env-translation
        "The address of your MeshCentral. Client ID and API token: the user name and the password "
        "of a login token (My Account, Manage login tokens), or of an account. The account needs "
        "rights to the device groups whose sessions are billed; a site administrator with a "
        "device group sees all sessions. With Tactical RMM, use the address of its MeshCentral."
    )

    def check(self, now):
        with self._talking() as talk:
            talk.ask('events', 'events', filter='relaylog', limit=1)

    def _read_since(self, start):
        first = to_seconds(start)
        with self._talking() as talk:
            rows = [
                row
                for row in self._pair(self._get_events(talk, first))
                if (begun := self._get_start(row)) is None or begun >= first
            ]
            self._name_devices(talk, rows)
        return rows

    def _get_events(self, talk, start):
        """Return all events since a moment, and some before it."""
        limit = COUNT
        while True:
            events = talk.ask('events', 'events', filter='relaylog', limit=limit)
            oldest = read_time(events[-1]) if events else None
            if len(events) < limit or (oldest is not None and oldest < start):
                return events
            limit *= GROWTH

    def _pair(self, events):
        """Return a record for each session: its end, or its beginning where it still runs.

        What is no session, others' actions and comings and goings, is left out. What is not known
        goes along as it came, to be rejected where people see it.
        """
        rows, unknown, self._begun = {}, [], {}
        for event in events:
            if not isinstance(event, dict):
                raise ConnectorError('unexpected')
            if event.get('action', 'relaylog') != 'relaylog' or is_shared(event):
                continue
            row = meshcentral.read_event(event)
            if not isinstance(row, dict):
                unknown.append(event)
                continue
            key = row['Session ID']
            if 'Time' not in row:
                self._begun[key] = read_time(event)
                rows.setdefault(key, row)
            else:
                rows[key] = row
        return [*rows.values(), *unknown]

    def _get_start(self, record):
        """Return when a session was first heard of: where not of its beginning, then of its end.

        Else one that lasted longer than the connector looks back would never be fetched by an
        account that sees its end alone.
        """
        begun = self._begun.get(record.get('Session ID'))
        if begun is not None:
            return begun
        ended = read_time(record, 'Time')
        return read_time(record) if ended is None else ended

    def _name_devices(self, talk, rows):
        """Give records the names of their devices and of the groups these are in."""
        numbers = {row.get('nodeid') for row in rows if isinstance(row.get('nodeid'), str)}
        if not numbers:
            return
        groups = {
            group.get('_id'): group.get('name')
            for group in talk.ask('meshes', 'meshes')
            if isinstance(group, dict)
        }
        devices = {}
        for number in sorted(numbers):
            if number not in devices:
                devices |= self._get_devices(talk, number)
        for row in rows:
            device = devices.get(row.get('nodeid'))
            if device:
                row['Device'] = device.get('name')
                row['Device Group'] = groups.get(device.get('meshid'))

    def _get_devices(self, talk, number):
        """Return devices by number, this one among them if it is there."""
        found = {}
        for devices in talk.ask('nodes', 'nodes', kind=dict, id=number).values():
            for device in devices if isinstance(devices, list) else ():
                if isinstance(device, dict):
                    found[device.get('_id')] = device
        return found

    # === WEBSOCKET === #

    @contextlib.contextmanager
    def _talking(self):
        """Log in; yields the `Talk` that one can ask."""
        talk = Talk(self)
        try:
            talk.log_in()
            yield talk
        finally:
            talk.close()

    @contextlib.contextmanager
    def over_socket(self):
        """Do something over the socket, within the deadline; give each error its code."""
        with self.in_time():
            try:
                yield
            except WebSocketBadStatusException as error:
                if not self.watch.has_passed:
                    headers = {name.title(): text for name, text in error.resp_headers.items()}
                    self._check_status(error.status_code, headers)
                raise ConnectorError('timeout' if self.watch.has_passed else 'unexpected') from None
            except LOST as error:
                raise ConnectorError(self._get_code(error)) from None
            except (WebSocketException, ValueError, IndexError, CookieError):
                # No frames; or headers that are none, at which the library stumbles.
                raise ConnectorError('unexpected') from None
            if self.watch.has_passed:
                raise ConnectorError('timeout')


class BoundedSocket:
    """A socket that gives so many bytes and no more; everything else is the socket's own."""

    def __init__(self, sock):
        self._sock = sock
        self.left = MAX_BYTES

    def recv(self, size):
        piece = self._sock.recv(min(size, PIECE))
        self.left -= len(piece)
        if self.left < 0:
            raise ConnectorError('too_large')
        return piece

    def __getattr__(self, name):
        return getattr(self._sock, name)


class Talk:
    """A connection to a server: log in, then ask."""

    def __init__(self, client):
        self.client = client
        self._websocket = WebSocket()
        self._connection = self._sock = None
        self._asked = 0

    def log_in(self):
        """Connect and log in.

        :raise ConnectorError: it does not work, or the account can see no sessions
        """
        address = self.client.base_url or self.client.server_url
        names = (self.client.credentials['client_id'], self.client.credentials['api_token'])
        encoded = ','.join(base64.b64encode(name.encode()).decode() for name in names)
        with self.client.over_socket():
            self._connection = self.client.open_connection(address)
            self._sock = BoundedSocket(self._connection.sock)
            try:
                self._websocket.connect(
                    f'ws{address.removeprefix("http")}/control.ashx',
                    socket=self._sock,
                    timeout=self._connection.timeout,
                    header=[f'x-meshauth: {encoded}'],
                    suppress_origin=True,
                    redirect_limit=0,
                )
            finally:
                # Some versions of the library take a redirect for a connection.
                answer = self._websocket.handshake_response
                if answer and answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
                    self.client._check_status(answer.status, {})
        account = self._wait(lambda message: message.get('action') == 'userinfo').get('userinfo')
        if not isinstance(account, dict):
            raise ConnectorError('unexpected')
        if account.get('links') is None:
            # It was never given a device group, and would wait for an answer in vain.
            raise ConnectorError('forbidden')

    def ask(self, action, name, *, kind=list, **options):
        """Ask for something; return what its answer has under `name`, which is a `kind`."""
        self._asked += 1
        tag = f'{action} {self._asked}'
        with self.client.over_socket():
            self._sock.left = MAX_BYTES
            self._websocket.send(
                json.dumps({'action': action, 'tag': tag, 'responseid': tag, **options})
            )
        answer = self._wait(
            lambda message: message.get('action') == action and message.get('tag') == tag
        )
        if not isinstance(answer.get(name), kind):
            raise ConnectorError('unexpected')
        return answer[name]

    def _wait(self, is_it):
        """Return the first message that `is_it`; what nobody asked for is passed over."""
        with self.client.over_socket():
            for _message in range(MOST_OTHERS):
                opcode, data = self._websocket.recv_data()
                if opcode == ABNF.OPCODE_CLOSE:
                    raise ConnectorError('unreachable')
                message = self.client._parse(data)
                if message.get('action') == 'close':
                    raise ConnectorError(CAUSES.get(str(message.get('cause')), 'refused'))
                if is_it(message):
                    return message
        raise ConnectorError('unexpected')

    def close(self):
        if self._connection:
            # Shut, not only closed: the deadline keeps a handle of it.
            with contextlib.suppress(OSError, AttributeError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            self._connection.close()


def is_shared(event):
    """Tell whether an event is of what several look at, and of nobody's session."""
    return type(event.get('msgid')) is int and event['msgid'] in meshcentral.SHARED


def read_time(event, name='time'):
    """Return the seconds since 1970 of a time as MeshCentral writes it, or None."""
    text = event.get(name) if isinstance(event, dict) else None
    try:
        moment = datetime.fromisoformat(text.replace('Z', '+00:00'))
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
