"""What all clients share: careful HTTP, and one kind of error that never carries a secret."""

import contextlib
import json
import math
import ssl
import time
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from .addresses import read_address
from .deadline import Deadline, WatchedAdapter

# Seconds to connect, and between two pieces of an answer.
TIMEOUT = 30
# Seconds for a request as a whole, from the first byte sent to the last one read.
DEADLINE = 60
# Bytes read at a time: of an answer that drips there is something at hand soon.
PIECE = 8_192
# Bytes of an answer, unpacked. A page of 1,000 sessions is below one million.
MAX_BYTES = 32_000_000
# An access token is renewed this many seconds before it expires.
MARGIN = 120
# Lists that change while they are read: so many pieces, and so often from the beginning. What has
# more pieces has no end.
MAX_PAGES = 10_000
MAX_ROUNDS = 5
# Records that are handed on at a time.
PAGE = 500
# Seconds since 1970 before which nobody worked remotely (1990); and how far clocks may be ahead. As
# records are judged that are taken in: what is left out by the one has to be rejected by the other.
EARLIEST = 631_152_000
AHEAD = 24 * 3600
# A page asked for in vain for this long is asked for again by the next run, not sooner.
LONGEST_WAIT = 24 * 3600


class ConnectorError(Exception):
    """Why fetching failed, as a code that whoever shows it words for people.

    It holds no text of an answer and no request: nothing in it can be a secret.

    :param str code: 'unauthorized', 'forbidden', 'rate_limited', 'refused', 'server', 'timeout',
        'unreachable', 'tls', 'redirect', 'too_large', 'not_json', 'unexpected', 'changing',
        'short', 'too_long', 'bad_client', 'bad_refresh_token', 'bad_address', 'missing'
    :param int status: of HTTP, or 0
    :param int retry_after: seconds to wait, or 0
    :param int missing: how many records are told and not given, 0 where nobody knows
    """

    def __init__(self, code, *, status=0, retry_after=0, missing=0):
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.missing = missing


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


def _lt(text):
    """Mark a text for the extraction of translatable terms; whoever shows it translates it."""
    return text


_CLIENTS = {}


def register(client):
    """Make a client known by its `source`; as a decorator of its class.

    That is all a new tool needs: its file, with its class, imported once. Raise `ValueError` when
    it lacks something or its source is taken.
    """
    faults = [name for name in ('source', 'required') if not getattr(client, name)]
    faults += sorted(set(client.required) - set(CREDENTIALS))
    if client.lists_devices and not client.device_id_names:
        faults.append('device_id_names')
    if faults or client.source in _CLIENTS:
        raise ValueError(f"The client {client.__name__} cannot be registered: {faults}")
    _CLIENTS[client.source] = client
    return client


def get(source):
    """Return the class of the client of a source, or None."""
    return _CLIENTS.get(source)


def names():
    """Return the sources that have a client, in the order of their registration."""
    return list(_CLIENTS)


# What a tool may ask for to be let in, as the connector calls it; of these the secrets.
SECRETS = ('client_secret', 'refresh_token', 'api_token')
CREDENTIALS = ('server_url', 'data_centre', 'client_id', *SECRETS)


