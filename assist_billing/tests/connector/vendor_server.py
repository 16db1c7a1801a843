# ruff: noqa: S105, S324 - these secrets open nothing
"""A local server that answers as the tools document it, faults included."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import deque
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ZOHO_SECRETS = {
    'client_id': '1000.CLIENT',
    'client_secret': 'zoho-client-secret-5e11',
    'refresh_token': '1000.zoho-refresh-token-7a2f',
}
API_TOKEN = '12345-teamviewer-token-9c4b'
ACCESS_TOKEN = '1000.zoho-access-token-{number}-d3e8'


NINJA_SECRETS = {'client_id': 'ninja-client', 'client_secret': 'ninja-client-secret-41aa'}
ANYDESK_SECRETS = {'client_id': '1438129266231705', 'api_token': 'anydesk-api-password-88c1'}
RUSTDESK_TOKEN = 'rustdesk-api-token-77d0'
TEN = int(datetime(2026, 1, 15, 10, tzinfo=timezone.utc).timestamp())


def rustdesk_record(number, begun=TEN, minutes=10, **values):
    return {
        'guid': f'2f1c7b0e-5d1a-4d53-9f0e-{number:012d}',
        'remote': '483920174',
        'local': '100200300',
        'conn_type': 0,
        'created_at': begun,
        'end_time': begun + minutes * 60 if minutes is not None else None,
        'local_user': 'ava',
        'note': '',
        **values,
    }


def anydesk_record(number, begun=TEN, minutes=10, **values):
    return {
        'sid': 900_000_000 + number,
        'from': {'cid': 100000001, 'alias': 'support@ad'},
        'to': {'cid': 362798056, 'alias': 'office-pc@ad'},
        'active': minutes is None,
        'start-time': begun,
        'end-time': begun + minutes * 60 if minutes is not None else None,
        'duration': (minutes or 0) * 60,
        'comment': None,
        **values,
    }


def ninja_activities(number, begun=TEN, minutes=10, kind='SPLASHTOP', **values):
    """Return the activities of a connection, oldest first; no minutes: it is still running."""
    common = {'deviceId': number, 'userId': 5, 'activityType': kind, 'seriesUid': None, **values}
    steps = [('INITIATED', begun - 3), ('ESTABLISHED', begun)]
    if minutes is not None:
        steps.append(('TERMINATED', begun + minutes * 60))
    return [
        {
            **common,
            'id': number * 10 + step,
            'activityTime': moment + 0.25,
            'statusCode': f'{kind}_CONNECTION_{code}',
        }
        for step, (code, moment) in enumerate(steps)
    ]


def zoho_record(number, minute=0, minutes=10):
    begun = int(datetime(2026, 1, 15, 10, tzinfo=timezone.utc).timestamp() * 1000)
    begun += minute * 60_000
    ended = begun + minutes * 60_000 if minutes is not None else 0
    return {
        'viewer_os': 'Mac',
        'viewer_ipaddress': '192.0.2.19',
        'viewer_email': 'olga@example.com',
        'agent_os': 'Windows',
        'agent_ipaddress': '192.0.2.250',
        'agent_email': 'office@acme.example',
        'start_time': begun,
        'end_time': ended,
        'duration': str(max(ended - begun, 0)),
        'display_name': 'Acme office',
        'session_id': number,
        'session_type': 'rs',
        'session_owner_email': 'olga@example.com',
    }


def zoho_device(number, **values):
    return {
        'resource_id': str(2750000000000 + number),
        'display_name': f'PC {number}',
        'group_name': 'Reception',
        'created_time': int(datetime(2026, 1, 2, 10, tzinfo=timezone.utc).timestamp() * 1000),
        'device_info': {'name': f'WORKSTATION-{number}', 'status': 'offline'},
        'platform_details': {'os_name': 'Windows 11 Pro'},
        **values,
    }


def teamviewer_record(number, start='2026-01-15T10:00:00Z', end='2026-01-15T10:10:00Z', **values):
    return {
        'id': f'00000000-0000-4000-8000-{number:012d}',
        'userid': 'u1',
        'username': 'Olga',
        'deviceid': 'd1',
        'devicename': 'RECEPTION',
        'groupid': 'g1',
        'groupname': 'Acme',
        'support_session_type': 1,
        'start_date': start,
        'end_date': end,
        'session_code': '',
        'fee': 0.0,
        'billing_state': 'Bill',
        'currency': 'EUR',
        'notes': '',
        **values,
    }


TOKEN_PATHS = ('/oauth/v2/token', '/ws/oauth/token')


class VendorServer(ThreadingHTTPServer):
    """All tools at one address; `faults` is a queue of functions that answer instead.

    A fault takes the handler and answers itself; it returns True if the true answer follows.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.zoho = []
        self.teamviewer = []
        self.rustdesk = []
        self.anydesk = []
        self.ninjaone = []  # activities
        self.devices = {}  # of Zoho: department -> list
        self.page_size = None  # of TeamViewer, and the most that Zoho gives at a time
        self.paging = 'next'  # Zoho: 'next' (page node), 'record' or 'page' (none)
        self.faults = deque()
        self.requests = []  # (method, path, query)
        self.marked = []
        self.gone = set()
        self.tokens = 0
        self.valid_token = None
        self.url = f'http://127.0.0.1:{self.server_port}'

    def paths(self):
        return [path for _method, path, _query in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        """Say nothing."""

    def do_GET(self):
        self.handle_one(None)

    def do_POST(self):
        self.handle_one(self.read_body())

    def do_PUT(self):
        self.handle_one(self.read_body())

    def read_body(self):
        return self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()

    def handle_one(self, body):
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.requests.append((self.command, parts.path, query))
        is_token = parts.path in TOKEN_PATHS
        if self.server.faults and not (is_token and not wants_token(self.server.faults[0])):
            if not self.server.faults.popleft()(self):
                return
        answers = {
            '/oauth/v2/token': lambda: self.answer_token(body),
            '/ws/oauth/token': lambda: self.answer_ninja_token(body),
            '/api/v2/reports': lambda: self.answer_zoho(query),
            '/api/v2/devices': lambda: self.answer_devices(query),
            '/api/v1/reports/connections': lambda: self.answer_teamviewer(query),
            '/api/audits/conn': lambda: self.answer_rustdesk(query),
            '/sessions': lambda: self.answer_anydesk(query),
            '/v2/activities': lambda: self.answer_ninjaone(query),
        }
        if self.command == 'PUT' and parts.path.startswith('/api/v1/reports/connections/'):
            self.answer_mark(parts.path.rpartition('/')[2], body)
        elif parts.path in answers:
            answers[parts.path]()
        else:
            self.answer({'error': 'not found'}, status=404)

    def answer(self, body, status=200, headers=None, length=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(data) if length is None else length))
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    # === ZOHO ASSIST === #

    def answer_token(self, body):
        given = {name: values[0] for name, values in parse_qs(body).items()}
        if given.get('client_secret') != ZOHO_SECRETS['client_secret']:
            return self.answer({'error': 'invalid_client_secret'})
        if given.get('refresh_token') != ZOHO_SECRETS['refresh_token']:
            return self.answer({'error': 'invalid_code'})
        self.server.tokens += 1
        self.server.valid_token = ACCESS_TOKEN.format(number=self.server.tokens)
        return self.answer(
            {
                'access_token': self.server.valid_token,
                'api_domain': 'https://www.zohoapis.com',
                'token_type': 'Bearer',
                'expires_in': 3600,
            }
        )

    def answer_zoho(self, query):
        if self.headers.get('Authorization') != f'Zoho-oauthtoken {self.server.valid_token}':
            return self.answer({'error': {'code': 1000, 'message': 'Invalid token'}}, status=401)
        since, until = int(query['fromdate']), int(query['todate'])
        rows = [row for row in self.server.zoho if since <= row['start_time'] <= until]
        index = int(query.get('index', 1))
        count = min(int(query.get('count', 20)), self.server.page_size or 100)
        is_record = self.server.paging == 'record'
        first = index - 1 if is_record else (index - 1) * count
        page = rows[first : first + count]
        answer = {'total_count': len(rows), 'resource_type': 'report', 'representation': page}
        if self.server.paging == 'next':
            base = f'{self.server.url}/api/v2/reports?count={count}&index='
            answer['page'] = {'first': f'{base}1', 'last': f'{base}{len(rows) // count + 1}'}
            if first + count < len(rows):
                answer['page']['next'] = f'{base}{index + 1}'
        return self.answer(answer)

    def answer_devices(self, query):
        if self.headers.get('Authorization') != f'Zoho-oauthtoken {self.server.valid_token}':
            return self.answer({'error': {'code': 1000, 'message': 'Invalid token'}}, status=401)
        department = self.headers.get('x-com-zoho-assist-department-id')
        if department not in self.server.devices:
            return self.answer({'error': {'code': 1002, 'message': 'Forbidden'}}, status=403)
        rows = self.server.devices[department]
        first = int(query.get('index', 1)) - 1
        count = min(int(query.get('count', 25)), self.server.page_size or 50)
        page = {'computers': rows[first : first + count]}
        return self.answer(
            {'representation': page, 'resource_type': 'computer', 'total_count': len(rows)}
        )

    # === TEAMVIEWER === #

    def is_authorized(self):
        if self.headers.get('Authorization') == f'Bearer {API_TOKEN}':
            return True
        self.answer({'error': 'token_expired', 'error_code': 1}, status=401)
        return False

    def answer_teamviewer(self, query):
        if not self.is_authorized():
            return None
        rows = [
            row
            for row in self.server.teamviewer
            if query['from_date'] <= row['start_date'] < query['to_date']
        ]
        first = int(query.get('offset_id') or 0)
        count = self.server.page_size or 1000
        answer = {
            'records': rows[first : first + count],
            'records_remaining': max(len(rows) - first - count, 0),
        }
        if first + count < len(rows):
            answer['next_offset'] = str(first + count)
        return self.answer(answer)

    def answer_mark(self, external_id, body):
        if not self.is_authorized():
            return None
        if external_id in self.server.gone:
            return self.answer({'error': 'not_found'}, status=404)
        if json.loads(body) != {'billing_state': 'Billed'}:
            return self.answer({'error': 'invalid_request'}, status=400)
        self.server.marked.append(external_id)
        self.send_response(204)
        self.end_headers()
        return None

    # === RUSTDESK, ANYDESK, NINJAONE === #

    def answer_rustdesk(self, query):
        if self.headers.get('Authorization') != f'Bearer {RUSTDESK_TOKEN}':
            return self.answer({'error': 'Invalid token'}, status=401)
        since = '1970-01-01 00:00:00.000'
        since = datetime.strptime(query.get('created_at', since), '%Y-%m-%d %H:%M:%S.%f')
        since = since.replace(tzinfo=timezone.utc).timestamp()
        rows = [
            row
            for row in self.server.rustdesk
            if not isinstance(row.get('created_at'), int) or row['created_at'] >= since
        ]
        count = min(int(query['pageSize']), self.server.page_size or 100)
        first = (int(query['current']) - 1) * count
        return self.answer({'data': rows[first : first + count], 'total': len(rows)})

    def answer_anydesk(self, query):
        scheme, _space, rest = (self.headers.get('Authorization') or '').partition(' ')
        license_id, timestamp, token = (rest.split(':') + ['', '', ''])[:3]
        empty = base64.b64encode(hashlib.sha1(b'').digest()).decode()
        message = f'GET\n{self.path}\n{timestamp}\n{empty}'.encode()
        key = ANYDESK_SECRETS['api_token'].encode()
        right = base64.b64encode(hmac.new(key, message, hashlib.sha1).digest()).decode()
        if (scheme, license_id, token) != ('AD', ANYDESK_SECRETS['client_id'], right):
            return self.answer({'error': 'auth'}, status=401)
        first = int(query.get('offset', 0))
        count = min(int(query.get('limit', 1000)), self.server.page_size or 1000)
        page = self.server.anydesk[first : first + count]
        lengths = [len(self.server.anydesk), len(page)]
        if getattr(self.server, 'lengths_exchanged', False):
            lengths.reverse()
        return self.answer(
            {
                'count': lengths[0],
                'selected': lengths[1],
                'offset': first,
                'limit': count,
                'list': page,
            }
        )

    def answer_ninja_token(self, body):
        given = {name: values[0] for name, values in parse_qs(body).items()}
        if {name: given.get(name) for name in NINJA_SECRETS} != NINJA_SECRETS:
            return self.answer({'error': 'invalid_client'}, status=401)
        self.server.tokens += 1
        self.server.valid_token = f'ninja-access-token-{self.server.tokens}'
        return self.answer({'access_token': self.server.valid_token, 'expires_in': 3600})

    def answer_ninjaone(self, query):
        if self.headers.get('Authorization') != f'Bearer {self.server.valid_token}':
            return self.answer({'error': 'invalid_token'}, status=401)
        rows = sorted(self.server.ninjaone, key=lambda row: -row['id'])
        if 'olderThan' in query:
            rows = [row for row in rows if row['id'] < int(query['olderThan'])]
        count = min(int(query.get('pageSize', 200)), self.server.page_size or 1000)
        last = rows[0]['id'] if rows else 0
        return self.answer({'lastActivityId': last, 'activities': rows[:count]})


