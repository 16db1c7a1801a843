from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, format_list

from ...utils.checks import MOST_MINUTES, count_digits, refuse_negative, refuse_too_many
from ...utils.races import anew_if_used, lock_or_refuse

NAME_LENGTH = 100
# As many customers are named where a plan says whom it bills.
NAMED_CUSTOMERS = 10

# What a cycle freezes of its plan when it opens. Money is per unit, in the plan's currency; the
# keys are those of `rules.rating.Terms`.
TERMS_FIELDS = (
    'billing_type',
    'price_per_session',
    'price_per_hour',
    'charge_devices',
    'price_per_device',
    'device_count',
    'ignore_under_seconds',
    'merge_gap_minutes',
    'minimum_minutes',
    'increment_minutes',
    'base_fee',
    'base_minutes',
    'included_quantity',
    'minimum_charge',
    'amounts_per',
    'prorate_partial',
)
# What a product gives the lines that charge it, frozen for each.
PRODUCT_TERMS = ('usage', 'device')
PRICE_FIELDS = (
    'price_per_session',
    'price_per_hour',
    'price_per_device',
    'base_fee',
    'minimum_charge',
)
# All that is money; what has no price by date too.
MONEY_FIELDS = (*PRICE_FIELDS, 'maximum_charge')
# What prices in force hang on, seen from a plan.
VERSION_PATHS = ('version_ids.date_from', *(f'version_ids.{name}' for name in PRICE_FIELDS))

# Of these, what charges under each billing type; devices only if they are charged.
CHARGING_FIELDS = {
    'session': ('price_per_session', 'minimum_charge'),
    'hour': ('price_per_hour', 'base_fee', 'minimum_charge'),
}

NOT_NEGATIVE = (
    'price_per_session',
    'price_per_hour',
    'price_per_device',
    'ignore_under_seconds',
    'merge_gap_minutes',
    'minimum_minutes',
    'increment_minutes',
    'base_fee',
    'base_minutes',
    'included_quantity',
    'minimum_charge',
    'maximum_charge',
    'rollover_cap',
    'rollover_cycles',
)
# What no session is longer than: more would not fit where it is stored once it is rated.
LIMITS = {
    'ignore_under_seconds': 60 * MOST_MINUTES,
    'merge_gap_minutes': MOST_MINUTES,
    'minimum_minutes': MOST_MINUTES,
    'increment_minutes': MOST_MINUTES,
    'base_minutes': MOST_MINUTES,
}


def bills_nothing(terms):
    """Tell whether nothing whatever can be billed by these terms, of a cycle or of a plan."""
    if any(terms[name] for name in CHARGING_FIELDS[terms['billing_type']]):
        return False
    if terms['charge_devices'] and terms['price_per_device']:
        return False
    is_frozen = isinstance(terms, dict)
    if any(fee['price'] for fee in (terms.get('fees', ()) if is_frozen else terms['fee_ids'])):
        return False
    tiers = terms.get('tiers', ()) if is_frozen else terms._prepare_tier_terms()
    if any(price for _from, price in tiers):
        return False
    # Prices that begin later: within the cycle, or whenever the plan is to have them.
    if is_frozen:
        rates, later = terms.get('rates', ()), [each[1] for each in terms.get('versions', ())]
    else:
        rates, names = terms.rate_ids, terms._get_charging_names()
        later = [version[name] for version in terms.version_ids for name in names]
    # A percentage of nothing is nothing.
    fixed = [rate['value'] for rate in rates if rate['method'] != 'percent']
    return not any(later) and not any(value > 0 for value in fixed)


