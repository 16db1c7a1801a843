from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from ..invoice.fast_common import FastPathCase
from ..thorough import thorough
from ..tie.tie_common import TieCommon


class FrozenTermsCase(TieCommon):
    """A customer who moves from one plan to another, and sessions that come in late."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.yen = cls.setup_other_currency('JPY', rounding=1.0, rates=[('2020-01-01', 150.0)])
        cls.yen_plan = cls._create_plan(
            name="Yen", price_per_session=3000.0, currency_id=cls.yen.id
        )

    @classmethod
    def _create_taxes(cls, *vals_list):
        return cls.env['account.tax'].create(
            [
                {'name': f"Tax {index} {vals}", 'type_tax_use': 'sale', **vals}
                for index, vals in enumerate(vals_list)
            ]
        )

    @classmethod
    def _copy_product(cls, product, name, **vals):
        return product.copy({'name': name, **vals})

    def _move_after_january(self, association, plan):
        """Bill January by the old plan; what opens from February on is by the new one."""
        self._close('2026-01-01 00:00:00')
        association.plan_id = plan
        self._close('2026-02-01 00:00:00')

    def _get_supplementary(self, association):
        return self.env['account.move'].search(
            [
                ('assist_association_id', '=', association.id),
                ('assist_kind', '=', 'supplementary'),
            ]
        )

    def assertTied(self, now='2026-04-01 01:00:00'):
        return super().assertTied(now=now)


@tagged('post_install', '-at_install')
@thorough
class TestLateCurrencies(FrozenTermsCase):
    """What belongs to a cycle is billed in its currency, and never added to another one."""

    def _bill_one_late(self, plan, following):
        partner = self._create_partner(f"From {plan.name}")
        association = self._associate(partner, plan)
        self._create_session(partner)
        self._move_after_january(association, following)
        self._create_session(partner, ended_at='2026-01-20 10:00:00')
        self._close('2026-02-02 00:00:00')
        return association

    def test_late_session_is_billed_at_once_in_the_currency_of_its_period(self):
        for plan, following, price in (
            (self.plan, self.yen_plan, 20.0),
            (self.yen_plan, self.plan, 3000.0),
        ):
            with self.subTest(plan=plan.name):
                association = self._bill_one_late(plan, following)
                bill = self._get_supplementary(association)
                self.assertEqual(bill.currency_id, plan.currency_id)
                self.assertEqual(self._lines(bill), [('prior', 1.0, price, price)])
                self.assertEqual(bill.state, 'posted')
                self._create_session(association.partner_id, ended_at='2026-02-10 10:00:00')
                self._close('2026-03-01 00:00:00')
                february = self._bill(association)
                self.assertEqual(february.currency_id, following.currency_id)
                self.assertEqual([line[0] for line in self._lines(february)], ['session'])

    def test_late_sessions_of_many_customers_are_billed_together_and_in_turn(self):
        associations = []
        for name, tails in (("One", 1), ("Two", 2)):
            partner = self._create_partner(name)
            associations.append(self._associate(partner))
            self._create_session(partner)
            self._close('2026-02-01 00:00:00')
            self._create_session(partner, ended_at='2026-02-15 10:00:00')
            for _tail in range(tails):
                self._create_session(partner, ended_at='2026-01-20 10:00:00')
        one, two = associations
        self._close('2026-03-01 00:00:00')
        for association in associations:
            association.plan_id = self.yen_plan
        self._close('2026-04-01 00:00:00')
        # In January and in February, which are closed, after their currency has ended.
        for association, count in ((one, 1), (two, 3)):
            for day in ('2026-01-25', '2026-02-25'):
                for _session in range(count):
                    self._create_session(association.partner_id, ended_at=f'{day} 10:00:00')
        cycles = type(self.env['assist.billing.cycle'])
        with patch.object(
            cycles, '_create_moves', autospec=True, side_effect=cycles._create_moves
        ) as made:
            self._close('2026-04-02 00:00:00')
        # Of each customer the earlier period first.
        self.assertEqual([len(call.args[1]) for call in made.call_args_list], [2, 2])
        for association, count in ((one, 1), (two, 3)):
            bills = self._get_supplementary(association).sorted('id')
            self.assertEqual(
                [self._lines(bill) for bill in bills],
                [[('prior', count, 20.0, 20.0 * count)]] * 2,
            )
            self.assertEqual(
                [str(bill.assist_origin_cycle_id.date_start) for bill in bills],
                ['2026-01-01', '2026-02-01'],
            )
        self.assertTied(now='2026-04-02 01:00:00')

    def test_late_amount_is_stored_in_the_currency_of_its_period(self):
        association = self._bill_one_late(self.yen_plan, self.plan)
        [prior] = self.env['assist.billing.cycle.prior'].search(
            [('cycle_id.association_id', '=', association.id)]
        )
        self.assertRecordValues(
            prior, [{'amount': 3000.0, 'price': 3000.0, 'currency_id': self.yen.id}]
        )

    def test_late_session_goes_on_the_next_bill_in_the_same_currency(self):
        association = self._associate()
        self._create_session()
        other = self._create_plan(name="Other", price_per_session=30.0)
        self._move_after_january(association, other)
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-02-02 00:00:00')
        self.assertFalse(self._get_supplementary(association))
        self._close('2026-03-01 00:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('prior', 1.0, 20.0, 20.0)])

    def test_what_accrues_is_in_the_currency_of_the_open_cycle(self):
        association = self._associate()
        self._create_session()
        self._close('2026-01-01 00:00:00')
        association.plan_id = self.yen_plan
        self.assertRecordValues(
            association,
            [{'accrued_amount': 20.0, 'accrued_currency_id': self.plan.currency_id.id}],
        )
        association.state = 'on_hold'
        self._close('2026-02-01 00:00:00')
        self._create_session(ended_at='2026-02-10 10:00:00')
        self.env.invalidate_all()
        self.assertRecordValues(
            association, [{'accrued_amount': 3000.0, 'accrued_currency_id': self.yen.id}]
        )
        self.assertIn("20.00", association.accrued_besides)

    def test_preview_counts_and_compares_nothing_in_another_currency(self):
        association = self._associate()
        self._create_session()
        self._move_after_january(association, self.yen_plan)
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._create_session(ended_at='2026-02-10 10:00:00')
        opened = self._cycles(association)[-1]
        self.assertRecordValues(
            opened, [{'preview_amount': 3000.0, 'last_amount': 0.0, 'preview_sessions': 1}]
        )
        statement = opened._get_statement()
        self.assertEqual(float(statement.total), 3000.0)
        self.assertEqual(len(statement.rows), 1)

    def test_further_late_sessions_bill_the_difference_alone(self):
        association = self._bill_one_late(self.plan, self.yen_plan)
        self._create_session(association.partner_id, ended_at='2026-01-21 10:00:00')
        self._create_session(association.partner_id, ended_at='2026-01-22 10:00:00')
        self._close('2026-02-03 00:00:00')
        bills = self._get_supplementary(association).sorted('id')
        self.assertEqual(
            [self._lines(bill) for bill in bills],
            [[('prior', 1.0, 20.0, 20.0)], [('prior', 2.0, 20.0, 40.0)]],
        )
        self.assertTied(now='2026-02-03 01:00:00')

    def test_bill_that_mixed_currencies_is_told_and_billed_again_apart(self):
        """As bills were made before: twenty dollars as twenty yen."""
        association = self._associate()
        self._create_session()
        self._move_after_january(association, self.yen_plan)
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._create_session(ended_at='2026-02-10 10:00:00')
        january, february = self._cycles(association)
        # The currencies as equal as that code took them for.
        self._set_currency(january, self.yen)
        self._close('2026-03-01 00:00:00')
        self._set_currency(january, self.plan.currency_id)
        bill = february.move_id
        self.assertIn(('prior', 1.0, 20.0, 20.0), self._lines(bill))
        differences = self._differences(now='2026-03-01 01:00:00')
        self.assertEqual(differences, {'bills_saying_something_else': 1})
        bill.button_draft()
        bill.button_cancel()
        february.action_rebill()
        self.assertEqual(self._lines(february.move_id), [('session', 1.0, 3000.0, 3000.0)])
        february.move_id.action_post()
        self._close('2026-03-02 00:00:00')
        supplementary = self._get_supplementary(association)
        self.assertEqual(self._lines(supplementary), [('prior', 1.0, 20.0, 20.0)])
        self.assertEqual(supplementary.currency_id, self.plan.currency_id)
        self.assertEqual(late.state, 'billed')
        self.assertTied(now='2026-03-02 01:00:00')

    def _set_currency(self, cycle, currency):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE assist_billing_cycle SET currency_id = %(currency)s WHERE id = %(cycle)s;"
            "UPDATE assist_billing_cycle_prior SET currency_id = %(currency)s"
            " WHERE origin_cycle_id = %(cycle)s",
            {'currency': currency.id, 'cycle': cycle.id},
        )
        self.env.invalidate_all()


@tagged('post_install', '-at_install')
@thorough
class TestFrozenProducts(FrozenTermsCase):
    """Product, taxes, unit and account are those of the cycle's own plan when it opened."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.included = cls._create_taxes({'amount': 21.0, 'price_include_override': 'tax_included'})
        cls.income = cls.company_data['default_account_revenue'].copy({'code': '400999'})
        session, hour = cls.plan.session_product_id, cls.hourly.hour_product_id
        cls.taxed = cls._copy_product(
            session,
            "Taxed Session",
            taxes_id=[Command.set(cls.included.ids)],
            property_account_income_id=cls.income.id,
        )
        cls.untaxed = cls._copy_product(session, "Untaxed", taxes_id=[Command.clear()])
        cls.taxed_hour = cls._copy_product(
            hour, "Taxed Hour", taxes_id=[Command.set(cls.included.ids)]
        )
        cls.taxed_plan = cls._create_plan(
            name="Taxed", price_per_session=121.0, session_product_id=cls.taxed.id
        )
        cls.untaxed_plan = cls._create_plan(
            name="Untaxed", price_per_session=100.0, session_product_id=cls.untaxed.id
        )

    def _bill_february(self, change, plan=None, opened=True):
        """Bill January, `change` something, and bill February with a late session of January.

        :param opened: February has opened before the change; else it opens after it
        :return: the late line
        """
        association = self._associate(plan=plan or self.taxed_plan)
        self._create_session()
        self._close('2026-01-01 00:00:00')
        if not opened:
            change(association)
        self._close('2026-02-01 00:00:00')
        if opened:
            change(association)
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-01 00:00:00')
        self._create_session(ended_at='2026-03-10 10:00:00')
        self._close('2026-04-01 00:00:00')
        self.assertTied()
        lines = association.bill_ids.invoice_line_ids
        return lines.filtered(lambda line: line.assist_charge == 'prior')

    def assertAsInJanuary(self, line, **vals):
        self.assertRecordValues(
            line,
            [
                {
                    'product_id': self.taxed.id,
                    'tax_ids': self.included.ids,
                    'account_id': self.income.id,
                    'product_uom_id': self.env.ref('uom.product_uom_unit').id,
                    'price_unit': 121.0,
                    'price_subtotal': 100.0,
                    'price_total': 121.0,
                    **vals,
                }
            ],
        )

    def test_late_line_of_a_customer_moved_to_another_plan_is_taxed_as_its_own_plan_says(self):
        def move(association):
            association.plan_id = self.untaxed_plan

        self.assertAsInJanuary(self._bill_february(move, opened=False))

    def test_late_line_of_an_untaxed_plan_stays_untaxed(self):
        def move(association):
            association.plan_id = self.taxed_plan

        line = self._bill_february(move, self.untaxed_plan, opened=False)
        self.assertRecordValues(
            line, [{'product_id': self.untaxed.id, 'tax_ids': [], 'price_total': 100.0}]
        )

    def test_late_line_has_the_product_its_plan_had(self):
        def change(_association):
            self.taxed_plan.session_product_id = self.untaxed

        self.assertAsInJanuary(self._bill_february(change))

    def test_late_line_has_the_taxes_and_the_account_its_product_had(self):
        def change(_association):
            self.taxed.taxes_id = self._create_taxes({'amount': 5.0})
            self.taxed.property_account_income_id = self.company_data['default_account_revenue']

        self.assertAsInJanuary(self._bill_february(change))

    def test_late_line_without_tax_stays_so_when_its_product_gets_one(self):
        def change(_association):
            self.untaxed.taxes_id = self.included

        line = self._bill_february(change, self.untaxed_plan)
        self.assertRecordValues(line, [{'tax_ids': [], 'price_total': 100.0}])

    def test_late_line_has_the_unit_its_product_had(self):
        unit = self.env.ref('uom.product_uom_dozen')
        plan = self._create_plan(
            name="Hours",
            billing_type='hour',
            price_per_hour=60.5,
            hour_product_id=self.taxed_hour.id,
        )

        def change(_association):
            # Before anything is posted, Odoo lets the unit of a product change.
            self.taxed_hour.uom_id = unit

        association = self._associate(plan=plan)
        self._close('2026-01-01 00:00:00')
        self._close('2026-02-01 00:00:00')
        change(association)
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-01 00:00:00')
        line = association.bill_ids.invoice_line_ids
        self.assertEqual(line.product_uom_id, self.env.ref('uom.product_uom_hour'))

    def test_late_line_keeps_a_tax_that_was_archived(self):
        def change(_association):
            self.taxed.taxes_id = self._create_taxes({'amount': 5.0})
            self.included.active = False

        self.assertAsInJanuary(self._bill_february(change).with_context(active_test=False))

    def test_late_line_avoids_an_account_that_was_archived(self):
        def change(_association):
            other = self.company_data['default_account_revenue']
            self.taxed.property_account_income_id = other
            self.income.active = False

        self.assertAsInJanuary(
            self._bill_february(change),
            account_id=self.company_data['default_account_revenue'].id,
        )

    def test_late_line_of_a_plan_by_the_hour_is_in_hours(self):
        plan = self._create_plan(
            name="By the Hour",
            billing_type='hour',
            price_per_hour=60.5,
            hour_product_id=self.taxed_hour.id,
        )

        def move(association):
            association.plan_id = self.untaxed_plan

        line = self._bill_february(move, plan, opened=False)
        self.assertRecordValues(
            line,
            [
                {
                    'product_id': self.taxed_hour.id,
                    'product_uom_id': self.env.ref('uom.product_uom_hour').id,
                    'tax_ids': self.included.ids,
                    'quantity': 0.5,
                    'price_unit': 60.5,
                    'price_total': 30.25,
                    'price_subtotal': 25.0,
                }
            ],
        )
        [section] = line.move_id.assist_cycle_id._get_statement().sections
        self.assertTrue(section.is_hourly)
        html = str(
            self.env['ir.qweb']._render(
                'assist_billing.statement',
                {
                    'statement': line.move_id.assist_cycle_id._get_statement(),
                    'company': self.company,
                },
            )
        )
        self.assertIn(">Hours<", html.replace("\n", "").replace(" ", ""))
        self.assertIn("0.50", html)

    def test_fiscal_position_applies_to_what_was_frozen(self):
        free = self._create_taxes({'amount': 0.0})
        position = self.env['account.fiscal.position'].create({'name': "Abroad"})
        free.write(
            {
                'fiscal_position_ids': [Command.set(position.ids)],
                'original_tax_ids': [Command.set(self.included.ids)],
            }
        )
        self.customer.property_account_position_id = position

        def move(association):
            association.plan_id = self.untaxed_plan

        line = self._bill_february(move, opened=False)
        self.assertAsInJanuary(line, tax_ids=free.ids, price_unit=100.0, price_total=100.0)

    def test_cycle_billed_again_makes_the_same_amounts(self):
        association = self._associate(plan=self.taxed_plan)
        self._create_session()
        self._close('2026-02-01 00:00:00')
        [cycle, *_rest] = self._cycles(association)
        before = self._read(cycle.move_id)
        self.taxed_plan.session_product_id = self.untaxed
        self.taxed.taxes_id = self._create_taxes({'amount': 5.0})
        self.taxed.property_account_income_id = self.company_data['default_account_revenue']
        cycle.move_id.button_draft()
        cycle.move_id.button_cancel()
        cycle.action_rebill()
        cycle.move_id.action_post()
        self.assertEqual(self._read(cycle.move_id), before)
        self.assertTied(now='2026-02-01 01:00:00')

    def _read(self, bill):
        names = ('product_id', 'tax_ids', 'account_id', 'quantity', 'price_unit', 'balance')
        return [[line[name] for name in names] for line in bill.line_ids.sorted('id')]

    def test_changes_apply_to_open_cycles_on_purpose(self):
        association = self._associate(plan=self.taxed_plan)
        self._create_session()
        self._close('2026-01-01 00:00:00')
        self.taxed_plan.session_product_id = self.untaxed
        self.taxed_plan.action_apply_to_open_cycles()
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(association).invoice_line_ids.product_id, self.untaxed)

    def test_cycle_opened_before_there_were_taxes_is_billed_with_the_first_ones(self):
        product = self.plan.session_product_id
        product.taxes_id = False
        association = self._associate()
        self._create_session()
        self._close('2026-01-01 00:00:00')
        self.company._assist_set_product_taxes()
        self.assertTrue(product.taxes_id)
        self._close('2026-02-01 00:00:00')
        self.assertEqual(
            self._bill(association).invoice_line_ids.tax_ids, self.company.account_sale_tax_id
        )

    def test_cycle_without_frozen_products_is_billed_by_its_plan(self):
        association = self._associate(plan=self.taxed_plan)
        self._create_session()
        self._close('2026-01-01 00:00:00')
        cycle = self._cycles(association)
        cycle.sudo().terms = {key: value for key, value in cycle.terms.items() if key != 'products'}
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(association).invoice_line_ids.product_id, self.taxed)


