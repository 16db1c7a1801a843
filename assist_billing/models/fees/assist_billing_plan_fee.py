from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...utils.checks import count_digits, find_used, refuse_negative

NOT_NEGATIVE = ('quantity', 'price', 'included_hours')
# What is looked at together before a fee is stored.
CHECKED = ('plan_id', 'product_id', 'quantity_rule', 'quantity', 'price', 'included_hours')


class AssistBillingPlanFee(models.Model):
    """A fee of a plan: what each period costs besides what is done in it, and the hours in it."""

    _name = 'assist.billing.plan.fee'
    _description = "Fee"
    _inherit = ['assist.guard']
    _order = 'sequence, id'
    _rec_names_search = ['name', 'product_id']
    _check_company_auto = True

    # === FIELDS === #

    plan_id = fields.Many2one(
        'assist.billing.plan', required=True, index=True, check_company=True, ondelete='cascade'
    )
    company_id = fields.Many2one(
        'res.company', related='plan_id.company_id', store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one(related='plan_id.currency_id')
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    product_id = fields.Many2one(
        'product.product',
        required=True,
        default=lambda self: self.env['assist.billing.plan']._default_product('fee'),
        check_company=True,
        ondelete='restrict',
        help="Gives the line of the fee its account, its taxes and its unit.",
    )
    name = fields.Char(
        string="Printed As", help="What the fee is called on the bill; empty: as the product."
    )
    quantity_rule = fields.Selection(
        [('fixed', "Fixed"), ('devices', "Each device"), ('seats', "Each seat")],
        string="Per",
        required=True,
        default='fixed',
        help="- Fixed: the quantity given here\n- Each device: the customer's devices; in advance "
        "those of the period's first day, in arrears as Devices Counted says\n- Each seat: the "
        "customer's seats, or the quantity given here",
    )
    quantity = fields.Float(
        digits='Product Unit',
        default=1.0,
        help="Of seats: how many a customer has for whom none are given.",
    )
    price = fields.Float(
        string="Unit Price",
        min_display_digits='Product Price',
        help="For one period; or for a month, if the amounts of the plan are per month.",
    )
    charge = fields.Selection(
        [('advance', "In advance"), ('arrears', "In arrears")],
        string="Charged",
        required=True,
        default='advance',
        help="In advance: on the bill of the period before; the first when the customer starts.\n"
        "In arrears: on the bill of the period itself.",
    )
    included_hours = fields.Float(
        string="Hours Included",
        digits='Product Unit',
        help="Hours that come with one of it, at no further charge, in its period. Hourly plans.",
    )
    prorate = fields.Boolean(
        string="By Days",
        help="Of a period cut short, days without service are not charged, or credited. Else it "
        "is charged in full for a period with a day of service.",
    )
    true_up = fields.Selection(
        [
            ('none', "Never"),
            ('up', "Those that come"),
            ('both', "Those that come and go"),
        ],
        string="Adjusted",
        required=True,
        default='none',
        help="Devices charged in advance that come or go within the period are adjusted by days "
        "on the next bill.",
    )

    # === CONSTRAINTS === #

    _numbers_positive = models.Constraint(
        "CHECK (quantity >= 0 AND price >= 0 AND included_hours >= 0)",
        "Fee: quantity, price and hours cannot be negative.",
    )
    _seats_given = models.Constraint(
        "CHECK (quantity_rule = 'devices' OR quantity > 0)", "Fee: give a quantity above zero."
    )

    @api.constrains('plan_id', 'price')
    def _check_fee_digits(self):
        for fee in self:
            fee._refuse_digits(fee.price)

    # === COMPUTE METHODS === #

    @api.depends('name', 'product_id')
    def _compute_display_name(self):
        for fee in self:
            fee.display_name = fee.name or fee.product_id.display_name

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self.browse()._check_vals(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        if self and vals:
            self._check_vals(vals)
        return super().write(vals)

    def unlink(self):
        """Delete fees of plans that never billed; archive others: cycles go on knowing them."""
        self.check_access('unlink')
        # sudo: cycles of any company count
        cycles = self.env['assist.billing.cycle'].sudo()
        used = cycles._read_group([('plan_id', 'in', self.plan_id.ids)], ['plan_id'])
        used_plans = self.plan_id.browse(plan.id for [plan] in used)
        kept = self.filtered(lambda fee: fee.plan_id in used_plans)
        kept |= find_used(self, [('assist.billing.cycle.fee', 'fee_id')])
        kept.write({'active': False})
        return super(AssistBillingPlanFee, self - kept).unlink()

    # === CHECKS === #

    def _check_vals(self, vals):
        """Say in words what the database would refuse in code, before anything is stored.

        Of each of these records, or of a new one.
        """
        # Before anything is said of a plan.
        self.env['assist.billing.plan'].browse(vals.get('plan_id') or ()).check_access('write')
        refuse_negative(self, vals, NOT_NEGATIVE)
        for draft in self._assist_get_drafts(vals, CHECKED):
            draft._check_meaning()

    def _check_meaning(self):
        """Refuse what no fee can be."""
        self.ensure_one()
        if not self.product_id:
            raise ValidationError(
                self.env._(
                    "A fee needs a product: it gives the bill's line its account and its taxes."
                )
            )
        if self.quantity_rule == 'seats' and not self.quantity:
            raise ValidationError(
                self.env._(
                    "Fee “%(fee)s” is per seat: give a number of seats. Customers who have "
                    "another number get their own, under Own Fees.",
                    fee=self.display_name,
                )
            )
        if self.quantity_rule == 'fixed' and not self.quantity:
            raise ValidationError(
                self.env._("Fee “%(fee)s”: give a quantity above zero.", fee=self.display_name)
            )
        self._check_hours()

    def _refuse_digits(self, price):
        """Refuse a price with more digits than are printed: it would be rounded silently.

        :param price: of this fee, or of one that a customer has instead
        """
        self.ensure_one()
        most = self.plan_id._get_price_digits()
        if count_digits(price) > most:
            raise ValidationError(
                self.env._(
                    "Fee “%(fee)s” has more than the %(digits)s decimals that prices in "
                    "%(currency)s can have. Round it.",
                    fee=self.display_name,
                    digits=most,
                    currency=self.plan_id.currency_id.name,
                )
            )

    def _check_hours(self):
        """Refuse hours where nothing is billed by the hour: they would be worth nothing."""
        for fee in self:
            if fee.included_hours and fee.plan_id and fee.plan_id.billing_type != 'hour':
                raise ValidationError(
                    self.env._(
                        "Fee “%(fee)s” includes hours, but “%(plan)s” bills by the session. Leave "
                        "them at zero, or include sessions under Rating Rules.",
                        fee=fee.display_name,
                        plan=fee.plan_id.name,
                    )
                )

    # === BUSINESS METHODS === #

    @api.model
    def _describe(self, terms, format_price):
        """Return frozen terms of a fee in words: “Care, 12 × 8.00, in advance”.

        :param format_price: function that returns a price in words
        """
        product = self.env['product.product'].browse(terms['product']).exists()
        words = [terms['name'] or product.display_name or ""]
        price = format_price(terms['price'])
        if terms['quantity_rule'] == 'devices':
            words.append(self.env._("%(price)s per device", price=price))
        else:
            words.append(f"{terms['quantity']:.15g} × {price}")
        if hours := terms['included_hours']:
            words.append(self.env._("%(hours)s h included with each", hours=f"{hours:.15g}"))
        words.append(
            self.env._("in advance") if terms['charge'] == 'advance' else self.env._("in arrears")
        )
        return ", ".join(words)

    def _prepare_fee_terms(self, own):
        """Return this fee as `rules.fees.Fee` reads it, ready for JSON.

        :param own: what one customer has instead, an `assist.billing.association.fee` or none
        """
        self.ensure_one()
        numbers = own or self
        return {
            'id': self.id or None,
            'product': self.product_id.id,
            'name': self.name or "",
            'quantity_rule': self.quantity_rule,
            'quantity': numbers.quantity,
            'price': numbers.price,
            'charge': self.charge,
            'included_hours': numbers.included_hours,
            'prorate': self.prorate,
            'true_up': self.true_up,
        }
