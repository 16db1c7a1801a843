import csv
import io
import random
from datetime import datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

from odoo.tests import new_test_user, tagged

from ...models.statement import account_move_statement
from ..common import AssistBillingCommon


class StatementCommon(AssistBillingCommon):
    def assertAddsUp(self, cycle):
        """Check that rows, what is included and devices make the lines of the bill exactly."""
        statement = cycle._get_statement()
        self.assertSectionsAddUp(statement)
        self.assertEqual(
            [
                (line.charge, float(line.quantity), float(line.price), float(line.amount))
                for line in statement.lines
            ],
            self._lines(cycle.move_id),
        )
        if line := statement.get_line('base_fee'):
            self.assertEqual(sum(row.base_fee for row in statement.rows), line.amount)
        if line := statement.get_line('device'):
            self.assertEqual(sum(row.quantity for row in statement.devices), line.quantity)
            self.assertEqual(sum(row.amount for row in statement.devices), line.amount)
        return statement

    def assertSectionsAddUp(self, statement):
        for section in statement.sections:
            quantity, amount = (
                (section.line.quantity, section.line.amount) if section.line else (0, 0)
            )
            self.assertEqual(section.amount + section.included.amount, amount)
            if not section.is_late:
                self.assertEqual(section.quantity + section.included.quantity, quantity)

    def _create_usage(self, partner, count=17):
        """Create sessions of January 2026, some short, some close together, and three devices."""
        rng = random.Random(count)
        devices = [
            self._create_device(partner, name="Server"),
            self._create_device(partner, name="Till", enrolled_on='2026-01-10'),
            self._create_device(partner, name="Kiosk", removed_on='2026-01-20'),
        ]
        end = datetime(2026, 1, 2, 8)
        for number in range(count):
            end += timedelta(minutes=rng.choice((3, 7, 60, 2000)))
            self._create_session(
                partner,
                ended_at=end.isoformat(' '),
                minutes=rng.choice((0.4, 2, 2.5, 11, 61)),
                device_id=rng.choice(devices).id,
                name=f"Session {number:02}",
            )


