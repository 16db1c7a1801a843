from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..common import AssistBillingCommon

MONEY_FIELDS = ('cycle_id', 'billed_seconds', 'billed_hours')


@tagged('post_install', '-at_install')
class TestAccess(AssistBillingCommon):
    """No one sees another's data; technicians see no prices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.technician = cls._create_technician()
        cls.biller = new_test_user(
            cls.env,
            'biller',
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_a_technician_records_sessions_and_sees_no_money(self):
        self._associate()
        as_technician = self.env['assist.session'].with_user(self.technician)
        session = as_technician.create(
            {'partner_id': self.customer.id, 'started_at': '2026-01-15 10:00:00'}
        )
        self.assertEqual(session.technician_id, self.technician)
        session.action_stop()
        self.assertEqual(session.state, 'to_bill')
        self.assertFalse(set(MONEY_FIELDS) & as_technician.fields_get().keys())
        for model in ('assist.billing.plan', 'assist.billing.association', 'assist.billing.cycle'):
            with self.subTest(model=model), self.assertRaises(AccessError):
                self.env[model].with_user(self.technician).search([]).read()

    def test_a_technician_cannot_touch_a_billed_session(self):
        self._associate()
        session = self._create_session()
        self._close('2026-02-01 00:00:00')
        with self.assertRefused("is billed"):
            session.with_user(self.technician).ended_at = '2026-01-15 12:00:00'

    def test_a_billing_user_reads_plans_and_changes_none(self):
        plan = self.plan.with_user(self.biller)
        self.assertEqual(plan.price_per_session, 20.0)
        with self.assertRaises(AccessError):
            plan.price_per_session = 1.0
        with self.assertRaises(AccessError):
            self._associate().with_user(self.biller).due_days = 5

    def test_a_billing_user_bills_again_what_was_taken_back(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association).with_user(self.biller)
        cycle = bill.assist_cycle_id
        bill.button_cancel()
        cycle.action_rebill()
        self.assertEqual(cycle.move_id.state, 'draft')
        with self.assertRaises(AccessError):
            cycle.write({'state': 'open'})
        for action in ('action_rebill', 'action_retry'):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(cycle.with_user(self.technician), action)()
        with self.assertRaises(AccessError):
            self.plan.with_user(self.biller).action_apply_to_open_cycles()

    def test_companies_do_not_see_each_other(self):
        other = self.setup_other_company()['company']
        theirs = new_test_user(
            self.env,
            'theirs',
            groups='assist_billing.assist_billing_group_manager',
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        association = self._associate()
        device = self._create_device()
        session = self._create_session()
        self._close('2026-02-01 00:00:00')
        for record in (self.plan, association, device, session, association.cycle_ids[0]):
            with self.subTest(model=record._name):
                self.assertFalse(record.with_user(theirs).search([('id', '=', record.id)]))
                with self.assertRaises(AccessError):
                    record.with_user(theirs).read(['display_name'])
