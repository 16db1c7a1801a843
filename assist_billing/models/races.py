"""Lost races: doing again what others changed meanwhile.

Odoo's transactions see the database as it was at their first statement (REPEATABLE READ). Who then
writes what somebody else has changed since is refused by PostgreSQL. Odoo's server does a request
again; what commits as it goes, as scheduled actions do, has to do its steps again by itself.
"""

import logging
import random
import time

import psycopg2

from odoo.exceptions import ConcurrencyError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

LOST_RACES = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError)
# A lost race or a lost database: no fault of the record that was worked on, and not kept with it.
NOBODYS_FAULT = (psycopg2.OperationalError, psycopg2.InterfaceError)
# How often a step is done again before the race is somebody's error after all.
MAX_RACES = 20
LONGEST_PAUSE_SECONDS = 0.5


def retry_races(step, *args):
    """Call `step`, the first thing of a transaction; again, from a fresh one, if it loses a race.

    :param step: a method of records; it finds in its context, as `assist_lost_races`, how often
        it has lost, if it did
    :return: what it returns
    :raise: the race that was lost last, if it lost them all
    """
    records = step.__self__
    for lost in range(MAX_RACES):
        again = step
        if lost:
            again = getattr(records.with_context(assist_lost_races=lost), step.__name__)
        try:
            result = again(*args)
            records.env.flush_all()
        except LOST_RACES as race:
            _logger.info("%s: lost a race (%s), once more.", step.__qualname__, race)
            records.env.cr.rollback()
            if lost == MAX_RACES - 1:
                raise
            # Not all at the same moment again.
            longest = min(0.01 * 2**lost, LONGEST_PAUSE_SECONDS)
            time.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
        else:
            return result
    return None
