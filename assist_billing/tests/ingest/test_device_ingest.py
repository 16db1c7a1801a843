import base64
from datetime import date, datetime
from unittest.mock import patch

from odoo.exceptions import AccessError, ConcurrencyError
from odoo.tests import new_test_user, tagged

from ..common import AssistBillingCommon

NOW = datetime(2026, 1, 20, 23, 30)


def device(number, **values):
    return {
        'key': f'K{number}',
        'computer_name': f'PC-{number}',
        'created_time': 1767348000000,  # 2026-01-02 10:00 UTC
        'status': 'online',
        **values,
    }


@tagged('post_install', '-at_install')
class TestDeviceIngest(AssistBillingCommon):
    """Lists of devices come in: none twice, none lost, none removed that is there."""

    def _ingest(self, records, source='zoho_assist'):
        answers = self.env['assist.device'].ingest(records, source)
        self.assertEqual([answer['index'] for answer in answers], list(range(len(answers))))
        return [answer['status'] for answer in answers]

    def _devices(self):
        return self.env['assist.device'].search([('source', '=', 'zoho_assist')], order='id')

    def _miss(self, keys, now=NOW, departments=None):
        return self.env['assist.device']._source_miss('zoho_assist', keys, now, departments)

    # === COMING IN === #

    def test_sending_again_in_any_order_changes_nothing(self):
        records = [device(number) for number in range(1, 31)]
        self.assertEqual(set(self._ingest(records)), {'created'})
        before = self._devices().read()
        self.assertEqual(set(self._ingest(records[::-1])), {'duplicate'})
        self.assertEqual(set(self._ingest(records[10:20])), {'duplicate'})
        self.assertEqual(self._devices().read(), before)
        self.assertEqual(len(before), 30)
        self.assertEqual(before[0]['enrolled_on'], date(2026, 1, 2))

    def test_the_last_of_two_in_one_list_counts(self):
        records = [device(1), device(1, nick_name="Reception")]
        self.assertEqual(self._ingest(records), ['duplicate', 'created'])
        self.assertEqual(self._devices().name, "Reception")
        self.assertEqual(self._ingest(records), ['duplicate', 'duplicate'])

    def test_bad_records_are_told_and_stop_no_other(self):
        bad = [
            None, 7, "x", [], {}, {'key': ''}, {'key': {'a': 1}}, {'key': 'x' * 5000},
            device(2, created_time='soon'), device(3, created_time=-1),
            device(4, created_time=10**17), device(5, created_time=float('nan'), key=float('inf')),
        ]  # fmt: skip
        answers = self.env['assist.device'].ingest([*bad, device(1)], 'zoho_assist')
        self.assertEqual([answer['status'] for answer in answers][-1], 'created')
        for answer in answers[:-1]:
            self.assertEqual(answer['status'], 'rejected', answer)
            self.assertTrue(answer['field'])
            self.assertTrue(answer['reason'])
            self.assertFalse(answer['id'])
        self.assertEqual(len(self._devices()), 1)
        for records in (None, 'text', 5):
            self.assertEqual(self._ingest(records), ['rejected'])
        for source in ('no such source', '\0', '\ud800', 5, None, ['zoho_assist']):
            self.assertEqual(self._ingest([device(1)], source), ['rejected'])

    def test_hostile_texts_are_stored_as_text(self):
        self._ingest([device(1, computer_name='<script>\0x</script>' + 'y' * 500)])
        self.assertTrue(self._devices().name.startswith('<script>x</script>'))
        self.assertLessEqual(len(self._devices().name), 255)

    def test_a_name_that_somebody_gave_it_here_stays(self):
        self._ingest([device(1), device(2)])
        one, two = self._devices()
        one.name = "Server of Acme"
        renamed = [device(1, computer_name="NEW-1"), device(2, computer_name="NEW-2")]
        self.assertEqual(self._ingest(renamed), ['updated', 'updated'])
        self.assertEqual(one.name, "Server of Acme")
        self.assertEqual(one.source_name, "NEW-1")
        self.assertEqual(two.name, "NEW-2")
        self.assertEqual(self._ingest(renamed), ['duplicate', 'duplicate'])

    def test_who_may(self):
        technician = self._create_technician()
        Device = self.env['assist.device']
        self.assertEqual(
            Device.with_user(technician).ingest([device(1)], 'zoho_assist')[0]['status'], 'created'
        )
        program = new_test_user(
            self.env, 'program', groups='assist_billing.assist_billing_group_ingest'
        )
        answers = Device.with_user(program).ingest(
            [device(1, status='deleted'), device(2)], 'zoho_assist'
        )
        self.assertEqual([answer['status'] for answer in answers], ['updated', 'created'])
        with self.assertRaises(AccessError):
            Device.with_user(program).browse(answers[0]['id']).read(['name'])
        nobody = new_test_user(self.env, 'nobody', groups='base.group_user')
        with self.assertRaises(AccessError):
            Device.with_user(nobody).ingest([device(3)], 'zoho_assist')

    # === WHOSE IT IS === #

    def _create_rule(self, field, value, partner=None):
        return self.env['assist.matching.rule'].create(
            {'field': field, 'value': value, 'partner_id': (partner or self.customer).id}
        )

    def test_its_customer_is_found_by_department_group_or_address(self):
        other = self._create_partner("Borealis", email='it@borealis.example')
        self._create_rule('department', '2750000000001')
        self._create_rule('group', 'Reception', other)
        self._ingest(
            [
                device(1, department_id='2750000000001'),
                device(2, group_name='Reception'),
                device(3, customer_email='IT@borealis.example'),
                device(4),
            ]
        )
        found = [one.partner_id for one in self._devices()]
        self.assertEqual(found, [self.customer, other, other, other.browse()])

    def test_a_rule_made_later_counts_and_a_chosen_customer_stays(self):
        other = self._create_partner("Borealis")
        records = [device(1, group_name='Reception'), device(2, group_name='Reception')]
        self._ingest(records)
        one, two = self._devices()
        one.partner_id = other
        self._create_rule('group', 'Reception')
        self.assertEqual(self._ingest(records), ['duplicate', 'updated'])
        self.assertEqual((one.partner_id, two.partner_id), (other, self.customer))

    def _session(self, number, name):
        return {
            'session_id': number, 'session_type': 'URS', 'display_name': name,
            'start_time': 1768471200000, 'end_time': 1768473000000,
        }  # fmt: skip

    def test_a_session_finds_its_customer_through_its_device(self):
        association = self._associate()
        self._create_rule('department', '2750000000001')
        self._ingest([device(1, department_id='2750000000001'), device(2)])
        sessions = self.env['assist.session']
        answers = sessions.ingest(
            [self._session(1, 'pc-1'), self._session(2, 'PC-2')], 'zoho_assist'
        )
        one, two = sessions.browse([answer['id'] for answer in answers])
        self.assertEqual(one.device_id.external_id, 'K1')
        self.assertEqual((one.partner_id, one.association_id), (self.customer, association))
        self.assertEqual(one.state, 'to_bill')
        self.assertEqual((two.device_id.external_id, two.state), ('K2', 'unmatched'))
        two.device_id.partner_id = self.customer
        self.assertEqual((two.partner_id, two.state), (self.customer, 'to_bill'))

    def test_a_device_that_comes_in_after_its_session_gives_it_its_customer(self):
        self._associate()
        self._create_rule('department', '7')
        sessions = self.env['assist.session']
        answers = sessions.ingest(
            [self._session(1, 'PC-1'), self._session(2, 'PC-2')], 'zoho_assist'
        )
        one, two = sessions.browse([answer['id'] for answer in answers])
        self.assertEqual(one.state, 'unmatched')
        # Two have the name of the second session's device: it could be either.
        self._ingest(
            [device(1, department_id='7')]
            + [device(n, computer_name='PC-2', department_id='7') for n in (2, 3)]
        )
        self.assertEqual((one.partner_id, one.state), (self.customer, 'to_bill'))
        self.assertFalse(two.device_id or two.partner_id)

    # === GONE, AND BACK === #

    def test_what_the_list_does_not_have_is_removed_on_the_customers_day(self):
        self._associate(tz='Asia/Tokyo')
        self._create_rule('group', 'Tokyo')
        self._ingest([device(1), device(2), device(3, group_name='Tokyo'), device(4)])
        removed, doubted = self._miss({'K1', 'K4'})
        self.assertFalse(doubted)
        self.assertEqual(removed.mapped('external_id'), ['K2', 'K3'])
        one, two, three, _four = self._devices()
        self.assertFalse(one.removed_on)
        # At 23:30 UTC it is the next day in Tokyo.
        self.assertEqual((two.removed_on, three.removed_on), (date(2026, 1, 20), date(2026, 1, 21)))
        self.assertEqual(self._miss({'K1', 'K4'})[0], removed.browse(), "once")

    def test_an_absurd_removal_is_not_believed(self):
        records = [device(number, department_id='7') for number in range(1, 11)]
        self._ingest(records)
        for seen in (set(), {'K1', 'K2', 'K3', 'K4'}):
            removed, doubted = self._miss(seen, departments=['7'])
            self.assertFalse(removed)
            self.assertEqual(len(doubted), 10 - len(seen))
            self.assertFalse(any(self._devices().mapped('removed_on')))
        self.assertTrue(all(self._devices().mapped('missing_since')))
        self.assertEqual(set(self._ingest(records)), {'duplicate'})
        self.assertFalse(any(self._devices().mapped('missing_since')), "they were seen again")

    def test_only_the_departments_that_were_read_are_looked_at(self):
        self._ingest([device(1, department_id='7'), device(2, department_id='8'), device(3)])
        removed, doubted = self._miss({'K1'}, departments=['7'])
        self.assertFalse(removed | doubted)

    def test_one_that_is_back_counts_from_today_without_the_days_between(self):
        self.plan.write({'charge_devices': True, 'price_per_device': 5, 'device_count': 'by_day'})
        association = self._associate(start_date='2026-01-01')
        self._create_rule('group', 'Reception')
        records = [device(number, group_name='Reception') for number in (1, 2, 3)]
        self._ingest(records)
        self._miss({'K1', 'K2'}, datetime(2026, 1, 10, 12))
        back = self._devices()[2]
        self.assertEqual(back.removed_on, date(2026, 1, 10))
        back._source_reopen(datetime(2026, 1, 20, 12))
        self.assertFalse(back.removed_on or back.removed_at_source)
        self.assertEqual(back.enrolled_on, date(2026, 1, 2))
        self._close('2026-02-01 01:00:00')
        cycle = self._cycles(association)[0]
        spans = [(row.date_from, row.date_to) for row in cycle.device_ids if row.device_id == back]
        self.assertEqual(
            sorted(spans),
            [(date(2026, 1, 2), date(2026, 1, 10)), (date(2026, 1, 20), date(2026, 2, 1))],
        )

    def test_ingest_reopens_what_the_source_removed_and_not_what_somebody_removed(self):
        self._ingest([device(1), device(2), device(3)])
        one, two, _three = self._devices()
        self._miss({'K2', 'K3'})
        two.action_remove()
        self.assertEqual(self._ingest([device(1), device(2)]), ['updated', 'duplicate'])
        self.assertFalse(one.removed_on)
        self.assertTrue(two.removed_on, "somebody here said so")
        self.assertEqual(self._ingest([device(1), device(2)]), ['duplicate', 'duplicate'])

    def test_one_that_the_source_calls_deleted_is_removed(self):
        self._ingest([device(1)])
        gone = [device(1, status='deleted'), device(2, status='deleted')]
        self.assertEqual(self._ingest(gone), ['updated', 'created'])
        self.assertEqual(self._ingest(gone), ['duplicate', 'duplicate'])
        one, two = self._devices()
        self.assertTrue(one.removed_on)
        self.assertEqual(two.removed_on, two.enrolled_on, "it counts on no day")
        self.assertEqual(self._ingest([device(2)]), ['updated'])
        self.assertFalse(two.removed_on)

    # === AT THE SAME TIME === #

    def _patch_fetch(self, replace):
        """Let `replace(number of the call, rows)` say what a caller sees of the stored devices."""
        devices = type(self.env['assist.device'])
        fetch, calls = devices._ingest_fetch, []

        def replaced(this, run, external_ids):
            calls.append(run.met_others)
            return replace(len(calls), fetch(this, run, external_ids))

        return patch.object(devices, '_ingest_fetch', replaced), calls

    def test_whoever_is_overtaken_looks_again(self):
        self._ingest([device(1), device(2)])
        blind, calls = self._patch_fetch(lambda call, rows: rows if call > 1 else {})
        with blind:
            statuses = self._ingest([device(1), device(3), device(2)])
        self.assertEqual(calls, [False, True])
        self.assertEqual(statuses, ['duplicate', 'created', 'duplicate'])
        self.assertEqual(len(self._devices()), 3)

    def test_whoever_is_always_overtaken_is_told_to_begin_again(self):
        self._ingest([device(1)])
        blind, calls = self._patch_fetch(lambda _call, _rows: {})
        with blind, self.assertRaises(ConcurrencyError):
            self._ingest([device(1), device(2)])
        self.assertEqual(len(calls), 5)
        self.assertEqual(len(self._devices()), 1)

    def test_what_is_newer_than_a_transaction_is_known_but_not_changed_by_it(self):
        self._ingest([device(1)])
        newer, _calls = self._patch_fetch(
            lambda _call, rows: {key: {**row, 'fixed': True} for key, row in rows.items()}
        )
        with newer:
            self.assertEqual(self._ingest([device(1)]), ['duplicate'])
            for change in ({'computer_name': "Other"}, {'status': 'deleted'}):
                with self.assertRaises(ConcurrencyError):
                    self._ingest([device(1, **change), device(2)])
        self.assertEqual(self._devices().mapped('name'), ["PC-1"])

    # === FILES === #

    def _import(self, content, **vals):
        wizard = self.env['assist.device.import'].create(
            {'file': content, 'filename': 'devices.csv', 'tz': 'UTC', **vals}
        )
        action = wizard.action_import()
        self.assertEqual(action['res_id'], wizard.id)
        return wizard

    def test_an_id_of_many_loses_no_device(self):
        text = (
            "Client ID;Computer Name\n17;FRONT-DESK\n17;front-desk\n17;STORE-1\n18;\n18;\n"
            "Total: 4;\n1,23457E+12;PC-1\n19;PC-2;broken; in two\n"
        )
        wizard = self._import(base64.b64encode(text.encode()))
        self.assertEqual(
            (wizard.created_count, wizard.duplicate_count, wizard.rejected_count), (2, 2, 4)
        )
        self.assertIn("Row 4: ", wizard.rejected_shown)
        self.assertIn("does not identify devices", wizard.rejected_shown)
        wizard.action_undo()
        wizard.action_preview()
        for column in wizard.column_ids:
            column.field = 'external_id' if column.name == 'Computer Name' else False
        wizard.action_import()
        self.assertEqual((wizard.created_count, wizard.duplicate_count), (4, 0))

    def test_the_dialog_says_what_a_status_means_for_the_bill(self):
        text = (
            "Device ID,Name,Status\nA1,Till,Offline\nA2,Server,Retired\nA3,Old,Retired\n"
            "A4,Attic,Inactive\n"
        )
        wizard = self.env['assist.device.import'].create(
            {'file': base64.b64encode(text.encode()), 'filename': 'devices.csv'}
        )
        wizard.action_preview()
        self.assertIn("“Status” says “Retired” and the like: 2. These devices are", wizard.doubts)
        self.assertIn("“Status” says “Inactive” and the like: 1. That need not", wizard.doubts)
        self.assertNotIn("Offline", wizard.doubts)
        wizard.action_import()
        found = self.env['assist.device'].search([('source', '=', 'csv')], order='external_id')
        self.assertEqual([bool(one.removed_on) for one in found], [False, True, True, False])

    def test_a_file_is_imported_once(self):
        text = (
            "Device ID,Name,Group,Enrolled on\nA1,Till,Shop,2026-01-05\nA2,Server,Shop,\n,No ID,,\n"
        )
        content = base64.b64encode(text.encode())
        wizard = self._import(content)
        self.assertEqual(
            (wizard.record_count, wizard.created_count, wizard.rejected_count), (3, 2, 1)
        )
        self.assertIn("Device ID", wizard.rejected_shown)
        self.assertIn(b'No ID', base64.b64decode(wizard.rejected_file))
        found = self.env['assist.device'].search([('source', '=', 'csv')], order='external_id')
        self.assertEqual(found.mapped('name'), ["Till", "Server"])
        self.assertEqual(found[0].enrolled_on, date(2026, 1, 5))
        again = self._import(content, is_complete=True)
        self.assertEqual((again.duplicate_count, again.removed_count), (2, 0))
        # A row that cannot be read may be any device; one of sums is none.
        for footer, removed in ((b",Broken\n", 0), (b"Total: 1,\n", 1)):
            less = base64.b64encode(b"Device ID,Name\nA1,Till\n" + footer)
            wizard = self._import(less, is_complete=True)
            self.assertEqual((wizard.rejected_count, wizard.removed_count), (1, removed))
        self.assertTrue(found[1].removed_on)
        nothing = self._import(base64.b64encode(b"Device ID,Name\nB1,Other\n"), is_complete=True)
        self.assertEqual((nothing.removed_count, nothing.doubted_count), (1, 0))
