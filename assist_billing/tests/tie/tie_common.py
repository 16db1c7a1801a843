from datetime import datetime

from odoo import Command, fields

from ..common import AssistBillingCommon


class TieCommon(AssistBillingCommon):
    """Histories of every kind, and what their tie reads."""

    def _tie(self, now='2026-06-01 00:00:00', **vals):
        """Return a tie of the company as of `now` (UTC, ISO)."""
        tie = self.env['assist.billing.tie'].create(vals).sudo()
        tie._run(now=datetime.fromisoformat(now))
        return tie

    def _differences(self, **kwargs):
        """Return what differs, as {check: number}."""
        return {
            line.check: line.difference_count
            for line in self._tie(**kwargs).check_ids
            if line.difference_count
        }

    def assertTied(self, **kwargs):
        self.assertEqual(self._differences(**kwargs), {})

    # === HISTORIES === #

    def _bill_months(self, *months):
        for month in months:
            self._close(f'2026-{month:02}-01 00:00:00')

    def _use_every_rule(self):
        """Bill two months by hourly plans of every rule; return the association."""
        plan = self._create_plan(
            name="Everything",
            billing_type='hour',
            price_per_hour=61.37,
            ignore_under_seconds=120,
            merge_gap_minutes=10,
            minimum_minutes=10,
            increment_minutes=7,
            base_fee=4.99,
            base_minutes=15,
            included_quantity=1.25,
            minimum_charge=250.0,
            amounts_per='month',
            prorate_partial=True,
            charge_devices=True,
            price_per_device=3.33,
            device_count='by_day',
        )
        association = self._associate(
            self._create_partner("Everything"), plan, cycle='weekly', end_date='2026-01-25'
        )
        customer = association.partner_id
        device = self._create_device(customer)
        self._create_device(customer, enrolled_on='2026-01-03')
        for day in range(1, 25):
            ended_at = f'2026-01-{day:02} 10:00:00'
            self._create_session(customer, ended_at, minutes=day * 3, device_id=device.id)
            self._create_session(
                customer, f'2026-01-{day:02} 10:12:00', minutes=5, device_id=device.id
            )
            self._create_session(customer, f'2026-01-{day:02} 15:00:00', minutes=1)
        return association

    def _use_rates(self):
        """Bill two months of a plan with rates, a late session included; return the association."""
        band = self.env['assist.billing.band'].create({'name': "Afternoon"})
        hours = self.env['assist.billing.hours'].create(
            {
                'name': "Afternoons",
                'line_ids': [
                    Command.create(
                        {
                            'dayofweek': str(day),
                            'minute_from': 720,
                            'minute_to': 1440,
                            'band_id': band.id,
                        }
                    )
                    for day in range(7)
                ],
            }
        )
        plan = self._create_plan(
            name="Rates",
            billing_type='hour',
            price_per_hour=61.37,
            base_fee=4.99,
            included_quantity=1.25,
            hours_id=hours.id,
            rate_ids=[Command.create({'band_id': band.id, 'value': 133.3})],
        )
        association = self._associate(self._create_partner("Rates"), plan)
        for day in (5, 6, 7):
            ended_at = f'2026-01-{day:02} 12:40:00'
            self._create_session(association.partner_id, ended_at, minutes=67)
        self._bill_months(2)
        self._create_session(association.partner_id, '2026-01-20 12:40:00', minutes=67)
        self._bill_months(3)
        return association

    def _use_fees(self):
        """Bill two months of a plan with fees, a device trued up; return the association."""
        product = self.env['product.product'].create({'name': "Care", 'type': 'service'})
        fee = {'product_id': product.id, 'price': 500.0, 'included_hours': 0.5, 'prorate': True}
        plan = self._create_plan(
            name="Fees",
            billing_type='hour',
            price_per_hour=61.37,
            fee_ids=[
                Command.create(vals)
                for vals in (
                    fee,
                    {**fee, 'price': 8.15, 'quantity_rule': 'devices', 'true_up': 'both'},
                    {**fee, 'price': 33.33, 'charge': 'arrears', 'included_hours': 0.0},
                )
            ],
        )
        association = self._associate(self._create_partner("Fees"), plan)
        self._create_device(association.partner_id)
        self._create_session(association.partner_id, '2026-01-20 12:40:00', minutes=167)
        self._close('2026-01-01 00:00:00')
        self._create_device(association.partner_id, enrolled_on='2026-01-10')
        self._bill_months(2, 3)
        return association

    def _bill_late(self):
        """Bill sessions that came in late, with the next bill and by a bill of their own."""
        association = self._associate(
            self._create_partner("Late"),
            self._create_plan(
                name="Late", price_per_session=20.0, included_quantity=2, minimum_charge=30.0
            ),
            end_date='2026-03-01',
        )
        customer = association.partner_id
        self._create_session(customer)
        self._bill_months(2)
        for day in ('20', '21', '23'):
            self._create_session(customer, f'2026-01-{day} 10:00:00')
        self._bill_months(3)
        self._create_session(customer, '2026-01-22 10:00:00')
        self._create_session(customer, '2026-02-22 10:00:00')
        self._close('2026-04-10 00:00:00')
        return association

    def _credit_to_bill_again(self, bill):
        wizard = (
            self.env['account.move.reversal']
            .with_context(active_model='account.move', active_ids=bill.ids)
            .create({'journal_id': bill.journal_id.id, 'date': fields.Date.today()})
        )
        wizard.modify_moves()
        return wizard.new_move_ids

    def _set_included_tax(self):
        """Put a tax that the price includes on the product of sessions; return it."""
        tax = self.env['account.tax'].create(
            {'name': "20 % incl.", 'amount': 20.0, 'price_include_override': 'tax_included'}
        )
        self.plan.session_product_id.taxes_id = [Command.set(tax.ids)]
        return tax
