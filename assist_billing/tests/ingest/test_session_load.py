import json

from odoo.tests import tagged

from ..common import AssistBillingCommon

FIELDS = ['source', 'external_id', 'partner_id', 'started_at', 'ended_at', 'note']


@tagged('post_install', '-at_install')
class TestSessionLoad(AssistBillingCommon):
    """Sessions through Odoo's own import."""

    def _rows(self, *numbers, note=''):
        return [
            ['zoho_assist', f'z{n}', "Acme", '2026-01-15 10:00:00', '2026-01-15 10:30:00', note]
            for n in numbers
        ]

    def _load(self, rows, fields=FIELDS, **context):
        return self.env['assist.session'].with_context(**context).load(list(fields), rows)

    def _count(self):
        return self.env['assist.session'].search_count([])

    def test_importing_the_same_file_twice_adds_nothing(self):
        self._associate()
        first = self._load(self._rows(1, 2, 3))
        self.assertEqual(first['messages'], [])
        again = self._load(self._rows(3, 1, 2, 4))
        self.assertEqual(again['messages'], [])
        ids = first['ids']
        self.assertEqual(again['ids'][:3], [ids[2], ids[0], ids[1]])
        self.assertEqual(self._count(), 4)
        self.assertEqual(set(self.env['assist.session'].search([]).mapped('state')), {'to_bill'})

    def test_a_row_that_was_mended_updates_its_session(self):
        [session_id] = self._load(self._rows(1))['ids']
        self.assertEqual(self._load(self._rows(1, note="Mended"))['ids'], [session_id])
        self.assertEqual(self.env['assist.session'].browse(session_id).note, "Mended")

    def test_a_billed_session_stays_and_a_different_row_is_refused_by_name(self):
        self._associate()
        self._load(self._rows(1))
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._load(self._rows(1))['messages'], [])
        changed = self._rows(1)
        changed[0][4] = '2026-01-15 11:30:00'
        result = self._load(changed)
        self.assertFalse(result['ids'])
        self.assertIn("is billed", result['messages'][0]['message'])

    def test_a_row_of_a_source_without_its_id_is_refused_naming_row_and_field(self):
        rows = self._rows(1, 2, 3)
        rows[1][1] = '  '
        result = self._load(rows)
        self.assertFalse(result['ids'])
        self.assertEqual(len(result['messages']), 1)
        message = result['messages'][0]
        self.assertEqual((message['type'], message['field']), ('error', 'external_id'))
        self.assertEqual(message['rows'], {'from': 1, 'to': 1})
        self.assertIn("Row 2", message['message'])
        self.assertEqual(self._count(), 0)

    def test_two_rows_with_the_same_id_are_refused(self):
        result = self._load(self._rows(1, 2, 1))
        self.assertFalse(result['ids'])
        self.assertIn("Row 3", result['messages'][0]['message'])
        self.assertIn("row 1", result['messages'][0]['message'])
        self.assertEqual(self._count(), 0)

    def test_an_id_is_found_again_whatever_blanks_and_labels_stand_around_it(self):
        self._load(self._rows(1))
        rows = self._rows(1)
        rows[0][0], rows[0][1] = "Zoho Assist", ' z1 '
        self.assertEqual(self._load(rows)['messages'], [])
        self.assertEqual(self._count(), 1)

    def test_the_same_id_of_another_source_is_another_session(self):
        self._load(self._rows(1))
        rows = self._rows(1)
        rows[0][0] = 'teamviewer'
        self.assertEqual(self._load(rows)['messages'], [])
        self.assertEqual(self._count(), 2)

    def test_sessions_by_hand_need_no_id(self):
        rows = [['2026-01-15 10:00:00', '2026-01-15 10:30:00']] * 2
        for expected in (2, 4):
            result = self._load(rows, ['started_at', 'ended_at'])
            self.assertEqual(result['messages'], [])
            self.assertEqual(self._count(), expected)

    def test_rows_with_a_database_id_are_odoos_own_matter(self):
        [session_id] = self._load(self._rows(1))['ids']
        result = self._load([[str(session_id), "By ID"]], ['.id', 'note'])
        self.assertEqual(result['ids'], [session_id])
        self.assertEqual(self.env['assist.session'].browse(session_id).note, "By ID")

    def test_whoever_imports_is_not_the_technician(self):
        [session_id] = self._load(self._rows(1))['ids']
        self.assertFalse(self.env['assist.session'].browse(session_id).technician_id)

    def test_companies_are_told_apart(self):
        # sudo: the user of these tests sets up no companies
        other = self.env['res.company'].sudo().create({'name': "Other Company"})
        self.env.user.company_ids |= other
        context = {'allowed_company_ids': (self.company | other).ids}
        fields = ['company_id', 'source', 'external_id', 'started_at']
        rows = [
            [company.name, 'csv', 'z1', '2026-01-15 10:00:00'] for company in (self.company, other)
        ]
        for _again in range(2):
            self.assertEqual(self._load([*map(list, rows)], fields, **context)['messages'], [])
            self.assertEqual(self.env['assist.session'].with_context(**context).search_count([]), 2)
        by_id = [[str(other.id), *rows[1][1:]]]
        self._load(by_id, ['company_id/.id', *fields[1:]], **context)
        self.assertEqual(self.env['assist.session'].with_context(**context).search_count([]), 2)

    def test_a_csv_file_through_the_import_dialog(self):
        content = (
            "External ID,Start,End,Internal Note\n"
            "z1,2026-01-15 10:00:00,2026-01-15 10:30:00,First\n"
            "z2,2026-01-15 11:00:00,2026-01-15 11:30:00,=1+1\n"
        )
        options = {'has_headers': True, 'quoting': '"', 'separator': ',', 'encoding': 'utf-8'}
        for _again in range(2):
            dialog = self.env['base_import.import'].create(
                {
                    'res_model': 'assist.session',
                    'file': content.encode(),
                    'file_type': 'text/csv',
                    'file_name': 'sessions.csv',
                }
            )
            columns = ["External ID", "Start", "End", "Internal Note"]
            result = dialog.execute_import(
                ['external_id', 'started_at', 'ended_at', 'note'], columns, dict(options)
            )
            self.assertEqual(result['messages'], [], json.dumps(result['messages']))
            self.assertEqual(len(result['ids']), 2)
        sessions = self.env['assist.session'].search([], order='external_id')
        self.assertEqual(sessions.mapped('source'), ['csv', 'csv'])
        self.assertEqual(sessions.mapped('external_id'), ['z1', 'z2'])
