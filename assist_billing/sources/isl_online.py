"""ISL Online: sessions of ISL Light.

Known from ISL Online's help (Querying Session Information, for its own server): a session has an
`id`, `createdTime` in seconds since 1970 (when its code was made), `deskCode`, `deskHostname`
(the operator's device), `clientHostname` (the customer's), `domain` and `closed`.

Not found: the names of the operator and of the end there, and the headings of the session list
that the web pages export. Besides the names above the common words are looked for (Start Time,
End Time, Duration, User …), with times in a zone the importer must name; name the columns in the
mapping where they differ.
"""

from .headings import COMMON, PAIRS
from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='isl_online',
        label="ISL Online",
        time_unit='s',
        naive='local',
        pairs=PAIRS,
        duration_unit=None,
        columns={
            **COMMON,
            'started_at': (*COMMON['started_at'], 'createdTime'),
            'technician': (*COMMON['technician'], 'deskHostname'),
            'device_name': ('clientHostname', *COMMON['device_name']),
            'group': ('domain', *COMMON['group']),
            'kind': (),
        },
        signatures=({'deskCode', 'createdTime'}, {'clientHostname', 'deskHostname'}),
        envelope=('sessions', 'islLightSession'),
    )
)