@tagged('post_install', '-at_install')
class TestStatement(StatementCommon):
    # === SUMS === #

    def test_rows_add_up_to_the_bill_by_every_rule(self):
        hourly = {'billing_type': 'hour', 'price_per_hour': 47.31}
        for number, vals in enumerate(
            (
                {'price_per_session': 19.99},
                {'price_per_session': 19.99, 'included_quantity': 5},
                {'price_per_session': 19.99, 'included_quantity': 50},
                {'price_per_session': 3.0, 'minimum_charge': 500},
                {'price_per_session': 10.0, 'merge_gap_minutes': 10, 'ignore_under_seconds': 60},
                hourly,
                {**hourly, 'included_quantity': 1.25},
                {**hourly, 'minimum_minutes': 5, 'increment_minutes': 15},
                {**hourly, 'base_fee': 7.77, 'base_minutes': 10, 'increment_minutes': 15},
                {**hourly, 'merge_gap_minutes': 10, 'ignore_under_seconds': 60},
                {**hourly, 'device_count': 'by_day'},
                {**hourly, 'device_count': 'peak'},
                {**hourly, 'device_count': 'at_close', 'price_per_device': 0.01},
            )
        ):
            with self.subTest(**vals):
                vals = {'charge_devices': True, 'price_per_device': 3.33, **vals}
                partner = self._create_partner(f"Customer {number}")
                association = self._associate(partner, self._create_plan(**vals))
                self._create_usage(partner)
                self._close('2026-02-01 01:00:00')
                statement = self.assertAddsUp(association.cycle_ids.sorted('date_start')[0])
                self.assertEqual(len(statement.rows), 17, "each session has its row")
                self.assertEqual(len(statement.devices), 3)

    def test_the_open_cycle_is_stated_as_it_would_be_billed_now(self):
        association = self._associate(plan=self.hourly)
        self._close('2026-01-02 00:00:00')
        self._create_usage(self.customer)
        cycle = association.cycle_ids
        self.assertEqual(cycle.state, 'open')
        statement = cycle._get_statement()
        self.assertTrue(statement.is_open)
        self.assertSectionsAddUp(statement)
        self.assertEqual(float(statement.total), association.accrued_amount)
        self.assertTrue(statement.total)

    def test_amounts_are_those_printed_when_an_included_tax_is_taken_out(self):
        tax = self.env['account.tax'].create(
            {
                'name': "20 % included",
                'amount': 20,
                'price_include_override': 'tax_included',
                'type_tax_use': 'sale',
            }
        )
        position = self.env['account.fiscal.position'].create({'name': "Abroad"})
        self.env['account.tax'].create(
            {
                'name': "None",
                'amount': 0,
                'type_tax_use': 'sale',
                'fiscal_position_ids': position.ids,
                'original_tax_ids': tax.ids,
            }
        )
        plan = self._create_plan(price_per_session=10.0, included_quantity=2)
        plan.session_product_id = plan.session_product_id.copy({'taxes_id': tax.ids})
        self.customer.property_account_position_id = position
        association = self._associate(plan=plan)
        self._create_usage(self.customer)
        self._close('2026-02-01 01:00:00')
        [line] = self._lines(self._bill(association))
        self.assertEqual(line[:2], ('session', 15.0))
        self.assertLess(line[3], 126.0, "rated with the tax at 150.00, billed without")
        self.assertAddsUp(association.cycle_ids.sorted('date_start')[0])

    # === LATE SESSIONS === #

    def test_late_sessions_have_rows_of_their_own_period(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 01:00:00')
        for hour in (10, 11):
            self._create_session(ended_at=f'2026-01-20 {hour}:00:00')
        self._create_session(ended_at='2026-02-10 10:00:00')
        self._close('2026-03-01 01:00:00')
        first, second = self._cycles(association)[:2]
        self.assertEqual(len(self.assertAddsUp(first).rows), 1, "billed before they came")
        own, late = self.assertAddsUp(second).sections
        self.assertEqual((own.cycle, own.is_late, len(own.rows)), (second, False, 1))
        self.assertEqual((late.cycle, late.is_late, len(late.rows)), (first, True, 2))
        self.assertEqual([row.amount for row in late.rows], [20, 20])
        self.assertEqual((late.quantity, late.line.quantity), (2, 2))

    def test_a_difference_for_late_sessions_is_spread_over_them_to_the_cent(self):
        plan = self._create_plan(billing_type='hour', price_per_hour=60.0, minimum_charge=100.0)
        association = self._associate(plan=plan)
        self._create_session(minutes=30)
        self._close('2026-02-01 01:00:00')
        for minutes in (20, 40, 41):
            self._create_session(ended_at=f'2026-01-20 1{minutes % 10}:00:00', minutes=minutes)
        self._close('2026-03-01 01:00:00')
        second = self._cycles(association)[1]
        [late] = self.assertAddsUp(second).sections
        # 2.18 hours are 130.80, of which 100.00 are billed already: no whole of the price.
        self.assertEqual((late.line.quantity, late.line.amount), (1, Decimal('30.80')))
        self.assertEqual(
            sorted(row.amount for row in late.rows),
            [Decimal('6.10'), Decimal('12.20'), Decimal('12.50')],
        )

    def test_a_supplementary_bill_states_its_late_sessions_only(self):
        association = self._associate(end_date='2026-02-01')
        self._create_session()
        self._close('2026-02-01 01:00:00')
        cycle = association.cycle_ids
        late = self._create_session(ended_at='2026-01-20 10:00:00', name="Late one")
        self._close('2026-03-20 01:00:00')
        extra = self.env['account.move'].search([('assist_kind', '=', 'supplementary')])
        statement = extra._assist_get_statement()
        self.assertSectionsAddUp(statement)
        self.assertEqual([row.session for row in statement.rows], [late])
        self.assertEqual(statement.total, 20)
        self.assertEqual(len(self.assertAddsUp(cycle).rows), 1, "the first bill stays as it is")

    # === ROWS === #

    def test_times_are_those_of_the_cycles_zone(self):
        association = self._associate(tz='America/New_York', start_date='2026-03-01')
        self._create_session(ended_at='2026-03-07 14:30:00')  # UTC-5
        self._create_session(ended_at='2026-03-09 14:30:00')  # UTC-4, after the change
        self._close('2026-04-01 12:00:00')
        rows = self.assertAddsUp(association.cycle_ids.sorted('date_start')[0]).rows
        self.assertEqual(
            [(row.date, row.time.replace('\u00a0', ' ')) for row in rows],
            [('Sat, Mar 7', '9:00 AM – 9:30 AM'), ('Mon, Mar 9', '10:00 AM – 10:30 AM')],
        )

    def test_what_is_not_counted_says_why(self):
        plan = self._create_plan(
            price_per_session=20.0, ignore_under_seconds=60, merge_gap_minutes=10
        )
        association = self._associate(plan=plan)
        device = self._create_device()
        self._create_session(minutes=0.5)
        for minute in ('00', '20'):
            self._create_session(
                ended_at=f'2026-01-16 10:{minute}:00', minutes=15, device_id=device.id
            )
        self._close('2026-02-01 01:00:00')
        rows = self.assertAddsUp(association.cycle_ids.sorted('date_start')[0]).rows
        self.assertEqual(
            [row.remark.replace('\u00a0', ' ') for row in rows],
            ["Too short to be billed", "", "Billed together with the session at 9:45 AM"],
        )
        self.assertEqual([row.amount for row in rows], [0, 20, 0])

    def test_sessions_without_charge_are_listed_and_not_summed(self):
        association = self._associate()
        self._create_session()
        free = self._create_session(billable=False, non_billable_reason="Our mistake")
        self._close('2026-02-01 01:00:00')
        statement = self.assertAddsUp(association.cycle_ids.sorted('date_start')[0])
        self.assertEqual(len(statement.rows), 1)
        [row] = statement.no_charge
        self.assertEqual((row.session, row.remark, row.amount), (free, "Our mistake", 0))

    def test_a_waived_cycle_charges_nothing(self):
        association = self._associate()
        session = self._create_session()
        self._close('2026-02-01 01:00:00')
        bill = self._bill(association)
        cycle = bill.assist_cycle_id
        bill.button_cancel()
        self.assertTrue(cycle._get_statement().is_open)
        cycle.action_waive("Goodwill")
        statement = cycle._get_statement()
        self.assertEqual((statement.total, statement.sections), (0, []))
        self.assertEqual([row.session for row in statement.no_charge], [session])

    def test_bars_show_all_measured_time_by_day_week_or_month(self):
        for cycle, bars in (('monthly', 31), ('quarterly', 13), ('yearly', 12)):
            with self.subTest(cycle=cycle):
                partner = self._create_partner(cycle)
                association = self._associate(partner, cycle=cycle)
                self._create_usage(partner)
                self._close('2026-01-31 01:00:00')
                statement = association.cycle_ids._get_statement()
                self.assertEqual(len(statement.bars), bars)
                self.assertEqual(
                    sum(bar.seconds for bar in statement.bars), statement.measured_seconds
                )
                self.assertEqual(max(bar.percent for bar in statement.bars), 100)

    # === PRINTED === #

    def test_notes_are_inert_and_the_internal_one_is_not_printed(self):
        association = self._associate()
        self._create_session(
            name="<b>Subject</b>",
            customer_note="<script>alert('x')</script><img src=x onerror=y>",
            note="For us only",
        )
        self._close('2026-02-01 01:00:00')
        html, _kind = self.env['ir.actions.report']._render_qweb_html(
            'account.account_invoices', self._bill(association).ids
        )
        html = html.decode()
        self.assertIn('&lt;b&gt;Subject&lt;/b&gt;', html)
        self.assertIn('&lt;script&gt;alert(', html)
        self.assertNotIn('<script>alert', html)
        self.assertNotIn('<img src=x', html)
        self.assertNotIn("For us only", html)

    def test_a_bill_prints_period_and_plan_and_other_invoices_do_not(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 01:00:00')
        bill = self._bill(association)
        other = self.init_invoice('out_invoice', partner=self.customer, amounts=[10], post=True)
        report = self.env['ir.actions.report']
        html = report._render_qweb_html('account.account_invoices', bill.ids)[0].decode()
        self.assertIn("01/01/2026 – 01/31/2026", html)
        self.assertIn('name="assist_plan"', html)
        self.assertEqual(html.count('name="statement_row"'), 1)
        html = report._render_qweb_html('account.account_invoices', other.ids)[0].decode()
        self.assertNotIn('assist_', html)

    def test_an_auditor_can_print_a_bill(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 01:00:00')
        auditor = new_test_user(
            self.env,
            'auditor',
            groups='account.group_account_readonly',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        html, _kind = (
            self.env['ir.actions.report']
            .with_user(auditor)
            ._render_qweb_html('account.account_invoices', self._bill(association).ids)
        )
        self.assertIn('name="statement_row"', html.decode())

    # === CSV === #

    def test_the_csv_adds_up_and_holds_no_formula(self):
        plan = self._create_plan(
            billing_type='hour',
            price_per_hour=60.0,
            base_fee=5,
            included_quantity=1,
            charge_devices=True,
            price_per_device=3,
        )
        association = self._associate(plan=plan)
        self._create_usage(self.customer)
        self._create_session(name="=cmd()", customer_note="+1", minutes=60)
        self._close('2026-02-01 01:00:00')
        cycle = association.cycle_ids.sorted('date_start')[0]
        content = cycle._get_statement_csv()
        self.assertTrue(content.startswith(b'\xef\xbb\xbf'))
        rows = list(csv.DictReader(io.StringIO(content.decode('utf-8-sig'))))
        self.assertEqual(
            sum(Decimal(row['Amount']) for row in rows), Decimal(str(cycle.move_id.amount_untaxed))
        )
        [row] = [row for row in rows if 'cmd' in row['Subject']]
        self.assertEqual((row['Subject'], row['Note']), ("'=cmd()", "'+1"))
        self.assertEqual(row['Timezone'], 'UTC')
        self.assertEqual(row['End'], '2026-01-15 10:00:00')

    # === A TIME OF ONE'S CHOICE === #

    def test_a_statement_of_any_time_has_each_session_once(self):
        association = self._associate()
        self._create_usage(self.customer)
        inside = self._create_session(ended_at='2026-01-15 10:00:00')
        self._close('2026-02-01 01:00:00')
        late = self._create_session(ended_at='2026-01-16 10:00:00')
        self._close('2026-03-01 01:00:00')
        wizard = self.env['assist.statement'].create(
            {'association_id': association.id, 'date_from': '2026-01-15', 'date_to': '2026-01-16'}
        )
        statements = wizard._get_statements()
        self.assertEqual(
            [row.session for statement in statements for row in statement.rows], [inside, late]
        )
        self.assertTrue(all(statement.is_cut for statement in statements))
        wizard.date_from, wizard.date_to = '2026-01-01', '2026-02-28'
        self.assertEqual(
            [(statement.is_cut, len(statement.rows)) for statement in wizard._get_statements()],
            [(False, 18), (False, 1)],
        )
        # Without a layout, Odoo asks for one first.
        self.company.external_report_layout_id = self.env.ref('web.external_layout_standard')
        self.assertEqual(wizard.action_print()['report_type'], 'qweb-pdf')

    def test_a_statement_of_a_time_without_sessions_says_so(self):
        wizard = self.env['assist.statement'].create(
            {
                'association_id': self._associate().id,
                'date_from': '2025-01-15',
                'date_to': '2025-01-16',
            }
        )
        html, _kind = self.env['ir.actions.report']._render_qweb_html(
            'assist_billing.report_statement', wizard.ids
        )
        self.assertIn("There were no sessions in this period.", html.decode())
        with self.assertRefused("cannot end on 01/01/2025"):
            wizard.date_to = '2025-01-01'

    # === DOWNLOAD === #

    def test_downloading_makes_the_pdfs_that_are_missing(self):
        bills = self._bill_two_months()
        self.assertEqual(len(bills), 2)
        kept = bills[0]
        kept.action_assist_download()
        first = kept.invoice_pdf_report_id
        self.assertTrue(first)
        action = bills.action_assist_download()
        self.assertEqual(action['type'], 'ir.actions.act_url')
        self.assertIn(','.join(map(str, bills.ids)), action['url'])
        self.assertTrue(all(bill.invoice_pdf_report_id for bill in bills))
        self.assertEqual(kept.invoice_pdf_report_id, first, "one that is there stays")
        self.assertEqual(set(bills.mapped('assist_delivery_state')), {'none'}, "nothing is sent")

    def test_of_very_many_the_pdfs_are_made_in_several_turns(self):
        bills = self._bill_two_months()
        with self._limited(DOWNLOAD_SECONDS=-1):
            action = bills.action_assist_download()
            self.assertEqual(action['tag'], 'display_notification')
            self.assertEqual(action['params']['title'], "PDFs still to be made: 1")
            self.assertEqual(len(bills.filtered('invoice_pdf_report_id')), 1, "what is made stays")
            action = bills.action_assist_download()
        self.assertEqual(action['type'], 'ir.actions.act_url')
        self.assertTrue(all(bill.invoice_pdf_report_id for bill in bills))

    def test_no_more_are_downloaded_than_a_request_can_take(self):
        bills = self._bill_two_months()
        with self._limited(MOST_DOWNLOADED=1), self.assertRefused("you have chosen 2"):
            bills.action_assist_download()
        bills.button_draft()
        with self._limited(MOST_UNKEPT=1), self.assertRefused("the PDFs of 2 are not kept"):
            bills.action_assist_download()
        with self._limited(MOST_UNKEPT=2):
            self.assertEqual(bills.action_assist_download()['type'], 'ir.actions.act_url')

    def _bill_two_months(self):
        association = self._associate()
        for month in (1, 2):
            self._create_session(ended_at=f'2026-0{month}-15 10:00:00')
        self._close('2026-03-01 01:00:00')
        return association.cycle_ids.move_id

    def _limited(self, **limits):
        return patch.multiple(account_move_statement, **limits)

    def test_downloading_refuses_other_invoices_by_name(self):
        other = self.init_invoice('out_invoice', partner=self.customer, amounts=[10], post=True)
        with self.assertRefused(f"not remote support bills: .*{other.name}"):
            other.action_assist_download()
        with self.assertRefused("Choose the bills"):
            self.env['account.move'].action_assist_download()
