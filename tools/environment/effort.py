"""How much code does: for tests, which must not depend on how busy the machine is."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What a limit counts, and the signal that ends it: seconds of this process's own processor time, or
# those of the clock, where something may wait for others.
OWN = (signal.ITIMER_VIRTUAL, signal.SIGVTALRM)
CLOCK = (signal.ITIMER_REAL, signal.SIGALRM)


@contextmanager
def bounded(seconds: float, counted: tuple[int, int] = OWN) -> Iterator[None]:
    """Interrupt what does not come to an end within so many seconds.

    What tries all ways to read a text takes years for one of some hundred characters.

    :raise TimeoutError: inside
    """
    timer, alarm = counted

    def interrupt(_number, _frame):
        message = f"This takes more than {seconds} seconds."
        raise TimeoutError(message)

    before = signal.signal(alarm, interrupt)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(alarm, before)


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
