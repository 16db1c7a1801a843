import itertools

from odoo.fields import Command

from ..thorough import few, spread
from .fast_common import NOW, FastPathCase


class ShapesCase(FastPathCase):
    """Bills of every shape that is made all at once: each method opens cycles of one."""

    @classmethod
    def _get_shapes(cls):
        """Return the names of the methods that open cycles of a shape."""
        return [name for name in dir(cls) if name.startswith('_shape_')]

    @classmethod
    def _get_shapes_and_roundings(cls, few_shapes):
        """Return pairs: each shape in both ways to round taxes; `few_shapes` of them in turns."""
        roundings = ('round_per_line', 'round_globally')
        shapes = spread(cls._get_shapes(), few_shapes)
        short = list(zip(shapes, itertools.cycle(roundings), strict=False))
        return few(list(itertools.product(shapes, roundings)), short)

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
        term = self.env['account.payment.term'].create(
            {
                'name': "30% in Advance",
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 30.0, 'nb_days': 0}),
                    Command.create(
                        {
                            'value': 'percent',
                            'value_amount': 70.0,
                            'delay_type': 'days_after_end_of_next_month',
                        }
                    ),
                ],
            }
        )
        partners = self.env['res.partner'].create(
            [
                {'name': "Department", 'parent_id': head.id, 'type': 'contact'},
                {
                    'name': "Other",
                    'is_company': True,
                    'property_inbound_payment_method_line_id': method.id,
                    'child_ids': [Command.create({'name': "Door", 'type': 'delivery'})],
                },
                {'name': "Term", 'property_payment_term_id': term.id},
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

    def _shape_fees(self):
        fee = {
            'product_id': self.hourly.hour_product_id.id,
            'price': 500.0,
            'included_hours': 0.5,
        }
        per_device = {**fee, 'quantity_rule': 'devices', 'price': 8.25, 'included_hours': 0.0}
        return self._open_cycles(
            self._create_taxed_plan(
                self._create_taxes({'amount': 15.0}),
                fee_ids=[
                    Command.create(vals)
                    for vals in (
                        {**fee, 'name': "Care"},
                        {**per_device, 'name': "Devices"},
                        {**fee, 'name': "Backup", 'charge': 'arrears'},
                    )
                ],
            )
        )

    def _shape_tiers(self):
        plan = self._create_taxed_plan(
            self._create_taxes({'amount': 15.0}),
            tier_ids=[
                Command.create({'from_quantity': quantity, 'price': price})
                for quantity, price in ((0.5, 70.0), (1.0, 61.13))
            ],
        )
        return self._open_cycles(plan)

    def _shape_prices_by_date(self):
        plan = self._create_taxed_plan(
            self._create_taxes({'amount': 15.0}),
            version_ids=[
                Command.create({'date_from': day, 'price_per_hour': price})
                for day, price in (('2026-01-02', 63.33), ('2026-01-03', 70.0))
            ],
        )
        return self._open_cycles(plan)

    def _shape_maximum(self):
        plan = self._create_taxed_plan(
            self._create_taxes({'amount': 15.0}), base_fee=5.0, maximum_charge=20.0
        )
        return self._open_cycles(plan)

    def _shape_maximum_with_tax_taken_out(self):
        cycles = self._shape_included_tax_taken_out()
        for cycle in cycles:
            cycle.terms = {**cycle.terms, 'maximum_charge': 15.0}
        return cycles

    def _shape_drafts(self):
        return self._open_cycles(
            self._create_taxed_plan(self._create_taxes({'amount': 15.0}), bill_handling='draft')
        )

    def _shape_sent(self):
        return self._open_cycles(
            self._create_taxed_plan(self._create_taxes({'amount': 15.0}), bill_handling='send')
        )
