from odoo import api, fields, models

from ...rules.rates import find_unused
from ...utils.remembering import remembered

# What a cycle keeps of the rate card; cycles without one have none of these keys.
CARD_TERMS = ('hours', 'rates', 'band_products', 'versions', 'tz')
# Where it keeps one of these, its sessions are rated by parts.
PART_TERMS = ('rates', 'versions', 'tiers', 'rollover')


class AssistBillingPlan(models.Model):
    """The plan's rate card: empty, and without any effect, until it is used."""

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    hours_id = fields.Many2one(
        'assist.billing.hours',
        string="Service Hours",
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        tracking=True,
        help="Says which band each time of the week is in. Rates can be for a band.",
    )
    rate_ids = fields.One2many(
        'assist.billing.rate',
        'plan_id',
        string="Rates",
        copy=True,
        help="The first that is for a session gives its price; without one it is the plan's.",
    )
    unused_rates = fields.Text(
        compute='_compute_unused_rates', help="Rates that never apply, and why."
    )

    # === CONSTRAINTS === #

    @api.constrains('currency_id')
    def _check_rate_digits(self):
        (self.rate_ids | self.association_ids.rate_ids)._check_digits()

    # === COMPUTE METHODS === #

    @api.depends(
        'hours_id.line_ids.band_id',
        'rate_ids.sequence',
        'rate_ids.band_id',
        'rate_ids.kind',
        'rate_ids.grade_id',
        'rate_ids.date_from',
        'rate_ids.date_to',
        'rate_ids.method',
        'rate_ids.value',
    )
    @api.depends_context('lang')
    def _compute_unused_rates(self):
        for plan in self:
            plan.unused_rates = "\n".join(plan._get_unused_rates()) or False

    def _get_unused_rates(self):
        """Return in words which rates never apply: one of no hours, or one behind another."""
        self.ensure_one()
        known = self.hours_id.line_ids.band_id
        found = [
            self.env._(
                "“%(rate)s” never applies: the service hours have no such band.",
                rate=rate.sentence,
            )
            for rate in self.rate_ids
            if rate.band_id and rate.band_id not in known
        ]
        rates = self.rate_ids.sorted(lambda rate: (rate.sequence, rate.id or 0))
        try:
            rules = [rate._get_rule() for rate in rates]
        except ValueError:  # half entered; saving says what is wrong
            return found
        sentences = {id(rule): rate.sentence for rule, rate in zip(rules, rates, strict=True)}
        found += [
            self.env._(
                "“%(rate)s” never applies: “%(other)s” stands before it and is for all of these "
                "sessions.",
                rate=sentences[id(rule)],
                other=sentences[id(other)],
            )
            for rule, other in find_unused(rules)
        ]
        return found

    # === ACTIONS === #

    def action_try_rates(self):
        """Open the dialog that says which rate a session takes, and what a period would cost."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Try It"),
            'res_model': 'assist.try.rates',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_plan_id': self.id},
        }

    # === BUSINESS METHODS === #

    # Of most customers of a plan it is the same.
    @remembered(lambda plan, association, *period: (plan, association.rate_ids, period))
    def _prepare_card_terms(self, association, tz, date_start, date_end):
        """Return what a cycle keeps of rate card and prices by date, ready for JSON.

        :param association: whose own rates come first; empty for those of the plan alone
        :param tz: the customer's zone
        :param date_start: first day of the cycle
        :param date_end: the day after its last
        """
        self.ensure_one()
        rates = [rate._prepare_rate_terms() for rate in (*association.rate_ids, *self.rate_ids)]
        bands = self.hours_id.line_ids.band_id.filtered('product_id')
        prices = self._prepare_version_terms(tz, date_start, date_end)
        if not rates and not bands:
            return prices
        terms = {
            **prices,
            'rates': rates,
            'band_products': [[band.id, band.product_id.id] for band in bands],
            'tz': tz,
        }
        if self.hours_id:
            terms['hours'] = self.hours_id._prepare_hours_terms(tz, date_start, date_end)
        return terms

    def _prepare_card_product_terms(self):
        """Return what products of bands give their lines, see `_prepare_product_terms`."""
        self.ensure_one()
        return {
            f'product:{product.id}': self._prepare_product_terms(product)
            for product in self.hours_id.line_ids.band_id.product_id
        }
