"""TeamViewer: connection reports, the service queue, and the program's own logs.

*Connection reports*, `GET /api/v1/reports/connections`: known from TeamViewer's own PowerShell
client (teamviewer/TeamViewerPS: the conversion of connection reports, its types and tests): the
fields below, times as 2017-02-03T14:10:50Z, the list under `records`, `support_session_type` 1
(remote connection), 2 and 3 (remote support). `billing_state` is Bill, Billed or DoNotBill. There
is no duration, and nothing of the customer but the device and its group. The client's objects,
written by Export-Csv, have names such as Datetime_Start, and times in the zone of the machine.

*Service queue*, `GET /api/v1/sessions`: documented by TeamViewer's API (`sessions`, `code`,
`assigned_at`, `closed_at`, `end_customer` with name and e-mail address, `assigned_userid`). A
session is worked on from its assignment until it is closed.

*Logs*: Connections_incoming.txt of the machine that was helped and Connections.txt of the one that
helps. Known from programs that read them (log2timeline/plaso, TeamViewer_Forensics): tab
separated, no headings, day-month-year, in UTC. Incoming: ID and name of the partner (who helps),
start, end, local user, kind, GUID. Outgoing: ID of the device, start, end, local user (who helps),
kind, GUID. Older versions write no GUID. The columns' names are our own.

TeamViewer does not say whether somebody sat at the device, so no type is taken for unattended.
"""

from .messages import _lt
from .profile import Profile
from .registry import register

_ID = r'\d{6,12}'
_MOMENT = r'\d{2}-\d{2}-\d{4} \d{2}:\d{2}:\d{2}'
_END = rf'(?:{_MOMENT})?'
INCOMING = ('Partner ID', 'Partner Name', 'Connected', 'Disconnected', 'Logged-on User',
            'Connection Kind', 'Connection GUID')  # fmt: skip
OUTGOING = ('Remote ID', 'Connected', 'Disconnected', 'Local User', 'Connection Kind',
            'Connection GUID')  # fmt: skip

PROFILE = register(
    Profile(
        name='teamviewer',
        label="TeamViewer",
        naive='local',
        # Of the logs alone: what Export-Csv writes depends on the machine.
        date_orders={'Connected': 'dmy', 'Disconnected': 'dmy'},
        columns={
            'external_id': ('id', 'Connection GUID', 'code'),
            'kind': ('support_session_type', 'session_type', 'Connection Kind'),
            'started_at': ('start_date', 'Datetime_Start', 'Connected', 'assigned_at'),
            'ended_at': ('end_date', 'Datetime_End', 'Disconnected', 'closed_at'),
            'technician': (
                'username',
                'userid',
                'Partner Name',
                'Partner ID',
                'Local User',
                'assigned_userid',
            ),
            'customer_email': ('end_customer.email',),
            'customer_name': ('end_customer.name',),
            'device_ref': ('deviceid', 'Remote ID'),
            'device_name': ('devicename',),
            'group': ('groupname', 'groupid'),
            'note': ('notes', 'description'),
            'billable': ('billing_state',),
        },
        kinds={
            '1': 'remote_support',
            '2': 'remote_support',
            '3': 'remote_support',
            'presentation': 'screen_share',
            'meeting': 'screen_share',
        },
        not_billable={
            'donotbill': _lt("Marked “do not bill” in TeamViewer"),
            'billed': _lt("Marked as billed in TeamViewer"),
        },
        # Of the logs of older versions, which have no GUID.
        identity=('technician', 'device_ref', 'device_name'),
        signatures=(
            {'id', 'start_date', 'deviceid'},
            {'id', 'start_date', 'devicename'},
            {'id', 'start_date', 'userid'},
            {'Id', 'Datetime_Start', 'Device_Id'},
            {'Id', 'Datetime_Start', 'User_Id'},
            {'code', 'assigned_at', 'closed_at', 'end_customer'},
            {'code', 'assigned_userid', 'end_customer'},
            {'Connected', 'Disconnected', 'Connection Kind', 'Connection GUID'},
        ),
        headless=(
            (INCOMING, {0: _ID, 2: _MOMENT, 3: _END, 5: r'\w+'}),
            (OUTGOING, {0: _ID, 1: _MOMENT, 2: _END, 4: r'\w+'}),
        ),
        envelope=('records', 'sessions'),
    )
)
