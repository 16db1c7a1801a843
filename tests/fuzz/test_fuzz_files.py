"""No file makes a traceback, a half-stored batch or a second session: through the dialogs."""

import base64
import csv
import io

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.assist_billing import sources
from odoo.addons.assist_billing.tests.ingest.ingest_common import IngestCommon

from fuzz_files import files
from fuzz_properties import check_inert_cells, rows
from fuzz_run import tried, undone

STATUSES = ('created', 'updated', 'duplicate', 'rejected')


@tagged('post_install', '-at_install')
class TestFuzzFiles(IngestCommon):
    @tried(files, 100)
    def test_session_files(self, case):
        content, source, filename = case
        with undone(self.env):
            before = rows(self.env, 'assist_session')
            first = self._import('assist.session.import', content, source, filename)
            stored = rows(self.env, 'assist_session')
            if not first:
                self.assertEqual(stored, before)
                return
            created, updated, duplicate, rejected = self._counts(first)
            self.assertEqual(len(stored), len(before) + created)
            for tag in ('<script', '<img', '<b>'):
                self.assertNotIn(tag, first.rejected_shown or '')
            for column in first.column_ids.read():
                self.assertTrue(column['display_name'])
            again = self._import('assist.session.import', content, source, filename)
            known = created + updated + duplicate
            self.assertEqual(self._counts(again), [0, 0, known, rejected])
            self.assertEqual(rows(self.env, 'assist_session'), stored)
            self._check_rejected_file('assist.session.import', first, content)

    @tried(files, 40)
    def test_device_files(self, case):
        content, source, filename = case
        with undone(self.env):
            before = rows(self.env, 'assist_device')
            first = self._import('assist.device.import', content, source, filename)
            stored = rows(self.env, 'assist_device')
            if not first:
                self.assertEqual(stored, before)
                return
            created, updated, duplicate, rejected = self._counts(first)
            self.assertEqual(len(stored), len(before) + created)
            again = self._import('assist.device.import', content, source, filename)
            known = created + updated + duplicate
            self.assertEqual(self._counts(again), [0, 0, known, rejected])
            self.assertEqual(rows(self.env, 'assist_device'), stored)
            self._check_rejected_file('assist.device.import', first, content)

    def _import(self, model, content, source, filename):
        """Import a file as a user does; return the dialog, None when it is refused in words."""
        wizard = self.env[model].create(
            {
                # An empty file cannot be chosen.
                'file': base64.b64encode(content or b' '),
                'filename': filename,
                'tz': 'Europe/Paris',
            }
        )
        if model == 'assist.device.import' or not wizard.source:
            wizard.source = source if source in sources.names() else 'csv'
        try:
            if model == 'assist.session.import':
                wizard.action_preview()
                foreseen = self._counts(wizard)
            wizard.action_import()
        except UserError as error:
            self.assertGreater(len(error.args[0]), 20)
            self.assertLess(len(error.args[0]), 1_500)
            return None
        if model == 'assist.session.import':
            self.assertEqual(self._counts(wizard), foreseen)
        self.assertEqual(sum(self._counts(wizard)), wizard.record_count)
        self.assertEqual(bool(wizard.rejected_file), bool(wizard.rejected_count))
        self.env.flush_all()
        return wizard

    def _counts(self, wizard):
        return [wizard[f'{status}_count'] for status in STATUSES]

    def _check_rejected_file(self, model, wizard, original):
        """Assert that the rejected rows, sent as they are, are rejected for the same fields."""
        if not wizard.rejected_file:
            return
        content = base64.b64decode(wizard.rejected_file)
        if wizard.rejected_filename.endswith('.csv'):
            text = content.decode('utf-8-sig')
            check_inert_cells(csv.reader(io.StringIO(text, newline='')))
        again = self._import(model, content, wizard.source, wizard.rejected_filename)
        self.assertTrue(again, "The file of rejected rows cannot be read.")
        self.assertEqual(again.source, wizard.source)
        self.assertEqual(again.record_count, wizard.rejected_count)
        alone = self._said_otherwise(wizard)
        if not original.startswith(b'PK') and not alone:
            # A workbook's TRUE is no ID; as a text it is one.
            self.assertEqual(again.rejected_count, wizard.rejected_count)
            fields = zip(self._rejected_fields(wizard), self._rejected_fields(again), strict=True)
            for before, after in fields:
                # What was no record at all comes back in one, under this name.
                self.assertIn(before, (after, 'record'))

    def _said_otherwise(self, wizard):
        """Tell whether a row was rejected for what an earlier one said: alone, it need not be."""
        content = base64.b64decode(wizard.rejected_file)
        return b'the two differ' in content

    def _rejected_fields(self, wizard):
        content = base64.b64decode(wizard.rejected_file)
        reading = sources.read_file(content, wizard.rejected_filename)
        return [record['Rejected Field'] for record in reading.records]
