"""What many records have in common, found out once while nothing of it is changed."""

import functools
from contextlib import contextmanager

# What answers depend on: on what is stored; or on the code alone.
DATA, CODE = 'assist_remembered_data', 'assist_remembered_code'
_NOTHING = object()


@contextmanager
def remembering(env, kind=DATA):
    """Have `remembered` methods keep their answers inside, where nothing they read is changed.

    :param kind: only those of methods that depend on this
    """
    kept = env.cr.cache.setdefault(kind, {})
    try:
        yield
    finally:
        # By whoever began: what is inside of another one goes with that.
        if env.cr.cache.get(kind) is kept:
            env.cr.cache.pop(kind)


def remembered(get_key, kind=DATA):
    """Have a method keep its answers within `remembering`, for all records of one environment.

    :param get_key: function of the record and the arguments; all that the answer depends on
    :param kind: whether that is data or code
    """

    def decorate(method):
        @functools.wraps(method)
        def remember(self, *args, **kwargs):
            kept = self.env.cr.cache.get(kind)
            if kept is None:
                return method(self, *args, **kwargs)
            key = (self.env, method.__qualname__, get_key(self, *args, **kwargs))
            # Looked up once: to tell the key of others costs more than most of what is kept.
            answer = kept.get(key, _NOTHING)
            if answer is _NOTHING:
                answer = kept[key] = method(self, *args, **kwargs)
            return answer

        return remember

    return decorate
