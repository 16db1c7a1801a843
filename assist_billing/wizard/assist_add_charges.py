from odoo import api, fields, models
from odoo.exceptions import UserError


class AssistAddCharges(models.TransientModel):
    _name = 'assist.add.charges'
    _description = "Add Charges / Discounts"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    move_id = fields.Many2one('account.move', string="Bill")
    currency_id = fields.Many2one(related='move_id.currency_id', related_sudo=False)
    session_charge = fields.Monetary(
        string="Session Charges",
        related='move_id.assist_session_charge',
        related_sudo=False,
        help="What was used, before taxes.",
    )
    adjustment_type = fields.Selection(
        [('additional', "Additional Cost"), ('discount', "Discount")],
        string="Type",
        required=True,
        default='additional',
    )
    amount_type = fields.Selection(
        [('amount', "Amount"), ('percent', "Percent of session charges")],
        string="Given As",
        required=True,
        default='amount',
    )
    percent = fields.Float(digits=(16, 2))
    amount = fields.Monetary(
        compute='_compute_amount',
        store=True,
        readonly=False,
        help="Before taxes. Taxes are those of the bill.",
    )
    description = fields.Char(
        help="The customer reads it on the document; it also stays on record."
    )
    updated_total = fields.Monetary(
        compute='_compute_outcome',
        help="The bill with all its linked documents, taxes included.",
    )
    problem = fields.Char(compute='_compute_outcome')
    document = fields.Selection(
        [
            ('line', "Line on the draft bill"),
            ('amend', "Line on the posted bill"),
            ('credit', "Credit note"),
            ('supplementary', "Supplementary bill"),
        ],
        compute='_compute_outcome',
    )
    outcome = fields.Char(compute='_compute_outcome', help="Which document is created, and why.")
    is_added = fields.Boolean(readonly=True)

    # === COMPUTE METHODS === #

    @api.depends('amount_type', 'percent', 'session_charge')
    def _compute_amount(self):
        for dialog in self:
            if dialog.amount_type == 'percent':
                dialog.amount = dialog.currency_id.round(
                    dialog.session_charge * dialog.percent / 100
                )

    @api.depends('move_id', 'adjustment_type', 'amount')
    def _compute_outcome(self):
        for dialog in self:
            bill, charge = dialog.move_id._origin, dialog.adjustment_type
            dialog.update(
                {
                    'updated_total': bill.assist_net_total,
                    'problem': False,
                    'document': False,
                    'outcome': False,
                }
            )
            try:
                bill._assist_check_adjustable()
                dialog.document, reason = bill._assist_get_adjustment(charge)
                dialog.outcome = dialog._get_outcome_text(reason)
                if dialog.amount:
                    bill._assist_check_amount(charge, dialog.amount)
                    dialog.updated_total = bill._assist_get_updated_total(charge, dialog.amount)
            except UserError as error:  # shown while one types; `action_add` raises it
                dialog.problem = str(error)

    def _get_outcome_text(self, reason):
        """Return in words which document results; `reason`: why not the bill itself."""
        self.ensure_one()
        bill = self.move_id.display_name
        return {
            'line': self.env._("A line is added to the draft bill."),
            'amend': self.env._(
                "A line is added to %(bill)s itself, which keeps its number: it was neither sent "
                "nor paid.",
                bill=bill,
            ),
            'credit': self.env._(
                "A credit note for %(bill)s is created and posted because %(reason)s.",
                bill=bill,
                reason=reason,
            ),
            'supplementary': self.env._(
                "A supplementary bill to %(bill)s is created and posted because %(reason)s.",
                bill=bill,
                reason=reason,
            ),
        }[self.document]

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._assist_check_types(vals)
            bill_id = vals.get('move_id') or self.env.context.get('default_move_id')
            self._check_amount_digits(self.env['account.move'].browse(bill_id), vals)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_types(vals)
        self._check_amount_digits(self.move_id, vals)
        return super().write(vals)

    def _check_amount_digits(self, bills, vals):
        """Refuse what the field would round to the currency silently."""
        for bill in bills if vals.get('amount') else ():
            bill._assist_check_digits(float(vals['amount']))

    # === ACTIONS === #

    def action_add(self):
        """Add the cost or grant the discount; raises UserError and changes nothing if it cannot."""
        self.ensure_one()
        self.check_access('write')
        if self.is_added:
            # Whose answer got lost on the way clicks again.
            raise UserError(
                self.env._(
                    "This was added to %(bill)s already. Close this dialog, and open it anew to "
                    "add more.",
                    bill=self.move_id.display_name,
                )
            )
        document = self.move_id._assist_adjust(
            self.adjustment_type, self.amount, (self.description or "").strip()
        )
        # Of two at once, one loses the race for this and is told.
        self.is_added = True
        return document._assist_notify(
            self.move_id._assist_get_charge_label(self.adjustment_type), document.display_name
        )
