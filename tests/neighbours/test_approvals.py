"""Add-ons of OCA that want something of a person before an invoice is posted."""

from odoo.tests import tagged

from odoo.addons.assist_billing.tests.common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestApprovals(AssistBillingCommon):
    """`account_move_tier_validation`: what has to be approved waits in draft."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.small, cls.large = cls._create_partner("Small"), cls._create_partner("Large")
        for partner, count in ((cls.small, 1), (cls.large, 3)):
            cls._associate(partner)
            for number in range(count):
                cls._create_session(partner, ended_at=f'2026-01-1{number} 10:00:00')
        cls.env['tier.definition'].sudo().create(
            {
                'model_id': cls.env['ir.model']._get_id('account.move'),
                'definition_domain': "[('amount_untaxed', '>', 50)]",
                'reviewer_id': cls.env.user.id,
            }
        )

    def _bills(self):
        bills = self.env['account.move'].search([('assist_kind', '=', 'bill')])
        return {bill.partner_id: bill for bill in bills}

    def test_a_bill_that_has_to_be_approved_waits_in_draft(self):
        self._close('2026-02-01 01:00:00')
        bills = self._bills()
        large = bills[self.large]
        self.assertEqual((bills[self.small].state, large.state), ('posted', 'draft'))
        self.assertEqual(large.amount_untaxed, 60.0)
        self.assertEqual(
            (large.assist_cycle_id.state, large.assist_cycle_id.error), ('closed', False)
        )
        self.assertTrue(large.review_ids, "the approval is asked for")
        self.assertIn("it has to be approved first", str(large.message_ids.mapped('body')))
        self._close('2026-02-02 01:00:00')
        self.assertEqual(large.state, 'draft', "the schedule passes nobody over")
        large.validate_tier()
        self.assertEqual(large.validation_status, 'validated')
        large.action_post()
        self.assertEqual(large.state, 'posted')
        self.assertEqual(large.assist_cycle_id.session_ids.mapped('state'), ['billed'] * 3)


@tagged('post_install', '-at_install')
class TestAskedBeforePosting(AssistBillingCommon):
    """`account_financial_risk`: it asks in the button that posts, and nowhere else."""

    def test_who_is_over_the_limit_has_a_draft(self):
        within, over = self._create_partner("Within"), self._create_partner("Over")
        over.sudo().risk_invoice_open_limit = 5.0
        for partner in (within, over):
            self._associate(partner)
            self._create_session(partner)
        self._close('2026-02-01 01:00:00')
        bills = {
            bill.partner_id: bill
            for bill in self.env['account.move'].search([('assist_kind', '=', 'bill')])
        }
        self.assertEqual((bills[within].state, bills[over].state), ('posted', 'draft'))
        self.assertIn("stays in draft", str(bills[over].message_ids.mapped('body')))
        self.assertFalse(bills[over].assist_cycle_id.error)
