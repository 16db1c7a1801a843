from datetime import datetime

from odoo.tests import new_test_user, tagged

from .ingest_common import IngestCommon, zoho


@tagged('post_install', '-at_install')
class TestSessionIngestMatch(IngestCommon):
    """Who helped whom, in which company, and when, as the source says it."""

    # === WHO === #

    def test_the_technician_is_found_by_login_address_or_name(self):
        login = self._create_technician('olga@example.com')
        address = self._create_technician('ann')
        address.email = 'Ann@Example.com'
        named = self._create_technician('bob')
        named.name = "Bob Builder"
        for login_ in ('t1', 't2'):
            self._create_technician(login_).name = "Twin"
        for number, technician in enumerate(
            ('OLGA@example.com', 'ann@example.com', 'bob builder', 'Twin', 'nobody'), 1
        ):
            self._ingest(zoho(number, viewer_email=technician))
        self.assertEqual(
            [self._get(number).technician_id for number in range(1, 6)],
            [login, address, named, self.env['res.users'], self.env['res.users']],
        )

    def test_technicians_of_other_companies_and_customers_are_nobody(self):
        other = new_test_user(self.env, 'foreign', groups='base.group_user')
        other.write(
            {
                'company_ids': [(6, 0, self.other_company.ids)],
                'company_id': self.other_company.id,
            }
        )
        new_test_user(self.env, 'portal_customer', groups='base.group_portal')
        self._ingest(zoho(1, viewer_email='foreign'), zoho(2, viewer_email='portal_customer'))
        self.assertFalse(self._get(1).technician_id | self._get(2).technician_id)

    def _teamviewer(self, record_id, **values):
        return {
            'id': record_id,
            'username': "Olga",
            'deviceid': 'd1',
            'devicename': "PC-1",
            'start_date': '2026-01-15T10:00:00Z',
            'end_date': '2026-01-15T10:30:00Z',
            **values,
        }

    def test_the_device_says_whose_session_it_is(self):
        self._associate()
        device = self._create_device(source='teamviewer', external_id='d1')
        self._create_device(source='anydesk', external_id='d2', partner=self._create_partner("X"))
        self._ingest(
            self._teamviewer('a'), self._teamviewer('b', deviceid='d2'), source='teamviewer'
        )
        self.assertRecordValues(
            self._get('a', 'teamviewer') | self._get('b', 'teamviewer'),
            [
                {'device_id': device.id, 'partner_id': self.customer.id, 'state': 'to_bill'},
                {'device_id': False, 'partner_id': False, 'state': 'unmatched'},
            ],
        )

    def test_a_device_is_found_by_its_name_where_the_source_gives_no_id(self):
        device = self._create_device(name="Front Desk", source='zoho_assist', external_id='k1')
        for key in ('k2', 'k3'):
            self._create_device(name="Twin", source='zoho_assist', external_id=key)
        self._ingest(
            zoho(1, session_type='URS', display_name="FRONT DESK", agent_email=''),
            zoho(2, session_type='URS', display_name="Twin", agent_email=''),
        )
        self.assertEqual(self._get(1).device_id, device)
        self.assertEqual(self._get(1).partner_id, self.customer)
        self.assertFalse(self._get(2).device_id)

    def test_a_customer_is_found_by_exactly_his_address(self):
        self.customer.email = 'Office <office@acme.example>'
        one = self._create_partner("One", email='twin@x.example')
        self._create_partner("Two", email='twin@x.example')
        company = self._create_partner("Company", is_company=True, email='all@y.example')
        self._create_partner("Person", parent_id=company.id, email='all@y.example')
        self._create_partner("Gone", email='gone@x.example', active=False)
        self._create_partner("Foreign", email='foreign@x.example', company_id=self.other_company.id)
        self._create_technician('colleague').email = 'colleague@example.com'
        found = {
            'OFFICE@acme.example': self.customer,
            'twin@x.example': one.browse(),
            'all@y.example': company,
            'gone@x.example': one.browse(),
            'foreign@x.example': one.browse(),
            'colleague@example.com': one.browse(),
            'nobody@x.example': one.browse(),
        }
        self._ingest(*(zoho(n, agent_email=address) for n, address in enumerate(found, 1)))
        for number, (address, partner) in enumerate(found.items(), 1):
            with self.subTest(address=address):
                self.assertEqual(self._get(number).partner_id, partner)

    def test_association_and_state_are_resolved_as_of_the_end(self):
        self._associate(start_date='2026-01-15')
        self.customer.email = 'office@acme.example'
        self._ingest(
            zoho(1, start=datetime(2026, 1, 14, 23, 50), minutes=9),
            zoho(2, start=datetime(2026, 1, 14, 23, 50), minutes=10),
        )
        self.assertEqual(self._get(1).state, 'unmatched')
        self.assertEqual(self._get(2).state, 'to_bill')
        self.assertTrue(self._get(2).association_id)

    def test_whether_it_is_billable_is_said_by_its_end_unless_somebody_here_said_so(self):
        """A timer that was switched to billable while it ran was never billed."""
        timer = {'Technician': "Olga", 'Start': '2026-01-15 10:00:00'}
        end = {'End': '2026-01-15 10:30:00'}
        for number, (first, by_hand, then, expected) in enumerate((
            ('No', None, 'Yes', (True, False)),
            ('No', None, 'No', (False, "Billable: No")),
            ('Yes', None, 'No', (False, "Billable: No")),
            ('Yes', "Goodwill", 'Yes', (False, "Goodwill")),
        )):  # fmt: skip
            with self.subTest(first=first, by_hand=by_hand, then=then):
                running = timer | {'ID': f't{number}', 'Billable': first}
                self.sessions.ingest([running], 'csv')
                session = self.sessions.search([('external_id', '=', f't{number}')])
                if by_hand:
                    session.with_user(self._create_technician(f'tech{number}')).write(
                        {'billable': False, 'non_billable_reason': by_hand}
                    )
                ended = running | end | {'Billable': then}
                self.assertEqual(self.sessions.ingest([ended], 'csv')[0]['status'], 'updated')
                self.assertEqual((session.billable, session.non_billable_reason), expected)

    def test_a_login_that_is_under_way_has_not_failed(self):
        """Fetched while the password was being typed, a session was never billed."""
        record = {'guid': 'g1', 'created_at': 1768471200, 'remote': '123', 'local_user': "Olga"}
        self.sessions.ingest([record], 'rustdesk')
        session = self.sessions.search([('external_id', '=', 'g1')])
        self.assertEqual((session.state, session.billable), ('running', True))
        ended = record | {'end_time': 1768473000, 'conn_type': 0}
        self.assertEqual(self.sessions.ingest([ended], 'rustdesk')[0]['status'], 'updated')
        self.assertEqual((session.billable, session.non_billable_reason), (True, False))
        # One that did fail says so at its end.
        self.sessions.ingest([record | {'guid': 'g2'}], 'rustdesk')
        self.sessions.ingest([record | {'guid': 'g2', 'end_time': 1768471210}], 'rustdesk')
        session = self.sessions.search([('external_id', '=', 'g2')])
        self.assertEqual(session.non_billable_reason, "The login to the device failed")

    def test_what_the_source_calls_not_billable_is_not(self):
        self._ingest(self._teamviewer('a', billing_state='DoNotBill'), source='teamviewer')
        self.assertRecordValues(
            self._get('a', 'teamviewer'),
            [
                {
                    'billable': False,
                    'state': 'non_billable',
                    'non_billable_reason': "Marked “do not bill” in TeamViewer",
                }
            ],
        )

    def test_sessions_are_matched_once_a_contact_has_their_address(self):
        self._associate()
        self._ingest(zoho(1), zoho(2, agent_email='ann@acme.example'), zoho(3))
        claimed = self._get(3)
        claimed.partner_id = other = self._create_partner("Other")
        sessions = self._get(1) | self._get(2)
        self.assertEqual(sessions.mapped('state'), ['unmatched'] * 2)
        # A salesperson sees no sessions, but knows people.
        sales = new_test_user(
            self.env, 'sales', groups='base.group_user,base.group_partner_manager'
        )
        self.customer.with_user(sales).email = 'Office <OFFICE@acme.example>'
        ann = (
            self.env['res.partner']
            .with_user(sales)
            .create({'name': "Ann", 'parent_id': self.customer.id, 'email': 'ann@acme.example'})
        )
        self.env.cr.flush()
        self.assertRecordValues(
            sessions,
            [
                {'partner_id': self.customer.id, 'state': 'to_bill'},
                {'partner_id': ann.id, 'state': 'to_bill'},
            ],
        )
        self.assertEqual(claimed.partner_id, other)

    def test_addresses_that_mean_nobody_match_nothing_later_either(self):
        self._ingest(
            zoho(1, agent_email='twin@x.example'),
            zoho(2, agent_email='foreign@x.example'),
            zoho(3, agent_email='colleague@example.com'),
        )
        self._create_partner("One", email='twin@x.example')
        self._create_partner("Two", email='twin@x.example')
        self._create_partner("Foreign", email='foreign@x.example', company_id=self.other_company.id)
        new_test_user(
            self.env, 'colleague', email='colleague@example.com', groups='base.group_user'
        )
        self.env.cr.flush()
        self.assertFalse((self._get(1) | self._get(2) | self._get(3)).partner_id)

    def test_a_contact_that_is_restored_has_its_sessions(self):
        gone = self._create_partner("Gone", email='gone@x.example', active=False)
        self._ingest(zoho(1, agent_email='gone@x.example'))
        self.env.cr.flush()
        self.assertFalse(self._get(1).partner_id)
        gone.active = True
        self.env.cr.flush()
        self.assertEqual(self._get(1).partner_id, gone)

    # === ZONES AND COMPANIES === #

    def test_times_without_a_zone_are_in_the_companys_or_the_callers(self):
        def record(number):
            return {
                'TECH_NAME': f"T{number}",
                'DATE_START': '2026-01-15 10:00:00',
                'DATE_END': '2026-01-15 10:30:00',
            }

        def start(answers):
            return self.sessions.browse(answers[0]['id']).started_at

        self.company.partner_id.tz = 'Asia/Tokyo'
        self.assertEqual(
            start(self._ingest(record(1), source='take_control')), datetime(2026, 1, 15, 1)
        )
        answers = self._ingest(record(2), source='take_control', assist_source_tz='Europe/Paris')
        self.assertEqual(start(answers), datetime(2026, 1, 15, 9))
        answers = self._ingest(record(3), source='take_control', assist_source_tz='Mars/Base')
        self.assertEqual(answers[0]['field'], 'tz')

    def test_companies_have_their_own_sessions(self):
        other = self.other_company
        self.env.user.company_ids |= other
        self._ingest(zoho(1))
        answers = self.sessions.with_company(other).ingest(
            [zoho(1, company_id=self.company.id)], 'zoho_assist'
        )
        self.assertEqual(answers[0]['status'], 'created')
        self.assertEqual(self.sessions.browse(answers[0]['id']).company_id, other)