@tagged('post_install', '-at_install')
@thorough
class TestFlatLines(FrozenTermsCase):
    """A flat amount is counted in units, and its product with it."""

    def assertUnitsAgree(self, lines):
        for line in lines:
            self.assertEqual(line.product_uom_id, line.product_id.uom_id, line.name)

    def test_only_hours_are_in_hours(self):
        hour, unit = self.env.ref('uom.product_uom_hour'), self.env.ref('uom.product_uom_unit')
        plan = self._create_plan(
            name="All",
            billing_type='hour',
            price_per_hour=60.0,
            base_fee=5.0,
            base_minutes=10,
            minimum_charge=100.0,
            charge_devices=True,
            price_per_device=3.0,
        )
        self._create_device()
        association = self._associate(plan=plan)
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self._create_session(ended_at='2026-01-20 10:00:00', minutes=120)
        self._close('2026-03-01 00:00:00')
        for bill in association.bill_ids:
            bill._assist_adjust('additional', 7.0)
            bill._assist_adjust('discount', 3.0)
        lines = association.bill_ids.invoice_line_ids
        self.assertLess(
            {'hour', 'base_fee', 'minimum', 'device', 'prior', 'additional', 'discount'},
            set(lines.mapped('assist_charge')) | {'session'},
        )
        for line in lines:
            self.assertEqual(
                line.product_uom_id, hour if line.assist_charge == 'hour' else unit, line.name
            )
        self.assertUnitsAgree(lines)
        # As Odoo checks it whenever the product is saved with its unit.
        lines.product_id.product_tmpl_id._check_uom_not_in_invoice()
        self.assertTied(now='2026-03-01 01:00:00')

    def test_flat_line_is_taxed_and_booked_as_the_usage(self):
        tax = self._create_taxes({'amount': 7.0})
        account = self.company_data['default_account_revenue'].copy({'code': '400998'})
        product = self._copy_product(
            self.hourly.hour_product_id,
            "Own",
            taxes_id=[Command.set(tax.ids)],
            property_account_income_id=account.id,
        )
        plan = self._create_plan(
            name="Own",
            billing_type='hour',
            price_per_hour=60.0,
            base_fee=5.0,
            minimum_charge=100.0,
            hour_product_id=product.id,
        )
        association = self._associate(plan=plan)
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        bill._assist_adjust('additional', 7.0)
        self.assertEqual(len(bill.invoice_line_ids), 4)
        self.assertEqual(bill.invoice_line_ids.tax_ids, tax)
        self.assertEqual(bill.invoice_line_ids.account_id, account)

    def test_late_line_of_whole_hours_is_in_hours(self):
        association = self._associate(plan=self.hourly)
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self._create_session(ended_at='2026-01-20 10:00:00', minutes=90)
        self._close('2026-03-01 00:00:00')
        line = self._bill(association).invoice_line_ids
        self.assertEqual(line.assist_charge, 'prior')
        self.assertEqual(line.product_uom_id, self.env.ref('uom.product_uom_hour'))
        self.assertUnitsAgree(line)


@thorough
@tagged('post_install', '-at_install')
class TestFrozenTermsFast(FastPathCase):
    """Frozen taxes and accounts come out alike, whichever way a bill is made."""

    def test_bills_with_frozen_taxes_are_equal(self):
        taxes = self._create_taxes({'amount': 21.0, 'price_include_override': 'tax_included'})
        plan = self._create_taxed_plan(taxes, base_fee=4.0, minimum_charge=2000.0)
        account = self.company_data['default_account_revenue']
        plan.hour_product_id.property_account_income_id = account.copy({'code': '400997'})
        cycles = self._open_cycles(plan)
        plan.hour_product_id.taxes_id = self._create_taxes({'amount': 5.0})
        plan.hour_product_id.property_account_income_id = account
        self._assert_equal_both_ways(cycles)
