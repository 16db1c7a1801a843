"""RustDesk Server Pro: the connection log, by API (`GET /api/audits/conn`) or as CSV.

Known from RustDesk's own client script (rustdesk/rustdesk, `res/audits.py`): `created_at` and
`end_time` in seconds since 1970, which the script itself prints as local times, `conn_type` 0
remote desktop, 1 file transfer, 2 port transfer, 3 view camera, 4 terminal, absent when the
login failed; `remote` is the ID of the controlled device; the list under `data`.

Known from its manual (doc.rustdesk.com, Audit Logs): the columns of the console and of its CSV
are Type, Controlled Device, Controlling Side, Start Time, End Time, Duration, Note, with the
times the console shows, hence in a zone the importer must name. At most 1,000 rows each.

Not documented: the key of a record (`guid` is what its notes are changed by) and the names of
user and devices in the API's answer; name them in the mapping where they differ. The CSV numbers
no rows: there start, controlling side and controlled device stand for the ID.
"""

from .messages import _lt
from .profile import Profile
from .registry import register


def _refine(record, normal):
    if 'created_at' in record and 'conn_type' not in record and 'Type' not in record:
        # Authentication did not succeed: nobody was helped.
        return normal._replace(billable=False, billable_note=_NOT_LOGGED_IN)
    return normal


_NOT_LOGGED_IN = _lt("The login to the device failed")

PROFILE = register(
    Profile(
        name='rustdesk',
        label="RustDesk",
        time_unit='s',
        naive='local',
        columns={
            'external_id': ('guid',),
            'started_at': ('created_at', 'Start Time'),
            'ended_at': ('end_time', 'End Time'),
            'duration': ('Duration',),
            'technician': ('user', 'user_name', 'Controlling Side'),
            'device_ref': ('remote', 'remote_id'),
            'device_name': ('remote_name', 'Controlled Device'),
            'note': ('note', 'Note'),
            'billable': ('conn_type', 'Type'),
        },
        not_billable={'not logged in': _NOT_LOGGED_IN},
        identity=('technician', 'device_ref', 'device_name'),
        signatures=(
            {'created_at', 'conn_type'},
            {'created_at', 'end_time', 'guid'},
            {'Controlled Device', 'Controlling Side', 'Start Time'},
        ),
        envelope=('data',),
        refine=_refine,
    )
)
