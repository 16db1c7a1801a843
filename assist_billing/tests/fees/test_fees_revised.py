from odoo import Command
from odoo.tests import tagged

from .fees_common import FeesCommon


@tagged('post_install', '-at_install')
class TestFeesRevised(FeesCommon):
    """Fees rise with the other prices, from a day on, although they have no dates."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.email = "us@support.example"
        cls.customer.email = "acme@customer.example"
        cls.other = cls._create_partner("Other", email="other@customer.example")

    def _revise(self, **vals):
        return self.env['assist.price.revision'].create(
            {
                'name': "Rise",
                'date_from': '2027-01-01',
                'percent': 10.0,
                'plan_ids': [Command.set(self.managed.ids)],
                **vals,
            }
        )

    def _prices(self, revision):
        return [(line.what, line.old_price, line.new_price) for line in revision.line_ids]

    def _fees_of(self, cycle):
        return [fee['price'] for fee in cycle.terms['fees']]

    def test_fees_of_the_plan_and_own_ones_rise(self):
        association = self._associate(self.other, self.managed, start_date='2026-11-01')
        association.fee_ids = [Command.create({'fee_id': self.managed.fee_ids[0].id, 'price': 300})]
        revision = self._revise()
        hour = ("Price per Hour", 95.0, 104.5)
        fees = [("Care", 500.0, 550.0), ("Devices cared for", 8.0, 8.8)]
        own = ("Care", 300.0, 330.0)
        self.assertEqual(self._prices(revision)[1:], [*fees, own])
        self.assertEqual(self._prices(revision)[0][1:], hour[1:])
        revision.write({'method': 'index', 'index_old': 100.0, 'index_new': 110.0})
        self.assertEqual(self._prices(revision)[1:], [*fees, own])
        revision.write({'method': 'amount', 'amount': 5.0})
        self.assertEqual([price[1:] for price in self._prices(revision)], [(95.0, 100.0)])
        revision.write({'method': 'percent', 'with_agreement_fees': False})
        self.assertEqual([price[1:] for price in self._prices(revision)], [(95.0, 104.5)])

    def test_each_customer_is_told_of_what_it_pays(self):
        mine = self._associate(plan=self.managed, start_date='2026-11-01')
        theirs = self._associate(self.other, self.managed, start_date='2026-11-01')
        theirs.fee_ids = [Command.create({'fee_id': self.managed.fee_ids[0].id, 'price': 300})]
        revision = self._revise()
        revision.by_mail = False
        revision.action_announce()
        told = {
            association: [
                (line.what, line.new_price) for line in revision._get_lines_of(association)[1:]
            ]
            for association in (mine, theirs)
        }
        devices = ("Devices cared for", 8.8)
        self.assertEqual(
            told, {mine: [("Care", 550.0), devices], theirs: [devices, ("Care", 330.0)]}
        )

    def test_periods_that_begin_before_the_day_keep_the_prices_before(self):
        self._create_devices(1)
        mine = self._associate(plan=self.managed, start_date='2026-12-01')
        theirs = self._associate(self.other, self.managed, start_date='2026-12-10')
        theirs.fee_ids = [Command.create({'fee_id': self.managed.fee_ids[0].id, 'price': 300})]
        revision = self._revise()
        revision.by_mail = False
        revision.action_announce()
        revision.action_apply()
        self.assertEqual(self.managed.fee_ids.mapped('price'), [550.0, 8.8])
        self.assertEqual(theirs.fee_ids.price, 330.0)
        self._close('2027-01-10 00:00:00')
        self.assertEqual(
            [self._fees_of(cycle) for cycle in self._cycles(mine)], [[500.0, 8.0], [550.0, 8.8]]
        )
        self.assertEqual(
            [self._fees_of(cycle) for cycle in self._cycles(theirs)], [[300.0, 8.0], [330.0, 8.8]]
        )
        # January is charged in advance on the bill of December, by the prices of January.
        self.assertEqual(
            self._lines(self._cycles(mine)[0].move_id),
            [('fee', 1.0, 550.0, 550.0), ('fee', 1.0, 8.8, 8.8)],
        )
        self.assertTied(now='2027-01-10 00:00:00')
        # A second revision: what was before both of them is known.
        second = self._revise(date_from='2027-06-01', by_mail=False)
        second.action_announce()
        second.action_apply()
        before = self.managed._get_prices_before('fee_id', mine.start_date)
        self.assertEqual([before[fee.id] for fee in self.managed.fee_ids], [500.0, 8.0])
