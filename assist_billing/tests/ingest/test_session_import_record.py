import base64
import json
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...models.ingest import assist_session_import_record as importing
from ...models.ingest import import_undo as undoing
from ...wizard import assist_session_import as dialog
from .ingest_common import IngestCommon, zoho


@tagged('post_install', '-at_install')
class TestSessionImportRecord(IngestCommon):
    """What stays of an import: its counts, its sessions, what was rejected, and its undoing."""

    def _import(self, *records, filename="sessions.json", **vals):
        """Import a file of records through the dialog; return what the dialog leads to."""
        content = json.dumps({'representation': list(records)}).encode()
        wizard = self.env['assist.session.import'].create(
            {'file': base64.b64encode(content), 'filename': filename, 'tz': 'UTC', **vals}
        )
        action = wizard.action_import()
        return self.env['assist.session.import.record'].browse(
            wizard.record_id.id or action['res_id']
        )

    def _counts(self, record):
        return [
            record[f'{name}_count']
            for name in ('record', 'created', 'updated', 'duplicate', 'rejected')
        ]

    def test_an_import_keeps_what_became_of_each_record(self):
        self._ingest(zoho(5, minutes=None), zoho(6))
        record = self._import(zoho(1), zoho(2), zoho(2), zoho(5), zoho(6), {'start_time': 5})
        self.assertEqual(self._counts(record), [6, 2, 1, 2, 1])
        self.assertRecordValues(
            record,
            [
                {
                    'name': "sessions.json",
                    'source': 'zoho_assist',
                    'state': 'done',
                    'position': 6,
                    'progress': 100.0,
                    'user_id': self.env.user.id,
                    'company_id': self.company.id,
                }
            ],
        )
        self.assertEqual(record.session_ids, self._get(1) | self._get(2))
        self.assertEqual(record.session_count, 2)
        found = self.sessions.search(record.action_view_sessions()['domain'])
        self.assertEqual(found, record.session_ids)
        self.assertEqual(record.rejected_filename, "sessions-rejected.json")
        [rejected] = json.loads(base64.b64decode(record.rejected_file))
        self.assertEqual(rejected['start_time'], 5)
        self.assertIn("Rejected Because", rejected)

    @mute_logger('odoo.sql_db')
    def test_the_database_holds_the_tie(self):
        record = self._import(zoho(1), zoho(2)).sudo()
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            record.created_count = 1
            record.flush_recordset()

    def test_undoing_removes_what_it_created_and_nothing_else(self):
        self._ingest(zoho(5, minutes=None))
        record = self._import(zoho(1), zoho(2), zoho(5))
        record.action_undo()
        self.assertFalse(self._get(1) | self._get(2))
        self.assertEqual(self._get(5).duration_seconds, 1800, "what it only ended stays")
        self.assertRecordValues(
            record, [{'state': 'undone', 'undone_by_id': self.env.user.id, 'session_count': 0}]
        )
        self.assertTrue(record.undone_at)
        with self.assertRefused("sessions.json has already been undone"):
            record.action_undo()
        again = self._import(zoho(1), zoho(2), zoho(5))
        self.assertEqual(self._counts(again), [3, 2, 0, 1, 0])

    def test_many_sessions_are_removed_in_parts(self):
        record = self._import(*(zoho(number) for number in range(1, 8)))
        with patch.object(undoing, 'BATCH', 3):
            record.action_undo()
        self.assertEqual((record.state, record.session_count), ('undone', 0))

    def test_what_is_billed_cannot_be_undone(self):
        self.customer.email = 'office@acme.example'
        association = self._associate()
        record = self._import(zoho(1), zoho(2))
        self.assertEqual(self._get(1).state, 'to_bill')
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        with self.assertRefused(
            f"Sessions already billed: 2 of 2, the first for Acme.*{bill.name}"
        ):
            record.action_undo()
        self.assertEqual(len(self._get(1) | self._get(2)), 2)
        self.assertEqual(record.state, 'done')

    def test_a_large_file_is_taken_in_by_the_scheduler_in_parts(self):
        records = [zoho(number) for number in range(1, 26)] + [{'start_time': 5}]
        with patch.object(dialog, 'DIRECT_RECORDS', 20):
            record = self._import(*records)
        self.assertEqual((record.state, record.position, record.progress), ('running', 0, 0.0))
        self.assertFalse(record.session_ids)
        reading = record.sudo()._read()
        self.assertTrue(record.sudo()._take_chunk(reading, 10))
        self.assertEqual((record.position, record.created_count), (10, 10))
        self.assertAlmostEqual(record.progress, 1000 / 26)
        with self.assertRefused("is still being imported"):
            record.sudo().unlink()
        with patch.object(importing, 'CHUNK_RECORDS', 10):
            self._run_schedule('_cron_import_sessions', record._name)
        self.assertEqual(self._counts(record), [26, 25, 0, 0, 1])
        self.assertEqual(record.state, 'done')
        self.assertEqual(record.session_count, 25)
        self.assertTrue(record.rejected_file)
        self.assertEqual(record.session_ids.create_uid, self.env.user)

    @mute_logger('odoo.addons.assist_billing.models.ingest.assist_session_import_record')
    def test_what_stops_an_import_is_said_and_it_goes_on_from_there(self):
        with patch.object(dialog, 'DIRECT_RECORDS', 2):
            record = self._import(*(zoho(number) for number in range(1, 10)))
        record.sudo()._take_chunk(record.sudo()._read(), 4)
        self.env.flush_all()
        with patch.object(type(self.sessions), '_ingest', side_effect=RuntimeError("no disk")):
            self._run_schedule('_cron_import_sessions', record._name)
        self.assertEqual((record.state, record.position), ('failed', 4))
        self.assertIn("no disk", record.error)
        record.action_retry()
        self.assertEqual((record.state, record.error), ('running', False))
        self._run_schedule('_cron_import_sessions', record._name)
        self.assertEqual(self._counts(record), [9, 9, 0, 0, 0])
        self.assertEqual(record.session_count, 9)

    def test_one_that_is_undone_while_it_runs_stops(self):
        with patch.object(dialog, 'DIRECT_RECORDS', 2):
            record = self._import(*(zoho(number) for number in range(1, 10)))
        record.sudo()._take_chunk(record.sudo()._read(), 4)
        record.action_undo()
        self._run_schedule('_cron_import_sessions', record._name)
        self.assertEqual((record.state, record.position, record.session_count), ('undone', 4, 0))

    def test_one_that_is_undone_stays_undone_whatever_stops_it(self):
        with patch.object(dialog, 'DIRECT_RECORDS', 2):
            record = self._import(*(zoho(number) for number in range(1, 10)))
        record.action_undo()
        record.sudo()._stop("no disk")
        self.assertRecordValues(record, [{'state': 'undone', 'error': False}])

    def test_sessions_lead_to_their_import(self):
        record = self._import(zoho(1))
        self._ingest(zoho(2))
        self.assertEqual(self._get(1).import_id, record)
        self.assertFalse(self._get(2).import_id)
        self.assertEqual(
            self.sessions.search([('import_id', 'ilike', 'sessions.json')]), self._get(1)
        )
        record.action_undo()
        record.sudo().unlink()
        self.assertFalse(self._get(1))

    def test_an_import_that_is_deleted_leaves_its_sessions(self):
        record = self._import(zoho(1))
        record.sudo().unlink()
        self.env.invalidate_all()
        self.assertTrue(self._get(1))
        self.assertFalse(self._get(1).import_id)

    def test_technicians_see_and_undo_imports_of_their_company_alone(self):
        technician = self._create_technician()
        record = self._import(zoho(1))
        record.with_user(technician).action_undo()
        self.assertEqual(record.undone_by_id, technician)
        record.sudo().company_id = self.other_company
        with self.assertRaises(AccessError):
            record.with_user(technician).read(['name'])
        with self.assertRaises(AccessError):
            record.with_user(technician).action_undo()
        with self.assertRaises(AccessError):
            record.with_user(technician).write({'created_count': 0})
