"""RustDesk Server Pro: its log of connections, `GET /api/audits/conn`.

Known from RustDesk's own script (rustdesk/rustdesk, `res/audits.py`): a bearer token; `pageSize`
and `current`, the number of the page, which begins at 1; `created_at` as a time in UTC, such as
2026-01-15 10:00:00.000, for what was created from then on; the list under `data`, its length under
`total`; `created_at` and `end_time` of a record in seconds since 1970, and `guid`.

Not documented: an end of the time asked for, the order, and the most that a page holds. So
everything since a moment is read, the pages are as long as they come, and the days are told apart
here. Free servers have no such list.
"""

from .base import WholeListClient, _lt, register

COUNT = 100


@register
class RustDesk(WholeListClient):
    source = 'rustdesk'
    required = ('server_url', 'api_token')
    id_name = 'guid'
    guide = _lt(
        "The address of your RustDesk Server Pro, and an API token of it (Settings, Tokens) with "
        "the right to read audit logs."
    )

    def check(self, now):
        self._get_records(self._get({'pageSize': 1, 'current': 1}), 'data')

    def _read_since(self, start):
        since = f'{start:%Y-%m-%d %H:%M:%S}.000'

        def get(number, before):
            answer = self._get({'pageSize': COUNT, 'current': number, 'created_at': since})
            records = self._get_records(answer, 'data')
            return records, self._get_total(answer, before + len(records))

        return self.read_numbered(get, self.id_name)

    def _get(self, params):
        return self.request(
            'GET',
            f'{self.server_url}/api/audits/conn',
            authorization=f'Bearer {self.credentials["api_token"]}',
            params=params,
        )

    def _get_start(self, record):
        return self.read_seconds(record, 'created_at')
