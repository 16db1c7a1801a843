import logging
from unittest.mock import patch

from odoo import api, fields, models
from odoo.api import Environment
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ..thorough import shortened, spread, thorough
from .fast_common import ADD_ON, NOW, FastPathCase


def _fee(move):
    return Command.create(
        {'name': "Fee", 'quantity': 1, 'price_unit': 10.0, 'tax_ids': [Command.clear()]}
    )


# === ADD-ONS === #


class TakesTaxesOff(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        moves.invoice_line_ids.tax_ids = [Command.clear()]
        return moves


class AddsALine(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        for move in moves:
            move.invoice_line_ids = [_fee(move)]
        return moves


class AddsAValue(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(
            [
                {**vals, 'invoice_line_ids': [*vals.get('invoice_line_ids', ()), _fee(self)]}
                for vals in vals_list
            ]
        )


class WritesOnWriting(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def write(self, vals):
        result = super().write(vals)
        if vals.get('state') == 'posted':
            for move in self:
                super(WritesOnWriting, move).write({'ref': f"Seen {move.partner_id.name}"})
        return result


class AddsOnPosting(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _post(self, soft=True):
        for move in self:
            move.invoice_line_ids = [_fee(move)]
        return super()._post(soft)


class WritesOnPosting(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft)
        for move in posted:
            move.narration = move.name
        return posted


class ChangesLines(models.Model):
    _module = ADD_ON
    _inherit = 'account.move.line'

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.filtered('assist_charge').tax_ids = [Command.clear()]
        return lines


class Computes(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _compute_narration(self):
        result = super()._compute_narration()
        for move in self:
            move.narration = f"Thank you, {move.partner_id.name}"
        return result


class ComputesOnLines(models.Model):
    _module = ADD_ON
    _inherit = 'account.move.line'

    def _compute_name(self):
        result = super()._compute_name()
        for line in self.filtered(lambda line: line.display_type == 'payment_term'):
            line.name = f"Due from {line.partner_id.name}"
        return result


class HasAStoredField(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    margin = fields.Float(compute='_compute_margin', store=True)

    @api.depends('line_ids.price_total')
    def _compute_margin(self):
        for move in self:
            move.margin = sum(move.line_ids.mapped('price_total')) / 10


class HasARelatedField(models.Model):
    _module = ADD_ON
    _inherit = 'account.move.line'

    customer_name = fields.Char(related='move_id.partner_id.name', store=True)


class TellsMore(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def message_post(self, **kwargs):
        message = super().message_post(**kwargs)
        message.subject = f"About {self.partner_id.name}"
        return message


class CreatesOtherwise(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _create(self, data_list):
        for data in data_list:
            data['stored']['ref'] = "Created"
        return super()._create(data_list)


class NumbersByCustomer(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _get_next_sequence_format(self):
        number_format, values = super()._get_next_sequence_format()
        return f"{self.partner_id.name[-1]}-{number_format}", values


class RefusesACustomer(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _post(self, soft=True):
        if any(move.partner_id.name == "Customer 1" for move in self):
            raise UserError(self.env._("Not this one."))
        return super()._post(soft)


class ChecksACustomer(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    @api.constrains('partner_id')
    def _check_partner(self):
        if any(move.partner_id.name == "Customer 1" for move in self):
            raise ValidationError(self.env._("Not this one."))


CHANGING = (
    TakesTaxesOff,
    AddsALine,
    AddsAValue,
    WritesOnWriting,
    AddsOnPosting,
    WritesOnPosting,
    ChangesLines,
    Computes,
    ComputesOnLines,
    HasAStoredField,
    HasARelatedField,
    TellsMore,
    CreatesOtherwise,
)
REFUSING = (RefusesACustomer, ChecksACustomer)


@tagged('post_install', '-at_install')
class TestFastListeners(FastPathCase):
    """Whatever other add-ons do to invoices is done to bills, too: then all go the ordinary way."""

    def _create_cycles(self):
        """Return cycles of three customers who owe 210.00 before taxes, 241.50 with them."""
        taxes = self._create_taxes({'amount': 15.0})
        return self._open_cycles(
            self._create_taxed_plan(taxes, billing_type='session', price_per_session=70.0)
        )

    @thorough
    def test_what_add_ons_change_is_changed(self):
        cycles = self._create_cycles()
        plain, _made = self._make_and_read(cycles)
        for definition in spread(CHANGING, 2):
            with self._trying(definition):
                self._assert_equal_both_ways(cycles, fast=0)
                changed, _made = self._make_and_read(cycles, tables=plain)
                self.assertTrue(self._compare(plain, changed)[1], "it changes something")

    @thorough
    def test_what_add_ons_refuse_is_refused_for_that_customer_alone(self):
        cycles = self._create_cycles()
        for definition in REFUSING:
            with self._trying(definition):
                cycles._close(NOW)
                refused = cycles.filtered('error')
                self.assertEqual(refused.partner_id.mapped('name'), ["Customer 1"])
                self.assertIn("Not this one.", refused.error)
                self.assertEqual(set((cycles - refused).move_id.mapped('state')), {'posted'})

    def test_an_add_on_that_numbers_in_its_own_way_is_asked_for_each_bill(self):
        cycles = self._create_cycles()
        with self._with_add_on(NumbersByCustomer):
            cycles._close_together(NOW)
            for move in cycles.move_id:
                self.assertTrue(move.name.startswith(f"{move.partner_id.name[-1]}-"), move.name)

    @shortened
    def test_it_is_said_in_words_who_has_a_hand_in_it(self):
        cycles = self._create_cycles()
        for definition in spread((*CHANGING, *REFUSING), 3):
            with self.subTest(definition.__name__), self._with_add_on(definition):
                [words] = self.env['assist.bill.maker']._get_listeners()
                self.assertIn(ADD_ON, words)
        with (
            self._with_add_on(AddsALine),
            self.assertLogs('odoo.addons.assist_billing', logging.INFO) as logs,
        ):
            self._make_and_read(cycles)
        self.assertIn(
            f"3 bills are made the ordinary way: {ADD_ON} (create) have a hand in how invoices "
            "are made",
            "".join(logs.output),
        )

    @thorough
    def test_add_ons_that_the_guard_overlooks_show_in_the_records(self):
        cycles = self._create_cycles()
        maker = type(self.env['assist.bill.maker'])
        for definition in (TakesTaxesOff, AddsALine, AddsAValue, ChangesLines):
            with (
                self._trying(definition),
                patch.object(maker, '_find_listening_parts', lambda _maker: {}),
                self.assertLogs('odoo.addons.assist_billing', logging.INFO) as logs,
            ):
                self._assert_equal_both_ways(cycles, fast=0)
                self.assertIn("are made the ordinary way", "".join(logs.output))

    def test_taxes_that_an_add_on_takes_off_are_not_billed(self):
        cycles = self._create_cycles()[:1]
        with self._with_add_on(TakesTaxesOff):
            cycles._close_together(NOW)
            move = cycles.move_id
            self.assertEqual(move.state, 'posted')
            self.assertFalse(move.line_ids.tax_line_id)
            self.assertEqual(move.amount_total, move.amount_untaxed)

    def test_methods_exchanged_while_odoo_runs_are_found(self):
        def post(moves, soft=True):
            return moves

        post.__module__ = 'elsewhere'
        move_class = type(self.env['account.move'])
        own_class = next(
            parent
            for parent in move_class.__mro__
            if vars(parent).get('_module') == 'account' and '_post' in vars(parent)
        )
        for target in (move_class, own_class):
            with patch.object(target, '_post', post):
                [words] = self.env['assist.bill.maker']._get_listeners()
                self.assertIn("a change at run time (_post)", words)

    @thorough
    def test_custom_fields_that_are_computed_are_found(self):
        self.env['ir.model.fields'].create(
            {
                'name': 'x_note',
                'model_id': self.env['ir.model']._get_id('account.move'),
                'ttype': 'char',
                'depends': 'partner_id',
                'compute': "for record in self: record['x_note'] = record.partner_id.name",
                'store': True,
            }
        )
        [words] = self.env['assist.bill.maker']._get_listeners()
        self.assertIn('x_note', words)
        self._assert_equal_both_ways(self._create_cycles(), fast=0)


@thorough
@tagged('post_install', '-at_install')
class TestContexts(FastPathCase):
    """What is gathered along the way is not kept in contexts."""

    def test_a_batch_with_a_refusal_ranks_every_customer_once(self):
        account = self.company_data['default_account_revenue'].copy({'code': '400997'})
        plan = self._create_taxed_plan(self._create_taxes({'amount': 15.0}))
        refused_plan = self._create_taxed_plan(self._create_taxes({'amount': 15.0}))
        refused_plan.hour_product_id.property_account_income_id = account
        cycles = self._open_cycles(plan)
        refused = self._open_cycles(refused_plan, self._create_partner("Refused"))
        account.active = False
        (cycles | refused)._close(NOW)
        self.assertTrue(refused.error)
        self.assertEqual(set(cycles.mapped('state')), {'closed'})
        self.assertEqual(set(cycles.partner_id.mapped('customer_rank')), {1})
        self.assertEqual(refused.partner_id.customer_rank, 0)

    def test_nothing_of_ours_holds_a_mutable_value_in_a_context(self):
        found = {}
        original = Environment.__new__

        def looking(cls, cr, uid, context, *args, **kwargs):
            for name, value in context.items():
                if name.startswith('assist_'):
                    found.setdefault(name, set()).add(type(value))
            return original(cls, cr, uid, context, *args, **kwargs)

        with patch.object(Environment, '__new__', looking):
            cycles = self._open_cycles(
                self._create_taxed_plan(self._create_taxes({'amount': 15.0}), bill_handling='send')
            )
            cycles._close(NOW)
            cycles.move_id[:1]._assist_adjust('discount', 1.0)
            for partner in cycles.partner_id:
                self._create_session(partner, ended_at='2026-01-20 10:00:00', minutes=37)
            for cycle in cycles:
                cycle._bill_late(NOW.replace(month=6))
        self.assertIn('assist_posting', found)
        for name, kinds in found.items():
            self.assertLessEqual(kinds, {bool, int, str, type(None), object}, name)


@thorough
@tagged('post_install', '-at_install')
class TestWaysShown(FastPathCase):
    """The run book says which bills were not made all at once, and why."""

    def _run(self, now):
        with freeze_time(now):
            self._close(now)
        return self.env['assist.billing.run'].search([], limit=1).line_ids

    def test_the_run_book_says_which_bills_were_made_one_by_one_and_why(self):
        taxes = self._create_taxes({'amount': 15.0})
        cycles = self._open_cycles(self._create_taxed_plan(taxes))
        with self._with_add_on(AddsALine):
            line = self._run('2026-02-01 00:30:00')
        self.assertEqual(line.invoice_count, len(cycles))
        self.assertEqual(line.ordinary_count, len(cycles))
        self.assertEqual(
            line.ordinary_reasons,
            f"{ADD_ON} (create) have a hand in how invoices are made",
        )

    def test_a_run_all_at_once_has_nothing_to_say(self):
        self._open_cycles(self._create_taxed_plan(self._create_taxes({'amount': 15.0})))
        line = self._run('2026-02-01 00:30:00')
        self.assertTrue(line.invoice_count)
        self.assertFalse(line.ordinary_count)
        self.assertFalse(line.ordinary_reasons)
