"""Apache Guacamole: the history of connections, as CSV of its pages, by API, or of its database.

Known from Guacamole's source (apache/guacamole-client): its pages save Username, Start time,
Duration (in seconds, with decimals), Connection name, Remote host, in the browser's zone, without
an ID; the API answers `identifier`, `connectionIdentifier`, `connectionName`, `startDate` and
`endDate` in milliseconds since 1970, `username`, `active`; the database has `history_id`,
`start_date`, `end_date` and so on, in the server's zone.
"""

import re

from .profile import Profile
from .registry import register

_SECONDS = re.compile(r'\d{1,9}\.\d{1,9}', re.ASCII)


def _prepare(record):
    length = record.get('Duration')
    if isinstance(length, str) and _SECONDS.fullmatch(length.strip()):
        # Elsewhere 205.001 can be thousands.
        return {**record, 'Duration': float(length)}
    return record


PROFILE = register(
    Profile(
        name='guacamole',
        label="Apache Guacamole",
        time_unit='ms',
        naive='local',
        columns={
            'external_id': ('history_id', 'identifier', 'uuid'),
            'started_at': ('startDate', 'Start time'),
            'ended_at': ('endDate', 'End time'),
            'duration': ('Duration',),
            'running': ('active',),
            'technician': ('username',),
            'device_ref': ('connectionIdentifier', 'connection_id'),
            'device_name': ('connectionName', 'Connection name'),
        },
        kind='unattended',
        identity=('technician', 'device_ref', 'device_name'),
        signatures=(
            {'Username', 'Start time', 'Connection name', 'Remote host'},
            {'connectionName', 'startDate', 'username'},
            {'history_id', 'connection_name', 'start_date'},
        ),
        prepare=_prepare,
    )
)
