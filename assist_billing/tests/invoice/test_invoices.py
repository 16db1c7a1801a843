from datetime import date
from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import AssistBillingCommon

CLOSING_LOG = 'odoo.addons.assist_billing.models.closing.close'


@tagged('post_install', '-at_install')
class TestInvoices(AssistBillingCommon):
    """Bills are true customer invoices: taxes, accounts, currency, dates."""

    def _bill_one_session(self, association, now='2026-02-01 00:00:00'):
        self._create_session(association.partner_id, company_id=association.company_id.id)
        self._close(now)
        return self._bill(association)

    # === TAXES === #

    def test_the_products_carry_each_company_s_sale_tax(self):
        other = self.setup_other_company()['company']
        for product in self.company._assist_get_products():
            for company in (self.company, other):
                self.assertEqual(
                    product.taxes_id.filtered(
                        lambda tax, company=company: tax.company_id == company
                    ),
                    company.account_sale_tax_id,
                )

    def test_a_bill_of_a_second_company_carries_its_own_tax(self):
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        plan = self._create_plan(company_id=other.id, price_per_session=10.0)
        association = self._associate(self._create_partner("Theirs"), plan)
        bill = self._bill_one_session(association)
        self.assertEqual(bill.company_id, other)
        self.assertEqual(bill.journal_id.company_id, other)
        self.assertEqual(bill.invoice_line_ids.tax_ids, other.account_sale_tax_id)
        self.assertEqual(bill.amount_tax, bill.company_id.account_sale_tax_id.amount * 10.0 / 100.0)

    def test_bills_are_posted_in_their_own_company(self):
        """Add-ons go by the company that is worked in: numbers of Croatia are built by it."""
        other = self.setup_other_company()['company']
        self.env.user.company_ids |= other
        theirs = self._associate(
            self._create_partner("Theirs"),
            self._create_plan(company_id=other.id, price_per_session=10.0, bill_handling='post'),
        )
        ours = self._associate()
        for association in theirs | ours:
            self._create_session(association.partner_id, company_id=association.company_id.id)
        worked_in, post = {}, type(self.env['account.move'])._post

        def note(moves, soft=True):
            worked_in.update({move.id: moves.env.company for move in moves})
            return post(moves, soft)

        with patch.object(type(self.env['account.move']), '_post', note):
            self._close('2026-02-01 00:00:00')
        for association in theirs | ours:
            bill = self._bill(association, 0)
            self.assertEqual(bill.state, 'posted')
            self.assertEqual(worked_in[bill.id], association.company_id)

    def test_a_fiscal_position_maps_the_tax(self):
        reverse_charge = self.env['account.tax'].create(
            {'name': "Reverse Charge", 'amount': 0.0, 'type_tax_use': 'sale'}
        )
        position = self.env['account.fiscal.position'].create({'name': "Abroad"})
        reverse_charge.write(
            {
                'fiscal_position_ids': [Command.link(position.id)],
                'original_tax_ids': [Command.link(self.company.account_sale_tax_id.id)],
            }
        )
        self.customer.property_account_position_id = position
        bill = self._bill_one_session(self._associate())
        self.assertEqual(bill.invoice_line_ids.tax_ids, reverse_charge)
        self.assertEqual(bill.amount_total, 20.0)

    def test_a_fiscal_position_takes_an_included_tax_out_of_the_price(self):
        included, free = self.env['account.tax'].create(
            [
                {
                    'name': "20 % included",
                    'amount': 20.0,
                    'price_include_override': 'tax_included',
                    'type_tax_use': 'sale',
                },
                {'name': "Export", 'amount': 0.0, 'type_tax_use': 'sale'},
            ]
        )
        product = self.plan.session_product_id.copy({'taxes_id': [Command.set(included.ids)]})
        plan = self._create_plan(price_per_session=120.0, session_product_id=product.id)
        home = self._associate(self._create_partner("Home"), plan)
        abroad = self._associate(self._create_partner("Abroad"), plan)
        position = self.env['account.fiscal.position'].create({'name': "Export"})
        free.write(
            {
                'fiscal_position_ids': [Command.link(position.id)],
                'original_tax_ids': [Command.link(included.id)],
            }
        )
        abroad.partner_id.property_account_position_id = position
        self.assertRecordValues(
            self._bill_one_session(home), [{'amount_untaxed': 100.0, 'amount_total': 120.0}]
        )
        late = self._create_session(abroad.partner_id)
        self.assertEqual(late.state, 'to_bill')
        self._close('2026-03-01 00:00:00')
        self.assertRecordValues(
            self._bill(abroad), [{'amount_untaxed': 100.0, 'amount_total': 100.0}]
        )

    # === CURRENCY === #

    def test_a_bill_is_made_out_in_the_currency_of_the_plan(self):
        currency = self.env['res.currency'].create({'name': "XAB", 'symbol': "x", 'rounding': 0.05})
        self.env['res.currency.rate'].create(
            {'name': '2026-01-01', 'rate': 4.0, 'currency_id': currency.id}
        )
        plan = self._create_plan(billing_type='hour', price_per_hour=33.33, currency_id=currency.id)
        association = self._associate(plan=plan)
        self._create_session(minutes=60)
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        self.assertRecordValues(bill, [{'currency_id': currency.id, 'amount_untaxed': 33.35}])
        # What is printed is converted: 33.35 / 4.
        self.assertEqual(bill.amount_untaxed_signed, 8.34)

    # === DATES === #

    def test_the_due_days_win_over_the_customer_s_payment_term(self):
        self.customer.property_payment_term_id = self.env.ref('account.account_payment_term_30days')
        bill = self._bill_one_session(self._associate(due_days=7))
        self.assertRecordValues(
            bill,
            [{'invoice_date_due': date(2026, 2, 8), 'invoice_payment_term_id': False}],
        )
        receivable = bill.line_ids.filtered(
            lambda line: line.account_id.account_type == 'asset_receivable'
        )
        self.assertEqual(receivable.date_maturity, date(2026, 2, 8))

    def test_a_bill_is_backdated_within_the_limit_only(self):
        for now, expected in (
            ('2026-02-06 12:00:00', date(2026, 2, 1)),
            ('2026-02-07 12:00:00', date(2026, 2, 7)),
        ):
            with self.subTest(now=now):
                bill = self._bill_one_session(
                    self._associate(self._create_partner(now), start_date='2026-01-01'), now
                )
                self.assertEqual(bill.invoice_date, expected)

    def test_a_lock_date_moves_the_bill_to_today(self):
        self.company.fiscalyear_lock_date = '2026-02-02'
        bill = self._bill_one_session(self._associate(), '2026-02-03 12:00:00')
        self.assertRecordValues(
            bill,
            [{'state': 'posted', 'invoice_date': date(2026, 2, 3), 'date': date(2026, 2, 3)}],
        )

    def test_today_is_the_company_s(self):
        self.company.partner_id.tz = 'Asia/Tokyo'
        bill = self._bill_one_session(self._associate(tz='UTC'), '2026-03-01 20:00:00')
        self.assertEqual(bill.invoice_date, date(2026, 3, 2))

    # === WHOSE === #

    def test_the_salesperson_is_the_customer_s_or_nobody(self):
        self.assertFalse(self._bill_one_session(self._associate()).invoice_user_id)
        seller = self._create_technician('seller')
        other = self._associate(self._create_partner("Sold", user_id=seller.id))
        self.assertEqual(self._bill_one_session(other).invoice_user_id, seller)

    def test_a_draft_plan_leaves_a_draft(self):
        self.plan.bill_handling = 'draft'
        bill = self._bill_one_session(self._associate())
        self.assertRecordValues(bill, [{'state': 'draft', 'name': False}])

    # === FROZEN === #

    def test_usage_lines_and_customer_of_a_draft_bill_cannot_be_edited(self):
        self.plan.bill_handling = 'draft'
        bill = self._bill_one_session(self._associate())
        line = bill.invoice_line_ids
        given = {
            'price_unit': line.price_unit,
            'quantity': line.quantity,
            'discount': 0.0,
            'currency_id': bill.currency_id.id,
            'manual_total_excluded_currency': 1.0,
            'manual_total_excluded': 1.0,
        }
        for change in (
            {'quantity': 2},
            {'price_unit': 1.0},
            {'discount': 10.0},
            {'extra_tax_data': given},
        ):
            with self.subTest(change=change), self.assertRefused("by hand"):
                line.write(change)
        with self.assertRefused("by hand"):
            line.unlink()
        with self.assertRefused("cannot change"):
            bill.partner_id = self._create_partner("Other")
        line.write({'quantity': 1, 'name': "Same quantity, other words"})
        self.assertEqual(bill.amount_untaxed, 20.0)

    def test_another_fiscal_position_is_the_customer_s_and_comes_with_the_next_bill(self):
        self.plan.bill_handling = 'draft'
        bill = self._bill_one_session(self._associate())
        self.assertTrue(bill.amount_tax)
        position = self.env['account.fiscal.position'].create({'name': "Exempt"})
        self.env['account.tax'].create(
            {
                'name': "Exempt",
                'amount': 0.0,
                'fiscal_position_ids': position.ids,
                'original_tax_ids': bill.invoice_line_ids.tax_ids.ids,
            }
        )
        bill.fiscal_position_id = position
        with self.assertRefused("Set that on the customer"):
            bill.action_update_fpos_values()
        self.customer.property_account_position_id = position
        cycle = bill.assist_cycle_id
        bill.unlink()
        cycle.action_rebill()
        self.assertRecordValues(
            cycle.move_id,
            [{'fiscal_position_id': position.id, 'amount_untaxed': 20.0, 'amount_tax': 0.0}],
        )
        cycle.move_id.action_update_fpos_values()

    def test_a_journal_brings_neither_its_currency_nor_its_company_along(self):
        self.plan.bill_handling = 'draft'
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        other = self.env.ref('base.EUR')
        other.active = True
        self.assertNotEqual(bill.currency_id, other)
        journal = bill.journal_id.copy({'currency_id': other.id})
        bill.journal_id = journal
        self.assertRecordValues(
            bill, [{'journal_id': journal.id, 'currency_id': self.plan.currency_id.id}]
        )
        self.assertEqual(bill.invoice_line_ids.currency_id, self.plan.currency_id)
        company = self.setup_other_company()
        with self.assertRefused("company"):
            bill.journal_id = company['default_journal_sale']
        self.assertEqual(bill.company_id, self.company)
        bill.action_post()
        self.assertRecordValues(
            bill, [{'currency_id': self.plan.currency_id.id, 'amount_untaxed': 20.0}]
        )

    def test_odoo_does_not_repeat_a_bill(self):
        self.plan.bill_handling = 'draft'
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        with self.assertRefused("cannot be repeated by auto-post"):
            bill.auto_post = 'monthly'
        bill.auto_post = 'at_date'
        copy = bill.copy()
        copy.auto_post = 'monthly'
        self.assertEqual((bill | copy).mapped('auto_post'), ['at_date', 'monthly'])

    def test_a_copy_of_a_bill_is_an_ordinary_invoice(self):
        bill = self._bill_one_session(self._associate())
        copy = bill.copy()
        self.assertFalse(copy.assist_cycle_id or copy.assist_kind or copy.assist_association_id)

    @mute_logger(CLOSING_LOG)
    def test_an_unexpected_error_is_kept_too(self):
        association = self._associate()
        self._create_session()
        self._close('2026-01-01 00:00:00')
        cycle = association.cycle_ids
        cycle.sudo().terms = {**cycle.terms, 'price_per_session': -1}
        self._close('2026-02-01 00:00:00')
        self.assertIn("price_per_session", cycle.error)
        self.assertEqual(cycle.state, 'open')
