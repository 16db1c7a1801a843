from odoo import api, fields, models

from ..plan.assist_billing_plan import PRICE_FIELDS

# Which price a line is about.
KEY_FIELDS = (
    'plan_id',
    'association_id',
    'rate_id',
    'tier_id',
    'fee_id',
    'own_fee_id',
    'kind',
)


class AssistPriceRevisionLine(models.Model):
    """What one price was, and what it becomes."""

    _name = 'assist.price.revision.line'
    _description = "Line of a Price Revision"
    _inherit = ['assist.guard']
    _order = 'revision_id, id'
    _check_company_auto = True

    # === FIELDS === #

    revision_id = fields.Many2one(
        'assist.price.revision', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(
        related='revision_id.company_id', store=True, precompute=True, index=True
    )
    plan_id = fields.Many2one(
        'assist.billing.plan', required=True, readonly=True, index=True, ondelete='cascade'
    )
    association_id = fields.Many2one(
        'assist.billing.association',
        string="Customer",
        readonly=True,
        index='btree_not_null',
        ondelete='cascade',
        help="Whose own rate it is; empty for what is the plan's.",
    )
    rate_id = fields.Many2one(
        'assist.billing.rate', readonly=True, index='btree_not_null', ondelete='set null'
    )
    tier_id = fields.Many2one(
        'assist.billing.tier', readonly=True, index='btree_not_null', ondelete='set null'
    )
    fee_id = fields.Many2one(
        'assist.billing.plan.fee', readonly=True, index='btree_not_null', ondelete='set null'
    )
    own_fee_id = fields.Many2one(
        'assist.billing.association.fee',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    kind = fields.Selection(selection='_get_kinds', string="Price", required=True, readonly=True)
    what = fields.Char(string="Is For", compute='_compute_what')
    currency_id = fields.Many2one(related='plan_id.currency_id')
    old_price = fields.Float(string="Before", min_display_digits='Product Price', readonly=True)
    new_price = fields.Float(
        string="From Then On", min_display_digits='Product Price', readonly=True
    )

    # === SELECTIONS === #

    @api.model
    def _get_kinds(self):
        plans = self.env['assist.billing.plan']
        labels = [
            (name, plans._fields[name]._description_string(self.env)) for name in PRICE_FIELDS
        ]
        return [
            *labels,
            ('rate', self.env._("Rate")),
            ('tier', self.env._("Tier")),
            ('fee', self.env._("Fee")),
        ]

    # === COMPUTE METHODS === #

    @api.depends('kind', 'rate_id', 'tier_id', 'fee_id', 'own_fee_id')
    @api.depends_context('lang')
    def _compute_what(self):
        kinds = dict(self._get_kinds())
        for line in self:
            line.what = line._describe() or kinds.get(line.kind)

    @api.depends('plan_id', 'association_id', 'what')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for line in self:
            owner = line.association_id.partner_id.display_name or line.plan_id.name
            line.display_name = f"{owner}: {line.what}"

    # === BUSINESS METHODS === #

    def _describe(self):
        """Return in words which rate, tier or fee it is about; empty for a price of the plan."""
        self.ensure_one()
        if rate := self.rate_id:
            group = rate._describe_group(rate.band_id.id, rate.kind, rate.grade_id.id)
            return group or self.env._("Always")
        undated = self._get_undated()
        return undated.display_name if undated else ""

    def _get_key(self, vals=None):
        """Return which price it is about: of this line, or of one with these values."""
        if vals is None:
            vals = self._convert_to_write({name: self[name] for name in KEY_FIELDS})
        return tuple(vals.get(name) or False for name in KEY_FIELDS)

    def _get_undated(self):
        """Return what has this price itself and no dates, so that applying changes it; or nothing.

        Cycles that begin before the day have the price before all the same, see
        `_get_prices_before`.
        """
        self.ensure_one()
        return self.tier_id or self.fee_id or self.own_fee_id

    def _get_changed(self):
        """Return those of these lines whose price changes."""
        return self.filtered(lambda line: line.old_price != line.new_price)

    def _get_texts(self):
        """Return what changes, as it is told to a customer: (what, before, from then on)."""
        return [
            (
                line.what,
                line.plan_id._format_price(line.old_price),
                line.plan_id._format_price(line.new_price),
            )
            for line in self
        ]
