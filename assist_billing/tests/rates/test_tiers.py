import csv
import io

import psycopg2
from lxml.html import fromstring

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .rates_common import BERLIN, RatesCommon

THREE = ((0.0, 100.0), (10.0, 90.0), (20.0, 80.0))


class TiersCommon(RatesCommon):
    """An hourly plan with three tiers; a month of 23.5 hours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tiered = cls._create_tiered_plan()

    @classmethod
    def _create_tiered_plan(cls, tiers=THREE, **vals):
        return cls._create_plan(
            **{
                'name': "Tiered",
                'billing_type': 'hour',
                'price_per_hour': 110.0,
                'tier_ids': [
                    Command.create({'from_quantity': quantity, 'price': price})
                    for quantity, price in tiers
                ],
                **vals,
            }
        )

    @classmethod
    def _work_hours(cls, *hours, month=3, **vals):
        """Create a session of so many whole hours on each day from the second on."""
        return cls.env['assist.session'].concat(
            *(
                cls._work(
                    f'2026-{month:02}-{day:02} 06:00:00',
                    f'2026-{month:02}-{day:02} {6 + int(length):02}:{int(length % 1 * 60):02}:00',
                    **vals,
                )
                for day, length in enumerate(hours, start=2)
            )
        )


@tagged('post_install', '-at_install')
class TestTiers(TiersCommon):
    """Tiers: on the bill, the statement, the CSV; late, taken back, billed again; and refused."""

    # === BILLS === #

    def test_each_tier_is_a_line_and_a_section(self):
        sessions = self._work_hours(8, 8, 7.5)
        bill = self._bill_march(self.tiered)
        self.assertEqual(
            self._lines(bill),
            [
                ('hour', 10.0, 100.0, 1000.0),
                ('hour', 10.0, 90.0, 900.0),
                ('hour', 3.5, 80.0, 280.0),
            ],
        )
        self.assertEqual(bill.assist_session_charge, 2180.0)
        names = bill.invoice_line_ids.sorted('sequence').mapped('name')
        for name, words in zip(
            names, ("up to 10 hours", "10 to 20 hours", "from 20 hours on"), strict=True
        ):
            self.assertIn(words, name)
        cycle = bill.assist_cycle_id
        self.assertEqual((cycle.billed_quantity, cycle.usage_amount), (23.5, 2180.0))
        statement = self.assertStatementAddsUp(cycle)
        self.assertEqual(
            [
                (section.label, [(row.quantity, row.amount) for row in section.rows])
                for section in statement.sections
            ],
            [
                ("up to 10 hours", [(8, 800), (2, 200)]),
                ("10 to 20 hours", [(6, 540), (4, 360)]),
                ("from 20 hours on", [(3.5, 280)]),
            ],
        )
        # A session in two tiers is there with the same times, and with a part of each.
        self.assertEqual(statement.session_count, 3)
        self.assertEqual(statement.measured_seconds, sum(sessions.mapped('duration_seconds')))
        rows = list(csv.reader(io.StringIO(cycle._get_statement_csv().decode('utf-8-sig'))))
        self.assertEqual(sum(float(row[11]) for row in rows[1:]), 2180.0)
        self.assertEqual(sessions.mapped('billed_seconds'), [28800, 28800, 27000])
        self.assertTied(now='2026-03-31 22:00:00')

    def test_the_printed_tables_have_all_their_cells(self):
        # Without technician and device there is a cell all the same.
        sessions = self._work_hours(8, 8, 7.5)
        sessions.write({'technician_id': False})
        cycle = self._bill_march(self.tiered).assist_cycle_id
        html = self.env['ir.qweb']._render(
            'assist_billing.statement',
            {'statement': cycle._get_statement(), 'company': self.company},
        )
        tables = [
            table for table in fromstring(html).iter('table') if table.find('.//tr[th]') is not None
        ]
        rows = [
            (len(table.findall('.//tr[th]')[-1]), len(row))
            for table in tables
            for row in table.iterfind('.//tr[@name="statement_row"]')
        ]
        self.assertEqual(len(rows), 5)
        self.assertEqual({headings - cells for headings, cells in rows}, {0})

    def test_one_price_for_all(self):
        for hours, line in (
            ((19.5,), (19.5, 90.0, 1755.0)),
            ((12, 8), (20.0, 80.0, 1600.0)),
            ((8, 8, 7.5), (23.5, 80.0, 1880.0)),
        ):
            with self.subTest(hours=hours), self.cr.savepoint() as savepoint:
                start = '2026-03-02 00:00:00'
                if len(hours) == 1:
                    self._work(start, '2026-03-02 19:30:00')
                else:
                    self._work_hours(*hours)
                bill = self._bill_march(self._create_tiered_plan(tier_mode='volume'))
                self.assertEqual(self._lines(bill), [('hour', *line)])
                # Hours below that tier have its price, too.
                self.assertIn("price tier: ", bill.invoice_line_ids.name)
                self.assertStatementAddsUp(bill.assist_cycle_id)
                self.assertTied(now='2026-03-31 22:00:00')
                savepoint.rollback()
                self.env.invalidate_all()

    def test_sessions_have_tiers_too(self):
        plan = self._create_tiered_plan(
            ((2.0, 15.0),), billing_type='session', price_per_session=20.0
        )
        self._work_hours(1, 1, 1)
        bill = self._bill_march(plan)
        self.assertEqual(
            self._lines(bill), [('session', 2.0, 20.0, 40.0), ('session', 1.0, 15.0, 15.0)]
        )
        self.assertIn("from 2 sessions on", bill.invoice_line_ids.sorted('sequence')[1].name)
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now='2026-03-31 22:00:00')

    def test_a_rates_percentage_is_of_the_tiers_price(self):
        plan = self._create_tiered_plan(
            ((0.0, 100.0), (2.0, 80.0)),
            hours_id=self.hours.id,
            rate_ids=[Command.create({'band_id': self.rest.id, 'value': 150.0})],
        )
        self._work('2026-03-05 15:00:00', '2026-03-05 18:00:00')
        bill = self._bill_march(plan)
        self.assertEqual(
            self._lines(bill), [('hour', 2.0, 100.0, 200.0), ('hour', 1.0, 120.0, 120.0)]
        )
        self.assertIn("Out of hours, from 2 hours on", bill.invoice_line_ids[1].name)
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now='2026-03-31 22:00:00')

    def test_the_maximum_charge_is_a_line_below_zero(self):
        plan = self._create_tiered_plan(maximum_charge=2000.0, minimum_charge=100.0)
        self._work_hours(8, 8, 7.5)
        bill = self._bill_march(plan)
        self.assertEqual(self._lines(bill)[3:], [('cap', 1.0, -180.0, -180.0)])
        self.assertIn("maximum", bill.invoice_line_ids.sorted('sequence')[3].name)
        cycle = bill.assist_cycle_id
        self.assertEqual((bill.assist_session_charge, cycle.usage_amount), (2000.0, 2000.0))
        self.assertStatementAddsUp(cycle)
        rows = list(csv.reader(io.StringIO(cycle._get_statement_csv().decode('utf-8-sig'))))
        self.assertEqual(sum(float(row[11]) for row in rows[1:]), 2000.0)
        self.assertTied(now='2026-03-31 22:00:00')
        # Adjustments are spread over what is left.
        bill._assist_adjust('discount', 2000.0)
        self.assertEqual(sum(bill.assist_linked_ids.mapped('amount_untaxed') or [0]), 0.0)
        self.assertEqual(bill.amount_untaxed, 0.0)

    def test_a_maximum_without_tiers(self):
        plan = self._create_plan(price_per_session=20.0, maximum_charge=50.0)
        self._work_hours(1, 1, 1)
        bill = self._bill_march(plan)
        self.assertEqual(
            self._lines(bill), [('session', 3.0, 20.0, 60.0), ('cap', 1.0, -10.0, -10.0)]
        )
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now='2026-03-31 22:00:00')

    # === AFTER === #

    def test_late_sessions_fill_the_tiers(self):
        association = self._associate(plan=self.tiered, start_date='2026-03-01', tz=BERLIN)
        self._work_hours(9)
        self._close('2026-03-31 22:00:00')
        self._work('2026-03-01 06:00:00', '2026-03-01 18:00:00')
        self._close('2026-04-30 22:00:00')
        second = self._cycles(association)[1]
        self.assertEqual(
            self._lines(second.move_id),
            [
                ('prior', 1.0, 100.0, 100.0),
                ('prior', 10.0, 90.0, 900.0),
                ('prior', 1.0, 80.0, 80.0),
            ],
        )
        statement = self.assertStatementAddsUp(second)
        self.assertEqual(
            [(section.label, section.quantity) for section in statement.sections],
            [("up to 10 hours", 1), ("10 to 20 hours", 10), ("from 20 hours on", 1)],
        )
        self.assertTied(now='2026-04-30 22:00:00')

    def test_late_sessions_pay_up_to_the_maximum(self):
        association = self._associate(
            plan=self._create_tiered_plan(maximum_charge=1000.0),
            start_date='2026-03-01',
            tz=BERLIN,
        )
        self._work_hours(9)
        self._close('2026-03-31 22:00:00')
        self._work('2026-03-01 06:00:00', '2026-03-01 18:00:00')
        self._close('2026-04-30 22:00:00')
        second = self._cycles(association)[1]
        self.assertEqual(self._lines(second.move_id), [('prior', 1.0, 100.0, 100.0)])
        self.assertStatementAddsUp(second)
        self._work('2026-03-03 18:00:00', '2026-03-03 19:00:00')
        self._close('2026-05-31 22:00:00')
        self.assertFalse(self._cycles(association)[2].move_id)
        self.assertTied(now='2026-05-31 22:00:00')

    def test_billing_again_makes_the_same_lines_and_parts(self):
        self._work_hours(8, 8, 7.5)
        bill = self._bill_march(self.tiered)
        cycle, lines = bill.assist_cycle_id, self._lines(bill)
        parts = [part._get_share_vals() for part in cycle.part_ids]
        self.assertEqual(sorted(part['tier'] for part in parts), [1, 1, 2, 2, 3])
        self.tiered.tier_ids.price = 1.0
        bill.button_cancel()
        bill.button_draft()
        self.assertEqual([part._get_share_vals() for part in cycle.part_ids], parts)
        bill.button_cancel()
        cycle.action_rebill()
        self.assertEqual(self._lines(cycle.move_id), lines)
        self.assertEqual([part._get_share_vals() for part in cycle.part_ids], parts)
        cycle.move_id.action_post()
        self.assertTied(now='2026-03-31 22:00:00')

    def test_what_an_open_cycle_comes_to(self):
        plan = self._create_tiered_plan(maximum_charge=2000.0)
        association = self._associate(plan=plan, start_date='2026-03-01', tz=BERLIN)
        self._work_hours(8, 8)
        self._close('2026-03-20 00:00:00')
        cycle = self._cycles(association)
        self.assertEqual((association.accrued_amount, cycle.preview_amount), (1540.0, 1540.0))
        self._work('2026-03-01 06:00:00', '2026-03-01 18:00:00')
        association.invalidate_recordset()
        self.assertEqual(association.accrued_amount, 2000.0)

    # === TERMS === #

    def test_terms_in_words(self):
        plan = self._create_tiered_plan(
            ((10.0, 90.0), (20.0, 80.0)), maximum_charge=2000.0, amounts_per='month'
        )
        association = self._associate(plan=plan, start_date='2026-03-01', cycle='quarterly')
        self._close('2026-03-02 00:00:00')
        rows = self._cycles(association)._get_terms_rows()
        texts = [text.replace("\xa0", " ") for _label, text in rows]
        for text in (
            "up to 10 hours: $ 110.00",
            "10 to 20 hours: $ 90.00",
            "from 20 hours on: $ 80.00",
            "Each tier its own price",
            "$ 2,000.00",
        ):
            self.assertIn(text, texts)
        # On the bill of a quarter the tiers are three times as long.
        self.assertEqual(self._cycles(association)._describe_tier(1), "30 to 60 hours")

    def test_one_hour_and_one_session_are_not_called_many(self):
        for billing_type, words in (
            ('hour', ["up to 1 hour", "1 to 2.5 hours", "from 2.5 hours on"]),
            ('session', ["up to 1 session", "1 to 2 sessions", "from 2 sessions on"]),
        ):
            ends = (1.0, 2.5 if billing_type == 'hour' else 2.0)
            plan = self._create_plan(
                billing_type=billing_type,
                price_per_hour=110.0,
                price_per_session=110.0,
                tier_ids=[
                    Command.create({'from_quantity': end, 'price': 90.0 - end}) for end in ends
                ],
            )
            partner = self._create_partner(billing_type)
            association = self._associate(partner, plan, start_date='2026-03-01')
            self._close('2026-03-02 00:00:00')
            cycle = self._cycles(association)
            self.assertEqual([cycle._describe_tier(place) for place in range(3)], words)

    def test_terms_are_frozen_and_can_be_applied(self):
        association = self._associate(plan=self.tiered, start_date='2026-03-01')
        self._close('2026-03-02 00:00:00')
        cycle = self._cycles(association)
        self.assertEqual(cycle.terms['tiers'], [[0.0, 100.0], [10.0, 90.0], [20.0, 80.0]])
        self.tiered.tier_ids.unlink()
        self.assertIn('tiers', cycle.terms)
        self.tiered.action_apply_to_open_cycles()
        self.assertNotIn('tiers', cycle.terms)
        self.assertNotIn('tier_mode', cycle.terms)

    def test_a_plan_that_uses_none_of_it_keeps_none_of_it(self):
        terms = self.hourly._prepare_terms()
        self.assertFalse(
            {'tiers', 'tier_mode', 'maximum_charge', 'rollover', 'rollover_cycles'} & terms.keys()
        )
        self.assertTrue(
            self.env['assist.billing.cycle']._get_terms_class().from_dict(terms).is_plain
        )

    # === SAID AND REFUSED === #

    def test_a_cliff_is_said_on_the_form(self):
        with Form(self._create_tiered_plan()) as form:
            self.assertFalse(form.tier_note)
            form.tier_mode = 'volume'
            self.assertIn(
                "19.99 hours are 1,799.10 USD, 20.00 hours are 1,600.00 USD", form.tier_note
            )
            self.assertIn("9.99 hours are 999.00 USD, 10.00 hours are 900.00 USD", form.tier_note)
        self.assertTrue(form.record.tier_note)

    def test_what_cannot_be_is_refused_at_its_place(self):
        plan = self._create_tiered_plan()
        tier = plan.tier_ids[1]
        for vals, words in (
            ({'from_quantity': 20.0}, "two tiers begin at 20"),
            ({'from_quantity': -1.0}, "From cannot be negative"),
            ({'price': -1.0}, "Price cannot be negative"),
            ({'price': 1.23456}, "more than the 2 decimals"),
        ):
            with self.subTest(words=words):
                with self.assertRefused(words):
                    tier.write(vals)
                with self.assertRefused(words):
                    plan.tier_ids = [Command.create({'from_quantity': 30.0, 'price': 1.0, **vals})]
        for vals, words in (
            ({'maximum_charge': -1.0}, "Maximum Charge cannot be negative"),
            ({'maximum_charge': 10.0, 'minimum_charge': 11.0}, "is below the minimum charge"),
            ({'maximum_charge': 1.23456}, "more than the 2 decimals"),
            ({'rollover': 'capped'}, "how much rolls over"),
            ({'rollover': 'all', 'rollover_cycles': 0}, "at least one cycle"),
            ({'rollover_cap': -1.0}, "cannot be negative"),
        ):
            with self.subTest(words=words), self.assertRefused(words):
                plan.write(vals)
        with self.assertRaises(psycopg2.IntegrityError), mute_logger('odoo.sql_db'):
            self.cr.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self.cr.execute("UPDATE assist_billing_tier SET from_quantity = 5")

    def test_tiers_are_put_in_order(self):
        plan = self._create_tiered_plan(((20.0, 80.0), (0.0, 100.0), (10.0, 90.0)))
        self.assertEqual(plan._prepare_terms()['tiers'], [[0, 100], [10, 90], [20, 80]])

    def test_tiers_alone_make_a_plan_that_bills(self):
        plan = self._create_tiered_plan(price_per_hour=0.0)
        self.assertFalse(plan.bills_nothing)
        plan.tier_ids.price = 0.0
        self.assertTrue(plan.bills_nothing)

    def test_a_copy_has_the_tiers(self):
        self.assertEqual(len(self.tiered.copy().tier_ids), 3)

    def test_who_may_not_write_a_plan_writes_no_tier(self):
        other = self._create_tiered_plan()
        with self.assertRaises(ValidationError):
            self.tiered.tier_ids[0].write({'plan_id': other.id, 'from_quantity': 10.0})

    # === WITH PRICES BY DATE === #

    def test_below_the_first_tier_the_price_of_the_day_counts(self):
        plan = self._create_tiered_plan(
            ((3.0, 50.0),),
            version_ids=[Command.create({'date_from': '2026-03-03', 'price_per_hour': 80.0})],
        )
        self._work_hours(2, 4)
        bill = self._bill_march(plan)
        self.assertEqual(
            self._lines(bill),
            [('hour', 2.0, 110.0, 220.0), ('hour', 1.0, 80.0, 80.0), ('hour', 3.0, 50.0, 150.0)],
        )
        self.assertStatementAddsUp(bill.assist_cycle_id)
        self.assertTied(now='2026-03-31 22:00:00')

    def test_no_minimum_of_a_later_day_is_above_the_maximum(self):
        plan = self._create_tiered_plan(maximum_charge=100.0)
        version = {'date_from': '2026-03-03', 'minimum_charge': 110.0}
        with self.assertRefused("is below the minimum charge, 110.00"):
            plan.version_ids = [Command.create(version)]
        plan.version_ids = [Command.create({**version, 'minimum_charge': 90.0})]
        with self.assertRefused("is below the minimum charge, 90.00"):
            plan.maximum_charge = 80.0

    def test_a_price_revision_changes_tiers_from_its_day_on(self):
        revision = self.env['assist.price.revision'].create(
            {
                'name': "Rise",
                'date_from': '2027-01-01',
                'percent': 5.0,
                'plan_ids': [Command.set(self.tiered.ids)],
            }
        )
        self.assertEqual(
            [(line.kind, line.old_price, line.new_price) for line in revision.line_ids],
            [
                ('price_per_hour', 110.0, 115.5),
                ('tier', 100.0, 105.0),
                ('tier', 90.0, 94.5),
                ('tier', 80.0, 84.0),
            ],
        )
        old = self.tiered._prepare_tier_terms()
        revision.by_mail = False
        revision.action_announce()
        revision.action_apply()
        new = [[start, round(price * 1.05, 2)] for start, price in old]
        self.assertEqual(self.tiered._prepare_tier_terms(), new)
        association = self._associate(plan=self.tiered, start_date='2026-12-01')
        self._close('2027-01-01 00:00:00')
        december, january = self._cycles(association)
        self.assertEqual((december.terms['tiers'], january.terms['tiers']), (old, new))
        self.assertEqual(self.tiered.undated_revised_on, revision.date_from)

    def test_a_price_revision_above_the_maximum_is_refused(self):
        revision = self.env['assist.price.revision'].create(
            {
                'name': "Rise",
                'date_from': '2027-01-01',
                'percent': 5.0,
                'plan_ids': [Command.set(self.tiered.ids)],
            }
        )
        self.tiered.write({'tier_ids': [Command.clear()], 'minimum_charge': 100.0})
        self.tiered.maximum_charge = 102.0
        revision.with_fees = True
        with self.assertRefused("would be above its maximum charge, 102.00"):
            revision.action_announce()
