from lxml import etree

from odoo import Command
from odoo.tests import new_test_user, tagged

from ..common import AssistBillingCommon

METHODS = {
    'Confirm Payment': 'action_assist_confirm_payment',
    'Confirm Payment: Date and Journal…': 'action_assist_confirm_payment_dialog',
    'Undo Confirmed Payment': 'action_assist_undo_payment',
    'Add Charges / Discounts': 'action_assist_add_charges',
    'Email Invoice': 'action_assist_email',
    'Send Failed Bills Again': 'action_assist_retry_sending',
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
        self.company.email = 'billing@seller.example'
        self.assertEqual(
            self._run('Add Charges / Discounts', bill)['res_model'], 'assist.add.charges'
        )
        self.assertEqual(self._run('Email Invoice', bill)['res_model'], 'account.move.send.wizard')
        self.assertEqual(
            self._run('Confirm Payment: Date and Journal…', bill)['res_model'],
            'assist.confirm.payment',
        )
        self._run('Confirm Payment', bill)
        self.assertEqual(bill.payment_state, 'paid')
        self._run('Undo Confirmed Payment', bill)
        self.assertEqual(bill.payment_state, 'not_paid')
        bill.sudo().assist_delivery_state = 'no_address'
        self._run('Send Failed Bills Again', bill)
        self.assertEqual(bill.assist_delivery_state, 'queued')

    def test_on_other_documents_they_say_so(self):
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        for name in METHODS:
            with self.subTest(name=name), self.assertRefused("not (a )?remote support bill"):
                self._run(name, invoice)

    # === BUTTONS === #

    def _get_buttons(self, view, user=None):
        """Return the names of the methods this user's view has buttons for."""
        arch = etree.fromstring(
            self.env['account.move']
            .with_user(user or self.biller)
            .get_view(self.env.ref(view).id, 'form' if 'form' in view else 'list')['arch']
        )
        return {button.get('name') for button in arch.iter('button')} & set(METHODS.values())

    def test_each_is_a_button_on_the_form_and_on_the_row(self):
        # The dialog's date and journal are one click away on the form too: Odoo's own Pay.
        expected = set(METHODS.values()) - {'action_assist_confirm_payment_dialog'}
        for view in (
            'account.view_move_form',
            'assist_billing.account_move_view_list_assist_bills',
        ):
            self.assertEqual(self._get_buttons(view), expected)

    def test_an_auditor_only_downloads(self):
        reader = new_test_user(self.env, 'reader', groups='account.group_account_readonly')
        for view in (
            'account.view_move_form',
            'assist_billing.account_move_view_list_assist_bills',
        ):
            self.assertEqual(self._get_buttons(view, reader), {'action_assist_download'})

    def test_undo_is_offered_while_it_is_possible(self):
        bill = self._create_bill()
        self.assertFalse(bill.assist_has_confirmed_payment)
        self._register_payment(bill, amount=1.0)
        self.assertFalse(bill.assist_has_confirmed_payment, "registered elsewhere")
        bill.action_assist_confirm_payment()
        self.assertTrue(bill.assist_has_confirmed_payment)
        bill.action_assist_undo_payment()
        self.assertFalse(bill.assist_has_confirmed_payment)

    # === HISTORY === #

    def test_a_bill_lists_its_charges_and_discounts_and_who_added_them(self):
        bill = self._create_bill()
        bill.with_user(self.biller)._assist_adjust('additional', 12.5, "Weekend")
        bill.action_assist_confirm_payment()
        bill.with_user(self.biller)._assist_adjust('discount', 5.0, "Goodwill")
        credit = bill.assist_linked_ids
        self.assertEqual(credit.move_type, 'out_refund')
        self.assertRecordValues(
            bill.assist_adjustment_line_ids.sorted('id'),
            [
                {
                    'assist_charge': charge,
                    'name': why,
                    'assist_adjustment': amount,
                    'create_uid': self.biller.id,
                    'move_id': document.id,
                }
                for charge, why, amount, document in (
                    ('additional', "Weekend", 12.5, bill),
                    ('discount', "Goodwill", -5.0, credit),
                )
            ],
        )
        self.assertAlmostEqual(bill.assist_misc_charge, 7.5)