class AssistBillingPlan(models.Model):
    _name = 'assist.billing.plan'
    _description = "Remote Support Billing Plan"
    _inherit = ['mail.thread', 'assist.guard']
    _order = 'name, id'
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(required=True, tracking=True, help="At most 100 characters.")
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        'res.currency',
        required=True,
        tracking=True,
        default=lambda self: self.env.company.currency_id,
        help="Bills of this plan are made out in this currency.",
    )
    billing_type = fields.Selection(
        [('session', "Cost per Session"), ('hour', "Cost per Hour")],
        required=True,
        default='session',
        tracking=True,
    )
    # As Odoo keeps prices: all digits given are stored; how many there may be is checked.
    price_per_session = fields.Float(min_display_digits='Product Price', tracking=True)
    price_per_hour = fields.Float(min_display_digits='Product Price', tracking=True)
    charge_devices = fields.Boolean(
        string="Unattended Device Cost",
        tracking=True,
        help="The maintenance cost of unattended devices, in addition to the session charge.",
    )
    price_per_device = fields.Float(
        min_display_digits='Product Price',
        tracking=True,
        help="The maintenance cost of each unattended device, in addition to the session charge. "
        "Devices Counted says which devices are charged; Rating Rules say whether the price is "
        "per cycle or per month.",
    )
    device_count = fields.Selection(
        [
            ('any_day', "Enrolled on at least one day"),
            ('at_close', "Enrolled on the last day"),
            ('peak', "Most on one day"),
            ('by_day', "By the day"),
        ],
        string="Devices Counted",
        required=True,
        default='any_day',
        tracking=True,
        help="Which devices of a cycle are charged:\n"
        "- Enrolled on at least one day: every device enrolled at any time\n- Enrolled on the "
        "last day: the devices enrolled when the cycle closes\n- Most on one day: as many as on "
        "the day with the most devices\n- By the day: the days of all devices, divided by the "
        "days of the cycle",
    )
    session_product_id = fields.Many2one(
        'product.product',
        required=True,
        check_company=True,
        ondelete='restrict',
        default=lambda self: self._default_product('session'),
        help="Gives the session line its account, its taxes and its unit.",
    )
    hour_product_id = fields.Many2one(
        'product.product',
        required=True,
        check_company=True,
        ondelete='restrict',
        default=lambda self: self._default_product('hour'),
        help="Gives the line of hours its account, its taxes and its unit.",
    )
    device_product_id = fields.Many2one(
        'product.product',
        required=True,
        check_company=True,
        ondelete='restrict',
        default=lambda self: self._default_product('device'),
        help="Gives the line of devices its account, its taxes and its unit.",
    )
    bill_handling = fields.Selection(
        [('draft', "Leave in draft"), ('post', "Post"), ('send', "Post and send")],
        string="At the End of a Cycle",
        required=True,
        default=lambda self: self.env.company.assist_bill_handling or 'post',
        tracking=True,
    )

    # Rating rules: zero is off.
    ignore_under_seconds = fields.Integer(
        string="Ignore Sessions Shorter Than",
        tracking=True,
        help="In seconds. Shorter sessions are listed on the statement at no charge.",
    )
    merge_gap_minutes = fields.Integer(
        string="Merge Breaks Up To",
        tracking=True,
        help="Sessions of the same customer, technician and device that follow each other with at "
        "most this many minutes between them count as one; the break itself is not billed.",
    )
    minimum_minutes = fields.Integer(
        string="Minimum Per Session",
        tracking=True,
        help="Each session is billed for at least this many minutes.",
    )
    increment_minutes = fields.Integer(
        string="Round Up To",
        tracking=True,
        help="The time of each session is rounded up to a multiple of this many minutes.",
    )
    base_fee = fields.Float(
        min_display_digits='Product Price',
        tracking=True,
        help="Hourly plans: a fee for each session, which covers its first minutes.",
    )
    base_minutes = fields.Integer(
        string="Minutes in Base Fee",
        tracking=True,
        help="Minutes of each session that its base fee covers.",
    )
    included_quantity = fields.Float(
        digits='Product Unit',
        tracking=True,
        help="Sessions or hours included at no charge; only what exceeds them is billed.",
    )
    minimum_charge = fields.Float(
        min_display_digits='Product Price',
        tracking=True,
        help="The charge for sessions or hours is topped up to this amount, even when there were "
        "none. Devices do not count towards it.",
    )
    amounts_per = fields.Selection(
        [('cycle', "Billing cycle"), ('month', "Month")],
        required=True,
        default='cycle',
        tracking=True,
        help="The period that the device price, included quantity, tiers, minimum and maximum "
        "charge are for. Monthly values are scaled to the customer's cycle: weekly 12/52, "
        "fortnightly 12/26, quarterly 3, and so on.",
    )
    prorate_partial = fields.Boolean(
        string="Prorate Partial Cycle",
        tracking=True,
        help="If the last cycle is cut short, the device price, included quantity, tiers, minimum "
        "and maximum charge are prorated by days.",
    )
    association_ids = fields.One2many('assist.billing.association', 'plan_id')
    association_count = fields.Integer(
        string="Associated Customers", compute='_compute_association_count'
    )

    bills_nothing = fields.Boolean(
        compute='_compute_bills_nothing',
        help="All prices of this plan are zero: its customers' cycles close without a bill.",
    )

    # Not stored, for the screens of plans.
    price = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_price',
        help="Per session or per hour, as the billing type says: that of today.",
    )
    device_price = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_price',
        help="Of each unattended device, today.",
    )
    has_cycles = fields.Boolean(compute='_compute_has_cycles')
    open_cycle_count = fields.Integer(
        string="Open Cycles",
        compute='_compute_applicable_counts',
        help="Changed prices can be applied to these.",
    )
    unbilled_cycle_count = fields.Integer(
        string="Cycles Without a Bill",
        compute='_compute_applicable_counts',
        help="Cycles that closed because there was nothing to bill. Changed prices can be "
        "applied to them as well.",
    )

    # === CONSTRAINTS === #

    _name_length = models.Constraint(
        f"CHECK (char_length(name) BETWEEN 1 AND {NAME_LENGTH})",
        "The name of a billing plan has at most 100 characters.",
    )
    _price_per_session_positive = models.Constraint(
        "CHECK (price_per_session >= 0)",
        "Billing plan: the price per session cannot be negative.",
    )
    _price_per_hour_positive = models.Constraint(
        "CHECK (price_per_hour >= 0)", "Billing plan: the price per hour cannot be negative."
    )
    _price_per_device_positive = models.Constraint(
        "CHECK (price_per_device >= 0)", "Billing plan: the price per device cannot be negative."
    )
    _rules_positive = models.Constraint(
        "CHECK (ignore_under_seconds >= 0 AND merge_gap_minutes >= 0 AND minimum_minutes >= 0"
        " AND increment_minutes >= 0 AND base_fee >= 0 AND base_minutes >= 0"
        " AND included_quantity >= 0 AND minimum_charge >= 0)",
        "Billing plan: the rating rules cannot be negative; zero switches a rule off.",
    )

    @api.constrains('currency_id', *MONEY_FIELDS)
    def _check_price_digits(self):
        """Refuse a price with more digits than are printed: it would be rounded silently."""
        for plan in self:
            most = plan._get_price_digits()
            for name in MONEY_FIELDS:
                if count_digits(plan[name]) > most:
                    raise ValidationError(
                        self.env._(
                            "Billing plan “%(plan)s”: %(field)s, %(price)s, has more than the "
                            "%(digits)s decimals that prices in %(currency)s can have. "
                            "Round it, or raise “Product Price” under Settings / Technical / "
                            "Decimal Accuracy.",
                            plan=plan.name,
                            field=plan.fields_get([name], ['string'])[name]['string'],
                            price=f"{plan[name]:.15g}",
                            digits=most,
                            currency=plan.currency_id.name,
                        )
                    )

    @api.constrains(
        'session_product_id',
        'hour_product_id',
        'device_product_id',
        'billing_type',
        'charge_devices',
    )
    def _check_products_taxed(self):
        for plan in self:
            if untaxed := plan._get_archived_taxed_products():
                raise ValidationError(plan._get_archived_taxes_message(untaxed))

    # === DEFAULTS === #

    @api.model
    def _default_product(self, charge):
        """Return the product shipped for a charge (`session`, `hour`, `device` or `fee`)."""
        return self.env.ref(f'assist_billing.product_{charge}', raise_if_not_found=False)

    # === COMPUTE METHODS === #

    @api.depends('association_ids.state')
    def _compute_association_count(self):
        counts = dict(
            self.env['assist.billing.association']._read_group(
                [('plan_id', 'in', self.ids), ('state', '!=', 'ended')], ['plan_id'], ['__count']
            )
        )
        for plan in self:
            plan.association_count = counts.get(plan._origin, 0)

    @api.depends(
        'billing_type',
        'price_per_session',
        'price_per_hour',
        'base_fee',
        'minimum_charge',
        'charge_devices',
        'price_per_device',
        'rate_ids.method',
        'rate_ids.value',
        'fee_ids.price',
        *VERSION_PATHS,
        'tier_ids.price',
    )
    def _compute_bills_nothing(self):
        for plan in self:
            plan.bills_nothing = bool(plan.billing_type) and bills_nothing(plan)

    @api.depends(
        'billing_type', 'price_per_session', 'price_per_hour', 'price_per_device', *VERSION_PATHS
    )
    def _compute_price(self):
        for plan in self:
            prices = plan._get_present_version() or plan
            plan.price = prices[plan._get_usage_price_name()]
            plan.device_price = prices.price_per_device

    def _compute_has_cycles(self):
        # sudo: cycles of any company keep the plan from changing, as `write` sees it
        counts = (
            self.env['assist.billing.cycle']
            .sudo()
            ._read_group([('plan_id', 'in', self.ids)], ['plan_id'])
        )
        billed = self.browse(plan.id for [plan] in counts)
        for plan in self:
            plan.has_cycles = plan._origin in billed

    def _compute_applicable_counts(self):
        # sudo: prices are applied to the cycles of the plan, whoever may see them
        cycles = self.env['assist.billing.cycle'].sudo()
        opened = dict(
            cycles._read_group(
                [('plan_id', 'in', self.ids), ('state', '=', 'open')], ['plan_id'], ['__count']
            )
        )
        unbilled = self._get_unbilled_cycles().grouped('plan_id')
        for plan in self:
            plan.open_cycle_count = opened.get(plan._origin, 0)
            plan.unbilled_cycle_count = len(unbilled.get(plan._origin.sudo(), ()))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self._check_name_vals(vals)
            refuse_negative(self, vals, NOT_NEGATIVE)
            refuse_too_many(self, vals, LIMITS)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_name_vals(vals)
        refuse_negative(self, vals, NOT_NEGATIVE)
        refuse_too_many(self, vals, LIMITS)
        self._check_frozen_vals(vals)
        archived = self.filtered('active') if vals.get('active') is False else self.browse()
        priced = {}
        if not vals.keys().isdisjoint(('currency_id', 'billing_type')):
            # sudo: rates of customers whom the user may not see would change as well
            priced = self.sudo().association_ids._read_own_prices()
        result = super().write(vals)
        self.env['assist.billing.association']._check_own_prices(priced)
        for plan in archived:
            # By whichever door it was archived.
            if billed := plan._get_billed_associations():
                plan.message_post(body=plan._get_archived_message(billed))
        return result

    def action_archive(self):
        """Archive, and say to whom this plan goes on billing."""
        billed = self.filtered('active')._get_billed_associations()
        result = super().action_archive()
        if not billed:
            return result
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning',
                'title': self.env._("Archived, but still billing"),
                'message': self._get_archived_message(billed),
                'sticky': True,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _get_billed_associations(self):
        """Return the associations of these plans that have not ended."""
        # sudo: associations that the user may not see are billed all the same
        return (
            self.env['assist.billing.association']
            .sudo()
            .search([('plan_id', 'in', self.ids), ('state', '!=', 'ended')])
        )

    def _get_archived_message(self, billed):
        """Say how many customers go on being billed by a plan that was archived."""
        return self.env._(
            "Customers still billed under this plan: %(count)s (%(customers)s). It accepts no "
            "new customers. If this is not intended, end their associations or move them to "
            "another plan.",
            count=len(billed),
            customers=format_list(
                self.env, billed[:NAMED_CUSTOMERS].partner_id.mapped('display_name')
            )
            + (" …" if len(billed) > NAMED_CUSTOMERS else ""),
        )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if 'name' not in (default or {}):
            for plan, vals in zip(self, vals_list, strict=True):
                suffix = self.env._(" (copy)")
                vals['name'] = plan.name[: NAME_LENGTH - len(suffix)] + suffix
        return vals_list

    def unlink(self):
        self.check_access('unlink')
        with anew_if_used('assist_billing_association'):
            return super().unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: customers whom the user may not see are billed all the same
        if used := self.sudo().filtered('association_ids'):
            raise UserError(
                self.env._(
                    "%(plans)s cannot be deleted: customers are or were billed under it. Archive "
                    "it instead; bills and statements still refer to it.",
                    plans=", ".join(used.mapped('name')),
                )
            )

    def _check_name_vals(self, vals):
        """Refuse a missing or overlong name in words, before the database does in code."""
        if 'name' not in vals:
            return
        name = str(vals['name'] or "").strip()
        if not name:
            raise ValidationError(self.env._("A billing plan needs a name."))
        if len(str(vals['name'])) > NAME_LENGTH:
            raise ValidationError(
                self.env._(
                    "The name of a billing plan has at most 100 characters; "
                    "“%(name)s…” has %(length)s.",
                    name=name[:30],
                    length=len(str(vals['name'])),
                )
            )

    def _check_frozen_vals(self, vals):
        """Refuse a change of currency, billing type or company once the plan has cycles."""
        changed = [
            name
            for name in ('currency_id', 'billing_type', 'company_id')
            if name in vals and self._assist_is_changed(name, vals[name])
        ]
        if not changed:
            return
        # sudo: cycles of any company count
        cycle = (
            self.env['assist.billing.cycle'].sudo().search([('plan_id', 'in', self.ids)], limit=1)
        )
        if cycle:
            labels = self.fields_get(changed, ['string'])
            raise UserError(
                self.env._(
                    "%(plan)s already has billing cycles, so these cannot change: %(fields)s. "
                    "Duplicate the plan, change the copy and move the customers to it.",
                    plan=cycle.plan_id.name,
                    fields=", ".join(labels[name]['string'] for name in changed),
                )
            )

    # === ACTIONS === #

    def action_associate_customers(self):
        """Open the dialog that associates customers with this plan; of several, none is chosen."""
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Associate Customers"),
            'res_model': 'assist.associate.customers',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_plan_id': self.id if len(self) == 1 else False,
                'dialog_size': 'extra-large',
            },
        }

    def action_view_associations(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_billing_association_action'
            ),
            'domain': [('plan_id', '=', self.id)],
            'context': {'default_plan_id': self.id},
        }

    def action_apply_to_open_cycles(self):
        """Put the plan's present terms in force for what nobody has a bill of yet.

        That is its open cycles, and those that closed without a bill, which open again to be
        closed by the next run. Recorded in the chatter.
        """
        self.ensure_one()
        self.check_access('write')
        # sudo: cycles are written by the engine only
        open_cycles = (
            self.env['assist.billing.cycle']
            .sudo()
            .search([('plan_id', '=', self.id), ('state', '=', 'open')])
        )
        unbilled = self._get_unbilled_cycles()
        lock_or_refuse(open_cycles | unbilled)
        terms = self._prepare_terms()
        present = {cycle: cycle._prepare_present_terms(terms) for cycle in open_cycles | unbilled}
        # What these terms change nothing about need not be rated again.
        reopened = unbilled.filtered(lambda cycle: present[cycle] != cycle.terms)
        for cycle in open_cycles | reopened:
            cycle.terms = present[cycle]
        (open_cycles | reopened)._mark_fees_due()
        if reopened:
            reopened._reopen()
            self.env['assist.billing.association']._trigger_closing()
        self.message_post(
            body=self.env._(
                "Current prices and rules applied. Open cycles: %(count)s. Cycles that had closed "
                "without a bill: %(unbilled)s.",
                count=len(open_cycles),
                unbilled=len(reopened),
            )
        )
        return True

    # === BUSINESS METHODS === #

    def _prepare_terms(self):
        """Return what a cycle that opens now is rated and billed by, ready for JSON.

        Prices, rules and digits; the currency; and what the products give the lines, see
        `_prepare_product_terms`. Extend it, and `rules.rating.Terms`, to add a rule.
        """
        self.ensure_one()
        return {
            **{name: self[name] for name in TERMS_FIELDS},
            **self._prepare_agreement_terms(),
            'plan': self.name,
            'quantity_digits': self.env['decimal.precision'].precision_get('Product Unit'),
            # None is cut off, should prices have had more digits when they were given.
            'price_digits': max(
                self._get_price_digits(), *map(count_digits, self._get_given_prices())
            ),
            'currency_id': self.currency_id.id,
            'currency_rounding': self.currency_id.rounding,
            'products': {
                **{
                    charge: self._prepare_product_terms(self._get_product(charge))
                    for charge in PRODUCT_TERMS
                },
                **self._prepare_card_product_terms(),
                **self._prepare_fee_product_terms(),
            },
        }

    def _prepare_customer_terms(self, association, terms, tz, date_start, date_end):
        """Return the terms of one customer's cycle: those of the plan, and what is their own.

        Extend it, and `_get_given_prices` of the association, to let customers have more of that.

        :param association: empty for those of the plan alone
        :param dict terms: as of `_prepare_terms`
        :param tz: the customer's zone
        :param date_start: first day of the cycle
        :param date_end: the day after its last
        """
        self.ensure_one()
        own = map(count_digits, association._get_given_prices())
        return {
            **terms,
            'price_digits': max(terms['price_digits'], *own, 0),
            **self._prepare_earlier_tiers_terms(date_start),
            **self._prepare_card_terms(association, tz, date_start, date_end),
            **self._prepare_fees_terms(association, date_start),
        }

    def _prepare_product_terms(self, product):
        """Return what lines that charge `product` take from it, as ids: frozen with each cycle.

        The taxes are those of the plan's company, before any fiscal position; so is the account,
        which is false where Odoo takes the journal's.
        """
        self.ensure_one()
        taxes, account = product._assist_get_accounting(self.company_id)
        return {
            'product_id': product.id,
            'tax_ids': taxes.ids,
            'uom_id': product.uom_id.id,
            'account_id': account.id,
        }

    def _get_given_prices(self):
        """Return all that is money in the terms, as it was given."""
        self.ensure_one()
        prices = [self[name] for name in MONEY_FIELDS]
        prices += [version[name] for version in self.version_ids for name in PRICE_FIELDS]
        prices += self.tier_ids.mapped('price') + self.rate_ids._get_given_prices()
        return prices + self.fee_ids.mapped('price') if self.has_fees else prices

    def _get_price_digits(self):
        """Return how many decimals prices of this plan may have; of no plan, as of any."""
        return max(
            self.env['decimal.precision'].precision_get('Product Price'),
            self.currency_id.decimal_places,
        )

    def _get_unbilled_cycles(self):
        """Return the cycles of these plans that closed without a bill, of any company."""
        # sudo: cycles are written by the engine only
        return (
            self.env['assist.billing.cycle']
            .sudo()
            ._search_unbilled(SQL("c.plan_id IN %s", tuple(self.ids) or (0,)))
        )

    @api.model
    def _get_billed_products(self):
        """Return the products that plans in use bill with: a dict of company -> products."""
        # sudo: plans of all companies count
        plans = self.sudo().search([('company_id', '!=', False)])
        plans |= plans.browse(
            plan.id
            for [plan] in self.env['assist.billing.association']
            .sudo()
            ._read_group([('state', '!=', 'ended')], ['plan_id'])
        )
        return {
            company: group.session_product_id.union(
                *(plan._get_charged_products() for plan in group)
            )
            for company, group in plans.grouped('company_id').items()
        }

    def _get_charged_products(self):
        """Return the products that can be on this plan's bills."""
        self.ensure_one()
        products = self._get_product('usage') | self.hours_id.line_ids.band_id.product_id
        if self.has_fees:
            products |= self.fee_ids.product_id
        return products | self._get_product('device') if self.charge_devices else products

    def _get_archived_taxed_products(self):
        """Return those of its products that have taxes in its company, but archived ones only.

        Odoo puts no archived tax on an invoice: what they are on would go out untaxed. That is
        right where all sales taxes are archived: such a company charges none, as one in India
        that is not registered.
        """
        self.ensure_one()
        bare = self._get_charged_products().filtered(
            lambda product: not product.taxes_id._filter_taxes_by_company(self.company_id)
        )
        if not bare:
            return bare
        templates = bare.product_tmpl_id
        templates.flush_model(['taxes_id'])
        self.env['account.tax'].flush_model(['active', 'company_id', 'type_tax_use'])
        # By SQL: read as sudo, the taxes of other companies would be remembered for this user.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT r.prod_id FROM product_taxes_rel r JOIN account_tax t ON t.id = r.tax_id
                 WHERE r.prod_id IN %(products)s AND t.company_id IN %(companies)s
                   AND EXISTS (
                       SELECT 1 FROM account_tax o
                        WHERE o.company_id IN %(companies)s AND o.type_tax_use = 'sale' AND o.active
                   )
              GROUP BY r.prod_id HAVING NOT bool_or(t.active)
                """,
                products=tuple(templates.ids),
                # sudo: a branch has the taxes of companies that the user may not see
                companies=tuple(self.company_id.sudo().parent_ids.ids),
            )
        )
        archived = templates.browse(row[0] for row in rows)
        return bare.filtered(lambda product: product.product_tmpl_id in archived)

    def _get_archived_taxes_message(self, products):
        return self.env._(
            "%(products)s: all sales taxes of this product in %(company)s are archived, so bills "
            "under the plan “%(plan)s” would go out untaxed. Choose a tax on the product, or "
            "none.",
            products=", ".join(products.mapped('display_name')),
            company=self.company_id.name,
            plan=self.name,
        )

    def _get_product(self, charge):
        """Return the product that gives a line of `charge` its account, taxes and unit."""
        self.ensure_one()
        if charge == 'device':
            return self.device_product_id
        return self.hour_product_id if self.billing_type == 'hour' else self.session_product_id
