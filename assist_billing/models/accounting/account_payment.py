from odoo import fields, models

# Context key: payments are of all that is due, whatever terms would let be deducted.
PAY_AS_SHOWN = 'assist_pay_as_shown'


class AccountPayment(models.Model):
    _name = 'account.payment'
    _inherit = ['account.payment', 'assist.engine.fields']

    # === FIELDS === #

    assist_bill_id = fields.Many2one(
        'account.move',
        string="Confirmed Remote Support Bill",
        copy=False,
        readonly=True,
        index='btree_not_null',
        check_company=True,
        help="The bill whose payment was confirmed in one click. Only such payments can be "
        "undone there.",
    )

    # === BUSINESS METHODS - account.payment === #

    def _get_outstanding_account(self, payment_type):
        # EXTENDS account: Odoo looks in the company at the top, and so refuses who works for a
        # branch alone
        if not self.env.context.get(PAY_AS_SHOWN):
            return super()._get_outstanding_account(payment_type)
        # sudo: the payment's own account, whichever companies its user has
        payment = super(AccountPayment, self.sudo())
        return payment._get_outstanding_account(payment_type).with_env(self.env)

    # === HELPERS === #

    def _assist_is_matched_with_bank(self):
        """Tell whether a bank statement knows of this payment.

        `is_matched` is also true where payments go to the bank account directly, without statement.
        """
        self.ensure_one()
        liquidity_lines, _counterpart_lines, _writeoff_lines = self._seek_for_lines()
        return bool(
            self.reconciled_statement_line_ids
            or liquidity_lines.matched_debit_ids
            or liquidity_lines.matched_credit_ids
        )

    def _assist_is_written_off(self):
        """Tell whether this payment settles more than its amount, or less."""
        self.ensure_one()
        _liquidity_lines, _counterpart_lines, writeoff_lines = self._seek_for_lines()
        return bool(writeoff_lines)
