from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from odoo.addons.account.models.account_move import AccountMove

from .add_charges_common import AddChargesCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-02-10 12:00:00')
class TestAddCharges(AddChargesCommon):
    """Costs and discounts stand on the bill while it may change, else on a linked document."""

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

    def test_a_second_click_adds_nothing(self):
        """Where the answer to the first was lost the dialog stays open, and looks as before."""
        drafted = self._create_bill(handling='draft')
        for charge, handling in (('additional', 'draft'), ('discount', 'post')):
            if handling == 'post':
                drafted.action_post()
                drafted.action_assist_confirm_payment()
            dialog = self._open_dialog(drafted, 10.0, charge)
            dialog.action_add()
            total = drafted.assist_misc_charge
            with self.assertRefused("was added to .* already"):
                dialog.action_add()
            self.assertEqual(drafted.assist_misc_charge, total)

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
        bill.sudo().assist_delivery_state = 'sent'
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
            ("PDF has been created", make_pdf),
            ("marked as sent", lambda bill: bill.write({'is_move_sent': True})),
            ("being sent", lambda bill: bill.sudo().write({'assist_delivery_state': 'queued'})),
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
        bill.sudo().assist_delivery_state = 'sent'
        self._add(bill, 10.0)
        bill.sudo().assist_delivery_state = 'none'
        self.assertIn("partly credited", self._open_dialog(bill, 10.0).outcome)
        self._assert_credit(bill, self._add(bill, 10.0), 10.0)
