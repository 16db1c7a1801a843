from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestGetStarted(AssistBillingCommon):
    """The first-use page ticks what is there, and offers what the user may do."""

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
            [step['key'] for step in steps], ['plan', 'association', 'session', 'bill']
        )
        return {step['key']: step for step in steps}

    def _get_done(self, **kwargs):
        return [key for key, step in self._get_steps(**kwargs).items() if step['done']]

    def _get_labels(self, step):
        return [label for label, _action in step['buttons']]

    @freeze_time('2026-01-20 12:00:00')
    def test_each_step_is_ticked_when_what_it_asks_for_is_there(self):
        self.assertEqual(self._get_done(), [])
        plan = self._create_plan(company_id=self.fresh.id, price_per_session=20.0)
        self.assertEqual(self._get_done(), ['plan'])
        association = self._associate(plan=plan)
        self.assertEqual(self._get_done(), ['plan', 'association'])
        self._create_session(company_id=self.fresh.id)
        self.assertEqual(self._get_done(), ['plan', 'association', 'session'])
        self._close('2026-01-20 12:00:00')
        self.assertIn("01/31/2026", self._get_steps()['bill']['fact'])
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._get_done(), ['plan', 'association', 'session'])
        self.assertIn("Bills: 1, sent: 0", self._get_steps()['bill']['fact'])
        self._bill(association).sudo().assist_delivery_state = 'sent'
        self.assertEqual(self._get_done(), ['plan', 'association', 'session', 'bill'])

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

    def test_technicians_have_no_business_there(self):
        with self.assertRaises(AccessError):
            self._get_steps(user=self._create_technician(), company=self.company)
