from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount

from ..utils.checks import refuse_absurd_dates


class AssistConfirmPayment(models.TransientModel):
    _name = 'assist.confirm.payment'
    _description = "Confirm Payment of Remote Support Bills"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    move_ids = fields.Many2many('account.move', string="Bills", readonly=True)
    company_id = fields.Many2one('res.company', compute='_compute_amount')
    currency_id = fields.Many2one('res.currency', compute='_compute_amount')
    amount = fields.Monetary(
        string="Still Due",
        compute='_compute_shown_amount',
        store=True,
        help="What is open on all of them.",
    )
    payment_date = fields.Date(required=True, default=lambda self: fields.Date.context_today(self))
    journal_id = fields.Many2one(
        'account.journal',
        compute='_compute_journal_id',
        store=True,
        readonly=False,
        domain="[('type', 'in', ('bank', 'cash', 'credit')),"
        " ('company_id', 'parent_of', company_id)]",
    )
    memo = fields.Char(help="Empty: the payment reference of each bill.")
    online_warning = fields.Char(compute='_compute_online_warning')

    # === CONSTRAINTS === #

    @api.constrains('payment_date')
    def _check_payment_date(self):
        for dialog in self:
            day = {'payment_date': dialog.payment_date}
            refuse_absurd_dates(self.browse(), day, day)

    # === COMPUTE METHODS === #

    @api.depends('move_ids')
    def _compute_amount(self):
        for dialog in self:
            dialog.company_id = dialog.move_ids.company_id[:1]
            dialog.currency_id = dialog.move_ids.currency_id[:1]

    @api.depends('move_ids')
    def _compute_shown_amount(self):
        # Kept as it was shown: what is registered must be the same.
        for dialog in self:
            dialog.amount = sum(dialog.move_ids.mapped('amount_residual'))

    @api.depends('move_ids')
    def _compute_journal_id(self):
        for dialog in self:
            try:
                dialog.journal_id = dialog.move_ids._assist_get_payment_journal()
            except UserError:  # none is chosen: that is what the dialog asks for
                dialog.journal_id = False

    @api.depends('move_ids')
    def _compute_online_warning(self):
        for dialog in self:
            dialog.online_warning = dialog.move_ids._assist_get_online_warning()

    # === ACTIONS === #

    def action_confirm(self):
        """Register the payments; see `account.move._assist_pay`."""
        self.ensure_one()
        self.check_access('write')
        if not self.move_ids:
            raise UserError(self.env._("Choose the bills that were paid."))
        self._check_shown_amount()
        payments = self.move_ids._assist_pay(self.payment_date, self.journal_id, self.memo)
        return self.move_ids._assist_notify_paid(payments)

    def _check_shown_amount(self):
        """Refuse to pay another amount than was shown: somebody paid or adjusted meanwhile."""
        self.move_ids._assist_lock()
        due = sum(self.move_ids.mapped('amount_residual'))
        if self.currency_id.compare_amounts(due, self.amount):
            raise UserError(
                self.env._(
                    "%(due)s is due by now, not %(shown)s as shown. Nothing was registered; "
                    "open Confirm Payment again.",
                    due=format_amount(self.env, due, self.currency_id),
                    shown=format_amount(self.env, self.amount, self.currency_id),
                )
            )

    def action_other_payment(self):
        """Leave for Odoo's own dialog: part payments, write-offs, one payment for several bills."""
        self.ensure_one()
        self.check_access('write')
        return self.move_ids.action_register_payment()
