from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import formatLang

from ..rules import cycles, rating
from ..utils.prices import format_price

ROW = Markup("<tr>%s</tr>")
CELL = Markup("<td class=\"pe-3\">%s</td>")
TABLE = Markup("<table class=\"table table-sm w-auto mb-0\"><tbody>%s</tbody></table>")
LONGEST_MINUTES = 24 * 60


class AssistTryRates(models.TransientModel):
    """Which rate would a session take, and what would a month have cost? Nothing is changed."""

    _name = 'assist.try.rates'
    _description = "Try the Rates of a Plan"
    _inherit = ['assist.engine.fields', 'assist.chosen']

    # === FIELDS === #

    plan_id = fields.Many2one('assist.billing.plan', required=True)
    association_id = fields.Many2one(
        'assist.billing.association',
        string="Customer",
        help="Own rates and time zone are taken from here.",
    )
    kind = fields.Selection(
        selection='_get_kinds', string="Kind of Work", default='remote_support', required=True
    )
    grade_id = fields.Many2one('assist.technician.grade')
    started_at = fields.Datetime(string="Start", required=True, default=fields.Datetime.now)
    minutes = fields.Integer(default=60, required=True)
    result = fields.Html(string="This Session", compute='_compute_result')
    fees = fields.Text(
        string="Besides",
        compute='_compute_fees',
        help="What each period's bill carries whatever is done in it.",
    )
    cycle_id = fields.Many2one(
        'assist.billing.cycle',
        string="Period",
        compute='_compute_cycle_id',
        store=True,
        readonly=False,
    )
    preview = fields.Html(string="It Would Cost", compute='_compute_preview', sanitize=False)

    # === SELECTIONS === #

    @api.model
    def _get_kinds(self):
        return self.env['assist.billing.rate']._get_kinds()

    # === COMPUTE METHODS === #

    @api.depends('plan_id', 'association_id', 'kind', 'grade_id', 'started_at', 'minutes')
    def _compute_result(self):
        for dialog in self:
            is_given = dialog.started_at and dialog.plan_id
            dialog.result = dialog._rate_session() if is_given else False

    @api.depends('plan_id', 'association_id')
    @api.depends_context('lang')
    def _compute_fees(self):
        describe = self.env['assist.billing.plan.fee']._describe
        for dialog in self:
            plan = dialog.plan_id
            terms = plan._prepare_fees_terms(dialog.association_id) if plan else {}
            dialog.fees = "\n".join(
                describe(fee, plan._format_price) for fee in terms.get('fees', ())
            )

    @api.depends('association_id')
    def _compute_cycle_id(self):
        for dialog in self:
            dialog.cycle_id = dialog.association_id._get_last_closed_cycle()

    @api.depends('plan_id', 'cycle_id')
    @api.depends_context('lang')
    def _compute_preview(self):
        for dialog in self:
            cycle = dialog.cycle_id._origin
            dialog.preview = cycle._get_comparison(dialog.plan_id) if cycle else False

    # === ONE SESSION === #

    def _rate_session(self):
        """Return the parts of the session as a table: when, how long, at which price, and why."""
        tz = self.association_id.tz or self.env.user.tz or 'UTC'
        minutes = min(max(0, self.minutes), LONGEST_MINUTES)
        session = rating.Session(
            1,
            self.started_at,
            self.started_at + timedelta(minutes=minutes),
            kind=self.kind,
            grade=self.grade_id.id or None,
        )
        day = cycles.local_date(self.started_at, tz)
        period = day, fields.Date.add(day, days=2), 2
        terms = self._get_terms(tz, *period[:2])
        card = rating.RateCard(terms)
        rows = []
        for part in card.cut(session, [(session.start, session.end)]):
            start, end = (
                f"{cycles.local_time(instant, tz):%H:%M}" for instant in (part.start, part.end)
            )
            hours = formatLang(self.env, part.billed_seconds / 3600, digits=terms.quantity_digits)
            rate = self.env['assist.billing.rate'].browse(part.rate and part.rate.id)
            rows.append(
                (
                    f"{start} – {end}",
                    self.env._("%(hours)s h", hours=hours),
                    self._format(part.price),
                    rate.sentence or self.env._("the plan's price: no rate is for this"),
                )
            )
        return self._make_table(rows)

    def _get_terms(self, tz, date_start, date_end):
        """Return the present terms of the plan for a customer, as the rating reads them."""
        plan = self.plan_id
        return (
            self.env['assist.billing.cycle']
            ._get_terms_class()
            .from_dict(
                plan._prepare_customer_terms(
                    self.association_id, plan._prepare_terms(), tz, date_start, date_end
                )
            )
        )

    # === HELPERS === #

    def _format(self, amount):
        currency = self.plan_id.currency_id
        return f"{format_price(self.env, float(amount))} {currency.name}"

    def _make_table(self, rows):
        return TABLE % Markup().join(
            ROW % Markup().join(CELL % cell for cell in row) for row in rows
        )
