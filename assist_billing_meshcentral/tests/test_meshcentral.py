from datetime import datetime, timedelta

from odoo.tests import tagged

from odoo.addons.assist_billing import sources

from .common import MeshCommon
from .mesh_server import TEN, change, events_of, nothing

START, END = datetime(2026, 1, 15), datetime(2026, 1, 16)
DAY = timedelta(days=1)


@tagged('post_install', '-at_install')
class TestMeshCentral(MeshCommon):
    """Sessions of MeshCentral come in by schedule, none lost, none twice."""

    def _put(self, number, **values):
        self.mesh.events += events_of(number, **values)

    def test_sessions_come_in_and_come_in_once(self):
        connector = self._create_meshcentral()
        for number in range(1, 31):
            self._put(number, begun=TEN + number * 60, device=number % 2 + 1)
        self._fetch('2026-01-15 20:00:00')
        self._fetch('2026-01-15 21:00:00')
        self.assertFalse(connector.error)
        sessions = self._sessions(connector)
        self.assertEqual(len(sessions), 30)
        self.assertEqual(set(sessions.mapped('duration_seconds')), {600})
        self.assertEqual(min(sessions.mapped('started_at')), datetime(2026, 1, 15, 10, 1))
        self.assertEqual(set(sessions.mapped('source_technician')), {'ava'})
        self.assertEqual(set(sessions.mapped('source_group')), {"Acme", "Globex"})
        self.assertEqual(set(sessions.mapped('source_device')), {"FRONT-DESK", "SERVER"})
        self.assertEqual(
            set(sessions.mapped('source_device_ref')), {'node//Device1', 'node//Device2'}
        )
        self.assertEqual(connector.duplicate_count, 30, "the look back brought them again")
        self.assertFalse(any(sessions.mapped('source_difference')))
        self.assertEqual(connector.state, 'working')
        self.assertTied(connector)
        self.assertNoSecretShown(connector)

    def test_the_group_of_a_device_says_whose_it_is(self):
        self.env['assist.matching.rule'].create(
            {
                'field': 'group',
                'operator': 'equals',
                'value': "Acme",
                'partner_id': self.customer.id,
            }
        )
        connector = self._create_meshcentral()
        self._put(1)
        self._fetch('2026-01-15 20:00:00')
        self.assertEqual(self._sessions(connector).partner_id, self.customer)

    def test_a_file_of_the_same_events_brings_nothing_new(self):
        connector = self._create_meshcentral()
        for number in range(1, 4):
            self._put(number)
        self._fetch('2026-01-15 20:00:00')
        answers = self.env['assist.session'].ingest(self.mesh.events, 'meshcentral')
        self.assertEqual({answer['status'] for answer in answers}, {'duplicate'})
        self.assertEqual(len(self._sessions(connector)), 3)

    def test_a_running_session_ends_later(self):
        connector = self._create_meshcentral()
        self._put(1, minutes=None)
        self._fetch('2026-01-15 11:00:00')
        session = self._sessions(connector)
        self.assertEqual(len(session), 1)
        self.assertFalse(session.ended_at)
        self.mesh.events = []
        self._put(1, minutes=3_000)
        self._fetch('2026-01-20 11:00:00')
        self.assertEqual(session.ended_at, datetime(2026, 1, 17, 12))
        self.assertEqual(connector.updated_count, 1)
        self.assertEqual(self._sessions(connector), session)
        self.assertTied(connector)

    def test_a_session_that_began_at_midnight_ends_though_its_end_says_the_day_after(self):
        # The seconds that an end names are cut, so that it seems to have begun a bit later.
        midnight = int(datetime(2026, 1, 16).timestamp())
        start, end = events_of(1, begun=midnight, minutes=5_000)
        start['time'] = '2026-01-15T23:59:59.900Z'
        connector = self._create_meshcentral()
        self.mesh.events = [start]
        self._fetch('2026-01-16 00:30:00')
        session = self._sessions(connector)
        self.assertFalse(session.ended_at)
        self.mesh.events = [start, end]
        self._fetch('2026-01-25 00:30:00')
        self.assertTrue(session.ended_at)
        self.assertEqual(self._sessions(connector), session)

    def test_an_end_alone_is_the_same_session(self):
        connector = self._create_meshcentral()
        self._put(1)
        self._fetch('2026-01-15 20:00:00')
        del self.mesh.events[0]  # forgotten there, or of a colleague
        self._fetch('2026-01-15 21:00:00')
        session = self._sessions(connector)
        self.assertEqual(session.duration_seconds, 600)
        self.assertFalse(session.source_difference)
        self.assertEqual(connector.duplicate_count, 1)

    def test_an_end_alone_comes_in_however_long_ago_it_began(self):
        connector = self._create_meshcentral()
        self._fetch('2026-01-15 20:00:00')
        [_start, end] = events_of(1, minutes=4_000)
        self.mesh.events = [end]
        self._fetch('2026-01-18 06:00:00')
        self.assertEqual(self._sessions(connector).started_at, datetime(2026, 1, 15, 10))
        self.assertTied(connector)

    def test_a_long_time_is_fetched_in_stretches(self):
        connector = self._create_meshcentral(fetch_from='2025-12-20')
        for number in range(1, 27):
            self._put(number, begun=TEN - number * 86_400 + 86_400)
        self._fetch('2026-01-15 20:00:00')
        self.assertEqual(len(self._sessions(connector)), 26)
        self.assertEqual(connector.cursor_at, datetime(2026, 1, 15, 20))
        self.assertEqual(connector.received_count, 26, "each in one stretch")
        self.assertEqual(len(self.mesh.logins), 1)
        self.assertTied(connector)

    def test_more_is_asked_for_until_it_reaches_back_far_enough(self):
        for number in range(1, 1_201):
            self._put(number, begun=TEN - number * 60)
        client = self._make_client()
        records = self._read(client, START - 9 * DAY, END)
        self.assertEqual(len({record['Session ID'] for record in records}), 1_200)
        limits = [asked['limit'] for asked in self.mesh.asked if asked['action'] == 'events']
        self.assertEqual(limits, [1_000, 4_000])
        self.mesh.asked.clear()
        recent = self._read(self._make_client(), datetime(2026, 1, 15, 9), END)
        self.assertEqual(len(recent), 60)
        limits = [asked['limit'] for asked in self.mesh.asked if asked['action'] == 'events']
        self.assertEqual(limits, [1_000], "no more than is needed")

    def test_a_list_that_changes_while_it_is_read_loses_nothing(self):
        for number in range(1, 801):
            self._put(number)

        def swap(server):
            del server.events[:200]
            for number in range(901, 1_001):
                server.events += events_of(number, begun=TEN + 7_200)

        # The log-in, the first thousand; then what there is by now.
        self.mesh.faults += [nothing, nothing, change(swap)]
        found = {row['Session ID'] for row in self._read(self._make_client(), START, END)}
        kept = {f's{number:05d} node//Device1' for number in (*range(101, 801), *range(901, 1_001))}
        self.assertEqual(kept - found, set())

    def test_an_older_server_overlooks_what_it_does_not_know(self):
        self._put(1, device=1)
        self._put(2, device=2)
        self._put(3, device=3)
        self.mesh.events.append(
            {'action': 'login', 'etype': 'user', 'msgid': 107, 'time': '2026-01-15T10:00:00.000Z'}
        )
        self.mesh.overlooks = ('filter', 'id')
        records = self._read(self._make_client(), START, END)
        self.assertEqual({row['Device'] for row in records}, {None, "SERVER", "FRONT-DESK"})
        self.assertLessEqual(
            len([asked for asked in self.mesh.asked if asked['action'] == 'nodes']), 2
        )

    def test_web_sessions_and_what_several_look_at(self):
        common = {
            'action': 'relaylog',
            'userid': 'user//ava',
            'username': 'ava',
            'nodeid': 'node//Device1',
        }
        at = '2026-01-15T10:{:02d}:00.000Z'
        self.mesh.events = [
            {**common, 'msgid': 150, 'msgArgs': ['rdp'], 'time': at.format(0)},
            {**common, 'msgid': 125, 'msgArgs': [300, 'rdp'], 'time': at.format(5)},
            {**common, 'msgid': 148, 'msgArgs': ['ssh'], 'time': at.format(6)},
            {**common, 'msgid': 126, 'msgArgs': [60], 'time': at.format(9)},
            {**common, 'msgid': 145, 'msgArgs': ['shared'], 'time': at.format(10)},
            {**common, 'msgid': 143, 'msgArgs': ['shared'], 'time': at.format(11)},
            {**common, 'msgid': 144, 'msgArgs': ['shared', 120], 'time': at.format(13)},
            {**common, 'msgid': 144, 'msgArgs': ['shared', 240], 'time': at.format(14)},
            {
                **common,
                'username': 'ben',
                'msgid': 144,
                'msgArgs': ['shared', 180],
                'time': at.format(14),
            },
            {**common, 'msgid': 147, 'msgArgs': ['shared', 240], 'time': at.format(14)},
            {**common, 'msgid': 146, 'msgArgs': ['shared', 240], 'time': at.format(14)},
        ]
        connector = self._create_meshcentral()
        self._fetch('2026-01-15 20:00:00')
        sessions = self._sessions(connector)
        self.assertEqual(
            sorted(
                (session.source_technician, session.duration_seconds, bool(session.ended_at))
                for session in sessions
            ),
            [
                ('ava', 0, False),
                ('ava', 60, True),
                ('ava', 120, True),
                ('ava', 240, True),
                ('ava', 300, True),
                ('ben', 180, True),
            ],
        )
        self.assertFalse(connector.rejection_ids)
        self.assertTied(connector)

    def test_what_is_not_known_is_rejected_and_kept(self):
        connector = self._create_meshcentral()
        self._put(1)
        odd = {'action': 'relaylog', 'msgid': 999, 'msg': "Waved", 'time': '2026-01-15T10:00:00Z'}
        [_start, end] = events_of(2)
        end |= {'time': 'soon'}
        self.mesh.events += [odd, end]
        self._fetch('2026-01-15 12:00:00')
        self._fetch('2026-01-15 13:00:00')
        self.assertFalse(connector.error)
        self.assertEqual(len(self._sessions(connector)), 1)
        self.assertEqual(sorted(connector.rejection_ids.mapped('field')), ['Time', 'msgid'])
        self.assertTied(connector)

    def test_what_nobody_asked_for_is_passed_over_and_messages_come_in_pieces(self):
        self._put(1)
        self.mesh.chatter = [
            {'action': 'event', 'event': {'action': 'nodeconnect'}},
            {'action': 'events', 'events': [], 'tag': 'events 0'},
            {'action': 'events', 'events': []},
        ]
        self.mesh.pieces = 7
        self.assertEqual(len(self._read(self._make_client(), START, END)), 1)

    def test_it_can_be_checked(self):
        connector = self._create_meshcentral()
        self.assertTrue(connector.is_complete)
        message = connector.action_test_connection()['params']['message']
        self.assertIn("Connection successful", message)

    def test_the_address_may_have_a_path(self):
        client = self._make_client()
        client.base_url = f'{self.mesh.url}/customers'
        self.assertEqual(self._read(client, START, END), [])

    def test_its_guide_is_shown_and_translated_as_its_own(self):
        connector = self._create_meshcentral()
        self.assertIn("Manage login tokens", connector.guide)
        self.assertEqual(connector.needs, 'server_url client_id api_token')
        self.assertTrue(sources.get('meshcentral').label)
