import base64
import hashlib
import re
from datetime import datetime
from pathlib import Path

from odoo.tests import Form, freeze_time, tagged

from .ingest_common import IngestCommon

KINDS = Path(__file__).parents[1] / 'kinds'
BERLIN, PARIS = 'Europe/Berlin', 'Europe/Paris'


def at(text):
    return datetime.fromisoformat(f'2026-{text}')


T1 = (at('10-05 08:12:30'), at('10-05 08:42:30'))
T2 = (at('10-06 23:50:00'), at('10-07 00:10:05'))
K1 = (at('10-05 08:12:00'), at('10-05 08:42:00'))
K2 = (at('10-06 23:50:00'), at('10-07 00:10:00'))
# file: zone to choose (None: the proposed one), order of dates to choose, its sessions, rejected
SESSIONS = {
    '01_teamviewer_Connections_incoming.txt': (
        None, None, [T1, T2, (at('10-20 09:58:25'), at('10-20 10:14:27'))], 0,
    ),
    '03_teamviewer_api_connections.json': (None, None, [T1, T2], 0),
    '04_teamviewerps_export_de.csv': (BERLIN, None, [T1, T2], 0),
    '05_teamviewer_api_sessions.json': (None, None, [T1], 0),
    '06_anydesk_api_sessions.json': (None, None, [T1, T2], 0),
    '07_anydesk_restapi_SessionCSV.csv': (None, None, [T1, T2], 0),
    '09_my_anydesk_de.csv': (BERLIN, None, [T1, T2], 0),
    '11_rustdesk_pro_api_audits_conn.json': (None, None, [T1, T2], 0),
    '13_rustdesk_api_lejianwen.json': (BERLIN, None, [T1, T2], 0),
    '14_meshcentral_Report.csv': (BERLIN, None, [T1, T2], 0),
    '16_meshcentral_eventslist.json': (None, None, [T1], 0),
    '17_screenconnect_GetReport.json': (None, None, [T1, T2], 1),
    '18_screenconnect_report.csv': (None, None, [T1, T2], 1),
    '19_beyondtrust_SupportSession.xml': (None, None, [T1], 0),
    '21_zoho_assist_api_reports.json': (None, None, [T1, T2], 0),
    '22_guacamole_history.csv': (BERLIN, None, [T1, T2], 0),
    '24_clockify_detailed_us.csv': (BERLIN, 'mdy', [T1, T2], 1),
    '27_zeitexport_de_dezimal.csv': (
        BERLIN, None, [K1, (K2[0], at('10-07 01:05:00'))], 0,
    ),
    '28_interventions_fr_cp1252.csv': (PARIS, None, [K1, K2], 0),
    '30_intune_remote_help.json': (None, None, [T1], 0),
    '32_logmein_rescue_getReport.txt': (None, None, [T1, T2], 0),
    '35_excel_serial_dates.xlsx': (BERLIN, None, [T1, T2], 0),
    '36_excel_date_cells.xlsx': (BERLIN, None, [T1, T2], 0),
    '38_tickets_as_ids.csv': (
        BERLIN, None,
        [T1, (at('10-06 07:00:00'), at('10-06 09:00:00')), T2,
         (at('10-08 07:00:00'), at('10-08 07:30:00'))], 0,
    ),
    '39_two_customers_same_minute.csv': (
        BERLIN, None, [K1, (K1[0], at('10-05 09:42:00'))], 0,
    ),
    '40_only_minutes.csv': (
        BERLIN, None, [T1, (at('10-06 08:12:30'), at('10-06 09:27:30'))], 0,
    ),
    '42_events.ndjson': (None, None, [T1, T2], 0),
    '43_html_table.xls': (BERLIN, None, [T1], 0),
}  # fmt: skip
DEVICES = {
    'd1_teamviewer_api_devices.json': (
        'teamviewer', [('613209944', "FRONT-DESK", "g10"), ('613209945', "STORE-1", "g10")],
    ),
    'd3_anydesk_ClientCSV.csv': (
        'anydesk',
        [('362798056', "office-pc@ad", "Harbor"), ('362798057', "362798057", False)],
    ),
    'd4_rustdesk_pro_devices.json': ('rustdesk', [('483920174', "FRONT-DESK", "Harbor")]),
    'd7_tactical_rmm_agents.json': (
        'tactical_rmm', [('ZxCvBnM1', "FRONT-DESK", "Harbor Law Group")],
    ),
    'd9_intune_devices.csv': ('intune_remote_help', [('3f0a-1', "FRONT-DESK", False)]),
    'd11_geraete_de.csv': ('csv', [('613209944', "FRONT-DESK", "Harbor Law Group")]),
}  # fmt: skip


