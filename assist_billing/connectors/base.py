"""What all clients share: careful HTTP, and one kind of error that never carries a secret."""

import json
import math
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

# Seconds to connect, and between two pieces of an answer.
TIMEOUT = 30
# Seconds for an answer as a whole: a server that drips does not hold a worker for ever.
DEADLINE = 120
# Bytes of an answer, unpacked. A page of 1,000 sessions is below one million.
MAX_BYTES = 32_000_000
# A page asked for in vain for this long is asked for again by the next run, not sooner.
LONGEST_WAIT = 24 * 3600


class ConnectorError(Exception):
    """Why fetching failed, as a code that whoever shows it words for people.

    It holds no text of an answer and no request: nothing in it can be a secret.

    :param str code: 'unauthorized', 'forbidden', 'rate_limited', 'refused', 'server', 'timeout',
        'unreachable', 'tls', 'redirect', 'too_large', 'not_json', 'unexpected', 'changing',
        'bad_client', 'bad_refresh_token', 'missing'
    :param int status: of HTTP, or 0
    :param int retry_after: seconds to wait, or 0
    """

    def __init__(self, code, *, status=0, retry_after=0):
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry_after = retry_after


class Page(NamedTuple):
    """One page of records; `position` is where to go on after it, None for the beginning."""

    records: list
    position: dict | None


def read_retry_after(value, now=None):
    """Return the seconds that a Retry-After header asks for: a number or a date; 0 if neither."""
    try:
        seconds = float(value or 0)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value).timestamp()
        except (ValueError, TypeError, OverflowError):
            return 0
        seconds = moment - (time.time() if now is None else now)
    if not math.isfinite(seconds):
        return 0
    return int(min(max(math.ceil(seconds), 0), LONGEST_WAIT))


class Client:
    """A client of one account at one tool.

    :param dict credentials: as the tool needs them
    :param str base_url: of a local server that stands in for the tool, for tests
    """

    source = None
    # What the tool needs, by the names of the connector's fields.
    required = ()

    def __init__(self, credentials, *, base_url=None, timeout=TIMEOUT, deadline=DEADLINE):
        missing = [name for name in self.required if not credentials.get(name)]
        if missing:
            raise ConnectorError('missing')
        self.credentials = credentials
        self.base_url = (base_url or '').rstrip('/')
        self.timeout = timeout
        self.deadline = deadline
        self.session = requests.Session()

    def close(self):
        self.session.close()

    # === FOR THE CONNECTOR === #

    def pages(self, start, end, position=None):
        """Yield the pages of sessions between two moments.

        :param datetime start: naive UTC
        :param datetime end: naive UTC
        :param dict position: of a page read before, to go on after it
        """
        raise NotImplementedError

    def device_pages(self, department):
        """Yield the pages of the unattended devices of a department, to their very end."""
        raise NotImplementedError

    def check(self, now):
        """Ask for as little as can be; raise `ConnectorError` if that does not work."""
        raise NotImplementedError

    # === HTTP === #

    def request(
        self, method, url, *, authorization=None, expect_json=True, explained=(), **options
    ):
        """Send a request and return what its answer says in JSON (None: nothing asked for).

        The certificate is checked, redirects are not followed (they would carry credentials to
        other hosts), time and size are bounded.

        :param explained: statuses of refusals whose answer says more than the status
        """
        if self.base_url:
            parts = urlsplit(url)
            url = f'{self.base_url}{parts.path}'

        if authorization and not (authorization.isascii() and authorization.isprintable()):
            # No token looks like this, and the error of the HTTP library would show it.
            raise ConnectorError('unauthorized')

        def authorize(request):
            # Given as `auth`, so that no .netrc of the machine takes its place.
            if authorization:
                request.headers['Authorization'] = authorization
            return request

        begun = time.monotonic()
        try:
            with self.session.request(
                method,
                url,
                auth=authorize,
                allow_redirects=False,
                timeout=self.timeout,
                stream=True,
                **options,
            ) as response:
                if response.status_code not in explained:
                    self._check_status(response)
                body = self._read(response, begun)
        except requests.exceptions.SSLError:
            raise ConnectorError('tls') from None
        except requests.exceptions.Timeout:
            raise ConnectorError('timeout') from None
        except requests.exceptions.RequestException as error:
            # What went wrong while reading is a time-out too when it says so.
            code = 'timeout' if 'timed out' in str(error).lower() else 'unreachable'
            raise ConnectorError(code) from None
        return self._parse(body) if expect_json else None

    def _check_status(self, response):
        status = response.status_code
        if 200 <= status < 300:
            return
        retry_after = read_retry_after(response.headers.get('Retry-After'))
        codes = {401: 'unauthorized', 403: 'forbidden', 408: 'timeout', 429: 'rate_limited'}
        if 300 <= status < 400:
            code = 'redirect'
        elif status >= 500:
            code = 'server'
        else:
            code = codes.get(status, 'refused')
        raise ConnectorError(code, status=status, retry_after=retry_after)

    def _read(self, response, begun):
        pieces, size = [], 0
        for piece in response.iter_content(65_536):
            size += len(piece)
            if size > MAX_BYTES:
                raise ConnectorError('too_large')
            if time.monotonic() - begun > self.deadline:
                raise ConnectorError('timeout')
            pieces.append(piece)
        expected = response.headers.get('Content-Length', '')
        encoded = response.headers.get('Content-Encoding')
        if expected.isdigit() and not encoded and size < int(expected):
            raise ConnectorError('not_json')
        return b''.join(pieces)

    def _parse(self, body):
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise ConnectorError('not_json') from None
        if not isinstance(answer, dict):
            raise ConnectorError('unexpected')
        return answer

    def _get_records(self, answer, name):
        records = answer.get(name)
        if not isinstance(records, list):
            raise ConnectorError('unexpected')
        return records
