from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, ConcurrencyError
from odoo.tests import new_test_user, tagged
from odoo.tools import format_datetime
from odoo.tools.translate import code_translations

from ... import sources
from .ingest_common import START, IngestCommon, zoho


@tagged('post_install', '-at_install')
class TestSessionIngest(IngestCommon):
    """Sessions from the tools: none lost, none twice."""

    # === ANSWERS === #

    def test_each_record_is_answered_in_its_order(self):
        running = zoho(3, minutes=None)
        self._ingest(zoho(1), running)
        answers = self._ingest(
            zoho(2),
            {'start_time': 5},
            zoho(1),
            zoho(3),
            zoho(4, end_time=zoho(4)['start_time'] - 1),
            'no record',
        )
        self.assertEqual([answer['index'] for answer in answers], list(range(6)))
        self.assertEqual(
            [(answer['status'], answer['field']) for answer in answers],
            [
                ('created', False),
                ('rejected', 'session_id'),
                ('duplicate', False),
                ('updated', False),
                ('rejected', 'end_time'),
                ('rejected', 'record'),
            ],
        )
        for answer in answers:
            rejected = answer['status'] == 'rejected'
            self.assertEqual(bool(answer['reason']), rejected)
            self.assertEqual(bool(answer['id']), not rejected)
        for index, external_id in ((0, 2), (2, 1), (3, 3)):
            self.assertEqual(self._get(external_id).id, answers[index]['id'])
        self.assertEqual(self.sessions.search_count([]), 3)

    def test_a_session_is_stored_as_the_record_says(self):
        self._ingest(zoho(7, notes="VPN issue\n<b>mended</b>"))
        self.assertRecordValues(
            self._get(7),
            [
                {
                    'name': "Remote Support Acme office",
                    'company_id': self.company.id,
                    'kind': 'remote_support',
                    'started_at': START,
                    'ended_at': START + timedelta(minutes=30),
                    'duration_seconds': 1800,
                    'billable': True,
                    'note': "VPN issue\n<b>mended</b>",
                    'state': 'unmatched',
                    'source_technician': 'olga@example.com',
                    'source_email': 'office@acme.example',
                    'source_customer': "Acme office",
                    'source_difference': False,
                    'create_uid': self.env.uid,
                }
            ],
        )

    def test_the_same_again_changes_nothing(self):
        records = [zoho(number) for number in range(1, 41)]
        self.assertEqual(self._statuses(*records), ['created'] * 40)
        before = self.sessions.search([]).read()
        self.assertEqual(self._statuses(*reversed(records)), ['duplicate'] * 40)
        for page in (records[:15], records[10:30], records[25:]):
            self.assertEqual(set(self._statuses(*page)), {'duplicate'})
        self.assertEqual(self.sessions.search([]).read(), before)

    def test_the_same_record_twice_in_one_go_is_one_session(self):
        first, second, third = self._ingest(zoho(1), zoho(1), zoho(1, notes="more"))
        self.assertEqual(
            [first['status'], second['status'], third['status']],
            ['created', 'duplicate', 'duplicate'],
        )
        self.assertEqual({first['id'], second['id'], third['id']}, {self._get(1).id})

    def test_batches_do_not_matter(self):
        records = [zoho(number % 30 + 1) for number in range(50)]
        with patch('odoo.addons.assist_billing.models.ingest.assist_intake.BATCH_SIZE', 7):
            answers = self._ingest(*records)
        self.assertEqual([answer['index'] for answer in answers], list(range(50)))
        self.assertEqual(
            [answer['status'] for answer in answers], ['created'] * 30 + ['duplicate'] * 20
        )
        self.assertEqual(self.sessions.search_count([]), 30)

    def test_the_number_of_queries_does_not_grow_with_the_records(self):
        self._ingest(zoho(1))  # warms the caches

        def count(numbers):
            before = self.cr.sql_log_count
            self._ingest(*(zoho(n, agent_email=f'c{n}@x.example') for n in numbers))
            return self.cr.sql_log_count - before

        self.assertEqual(count(range(10, 20)), count(range(1000, 1500)))

    def test_what_is_no_list_of_records_is_answered_too(self):
        for records in (None, 5, 'text', b'bytes'):
            with self.subTest(records=records):
                answers = self.sessions.ingest(records, 'zoho_assist')
                self.assertEqual([answer['status'] for answer in answers], ['rejected'])
        self.assertEqual(self.sessions.ingest([], 'zoho_assist'), [])
        self.assertEqual(self.sessions.ingest(zoho(1), 'zoho_assist')[0]['status'], 'created')
        generated = (zoho(number) for number in (1, 2))
        statuses = [answer['status'] for answer in self.sessions.ingest(generated, 'zoho_assist')]
        self.assertEqual(statuses, ['duplicate', 'created'])

    def test_an_unknown_source_rejects_each_record(self):
        for source in ('nosuch', 'manual', None, 5, ['zoho_assist']):
            with self.subTest(source=source):
                answers = self.sessions.ingest([zoho(1), zoho(2)], source)
                self.assertEqual([answer['field'] for answer in answers], ['source', 'source'])
                self.assertIn('zoho_assist', answers[0]['reason'])

    def test_bad_records_cost_only_themselves(self):
        bad = [
            None,
            [],
            {},
            {'session_id': 5},
            zoho(10, start_time=float('nan')),
            zoho(11, start_time='0000-01-01T00:00:00Z'),
            zoho(12, end_time=253402300799000),
            zoho({'nested': ['json']}),
            zoho('x' * 300),
            zoho(True),
            zoho(13, minutes=-5),
            {f'name {number}': 'x' for number in range(2_000)},
        ]
        odd = zoho(
            'odd', display_name="A\0B\ud800<script>alert(1)</script>", notes='n' * 1_000_000,
            agent_email=['list'], viewer_email={'a': 1}, session_type=10**400,
        )  # fmt: skip
        answers = self._ingest(*bad, zoho(1), odd)
        self.assertEqual(
            [answer['status'] for answer in answers], ['rejected'] * len(bad) + ['created'] * 2
        )
        self.assertEqual(self._get('odd').source_customer, "AB\ufffd<script>alert(1)</script>")
        self.assertEqual(len(self._get('odd').note), 20_000)
        self.assertEqual(self.sessions.search_count([]), 2)

    def test_reasons_are_in_the_users_language(self):
        self.env['res.lang']._activate_lang('fr_FR')
        template = sources.reject('x', 'no_id').template

        def translations(_self, module, lang):
            known = (module, lang) == ('assist_billing', 'fr_FR')
            return {template: "%(field)s manque."} if known else {}

        with patch.object(type(code_translations), 'get_python_translations', translations):
            answers = self._ingest({'start_time': 5}, lang='fr_FR')
        self.assertEqual(answers[0]['reason'], "session_id manque.")

    # === RUNNING AND ENDED === #

    def test_a_running_session_is_ended_by_a_later_record(self):
        self._associate()
        self.customer.email = 'office@acme.example'
        self._ingest(zoho(1, minutes=None))
        session = self._get(1)
        self.assertEqual((session.state, session.ended_at), ('running', False))
        session.note = "Written here"
        self.assertEqual(self._statuses(zoho(1, minutes=None)), ['duplicate'])
        self.assertEqual(self._statuses(zoho(1, notes="Said there")), ['updated'])
        self.assertRecordValues(
            session,
            [
                {
                    'state': 'to_bill',
                    'ended_at': START + timedelta(minutes=30),
                    'duration_seconds': 1800,
                    'note': "Written here\nSaid there",
                    'partner_id': self.customer.id,
                    'source_difference': False,
                }
            ],
        )

    def test_a_page_that_comes_late_does_not_set_it_running_again(self):
        self._ingest(zoho(1))
        self.assertEqual(self._statuses(zoho(1, minutes=None)), ['duplicate'])
        self.assertRecordValues(
            self._get(1),
            [{'ended_at': START + timedelta(minutes=30), 'source_difference': False}],
        )

    def test_running_and_ended_in_one_go(self):
        self.assertEqual(
            self._statuses(zoho(1, minutes=None), zoho(1), zoho(1, minutes=None)),
            ['created', 'updated', 'duplicate'],
        )
        self.assertEqual(self._get(1).duration_seconds, 1800)

    def test_what_was_set_by_hand_while_it_ran_is_kept(self):
        self._ingest(zoho(1, minutes=None))
        technician = self._create_technician('hand')
        self._get(1).write(
            {
                'partner_id': self.customer.id,
                'technician_id': technician.id,
                'billable': False,
                'non_billable_reason': "Goodwill",
            }
        )
        self._ingest(zoho(1))
        self.assertRecordValues(
            self._get(1),
            [
                {
                    'partner_id': self.customer.id,
                    'technician_id': technician.id,
                    'state': 'non_billable',
                    'non_billable_reason': "Goodwill",
                }
            ],
        )

    # === DIFFERENCES === #

    def test_a_billed_session_is_never_changed_and_the_difference_is_kept(self):
        self._associate()
        self.customer.email = 'office@acme.example'
        self._ingest(zoho(1))
        self._close('2026-02-01 00:00:00')
        session = self._get(1)
        self.assertEqual(session.state, 'billed')
        before = session.read(['started_at', 'ended_at', 'note', 'state', 'billable'])
        later = zoho(1, minutes=45, notes="Longer than thought")
        self.assertEqual(self._statuses(later), ['duplicate'])
        self.assertEqual(
            session.read(['started_at', 'ended_at', 'note', 'state', 'billable']), before
        )
        theirs, ours = (
            format_datetime(self.env, datetime(2026, 1, 15, 10, minute)) for minute in (45, 30)
        )
        self.assertEqual(
            session.source_difference,
            f"End: {theirs} at the source, {ours} here\n"
            "Internal Note: “Longer than thought” at the source, nothing here",
        )
        # The first record again says nothing new; neither does the second.
        self._ingest(zoho(1))
        self.assertTrue(session.source_difference)
        session.action_dismiss_source_difference()
        self._ingest(later, zoho(1), later)
        self.assertFalse(session.source_difference)
        self._ingest(zoho(1, minutes=50))
        self.assertIn("10:50:00", session.source_difference)

    def test_what_one_batch_says_twice_of_a_new_session_is_kept_at_once(self):
        records = [zoho(1), zoho(1), zoho(1, minutes=45)]
        self.assertEqual(self._statuses(*records), ['created', 'duplicate', 'duplicate'])
        self.assertIn("10:45:00", self._get(1).source_difference)
        before = self._get(1).read()
        self.assertEqual(self._statuses(*records), ['duplicate'] * 3)
        self.assertEqual(self._get(1).read(), before)

    def test_an_ended_session_keeps_its_values_too(self):
        self._ingest(zoho(1))
        self._get(1).ended_at = START + timedelta(minutes=20)  # mended by hand
        self._ingest(zoho(1))
        self.assertFalse(self._get(1).source_difference)
        self._ingest(zoho(1, session_type='DM', display_name="Other"))
        self.assertEqual(self._get(1).ended_at, START + timedelta(minutes=20))
        for words in ("“Screen Sharing” at the source", "“Other” at the source"):
            self.assertIn(words, self._get(1).source_difference)

    def test_what_the_source_calls_free_later_is_said_and_so_is_what_it_does_not(self):
        heading = {'ID': '7', 'Technician': 'Ava', 'Start': '2026-01-15 10:00:00',
                   'End': '2026-01-15 10:30:00'}  # fmt: skip
        paid, free = {**heading, 'Billable': 'Yes'}, {**heading, 'Billable': 'No'}
        for first, then, said in (
            (paid, free, "Billable: “no (Billable: No)” at the source, “yes” here"),
            (free, paid, "Billable: “yes” at the source, “no” here"),
        ):
            with self.subTest(then['Billable']):
                self.sessions.ingest([first], 'csv')
                self.assertEqual(self.sessions.ingest([then], 'csv')[0]['status'], 'duplicate')
                session = self.sessions.search([('external_id', '=', '7')])
                self.assertEqual(session.source_difference, said)
                self.assertEqual(session.billable, first is paid)
                session.unlink()

    def test_a_session_that_another_way_brought_in_is_known(self):
        self._create_session(
            source='zoho_assist', external_id='1', ended_at='2026-01-15 10:30:00', minutes=30
        )
        self.assertEqual(self._statuses(zoho(1)), ['duplicate'])
        self.assertFalse(self._get(1).source_difference)
        self.assertEqual(self._statuses(zoho(1, minutes=31)), ['duplicate'])
        self.assertIn("10:31:00", self._get(1).source_difference)

    # === RIGHTS === #

    def test_a_technician_brings_sessions_in(self):
        technician = self._create_technician()
        answers = self.sessions.with_user(technician).ingest([zoho(1)], 'zoho_assist')
        self.assertEqual(answers[0]['status'], 'created')
        self.assertEqual(self._get(1).create_uid, technician)

    def test_a_program_may_do_only_this(self):
        program = new_test_user(
            self.env,
            'program',
            groups='assist_billing.assist_billing_group_ingest',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        sessions = self.sessions.with_user(program)
        self._associate()
        self.customer.email = 'office@acme.example'
        self.assertEqual(
            [answer['status'] for answer in sessions.ingest([zoho(1), {}], 'zoho_assist')],
            ['created', 'rejected'],
        )
        self.assertEqual(
            sessions.ingest([zoho(1, minutes=31)], 'zoho_assist')[0]['status'], 'duplicate'
        )
        self.assertEqual(self._get(1).state, 'to_bill')
        self.assertTrue(self._get(1).source_difference)
        for operation in (
            lambda: sessions.search([]).read(['name']),
            lambda: sessions.create({'started_at': START}),
            lambda: self._get(1).with_user(program).write({'note': "x"}),
            lambda: self._get(1).with_user(program).unlink(),
            lambda: self.env['res.partner'].with_user(program).search([]).read(['name']),
        ):
            with self.assertRaises(AccessError):
                operation()

    def test_nobody_else_brings_sessions_in(self):
        for groups in ('base.group_user', 'base.group_portal'):
            user = new_test_user(self.env, f'any {groups}', groups=groups)
            with self.subTest(groups=groups), self.assertRaises(AccessError):
                self.sessions.with_user(user).ingest([zoho(1)], 'zoho_assist')

    # === AT THE SAME TIME === #

    def test_whoever_is_overtaken_looks_again(self):
        self._ingest(zoho(1), zoho(2))
        fetch = type(self.sessions)._ingest_fetch
        calls = []

        def blind(this, run, external_ids):
            calls.append(run.met_others)
            return fetch(this, run, external_ids) if len(calls) > 1 else {}

        with patch.object(type(self.sessions), '_ingest_fetch', blind):
            statuses = self._statuses(zoho(1), zoho(3), zoho(2))
        self.assertEqual(calls, [False, True])
        self.assertEqual(statuses, ['duplicate', 'created', 'duplicate'])
        self.assertEqual(self.sessions.search_count([]), 3)

    def test_whoever_is_always_overtaken_is_told_to_begin_again(self):
        self._ingest(zoho(1))
        with (
            patch.object(type(self.sessions), '_ingest_fetch', lambda this, run, external_ids: {}),
            self.assertRaises(ConcurrencyError),
        ):
            self._ingest(zoho(1), zoho(2))
        self.assertFalse(self._get(2))
