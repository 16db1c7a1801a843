# ruff: noqa: S105, S106 - these secrets open nothing
from datetime import datetime
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .connector_common import ConnectorCommon
from .vendor_server import (
    body,
    change,
    cut_json,
    html,
    nothing,
    on_token,
    silence,
    status,
    teamviewer_record,
    truncated,
    zoho_record,
)

FETCH_LOGGER = 'odoo.addons.assist_billing.models.connector.fetch_sessions'


@tagged('post_install', '-at_install')
class TestConnectorFetch(ConnectorCommon):
    """Sessions come in by schedule: none lost, none twice, whatever fails."""

    # === ALL IS WELL === #

    def test_sessions_of_both_tools_come_in_and_come_in_once(self):
        self.server.zoho = [zoho_record(number) for number in range(1, 121)]
        self.server.teamviewer = [teamviewer_record(number) for number in range(1, 31)]
        self.server.page_size = 20
        connectors = self._create_zoho() | self._create_teamviewer()
        self._fetch('2026-01-15 20:00:00')
        self._fetch('2026-01-15 21:00:00')
        for connector, amount in zip(connectors, (120, 30), strict=True):
            self.assertEqual(len(self._sessions(connector)), amount)
            self.assertEqual(connector.duplicate_count, amount, "the look back brought them again")
            self.assertEqual(connector.state, 'working')
            self.assertEqual(connector.cursor_at, datetime(2026, 1, 15, 21))
            self.assertEqual(connector.last_success_at, datetime(2026, 1, 15, 21))
            self.assertFalse(connector.position)
            self.assertTied(connector)
            self.assertNoSecretShown(connector)
        self.assertEqual(self.server.tokens, 1, "the access token is kept from run to run")

    def test_the_scheduled_action_runs_it(self):
        self.server.zoho = [zoho_record(number) for number in range(1, 31)]
        connector = self._create_zoho()
        # sudo: scheduled actions are the administrator's
        cron = self.env.ref('assist_billing.ir_cron_fetch_sessions').sudo()
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(connector.state, 'working')
        self.assertEqual(connector.created_count, 30)
        self.assertTied(connector)

    def test_one_that_has_just_fetched_waits_for_the_next_run_of_the_schedule(self):
        self._create_teamviewer()
        self._fetch('2026-01-16 12:00:00')
        asked = len(self.server.requests)
        self._fetch('2026-01-16 12:01:00')
        self.assertEqual(len(self.server.requests), asked)
        self._fetch('2026-01-16 12:30:00')
        self.assertGreater(len(self.server.requests), asked)

    def test_sessions_that_the_tool_reports_late_are_found_by_looking_back(self):
        connector = self._create_zoho()
        self._fetch('2026-01-15 20:00:00')
        self.server.zoho = [zoho_record(1)]  # of 10:00
        self._fetch('2026-01-15 21:00:00')
        self.assertEqual(len(self._sessions(connector)), 1)

    def test_a_running_session_is_looked_at_until_it_ends(self):
        self.server.zoho = [zoho_record(1, minutes=None), zoho_record(2)]
        connector = self._create_zoho()
        self._fetch('2026-01-15 11:00:00')
        running = self._sessions(connector).filtered(lambda session: not session.ended_at)
        self.assertEqual(running.external_id, '1')
        self._fetch('2026-03-01 11:00:00')
        self.assertFalse(running.ended_at)
        self.server.zoho[0] = zoho_record(1, minutes=90)
        self._fetch('2026-03-02 11:00:00')
        self.assertEqual(running.ended_at, datetime(2026, 1, 15, 11, 30))
        self.assertEqual(connector.updated_count, 1)
        self.assertEqual(connector.cursor_at, datetime(2026, 3, 2, 11), "it moved not back")
        self.assertTied(connector)

    def test_sessions_go_to_the_company_of_the_connector(self):
        # sudo: the user of these tests sets up no companies
        other = self.env['res.company'].sudo().create({'name': "Other Company"})
        self.env.user.sudo().company_ids |= other
        self.server.zoho = [zoho_record(1)]
        # sudo: see above
        connector = self._create_zoho().sudo()
        connector.company_id = other
        self._fetch()
        self.assertEqual(self._sessions(connector).company_id, other)

    def test_what_is_rejected_is_kept_with_its_reason_until_it_is_mended(self):
        bad = zoho_record(2) | {'start_time': 'soon'}
        self.server.zoho = [zoho_record(1), bad]
        self.server.faults.append(on_token(nothing))
        self.server.faults.append(
            body({'representation': self.server.zoho, 'total_count': 2, 'page': {}})
        )
        connector = self._create_zoho()
        self._fetch('2026-01-15 12:00:00')
        self.assertEqual(connector.rejection_ids.field, 'start_time')
        self.assertIn('soon', connector.rejection_ids.record)
        self.assertIn('start_time', connector.rejection_ids.reason)
        self.assertTied(connector)
        self.server.faults.append(
            body({'representation': self.server.zoho, 'total_count': 2, 'page': {}})
        )
        self._fetch('2026-01-15 13:00:00')
        self.assertEqual(len(connector.rejection_ids), 1, "the same is kept once")
        self.server.zoho[1] = zoho_record(2)
        self._fetch('2026-01-15 14:00:00')
        self.assertFalse(connector.rejection_ids)
        self.assertTied(connector)

    def test_what_a_tool_promises_and_does_not_give_is_told_and_asked_for_again(self):
        records = [zoho_record(number) for number in range(1, 4)]
        self.server.faults.append(on_token(nothing))
        self.server.faults += [
            body({'representation': page, 'total_count': 5, 'page': {'next': following}})
            for page, following in [(records, '?index=4'), ([], None)] * 2
        ]
        connector = self._create_zoho()
        self._fetch('2026-01-15 12:00:00')
        self.assertEqual(len(self._sessions(connector)), 3, "what there was came in")
        self.assertTrue(connector.cursor_at, "and what comes later is asked for")
        self.assertIn("more records than it gives", connector.error)
        self.assertTied(connector)
        self.server.faults.clear()
        self.server.zoho = [*records, zoho_record(4), zoho_record(5)]
        self._fetch('2026-01-15 13:00:00')
        self.assertEqual(len(self._sessions(connector)), 5)
        self.assertFalse(connector.error)

    # === FAILURES === #

    def test_each_failure_is_told_in_words_and_nothing_is_lost_or_doubled(self):
        cases = [
            (status(401), "does not accept the token"),
            (status(403), "does not allow this account to read"),
            (status(429, Retry_After='30'), "asks for a pause"),
            (status(500), "an error on its side"),
            (status(302, Location='https://example.com'), "another address"),
            (status(404), "rejected the request"),
            (html, "incomplete or is not data"),
            (cut_json, "incomplete or is not data"),
            (truncated, "incomplete or is not data|connection was lost"),
            (body({'records': 7}), "does not have the documented format"),
        ]
        self.server.teamviewer = [teamviewer_record(number) for number in range(1, 31)]
        self.server.page_size = 10
        for fault, words in cases:
            with self.subTest(words=words):
                connector = self._create_teamviewer()
                self._sessions(connector).unlink()
                self.server.faults += [nothing, fault]  # the second page fails
                self._fetch()
                self.assertRegex(connector.error, words)
                self.assertEqual(connector.state, 'failing')
                self.assertFalse(connector.cursor_at)
                self.assertEqual(len(self._sessions(connector)), 10, "what came in stays in")
                self.assertNoSecretShown(connector)
                asked = len(self.server.requests)
                self._fetch('2026-01-16 12:01:00')
                self.assertEqual(len(self.server.requests), asked, "it waits")
                self._fetch('2026-01-16 13:00:00')
                self.assertFalse(connector.error)
                self.assertEqual(connector.attempts, 0)
                self.assertEqual(connector.state, 'working')
                self.assertEqual(len(self._sessions(connector)), 30)
                self.assertFalse(self._activities(connector))
                self.assertTied(connector)
                connector.action_archive()

    def test_wrong_credentials_of_zoho_are_told_apart(self):
        connector = self._create_zoho(refresh_token='1000.expired')
        self._fetch()
        self.assertIn("does not accept the refresh token", connector.error)
        self.assertNotIn('1000.expired', connector.error)
        connector.new_client_secret = 'wrong'
        self._fetch('2026-01-16 12:01:00')
        self.assertIn("does not recognise this client ID", connector.error)
        connector.client_id = False
        self._fetch('2026-01-16 12:02:00')
        self.assertIn("Fill them in", connector.error)
        self.assertNoSecretShown(connector)

    def test_a_timeout_is_told_in_words(self):
        connector = self._create_teamviewer()
        self.server.faults.append(silence(1.5))
        with (
            patch.object(type(self), '_request_handler', self._send_unchanged),
            patch.object(
                self.registry['assist.connector'], '_get_client', self._get_impatient_client()
            ),
        ):
            self._fetch()
        self.assertIn("did not respond in time", connector.error)

    @classmethod
    def _send_unchanged(cls, session, request, /, **kwargs):
        """Send within the time-out that was given; Odoo's tests lengthen it to 10 seconds."""
        adapter = session.get_adapter(request.url)
        kwargs.pop('allow_redirects', None)
        return adapter.send(request, **kwargs)

    def _get_impatient_client(self):
        original = self.registry['assist.connector']._get_client

        def get_client(connector, *args, **kwargs):
            client = original(connector, *args, **kwargs)
            client.timeout = 0.3
            return client

        return get_client

    def test_delays_grow_and_a_pause_that_is_asked_for_is_kept(self):
        connector = self._create_teamviewer()
        for minutes, now in ((5, '12:00'), (10, '12:05'), (20, '12:15'), (40, '12:35')):
            self.server.faults.append(status(500))
            self._fetch(f'2026-01-16 {now}:00')
            waits = connector.next_at - datetime.fromisoformat(f'2026-01-16 {now}:00')
            self.assertEqual(waits.total_seconds(), minutes * 60)
        self.server.faults.append(status(429, Retry_After='7200'))
        self._fetch('2026-01-16 14:00:00')
        self.assertEqual(connector.next_at, datetime(2026, 1, 16, 16))
        connector.action_fetch_now()
        self._fetch('2026-01-16 14:01:00')
        self.assertEqual(connector.state, 'working', "asked to, it tries at once")

    def test_the_manager_gets_one_activity_and_success_takes_it_away(self):
        connector = self._create_teamviewer()
        for now in ('12:00', '13:00', '14:00'):
            self.server.faults.append(status(500))
            self._fetch(f'2026-01-16 {now}:00')
        activity = self._activities(connector)
        self.assertEqual(len(activity), 1)
        self.assertIn("an error on its side", activity.note)
        self.assertEqual(activity.user_id, self.company._assist_get_manager())
        self._fetch('2026-01-16 18:00:00')
        self.assertFalse(self._activities(connector))

    def test_being_asked_to_pause_calls_nobody_unless_it_goes_on(self):
        connector = self._create_teamviewer()
        for times, now in enumerate(('12:00', '13:00', '14:00'), 1):
            self.server.faults.append(status(429))
            self._fetch(f'2026-01-16 {now}:00')
            self.assertEqual(len(self._activities(connector)), int(times == 3))

    def test_one_failing_connector_does_not_stop_the_others(self):
        self.server.zoho = [zoho_record(1)]
        failing = self._create_teamviewer(api_token='wrong-token')
        other = self._create_zoho()
        self._fetch()
        self.assertEqual(failing.state, 'failing')
        self.assertEqual(other.state, 'working')
        self.assertEqual(len(self._sessions(other)), 1)

    def test_an_unexpected_error_is_kept_without_its_words(self):
        connector = self._create_teamviewer()
        ingest = patch.object(
            self.registry['assist.session'], '_ingest', side_effect=KeyError("secret words")
        )
        with ingest, mute_logger(FETCH_LOGGER):
            self._fetch()
        self.assertIn("unexpected error (KeyError)", connector.error)
        self.assertNotIn("secret words", connector.error)
        self._fetch('2026-01-16 13:00:00')
        self.assertEqual(connector.state, 'working')

    # === WHERE IT STOPPED === #

    def test_a_run_goes_on_at_the_page_where_the_last_one_failed(self):
        self.server.page_size = 10
        for source in ('zoho', 'teamviewer'):
            with self.subTest(source=source):
                record = zoho_record if source == 'zoho' else teamviewer_record
                setattr(self.server, source, [record(number) for number in range(1, 51)])
                connector = getattr(self, f'_create_{source}')()
                if source == 'zoho':
                    self.server.faults.append(on_token(nothing))
                self.server.faults += [nothing, nothing, nothing, status(500)]
                self._fetch()
                self.assertEqual(connector.received_count, 30)
                self._fetch('2026-01-16 12:05:00')
                self.assertEqual(connector.created_count, 50)
                self.assertEqual(len(self._sessions(connector)), 50)
                # Nothing was read twice but what lies in the five minutes since.
                self.assertEqual(connector.received_count, 50 + connector.duplicate_count)
                self.assertTied(connector)

    def test_a_run_that_is_out_of_time_goes_on_later(self):
        self.server.page_size = 10
        self.server.teamviewer = [teamviewer_record(number) for number in range(1, 51)]
        connector = self._create_teamviewer()
        with self._time_is_up_after(3):
            self._fetch()
        self.assertEqual(connector.received_count, 20)
        self.assertFalse(connector.last_success_at)
        self.assertFalse(connector.error)
        self._fetch()
        self.assertEqual(len(self._sessions(connector)), 50)
        self.assertEqual(connector.state, 'working')

    def test_a_place_that_the_tool_does_not_know_any_more_is_given_up(self):
        self.server.page_size = 10
        self.server.teamviewer = [teamviewer_record(number) for number in range(1, 31)]
        connector = self._create_teamviewer()
        self.server.faults += [nothing, status(400)]
        self._fetch()
        self.assertIsNone(connector.position['page'])
        self._fetch('2026-01-16 13:00:00')
        self.assertEqual(len(self._sessions(connector)), 30)

    def test_a_list_that_changes_while_it_is_read_loses_nothing(self):
        self.server.page_size = 10
        self.server.zoho = [zoho_record(number) for number in range(1, 41)]
        connector = self._create_zoho()
        self.server.faults += [
            on_token(nothing),
            nothing,
            nothing,
            change(lambda server: server.zoho.__delitem__(slice(0, 3))),
        ]
        self._fetch()
        self.assertFalse(connector.error)
        self.assertEqual(len(self._sessions(connector)), 40, "those that vanished were seen")
        self.assertTied(connector)

    def test_a_long_time_is_fetched_in_slices_and_none_is_fetched_again(self):
        connector = self._create_teamviewer()
        self.server.faults += [nothing, nothing, status(500)]
        self._fetch('2026-03-01 00:00:00')
        self.assertEqual(connector.cursor_at, datetime(2026, 1, 29))
        self._fetch('2026-03-01 01:00:00')
        self.assertEqual(connector.cursor_at, datetime(2026, 3, 1, 1))
        self.assertEqual(self.server.requests[3][2]['from_date'], '2026-01-28T00:00:00Z')

    # === MARKING === #

    def test_billed_sessions_are_marked_once(self):
        self.server.teamviewer = [teamviewer_record(number) for number in range(1, 4)]
        connector = self._create_teamviewer(write_back=True, write_back_from='2026-01-01')
        self._fetch()
        self.assertFalse(self.server.marked)
        self._associate()
        sessions = self._sessions(connector)
        sessions.partner_id = self.customer
        self._close('2026-02-01 00:00:00')
        self.assertEqual(set(sessions.mapped('state')), {'billed'})
        self.server.gone = {sessions[0].external_id}
        # The first mark fails: the queue keeps all.
        with self._fault_on_put(status(500)):
            self._fetch('2026-02-01 01:00:00')
        self.assertEqual(connector.write_back_pending_count, 3)
        self.assertIn("an error on its side", connector.error)
        self._fetch('2026-02-01 02:00:00')
        self.assertCountEqual(self.server.marked, sessions[1:].mapped('external_id'))
        self.assertEqual(connector.write_back_pending_count, 0)
        self.assertEqual(connector.write_back_refused_count, 1)
        self.assertIn("refused", connector.write_back_ids.filtered('error').error)
        self.assertEqual(connector.state, 'working')
        self._fetch('2026-02-01 03:00:00')
        self.assertEqual(len(self.server.marked), 2, "none is marked twice")
        self.server.gone = set()
        connector.write_back_ids.action_try_again()
        self._fetch('2026-02-01 04:00:00')
        self.assertCountEqual(self.server.marked, sessions.mapped('external_id'))

    def _fault_on_put(self, fault):
        original = self.server.RequestHandlerClass.do_PUT

        def do_put(handler):
            handler.read_body()
            fault(handler)

        self.assertTrue(original)
        return patch.object(self.server.RequestHandlerClass, 'do_PUT', do_put)

    def test_nothing_is_marked_unless_it_is_asked_for(self):
        self.server.teamviewer = [teamviewer_record(1)]
        connector = self._create_teamviewer()
        self._fetch()
        self._associate()
        self._sessions(connector).partner_id = self.customer
        self._close('2026-02-01 00:00:00')
        self._fetch('2026-02-01 01:00:00')
        self.assertFalse(self.server.marked)
        self.assertFalse(connector.write_back_ids)
