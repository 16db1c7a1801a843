"""TeamViewer: connection reports, `GET /api/v1/reports/connections`.

Known from TeamViewer's own PowerShell client (teamviewer/TeamViewerPS: the conversion of
connection reports, its types and tests): the fields below, times as 2017-02-03T14:10:50Z, the
list under `records`, `support_session_type` 1 (remote connection), 2 and 3 (remote support).
`billing_state` is Bill, Billed or DoNotBill. There is no duration, and nothing of the customer
but his device and its group.

TeamViewer does not say whether somebody sat at the device, so no type is taken for unattended.
"""

from .messages import _lt
from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='teamviewer',
        label="TeamViewer",
        columns={
            'external_id': ('id',),
            'kind': ('support_session_type',),
            'started_at': ('start_date',),
            'ended_at': ('end_date',),
            'technician': ('username', 'userid'),
            'device_ref': ('deviceid',),
            'device_name': ('devicename',),
            'group': ('groupname', 'groupid'),
            'note': ('notes',),
            'billable': ('billing_state',),
        },
        kinds={'1': 'remote_support', '2': 'remote_support', '3': 'remote_support'},
        not_billable={
            'donotbill': _lt("Marked “do not bill” in TeamViewer"),
            'billed': _lt("Marked as billed in TeamViewer"),
        },
        signatures=(
            {'id', 'start_date', 'deviceid'},
            {'id', 'start_date', 'devicename'},
            {'id', 'start_date', 'userid'},
        ),
        envelope=('records',),
    )
)
