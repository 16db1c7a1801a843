from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import UserError

# What was used, rated by the terms of the cycle; and what a person added to it.
USAGE_CHARGES = (
    'session',
    'hour',
    'base_fee',
    'cap',
    'device',
    'minimum',
    'prior',
    'fee',
    'true_up',
)
ADJUSTMENT_CHARGES = ('additional', 'discount')
# The kinds of documents whose lines of these charges nobody changes by hand.
USAGE_KINDS = ('bill', 'supplementary', 'given_back')
# Odoo prints no more decimals of a price.
PRINTED_DIGITS = 6
# Who changes one of these by hand makes the bill say something else than its statement.
USAGE_FIELDS = (
    'assist_charge',
    'move_id',
    'display_type',
    'product_id',
    'product_uom_id',
    'quantity',
    'price_unit',
    'discount',
    'tax_ids',
    'currency_id',
    'price_subtotal',
    'price_total',
    'amount_currency',
    'balance',
    'debit',
    'credit',
    # Odoo takes base and taxes from here, whatever price and quantity say.
    'extra_tax_data',
)


class AccountMoveLine(models.Model):
    _name = 'account.move.line'
    _inherit = ['account.move.line', 'assist.engine.fields']

    # === FIELDS === #

    assist_charge = fields.Selection(
        [
            ('session', "Sessions"),
            ('hour', "Hours"),
            ('base_fee', "Base Fee"),
            ('cap', "Maximum Charge"),
            ('device', "Devices"),
            ('minimum', "Minimum Charge"),
            ('prior', "Late Sessions"),
            ('fee', "Fee"),
            ('true_up', "Adjusted Fee"),
            ('additional', "Additional Cost"),
            ('discount', "Discount"),
        ],
        string="Remote Support Charge",
        readonly=True,
    )
    assist_period_start = fields.Date(
        string="Served From",
        readonly=True,
        help="First day of the period that the line is about. Of adjustments it is that of the "
        "bill; late sessions have that of their own cycle.",
    )
    assist_period_end = fields.Date(
        string="Served Until",
        readonly=True,
        help="The day after the last day of the period that the line is about.",
    )
    assist_adjustment = fields.Monetary(
        string="Adjustment",
        compute='_compute_assist_adjustment',
        currency_field='currency_id',
        help="Untaxed: what it adds to what the customer owes. Below zero for a discount.",
    )

    # === COMPUTE METHODS === #

    @api.depends('price_subtotal', 'move_id.move_type')
    def _compute_assist_adjustment(self):
        for line in self:
            # A credit note's lines are positive and lower what the customer owes.
            sign = -1 if line.move_id.move_type == 'out_refund' else 1
            line.assist_adjustment = sign * line.price_subtotal

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        changed = [name for name in USAGE_FIELDS if name in vals]
        if changed and not self._assist_is_engine():
            self._assist_usage_lines().filtered(
                lambda line: any(line._assist_is_changed(name, vals[name]) for name in changed)
            )._assist_refuse_change()
        return super().write(vals)

    def unlink(self):
        self.check_access('unlink')
        # The engine: the whole document goes, which is its own decision.
        if not self._assist_is_engine():
            self._assist_usage_lines()._assist_refuse_change()
        return super().unlink()

    # === BUSINESS METHODS - account.move.line === #

    @contextmanager
    def _sync_invoice(self, container):
        # EXTENDS account: what a bill in another currency is worth in the company's follows its
        # date and rate. Odoo writes that on the lines of what was used, which nobody else may; it
        # begins once what is done within has been done
        with super()._sync_invoice(container):
            yield
            records = container['records']
            if is_billing := not self._assist_is_engine() and bool(records._assist_usage_lines()):
                container['records'] = records._assist_as_engine()
        if is_billing:
            container['records'] = container['records'].with_env(records.env)

    # === BUSINESS METHODS === #

    def _assist_usage_lines(self):
        """Return the lines that say what was used, of bills: credit notes are the accountant's."""
        return self.filtered(
            lambda line: line.assist_charge in USAGE_CHARGES
            and line.move_id.assist_kind in USAGE_KINDS
        )

    def _assist_get_printed_name(self):
        """Return the name as a document prints it: without the period that stands above it."""
        self.ensure_one()
        period = self.assist_charge and self.move_id._assist_get_printed_cycle()._format_period()
        return self.name.removesuffix(f"\n{period}") if period and self.name else self.name

    def _assist_is_in_hours(self):
        hour = self.env.ref('uom.product_uom_hour', raise_if_not_found=False)
        return bool(self.assist_charge and hour and self.product_uom_id == hour)

    def _assist_refuse_change(self):
        if self:
            raise UserError(
                self.env._(
                    "“%(line)s” on %(bill)s is what was used and cannot be edited by hand. "
                    "Use Add Charges / Discounts; or take the bill back, change its sessions and "
                    "bill again.",
                    line=(self[0].name or "").split("\n", 1)[0],
                    bill=self[0].move_id.display_name,
                )
            )
