from unittest.mock import patch

from odoo.fields import Command
from odoo.modules import get_module_path
from odoo.tests import tagged

from ...models.invoice import bill_maker_rule, fast_sources
from ..thorough import thorough
from .fast_common import FastPathCase


@tagged('post_install', '-at_install')
@thorough
class TestFastRule(FastPathCase):
    """What is not proven equal is made the ordinary way, and is right all the same."""

    def _create_cycles(self):
        return self._open_cycles(self._create_taxed_plan(self._create_taxes({'amount': 15.0})))

    def _assert_slow(self, cycles, fast=0):
        self._assert_equal_both_ways(cycles, fast=fast)

    def test_with_models_of_analytic_distribution(self):
        plan = self.env['account.analytic.plan'].create({'name': "Plan"})
        account = self.env['account.analytic.account'].create(
            {'name': "Account", 'plan_id': plan.id, 'company_id': self.company.id}
        )
        self.env['account.analytic.distribution.model'].create(
            {'company_id': self.company.id, 'analytic_distribution': {str(account.id): 100}}
        )
        cycles = self._create_cycles()
        self._assert_slow(cycles)
        stored, _made = self._make_and_read(cycles)
        self.assertTrue(any(line['analytic_distribution'] for line in stored['account_move_line']))

    def test_with_storno_accounting(self):
        self.company.account_storno = True
        self._assert_slow(self._create_cycles())

    def test_with_a_sealed_journal(self):
        self.company_data['default_journal_sale'].restrict_mode_hash_table = True
        stored, made_fast = self._make_and_read(self._create_cycles())
        self.assertFalse(made_fast)
        self.assertTrue(all(row['inalterable_hash'] for row in stored['account_move']))

    def test_with_taxes_of_the_account(self):
        account = self.company_data['default_account_revenue'].copy(
            {
                'code': '400999',
                'tax_ids': [Command.set(self._create_taxes({'amount': 7.0}).ids)],
            }
        )
        plan = self._create_taxed_plan(self.env['account.tax'])
        (plan.hour_product_id | plan.device_product_id).property_account_income_id = account
        self._assert_slow(self._open_cycles(plan))

    def test_only_the_bill_of_another_shape_is_slow(self):
        cycles = self._create_cycles()
        model = type(cycles)
        original = model._prepare_document_vals

        def with_narration(cycle, now):
            vals = original(cycle, now)
            return vals | {'narration': "Order 66"} if cycle == cycles[1] else vals

        with patch.object(model, '_prepare_document_vals', with_narration):
            self._assert_slow(cycles, fast=len(cycles) - 1)

    def test_with_other_values_on_lines(self):
        cycles = self._create_cycles()
        model = type(cycles)
        original = model._prepare_line_vals

        def with_project(cycle, *args):
            return original(cycle, *args) | {'analytic_distribution': {}}

        with patch.object(model, '_prepare_line_vals', with_project):
            self._assert_slow(cycles)

    def test_discounts_and_negative_lines_are_fast(self):
        cycles = self._create_cycles()
        model = type(cycles)
        original = model._prepare_line_commands

        def with_discounts(cycle, outcome):
            commands = original(cycle, outcome)
            vals = commands[0][2]
            return [
                Command.create(vals | {'discount': 12.5}),
                *commands[1:],
                Command.create(vals | {'price_unit': -3.33, 'quantity': 1.0, 'sequence': 900}),
            ]

        with patch.object(model, '_prepare_line_commands', with_discounts):
            self._assert_slow(cycles, fast=len(cycles))

    def test_an_add_on_that_changes_invoices_makes_all_slow(self):
        known = bill_maker_rule.COMPARED_MODULES - {'account_payment', 'sms'}
        maker = self.env['assist.bill.maker']
        self.assertFalse(maker._get_listeners())
        with patch.object(bill_maker_rule, 'COMPARED_MODULES', known - {'account'}):
            self.assertTrue(maker._get_listeners())
            self._assert_slow(self._create_cycles())

    def test_goods_are_slow(self):
        plan = self._create_taxed_plan(self._create_taxes({'amount': 15.0}))
        plan.device_product_id.type = 'consu'
        self._assert_slow(self._open_cycles(plan))

    def test_every_add_on_that_was_read_is_one_of_odoo(self):
        # An add-on of somebody else may take no such name.
        for module in bill_maker_rule.HARMLESS_PARTS:
            self.assertTrue(get_module_path(module, display_warning=False), module)

    def test_another_version_of_odoo_than_was_compared_is_slow_and_said(self):
        sources = dict(fast_sources.COMPARED_SOURCES)
        sources['account.move', 'account', '_sync_tax_lines'] = {'of another version'}
        del sources['account.move.line', 'account', '_compute_totals']
        with patch.object(bill_maker_rule, 'COMPARED_SOURCES', sources):
            [words] = self.env['assist.bill.maker']._get_listeners()
            self.assertIn("another version than was compared", words)
            self.assertIn("(_compute_totals, _sync_tax_lines)", words)
            self._assert_slow(self._create_cycles())

    def test_each_method_that_was_copied_is_watched(self):
        compared = fast_sources.COMPARED_SOURCES
        for model, names in bill_maker_rule.REPLACED_METHODS.items():
            for name in names:
                with self.subTest(model=model, method=name):
                    owners = [key[1] for key in compared if (key[0], key[2]) == (model, name)]
                    self.assertTrue(owners)

    def test_code_tells_versions_apart_and_comments_do_not(self):
        get_checksum = bill_maker_rule.get_checksum

        class First:
            def method(self):
                # One says it so.
                return 1

        class Second:
            def method(self):
                return 1

        class Third:
            def method(self):
                return 2

        self.assertEqual(get_checksum(First.method), get_checksum(Second.method))
        self.assertNotEqual(get_checksum(First.method), get_checksum(Third.method))
        self.assertIsNone(get_checksum(len))
