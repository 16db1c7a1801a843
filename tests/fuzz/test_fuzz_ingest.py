"""No records make a traceback, a half-stored batch or a second session: through the method."""

from hypothesis import strategies as st

from odoo.tests import tagged

from odoo.addons.assist_billing.tests.ingest.ingest_common import IngestCommon

from fuzz_inputs import batches, device_batches, zones
from fuzz_properties import (
    check_answers,
    check_sent_again,
    count_statuses,
    expected_count,
    rows,
)
from fuzz_run import tried, undone


@tagged('post_install', '-at_install')
class TestFuzzIngest(IngestCommon):
    @tried(st.tuples(batches(), zones), 120)
    def test_sessions(self, case):
        (records, source), tz = case
        sessions = self.sessions.with_context(assist_source_tz=tz)
        with undone(self.env):
            before = len(rows(self.env, 'assist_session'))
            foreseen = sessions._ingest(records, source, tz=tz, preview=True)
            answers = sessions.ingest(records, source)
            check_answers(answers, expected_count(records))
            self.assertEqual(count_statuses(answers), count_statuses(foreseen))
            stored = rows(self.env, 'assist_session')
            created = {answer['id'] for answer in answers if answer['status'] == 'created'}
            self.assertEqual(len(stored), before + count_statuses(answers)[0])
            self.assertEqual(
                created, {answer['id'] for answer in answers if answer['id']} | created
            )
            check_sent_again(answers, sessions.ingest(records, source))
            self.assertEqual(rows(self.env, 'assist_session'), stored)
            # What was stored can be read, and shown, by those who work with it.
            for session in self.sessions.browse(sorted(created)).read():
                self.assertTrue(session['display_name'])
                self.assertIn(session['state'], ('running', 'unmatched', 'non_billable'))

    @tried(st.tuples(device_batches(), zones), 100)
    def test_devices(self, case):
        (records, source), tz = case
        devices = self.env['assist.device'].with_context(assist_source_tz=tz)
        with undone(self.env):
            before = len(rows(self.env, 'assist_device'))
            answers = devices.ingest(records, source)
            check_answers(answers, expected_count(records))
            stored = rows(self.env, 'assist_device')
            self.assertEqual(len(stored), before + count_statuses(answers)[0])
            check_sent_again(answers, devices.ingest(records, source))
            self.assertEqual(rows(self.env, 'assist_device'), stored)
            ids = {answer['id'] for answer in answers if answer['id']}
            for device in devices.browse(sorted(ids)).read():
                self.assertTrue(device['name'])

    @tried(st.tuples(device_batches(), device_batches()), 60)
    def test_devices_that_change(self, case):
        """One list after the other, of the same devices: gone, there again, renamed."""
        devices = self.env['assist.device']
        with undone(self.env):
            for records, source in case:
                answers = devices.ingest(records, source)
                check_answers(answers, expected_count(records))
                check_sent_again(answers, devices.ingest(records, source))
