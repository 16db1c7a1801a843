import logging
from collections import Counter
from copy import deepcopy
from unittest.mock import patch

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL, mute_logger

from ...models.invoice import bill_maker_derived
from ...utils.refusals import NotDerivedError
from ..thorough import few, shortened, thorough
from .fast_common import ADD_ON, NOW
from .shapes_common import ShapesCase

_logger = logging.getLogger(__name__)
CLOSE_LOGGER = 'odoo.addons.assist_billing.models.closing.close'


# === ADD-ONS === #


class WritesElsewhere(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    @api.model_create_multi
    def create(self, vals_list):
        self.env['res.country.group'].create({'name': "Billed"})
        return super().create(vals_list)


class ComputesPerCustomer(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    customer_number = fields.Integer(compute='_compute_customer_number', store=True)

    @api.depends('partner_id')
    def _compute_customer_number(self):
        for move in self:
            move.customer_number = move.partner_id.id


class ComputesForSomeCustomers(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    is_special = fields.Boolean(compute='_compute_is_special', store=True)

    @api.depends('partner_id')
    def _compute_is_special(self):
        for move in self:
            move.is_special = move.partner_id.ref == "special"


class CountsPerCustomer(models.Model):
    """Nothing that is computed: nobody but the two bills that are compared can show it."""

    _module = ADD_ON
    _inherit = 'account.move'

    customer_number = fields.Integer()

    def _post(self, soft=True):
        for move in self:
            move.customer_number = move.partner_id.id
        return super()._post(soft)


class MarksSomeCustomers(models.Model):
    """As the one before, but the two bills that are compared do not show it."""

    _module = ADD_ON
    _inherit = 'account.move'

    is_special = fields.Boolean()

    def _post(self, soft=True):
        for move in self:
            move.is_special = move.partner_id.ref == "special"
        return super()._post(soft)


class SumsUpBills(models.Model):
    """No invoice is extended by it, but it is to be told of each."""

    _module = ADD_ON
    _inherit = 'res.partner'

    billed_total = fields.Float(compute='_compute_billed_total', store=True)

    @api.depends('invoice_ids.amount_total', 'invoice_ids.state')
    def _compute_billed_total(self):
        for partner in self:
            posted = partner.invoice_ids.filtered(lambda move: move.state == 'posted')
            partner.billed_total = sum(posted.mapped('amount_total'))


class DerivedCase(ShapesCase):
    """Bills of which there are three of each kind: two are made by Odoo, others derived."""

    customers_of_a_kind = 2

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(bill_maker_derived, 'FEWEST', 3))
        self._forget()

    @property
    def maker(self):
        return self.registry['assist.bill.maker']

    def _forget(self):
        """Begin as a database does in which nothing was compared yet."""
        self.env['assist.bill.proof'].search([]).unlink()

    def _create_cycles(self):
        taxes = self._create_taxes({'amount': 15.0})
        return self._open_cycles(self._create_taxed_plan(taxes))

    def _take_derived(self):
        derived, self.derived = self.derived, 0
        return derived

    def _without_numbers(self, stored):
        """Return what is stored with the place of each bill instead of its number; and these."""
        places = {
            row['name']: f"number of bill {place}"
            for place, row in enumerate(stored['account_move'])
            if row['name']
        }
        rows = {
            table: [
                {
                    name: self._get_without_number(value, places)
                    for name, value in row.items()
                    if name != 'sequence_number'
                }
                for row in table_rows
            ]
            for table, table_rows in stored.items()
        }
        return rows, set(places)

    def _get_without_number(self, value, places):
        """Return a value in which each number is the place of its bill; it may follow a text."""
        if not isinstance(value, str):
            return value
        *texts, last = value.rsplit(" - ", 1)
        return " - ".join([*texts, places.get(last, last)])

    def _assert_derived_equal(self, cycles):
        """Bill both ways and compare, numbers aside; return how many bills, derived, values."""
        self._forget()
        plain, _made = self._make_and_read(cycles, slow=True)
        self.assertFalse(self._take_derived())
        quick, made = self._make_and_read(cycles, tables=plain)
        self.assertEqual(made, len(plain['account_move']))
        (plain, numbers), (quick, quick_numbers) = map(self._without_numbers, (plain, quick))
        self.assertEqual(numbers, quick_numbers)
        compared, differences = self._compare(plain, quick)
        self.assertFalse(differences)
        return len(plain['account_move']), self._take_derived(), compared

    def _assert_refused(self, cycles, words, unlike=()):
        """Nothing is derived, which is said in these words, and the bills are right."""
        with self.assertLogs(CLOSE_LOGGER, logging.WARNING) as logs:
            plain, _made = self._make_and_read(cycles, slow=True)
            quick, _made = self._make_and_read(
                cycles, close=lambda: cycles._close(NOW), tables=plain
            )
        self.assertIn(words, "".join(logs.output))
        self.assertFalse(self._take_derived())
        _compared, differences = self._compare(plain, quick)
        self.assertFalse({difference for difference in differences if difference[1] not in unlike})


@tagged('post_install', '-at_install')
class TestDerived(DerivedCase):
    """The comparator: derived bills equal bills made by Odoo's ordinary way."""

    @shortened
    def test_shapes_are_equal_in_every_stored_field(self):
        bills = derived = values = 0
        without = []
        for name, rounding in self._get_shapes_and_roundings(few_shapes=3):
            with self.subTest(shape=name, rounding=rounding), self.cr.savepoint() as savepoint:
                self.company.tax_calculation_rounding_method = rounding
                counts = self._assert_derived_equal(getattr(self, name)())
                if not counts[1]:
                    without.append(name)
                bills, derived, values = (
                    total + count
                    for total, count in zip((bills, derived, values), counts, strict=True)
                )
                savepoint.rollback()
                self.env.invalidate_all()
        _logger.info(
            "Derived: %s shapes, rounded per line and per document, %s bills, %s of them derived, "
            "%s stored values compared, 0 differences.",
            len(self._get_shapes()),
            bills,
            derived,
            values,
        )
        self.assertFalse(without)
        self.assertGreater(values, few(80000, 3000))

    @thorough
    def test_several_shapes_in_a_batch_are_numbered_without_a_hole(self):
        cycles = (
            self._create_cycles()
            | self._shape_foreign_currency()
            | self._open_cycles(
                self._create_plan(price_per_session=3.0), self._create_partner("Only one")
            )
        )
        bills, derived, _values = self._assert_derived_equal(cycles)
        # Of six customers of two plans one each has no reference, and is of another shape.
        self.assertEqual((bills, derived), (14, 3 + 3))
        cycles._close_together(NOW)
        numbers = sorted(cycles.move_id.mapped('sequence_number'))
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(cycles))))

    @thorough
    def test_what_others_compute_from_bills_is_computed(self):
        cycles = self._create_cycles()
        with self._with_add_on(SumsUpBills):
            self._assert_derived_equal(cycles)
            cycles._close_together(NOW)
            for partner in cycles.partner_id:
                self.assertTrue(partner.billed_total)
                self.assertEqual(partner.billed_total, partner.invoice_ids.amount_total)

    def test_what_is_kept_of_new_bills_is_what_is_stored(self):
        told, tell_of = [], self.maker._tell_of

        def get_related(records):
            """Return all that these are related to, but what is computed."""
            asked = records.sudo().with_context(active_test=False)
            return {
                (record, name): record[name].ids
                for record in asked
                for name, field in asked._fields.items()
                if field.relational and (not field.compute or field.store)
            }

        def compare(maker, moves, *args):
            tell_of(maker, moves, *args)
            kept = get_related(moves), get_related(moves.line_ids)
            moves.env.flush_all()
            moves.env.invalidate_all()
            self.assertEqual(kept, (get_related(moves), get_related(moves.line_ids)))
            told.append(moves)

        self._create_cycles()
        with patch.object(self.maker, '_tell_of', compare), freeze_time('2026-02-01 00:30:00'):
            self._close('2026-02-01 00:30:00')
        self.assertTrue(told)

    @thorough
    def test_bills_made_again_are_not_derived(self):
        cycles = self._create_cycles()
        cycles._close_together(NOW)
        cycles.move_id.button_cancel()
        self._make_and_read(cycles, close=cycles.action_rebill)
        self.assertFalse(self._take_derived())

    def test_the_run_book_says_how_many(self):
        cycles = self._create_cycles()
        with freeze_time('2026-02-01 00:30:00'):
            self._close('2026-02-01 00:30:00')
        line = self.env['assist.billing.run'].search([], limit=1).line_ids
        self.assertEqual(line.invoice_count, len(cycles))
        # One has no reference, and is of another shape.
        self.assertEqual(line.derived_count, len(cycles) - 3)
        self.assertFalse(line.ordinary_count)
        self.assertFalse(line.not_derived_reasons)
        self.assertEqual(line.amount_total, sum(cycles.move_id.mapped('amount_total')))

    def test_no_time_limit_outlives_the_numbering(self):
        self._create_cycles()
        with freeze_time('2026-02-01 00:30:00'):
            self._close('2026-02-01 00:30:00')
        self.env.cr.execute("SHOW lock_timeout")
        self.assertEqual(self.env.cr.fetchone(), ('0',))


