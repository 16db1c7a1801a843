import logging
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .fast_common import NOW, FastPathCase

_logger = logging.getLogger(__name__)


@tagged('post_install', '-at_install')
class TestFastPath(FastPathCase):
    """The comparator: bills made all at once equal bills made by Odoo's ordinary way."""

    def test_shapes_are_equal_in_every_stored_field(self):
        shapes = [name for name in dir(self) if name.startswith('_shape_')]
        bills = values = 0
        for name in shapes:
            for rounding in ('round_per_line', 'round_globally'):
                with self.subTest(shape=name, rounding=rounding), self.cr.savepoint() as savepoint:
                    self.company.tax_calculation_rounding_method = rounding
                    counted = self._assert_equal_both_ways(getattr(self, name)())
                    bills, values = bills + counted[0], values + counted[1]
                    savepoint.rollback()
                    self.env.invalidate_all()
        _logger.info(
            "Fast way: %s shapes, rounded per line and per document, %s bills, %s stored values "
            "compared, 0 differences.",
            len(shapes),
            bills,
            values,
        )
        self.assertGreater(values, 40000)

    def test_bills_for_late_sessions_are_equal(self):
        cycles = self._shape_fixed_and_percent()
        cycles._close_together(NOW)
        for partner in cycles.partner_id:
            self._create_session(partner, ended_at='2026-01-20 10:00:00', minutes=37)
        later = NOW.replace(month=6)

        def bill_late():
            for cycle in cycles:
                cycle._bill_late(later)

        bills, _values = self._assert_equal_both_ways(cycles, close=bill_late)
        self.assertEqual(bills, len(cycles))

    # Otherwise the two ways may be taken in different seconds, and `closed_at` tells.
    @freeze_time('2026-02-03 10:00:00')
    def test_bills_made_again_are_equal(self):
        cycles = self._shape_fixed_and_percent()
        cycles._close_together(NOW)
        cycles.move_id.button_cancel()
        bills, _values = self._assert_equal_both_ways(cycles, close=cycles.action_rebill)
        self.assertEqual(bills, len(cycles))

    def test_a_corrupted_value_is_found(self):
        """The check of the check: each stored value, changed, is reported."""
        stored, _made = self._make_and_read(self._shape_fixed_and_percent())
        missed = []
        for table in ('account_move', 'account_move_line', 'mail_message'):
            for name in stored[table][0]:
                corrupted = {**stored, table: [dict(row) for row in stored[table]]}
                corrupted[table][-1][name] = 'corrupted'
                _compared, differences = self._compare(stored, corrupted)
                if not differences:
                    missed.append(name)
        self.assertEqual(
            set(missed),
            {'id', 'create_date', 'write_date', 'move_id', 'res_id', 'message_id', 'date'},
        )
        fewer = {**stored, 'account_move_line': stored['account_move_line'][:-1]}
        self.assertTrue(self._compare(stored, fewer)[1])

    def test_a_wrong_amount_of_the_fast_way_is_found(self):
        # Drafts: posting has Odoo sum up the lines again.
        cycles = self._shape_drafts()
        plain, _made = self._make_and_read(cycles, slow=True)
        model = type(self.env['assist.bill.maker'])
        original = model._get_amounts

        def wrong(self, lines, company):
            amounts = original(self, lines, company)
            return amounts | {'amount_tax': amounts['amount_tax'] + 0.01}

        with patch.object(model, '_get_amounts', wrong):
            quick, _made = self._make_and_read(cycles, tables=plain)
        self.assertEqual(
            {(table, name) for table, name, *_values in self._compare(plain, quick)[1]},
            {('account_move', 'amount_tax')},
        )

    def test_what_does_not_come_out_as_given_is_made_the_ordinary_way(self):
        cycles = self._shape_percent()
        model = type(self.env['assist.bill.maker'])
        original = model._prepare_term_line

        def wrong(self, *args):
            line = original(self, *args)
            return line | {'balance': line['balance'] + 0.01}

        with (
            patch.object(model, '_prepare_term_line', wrong),
            self.assertLogs('odoo.addons.assist_billing', logging.INFO) as logs,
        ):
            self._assert_equal_both_ways(cycles, fast=0)
        self.assertIn("of Customer 0 something has changed: balance", "".join(logs.output))

    # === SHAPES: TAXES === #

    def _shape_percent(self):
        return self._open_cycles(self._create_taxed_plan(self._create_taxes({'amount': 15.0})))

    def _shape_no_tax(self):
        return self._open_cycles(self._create_taxed_plan(self.env['account.tax']))

    def _shape_zero_percent(self):
        return self._open_cycles(self._create_taxed_plan(self._create_taxes({'amount': 0.0})))

    def _shape_included(self):
        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes({'amount': 21.0, 'price_include_override': 'tax_included'})
            )
        )

    def _shape_included_and_excluded(self):
        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes(
                    {'amount': 7.7, 'price_include_override': 'tax_included', 'sequence': 1},
                    {'amount': 5.5, 'sequence': 2},
                )
            )
        )

    def _shape_tax_on_tax(self):
        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes(
                    {'amount': 5.0, 'include_base_amount': True, 'sequence': 1},
                    {'amount': 9.975, 'sequence': 2},
                )
            )
        )

    def _shape_group(self):
        children = self._create_taxes({'amount': 9.0}, {'amount': 9.25})
        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes(
                    {'amount_type': 'group', 'children_tax_ids': [Command.set(children.ids)]}
                )
            )
        )

    def _shape_fixed_and_percent(self):
        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes(
                    {'amount_type': 'fixed', 'amount': 1.11, 'include_base_amount': True},
                    {'amount': 19.0},
                )
            )
        )

    def _shape_division(self):
        return self._open_cycles(
            self._create_taxed_plan(self._create_taxes({'amount_type': 'division', 'amount': 12.5}))
        )

    def _shape_split_with_tags(self):
        tags = self.env['account.account.tag'].create(
            [{'name': name, 'applicability': 'taxes'} for name in ("base", "part", "rest")]
        )
        accounts = self.company_data['default_account_tax_sale'] | self.company_data[
            'default_account_tax_sale'
        ].copy({'code': '251998'})

        def lines():
            return [
                Command.create({'repartition_type': 'base', 'tag_ids': [Command.set(tags[0].ids)]}),
                *(
                    Command.create(
                        {
                            'repartition_type': 'tax',
                            'factor_percent': percent,
                            'account_id': account.id,
                            'tag_ids': [Command.set(tag.ids)],
                        }
                    )
                    for percent, account, tag in zip((60, 40), accounts, tags[1:], strict=True)
                ),
            ]

        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes(
                    {
                        'amount': 13.0,
                        'invoice_repartition_line_ids': lines(),
                        'refund_repartition_line_ids': lines(),
                    }
                )
            )
        )

    def _shape_reverse_charge(self):
        def lines():
            return [
                Command.create({'repartition_type': 'base'}),
                Command.create({'repartition_type': 'tax', 'factor_percent': 100}),
                Command.create({'repartition_type': 'tax', 'factor_percent': -100}),
            ]

        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes(
                    {
                        'amount': 20.0,
                        'invoice_repartition_line_ids': lines(),
                        'refund_repartition_line_ids': lines(),
                    }
                )
            )
        )

    def _shape_cash_basis(self):
        self.company.tax_exigibility = True
        transition = self.company_data['default_account_tax_sale'].copy(
            {'code': '251999', 'reconcile': True}
        )
        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes(
                    {
                        'amount': 16.0,
                        'tax_exigibility': 'on_payment',
                        'cash_basis_transition_account_id': transition.id,
                    }
                )
            )
        )

    def _shape_product_tags(self):
        plan = self._create_taxed_plan(self._create_taxes({'amount': 15.0}))
        plan.hour_product_id.account_tag_ids = self.env['account.account.tag'].create(
            {'name': "Services", 'applicability': 'products'}
        )
        return self._open_cycles(plan)

    # === SHAPES: CURRENCIES AND COMPANIES === #

    def _shape_foreign_currency(self):
        currency = self._create_currency('XTA', 0.01, 0.8371)
        taxes = self._create_taxes(
            {'amount': 21.0, 'price_include_override': 'tax_included'}, {'amount': 3.3}
        )
        return self._open_cycles(self._create_taxed_plan(taxes, currency_id=currency.id))

    def _shape_currency_without_cents(self):
        currency = self._create_currency('XTB', 1.0, 147.31)
        taxes = self._create_taxes({'amount': 8.0}, {'amount': 2.0})
        return self._open_cycles(
            self._create_taxed_plan(taxes, currency_id=currency.id, price_per_hour=9137.0)
        )

    def _shape_currency_with_mills(self):
        currency = self._create_currency('XTC', 0.001, 0.3072)
        return self._open_cycles(
            self._create_taxed_plan(self._create_taxes({'amount': 5.0}), currency_id=currency.id)
        )

    def _shape_other_company(self):
        company = self.second_company.with_env(self.env)
        company._assist_set_product_taxes()
        plan = self._create_plan(name="Second", company_id=company.id, price_per_session=17.13)
        return self._open_cycles(plan) | self._shape_home_company()

    def _shape_home_company(self):
        plan = self._create_plan(name="Home", company_id=self.company.id, price_per_session=17.13)
        return self._open_cycles(plan)

    # === SHAPES: CUSTOMERS === #

    def _shape_fiscal_position(self):
        home, abroad = self._create_taxes({'amount': 15.0}, {'amount': 6.0})
        country = self.env.ref('base.fr')
        position = self.env['account.fiscal.position'].create(
            {
                'name': "France",
                'auto_apply': True,
                'country_id': country.id,
                'company_id': self.company.id,
                'account_ids': [
                    Command.create(
                        {
                            'account_src_id': source.id,
                            'account_dest_id': source.copy({'code': code}).id,
                        }
                    )
                    for source, code in (
                        (self.company_data['default_account_revenue'], '400998'),
                        (self.company_data['default_account_receivable'], '121998'),
                    )
                ],
            }
        )
        abroad.write(
            {
                'fiscal_position_ids': [Command.link(position.id)],
                'original_tax_ids': [Command.link(home.id)],
            }
        )
        partners = self.env['res.partner'].create(
            [
                {'name': "At home"},
                {'name': "In France", 'country_id': country.id, 'lang': 'en_US'},
                {'name': "By hand", 'property_account_position_id': position.id},
            ]
        )
        return self._open_cycles(self._create_taxed_plan(home), partners)

    def _shape_included_tax_taken_out(self):
        included, free = self._create_taxes(
            {'amount': 20.0, 'price_include_override': 'tax_included'}, {'amount': 0.0}
        )
        position = self.env['account.fiscal.position'].create({'name': "Export"})
        free.write(
            {
                'fiscal_position_ids': [Command.link(position.id)],
                'original_tax_ids': [Command.link(included.id)],
            }
        )
        without = self.env['account.fiscal.position'].create({'name': "No taxes"})
        partners = self.env['res.partner'].create(
            [
                {'name': "Export", 'property_account_position_id': position.id},
                {'name': "No taxes", 'property_account_position_id': without.id},
                {'name': "Home"},
            ]
        )
        return self._open_cycles(self._create_taxed_plan(included), partners)

    def _shape_contacts(self):
        """Departments, delivery addresses, accounts, salespeople and banks of their own."""
        receivable = self.company_data['default_account_receivable'].copy({'code': '121999'})
        salesperson = self._create_technician('salesperson')
        head = self.env['res.partner'].create(
            {
                'name': "Head",
                'is_company': True,
                'user_id': salesperson.id,
                'property_account_receivable_id': receivable.id,
            }
        )
        method = self.company_data['default_journal_bank'].inbound_payment_method_line_ids[:1]
        partners = self.env['res.partner'].create(
            [
                {'name': "Department", 'parent_id': head.id, 'type': 'contact'},
                {
                    'name': "Other",
                    'is_company': True,
                    'property_inbound_payment_method_line_id': method.id,
                    'child_ids': [Command.create({'name': "Door", 'type': 'delivery'})],
                },
                {'name': "Term", 'property_payment_term_id': self.pay_terms_b.id},
            ]
        )
        self.env['res.partner.bank'].create(
            {'acc_number': "BE-1", 'partner_id': self.company.partner_id.id}
        )
        return self._open_cycles(
            self._create_taxed_plan(self._create_taxes({'amount': 15.0})), partners
        )

    def _shape_terms_and_incoterm(self):
        self.env['ir.config_parameter'].set_param('account.use_invoice_terms', True)
        self.company.invoice_terms = "Please pay."
        self.company.incoterm_id = self.env['account.incoterms'].search([], limit=1)
        return self._shape_percent()

    # === SHAPES: LINES === #

    def _shape_every_charge(self):
        plan = self._create_taxed_plan(
            self._create_taxes({'amount': 15.0}),
            base_fee=5.0,
            base_minutes=15,
            minimum_charge=500.0,
        )
        cycles = self._open_cycles(plan)
        cycles._close_together(NOW)
        for partner in cycles.partner_id:
            self._create_session(partner, ended_at='2026-01-20 10:00:00', minutes=600)
        later = NOW.replace(month=3)
        cycles._open_for(cycles.association_id, later)
        return cycles.association_id.cycle_ids.filtered(
            lambda cycle: cycle.state == 'open' and cycle.end_at <= later
        )

    def _shape_drafts(self):
        return self._open_cycles(
            self._create_taxed_plan(self._create_taxes({'amount': 15.0}), bill_handling='draft')
        )

    def _shape_sent(self):
        return self._open_cycles(
            self._create_taxed_plan(self._create_taxes({'amount': 15.0}), bill_handling='send')
        )
