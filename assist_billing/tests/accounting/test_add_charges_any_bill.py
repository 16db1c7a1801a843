import os
from collections import defaultdict
from contextlib import closing

from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from ..thorough import few, shortened
from .add_charges_common import AddChargesCommon

# More of them: ASSIST_EXAMPLES=2000 tools/pytest …
EXAMPLES = int(os.environ.get('ASSIST_EXAMPLES', few('10', '3')))

TAXES = {
    'fifteen': {'amount': 15.0},
    'five': {'amount': 5.0},
    'swiss': {'amount': 7.7},
    'included': {'amount': 21.0, 'price_include_override': 'tax_included'},
    'also included': {'amount': 19.6, 'price_include_override': 'tax_included'},
    'first': {'amount': 3.0, 'include_base_amount': True, 'sequence': 0},
    'apiece': {'amount': 0.37, 'amount_type': 'fixed'},
    'included apiece': {
        'amount': 0.5,
        'amount_type': 'fixed',
        'price_include_override': 'tax_included',
        'include_base_amount': True,
        'sequence': 0,
    },
    'division': {'amount': 10.0, 'amount_type': 'division'},
    'withheld': {'amount': -10.0},
    'reversed': {'amount': 20.0},
    'group': {'amount_type': 'group', 'amount': 0.0},
}
CURRENCIES = ('USD', 'EUR', 'JPY', 'KWD')
ROUNDINGS = (None, 'line', 'tax')

LINES = st.tuples(
    st.sampled_from(['session', 'hour', 'device', 'minimum', '', '', '']),
    st.integers(0, 99_999),
    st.sampled_from([1.0, 1.67, 0.55, 3.0]),
    st.sets(st.sampled_from(sorted(TAXES)), max_size=3),
    # By hand, a line may take something off.
    st.sampled_from([1, 1, 1, -1]),
)
BILLS = st.fixed_dictionaries(
    {
        'lines': st.lists(LINES, min_size=1, max_size=6),
        'currency': st.sampled_from(CURRENCIES),
        'method': st.sampled_from(['round_per_line', 'round_globally']),
        'rounding': st.sampled_from(ROUNDINGS),
        'position': st.booleans(),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just('additional'), st.integers(1, 20_000)),
        # In thousandths of what is left.
        st.tuples(st.just('discount'), st.integers(1, 999)),
        st.tuples(st.just('discount'), st.integers(1, 999)),
        st.tuples(st.sampled_from(['post', 'sent', 'pay', 'credit']), st.integers(1, 999)),
    ),
    max_size=6,
)

# What was found by them.
ROUNDING_ON_A_TAX = (
    {
        'lines': [
            ('', 8649, 1.0, set(), 1),
            ('hour', 14620, 3.0, {'fifteen', 'group', 'included'}, 1),
        ],
        'currency': 'JPY',
        'method': 'round_globally',
        'rounding': 'tax',
        'position': True,
    },
    [('discount', 900), ('additional', 393), ('pay', 429)],
)
ROUNDING_OF_FOREIGN_COINS = (
    {
        'lines': [
            ('', 62, 1.0, set(), 1),
            ('minimum', 73002, 3.0, {'swiss', 'group', 'five'}, 1),
            ('session', 0, 0.55, set(), 1),
            ('minimum', 759, 1.67, {'included apiece', 'included'}, 1),
        ],
        'currency': 'JPY',
        'method': 'round_globally',
        'rounding': 'line',
        'position': False,
    },
    [],
)
NO_USAGE = (
    {
        'lines': [('', 66, 3.0, set(), 1)],
        'currency': 'JPY',
        'method': 'round_globally',
        'rounding': 'tax',
        'position': False,
    },
    [('discount', 272), ('additional', 666)],
)
# The taxes of its lines are left, and cancel each other out.
NO_TAX_TO_ROUND = (
    {
        'lines': [
            ('session', 35864, 3.0, {'first', 'included'}, 1),
            ('', 28, 0.55, {'first'}, 1),
        ],
        'currency': 'KWD',
        'method': 'round_globally',
        'rounding': 'tax',
        'position': False,
    },
    [('discount', 999)],
)
COINS_TAKEN_OFF = (
    {
        'lines': [('hour', 29845, 1.0, {'apiece', 'swiss', 'included'}, 1)],
        'currency': 'USD',
        'method': 'round_globally',
        'rounding': 'line',
        'position': False,
    },
    [('discount', 207), ('post', 0), ('additional', 502), ('discount', 120), ('sent', 0)],
)
COINS_WITHOUT_TAX = (
    {
        'lines': [('', 5217, 1.0, set(), 1)],
        'currency': 'KWD',
        'method': 'round_per_line',
        'rounding': 'line',
        'position': False,
    },
    [('discount', 224), ('post', 0)],
)


