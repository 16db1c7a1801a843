"""NinjaOne: time tracked on tickets, `GET /v2/ticketing/ticket/{id}/log-entry`.

Documented by NinjaOne (API, LogEntry): `id`, `createTime` in seconds since 1970 with decimals,
`timeTracked` in seconds, `appUserContactId` (who), `type`, `body`. Time is tracked up to the entry:
so the entry's time is taken for the end, and the time tracked says when it began. An entry without
time tracked is none of anybody's work. Records of sessions that a program pairs from NinjaOne's
activities come with `start_time` and `end_time`.
"""

from .outcome import reject
from .profile import Profile
from .registry import register


def _prepare(record):
    if 'timeTracked' in record and not record['timeTracked']:
        return reject('timeTracked', 'other_event', record['timeTracked'])
    return record


PROFILE = register(
    Profile(
        name='ninjaone',
        label="NinjaOne",
        time_unit='s',
        columns={
            'external_id': ('id',),
            'started_at': ('start_time',),
            'ended_at': ('end_time', 'createTime'),
            'duration': ('timeTracked',),
            'technician': ('user_email', 'user_name', 'appUserContactId', 'user_id'),
            'customer_email': ('customer_email',),
            'customer_name': ('organization', 'organizationName', 'customer_name'),
            'customer_ref': ('organizationId',),
            'device_ref': ('deviceId',),
            'device_name': ('device_name', 'deviceName'),
            'note': ('body', 'notes'),
            'billable': ('billable',),
        },
        signatures=({'createTime', 'timeTracked'},),
        prepare=_prepare,
    )
)
