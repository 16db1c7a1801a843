from unittest.mock import patch

from odoo.tests import freeze_time, tagged

from ...models.rating import preview
from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestBillSoFar(AssistBillingCommon):
    """What an open period comes to, as the bill it would make: looked at, and nothing stored."""

    def _print(self, cycle):
        reports = self.env['ir.actions.report']
        content, _kind = reports._render_qweb_html('assist_billing.report_so_far', cycle.ids)
        return content.decode()

    @freeze_time('2026-01-20 12:00:00')
    def test_it_is_the_bill_with_its_statement_and_nothing_is_stored(self):
        association = self._associate()
        self._create_session(ended_at='2026-01-10 10:00:00', name="Printer mended")
        self._close('2026-01-20 12:00:00')
        cycle = self._cycles(association)
        moves = self.env['account.move'].search_count([])
        sessions = self.env['assist.session'].search([('association_id', '=', association.id)])
        page = self._print(cycle)
        for words in ("20.00", "23.00", "Printer mended", "Sessions so far", "comes to so far"):
            self.assertIn(words, page)
        self.assertEqual(self.env['account.move'].search_count([]), moves)
        self.assertRecordValues(cycle, [{'state': 'open', 'move_id': False}])
        self.assertEqual(sessions.mapped('state'), ['to_bill'])
        action = cycle.action_print_so_far()
        self.assertEqual(action['report_name'], 'assist_billing.report_so_far')

    @freeze_time('2026-01-20 12:00:00')
    def test_what_cannot_be_shown_is_said_in_words(self):
        association = self._associate()
        self._close('2026-01-20 12:00:00')
        with self.assertRefused("nothing to bill so far"):
            self._cycles(association).action_print_so_far()
        self._create_session(ended_at='2026-01-10 10:00:00')
        self._close('2026-02-01 00:00:00')
        closed, opened = self._cycles(association)
        with self.assertRefused("not open any more"):
            closed.action_print_so_far()
        with freeze_time('2026-02-20 12:00:00'):
            self._create_session(ended_at='2026-02-10 10:00:00')
            params = (closed + opened).action_print_so_far()['params']
        self.assertRegex(params['message'], "^[^\n]*is not open any more.$")
        self.assertEqual(params['next']['context']['active_ids'], opened.ids, "the others are")
        with (
            patch.object(preview, 'MOST_AT_ONCE', 1),
            self.assertRefused("2 bills are too many to wait for. Choose 1 at most."),
        ):
            (closed + opened).action_print_so_far()

    def test_what_is_still_due_is_summed_in_groups(self):
        bills = self.env['account.move']
        for name in ("One", "Two"):
            association = self._associate(self._create_partner(name))
            self._create_session(association.partner_id)
            self._close('2026-02-01 00:00:00')
            bills |= self._bill(association)
        bills[0]._assist_pay()
        wizard = self.env['assist.add.charges'].create(
            {'move_id': bills[1].id, 'adjustment_type': 'additional', 'amount': 10.0}
        )
        self.company.assist_amend_posted = False
        wizard.action_add()
        self.assertEqual(len(bills[1].assist_linked_ids), 1, "a bill of its own")
        groups = dict(
            bills._read_group([('id', 'in', bills.ids)], ['partner_id'], ['assist_net_due:sum'])
        )
        self.assertEqual(groups, {bill.partner_id: bill.assist_net_due for bill in bills})
        self.assertEqual([groups[bill.partner_id] for bill in bills], [0.0, 34.5])
        fields = bills.fields_get(['assist_net_due'], ['aggregator'])
        self.assertEqual(fields['assist_net_due']['aggregator'], 'sum', "lists are told so")
