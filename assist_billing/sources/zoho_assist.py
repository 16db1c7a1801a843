"""Zoho Assist: records of its reports API, `GET /api/v2/reports`.

Documented by Zoho (https://www.zoho.com/assist/api/getsessionreports.html and reports.html): the
fields below, `start_time` and `end_time` in milliseconds since 1970, `duration` a text that in
Zoho's own sample is the milliseconds between the two, the list under `representation`, the types
rs (remote support), URS (unattended) and DM (screen sharing).

Inferred from that sample: the viewer is the technician, the agent the customer's side,
`display_name` the customer's name. The record has no department, no key of the device and no
note. A program that asks department by department may add `department` to the records.
"""

from .profile import Profile
from .registry import register


def _refine(record, normal):
    # An unattended session shows the device's name where others show the customer's.
    if normal.kind == 'unattended' and not normal.device_name:
        return normal._replace(device_name=normal.customer_name)
    return normal


PROFILE = register(
    Profile(
        name='zoho_assist',
        label="Zoho Assist",
        time_unit='ms',
        duration_unit='ms',
        columns={
            'external_id': ('session_id',),
            'kind': ('session_type',),
            'started_at': ('start_time',),
            'ended_at': ('end_time',),
            'duration': ('duration',),
            'technician': ('viewer_email', 'session_owner_email'),
            'customer_email': ('agent_email',),
            'customer_name': ('display_name',),
            'device_name': ('computer_name',),
            'department': ('department_name', 'department', 'department_id'),
            'note': ('notes',),
        },
        kinds={
            'rs': 'remote_support',
            'remote support': 'remote_support',
            'urs': 'unattended',
            'unattended access': 'unattended',
            'dm': 'screen_share',
            'ss': 'screen_share',
            'screen sharing': 'screen_share',
            'ls': 'ar',
            'ar': 'ar',
        },
        signatures=(
            {'session_id', 'start_time', 'viewer_email'},
            {'session_id', 'start_time', 'agent_email'},
            {'session_id', 'start_time', 'session_owner_email'},
        ),
        envelope=('representation',),
        refine=_refine,
    )
)
