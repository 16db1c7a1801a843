import logging
import math
import random
from collections import Counter
from datetime import datetime, time, timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, config

from ... import connectors
from ...connectors.base import MAX_PAGES
from ...utils.races import retry_races

_logger = logging.getLogger(__name__)

# So many days are asked for at a time; after each the cursor moves.
SLICE_DAYS = 7
# After success the next run of the schedule fetches again; it comes each half hour.
PAUSE_MINUTES = 25
# After failures: 5, 10, 20 ... minutes, a day at most.
FIRST_DELAY_MINUTES = 5
LONGEST_DELAY_MINUTES = 24 * 60
# Of the time that the server gives a scheduled action, a connector may wait for the tool's answers
# these shares: for devices, sessions and marks. What is left is for taking in what was read. Where
# there is no limit: of an hour.
DEVICES_SHARE, SESSIONS_SHARE, MARKS_SHARE = 0.15, 0.6, 0.1
LONGEST_RUN = 3600
# Of that time a worker may have slept so many seconds before it began.
SLEPT = 60
# Being asked to pause is no failure that somebody must mend, unless it goes on.
PATIENCE = 3


class Window(NamedTuple):
    """A stretch of time to be fetched, and the position in it to go on from."""

    start: datetime
    end: datetime
    page: dict | None = None
    # A look at a session that was still running moves no cursor.
    moves_cursor: bool = True


