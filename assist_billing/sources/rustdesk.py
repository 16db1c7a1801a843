"""RustDesk: the connection log of its servers, by API or as CSV.

*RustDesk Server Pro*, `GET /api/audits/conn`. Known from RustDesk's own client script
(rustdesk/rustdesk, `res/audits.py`): `created_at` and `end_time` in seconds since 1970, which the
script itself prints as local times, `conn_type` 0 remote desktop, 1 file transfer, 2 port transfer,
3 view camera, 4 terminal, absent when the login failed; `remote` is the ID of the controlled
device, `local` that of the controlling one, `local_user` who was signed in there; the list under
`data`. `guid` is what notes of a record are changed by.

Known from its manual (doc.rustdesk.com, Audit Logs): the columns of the console and of its CSV
are Type, Controlled Device, Controlling Side, Start Time, End Time, Duration, Note, with the
times the console shows, hence in a zone the importer must name. At most 1,000 rows each. The CSV
numbers no rows: there start, end and both sides stand for the ID.

*Free servers*. Known from the source of lejianwen/rustdesk-api: `id`, `peer_id` (the controlled
device), `from_peer` and `from_name` (who controls), `created_at` as local time, `close_time` in
seconds since 1970, nought while it is open; the list under `data.list`. Other free servers publish
no such list.
"""

from .messages import _lt
from .profile import Profile
from .registry import register


def _refine(record, normal):
    if normal.ended_at is None:
        # Somebody may be typing the password: until it is over, nobody knows that it failed.
        return normal._replace(billable=None, billable_note='')
    if 'created_at' in record and not {'conn_type', 'Type', 'type'} & record.keys():
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
            'external_id': ('guid', 'id'),
            'started_at': ('created_at', 'Start Time'),
            'ended_at': ('end_time', 'End Time', 'close_time'),
            'duration': ('Duration',),
            'technician': (
                'local_user',
                'user',
                'user_name',
                'from_name',
                'Controlling Side',
                'local',
                'from_peer',
            ),
            'device_ref': ('remote', 'remote_id', 'peer_id'),
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
            {'peer_id', 'from_peer', 'created_at'},
        ),
        envelope=('data',),
        refine=_refine,
    )
)
