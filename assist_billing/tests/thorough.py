"""What `make test` leaves to `make thorough`, or runs in a short form of it.

`make test` is for between two changes and sets ASSIST_SHORT. Whoever runs the tests in any other
way, with Odoo's own runner too, runs all of them, whole.

The root's conftest.py loads this file as the module `thorough`, for tests without Odoo.
"""

import os

# `make test` runs the tests.
IS_SHORT = bool(os.environ.get('ASSIST_SHORT'))
# The name of the attribute by which pytest learns of it; its values are the markers.
ATTRIBUTE = 'assist_thoroughness'


def thorough(test):
    """Leave a test, or a class of them, to `make thorough`.

    For what looks into the corners of something that other tests, which stay, use too.
    """
    setattr(test, ATTRIBUTE, 'thorough')
    return test


def shortened(test):
    """Have `make test` run a test with less than the whole, see `few`; `make thorough` whole."""
    setattr(test, ATTRIBUTE, 'shortened')
    return test


def few(whole, short):
    """Return the whole of what a `shortened` test goes over or, in `make test`, the short of it."""
    return short if IS_SHORT else whole


def spread(whole, count):
    """Return a list or, in `make test`, `count` of it: the first, the last, and evenly between."""
    whole = list(whole)
    if not IS_SHORT or len(whole) <= count:
        return whole
    return [whole[place * (len(whole) - 1) // (count - 1)] for place in range(count)]
