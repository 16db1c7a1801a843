from odoo import Command, fields
from odoo.tests import new_test_user

from ..common import AssistBillingCommon

TODAY = fields.Date.to_date('2026-02-10')


class AddChargesCommon(AssistBillingCommon):
    """A bill of January at 20.00 per session and 15 %, and the dialog to add to it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax = cls.company.account_sale_tax_id  # 15 %, not included in the price
        cls.biller = new_test_user(
            cls.env,
            'biller',
            name="Billy Biller",
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def setUp(self):
        super().setUp()
        self.association = self._associate(due_days=28)

    @classmethod
    def default_env_context(cls):
        return {}  # with chatter

    # === HELPERS === #

    def _create_bill(self, sessions=5, handling='post'):
        """Return the bill of January: 20.00 per session, and 15 % on it."""
        self.plan.bill_handling = handling
        for day in range(sessions):
            self._create_session(
                self.association.partner_id, ended_at=f'2026-01-{day + 10} 10:00:00'
            )
        self._close('2026-02-01 00:00:00')
        return self._bill(self.association)

    def _open_dialog(self, bill, amount, adjustment_type='discount', **vals):
        return self.env['assist.add.charges'].create(
            {'move_id': bill.id, 'adjustment_type': adjustment_type, 'amount': amount, **vals}
        )

    def _add(self, bill, amount, adjustment_type='discount', **vals):
        """Add and return the linked document, if one resulted; it is what the dialog foretold."""
        dialog = self._open_dialog(bill, amount, adjustment_type, **vals)
        foretold, total = dialog.document, dialog.updated_total
        before = bill.assist_linked_ids
        dialog.action_add()
        linked = bill.assist_linked_ids - before
        self.assertEqual(foretold in ('credit', 'supplementary'), bool(linked))
        if linked:
            self.assertEqual(linked.assist_kind, foretold)
        self.assertAlmostEqual(bill.assist_net_total, total, msg="what the dialog foretold")
        return linked

    def _get_balance(self):
        """Return what the customer owes, by the books."""
        lines = self.env['account.move.line'].search(
            [
                ('partner_id', '=', self.customer.id),
                ('account_id.account_type', '=', 'asset_receivable'),
                ('parent_state', '=', 'posted'),
            ]
        )
        return self.company.currency_id.round(sum(lines.mapped('balance')))

    def _assert_credit(self, bill, credit, untaxed, residual=0.0):
        self.assertRecordValues(
            credit,
            [
                {
                    'move_type': 'out_refund',
                    'state': 'posted',
                    'assist_kind': 'credit',
                    'assist_bill_id': bill.id,
                    'assist_cycle_id': False,
                    'assist_origin_cycle_id': bill.assist_cycle_id.id,
                    'reversed_entry_id': bill.id,
                    'partner_id': bill.partner_id.id,
                    'invoice_date': TODAY,
                    'amount_untaxed': untaxed,
                    'amount_residual': residual,
                }
            ],
        )
        self.assertEqual(set(credit.invoice_line_ids.mapped('assist_charge')), {'discount'})

    def _assert_supplementary(self, bill, extra, untaxed):
        self.assertRecordValues(
            extra,
            [
                {
                    'move_type': 'out_invoice',
                    'state': 'posted',
                    'assist_kind': 'supplementary',
                    'assist_bill_id': bill.id,
                    'assist_cycle_id': False,
                    'assist_origin_cycle_id': bill.assist_cycle_id.id,
                    'reversed_entry_id': False,
                    'invoice_date': TODAY,
                    'invoice_date_due': fields.Date.add(TODAY, days=28),
                    'amount_untaxed': untaxed,
                    'amount_residual': extra.amount_total,
                }
            ],
        )
