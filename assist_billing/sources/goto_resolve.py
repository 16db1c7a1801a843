"""GoTo Resolve: reports of sessions, as files.

Not documented: the headings of its reports, their zone, and whether rows have an ID. The common
words are looked for (`headings.py`), with times in a zone the importer must name; where they
differ, somebody names the columns once. Technician, customer and device, start and end stand for
the ID, unless the mapping names a column.
"""

from .generic import GENERIC_KINDS, IDENTITY
from .headings import COMMON, PAIRS
from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='goto_resolve',
        label="GoTo Resolve",
        time_unit='auto',
        naive='local',
        duration_unit=None,
        columns=COMMON,
        pairs=PAIRS,
        kinds=GENERIC_KINDS,
        identity=IDENTITY,
    )
)
