"""ConnectWise ScreenConnect: connections to its sessions.

In ScreenConnect a *session* is a device or a meeting point that may last for years; each time
somebody connects to it is a *connection*, and that is what is billed. So the ID is that of the
connection, and the session is the device.

Known from its Report Manager, whose columns have the names of its data (ProcessType,
SessionSessionType, SessionName, SessionSessionID, SessionCustomProperty1 …), in UTC, as CSV or as
JSON with names and rows apart; and from a published view (ConnectWise Automate, Control Session
Audit): client, computer, session name, participant name, connected and disconnected time,
duration. The first of its custom properties is the company, unless somebody renamed it.
"""

from .outcome import reject
from .profile import Profile
from .registry import register


def _refine(record, normal):
    side = record.get('ProcessType', record.get('Process Type'))
    if isinstance(side, str) and side.strip().casefold() == 'guest':
        return reject('ProcessType', 'guest', side)
    return normal


PROFILE = register(
    Profile(
        name='screenconnect',
        label="ScreenConnect",
        columns={
            'external_id': ('ConnectionID',),
            'started_at': ('ConnectedTime', 'Connected Time'),
            'ended_at': ('DisconnectedTime', 'Disconnected Time'),
            'duration': ('DurationSeconds', 'Duration'),
            'technician': ('ParticipantName',),
            'customer_name': ('Client', 'Company', 'CustomProperty1', 'SessionCustomProperty1'),
            'device_ref': ('SessionID', 'SessionSessionID', 'ComputerID'),
            'device_name': ('Computer', 'SessionName', 'Name'),
            'group': ('Location', 'SessionGroup', 'CustomProperty2', 'SessionCustomProperty2'),
            'kind': ('SessionType', 'SessionSessionType'),
            'note': ('Note', 'Notes', 'SessionNotes'),
        },
        kinds={
            'support': 'remote_support',
            'access': 'unattended',
            'meeting': 'screen_share',
            '0': 'remote_support',
            '1': 'screen_share',
            '2': 'unattended',
        },
        identity=('technician', 'device_ref', 'device_name'),
        signatures=({'ConnectedTime', 'DisconnectedTime'}, {'ConnectionID', 'ConnectedTime'}),
        envelope=('connections', 'records'),
        refine=_refine,
    )
)
