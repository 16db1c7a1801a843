"""Splashtop: the session log, exported as CSV.

Known from Splashtop's help (Logs): a row has the names and addresses of the two devices, the
user, start, end and duration, in the time zone of the account, which the importer must name.

Not published: the headings, and whether rows have an ID. The common words are looked for (Start
Time, End Time, Duration, User, Computer …); name the columns in the mapping where they differ.
Start, user and device stand for the ID, unless the mapping names a column.
"""

from .headings import COMMON, PAIRS
from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='splashtop',
        label="Splashtop",
        naive='local',
        pairs=PAIRS,
        duration_unit=None,
        columns={
            **COMMON,
            'external_id': ('session_id',),
            'device_name': ('to_computer', 'remote_computer', 'streamer', *COMMON['device_name']),
            # Splashtop's Type says whether both devices are in one network.
            'kind': (),
        },
        identity=('technician', 'device_name'),
        envelope=('sessions', 'data'),
    )
)
