"""MeshCentral: its report of remote sessions, and its events. So do servers of Tactical RMM.

*Report* (My Reports, Remote Sessions, saved as CSV). Known from such files and from the source of
its web pages (Ylianst/MeshCentral): Group, Time, Device, Device Group, Session, Length. **Time is
when the session ended**, Length its seconds. Group is whatever the report is grouped by: the user,
unless there is a column of users, else the device. Times are as the browser writes them.

*Events* (`meshctrl listevents --json`, or the events of its socket). Known from its source
(meshrelay.js): a session has two, of which `msgArgs[0]` is the same: one when it starts (`msgid` 13
to 16) and one when it ends (9 to 12), which names the seconds it lasted in `msgArgs[3]`. `nodeid`
is the device. The two make one session, whichever comes first, in one file or in two.

The group of a device is the customer it belongs to.
"""

import re

from .outcome import reject
from .profile import Profile
from .registry import register

_STARTED = frozenset({13, 14, 15, 16})
_ENDED = frozenset({9, 10, 11, 12})
_LASTED = re.compile(r'(\d{1,9}) second')


def _prepare(record):
    """Return an event as the columns below name it; a row of a report is so already."""
    return _event(record) if 'msgArgs' in record or 'msgid' in record else record


def _event(record):
    args, number = record.get('msgArgs'), record.get('msgid')
    text = record.get('msg') if isinstance(record.get('msg'), str) else ''
    session = args[0] if isinstance(args, list) and args else None
    has_started = _is_in(number, _STARTED) or text.startswith('Started ')
    has_ended = _is_in(number, _ENDED) or text.startswith('Ended ')
    if not isinstance(session, str) or has_started == has_ended:
        return reject('msgid', 'other_event', number if number is not None else text[:60])
    event = {
        # A few letters that are drawn anew for each session: the device tells them apart.
        'Session ID': f'{session} {record.get("nodeid") or ""}'.strip()[:255],
        'username': record.get('username') or record.get('userid'),
        'nodeid': record.get('nodeid'),
        'Device': record.get('nodename'),
        'Begun' if has_started else 'Time': record.get('time'),
    }
    if has_ended:
        lasted = args[3] if len(args) > 3 else None
        match = _LASTED.search(text)
        event['Length'] = match[1] if lasted is None and match else lasted
    return event


def _is_in(number, numbers):
    return type(number) is int and number in numbers


COLUMNS = {
    'external_id': ('Session ID',),
    'started_at': ('Begun',),
    'ended_at': ('Time',),
    'duration': ('Length',),
    'technician': ('username', 'User', 'Group'),
    'customer_name': ('Device Group',),
    'device_ref': ('nodeid',),
    'device_name': ('Device', 'Group'),
    'group': ('Device Group',),
}
DECLARATION = {
    'naive': 'local',
    'date_order': 'us',
    'columns': COLUMNS,
    'identity': ('technician', 'device_ref', 'device_name'),
    'prepare': _prepare,
}

PROFILE = register(
    Profile(
        name='meshcentral',
        label="MeshCentral",
        signatures=(
            {'Group', 'Time', 'Session', 'Length'},
            {'Time', 'Device', 'Session', 'Length'},
            {'msgid', 'msgArgs', 'nodeid'},
            {'msgArgs', 'nodeid', 'protocol'},
        ),
        envelope=('events',),
        **DECLARATION,
    )
)
