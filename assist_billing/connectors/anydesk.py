"""AnyDesk: sessions, `GET /sessions` of its REST API.

Known from AnyDesk's reference client (anydesk/rest-api) and what others send by it: the API is at
v1.api.anydesk.com, port 8081; `Authorization: AD license:timestamp:token`, where token is the
base64 of HMAC-SHA1, by the API password, of method, resource with its query, timestamp and the
base64 of the body's SHA-1, joined by line breaks; `limit` and `offset`; the answer has `count` and
`selected`, the lengths of the list and of this piece, and `list`, with `sid`, `start-time` and
`end-time` in seconds since 1970 (null while it is active).

The reference client builds its filter for times in a way that cannot work, and others found it
without effect. So the whole list is read, and the days are told apart here.
"""

import base64
import hashlib
import hmac
import time
from urllib.parse import urlencode

from .base import WholeListClient, _lt, register

ROOT = 'https://v1.api.anydesk.com:8081'
COUNT = 500


@register
class AnyDesk(WholeListClient):
    source = 'anydesk'
    required = ('client_id', 'api_token')
    id_name = 'sid'
    guide = _lt(
        "Client ID: the number of the license. API token: the API password. Both are in AnyDesk's "
        "customer portal, under License."
    )

    def check(self, now):
        self._get_records(self._get('/sessions', limit=1, offset=0), 'list')

    def _read_since(self, start):
        def get(_number, before):
            answer = self._get('/sessions', limit=COUNT, offset=before)
            records = self._get_records(answer, 'list')
            # Which of the two is of the whole list, and which of this piece, is not documented.
            selected = answer.get('selected')
            least = max(before + len(records), selected if type(selected) is int else 0)
            return records, self._get_total(answer, least, name='count')

        return self.read_numbered(get, self.id_name, full=COUNT)

    def _get(self, path, **params):
        resource = f'{path}?{urlencode(params)}'
        return self.request('GET', f'{ROOT}{resource}', authorization=self._sign('GET', resource))

    def _sign(self, method, resource, body=b''):
        """Return the value of the header that signs a request."""
        timestamp = str(int(time.time()))
        digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
        message = f'{method}\n{resource}\n{timestamp}\n{digest}'
        token = hmac.new(
            self.credentials['api_token'].encode(), message.encode(), hashlib.sha1
        ).digest()
        return f'AD {self.credentials["client_id"]}:{timestamp}:{base64.b64encode(token).decode()}'

    def _get_start(self, record):
        return self.read_seconds(record, 'start-time')
