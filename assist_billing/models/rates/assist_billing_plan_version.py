from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, format_date

from ...utils.checks import count_digits, refuse_absurd_dates, refuse_negative
from ...utils.prices import format_price
from ..plan.assist_billing_plan import CHARGING_FIELDS, PRICE_FIELDS, VERSION_PATHS


class AssistBillingPlanVersion(models.Model):
    """A plan's prices from a day on, until the next version begins."""

    _name = 'assist.billing.plan.version'
    _description = "Prices of a Plan From a Day On"
    _inherit = ['assist.guard']
    _order = 'plan_id, date_from'
    _check_company_auto = True

    # === FIELDS === #

    plan_id = fields.Many2one(
        'assist.billing.plan', required=True, index=True, check_company=True, ondelete='cascade'
    )
    company_id = fields.Many2one(
        related='plan_id.company_id', store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one(related='plan_id.currency_id')
    date_from = fields.Date(
        string="From", required=True, help="The first day, by the customer's clock."
    )
    # What is not given is as it was before.
    price_per_session = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_prices',
        store=True,
        readonly=False,
        precompute=True,
    )
    price_per_hour = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_prices',
        store=True,
        readonly=False,
        precompute=True,
    )
    price_per_device = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_prices',
        store=True,
        readonly=False,
        precompute=True,
        help="Counts for billing cycles that begin on this day or later.",
    )
    base_fee = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_prices',
        store=True,
        readonly=False,
        precompute=True,
        help="Counts for billing cycles that begin on this day or later.",
    )
    minimum_charge = fields.Float(
        min_display_digits='Product Price',
        compute='_compute_prices',
        store=True,
        readonly=False,
        precompute=True,
        help="Counts for billing cycles that begin on this day or later.",
    )
    is_billed = fields.Boolean(
        compute='_compute_is_billed',
        help="Bills reach beyond this day, so it does not change any more.",
    )
    is_present = fields.Boolean(compute='_compute_is_present', help="In force today.")

    # === CONSTRAINTS === #

    _day_unique = models.Constraint(
        "UNIQUE (plan_id, date_from)", "A plan has one version of its prices at most for a day."
    )
    _prices_positive = models.Constraint(
        "CHECK (price_per_session >= 0 AND price_per_hour >= 0 AND price_per_device >= 0"
        " AND base_fee >= 0 AND minimum_charge >= 0)",
        "Prices from a day on: none can be negative.",
    )

    @api.constrains('plan_id', 'minimum_charge')
    def _check_minimum(self):
        self.plan_id._check_maximum()

    @api.constrains('plan_id', *PRICE_FIELDS)
    def _check_price_digits(self):
        """Refuse a price with more digits than are printed: it would be rounded silently."""
        for version in self:
            most = version.plan_id._get_price_digits()
            for name in PRICE_FIELDS:
                if count_digits(version[name]) > most:
                    raise ValidationError(
                        self.env._(
                            "%(version)s: %(field)s, %(price)s, has more than the %(digits)s "
                            "decimals that prices in %(currency)s can have. Round it.",
                            version=version.display_name,
                            field=version.fields_get([name], ['string'])[name]['string'],
                            price=f"{version[name]:.15g}",
                            digits=most,
                            currency=version.currency_id.name,
                        )
                    )

    @api.constrains('plan_id', 'date_from')
    def _check_not_billed(self):
        """Refuse prices that begin before what has been billed: they would say what nobody was."""
        ends = self.plan_id._get_billed_ends()
        for version in self:
            end = ends.get(version.plan_id.id)
            if end and version.date_from < end:
                raise ValidationError(
                    self.env._(
                        "Plan “%(plan)s”: bills have been made up to %(last)s, so prices cannot "
                        "change on %(date)s. Give %(first)s or a later day.",
                        plan=version.plan_id.name,
                        last=format_date(self.env, fields.Date.subtract(end, days=1)),
                        date=format_date(self.env, version.date_from),
                        first=format_date(self.env, end),
                    )
                )

    @api.constrains('minimum_charge')
    def _check_maximum(self):
        self.plan_id._check_maximum()

    # === COMPUTE METHODS === #

    @api.depends('plan_id')
    def _compute_prices(self):
        for version in self:
            earlier = version.plan_id._get_versions()
            if version.date_from:
                earlier = earlier.filtered(
                    lambda each, version=version: each.date_from < version.date_from
                )
            prices = earlier[-1:] or version.plan_id
            for name in PRICE_FIELDS:
                version[name] = prices[name]

    def _compute_is_billed(self):
        ends = self.plan_id._get_billed_ends()
        for version in self:
            end = ends.get(version.plan_id._origin.id)
            version.is_billed = bool(end and version.id and version.date_from < end)

    @api.depends('plan_id.version_ids.date_from')
    def _compute_is_present(self):
        for version in self:
            plan = version.plan_id
            present = plan._get_present_version() if plan else version.browse()
            version.is_present = bool(version.id) and version._origin == present._origin

    @api.depends('plan_id', 'date_from')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for version in self:
            version.display_name = self.env._(
                "%(plan)s, prices from %(date)s on",
                plan=version.plan_id.name,
                date=format_date(self.env, version.date_from) if version.date_from else "?",
            )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            # Before anything is said of a plan.
            self.env['assist.billing.plan'].browse(vals.get('plan_id') or ()).check_access('write')
            self.browse()._check_vals(vals)
        self._check_days([(vals.get('plan_id'), vals.get('date_from')) for vals in vals_list])
        versions = super().create(vals_list)
        for version in versions:
            version._log_prices()
        return versions

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_vals(vals)
        if not self._is_other(vals):
            return super().write(vals)
        self._refuse_billed()
        self._check_days(
            [
                (vals.get('plan_id', version.plan_id.id), vals.get('date_from', version.date_from))
                for version in self
            ]
        )
        result = super().write(vals)
        for version in self:
            version._log_prices()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._refuse_billed()
        for version in self:
            version.plan_id.message_post(
                body=self.env._(
                    "Prices from %(date)s on were deleted.",
                    date=format_date(self.env, version.date_from),
                )
            )

    def _is_other(self, vals):
        """Tell whether `vals` change a day, a plan or a price of one of these."""
        return any(
            name in vals and self._assist_is_changed(name, vals[name])
            for name in ('plan_id', 'date_from', *PRICE_FIELDS)
        )

    def _check_vals(self, vals):
        refuse_absurd_dates(self, vals, ['date_from'])
        refuse_negative(self, vals, PRICE_FIELDS)

    def _check_days(self, days):
        """Refuse a second version for the same day, in words.

        :param days: pairs of a plan's id and a first day, those that these versions are to have
        """
        days = [(plan, fields.Date.to_date(day)) for plan, day in days if plan and day]
        plans = self.env['assist.billing.plan'].browse({plan for plan, _day in days})
        others = self.search([('plan_id', 'in', plans.ids), ('id', 'not in', self.ids)])
        counts = Counter([*days, *((other.plan_id.id, other.date_from) for other in others)])
        for plan, day in days:
            if counts[plan, day] > 1:
                raise ValidationError(
                    self.env._(
                        "Plan “%(plan)s” has prices from %(date)s on already. Change those.",
                        plan=plans.browse(plan).name,
                        date=format_date(self.env, day),
                    )
                )

    def _log_prices(self):
        """Record on the plan what its prices are from this day on."""
        self.ensure_one()
        self.plan_id.message_post(
            body=self.env._(
                "Prices from %(date)s on: %(prices)s.",
                date=format_date(self.env, self.date_from),
                prices=self.plan_id._describe_prices(self) or "0",
            )
        )

    def _refuse_billed(self):
        ends = self.plan_id._get_billed_ends()
        for version in self:
            if version.date_from < ends.get(version.plan_id.id, version.date_from):
                raise UserError(
                    self.env._(
                        "%(version)s: bills have been made by these prices, so they stay as they "
                        "are. Add prices from a later day on instead.",
                        version=version.display_name,
                    )
                )


