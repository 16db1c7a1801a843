"""Lost races: doing again what others changed meanwhile.

Odoo's transactions see the database as it was at their first statement (REPEATABLE READ). Who then
writes what somebody else has changed since is refused by PostgreSQL. Odoo's server does a request
again; what commits as it goes, as scheduled actions do, has to do its steps again by itself.

And add-ons that commit: those that hand documents over to others do, once they are handed over, in
whatever called them. No savepoint survives that.
"""

import logging
import random
import time
from contextlib import contextmanager

import psycopg2
import psycopg2.errors

from odoo.exceptions import ConcurrencyError, LockError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools.misc import Callbacks

from .naming import name_some

_logger = logging.getLogger(__name__)

LOST_RACES = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError)
# A lost race or a lost database: no fault of the record that was worked on, and not kept with it.
NOBODYS_FAULT = (psycopg2.OperationalError, psycopg2.InterfaceError)
# How often a step is done again before the race is somebody's error after all.
MAX_RACES = 20
LONGEST_PAUSE_SECONDS = 0.5


def lock_or_refuse(records, **how):
    """Lock these records before they are looked at, so that two people do not act at once.

    What somebody changed since this transaction began makes it start anew (a serialization
    failure); what somebody is changing right now is refused.

    :param how: as of `lock_for_update`
    :raise UserError: somebody else has locked one of them
    """
    try:
        records.lock_for_update(**how)
    except LockError as error:
        raise UserError(
            records.env._(
                "Someone else is currently working on %(documents)s. Nothing was done; try "
                "again in a few seconds.",
                documents=name_some(records.env, records.mapped('display_name')),
            )
        ) from error


@contextmanager
def anew_if_used(table):
    """Delete records, or have the whole transaction done anew where a row of `table` holds them.

    That row has come up since the transaction began; then it is found, and refused in words.
    """
    try:
        yield
    except psycopg2.errors.ForeignKeyViolation as error:
        if error.diag.table_name != table:
            raise
        raise ConcurrencyError(str(error)) from error


def retry_races(step, *args):
    """Call `step`, the first thing of a transaction; again, from a fresh one, if it loses a race.

    :param step: a method of records; it finds in its context, as `assist_lost_races`, how often
        it has lost, if it did
    :return: what it returns
    :raise: the race that was lost last, if it lost them all
    """
    records = step.__self__
    lost = 0
    while True:
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
            lost += 1
        else:
            return result


def watch_commits(cr, before_commit):
    """Have `before_commit` called before each commit of this cursor.

    :param before_commit: a function; when it returns False, there is no commit
    """
    commit = cr.commit

    def watched_commit():
        if before_commit() is not False:
            commit()

    cr.commit = watched_commit


@contextmanager
def commits_as_before(cr):
    """End what watches this cursor's commits and began inside.

    Yields a function that tells whether something does.
    """
    outer = cr.__dict__.get('commit')
    try:
        yield lambda: cr.__dict__.get('commit') is not outer
    finally:
        if outer:
            cr.commit = outer
        else:
            cr.__dict__.pop('commit', None)


@contextmanager
def watched_commits(cr, before_commit):
    """Have `before_commit` called before each commit inside; see `watch_commits`."""
    with commits_as_before(cr):
        watch_commits(cr, before_commit)
        yield


@contextmanager
def undone(cr):
    """Undo all that is done inside, and leave what waits for the commit as it is.

    What waits to be stored has to be stored before.
    """
    waiting, cache = (cr.precommit, cr.postcommit), dict(cr.cache)
    cr.precommit, cr.postcommit = Callbacks(), Callbacks()
    savepoint = cr.savepoint(flush=False)
    try:
        with watched_commits(cr, lambda: False):
            yield
    finally:
        cr.clear()
        savepoint.close(rollback=True)
        cr.precommit, cr.postcommit = waiting
        cr.cache.update(cache)


class UndoPoint:
    """A savepoint around code of others, which may commit.

    `with UndoPoint(cr) as point:` undoes what is inside when it fails, as a savepoint does. When
    somebody has ended the transaction inside, what was before that cannot be undone any more,
    `point.is_lost` says so, and success is no failure. Who is told that it is lost has to look at
    what is there by now: after a failure nothing is left but what was committed.

    :param bool flush: whether what waits to be stored is stored before
    """

    def __init__(self, cr, flush=True):
        self._cr = cr
        self._flush = flush
        self._watch = watched_commits(cr, self._lose)
        self._savepoint = None
        self._kept = {}
        self.is_lost = False

    def __enter__(self):
        if self._flush:
            self._cr.flush()
        self._savepoint = self._cr.savepoint(flush=False)
        # What was noted for the whole transaction, of what stays.
        self._kept = dict(self._cr.cache)
        self._cr.prerollback.add(self._lose)
        self._watch.__enter__()
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if error is None and self._flush:
                self._cr.flush()
        except Exception:
            self._end(undo=True)
            raise
        self._end(undo=error is not None)
        return False

    def _lose(self):
        self.is_lost = True

    def _end(self, *, undo):
        self._watch.__exit__(None, None, None)
        if undo and self.is_lost:
            self._cr.rollback()
        elif undo:
            self._cr.clear()
            self._savepoint.close(rollback=True)
            self._cr.cache.update(self._kept)
        elif not self.is_lost:
            self._savepoint.close(rollback=False)
