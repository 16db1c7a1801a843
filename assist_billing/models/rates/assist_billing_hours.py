from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...rules import bands
from ...utils.checks import refuse_absurd_dates
from ...utils.remembering import remembered

DAYS = [
    ('0', "Monday"),
    ('1', "Tuesday"),
    ('2', "Wednesday"),
    ('3', "Thursday"),
    ('4', "Friday"),
    ('5', "Saturday"),
    ('6', "Sunday"),
    ('holiday', "Holiday"),
]
# So long before the holidays that are entered come to an end, service hours say so.
NOTICE_DAYS = 60
# Sessions are at most a year long, so a cycle can reach back to holidays of so many days before.
LONGEST_DAYS = 367


def as_day(dayofweek):
    """Return a stored day of the week as the rules name it."""
    return dayofweek if dayofweek == bands.HOLIDAY else int(dayofweek)


class AssistBillingHours(models.Model):
    """Which band each time of the week is in, and which days are holidays."""

    _name = 'assist.billing.hours'
    _description = "Service Hours"
    _inherit = ['assist.guard']
    _order = 'name, id'
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    tz_of = fields.Selection(
        [('customer', "The customer's time zone"), ('company', "The company's time zone")],
        string="Clock",
        required=True,
        default='customer',
        help="Whose clock decides in which band a session is.",
    )
    line_ids = fields.One2many('assist.billing.hours.line', 'hours_id', copy=True)
    week = fields.Json(
        compute='_compute_week',
        inverse='_inverse_week',
        help="The lines as they are painted: for each day [first minute, minute after the last, "
        "band].",
    )
    choices = fields.Json(
        compute='_compute_choices', help="The days and the bands that there are to paint."
    )
    holiday_ids = fields.One2many('assist.billing.hours.holiday', 'hours_id', copy=True)
    last_holiday = fields.Date(string="Holidays Until", compute='_compute_last_holiday')
    needs_holidays = fields.Boolean(
        compute='_compute_last_holiday',
        help="Holidays have a band of their own, and those that are entered come to an end.",
    )

    # === COMPUTE METHODS === #

    @api.depends('line_ids.dayofweek', 'line_ids.hour_from', 'line_ids.hour_to', 'line_ids.band_id')
    def _compute_week(self):
        for hours in self:
            week = {}
            for line in hours.line_ids.sorted(lambda line: line._get_span()):
                week.setdefault(line.dayofweek, []).append(list(line._get_span()))
            hours.week = week

    def _inverse_week(self):
        for hours in self:
            kept, new = hours._split_week()
            (hours.line_ids - kept).unlink()
            self.env['assist.billing.hours.line'].create(
                [{**vals, 'hours_id': hours.id} for vals in new]
            )

    @api.onchange('week')
    def _onchange_week(self):
        kept, new = self._split_week()
        if new or kept != self.line_ids:
            self.line_ids = kept.union(*(kept.new({**vals, 'hours_id': self.id}) for vals in new))

    def _split_week(self):
        """Return the lines that are painted already, and the values of those that are not."""
        self.ensure_one()
        painted = self._read_week()
        kept = self.line_ids.filtered(lambda line: (line.dayofweek, *line._get_span()) in painted)
        painted -= {(line.dayofweek, *line._get_span()) for line in kept}
        names = ('dayofweek', 'minute_from', 'minute_to', 'band_id')
        return kept, [dict(zip(names, each, strict=True)) for each in sorted(painted)]

    def _read_week(self):
        """Return what is painted: a set of (day, first minute, minute after the last, band)."""
        days = dict(DAYS)
        try:
            painted = {
                (day, *map(int, span)) for day, spans in (self.week or {}).items() for span in spans
            }
            is_read = all(len(each) == 4 and each[0] in days for each in painted)
        except (AttributeError, TypeError, ValueError):
            is_read = False
        if not is_read:
            raise ValidationError(
                self.env._(
                    "Service hours “%(hours)s”: the painted week cannot be read. It gives for each "
                    "day [first minute, minute after the last, band].",
                    hours=self.name,
                )
            )
        return painted

    @api.depends('company_id', 'line_ids.band_id')
    @api.depends_context('lang')
    def _compute_choices(self):
        days = self.env['assist.billing.hours.line']._fields['dayofweek']
        for hours in self:
            bands = self.env['assist.billing.band'].search(
                [('company_id', 'in', (hours.company_id.id, False))]
            )
            hours.choices = {
                'days': [list(day) for day in days._description_selection(self.env)],
                # Also those that are archived, where they are in use.
                'bands': [[band.id, band.name] for band in bands | hours.line_ids.band_id],
            }

    @api.depends('holiday_ids.date', 'line_ids.dayofweek')
    def _compute_last_holiday(self):
        ahead = fields.Date.add(fields.Date.context_today(self), days=NOTICE_DAYS)
        for hours in self:
            last = max(filter(None, hours.holiday_ids.mapped('date')), default=False)
            differs = bands.HOLIDAY in hours.line_ids.mapped('dayofweek')
            hours.last_holiday = last
            hours.needs_holidays = differs and (not last or last < ahead)

    # === ACTIONS === #

    def action_fill_usual(self):
        """Fill in an ordinary week: weekdays from 8 to 18 are business, all other times are not."""
        self.ensure_one()
        self.check_access('write')
        business, evening, weekend, holiday = (
            self.env.ref(f'assist_billing.band_{name}')
            for name in ('business', 'evening', 'weekend', 'holiday')
        )
        spans = [
            (str(day), *span)
            for day in range(5)
            for span in ((0, 480, evening), (480, 1080, business), (1080, 1440, evening))
        ]
        spans += [(day, 0, 1440, weekend) for day in ('5', '6')]
        spans.append((bands.HOLIDAY, 0, 1440, holiday))
        self.line_ids = [
            fields.Command.clear(),
            *(
                fields.Command.create(
                    {
                        'dayofweek': day,
                        'minute_from': start,
                        'minute_to': end,
                        'band_id': band.id,
                    }
                )
                for day, start, end, band in spans
            ),
        ]
        return True

    def action_fill(self):
        """Open the dialog that fills in a working schedule's times and holidays."""
        self.ensure_one()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Fill Service Hours"),
            'res_model': 'assist.fill.hours',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_hours_id': self.id,
                # Not of the company that is chosen first: it may work at other times.
                'default_calendar_id': self.company_id.resource_calendar_id.id,
            },
        }

    # === BUSINESS METHODS === #

    @remembered(lambda hours, *period: (hours, period))
    def _prepare_hours_terms(self, tz, date_start, date_end):
        """Return the hours as `rules.bands.Hours` reads them, ready for JSON.

        :param tz: the customer's zone
        :param date_start: first day of the cycle that is to keep them, and
        :param date_end: the day after its last
        """
        self.ensure_one()
        earliest = fields.Date.subtract(date_start, days=LONGEST_DAYS)
        return {
            'tz': tz if self.tz_of == 'customer' else self.company_id.partner_id.tz or 'UTC',
            'lines': [
                [as_day(line.dayofweek), line.minute_from, line.minute_to, line.band_id.id]
                for line in self.line_ids
            ],
            'holidays': [
                [fields.Date.to_string(holiday.date), holiday.minute_from]
                for holiday in self.holiday_ids
                if earliest <= holiday.date <= date_end
            ],
        }


