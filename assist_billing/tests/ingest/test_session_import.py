import base64
import csv
import io
import json
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from ... import sources
from .ingest_common import IngestCommon, zoho

CSV = (
    "Session ID;Start;End;Technician;Customer Email;Notes\n"
    "A-1;02.01.2026 09:00;02.01.2026 09:30;Olga;office@acme.example;<b>bold</b>\n"
    "A-2;02.01.2026 10:00;02.01.2026 09:00;Olga;;=cmd|' /C calc'!A1\n"
    ";02.01.2026 11:00;;Olga;;\n"
)


@tagged('post_install', '-at_install')
class TestSessionImport(IngestCommon):
    """Sessions from a file, looked at first."""

    def _wizard(self, content, filename='sessions.json', **vals):
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        return self.env['assist.session.import'].create(
            {'file': base64.b64encode(content), 'filename': filename, 'tz': 'UTC', **vals}
        )

    def _counts(self, wizard):
        return [
            wizard[f'{status}_count']
            for status in ('record', 'created', 'updated', 'duplicate', 'rejected')
        ]

    def test_what_a_file_is_instead_is_said_in_one_language(self):
        self.env['res.lang']._activate_lang('de_DE')
        wizard = self._wizard(b'%PDF-1.7 ...', 'bill.pdf', source='csv')
        with self.assertRefused("Das ist ein PDF-Dokument und"):
            wizard.with_context(lang='de_DE').action_preview()

    def test_a_file_of_zoho_is_recognised_checked_and_imported(self):
        wizard = self._wizard({'representation': [zoho(1), zoho(2), zoho(2), {'start_time': 5}]})
        self.assertEqual(wizard.source, 'zoho_assist')
        wizard.action_preview()
        self.assertEqual(wizard.state, 'preview')
        self.assertEqual(self._counts(wizard), [4, 2, 0, 1, 1])
        self.assertEqual(self.sessions.search_count([]), 0)
        action = wizard.action_import()
        self.assertEqual((action['res_model'], action['res_id']), (wizard._name, wizard.id))
        self.assertEqual((wizard.state, self._counts(wizard)), ('done', [4, 2, 0, 1, 1]))
        found = self.sessions.search(wizard.action_view_sessions()['domain'])
        self.assertEqual(found, self._get(1) | self._get(2))

    def test_the_same_file_again_adds_nothing(self):
        content = {'representation': [zoho(1), zoho(2, minutes=None)]}
        self._wizard(content).action_import()
        again = self._wizard(content)
        again.action_import()
        self.assertEqual(self._counts(again), [2, 0, 0, 2, 0])
        self.assertFalse(self.sessions.search(again.action_view_sessions()['domain']))
        later = self._wizard({'representation': [zoho(1), zoho(2)]})
        later.action_preview()
        self.assertEqual(self._counts(later), [2, 0, 1, 1, 0])
        self.assertEqual(self._get(2).state, 'running')
        later.action_import()
        self.assertEqual(self._get(2).duration_seconds, 1800)

    def test_the_zone_that_an_answer_names_is_proposed(self):
        session = {'id': 'a1', 'start': '2026-01-05 10:00:00', 'end': '2026-01-05 10:30:00'}
        for zone, proposed in (
            ('America/New_York', 'America/New_York'),
            ('EST', self.env['assist.session.import']._default_tz()),
            (['America/New_York'], self.env['assist.session.import']._default_tz()),
        ):
            content = json.dumps({'timezone': zone, 'sessions': [session]}).encode()
            wizard = self.env['assist.session.import'].create(
                {'file': base64.b64encode(content), 'filename': 'x.json'}
            )
            self.assertEqual(wizard.tz, proposed)

    def test_known_sessions_of_which_a_file_says_something_else_are_counted_and_told(self):
        self._wizard({'representation': [zoho(1), zoho(2), zoho(3)]}).action_import()
        corrected = {'representation': [zoho(1), zoho(2, minutes=45), zoho(4)]}
        later = self._wizard(corrected)
        later.action_preview()
        self.assertEqual(self._counts(later), [3, 1, 0, 2, 0])
        self.assertIn("the file says something else now: 1.", later.doubts)
        self.assertFalse(self._get(2).source_difference)
        later.action_import()
        self.assertTrue(self._get(2).source_difference)
        again = self._wizard(corrected)
        again.action_preview()
        self.assertNotIn("something else now", again.doubts)

    def test_a_column_that_numbers_no_sessions_loses_none_from_file_to_file(self):
        head = "Computer;ID;Start;End\n"
        cases = (
            (
                "PC-1;7;2026-01-05 10:12;2026-01-05 10:42",
                "PC-1;7;2026-01-12 10:12;2026-01-12 11:42",
            ),
            ("PC-2;8;2026-01-05 10:12;", "PC-2;8;2026-01-12 10:12;2026-01-12 11:42"),
        )
        for first, second in cases:
            self._wizard((head + first).encode(), 'x.csv').action_import()
            later = self._wizard((head + second).encode(), 'y.csv')
            later.action_import()
            self.assertEqual(self._counts(later), [1, 0, 0, 0, 1])
            self.assertIn("does not identify sessions", later.rejected_shown)
            session = self._get(first.split(';')[1], 'csv')
            self.assertEqual(str(session.started_at), '2026-01-05 10:12:00')
            self.assertFalse(session.source_difference)
            # The same again, or the same corrected by some minutes, is no other session.
            for known in (first, first.replace('10:12', '10:15').replace('10:42', '10:50')):
                again = self._wizard((head + known).encode(), 'x.csv')
                again.action_import()
                self.assertEqual(self._counts(again), [1, 0, 0, 1, 0])

    def test_what_only_a_column_that_is_not_read_tells_apart_is_not_lost(self):
        rows = ["Issue,Start,End,Technician", *(
            f"{issue},2026-01-02 09:00,2026-01-02 10:00,Olga" for issue in ('S-1', 'S-1', 'S-2')
        )]  # fmt: skip
        wizard = self._wizard('\n'.join(rows).encode(), 'worklogs.csv')
        wizard.action_preview()
        self.assertEqual(self._counts(wizard), [3, 1, 0, 1, 1])
        self.assertIn("Row 2 has the same start, end", wizard.rejected_shown)
        self.assertIn("(Issue)", wizard.rejected_shown)
        wizard.action_import()
        self.assertEqual(self._counts(wizard), [3, 1, 0, 1, 1])

    def test_what_came_in_before_its_tool_was_known_comes_in_no_second_time(self):
        content = (
            b"Date,Client,Project,Task,Notes,Started At,Ended At,Hours,First Name,Last Name\n"
            b"2026-01-02,Acme,Desk,Remote,Fix,9:00am,9:30am,0.50,Olga,Meier\n"
        )
        self._wizard(content, 'harvest.csv', source='csv').action_import()
        again = self._wizard(content, 'harvest.csv')
        self.assertEqual(again.source, 'harvest')
        again.action_preview()
        self.assertEqual(self._counts(again), [1, 0, 0, 0, 1])
        self.assertEqual(again.alike_count, 1)

    def test_an_id_that_is_read_by_now_is_of_the_session_that_is_there(self):
        content = (
            b"Time RecId,Member,Company,Date,Start Time,End Time,Bill\n"
            b"551,Olga,Acme,2026-01-02,09:00,09:30,B\n552,Olga,Acme,2026-01-02,10:00,10:30,NB\n"
        )
        before = self._wizard(content, 'time.csv')
        before.action_preview()
        # As the version before read it.
        before.column_ids.filtered(lambda column: column.name == 'Time RecId').field = False
        before.action_import()
        self.assertEqual(before.created_count, 2)
        self.env['assist.session.mapping'].search([]).unlink()
        again = self._wizard(content, 'time.csv')
        again.action_preview()
        fields = {column.name: column.field for column in again.column_ids}
        self.assertEqual(fields['Time RecId'], 'external_id')
        self.assertEqual(self._counts(again), [2, 0, 0, 2, 0])

    def test_start_and_end_in_one_column_are_read_and_said(self):
        content = b"Date,Time,Technician\n2026-01-02,09:00 - 10:00,Olga\n"
        wizard = self._wizard(content, 'times.csv')
        self.assertEqual(wizard.source, 'csv')
        wizard.action_preview()
        self.assertEqual(self._counts(wizard), [1, 1, 0, 0, 0])
        self.assertIn("“Time” holds both start and end", wizard.doubts)
        wizard.action_import()
        session = wizard.record_id.session_ids
        self.assertEqual(str(session.started_at), '2026-01-02 09:00:00')
        self.assertEqual(str(session.ended_at), '2026-01-02 10:00:00')
        again = self._wizard(content, 'times.csv')
        again.action_import()
        self.assertEqual(self._counts(again), [1, 0, 0, 1, 0])

    def test_another_zone_is_no_other_session_where_none_is_numbered(self):
        content = b"Computer;Technician;Start;End\nPC-1;Ava;2026-01-05 10:12;2026-01-05 10:42\n"
        self._wizard(content, 'x.csv').action_import()
        again = self._wizard(content, 'x.csv', tz='America/New_York')
        again.action_import()
        self.assertEqual(self._counts(again), [1, 0, 0, 1, 0])

    def test_rejected_rows_come_back_as_a_file_to_mend(self):
        wizard = self._wizard(CSV.encode('cp1252'), 'my list.csv', source='csv')
        wizard.action_import()
        self.assertEqual(self._counts(wizard), [3, 1, 0, 0, 2])
        self.assertEqual(wizard.rejected_filename, 'my list-rejected.csv')
        text = base64.b64decode(wizard.rejected_file).decode('utf-8-sig')
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual([row['Session ID'] for row in rows], ['A-2', ''])
        self.assertEqual([row['Rejected Field'] for row in rows], ['End', 'Session ID'])
        self.assertIn("before the start", rows[0]['Rejected Because'])
        # A formula is inert in the file, and itself again once it is read.
        self.assertEqual(rows[0]['Notes'], "'=cmd|' /C calc'!A1")
        mended = text.replace('02.01.2026 09:00', '02.01.2026 10:30').replace('\r\n,', '\r\nA-3,')
        again = self._wizard(mended.encode(), 'mended.csv', source='csv')
        again.action_import()
        self.assertEqual(self._counts(again), [2, 2, 0, 0, 0])
        self.assertEqual(self._get('A-2', 'csv').note, "=cmd|' /C calc'!A1")

    def test_rejected_records_of_json_come_back_as_json(self):
        wizard = self._wizard([zoho(1), {'session_id': 2, 'viewer_email': 'x'}, 'text'])
        wizard.source = 'zoho_assist'
        wizard.action_import()
        self.assertEqual(wizard.rejected_filename, 'sessions-rejected.json')
        records = json.loads(base64.b64decode(wizard.rejected_file))
        self.assertEqual([record['Rejected Field'] for record in records], ['start_time', 'record'])
        self.assertEqual(records[0]['session_id'], 2)
        self.assertEqual(records[1]['record'], 'text')

    def test_what_is_shown_is_inert(self):
        content = "Session ID;<script>alert(1)</script>;Start\n1;x;<img src=x onerror=alert(1)>\n"
        wizard = self._wizard(content.encode(), 'x.csv', source='csv')
        wizard.action_preview()
        # Mere text, not HTML: whatever shows it escapes it.
        self.assertEqual(wizard.column_ids[1].name, "<script>alert(1)</script>")
        self.assertEqual(wizard.column_ids[1]._fields['name'].type, 'char')
        shown = wizard.rejected_shown
        self.assertIn('&lt;img', shown)
        self.assertNotIn('<img', shown)

    def test_the_columns_are_shown_as_they_are_taken(self):
        wizard = self._wizard(CSV.encode(), 'x.csv', source='csv')
        wizard.action_preview()
        self.assertEqual(
            [(column.name, column.field, column.sample) for column in wizard.column_ids],
            [
                ("Session ID", 'external_id', "A-1"),
                ("Start", 'started_at', "02.01.2026 09:00"),
                ("End", 'ended_at', "02.01.2026 09:30"),
                ("Technician", 'technician', "Olga"),
                ("Customer Email", 'customer_email', "office@acme.example"),
                ("Notes", 'note', "<b>bold</b>"),
            ],
        )

    def test_what_cannot_be_read_is_refused_in_words_and_nothing_is_stored(self):
        whole = json.dumps({'representation': [zoho(n) for n in range(1, 9)]}).encode()
        for content, words in (
            (whole[:-40], "is cut off"),
            (b'<html>login</html>', "web page"),
            (b'', "is empty"),
            (b'{"error": {"message": "invalid token"}}', "invalid token"),
            (b'[{"name": "\xe9"}]', "not valid UTF-8"),
            (b'PK\x03\x04', "XLSX file cannot be read"),
        ):
            with self.subTest(words=words):
                wizard = self._wizard(content or b' ', source='zoho_assist')
                with self.assertRefused(f"sessions.json: .*{words}"):
                    wizard.action_import()
        self.assertEqual(self.sessions.search_count([]), 0)

    def test_what_a_program_sends_in_place_of_a_file_is_refused_in_words(self):
        for model in ('assist.session.import', 'assist.device.import'):
            for file in (5, True, [1], {'a': 1}, 'äöü'):
                with (
                    self.subTest(model=model, file=file),
                    self.assertRefused("did not arrive whole"),
                ):
                    self.env[model].create({'file': file, 'filename': 'x.csv'})

    def test_a_zone_that_is_none_rejects_the_rows_in_words(self):
        for tz in ('Nowhere', '../etc', '5'):
            wizard = self._wizard(CSV.encode(), 'x.csv', tz=tz)
            wizard.action_preview()
            self.assertEqual(self._counts(wizard), [3, 0, 0, 0, 3])
            self.assertIn("not a known time zone", wizard.rejected_shown)

    def test_a_file_too_large_is_refused_before_it_is_stored(self):
        with patch.object(sources, 'MAX_BYTES', 1_000_000):
            content = base64.b64encode(b'x' * 1_000_000)
            wizard = self.env['assist.session.import'].create({'file': content, 'tz': 'UTC'})
            larger = base64.b64encode(b'x' * 2_000_000)
            words = r"is 2 MB; at most 1 MB can be read at once\. Split it"
            for model in ('assist.session.import', 'assist.device.import'):
                with self.subTest(model=model), self.assertRefused(f"large.csv: .*{words}"):
                    self.env[model].create({'file': larger, 'filename': 'large.csv', 'tz': 'UTC'})
            with self.assertRefused(f"The file: .*{words}"):
                wizard.file = larger

    def test_a_file_of_nobody_asks_for_the_source(self):
        wizard = self._wizard(b'a,b\n1,2\n', 'x.csv')
        self.assertFalse(wizard.source)
        with self.assertRefused("Choose the source"):
            wizard.action_preview()

    def test_a_list_of_nothing_is_no_list_of_nobody(self):
        for content in (b'[]', b'{"sessions": [], "next": null}'):
            with self.assertRefused("x.json: The file is empty"):
                self._wizard(content, 'x.json').action_preview()

    def test_the_form_recognises_the_file_when_it_is_chosen(self):
        form = Form(self.env['assist.session.import'])
        form.file = base64.b64encode(json.dumps([zoho(1)]).encode())
        self.assertEqual(form.source, 'zoho_assist')
        form.file = base64.b64encode(b'{"broken')
        self.assertFalse(form.source)
        form.source = 'teamviewer'
        form.file = base64.b64encode(json.dumps([zoho(1)]).encode())
        self.assertEqual(form.source, 'zoho_assist')

    def test_times_without_a_zone_are_in_the_zone_that_is_chosen(self):
        wizard = self._wizard(CSV.encode(), 'x.csv', source='csv', tz='Asia/Tokyo')
        wizard.action_import()
        self.assertEqual(str(self._get('A-1', 'csv').started_at), '2026-01-02 00:00:00')
        self.company.partner_id.tz = 'America/New_York'
        self.assertEqual(Form(self.env['assist.session.import']).tz, 'America/New_York')

    def test_technicians_and_billing_users_import_and_nobody_else(self):
        technician = self._create_technician()
        wizard = self._wizard([zoho(1)]).with_user(technician)
        own = wizard.create({'file': wizard.sudo().file, 'filename': 'x.json', 'tz': 'UTC'})
        own.action_import()
        self.assertEqual(own.created_count, 1)
        anybody = new_test_user(self.env, 'anybody', groups='base.group_user')
        with self.assertRaises(AccessError):
            wizard.with_user(anybody).create({'filename': 'x', 'tz': 'UTC'})
