from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestGetStarted(AssistBillingCommon):
    """The first page: what is set up and what is not, then how things stand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A company that has nothing yet.
        cls.fresh = cls.setup_other_company()['company']
        cls.env.user.company_ids |= cls.fresh

    def _get_steps(self, user=None, company=None):
        model = self.env['assist.billing.get.started'].with_user(user or self.env.user)
        steps = model.with_company(company or self.fresh).get_steps()
        self.assertEqual(
            [step['key'] for step in steps],
            ['company', 'plan', 'session', 'association', 'bill'],
            "sessions are there before past periods close",
        )
        return {step['key']: step for step in steps}

    def _get_done(self, **kwargs):
        return [key for key, step in self._get_steps(**kwargs).items() if step['done']]

    def _get_labels(self, step):
        return [label for label, _action in step['buttons']]

    def _get_overview(self, company=None):
        company = company or self.company
        overviews = self.env['assist.billing.overview'].with_context(
            allowed_company_ids=company.ids
        )
        return overviews.get_overview()

    def _get_cards(self, company=None):
        overview = self._get_overview(company)
        return {card['key']: card for card in overview['figures'] + overview['tasks']}

    # === STEPS === #

    @freeze_time('2026-01-20 12:00:00')
    def test_each_step_is_ticked_when_what_it_asks_for_is_there(self):
        self.assertEqual(self._get_done(), [])
        self.fresh.sudo().write({'name': "Helpful Computers", 'email': "bills at helpful"})
        self.assertEqual(self._get_done(), [], "nothing is answered to what is no address")
        self.fresh.sudo().email = 'bills@helpful.example'
        self.assertEqual(self._get_done(), ['company'])
        plan = self._create_plan(company_id=self.fresh.id, price_per_session=20.0)
        self.assertEqual(self._get_done(), ['company', 'plan'])
        self._create_session(company_id=self.fresh.id)
        self.assertEqual(self._get_done(), ['company', 'plan', 'session'])
        association = self._associate(plan=plan)
        self.assertEqual(self._get_done(), ['company', 'plan', 'session', 'association'])
        self._close('2026-01-20 12:00:00')
        self.assertIn("01/31/2026", self._get_steps()['bill']['fact'])
        self._close('2026-02-01 00:00:00')
        self.assertNotIn('bill', self._get_done())
        self.assertIn("Bills: 1, sent: 0", self._get_steps()['bill']['fact'])
        self._bill(association).sudo().assist_delivery_state = 'sent'
        self.assertIn('bill', self._get_done())

    def test_bill_now_is_for_the_company_whose_periods_are_counted(self):
        theirs = self._create_plan(company_id=self.fresh.id, price_per_session=20.0)
        mine, other = self._associate(), self._associate(plan=theirs)
        for company in (self.company, self.fresh):
            self._create_session(company_id=company.id)
        both = {'allowed_company_ids': (self.fresh | self.company).ids}
        self._close('2026-01-20 12:00:00')
        with freeze_time('2026-02-02 12:00:00'):
            step = self.env['assist.billing.get.started'].with_context(**both).get_steps()[-1]
            self.assertIn("Periods that are over: 1.", step['fact'])
            label, action = step['buttons'][0]
            self.assertEqual(label, "Bill Now")
            model = self.env[action['model']].with_context(**(both | action['context']))
            getattr(model, action['method'])()
        self.assertEqual(len(other.bill_ids), 1)
        self.assertFalse(mine.bill_ids, "its sessions may still be on the way")

    def test_a_plan_without_a_price_is_no_step_done(self):
        self._create_plan(company_id=self.fresh.id, name="Gift", price_per_session=0.0)
        step = self._get_steps()['plan']
        self.assertFalse(step['done'])
        self.assertIn("Gift", step['fact'])

    def test_each_thing_that_the_company_lacks_has_its_button(self):
        self.env.user.group_ids |= self.env.ref('base.group_system')
        self.fresh.name = "YourCompany"
        checks = {check['key']: check for check in self._get_steps()['company']['checks']}
        self.assertEqual(
            [key for key, check in checks.items() if check['needed']], ['name', 'email']
        )
        for key, check in checks.items():
            with self.subTest(check=key):
                _label, action = check['button']
                self.env[action['res_model']].check_access('create')
                self.assertEqual(action['target'], 'new', "it comes back to the page")
        self.fresh.write({'name': "Helpful Computers", 'email': 'bills@helpful.example'})
        step = self._get_steps()['company']
        self.assertTrue(step['done'])
        labels = {check['key']: check['button'][0] for check in step['checks']}
        self.assertEqual(labels['name'], "Edit", "a name that is there can be mended here too")
        self.assertEqual(labels['logo'], "Choose")

    def test_who_may_not_write_companies_is_only_told(self):
        manager = new_test_user(
            self.env,
            'billing_manager',
            groups='assist_billing.assist_billing_group_manager',
            company_id=self.fresh.id,
            company_ids=[Command.set(self.fresh.ids)],
        )
        checks = self._get_steps(user=manager)['company']['checks']
        self.assertEqual(len(checks), 6)
        self.assertFalse([check['key'] for check in checks if check['button']])

    def test_how_sessions_arrive_says_how_long_bills_wait(self):
        started = self.env['assist.billing.get.started'].with_company(self.fresh)
        for arrival, hours in (('file', 72), ('connector', 6), ('hand', 0)):
            started.choose_arrival(arrival)
            self.assertEqual(self.fresh.assist_close_grace_hours, hours)
            chosen = [
                choice['key']
                for choice in self._get_steps()['session']['choices']
                if choice['chosen']
            ]
            self.assertEqual(chosen, [arrival])
        self.assertTrue(self._get_steps()['session']['done'], "there is nothing to bring in")
        with self.assertRefused("Choose one of the ways"):
            started.choose_arrival('pigeon')
        with self.assertRefused("Choose one of the ways"):
            started.choose_arrival(['hand'])
        with self.assertRaises(AccessError):
            started.with_user(self._create_technician()).choose_arrival('hand')

    def test_each_dialog_says_what_it_is(self):
        for key, step in self._get_steps().items():
            checks = [check['button'] for check in step.get('checks', ()) if check['button']]
            for label, action in (*step['buttons'], *checks):
                with self.subTest(step=key, button=label):
                    self.assertTrue(isinstance(action, str) or action.get('name'))

    def test_each_button_leads_to_a_screen_that_opens(self):
        for company in (self.fresh, self.company):
            for key, step in self._get_steps(company=company).items():
                for label, action in step['buttons']:
                    with self.subTest(step=key, button=label):
                        if isinstance(action, str):
                            action = self.env['ir.actions.act_window']._for_xml_id(action)
                        self.env[action['res_model']].check_access('read')
                        self.assertTrue(action['views'])

    def test_customers_are_associated_with_the_only_plan(self):
        self.assertNotIn("Associate Customers", self._get_labels(self._get_steps()['association']))
        plan = self._create_plan(company_id=self.fresh.id)
        [(label, action)] = self._get_steps()['association']['buttons']
        self.assertEqual(label, "Associate Customers")
        self.assertEqual(action['context']['default_plan_id'], plan.id)
        self._create_plan(company_id=self.fresh.id, name="Another")
        [(_label, action)] = self._get_steps()['association']['buttons']
        self.assertFalse(action['context']['default_plan_id'])

    def test_sessions_of_nobody_are_pointed_out(self):
        self._create_session(company_id=self.fresh.id)
        step = self._get_steps()['session']
        self.assertIn("1 belong to no customer", step['fact'])
        self.assertIn("Match Sessions", self._get_labels(step))

    def test_who_may_not_create_is_offered_to_look(self):
        biller = new_test_user(
            self.env,
            'biller',
            groups='account.group_account_invoice',
            company_id=self.fresh.id,
            company_ids=[Command.set(self.fresh.ids)],
        )
        steps = self._get_steps(user=biller)
        self.assertEqual(self._get_labels(steps['plan']), ["View Plans"])
        self.assertEqual(self._get_labels(steps['association']), ["View Customers"])
        self.assertEqual(
            self._get_labels(steps['session']), ["Import Sessions", "Record a Session"]
        )
        self.assertFalse(steps['session']['choices'])

    # === OVERVIEW === #

    def test_all_is_well_when_nothing_waits_for_anybody(self):
        overview = self._get_overview(self.fresh)
        self.assertTrue(overview['is_well'])
        self.assertEqual(overview['tasks'], [])
        self.assertEqual(
            [card['key'] for card in overview['figures']], ['open', 'closing', 'made', 'due']
        )

    def test_each_thing_that_waits_has_a_card_that_leads_there(self):
        association = self._associate()
        self._create_session()
        self._create_session(self._create_partner("Nobody's"))
        other = self._associate(self._create_partner("On Hold"))
        other.action_hold()
        self._close('2026-02-01 00:00:00')
        cards = self._get_cards()
        for key, count in (('unmatched', 1), ('on_hold', 1), ('not_sent', 1), ('overdue', 1)):
            with self.subTest(card=key):
                self.assertEqual(cards[key]['value'], str(count))
        bill = self._bill(association)
        self.assertIn("23.00", cards['due']['value'])
        bill.sudo().assist_delivery_state = 'no_address'
        cards = self._get_cards()
        self.assertNotIn('not_sent', cards)
        self.assertEqual(cards['undelivered']['value'], '1')
        bill._assist_pay()
        self.assertFalse({'overdue', 'not_sent'} & set(self._get_cards()))
        for key, card in self._get_cards().items():
            with self.subTest(card=key):
                self.assertTrue(card['title'] and card['text'])
                self.env[card['action']['res_model']].check_access('read')

    def test_a_card_shows_what_it_counts(self):
        self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        for key in ('not_sent', 'overdue'):
            card = self._get_cards()[key]
            [name] = [name for name in card['action']['context'] if 'search_default' in name]
            view = self.env['account.move'].get_view(card['action']['search_view_id'][0], 'search')
            arch = etree.fromstring(view['arch'])
            [shown] = arch.xpath(f"//filter[@name='{name.removeprefix('search_default_')}']")
            domain = [
                *safe_eval(card['action']['domain']),
                *safe_eval(shown.get('domain')),
                ('company_id', '=', self.company.id),
            ]
            with self.subTest(card=key):
                self.assertEqual(str(self.env['account.move'].search_count(domain)), card['value'])

    def test_what_is_open_comes_to_what_it_would_bill(self):
        self._associate()
        self._create_session(ended_at='2026-01-10 10:00:00')
        self._close('2026-01-15 00:00:00')
        self.assertIn("20.00", self._get_cards()['open']['value'])
        self.assertIn("02/01/2026", self._get_cards()['closing']['value'])

    def test_a_plan_that_bills_nothing_waits_for_its_price(self):
        plan = self._create_plan(name="Gift", price_per_session=0.0)
        self.assertNotIn('free', self._get_cards(), "nobody has it")
        self._associate(plan=plan)
        self.assertEqual(self._get_cards()['free']['value'], '1')

    def test_technicians_have_no_business_there(self):
        technician = self._create_technician()
        with self.assertRaises(AccessError):
            self._get_steps(user=technician, company=self.company)
        with self.assertRaises(AccessError):
            self.env['assist.billing.overview'].with_user(technician).get_overview()
