from odoo import Command
from odoo.tests import Form, freeze_time, tagged

from .add_charges_common import AddChargesCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-02-10 12:00:00')
class TestAddChargesAmounts(AddChargesCommon):
    """Amounts are untaxed, spread over the taxes, and never more than what is left."""

    def test_a_discount_takes_at_most_what_is_left(self):
        bill = self._create_bill()
        with self.assertRefused("more than what is left .*100.00"):
            self._open_dialog(bill, 100.01).action_add()
        self._add(bill, 40.0)
        with self.assertRefused("more than what is left .*60.00"):
            self._open_dialog(bill, 60.01).action_add()
        bill.sudo().assist_delivery_state = 'sent'
        self._add(bill, 50.0)
        self._add(bill, 5.0, 'additional')
        # On the bill, and on the supplementary bill.
        with self.assertRefused("more than what is left .*15.00"):
            self._open_dialog(bill, 15.01).action_add()
        self._add(bill, 10.0)
        self.assertEqual(bill.payment_state, 'reversed')
        self.assertEqual(self._get_balance(), 5.75)
        self._add(bill, 5.0)
        self.assertEqual(self._get_balance(), 0.0)
        with self.assertRefused("more than what is left"):
            self._open_dialog(bill, 0.01).action_add()

    def test_zero_negative_and_missing_amounts_are_refused(self):
        bill = self._create_bill()
        for amount in (0.0, -5.0, 0.001, float('nan')):
            for adjustment_type in ('additional', 'discount'):
                with self.subTest(amount=amount), self.assertRefused("above zero"):
                    bill._assist_adjust(adjustment_type, amount)
        with self.assertRefused("above zero"):
            self._open_dialog(bill, 0.0).action_add()
        with self.assertRefused("additional cost or a discount"):
            bill._assist_adjust('gift', 5.0)
        self.assertEqual(bill.amount_untaxed, 100.0)

    def test_missing_wrong_and_several_bills_are_refused(self):
        with self.assertRefused("Choose the bill"):
            self.env['assist.add.charges'].create({'amount': 5.0}).action_add()
        bill = self._create_bill()
        invoice = self._create_invoice_one_line(price_unit=10.0, post=True)
        with self.assertRefused(f"{invoice.name}: not a remote support bill"):
            invoice.action_assist_add_charges()
        with self.assertRefused("one bill at a time"):
            (bill | invoice).action_assist_add_charges()
        bill.sudo().assist_delivery_state = 'sent'
        credit = self._add(bill, 1.0)
        with self.assertRefused(f"belongs to {bill.name}"):
            credit.action_assist_add_charges()

    def test_a_bill_taken_back_takes_nothing_more(self):
        bill = self._create_bill()
        bill.button_cancel()
        with self.assertRefused("was taken back"):
            self._open_dialog(bill, 5.0).action_add()

    def test_percent_is_of_the_session_charges(self):
        bill = self._create_bill()
        with Form(
            self.env['assist.add.charges'].with_context(
                **bill.action_assist_add_charges()['context']
            )
        ) as form:
            self.assertEqual(form.session_charge, 100.0)
            self.assertEqual(form.updated_total, 115.0)
            form.adjustment_type = 'discount'
            form.amount_type = 'percent'
            form.percent = 12.5
            self.assertEqual(form.amount, 12.5)
            self.assertAlmostEqual(form.updated_total, 100.63)
            self.assertIn("keeps its number", form.outcome)
            form.percent = 101
            self.assertIn("more than what is left", form.problem)
            form.percent = 10
            self.assertFalse(form.problem)
        form.record.action_add()
        self.assertEqual(bill.amount_total, 103.5)

    # === TAXES === #

    def _create_two_tax_bill(self):
        """Return a bill of 100.00 under 15 %, and of 50.00 of devices under 5 %."""
        low = self.tax.copy({'name': "5 %", 'amount': 5.0})
        self.plan.write({'charge_devices': True, 'price_per_device': 10.0})
        product = self.plan.device_product_id.copy({'taxes_id': [Command.set(low.ids)]})
        self.plan.device_product_id = product
        for _number in range(5):
            self._create_device()
        return self._create_bill(), low

    def test_a_discount_is_spread_over_the_taxes(self):
        bill, low = self._create_two_tax_bill()
        bill.sudo().assist_delivery_state = 'sent'
        credit = self._add(bill, 10.0)
        self.assertEqual(
            {line.tax_ids: line.price_subtotal for line in credit.invoice_line_ids},
            {self.tax: 6.67, low: 3.33},
        )
        self.assertEqual(
            credit.invoice_line_ids.product_id,
            self.plan.session_product_id | self.plan.device_product_id,
        )
        # In proportion to what is left under each, so that all can be taken away.
        rest = self._add(bill, 140.0)
        self.assertEqual(
            {line.tax_ids: line.price_subtotal for line in rest.invoice_line_ids},
            {self.tax: 93.33, low: 46.67},
        )
        self.assertEqual(self._get_balance(), 0.0)

    def test_a_cost_takes_the_taxes_of_the_sessions(self):
        bill, _low = self._create_two_tax_bill()
        self._add(bill, 10.0, 'additional')
        added = bill.invoice_line_ids.filtered(lambda line: line.assist_charge == 'additional')
        self.assertRecordValues(
            added, [{'tax_ids': self.tax.ids, 'product_id': self.plan.session_product_id.id}]
        )

    def test_amounts_are_untaxed_even_where_prices_include_taxes(self):
        self.tax.write({'price_include_override': 'tax_included', 'amount': 19.6})
        self.plan.price_per_session = 119.6
        bill = self._create_bill(sessions=1)
        self.assertEqual(bill.amount_untaxed, 100.0)
        bill.sudo().assist_delivery_state = 'sent'
        for cents in (1, 10, 33, 99, 777, 1234):
            with self.subTest(cents=cents):
                credit = self._add(bill, cents / 100)
                self.assertEqual(credit.amount_untaxed, cents / 100)
                extra = self._add(bill, cents / 100, 'additional')
                self.assertEqual(extra.amount_untaxed, cents / 100)
                self.assertEqual(extra.amount_total, credit.amount_total)

    def test_a_bill_in_another_currency_is_adjusted_in_it(self):
        currency = self.setup_other_currency(
            'EUR', rates=[('2020-01-01', 0.8), ('2026-02-05', 0.5)]
        )
        plan = self._create_plan(name="Euro", price_per_session=80.0, currency_id=currency.id)
        self.association = self._associate(self._create_partner("Abroad"), plan)
        bill = self._create_bill(sessions=1)
        bill.sudo().assist_delivery_state = 'sent'
        credit = self._add(bill, 8.0)
        self.assertRecordValues(
            credit, [{'currency_id': currency.id, 'amount_untaxed': 8.0, 'amount_residual': 0.0}]
        )
        self.assertAlmostEqual(bill.amount_residual, 82.8)

    # === RIGHTS AND HISTORY === #

    def test_a_billing_user_adjusts_and_the_bill_tells_who_and_why(self):
        bill = self._create_bill().with_user(self.biller)
        bill._assist_adjust('discount', 5.0, "Goodwill <b>")
        self.assertIn("Billy Biller", bill.message_ids[0].body)
        self.assertIn("Goodwill &lt;b&gt;", bill.message_ids[0].body)
        bill.sudo().assist_delivery_state = 'sent'
        credit = bill._assist_adjust('discount', 5.0, "Again")
        self.assertIn(f'data-oe-id="{credit.id}"', bill.message_ids[0].body)
        self.assertIn("it was sent to the customer", bill.message_ids[0].body)
        self.assertIn("Again", credit.ref)
