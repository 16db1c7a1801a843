from decimal import Decimal

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ...models.plan.assist_billing_plan import MONEY_FIELDS
from ..statement.test_statement import StatementCommon
from ..thorough import thorough


@tagged('post_install', '-at_install')
@thorough
class TestPriceDigits(StatementCommon):
    """A price keeps all the digits it may have, and is refused in words if it has more."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dinar = cls.setup_other_currency('KWD', rounding=0.001, rates=[('2020-01-01', 0.3)])

    def _read_stored(self, plan, name):
        plan.flush_recordset()
        plan.invalidate_recordset()
        return plan[name]

    def test_prices_in_a_currency_of_three_decimals_are_kept(self):
        for name in MONEY_FIELDS:
            with self.subTest(field=name):
                plan = self._create_plan(currency_id=self.dinar.id, **{name: 1.125})
                self.assertEqual(self._read_stored(plan, name), 1.125)
                plan[name] = 0.004
                self.assertEqual(self._read_stored(plan, name), 0.004)

    def test_every_price_of_ours_is_kept_as_given(self):
        """No field named so is rounded on the way; those of plans are checked beforehand."""
        prices = [
            field
            for model in self.env.values()
            if model._name.startswith('assist.')
            for name, field in model._fields.items()
            if field.type == 'float' and ('price' in name or name in MONEY_FIELDS)
        ]
        self.assertLessEqual(
            {f'assist.billing.plan.{name}' for name in MONEY_FIELDS}, {str(f) for f in prices}
        )
        self.assertEqual([str(field) for field in prices if field.get_digits(self.env)], [])

    def test_more_digits_are_refused_in_words(self):
        for name in MONEY_FIELDS:
            with self.subTest(field=name):
                with self.assertRaisesRegex(ValidationError, "0.125, has more than the 2 decimals"):
                    self._create_plan(**{name: 0.125})
                plan = self._create_plan()
                with self.assertRaisesRegex(ValidationError, "Decimal Accuracy"):
                    plan[name] = 1e-10
        with self.assertRaisesRegex(ValidationError, "more than the 3 decimals"):
            self._create_plan(currency_id=self.dinar.id, price_per_session=1.0625)
        with self.assertRaisesRegex(ValidationError, "more than the 2 decimals"):
            plan = self._create_plan(currency_id=self.dinar.id, price_per_session=1.125)
            plan.currency_id = self.company.currency_id

    def test_no_door_rounds(self):
        form = Form(self.plan)
        form.price_per_session = 0.125
        with self.assertRaisesRegex(ValidationError, "0.125"):
            form.save()
        with Form(self._create_plan(currency_id=self.dinar.id)) as form:
            form.price_per_session = 1.125
        self.assertEqual(form.record.price_per_session, 1.125)
        result = self.env['assist.billing.plan'].load(
            ['name', 'price_per_session'], [["Loaded", '0.125']]
        )
        self.assertIn("0.125", result['messages'][0]['message'])
        result = self.env['assist.billing.plan'].load(
            ['name', 'price_per_session', 'currency_id'], [["Loaded", '1.125', "KWD"]]
        )
        plan = self.env['assist.billing.plan'].browse(result['ids'])
        self.assertEqual(plan.price_per_session, 1.125)

    def test_what_arithmetic_leaves_is_no_digit(self):
        plan = self._create_plan(price_per_session=0.1 + 0.2)
        self._associate(plan=plan)
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._bill(plan.association_ids).invoice_line_ids.price_unit, 0.3)

    def test_digits_go_down_to_bill_statement_and_tie(self):
        plan = self._create_plan(
            currency_id=self.dinar.id,
            billing_type='hour',
            price_per_hour=10.125,
            base_fee=0.004,
            minimum_charge=99.999,
            charge_devices=True,
            price_per_device=1.005,
        )
        association = self._associate(plan=plan)
        self._create_device()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        self.assertEqual(
            self._lines(bill),
            [
                ('hour', 0.5, 10.125, 5.063),
                ('base_fee', 1.0, 0.004, 0.004),
                ('device', 1.0, 1.005, 1.005),
                ('minimum', 1.0, 94.932, 94.932),
            ],
        )
        self.assertAddsUp(bill.assist_cycle_id)
        self.assertIn("10.125", bill.assist_cycle_id.terms_summary)
        self._create_session(ended_at='2026-01-20 10:00:00', minutes=720)
        self._close('2026-03-01 00:00:00')
        late = self._bill(association).invoice_line_ids.filtered(
            lambda line: line.assist_charge == 'prior'
        )
        prior = late.move_id.assist_cycle_id.prior_ids
        self.assertRecordValues(prior, [{'price': late.price_unit, 'amount': late.price_subtotal}])

    def test_more_digits_of_product_prices_are_kept(self):
        self.env.ref('product.decimal_price').digits = 4
        plan = self._create_plan(price_per_session=0.1234)
        association = self._associate(plan=plan)
        for day in range(10, 20):
            self._create_session(ended_at=f'2026-01-{day} 10:00:00')
        self.env.ref('product.decimal_price').digits = 2
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('session', 10.0, 0.1234, 1.23)])
        self.assertAddsUp(self._bill(association).assist_cycle_id)

    def _give_prices_of_four_digits(self):
        """Return a plan and a customer with them, entered when prices could have as many."""
        product = self.plan.session_product_id
        plan = self._create_plan(
            billing_type='hour',
            price_per_hour=90.0,
            fee_ids=[
                Command.create({'name': name, 'product_id': product.id, 'price': 8.0})
                for name in ("Care", "Watch")
            ],
        )
        association = self._associate(plan=plan)
        self.env.ref('product.decimal_price').digits = 4
        return plan, association

    def test_each_price_by_itself_keeps_its_digits(self):
        """Of fees, rates, tiers and prices by date, of a plan or of one customer."""
        plan, association = self._give_prices_of_four_digits()
        rate = {'method': 'add', 'value': -0.0625, 'kind': 'travel'}
        for owner, vals in (
            (plan, {'fee_ids': [Command.update(plan.fee_ids[0].id, {'price': 8.0625})]}),
            (plan, {'rate_ids': [Command.create(rate)]}),
            (plan, {'rate_ids': [Command.create({**rate, 'method': 'fixed', 'value': 1.0625})]}),
            (plan, {'tier_ids': [Command.create({'from_quantity': 10, 'price': 1.0625})]}),
            (
                plan,
                {'version_ids': [Command.create({'date_from': '2026-02-01', 'base_fee': 1.0625})]},
            ),
            (association, {'rate_ids': [Command.create(rate)]}),
            (
                association,
                {'fee_ids': [Command.create({'fee_id': plan.fee_ids[1].id, 'price': 9.0625})]},
            ),
        ):
            with self.subTest(owner=owner, vals=vals), self.env.cr.savepoint() as savepoint:
                self.env.ref('product.decimal_price').digits = 4
                owner.write(vals)
                self.env.ref('product.decimal_price').digits = 2
                self._close('2026-01-01 00:00:00')
                cycle = association.cycle_ids
                self.assertEqual(cycle.terms['price_digits'], 4)
                present = cycle._prepare_present_terms(plan._prepare_terms())
                self.assertEqual(present['price_digits'], 4)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_a_fee_is_charged_and_printed_as_it_was_given(self):
        plan, association = self._give_prices_of_four_digits()
        plan.fee_ids[0].price = 8.0625
        association.fee_ids = [
            Command.create({'fee_id': plan.fee_ids[1].id, 'price': 0.125, 'quantity': 3})
        ]
        self.env.ref('product.decimal_price').digits = 2
        self._create_session()
        self._close('2026-01-01 00:00:00')
        self._close('2026-02-01 00:00:00')
        bill = association.cycle_ids.move_id
        self.assertEqual(
            self._lines(bill)[1:], [('fee', 1.0, 8.0625, 8.06), ('fee', 3.0, 0.125, 0.38)]
        )
        printed = [(line.price, line.price_digits) for line in bill._assist_get_statement().lines]
        self.assertEqual(printed[1:], [(Decimal('8.0625'), 4), (Decimal('0.125'), 4)])
        self.assertAddsUp(bill.assist_cycle_id)

    def test_no_price_has_more_digits_than_the_currency_it_is_changed_to(self):
        product, company_currency = self.plan.session_product_id, self.company.currency_id
        for vals in (
            {'fee_ids': [Command.create({'product_id': product.id, 'price': 8.125})]},
            {'rate_ids': [Command.create({'method': 'fixed', 'value': 8.125})]},
            {'tier_ids': [Command.create({'from_quantity': 10, 'price': 8.125})]},
            {'version_ids': [Command.create({'date_from': '2026-02-01', 'base_fee': 8.125})]},
        ):
            with self.subTest(vals=vals):
                plan = self._create_plan(currency_id=self.dinar.id, **vals)
                with self.assertRaisesRegex(ValidationError, "more than the 2 decimals"):
                    plan.currency_id = company_currency
        plan = self._create_plan(currency_id=self.dinar.id)
        association = self._associate(plan=plan)
        association.rate_ids = [Command.create({'method': 'fixed', 'value': 8.125})]
        with self.assertRaisesRegex(ValidationError, "more than the 2 decimals"):
            plan.currency_id = company_currency

    def test_adjustment_of_more_digits_is_refused_in_words(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        dialogs = self.env['assist.add.charges']
        with self.assertRaisesRegex(UserError, "0.125 has more decimals"):
            dialogs.create({'move_id': bill.id, 'amount': 0.125})
        with self.assertRaisesRegex(UserError, "0.125 has more decimals"):
            dialogs.with_context(default_move_id=bill.id).create({'amount': 0.125})
        dialog = dialogs.create({'move_id': bill.id, 'amount': 0.12})
        with self.assertRaisesRegex(UserError, "0.125 has more decimals"):
            dialog.amount = 0.125
        with self.assertRaisesRegex(UserError, "0.125 has more decimals"):
            bill._assist_adjust('additional', 0.125)

    def test_less_than_a_currency_has_is_not_taken_for_nothing(self):
        yen = self.setup_other_currency('JPY', rounding=1.0, rates=[('2020-01-01', 150.0)])
        association = self._associate(
            plan=self._create_plan(currency_id=yen.id, price_per_session=500)
        )
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        for amount in (0.01, 0.4, 1.4):
            with self.assertRaisesRegex(UserError, r"Did you mean .*\b1\b"):
                self.env['assist.add.charges'].create({'move_id': bill.id, 'amount': amount})

    def test_adjustment_in_three_decimals_is_kept(self):
        association = self._associate(
            plan=self._create_plan(currency_id=self.dinar.id, price_per_session=1.125)
        )
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        dialog = self.env['assist.add.charges'].create({'move_id': bill.id, 'amount': 0.004})
        dialog.action_add()
        self.assertIn(('additional', 1.0, 0.004, 0.004), self._lines(bill))


@thorough
@tagged('post_install', '-at_install')
class TestPrintedPrices(StatementCommon):
    """Quantity x price, as they are printed, make the amount."""

    def _create_position(self, included, **vals):
        position = self.env['account.fiscal.position'].create({'name': "Abroad"})
        self.env['account.tax'].create(
            {
                'name': "Abroad",
                'type_tax_use': 'sale',
                'fiscal_position_ids': [Command.set(position.ids)],
                'original_tax_ids': [Command.set(included.ids)],
                **vals,
            }
        )
        return position

    def _bill_abroad(self, count=7, **vals):
        included = self.env['account.tax'].create(
            {
                'name': "21 % incl.",
                'amount': 21.0,
                'type_tax_use': 'sale',
                'price_include_override': 'tax_included',
            }
        )
        self.plan.session_product_id.taxes_id = [Command.set(included.ids)]
        partner = self._create_partner(
            "Abroad",
            property_account_position_id=self._create_position(included, **vals).id,
        )
        association = self._associate(partner)
        for day in range(count):
            self._create_session(partner, ended_at=f'2026-01-{10 + day} 10:00:00')
        self._close('2026-02-01 00:00:00')
        return self._bill(association)

    def _print(self, bill):
        html = self.env['ir.qweb']._render(
            'assist_billing.statement',
            {'statement': bill._assist_get_statement(), 'company': self.company},
        )
        return str(html)

    def assertTrueArithmetic(self, bill):
        for line in bill._assist_get_statement().lines:
            printed = round(line.price, line.price_digits)
            self.assertEqual(printed, line.price)
            self.assertEqual(round(line.quantity * printed, 2), line.amount)

    def test_price_without_the_tax_is_printed_with_all_its_digits(self):
        bill = self._bill_abroad(amount=0.0)
        line = bill.invoice_line_ids
        self.assertEqual((line.price_unit, line.price_subtotal), (16.528926, 115.7))
        self.assertTrueArithmetic(bill)
        self.assertIn("16.528926", self._print(bill))
        statement = bill._assist_get_statement()
        self.assertEqual(sum(row.amount for row in statement.rows), Decimal('115.70'))
        csv = bill._assist_get_statement_csv().decode()
        self.assertEqual(csv.count("16.53") + csv.count("16.52"), 7)

    def test_amount_with_a_tax_on_top_has_a_price_with_it(self):
        self.company.account_price_include = 'tax_included'
        bill = self._bill_abroad(amount=10.0, price_include_override='tax_excluded')
        self.assertTrueArithmetic(bill)
        [line] = bill._assist_get_statement().lines
        self.assertEqual(float(line.amount), bill.invoice_line_ids.price_total)

    def test_other_prices_are_printed_with_two_digits(self):
        self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(self.plan.association_ids)
        self.assertTrueArithmetic(bill)
        self.assertEqual(bill._assist_get_statement().lines[0].price_digits, 2)