@freeze_time('2026-11-26 12:00:00')
@tagged('post_install', '-at_install')
class TestImportKinds(IngestCommon):
    """Files as people really have them, chosen, checked and imported without naming a column."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = BERLIN

    def _wizard(self, name, **vals):
        content = (KINDS / name).read_bytes()
        return self.env['assist.session.import'].create(
            {'file': base64.b64encode(content), 'filename': name, **vals}
        )

    def test_every_file_is_looked_at(self):
        self.assertEqual({*SESSIONS, *DEVICES}, {path.name for path in KINDS.iterdir()})

    def test_each_file_comes_in_right(self):
        for name, (zone, order, sessions, rejected) in SESSIONS.items():
            with self.subTest(file=name):
                wizard = self._wizard(name, **({'tz': zone} if zone else {}))
                self.assertTrue(wizard.source, "recognised, or a file like any other")
                wizard.date_order = order
                wizard.action_preview()
                self.assertEqual(wizard.rejected_count, rejected)
                self.assertEqual(wizard.created_count, len(sessions))
                self.assertFalse(wizard.open_count or wizard.long_count or wizard.short_count)
                seconds = sum((end - start).total_seconds() for start, end in sessions)
                self.assertAlmostEqual(wizard.session_hours, seconds / 3600, places=6)
                self.assertEqual(wizard.sessions_shown.count('<tr>'), len(sessions) + 1)
                wizard.action_import()
                found = self.sessions.search([('import_id', '=', wizard.record_id.id)])
                self.assertEqual(
                    sorted((one.started_at, one.ended_at) for one in found), sorted(sessions)
                )
                again = self._wizard(name, **({'tz': zone} if zone else {}))
                again.date_order = order
                again.action_import()
                self.assertEqual((again.created_count, again.updated_count), (0, 0))
                wizard.action_undo()
                self.assertFalse(found.exists())

    def test_the_preview_shows_sessions_in_the_chosen_zone(self):
        self._associate()
        self.env['assist.matching.rule'].create(
            {'field': 'customer', 'value': "Harbor Law Group", 'partner_id': self.customer.id}
        )
        wizard = self._wizard('38_tickets_as_ids.csv')
        self.assertEqual((wizard.source, wizard.tz), ('csv', BERLIN))
        wizard.action_preview()
        text = re.sub(r'<[^>]+>', ' ', wizard.sessions_shown)
        self.assertIn("2026-10-05 10:12:30", text)
        self.assertIn("0:30:00", text)
        self.assertIn(self.customer.display_name, text)
        self.assertIn("Atelier Lumière (not found)", text)
        self.assertEqual((wizard.matched_count, wizard.unmatched_count), (3, 1))
        self.assertEqual(str(wizard.first_day), '2026-10-05')
        self.assertEqual(str(wizard.last_day), '2026-10-08')
        self.assertFalse(wizard.doubts)

    def test_a_file_of_times_alone_is_said_to_belong_to_nobody(self):
        """Its rows came in as if all were well, and two of the same times as one."""
        for device, is_said in ((',', True), (',Device', False)):
            content = f'Start,End{device}\n' + ''.join(
                f'2026-10-{day} 10:12,2026-10-{day} 10:42{device}\n' for day in ('05', '05', '06')
            )
            wizard = self.env['assist.session.import'].create(
                {'file': base64.b64encode(content.encode()), 'filename': 'x.csv'}
            )
            wizard.action_preview()
            self.assertEqual((wizard.created_count, wizard.duplicate_count), (2, 1))
            self.assertEqual(
                "customer or device it was for: 2." in str(wizard.doubts), is_said, device
            )

    def test_rows_that_overlap_are_said(self):
        """The participants of one session are as many rows; who helped two devices did so twice."""
        rows = [
            ('Host', '10:12', '10:42', 'FRONT-DESK'),
            ('Guest', '10:13', '10:40', 'FRONT-DESK'),
            ('Host', '10:42', '10:50', 'FRONT-DESK'),
            ('Host', '10:12', '10:42', 'STORE-1'),
        ]
        content = 'Date,Role,Start,End,Device,Customer,Technician\n' + ''.join(
            f'2026-10-05,{role},{start},{end},{device},Harbor,{role}\n'
            for role, start, end, device in rows
        )
        wizard = self.env['assist.session.import'].create(
            {'file': base64.b64encode(content.encode()), 'filename': 'x.csv'}
        )
        wizard.action_preview()
        self.assertEqual(wizard.created_count, 4)
        self.assertIn("without any device, goes on: 1.", wizard.doubts)

    def test_rows_of_a_customer_that_overlap_are_said_without_a_device_too(self):
        rows = [
            ('Ava', '10:12', '10:42', 'Harbor'), ('Jane', '10:13', '10:40', 'Harbor'),
            ('Ava', '10:42', '10:50', 'Harbor'), ('Ava', '10:12', '10:42', 'Mill'),
            ('Ava', '11:12', '11:42', ''), ('Jane', '11:13', '11:40', ''),
        ]  # fmt: skip
        content = 'Date;Start;End;Customer;Technician\n' + ''.join(
            f'2026-10-05;{start};{end};{customer};{technician}\n'
            for technician, start, end, customer in rows
        )
        wizard = self.env['assist.session.import'].create(
            {'file': base64.b64encode(content.encode()), 'filename': 'x.csv'}
        )
        wizard.action_preview()
        self.assertEqual(wizard.created_count, 6)
        self.assertIn("without any device, goes on: 1.", wizard.doubts)

    def test_a_second_file_is_recognised_anew(self):
        form = Form(self.env['assist.session.import'])
        form.file = base64.b64encode((KINDS / '11_rustdesk_pro_api_audits_conn.json').read_bytes())
        self.assertEqual(form.source, 'rustdesk')
        form.file = base64.b64encode((KINDS / '18_screenconnect_report.csv').read_bytes())
        self.assertEqual((form.source, form.tz), ('screenconnect', 'UTC'))
        form.file = base64.b64encode((KINDS / '22_guacamole_history.csv').read_bytes())
        self.assertEqual((form.source, form.tz), ('guacamole', BERLIN))
        form.file = base64.b64encode(b'a,b\n1,2\n')
        self.assertFalse(form.source)
        wizard = self._wizard('11_rustdesk_pro_api_audits_conn.json')
        content = (KINDS / '40_only_minutes.csv').read_bytes()
        wizard.write({'file': base64.b64encode(content), 'filename': 'own.csv'})
        self.assertEqual(wizard.source, 'csv')

    def test_an_order_of_dates_that_is_open_is_asked_where_it_is_seen(self):
        wizard = self._wizard('24_clockify_detailed_us.csv')
        wizard.action_preview()
        self.assertTrue(wizard.is_order_open)
        self.assertIn("choose the date order", wizard.doubts)
        self.assertEqual((wizard.created_count, wizard.rejected_count), (0, 3))
        wizard.date_order = 'mdy'
        wizard.action_preview()
        self.assertEqual((wizard.created_count, wizard.rejected_count), (2, 1))
        self.assertIn("row of totals", wizard.rejected_shown)

    def test_what_the_whole_file_tells_holds_for_its_import_too(self):
        text = "Session;Start;Duration\nA;03/04/2026 10:00;30\nB;23/04/2026 10:00;45\n"
        wizard = self.env['assist.session.import'].create(
            {'file': base64.b64encode(text.encode()), 'filename': 'x.csv', 'tz': 'UTC'}
        )
        wizard.duration_unit = 'min'
        wizard.action_preview()
        wizard.duration_unit = 'min'
        wizard.action_import()
        found = self.sessions.search([('import_id', '=', wizard.record_id.id)], order='started_at')
        self.assertEqual(
            found.mapped('started_at'), [datetime(2026, 4, 3, 10), datetime(2026, 4, 23, 10)]
        )
        self.assertEqual(found.mapped('duration_seconds'), [1800, 2700])

    def test_an_encoding_can_be_chosen(self):
        text = "Session ID;Start;End;Kunde\n1;2026-01-02 09:00;2026-01-02 09:30;Łódź\n"
        wizard = self.env['assist.session.import'].create(
            {'file': base64.b64encode(text.encode('cp1250')), 'filename': 'x.csv', 'tz': 'UTC'}
        )
        wizard.action_preview()
        self.assertTrue(wizard.is_encoding_open)
        wizard.encoding = 'cp1250'
        wizard.action_import()
        session = self.sessions.search([('import_id', '=', wizard.record_id.id)])
        self.assertEqual(session.source_customer, "Łódź")

    # === THE SAME ID === #

    def _csv(self, text, source='csv'):
        return self.env['assist.session.import'].create(
            {'file': base64.b64encode(text.encode()), 'filename': 'x.csv', 'tz': 'UTC',
             'source': source}
        )  # fmt: skip

    def test_what_differs_from_an_earlier_row_with_its_id_is_rejected_and_says_so(self):
        wizard = self._csv(
            "ID,Technician,Start,End\n"
            "7,Ava,2026-01-02 09:00,2026-01-02 09:30\n"
            "7,Ava,2026-01-03 09:00,2026-01-03 10:00\n"
            "7,Ava,2026-01-02 09:00,2026-01-02 09:30\n"
            "7,Jon,2026-01-02 09:00,2026-01-02 09:30\n"
        )
        wizard.action_preview()
        self.assertEqual(
            (wizard.created_count, wizard.duplicate_count, wizard.rejected_count), (1, 1, 2)
        )
        self.assertIn("as in line 2", wizard.rejected_shown)
        self.assertIn("Start, End", wizard.rejected_shown)
        self.assertIn("Technician", wizard.rejected_shown)
        wizard.action_import()
        self.assertEqual((wizard.created_count, wizard.rejected_count), (1, 2))

    def test_a_row_that_ends_what_an_earlier_one_began_is_no_contradiction(self):
        wizard = self._csv(
            "ID,Technician,Start,End\n"
            "7,Ava,2026-01-02 09:00,\n"
            "7,Ava,2026-01-02 09:00,2026-01-02 09:30\n"
        )
        wizard.action_import()
        self.assertEqual((wizard.created_count, wizard.updated_count), (1, 1))
        self.assertEqual(wizard.rejected_count, 0)

    def test_rows_are_compared_across_the_parts_of_a_long_file(self):
        wizard = self._csv(
            "ID,Start,End\n"
            "7,2026-01-02 09:00,2026-01-02 09:30\n"
            "8,2026-01-02 09:00,2026-01-02 09:30\n"
            "7,2026-01-04 09:00,2026-01-04 09:30\n"
        )
        reading, _sessions = wizard._begin()
        vals = wizard._prepare_record_vals(reading, None)
        record = self.env['assist.session.import.record'].sudo().create(vals)
        while record._take_chunk(reading, 1):
            pass
        self.assertEqual((record.created_count, record.rejected_count), (2, 1))
        self.assertIn("as in line 2", record.rejections[0][2])

    # === FILES THAT NUMBER NO SESSIONS === #

    def test_a_longer_and_sorted_file_finds_the_same(self):
        head = "Technician;Customer;Start;End\n"
        rows = [
            f"Ava;C{number};2026-01-{number:02} 09:00;2026-01-{number:02} 09:30\n"
            for number in range(2, 9)
        ]
        first = self._csv(head + "".join(rows[:4]))
        first.action_import()
        self.assertEqual(first.created_count, 4)
        longer = self._csv(head + "".join(reversed(rows)))
        longer.action_import()
        self.assertEqual((longer.created_count, longer.duplicate_count), (3, 4))

    def test_what_another_source_has_brought_in_is_said(self):
        self.env['assist.matching.rule'].create(
            {'field': 'customer', 'value': "Acme", 'partner_id': self.customer.id}
        )
        self.env['assist.session'].create(
            {
                'source': 'anydesk',
                'external_id': 'A1',
                'partner_id': self.customer.id,
                'started_at': '2026-01-02 09:00:31',
                'ended_at': '2026-01-02 09:30:12',
            }
        )
        head = "Customer;Start;End\n"
        for row, count in (
            ("Acme;2026-01-02 09:00;2026-01-02 09:30\n", 1),
            ("Acme;2026-01-02 09:00;2026-01-02 09:32\n", 0),
            ("Other;2026-01-02 09:00;2026-01-02 09:30\n", 0),
            ("Acme;2026-01-02 09:00;\n", 0),
        ):
            wizard = self._csv(head + row)
            wizard.action_preview()
            self.assertEqual(wizard.alike_count, count, row)
            self.assertEqual("They are left out" in str(wizard.doubts), bool(count), row)
            self.assertEqual("from AnyDesk" in str(wizard.rejected_shown), bool(count), row)
        same = self._csv(
            "ID;" + head + "A1;Acme;2026-01-02 09:00:31;2026-01-02 09:30:12\n", 'anydesk'
        )
        same.action_preview()
        self.assertEqual((same.alike_count, same.duplicate_count), (0, 1))

    def test_a_list_that_a_spreadsheet_saved_again_is_not_doubled(self):
        head = "Technician;Customer;Start;End\n"
        first = "ava;Acme;2026-01-02 09:00:31;2026-01-02 09:30:12\n"
        self._csv(head + first).action_import()
        ids = "Session ID;" + head
        self._csv(ids + "0017;ava;Beta;2026-01-03 09:00:31;2026-01-03 09:30:12\n").action_import()
        for content, kept in (
            (head + "ava;Acme;02.01.2026 09:00;02.01.2026 09:30\n", 1),
            (head + "ava;Acme;2026-01-02 09:00:31;2026-01-02 09:45:00\n", 1),
            (head + "ava;Acme;02.01.2026 09:01;02.01.2026 09:31\n", 0),
            (head + "jon;Acme;2026-01-02 09:00:31;2026-01-02 09:45:00\n", 0),
            (head + "ava;Gamma;02.01.2026 09:00;02.01.2026 09:30\n", 0),
            (ids + "17;ava;Beta;03.01.2026 09:00;03.01.2026 09:30\n", 1),
            (ids + "18;ava;Beta;03.01.2026 09:00;03.01.2026 09:30\n", 0),
            (ids + "17;ava;Beta;04.01.2026 09:00;04.01.2026 09:30\n", 0),
        ):
            wizard = self._csv(content)
            wizard.action_preview()
            self.assertEqual((wizard.alike_count, wizard.rejected_count), (kept, kept), content)

    def test_a_list_by_the_minute_and_then_by_the_second_is_not_doubled(self):
        head = "Technician;Customer;Start;End\n"
        self._csv(head + "ava;Acme;2026-01-02 09:00;2026-01-02 09:30\n").action_import()
        wizard = self._csv(head + "ava;Acme;2026-01-02 09:00:31;2026-01-02 09:30:12\n")
        wizard.action_import()
        self.assertEqual((wizard.created_count, wizard.rejected_count), (0, 1))

    def test_what_another_source_has_brought_in_comes_in_if_that_is_wanted(self):
        content = "Session ID;Computer;Start;End\n1;PC-1;2026-01-02 09:00;2026-01-02 09:30\n"
        self._csv(content, 'splashtop').action_import()
        content = "ID;Computer;Start;End\n7;pc-1;2026-01-02 09:00;2026-01-02 09:30\n"
        # Not even where nobody has looked at it before, and whoever's it is.
        held = self._csv(content)
        held.action_import()
        self.assertEqual((held.created_count, held.rejected_count), (0, 1))
        self.assertIn("set “Import Them Too”", held.rejected_shown)
        taken = self._csv(content)
        taken.action_preview()
        taken.take_alike = True
        taken.action_preview()
        self.assertEqual((taken.created_count, taken.rejected_count, taken.alike_count), (1, 0, 1))
        self.assertIn("both will be billed", taken.doubts)
        taken.action_import()
        self.assertEqual((taken.created_count, taken.rejected_count), (1, 0))
        again = self._csv(content)
        again.action_import()
        self.assertEqual((again.duplicate_count, again.rejected_count), (1, 0))
        # A tool that is recognised by now was but a file before: its IDs are the same.
        for numbered, count in (("7", 1), ("8", 0)):
            row = f"Session ID;Start;End\n{numbered};2026-01-02 09:00;2026-01-02 09:30\n"
            same = self._csv(row, 'splashtop')
            same.action_preview()
            self.assertEqual((same.alike_count, same.rejected_count), (count, count))

    def test_what_did_not_take_place_is_said_and_not_billed(self):
        wizard = self._csv(
            "Customer;Status;Exported;Start;End\n"
            "Acme;Missed;No;2026-01-02 09:00;2026-01-02 09:01\n"
            "Acme;Cancelled;No;2026-01-02 10:00;2026-01-02 10:30\n"
            "Acme;Completed;Yes;2026-01-02 11:00;2026-01-02 11:30\n"
        )
        wizard.action_preview()
        self.assertEqual((wizard.created_count, wizard.free_count), (3, 1))
        self.assertIn("“Status” says “Cancelled” and the like: 1.", wizard.doubts)
        self.assertIn("“Exported” says “Yes” and the like: 1.", wizard.doubts)
        wizard.action_import()
        sessions = self.env['assist.session'].search(
            [('import_id', '=', wizard.record_id.id)], order='started_at'
        )
        self.assertEqual(sessions.mapped('billable'), [False, True, True])
        self.assertEqual(sessions[0].non_billable_reason, "Status: Missed")
        wizard.action_undo()
        wizard.column_ids.filtered(lambda column: column.name == "Status").field = 'billable'
        wizard.action_preview()
        self.assertEqual(wizard.free_count, 2)
        self.assertNotIn("“Status” says", wizard.doubts)

    def test_what_came_in_before_something_was_filled_in_is_not_doubled(self):
        head = "Technician;Customer;Computer;Start;End\n"
        blank = "Ava;;;2026-01-02 09:00;2026-01-02 09:30\n"
        first = self._csv(head + blank)
        first.action_import()
        session = self.env['assist.session'].search([('import_id', '=', first.record_id.id)])
        filled = blank.replace(";;;", ";Acme;PC-1;")
        for rows, counts in (
            (blank, (0, 1)),
            # Without looking at it first, as programs do, and once more.
            (filled, (0, 1)),
            (filled, (0, 1)),
            (blank, (0, 1)),
            # Beside what is there: this one is another.
            (blank + filled, (1, 1)),
            (blank + filled, (0, 2)),
            (blank.replace("Ava;", "Bob;"), (1, 0)),
            (blank.replace("09:30", "09:30:20"), (1, 0)),
        ):
            wizard = self._csv(head + rows)
            wizard.action_preview()
            self.assertEqual((wizard.created_count, wizard.duplicate_count), counts, rows)
            wizard.action_import()
            self.assertEqual((wizard.created_count, wizard.duplicate_count), counts, rows)
        self.assertIn("Acme", session.source_difference)

    def test_what_is_found_by_what_it_says_is_found_once(self):
        head = "Technician;Customer;Start;End\n"
        blank = "Ava;;2026-01-02 09:00;2026-01-02 09:30\n"
        self._csv(head + blank).action_import()
        both = blank.replace(";;", ";Acme;") + blank.replace(";;", ";Other;")
        for counts in ((1, 1), (0, 2)):
            wizard = self._csv(head + both)
            wizard.action_import()
            self.assertEqual((wizard.created_count, wizard.duplicate_count), counts)
            self.assertFalse(wizard.rejected_count)

    def test_programs_double_nothing_that_says_more_by_now(self):
        """As after an upgrade that reads a column which the version before did not know."""
        record = {
            'SessionName': "FRONT-DESK",
            'ParticipantName': "Ava",
            'ConnectedTime': '2026-01-02T09:00:00Z',
            'DisconnectedTime': '2026-01-02T09:30:00Z',
        }
        more = {**record, 'SessionSessionID': 'abc-1'}
        ingest = self.env['assist.session'].ingest
        [first] = ingest([record], 'screenconnect')
        self.assertEqual(first['status'], 'created')
        for _time in range(2):
            [answer] = ingest([more], 'screenconnect')
            self.assertEqual((answer['status'], answer['id']), ('duplicate', first['id']))
        # It ends what ran, and does not begin it again.
        running = {**record, 'ConnectedTime': '2026-01-03T09:00:00Z', 'DisconnectedTime': None}
        [first] = ingest([running], 'screenconnect')
        ended = {**running, 'DisconnectedTime': '2026-01-03T09:30:00Z'}
        [answer] = ingest([{**ended, 'SessionSessionID': 'abc-1'}], 'screenconnect')
        self.assertEqual((answer['status'], answer['id']), ('updated', first['id']))
        session = self.env['assist.session'].browse(first['id'])
        self.assertEqual((session.source_device_ref, session.duration_seconds), ('abc-1', 1800))

    def test_what_ran_when_it_came_in_is_ended_and_not_doubled(self):
        head = "Technician;Start;End\n"
        running = self._csv(head + "Ava;2026-01-02 09:00;\n")
        running.action_preview()
        self.assertEqual(running.open_count, 1)
        self.assertIn("without an end", running.doubts)
        running.action_import()
        ended = self._csv(head + "Ava;2026-01-02 09:00;2026-01-02 09:30\n")
        ended.action_import()
        self.assertEqual((ended.created_count, ended.updated_count), (0, 1))
        again = self._csv(head + "Ava;2026-01-02 09:00;2026-01-02 09:30\n")
        again.action_import()
        self.assertEqual((again.created_count, again.duplicate_count), (0, 1))
        # Another one, of the same minute.
        other = self._csv(head + "Ava;2026-01-02 09:00;2026-01-02 09:45\n")
        other.action_import()
        self.assertEqual(other.created_count, 1)

    def test_what_came_in_before_ends_counted_is_not_doubled(self):
        """Sessions were once told by start, technician and device alone."""
        wall = datetime(2026, 1, 2, 9).isoformat()
        said = f'{wall}\x1fava\x1fpc-1'
        session = self.sessions.create(
            {
                'source': 'take_control',
                'external_id': 'd-' + hashlib.sha256(said.encode()).hexdigest()[:32],
                'started_at': datetime(2026, 1, 2, 9),
                'ended_at': datetime(2026, 1, 2, 9, 30),
            }
        )
        record = {
            'TECH_USERNAME': 'Ava', 'COMPUTER_NAME': 'PC-1', 'DATE_START': '2026-01-02 09:00:00',
            'DATE_END': '2026-01-02 09:30:00',
        }  # fmt: skip
        options = {'source': 'take_control', 'assist_source_tz': 'UTC'}
        self.assertEqual(self._statuses(record, **options), ['duplicate'])
        # Of another end, it is another session.
        other = {**record, 'DATE_END': '2026-01-02 09:40:00'}
        self.assertEqual(self._statuses(other, record, **options), ['created', 'duplicate'])
        self.assertEqual(session.ended_at, datetime(2026, 1, 2, 9, 30))

    # === THE ZONE === #

    def test_the_zone_in_the_context_holds_whatever_the_source(self):
        record = {
            'ConnectionID': 'c1', 'ConnectedTime': '2026-01-02 09:00:00',
            'DisconnectedTime': '2026-01-02 09:30:00', 'ParticipantName': 'ava',
        }  # fmt: skip
        self._ingest(record, source='screenconnect')
        self.assertEqual(self._get('c1', 'screenconnect').started_at, datetime(2026, 1, 2, 9))
        self._ingest({**record, 'ConnectionID': 'c2'}, source='screenconnect',
                     assist_source_tz='Asia/Tokyo')  # fmt: skip
        self.assertEqual(self._get('c2', 'screenconnect').started_at, datetime(2026, 1, 2))

    def test_reasons_are_in_the_words_of_the_screen(self):
        [answer] = self._ingest({'technician': 'ava', 'note': 'x'}, source='csv')
        self.assertEqual(answer['field'], "Start")
        self.assertIn("Start is missing", answer['reason'])

    # === DEVICES === #

    def _device_wizard(self, name, content=None, **vals):
        content = content or (KINDS / name).read_bytes()
        return self.env['assist.device.import'].create(
            {'file': base64.b64encode(content), 'filename': name, 'tz': BERLIN, **vals}
        )

    def test_each_list_of_devices_comes_in_right(self):
        for name, (source, devices) in DEVICES.items():
            with self.subTest(file=name):
                wizard = self._device_wizard(name)
                self.assertEqual(wizard.source, source)
                before = self.env['assist.device'].search_count([])
                wizard.action_preview()
                self.assertEqual(wizard.created_count, len(devices))
                self.assertEqual(wizard.devices_shown.count('<tr>'), len(devices) + 1)
                self.assertEqual(self.env['assist.device'].search_count([]), before)
                wizard.action_import()
                found = self.env['assist.device'].browse(wizard.created_ids)
                self.assertEqual(
                    [(one.external_id, one.name, one.source_group) for one in found], devices
                )
                again = self._device_wizard(name)
                again.action_import()
                self.assertEqual(again.duplicate_count, len(devices))
                wizard.action_undo()
                self.assertEqual(self.env['assist.device'].search_count([]), before)

    def test_days_of_devices_are_kept(self):
        wizard = self._device_wizard(
            'x.csv',
            b"Device ID;Name;Enrolled on;Removed on\nA;X;02.01.2026;04.03.2026\nB;Y;03.01.2026;\n",
        )
        wizard.action_import()
        one, two = self.env['assist.device'].browse(wizard.created_ids)
        self.assertEqual((str(one.enrolled_on), str(one.removed_on)), ('2026-01-02', '2026-03-04'))
        self.assertEqual((str(two.enrolled_on), two.removed_on), ('2026-01-03', False))
        later = self._device_wizard(
            'x.csv',
            b"Device ID;Name;Enrolled on;Removed on\nA;X;02.01.2026;04.03.2026\n"
            b"B;Y;03.01.2026;05.06.2026\n",
        )
        later.action_import()
        self.assertEqual((later.updated_count, later.duplicate_count), (1, 1))
        self.assertEqual(str(two.removed_on), '2026-06-05')

    def test_columns_of_a_list_are_chosen_once(self):
        content = b"Box;What;Whose;Since\n17;Till;Acme;03/04/2026\n"
        wizard = self._device_wizard('x.csv', content)
        wizard.action_preview()
        self.assertEqual((wizard.created_count, wizard.rejected_count), (0, 1))
        taken = {'Box': 'external_id', 'What': 'name', 'Whose': 'group', 'Since': 'enrolled_at'}
        for column in wizard.column_ids:
            column.field = taken[column.name]
        wizard.date_order = 'dmy'
        wizard.action_preview()
        self.assertEqual(wizard.created_count, 1)
        wizard.action_import()
        device = self.env['assist.device'].browse(wizard.created_ids)
        self.assertEqual((device.name, device.source_group), ("Till", "Acme"))
        self.assertEqual(str(device.enrolled_on), '2026-04-03')
        later = self._device_wizard('x.csv', content.replace(b'17', b'18'))
        later.action_import()
        self.assertEqual(later.created_count, 1)

    def test_a_device_known_by_another_of_its_ids_is_not_doubled(self):
        self.env['assist.device'].ingest([{'device_id': 'd1234567', 'alias': "Old"}], 'teamviewer')
        wizard = self._device_wizard('d1_teamviewer_api_devices.json')
        wizard.action_import()
        self.assertEqual((wizard.created_count, wizard.updated_count), (1, 1))
        found = self.env['assist.device'].search([('source', '=', 'teamviewer')])
        self.assertEqual(sorted(found.mapped('external_id')), ['613209944', '613209945'])

    def test_an_import_of_devices_of_somebody_else_is_not_undone(self):
        device = self.env['assist.device'].create({'name': "By hand", 'source': 'manual'})
        wizard = self._device_wizard('d11_geraete_de.csv')
        wizard.action_import()
        wizard.sudo().created_ids = [*wizard.created_ids, device.id]
        technician = self._create_technician()
        own = wizard.with_user(technician).create(
            {'file': wizard.sudo().file, 'filename': 'x.csv', 'tz': 'UTC'}
        )
        own.sudo().created_ids = wizard.created_ids
        own.action_undo()
        self.assertEqual(len(self.env['assist.device'].browse(wizard.created_ids).exists()), 2)
