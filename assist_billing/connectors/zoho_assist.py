"""Zoho Assist: session reports, `GET /api/v2/reports`.

Documented by Zoho (https://www.zoho.com/assist/api/getsessionreports.html, reports.html and
pagination.html; the data centres: multidc.html): `type` (all), `fromdate` and `todate` in
milliseconds since 1970, `index` (1) and `count` (20), the list under `representation`,
`total_count`, and `page` with the addresses `next`, `first` and `last`. An access token comes
from the refresh token at the accounts server of the same data centre and holds for an hour.

One page of Zoho's calls `index` the index of the record, another the count of pages. So the
address under `next` says how to go on; without it the second request finds out which of the two
it is, for a wrong guess would lose sessions.

Unattended devices, `GET /api/v2/devices` (getunattendedcomputer.html): the list of one department,
named by the header `x-com-zoho-assist-department-id`; `index` is the position in the list, `count`
at most 50. The answer has the list under `representation`, or in there under `computers`, with
details of each under `device_info`.
"""

import math
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from .base import MAX_PAGES, MAX_ROUNDS, ConnectorError, Page, TokenClient, _lt, register

# Root of the service and of the accounts server, by data centre.
DATA_CENTRES = {
    'com': ('https://assist.zoho.com', 'https://accounts.zoho.com'),
    'eu': ('https://assist.zoho.eu', 'https://accounts.zoho.eu'),
    'in': ('https://assist.zoho.in', 'https://accounts.zoho.in'),
    'com.au': ('https://assist.zoho.com.au', 'https://accounts.zoho.com.au'),
    'jp': ('https://assist.zoho.jp', 'https://accounts.zoho.jp'),
    # Canada has a domain of its own.
    'ca': ('https://assist.zohocloud.ca', 'https://accounts.zohocloud.ca'),
    'sa': ('https://assist.zoho.sa', 'https://accounts.zoho.sa'),
    'uk': ('https://assist.zoho.uk', 'https://accounts.zoho.uk'),
    'com.cn': ('https://assist.zoho.com.cn', 'https://accounts.zoho.com.cn'),
}
COUNT = 50
# The names that the ID of a device has in the answers and the documentation, best first.
DEVICE_IDS = ('resource_id', 'urs_key', 'key')


class _Shrunk(Exception):
    """There are fewer sessions than a page ago: those after the gone ones have moved up."""


class _Round:
    """What reading the same days once from beginning to end has seen."""

    def __init__(self, position, names=('session_id',)):
        self.names = names  # of a record's ID
        self.index = position['index'] if position else 1
        # 'page' or 'record': what `index` counts; None as long as it is not known.
        self.unit = position['unit'] if position else None
        self.total = position['total'] if position else 0
        self.seen = set()
        self.first = None  # ids of the first page
        self.repeats = False

    @property
    def missing(self):
        """Return how many there are besides; infinite where it is not known, 0 where none are."""
        return math.inf if self.repeats else max(self.total - len(self.seen), 0)

    @property
    def is_short(self):
        return self.missing > 0

    def end(self, ids):
        """Come to a page with nothing new: the end, if it is told or the page is not full.

        The same full page again may as well be the only one that is ever given.
        """
        self.repeats = len(ids) >= COUNT and not self.total

    def take(self, records, total):
        """Take a page in; return its ids and how many of them are new."""
        if total < self.total:
            raise _Shrunk
        self.total = total
        ids = set(map(self._get_id, records))
        new = len(ids - self.seen)
        self.seen |= ids
        if self.first is None:
            self.first = ids
        return ids, new

    def _get_id(self, record):
        if not isinstance(record, dict):
            return str(record)
        return str(next((record[name] for name in self.names if record.get(name)), None))