@tagged('post_install', '-at_install')
@freeze_time('2026-02-10 12:00:00')
class TestAddChargesAnyBill(AddChargesCommon):
    """Whatever is on a bill, costs and discounts do what was announced, down to 0.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.currencies = {'USD': cls.company.currency_id}
        for name, rate in (('EUR', 0.83), ('JPY', 147.31), ('KWD', 0.3073)):
            currency = (
                cls.env['res.currency']
                .with_context(active_test=False)
                .search([('name', '=', name)])
            )
            currency.active = True
            currency.rate_ids.unlink()
            cls.env['res.currency.rate'].create(
                [
                    {'currency_id': currency.id, 'name': day, 'rate': rate * factor}
                    for day, factor in (('2020-01-01', 1.0), ('2026-02-05', 1.13))
                ]
            )
            cls.currencies[name] = currency
        cls.taxes = {
            name: cls.env['account.tax'].create(
                {'name': name, 'type_tax_use': 'sale', 'company_id': cls.company.id, **vals}
            )
            for name, vals in TAXES.items()
        }
        cls.taxes['group'].children_tax_ids = cls.env['account.tax'].create(
            [
                {'name': f"part {amount}", 'amount': amount, 'type_tax_use': 'none'}
                for amount in (9.0, 2.5)
            ]
        )
        both_sides = [
            Command.clear(),
            Command.create({'repartition_type': 'base'}),
            Command.create({'repartition_type': 'tax', 'factor_percent': 100.0}),
            Command.create({'repartition_type': 'tax', 'factor_percent': -100.0}),
        ]
        cls.taxes['reversed'].write(
            {
                'invoice_repartition_line_ids': both_sides,
                'refund_repartition_line_ids': both_sides,
            }
        )
        cls.position = cls.env['account.fiscal.position'].create({'name': "Somewhere"})
        cls.roundings = {None: cls.env['account.cash.rounding']}
        account = cls.company_data['default_account_revenue'].copy()
        for name, strategy, method in (
            ('line', 'add_invoice_line', 'HALF-UP'),
            ('tax', 'biggest_tax', 'DOWN'),
        ):
            cls.roundings[name] = cls.env['account.cash.rounding'].create(
                {
                    'name': name,
                    'rounding': 0.05,
                    'strategy': strategy,
                    'rounding_method': method,
                    'profit_account_id': account.id,
                    'loss_account_id': account.id,
                }
            )

    # === ANY BILL === #

    def _create_any_bill(self, drawn):
        self.company.tax_calculation_rounding_method = drawn['method']
        currency = self.currencies[drawn['currency']]
        rounding = self.roundings[drawn['rounding']]
        rounding.rounding = max(currency.rounding * 5, 0.005)
        product = self.plan.session_product_id
        # As the closing makes it.
        bill = (
            self.env['account.move']
            .sudo()
            .create(
                {
                    'move_type': 'out_invoice',
                    'assist_kind': 'bill',
                    'assist_cycle_id': self.association.cycle_ids[:1].id,
                    'partner_id': self.customer.id,
                    'currency_id': currency.id,
                    'invoice_date': '2026-02-02',
                    'invoice_payment_term_id': False,
                    'invoice_cash_rounding_id': rounding.id,
                    'fiscal_position_id': drawn['position'] and self.position.id,
                    'invoice_line_ids': [
                        Command.create(
                            {
                                'name': f"line {number}",
                                'assist_charge': charge,
                                'product_id': charge and product.id,
                                'quantity': quantity,
                                'discount': 0 if charge else 10,
                                'price_unit': (1 if charge else sign) * units * currency.rounding,
                                'tax_ids': [
                                    Command.set([self.taxes[name].id for name in sorted(taxes)])
                                ],
                            }
                        )
                        for number, (charge, units, quantity, taxes, sign) in enumerate(
                            drawn['lines']
                        )
                    ],
                }
            )
        )
        return bill.sudo(False)

    def _get_left(self, bill):
        documents = bill | bill.assist_linked_ids
        if bill.state == 'draft':
            documents = bill
        return bill.currency_id.round(
            sum(
                sign
                * sum(
                    -line.amount_currency
                    for line in document.line_ids
                    if line.display_type == 'product'
                )
                for document, sign in ((document, 1) for document in documents)
            )
        )

    def _get_taxes(self, bill):
        """Return {tax: (base, amount)} of all documents."""
        taxes = defaultdict(float)
        for line in (bill | bill.assist_linked_ids).line_ids:
            # The rounding may stand on a tax.
            if line.tax_repartition_line_id.factor_percent > 0:
                taxes[line.tax_line_id] -= line.amount_currency
        return {tax: bill.currency_id.round(amount) for tax, amount in taxes.items()}

    def _get_bases(self, bill, kinds=('product',)):
        bases = defaultdict(float)
        for line in (bill | bill.assist_linked_ids).line_ids:
            if line.display_type in kinds and not line.tax_repartition_line_id:
                bases[line.tax_ids] -= line.amount_currency
        return {taxes: bill.currency_id.round(base) for taxes, base in bases.items()}

    # === ANY STEP === #

    def _play(self, drawn, steps):
        bill = self._create_any_bill(drawn)
        currency = bill.currency_id
        assume(currency.compare_amounts(self._get_left(bill), 0.0) > 0)
        assume(currency.compare_amounts(bill.amount_total, 0.0) >= 0)
        paid = 0.0
        for name, value in [*steps, ('post', 0), ('all', 0)]:
            if name == 'post' and bill.state == 'draft':
                if currency.compare_amounts(bill.amount_total, 0.0) < 0:
                    break
                bill._post(soft=False)
            elif name == 'sent' and bill.state == 'posted':
                bill.sudo().assist_delivery_state = 'sent'
            elif name == 'pay' and bill.state == 'posted' and bill.amount_residual:
                amount = currency.round(bill.amount_residual * value / 999) or currency.rounding
                payment = self._register_payment(
                    bill, amount=amount, currency_id=currency.id, payment_date='2026-02-10'
                )
                paid += amount
                self.assertTrue(payment)
            elif name == 'additional':
                self._adjust(bill, name, value * currency.rounding)
            elif name in ('discount', 'all'):
                left = self._get_left(bill)
                part = left if name == 'all' else currency.round(left * value / 1000)
                if currency.compare_amounts(part, 0.0) > 0:
                    self._adjust(
                        bill, 'discount', part, all_=not currency.compare_amounts(part, left)
                    )
        if bill.state == 'posted' and not self._get_left(bill):
            self._assert_nothing_left(bill, paid)

    def _adjust(self, bill, charge, amount, *, all_=False):
        currency = bill.currency_id
        amount = currency.round(amount)
        taxes, bases = self._get_taxes(bill), self._get_bases(bill)
        # What the bill's own rounding to coins added, credit notes take off.
        coins = self._get_bases(bill, ('rounding',)) if bill.state == 'posted' else {}
        dialog = self._open_dialog(bill, amount, charge)
        self.assertFalse(dialog.problem)
        announced = dialog.updated_total
        try:
            dialog.action_add()
        except UserError as error:
            if bill.state == 'posted' or 'negative' not in str(error):
                raise
        self.assertEqual(currency.compare_amounts(bill.assist_net_total, announced), 0)
        if charge == 'additional':
            return
        after = self._get_taxes(bill)
        for tax, before in taxes.items():
            # To round to coins, a tax may be turned.
            if (before > 0) == (tax.amount > 0) and not bill.invoice_cash_rounding_id:
                now = after.get(tax, 0.0)
                self.assertFalse(now and (now > 0) != (before > 0), (tax.name, before, now))
        for group, base in self._get_bases(bill).items():
            if bases.get(group, 0.0) >= 0:
                added = max(0.0, coins.get(group, 0.0))
                self.assertGreaterEqual(currency.compare_amounts(base, -added), 0, (base, added))
        if all_:
            bases = self._get_bases(bill, ('product', 'rounding'))
            self.assertEqual(set(bases.values()), {0.0})
            self.assertLessEqual(set(after.values()), {0.0})

    def _assert_nothing_left(self, bill, paid):
        currency = bill.currency_id
        self.assertTrue(currency.is_zero(bill.assist_net_total))
        documents = bill | bill.assist_linked_ids
        for name in ('amount_untaxed_in_currency_signed', 'amount_total_in_currency_signed'):
            total = sum(documents.mapped(name))
            if name == 'amount_total_in_currency_signed' or not bill.invoice_cash_rounding_id:
                self.assertTrue(currency.is_zero(total), (name, total))
        receivable = self.env['account.move.line'].search(
            [
                ('partner_id', '=', self.customer.id),
                ('account_id.account_type', '=', 'asset_receivable'),
                ('parent_state', '=', 'posted'),
            ]
        )
        self.assertEqual(
            currency.compare_amounts(sum(receivable.mapped('amount_residual_currency')), -paid), 0
        )
        if not paid:
            company_currency = self.company.currency_id
            self.assertTrue(
                company_currency.is_zero(sum(receivable.mapped('amount_residual'))),
                [
                    (line.display_type, line.name, line.amount_currency, line.balance)
                    for line in documents.line_ids
                ],
            )
            self.assertNotIn('not_paid', documents.mapped('payment_state'))

    @shortened
    def test_any_bill_any_sequence(self):
        self._close('2026-01-01 00:00:00')
        self.tried = 0

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=EXAMPLES < 100,
            database=None,
            report_multiple_bugs=False,
            # Each example takes a good part of a second: the first that fails is shown as it is.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @example(*ROUNDING_ON_A_TAX)
        @example(*ROUNDING_OF_FOREIGN_COINS)
        @example(*NO_USAGE)
        @example(*NO_TAX_TO_ROUND)
        @example(*COINS_TAKEN_OFF)
        @example(*COINS_WITHOUT_TAX)
        @given(BILLS, STEPS)
        def check(drawn, steps):
            with closing(self.env.cr.savepoint()):
                self._play(drawn, steps)
                self.tried += 1
            self.env.invalidate_all()

        check()
        self.assertGreater(self.tried, EXAMPLES // 3)
