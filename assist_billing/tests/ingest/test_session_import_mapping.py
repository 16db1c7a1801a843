import base64

from odoo.tests import tagged

from .ingest_common import IngestCommon

# A helpdesk's own export: nothing is called as anywhere else, date and time stand apart.
OWN = (
    "Ticket,Day,Clock,Took,Who,Mail of client\n"
    "T-1,03/04/2026,09:00,30,Olga,office@acme.example\n"
    "T-2,03/05/2026,10:15,45,Olga,office@acme.example\n"
)
TAKEN = {
    "Ticket": 'external_id',
    "Day": 'started_at',
    "Clock": 'started_at',
    "Took": 'duration',
    "Who": 'technician',
    "Mail of client": 'customer_email',
}


@tagged('post_install', '-at_install')
class TestSessionImportMapping(IngestCommon):
    """Files of one's own: columns that somebody sets once, and never again."""

    def _wizard(self, content=OWN, **vals):
        return self.env['assist.session.import'].create(
            {
                'file': base64.b64encode(content.encode()),
                'filename': "own.csv",
                'source': 'csv',
                'tz': 'UTC',
                **vals,
            }
        )

    def _set(self, wizard):
        wizard.action_preview()
        for column in wizard.column_ids:
            column.field = TAKEN[column.name]
        wizard.write({'date_order': 'mdy', 'duration_unit': 'min'})

    def test_columns_are_set_checked_again_and_imported(self):
        wizard = self._wizard()
        wizard.action_preview()
        self.assertEqual((wizard.created_count, wizard.rejected_count), (0, 2))
        self._set(wizard)
        wizard.action_preview()
        self.assertEqual((wizard.created_count, wizard.rejected_count), (2, 0))
        self.assertEqual(self.sessions.search_count([('source', '=', 'csv')]), 0)
        wizard.action_import()
        session = self._get('T-1', 'csv')
        self.assertEqual(str(session.started_at), '2026-03-04 09:00:00')
        self.assertEqual(session.duration_seconds, 1800)
        self.assertEqual(session.source_email, 'office@acme.example')

    def test_the_next_file_with_these_columns_is_read_alike(self):
        wizard = self._wizard()
        self._set(wizard)
        wizard.action_import()
        later = self._wizard(OWN.replace("T-", "U-"))
        later.action_preview()
        self.assertTrue(later.is_kept)
        self.assertEqual({column.name: column.field for column in later.column_ids}, TAKEN)
        self.assertEqual((later.date_order, later.duration_unit), ('mdy', 'min'))
        self.assertEqual((later.created_count, later.rejected_count), (2, 0))
        # In another order they are others, for a date and a time are joined as they stand.
        turned = "\n".join(
            ",".join(reversed(line.split(","))) for line in OWN.replace("T-", "V-").splitlines()
        )
        direct = self._wizard(turned)
        direct.action_import()
        self.assertEqual((direct.created_count, direct.rejected_count), (0, 2))
        # It is read so even without a look at it.
        again = self._wizard(OWN.replace("T-", "W-"))
        again.action_import()
        self.assertEqual((again.created_count, again.rejected_count), (2, 0))

    def test_another_company_and_another_source_set_their_own(self):
        wizard = self._wizard()
        self._set(wizard)
        wizard.action_import()
        mappings = self.env['assist.session.mapping'].sudo()
        columns = list(TAKEN)
        self.assertTrue(mappings._find(self.company, 'csv', columns))
        self.assertFalse(mappings._find(self.other_company, 'csv', columns))
        self.assertFalse(mappings._find(self.company, 'teamviewer', columns))

    def test_a_mapping_set_back_is_forgotten(self):
        content = "Session ID,Start,End,Remark\n1,2026-01-02 09:00,2026-01-02 09:30,Done\n"
        wizard = self._wizard(content)
        wizard.action_preview()
        self.assertFalse(wizard.column_ids[3].field)
        wizard.column_ids[3].field = 'note'
        wizard.action_import()
        self.assertEqual(self._get('1', 'csv').note, "Done")
        later = self._wizard(content)
        later.action_preview()
        self.assertEqual(later.column_ids[3].field, 'note')
        later.column_ids[3].field = False
        later.action_import()
        last = self._wizard(content)
        last.action_preview()
        self.assertFalse(last.is_kept)
        self.assertFalse(last.column_ids[3].field)
