"""How inputs are tried: a test method for each of many examples."""

import functools
import time
from collections import Counter
from contextlib import closing

from hypothesis import HealthCheck, given, settings
from thorough import few, shortened

from environment import effort

# For each test of a long run; 0: the examples of the test suite, always the same.
seconds = 0.0
# No input may take longer, on a machine that does other things too.
SLOWEST = 15
TRIED = Counter()


def tried(strategy, examples):
    """Call a test method with each of `examples` examples of a strategy."""

    def decorate(method):
        @functools.wraps(method, assigned=('__name__', '__doc__', '__module__', '__qualname__'))
        def test(self):
            def try_one(case):
                TRIED[method.__name__] += 1
                with effort.bounded(SLOWEST, effort.CLOCK):
                    method(self, case)

            until = time.monotonic() + seconds
            while True:
                run = settings(
                    max_examples=few(examples, max(examples // 10, 3)),
                    derandomize=not seconds,
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    print_blob=False,
                )(given(strategy)(try_one))
                run()
                if time.monotonic() >= until:
                    break

        # Or pytest would look for the examples among its fixtures.
        del test.__wrapped__
        return shortened(test)

    return decorate


def undone(env):
    """Return a context manager that undoes, at its end, whatever was stored meanwhile."""
    return closing(env.cr.savepoint())
