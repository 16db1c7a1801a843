from datetime import datetime, timedelta
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.tests import Form, freeze_time, tagged
from odoo.tools.safe_eval import safe_eval

from ...models.session import assist_session
from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestSessionHand(AssistBillingCommon):
    """Sessions by hand, in one click each; those that are not billed; overlapping."""

    def setUp(self):
        super().setUp()
        self.technician = self._create_technician()
        self.sessions = self.env['assist.session'].with_user(self.technician)

    def test_new_sessions_take_nothing_of_those_they_are_created_on(self):
        two = self._create_session() | self._create_session()
        ended_at = fields.Datetime.now() + timedelta(hours=1)
        new = two.create({'partner_id': self.customer.id, 'ended_at': ended_at})
        self.assertNotIn(new, two)

    # === TYPED === #

    def test_a_typed_duration_sets_the_end(self):
        with freeze_time('2026-01-10 12:00:00'), Form(self.sessions) as form:
            form.name = "On the phone"
            form.partner_id = self.customer
            form.started_at = '2026-01-10 10:00:00'
            form.duration_hours = 0.75
            self.assertEqual(form.ended_at, datetime(2026, 1, 10, 10, 45))
        session = form.record
        self.assertEqual(session.duration_seconds, 45 * 60)
        session.duration_hours = 1.5
        self.assertEqual(session.ended_at, datetime(2026, 1, 10, 11, 30))

    def test_a_duration_that_a_program_or_a_file_gives_sets_the_end(self):
        vals = {'started_at': '2026-01-10 10:00:00', 'duration_hours': 0.75}
        made = self.sessions.create([vals, {**vals, 'ended_at': '2026-01-10 12:00:00'}])
        loaded = self.sessions.with_context(import_file=True).load(
            ['external_id', 'started_at', 'duration_hours'],
            [['L1', '2026-01-10 10:00:00', '0.75']],
        )
        made |= made.browse(loaded['ids'])
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertRecordValues(
            made, [{'ended_at': datetime(2026, 1, 10, 10, 45), 'duration_seconds': 45 * 60}] * 3
        )

    def test_of_a_list_that_is_imported_again_what_was_corrected_counts(self):
        """The duration beside a corrected end set it back, and the import said nothing."""
        session = self._create_session(ended_at='2026-01-10 10:20:00', minutes=20)
        xmlid = session.export_data(['id'])['datas'][0][0]
        names = ['id', 'started_at', 'ended_at', 'duration_hours']
        for start, end, hours, expected in (
            ('10:00:00', '10:20:00', '0.33', 20),
            ('10:00:00', '11:00:00', '0.3333333333333333', 60),
            ('10:00:00', '11:00:00', '0.5', 30),
            ('10:10:00', '10:30:00', '0.5', 20),
            ('10:00:00', '10:45:00', '0.75', 45),
        ):
            with self.subTest(f'{start} to {end}, {hours}'):
                row = [xmlid, f'2026-01-10 {start}', f'2026-01-10 {end}', hours]
                loaded = self.sessions.with_context(import_file=True).load(names, [row])
                self.assertEqual(loaded['ids'], session.ids, loaded['messages'])
                self.assertEqual(session.duration_seconds, expected * 60)
        loaded = self.sessions.with_context(import_file=True).load(
            names, [[xmlid, '2026-01-10 10:00:00', '2026-01-10 12:00:00', '3']]
        )
        [message] = loaded['messages']
        self.assertIn(
            "from start to end it is 02:00, but its duration is given as 03:00", message['message']
        )
        self.assertEqual(session.duration_seconds, 45 * 60)

    def test_a_duration_for_many_ends_none_that_runs(self):
        arch = etree.fromstring(self.sessions.get_view(view_type='list')['arch'])
        [field] = arch.xpath("//field[@name='duration_hours']")
        self.assertEqual(
            [
                state
                for state in ('running', 'unmatched', 'to_bill', 'billed', 'non_billable')
                if safe_eval(field.get('readonly'), {'state': state})
            ],
            ['running', 'billed'],
        )

    def test_customers_who_are_billed_come_first(self):
        self._create_partner("AAA Someone")
        billed = self._create_partner("ZZZ Billed")
        self._associate(billed)
        department = self._create_partner("Workshop", parent_id=billed.id)
        partners = self.env['res.partner'].with_user(self.technician)
        plain = [name for _id, name in partners.name_search("", limit=5)]
        self.assertNotIn("ZZZ Billed", plain[:1])
        first = partners.with_context(assist_associated_first=True)
        self.assertEqual(
            {found for found, _name in first.name_search("", limit=2)}, {billed.id, department.id}
        )
        everybody = [found for found, _name in first.name_search("", limit=None)]
        self.assertEqual(len(everybody), len(set(everybody)), "nobody twice")
        self.assertEqual(len(everybody), len(partners.name_search("", limit=None)), "nobody less")
        # On a telephone they are chosen from cards.
        cards = first.web_search_read([], {}, limit=2)
        self.assertEqual({card['id'] for card in cards['records']}, {billed.id, department.id})
        self.assertEqual(cards['length'], partners.web_search_read([], {}, limit=2)['length'])
        second = first.web_search_read([], {}, offset=2, limit=1)['records']
        self.assertEqual(second, partners.web_search_read([], {}, limit=1)['records'])

    # === ONE CLICK === #

    def test_started_stopped_noted_and_continued(self):
        self._associate()
        with freeze_time('2026-01-10 10:00:00'):
            action = self.sessions.action_start_now()
            session = self.sessions.browse(action['res_id'])
            self.assertEqual((session.state, session.technician_id), ('running', self.technician))
            self.assertFalse(session.partner_id, "who it is for can be said later")
            twice = self.sessions.action_start_now()
            self.assertEqual(twice['res_id'], session.id, "pressed twice")
        with freeze_time('2026-01-10 10:45:00'):
            action = session.with_context(assist_ask_note=True).action_stop()
        self.assertEqual((session.state, session.duration_seconds), ('unmatched', 45 * 60))
        view = self.env['ir.ui.view'].browse(action['views'][0][0])
        with Form(session, view=view) as form:
            form.name = "Printer"
            form.partner_id = self.customer
            form.customer_note = "Driver replaced"
        self.assertEqual((session.state, session.customer_note), ('to_bill', "Driver replaced"))
        with freeze_time('2026-01-10 12:00:00'):
            action = session.action_start()
            self.assertEqual(session.action_start()['res_id'], action['res_id'], "pressed twice")
        again = self.sessions.browse(action['res_id'])
        self.assertRecordValues(
            again,
            [
                {
                    'name': "Printer",
                    'partner_id': self.customer.id,
                    'continued_from_id': session.id,
                    'state': 'running',
                    'customer_note': False,
                }
            ],
        )
        self.assertTrue(again.action_stop())

    def test_one_of_the_company_chosen_second_goes_on_there(self):
        other = self.setup_other_company()['company']
        self.technician.sudo().company_ids |= other
        engine = self.env(su=True)
        theirs = engine['assist.billing.plan'].create(
            {'name': "Theirs", 'company_id': other.id, 'currency_id': other.currency_id.id}
        )
        self._associate()
        association = engine['assist.billing.association'].create(
            {'plan_id': theirs.id, 'partner_id': self.customer.id, 'start_date': '2026-01-01'}
        )
        device = engine['assist.device'].create(
            {'name': "Theirs", 'company_id': other.id, 'partner_id': self.customer.id}
        )
        sessions = self.sessions.with_context(allowed_company_ids=(self.company | other).ids)
        first = sessions.create(
            {
                'name': "Printer",
                'company_id': other.id,
                'partner_id': self.customer.id,
                'device_id': device.id,
                'started_at': '2026-01-10 10:00:00',
                'ended_at': '2026-01-10 11:00:00',
            }
        )
        with freeze_time('2026-01-10 12:00:00'):
            again = sessions.browse(first.action_start()['res_id'])
            here = sessions.action_start_now()
            there = sessions.with_company(other).action_start_now()
        self.assertEqual(again.company_id, other)
        self.assertEqual(again.sudo().association_id, association)
        self.assertNotEqual(here['res_id'], there['res_id'], "one of each company")
        # One that was begun before anybody was named can go where its customer is billed.
        self.technician.sudo().group_ids |= self.env.ref('base.group_multi_company')
        with freeze_time('2026-01-10 12:30:00'), Form(sessions.browse(here['res_id'])) as form:
            form.company_id = other
            form.partner_id = self.customer
        self.assertEqual(sessions.browse(here['res_id']).sudo().association_id, association)
        # New ones from the lists of what is theirs are theirs.
        for record in (device, association):
            context = record.action_view_sessions()['context']
            self.assertEqual(
                sessions.with_context(**context).default_get(['company_id']),
                {'company_id': other.id},
            )

    # === NOT BILLED === #

    def _dialog(self, sessions, **vals):
        return (
            self.env['assist.non.billable']
            .with_user(self.technician)
            .with_context(active_model='assist.session', active_ids=sessions.ids)
            .create({'usual_reason': 'warranty', **vals})
        )

    def test_many_are_made_non_billable_and_billable_again(self):
        self._associate()
        sessions = self._create_session() | self._create_session(minutes=5)
        self._dialog(sessions, explanation="as in May").action_apply()
        self.assertEqual(set(sessions.mapped('state')), {'non_billable'})
        self.assertEqual(set(sessions.mapped('non_billable_reason')), {"Warranty: as in May"})
        sessions.with_user(self.technician).action_make_billable()
        self.assertEqual(set(sessions.mapped('state')), {'to_bill'})
        self.assertEqual(sessions.mapped('non_billable_reason'), [False, False])

    def test_another_reason_is_said_in_words(self):
        session = self._create_session()
        dialog = self._dialog(session, usual_reason='other', explanation="  ")
        with self.assertRefused("Give the reason"):
            dialog.action_apply()
        dialog.explanation = "Christmas"
        dialog.action_apply()
        self.assertEqual(session.non_billable_reason, "Christmas")

    def test_billed_ones_are_refused_by_name_and_nothing_changes(self):
        self._associate()
        billed = self._create_session(name="Billed one")
        self._close('2026-02-01 01:00:00')
        self.assertEqual(billed.state, 'billed')
        other = self._create_session(ended_at='2026-02-10 10:00:00')
        with self.assertRefused("Billed one"):
            self._dialog(billed | other)
        with self.assertRefused("Billed one"):
            (billed | other).action_make_non_billable("Goodwill")
        self.assertEqual((billed.billable, other.billable), (True, True))
        other.action_make_non_billable("Goodwill")
        with self.assertRefused("Billed one"):
            (billed | other).action_make_billable()
        self.assertEqual(other.state, 'non_billable')

    # === TWO AT A TIME === #

    def _session(self, start, hours=1, **vals):
        """Create a session of the technician that begins `start` hours after midnight."""
        begun = fields.Datetime.to_datetime('2026-01-15 00:00:00') + timedelta(hours=start)
        return self._create_session(
            ended_at=str(begun + timedelta(hours=hours)),
            minutes=hours * 60,
            technician_id=self.technician.id,
            **vals,
        )

    def test_technicians_are_found_by_name_those_who_left_too(self):
        mine = self._create_session(technician_id=self.technician.id)
        others = self._create_session(technician_id=self.env.user.id)
        nobodys = self._create_session(technician_id=False)
        of_three = [('id', 'in', (mine | others | nobodys).ids)]
        self.technician.sudo().active = False
        sessions = self.env['assist.session']
        for operator, name, found in (
            ('ilike', self.technician.name[:3].upper(), mine),
            ('not ilike', self.technician.name, others | nobodys),
            ('=ilike', "nobody's name", sessions),
        ):
            with self.subTest(operator):
                domain = [*of_three, ('technician_id', operator, name)]
                self.assertEqual(sessions.search(domain), found.sorted())
                self.assertEqual(sessions.search_count(domain), len(found))

    def test_overlaps_of_one_technician_are_pointed_out(self):
        first = self._session(10, name="First")
        second = self._session(10.5, name="Second")
        touching = self._session(11.5, name="Touching")
        other = self._session(10, name="Other")
        other.technician_id = self.env.user
        sessions = first | second | touching | other
        self.assertEqual(sessions.mapped('is_overlapping'), [True, True, False, False])
        self.assertEqual(first.overlap_text, "“Second”")
        found = self.env['assist.session'].search([('is_overlapping', '=', True)])
        self.assertEqual(found & sessions, first | second)
        found = self.env['assist.session'].search([('is_overlapping', '=', False)])
        self.assertEqual(found & sessions, touching | other)

    def test_long_and_running_ones_overlap_too(self):
        long = self._session(0, hours=72, name="Long")
        late = self._session(60, name="Late")
        self.assertEqual(late.overlap_text, "“Long”")
        running = self._session(100, name="Running")
        running.ended_at = False
        after = self._session(300, name="After")
        self.assertEqual(after.overlap_text, "“Running”")
        self.assertEqual((long.overlap_text, running.overlap_text), ("“Late”", "“After”"))

    def test_of_very_many_overlaps_it_says_how_many_there_are_at_least(self):
        long = self._session(0, hours=20, name="Long")
        for number in range(8):
            self._session(number, hours=0.5, name=f"S{number}")
        self.assertIn("and 3 more", long.overlap_text)
        with patch.object(assist_session, 'COUNTED', 7):
            long.invalidate_recordset(['overlap_text'])
            self.assertIn("and at least 2 more", long.overlap_text)

    def test_overlapping_ones_are_found_a_page_at_a_time_and_counted(self):
        sessions = self.env['assist.session'].browse()
        for number in range(4):
            sessions |= self._session(number / 2, name=f"S{number}")
        domain = [('is_overlapping', '=', True), ('id', 'in', sessions.ids)]
        found = self.env['assist.session'].search(domain, limit=2)
        self.assertEqual(found, sessions[:1:-1])
        self.assertEqual(self.env['assist.session'].search_count(domain), 4)
        # What is on a bill is not looked at any more, and no technician no overlap.
        sessions[0].technician_id = False
        self.assertEqual(self.env['assist.session'].search_count(domain), 3)
        without = [('is_overlapping', '!=', True), ('id', 'in', sessions.ids)]
        self.assertEqual(self.env['assist.session'].search(without), sessions[0])

    def test_overlaps_of_many_are_found_in_one_query(self):
        sessions = self.env['assist.session'].browse()
        for number in range(20):
            sessions |= self._session(number / 2, name=f"S{number}")
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(4):
            self.assertTrue(all(sessions.mapped('is_overlapping')))
            self.assertEqual(sessions[5].overlap_text, "“S4”, “S6”")

    def test_one_with_many_others_names_some(self):
        first = self._session(0, hours=20, name="First")
        for number in range(8):
            self._session(number, hours=0.5, name=f"S{number}")
        self.assertIn("and 3 more", first.overlap_text)
