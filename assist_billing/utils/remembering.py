"""What many records have in common, found out once while nothing of it is changed."""

import functools
from contextlib import contextmanager

# What answers depend on: on what is stored; on the terms that cycles were opened with; or on the
# code alone.
DATA, FROZEN, CODE = (
    'assist_remembered_data',
    'assist_remembered_frozen',
    'assist_remembered_code',
)
# Of what is tried, undone and tried again in one transaction: it begins with the same each time.
TRIED = 'assist_remembered_tried'
_NOTHING = object()


@contextmanager
def remembering(env, *kinds):
    """Have `remembered` methods keep their answers inside, where nothing they read is changed.

    What is inside of another one of its kind goes with that.

    :param kinds: only those of methods that depend on these; by default on data, frozen or not
    """
    begun = [kind for kind in kinds or (DATA, FROZEN) if kind not in env.cr.cache]
    env.cr.cache.update({kind: {} for kind in begun})
    try:
        yield
    finally:
        for kind in begun:
            env.cr.cache.pop(kind, None)


class Same:
    """A key that stands for one object, whatever is in it; it lives as long as the key."""

    __slots__ = ('value',)

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value is other.value

    def __hash__(self):
        return id(self.value)


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
