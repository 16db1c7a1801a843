from datetime import date
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ...models.invoice.account_move import COUNTRY_DATES
from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestBillDates(AssistBillingCommon):
    """What a bill is dated, when it is due, and that what is shown beforehand is the same."""

    # === HELPERS === #

    def _bill_january(self, now, **vals):
        partner = self._create_partner(f"Customer {now} {vals}")
        association = self._associate(partner, **vals)
        self._create_session(partner)
        self._close(now)
        return self._bill(association, 0)

    def _date_by_last_day(self):
        self.company.assist_date_bills = 'last_day'

    # === BY DAY AFTER OR LAST DAY === #

    def test_by_default_a_bill_is_dated_the_day_after(self):
        self.assertEqual(self.company.assist_date_bills, 'day_after')
        bill = self._bill_january('2026-02-02 12:00:00', due_days=28)
        self.assertRecordValues(
            bill,
            [
                {
                    'invoice_date': date(2026, 2, 1),
                    'date': date(2026, 2, 1),
                    'invoice_date_due': date(2026, 3, 1),
                    'delivery_date': date(2026, 1, 31),
                    'taxable_supply_date': date(2026, 1, 31),
                }
            ],
        )

    def test_by_the_last_day_revenue_falls_in_the_month_served(self):
        self._date_by_last_day()
        bill = self._bill_january('2026-02-02 12:00:00', due_days=28)
        self.assertRecordValues(
            bill,
            [
                {
                    'state': 'posted',
                    'invoice_date': date(2026, 1, 31),
                    'date': date(2026, 1, 31),
                    # Counted from the first day of the next period all the same.
                    'invoice_date_due': date(2026, 3, 1),
                    'delivery_date': date(2026, 1, 31),
                    'taxable_supply_date': date(2026, 1, 31),
                }
            ],
        )

    def test_fields_of_countries_have_the_days_served(self):
        """Those that are there: of a country's add-on, which here a date of Odoo's stands for."""
        names = {'first': ('x_of_nobody',), 'last': ('auto_post_until',), 'supplied': ()}
        with patch.dict(COUNTRY_DATES, names):
            bill = self._bill_january('2026-02-02 12:00:00')
            adjusting = bill._prepare_assist_linked_vals('discount', 5.0, "By hand")
        self.assertEqual(bill.auto_post_until, date(2026, 1, 31))
        self.assertEqual(adjusting['auto_post_until'], date(2026, 1, 31))
        self.assertEqual(adjusting['delivery_date'], date(2026, 1, 31))
        self.assertNotIn('taxable_supply_date', adjusting)
        names = {'first': ('auto_post_until',), 'last': (), 'supplied': ()}
        with patch.dict(COUNTRY_DATES, names):
            bill = self._bill_january('2026-02-03 12:00:00')
        self.assertEqual(bill.auto_post_until, date(2026, 1, 1))

    def test_the_zoho_bill_by_both(self):
        for dates, expected in (('day_after', '2023-02-25'), ('last_day', '2023-02-24')):
            self.company.assist_date_bills = dates
            partner = self._create_partner(dates)
            association = self._associate(partner, start_date='2023-01-25', due_days=28)
            self._create_session(partner, ended_at='2023-02-01 10:00:00')
            self._close('2023-02-25 01:00:00')
            bill = self._bill(association, 0)
            self.assertEqual(str(bill.invoice_date), expected)
            self.assertEqual(str(bill.invoice_date_due), '2023-03-25')
            self.assertEqual(str(bill.assist_period_end), '2023-02-25')

    def test_by_the_last_day_it_is_today_when_made_too_late(self):
        self._date_by_last_day()
        for now, dated, due in (
            ('2026-02-05 12:00:00', date(2026, 1, 31), date(2026, 2, 11)),
            ('2026-02-06 12:00:00', date(2026, 2, 6), date(2026, 2, 16)),
            ('2026-07-06 12:00:00', date(2026, 7, 6), date(2026, 7, 16)),
        ):
            with self.subTest(now=now):
                bill = self._bill_january(now, due_days=10)
                self.assertRecordValues(bill, [{'invoice_date': dated, 'invoice_date_due': due}])

    def test_by_the_last_day_a_closed_month_is_left_alone(self):
        self._date_by_last_day()
        for lock in ('fiscalyear_lock_date', 'tax_lock_date', 'sale_lock_date', 'hard_lock_date'):
            with self.subTest(lock=lock), self.cr.savepoint() as savepoint:
                self.company[lock] = '2026-01-31'
                bill = self._bill_january('2026-02-02 12:00:00', due_days=10)
                self.assertRecordValues(
                    bill,
                    [
                        {
                            'state': 'posted',
                            'invoice_date': date(2026, 2, 2),
                            'date': date(2026, 2, 2),
                            'invoice_date_due': date(2026, 2, 12),
                        }
                    ],
                )
                savepoint.rollback()
                self.env.invalidate_all()

    def test_the_day_of_a_customer_who_is_ahead_is_not_in_the_future(self):
        """Midnight in Tokyo is still the last day in Los Angeles; the due days do not change."""
        self.company.partner_id.tz = 'America/Los_Angeles'
        self._date_by_last_day()
        bill = self._bill_january('2026-01-31 16:00:00', tz='Asia/Tokyo', due_days=10)
        self.assertRecordValues(
            bill,
            [{'invoice_date': date(2026, 1, 31), 'invoice_date_due': date(2026, 2, 11)}],
        )

    def test_the_period_is_printed_by_its_first_and_last_day(self):
        for dates in ('day_after', 'last_day'):
            self.company.assist_date_bills = dates
            bill = self._bill_january('2026-02-02 12:00:00')
            html, _type = self.env['ir.actions.report']._render_qweb_html(
                'account.account_invoices', bill.ids
            )
            self.assertIn("01/01/2026 – 01/31/2026", html.decode())
            self.assertNotIn("– 02/01/2026", html.decode())

    def test_the_settings_page_chooses(self):
        settings = self.env['res.config.settings'].create({'assist_date_bills': 'last_day'})
        settings.execute()
        self.assertEqual(self.company.assist_date_bills, 'last_day')

    # === TAXES OF EVERY LINE === #

    def _set_taxes(self, usage, device):
        self.plan.session_product_id = self._create_product(
            name="Support", taxes_id=[Command.set(usage.ids)]
        )
        self.plan.device_product_id = self._create_product(
            name="Watched", taxes_id=[Command.set(device.ids)]
        )
        self.plan.write({'charge_devices': True, 'price_per_device': 5.0})

    def test_a_tax_lock_counts_when_any_line_is_taxed(self):
        none = self.env['account.tax']
        self.company.tax_lock_date = '2026-02-01'
        self._set_taxes(none, self.company_data['default_tax_sale'])
        untaxed = self._bill_january('2026-02-03 12:00:00')
        self.assertEqual(untaxed.invoice_date, date(2026, 2, 1), "no device on it, so no tax")
        partner = self._create_partner("With a device")
        association = self._associate(partner)
        self._create_device(partner)
        self._create_session(partner)
        self._close('2026-02-03 12:00:00')
        self.assertEqual(self._bill(association, 0).invoice_date, date(2026, 2, 3))

    def test_a_tax_lock_does_not_count_for_whom_a_position_frees(self):
        self.company.tax_lock_date = '2026-02-01'
        tax = self.company_data['default_tax_sale']
        self._set_taxes(tax, tax)
        position = self.env['account.fiscal.position'].create({'name': "Abroad"})
        partner = self._create_partner("Free", property_account_position_id=position.id)
        association = self._associate(partner)
        self._create_session(partner)
        self._close('2026-02-03 12:00:00')
        bill = self._bill(association, 0)
        self.assertFalse(bill.invoice_line_ids.tax_ids)
        self.assertRecordValues(
            bill, [{'invoice_date': date(2026, 2, 1), 'date': date(2026, 2, 1)}]
        )

    # === BRANCHES === #

    def _create_branch(self):
        branch = (
            self.env['res.company'].sudo().create({'name': "Branch", 'parent_id': self.company.id})
        )
        self.env.user.sudo().company_ids |= branch
        self.env.user.sudo().group_ids |= self.env.ref('base.group_multi_company')
        branch.sudo()._assist_set_product_taxes()
        plan = self.env['assist.billing.plan'].create(
            {'name': "Branch plan", 'company_id': branch.id, 'price_per_session': 20.0}
        )
        return branch, plan

    def test_a_branch_obeys_the_lock_dates_above_it(self):
        branch, plan = self._create_branch()
        for lock in ('fiscalyear_lock_date', 'tax_lock_date', 'sale_lock_date', 'hard_lock_date'):
            with self.subTest(lock=lock), self.cr.savepoint() as savepoint:
                self.company[lock] = '2026-02-01'
                partner = self._create_partner(f"Of the branch, {lock}")
                association = self._associate(partner, plan)
                self._create_session(partner, company_id=branch.id)
                self._close('2026-02-03 12:00:00')
                bill = self._bill(association, 0)
                self.assertEqual(bill.company_id, branch)
                self.assertTrue(bill.invoice_line_ids.tax_ids, "those of the company above")
                self.assertRecordValues(
                    bill,
                    [
                        {
                            'state': 'posted',
                            'invoice_date': date(2026, 2, 3),
                            'date': date(2026, 2, 3),
                        }
                    ],
                )
                savepoint.rollback()
                self.env.invalidate_all()

    # === SHOWN BEFOREHAND === #

    @freeze_time('2026-03-10 12:00:00')
    def test_the_dialog_dates_bills_as_the_run_does(self):
        """January is over for long, so it is dated today; February too; March on time."""
        partner = self._create_partner("Newcomer", tz='UTC')
        for _number in range(3):
            self._create_session(partner)
        for dates in ('day_after', 'last_day'):
            with self.subTest(dates=dates), self.cr.savepoint() as savepoint:
                self.company.assist_date_bills = dates
                self.company.assist_backdate_days = 10
                dialog = self.env['assist.associate.customers'].create(
                    {
                        'plan_id': self.plan.id,
                        'partner_ids': partner.ids,
                        'line_ids': [Command.create({'partner_id': partner.id})],
                        'start_date': '2026-01-01',
                        'due_days': 15,
                    }
                )
                summary, *shown = dialog.line_ids.preview.splitlines()
                self.assertEqual(
                    summary, "Periods that close at once: 2, 01/01/2026 – 02/28/2026. Sessions: 3"
                )
                dialog.action_associate()
                association = self.env['assist.billing.association'].search(
                    [('partner_id', '=', partner.id)]
                )
                self._create_session(partner, ended_at='2026-02-10 10:00:00')
                self._close('2026-03-10 12:00:00')
                with freeze_time('2026-03-31 20:00:00'):
                    self._create_session(partner, ended_at='2026-03-20 10:00:00')
                self._close('2026-04-01 00:10:00')
                bills = self._cycles(association).move_id
                self.assertEqual(len(bills), 3)
                for bill, line in zip(bills.sorted('assist_period_end'), shown, strict=True):
                    self.assertIn(f"due {bill.invoice_date_due:%m/%d/%Y}", line)
                    is_plain = bill.invoice_date == bill.assist_period_end
                    self.assertEqual(f"dated {bill.invoice_date:%m/%d/%Y}" in line, not is_plain)
                savepoint.rollback()
                self.env.invalidate_all()

    @freeze_time('2026-01-20 12:00:00')
    def test_the_run_book_dates_bills_as_the_run_does(self):
        for dates in ('day_after', 'last_day'):
            with self.subTest(dates=dates):
                self.company.assist_date_bills = dates
                partner = self._create_partner(dates)
                association = self._associate(partner, due_days=12)
                self._create_session(partner)
                self._close('2026-01-20 12:00:00')
                cycle = self._cycles(association)
                shown = (cycle.preview_date, cycle.preview_due_date)
                self._close('2026-02-01 00:10:00')
                bill = self._bill(association, 0)
                self.assertEqual(shown, (bill.invoice_date, bill.invoice_date_due))

    def test_all_that_is_due_at_once_does_not_count_others_sessions(self):
        """Whoever has an association of his own nearer to the session keeps it."""
        company = self._create_partner("Group", tz='UTC')
        department = self._create_partner("IT of Group", parent_id=company.id)
        self._associate(department, start_date='2026-01-01')
        self._create_session(department)
        self._create_session(company)
        dialog = self.env['assist.associate.customers'].create(
            {
                'plan_id': self.plan.id,
                'partner_ids': company.ids,
                'line_ids': [Command.create({'partner_id': company.id})],
                'start_date': '2026-01-01',
            }
        )
        self.assertIn("Sessions: 1\n", dialog.line_ids.preview)
