import csv
import io
from datetime import date

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from ...models.plan.assist_billing_plan import PRICE_FIELDS
from ..thorough import thorough
from .rates_common import BERLIN, RatesCommon

MARCH_OVER = '2026-03-31 22:00:00'


class VersionsCommon(RatesCommon):
    """An hourly plan of 90.00, and its prices by date."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dated = cls._create_dated_plan(('2026-03-10', 100.0))

    @classmethod
    def _create_dated_plan(cls, *prices, **vals):
        """Create an hourly plan with other prices per hour: pairs of a first day and a price."""
        return cls._create_plan(
            **{
                'name': "Dated",
                'billing_type': 'hour',
                'price_per_hour': 90.0,
                'version_ids': [
                    Command.create({'date_from': day, 'price_per_hour': price})
                    for day, price in prices
                ],
                **vals,
            }
        )

    def _add(self, plan=None, **vals):
        return self.env['assist.billing.plan.version'].create(
            {'plan_id': (plan or self.dated).id, **vals}
        )


@tagged('post_install', '-at_install')
@thorough
class TestVersions(VersionsCommon):
    """A plan's prices by date: on the bill, the statement, the CSV, for late sessions."""

    # === ON THE BILL === #

    def test_a_price_date_within_a_cycle_cuts_at_local_midnight(self):
        cut = self._work('2026-03-09 22:00:00', '2026-03-10 00:30:00')
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        self._work('2026-03-25 09:00:00', '2026-03-25 09:15:00')
        bill = self._bill_march(self.dated)
        self.assertEqual(
            self._lines(bill), [('hour', 2.0, 90.0, 180.0), ('hour', 1.75, 100.0, 175.0)]
        )
        cycle = bill.assist_cycle_id
        statement = self.assertStatementAddsUp(cycle)
        self.assertEqual(
            [section.label for section in statement.sections],
            ["up to 03/09/2026", "from 03/10/2026 on"],
        )
        self.assertEqual(
            [line.name.split("\n")[0].split(" – ")[1] for line in bill.invoice_line_ids],
            ["up to 03/09/2026", "from 03/10/2026 on"],
        )
        rows = list(csv.reader(io.StringIO(cycle._get_statement_csv().decode('utf-8-sig'))))
        self.assertEqual(
            [(row[1], row[2], row[11]) for row in rows[1:]],
            [
                ('2026-03-05 10:00:00', '2026-03-05 11:00:00', '90.00'),
                ('2026-03-09 23:00:00', '2026-03-10 00:00:00', '90.00'),
                ('2026-03-10 00:00:00', '2026-03-10 01:30:00', '150.00'),
                ('2026-03-25 10:00:00', '2026-03-25 10:15:00', '25.00'),
            ],
        )
        # Who was not cut took the plan's price of the day: there is nothing more to say of it.
        self.assertEqual(cycle.part_ids.session_id, cut)
        self.assertEqual(cycle.part_ids.mapped('price_date'), [date(2026, 3, 9), date(2026, 3, 10)])
        summary = str(cycle.terms_summary).replace("\xa0", " ")
        self.assertIn("90.00", summary)
        self.assertIn("100.00, from 03/10/2026 on", summary)
        self.assertTied(now=MARCH_OVER)

    def test_the_other_prices_are_those_of_the_first_day(self):
        plan = self._create_dated_plan(
            charge_devices=True, price_per_device=8.0, base_fee=5.0, minimum_charge=20.0
        )
        changed = {'price_per_device': 9.0, 'base_fee': 6.0, 'minimum_charge': 500.0}
        self._add(plan, date_from='2026-03-10', **changed)
        self._create_device()
        for day in ('2026-03-05', '2026-03-20', '2026-04-05'):
            self._work(f'{day} 09:00:00', f'{day} 10:00:00')
        march = self._bill_march(plan)
        self.assertEqual(
            self._lines(march),
            [('hour', 2.0, 90.0, 180.0), ('base_fee', 2.0, 5.0, 10.0), ('device', 1.0, 8.0, 8.0)],
        )
        # No hour costs another price, so nothing is cut: the cycle keeps nothing of it.
        self.assertNotIn('versions', march.assist_cycle_id.terms)
        self._close('2026-04-30 22:00:00')
        april = self._cycles(march.assist_association_id)[1].move_id
        self.assertEqual(
            self._lines(april),
            [
                ('hour', 1.0, 90.0, 90.0),
                ('base_fee', 1.0, 6.0, 6.0),
                ('device', 1.0, 9.0, 9.0),
                ('minimum', 1.0, 404.0, 404.0),
            ],
        )
        self.assertTied(now='2026-04-30 22:00:00')

    def test_a_version_that_begins_with_a_cycle_is_its_one_price(self):
        plan = self._create_dated_plan(('2026-02-15', 95.0), ('2026-03-01', 100.0))
        # Time before the cycle is by its terms.
        self._work('2026-02-28 22:30:00', '2026-02-28 23:30:00')
        bill = self._bill_march(plan)
        self.assertEqual(self._lines(bill), [('hour', 1.0, 100.0, 100.0)])
        self.assertNotIn("from", bill.invoice_line_ids.name)
        self.assertNotIn('versions', bill.assist_cycle_id.terms)

    def test_a_percentage_follows_the_price(self):
        self.evenings.version_ids = [
            Command.create({'date_from': '2026-03-10', 'price_per_hour': 100.0})
        ]
        for day in ('2026-03-05', '2026-03-12'):
            self._work(f'{day} 18:00:00', f'{day} 19:00:00')
        bill = self._bill_march()
        self.assertEqual(
            self._lines(bill), [('hour', 1.0, 135.0, 135.0), ('hour', 1.0, 150.0, 150.0)]
        )
        self.assertEqual(
            [line.name.split("\n")[0].split(" – ")[1] for line in bill.invoice_line_ids],
            ["Out of hours, up to 03/09/2026", "Out of hours, from 03/10/2026 on"],
        )
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now=MARCH_OVER)

    def test_a_plan_per_session_takes_the_price_of_the_beginning(self):
        plan = self._create_plan(
            price_per_session=20.0,
            version_ids=[Command.create({'date_from': '2026-03-10', 'price_per_session': 21.0})],
        )
        self._work('2026-03-09 22:30:00', '2026-03-09 23:30:00')
        self._work('2026-03-09 23:00:00', '2026-03-09 23:30:00')
        bill = self._bill_march(plan)
        self.assertEqual(
            self._lines(bill), [('session', 1.0, 20.0, 20.0), ('session', 1.0, 21.0, 21.0)]
        )
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now=MARCH_OVER)

    def test_versions_of_the_same_price_change_no_cent(self):
        same = self._create_dated_plan(('2026-03-07', 90.0), ('2026-03-20', 90.0))
        plain = self._create_dated_plan()
        bills = []
        for plan in (plain, same):
            partner = self._create_partner(plan.name)
            for day in range(1, 29):
                self._work(
                    f'2026-03-{day:02} 22:{day:02}:07', f'2026-03-{day:02} 23:17:{day:02}', partner
                )
            bills.append(self._bill_march(plan, partner_id=partner.id))
        self.assertEqual(self._lines(bills[0]), self._lines(bills[1]))

    def test_late_sessions_have_the_prices_of_their_days(self):
        association = self._associate(plan=self.dated, start_date='2026-03-01', tz=BERLIN)
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        self._close(MARCH_OVER)
        self._work('2026-03-09 22:00:00', '2026-03-10 00:30:00')
        self._work('2026-04-08 09:00:00', '2026-04-08 10:00:00')
        self._close('2026-04-30 22:00:00')
        second = self._cycles(association)[1]
        expected = [
            ('hour', 1.0, 100.0, 100.0),
            ('prior', 1.0, 90.0, 90.0),
            ('prior', 1.5, 100.0, 150.0),
        ]
        self.assertEqual(self._lines(second.move_id), expected)
        statement = self.assertStatementAddsUp(second)
        self.assertEqual(
            [(section.is_late, section.label) for section in statement.sections],
            [(False, ""), (True, "up to 03/09/2026"), (True, "from 03/10/2026 on")],
        )
        self.assertTied(now='2026-04-30 22:00:00')
        # Its own cycle has one price; the late ones were cut all the same.
        bill = second.move_id
        bill.button_cancel()
        bill.button_draft()
        bill.action_post()
        self.assertEqual((self._lines(bill), second.move_id), (expected, bill))
        self.assertEqual(len(second.part_ids), 2)
        self.assertTied(now='2026-04-30 22:00:00')

    # === FROZEN === #

    def test_what_is_entered_later_counts_for_open_cycles_on_purpose(self):
        plan = self._create_dated_plan()
        association = self._associate(plan=plan, start_date='2026-03-01', tz=BERLIN)
        self._close('2026-03-02 00:00:00')
        self._work('2026-03-12 09:00:00', '2026-03-12 10:00:00')
        self.assertEqual(plan.unaware_cycle_count, 0)
        self._add(plan, date_from='2026-03-10', price_per_hour=100.0)
        self.assertEqual((association.accrued_amount, plan.unaware_cycle_count), (90.0, 1))
        plan.action_apply_to_open_cycles()
        self.env.invalidate_all()
        self.assertEqual((association.accrued_amount, plan.unaware_cycle_count), (100.0, 0))
        cycle = self._cycles(association)
        self.assertEqual(cycle.preview_amount, 100.0)
        self.assertEqual(cycle.terms['versions'], [['2026-03-10', 100.0]])
        plan.version_ids.unlink()
        plan.action_apply_to_open_cycles()
        self.assertNotIn('versions', self._cycles(association).terms)
        self._close(MARCH_OVER)
        self.assertEqual(self._lines(self._bill(association)), [('hour', 1.0, 90.0, 90.0)])

    def test_a_plan_without_versions_keeps_nothing_of_them(self):
        association = self._associate(plan=self.hourly)
        self._close('2026-01-02 00:00:00')
        self.assertFalse({'versions', 'tz'} & self._cycles(association).terms.keys())

    # === WHAT SHOWS PRICES === #

    def test_the_plan_shows_the_price_of_today(self):
        plan = self._create_dated_plan(('2001-01-01', 100.0), ('2101-01-01', 120.0))
        self.assertEqual((plan.price, plan.price_per_hour), (100.0, 90.0))
        self.assertEqual(plan.version_ids.mapped('is_present'), [True, False])
        self.assertIn("In force since 01/01/2001: 100.00 USD per hour", plan.price_hint)
        plan.version_ids[0].unlink()
        self.assertEqual(plan.price, 90.0)
        self.assertIn("From 01/01/2101 on: 120.00 USD per hour", plan.price_hint)
        self.assertFalse(self.hourly.price_hint)

    def test_a_plan_that_is_to_have_a_price_bills_something(self):
        plan = self._create_plan(billing_type='hour')
        self.assertTrue(plan.bills_nothing)
        self._add(plan, date_from='2026-03-10', price_per_device=5.0)
        self.assertTrue(plan.bills_nothing)
        self._add(plan, date_from='2026-03-12', price_per_hour=5.0)
        self.assertFalse(plan.bills_nothing)

    def test_unmatched_sessions_are_worth_the_price_of_their_day(self):
        self.env['assist.billing.plan'].search([]).active = False
        plan = self._create_dated_plan(('2026-03-10', 100.0))
        stranger = self._create_partner("Stranger")
        for day in ('2026-03-05', '2026-03-12'):
            self._work(f'{day} 09:00:00', f'{day} 10:00:00', stranger)
        groups = self.env['assist.unmatched'].search([('partner_id', '=', stranger.id)])
        self.assertEqual({amount for _plan, amount in groups._rate_sessions().values()}, {190})
        self.assertTrue(plan.active)

    def test_trying_takes_the_price_of_the_day(self):
        dialog = self.env['assist.try.rates'].create(
            {'plan_id': self.dated.id, 'started_at': '2026-03-09 12:00:00'}
        )
        self.assertIn("90.00", str(dialog.result))
        dialog.started_at = '2026-03-11 12:00:00'
        self.assertIn("100.00", str(dialog.result))


