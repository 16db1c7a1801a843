"""Atera: hours worked on tickets.

Its API has them (`GET /api/v3/tickets/{id}/workhoursrecords`) and its reports too. Not documented:
the names of their fields and headings. The common words are looked for (`headings.py`); where they
differ, somebody names the columns once. A ticket's number is no ID of a session.
"""

from .generic import GENERIC_KINDS, IDENTITY
from .headings import COMMON, PAIRS
from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='atera',
        label="Atera",
        time_unit='auto',
        naive='local',
        duration_unit=None,
        columns=COMMON,
        pairs=PAIRS,
        kinds=GENERIC_KINDS,
        identity=IDENTITY,
        envelope=('items',),
    )
)
