from datetime import date, datetime

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .connector_common import ConnectorCommon
from .vendor_server import change, cut_json, status, truncated, zoho_device, zoho_record

DEPARTMENTS = '101, 102'


@tagged('post_install', '-at_install')
class TestConnectorDevices(ConnectorCommon):
    """Devices are fetched department by department; only a whole list removes any."""

    def setUp(self):
        super().setUp()
        self.server.devices = {
            '101': [zoho_device(number) for number in range(1, 31)],
            '102': [zoho_device(number) for number in range(101, 106)],
        }
        self.server.page_size = 10
        self.connector = self._create_zoho(device_departments=DEPARTMENTS)

    def _devices(self):
        return self.env['assist.device'].search([('source', '=', 'zoho_assist')])

    def _there(self):
        return self._devices().filtered(lambda device: not device.removed_on)

    def test_all_departments_are_read_and_read_again(self):
        self._fetch('2026-01-16 12:00:00')
        self.assertEqual(self.connector.state, 'working', self.connector.error)
        self.assertEqual(len(self._devices()), 35)
        self.assertEqual(set(self._devices().mapped('source_department')), {'101', '102'})
        self.assertEqual(self._devices()[0].enrolled_on, date(2026, 1, 2))
        before = self._devices().sorted('id').read()
        self._fetch('2026-01-17 12:00:00')
        self.assertEqual(self._devices().sorted('id').read(), before)
        self.assertEqual(self.connector.devices_at, datetime(2026, 1, 17, 12))
        self.assertEqual(self.connector.device_count, 35)
        self.assertNoSecretShown(self.connector)

    def test_a_department_is_a_customer_and_so_its_sessions_find_it(self):
        self._associate()
        self.env['assist.matching.rule'].create(
            {'field': 'department', 'value': '102', 'partner_id': self.customer.id}
        )
        record = zoho_record(1) | {
            'session_type': 'URS', 'display_name': 'PC 103', 'agent_email': '',
        }  # fmt: skip
        self.server.zoho = [record]
        self._fetch('2026-01-16 12:00:00')
        session = self._sessions(self.connector)
        self.assertEqual(session.device_id.source_department, '102')
        self.assertEqual((session.partner_id, session.state), (self.customer, 'to_bill'))

    def test_one_that_is_gone_is_removed_and_counts_again_when_it_is_back(self):
        self._fetch('2026-01-16 12:00:00')
        gone = self.server.devices['101'].pop(4)
        moved = self.server.devices['101'].pop(0)
        self.server.devices['102'].append(moved)
        self._fetch('2026-01-18 12:00:00')
        removed = self._devices() - self._there()
        self.assertEqual(removed.external_id, gone['resource_id'])
        self.assertEqual(removed.removed_on, date(2026, 1, 18))
        self.server.devices['101'].append(gone)
        self._fetch('2026-01-25 12:00:00')
        self.assertEqual(len(self._there()), 35)

    def test_a_list_that_is_not_read_whole_removes_nothing(self):
        self._fetch('2026-01-16 12:00:00')
        del self.server.devices['101'][20:25]
        self.server.zoho = [zoho_record(1, minute=30 * 60)]
        faults = {
            'cut': (cut_json, "incomplete"),
            'truncated': (truncated, "connection was lost"),
            'status 500': (status(500), "HTTP 500"),
            'status 429': (status(429), "pause"),
            'status 403': (status(403), "unattended.computer.READ"),
        }
        for day, (name, (fault, words)) in enumerate(faults.items(), 17):
            with self.subTest(name):
                # The second page of the first department.
                self.server.faults.extend([change(lambda _server: None), fault])
                self._fetch(f'2026-01-{day} 12:00:00')
                self.assertEqual(len(self._there()), 35)
                self.assertIn("101", self.connector.error)
                self.assertIn(words, self.connector.error)
                self.assertEqual(len(self._sessions(self.connector)), 1, "sessions came in")
                self.assertNoSecretShown(self.connector)
        self._fetch('2026-01-25 12:00:00')
        self.assertEqual(len(self._there()), 30)
        self.assertFalse(self.connector.error)

    def test_a_list_that_changes_while_it_is_read_removes_nothing_that_is_there(self):
        self._fetch('2026-01-16 12:00:00')
        # One vanishes before the second page is read: the eleventh moves to the first page.
        self.server.faults.extend(
            [
                change(lambda _server: None),
                change(lambda server: server.devices['101'].pop(0)),
            ]
        )
        self._fetch('2026-01-17 12:00:00')
        self.assertEqual(len(self._there()), 35, "it was there a moment ago")
        self._fetch('2026-01-17 14:00:00')
        self.assertEqual(len(self._there()), 34)

    def test_an_empty_answer_is_reported_and_removes_nothing(self):
        self._fetch('2026-01-16 12:00:00')
        self.server.devices['101'] = []
        self._fetch('2026-01-17 12:00:00')
        self.assertEqual(len(self._there()), 35)
        self.assertEqual(self.connector.missing_device_count, 30)
        self.assertEqual(self.connector.state, 'working', "sessions come in all the same")
        self.assertIn("no longer lists: 30,", self._activities(self.connector).note)
        self.assertIn('search_default_missing', self.connector.action_view_devices()['context'])
        missing = self._devices().filtered('missing_since')
        missing[:10].action_remove()
        self.server.devices['101'] = [zoho_device(number) for number in range(1, 31)]
        self._fetch('2026-01-18 12:00:00')
        self.assertFalse(self._devices().filtered('missing_since'))
        self.assertEqual(len(self._there()), 35, "those removed by hand are there again too")
        self.assertFalse(self._activities(self.connector))

    def test_what_is_rejected_is_told_and_its_device_is_not_missing(self):
        self._fetch('2026-01-16 12:00:00')
        self.server.devices['101'][3]['created_time'] = 'soon'
        self._fetch('2026-01-17 12:00:00')
        self.assertEqual(self.connector.device_rejected_count, 1)
        self.assertIn("soon", self.connector.device_rejected_reason)
        self.assertEqual(len(self._there()), 35)

    def test_departments_are_numbers(self):
        for text in ('sales', '12; drop', '1, x'):
            with self.assertRaises(ValidationError):
                self.connector.device_departments = text
