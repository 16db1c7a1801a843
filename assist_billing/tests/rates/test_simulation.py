import re

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from ..thorough import thorough
from .test_tiers import TiersCommon


@tagged('post_install', '-at_install')
@thorough
class TestSimulation(TiersCommon):
    """A real period of a customer under a plan as it stands on the form, beside what it cost."""

    def _read_rows(self, html):
        """Return the cells of each row of a comparison, what is empty left out."""
        rows = re.findall(r'<tr.*?</tr>', str(html), re.DOTALL)
        return [re.findall(r'<(?:t[dh]|span)[^>]*>([^<]+)</', row) for row in rows]

    def _bill_hours(self, *hours, plan=None):
        association = self._associate(plan=plan or self.hourly, start_date='2026-03-01')
        self._work_hours(*hours)
        self._close('2026-04-01 00:00:00')
        return association

    def test_a_plan_that_is_not_saved_is_shown_beside_what_was_billed(self):
        association = self._bill_hours(8, 8, 7.5)
        with Form(self.env['assist.billing.plan']) as form:
            form.name = "To be"
            form.billing_type = 'hour'
            form.price_per_hour = 110.0
            form.simulated_association_id = association
            self.assertEqual(form.simulated_cycle_id, self._cycles(association)[0])
            for quantity, price in ((0, 100), (10, 90), (20, 80)):
                with form.tier_ids.new() as tier:
                    tier.from_quantity = quantity
                    tier.price = price
            self.assertEqual(
                self._read_rows(form.simulation),
                [
                    ["As billed", "By this plan"],
                    ["Hours", "23.50", "× 60.00", "1,410.00 USD"],
                    ["Hours – up to 10 hours", "10.00", "× 100.00", "1,000.00 USD"],
                    ["Hours – 10 to 20 hours", "10.00", "× 90.00", "900.00 USD"],
                    ["Hours – from 20 hours on", "3.50", "× 80.00", "280.00 USD"],
                    ["Together", "1,410.00 USD", "2,180.00 USD"],
                    ["Difference", "+770.00 USD"],
                ],
            )
            form.tier_mode = 'volume'
            self.assertIn("1,880.00 USD", form.simulation)
            form.maximum_charge = 1500.0
            self.assertIn("-380.00 USD", form.simulation)
            self.assertIn("1,500.00 USD", form.simulation)
        self.assertFalse(form.record.simulated_association_id)

    def test_a_changed_price_shows_before_it_is_saved_and_nothing_is_written(self):
        association = self._bill_hours(8)
        cycle = self._cycles(association)[0]
        before = cycle.read()
        form = Form(self.hourly)
        form.simulated_association_id = association
        self.assertIn("480.00 USD", form.simulation)
        form.price_per_hour = 75.0
        self.assertEqual(self._read_rows(form.simulation)[1][1:], [
            "8.00", "× 60.00", "480.00 USD", "8.00", "× 75.00", "600.00 USD"
        ])  # fmt: skip
        with form.rate_ids.new() as rate:
            rate.value = 200.0
        self.assertIn("1,200.00 USD", form.simulation)
        self.assertEqual(self.hourly.price_per_hour, 60.0)
        self.env.invalidate_all()
        self.assertEqual(cycle.read(), before)
        self.assertFalse(self.hourly.rate_ids)

    def test_what_came_in_late_is_part_of_both(self):
        association = self._bill_hours(8)
        self._work('2026-03-20 08:00:00', '2026-03-20 10:00:00')
        self._close('2026-05-01 00:00:00')
        form = Form(self.hourly)
        form.simulated_association_id = association
        form.simulated_cycle_id = self._cycles(association)[0]
        rows = self._read_rows(form.simulation)
        self.assertEqual(rows[2], ["Received late", "2.00", "× 60.00", "120.00 USD"])
        self.assertEqual(
            rows[3:], [["Together", "600.00 USD", "600.00 USD"], ["Difference", "0.00 USD"]]
        )

    def test_an_open_period_and_devices_that_were_not_charged(self):
        association = self._associate(plan=self.hourly, start_date='2026-03-01')
        self._create_device()
        self._work_hours(1)
        self._close('2026-03-20 00:00:00')
        form = Form(self.hourly)
        form.simulated_association_id = association
        form.charge_devices = True
        form.price_per_device = 8.0
        rows = self._read_rows(form.simulation)
        self.assertEqual(rows[0][0], "So far")
        self.assertEqual(rows[2], ["Unattended devices", "1.00", "× 8.00", "8.00 USD"])

    def test_what_cannot_be_rated_is_said(self):
        association = self._bill_hours(8)
        form = Form(self.hourly)
        form.simulated_association_id = association
        form.minimum_charge = 100.0
        form.maximum_charge = 50.0
        self.assertIn("is below the minimum charge", form.simulation)

    def test_what_was_handed_over_counts_as_it_did(self):
        plan = self._create_plan(
            name="Rolling",
            billing_type='hour',
            price_per_hour=90.0,
            included_quantity=5.0,
            rollover='all',
        )
        association = self._bill_hours(3, plan=plan)
        self._work_hours(8, month=4)
        self._close('2026-05-01 00:00:00')
        self.assertEqual(self._bill(association).assist_session_charge, 90.0)
        form = Form(plan)
        form.simulated_association_id = association
        self.assertEqual(form.simulated_cycle_id, self._cycles(association)[1])
        self.assertIn("90.00 USD", form.simulation)
        form.included_quantity = 4.0
        self.assertIn("180.00 USD", form.simulation)

    def test_nobody_sees_another_companys_customers(self):
        association = self._bill_hours(8)
        other = self.setup_other_company(name="Others")['company']
        manager = new_test_user(
            self.env,
            'other manager',
            groups='assist_billing.assist_billing_group_manager,account.group_account_invoice',
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        plans = self.env['assist.billing.plan'].with_user(manager)
        for values in (
            {'simulated_association_id': association.id},
            {'simulated_cycle_id': association.cycle_ids[0].id},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                plans.new({'billing_type': 'hour', **values}).simulation  # noqa: B018
            spec = {'simulation': {}, **{name: {} for name in values}}
            with self.subTest(values=values), self.assertRaises(AccessError):
                plans.onchange({'billing_type': 'hour', **values}, list(values), spec)

    def test_the_dialog_shows_the_same_of_the_saved_plan(self):
        association = self._bill_hours(8)
        self._work_hours(2, month=4)
        self._close('2026-05-01 00:00:00')
        with Form(
            self.env['assist.try.rates'].with_context(default_plan_id=self.tiered.id)
        ) as form:
            form.association_id = association
            self.assertEqual(form.cycle_id, self._cycles(association)[1])
            self.assertIn("200.00 USD", form.preview)
            form.cycle_id = self._cycles(association)[0]
            self.assertIn("800.00 USD", form.preview)

    def test_of_prices_by_date_the_last_ones_count(self):
        association = self._bill_hours(8)
        form = Form(self.hourly)
        form.simulated_association_id = association
        with form.version_ids.new() as version:
            version.date_from = '2027-01-01'
            version.price_per_hour = 70.0
        self.assertIn("560.00 USD", form.simulation)
