from datetime import datetime

from odoo.tests import tagged

from .connector_common import ConnectorCommon
from .vendor_server import (
    TEN,
    anydesk_record,
    change,
    cut_json,
    html,
    ninja_activities,
    nothing,
    on_token,
    rustdesk_record,
    status,
)


@tagged('post_install', '-at_install')
class TestConnectorTools(ConnectorCommon):
    """RustDesk, AnyDesk and NinjaOne: sessions come in by schedule, none lost, none twice."""

    tools = ('rustdesk', 'anydesk', 'ninjaone')

    def _put(self, source, number, **values):
        """Have the tool know of a connection."""
        if source == 'ninjaone':
            self.server.ninjaone += ninja_activities(number, **values)
        else:
            record = {'rustdesk': rustdesk_record, 'anydesk': anydesk_record}[source]
            getattr(self.server, source).append(record(number, **values))

    def _each(self, **vals):
        """Yield each tool and a connector to it."""
        for source in self.tools:
            with self.subTest(source=source):
                yield source, getattr(self, f'_create_{source}')(**vals)

    def test_sessions_come_in_and_come_in_once(self):
        for source, connector in self._each():
            for number in range(1, 31):
                self._put(source, number, begun=TEN + number * 60)
            self.server.page_size = 7
            self._fetch('2026-01-15 20:00:00')
            self._fetch('2026-01-15 21:00:00')
            sessions = self._sessions(connector)
            self.assertEqual(len(sessions), 30)
            self.assertEqual(set(sessions.mapped('duration_seconds')), {600})
            self.assertEqual(min(sessions.mapped('started_at')), datetime(2026, 1, 15, 10, 1))
            self.assertEqual(connector.duplicate_count, 30, "the look back brought them again")
            self.assertEqual(connector.state, 'working')
            self.assertTrue(all(sessions.mapped('source_device_ref')))
            self.assertTrue(all(sessions.mapped('source_technician')))
            self.assertTied(connector)
            self.assertNoSecretShown(connector)
            connector.action_archive()

    def test_a_long_time_is_fetched_in_stretches(self):
        for source, connector in self._each(fetch_from='2025-12-20'):
            for number in range(1, 27):
                self._put(source, number, begun=TEN - number * 86_400 + 86_400)
            self._fetch('2026-01-15 20:00:00')
            self.assertEqual(len(self._sessions(connector)), 26)
            self.assertEqual(connector.cursor_at, datetime(2026, 1, 15, 20))
            self.assertEqual(connector.received_count, 26, "each in one stretch")
            self.assertTied(connector)
            connector.action_archive()

    def test_a_running_session_ends_later(self):
        for source, connector in self._each():
            self._put(source, 1, minutes=None)
            self._fetch('2026-01-15 11:00:00')
            session = self._sessions(connector)
            self.assertEqual(len(session), 1)
            self.assertFalse(session.ended_at)
            setattr(self.server, source, [])
            self._put(source, 1, minutes=3_000)
            self._fetch('2026-01-20 11:00:00')
            self.assertEqual(session.ended_at.date().isoformat(), '2026-01-17')
            self.assertEqual(connector.updated_count, 1)
            self.assertEqual(len(self._sessions(connector)), 1)
            self.assertTied(connector)
            connector.action_archive()

    def test_each_failure_is_told_in_words_and_nothing_is_lost_or_doubled(self):
        cases = [
            (status(401), "does not accept the token"),
            (status(403), "lets this account not read"),
            (status(429, Retry_After='30'), "wants a pause"),
            (status(500), "a fault at its side"),
            (status(302, Location='https://example.com'), "another address"),
            (html, "cut off or no data"),
            (cut_json, "cut off or no data"),
        ]
        self.server.page_size = 10
        for source, connector in self._each():
            for number in range(1, 31):
                self._put(source, number)
            for hour, (fault, words) in enumerate(cases, 1):
                if source == 'ninjaone':
                    connector._void_access_token()
                    self.server.faults.append(on_token(nothing))
                self.server.faults += [nothing, fault]  # the second page fails
                self._fetch(f'2026-01-{16 + hour} 12:00:00')
                self.assertRegex(connector.error, words)
                self.assertNoSecretShown(connector)
                self.assertFalse(self.server.faults)
                self._fetch(f'2026-01-{16 + hour} 13:00:00')
                self.assertFalse(connector.error)
                self.assertEqual(len(self._sessions(connector)), 30)
                self.assertTied(connector)
            connector.action_archive()

    def test_a_list_that_changes_while_it_is_read_loses_nothing(self):
        self.server.page_size = 10
        for source, connector in self._each():
            for number in range(1, 41):
                self._put(source, number)
            if source == 'ninjaone':
                self.server.faults.append(on_token(nothing))

            def swap(server, source=source):
                rows = getattr(server, source)
                del rows[:3]
                for number in (97, 98, 99):
                    self._put(source, number)

            self.server.faults += [nothing, nothing, change(swap)]
            self._fetch()
            self._fetch('2026-01-16 13:00:00')
            self.assertGreaterEqual(len(self._sessions(connector)), 40)
            kept = {str(number) for number in range(4, 41)}
            found = ' '.join(self._sessions(connector).mapped('external_id'))
            self.assertTrue(all(number in found for number in kept))
            self.assertTied(connector)
            connector.action_archive()

    def test_what_cannot_be_read_is_rejected_and_kept(self):
        for source, connector in self._each():
            if source == 'ninjaone':
                continue  # what it gives is made here
            name = {'rustdesk': 'created_at', 'anydesk': 'start-time'}[source]
            self._put(source, 1)
            self._put(source, 2, **{name: 'soon'})
            self._fetch('2026-01-15 12:00:00')
            self._fetch('2026-01-15 13:00:00')
            self.assertEqual(len(self._sessions(connector)), 1)
            self.assertEqual(connector.rejection_ids.field, name)
            self.assertTied(connector)
            connector.action_archive()

    def test_wrong_credentials_are_told(self):
        for source, connector in self._each():
            name = 'new_client_secret' if source == 'ninjaone' else 'new_api_token'
            connector[name] = 'wrong'
            self._fetch()
            words = {'ninjaone': "does not know the client ID"}.get(source, "does not accept")
            self.assertIn(words, connector.error)
            connector.action_archive()
