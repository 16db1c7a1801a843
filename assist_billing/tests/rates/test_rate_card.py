import csv
import io

from odoo import Command
from odoo.tests import tagged

from .rates_common import BERLIN, RatesCommon


@tagged('post_install', '-at_install')
class TestRateCard(RatesCommon):
    """Sessions of a plan with rates are billed by parts: on the bill, the statement, the CSV."""

    # === NUMBERS === #

    def test_a_session_over_the_end_of_business_hours_is_two_lines(self):
        for start, end, expected in (
            ('2026-03-06 16:40', '2026-03-06 17:25', [(0.33, 90, 29.70), (0.42, 135, 56.70)]),
            ('2026-03-06 16:50', '2026-03-06 17:12', [(0.17, 90, 15.30), (0.33, 135, 44.55)]),
            ('2026-03-06 16:55', '2026-03-06 17:10', [(0.08, 90, 7.20), (0.17, 135, 22.95)]),
            ('2026-03-29 00:30', '2026-03-29 01:30', [(1.0, 135, 135.0)]),
        ):
            with self.subTest(start=start):
                partner = self._create_partner(start)
                self._work(start + ':00', end + ':00', partner)
                bill = self._bill_march(partner_id=partner.id)
                self.assertEqual(self._lines(bill), [('hour', *line) for line in expected])
                cycle = bill.assist_cycle_id
                self.assertAlmostEqual(
                    bill.assist_session_charge, sum(line[2] for line in expected)
                )
                self.assertStatementAddsUp(cycle)
        self.assertTied(now='2026-03-31 22:00:00')

    def test_a_cut_session_is_two_rows_with_both_clocks(self):
        session = self._work('2026-03-06 16:40:00', '2026-03-06 17:25:00')
        cycle = self._bill_march().assist_cycle_id
        statement = self.assertStatementAddsUp(cycle)
        self.assertEqual([section.label for section in statement.sections], ["", "Out of hours"])
        self.assertEqual(
            [(row.time.replace("\xa0", " "), row.measured_seconds) for row in statement.rows],
            [("5:40 PM – 6:00 PM", 1200), ("6:00 PM – 6:25 PM", 1500)],
        )
        self.assertEqual(statement.session_count, 1)
        self.assertEqual(statement.measured_seconds, session.duration_seconds)
        html = self.env['ir.qweb']._render(
            'assist_billing.statement', {'statement': statement, 'company': self.company}
        )
        self.assertIn("Out of hours", html)
        rows = list(csv.reader(io.StringIO(cycle._get_statement_csv().decode('utf-8-sig'))))
        self.assertEqual(
            [(row[1], row[2], row[11]) for row in rows[1:]],
            [
                ('2026-03-06 17:40:00', '2026-03-06 18:00:00', '29.70'),
                ('2026-03-06 18:00:00', '2026-03-06 18:25:00', '56.70'),
            ],
        )
        self.assertIn("Out of hours", cycle.move_id.invoice_line_ids[1].name)

    def test_parts_are_kept_where_a_session_is_cut_or_takes_a_rate(self):
        plain = self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        cut = self._work('2026-03-06 16:40:00', '2026-03-06 17:25:00')
        cycle = self._bill_march().assist_cycle_id
        parts = self.env['assist.session.part'].search([('cycle_id', '=', cycle.id)])
        self.assertEqual(parts.session_id, cut)
        self.assertRecordValues(
            parts,
            [
                {
                    'band_id': self.business.id,
                    'seconds': 1200,
                    'billed_seconds': 1200,
                    'price': 90.0,
                    'quantity': 0.33,
                    # Its share of 1.33 h, 119.70.
                    'amount': 29.92,
                },
                {
                    'band_id': self.rest.id,
                    'seconds': 1500,
                    'billed_seconds': 1500,
                    'price': 135.0,
                    'quantity': 0.42,
                    'amount': 56.70,
                },
            ],
        )
        self.assertEqual((plain.billed_seconds, cut.billed_seconds), (3600, 2700))

    # === WHICH RATE === #

    def test_the_customers_own_rates_come_first(self):
        self._work('2026-03-06 18:00:00', '2026-03-06 19:00:00')
        own = {'band_id': self.rest.id, 'method': 'fixed', 'value': 100.0, 'sequence': 99}
        bill = self._bill_march(rate_ids=[Command.create(own)])
        self.assertEqual(self._lines(bill), [('hour', 1.0, 100.0, 100.0)])
        self.assertTied(now='2026-03-31 22:00:00')

    def test_kind_grade_and_days_choose_a_rate(self):
        grade = self.env['assist.technician.grade'].create({'name': "Senior"})
        technician = self._create_technician()
        grade.user_ids = technician
        plan = self._create_rated_plan(
            rate_ids=[
                Command.create(vals)
                for vals in (
                    {'kind': 'travel', 'method': 'fixed', 'value': 45.0, 'minimum_minutes': 60},
                    {'grade_id': grade.id, 'method': 'add', 'value': 30.0},
                    {'date_from': '2026-03-20', 'value': 110.0},
                )
            ]
        )
        self._work('2026-03-05 09:00:00', '2026-03-05 09:20:00', kind='travel')
        senior = self._work(
            '2026-03-05 10:00:00', '2026-03-05 11:00:00', technician_id=technician.id
        )
        # A grade of a later day is for later sessions.
        grade.user_ids = False
        self._work('2026-03-05 12:00:00', '2026-03-05 13:00:00', technician_id=technician.id)
        self._work('2026-03-19 22:30:00', '2026-03-19 23:30:00', technician_id=False)
        self.assertEqual(senior.grade_id, grade)
        bill = self._bill_march(plan)
        self.assertEqual(
            self._lines(bill),
            [
                ('hour', 1.5, 90.0, 135.0),
                # A price of its own days needs no more to explain it.
                ('hour', 0.5, 99.0, 49.5),
                ('hour', 1.0, 45.0, 45.0),
                ('hour', 1.0, 120.0, 120.0),
            ],
        )
        names = bill.invoice_line_ids.mapped('name')
        self.assertTrue("Travel" in names[2] and "Senior" in names[3], names)
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now='2026-03-31 22:00:00')

    def test_a_band_can_have_a_product_of_its_own(self):
        income = self.company_data['default_account_revenue'].copy()
        product = self.evenings.hour_product_id.copy({'name': "Emergency"})
        product.property_account_income_id = income
        self.rest.product_id = product
        self._work('2026-03-06 16:00:00', '2026-03-06 18:00:00')
        bill = self._bill_march()
        normal, emergency = bill.invoice_line_ids.sorted('sequence')
        self.assertEqual(normal.product_id, self.evenings.hour_product_id)
        self.assertEqual((emergency.product_id, emergency.account_id), (product, income))
        self.assertTied(now='2026-03-31 22:00:00')

    def test_a_plan_per_session_takes_the_band_of_the_beginning(self):
        plan = self._create_rated_plan(billing_type='session', price_per_session=20.0)
        self._work('2026-03-06 16:59:00', '2026-03-06 19:00:00')
        self._work('2026-03-06 17:00:00', '2026-03-06 19:00:00')
        bill = self._bill_march(plan)
        self.assertEqual(
            self._lines(bill), [('session', 1.0, 20.0, 20.0), ('session', 1.0, 30.0, 30.0)]
        )
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now='2026-03-31 22:00:00')

    def test_all_rules_together_add_up(self):
        plan = self._create_rated_plan(
            ignore_under_seconds=90,
            merge_gap_minutes=10,
            minimum_minutes=10,
            base_fee=4.99,
            base_minutes=5,
            included_quantity=1.25,
            minimum_charge=1000.0,
        )
        device = self._create_device()
        for day in range(1, 29):
            for start, end in (('16:3', '17:1'), ('17:1', '18:0'), ('06:5', '07:0')):
                self._work(
                    f'2026-03-{day:02} {start}{day % 10}:00',
                    f'2026-03-{day:02} {end}{day % 10}:30',
                    device_id=device.id,
                )
        bill = self._bill_march(plan)
        self.assertEqual(bill.assist_session_count, 84)
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now='2026-03-31 22:00:00')

    # === FROZEN === #

    def test_what_changes_later_counts_for_later_cycles(self):
        association = self._associate(plan=self.evenings, start_date='2026-03-01', tz=BERLIN)
        self._work('2026-03-06 18:00:00', '2026-03-06 19:00:00')
        self._close('2026-03-02 00:00:00')
        self.evenings.rate_ids.value = 200.0
        self.hours.line_ids.unlink()
        accrued = association.accrued_amount
        self._close('2026-03-31 22:00:00')
        first = self._cycles(association)[0]
        self.assertEqual(self._lines(first.move_id), [('hour', 1.0, 135.0, 135.0)])
        self.assertEqual(accrued, 135.0)
        self.assertIn("150", str(first.terms_summary))

    def test_rates_are_applied_to_open_cycles_on_purpose(self):
        association = self._associate(plan=self.evenings, start_date='2026-03-01', tz=BERLIN)
        self._close('2026-03-02 00:00:00')
        self._work('2026-03-06 18:00:00', '2026-03-06 19:00:00')
        self.evenings.rate_ids.value = 200.0
        self.evenings.action_apply_to_open_cycles()
        self.assertEqual(association.accrued_amount, 180.0)
        self.evenings.rate_ids.unlink()
        self.evenings.action_apply_to_open_cycles()
        self.assertNotIn('rates', self._cycles(association).terms)
        self.assertEqual(association.accrued_amount, 90.0)

    def test_a_plan_without_rates_keeps_nothing_of_it(self):
        self._associate(self._create_partner("Plain"), self.hourly)
        self._close('2026-01-02 00:00:00')
        terms = self.env['assist.billing.cycle'].search([('plan_id', '=', self.hourly.id)]).terms
        self.assertFalse({'rates', 'hours', 'band_products', 'tz'} & terms.keys())

    def test_a_closing_without_rates_asks_nothing_more(self):
        """As many queries for a customer more, whether another plan has rates or not."""

        def count(customers):
            partners = [self._create_partner(f"Plain {number}") for number in range(customers)]
            associations = self.env['assist.billing.association'].browse()
            for partner in partners:
                associations |= self._associate(partner, self.hourly, start_date='2026-03-01')
                self._work('2026-03-06 18:00:00', '2026-03-06 19:00:00', partner)
            cycles = self.env['assist.billing.cycle'].sudo()
            cycles._open_for(associations.sudo(), fields_now)
            opened = cycles.search([('association_id', 'in', associations.ids)])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            outcomes = opened._get_outcomes()
            self.assertEqual(len(outcomes), customers)
            opened._keep_details(outcomes.values())
            return self.env.cr.sql_log_count - before

        fields_now = self.env.cr.now().replace(2026, 3, 15)
        count(1)
        self.assertEqual(count(2), count(6))