class AssistBillingPlan(models.Model):
    """The plan's prices by date: those of its form until the first version begins."""

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    version_ids = fields.One2many(
        'assist.billing.plan.version',
        'plan_id',
        string="Prices by Date",
        copy=True,
        help="Each version has the prices from its day on; before the first day they are the "
        "plan's own.",
    )
    price_hint = fields.Char(
        compute='_compute_price_hint', help="Until when the plan's own prices are in force."
    )
    unaware_cycle_count = fields.Integer(
        compute='_compute_unaware_cycle_count',
        help="Open cycles that began before these prices were entered, and do not know them.",
    )

    # === CONSTRAINTS === #

    @api.constrains('currency_id')
    def _check_version_digits(self):
        self.version_ids._check_price_digits()

    # === COMPUTE METHODS === #

    @api.depends('charge_devices', 'base_fee', 'minimum_charge', 'price', *VERSION_PATHS)
    @api.depends_context('lang')
    def _compute_price_hint(self):
        for plan in self:
            versions, present = plan._get_versions(), plan._get_present_version()
            if present:
                plan.price_hint = self.env._(
                    "In force since %(date)s: %(prices)s. The prices here are those before "
                    "%(first)s; see Prices by Date.",
                    date=format_date(self.env, present.date_from),
                    prices=plan._describe_prices(present),
                    first=format_date(self.env, versions[0].date_from),
                )
            elif versions:
                plan.price_hint = self.env._(
                    "From %(date)s on: %(prices)s. See Prices by Date.",
                    date=format_date(self.env, versions[0].date_from),
                    prices=plan._describe_prices(versions[0]),
                )
            else:
                plan.price_hint = False

    @api.depends(*VERSION_PATHS)
    def _compute_unaware_cycle_count(self):
        for plan in self:
            stored = plan._origin
            plan.unaware_cycle_count = stored._count_unaware_cycles() if stored.version_ids else 0

    # === BUSINESS METHODS === #

    def _prepare_version_terms(self, tz, date_start, date_end):
        """Return the prices of a cycle's first day, and those that begin later within it.

        Ready for JSON; nothing without versions. Only what an hour or a session costs changes
        within a cycle.

        :param tz: the customer's zone, and the first day of the cycle and the day after its last
        """
        self.ensure_one()
        if not self.version_ids:
            return {}
        name = self._get_usage_price_name()
        terms = self._get_prices_on(date_start)
        later, price = [], terms[name]
        for version in self._get_versions():
            if date_start < version.date_from < date_end and version[name] != price:
                price = version[name]
                later.append([fields.Date.to_string(version.date_from), price])
        return {**terms, 'versions': later, 'tz': tz} if later else terms

    def _get_versions(self):
        """Return the versions that have a day, in order; half entered ones have none."""
        return self.version_ids.filtered('date_from').sorted('date_from')

    def _get_version_on(self, day):
        """Return the version in force on a day; an empty one before the first."""
        self.ensure_one()
        return self._get_versions().filtered(lambda version: version.date_from <= day)[-1:]

    def _get_present_version(self):
        # By the day of the company: of a plan there is no other.
        company = self.company_id or self.env.company
        return self._get_version_on(company._assist_get_today(fields.Datetime.now()))

    def _get_prices_on(self, day):
        """Return the prices in force on a day: a dict of the names in PRICE_FIELDS."""
        prices = self._get_version_on(day) or self
        return {name: prices[name] for name in PRICE_FIELDS}

    def _get_usage_price_name(self):
        return 'price_per_hour' if self.billing_type == 'hour' else 'price_per_session'

    def _get_charging_names(self):
        """Return the names of the prices that charge something, the usage price first."""
        self.ensure_one()
        names = CHARGING_FIELDS[self.billing_type or 'session']
        return [*names, 'price_per_device'] if self.charge_devices else [*names]

    def _describe_prices(self, prices):
        """Return in words what `prices`, a version or a dict, make of what this plan charges.

        The usage price always; what else there is where it is not zero.
        """
        self.ensure_one()
        texts = {
            'price_per_session': self.env._("%(price)s per session"),
            'price_per_hour': self.env._("%(price)s per hour"),
            'price_per_device': self.env._("%(price)s per device"),
            'base_fee': self.env._("base fee %(price)s"),
            'minimum_charge': self.env._("minimum %(price)s"),
        }
        usage = self._get_usage_price_name()
        return ", ".join(
            texts[name] % {'price': self._format_price(prices[name])}
            for name in self._get_charging_names()
            if name == usage or prices[name]
        )

    def _format_price(self, price):
        """Return a unit price with all its digits, and the currency."""
        return f"{format_price(self.env, price)} {self.currency_id.name or ''}".strip()

    def _get_billed_ends(self):
        """Return up to where these plans have billed: plan id -> the day after the last one.

        Cycles that closed without a bill do not count: nobody has seen a bill of them.
        """
        # sudo: cycles of any company keep a version from changing
        cycles = self.env['assist.billing.cycle'].sudo()
        cycles._flush_unbilled()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.plan_id, max(c.date_end) FROM assist_billing_cycle c
                 WHERE c.plan_id IN %s AND c.state != 'open' AND NOT %s
              GROUP BY c.plan_id
                """,
                tuple(self._origin.ids) or (0,),
                cycles._get_unbilled_sql(SQL("c")),
            )
        )
        return dict(rows)

    def _count_unaware_cycles(self):
        """Return how many open cycles have other prices than they would open with now."""
        self.ensure_one()
        # sudo: prices are applied to the cycles of the plan, whoever may see them
        cycles = self.env['assist.billing.cycle'].sudo()
        cycles.flush_model(['plan_id', 'state', 'date_start', 'date_end', 'tz', 'terms'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.date_start, c.date_end, c.tz, c.terms -> 'versions', %s, count(*)
                  FROM assist_billing_cycle c WHERE c.plan_id = %s AND c.state = 'open'
              GROUP BY 1, 2, 3, 4, 5
                """,
                SQL(
                    "jsonb_build_array(%s)",
                    SQL(", ").join(SQL("c.terms -> %s", price) for price in PRICE_FIELDS),
                ),
                self.id,
            )
        )
        unaware = 0
        for date_start, date_end, tz, versions, prices, count in rows:
            terms = self._prepare_version_terms(tz, date_start, date_end)
            expected = [terms[name] for name in PRICE_FIELDS], terms.get('versions')
            unaware += count if (prices, versions) != expected else 0
        return unaware
