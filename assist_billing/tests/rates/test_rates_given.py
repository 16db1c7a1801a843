from odoo import Command
from odoo.tests import tagged

from .rates_common import RatesCommon


@tagged('post_install', '-at_install')
class TestRatesGiven(RatesCommon):
    """What is entered: refused where it cannot be, said where it has no effect."""

    def test_bands_that_overlap_are_refused_and_named(self):
        with self.assertRefused("Monday 17:59–20:00 .* overlap"):
            self.hours.line_ids = [
                Command.create(
                    {
                        'dayofweek': '0',
                        'minute_from': 1079,
                        'minute_to': 1200,
                        'band_id': self.rest.id,
                    }
                )
            ]

    def test_a_band_begins_before_it_ends(self):
        hours = self.hours.copy({'line_ids': []})
        for vals in ({'minute_from': 1080, 'minute_to': 480}, {'hour_from': 23, 'hour_to': 25}):
            with self.subTest(vals=vals), self.assertRefused("begins before it ends"):
                self.env['assist.billing.hours.line'].create(
                    {'hours_id': hours.id, 'band_id': self.rest.id, **vals}
                )
        with self.assertRefused("from 8:00 to 7:00"):
            self.hours.line_ids[1].hour_to = 7

    def test_hours_are_entered_as_a_clock_shows_them(self):
        hours = self.env['assist.billing.hours'].create({'name': "New"})
        line = self.env['assist.billing.hours.line'].create(
            {'hours_id': hours.id, 'band_id': self.rest.id, 'hour_from': 8.5, 'hour_to': 24}
        )
        self.assertEqual((line.minute_from, line.minute_to), (510, 1440))
        hours.action_fill_usual()
        self.assertEqual(len(hours.line_ids), 18)
        self.assertEqual(
            sum(line.minute_to - line.minute_from for line in hours.line_ids), 8 * 1440
        )

    def test_a_rate_that_cannot_be_is_refused(self):
        for vals, words in (
            ({'value': -1.0}, "below zero"),
            ({'method': 'fixed', 'value': -1.0}, "below zero"),
            ({'burn_percent': -1}, "cannot be negative"),
            ({'minimum_minutes': -1}, "cannot be negative"),
            ({'band_id': self.rest.id, 'minimum_minutes': 5}, "a whole session"),
            ({'date_from': '2026-02-01', 'date_to': '2026-01-01'}, "cannot end before"),
            ({'date_from': '1026-02-01'}, "out of range"),
            ({'method': 'fixed', 'value': 1.001}, "more than the 2 decimals"),
        ):
            with self.subTest(vals=vals), self.assertRefused(words):
                self.evenings.rate_ids = [Command.create(vals)]
            rate = self.evenings.rate_ids[0].copy({'band_id': False})
            with self.subTest(vals=vals, write=True), self.assertRefused(words):
                rate.write(vals)

    def test_a_rate_is_of_a_plan_or_of_a_customer(self):
        association = self._associate()
        for vals in ({}, {'plan_id': self.plan.id, 'association_id': association.id}):
            with self.subTest(vals=vals), self.assertRefused("choose one of them"):
                self.env['assist.billing.rate'].create(vals)

    def test_what_is_used_is_archived_and_not_deleted(self):
        grade = self.env['assist.technician.grade'].create({'name': "Senior"})
        self.evenings.rate_ids = [Command.create({'grade_id': grade.id})]
        for record in (self.rest, grade):
            with self.subTest(record=record), self.assertRefused("Archive it"):
                record.unlink()
        self.evenings.rate_ids.unlink()
        grade.unlink()

    def test_a_rate_that_never_applies_is_said(self):
        self.assertFalse(self.evenings.unused_rates)
        self.evenings.rate_ids = [
            Command.create({'sequence': 1, 'kind': 'phone'}),
            Command.create({'sequence': 20, 'kind': 'phone', 'band_id': self.rest.id}),
            Command.create(
                {'sequence': 30, 'band_id': self.env.ref('assist_billing.band_holiday').id}
            ),
        ]
        said = self.evenings.unused_rates.splitlines()
        self.assertRegex(said[0], "“Holiday: 100 % .*the service hours have no such band")
        self.assertRegex(said[1], "“Out of hours, Phone: .* stands before it")
        self.assertEqual(len(said), 2)

    def test_a_rate_reads_as_a_sentence(self):
        for vals, sentence in (
            ({'band_id': self.rest.id, 'value': 150.0}, "Out of hours: 150 % of the price"),
            ({'value': 50.0, 'date_from': '2026-02-01'}, "Always: 50 % of the price, from"),
            ({'kind': 'travel', 'method': 'fixed', 'value': 45.0}, "Travel: 45.00 USD"),
            ({'method': 'add', 'value': -5.0}, "Always: 5.00 USD less than the price"),
        ):
            with self.subTest(vals=vals):
                rate = self.env['assist.billing.rate'].create({'plan_id': self.plan.id, **vals})
                self.assertIn(sentence, rate.sentence)

    def test_a_plan_of_rates_alone_bills_something(self):
        plan = self._create_plan(billing_type='hour')
        self.assertTrue(plan.bills_nothing)
        plan.rate_ids = [Command.create({'kind': 'travel', 'method': 'fixed', 'value': 45.0})]
        self.assertFalse(plan.bills_nothing)

    def test_a_copy_of_a_plan_has_its_rates(self):
        copied = self.evenings.copy()
        self.assertEqual(
            copied.rate_ids.mapped('sentence'), self.evenings.rate_ids.mapped('sentence')
        )
        self.assertEqual(copied.hours_id, self.hours)

    def test_trying_says_which_rate_a_session_takes(self):
        association = self._associate(plan=self.evenings, tz='Europe/Berlin')
        dialog = self.env['assist.try.rates'].create(
            {
                'plan_id': self.evenings.id,
                'association_id': association.id,
                'started_at': '2026-03-06 16:40:00',
                'minutes': 45,
            }
        )
        for words in ("17:40 – 18:00", "no rate is for this", "18:00 – 18:25", "150 % of the"):
            self.assertIn(words, str(dialog.result))
        self.assertFalse(dialog.preview)

    def test_trying_shows_what_the_last_period_would_cost(self):
        self._work('2026-03-06 18:00:00', '2026-03-06 19:00:00')
        cycle = self._bill_march().assist_cycle_id
        self.evenings.rate_ids.value = 200.0
        dialog = self.env['assist.try.rates'].create(
            {'plan_id': self.evenings.id, 'association_id': cycle.association_id.id}
        )
        self.assertEqual(dialog.cycle_id, cycle)
        for amount in ("135.00", "180.00", "45.00"):
            self.assertIn(amount, str(dialog.preview))
        self.assertEqual(cycle.usage_amount, 135.0)

    def test_sessions_from_sources_have_the_grade_of_their_technician(self):
        technician = self._create_technician()
        grade = self.env['assist.technician.grade'].create({'name': "Senior"})
        grade.user_ids = technician
        records = [
            {
                'external_id': f'G{number}',
                'started_at': '2026-03-06T10:00:00Z',
                'ended_at': end,
                'technician': technician.login,
                'customer': self.customer.name,
                'kind': 'phone',
            }
            for number, end in enumerate(('2026-03-06T11:00:00Z', ''))
        ]
        answers = self.env['assist.session'].ingest(records, 'csv')
        ended, running = self.env['assist.session'].browse(answer['id'] for answer in answers)
        self.assertEqual(ended.technician_id, technician, answers)
        self.assertEqual((ended.kind, ended.grade_id), ('phone', grade))
        self.assertFalse(running.grade_id)
        records[1]['ended_at'] = '2026-03-06T12:00:00Z'
        self.env['assist.session'].ingest(records[1:], 'csv')
        self.assertEqual(running.grade_id, grade)

    # === OWN RATES AND OTHER PLANS === #

    def test_a_price_of_ones_own_does_not_come_to_mean_another_currency(self):
        """15 dollars a session are not 15 yen, nor 15 dollars an hour."""
        yen = self.setup_other_currency('JPY', rounding=1.0, rates=[('2020-01-01', 150.0)])
        yen_plan = self._create_plan(name="Yen", price_per_session=3000.0, currency_id=yen.id)
        association = self._associate(
            rate_ids=[
                Command.create({'method': method, 'value': 15.0})
                for method in ('fixed', 'add', 'percent')
            ]
        )
        self._close('2026-01-01 00:00:00')
        for plan in (yen_plan, self.hourly):
            with self.subTest(plan=plan.name), self.assertRefused("to mean something else"):
                association.plan_id = plan
        # Of the same sort it goes on meaning the same.
        association.plan_id = self.plan.copy({'name': "Another"})
        fixed, added, percent = association.rate_ids
        association.write(
            {
                'plan_id': yen_plan.id,
                'rate_ids': [Command.update(fixed.id, {'value': 2250}), Command.delete(added.id)],
            }
        )
        self.assertEqual(association.rate_ids, fixed | percent)
        self._close('2026-02-01 00:00:00')
        self._create_session(ended_at='2026-02-10 10:00:00')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('session', 1.0, 2250.0, 2250.0)])

    def test_nor_does_it_when_the_plan_takes_another_currency(self):
        yen = self.setup_other_currency('JPY', rounding=1.0, rates=[('2020-01-01', 150.0)])
        plan = self._create_plan(name="New", price_per_session=20.0)
        association = self._associate(
            plan=plan, rate_ids=[Command.create({'method': 'fixed', 'value': 15.0})]
        )
        for vals in ({'currency_id': yen.id}, {'billing_type': 'hour'}):
            with self.subTest(vals=vals), self.assertRefused("to mean something else"):
                plan.write(vals)
        association.rate_ids.unlink()
        plan.currency_id = yen