class AssistBillingHoursLine(models.Model):
    """On one day of the week, from when to when there is which band."""

    _name = 'assist.billing.hours.line'
    _description = "Line of Service Hours"
    _inherit = ['assist.guard']
    _order = 'hours_id, dayofweek, minute_from, id'

    # === FIELDS === #

    hours_id = fields.Many2one(
        'assist.billing.hours', required=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='hours_id.company_id', store=True, index=True)
    dayofweek = fields.Selection(DAYS, string="Day", required=True, default='0')
    minute_from = fields.Integer(
        required=True, default=480, help="Minutes after midnight, from 0 to 1440."
    )
    minute_to = fields.Integer(
        required=True, default=1080, help="Minutes after midnight, from 0 to 1440."
    )
    hour_from = fields.Float(string="From", compute='_compute_times', inverse='_inverse_hour_from')
    hour_to = fields.Float(string="To", compute='_compute_times', inverse='_inverse_hour_to')
    band_id = fields.Many2one(
        'assist.billing.band', required=True, index=True, check_company=True, ondelete='restrict'
    )

    # === CONSTRAINTS === #

    _minutes_of_a_day = models.Constraint(
        "CHECK (minute_from >= 0 AND minute_from < minute_to AND minute_to <= 1440)",
        "Service hours: a band begins before it ends, between 0:00 and 24:00.",
    )

    @api.constrains('hours_id', 'dayofweek', 'minute_from', 'minute_to')
    def _check_times(self):
        for hours in self.hours_id:
            keys = {
                (as_day(line.dayofweek), line.minute_from, line.minute_to, line.id): line
                for line in hours.line_ids
            }
            for one, other in bands.get_overlaps(keys):
                raise ValidationError(
                    self.env._(
                        "Service hours “%(hours)s”: %(one)s and %(other)s overlap. A time is in "
                        "one band; let one end where the other begins.",
                        hours=hours.name,
                        one=keys[one].display_name,
                        other=keys[other].display_name,
                    )
                )

    # === COMPUTE METHODS === #

    @api.depends('minute_from', 'minute_to')
    def _compute_times(self):
        for line in self:
            line.hour_from = line.minute_from / 60
            line.hour_to = line.minute_to / 60

    def _inverse_hour_from(self):
        for line in self:
            line.minute_from = round(line.hour_from * 60)

    def _inverse_hour_to(self):
        for line in self:
            line.minute_to = round(line.hour_to * 60)

    @api.depends('dayofweek', 'minute_from', 'minute_to', 'band_id')
    def _compute_display_name(self):
        days = dict(self._fields['dayofweek']._description_selection(self.env))
        for line in self:
            start, end = (
                f"{minute // 60}:{minute % 60:02}" for minute in (line.minute_from, line.minute_to)
            )
            line.display_name = (
                f"{days.get(line.dayofweek)} {start}–{end} ({line.band_id.display_name})"
            )

    # === CRUD METHODS === #

    # The engine computes nothing here; hours given by screens become minutes before they are
    # stored, so that the database need not refuse what an inverse was about to mend.

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        vals_list = [self._with_minutes(vals) for vals in vals_list]
        for vals in vals_list:
            # Before it is said what overlaps: that is for who may see these hours.
            self.env['assist.billing.hours'].browse(vals.get('hours_id') or ()).check_access(
                'write'
            )
            self._check_minutes(vals.get('minute_from', 480), vals.get('minute_to', 1080))
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        vals = self._with_minutes(vals)
        for line in self:
            self._check_minutes(
                vals.get('minute_from', line.minute_from), vals.get('minute_to', line.minute_to)
            )
        return super().write(vals)

    def _get_span(self):
        """Return first minute, minute after the last, and band; as screens show them by now."""
        minutes = (round(hour * 60) for hour in (self.hour_from, self.hour_to))
        return (*minutes, self.band_id.id or 0)

    def _check_minutes(self, start, end):
        start, end = int(start or 0), int(end or 0)
        if not 0 <= start < end <= bands.MINUTES:
            raise ValidationError(
                self.env._(
                    "Service hours, from %(start)s to %(end)s: a band begins before it ends, "
                    "between 0:00 and 24:00.",
                    start=f"{start // 60}:{start % 60:02}",
                    end=f"{end // 60}:{end % 60:02}",
                )
            )

    @api.model
    def _with_minutes(self, vals):
        """Return `vals` with hours given as minutes."""
        vals = dict(vals)
        for hour, minute in (('hour_from', 'minute_from'), ('hour_to', 'minute_to')):
            if hour in vals:
                vals[minute] = round(float(vals.pop(hour) or 0) * 60)
        return vals


class AssistBillingHoursHoliday(models.Model):
    """A day that is a holiday, wholly or from a time on."""

    _name = 'assist.billing.hours.holiday'
    _description = "Holiday of Service Hours"
    _inherit = ['assist.guard']
    _order = 'hours_id, date'

    # === FIELDS === #

    hours_id = fields.Many2one(
        'assist.billing.hours', required=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='hours_id.company_id', store=True, index=True)
    name = fields.Char()
    date = fields.Date(required=True, default=fields.Date.context_today)
    minute_from = fields.Integer(
        string="From Minute",
        help="Minutes after midnight; 0 for the whole day. Until then it is an ordinary weekday.",
    )

    # === CONSTRAINTS === #

    _date_unique = models.Constraint(
        "UNIQUE (hours_id, date)", "Service hours: this day is a holiday already."
    )
    _minute_of_a_day = models.Constraint(
        "CHECK (minute_from >= 0 AND minute_from < 1440)",
        "Service hours: a holiday begins between 0:00 and 23:59 of its day.",
    )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            refuse_absurd_dates(self, vals, ['date'])
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        refuse_absurd_dates(self, vals, ['date'])
        return super().write(vals)
