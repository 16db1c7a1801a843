from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.rates.assist_billing_hours import DAYS
from ..rules import bands, cycles

# A day off that begins before work does, and ends after it, is a whole one.
LAST_MINUTE = bands.MINUTES - 1


class AssistFillHours(models.TransientModel):
    """Fills service hours from a working schedule: its times of work, and its days off."""

    _name = 'assist.fill.hours'
    _description = "Fill Service Hours"
    _inherit = ['assist.engine.fields', 'assist.chosen']

    # === FIELDS === #

    hours_id = fields.Many2one('assist.billing.hours', required=True, ondelete='cascade')
    company_id = fields.Many2one(related='hours_id.company_id', related_sudo=False)
    calendar_id = fields.Many2one(
        'resource.calendar',
        string="Working Schedule",
        default=lambda self: self._default_calendar_id(),
    )
    with_week = fields.Boolean(
        string="Fill the Week", default=True, help="What is in the grid is replaced."
    )
    band_id = fields.Many2one(
        'assist.billing.band',
        string="Working Times Are",
        default=lambda self: self._default_band('business'),
    )
    rest_band_id = fields.Many2one(
        'assist.billing.band',
        string="Other Times of Working Days",
        default=lambda self: self._default_band('evening'),
        help="Empty: these have the plan's own price.",
    )
    free_band_id = fields.Many2one(
        'assist.billing.band',
        string="Days Without Work",
        default=lambda self: self._default_band('weekend'),
        help="Empty: these have the plan's own price.",
    )
    holiday_band_id = fields.Many2one(
        'assist.billing.band',
        string="Holidays",
        default=lambda self: self._default_band('holiday'),
        help="Empty: these have the plan's own price.",
    )
    with_holidays = fields.Boolean(
        string="Add Holidays",
        default=True,
        help="Days off that the schedule has for everybody. Holidays that are there stay.",
    )

    # === DEFAULTS === #

    @api.model
    def _default_calendar_id(self):
        return self.env.company.resource_calendar_id

    @api.model
    def _default_band(self, name):
        return self.env.ref(f'assist_billing.band_{name}', raise_if_not_found=False)

    # === ACTIONS === #

    def action_fill(self):
        self.ensure_one()
        self.check_access('write')
        self.hours_id.check_access('write')
        if self.with_week:
            self._fill_week()
        added = self._add_holidays(self._get_holidays()) if self.with_holidays else 0
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("Filled in. Holidays added: %(count)s.", count=added),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    # === THE WEEK === #

    def _fill_week(self):
        self.hours_id.line_ids = [
            fields.Command.clear(),
            *(fields.Command.create(vals) for vals in self._prepare_lines_vals()),
        ]

    def _prepare_lines_vals(self):
        """Return the values of the lines of a week, and of holidays."""
        works = self._get_working_spans()
        vals_list = []
        for day, _label in DAYS:
            if day == bands.HOLIDAY:
                found = [(0, bands.MINUTES, self.holiday_band_id)]
            elif day in works:
                found = _fill_up(works[day], self.band_id, self.rest_band_id)
            else:
                found = [(0, bands.MINUTES, self.free_band_id)]
            vals_list += [
                {'dayofweek': day, 'minute_from': start, 'minute_to': end, 'band_id': band.id}
                for start, end, band in found
                if band
            ]
        return vals_list

    def _get_working_spans(self):
        """Return the times of work of the schedule: day -> [(minute, minute)], in order, joined.

        :raise UserError: no schedule, or one that service hours cannot follow
        """
        calendar = self.calendar_id
        if not calendar or not self.band_id:
            raise UserError(
                self.env._("Choose a working schedule, and the band that its working times are.")
            )
        if calendar.two_weeks_calendar:
            raise UserError(
                self.env._(
                    "“%(calendar)s” is another one each second week; service hours are the same "
                    "every week.",
                    calendar=calendar.name,
                )
            )
        spans = {}
        attendances = calendar.attendance_ids.filtered(
            lambda line: not line.display_type and line.day_period != 'lunch'
        )
        for line in attendances.sorted(lambda line: (line.dayofweek, line.hour_from)):
            start, end = round(line.hour_from * 60), min(round(line.hour_to * 60), bands.MINUTES)
            if start >= end:
                continue
            day = spans.setdefault(line.dayofweek, [])
            if day and start <= day[-1][1]:
                day[-1] = (day[-1][0], max(day[-1][1], end))
            else:
                day.append((start, end))
        if not spans:
            raise UserError(
                self.env._("“%(calendar)s” has no times of work.", calendar=calendar.name)
            )
        return spans

    # === HOLIDAYS === #

    def _get_holidays(self):
        """Return the holidays to add: day -> (name, minute from which it is one).

        Extend it for other sources.
        """
        self.ensure_one()
        found = {}
        for leave in self._get_leaves():
            tz = leave.calendar_id.tz or self.calendar_id.tz or 'UTC'
            start, end = (
                cycles.local_time(instant, tz) for instant in (leave.date_from, leave.date_to)
            )
            day = start.date()
            # The last day counts only where something of it is free: midnight is the day before's.
            last = (end - timedelta(seconds=1)).date()
            while day <= last:
                minute = start.hour * 60 + start.minute if day == start.date() else 0
                if minute <= self._get_first_minute(day):
                    minute = 0
                found.setdefault(day, (leave.name, min(minute, LAST_MINUTE)))
                day += timedelta(days=1)
        return found

    def _get_leaves(self):
        """Return the days off that everybody has by the schedule; those of no schedule too."""
        if not self.calendar_id:
            raise UserError(self.env._("Choose a working schedule, which has the holidays."))
        return self.env['resource.calendar.leaves'].search(
            [
                ('resource_id', '=', False),
                ('calendar_id', 'in', (self.calendar_id.id, False)),
                ('company_id', 'in', (self.company_id.id, False)),
                ('time_type', '=', 'leave'),
            ],
            order='date_from',
        )

    def _get_first_minute(self, day):
        """Return when work begins on a day of the schedule; late, if there is none."""
        lines = self.calendar_id.attendance_ids.filtered(
            lambda line: line.dayofweek == str(day.weekday()) and not line.display_type
        )
        return min((round(line.hour_from * 60) for line in lines), default=LAST_MINUTE)

    def _add_holidays(self, holidays):
        """Add those that are not there yet; return how many.

        :param holidays: day -> (name, minute from which it is one)
        """
        known = set(self.hours_id.holiday_ids.mapped('date'))
        new = [
            fields.Command.create({'date': day, 'name': name, 'minute_from': minute})
            for day, (name, minute) in sorted(holidays.items())
            if day not in known
        ]
        self.hours_id.holiday_ids = new
        return len(new)


def _fill_up(spans, band, rest):
    """Return a whole day: `spans` in one band, all other times in another one."""
    found, minute = [], 0
    for start, end in spans:
        if start > minute:
            found.append((minute, start, rest))
        found.append((start, end, band))
        minute = end
    if minute < bands.MINUTES:
        found.append((minute, bands.MINUTES, rest))
    return found
