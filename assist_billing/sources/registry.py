"""The sources that are known, and how to tell from records which one wrote them."""

from itertools import islice

from .profile import fold

_PROFILES = {}
# How many records, and how many names of each, are looked at to recognise a source.
_LOOKED_AT = 50
_NAMES = 2_000


def register(profile, *, replace=False):
    """Make a source known and return its profile.

    Another addon calls this when it is imported; from then on sessions can have this source. Raise
    `ValueError` when the name is taken, unless `replace`.
    """
    if profile.name in _PROFILES and not replace:
        raise ValueError(f"The source {profile.name!r} is registered already.")
    _PROFILES[profile.name] = profile
    return profile


def get(name):
    """Return the profile of a source, or None when it is not known."""
    return _PROFILES.get(name) if isinstance(name, str) else None


def names():
    """Return the technical names of all sources, in the order of their registration."""
    return list(_PROFILES)


def profiles():
    return list(_PROFILES.values())


def recognise(records):
    """Return the name of the source whose shape these records have, or None.

    :param records: records (dicts), or the names of columns
    """
    seen = set()
    if not isinstance(records, list | tuple):
        return None
    for record in islice(records, _LOOKED_AT):
        if isinstance(record, str):
            seen.add(fold(record))
        elif isinstance(record, dict):
            for name in islice(record, _NAMES):
                if isinstance(name, str):
                    seen.add(fold(name))
    best, best_size = None, 0
    for profile in _PROFILES.values():
        for signature in profile.signatures:
            wanted = {fold(name) for name in signature}
            if len(wanted) > best_size and wanted <= seen:
                best, best_size = profile.name, len(wanted)
    return best