class AssistConnector(models.Model):
    """The fetching run: due connectors -> windows -> pages -> ingest -> cursor -> marks."""

    _inherit = 'assist.connector'

    # === CRON === #

    @api.model
    def _cron_fetch_sessions(self, now=None):
        """Fetch the sessions of all connectors that are due; the scheduled action.

        Commits page by page. One connector that fails or takes long stops no other; whatever
        happens, the next run goes on where this one stopped, and what comes twice is taken once.

        :param datetime now: naive UTC; default: the present. For tests.
        """
        now = now or fields.Datetime.now()
        progress = self.env['ir.cron']
        due = self.search(self._get_due_domain(now), order='next_at nulls first, id')
        if not progress._commit_progress(remaining=len(due)):
            # Called again by the scheduler though others have used up its time: each connector has
            # the whole time after which the server ends a scheduled action.
            return
        for connector in due:
            if not connector._run(now):
                return  # out of time: the scheduler comes back for the rest
            if not progress._commit_progress(1):
                return

    @api.model
    def _get_due_domain(self, now):
        # No wait is longer; so the clock was ahead when this one was reckoned.
        longest = now + timedelta(minutes=LONGEST_DELAY_MINUTES)
        return [
            '|', '|', '|',
            ('next_at', '=', False),
            ('next_at', '<=', now),
            ('next_at', '>', longest),
            ('cursor_at', '>', now),
        ]  # fmt: skip

    def _run(self, now):
        """Fetch for this connector and keep how it went; False when time is up."""
        self.ensure_one()
        connector = self.with_company(self.company_id)._assist_in_language()
        try:
            finished = connector._fetch(now)
            if finished:
                connector._fetch_succeeded(now)
            else:
                # Others that are due come first next time.
                retry_races(connector._stand_back, now)
            self.env.flush_all()
        except Exception as error:  # noqa: BLE001 - kept on the connector and shown
            self.env.cr.rollback()
            if not self.exists():
                return True  # deleted meanwhile
            connector._fetch_failed(error, now)
            return True
        return finished

    # === FETCHING === #

    def _fetch(self, now):
        """Fetch all that is new and mark what was billed; False when time is up."""
        client = self._get_client(keep_token=self._keep_token_at_once)
        try:
            seconds = self._get_seconds()
            client.allow(seconds * DEVICES_SHARE)
            # First the devices, by which sessions find their customers. Their failing stops no
            # session; it is told at the end.
            failure = self._fetch_devices(client, now)
            client.allow(seconds * SESSIONS_SHARE)
            retry_races(self._mend_cursor, now)
            windows = self._get_windows(now)
            moving = [window for window in windows if window.moves_cursor]
            for window, following in zip(moving, [*moving[1:], None], strict=True):
                if not self._fetch_window(client, window, following):
                    return False
            self._look_at_running(client, windows[len(moving) :])
            client.allow(seconds * MARKS_SHARE)
            finished = self._write_back(client)
            if failure:
                raise failure
            # What there was has come in; what was promised besides is told and asked for again.
            if finished:
                self._check_missing(client.missing)
            # Made before two of them were refused.
            if finished and self._get_other_account():
                raise connectors.ConnectorError('two_accounts')
            return finished
        finally:
            client.close()

    def _check_missing(self, missing):
        """Keep that no more is missing than was accepted; what once came is not missing again.

        :raise ConnectorError: more is
        """
        if missing > self.accepted_missing_count:
            is_known = missing != math.inf
            raise connectors.ConnectorError('short', missing=missing if is_known else 0)
        if missing != self.accepted_missing_count:
            self.write({'accepted_missing_count': missing})

    def _keep_token_at_once(self, token, expires):
        """Keep an access token whatever becomes of the run: only few are given out an hour."""
        self._keep_token(token, expires)
        self.env['ir.cron']._commit_progress()

    def _mend_cursor(self, now):
        """Go back to what is known to have come in where the clock was ahead for a while.

        A cursor in the future would have nothing fetched until then, and what happens meanwhile
        left out.
        """
        reached = [self.cursor_at or now, self._read_position().end if self.position else now]
        if max(reached) <= now:
            return
        [[latest]] = self.env['assist.session']._read_group(
            [
                ('company_id', '=', self.company_id.id),
                ('source', '=', self.source),
                ('external_id', '!=', False),
                ('started_at', '<=', now),
            ],
            aggregates=['started_at:max'],
        )
        self.write({'cursor_at': latest, 'position': False})
        self.env['ir.cron']._commit_progress()

    def _get_windows(self, now):
        """Return the stretches of time to be fetched, oldest first.

        First what an interrupted run left, or what the look back asks for; up to now, in slices.
        Then the days of those older sessions that were running when they were last seen, in any
        order: a run may not come to all of them.
        """
        windows = []
        start = datetime.combine(self.fetch_from, time.min)
        if self.position:
            left = self._read_position()
            windows.append(left)
            start = left.end
        elif self.cursor_at:
            start = max(start, self.cursor_at - timedelta(hours=self.overlap_hours))
        begun = windows[0].start if windows else start
        while start < now:
            end = min(start + timedelta(days=SLICE_DAYS), now)
            windows.append(Window(start, end))
            start = end
        return windows + self._get_running_windows(begun)

    def _get_running_windows(self, before):
        """Return the days of sessions of this source that are not known to have ended."""
        self.env['assist.session'].flush_model(
            ['company_id', 'source', 'external_id', 'started_at', 'ended_at']
        )
        rows = self.env.execute_query(
            SQL(
                """
                SELECT day
                  FROM (SELECT DISTINCT date_trunc('day', started_at) AS day
                          FROM assist_session
                         WHERE company_id = %s AND source = %s AND external_id IS NOT NULL
                           AND ended_at IS NULL AND started_at < %s) AS days
              ORDER BY random()
                """,
                self.company_id.id,
                self.source,
                before,
            )
        )
        return [Window(day, day + timedelta(days=1), moves_cursor=False) for [day] in rows]

    @api.model
    def _get_seconds(self):
        """Return the seconds there are until the server ends a scheduled action unheard."""
        limit = config['limit_time_real_cron']
        limit = config['limit_time_real'] if limit < 0 else limit
        return min(max(limit - SLEPT, limit / 2), LONGEST_RUN) or LONGEST_RUN

    def _fetch_window(self, client, window, following=None):
        """Take in a stretch of time page by page; False when time is up before all was fetched.

        A run stops only where the next one will go on: what cannot be interrupted, such as a list
        that is read as a whole, would else be begun again and again.
        """
        for page in client.pages(window.start, window.end, window.page):
            retry_races(self._take_page, window, page)
            seconds_left = self.env['ir.cron']._commit_progress()
            # At the end of a stretch there is nothing to go on from but its beginning.
            if not seconds_left and page.position and window.moves_cursor:
                return False
        if not window.moves_cursor:
            return True
        retry_races(self._move_cursor, window)
        seconds_left = self.env['ir.cron']._commit_progress()
        if following is None or seconds_left or (client.reads_whole and client.has_time):
            return True
        # The cursor alone does not say how far the look back has come.
        retry_races(self._keep_position, following)
        self.env['ir.cron']._commit_progress()
        return False

    def _look_at_running(self, client, windows):
        """Look at the days of sessions that were running, as many as there is time for.

        All that is new has come in; the days that are left are looked at by later runs.
        """
        if client.reads_whole and windows:
            # Read once, from the first of these days on; where that takes too long, from a later.
            windows = sorted(windows)
            windows = windows[random.choice([0, random.randrange(len(windows))]) :]  # noqa: S311
        for window in windows:
            if not client.has_time:
                return
            try:
                self._fetch_window(client, window)
            except connectors.ConnectorError as error:
                if error.code != 'too_long':
                    raise
                self.env.cr.rollback()
                return

    def _take_page(self, window, page):
        """Take in one page of records, and where to go on after it, in one transaction."""
        by_account = self._get_client_class().numbers_by_account
        answers = self.env['assist.session']._ingest(
            page.records, self.source, by_account=by_account
        )
        self.env['assist.connector.rejection']._keep(self, page.records, answers)
        counts = Counter(answer['status'] for answer in answers)
        vals = {
            f'{status}_count': self[f'{status}_count'] + counts[status]
            for status in ('created', 'updated', 'duplicate', 'rejected')
        }
        vals['received_count'] = self.received_count + len(answers)
        if window.moves_cursor:
            vals['position'] = self._count_page(self._prepare_position(window, page.position))
        self.write(vals)

    def _prepare_position(self, window, page):
        return {
            'start': fields.Datetime.to_string(window.start),
            'end': fields.Datetime.to_string(window.end),
            'page': page,
        }

    def _count_page(self, position):
        """Return a position with the number of pages of its stretch that were read, over all runs.

        :raise ConnectorError: there is no end of them
        """
        before = self.position or {}
        is_same = all(before.get(name) == position[name] for name in ('start', 'end'))
        pages = (before.get('pages', 0) if is_same else 0) + 1
        if pages > MAX_PAGES:
            raise connectors.ConnectorError('changing')
        return {**position, 'pages': pages}

    def _keep_position(self, window):
        self.write({'position': self._prepare_position(window, window.page)})

    def _read_position(self):
        position = self.position
        return Window(
            fields.Datetime.to_datetime(position['start']),
            fields.Datetime.to_datetime(position['end']),
            position['page'],
        )

    def _move_cursor(self, window):
        self.write({'cursor_at': max(window.end, self.cursor_at or window.end), 'position': False})

    # === OUTCOME === #

    def _stand_back(self, now):
        self.write({'next_at': now})

    def _fetch_succeeded(self, now):
        self.write(
            {
                'error': False,
                'attempts': 0,
                'missing_count': 0,
                'last_success_at': now,
                'next_at': now + timedelta(minutes=PAUSE_MINUTES),
            }
        )
        self.invalidate_recordset(['missing_device_count'])
        if not self.missing_device_count:
            self._assist_clear_failure()

    def _fetch_failed(self, error, now):
        """Keep why it failed and when it is tried again; tell the manager."""
        self.ensure_one()
        message, retry_after = self._explain(error)
        attempts = self.attempts + 1
        code = getattr(error, 'code', None)
        minutes = min(FIRST_DELAY_MINUTES * 2 ** min(attempts - 1, 20), LONGEST_DELAY_MINUTES)
        if code in {'short', 'two_accounts'}:
            # All that was given has come in. Where the tool counts wrongly it says so for ever, and
            # sessions must not come later and later for that; nor for what a person has to settle.
            minutes = PAUSE_MINUTES
        next_at = now + max(timedelta(minutes=minutes), timedelta(seconds=retry_after))
        vals = {
            'error': message,
            'attempts': attempts,
            'next_at': next_at,
            'missing_count': getattr(error, 'missing', 0),
        }
        if code in {'refused', 'changing', 'unexpected'} and self.position:
            # The place to go on from may not be known there any more, or leads nowhere.
            vals['position'] = {**self.position, 'page': None, 'pages': 0}
        self.write(vals)
        if code != 'rate_limited' or attempts >= PATIENCE:
            self._assist_report_failure(
                self.env._("%(name)s does not fetch sessions", name=self.name), message
            )
        self._get_cron()._trigger(at=next_at)

    def _explain(self, error):
        """Return why it failed in words, and the seconds that the tool wants to be left alone."""
        if isinstance(error, connectors.ConnectorError):
            _logger.info("Connector %s failed: %s (HTTP %s)", self.id, error.code, error.status)
            return self._describe_error(error), error.retry_after
        if isinstance(error, UserError):
            _logger.info("Connector %s failed: %s", self.id, error)
            return str(error), 0
        # The words of an unknown error may hold anything, so only its kind is told.
        _logger.error("Connector %s failed: %s", self.id, type(error).__name__, exc_info=error)
        message = self.env._(
            "An unexpected error (%(kind)s). See the server log for details.",
            kind=type(error).__name__,
        )
        return message, 0
