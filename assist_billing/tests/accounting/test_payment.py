from unittest.mock import patch

from odoo import Command, fields
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.account.models.account_move import AccountMove as OdooMove

from ..common import AssistBillingCommon
from ..thorough import thorough

JANUARY = '2026-02-01 00:00:00'


@tagged('post_install', '-at_install')
class TestPayment(AssistBillingCommon):
    """Confirm Payment pays all of a selection, really and in full, or nothing of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bank = cls.company_data['default_journal_bank']
        cls.company.assist_payment_journal_id = cls.bank
        cls.biller = new_test_user(
            cls.env,
            'biller',
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _create_bills(self, count, **vals):
        """Return posted bills of `count` customers, of one session each."""
        associations = self.env['assist.billing.association']
        for number in range(count):
            associations |= self._associate(self._create_partner(f"Customer {number}"), **vals)
            self._create_session(associations[-1].partner_id)
        self._close(JANUARY)
        return associations.cycle_ids.move_id.sorted(lambda bill: bill.partner_id.id)

    def _get_payments(self, bills):
        return self.env['account.payment'].search([('assist_bill_id', 'in', bills.ids)])

    def test_who_works_for_a_branch_alone_confirms_payments(self):
        branch = (
            self.env['res.company'].sudo().create({'name': "Branch", 'parent_id': self.company.id})
        )
        self.cr.precommit.run()  # the chart of accounts, as when the branch is stored
        self.env.user.company_ids |= branch
        branch.assist_payment_journal_id = self.bank
        # As where nothing is said of the payments of a journal.
        self.bank.inbound_payment_method_line_ids.payment_account_id = False
        biller = new_test_user(
            self.env,
            'branch_biller',
            groups='account.group_account_invoice',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        plan = self._create_plan(company_id=branch.id, price_per_session=20.0)
        customer = self._create_partner("Of a branch")
        association = self._associate(customer, plan)
        self._create_session(customer, company_id=branch.id)
        self._close(JANUARY)
        bill = self._bill(association)
        self.assertEqual(bill.company_id, branch)
        bill.with_user(biller).action_assist_confirm_payment()
        payment = self._get_payments(bill)
        self.assertEqual(payment.amount, bill.amount_total)
        self.assertEqual(payment.company_id, branch)
        self.assertEqual(payment.outstanding_account_id.company_ids, self.company)
        self.assertFalse(bill.amount_residual)

    # === PAYMENTS BY RECONCILIATION === #

    def test_bills_know_the_payments_that_odoo_knows(self):
        bills = self._create_bills(3)
        bills[0].action_assist_confirm_payment()
        payment = self._get_payments(bills)
        self.assertEqual(
            [bill.reconciled_payment_ids for bill in bills],
            [payment, payment.browse(), payment.browse()],
        )
        ours = bills.mapped('reconciled_payment_ids')
        bills.invalidate_recordset(['reconciled_payment_ids'])
        OdooMove._compute_reconciled_payment_ids(bills)
        self.assertEqual(bills.mapped('reconciled_payment_ids'), ours)

    def test_closing_asks_for_no_payments_of_bills_that_are_new(self):
        """Odoo's query takes minutes in a ledger that PostgreSQL takes for empty."""
        with patch.object(OdooMove, '_compute_reconciled_payment_ids', autospec=True) as compute:
            bills = self._create_bills(3)
            self.env.flush_all()
        asked = {move for call in compute.call_args_list for move in call.args[0].ids}
        self.assertEqual(len(bills), 3)
        self.assertFalse(asked & {*bills.ids})

    # === PAYING === #

    @freeze_time('2026-02-03 12:00:00')
    def test_one_click_pays_what_is_due_today_by_the_chosen_journal(self):
        bill = self._create_bills(1)
        bill.with_user(self.biller).action_assist_confirm_payment()
        payment = self._get_payments(bill)
        self.assertRecordValues(
            payment,
            [
                {
                    'amount': bill.amount_total,
                    'date': fields.Date.to_date('2026-02-03'),
                    'journal_id': self.bank.id,
                    'partner_id': bill.partner_id.id,
                    'payment_type': 'inbound',
                    'memo': bill.payment_reference,
                    'is_reconciled': True,
                }
            ],
        )
        self.assertRecordValues(
            bill, [{'payment_state': 'paid', 'amount_residual': 0.0, 'assist_status': 'paid'}]
        )
        receivable = bill.line_ids.filtered(
            lambda line: line.account_id.account_type == 'asset_receivable'
        )
        self.assertEqual(
            receivable.matched_credit_ids.credit_move_id.payment_id, payment, "really reconciled"
        )

    def test_a_dialog_without_bills_or_with_an_absurd_day_is_refused_in_words(self):
        dialogs = self.env['assist.confirm.payment']
        with self.assertRefused("Choose the bills"):
            dialogs.create({}).action_confirm()
        bill = self._create_bills(1)
        with self.assertRefused("out of range"):
            dialogs.create({'move_ids': bill.ids, 'payment_date': '0002-01-01'})

    def test_the_notice_says_what_was_paid_and_undoes_it(self):
        bills = self._create_bills(2)
        params = bills.action_assist_confirm_payment()['params']
        self.assertIn("46.00", params['title'])
        button = params['button']
        undo = getattr(self.env[button['model']].browse(button['ids']), button['method'])
        undo()
        self.assertEqual(set(bills.mapped('payment_state')), {'not_paid'})

    def test_the_notice_adds_up_no_two_currencies(self):
        euro = self.setup_other_currency('EUR')
        payments = self._get_payments(self._create_bills(0))
        for currency, amount in ((self.company.currency_id, 10.0), (euro, 7.0), (euro, 1.0)):
            payments |= payments.new({'currency_id': currency.id, 'amount': amount})
        title = self.env['account.move']._assist_notify_paid(payments)['params']['title']
        self.assertIn("10.00", title)
        self.assertIn("8.00", title)
        self.assertIn(" + ", title)

    def test_only_what_is_still_due_is_paid(self):
        bill = self._create_bills(1)
        self._register_payment(bill, amount=7.77)
        bill.action_assist_confirm_payment()
        payment = self._get_payments(bill)
        self.assertAlmostEqual(payment.amount, bill.amount_total - 7.77)
        self.assertEqual(bill.payment_state, 'paid')

    @thorough
    def test_fifty_bills_are_paid_at_once_by_a_payment_each(self):
        bills = self._create_bills(50)
        bills.action_assist_confirm_payment()
        payments = self._get_payments(bills)
        self.assertEqual(len(payments), 50)
        self.assertEqual(payments.assist_bill_id, bills)
        self.assertEqual(set(bills.mapped('payment_state')), {'paid'})
        self.assertTrue(all(payments.mapped('is_reconciled')))
        self.assertAlmostEqual(sum(payments.mapped('amount')), sum(bills.mapped('amount_total')))
        for payment in payments:
            self.assertEqual(payment.invoice_ids, payment.assist_bill_id, "one bill each")

    def test_two_bills_of_one_customer_get_a_payment_each(self):
        association = self._associate()
        self._create_session()
        self._create_session(ended_at='2026-02-15 10:00:00')
        self._close('2026-03-01 00:00:00')
        bills = association.cycle_ids.move_id
        bills.action_assist_confirm_payment()
        self.assertEqual(len(self._get_payments(bills)), 2)
        self.assertEqual(set(bills.mapped('payment_state')), {'paid'})

    @thorough
    def test_all_instalments_of_a_payment_term_are_paid(self):
        term = self.env['account.payment.term'].create(
            {
                'name': "Half now, half later",
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': days})
                    for days in (0, 60)
                ],
            }
        )
        bills = self._create_bills(2)
        for bill in bills:
            bill.button_draft()
            bill.invoice_payment_term_id = term
            bill.action_post()
        bills[0].action_assist_confirm_payment()
        self.assertEqual(bills[0].payment_state, 'paid')
        bills[0].action_assist_undo_payment()
        bills.action_assist_confirm_payment()
        self.assertEqual(set(bills.mapped('payment_state')), {'paid'})
        self.assertEqual(
            len(self._get_payments(bills).filtered(lambda payment: payment.state != 'canceled')), 2
        )

    def test_a_bill_in_another_currency_is_paid_in_it(self):
        currency = self.setup_other_currency('EUR', rates=[('2020-01-01', 0.8)])
        plan = self._create_plan(name="Euro", price_per_session=33.33, currency_id=currency.id)
        self._associate(plan=plan)
        self._create_session()
        self._close(JANUARY)
        bill = self.env['account.move'].search([('assist_plan_id', '=', plan.id)])
        bill.action_assist_confirm_payment()
        self.assertRecordValues(
            self._get_payments(bill),
            [{'amount': bill.amount_total, 'currency_id': currency.id}],
        )
        self.assertEqual(bill.payment_state, 'paid')

    def test_a_supplementary_bill_can_be_paid_too(self):
        bill = self._create_bills(1)
        extra = (
            bill.sudo()
            .copy(
                {
                    'assist_kind': 'supplementary',
                    'assist_bill_id': bill.id,
                    'invoice_date': '2026-02-02',
                }
            )
            .sudo(False)
        )
        extra.action_post()
        (bill | extra).action_assist_confirm_payment()
        self.assertEqual(set((bill | extra).mapped('payment_state')), {'paid'})

    # === DIALOG === #

    def test_date_journal_and_memo_can_be_given(self):
        bills = self._create_bills(2)
        cash = self.env['account.journal'].create(
            {'type': 'cash', 'name': "Cash", 'company_id': self.company.id}
        )
        action = bills.action_assist_confirm_payment_dialog()
        dialog = self.env[action['res_model']].with_context(**action['context']).create({})
        self.assertRecordValues(
            dialog,
            [{'amount': sum(bills.mapped('amount_residual')), 'journal_id': self.bank.id}],
        )
        dialog.write({'payment_date': '2026-02-02', 'journal_id': cash.id, 'memo': "By cheque"})
        dialog.action_confirm()
        self.assertRecordValues(
            self._get_payments(bills),
            [
                {
                    'date': fields.Date.to_date('2026-02-02'),
                    'journal_id': cash.id,
                    'memo': "By cheque",
                }
            ]
            * 2,
        )
        self.assertEqual(set(bills.mapped('payment_state')), {'paid'})

    def test_odoo_s_own_dialog_is_one_click_away(self):
        bill = self._create_bills(1)
        action = bill.action_assist_confirm_payment_dialog()
        dialog = self.env[action['res_model']].with_context(**action['context']).create({})
        self.assertEqual(dialog.action_other_payment()['res_model'], 'account.payment.register')

    # === JOURNAL === #

    def test_without_a_chosen_journal_the_only_bank_journal_is_taken(self):
        bill = self._create_bills(1)
        self.company.assist_payment_journal_id = False
        others = self.env['account.journal'].search(
            [('type', '=', 'bank'), ('company_id', '=', self.company.id)]
        )
        (others - self.bank).active = False
        bill.action_assist_confirm_payment()
        self.assertEqual(self._get_payments(bill).journal_id, self.bank)

    def test_without_a_chosen_journal_and_with_several_the_error_says_where_to_choose(self):
        bill = self._create_bills(1)
        self.company.assist_payment_journal_id = False
        self.bank.copy()
        with self.assertRefused("Remote Support Billing / Confirmed Payments"):
            bill.action_assist_confirm_payment()
        self.assertFalse(self._get_payments(bill))
        self.assertFalse(
            self.env['assist.confirm.payment'].create({'move_ids': bill.ids}).journal_id,
            "the dialog leaves it open",
        )

    def test_a_journal_that_takes_no_payments_is_refused(self):
        bill = self._create_bills(1)
        self.bank.inbound_payment_method_line_ids.unlink()
        with self.assertRefused("no incoming payments"):
            bill.action_assist_confirm_payment()

    # === REFUSALS === #

    @thorough
    def test_one_draft_among_fifty_and_none_is_paid(self):
        bills = self._create_bills(50)
        bills[17].button_draft()
        with self.assertRefused(r"\(Customer 17\): it is a draft"):
            bills.action_assist_confirm_payment()
        self.assertFalse(self._get_payments(bills))
        self.assertEqual(set(bills.mapped('payment_state')), {'not_paid'})

    def test_cancelled_credited_and_paid_bills_are_refused_by_name(self):
        good, cancelled, credited, paid = self._create_bills(4)
        cancelled.button_cancel()
        credited._reverse_moves([{'invoice_date': credited.invoice_date}]).action_post()
        paid.action_assist_confirm_payment()
        for bill, words in (
            (cancelled, "it is cancelled"),
            (credited, "it has been fully credited"),
            (paid, "it is paid already"),
        ):
            with self.subTest(words=words), self.assertRefused(f"{bill.name} .*{words}"):
                (good | bill).action_assist_confirm_payment()
        self.assertRecordValues(good, [{'payment_state': 'not_paid'}])
        self.assertFalse(self._get_payments(good))

    def test_other_documents_say_that_they_are_no_bills(self):
        bill = self._create_bills(1)
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        with self.assertRefused(f"{invoice.name}: not a remote support bill"):
            (bill | invoice).action_assist_confirm_payment()
        with self.assertRefused("Choose at least one"):
            self.env['account.move'].action_assist_confirm_payment()
        self.assertEqual(bill.payment_state, 'not_paid')

    def test_several_companies_or_currencies_are_refused(self):
        bill = self._create_bills(1)
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        self._associate(
            self._create_partner("Theirs"),
            self._create_plan(company_id=other.id, price_per_session=1),
        )
        self._create_session(
            self.env['res.partner'].search([('name', '=', "Theirs")]), company_id=other.id
        )
        currency = self.setup_other_currency('EUR', rates=[('2020-01-01', 0.8)])
        self._associate(
            self._create_partner("Abroad"),
            self._create_plan(currency_id=currency.id, price_per_session=1),
        )
        self._create_session(self.env['res.partner'].search([('name', '=', "Abroad")]))
        self._close(JANUARY)
        bills = self.env['account.move'].search([('assist_kind', '=', 'bill')])
        theirs = bills.filtered(lambda move: move.company_id == other)
        abroad = bills.filtered(lambda move: move.currency_id == currency)
        with self.assertRefused("several companies"):
            (bill | theirs).action_assist_confirm_payment()
        with self.assertRefused("several currencies"):
            (bill | abroad).action_assist_confirm_payment()
        self.assertFalse(self._get_payments(bills))

    # === UNDOING === #

    def test_a_confirmed_payment_can_be_undone_and_confirmed_again(self):
        bill = self._create_bills(1)
        bill.action_assist_confirm_payment()
        payment = self._get_payments(bill)
        bill.with_user(self.biller).action_assist_undo_payment()
        self.assertRecordValues(payment, [{'state': 'canceled'}])
        self.assertEqual(payment.move_id.state, 'cancel')
        self.assertRecordValues(
            bill, [{'payment_state': 'not_paid', 'amount_residual': bill.amount_total}]
        )
        bill.action_assist_confirm_payment()
        self.assertEqual(bill.payment_state, 'paid')

    def test_other_payments_are_not_undone(self):
        bill = self._create_bills(1)
        self._register_payment(bill, amount=5.0)
        with self.assertRefused("no payment that was confirmed here"):
            bill.action_assist_undo_payment()
        bill.action_assist_confirm_payment()
        bill.action_assist_undo_payment()
        self.assertAlmostEqual(bill.amount_residual, bill.amount_total - 5.0)

    @thorough
    def test_a_payment_matched_with_the_bank_is_not_undone(self):
        bill, other = self._create_bills(2)
        (bill | other).action_assist_confirm_payment()
        payment = self._get_payments(bill)
        statement_line = self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.bank.id,
                'date': '2026-02-05',
                'payment_ref': "Transfer",
                'amount': payment.amount,
            }
        )
        outstanding = payment._seek_for_lines()[0]
        suspense = statement_line._seek_for_lines()[1]
        outstanding.account_id.reconcile = True
        statement_line.with_context(
            force_delete=True, check_move_validity=False, skip_readonly_check=True
        ).move_id.line_ids.browse(suspense.id).account_id = outstanding.account_id
        (outstanding | suspense).reconcile()
        with self.assertRefused("matched with the bank"):
            (bill | other).action_assist_undo_payment()
        self.assertEqual(set((bill | other).mapped('payment_state')), {'paid'})
