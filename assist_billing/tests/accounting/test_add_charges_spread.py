from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from odoo.addons.account.models.account_move import AccountMove

from .add_charges_common import AddChargesCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-02-10 12:00:00')
class TestAddChargesSpread(AddChargesCommon):
    """A discount is spread over all taxes of a bill; one that takes all leaves 0.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.low = cls.tax.copy({'name': "5 %", 'amount': 5.0})
        cls.service = cls.plan.session_product_id.copy({'taxes_id': [Command.set(cls.low.ids)]})

    # === HELPERS === #

    def _add_by_hand(self, bill, *lines):
        """Add lines of (amount, taxes) by hand to a draft."""
        bill.write(
            {
                'invoice_line_ids': [
                    Command.create(
                        {
                            'name': "By hand",
                            'quantity': 1,
                            'price_unit': amount,
                            'tax_ids': [Command.set(taxes.ids)],
                        }
                    )
                    for amount, taxes in lines
                ]
            }
        )

    def _create_draft(self):
        """Return a draft: 100.00 of sessions at 15 %, and 900.00 by hand at 5 %."""
        bill = self._create_bill(handling='draft')
        self._add_by_hand(bill, (900.0, self.low))
        return bill

    def _create_hand_bill(self, lines, taxes, sessions=1, **vals):
        """Return a draft of lines by hand, (quantity, price); the sessions are given away."""
        bill = self._create_bill(sessions=sessions, handling='draft')
        self._add(bill, bill.amount_untaxed)
        bill.write(
            {
                **vals,
                'invoice_line_ids': [
                    Command.create(
                        {
                            'name': "By hand",
                            'quantity': quantity,
                            'price_unit': price,
                            'tax_ids': [Command.set(taxes.ids)],
                        }
                    )
                    for quantity, price in lines
                ],
            }
        )
        return bill

    def _get_by_tax(self, documents):
        """Return {tax: (base, amount)} over documents."""
        amounts = {}
        for line in documents.line_ids:
            for tax in line.tax_ids:
                base, amount = amounts.get(tax, (0.0, 0.0))
                amounts[tax] = (round(base - line.balance, 2) + 0.0, amount)
            if tax := line.tax_line_id:
                base, amount = amounts.get(tax, (0.0, 0.0))
                amounts[tax] = (base, round(amount - line.balance, 2) + 0.0)
        return amounts

    def _assert_nothing_left(self, bill):
        documents = bill | bill.assist_linked_ids
        self.assertEqual(bill.assist_net_total, 0.0)
        for amounts in self._get_by_tax(documents).values():
            self.assertEqual(amounts, (0.0, 0.0))
        self.assertEqual(self._get_balance(), 0.0)
        self.assertEqual(documents.mapped('amount_residual'), [0.0] * len(documents))

    # === ALL TAXES OF THE BILL === #

    def test_lines_by_hand_carry_their_part(self):
        bill = self._create_draft()
        self._add(bill, 600.0)
        self.assertRecordValues(
            bill, [{'amount_untaxed': 400.0, 'amount_tax': 24.0, 'amount_total': 424.0}]
        )
        self.assertEqual(self._get_by_tax(bill), {self.tax: (40.0, 6.0), self.low: (360.0, 18.0)})
        bill.action_post()
        self.assertEqual(self._get_balance(), 424.0)

    def test_they_do_on_a_credit_note_too(self):
        bill = self._create_draft()
        bill.action_post()
        bill.sudo().assist_delivery_state = 'sent'
        credit = self._add(bill, 600.0)
        self.assertEqual(credit.amount_total, 636.0)
        self.assertEqual(
            self._get_by_tax(bill | credit), {self.tax: (40.0, 6.0), self.low: (360.0, 18.0)}
        )
        self._add(bill, 400.0)
        self._assert_nothing_left(bill)

    def test_where_the_usage_is_given_away_the_rest_takes_it(self):
        bill = self._create_bill(handling='draft')
        self._add(bill, 100.0)
        self._add_by_hand(bill, (900.0, self.low))
        self._add(bill, 50.0)
        self.assertEqual(self._get_by_tax(bill), {self.tax: (0.0, 0.0), self.low: (850.0, 42.5)})
        bill.action_post()
        bill.sudo().assist_delivery_state = 'sent'
        credit = self._add(bill, 50.0)
        self.assertEqual(credit.invoice_line_ids.tax_ids, self.low)
        self.assertEqual(credit.amount_total, 52.5)
        self._add(bill, 800.0)
        self._assert_nothing_left(bill)

    def test_a_line_without_taxes_carries_its_part(self):
        bill = self._create_bill(handling='draft')
        self._add_by_hand(bill, (100.0, self.tax.browse()))
        self._add(bill, 100.0)
        self.assertRecordValues(bill, [{'amount_untaxed': 100.0, 'amount_tax': 7.5}])

    def test_what_was_taken_off_by_hand_is_not_taken_off_again(self):
        bill = self._create_bill(handling='draft')
        self._add_by_hand(bill, (-40.0, self.low))
        self._add(bill, 30.0)
        self.assertEqual(self._get_by_tax(bill), {self.tax: (70.0, 10.5), self.low: (-40.0, -2.0)})
        with self.assertRefused("more than what is left .*30.00"):
            self._open_dialog(bill, 30.01).action_add()
        bill.action_post()
        bill.sudo().assist_delivery_state = 'sent'
        self._add(bill, 30.0)
        self._assert_nothing_left(bill)

    def test_a_tax_apiece_is_not_discounted_but_goes_with_the_rest(self):
        fee = self.tax.copy({'name': "Fee", 'amount_type': 'fixed', 'amount': 2.5})
        bill = self._create_bill(handling='draft')
        self._add_by_hand(bill, (100.0, self.tax | fee))
        bill.action_post()
        bill.sudo().assist_delivery_state = 'sent'
        self._add(bill, 40.0)
        self.assertEqual(self._get_by_tax(bill | bill.assist_linked_ids)[fee][1], 2.5)
        self._add(bill, 160.0)
        self._assert_nothing_left(bill)

    def test_many_small_discounts_do_not_turn_a_tax(self):
        self.tax.amount = 20.0
        self.plan.price_per_session = 0.2
        bill = self._create_bill()
        bill.sudo().assist_delivery_state = 'sent'
        for _time in range(33):
            self._add(bill, 0.03)
            base, tax = self._get_by_tax(bill | bill.assist_linked_ids)[self.tax]
            self.assertTrue(base > 0 and tax >= 0, (base, tax))
        self._add(bill, 0.01)
        self._assert_nothing_left(bill)

    # === ALL THAT IS LEFT === #

    def test_lines_credited_one_by_one_leave_nothing(self):
        """68.33, 68.33, 57.50 and 85.00 at 20 %: each by itself would come to 335.00 of 334.99."""
        self.tax.amount = 20.0
        amounts = (68.33, 68.33, 57.5, 85.0)
        bill = self._create_hand_bill([(1, amount) for amount in amounts], self.tax)
        self.assertEqual(bill.amount_total, 334.99)
        bill.action_post()
        bill.sudo().assist_delivery_state = 'sent'
        for amount in amounts:
            self._add(bill, amount)
        self._assert_nothing_left(bill)

    def test_taxes_rounded_per_line_leave_nothing(self):
        self.company.tax_calculation_rounding_method = 'round_per_line'
        self.tax.amount = 5.5
        bill = self._create_hand_bill([(1, 10.02), (1, 10.02)], self.tax)
        bill.action_post()
        bill.sudo().assist_delivery_state = 'sent'
        self._add(bill, 7.77)
        self._add(bill, 12.27)
        self._assert_nothing_left(bill)

    def test_a_draft_given_away_is_zero_and_can_be_posted(self):
        for method in ('round_per_line', 'round_globally'):
            for price_include in ('tax_excluded', 'tax_included'):
                with (
                    self.subTest(method=method, price_include=price_include),
                    self.cr.savepoint() as savepoint,
                ):
                    self.company.tax_calculation_rounding_method = method
                    self.tax.write({'amount': 19.6, 'price_include_override': price_include})
                    bill = self._create_hand_bill([(1.67, 12.35), (0.55, 12.35)], self.tax)
                    self._add(bill, bill.amount_untaxed)
                    bill.action_post()
                    self._assert_nothing_left(bill)
                    savepoint.rollback()

    def test_a_bill_rounded_to_coins_leaves_nothing(self):
        revenue = self.company_data['default_account_revenue']
        for strategy in ('add_invoice_line', 'biggest_tax'):
            rounding = self.env['account.cash.rounding'].create(
                {
                    'name': strategy,
                    'rounding': 0.05,
                    'strategy': strategy,
                    'profit_account_id': revenue.id,
                    'loss_account_id': revenue.id,
                }
            )
            # Both the sum of the lines and the untaxed amount with the rounding are all there is.
            for with_rounding in (True, False):
                for is_sent in (True, False):
                    with (
                        self.subTest(strategy, with_rounding=with_rounding, is_sent=is_sent),
                        self.cr.savepoint() as savepoint,
                    ):
                        bill = self._create_hand_bill(
                            [(1, 10.01), (1, 20.02)], self.tax, invoice_cash_rounding_id=rounding.id
                        )
                        self.assertEqual(bill.amount_total, 34.55)
                        bill.action_post()
                        if is_sent:
                            bill.sudo().assist_delivery_state = 'sent'
                        self._add(bill, 11.11)
                        documents = bill | bill.assist_linked_ids
                        left = sum(documents.mapped('amount_untaxed_signed'))
                        self._add(bill, round(left, 2) if with_rounding else 18.92)
                        self.assertEqual(bill.assist_net_total, 0.0)
                        self.assertEqual(self._get_balance(), 0.0)
                        savepoint.rollback()

    def test_costs_on_supplementary_bills_can_be_given_away_too(self):
        bill = self._create_bill()
        bill.sudo().assist_delivery_state = 'sent'
        extra = self._add(bill, 30.0, 'additional')
        with self.assertRefused("more than what is left .*130.00"):
            self._open_dialog(bill, 130.01).action_add()
        self._add(bill, 130.0)
        self._assert_nothing_left(bill)
        self.assertEqual(extra.payment_state, 'reversed')

    def test_in_another_currency_nothing_is_left_in_either(self):
        currency = self.setup_other_currency(
            'EUR', rates=[('2020-01-01', 0.8371), ('2026-02-05', 0.9173)]
        )
        plan = self._create_plan(name="Euro", price_per_session=33.33, currency_id=currency.id)
        for is_sent in (True, False):
            with self.subTest(is_sent=is_sent), self.cr.savepoint() as savepoint:
                self.association = self._associate(self._create_partner("Abroad"), plan)
                bill = self._create_bill(sessions=1)
                if is_sent:
                    bill.sudo().assist_delivery_state = 'sent'
                self._add(bill, 11.11)
                self._add(bill, 22.22)
                documents = bill | bill.assist_linked_ids
                receivable = documents._assist_get_receivable_lines()
                self.assertEqual(bill.assist_net_total, 0.0)
                self.assertEqual(receivable.mapped('amount_residual'), [0.0] * len(receivable))
                savepoint.rollback()

    # === WHAT IS ANNOUNCED === #

    def test_nothing_is_announced_that_did_not_happen(self):
        bill = self._create_draft()
        self.env.cr.precommit.run()  # what was tracked up to now
        messages = bill.message_ids
        with (
            patch.object(AccountMove, '_compute_amount', self._get_other_total(bill)),
            self.assertRefused("and not to"),
        ):
            self._open_dialog(bill, 50.0).action_add()
        self.assertEqual(bill.message_ids, messages)
        self.assertEqual(bill.amount_untaxed, 1000.0)

    def _get_other_total(self, bill):
        """Return an override that puts a fee on the total as soon as there is a third line."""
        original = AccountMove._compute_amount

        def compute(moves):
            original(moves)
            for move in moves:
                if move == bill and len(move.invoice_line_ids) > 2:
                    move.amount_total += 1.0

        return compute

    def test_an_add_on_that_drops_the_line_is_found_out(self):
        bill = self._create_draft()
        with (
            patch.object(type(bill), '_assist_add_lines', lambda *_args: None),
            self.assertRefused("and not to"),
        ):
            self._open_dialog(bill, 50.0).action_add()

    def test_a_supplementary_bill_that_is_credited_is_not_there_to_be_credited_again(self):
        bill = self._create_bill()
        bill.action_assist_confirm_payment()
        supplementary = self._add(bill, 40.0, 'additional')
        supplementary.action_assist_confirm_payment()
        self.assertEqual((bill.assist_net_total, bill.assist_misc_charge), (161.0, 40.0))
        credit = supplementary._reverse_moves([{'invoice_date': supplementary.invoice_date}])
        credit.action_post()
        self.assertRecordValues(
            bill,
            [
                {
                    'assist_net_total': 115.0,
                    # It was paid, so what it came to is the customer's by now.
                    'assist_net_due': -46.0,
                    'assist_misc_charge': 0.0,
                    'assist_linked_count': 1,
                }
            ],
        )
        [(_partner, due)] = bill._read_group(
            [('id', '=', bill.id)], ['partner_id'], ['assist_net_due:sum']
        )
        self.assertEqual(due, -46.0)
        with self.assertRefused("100.00"):
            self._open_dialog(bill, 130.0).action_add()
        self._add(bill, 100.0)
        self.assertEqual(bill.assist_net_total, 0.0)

    def test_refused_posting_after_amending_leaves_a_credit_note_of_the_same(self):
        bill = self._create_bill()
        number, original = bill.name, AccountMove._post
        refusal = "Not twice in a day"
        refused = []

        def refuse(moves, soft=True):
            if moves == bill and not refused:
                refused.append(bill)
                raise UserError(refusal)
            return original(moves, soft)

        with patch.object(AccountMove, '_post', refuse):
            self._open_dialog(bill, 10.0).action_add()
        self.assertRecordValues(
            bill, [{'state': 'posted', 'name': number, 'amount_untaxed': 100.0}]
        )
        self._assert_credit(bill, bill.assist_linked_ids, 10.0)

    def test_an_add_on_that_commits_while_posting_does_no_harm(self):
        bill = self._create_bill()
        number, original = bill.name, AccountMove._post

        def transmit(moves, soft=True):
            posted = original(moves, soft)
            moves.env.cr.commit()
            return posted

        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
            patch.object(AccountMove, '_post', transmit),
        ):
            bill.with_env(self.env(cr=cr))._assist_adjust('discount', 10.0)
        self.env.invalidate_all()
        self.assertRecordValues(bill, [{'state': 'posted', 'name': number, 'amount_untaxed': 90.0}])
        self.assertFalse(bill.assist_linked_ids)

    def test_an_add_on_that_commits_and_then_refuses_is_not_covered_up(self):
        bill = self._create_bill()
        refusal = "The tax office is closed"

        def transmit(moves, soft=True):
            moves.env.cr.commit()
            raise UserError(refusal)

        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(AccountMove, '_post', transmit),
            self.assertRaisesRegex(UserError, "tax office is closed"),
            self.registry.cursor() as cr,
        ):
            bill.with_env(self.env(cr=cr))._assist_adjust('discount', 10.0)
