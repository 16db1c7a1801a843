"""Jamf Remote Assist: the history of sessions, `GET /api/v1/jamf-remote-assist/session`.

Documented by Jamf (Jamf Pro API): `sessionId`, `deviceId`, `sessionStartedTimestamp` and
`sessionEndedTimestamp` as date-time, `sessionType` ATTENDED or UNATTENDED, `statusType` STARTED,
FINISHED or ERROR, `sessionAdminId`, `comment`. At most 100 in version 1; version 2 answers pages
under `results`. Names of administrators and devices are not in it.
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='jamf_remote_assist',
        label="Jamf Remote Assist",
        columns={
            'external_id': ('sessionId',),
            'kind': ('sessionType',),
            'started_at': ('sessionStartedTimestamp',),
            'ended_at': ('sessionEndedTimestamp',),
            'technician': ('sessionAdminId',),
            'device_ref': ('deviceId',),
            'note': ('comment',),
        },
        kinds={'attended': 'remote_support', 'unattended': 'unattended'},
        signatures=({'sessionId', 'sessionStartedTimestamp'},),
        envelope=('results',),
    )
)
