import logging
from unittest.mock import patch

from odoo.tests import freeze_time, tagged

from ..thorough import few, shortened, thorough
from .fast_common import NOW
from .shapes_common import ShapesCase

_logger = logging.getLogger(__name__)


@tagged('post_install', '-at_install')
@thorough
class TestFastPath(ShapesCase):
    """The comparator: bills made all at once equal bills made by Odoo's ordinary way."""

    @shortened
    def test_shapes_are_equal_in_every_stored_field(self):
        shapes = self._get_shapes()
        bills = values = 0
        for name, rounding in self._get_shapes_and_roundings(few_shapes=6):
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
        self.assertGreater(values, few(40000, 3000))

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
