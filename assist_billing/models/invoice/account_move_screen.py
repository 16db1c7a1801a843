from odoo import api, fields, models

from .account_move import PAID_STATES
from .account_move_line import ADJUSTMENT_CHARGES

STATUSES = [
    ('draft', "Draft"),
    ('not_paid', "Not Paid"),
    ('overdue', "Overdue"),
    ('partial', "Partly Paid"),
    ('in_payment', "In Payment"),
    ('paid', "Paid"),
    ('reversed', "Credited"),
    ('cancel', "Cancelled"),
]


class AccountMove(models.Model):
    """What only the screens of bills need."""

    _inherit = 'account.move'

    # === FIELDS === #

    assist_status = fields.Selection(
        STATUSES,
        string="Bill Status",
        compute='_compute_assist_status',
        help="Whether it is paid. Whether it was sent is another question: see Delivery.",
    )
    assist_net_total = fields.Monetary(
        string="Net Total",
        compute='_compute_assist_net_amounts',
        help="Total of the bill and its supplementary bills, minus its credit notes; taxes "
        "included.",
    )
    assist_net_due = fields.Monetary(
        string="Still Due",
        compute='_compute_assist_net_amounts',
        help="What is open on the bill and on its supplementary bills, minus credit that is "
        "still the customer's.",
    )
    assist_linked_count = fields.Integer(
        string="Number of Linked Documents", compute='_compute_assist_net_amounts'
    )
    assist_has_confirmed_payment = fields.Boolean(
        string="Payment Confirmed Here",
        compute='_compute_assist_has_confirmed_payment',
        help="A payment was registered by Confirm Payment, and can be undone until the bank knows "
        "of it.",
    )
    assist_adjustment_line_ids = fields.Many2many(
        'account.move.line',
        string="Adjustments",
        compute='_compute_assist_adjustment_line_ids',
        help="Charges and discounts, on the bill and on its linked documents.",
    )

    # === COMPUTE METHODS === #

    @api.depends('state', 'payment_state', 'invoice_date_due')
    def _compute_assist_status(self):
        known = dict(STATUSES)
        today = fields.Date.context_today(self)
        for move in self:
            status = move.payment_state if move.state == 'posted' else move.state
            if status not in known:  # `blocked` and the like: nothing is paid all the same
                status = 'not_paid'
            if status == 'not_paid' and move.invoice_date_due and move.invoice_date_due < today:
                status = 'overdue'
            move.assist_status = status

    @api.depends(
        'amount_total',
        'amount_residual',
        'assist_linked_ids.state',
        'assist_linked_ids.amount_total',
        'assist_linked_ids.amount_residual',
    )
    def _compute_assist_net_amounts(self):
        for move in self:
            linked = move.assist_linked_ids.filtered(lambda document: document.state == 'posted')
            move.assist_linked_count = len(linked)
            documents = linked if move.state == 'cancel' else move | linked
            move.assist_net_total = sum(
                document.amount_total * (-1 if document.move_type == 'out_refund' else 1)
                for document in documents
            )
            move.assist_net_due = sum(
                document.amount_residual * (-1 if document.move_type == 'out_refund' else 1)
                for document in documents
                if document.state == 'posted' and document.payment_state not in PAID_STATES
            )

    @api.depends('matched_payment_ids.state', 'matched_payment_ids.assist_bill_id')
    def _compute_assist_has_confirmed_payment(self):
        payments = self.env['account.payment'].search(
            [
                ('assist_bill_id', 'in', self.ids),
                ('state', 'not in', ('draft', 'canceled', 'rejected')),
            ]
        )
        # One that the bank knows of stays.
        undoable = payments.filtered(lambda payment: not payment._assist_is_matched_with_bank())
        for move in self:
            move.assist_has_confirmed_payment = move._origin in undoable.assist_bill_id

    @api.depends(
        'invoice_line_ids.assist_charge',
        'assist_linked_ids.state',
        'assist_linked_ids.invoice_line_ids.assist_charge',
    )
    def _compute_assist_adjustment_line_ids(self):
        for move in self:
            linked = move.assist_linked_ids.filtered(lambda document: document.state != 'cancel')
            move.assist_adjustment_line_ids = (move | linked).invoice_line_ids.filtered(
                lambda line: line.assist_charge in ADJUSTMENT_CHARGES
            )

    # === BUSINESS METHODS - account.move === #

    def _fetch_duplicate_reference(self, matching_states=('draft', 'posted')):
        # EXTENDS account: bills of two cycles are no duplicates, however alike they are; the
        # warning would come with a button that deletes one of them
        duplicates = super()._fetch_duplicate_reference(matching_states)
        return {
            move: others.filtered(lambda other: not other.assist_cycle_id)
            if move.assist_cycle_id
            else others
            for move, others in duplicates.items()
        }

    # === ACTIONS === #

    def action_assist_view_cycle(self):
        self.ensure_one()
        self.check_access('read')
        cycle = self.assist_cycle_id or self.assist_origin_cycle_id
        return cycle._get_records_action(name=self.env._("Billing Cycle"))
