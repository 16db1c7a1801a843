"""AnyDesk: sessions of its REST API, `GET /sessions`, and as CSV.

Known from AnyDesk's reference client (anydesk/rest-api, `session.py` and its examples): `sid`,
`from` and `to` with `cid` and `alias`, `active`, `start-time` and `end-time` in seconds since
1970 (no end while it is active), `duration` in seconds, `comment`, the list under `list`. The
client writes the same as CSV: Session Id, From Id, From Alias, To Id, To Alias, Start, End …

Known from an export of the console (my.anydesk) in German: the same columns, with dates and times
in the zone that the console shows. Its headings in other languages are not documented; the common
words for start and end are looked for, and From and To in six languages.

The side a session comes from is the technician's, the side it goes to is the device.
"""

from .headings import COMMON
from .profile import Profile
from .registry import register

_FROM = ('From', 'Von', 'De', 'Desde', 'Van', 'Da')
_TO = ('To', 'Nach', 'Zu', 'Vers', 'Hacia', 'Para', 'Naar', 'An')


def _sides(words, what):
    return tuple(f'{word} {what}' for word in words)


PROFILE = register(
    Profile(
        name='anydesk',
        label="AnyDesk",
        time_unit='s',
        naive='local',
        columns={
            'external_id': ('sid', *COMMON['external_id']),
            'started_at': ('start-time', *COMMON['started_at']),
            'ended_at': ('end-time', *COMMON['ended_at']),
            'duration': ('duration', *COMMON['duration']),
            'running': ('active',),
            'technician': (
                'from.alias',
                *_sides(_FROM, 'Alias'),
                'from.cid',
                *_sides(_FROM, 'ID'),
            ),
            'device_ref': ('to.cid', *_sides(_TO, 'ID')),
            'device_name': ('to.alias', *_sides(_TO, 'Alias')),
            'note': ('comment', *COMMON['note']),
        },
        signatures=(
            {'sid', 'start-time'},
            {'sid', 'from', 'to'},
            *({first, second} for first in _sides(_FROM, 'ID') for second in _sides(_TO, 'ID')),
        ),
        envelope=('list',),
    )
)
