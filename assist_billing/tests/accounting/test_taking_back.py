from unittest.mock import patch

from odoo import fields
from odoo.exceptions import LockError
from odoo.tests import Form, tagged

from ..common import AssistBillingCommon
from ..thorough import thorough


@tagged('post_install', '-at_install')
class TestTakingBack(AssistBillingCommon):
    """A bill taken back frees its cycle, and only a person bills it again."""

    def setUp(self):
        super().setUp()
        self.association = self._associate()
        self.session = self._create_session()
        self._close('2026-02-01 00:00:00')
        self.cycle = self._cycles(self.association)[0]
        self.bill = self.cycle.move_id

    def _assert_given_back(self):
        self.assertRecordValues(self.cycle, [{'state': 'to_rebill', 'move_id': False}])
        self.assertRecordValues(self.session, [{'state': 'to_bill', 'cycle_id': self.cycle.id}])
        self._close('2026-02-02 00:00:00')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(self.session.state, 'to_bill', "the schedule never bills it again")
        self.assertFalse(self.association.bill_ids - self.bill)

    def test_a_cancelled_bill_gives_its_cycle_back(self):
        self.bill.button_cancel()
        self._assert_given_back()
        self.assertRecordValues(
            self.bill,
            [
                {
                    'state': 'cancel',
                    'assist_kind': 'given_back',
                    'assist_cycle_id': False,
                    'assist_origin_cycle_id': self.cycle.id,
                }
            ],
        )

    def test_a_deleted_draft_gives_its_cycle_back(self):
        self.bill.button_draft()
        self.bill.unlink()
        self.bill = self.env['account.move']
        self._assert_given_back()

    def test_a_credit_to_bill_again_gives_its_cycle_back(self):
        credit = self._credit_to_bill_again()
        self.assertRecordValues(
            credit,
            [
                {
                    'state': 'posted',
                    'move_type': 'out_refund',
                    'assist_kind': 'credit',
                    'assist_bill_id': self.bill.id,
                    'assist_origin_cycle_id': self.cycle.id,
                    'amount_untaxed': 20.0,
                }
            ],
        )
        self.assertEqual(self.bill.payment_state, 'reversed')
        self._assert_given_back()

    def test_a_bill_is_not_dropped_while_its_credit_stays(self):
        reversal = self.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=self.bill.ids
        )
        reversal.create({'journal_id': self.bill.journal_id.id}).refund_moves()
        credit = self.bill.reversal_move_ids
        credit.action_post()
        for drop in (self.bill.button_cancel, lambda: self.bill.write({'state': 'cancel'})):
            with self.assertRefused("the customer would keep the credit of"):
                drop()
        self.bill.button_draft()
        with self.assertRefused("the customer would keep the credit of"):
            self.bill.unlink()
        credit.button_draft()
        credit.unlink()
        self.bill.unlink()
        self.bill = self.env['account.move']
        self._assert_given_back()

    def test_a_draft_that_credits_more_than_is_left_says_so(self):
        self.bill._assist_set_delivery_state('sent')
        self.bill._assist_adjust('discount', 5.0, "Delay")
        discount = self.bill.reversal_move_ids
        reversal = self.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=self.bill.ids
        )
        reversal.create({'journal_id': self.bill.journal_id.id}).refund_moves()
        credit = self.bill.reversal_move_ids - discount
        self.assertRecordValues(credit, [{'state': 'draft', 'amount_untaxed': 20.0}])
        said = credit.alerts['assist_credited_before']['message']
        self.assertIn(f"is already credited by {discount.name}", said)
        action = credit.action_validate_moves_with_confirmation()
        dialog = self.env[action['res_model']].browse(action['res_id'])
        self.assertEqual((credit.state, dialog.assist_warnings), ('draft', said), "from a list")
        credit.invoice_line_ids.filtered('assist_charge').price_unit = 15.0
        self.assertRecordValues(credit, [{'amount_untaxed': 15.0}])
        self.assertFalse(credit.alerts)
        self.assertFalse(credit._get_moves_requiring_confirmation())
        for posted in discount + self.bill:
            self.assertNotIn('assist_credited_before', posted.alerts or {})

    def test_a_cancelled_bill_is_not_credited(self):
        reversal = self.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=self.bill.ids
        )
        reversal.create({'journal_id': self.bill.journal_id.id}).refund_moves()
        credit = self.bill.reversal_move_ids
        self.bill.button_cancel()
        for post in (credit.action_post, lambda: credit.write({'state': 'posted'})):
            with self.assertRefused("there is nothing to credit"):
                post()
        credit.unlink()

    def test_what_credits_a_bill_to_bill_again_is_not_reversed(self):
        credit = self._credit_to_bill_again()
        reversal = self.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=credit.ids
        )
        reversal.create({'journal_id': credit.journal_id.id}).refund_moves()
        with self.assertRefused("reversed or deleted: the customer would owe"):
            credit.reversal_move_ids.action_post()

    def test_a_credit_that_was_reversed_itself_holds_no_bill(self):
        document = self.bill
        for _again in range(2):
            reversal = self.env['account.move.reversal'].with_context(
                active_model='account.move', active_ids=document.ids
            )
            reversal.create({'journal_id': self.bill.journal_id.id}).refund_moves()
            document = document.reversal_move_ids
            document.action_post()
        self.bill.button_cancel()
        self._assert_given_back()

    def test_billing_again_makes_a_draft_of_the_same_amounts(self):
        before = self._lines(self.bill)
        self._create_session(ended_at='2026-01-20 10:00:00')  # late: not one of this bill's
        self.plan.price_per_session = 99.0
        self.bill.button_cancel()
        self.cycle.action_rebill()
        again = self.cycle.move_id
        self.assertRecordValues(again, [{'state': 'draft', 'assist_kind': 'bill'}])
        self.assertEqual(self._lines(again), before)
        self.assertRecordValues(self.session, [{'state': 'billed', 'cycle_id': self.cycle.id}])

    def test_sessions_can_be_mended_before_billing_again(self):
        with self.assertRefused("is billed"):
            self.session.billable = False
        self.bill.button_cancel()
        other = self._create_session(ended_at='2026-01-20 10:00:00')
        self.session.write({'billable': False, 'non_billable_reason': "Our own fault"})
        self.cycle.action_rebill()
        self.assertFalse(self.cycle.move_id, "nothing left to bill")
        self.assertEqual(self.cycle.state, 'closed')
        self.assertEqual(self.session.state, 'non_billable')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(other.state, 'billed')

    def test_a_kept_session_moved_to_another_customer_leaves_the_cycle(self):
        other = self._associate(self._create_partner("Other"))
        self.bill.button_cancel()
        self.session.partner_id = other.partner_id
        self.assertRecordValues(
            self.session,
            [{'state': 'to_bill', 'cycle_id': False, 'association_id': other.id}],
        )

    def test_a_kept_session_that_ends_after_the_cycle_leaves_it(self):
        self.bill.button_cancel()
        self.session.ended_at = '2026-02-01 00:00:00'
        self.assertRecordValues(self.session, [{'state': 'to_bill', 'cycle_id': False}])

    def test_what_cannot_be_waived_is_said_before_a_reason_is_typed(self):
        dialogs = self.env['assist.waive.cycle'].with_context(
            active_model=self.cycle._name, active_ids=self.cycle.ids
        )
        with self.assertRefused("not waiting to be billed again"):
            Form(dialogs)
        self.bill.button_cancel()
        self.assertEqual(Form(dialogs).cycle_ids[:], self.cycle)

    def test_waiving_needs_a_reason_and_ends_it(self):
        self.bill.button_cancel()
        with self.assertRefused("Give a reason"):
            self.cycle.action_waive("  ")
        self.cycle.action_waive("Goodwill")
        self.assertRecordValues(
            self.cycle, [{'state': 'waived', 'waive_reason': "Goodwill", 'usage_amount': 0.0}]
        )
        self.assertRecordValues(
            self.session, [{'state': 'non_billable', 'non_billable_reason': "Goodwill"}]
        )
        with self.assertRefused("not waiting"):
            self.cycle.action_rebill()

    def test_a_cancelled_bill_comes_back_only_while_its_cycle_waits(self):
        self.bill.button_cancel()
        self.bill.button_draft()
        self.assertRecordValues(self.bill, [{'assist_kind': 'bill', 'state': 'draft'}])
        self.assertRecordValues(self.cycle, [{'state': 'closed', 'move_id': self.bill.id}])
        self.assertEqual(self.session.state, 'billed')

        self.bill.button_cancel()
        self.cycle.action_rebill()
        with self.assertRefused("not waiting"):
            self.bill.button_draft()

    def test_a_cancelled_bill_does_not_come_back_over_changed_sessions(self):
        self.bill.button_cancel()
        self.session.billable = False
        with self.assertRefused("changed since"):
            self.bill.button_draft()

    def test_a_paid_bill_can_only_be_credited(self):
        payment = self._register_payment(self.bill)
        for action in ('button_draft', 'button_cancel'):
            with self.subTest(action=action), self.assertRefused("has a payment"):
                getattr(self.bill, action)()
        self._credit_to_bill_again()
        self.assertRecordValues(self.cycle, [{'state': 'to_rebill'}])
        self.cycle.action_rebill()
        again = self.cycle.move_id
        again.action_post()
        self.assertEqual(again.amount_residual, 0.0, "the payment set free went to the new bill")
        self.assertTrue(payment.exists().is_reconciled)

    def test_a_sent_bill_can_only_be_credited(self):
        self.bill.sudo().assist_delivery_state = 'sent'
        with self.assertRefused("was sent"):
            self.bill.button_cancel()

    def test_what_credits_a_bill_to_bill_again_stays(self):
        credit = self._credit_to_bill_again()
        for action in ('button_draft', 'button_cancel'):
            with self.subTest(action=action), self.assertRefused("owe INV/.* once more"):
                getattr(credit, action)()
        self.cycle.action_rebill()
        with self.assertRefused("owe INV/.* once more"):
            credit.button_draft()
        # One that was made besides is the accountant's.
        more = self.bill._reverse_moves([{'date': fields.Date.today()}])
        more.action_post()
        more.button_draft()
        self.assertEqual(more.state, 'draft')

    def test_to_credit_and_bill_again_a_second_time_is_refused(self):
        self._credit_to_bill_again()
        documents = self.bill.search([('partner_id', '=', self.bill.partner_id.id)])
        with self.assertRefused("nor credited to be billed again once more"):
            self._credit_to_bill_again()
        self.assertEqual(
            self.bill.search([('partner_id', '=', self.bill.partner_id.id)]), documents
        )

    def test_charges_made_anew_are_about_the_same_bill(self):
        self._register_payment(self.bill)
        first = self.bill._assist_adjust('additional', 5.0, "Cable")
        reversal = self.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=first.ids
        )
        reversal = reversal.create({'journal_id': self.bill.journal_id.id})
        reversal.modify_moves()
        again = reversal.new_move_ids
        self.assertRecordValues(
            again,
            [
                {
                    'state': 'draft',
                    'assist_kind': 'supplementary',
                    'assist_bill_id': self.bill.id,
                    'assist_origin_cycle_id': self.cycle.id,
                    'assist_cycle_id': False,
                    'amount_untaxed': 5.0,
                }
            ],
        )
        self.assertEqual(again.invoice_line_ids.mapped('assist_charge'), ['additional'])
        self.assertEqual(self.bill.assist_net_total, self.bill.amount_total)
        self.assertEqual(self.bill.assist_misc_charge, 5.0, "a draft counts there already")
        again.action_post()
        self.assertEqual(self.bill.assist_net_total, self.bill.amount_total + again.amount_total)
        self.bill._assist_adjust('discount', 25.0)
        self.assertEqual(self.bill.assist_net_total, 0.0)

    def test_whose_period_somebody_is_working_on_is_said_in_words(self):
        self._credit_to_bill_again()
        locked = patch.object(
            self.env.registry['assist.billing.cycle'],
            'lock_for_update',
            side_effect=LockError("Cannot grab a lock on records"),
        )
        for action, arguments in (('action_rebill', ()), ('action_waive', ("Goodwill",))):
            with self.subTest(action=action), locked, self.assertRefused("Someone else is"):
                getattr(self.cycle, action)(*arguments)

    def test_whoever_writes_the_state_of_a_bill_takes_it_back_as_well(self):
        self.bill.write({'state': 'cancel'})
        self._assert_given_back()
        with self.assertRefused("changed since"):
            self.session.billable = False
            self.bill.write({'state': 'posted'})
        self.bill.write({'state': 'draft'})
        self.assertRecordValues(self.bill, [{'assist_kind': 'bill', 'state': 'draft'}])
        self.assertRecordValues(self.cycle, [{'state': 'closed', 'move_id': self.bill.id}])
        self.assertEqual(self.session.state, 'billed')
        self.bill.action_post()
        self.bill.sudo().assist_delivery_state = 'sent'
        for state in ('draft', 'cancel'):
            with self.subTest(state=state), self.assertRefused("was sent"):
                self.bill.write({'state': state})

    def test_a_cancelled_bill_does_not_come_back_at_another_price_or_for_somebody_else(self):
        self.bill.button_cancel()
        with self.assertRefused("cannot be edited by hand"):
            self.bill.invoice_line_ids[0].price_unit = 0.0
        with self.assertRefused("customer, currency and company cannot change"):
            self.bill.partner_id = self._create_partner("Other")

    def _credit_to_bill_again(self):
        wizard = (
            self.env['account.move.reversal']
            .with_context(active_model='account.move', active_ids=self.bill.ids)
            .create({'journal_id': self.bill.journal_id.id, 'date': fields.Date.today()})
        )
        wizard.modify_moves()
        return wizard.new_move_ids