@register
class ZohoAssist(TokenClient):
    source = 'zoho_assist'
    required = ('data_centre', 'client_id', 'client_secret', 'refresh_token')
    id_name = 'session_id'
    data_centres = {
        name: urlsplit(root).hostname.removeprefix('assist.')
        for name, (root, _accounts) in DATA_CENTRES.items()
    }
    scheme = 'Zoho-oauthtoken'
    guide = _lt(
        "Register a client in Zoho's API console and make a refresh token with the scope "
        "ZohoAssist.reportapi.READ; for devices with ZohoAssist.unattended.computer.READ too."
    )
    lists_devices = True
    device_id_names = DEVICE_IDS

    def __init__(self, credentials, **options):
        super().__init__(credentials, **options)
        if credentials['data_centre'] not in DATA_CENTRES:
            raise ConnectorError('missing')
        self.root, self.accounts = DATA_CENTRES[credentials['data_centre']]

    def pages(self, start, end, position=None):
        def get(index, count):
            answer = self._get_reports(start, end, index, count)
            return answer, self._get_records(answer, 'representation')

        missing = yield from self._read_rounds(get, position, _Round)
        self.missing = max(self.missing, missing)

    def device_pages(self, department):
        """Yield the pages of all devices of a department; each record says which it is of.

        It ends without an error only when the list was read whole.
        """

        def get(index, count):
            answer = self._get(
                'devices',
                {'index': index, 'count': count},
                headers={'x-com-zoho-assist-department-id': department},
            )
            return answer, self._get_devices(answer, department)

        def begin(position):
            current = _Round(position, names=DEVICE_IDS)
            current.unit = 'record'
            return current

        if (yield from self._read_rounds(get, None, begin)):
            raise ConnectorError('short')

    def _get_devices(self, answer, department):
        content = answer.get('representation')
        records = self._get_records(
            content if isinstance(content, dict) else answer,
            'computers' if isinstance(content, dict) else 'representation',
        )
        devices = []
        for record in records:
            if isinstance(record, dict):
                details = record.get('device_info')
                details = details if isinstance(details, dict) else {}
                record = {**details, **record, 'department_id': department}
            devices.append(record)
        return devices

    def _read_rounds(self, get, position, begin):
        """Yield the pages that `get` gives, again from the beginning until nothing changes.

        :return: how many fewer there were than the tool says
        """
        previous = None
        for _round in range(MAX_ROUNDS):
            current = begin(position)
            try:
                yield from self._read_round(get, current)
            except _Shrunk:
                position = None
                continue
            # A session that vanishes while one reads moves another one to a page already read.
            # Then there are fewer than told: read again, until nothing changes any more.
            if position or not current.is_short or current.seen == previous:
                return 0 if position else current.missing
            previous = current.seen
        raise ConnectorError('changing')

    def check(self, now):
        answer = self._get_reports(now - timedelta(hours=1), now, 1, 1)
        self._get_records(answer, 'representation')

    # === PAGES === #

    def _read_round(self, get, current):
        for _page in range(MAX_PAGES):
            answer, records = get(current.index, COUNT)
            ids, new = current.take(records, self._get_total(answer))
            following = self._get_following(answer, current, ids, new) if records else None
            if following is not None and following <= current.index:
                # It would go round in circles.
                raise ConnectorError('unexpected')
            # Until it is known what `index` counts, there is nowhere to go on but the beginning.
            position = None
            if following is not None and current.unit:
                position = {'index': following, 'unit': current.unit, 'total': current.total}
            yield Page(records, position)
            if following is None:
                return
            current.index = following
        raise ConnectorError('changing')

    def _get_following(self, answer, current, ids, new):
        """Return the next index, or None when there is nothing more."""
        if isinstance(answer.get('page'), dict):
            current.unit = 'next'
            following = self._read_next(answer['page'].get('next'))
            if following and not new:
                return current.end(ids)
            return following
        if current.unit is None:
            if ids is current.first:
                return 2 if current.is_short or not current.total else None
            # Asked for index 2. The same but one: it counts records; others: it counts pages.
            is_record = len(ids & current.first) * 2 > len(ids)
            current.unit = 'record' if is_record else 'page'
            return 1 + len(current.first) if is_record and len(current.first) > 1 else 3
        if not new:
            return current.end(ids)
        return current.index + (len(ids) if current.unit == 'record' else 1)

    def _read_next(self, address):
        """Return the index in the address of the next page, None without one.

        Nothing else is taken of it, least of all its host.
        """
        if not address:
            return None
        index = parse_qs(urlsplit(str(address)).query).get('index', [''])[0]
        if not (index.isascii() and index.isdigit() and len(index) < 10):
            raise ConnectorError('unexpected')
        return int(index)

    def _get_total(self, answer):
        total = answer.get('total_count')
        return total if isinstance(total, int) and total >= 0 else 0

    def _get_reports(self, start, end, index, count):
        params = {
            'type': 'all',
            'fromdate': self._to_ms(start),
            'todate': self._to_ms(end),
            'index': index,
            'count': count,
        }
        return self._get('reports', params)

    def _get(self, resource, params, **options):
        url = f'{self.root}/api/v2/{resource}'
        return self.request_with_token('GET', url, params=params, **options)

    def _to_ms(self, moment):
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
        return int((moment.replace(tzinfo=timezone.utc) - epoch).total_seconds() * 1000)

    # === ACCESS TOKEN === #

    def _ask_for_token(self):
        """Get an access token by the refresh token; in the body, so that no log has it."""
        data = {
            'grant_type': 'refresh_token',
            **{name: self.credentials[name] for name in self.required[1:]},
        }
        # Refusals come with status 200, 400 or 401; which it is stands in the answer alone.
        answer = self.request(
            'POST', f'{self.accounts}/oauth/v2/token', explained={400, 401}, data=data
        )
        if fault := answer.get('error'):
            codes = {'invalid_client': 'bad_client', 'invalid_client_secret': 'bad_client',
                     'Access Denied': 'rate_limited'}  # fmt: skip
            code = codes.get(fault, 'bad_refresh_token') if isinstance(fault, str) else 'unexpected'
            raise ConnectorError(code)
        return answer
