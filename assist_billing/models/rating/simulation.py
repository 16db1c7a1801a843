from collections import defaultdict
from datetime import date

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, formatLang

from ...utils.prices import format_price
from ..plan.assist_billing_plan import TERMS_FIELDS, VERSION_PATHS
from ..rates.agreement import AGREEMENT_TERMS
from .usage import as_decimal

TABLE = Markup(
    '<table class="table table-sm mb-0"><thead><tr><th></th>'
    '<th class="text-end">%s</th><th class="text-end">%s</th>'
    '</tr></thead><tbody>%s</tbody></table>'
)
ROW = Markup('<tr><td>%s</td>%s</tr>')
# On a telephone the amount stands below what makes it.
CELL = Markup(
    '<td class="text-end ps-3"><span class="text-nowrap"><span>%s</span> '
    '<span class="text-muted">%s</span></span> '
    '<span class="d-inline-block text-nowrap ms-3">%s</span></td>'
)
NO_CELL = Markup('<td></td>')
TOTAL = Markup(
    '<tr class="fw-bold"><td>%s</td><td class="text-end">%s</td><td class="text-end">%s</td></tr>'
)
# Prices, rules and what belongs to them: what of a plan the simulation goes by.
SIMULATED = (
    *TERMS_FIELDS,
    *(name for name in AGREEMENT_TERMS if name != 'tiers'),
    *VERSION_PATHS,
    'currency_id',
    'tier_ids.from_quantity',
    'tier_ids.price',
    'hours_id',
    'rate_ids.sequence',
    'rate_ids.band_id',
    'rate_ids.kind',
    'rate_ids.grade_id',
    'rate_ids.date_from',
    'rate_ids.date_to',
    'rate_ids.method',
    'rate_ids.value',
    'rate_ids.burn_percent',
    'rate_ids.minimum_minutes',
    'rate_ids.increment_minutes',
    'fee_ids.product_id',
    'fee_ids.name',
    'fee_ids.quantity_rule',
    'fee_ids.quantity',
    'fee_ids.price',
    'fee_ids.charge',
    'fee_ids.included_hours',
    'fee_ids.prorate',
    'fee_ids.true_up',
)


class AssistBillingPlan(models.Model):
    """What a real period of a customer would have cost by this plan as it stands on the form.

    Nothing is written, and the plan need not be saved.
    """

    _inherit = 'assist.billing.plan'

    # === FIELDS === #

    simulated_association_id = fields.Many2one(
        'assist.billing.association',
        string="Customer to Compare",
        store=False,
        copy=False,
        help="Whose real sessions are rated by this plan as it stands here.",
    )
    simulated_cycle_id = fields.Many2one(
        'assist.billing.cycle',
        string="Period",
        compute='_compute_simulated_cycle_id',
        readonly=False,
        help="Proposed is the last one that was closed.",
    )
    simulation = fields.Html(
        string="What It Would Have Cost", compute='_compute_simulation', sanitize=False
    )

    # === COMPUTE METHODS === #

    @api.depends('simulated_association_id')
    def _compute_simulated_cycle_id(self):
        for plan in self:
            plan.simulated_cycle_id = plan.simulated_association_id._get_last_closed_cycle()

    @api.depends('simulated_association_id', 'simulated_cycle_id', *SIMULATED)
    @api.depends_context('lang')
    def _compute_simulation(self):
        for plan in self:
            cycle = plan.simulated_cycle_id._origin
            plan.simulation = cycle._get_comparison(plan) if cycle else False