class Client:
    """A client of one account at one tool, and what the connector must know of the tool.

    :param dict credentials: as the tool needs them, by names of `CREDENTIALS`; `access_token` and
        `access_token_expires`, if one is kept
    :param str base_url: of a local server that stands in for the tool, for tests
    :param keep_token: called with (access token, time of expiry as of `time.time()`)
    """

    # === WHAT THE TOOL IS === #

    # Technical name of the source, whose profile reads the records.
    source = None
    # What the tool needs to let us in, by names of `CREDENTIALS`.
    required = ()
    # What a record's own ID is called.
    id_name = 'id'
    # The data centres one chooses from: {technical name: domain}.
    data_centres = {}
    # Where its credentials are to be had.
    guide = ''
    # Billed sessions can be marked there: `mark_billed`.
    marks_billed = False
    # Its IDs are numbers that each account begins anew: those of two accounts are alike.
    numbers_by_account = False
    # A list is read as a whole before its first page is given; a run that stops reads it anew.
    reads_whole = False
    # There are lists of unattended devices: `device_pages`; and what their IDs are called.
    lists_devices = False
    device_id_names = ()

    # === WHAT WAS READ === #

    # How many fewer sessions than it said it has a list had when it came to its end and to rest:
    # the most of all lists. Infinite where there must be more and it does not say how many.
    missing = 0

    def __init__(
        self,
        credentials,
        *,
        base_url=None,
        timeout=TIMEOUT,
        deadline=DEADLINE,
        keep_token=None,
    ):
        missing = [name for name in self.required if not credentials.get(name)]
        if missing:
            raise ConnectorError('missing')
        self.credentials = credentials
        self.base_url = self._read_address(base_url, local=True) if base_url else ''
        self.server_url = ''
        if 'server_url' in self.required:
            self.server_url = self._read_address(credentials['server_url'])
        self.timeout = timeout
        self.deadline = deadline
        self.keep_token = keep_token
        self.watch = Deadline()
        # How long all requests together may take, and until when.
        self._allowed = self._ends = math.inf
        self.session = requests.Session()
        for scheme in ('https://', 'http://'):
            self.session.mount(scheme, WatchedAdapter(self.watch))
        # Not even looked at: to do so the library reads the whole of a redirecting answer.
        self.session.get_redirect_target = lambda response: None

    def _read_address(self, text, **options):
        try:
            return read_address(text, **options)
        except ValueError:
            raise ConnectorError('bad_address') from None

    def close(self):
        self.session.close()
        self.watch.close()

    # === TIME === #

    def allow(self, seconds):
        """Give all requests from now on so many seconds together; what takes longer is cut off."""
        self._allowed, self._ends = seconds, time.monotonic() + seconds

    @property
    def has_time(self):
        """Tell whether there is time left of what was allowed."""
        return time.monotonic() < self._ends

    @contextlib.contextmanager
    def in_time(self):
        """Cut off a request at its deadline, or when the time allowed for all of them is up.

        :raise ConnectorError: 'too_long' where others have taken most of the time before
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise ConnectorError('too_long')
        try:
            with self.watch.running(min(self.deadline, left)):
                yield
        except ConnectorError as error:
            if error.code == 'timeout' and left < self._allowed / 2 and not self.has_time:
                raise ConnectorError('too_long') from None
            raise

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

    def mark_billed(self, external_id):
        """Mark a session as billed; to do it twice changes nothing."""
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
            query = f'?{parts.query}' if parts.query else ''
            url = f'{self.base_url}{parts.path}{query}'

        if authorization and not (authorization.isascii() and authorization.isprintable()):
            # No token looks like this, and the error of the HTTP library would show it.
            raise ConnectorError('unauthorized')

        def authorize(request):
            # Given as `auth`, so that no .netrc of the machine takes its place.
            if authorization:
                request.headers['Authorization'] = authorization
            return request

        with self.in_time():
            try:
                with self.session.request(
                    method,
                    url,
                    auth=authorize,
                    allow_redirects=False,
                    timeout=min(self.timeout, self.deadline),
                    stream=True,
                    **options,
                ) as response:
                    if response.status_code not in explained:
                        self._check_status(response.status_code, response.headers)
                    body = self._read(response)
            except (OSError, HTTPError) as error:
                # The errors of `requests` are OSErrors; some of what it is made of slip through.
                raise ConnectorError(self._get_code(error)) from None
            except ValueError:
                # At a chunk of a negative length, say, the library stumbles.
                raise ConnectorError('timeout' if self.watch.has_passed else 'not_json') from None
            if self.watch.has_passed:
                # A socket that was shut looks like an answer that has ended.
                raise ConnectorError('timeout')
        return self._parse(body) if expect_json else None

    def open_connection(self, url):
        """Return an open connection to the server of a URL, for what is no request; see its `sock`.

        As for a request its certificate is checked, a proxy is used where the machine has one, and
        the running deadline shuts it. The caller closes it.

        :raise OSError, urllib3.exceptions.HTTPError: what `_get_code` gives a code
        """
        settings = self.session.merge_environment_settings(url, {}, None, None, None)
        return self.session.get_adapter(url).open_connection(
            url, min(self.timeout, self.deadline), settings['proxies'], settings['verify']
        )

    def _get_code(self, error):
        """Return what an error of the HTTP library means."""
        if self.watch.has_passed or isinstance(error, requests.exceptions.Timeout):
            return 'timeout'
        if isinstance(error, requests.exceptions.SSLError | ssl.SSLCertVerificationError):
            return 'tls'
        # What went wrong while reading is a time-out too when it says so.
        return 'timeout' if 'timed out' in str(error).lower() else 'unreachable'

    def _check_status(self, status, headers):
        if 200 <= status < 300:
            return
        retry_after = read_retry_after(headers.get('Retry-After'))
        codes = {401: 'unauthorized', 403: 'forbidden', 408: 'timeout', 429: 'rate_limited'}
        if 300 <= status < 400:
            code = 'redirect'
        elif status >= 500:
            code = 'server'
        else:
            code = codes.get(status, 'refused')
        raise ConnectorError(code, status=status, retry_after=retry_after)

    def _read(self, response):
        pieces, size = [], 0
        for piece in response.iter_content(PIECE):
            size += len(piece)
            if size > MAX_BYTES:
                raise ConnectorError('too_large')
            if self.watch.has_passed:
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


class TokenClient(Client):
    """A client that is let in by an access token, which it asks for and renews by itself."""

    scheme = 'Bearer'

    def __init__(self, credentials, **options):
        super().__init__(credentials, **options)
        self.access_token = credentials.get('access_token')
        self.expires = credentials.get('access_token_expires') or 0

    def _ask_for_token(self):
        """Return what the tool answers to the credentials: `access_token` and `expires_in`."""
        raise NotImplementedError

    def request_with_token(self, method, url, **options):
        """Send a request as `request` does, with a token that holds."""
        fresh = self._renew_if_expired()
        try:
            return self.request(method, url, authorization=self._authorization, **options)
        except ConnectorError as error:
            if error.code != 'unauthorized' or fresh:
                raise
        # It was withdrawn before its time; once a new one is asked for.
        self._renew()
        return self.request(method, url, authorization=self._authorization, **options)

    @property
    def _authorization(self):
        return f'{self.scheme} {self.access_token}'

    def _renew_if_expired(self):
        if self.access_token and self.expires > time.time() + MARGIN:
            return False
        self._renew()
        return True

    def _renew(self):
        answer = self._ask_for_token()
        token, lifetime = answer.get('access_token'), answer.get('expires_in')
        # A header takes no line breaks, and a token has none.
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ConnectorError('unexpected')
        lifetime = lifetime if isinstance(lifetime, int | float) else 3600
        self.access_token, self.expires = token, time.time() + min(lifetime, 3600)
        if self.keep_token:
            self.keep_token(self.access_token, self.expires)


class WholeListClient(Client):
    """A client of a tool that gives a list by its beginning alone, or as a whole.

    The list is read to its end, once for all stretches of time of a run, and the stretches are cut
    out of it here. A run that is interrupted begins its stretch anew: what comes twice is known.
    """

    reads_whole = True

    def __init__(self, credentials, **options):
        super().__init__(credentials, **options)
        self._since = self._records = None

    def pages(self, start, end, position=None):
        if self._since is None or start < self._since:
            self._records = self._read_since(start)
            self._since = start
        first, last = to_seconds(start), to_seconds(end)
        found = []
        for record in self._records:
            begun = self._get_start(record)
            # What does not say when it began is in no stretch of time: it goes along.
            if begun is None or first <= begun < last:
                found.append(record)
        for index in range(0, len(found) or 1, PAGE):
            yield Page(found[index : index + PAGE], None)

    def _read_since(self, start):
        """Return all records since a moment (naive UTC); more do no harm."""
        raise NotImplementedError

    def _get_start(self, record):
        """Return the seconds since 1970 at which a record began, None if it does not say so."""
        raise NotImplementedError

    def read_numbered(self, get, id_name, full=None):
        """Return all records of a list that is asked for piece by piece, and that may change.

        Where records are added or vanish while it is read, others move to pieces that were read
        already. The length does not tell, if as many came as went. So a list of several pieces is
        read again until that brings nothing new.

        :param get: called with the number of the piece, from 1, and of the records before it;
            gives `(records, length of the list)`
        :param int full: how long a piece is after which there may be more, whatever length is told
        :raise ConnectorError: it never comes to rest
        """
        found = {}
        for _round in range(MAX_ROUNDS):
            known, total, before, shrunk, keys = len(found), 0, 0, False, None
            for piece in range(1, MAX_PAGES + 1):
                records, told = get(piece, before)
                shrunk = shrunk or told < total
                total = told
                # The same piece twice: whatever was asked for, that is not the next one.
                last, keys = keys, [self._get_key(record, id_name) for record in records]
                shrunk = shrunk or (bool(keys) and keys == last)
                found |= dict(zip(keys, records, strict=True))
                before += len(records)
                is_full = full is not None and len(records) >= full
                if not records or (before >= total and not is_full):
                    break
            else:
                raise ConnectorError('changing')
            if piece == 1 or (not shrunk and len(found) == known):
                self.missing = max(self.missing, total - before)
                return list(found.values())
        raise ConnectorError('changing')

    def read_seconds(self, record, name):
        """Return a moment of a record as seconds since 1970; None where it names none.

        A number that is no time at which people worked, milliseconds say, is none: in no stretch of
        time, it would be left out without a word. So it goes along, to be rejected in words.
        """
        value = record.get(name) if isinstance(record, dict) else None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number and EARLIEST <= value < time.time() + AHEAD else None

    def _get_total(self, answer, least, name='total'):
        """Return how long a list is, as an answer says; where it does not, as far as is known."""
        total = answer.get(name)
        if not isinstance(total, int) or isinstance(total, bool) or total < 0:
            raise ConnectorError('unexpected')
        return max(total, least)

    def _get_key(self, record, id_name):
        named = record.get(id_name) if isinstance(record, dict) else None
        return json.dumps(record, sort_keys=True) if named in (None, '') else str(named)


def to_seconds(moment):
    """Return the seconds since 1970 of a moment, naive UTC."""
    return int(moment.replace(tzinfo=timezone.utc).timestamp())