@tagged('post_install', '-at_install')
class TestVersionsGiven(VersionsCommon):
    """What is entered: refused where it cannot be, with nothing stored."""

    def test_what_is_not_given_is_as_before(self):
        plan = self._create_dated_plan(charge_devices=True, price_per_device=8.0, base_fee=5.0)
        first = self._add(plan, date_from='2026-03-10', price_per_hour=100.0)
        third = self._add(plan, date_from='2026-05-10', price_per_device=9.0)
        second = self._add(plan, date_from='2026-04-10', base_fee=0)
        self.assertEqual(
            [tuple(version[name] for name in PRICE_FIELDS) for version in (first, second, third)],
            [(0, 100.0, 8.0, 5.0, 0), (0, 100.0, 8.0, 0, 0), (0, 100.0, 9.0, 5.0, 0)],
        )
        with Form(plan) as form, form.version_ids.new() as line:
            self.assertEqual((line.price_per_hour, line.price_per_device), (100.0, 9.0))
            line.date_from = '2026-06-10'
            line.price_per_hour = 110.0
        self.assertEqual(plan.version_ids[-1].price_per_hour, 110.0)
        self.assertIn("Prices from 06/10/2026 on: 110.00", str(plan.message_ids[0].body))

    def test_a_version_within_what_is_billed_is_refused(self):
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        bill = self._bill_march(self.dated)
        words = "bills have been made up to 03/31/2026, .* on 03/20/2026. Give 04/01/2026 or"
        with self.assertRefused(words):
            self._add(date_from='2026-03-20', price_per_hour=1.0)
        form = Form(self.dated)
        with form.version_ids.new() as line:
            line.date_from = '2026-03-20'
        with self.assertRefused(words):
            form.save()
        later = self._add(date_from='2026-04-01', price_per_hour=110.0)
        with self.assertRefused(words):
            later.date_from = '2026-03-20'
        version = self.dated.version_ids[0]
        self.assertTrue(version.is_billed)
        self.assertFalse(later.is_billed)
        for change in (
            lambda: version.write({'price_per_hour': 1.0}),
            lambda: version.write({'date_from': '2026-05-01'}),
            version.unlink,
        ):
            with self.assertRefused("bills have been made by these prices"):
                change()
        version.price_per_hour = 100.0  # the same is no change
        self.assertEqual(self.dated.version_ids, version | later)
        self.assertEqual(bill.assist_cycle_id.terms['versions'], [['2026-03-10', 100.0]])

    def test_what_closed_without_a_bill_can_have_other_prices(self):
        plan = self._create_plan(billing_type='hour')
        self._work('2026-03-12 09:00:00', '2026-03-12 10:00:00')
        association = self._associate(plan=plan, start_date='2026-03-01', tz=BERLIN)
        self._close(MARCH_OVER)
        self._add(plan, date_from='2026-03-10', price_per_hour=100.0)
        plan.action_apply_to_open_cycles()
        self._close('2026-03-31 23:00:00')
        self.assertEqual(
            self._lines(self._cycles(association)[0].move_id), [('hour', 1.0, 100.0, 100.0)]
        )

    def test_what_cannot_be_is_refused_in_words(self):
        for vals, words in (
            ({'date_from': '2026-03-10'}, "has prices from 03/10/2026 on already"),
            ({'date_from': '1026-03-10'}, "out of range"),
            ({'price_per_hour': -1.0}, "Price Per Hour cannot be negative"),
            ({'minimum_charge': -1.0}, "Minimum Charge cannot be negative"),
            ({'price_per_hour': 1.001}, "more than the 2 decimals"),
        ):
            with self.subTest(vals=vals), self.assertRefused(words):
                self._add(**{'date_from': '2026-05-01', **vals})
            version = self._add(date_from='2026-06-01')
            with self.subTest(vals=vals, write=True), self.assertRefused(words):
                version.write(vals)
            version.unlink()
        self.dated.maximum_charge = 500.0
        with self.assertRefused("is below the minimum charge, 600.00 USD"):
            self._add(date_from='2026-06-01', minimum_charge=600.0)
        day = Command.create({'date_from': '2026-07-01'})
        with self.assertRefused("on already"):
            self.dated.version_ids = [day, day]
        self.assertEqual(len(self.dated.version_ids), 1)

    def test_a_copy_of_a_plan_has_its_versions(self):
        copied = self.dated.copy()
        self.assertRecordValues(
            copied.version_ids, [{'date_from': date(2026, 3, 10), 'price_per_hour': 100.0}]
        )

    def test_only_billing_managers_change_prices(self):
        technician = self._create_technician()
        with self.assertRaises(AccessError):
            self.dated.version_ids.with_user(technician).read(['price_per_hour'])
        with self.assertRaises(AccessError):
            self.env['assist.billing.plan.version'].with_user(technician).create(
                {'plan_id': self.dated.id, 'date_from': '2026-05-01'}
            )