class AssistBillingCycle(models.Model):
    _inherit = 'assist.billing.cycle'

    # === SIMULATION === #

    def _get_comparison(self, plan):
        """Return what this cycle cost beside what it would have cost by `plan`, as a table.

        :param plan: as it stands on a form, saved or not
        """
        self.ensure_one()
        # What is shown is of these, whoever chose them.
        self.check_access('read')
        plan._origin.check_access('read')
        # sudo: sessions of all technicians count, whoever asks
        cycle = self.sudo()
        try:
            lines = cycle._get_lines_under(plan)
        except (ValueError, UserError) as error:  # half entered
            return Markup('<p class="text-muted">%s</p>') % error
        return cycle._format_comparison(cycle._get_lines_so_far(), lines, plan.currency_id)

    def _get_lines_so_far(self):
        """Return what was charged for this cycle, late sessions included; of an open one so far.

        :return: list of (label, quantity, price, amount)
        """
        self.ensure_one()
        if self.state == 'open':
            rated = self._get_outcomes()[self].rating
        else:
            sessions = self._read_sessions_where(SQL("s.cycle_id = c.id AND s.prior_id IS NULL"))
            rated = self._rate(sessions[self.id], self._read_device_days()[self.id])
        lines = self._label_lines(rated, self._get_fees_of_period())
        priors = self.env['assist.billing.cycle.prior'].search(
            [('origin_cycle_id', '=', self.id), ('amount', '!=', 0)]
        )
        return lines + [
            (
                self.env._("Received late"),
                *(as_decimal(prior[name]) for name in ('quantity', 'price', 'amount')),
            )
            for prior in priors
        ]

    def _get_lines_under(self, plan):
        """Return what this cycle would have cost by `plan`, in the same shape.

        All its sessions are rated together, those that came in late too. Of prices by date the
        last ones count.
        """
        self.ensure_one()
        terms = plan._prepare_customer_terms(
            self.association_id,
            {**plan._prepare_terms(), 'cycle': self.terms['cycle']},
            self.tz,
            self.date_start,
            self.date_end,
        )
        # What is to come is what one wants to know.
        terms |= plan._prepare_agreement_terms() | plan._prepare_fees_terms(self.association_id)
        if plan.version_ids:
            terms |= plan._get_prices_on(date.max)
            terms.pop('versions', None)
        draft = self.new({'terms': terms, 'rollover_out': False}, origin=self)
        if self.state == 'open':
            sessions = self._read_usage()[0][self.id]
        else:
            sessions = self._read_billed_sessions()[self.id]
        devices = self._get_devices_under(plan)
        draft, fees = draft._simulate_fees(devices)
        return draft._label_lines(draft._rate(sessions, devices), fees)

    def _label_lines(self, rated, fees):
        """Return the lines of a rating of this cycle, and of fees, with what they are called.

        :return: list of (label, quantity, price, amount)
        """
        label = self.env['assist.billing.statement']._get_charge_label
        return [
            (
                label(line.charge, self, line.group, line.price),
                line.quantity,
                line.price,
                line.amount,
            )
            for line in (*rated.lines, *(share.line for share in fees))
            if line.quantity
        ]

    def _get_devices_under(self, plan):
        """Return the days of devices; where they were not charged, as they are known now."""
        if not plan.charge_devices and 'devices' not in plan.fee_ids.mapped('quantity_rule'):
            return []
        if self.terms['charge_devices'] or self._counts_devices_for_fees():
            return self._read_device_days()[self.id]
        days = defaultdict(list)
        self._read_live_device_days(days)
        return days[self.id]

    def _format_comparison(self, before, after, currency):
        """Return two lists of lines side by side, those with the same label in one row."""
        labels = list(dict.fromkeys(line[0] for line in (*before, *after)))
        rows = []
        for label in labels:
            found = [[line[1:] for line in lines if line[0] == label] for lines in (before, after)]
            for i in range(max(map(len, found))):
                cells = [
                    self._format_cell(lines[i], unit) if i < len(lines) else NO_CELL
                    for lines, unit in zip(found, (self.currency_id, currency), strict=True)
                ]
                rows.append(ROW % (label, Markup().join(cells)))
        totals = [sum(line[3] for line in lines) for lines in (before, after)]
        was, would = (
            self._format_amount(total, unit)
            for total, unit in zip(totals, (self.currency_id, currency), strict=True)
        )
        rows.append(TOTAL % (self.env._("Together"), was, would))
        if currency == self.currency_id:
            difference = self._format_amount(totals[1] - totals[0], currency, with_sign=True)
            rows.append(TOTAL % (self.env._("Difference"), "", difference))
        first = self.env._("So far") if self.state == 'open' else self.env._("As billed")
        return TABLE % (first, self.env._("By this plan"), Markup().join(rows))

    def _format_cell(self, line, currency):
        quantity, price, amount = line
        return CELL % (
            formatLang(self.env, float(quantity), dp='Product Unit'),
            f"× {format_price(self.env, float(price))}",
            self._format_amount(amount, currency),
        )

    def _format_amount(self, amount, currency, with_sign=False):
        text = formatLang(self.env, float(amount), digits=currency.decimal_places)
        sign = "+" if with_sign and amount > 0 else ""
        return f"{sign}{text} {currency.name or ''}"