# === FAULTS === #


def on_token(fault):
    """Have a fault happen to the request for an access token."""

    def answer(handler):
        return fault(handler)

    answer.on_token = True
    return answer


def wants_token(fault):
    return getattr(fault, 'on_token', False)


def status(code, body=b'', **headers):
    named = {name.replace('_', '-'): value for name, value in headers.items()}
    return lambda handler: handler.answer(body, status=code, headers=named)


def body(data):
    return lambda handler: handler.answer(data)


def html(handler):
    """Answer as a proxy or a page of maintenance does."""
    handler.answer(b'<html><body>Down for maintenance</body></html>')


def truncated(handler):
    """Say more is to come than comes."""
    handler.answer(b'{"records": [{"id": "1"', length=5_000)


def cut_json(handler):
    handler.answer(b'{"records": [{"id": "1"')


def silence(seconds):
    """Answer nothing for a while."""

    def fault(handler):
        time.sleep(seconds)
        handler.close_connection = True

    return fault


def pause(seconds):
    """Let a request pass after a while."""

    def fault(_handler):
        time.sleep(seconds)
        return True

    return fault


def drip(handler):
    """Send a byte now and then, for ever."""
    handler.send_response(200)
    handler.send_header('Content-Length', '1000000')
    handler.end_headers()
    try:
        for _byte in range(200):
            handler.wfile.write(b' ')
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def change(action):
    """Change the data between two pages; the true answer follows."""

    def fault(handler):
        action(handler.server)
        return True

    return fault


def nothing(_handler):
    """Let a request pass."""
    return True


@contextmanager
def serving():
    server = VendorServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
