"""Tactical RMM: remote sessions are MeshCentral's, so its report and its events are read.

Tactical's own audit log says that somebody began a remote session, and never that it ended; of
such nobody can be billed. Its list of agents is read as a list of devices (`devices.py`). Not
documented: sessions in any shape of its own.
"""

from .meshcentral import DECLARATION
from .profile import Profile
from .registry import register

PROFILE = register(Profile(name='tactical_rmm', label="Tactical RMM", **DECLARATION))
