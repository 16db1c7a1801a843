"""TeamViewer: connection reports, `GET /api/v1/reports/connections`.

Known from TeamViewer's own PowerShell client (teamviewer/TeamViewerPS): a bearer token, the times
`from_date` and `to_date` as 2017-02-03T14:10:50Z, up to 1,000 records a call, and `next_offset`,
to be sent as `offset_id`, as long as there is more. The last day counts only when `to_date` is the
day after it, so whole days are asked for.

`PUT /api/v1/reports/connections/{id}` with `billing_state` Billed marks a connection; 204 is the
answer. To send it twice does no harm.
"""

from datetime import datetime, time, timedelta
from urllib.parse import quote

from .base import Client, ConnectorError, Page, _lt, register

ROOT = 'https://webapi.teamviewer.com'
MAX_PAGES = 10_000


@register
class TeamViewer(Client):
    source = 'teamviewer'
    required = ('api_token',)
    guide = _lt(
        "API token: make a script token in TeamViewer's management console. It needs the right to "
        "view connection reports, and to change them if sessions are to be marked as billed."
    )
    marks_billed = True

    def pages(self, start, end, position=None):
        params = {
            'from_date': self._format(datetime.combine(start, time.min)),
            'to_date': self._format(datetime.combine(end, time.min) + timedelta(days=1)),
        }
        offset = (position or {}).get('offset_id')
        known = set()
        for _page in range(MAX_PAGES):
            if offset:
                params['offset_id'] = offset
                known.add(str(offset))
            answer = self._get('/api/v1/reports/connections', params)
            records = self._get_records(answer, 'records')
            following = answer.get('next_offset') or None
            if following and not self._leads_on(following, known):
                raise ConnectorError('unexpected')
            offset = following
            yield Page(records, {'offset_id': offset} if offset else None)
            if not offset:
                return
        raise ConnectorError('changing')

    def _leads_on(self, following, known):
        """Tell whether what is said to follow is a place, and none that was read already."""
        text = str(following)
        is_place = isinstance(following, str | int) and following is not True
        return is_place and text.isprintable() and text not in known

    def check(self, now):
        answer = self._get(
            '/api/v1/reports/connections',
            {'from_date': self._format(now - timedelta(hours=1)), 'to_date': self._format(now)},
        )
        self._get_records(answer, 'records')

    def mark_billed(self, external_id):
        """Mark a connection as billed; to do it twice changes nothing."""
        self.request(
            'PUT',
            f'{ROOT}/api/v1/reports/connections/{quote(external_id, safe="")}',
            authorization=self._authorization,
            json={'billing_state': 'Billed'},
            expect_json=False,
        )

    @property
    def _authorization(self):
        return f'Bearer {self.credentials["api_token"]}'

    def _get(self, path, params):
        return self.request(
            'GET', f'{ROOT}{path}', authorization=self._authorization, params=params
        )

    def _format(self, moment):
        return moment.strftime('%Y-%m-%dT%H:%M:%SZ')
