from datetime import datetime

from odoo.tests import tagged

from ..thorough import thorough
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
@thorough
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

    def _get_id(self, source, number):
        """Return the ID of the session of a connection."""
        if source == 'ninjaone':
            return f'activity {number * 10 + 1}'
        record = {'rustdesk': rustdesk_record, 'anydesk': anydesk_record}[source](number)
        return str(record['guid' if source == 'rustdesk' else 'sid'])

    def _create(self, source, **vals):
        return getattr(self, f'_create_{source}')(**vals)

    def test_sessions_come_in_and_come_in_once(self):
        for source in self.tools:
            with self.subTest(source=source):
                connector = self._create(source)
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
        for source in self.tools:
            with self.subTest(source=source):
                connector = self._create(source, fetch_from='2025-12-20')
                for number in range(1, 27):
                    self._put(source, number, begun=TEN - number * 86_400 + 86_400)
                self._fetch('2026-01-15 20:00:00')
                self.assertEqual(len(self._sessions(connector)), 26)
                self.assertEqual(connector.cursor_at, datetime(2026, 1, 15, 20))
                self.assertEqual(connector.received_count, 26, "each in one stretch")
                self.assertTied(connector)
                connector.action_archive()

    def test_a_running_session_ends_later(self):
        for source in self.tools:
            with self.subTest(source=source):
                connector = self._create(source)
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
            (status(403), "does not allow this account to read"),
            (status(429, Retry_After='30'), "asks for a pause"),
            (status(500), "an error on its side"),
            (status(302, Location='https://example.com'), "another address"),
            (html, "incomplete or is not data"),
            (cut_json, "incomplete or is not data"),
        ]
        self.server.page_size = 10
        for source in self.tools:
            for number in range(1, 31):
                self._put(source, number)
            for fault, words in cases:
                with self.subTest(source=source, words=words):
                    connector = self._create(source)
                    self._sessions(connector).unlink()
                    if source == 'ninjaone':
                        self.server.faults.append(on_token(nothing))
                    self.server.faults += [nothing, fault]  # the second page fails
                    if 'token' in words and source == 'ninjaone':
                        self.server.faults.pop()
                        self.server.faults[-1] = fault  # a token just given is not asked for again
                    self._fetch()
                    self.assertRegex(connector.error, words)
                    self.assertFalse(self.server.faults)
                    self.assertFalse(connector.cursor_at)
                    self.assertNoSecretShown(connector)
                    self._fetch('2026-01-16 13:00:00')
                    self.assertFalse(connector.error)
                    self.assertEqual(connector.state, 'working')
                    self.assertEqual(len(self._sessions(connector)), 30)
                    self.assertTied(connector)
                    connector.action_archive()

    def test_a_list_that_changes_while_it_is_read_loses_nothing(self):
        self.server.page_size = 10
        for source in self.tools:
            with self.subTest(source=source):
                connector = self._create(source)
                for number in range(1, 41):
                    self._put(source, number)
                if source == 'ninjaone':
                    self.server.faults.append(on_token(nothing))

                def swap(server, source=source):
                    rows = getattr(server, source)
                    del rows[:3]
                    for number in (97, 98, 99):
                        self._put(source, number, begun=TEN + 25 * 3600)

                self.server.faults += [nothing, nothing, change(swap)]
                self._fetch()
                self._fetch('2026-01-16 13:00:00')
                found = set(self._sessions(connector).mapped('external_id'))
                kept = {self._get_id(source, number) for number in (*range(4, 41), 97, 98, 99)}
                self.assertEqual(kept - found, set())
                self.assertTied(connector)
                connector.action_archive()

    def test_what_cannot_be_read_is_rejected_and_kept(self):
        for source in ('rustdesk', 'anydesk'):
            with self.subTest(source=source):
                connector = self._create(source)
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
        for source in self.tools:
            with self.subTest(source=source):
                connector = self._create(source)
                name = 'new_client_secret' if source == 'ninjaone' else 'new_api_token'
                connector[name] = 'wrong'
                self._fetch()
                words = {'ninjaone': "does not recognise this client ID"}.get(
                    source, "does not accept"
                )
                self.assertIn(words, connector.error)
                connector.action_archive()

    def test_a_second_account_that_numbers_its_records_alike_is_refused(self):
        """Its record 7 was known as the first one's, and billed to nobody."""
        first = self._create_ninjaone(name="First")
        with self.assertRefused("numbers its records in each account.*“First”"):
            self._create_ninjaone(name="Second")
        with self.assertRefused("numbers its records in each account"):
            self._create_rustdesk().source = 'ninjaone'
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        self._create_ninjaone(name="Elsewhere", company_id=other.id)
        first.action_archive()
        self._create_ninjaone(name="Second")
        with self.assertRefused("numbers its records in each account.*“Second”"):
            first.action_unarchive()
        # Others give IDs that are nobody else's.
        self._create_teamviewer(name="One")
        self._create_teamviewer(name="Two")

    def test_two_accounts_that_are_there_already_lose_no_session_unheard(self):
        """Each was taken for working, and what both had numbered alike was billed once."""
        first = self._create_ninjaone(name="First")
        second = self._create_ninjaone(name="Second", active=False)
        accounts = {
            # 2 is still running when the other account's has ended.
            first: [*ninja_activities(1), *ninja_activities(2, minutes=None)],
            second: [
                activity
                for number in (1, 2, 3)
                for activity in ninja_activities(number, begun=TEN + 3600)
            ],
        }
        self.server.ninjaone = accounts[first]
        self._fetch('2026-01-16 12:00:00')
        self.assertFalse(first.error)
        # As made before two were refused.
        self.env.cr.execute("UPDATE assist_connector SET active = TRUE WHERE id = %s", [second.id])
        self.env.invalidate_all()
        self.server.ninjaone = accounts[second]
        self._fetch('2026-01-16 12:01:00')
        sessions = self._sessions(first)
        self.assertEqual(
            {session.external_id: session.started_at.hour for session in sessions},
            {'activity 11': 10, 'activity 21': 10, 'activity 31': 11},
        )
        running = sessions.filtered(lambda session: session.external_id == 'activity 21')
        self.assertFalse(running.ended_at, "the other account's end is not its own")
        self.assertEqual(second.created_count, 1)
        self.assertEqual(len(second.rejection_ids), 2)
        self.assertIn("comes from another account", second.rejection_ids[0].reason)
        self.assertRegex(second.error, "“First” fetches from another one.*Archive one")
        self.assertEqual(str(second.next_at), '2026-01-16 12:26:00', "at the usual pace")
        self.assertIn("Archive one", self._activities(second).note)
        # Settled.
        first.action_archive()
        self._fetch('2026-01-16 13:00:00')
        self.assertFalse(second.error)
        self.assertEqual(len(second.rejection_ids), 2, "still not billed, and still listed")
