import itertools
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import config

from ...connectors import base
from ...models.connector import fetch_sessions
from ...sources.normaliser import EARLIEST, TOLERANCE
from .connector_common import ConnectorCommon
from .vendor_server import (
    TEN,
    anydesk_record,
    body,
    nothing,
    on_token,
    pause,
    rustdesk_record,
    silence,
    teamviewer_record,
)

DAY = 24 * 3600


def status_500(handler, _query):
    handler.answer(b'', status=500)


@tagged('post_install', '-at_install')
class TestConnectorSlow(ConnectorCommon):
    """A tool that takes long or has no end: all comes in, others have their turn, it is told."""

    def setUp(self):
        super().setUp()
        self.server.anydesk = [anydesk_record(number) for number in range(1, 4)]
        self.server.rustdesk = [rustdesk_record(number) for number in range(1, 4)]

    def test_a_list_that_takes_longer_than_a_run_is_fetched_and_done(self):
        connector = self._create_anydesk(fetch_from='2025-12-20')
        # All the time of a run is gone before the first page has come.
        with self._time_is_up_after(2):
            self._fetch()
        self.assertEqual(len(self._sessions(connector)), 3)
        self.assertEqual(connector.state, 'working')
        self.assertGreater(str(connector.next_at), '2026-01-16 12:00:00')

    def test_days_of_sessions_that_never_end_do_not_keep_a_run_from_its_end(self):
        connector = self._fetch_running(days=5)
        self.assertEqual(set(self._sessions(connector).mapped('state')), {'running'})
        self.server.requests.clear()
        with self._time_is_up_after(2):
            self._fetch('2026-01-12 13:00:00')
        self.assertEqual(len(self.server.requests), 6, "what is new, and five days")
        self.assertEqual(str(connector.last_success_at), '2026-01-12 13:00:00')

    def test_days_of_running_sessions_that_there_is_no_time_for_are_no_failure(self):
        connector = self._fetch_running(days=3)
        self.server.faults += [pause(1.7)] * 4
        with self._server_ends_runs_after(16):
            self._fetch('2026-01-12 13:00:00')
        self.assertFalse(connector.error)
        self.assertTrue(self.server.faults, "a day was not looked at")
        self.server.faults.clear()
        self.assertEqual(str(connector.last_success_at), '2026-01-12 13:00:00')

    def test_a_list_is_read_once_for_all_days_of_running_sessions(self):
        connector = self._create_rustdesk(fetch_from='2026-01-01')
        self.server.rustdesk = [
            rustdesk_record(number, begun=TEN - number * DAY, minutes=None)
            for number in range(5, 9)
        ]
        self._fetch('2026-01-16 12:00:00')
        self.server.requests.clear()
        for begun in self.server.rustdesk:
            begun['end_time'] = begun['created_at'] + 60
        with patch('random.choice', min):
            self._fetch('2026-01-16 13:00:00')
        self.assertEqual(len(self.server.requests), 2, "what is new, and all from the first day on")
        self.assertEqual(set(self._sessions(connector).mapped('duration_seconds')), {60})

    def test_a_long_look_back_comes_to_its_end(self):
        connector = self._create_teamviewer(fetch_from='2025-12-01', overlap_hours=720)
        self._fetch('2026-01-12 12:00:00')
        for _run in range(6):
            with self._time_is_up_after(2):
                self._fetch('2026-01-12 13:00:00')
        self.assertEqual(str(connector.last_success_at), '2026-01-12 13:00:00')
        self.assertFalse(connector.position)

    def test_one_that_is_not_done_lets_the_others_go_first(self):
        self.server.page_size = 1
        self.server.teamviewer = [teamviewer_record(number) for number in range(1, 11)]
        slow, other = self._create_teamviewer(), self._create_rustdesk()
        with self._time_is_up_after(2):
            self._fetch('2026-01-16 12:00:00')
        self.assertEqual((slow.state, other.state), ('new', 'new'))
        with self._time_is_up_after(3):
            self._fetch('2026-01-16 12:00:05')
        self.assertEqual(other.created_count, 3)
        self.assertLess(slow.created_count, 10)
        self._fetch('2026-01-16 12:01:00')
        self.assertEqual(slow.created_count, 10)
        self.assertTied(slow)

    def test_a_list_without_an_end_is_told_and_begun_anew(self):
        self.server.teamviewer = [teamviewer_record(1)]
        numbers = itertools.count(1)

        def answer_teamviewer(handler, _query):
            records = handler.server.teamviewer
            return handler.answer({'records': records, 'next_offset': str(next(numbers))})

        connector = self._create_teamviewer()
        handler = self.server.RequestHandlerClass
        with (
            patch.object(handler, 'answer_teamviewer', answer_teamviewer),
            patch.object(fetch_sessions, 'MAX_PAGES', 6),
        ):
            for _run in range(4):
                with self._time_is_up_after(3):
                    self._fetch()
        self.assertIn("kept changing", connector.error)
        self.assertIsNone(connector.position['page'])
        self._fetch('2026-01-16 13:00:00')
        self.assertFalse(connector.error)
        self.assertTied(connector)

    def test_a_place_that_leads_round_in_circles_is_given_up(self):
        self.server.page_size = 1
        self.server.teamviewer = [teamviewer_record(number) for number in range(1, 4)]
        connector = self._create_teamviewer()
        self.server.faults += [
            body({'records': [], 'next_offset': offset}) for offset in ('77', '78', '77')
        ]
        self._fetch()
        self.assertIn("documented format", connector.error)
        self.assertIsNone(connector.position['page'])
        self._fetch('2026-01-16 13:00:00')
        self.assertEqual(len(self._sessions(connector)), 3)
        self.assertFalse(connector.error)

    def test_a_list_that_takes_longer_than_the_server_allows_is_told(self):
        self.server.page_size = 1
        connector, other = self._create_anydesk(), self._create_teamviewer()
        self.server.faults += [pause(1)] * 3
        with self._server_ends_runs_after(8):
            self._fetch()
        self.server.faults.clear()
        # On a slow machine it may be the second page that does not come in time.
        self.assertRegex(connector.error, "took longer than a scheduled action|respond in time")
        self.assertEqual(other.state, 'working')
        self._fetch('2026-01-16 13:00:00')
        self.assertEqual(len(self._sessions(connector)), 3)
        self.assertFalse(connector.error)

    def test_devices_that_take_all_their_time_leave_some_for_the_sessions(self):
        connector = self._create_zoho(device_departments='101')
        self.server.faults += [on_token(nothing), silence(5)]
        with self._server_ends_runs_after(12):
            self._fetch()
        self.assertIn("Devices of department 101", connector.error)
        self.assertTrue(connector.cursor_at, "the sessions were fetched")

    def test_one_that_counts_wrongly_goes_on_at_the_usual_pace(self):
        def answer_rustdesk(handler, query):
            records = handler.server.rustdesk if query['current'] == '1' else []
            return handler.answer({'data': records, 'total': 4})

        connector = self._create_rustdesk()
        with patch.object(self.server.RequestHandlerClass, 'answer_rustdesk', answer_rustdesk):
            for hour in range(12, 22):
                self._fetch(f'2026-01-16 {hour}:00:00')
        self.assertIn("more records than it gives", connector.error)
        self.assertEqual(str(connector.next_at), '2026-01-16 21:25:00')
        self.assertEqual(connector.created_count, 3)

    def test_what_is_missing_is_accepted_by_a_person_until_more_is(self):
        """It was failing for ever, and other failures were not told from that."""
        told = [4]

        def answer_rustdesk(handler, query):
            records = handler.server.rustdesk if query['current'] == '1' else []
            return handler.answer({'data': records, 'total': told[0]})

        connector = self._create_rustdesk()
        with patch.object(self.server.RequestHandlerClass, 'answer_rustdesk', answer_rustdesk):
            self._fetch('2026-01-16 12:00:00')
            self.assertEqual((connector.state, connector.missing_count), ('failing', 1))
            connector.action_accept_missing()
            self._fetch('2026-01-16 13:00:00')
            self.assertEqual((connector.state, connector.missing_count), ('working', 0))
            self.assertFalse(self._activities(connector))
            [message] = connector.message_ids.filtered(lambda one: "Accepted" in (one.body or ''))
            self.assertIn("1 more records", message.body)
            self.assertEqual(message.author_id, self.env.user.partner_id)
            told[0] = 5
            self._fetch('2026-01-16 14:00:00')
            self.assertEqual((connector.state, connector.missing_count), ('failing', 2))
            told[0] = 3
            self._fetch('2026-01-16 15:00:00')
            self.assertEqual(connector.state, 'working')
            # All had come: what is missing from now on was not accepted.
            told[0] = 4
            self._fetch('2026-01-16 16:00:00')
            self.assertEqual(connector.state, 'failing')

    def test_a_clock_that_was_ahead_for_a_while_leaves_nothing_out(self):
        self.server.teamviewer = [teamviewer_record(1)]
        working, failing = self._create_teamviewer(), self._create_rustdesk()
        with patch.object(self.server.RequestHandlerClass, 'answer_rustdesk', status_500):
            self._fetch('2027-01-16 12:00:00')
        self.assertEqual((working.state, failing.state), ('working', 'failing'))
        # Right again, and nobody saw to it for days.
        later = '2026-01-17T10:00:00Z'
        self.server.teamviewer.append(teamviewer_record(2, start=later, end='2026-01-17T10:09:00Z'))
        self._fetch('2026-01-20 12:00:00')
        self.assertEqual((working.created_count, failing.created_count), (2, 3))
        self.assertEqual(str(working.cursor_at), '2026-01-20 12:00:00')
        self.assertEqual(str(working.next_at), '2026-01-20 12:25:00')
        self.assertTied(working)
        self.server.requests.clear()
        self._fetch('2026-01-20 12:01:00')
        self.assertFalse(self.server.requests)

    def test_what_is_too_early_for_a_connector_is_too_early_for_all(self):
        self.assertEqual(base.EARLIEST, base.to_seconds(EARLIEST))
        self.assertEqual(base.AHEAD, TOLERANCE.total_seconds())

    # === HELPERS === #

    def _fetch_running(self, days):
        """Return a connector that has fetched a session of each day, none of which has ended."""
        connector = self._create_teamviewer(fetch_from='2026-01-01')
        for number in range(1, 1 + days):
            begun = f'2026-01-0{number}T10:00:00Z'
            self.server.teamviewer.append(teamviewer_record(number, start=begun, end=None))
        self._fetch('2026-01-12 12:00:00')
        return connector

    def _server_ends_runs_after(self, seconds):
        return patch.dict(config.options, {'limit_time_real_cron': seconds})
