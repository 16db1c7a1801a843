"""MeshCentral: its report of remote sessions, and its events. So do servers of Tactical RMM.

*Report* (My Reports, Remote Sessions, saved as CSV). Known from such files and from the source of
its web pages (Ylianst/MeshCentral): Group, Time, Device, Device Group, Session, Length. **Time is
when the session ended**, Length its seconds. Group is whatever the report is grouped by: the user,
unless there is a column of users, else the device, or the day, whose rows have the time of day
alone. Times are as the browser writes them.

*Events* (`meshctrl listevents --json`, or the events of its socket). Known from its source
(meshrelay.js, apprelays.js, meshdesktopmultiplex.js): a session has two, one when it starts and one
when it ends, which names the seconds it lasted; which of its `msgArgs` are the session and the
seconds depends on `msgid`. `nodeid` is the device. The two make one session, whichever comes first,
in one file or in two. Where several look at one desktop at a time, and for Web-VNC, each has an
event when leaving, without a name of its own: that one is the whole session.

*Events as CSV* (“Event List Export” of its web pages: utc, time, type, action, user, device,
message; `meshctrl listevents`: time, type, action, nodeid, userid, msg; both as of version 1.1.55):
name and seconds of a session stand in the message alone. The web pages' has no `nodeid`.

The group of a device is the customer it belongs to.
"""

import html
import re

from .outcome import reject
from .profile import Profile
from .registry import register
from .values import clock_of, is_date_alone

# What begins, by `msgid`; the first of `msgArgs` names the session.
_STARTED = frozenset({13, 14, 15, 16, 120, 148, 149, 150, 162})
# What ends: where `msgArgs` name the session (None: it has no name of its own), and its seconds.
_ENDED = {
    **dict.fromkeys((9, 10, 11, 12, 112, 121), (0, 3)),
    **dict.fromkeys((123, 124, 125), (1, 0)),
    **dict.fromkeys((122, 126), (None, 0)),
    144: (None, 1),
}
# Comings and goings in what several look at, and its recording: no sessions of anybody.
SHARED = frozenset({4, 5, 6, 7, 8, 143, 145, 146, 147})
_LASTED = re.compile(r'(\d{1,9}) second')
# What a message says, whose quotation marks and commas its CSV leaves out.
_MESSAGE = re.compile(
    r'(?P<what>Started|Ended|Left) (?P<of>[^"]*?)session "?(?P<name>[^\s",]+)'
    r'(?:.*?(?P<lasted>\d{1,9}) second)?'
)
# The columns of events as CSV that tell them from a report.
_ROWS = ({'utc', 'type', 'action', 'message'}, {'time', 'type', 'action', 'msg'})


def _prepare(record):
    """Return an event as the columns below name it; a row of a report is so already."""
    if 'msgArgs' in record or 'msgid' in record:
        return read_event(record)
    if any(names <= record.keys() for names in _ROWS):
        return read_event(_read_row(record))
    if clock_of(record.get('Time')) is not None and is_date_alone(record.get('Group')):
        return {**record, 'Time': f"{record['Group']} {record['Time']}", 'Group': ''}
    return record


def _read_row(row):
    """Return a row of events as CSV as an event: what its message says, as numbers."""
    text = str(row.get('message') or row.get('msg') or '')
    event = {
        **{name: row.get(name) for name in ('nodeid', 'userid', 'device')},
        'msg': text,
        'time': row.get('utc') or row.get('time'),
        'username': row.get('user'),
        'nodename': html.unescape(str(row.get('device') or '')) or None,
    }
    match = _MESSAGE.match(text)
    if not match:
        return event
    name, lasted = match['name'], match['lasted']
    is_shared = 'multiplex' in match['of']
    if match['what'] == 'Started':
        number, args = 145 if is_shared else 13, [name]
    elif match['what'] == 'Ended':
        number, args = 9, [name, None, None, lasted]
    else:
        number, args = (144, [name, lasted]) if is_shared else (123, [lasted, name])
    return {**event, 'msgid': number, 'msgArgs': args}


def read_event(record):
    """Return what an event says of its session, as the columns below name it, or a rejection."""
    number = record.get('msgid')
    args = record.get('msgArgs') if isinstance(record.get('msgArgs'), list) else []
    text = record.get('msg') if isinstance(record.get('msg'), str) else ''
    number = number if type(number) is int else None
    has_started = number in _STARTED or (number not in SHARED and text.startswith('Started '))
    has_ended = number in _ENDED or text.startswith('Ended ')
    name_at, seconds_at = _ENDED.get(number, (0, 3)) if has_ended else (0, None)
    named = record.get('time') if name_at is None else _get(args, name_at)
    if not isinstance(named, str) or has_started == has_ended:
        number = record.get('msgid')
        return reject('msgid', 'other_event', number if number is not None else text[:60])
    user = record.get('username') or record.get('userid')
    # A few letters that are drawn anew for each session: the device tells them apart.
    where = record.get('nodeid') or record.get('device')
    parties = [named, where, user if name_at is None else None]
    event = {
        'Session ID': ' '.join(str(part) for part in parties if part)[:255],
        'username': user,
        'nodeid': record.get('nodeid'),
        'Device': record.get('nodename'),
        'Begun' if has_started else 'Time': record.get('time'),
    }
    if has_ended:
        lasted, match = _get(args, seconds_at), _LASTED.search(text)
        event['Length'] = match[1] if lasted is None and match else lasted
    return event


def _get(args, index):
    return args[index] if index < len(args) else None


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
            {'utc', 'time', 'type', 'action', 'user', 'device', 'message'},
            {'time', 'type', 'action', 'userid', 'msg'},
            {'time', 'type', 'action', 'nodeid', 'msg'},
        ),
        envelope=('events',),
        **DECLARATION,
    )
)