@tagged('post_install', '-at_install')
@thorough
class TestLateSessions(AssistBillingCommon):
    """What comes in after its cycle closed goes on the next bill, at its own cycle's terms."""

    def test_the_difference_goes_on_the_next_bill(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self.plan.price_per_session = 50.0
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-01 00:00:00')
        first, second = self._cycles(association)[:2]
        self.assertEqual(self._lines(second.move_id), [('prior', 1.0, 20.0, 20.0)])
        self.assertIn("01/01/2026 – 01/31/2026", second.move_id.invoice_line_ids.name)
        self.assertRecordValues(
            late, [{'state': 'billed', 'cycle_id': second.id, 'billed_seconds': 1800}]
        )
        self.assertRecordValues(second.prior_ids, [{'origin_cycle_id': first.id, 'amount': 20.0}])

    def test_included_quantity_and_minimum_are_not_granted_twice(self):
        self.plan.write({'included_quantity': 2, 'minimum_charge': 30.0})
        association = self._associate()
        self._create_session()
        self._create_session(ended_at='2026-01-16 10:00:00')
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('minimum', 1.0, 30.0, 30.0)])
        # Two late ones: 2 beyond the included are 40.00, of which 30.00 are billed already.
        for day in ('20', '21'):
            self._create_session(ended_at=f'2026-01-{day} 10:00:00')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(
            self._lines(self._cycles(association)[1].move_id),
            [('minimum', 1.0, 30.0, 30.0), ('prior', 1.0, 10.0, 10.0)],
        )
        # A third one in April is 20.00 more, not 30.00.
        self._create_session(ended_at='2026-01-22 10:00:00')
        self._close('2026-04-01 00:00:00')
        self.assertEqual(
            self._lines(self._cycles(association)[2].move_id)[-1], ('prior', 1.0, 20.0, 20.0)
        )

    def test_a_supplementary_bill_is_made_when_no_bill_follows(self):
        association = self._associate(end_date='2026-02-01')
        self._create_session()
        self._close('2026-02-01 00:00:00')
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-07 23:59:59')
        self.assertEqual(late.state, 'to_bill')
        self._close('2026-03-08 00:00:00')
        cycle = association.cycle_ids
        extra = self.env['account.move'].search([('assist_origin_cycle_id', '=', cycle.id)])
        self.assertRecordValues(
            extra, [{'state': 'posted', 'assist_kind': 'supplementary', 'amount_untaxed': 20.0}]
        )
        self.assertRecordValues(late, [{'state': 'billed', 'cycle_id': cycle.id}])
        self._close('2026-03-09 00:00:00')
        self.assertEqual(
            self.env['account.move'].search_count([('assist_origin_cycle_id', '=', cycle.id)]), 1
        )
        with self.assertRefused("came in late"):
            extra.button_cancel()
        with self.assertRefused("came in late"):
            extra.write({'state': 'cancel'})
        extra.button_draft()
        for refused in (
            lambda: extra.invoice_line_ids.write({'price_unit': 0.0}),
            lambda: extra.write({'invoice_line_ids': [fields.Command.clear()]}),
            lambda: extra.write({'partner_id': self._create_partner("Other").id}),
        ):
            with self.assertRefused("cannot be edited by hand|cannot change"):
                refused()
        extra.action_post()
        extra.sudo().assist_delivery_state = 'sent'
        with self.assertRefused("was sent"):
            extra.button_draft()

    def test_a_bill_for_late_sessions_stands_when_its_cycle_is_billed_again(self):
        association = self._associate(end_date='2026-02-01')
        session = self._create_session()
        self._close('2026-02-01 00:00:00')
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-08 00:00:00')
        cycle = association.cycle_ids
        cycle.move_id.button_cancel()
        self.assertEqual((session | late).mapped('state'), ['to_bill', 'billed'])
        cycle.action_rebill()
        self.assertEqual(self._lines(cycle.move_id), [('session', 1.0, 20.0, 20.0)])
        self._create_session(ended_at='2026-01-21 10:00:00')
        self._close('2026-03-09 00:00:00')
        extra = self.env['account.move'].search(
            [('assist_origin_cycle_id', '=', cycle.id), ('assist_kind', '=', 'supplementary')]
        )
        self.assertEqual(extra.mapped('amount_untaxed'), [20.0, 20.0])

    def test_a_late_session_of_a_cycle_to_bill_again_waits_for_the_decision(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        cycle = self._cycles(association)[0]
        cycle.move_id.button_cancel()
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-01 00:00:00')
        self.assertEqual(late.state, 'to_bill')
        cycle.action_rebill()
        self.assertEqual(cycle.move_id.amount_untaxed, 20.0)
        self._close('2026-04-01 00:00:00')
        self.assertEqual(late.state, 'billed')

    def test_late_sessions_of_one_period_are_billed_once_each_over_bills_taken_back(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        self._create_session(ended_at='2026-01-20 10:00:00')
        self._close('2026-03-01 00:00:00')
        second = self._cycles(association)[1]
        second.move_id.button_cancel()
        self._create_session(ended_at='2026-01-21 10:00:00')
        self._close('2026-04-01 00:00:00')
        third = self._cycles(association)[2]
        self.assertEqual(self._lines(third.move_id), [('prior', 1.0, 20.0, 20.0)])
        second.action_rebill()
        self.assertEqual(self._lines(second.move_id), [('prior', 1.0, 20.0, 20.0)])
        self.assertEqual(
            sum(association.cycle_ids.prior_ids.mapped('amount')), 40.0, "one row for each"
        )

    def test_before_the_start_is_nobody_s(self):
        self._associate()
        early = self._create_session(ended_at='2025-12-31 23:59:59')
        self.assertRecordValues(early, [{'state': 'unmatched', 'association_id': False}])
