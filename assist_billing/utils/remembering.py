"""What many records have in common, found out once while nothing of it is written."""

import functools
from contextlib import contextmanager

KEPT = 'assist_remembered'


@contextmanager
def remembering(env):
    """Have `remembered` methods keep their answers inside, where nothing they read is written."""
    kept = env.cr.cache.setdefault(KEPT, {})
    try:
        yield
    finally:
        # By whoever began: what is inside of another one goes with that.
        if env.cr.cache.get(KEPT) is kept:
            env.cr.cache.pop(KEPT)


def remembered(get_key):
    """Have a method keep its answers within `remembering`, for all records of one environment.

    :param get_key: function of the record and the arguments; all that the answer depends on
    """

    def decorate(method):
        @functools.wraps(method)
        def remember(self, *args, **kwargs):
            kept = self.env.cr.cache.get(KEPT)
            if kept is None:
                return method(self, *args, **kwargs)
            key = (self.env, method.__qualname__, get_key(self, *args, **kwargs))
            if key not in kept:
                kept[key] = method(self, *args, **kwargs)
            return kept[key]

        return remember

    return decorate
