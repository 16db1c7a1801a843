from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...utils.assigning import assign
from ...utils.naming import name_some
from ...utils.races import lock_or_refuse
from .account_move_line import ADJUSTMENT_CHARGES, USAGE_CHARGES, USAGE_KINDS

# What makes an invoice count as settled; Community has no `in_payment`, Enterprise has.
PAID_STATES = ('paid', 'in_payment', 'reversed')
# What says what was used keeps what it was billed to and in; other fields are the accountant's.
FROZEN_FIELDS = ('partner_id', 'currency_id', 'company_id', 'move_type')
# Where Odoo keeps the day on which what a document charges was supplied.
SUPPLY_DATES = ('delivery_date', 'taxable_supply_date')
# Where add-ons of countries keep that day, and the first and the last day of what it charges, for
# the paper and for what they transmit: Argentina, Serbia and Spain (Facturae). What they find empty
# is the month of the invoice, its date, or missing.
COUNTRY_DATES = {
    'first': ('l10n_ar_afip_service_start', 'l10n_es_invoicing_period_start_date'),
    'last': ('l10n_ar_afip_service_end', 'l10n_es_invoicing_period_end_date'),
    'supplied': ('l10n_rs_turnover_date',),
}
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
    """A bill is a customer invoice that knows the cycle it is for."""

    _name = 'account.move'
    _inherit = ['account.move', 'assist.engine.fields']

    # === FIELDS === #

    assist_kind = fields.Selection(
        [
            ('bill', "Bill"),
            ('supplementary', "Supplementary Bill"),
            ('credit', "Credit Note"),
            ('given_back', "Bill Taken Back"),
        ],
        string="Remote Support Document",
        copy=False,
        readonly=True,
        index='btree_not_null',
    )
    assist_cycle_id = fields.Many2one(
        'assist.billing.cycle',
        string="Billing Cycle",
        copy=False,
        readonly=True,
        ondelete='restrict',
        help="The cycle whose current bill this is.",
    )
    assist_origin_cycle_id = fields.Many2one(
        'assist.billing.cycle',
        string="Billing Cycle of Origin",
        copy=False,
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help="The cycle that this credit note or supplementary bill is about, or that this bill "
        "was for before it was taken back.",
    )
    assist_bill_id = fields.Many2one(
        'account.move',
        string="Adjusted Bill",
        copy=False,
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    assist_linked_ids = fields.One2many('account.move', 'assist_bill_id', string="Linked Documents")
    assist_delivery_state = fields.Selection(
        [
            ('none', "Not Sent"),
            ('queued', "Being Sent"),
            ('sent', "Sent"),
            ('failed', "Sending Failed"),
            ('no_address', "No Address"),
        ],
        string="Delivery",
        copy=False,
        readonly=True,
        default='none',
        index='btree_not_null',
        help="Taken from what became of the e-mail, or of what else the bill was sent by, not from "
        "whether a PDF exists.",
    )
    assist_transmission = fields.Json(
        string="Transmission",
        groups='base.group_user',
        copy=False,
        readonly=True,
        help="What else than e-mail it was handed over to: `begun`, before that is known to have "
        "ended, and `taken`.",
    )
    assist_unfinished = fields.Selection(
        [('post', "Post"), ('send', "Post and Send")],
        string="Still to Do",
        groups='base.group_user',
        copy=False,
        readonly=True,
        index='btree_not_null',
        help="What the closing run has still to do, when another add-on has stored this bill "
        "before the run was through with it.",
    )
    assist_message_id = fields.Many2one(
        'mail.message',
        string="Message It Was Sent With",
        groups='base.group_user',
        copy=False,
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    assist_association_id = fields.Many2one(
        'assist.billing.association',
        string="Association",
        compute='_compute_assist_cycle_values',
        store=True,
        precompute=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    assist_plan_id = fields.Many2one(
        'assist.billing.plan',
        string="Billing Plan",
        compute='_compute_assist_cycle_values',
        store=True,
        precompute=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    assist_period_start = fields.Date(
        string="Bill Start Date",
        compute='_compute_assist_cycle_values',
        store=True,
        precompute=True,
    )
    assist_period_end = fields.Date(
        string="Bill End Date",
        compute='_compute_assist_cycle_values',
        store=True,
        precompute=True,
        index='btree_not_null',
        help="First day of the next cycle.",
    )
    assist_session_count = fields.Integer(
        string="Sessions", compute='_compute_assist_cycle_values', store=True, precompute=True
    )
    assist_session_hours = fields.Float(
        string="Session Hours",
        compute='_compute_assist_cycle_values',
        store=True,
        precompute=True,
        help="Measured time of the sessions.",
    )
    assist_device_quantity = fields.Float(
        string="Devices",
        digits='Product Unit',
        compute='_compute_assist_cycle_values',
        store=True,
        precompute=True,
    )
    assist_session_charge = fields.Monetary(
        string="Session Charges",
        compute='_compute_assist_session_charge',
        store=True,
        help="Untaxed amount of what was used.",
    )
    assist_misc_charge = fields.Monetary(
        string="Misc Charges",
        compute='_compute_assist_misc_charge',
        store=True,
        help="Untaxed additional costs minus discounts, on the bill and on its linked documents.",
    )

    assist_rounds_lines = fields.Boolean(
        string="Sum of Rounded Lines",
        readonly=True,
        help="The untaxed amount is the sum of the lines as printed, however the company rounds "
        "taxes. Bills made before this rule keep the amounts they were made with.",
    )

    # Not stored, for the screens of bills.
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

    # === CONSTRAINTS === #

    _assist_cycle_unique = models.UniqueIndex(
        "(assist_cycle_id) WHERE assist_cycle_id IS NOT NULL",
        "This billing cycle has a bill already.",
    )

    # === COMPUTE METHODS === #

    @api.depends(
        'assist_cycle_id',
        'assist_origin_cycle_id',
        'assist_cycle_id.session_count',
        'assist_cycle_id.session_seconds',
        'assist_cycle_id.device_quantity',
    )
    def _compute_assist_cycle_values(self):
        for move in self:
            cycle = move.assist_cycle_id or move.assist_origin_cycle_id
            for name, value in cycle._prepare_move_vals(bool(move.assist_cycle_id)).items():
                move[name] = value

    @api.depends('move_type', 'invoice_line_ids.price_subtotal', 'invoice_line_ids.assist_charge')
    def _compute_assist_session_charge(self):
        for move in self:
            sign = move._assist_get_sign() if move.assist_kind == 'bill' else 1
            move.assist_session_charge = sign * move._assist_sum_lines(USAGE_CHARGES)

    @api.depends(
        'invoice_line_ids.price_subtotal',
        'invoice_line_ids.assist_charge',
        'assist_linked_ids.state',
        'assist_linked_ids.move_type',
        'assist_linked_ids.invoice_line_ids.price_subtotal',
        'assist_linked_ids.invoice_line_ids.assist_charge',
        'assist_linked_ids.assist_linked_ids.state',
        'assist_linked_ids.assist_linked_ids.invoice_line_ids.price_subtotal',
    )
    def _compute_assist_misc_charge(self):
        for move in self:
            if move.assist_kind != 'bill':
                move.assist_misc_charge = 0.0
                continue
            linked = move._assist_get_linked().filtered(lambda document: document.state != 'cancel')
            move.assist_misc_charge = move._assist_sum_lines(ADJUSTMENT_CHARGES) + sum(
                document._assist_get_sign() * document._assist_sum_lines(ADJUSTMENT_CHARGES)
                for document in linked
            )

    @api.depends('state', 'payment_state', 'invoice_date_due', 'move_type')
    def _compute_assist_status(self):
        known = dict(STATUSES)
        today = fields.Date.context_today(self)
        for move in self:
            status = move.payment_state if move.state == 'posted' else move.state
            if status not in known:  # `blocked` and the like: nothing is paid all the same
                status = 'not_paid'
            is_owed = move.move_type == 'out_invoice' and status == 'not_paid'
            if is_owed and move.invoice_date_due and move.invoice_date_due < today:
                status = 'overdue'
            move.assist_status = status

    @api.depends(
        'amount_total',
        'amount_residual',
        'assist_linked_ids.state',
        'assist_linked_ids.amount_total',
        'assist_linked_ids.amount_residual',
        'assist_linked_ids.assist_linked_ids.state',
        'assist_linked_ids.assist_linked_ids.amount_total',
        'assist_linked_ids.assist_linked_ids.amount_residual',
    )
    def _compute_assist_net_amounts(self):
        figures = {}
        for move in self:
            linked = move._assist_get_linked()
            if linked:
                linked = linked.filtered(lambda document: document.state == 'posted')
            documents = linked if move.state == 'cancel' else [move, *linked]
            total = due = 0.0
            for document in documents:
                sign = -1 if document.move_type == 'out_refund' else 1
                total += sign * document.amount_total
                if document.state == 'posted' and document.payment_state not in PAID_STATES:
                    due += sign * document.amount_residual
            figures[move.id] = len(linked & move.assist_linked_ids), total, due
        assign(self, 'assist_linked_count', lambda move: figures[move.id][0])
        for moves in self.grouped('currency_id').values():
            assign(moves, 'assist_net_total', lambda move: figures[move.id][1])
            assign(moves, 'assist_net_due', lambda move: figures[move.id][2])

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
        'assist_linked_ids.assist_linked_ids.state',
        'assist_linked_ids.assist_linked_ids.invoice_line_ids.assist_charge',
    )
    def _compute_assist_adjustment_line_ids(self):
        for move in self:
            linked = move._assist_get_linked().filtered(lambda document: document.state != 'cancel')
            move.assist_adjustment_line_ids = (move | linked).invoice_line_ids.filtered(
                lambda line: line.assist_charge in ADJUSTMENT_CHARGES
            )

    def _compute_currency_id(self):
        # EXTENDS account: another journal brings its own currency along, past what `write` refuses;
        # the numbers would stay, and be money of another kind
        return self._assist_keep('currency_id', super()._compute_currency_id)

    def _compute_company_id(self):
        # EXTENDS account: and so it does with its company
        return self._assist_keep('company_id', super()._compute_company_id)

    def _assist_keep(self, name, compute):
        """Compute a field by `compute`; what says what was used keeps what it has."""
        kept = {move: move[name] for move in self if move.assist_kind in USAGE_KINDS}
        compute()
        for move, value in kept.items():
            if value:
                move[name] = value

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._assist_check_frozen(vals)
        self._assist_check_not_recurring(vals)
        changing = self._assist_check_state(vals['state']) if vals.get('state') else self.browse()
        cancelled = changing.filtered(lambda move: move.state == 'cancel')
        result = super().write(vals)
        changing._assist_follow_state(cancelled)
        self._assist_take_refusals(vals)
        return result

    # === ACTIONS === #

    def action_assist_view_cycle(self):
        self.ensure_one()
        self.check_access('read')
        cycle = self.assist_cycle_id or self.assist_origin_cycle_id
        return cycle._get_records_action(name=self.env._("Billing Cycle"))

    def action_update_fpos_values(self):
        # EXTENDS account: what was used keeps its taxes here; they follow the customer instead
        self.check_access('write')
        for bill in self.filtered('assist_cycle_id'):
            if any(
                line.tax_ids != line._get_computed_taxes()
                for line in bill.invoice_line_ids._assist_usage_lines()
            ):
                raise UserError(
                    self.env._(
                        "The taxes of %(bill)s cannot be changed here: they are those of its "
                        "period, by the fiscal position of %(customer)s. Set that on the customer, "
                        "delete or cancel this bill, and bill its period again under Bills / "
                        "Billing Cycles.",
                        bill=bill.display_name,
                        customer=bill.partner_id.display_name,
                    )
                )
        return super().action_update_fpos_values()

    # === BUSINESS METHODS - orm === #

    def _field_to_sql(self, alias, field_expr, query=None):
        # EXTENDS account: what is still due is computed, and summed in groups all the same
        if field_expr == 'assist_net_due':
            return self._assist_net_due_to_sql(alias, query)
        sql = super()._field_to_sql(alias, field_expr, query)
        if field_expr == 'move_sent_values':
            return self._assist_move_sent_to_sql(alias, sql)
        return sql

    def _assist_net_due_to_sql(self, alias, query):
        """Return `assist_net_due` of moves as SQL; see `_compute_assist_net_amounts`."""
        self.flush_model(
            ['amount_residual', 'assist_bill_id', 'move_type', 'payment_state', 'state']
        )
        linked = query.make_alias(alias, 'assist_linked')
        # Joined, and so summed once for all: few bills have linked documents.
        query.add_join(
            'LEFT JOIN',
            linked,
            SQL(
                "(WITH RECURSIVE linked AS ("
                "SELECT assist_bill_id AS bill_id, id FROM account_move"
                " WHERE assist_bill_id IS NOT NULL"
                " UNION ALL SELECT l.bill_id, m.id FROM linked l"
                " JOIN account_move m ON m.assist_bill_id = l.id)"
                " SELECT l.bill_id, SUM(%s) AS due FROM linked l"
                " JOIN account_move d ON d.id = l.id GROUP BY l.bill_id)",
                self._assist_due_to_sql('d'),
            ),
            SQL("%s = %s", SQL.identifier(linked, 'bill_id'), SQL.identifier(alias, 'id')),
        )
        return SQL(
            "(%s + COALESCE(%s, 0))",
            self._assist_due_to_sql(alias),
            SQL.identifier(linked, 'due'),
        )

    @api.model
    def _assist_due_to_sql(self, alias):
        """Return what is due on a document itself, as SQL; minus what it is on a credit note."""
        return SQL(
            """
            (CASE WHEN %(state)s != 'posted' OR %(payment_state)s IN %(paid)s THEN 0
                  WHEN %(move_type)s = 'out_refund' THEN -%(residual)s ELSE %(residual)s END)
            """,
            state=SQL.identifier(alias, 'state'),
            payment_state=SQL.identifier(alias, 'payment_state'),
            move_type=SQL.identifier(alias, 'move_type'),
            residual=SQL.identifier(alias, 'amount_residual'),
            paid=PAID_STATES,
        )

    # === BUSINESS METHODS - account.move === #

    def _prepare_product_base_line_for_taxes_computation(self, product_line):
        # EXTENDS account: the tax engine is told what it is to round
        base_line = super()._prepare_product_base_line_for_taxes_computation(product_line)
        return base_line | {'_assist_rounds_lines': self.assist_rounds_lines}

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

    # === HELPERS === #

    @api.model
    def _prepare_assist_kind_vals(self, kind, cycle, bill=None):
        """Return what says of a document which kind it is and what it is about, and nothing else.

        Of a bill: whose current bill it is. Of others: where they come from.

        :param str kind: `bill`, `supplementary`, `credit` or `given_back`
        :param cycle: the cycle it is about
        :param bill: the bill that it adjusts, if there is one
        """
        vals = {
            'assist_kind': kind,
            'assist_cycle_id': kind == 'bill' and cycle.id,
            'assist_origin_cycle_id': kind != 'bill' and cycle.id,
        }
        return {**vals, 'assist_bill_id': bill.id} if bill else vals

    @api.model
    def _prepare_assist_served_vals(self, first, last, supplied):
        """Return when what a document charges was supplied, in all fields that say so.

        :param date first: first day of the period
        :param date last: last day of it
        :param date supplied: the one day where there is but one field for it
        """
        days = {'first': first, 'last': last, 'supplied': supplied}
        return dict.fromkeys(SUPPLY_DATES, supplied) | {
            name: days[day]
            for day, names in COUNTRY_DATES.items()
            for name in names
            if name in self._fields
        }

    def _prepare_assist_same_served_vals(self):
        """Return what `_prepare_assist_served_vals` gave this document, for one that adjusts it.

        But not the day on which it is taxed: an adjustment is, when it is made.
        """
        self.ensure_one()
        names = self._prepare_assist_served_vals(None, None, None).keys() - {'taxable_supply_date'}
        return {name: self[name] for name in names}

    def _assist_get_linked(self):
        """Return what adjusts these documents, and what adjusts that.

        The credit note of a supplementary bill, above all: it is owed no more.
        """
        linked = self.assist_linked_ids
        return linked | linked._assist_get_linked() if linked else linked

    def _assist_sum_lines(self, charges):
        """Return the untaxed amount of the lines with these `assist_charge`s."""
        self.ensure_one()
        return sum(
            line.price_subtotal for line in self.invoice_line_ids if line.assist_charge in charges
        )

    def _assist_get_sign(self):
        """Return -1 of a credit note: its lines are positive, and lower what the customer owes."""
        return -1 if self.move_type == 'out_refund' else 1

    def _assist_is_settled(self):
        self.ensure_one()
        return self.payment_state in PAID_STATES

    def _assist_refuse_others(self, kinds=('bill', 'supplementary')):
        """Refuse, by name, documents in this selection whose `assist_kind` is not one of `kinds`.

        :raise UserError: also when nothing is selected
        """
        if not self:
            raise UserError(self.env._("Choose at least one remote support bill."))
        if others := self.filtered(lambda move: move.assist_kind not in kinds):
            raise UserError(
                self.env._(
                    "%(documents)s: not a remote support bill. Choose remote support bills only; "
                    "other documents have their own buttons.",
                    documents=name_some(self.env, others.mapped('display_name')),
                )
            )

    def _assist_lock(self):
        """Lock these documents before they are looked at; see `lock_or_refuse`."""
        lock_or_refuse(self, allow_referencing=True)

    def _assist_check_not_recurring(self, vals):
        """Refuse to have Odoo repeat what was used in one period: the next one has its own bill."""
        if vals.get('auto_post', 'no') in ('no', 'at_date'):
            return
        if bills := self.filtered(lambda move: move.assist_kind in USAGE_KINDS):
            raise UserError(
                self.env._(
                    "%(bill)s cannot be repeated by auto-post: it bills one period, and the next "
                    "one gets a bill of its own. Set Auto-post to “No” or “At Date”.",
                    bill=bills[0].display_name,
                )
            )

    def _assist_check_frozen(self, vals):
        names = [name for name in FROZEN_FIELDS if name in vals]
        if not names:
            return
        for move in self.filtered(lambda move: move.assist_kind in USAGE_KINDS):
            if any(move._assist_is_changed(name, vals[name]) for name in names):
                raise UserError(
                    self.env._(
                        "%(bill)s bills %(cycle)s: its customer, currency and company cannot "
                        "change. Take it back and bill again instead.",
                        bill=move.display_name,
                        cycle=(move.assist_cycle_id or move.assist_origin_cycle_id).display_name,
                    )
                )
