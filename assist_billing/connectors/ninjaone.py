"""NinjaOne: remote connections to devices, of its activities, `GET /v2/activities`.

Known from NinjaOne's public API (OAuth 2 with client credentials at `/ws/oauth/token`, scope
monitoring) and published clients of it: `pageSize`, `olderThan`, the ID of an activity before which
those that follow lie, and the list under `activities`, newest first. An activity has `id`,
`activityTime` in seconds since 1970, `deviceId`, `userId`, `seriesUid`, `activityType` (RDP,
SPLASHTOP, TEAMVIEWER …) and `statusCode`, which ends in CONNECTION_ESTABLISHED and
CONNECTION_TERMINATED (RDP_CONNECTION_ESTABLISHED …). There is no list of sessions: the two make one
session.

Not documented: by what the two of a session belong together. Taken are the same device, user and
type of activity, and the same series where both name one; an end belongs to the latest beginning
before it that has none. A beginning without an end is a running session; one that never ends is
never billed, and stands among the sessions. An end without a beginning is no session.

How times are to be written in a request is not documented either, so pages are read backwards
until they are older than what is asked for.
"""

from .base import MAX_PAGES, ConnectorError, TokenClient, WholeListClient, _lt, register, to_seconds

COUNT = 500
BEGUN, ENDED = 'CONNECTION_ESTABLISHED', 'CONNECTION_TERMINATED'


@register
class NinjaOne(TokenClient, WholeListClient):
    source = 'ninjaone'
    required = ('server_url', 'client_id', 'client_secret')
    numbers_by_account = True
    guide = _lt(
        "The address you open NinjaOne at, such as https://eu.ninjarmm.com. Add a client app for "
        "an API service there (Administration, Apps, API) with the grant type client credentials "
        "and the scope Monitoring."
    )

    def check(self, now):
        self._get_activities(None, 1)

    def _ask_for_token(self):
        answer = self.request(
            'POST',
            f'{self.server_url}/ws/oauth/token',
            explained={400, 401},
            data={
                'grant_type': 'client_credentials',
                'client_id': self.credentials['client_id'],
                'client_secret': self.credentials['client_secret'],
                'scope': 'monitoring',
            },
        )
        if answer.get('error'):
            raise ConnectorError('bad_client')
        return answer

    def _read_since(self, start):
        first, activities, older_than = to_seconds(start), {}, None
        for _page in range(MAX_PAGES):
            page = self._get_activities(older_than, COUNT)
            if not page:
                return self._pair(activities)
            activities |= {activity['id']: activity for activity in page}
            oldest = min(activity['id'] for activity in page)
            if older_than is not None and oldest >= older_than:
                # It would go round in circles.
                raise ConnectorError('unexpected')
            older_than = oldest
            times = [self.read_seconds(activity, 'activityTime') for activity in page]
            if all(seconds is not None and seconds < first for seconds in times):
                return self._pair(activities)
        raise ConnectorError('changing')

    def _get_activities(self, older_than, count):
        params = {'pageSize': count}
        if older_than is not None:
            params['olderThan'] = older_than
        answer = self.request_with_token('GET', f'{self.server_url}/v2/activities', params=params)
        activities = self._get_records(answer, 'activities')
        for activity in activities:
            if not isinstance(activity, dict) or type(activity.get('id')) is not int:
                raise ConnectorError('unexpected')
        return activities

    def _pair(self, activities):
        """Return a record for each beginning, with its end if it has one."""
        waiting, records = {}, []
        for _id, activity in sorted(activities.items()):
            code = str(activity.get('statusCode') or '')
            parties = tuple(activity.get(name) for name in ('deviceId', 'userId', 'activityType'))
            if code.endswith(BEGUN):
                record = {
                    # Entries of tickets have numbers of their own.
                    'id': f'activity {activity["id"]}',
                    'start_time': activity.get('activityTime'),
                    'end_time': None,
                    'deviceId': activity.get('deviceId'),
                    'user_id': activity.get('userId'),
                }
                records.append(record)
                waiting.setdefault(parties, []).append((activity.get('seriesUid'), record))
            elif code.endswith(ENDED):
                begun = waiting.get(parties, [])
                series = activity.get('seriesUid')
                same = [entry for entry in begun if series and entry[0] == series]
                open_ = [entry for entry in begun if not series or not entry[0]]
                for entry in (same or open_)[-1:]:
                    entry[1]['end_time'] = activity.get('activityTime')
                    begun.remove(entry)
        return records

    def _get_start(self, record):
        return self.read_seconds(record, 'start_time')
