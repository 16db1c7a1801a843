import itertools
from unittest.mock import patch

from lxml import etree

from odoo.fields import Command
from odoo.tests import tagged

from ..thorough import shortened, spread, thorough
from .fast_common import NOW, FastPathCase

ROUNDINGS = ('round_per_line', 'round_globally')
# Prices of an hour and of a device: what is billed of them ends in fractions of a cent that, summed
# up first and rounded then, make another cent. So do 121 % and 107.7 % of them.
PRICES = ((83.32, 7.22), (100.75, 8.84), (50.42, 7.85))


@tagged('post_install', '-at_install')
class TestLineRounding(FastPathCase):
    """What is printed adds up: lines, untaxed amount, statement and e-invoice, to the cent."""

    # === MAKING === #

    def _get_tax_sets(self):
        """Return kinds of taxes as pairs: those of the hours, those of the devices."""
        create = self._create_taxes
        children = create({'amount': 9.0}, {'amount': 9.25})
        percent = create({'amount': 15.0})
        included = create({'amount': 21.0, 'price_include_override': 'tax_included'})
        return {
            'none': (self.env['account.tax'],) * 2,
            'percent': (percent,) * 2,
            'two rates': (percent, create({'amount': 5.5})),
            'included': (included,) * 2,
            'included and excluded': (included, percent),
            'both on a line': (
                create(
                    {'amount': 7.7, 'price_include_override': 'tax_included', 'sequence': 1},
                    {'amount': 5.5, 'sequence': 2},
                ),
            )
            * 2,
            'tax on tax': (
                create(
                    {'amount': 5.0, 'include_base_amount': True, 'sequence': 1},
                    {'amount': 9.975, 'sequence': 2},
                ),
            )
            * 2,
            'a piece': (
                create(
                    {'amount_type': 'fixed', 'amount': 1.11, 'include_base_amount': True},
                    {'amount': 19.0},
                ),
            )
            * 2,
            'group': (
                create({'amount_type': 'group', 'children_tax_ids': [Command.set(children.ids)]}),
            )
            * 2,
            'division': (create({'amount_type': 'division', 'amount': 12.5}),) * 2,
        }

    def _open_cycles_with(self, hour_taxes, device_taxes, **vals):
        """Return cycles at several prices, whose devices are charged by the day."""
        cycles = self.env['assist.billing.cycle']
        for hour_price, device_price in PRICES:
            plan = self._create_taxed_plan(
                hour_taxes,
                price_per_hour=hour_price,
                price_per_device=device_price,
                device_count='by_day',
                **vals,
            )
            plan.device_product_id.taxes_id = device_taxes
            partner = self._create_partner(f"Customer at {hour_price}")
            self._create_device(partner, enrolled_on='2026-01-12')
            cycles |= self._open_cycles(plan, partner)
        return cycles

    def _bill(self, cycles, slow=False):
        """Bill `cycles`, the fast way or the ordinary one."""
        maker = type(self.env['assist.bill.maker'])
        original = maker._get_general_slow_reason
        reason = (lambda _maker: "to be compared") if slow else original
        with patch.object(maker, '_get_general_slow_reason', reason):
            cycles._close_together(NOW)
        return cycles.move_id

    def _read(self, move):
        return [
            (line.display_type, line.price_subtotal, line.price_total, line.balance)
            for line in move.line_ids.sorted('sequence')
        ]

    # === ASSERTIONS === #

    def assertAddsUp(self, move):
        """Check all that shows a bill's amounts against its printed lines."""
        currency = move.currency_id

        def equal(first, second):
            self.assertEqual(currency.round(first), currency.round(second))

        lines = move.invoice_line_ids
        with_taxes = move.company_price_include == 'tax_included'
        untaxed = sum(lines.mapped('price_subtotal'))
        equal(untaxed, move.amount_untaxed)
        for line in lines:
            equal(line.price_subtotal, move.direction_sign * line.amount_currency)
        for name in ('amount_currency', 'balance'):
            self.assertFalse(currency.round(sum(move.line_ids.mapped(name))))
        if with_taxes:
            equal(sum(lines.mapped('price_total')), move.amount_total)
        equal(move.tax_totals['base_amount_currency'], untaxed)
        equal(move.tax_totals['total_amount_currency'], move.amount_total)
        # What e-invoices are made of.
        base_lines, _tax_lines = move._get_rounded_base_and_tax_lines()
        for base_line in base_lines:
            details = base_line['tax_details']
            self.assertFalse(details['delta_total_excluded_currency'])
            equal(details['total_excluded_currency'], base_line['record'].price_subtotal)
        if move.assist_cycle_id:
            statement = move.assist_cycle_id._get_statement()
            equal(
                float(sum(line.amount for line in statement.lines)),
                sum(
                    line.price_total if with_taxes else line.price_subtotal
                    for line in move._assist_get_usage_lines()
                ),
            )

    # === BILLS === #

    @shortened
    def test_lines_add_up_with_all_taxes_roundings_and_ways(self):
        # Rounded per line they always added up.
        kinds = [('round_per_line', 'tax_excluded')]
        kinds += [('round_globally', mode) for mode in ('tax_excluded', 'tax_included')]
        combinations = itertools.product(self._get_tax_sets().items(), kinds)
        for (name, taxes), (rounding, mode) in spread(combinations, 4):
            with (
                self.subTest(taxes=name, rounding=rounding, mode=mode),
                self.cr.savepoint() as savepoint,
            ):
                self.company.tax_calculation_rounding_method = rounding
                self._set_price_mode(mode, taxes[0] | taxes[1])
                cycles = self._open_cycles_with(*taxes)
                made = []
                for slow in (True, False):
                    with self.cr.savepoint() as way:
                        moves = self._bill(cycles, slow)
                        for move in moves:
                            self.assertAddsUp(move)
                        made.append([self._read(move) for move in moves])
                        way.rollback()
                        self.env.invalidate_all()
                self.assertEqual(*made)
                savepoint.rollback()
                self.env.invalidate_all()

    def _set_price_mode(self, mode, taxes):
        """Have the company print amounts with taxes or without; `taxes` stay as they are."""
        for tax in taxes | taxes.children_tax_ids:
            if not tax.price_include_override:
                tax.price_include_override = 'tax_excluded'
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_company SET account_price_include = %s WHERE id = %s",
            [mode, self.company.id],
        )
        self.env.invalidate_all()

    def test_rounded_per_tax_the_tax_is_that_of_the_printed_sum(self):
        self.company.tax_calculation_rounding_method = 'round_globally'
        taxes = self._create_taxes({'amount': 15.0})
        for move in self._bill(self._open_cycles_with(taxes, taxes)):
            self.assertAddsUp(move)
            self.assertEqual(
                move.amount_tax, move.currency_id.round(move.amount_untaxed * 15 / 100)
            )

    def test_two_lines_that_were_a_cent_off(self):
        self.company.tax_calculation_rounding_method = 'round_globally'
        taxes = self._create_taxes({'amount': 15.0})
        plan = self._create_taxed_plan(
            taxes, price_per_hour=79.01, price_per_device=6.57, device_count='by_day'
        )
        partner = self._create_partner("Two Lines")
        association = self._associate(partner, plan)
        self._create_session(partner, minutes=101)  # 1.68 x 79.01 = 132.7368
        self._create_device(partner, enrolled_on='2026-01-12')  # 0.65 x 6.57 = 4.2705
        association.cycle_ids._open_for(association, NOW)
        cycle = association.cycle_ids.filtered(lambda cycle: cycle.end_at <= NOW)
        move = self._bill(cycle)
        self.assertEqual([line.price_subtotal for line in move.invoice_line_ids], [132.74, 4.27])
        self.assertEqual(move.amount_untaxed, 137.01)

    @thorough
    def test_a_position_that_takes_an_included_tax_out(self):
        included = self._create_taxes({'amount': 19.0, 'price_include_override': 'tax_included'})
        position = self.env['account.fiscal.position'].create({'name': "Elsewhere"})
        self._create_taxes(
            {
                'amount': 0.0,
                'fiscal_position_ids': [Command.link(position.id)],
                'original_tax_ids': [Command.set(included.ids)],
            }
        )
        for rounding in ROUNDINGS:
            self.company.tax_calculation_rounding_method = rounding
            cycles = self._open_cycles_with(included, included)
            cycles.partner_id.property_account_position_id = position
            for slow in (True, False):
                with self.subTest(rounding=rounding, slow=slow), self.cr.savepoint() as savepoint:
                    for move in self._bill(cycles, slow):
                        self.assertAddsUp(move)
                    savepoint.rollback()
                    self.env.invalidate_all()

    @thorough
    def test_a_foreign_currency(self):
        currency = self._create_currency('XTR', 0.001, 0.8371)
        taxes = self._create_taxes({'amount': 15.0})
        self.company.tax_calculation_rounding_method = 'round_globally'
        for slow in (True, False):
            cycles = self._open_cycles_with(taxes, taxes, currency_id=currency.id)
            for move in self._bill(cycles, slow):
                self.assertAddsUp(move)

    def test_every_charge_and_lines_by_hand(self):
        self.company.tax_calculation_rounding_method = 'round_globally'
        taxes = self._create_taxes({'amount': 15.0})
        other = self._create_taxes({'amount': 5.5})
        cycles = self._open_cycles_with(
            taxes,
            taxes,
            bill_handling='draft',
            base_fee=5.55,
            base_minutes=7,
            minimum_charge=777.77,
        )
        moves = self._bill(cycles)
        for move in moves:
            move.invoice_line_ids = [
                Command.create(
                    {
                        'name': "By hand",
                        'quantity': quantity,
                        'price_unit': 33.33,
                        'discount': discount,
                        'tax_ids': [Command.set(tax.ids)],
                    }
                )
                for quantity, discount, tax in (
                    (0.35, 0.0, taxes),
                    (1.25, 12.5, other),
                    (0.15, 0.0, self.env['account.tax']),
                )
            ]
            self.assertAddsUp(move)
            move._assist_adjust('discount', 10.01, "Half a cent")
            move._assist_adjust('additional', 3.33, "Another")
            self.assertAddsUp(move)
        moves.action_post()
        for move in moves:
            self.assertAddsUp(move)

    def test_late_sessions(self):
        self.company.tax_calculation_rounding_method = 'round_globally'
        taxes = self._create_taxes({'amount': 15.0})
        cycles = self._open_cycles_with(taxes, taxes)
        self._bill(cycles)
        for partner in cycles.partner_id:
            self._create_session(partner, ended_at='2026-01-20 10:00:00', minutes=37)
        for cycle in cycles:
            cycle._bill_late(NOW.replace(month=6))
        late = self.env['account.move'].search([('assist_origin_cycle_id', 'in', cycles.ids)])
        self.assertEqual(len(late), len(cycles))
        for move in late:
            self.assertAddsUp(move)

    @thorough
    def test_a_credit_note_is_what_its_bill_was(self):
        self.company.tax_calculation_rounding_method = 'round_globally'
        taxes = self._create_taxes({'amount': 15.0})
        for move in self._bill(self._open_cycles_with(taxes, taxes)):
            credit = move._reverse_moves()
            self.assertAddsUp(credit)
            self.assertEqual(credit.amount_untaxed, move.amount_untaxed)
            self.assertEqual(credit.amount_total, move.amount_total)

    # === BILLS MADE BEFORE === #

    def test_bills_made_before_keep_their_amounts(self):
        self.company.tax_calculation_rounding_method = 'round_globally'
        taxes = self._create_taxes({'amount': 15.0})
        cycles = self._open_cycles_with(taxes, taxes)
        model = type(cycles)
        original = model._prepare_document_vals

        def as_before(cycle, *args):
            vals = original(cycle, *args)
            del vals['assist_rounds_lines']
            return vals

        with patch.object(model, '_prepare_document_vals', as_before):
            moves = self._bill(cycles)
        differing = moves.filtered(
            lambda move: move.currency_id.compare_amounts(
                sum(move.invoice_line_ids.mapped('price_subtotal')), move.amount_untaxed
            )
        )
        self.assertTrue(differing, "there are such bills")
        for move in moves:
            amounts = (move.amount_untaxed, move.amount_tax, move.amount_total)
            lines = self._read(move)
            self.env.add_to_compute(move._fields['amount_total'], move)
            self.env.add_to_compute(move.line_ids._fields['price_subtotal'], move.line_ids)
            self.env.flush_all()
            self.env.invalidate_all()
            self.assertEqual((move.amount_untaxed, move.amount_tax, move.amount_total), amounts)
            self.assertEqual(self._read(move), lines)
            totals = move.tax_totals
            self.assertAlmostEqual(totals['base_amount_currency'], move.amount_untaxed)
            self.assertAlmostEqual(totals['total_amount_currency'], move.amount_total)
        tie = self.env['assist.billing.tie'].create({'company_id': self.company.id})
        tie._run()
        [check] = tie.check_ids.filtered(lambda line: line.check == 'bills_not_adding_up')
        self.assertFalse(check.difference_count)

    # === E-INVOICES === #

    @thorough
    def test_the_lines_of_an_e_invoice_make_its_totals(self):
        if 'account.edi.xml.ubl_bis3' not in self.env:
            self.fail("account_edi_ubl_cii installs itself beside account")
        self.company.tax_calculation_rounding_method = 'round_globally'
        self.company.partner_id.write({'country_id': self.env.ref('base.be').id})
        for name, taxes in self._get_tax_sets().items():
            if name not in ('percent', 'two rates', 'included', 'included and excluded'):
                continue
            for move in self._bill(self._open_cycles_with(*taxes)):
                with self.subTest(taxes=name, bill=move.name):
                    xml, _errors = self.env['account.edi.xml.ubl_bis3']._export_invoice(move)
                    self.assertUbl(etree.fromstring(xml), move)

    def assertUbl(self, tree, move):
        def amounts(path):
            return [round(float(node.text), 2) for node in tree.xpath(path, namespaces=spaces)]

        spaces = {key: value for key, value in tree.nsmap.items() if key}
        lines = amounts('//cac:InvoiceLine/cbc:LineExtensionAmount')
        self.assertEqual(
            sorted(lines),
            sorted(round(line.price_subtotal, 2) for line in move.invoice_line_ids),
        )
        [total] = amounts('//cac:LegalMonetaryTotal/cbc:LineExtensionAmount')
        self.assertEqual(total, round(sum(lines), 2))
        self.assertEqual(total, round(move.amount_untaxed, 2))
        self.assertEqual(
            amounts('//cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount'),
            [round(move.amount_total, 2)],
        )
        self.assertEqual(
            round(sum(amounts('//cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount')), 2), total
        )
