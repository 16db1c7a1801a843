from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from odoo.addons.base.models.res_partner import _tz_get

from ..models.checks import MOST_DAYS
from ..rules import cycles

PREVIEWED_CYCLES = 3


class AssistAssociateCustomersLine(models.TransientModel):
    """One customer of the dialog: what is his own, and what it will come to."""

    _name = 'assist.associate.customers.line'
    _description = "Customer to Associate"

    # === FIELDS === #

    dialog_id = fields.Many2one('assist.associate.customers', required=True, ondelete='cascade')
    partner_id = fields.Many2one(
        'res.partner', string="Department / Customer", required=True, ondelete='cascade'
    )
    tz = fields.Selection(
        _tz_get,
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
        help="By their first and last day. Bills are dated the day after, if they are made on "
        "time, and due as shown.",
    )
    conflict = fields.Char(compute='_compute_conflict', help="Why he cannot be associated.")

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
            line.tz_offset = False
            if line.tz:
                offset = f"{datetime.now(ZoneInfo(line.tz)):%z}"
                line.tz_offset = f"UTC{offset[:3]}:{offset[3:5]}"

    @api.depends('start_date', 'due_days', 'tz', 'dialog_id.cycle')
    def _compute_preview(self):
        for line in self:
            line.preview = line.start_date and line.tz and "\n".join(line._get_previewed_periods())

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

    def _get_previewed_periods(self):
        """Return the first cycles in words, or why they cannot be counted."""
        self.ensure_one()
        try:
            periods = list(
                islice(
                    cycles.periods(self.start_date, self.dialog_id.cycle, self.tz),
                    PREVIEWED_CYCLES,
                )
            )
        except ValueError as error:
            return [str(error)]
        return [
            self.env._(
                "%(start)s – %(end)s, due %(due)s",
                start=format_date(self.env, period.date_start),
                end=format_date(self.env, fields.Date.subtract(period.date_end, days=1)),
                due=format_date(
                    self.env,
                    fields.Date.add(period.date_end, days=min(max(self.due_days, 0), MOST_DAYS)),
                ),
            )
            for period in periods
        ]

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
