"""ConnectWise ScreenConnect: connections to its sessions.

In ScreenConnect a *session* is a device or a meeting point that may last for years; each time
somebody connects to it is a *connection*, and that is what is billed. So the ID is that of the
connection, and the session is the device.

Known from a published view of ScreenConnect's data (ConnectWise Automate, Control Session
Audit): client, computer, session name, participant name, connected and disconnected time,
duration. Not published: the exact headings of its own report export, and their zone, which the
importer must name; name the columns in the mapping where they differ from those below.
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
        naive='local',
        columns={
            'external_id': ('ConnectionID',),
            'started_at': ('ConnectedTime', 'Connected Time'),
            'ended_at': ('DisconnectedTime', 'Disconnected Time'),
            'duration': ('DurationSeconds', 'Duration'),
            'technician': ('ParticipantName',),
            'customer_name': ('Client', 'Company', 'CustomProperty1'),
            'device_ref': ('SessionID', 'ComputerID'),
            'device_name': ('Computer', 'SessionName', 'Name'),
            'group': ('Location', 'SessionGroup'),
            'kind': ('SessionType',),
            'note': ('Note', 'Notes'),
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