@tagged('post_install', '-at_install')
@thorough
class TestDerivedOverBatches(DerivedCase):
    """Later batches of a run derive from bills of the first, as long as that is the same."""

    customers_of_a_kind = 3
    of_a_batch = 6

    def _create_cycles(self, **vals):
        taxes = self._create_taxes({'amount': 15.0})
        plan = self._create_taxed_plan(taxes, **vals)
        return self._open_cycles(plan, customer_reference="Order")

    def _close_in_batches(self, cycles, between=None):
        """Close one batch after the other, and do something to their bills in between."""
        for start in range(0, len(cycles), self.of_a_batch):
            if start and between:
                between(cycles.move_id)
            cycles[start : start + self.of_a_batch]._close(NOW)
            self.env.flush_all()

    def _count_made(self, cycles, between=None):
        """Close in batches; return how many bills Odoo made, of all."""
        self._make_and_read(cycles, close=lambda: self._close_in_batches(cycles, between))
        return len(cycles) - self._take_derived()

    def _assert_equal_over_batches(self, cycles, made):
        plain, _made = self._make_and_read(
            cycles, slow=True, close=lambda: self._close_in_batches(cycles)
        )
        quick, _made = self._make_and_read(
            cycles, close=lambda: self._close_in_batches(cycles), tables=plain
        )
        self.assertEqual(len(cycles) - self._take_derived(), made)
        (plain, numbers), (quick, quick_numbers) = map(self._without_numbers, (plain, quick))
        self.assertEqual(numbers, quick_numbers)
        _compared, differences = self._compare(plain, quick)
        self.assertFalse(differences)

    def test_one_in_two_hundred_and_fifty_is_made_anew(self):
        draws = [number / 1000 for number in range(1000)]
        for count, compared in ((98, 0), (250, 0), (499, 1), (5000, 1)):
            with patch.object(bill_maker_derived.random, 'random', side_effect=draws):
                sizes = [bill_maker_derived.Sampler().take(count, compared) for _draw in draws]
            self.assertAlmostEqual(sum(sizes) / len(sizes), count / 250 - compared, delta=0.01)

    def test_what_is_made_anew_is_spread_over_the_batches_of_a_process(self):
        sampler = bill_maker_derived.Sampler()
        sizes = [sampler.take(500, 0) for _batch in range(400)]
        for first in range(0, 400, 4):
            self.assertEqual(sum(sizes[first : first + 4]), 8)

    def test_one_more_is_made_for_each_batch(self):
        self._assert_equal_over_batches(self._create_cycles(), 2 + 1)

    @thorough
    def test_of_several_shapes_one_is_made(self):
        self.of_a_batch = 12
        first, second = self._create_cycles(), self._create_cycles(charge_devices=False)
        mixed = [cycle.id for pair in zip(first, second, strict=True) for cycle in pair]
        self._assert_equal_over_batches(first.browse(mixed), 2 + 2 + 1)

    @thorough
    def test_of_drafts_none_is_made(self):
        self._assert_equal_over_batches(self._create_cycles(bill_handling='draft'), 2)

    @thorough
    def test_of_those_that_are_numbered_one_is_made_beside_drafts(self):
        self.of_a_batch = 12
        first, second = self._create_cycles(bill_handling='draft'), self._create_cycles()
        mixed = [cycle.id for pair in zip(first, second, strict=True) for cycle in pair]
        self._assert_equal_over_batches(first.browse(mixed), 2 + 2 + 1)

    @thorough
    def test_those_that_were_handed_over_for_sending_are_as_before(self):
        cycles = self._create_cycles(bill_handling='send')
        self._assert_equal_over_batches(cycles, 2 + 1)
        self._close_in_batches(cycles)
        self.assertEqual(set(cycles.move_id.mapped('assist_delivery_state')), {'queued'})

    @thorough
    def test_a_single_bill_of_a_known_shape_is_derived(self):
        first, second = self._create_cycles(), self._create_cycles(charge_devices=False)
        cycles = first[:5] + second[:5] + first[5:11] + second[5]
        self.of_a_batch = 10
        self.assertEqual(self._count_made(cycles), 2 + 2 + 1)

    def test_what_was_touched_is_derived_from_no_more(self):
        for words, touch in {
            "a note": lambda moves: [move.message_post() for move in moves],
            "another due date": lambda moves: moves.write({'invoice_date_due': '2026-03-31'}),
            "a follower": lambda moves: moves.message_subscribe(self.env.user.partner_id.ids),
        }.items():
            with self.subTest(words):
                self.assertEqual(self._count_made(self._create_cycles(), touch), 2 + 2)

    def test_what_is_a_minute_old_is_derived_from_no_more(self):
        cycles = self._create_cycles()
        with patch.object(bill_maker_derived, 'KEPT_SECONDS', -1):
            self.assertEqual(self._count_made(cycles), 2 + 2)

    def test_other_terms_of_the_company_are_on_the_next_bills(self):
        cycles = self._create_cycles()

        def change_terms(_moves):
            self.env['ir.config_parameter'].set_param('account.use_invoice_terms', "True")
            self.company.invoice_terms = "<p>Within a week</p>"

        self._close_in_batches(cycles, change_terms)
        first, second = cycles[: self.of_a_batch].move_id, cycles[self.of_a_batch :].move_id
        self.assertFalse(any(first.mapped('narration')))
        self.assertEqual(set(second.mapped('narration')), {"<p>Within a week</p>"})
        self.assertFalse(self.env['assist.bill.proof'].search([('state', '=', 'refused')]))
        numbers = sorted(cycles.move_id.mapped('sequence_number'))
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(cycles))))


