"""How much code does: for tests, which must not depend on how busy the machine is."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of this process's own processor time: a thousand times what such code takes.
LONGEST_SECONDS = 120


@contextmanager
def coming_to_an_end() -> Iterator[None]:
    """Fail where the code inside never ends, or as good as never.

    What tries all ways to read a text takes years for one of some hundred characters.
    """

    def stop(_signal, _frame):
        raise AssertionError(f"It did not come to an end in {LONGEST_SECONDS} s.")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def count_calls(work: Callable) -> int:
    """Return how many functions are called while `work` is done, those in C included."""
    count = 0

    def watch(_frame, event, _argument):
        nonlocal count
        count += event in ('call', 'c_call')

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
