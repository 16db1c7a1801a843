from datetime import date

from odoo import Command
from odoo.tests import Form, freeze_time, tagged

from .rates_common import BERLIN, RatesCommon


@tagged('post_install', '-at_install')
class TestFillingHours(RatesCommon):
    """Service hours filled in from a working schedule, or painted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.env['resource.calendar'].create(
            {
                'name': "40 hours",
                'tz': BERLIN,
                'company_id': cls.company.id,
                'attendance_ids': [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                'name': "Work",
                                'dayofweek': day,
                                'hour_from': start,
                                'hour_to': end,
                                'day_period': period,
                            }
                        )
                        for day in '01234'
                        for start, end, period in (
                            (8, 12, 'morning'),
                            (12, 12.5, 'lunch'),
                            (12.5, 17, 'afternoon'),
                        )
                    ),
                ],
            }
        )
        cls.empty = cls.env['assist.billing.hours'].create({'name': "New"})
        cls.weekend = cls.env.ref('assist_billing.band_weekend')

    def _fill(self, **vals):
        self.env['assist.fill.hours'].create(
            {
                'hours_id': self.empty.id,
                'calendar_id': self.calendar.id,
                'band_id': self.business.id,
                'rest_band_id': self.rest.id,
                'free_band_id': self.weekend.id,
                'holiday_band_id': False,
                **vals,
            }
        ).action_fill()

    def _spans(self, day):
        lines = self.empty.line_ids.filtered(lambda line: line.dayofweek == day)
        return [line._get_span() for line in lines.sorted('minute_from')]

    def _add_leave(self, start, end, **vals):
        """Give everybody a day off, in Berlin's winter (UTC + 1)."""
        self.env['resource.calendar.leaves'].create(
            {
                'name': "Day off",
                'calendar_id': self.calendar.id,
                'company_id': self.company.id,
                'date_from': start,
                'date_to': end,
                **vals,
            }
        )

    # === FROM A SCHEDULE === #

    def test_the_dialog_proposes_the_schedule_of_the_hours_company(self):
        other = self.setup_other_company()['company']
        theirs = self.empty.with_context(allowed_company_ids=(self.company | other).ids).create(
            {'name': "Theirs", 'company_id': other.id}
        )
        dialog = Form(
            self.env['assist.fill.hours'].with_context(
                allowed_company_ids=(self.company | other).ids,
                **theirs.action_fill()['context'],
            )
        )
        self.assertTrue(other.resource_calendar_id)
        self.assertEqual(dialog.calendar_id, other.resource_calendar_id)

    def test_the_week_of_a_schedule_is_filled_in(self):
        self._fill()
        business, rest = self.business.id, self.rest.id
        workday = [
            (0, 480, rest),
            (480, 720, business),
            (720, 750, rest),
            (750, 1020, business),
            (1020, 1440, rest),
        ]
        self.assertEqual(self._spans('0'), workday)
        self.assertEqual(self._spans('4'), workday)
        self.assertEqual(self._spans('5'), [(0, 1440, self.weekend.id)])
        # A gap has the plan's own price.
        self.assertEqual(self._spans('holiday'), [])
        # Again, with gaps: what was there is replaced.
        self._fill(rest_band_id=False, free_band_id=False)
        self.assertEqual(self._spans('0'), [(480, 720, business), (750, 1020, business)])
        self.assertEqual(self._spans('5'), [])

    def test_days_off_of_everybody_become_holidays(self):
        resource = (
            self.env['resource.resource']
            .sudo()
            .create({'name': "Ada", 'calendar_id': self.calendar.id})
        )
        self._add_leave('2026-12-23 23:00:00', '2026-12-26 22:59:59', name="Christmas")
        self._add_leave('2026-12-31 13:00:00', '2026-12-31 22:59:59', name="Half a day")
        self._add_leave('2027-01-05 07:00:00', '2027-01-05 16:00:00', name="Working hours")
        self._add_leave('2027-02-01 07:00:00', '2027-02-05 16:00:00', resource_id=resource.id)
        self.empty.holiday_ids = [Command.create({'date': '2026-12-25', 'name': "Mine"})]
        self._fill(with_week=False)
        self.assertFalse(self.empty.line_ids)
        self.assertEqual(
            [
                (each.date, each.name, each.minute_from)
                for each in self.empty.holiday_ids.sorted('date')
            ],
            [
                (date(2026, 12, 24), "Christmas", 0),
                (date(2026, 12, 25), "Mine", 0),
                (date(2026, 12, 26), "Christmas", 0),
                (date(2026, 12, 31), "Half a day", 840),
                (date(2027, 1, 5), "Working hours", 0),
            ],
        )
        self._fill(with_week=False)
        self.assertEqual(len(self.empty.holiday_ids), 5)

    @freeze_time('2026-11-02')
    def test_it_is_said_when_the_holidays_entered_come_to_an_end(self):
        self.assertFalse(self.empty.needs_holidays, "a holiday is like any other day")
        self.empty.action_fill_usual()
        self.assertTrue(self.empty.needs_holidays)
        self.empty.holiday_ids = [Command.create({'date': '2026-12-31', 'name': "Eve"})]
        self.assertEqual(self.empty.last_holiday, date(2026, 12, 31))
        self.assertTrue(self.empty.needs_holidays)
        self.empty.holiday_ids = [Command.create({'date': '2027-01-01', 'name': "New Year"})]
        self.assertFalse(self.empty.needs_holidays)

    def test_what_cannot_be_filled_in_is_refused(self):
        with self.assertRefused("Choose a working schedule, and the band"):
            self._fill(calendar_id=False)
        with self.assertRefused("Choose a working schedule, which has the holidays"):
            self._fill(calendar_id=False, with_week=False)
        self.calendar.two_weeks_calendar = True
        with self.assertRefused("another one each second week"):
            self._fill()
        idle = self.calendar.copy({'two_weeks_calendar': False, 'attendance_ids': []})
        idle.attendance_ids.unlink()
        with self.assertRefused("has no times of work"):
            self._fill(calendar_id=idle.id)
        self.assertFalse(self.empty.line_ids)

    # === PAINTED === #

    def test_what_is_painted_becomes_lines(self):
        business, rest = self.business.id, self.rest.id
        self.empty.week = {'0': [[0, 480, rest], [480, 1080, business]], 'holiday': [[0, 60, rest]]}
        self.assertEqual(self._spans('0'), [(0, 480, rest), (480, 1080, business)])
        kept = self.empty.line_ids.filtered(lambda line: line.dayofweek == 'holiday')
        self.empty.week = {'0': [[480, 1080, business]], 'holiday': [[0, 60, rest]]}
        self.assertEqual(self._spans('0'), [(480, 1080, business)])
        self.assertEqual(self.empty.line_ids & kept, kept, "what stays the same stays")
        self.assertEqual(
            self.empty.week, {'0': [[480, 1080, business]], 'holiday': [[0, 60, rest]]}
        )
        self.empty.line_ids.unlink()
        self.assertFalse(self.empty.week)

    def test_grid_and_list_of_the_form_say_the_same(self):
        business = self.business.id
        with Form(self.empty) as form:
            form.week = {'1': [[480, 1080, business]]}
            self.assertEqual(len(form.line_ids), 1)
            with form.line_ids.edit(0) as line:
                line.hour_to = 17.0
            self.assertEqual(form.week, {'1': [[480, 1020, business]]})
        self.assertEqual(self._spans('1'), [(480, 1020, business)])

    def test_what_cannot_be_painted_is_refused(self):
        business = self.business.id
        for week, words in (
            ({'0': [[0, 480, business], [470, 490, business]]}, "overlap"),
            ({'0': [[480, 480, business]]}, "begins before it ends"),
            ({'0': [[0, 1500, business]]}, "between 0:00 and 24:00"),
            ({'9': [[0, 480, business]]}, "cannot be read"),
            ({'0': [[0, 480]]}, "cannot be read"),
            ({'0': "x"}, "cannot be read"),
            ([1], "cannot be read"),
        ):
            with self.subTest(week=week), self.assertRefused(words):
                self.empty.week = week
        self.assertFalse(self.empty.line_ids)