@thorough
@tagged('post_install', '-at_install')
class TestNotDerived(DerivedCase):
    """The check of the check: whatever is not as it has to be is found, undone, and said."""

    def test_each_corrupted_value_of_an_exemplar_is_found(self):
        cycles, check = self._create_cycles(), self.maker._check_exemplars
        missed, tried = [], []

        def corrupt(maker, family, exemplars):
            check(maker, family, exemplars)
            for table, rows in exemplars[1].rows.items():
                for name in rows[0] if rows else ():
                    corrupted = deepcopy(exemplars)
                    corrupted[1].rows[table][-1][name] = 'corrupted'
                    tried.append(name)
                    derived = maker._prepare_rows(
                        exemplars[0],
                        family.models[1],
                        (exemplars[1].name, exemplars[1].number),
                        exemplars[1].ids,
                    )
                    if not maker._find_differing(table, derived[table], corrupted[1].rows[table]):
                        missed.append((table, name))

        with patch.object(self.maker, '_check_exemplars', corrupt):
            self._make_and_read(cycles)
        self.assertGreater(len(tried), 150)
        # Of messages that are told at another moment.
        self.assertEqual(missed, [('mail_message', 'message_id'), ('mail_message', 'date')])

    def test_a_corrupted_exemplar(self):
        cycles, check = self._create_cycles(), self.maker._check_tables
        for column in ('amount_tax_signed', 'narration'):

            def corrupt(maker, families, column=column):
                maker.env.cr.execute(
                    SQL(
                        "UPDATE account_move SET %s = '1' WHERE id = %s",
                        SQL.identifier(column),
                        families[0].exemplars[1].id,
                    )
                )
                check(maker, families)

            with self.subTest(column), patch.object(self.maker, '_check_tables', corrupt):
                self._forget()
                self._assert_refused(cycles, f"has values of its own: {column}")

    def test_a_bill_that_does_not_balance(self):
        cycles, prepare = self._create_cycles(), self.maker._prepare_others

        def corrupt(maker, exemplar, members, numbers):
            bills = prepare(maker, exemplar, members, numbers)
            for rows in bills:
                rows['account_move_line'][0]['balance'] = '-0.01'
            return bills

        with patch.object(self.maker, '_prepare_others', corrupt):
            self._assert_refused(cycles, "a bill that does not balance")

    def test_an_amount_that_is_not_what_odoo_stores(self):
        cycles, prepare = self._create_cycles(), self.maker._prepare_own_values

        def corrupt(maker, vals, memo):
            own, lines = prepare(maker, vals, memo)
            return own, [*lines[:-1], lines[-1] | {'balance': '-0.01'}]

        with patch.object(self.maker, '_prepare_own_values', corrupt):
            self._assert_refused(cycles, "has values of its own: balance")

    def test_a_corrupted_derived_row(self):
        cycles, prepare = self._create_cycles(), self.maker._prepare_others

        def corrupt(maker, exemplar, members, numbers):
            bills = prepare(maker, exemplar, members, numbers)
            for rows in bills:
                rows['account_move'][0]['amount_tax'] = '0.01'
                rows['account_move_line'][0]['price_total'] = '0.01'
            return bills

        with patch.object(self.maker, '_prepare_others', corrupt):
            self._assert_refused(cycles, "made anew, is another: amount_tax, price_total")

    def test_an_add_on_that_writes_elsewhere(self):
        cycles = self._create_cycles()
        with (
            self._with_add_on(WritesElsewhere),
            patch.object(self.maker, '_find_listening_parts', lambda _maker: {}),
        ):
            self._assert_refused(cycles, "also writes to res_country_group", unlike=('rows',))

    def test_an_add_on_that_writes_something_else_for_each_customer(self):
        cycles = self._create_cycles()
        with (
            self._with_add_on(CountsPerCustomer),
            patch.object(self.maker, '_find_listening_parts', lambda _maker: {}),
        ):
            self._assert_refused(cycles, "has values of its own: customer_number")

    def test_an_add_on_that_marks_some_customers_shows_in_the_sample(self):
        cycles, find = self._create_cycles(), self.maker._find_families

        def mark(maker, *args):
            families = find(maker, *args)
            for member in families[0].others:
                maker.env['res.partner'].browse(member.own['partner_id']).ref = "special"
            return families

        with (
            self._with_add_on(MarksSomeCustomers),
            patch.object(self.maker, '_find_families', mark),
            patch.object(self.maker, '_find_listening_parts', lambda _maker: {}),
        ):
            self._assert_refused(cycles, "made anew, is another: is_special")

    def test_a_field_that_another_version_of_odoo_computes_besides(self):
        cycles = self._create_cycles()
        alike = {
            model: names - {'assist_misc_charge', 'narration'}
            for model, names in bill_maker_derived.COMPUTED_ALIKE.items()
        }
        with (
            patch.object(bill_maker_derived, 'COMPUTED_ALIKE', alike),
            freeze_time('2026-02-01 00:30:00'),
        ):
            self._close('2026-02-01 00:30:00')
        line = self.env['assist.billing.run'].search([], limit=1).line_ids
        self.assertEqual(line.invoice_count, len(cycles))
        self.assertFalse(line.derived_count)
        self.assertEqual(
            line.not_derived_reasons,
            "fields that were never compared: assist_misc_charge, narration",
        )

    def test_an_add_on_that_is_not_known_makes_all_bills_the_ordinary_way(self):
        cycles = self._create_cycles()
        for definition in (WritesElsewhere, ComputesPerCustomer, ComputesForSomeCustomers):
            with self._trying(definition):
                _stored, made = self._make_and_read(cycles)
                self.assertFalse(made)

    def test_a_trigger_of_the_database(self):
        cycles = self._create_cycles()
        self.cr.execute(
            """
            CREATE FUNCTION test_watch() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RETURN NEW; END $$;
            CREATE TRIGGER test_watch BEFORE UPDATE ON account_move_line FOR EACH ROW
            EXECUTE FUNCTION test_watch()
            """
        )
        with freeze_time('2026-02-01 00:30:00'):
            self._close('2026-02-01 00:30:00')
        line = self.env['assist.billing.run'].search([], limit=1).line_ids
        self.assertFalse(line.derived_count)
        self.assertIn("test_watch", line.not_derived_reasons)
        self.assertEqual(set(cycles.move_id.mapped('state')), {'posted'})

    @mute_logger(CLOSE_LOGGER)
    def test_a_failed_check_is_said_in_the_run_book(self):
        self._create_cycles()

        def refuse(maker, moves, members, sample):
            raise NotDerivedError("of a doubt")

        with (
            patch.object(self.maker, '_check_sample', refuse),
            freeze_time('2026-02-01 00:30:00'),
        ):
            self._close('2026-02-01 00:30:00')
        line = self.env['assist.billing.run'].search([], limit=1).line_ids
        self.assertFalse(line.derived_count)
        self.assertEqual(line.not_derived_reasons, "of a doubt")
        self.assertFalse(line.failed_count)

    def _close_refusing(self, table, condition):
        """Close while the database refuses the third customer of some; check what became of all.

        :param str condition: of rows of `table` that are not refused, with its placeholder
        """
        cycles = self._create_cycles()
        refused = cycles[2]
        self.cr.execute(
            SQL(
                "ALTER TABLE %s ADD CONSTRAINT test_refuse CHECK (%s)",
                SQL.identifier(table),
                SQL(condition, refused.partner_id.id),
            )
        )
        cycles._close(NOW)
        others = cycles - refused
        self.assertIn("test_refuse", refused.error)
        self.assertFalse(refused.move_id)
        self.assertEqual(set(others.move_id.mapped('state')), {'posted'})
        numbers = sorted(others.move_id.mapped('sequence_number'))
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(others))))
        self.assertEqual(set(others.partner_id.mapped('customer_rank')), {1})
        self.assertEqual(refused.partner_id.customer_rank, 0)

    @mute_logger(CLOSE_LOGGER, 'odoo.sql_db')
    def test_what_the_database_refuses_is_refused_for_that_customer_alone(self):
        prepared = Counter()

        def counting(name):
            method = getattr(self.maker, name)

            def count(maker, vals, memo):
                prepared[name, vals['partner_id']] += 1
                return method(maker, vals, memo)

            return patch.object(self.maker, name, count)

        with counting('_prepare_complete_vals'), counting('_prepare_own_values'):
            self._close_refusing('account_move', "state != 'posted' OR partner_id != %s")
        # Those that are made once more are as they were.
        self.assertEqual(set(prepared.values()), {1})
        self.assertEqual(len({name for name, _customer in prepared}), 2)

    @mute_logger(CLOSE_LOGGER, 'odoo.sql_db')
    def test_what_is_tried_again_is_compared_with_what_was_made_of_it_before(self):
        made, compared = Counter(), Counter()
        make, find_unlike = self.maker._make_and_undo, self.maker._find_unlike

        def make_counted(maker, members):
            made.update(member.own['partner_id'] for member in members)
            return make(maker, members)

        def find_counted(maker, one, other):
            compared.update([one.rows['account_move'][0]['partner_id']])
            return find_unlike(maker, one, other)

        with (
            patch.object(bill_maker_derived.sampler, 'take', lambda count, _compared: bool(count)),
            patch.object(
                bill_maker_derived.random,
                'sample',
                lambda pairs, count: pairs[len(pairs) - count :],
            ),
            patch.object(self.maker, '_make_and_undo', make_counted),
            patch.object(self.maker, '_find_unlike', find_counted),
        ):
            self._close_refusing('account_move', "state != 'posted' OR partner_id != %s")
        self.assertEqual(set(made.values()), {1})
        self.assertEqual(made, compared)

    @mute_logger(CLOSE_LOGGER, 'odoo.sql_db')
    def test_what_the_database_refuses_of_entries_is_refused_for_that_customer_alone(self):
        self._close_refusing('account_move_line', "parent_state != 'posted' OR partner_id != %s")

    @mute_logger(CLOSE_LOGGER, 'odoo.sql_db')
    def test_a_customer_who_is_refused_in_the_sample_does_not_end_deriving(self):
        cycles = self._create_cycles()
        make_sample, post = self.maker._make_sample, self.maker._post
        words = "Not for this customer."
        refused = cycles.browse()

        def refuse_one(maker, families):
            nonlocal refused
            [member, *_others] = families[0].others
            refused = refused or cycles.browse(member.plain['assist_cycle_id'])
            return make_sample(maker, families)

        def post_others(maker, moves):
            if refused & moves.assist_cycle_id:
                raise UserError(words)
            return post(maker, moves)

        with (
            patch.object(bill_maker_derived.sampler, 'take', lambda count, _compared: count),
            patch.object(self.maker, '_make_sample', refuse_one),
            patch.object(self.maker, '_post', post_others),
        ):
            cycles._close(NOW)
        others = cycles - refused
        self.assertEqual(refused.error, words)
        self.assertFalse(others.filtered('error'))
        self.assertEqual(set(others.move_id.mapped('state')), {'posted'})
        self.assertFalse(self.env['assist.bill.proof'].search([('state', '=', 'refused')]))
        self.assertFalse(self.env['assist.bill.maker']._get_not_derived_reason())

    def test_a_customer_of_another_company_is_not_billed(self):
        cycles = self._create_cycles()
        strange = cycles[2]
        self.cr.execute(
            SQL(
                "UPDATE res_partner SET company_id = %s WHERE id = %s",
                self.second_company.id,
                strange.partner_id.id,
            )
        )
        self.env.invalidate_all()
        with mute_logger(CLOSE_LOGGER):
            cycles._close(NOW)
        self.assertTrue(strange.error)
        self.assertFalse((cycles - strange).filtered('error'))
        self.assertFalse(self.env['assist.bill.maker']._get_not_derived_reason())
