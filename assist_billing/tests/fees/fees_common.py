from odoo import Command

from ..tie.tie_common import TieCommon


class FeesCommon(TieCommon):
    """An hourly plan of 95.00 with a fee of 500.00 that has 5 hours in it, and 8.00 a device."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product, cls.untaxed = cls.env['product.product'].create(
            [
                {'name': "Managed care", 'type': 'service'},
                {'name': "Untaxed care", 'type': 'service', 'taxes_id': [Command.clear()]},
            ]
        )
        cls.care = {
            'name': "Care",
            'product_id': cls.product.id,
            'price': 500.0,
            'included_hours': 5.0,
            'prorate': True,
        }
        cls.per_device = {
            'name': "Devices cared for",
            'product_id': cls.product.id,
            'quantity_rule': 'devices',
            'price': 8.0,
            'prorate': True,
            'true_up': 'both',
        }
        cls.managed = cls._create_managed_plan(cls.care, cls.per_device)

    @classmethod
    def _create_managed_plan(cls, *fees, **vals):
        return cls._create_plan(
            **{
                'name': "Managed",
                'billing_type': 'hour',
                'price_per_hour': 95.0,
                'fee_ids': [Command.create(fee) for fee in fees],
                **vals,
            }
        )

    @classmethod
    def _create_devices(cls, count, partner=None, **vals):
        return [cls._create_device(partner, name=f"PC {i}", **vals) for i in range(count)]

    @classmethod
    def _fee(cls, **vals):
        """Return the values of a fixed fee of 100.00 in advance."""
        return {'name': "Fee", 'product_id': cls.product.id, 'price': 100.0, **vals}

    def _opening(self, association):
        """Return the bills of their own for fees in advance."""
        return self.env['account.move'].search(
            [
                ('assist_association_id', '=', association.id),
                ('assist_kind', '=', 'supplementary'),
            ],
            order='id',
        )

    def _rows(self, association):
        """Return what is kept of fees, as (period's first day, fee, quantity, true-up)."""
        rows = self.env['assist.billing.cycle.fee'].search(
            [('association_id', '=', association.id)], order='date_start, fee_id'
        )
        return [
            (str(row.date_start), row.fee_id.name, row.quantity, row.true_up_quantity)
            for row in rows
        ]
