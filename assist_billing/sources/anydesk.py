"""AnyDesk: sessions of its REST API, `GET /sessions`.

Known from AnyDesk's reference client (anydesk/rest-api, `session.py` and its examples): `sid`,
`from` and `to` with `cid` and `alias`, `active`, `start-time` and `end-time` in seconds since
1970 (no end while it is active), `duration` in seconds, `comment`, the list under `list`.

The side a session comes from is the technician's, the side it goes to is the device.
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='anydesk',
        label="AnyDesk",
        time_unit='s',
        columns={
            'external_id': ('sid',),
            'started_at': ('start-time',),
            'ended_at': ('end-time',),
            'duration': ('duration',),
            'running': ('active',),
            'technician': ('from.alias', 'from.cid'),
            'device_ref': ('to.cid',),
            'device_name': ('to.alias',),
            'note': ('comment',),
        },
        signatures=({'sid', 'start-time'}, {'sid', 'from', 'to'}),
        envelope=('list',),
    )
)
