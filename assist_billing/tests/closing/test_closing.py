from datetime import date
from itertools import pairwise
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestClosing(AssistBillingCommon):
    def test_a_session_is_billed_by_the_cycle_in_which_it_ended(self):
        association = self._associate()
        inside = self._create_session(ended_at='2026-01-31 23:59:59')
        after = self._create_session(ended_at='2026-02-01 00:00:00')
        self._close('2026-02-01 00:00:00')

        cycle, following = self._cycles(association)
        self.assertRecordValues(
            cycle,
            [
                {
                    'state': 'closed',
                    'session_count': 1,
                    'session_seconds': 1800,
                    'billed_quantity': 1,
                }
            ],
        )
        self.assertRecordValues(
            inside | after,
            [
                {'state': 'billed', 'cycle_id': cycle.id, 'billed_seconds': 1800},
                {'state': 'to_bill', 'cycle_id': False, 'billed_seconds': 0},
            ],
        )
        self.assertEqual(following.state, 'open')
        self.assertEqual(following.start_at, cycle.end_at)
        self.assertRecordValues(
            cycle.move_id,
            [
                {
                    'state': 'posted',
                    'move_type': 'out_invoice',
                    'partner_id': self.customer.id,
                    'amount_untaxed': 20.0,
                    'assist_association_id': association.id,
                    'assist_plan_id': self.plan.id,
                    'assist_period_start': date(2026, 1, 1),
                    'assist_period_end': date(2026, 2, 1),
                    'assist_session_count': 1,
                    'assist_session_hours': 0.5,
                    'assist_session_charge': 20.0,
                    'assist_misc_charge': 0.0,
                    'assist_kind': 'bill',
                }
            ],
        )

    def test_closing_again_changes_nothing(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        self._close('2026-02-01 00:00:00')
        self._close('2026-02-01 01:00:00')
        self.assertEqual(association.bill_ids, bill)
        self.assertEqual(len(association.cycle_ids), 2)

    def test_nothing_closes_a_second_too_early(self):
        association = self._associate(tz='America/Los_Angeles')
        self._create_session()
        self._close('2026-02-01 07:59:59')
        self.assertFalse(association.bill_ids)
        self._close('2026-02-01 08:00:00')
        self.assertEqual(len(association.bill_ids), 1)

    def test_grace_delays_the_closing_not_the_opening(self):
        self.company.assist_close_grace_hours = 6
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 05:59:59')
        self.assertEqual(self._cycles(association).mapped('state'), ['open', 'open'])
        self._close('2026-02-01 06:00:00')
        self.assertEqual(self._cycles(association).mapped('state'), ['closed', 'open'])

    def test_a_person_need_not_wait_for_the_grace(self):
        self.company.assist_close_grace_hours = 72
        association = self._associate()
        self._create_session()
        with freeze_time('2026-02-01 00:30:00'):
            self._close('2026-02-01 00:30:00')
            first, second = self._cycles(association)
            self.assertTrue(first.is_over)
            self.assertFalse(first.is_due)
            with self.assertRefused("not over yet"):
                second.action_bill_selected()
            first.action_bill_selected()
        self.assertEqual(first.state, 'closed')
        self.assertEqual(second.date_start, date(2026, 2, 1), "no period is cut short")
        self._create_session(ended_at='2026-01-30 10:00:00')
        self._close('2026-03-04 00:00:00')
        self.assertEqual(second.prior_ids.origin_cycle_id, first, "what comes in later is late")

    def test_bill_now_bills_what_is_over_and_nothing_else(self):
        associations = self._associate() | self._associate(self._create_partner("Held"))
        for association in associations:
            self._create_session(association.partner_id)
        associations[1].action_hold()
        cycles = self.env['assist.billing.cycle']
        with freeze_time('2026-02-01 00:30:00'):
            action = cycles.action_bill_over()
            bill = self._bill(associations[0])
            self.assertEqual(action['res_id'], bill.id, "the only bill opens")
            self.assertEqual(self._cycles(associations[1]).mapped('state'), ['open', 'open'])
            with self.assertRefused("No period is over"):
                cycles.action_bill_over()

    def test_dates_as_on_the_first_published_bill(self):
        association = self._associate(start_date='2023-01-25', due_days=28)
        self._create_session(ended_at='2023-02-01 10:00:00')
        self._close('2023-02-25 00:00:00')
        self.assertRecordValues(
            self._bill(association),
            [
                {
                    'assist_period_end': date(2023, 2, 25),
                    'invoice_date': date(2023, 2, 25),
                    'invoice_date_due': date(2023, 3, 25),
                    'delivery_date': date(2023, 2, 24),
                }
            ],
        )

    def test_boundaries_keep_the_day_of_the_start_date(self):
        association = self._associate(start_date='2026-01-31')
        self._close('2026-05-01 00:00:00')
        self.assertEqual(
            self._cycles(association).mapped('date_end'),
            [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)],
        )

    def test_missed_cycles_each_get_a_bill_dated_today(self):
        association = self._associate(due_days=10)
        for month in ('01', '02', '03'):
            self._create_session(ended_at=f'2026-{month}-10 10:00:00')
        self._close('2026-04-20 12:00:00')
        self.assertRecordValues(
            self._cycles(association).move_id,
            [
                {
                    'assist_period_start': start,
                    'invoice_date': date(2026, 4, 20),
                    'invoice_date_due': date(2026, 4, 30),
                    'state': 'posted',
                }
                for start in (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
            ],
        )
        names = self._cycles(association).move_id.mapped('name')
        self.assertEqual(names, sorted(names), "oldest first, so the numbers rise with the periods")

    def test_terms_are_those_of_the_day_the_cycle_opened(self):
        association = self._associate()
        self._create_session(ended_at='2026-01-10 10:00:00')
        self._create_session(ended_at='2026-02-10 10:00:00')
        self._close('2026-01-01 00:00:00')
        self.plan.price_per_session = 50.0
        self._close('2026-02-01 00:00:00')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(self._cycles(association).move_id.mapped('amount_untaxed'), [20.0, 50.0])

    def test_terms_can_be_applied_to_open_cycles_on_purpose(self):
        association = self._associate()
        self._create_session()
        self._close('2026-01-01 00:00:00')
        self.plan.price_per_session = 50.0
        self.plan.action_apply_to_open_cycles()
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(association).amount_untaxed, 50.0)
        self.assertIn("Open cycles: 1", self.plan.message_ids[0].body)

    def test_nothing_used_makes_no_invoice_but_closes(self):
        association = self._associate()
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._cycles(association)[0].state, 'closed')
        self.assertFalse(association.bill_ids)

    def test_a_short_session_is_billed_at_zero(self):
        self.plan.ignore_under_seconds = 120
        association = self._associate()
        short = self._create_session(minutes=1)
        self._close('2026-02-01 00:00:00')
        self.assertFalse(association.bill_ids)
        self.assertRecordValues(short, [{'state': 'billed', 'billed_seconds': 0}])

    def test_merged_sessions_point_to_the_one_they_count_with(self):
        self.hourly.write({'merge_gap_minutes': 10, 'minimum_minutes': 15})
        device = self._create_device()
        association = self._associate(plan=self.hourly)
        first = self._create_session(ended_at='2026-01-15 10:05:00', minutes=5, device_id=device.id)
        second = self._create_session(
            ended_at='2026-01-15 10:15:00', minutes=5, device_id=device.id
        )
        self._close('2026-02-01 00:00:00')
        self.assertRecordValues(
            first | second,
            [
                {'billed_seconds': 900, 'merged_into_id': False},
                {'billed_seconds': 0, 'merged_into_id': first.id},
            ],
        )
        self.assertEqual(self._lines(self._bill(association)), [('hour', 0.25, 60.0, 15.0)])

    def test_every_charge_has_its_line(self):
        plan = self._create_plan(
            billing_type='hour',
            price_per_hour=60.0,
            base_fee=5.0,
            base_minutes=15,
            minimum_charge=100.0,
            charge_devices=True,
            price_per_device=3.0,
        )
        association = self._associate(plan=plan)
        self._create_session(minutes=45)
        self._create_device()
        self._create_device(removed_on='2025-12-31')
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        self.assertEqual(
            self._lines(bill),
            [
                ('hour', 0.5, 60.0, 30.0),
                ('base_fee', 1.0, 5.0, 5.0),
                ('device', 1.0, 3.0, 3.0),
                ('minimum', 1.0, 65.0, 65.0),
            ],
        )
        self.assertEqual(bill.assist_device_quantity, 1.0)
        by_charge = bill.invoice_line_ids.grouped('assist_charge')
        for charge in ('base_fee', 'minimum'):
            self.assertRecordValues(
                by_charge[charge],
                [
                    {
                        # No hours, so it is no product counted in hours.
                        'product_id': self.env.ref('assist_billing.product_fee').id,
                        'product_uom_id': self.env.ref('uom.product_uom_unit').id,
                        'account_id': by_charge['hour'].account_id.id,
                        'tax_ids': by_charge['hour'].tax_ids.ids,
                    }
                ],
            )

    @mute_logger('odoo.addons.assist_billing.models.closing.close')
    def test_one_failure_stops_one_customer_and_is_shown_and_cleared(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        plan = self._create_plan(name="Euro", currency_id=euro.id, price_per_session=10.0)
        broken = self._associate(self._create_partner("Broken"), plan)
        fine = self.env['assist.billing.association']
        for index in range(5):
            partner = self._create_partner(f"Fine {index}")
            fine |= self._associate(partner)
            self._create_session(partner)
        self._create_session(broken.partner_id)
        euro.active = False
        self._close('2026-02-01 00:00:00')

        self.assertEqual(fine.bill_ids.mapped('state'), ['posted'] * 5)
        cycle, following = self._cycles(broken)
        self.assertRecordValues(cycle, [{'state': 'open', 'attempts': 1, 'move_id': False}])
        self.assertIn("EUR", cycle.error)
        self.assertEqual(following.state, 'open', "the next cycle opened on time")
        self.assertEqual(len(cycle.activity_ids), 1)

        self._close('2026-02-01 01:00:00')
        self.assertEqual(cycle.attempts, 2)
        self.assertEqual(len(cycle.activity_ids), 1, "told once, not every hour")
        self._close('2026-02-01 01:30:00')
        self.assertEqual(cycle.attempts, 2, "the delay grows")

        euro.active = True
        self.env['res.currency.rate'].create(
            {'name': '2026-01-01', 'rate': 2.0, 'currency_id': euro.id}
        )
        self._close('2026-02-01 03:00:00')
        self.assertRecordValues(
            cycle, [{'state': 'closed', 'attempts': 0, 'error': False, 'retry_at': False}]
        )
        self.assertFalse(cycle.activity_ids)
        self.assertRecordValues(cycle.move_id, [{'amount_untaxed': 10.0, 'currency_id': euro.id}])

    @mute_logger('odoo.addons.assist_billing.models.closing.close')
    def test_a_rule_that_minds_a_failure_stops_nobody_else(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        plan = self._create_plan(name="Euro", currency_id=euro.id, price_per_session=10.0)
        broken, fine = self._associate(self._create_partner("Broken"), plan), self._associate()
        for association in broken | fine:
            self._create_session(association.partner_id)
        euro.active = False

        def write(cycles, vals):
            if vals.get('error'):
                raise ValueError("The chat is down")
            return origin(cycles, vals)

        model = self.registry['assist.billing.cycle']
        origin = model.write
        with patch.object(model, 'write', write):
            self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(fine).state, 'posted')
        cycle = self._cycles(broken)[0]
        self.assertRecordValues(cycle, [{'state': 'open', 'attempts': 1}])
        self.assertIn("EUR", cycle.error)

    @mute_logger('odoo.addons.assist_billing.models.closing.close')
    def test_as_much_in_two_currencies_is_billed_together(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        self.env['res.currency.rate'].create(
            {'name': '2026-01-01', 'rate': 2.0, 'currency_id': euro.id}
        )
        plan = self._create_plan(name="Euro", currency_id=euro.id, price_per_session=20.0)
        associations = self._associate() | self._associate(self._create_partner("Euro Ltd"), plan)
        for association in associations:
            self._create_session(association.partner_id)
        self._close('2026-01-20 00:00:00')
        tried, close = [], type(self.env['assist.billing.cycle'])._close_together

        def note(cycles, now):
            tried.append(len(cycles))
            return close(cycles, now)

        with patch.object(type(self.env['assist.billing.cycle']), '_close_together', note):
            self._close('2026-02-01 00:00:00')
        self.assertEqual(tried, [2])
        bills = [self._bill(association, 0) for association in associations]
        self.assertEqual([bill.amount_untaxed for bill in bills], [20.0, 20.0])
        self.assertEqual([bill.currency_id for bill in bills], [self.company.currency_id, euro])

    def test_a_currency_without_rate_is_an_error_never_a_rate_of_one(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        euro.rate_ids.unlink()
        plan = self._create_plan(name="Euro", currency_id=euro.id, price_per_session=10.0)
        association = self._associate(plan=plan)
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self.assertIn("no rate", self._cycles(association)[0].error)
        self.assertFalse(association.bill_ids)

    def test_on_hold_closes_nothing_until_released(self):
        association = self._associate()
        self._create_session()
        association.action_hold()
        self._close('2026-03-01 00:00:00')
        self.assertEqual(set(association.cycle_ids.mapped('state')), {'open'})
        association.action_resume()
        self._close('2026-03-01 00:00:00')
        self.assertEqual(len(association.bill_ids), 1)

    def test_suspended_time_is_not_billed(self):
        self.plan.write(
            {'charge_devices': True, 'price_per_device': 31.0, 'device_count': 'by_day'}
        )
        self.plan.minimum_charge = 500.0
        association = self._associate(state='suspended')
        self._create_device()
        session = self._create_session()
        self.assertRecordValues(session, [{'state': 'unmatched', 'association_id': association.id}])
        self._close('2026-02-01 00:00:00')
        self.assertFalse(association.bill_ids)
        with freeze_time('2026-02-11 12:00:00'):
            association.action_resume()
        self._close('2026-03-01 00:00:00')
        self.assertEqual(
            self._lines(self._bill(association)),
            [('device', round(18 / 28, 2), 31.0, 19.84), ('minimum', 1.0, 500.0, 500.0)],
        )

    def test_an_end_date_cuts_the_last_cycle_short(self):
        self.plan.write({'prorate_partial': True, 'minimum_charge': 310.0})
        association = self._associate(end_date='2026-01-11')
        self._close('2026-01-11 00:00:00')
        self.assertEqual(association.state, 'ended')
        self.assertRecordValues(
            association.cycle_ids, [{'date_end': date(2026, 1, 11), 'state': 'closed'}]
        )
        self.assertEqual(self._bill(association).amount_untaxed, 100.0)
        self._close('2026-06-01 00:00:00')
        self.assertEqual(len(association.cycle_ids), 1)

    def test_a_new_rhythm_counts_from_the_next_boundary(self):
        association = self._associate(start_date='2025-12-31')
        self._close('2026-01-31 00:00:00')
        association.cycle = 'quarterly'
        association.tz = 'Asia/Tokyo'
        self._close('2026-08-31 12:00:00')
        cycles = self._cycles(association)
        self.assertEqual(
            cycles.mapped('date_end'),
            [
                date(2026, 1, 31),
                date(2026, 2, 28),
                date(2026, 5, 31),
                date(2026, 8, 31),
                date(2026, 11, 30),
            ],
        )
        for cycle, following in pairwise(cycles):
            self.assertEqual(cycle.end_at, following.start_at)
        self.assertEqual(cycles[2].tz, 'Asia/Tokyo')
        self.assertEqual(str(cycles[2].end_at), '2026-05-30 15:00:00')

    def test_kiritimati_is_billed_at_its_midnight_and_posted(self):
        association = self._associate(tz='Pacific/Kiritimati')
        self._create_session(ended_at='2026-01-31 09:59:59')
        late_evening = self._create_session(ended_at='2026-01-31 10:00:00')
        self._close('2026-01-31 10:00:00')
        bill = self._bill(association)
        # In the company's zone it is still 31 January: the bill is not dated in the future.
        self.assertRecordValues(
            bill, [{'state': 'posted', 'invoice_date': date(2026, 1, 31), 'auto_post': 'no'}]
        )
        self.assertEqual(late_evening.state, 'to_bill')

    def test_a_bill_dated_tomorrow_in_utc_is_posted(self):
        self.company.partner_id.tz = 'Pacific/Kiritimati'
        association = self._associate(tz='Pacific/Kiritimati')
        self._create_session()
        with freeze_time('2026-01-31 10:00:00'):
            self._close('2026-01-31 10:00:00')
        self.assertRecordValues(
            self._bill(association),
            [{'state': 'posted', 'invoice_date': date(2026, 2, 1), 'auto_post': 'no'}],
        )

    @mute_logger('odoo.addons.assist_billing.models.closing.close')
    def test_a_later_cycle_waits_for_one_that_fails(self):
        association = self._associate()
        for month in ('01', '02'):
            self._create_session(ended_at=f'2026-{month}-10 10:00:00')
        self._close('2026-01-15 00:00:00')
        first = association.cycle_ids
        terms = first.terms
        first.sudo().terms = {**terms, 'price_per_session': -1}
        self._close('2026-03-01 00:00:00')
        self.assertEqual(self._cycles(association).mapped('state'), ['open'] * 3)
        first.sudo().terms = terms
        self._close('2026-03-01 00:00:00')
        self.assertEqual(self._cycles(association).mapped('state'), ['closed', 'closed', 'open'])
        numbers = self._cycles(association).move_id.mapped('sequence_number')
        self.assertEqual(numbers, sorted(numbers))

    def test_accrued_amount_is_what_closing_would_bill(self):
        association = self._associate()
        self._close('2026-01-01 00:00:00')
        self._create_session()
        self._create_session(ended_at='2026-01-16 10:00:00')
        self.assertEqual(association.accrued_amount, 40.0)
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(association).amount_untaxed, 40.0)
