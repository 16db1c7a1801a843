from odoo import Command
from odoo.tests import new_test_user, tagged

from .common import AssistBillingCommon

METHODS = {
    'Confirm Payment': 'action_assist_confirm_payment',
    'Add Charges / Discounts': 'action_assist_add_charges',
    'Email Invoice': 'action_assist_email',
    'Download Bill': 'action_assist_download',
}


@tagged('post_install', '-at_install')
class TestBillActions(AssistBillingCommon):
    """The action menu of invoices: each entry is one method call, for billing users."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = new_test_user(
            cls.env,
            'biller',
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.company.assist_payment_journal_id = cls.company_data['default_journal_bank']

    def _get_actions(self, user):
        """Return the names of the entries that are ours in this user's menu, in order."""
        bindings = self.env['ir.actions.actions'].with_user(user).get_bindings('account.move')
        return [entry for entry in bindings.get('action', []) if entry['name'] in METHODS]

    def _run(self, name, moves):
        action = self.env.ref(
            'assist_billing.account_move_action_assist_'
            + METHODS[name].removeprefix('action_assist_')
        )
        return (
            action.with_user(self.biller)
            .with_context(active_model='account.move', active_ids=moves.ids, active_id=moves[:1].id)
            .run()
        )

    def _create_bill(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        return self._bill(association)

    def test_they_stand_in_the_menus_of_list_form_and_kanban(self):
        entries = self._get_actions(self.biller)
        self.assertEqual([entry['name'] for entry in entries], list(METHODS))
        for entry in entries:
            self.assertEqual(entry['binding_view_types'], 'list,form,kanban')
            self.assertEqual(
                self.env['ir.actions.server'].browse(entry['id']).code,
                f"action = records.{METHODS[entry['name']]}()",
            )
        self.assertFalse(self._get_actions(self._create_technician()), "no business of his")

    def test_they_do_what_they_say(self):
        bill = self._create_bill()
        self.customer.email = 'acme@customer.example'
        self.assertEqual(
            self._run('Add Charges / Discounts', bill)['res_model'], 'assist.add.charges'
        )
        self.assertEqual(self._run('Email Invoice', bill)['res_model'], 'account.move.send.wizard')
        self._run('Confirm Payment', bill)
        self.assertEqual(bill.payment_state, 'paid')

    def test_on_other_documents_they_say_so(self):
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        for name in METHODS:
            with self.subTest(name=name), self.assertRefused("no remote support bill"):
                self._run(name, invoice)
