from itertools import islice, takewhile

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..rules import cycles, rating
from ..utils.checks import MOST_DAYS
from ..utils.zones import get_offset, get_zones

PREVIEWED_CYCLES = 3


class AssistAssociateCustomersLine(models.TransientModel):
    """One customer of the dialog: what is his own, and what it will come to."""

    _name = 'assist.associate.customers.line'
    _description = "Customer to Associate"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    dialog_id = fields.Many2one('assist.associate.customers', required=True, ondelete='cascade')
    partner_id = fields.Many2one(
        'res.partner', string="Department / Customer", required=True, ondelete='cascade'
    )
    tz = fields.Selection(
        get_zones,
        string="Timezone",
        compute='_compute_tz',
        store=True,
        readonly=False,
        precompute=True,
    )
    start_date = fields.Date(
        string="Bill Start Date",
        compute='_compute_start_date',
        store=True,
        readonly=False,
        precompute=True,
    )
    due_days = fields.Integer(
        compute='_compute_due_days', store=True, readonly=False, precompute=True
    )
    billing_emails = fields.Char(
        string="Billing Email Address",
        compute='_compute_billing_emails',
        store=True,
        readonly=False,
        precompute=True,
    )
    tz_offset = fields.Char(
        string="Now", compute='_compute_tz_offset', help="The zone's present offset from UTC."
    )
    preview = fields.Text(
        string="First Periods and Due Dates",
        compute='_compute_preview',
        help="By their first and last day, as the closing run will date their bills. Those that "
        "are over close as soon as the customer is associated.",
    )
    closing_now = fields.Char(
        compute='_compute_preview',
        help="Which periods are over, and are billed as soon as the customer is associated.",
    )
    first_advance = fields.Char(
        compute='_compute_first_advance',
        help="What the first bill charges for fees in advance, and when it is made.",
    )
    is_advance_due = fields.Boolean(compute='_compute_first_advance')
    conflict = fields.Char(
        compute='_compute_conflict', help="Why this customer cannot be associated."
    )

    # === COMPUTE METHODS === #

    @api.depends('dialog_id.tz', 'partner_id')
    def _compute_tz(self):
        for line in self:
            line.tz = line.dialog_id.tz or line._get_own_tz()

    @api.depends('dialog_id.start_date')
    def _compute_start_date(self):
        for line in self:
            line.start_date = line.dialog_id.start_date

    @api.depends('dialog_id.due_days')
    def _compute_due_days(self):
        for line in self:
            line.due_days = line.dialog_id.due_days

    @api.depends('dialog_id.billing_emails')
    def _compute_billing_emails(self):
        for line in self:
            line.billing_emails = line.dialog_id.billing_emails

    @api.depends('tz')
    def _compute_tz_offset(self):
        for line in self:
            line.tz_offset = line.tz and get_offset(line.tz)

    @api.depends(
        'start_date', 'due_days', 'tz', 'partner_id', 'dialog_id.cycle', 'dialog_id.plan_id'
    )
    def _compute_preview(self):
        for line in self:
            line.preview = line.closing_now = False
            if line.start_date and line.tz:
                line.preview, line.closing_now = line._describe_periods()

    @api.depends('start_date', 'tz', 'partner_id', 'dialog_id.cycle', 'dialog_id.plan_id')
    @api.depends_context('lang')
    def _compute_first_advance(self):
        for line in self:
            line.first_advance = line.is_advance_due = False
            if line.start_date and line.tz and line.dialog_id.plan_id.has_fees:
                line.first_advance, line.is_advance_due = line._describe_first_advance()

    @api.depends('partner_id', 'start_date', 'dialog_id.plan_id')
    def _compute_conflict(self):
        for line in self:
            line.conflict = line._get_conflict()

    # === BUSINESS METHODS === #

    def _get_own_tz(self):
        """Return the zone the association would take by itself: the customer's own."""
        self.ensure_one()
        return (
            self.env['assist.billing.association']
            .new(
                {
                    'partner_id': self.partner_id._origin.id,
                    'plan_id': self.dialog_id.plan_id._origin.id,
                }
            )
            .tz
        )

    def _describe_periods(self):
        """Return in words the first cycles, and what is billed at once; or why there are none.

        Before the first cycles, if there are any, how many of them are over already.

        :return: a text, and a text or False
        """
        self.ensure_one()
        now = fields.Datetime.now()
        try:
            over = list(takewhile(lambda period: self._is_over(period, now), self._get_periods()))
            periods = list(islice(self._get_periods(), PREVIEWED_CYCLES))
        except ValueError as error:
            return str(error), False
        lines = [self._describe_period(period) for period in periods]
        if not over:
            return "\n".join(lines), False
        words = {
            'start': format_date(self.env, over[0].date_start),
            'end': format_date(self.env, self._get_last_day(over[-1])),
            'sessions': self._count_sessions(over[0].start_at, over[-1].end_at),
        }
        lines.insert(0, self._describe_over(len(over), words))
        return "\n".join(lines), self._describe_closing_now(words)

    def _get_periods(self):
        return cycles.periods(self.start_date, self.dialog_id.cycle, self.tz)

    def _is_over(self, period, now):
        """Tell whether the next run would close this period, once the customer is associated."""
        grace = self.dialog_id.company_id.assist_close_grace_hours
        return fields.Datetime.add(period.end_at, hours=grace) <= now

    def _describe_period(self, period):
        """Return a period in words, with the dates that the closing run would give its bill.

        The date is told where it is not the day after the period.
        """
        cycle = self._new_cycle(period)
        # A customer whose midnight comes first is billed on the company's day all the same, as
        # far as can be said beforehand: it depends on the hour of the run.
        company_tz = cycle.company_id._assist_get_zone()
        dated, due = cycle._get_preview_dates(cycles.local_midnight(period.date_end, company_tz))
        words = {
            'start': format_date(self.env, period.date_start),
            'end': format_date(self.env, self._get_last_day(period)),
            'dated': format_date(self.env, dated),
            'due': format_date(self.env, due),
        }
        if dated == period.date_end:
            return self.env._("%(start)s – %(end)s, due %(due)s", **words)
        return self.env._("%(start)s – %(end)s, dated %(dated)s, due %(due)s", **words)

    def _describe_over(self, count, words):
        """Say which periods close as soon as the customer is associated, with how many sessions."""
        return self.env._(
            "Periods that close at once: %(count)s, %(start)s – %(end)s. Sessions: %(sessions)s",
            count=count,
            **words,
        )

    def _describe_closing_now(self, words):
        """Say what is billed within the hour once the customer is associated."""
        return self.env._(
            "%(customer)s: %(start)s – %(end)s is over and is billed within the hour, with what "
            "there is. Sessions: %(sessions)s",
            customer=self.partner_id.display_name,
            **words,
        )

    def _describe_first_advance(self):
        """Say what fees in advance the first bill charges, and tell whether it is due already.

        :return: a text or False, and a boolean
        """
        try:
            period = next(self._get_periods())
        except ValueError:  # the preview says what is wrong
            return False, False
        cycle = self._new_cycle(period)
        plan = cycle.plan_id
        cycle.terms = plan._prepare_customer_terms(
            cycle.association_id,
            {**plan._prepare_terms(), 'cycle': self.dialog_id.cycle},
            self.tz,
            period.date_start,
            period.date_end,
        )
        fees = cycle._rate_fees_due(self._read_devices(period.date_start))
        total = sum(share.line.amount for share in fees)
        if not total:
            return False, False
        is_due = period.start_at <= fields.Datetime.now()
        words = {
            'customer': self.partner_id.display_name,
            'amount': plan._format_price(float(total)),
            'start': format_date(self.env, period.date_start),
            'end': format_date(self.env, self._get_last_day(period)),
        }
        if is_due:
            return self.env._(
                "%(customer)s: the first bill, of %(amount)s, is made today for the fees of "
                "%(start)s – %(end)s.",
                **words,
            ), True
        return self.env._(
            "%(customer)s: the first bill, of %(amount)s, is made on %(start)s for the fees of "
            "%(start)s – %(end)s.",
            **words,
        ), False

    def _read_devices(self, day):
        """Return the devices that this customer would have on a day, as rules count them.

        Those of contacts below it that have an association of their own are counted there.
        """
        partner = self.partner_id._origin
        company = self.dialog_id.company_id
        # sudo: devices and associations count, whoever may see them
        others = (
            self.env['assist.billing.association']
            .sudo()
            .search(
                [
                    ('partner_id', 'child_of', partner.id),
                    ('partner_id', '!=', partner.id),
                    ('company_id', '=', company.id),
                    ('start_date', '<=', day),
                    '|',
                    ('end_date', '=', False),
                    ('end_date', '>', day),
                ]
            )
        )
        devices = (
            self.env['assist.device']
            .sudo()
            .search(
                [
                    ('partner_id', 'child_of', partner.id),
                    '!',
                    ('partner_id', 'child_of', others.partner_id.ids),
                    ('company_id', '=', company.id),
                    ('enrolled_on', '<=', day),
                    '|',
                    ('removed_on', '=', False),
                    ('removed_on', '>', day),
                ]
            )
        )
        return [
            rating.Device(device.id, ((device.enrolled_on, device.removed_on or None),))
            for device in devices
        ]

    def _get_last_day(self, period):
        return fields.Date.subtract(period.date_end, days=1)

    def _new_cycle(self, period):
        """Return a cycle of this customer that is not stored, for what it says of its dates."""
        plan = self.dialog_id.plan_id._origin
        association = self.env['assist.billing.association'].new(
            {
                'partner_id': self.partner_id._origin.id,
                'plan_id': plan.id,
                'due_days': min(max(self.due_days, 0), MOST_DAYS),
            }
        )
        # sudo: lock dates and taxes count, whoever looks
        return (
            self.env['assist.billing.cycle']
            .sudo()
            .new(
                {
                    'association_id': association.id,
                    'partner_id': self.partner_id._origin.id,
                    'plan_id': plan.id,
                    'company_id': self.dialog_id.company_id.id,
                    'currency_id': plan.currency_id.id,
                    'date_start': period.date_start,
                    'date_end': period.date_end,
                    'whole_date_end': period.whole_end,
                    'end_at': period.end_at,
                }
            )
        )

    def _count_sessions(self, start_at, end_at):
        """Return how many finished sessions between these instants wait for this association.

        Those of contacts below it that have an association of their own are billed there.
        """
        self.ensure_one()
        partner = self.partner_id._origin
        # sudo: the sessions of all technicians count, whoever associates
        sessions = self.env['assist.session'].sudo().with_context(active_test=False)
        return sessions.search_count(
            [
                ('partner_id', 'child_of', partner.id),
                ('company_id', '=', self.dialog_id.company_id.id),
                ('state', 'in', ('unmatched', 'to_bill')),
                ('ended_at', '>=', start_at),
                ('ended_at', '<', end_at),
                '|',
                ('association_id', '=', False),
                '!',
                ('association_id.partner_id', 'child_of', partner.id),
            ]
        )

    def _get_conflict(self):
        """Return in words which association is in the way, or False."""
        self.ensure_one()
        # sudo: an association that the user may not see is in the way all the same
        other = (
            self.env['assist.billing.association']
            .sudo()
            .search(
                [
                    ('partner_id', '=', self.partner_id._origin.id),
                    ('company_id', '=', self.dialog_id.company_id.id),
                    '|',
                    ('state', '!=', 'ended'),
                    ('end_date', '>', self.start_date or fields.Date.today()),
                ],
                limit=1,
            )
        )
        try:
            if other:
                other._refuse_other()
        except UserError as error:
            return str(error)
        return False
