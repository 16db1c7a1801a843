import base64
import csv
import io
from pathlib import Path

import openpyxl

from odoo.tests import tagged

from ... import sources
from .ingest_common import IngestCommon

SAMPLES = Path(__file__).parents[1] / 'samples'
# For a file of each source: whether its names alone tell the source, and how many of its records
# are new sessions and how many are rejected.
EXPECTED = {
    'zoho_assist.json': (True, 4, 0),
    'teamviewer.json': (True, 3, 0),
    'anydesk.json': (True, 2, 0),
    'rustdesk.json': (True, 3, 0),
    'rustdesk.csv': (True, 3, 0),
    'take_control.json': (True, 2, 0),
    'screenconnect.csv': (True, 3, 1),
    'splashtop.csv': (False, 3, 0),
    'isl_online.json': (True, 2, 0),
    'generic.csv': (True, 3, 0),
}


@tagged('post_install', '-at_install')
class TestSourceSamples(IngestCommon):
    """A file of every source, in the shape that its maker documents, through the dialog."""

    def _import(self, content, filename, source):
        """Import a file as a user does; return whether it was recognised, and the dialog."""
        wizard = self.env['assist.session.import'].create(
            {'file': base64.b64encode(content), 'filename': filename, 'tz': 'UTC'}
        )
        recognised = wizard.source == source
        wizard.source = source
        wizard.action_preview()
        foreseen = self._counts(wizard)
        wizard.action_import()
        self.assertEqual(self._counts(wizard), foreseen, "The preview promised something else.")
        return recognised, wizard

    def _counts(self, wizard):
        return [
            wizard[f'{status}_count']
            for status in ('record', 'created', 'updated', 'duplicate', 'rejected')
        ]

    def _check_twice(self, content, filename, source, expected):
        recognised, created, rejected = expected
        total = created + rejected
        before = self.sessions.search_count([])
        told, wizard = self._import(content, filename, source)
        self.assertEqual(told, recognised)
        self.assertEqual(self._counts(wizard), [total, created, 0, 0, rejected])
        self.assertEqual(bool(wizard.rejected_file), bool(rejected))
        self.assertEqual(self.sessions.search_count([]), before + created)
        self.assertEqual(
            len(self.sessions.search(wizard.action_view_sessions()['domain'])), created
        )
        _told, again = self._import(content, filename, source)
        self.assertEqual(self._counts(again), [total, 0, 0, created, rejected])
        self.assertEqual(self.sessions.search_count([]), before + created)
        # Other files have the same sessions under other IDs.
        wizard.action_undo()

    def test_each_sample_comes_in_once(self):
        for filename, expected in EXPECTED.items():
            with self.subTest(file=filename):
                stem = filename.partition('.')[0]
                content = (SAMPLES / filename).read_bytes()
                self._check_twice(content, filename, 'csv' if stem == 'generic' else stem, expected)

    def test_the_same_table_as_a_workbook_comes_in_once(self):
        text = (SAMPLES / 'generic.csv').read_text(encoding='utf-8')
        workbook = openpyxl.Workbook()
        for row in csv.reader(io.StringIO(text), delimiter=';'):
            workbook.active.append(row)
        content = io.BytesIO()
        workbook.save(content)
        self._check_twice(content.getvalue(), 'generic.xlsx', 'csv', (True, 3, 0))

    def test_there_is_a_sample_of_every_source(self):
        self.assertEqual(set(EXPECTED), {path.name for path in SAMPLES.iterdir()})
        of_sources = {name.partition('.')[0] for name in EXPECTED} - {'generic'}
        self.assertLessEqual(of_sources, set(sources.names()))

    def test_every_source_can_be_chosen_and_every_choice_is_known(self):
        choices = dict(self.sessions._get_sources())
        self.assertEqual(set(choices) - {'manual'}, set(sources.names()))
        for name in set(sources.names()) - {'csv'}:
            self.assertEqual(choices[name], sources.get(name).label)
