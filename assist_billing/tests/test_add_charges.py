from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import Form, freeze_time, new_test_user, tagged

from odoo.addons.account.models.account_move import AccountMove

from .common import AssistBillingCommon

TODAY = fields.Date.to_date('2026-02-10')


@tagged('post_install', '-at_install')
@freeze_time('2026-02-10 12:00:00')
class TestAddCharges(AssistBillingCommon):
    """Costs and discounts stand on the bill while it may change, else on a linked document."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax = cls.company.account_sale_tax_id  # 15 %, not included in the price
        cls.biller = new_test_user(
            cls.env,
            'biller',
            name="Billy Biller",
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def setUp(self):
        super().setUp()
        self.association = self._associate(due_days=28)

    @classmethod
    def default_env_context(cls):
        return {}  # with chatter

    # === HELPERS === #

    def _create_bill(self, sessions=5, handling='post'):
        """Return the bill of January: 20.00 per session, and 15 % on it."""
        self.plan.bill_handling = handling
        for day in range(sessions):
            self._create_session(
                self.association.partner_id, ended_at=f'2026-01-{day + 10} 10:00:00'
            )
        self._close('2026-02-01 00:00:00')
        return self._bill(self.association)

    def _open_dialog(self, bill, amount, adjustment_type='discount', **vals):
        return self.env['assist.add.charges'].create(
            {'move_id': bill.id, 'adjustment_type': adjustment_type, 'amount': amount, **vals}
        )

    def _add(self, bill, amount, adjustment_type='discount', **vals):
        """Add and return the linked document, if one resulted; it is what the dialog foretold."""
        dialog = self._open_dialog(bill, amount, adjustment_type, **vals)
        foretold, total = dialog.document, dialog.updated_total
        before = bill.assist_linked_ids
        dialog.action_add()
        linked = bill.assist_linked_ids - before
        self.assertEqual(foretold in ('credit', 'supplementary'), bool(linked))
        if linked:
            self.assertEqual(linked.assist_kind, foretold)
        self.assertAlmostEqual(bill.assist_net_total, total, msg="what the dialog foretold")
        return linked

    def _get_balance(self):
        """Return what the customer owes, by the books."""
        lines = self.env['account.move.line'].search(
            [
                ('partner_id', '=', self.customer.id),
                ('account_id.account_type', '=', 'asset_receivable'),
                ('parent_state', '=', 'posted'),
            ]
        )
        return self.company.currency_id.round(sum(lines.mapped('balance')))

    def _assert_credit(self, bill, credit, untaxed, residual=0.0):
        self.assertRecordValues(
            credit,
            [
                {
                    'move_type': 'out_refund',
                    'state': 'posted',
                    'assist_kind': 'credit',
                    'assist_bill_id': bill.id,
                    'assist_cycle_id': False,
                    'assist_origin_cycle_id': bill.assist_cycle_id.id,
                    'reversed_entry_id': bill.id,
                    'partner_id': bill.partner_id.id,
                    'invoice_date': TODAY,
                    'amount_untaxed': untaxed,
                    'amount_residual': residual,
                }
            ],
        )
        self.assertEqual(set(credit.invoice_line_ids.mapped('assist_charge')), {'discount'})

    def _assert_supplementary(self, bill, extra, untaxed):
        self.assertRecordValues(
            extra,
            [
                {
                    'move_type': 'out_invoice',
                    'state': 'posted',
                    'assist_kind': 'supplementary',
                    'assist_bill_id': bill.id,
                    'assist_cycle_id': False,
                    'assist_origin_cycle_id': bill.assist_cycle_id.id,
                    'reversed_entry_id': False,
                    'invoice_date': TODAY,
                    'invoice_date_due': fields.Date.add(TODAY, days=28),
                    'amount_untaxed': untaxed,
                    'amount_residual': extra.amount_total,
                }
            ],
        )

    # === THE SEVEN STATES === #

    def test_draft_gets_a_line(self):
        bill = self._create_bill(handling='draft')
        self.assertFalse(self._add(bill, 7.50, 'additional', description="Spare part"))
        self.assertFalse(self._add(bill, 30.0))
        usage = bill.invoice_line_ids.filtered(lambda line: line.assist_charge == 'session')
        self.assertRecordValues(
            bill.invoice_line_ids - usage,
            [
                {
                    'assist_charge': charge,
                    'name': name,
                    'price_subtotal': amount,
                    'product_id': usage.product_id.id,
                    'account_id': usage.account_id.id,
                    'tax_ids': usage.tax_ids.ids,
                }
                for charge, name, amount in (
                    ('additional', "Spare part", 7.5),
                    ('discount', "Discount", -30.0),
                )
            ],
        )
        self.assertRecordValues(
            bill,
            [
                {
                    'state': 'draft',
                    'amount_untaxed': 77.5,
                    'assist_session_charge': 100.0,
                    'assist_misc_charge': -22.5,
                }
            ],
        )
        bill.action_post()
        self.assertEqual(self._get_balance(), 89.13)

    def test_posted_is_amended_under_its_number(self):
        bill = self._create_bill()
        before = bill.read(['name', 'invoice_date', 'invoice_date_due', 'payment_reference'])
        self.assertFalse(self._add(bill, 10.0))
        self.assertFalse(self._add(bill, 2.5, 'additional'))
        self.assertEqual(
            bill.read(['name', 'invoice_date', 'invoice_date_due', 'payment_reference']), before
        )
        self.assertRecordValues(
            bill,
            [
                {
                    'state': 'posted',
                    'assist_kind': 'bill',
                    'amount_untaxed': 92.5,
                    'assist_misc_charge': -7.5,
                    'assist_linked_ids': [],
                }
            ],
        )
        self.assertEqual(bill.assist_cycle_id.state, 'closed')
        self.assertEqual(set(bill.assist_cycle_id.session_ids.mapped('state')), {'billed'})
        self.assertEqual(self._get_balance(), bill.amount_total)
        self.assertEqual(self._get_balance(), 106.38)

    def test_sent_gets_documents(self):
        bill = self._create_bill()
        bill.assist_delivery_state = 'sent'
        number = bill.name
        self._assert_credit(bill, self._add(bill, 10.0), 10.0)
        self.assertEqual(bill.amount_residual, 103.5)
        self._assert_supplementary(bill, self._add(bill, 5.0, 'additional'), 5.0)
        self.assertRecordValues(
            bill,
            [
                {
                    'name': number,
                    'amount_untaxed': 100.0,
                    'payment_state': 'partial',
                    'assist_misc_charge': -5.0,
                }
            ],
        )
        self.assertEqual(self._get_balance(), 109.25)

    def test_partly_paid_gets_documents(self):
        bill = self._create_bill()
        self._register_payment(bill, amount=110.0)
        credit = self._add(bill, 10.0)
        self._assert_credit(bill, credit, 10.0, residual=6.5)
        self.assertRecordValues(bill, [{'amount_residual': 0.0, 'payment_state': 'paid'}])
        self._assert_supplementary(bill, self._add(bill, 5.0, 'additional'), 5.0)
        self.assertEqual(self._get_balance(), -0.75)  # 115 - 110 - 11.50 + 5.75

    def test_paid_leaves_the_customer_a_credit(self):
        bill = self._create_bill()
        self._register_payment(bill)
        self.assertEqual(self._get_balance(), 0.0)
        credit = self._add(bill, 10.0)
        self._assert_credit(bill, credit, 10.0, residual=11.5)
        self.assertEqual(bill.payment_state, 'paid')
        self.assertEqual(self._get_balance(), -11.5)
        self._assert_supplementary(bill, self._add(bill, 10.0, 'additional'), 10.0)
        self.assertEqual(self._get_balance(), 0.0)

    def test_in_a_locked_period_gets_documents(self):
        bill = self._create_bill()
        self.company.sale_lock_date = '2026-02-05'
        self._assert_credit(bill, self._add(bill, 10.0), 10.0)
        self._assert_supplementary(bill, self._add(bill, 5.0, 'additional'), 5.0)
        self.assertEqual(bill.amount_untaxed, 100.0)
        self.assertEqual(self._get_balance(), 109.25)

    def test_in_a_hashed_journal_gets_documents(self):
        self.company_data['default_journal_sale'].restrict_mode_hash_table = True
        bill = self._create_bill()
        self.assertTrue(bill.inalterable_hash)
        self._assert_credit(bill, self._add(bill, 10.0), 10.0)
        self._assert_supplementary(bill, self._add(bill, 5.0, 'additional'), 5.0)
        self.assertEqual(bill.amount_untaxed, 100.0)
        self.assertEqual(self._get_balance(), 109.25)

    # === OTHER REASONS FOR A DOCUMENT === #

    def test_other_bills_that_must_not_change_get_documents(self):
        def make_pdf(bill):
            self.env['ir.attachment'].create(
                {
                    'name': "bill.pdf",
                    'raw': b"%PDF-1.4",
                    'res_model': bill._name,
                    'res_id': bill.id,
                    'res_field': 'invoice_pdf_report_file',
                }
            )
            bill.invalidate_recordset(['invoice_pdf_report_id'])

        def forbid(bill):
            bill.company_id.assist_amend_posted = False

        bill = self._create_bill()
        for words, prepare in (
            ("PDF was made", make_pdf),
            ("marked as sent", lambda bill: bill.write({'is_move_sent': True})),
            ("was sent", lambda bill: bill.write({'assist_delivery_state': 'queued'})),
            ("posted bills are not changed", forbid),
        ):
            with self.subTest(words=words), self.cr.savepoint() as savepoint:
                prepare(bill)
                self.assertIn(words, self._open_dialog(bill, 1.0).outcome)
                self._assert_credit(bill, self._add(bill, 1.0), 1.0)
                savepoint.rollback()

    def test_where_odoo_refuses_a_document_is_made(self):
        bill = self._create_bill()
        number = bill.name

        refusal = "The tax office knows it already"

        def refuse(moves):
            if moves == bill:
                raise UserError(refusal)

        with patch.object(AccountMove, '_check_draftable', refuse):
            self._open_dialog(bill, 10.0).action_add()
        self._assert_credit(bill, bill.assist_linked_ids, 10.0)
        self.assertRecordValues(
            bill, [{'state': 'posted', 'name': number, 'amount_untaxed': 100.0}]
        )
        self.assertIn("The tax office knows it already", bill.message_ids[0].body)

    def test_a_bill_credited_in_part_is_not_amended_but_credited_further(self):
        bill = self._create_bill()
        bill.assist_delivery_state = 'sent'
        self._add(bill, 10.0)
        bill.assist_delivery_state = 'none'
        self.assertIn("credited in part", self._open_dialog(bill, 10.0).outcome)
        self._assert_credit(bill, self._add(bill, 10.0), 10.0)

    # === AMOUNTS === #

    def test_a_discount_takes_at_most_what_is_left(self):
        bill = self._create_bill()
        with self.assertRefused("more than what is left .*100.00"):
            self._open_dialog(bill, 100.01).action_add()
        self._add(bill, 40.0)
        with self.assertRefused("more than what is left .*60.00"):
            self._open_dialog(bill, 60.01).action_add()
        bill.assist_delivery_state = 'sent'
        self._add(bill, 50.0)
        self._add(bill, 5.0, 'additional')
        with self.assertRefused("more than what is left .*10.00"):
            self._open_dialog(bill, 10.01).action_add()
        self._add(bill, 10.0)
        self.assertEqual(bill.payment_state, 'reversed')
        self.assertEqual(self._get_balance(), 5.75)
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
        with self.assertRefused(f"{invoice.name}: no remote support bill"):
            invoice.action_assist_add_charges()
        with self.assertRefused("one bill at a time"):
            (bill | invoice).action_assist_add_charges()
        bill.assist_delivery_state = 'sent'
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
        bill.assist_delivery_state = 'sent'
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
        bill.assist_delivery_state = 'sent'
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
        bill.assist_delivery_state = 'sent'
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
