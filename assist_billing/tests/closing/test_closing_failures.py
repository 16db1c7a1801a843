from collections import Counter
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo.tests import tagged
from odoo.tools import mute_logger

from ...models.closing.close import AssistBillingCycle
from ...utils.races import MAX_RACES
from ..common import AssistBillingCommon
from ..thorough import thorough

CLOSE_LOGGER = 'odoo.addons.assist_billing.models.closing.close'


@tagged('post_install', '-at_install')
class TestClosingFailures(AssistBillingCommon):
    """What customers who fail cost the others."""

    def _close_failing(self, count, failing, when_posted=False):
        """Close `count` cycles of which some fail at the very end; return the sizes tried.

        :param failing: the places of those that fail
        :param when_posted: their bills are refused when they are posted
        :return: for each attempt how many cycles it took
        """
        partners = self.env['res.partner'].create([{'name': f"C{n}"} for n in range(count)])
        associations = self.env['assist.billing.association'].create(
            [
                {
                    'partner_id': partner.id,
                    'plan_id': self.plan.id,
                    'start_date': '2026-01-01',
                    'tz': 'UTC',
                }
                for partner in partners
            ]
        )
        self.env['assist.session'].create(
            [
                {
                    'partner_id': partner.id,
                    'started_at': '2026-01-05 10:00:00',
                    'ended_at': '2026-01-05 10:30:00',
                }
                for partner in partners
            ]
        )
        culprits = {partners[place].id for place in failing}
        tried = []
        close_together = AssistBillingCycle._close_together

        def refuse(cycles, now):
            tried.append(len(cycles))
            close_together(cycles, now)
            if not when_posted and culprits & set(cycles.partner_id.ids):
                raise RuntimeError("Refused.")

        maker_class = self.registry['assist.bill.maker']
        post = maker_class._post

        def refuse_to_post(maker, bills):
            post(maker, bills)
            if when_posted and culprits & set(bills.partner_id.ids):
                raise RuntimeError("Refused.")

        with (
            patch.object(AssistBillingCycle, '_close_together', refuse),
            patch.object(maker_class, '_post', refuse_to_post),
            # Derived bills nothing but the database can refuse, see `test_derived`.
            patch.object(maker_class, '_may_derive', lambda _maker: False),
            patch.object(maker_class, '_get_not_derived_reason', lambda _maker: "a test"),
        ):
            self._close('2026-02-01 00:00:00')
        cycles = associations.cycle_ids.filtered(lambda cycle: str(cycle.date_start) < '2026-02')
        failed = cycles.filtered('error')
        self.assertEqual(set(failed.partner_id.ids), culprits)
        self.assertEqual(failed.mapped('attempts'), [1] * len(culprits))
        self.assertEqual(len(failed.activity_ids), len(culprits))
        bills = (cycles - failed).move_id
        self.assertEqual(len(bills), count - len(culprits))
        self.assertEqual(set(bills.mapped('state')), {'posted'})
        numbers = sorted(bills.mapped('sequence_number'))
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(bills))), "no hole")
        return tried

    @thorough
    @mute_logger(CLOSE_LOGGER)
    def test_one_failure_in_a_hundred_costs_less_than_as_much_again(self):
        tried = self._close_failing(100, [37])
        self.assertLessEqual(sum(tried), 165, tried)

    @mute_logger(CLOSE_LOGGER)
    def test_who_cannot_be_posted_is_found_by_posting_alone(self):
        tried = self._close_failing(100, [37], when_posted=True)
        self.assertEqual(sorted(tried), [1, 49, 50, 50])

    @mute_logger(CLOSE_LOGGER)
    def test_what_is_tried_again_is_rated_and_worded_once(self):
        cycle_class, found = self.registry['assist.billing.cycle'], Counter()

        def counting(name):
            method = getattr(cycle_class, name)

            def count(cycle, *args):
                found[name, cycle.id] += 1
                return method(cycle, *args)

            return patch.object(cycle_class, name, count)

        names = ('_rate', '_prepare_invoice_vals')
        with counting(names[0]), counting(names[1]):
            self._close_failing(10, [3], when_posted=True)
        self.assertEqual(set(found.values()), {1})
        self.assertEqual(Counter(name for name, _id in found), dict.fromkeys(names, 10))

    @thorough
    @mute_logger(CLOSE_LOGGER)
    def test_three_failures_in_ten_leave_the_others_billed(self):
        failing = [place for place in range(50) if place % 10 in {0, 4, 7}]
        tried = self._close_failing(50, failing)
        # Each is tried with its batch, its part, that part's part, and alone; no more.
        self.assertLessEqual(sum(tried), 4 * 50, tried)

    @thorough
    @mute_logger(CLOSE_LOGGER)
    def test_three_in_ten_that_cannot_be_posted_leave_the_others_billed(self):
        failing = [place for place in range(50) if place % 10 in {0, 4, 7}]
        tried = self._close_failing(50, failing, when_posted=True)
        self.assertEqual(sorted(tried), [1] * 15 + [35, 50])

    def test_what_tells_of_a_failure_may_be_gone(self):
        failing, well = self._associate(), self._associate(self._create_partner("Well"))
        for association in failing | well:
            self._create_session(association.partner_id)
        self._close('2026-01-20 00:00:00')
        failing.cycle_ids.activity_schedule('mail.mail_activity_data_todo')
        # As in databases where it was deleted while that was not refused yet.
        kind = self.env.ref('assist_billing.mail_activity_failure')
        kind.with_context(_force_unlink=True).unlink()
        failing.sudo().cycle_ids.currency_id = self.env['res.currency'].search(
            [('active', '=', False)], limit=1
        )
        self._close('2026-02-01 00:00:00')
        self.assertIn("is not active", self._cycles(failing)[0].error)
        self.assertEqual(self._bill(well).amount_untaxed, 20.0)

    def _close_unable_to_tell(self, losses):
        """Close one who fails and one who does not; telling of it loses so many races.

        :return: the cycle that failed, and how often it was told
        """
        failing, well = self._associate(), self._associate(self._create_partner("Well"))
        for association in failing | well:
            self._create_session(association.partner_id)
        self._close('2026-01-20 00:00:00')
        failing.sudo().cycle_ids.currency_id = self.env['res.currency'].search(
            [('active', '=', False)], limit=1
        )
        model, calls = self.registry['assist.billing.cycle'], []
        schedule = model.activity_schedule

        def lose(cycle, *args, **kwargs):
            calls.append(cycle)
            if len(calls) <= losses:
                raise UniqueViolation("lost")
            return schedule(cycle, *args, **kwargs)

        with (
            patch.object(model, 'activity_schedule', lose),
            patch('odoo.addons.assist_billing.utils.races.time.sleep'),
            # Undone as far as a test can be: to where the race began.
            patch.object(type(self.cr), 'rollback', lambda cr: cr.clear()),
        ):
            self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(well).amount_untaxed, 20.0)
        return self._cycles(failing)[0], len(calls)

    def test_a_failure_that_loses_a_race_is_told_all_the_same(self):
        """Somebody makes the manager follow the cycle, which the database lets one of them do."""
        cycle, told = self._close_unable_to_tell(1)
        self.assertEqual(told, 2)
        self.assertIn("is not active", cycle.error)
        self.assertEqual((cycle.attempts, len(cycle.activity_ids)), (1, 1))

    @mute_logger(CLOSE_LOGGER)
    def test_a_race_that_is_lost_each_time_ends_no_run(self):
        cycle, told = self._close_unable_to_tell(1000)
        self.assertEqual(told, MAX_RACES)
        self.assertIn("is not active", cycle.error)
        self.assertEqual((cycle.attempts, len(cycle.activity_ids)), (1, 0))

    def test_a_quantity_is_not_rounded_by_the_invoice(self):
        """Who lowers the digits of quantities in a running cycle is not to be billed another."""
        hourly = self._associate(plan=self.hourly)
        well = self._associate(self._create_partner("Well"), self.hourly)
        self._create_session(minutes=20)
        self._create_session(well.partner_id, minutes=60)
        self._close('2026-01-20 00:00:00')
        precision = self.env.ref('uom.decimal_product_uom')
        precision.digits = 0
        self._close('2026-02-01 00:00:00')
        self.assertRegex(self._cycles(hourly)[0].error, "0.33 .* cannot be billed exactly")
        self.assertFalse(hourly.bill_ids)
        self.assertEqual(self._lines(self._bill(well))[0], ('hour', 1.0, 60.0, 60.0))
        precision.digits = 2
        self._close('2026-02-01 01:00:00')
        self.assertEqual(self._lines(self._bill(hourly)), [('hour', 0.33, 60.0, 19.8)])
