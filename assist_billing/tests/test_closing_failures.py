from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.assist_billing.models.assist_billing_cycle_close import AssistBillingCycle

from .common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestClosingFailures(AssistBillingCommon):
    """What customers who fail cost the others."""

    def _close_failing(self, count, failing):
        """Close `count` cycles of which some fail at the very end; return the sizes tried.

        :param failing: the places of those that fail
        :return: for each attempt how many cycles it took, and the cycles
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
            if culprits & set(cycles.partner_id.ids):
                raise RuntimeError("Refused.")

        with patch.object(AssistBillingCycle, '_close_together', refuse):
            self._close('2026-02-01 00:00:00')
        cycles = associations.cycle_ids.filtered(lambda cycle: str(cycle.date_start) < '2026-02')
        failed = cycles.filtered('error')
        self.assertEqual(set(failed.partner_id.ids), culprits)
        self.assertEqual(failed.mapped('attempts'), [1] * len(culprits))
        self.assertEqual(len(failed.activity_ids), len(culprits))
        self.assertEqual(len((cycles - failed).move_id), count - len(culprits))
        return tried

    @mute_logger('odoo.addons.assist_billing.models.assist_billing_cycle_close')
    def test_one_failure_in_a_hundred_costs_less_than_as_much_again(self):
        tried = self._close_failing(100, [37])
        self.assertLessEqual(sum(tried), 150, tried)

    @mute_logger('odoo.addons.assist_billing.models.assist_billing_cycle_close')
    def test_three_failures_in_ten_leave_the_others_billed(self):
        failing = [place for place in range(50) if place % 10 in {0, 4, 7}]
        tried = self._close_failing(50, failing)
        # Each is tried with its batch, its part, and alone; no more.
        self.assertLessEqual(sum(tried), 3 * 50, tried)
