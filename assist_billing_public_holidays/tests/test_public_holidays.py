from datetime import date

from odoo.tests import Form, freeze_time, tagged

from odoo.addons.assist_billing.tests.rates.rates_common import RatesCommon

from .. import public_holidays


@tagged('post_install', '-at_install')
@freeze_time('2026-11-02')
class TestPublicHolidays(RatesCommon):
    """Service hours filled in with the public holidays of a country."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hours = cls.env['assist.billing.hours'].create({'name': "New"})
        cls.germany = cls.env.ref('base.de')

    def _fill(self, **vals):
        self.env['assist.fill.hours'].create(
            {
                'hours_id': self.hours.id,
                'calendar_id': False,
                'with_week': False,
                'country_id': self.germany.id,
                'region': False,
                'year_from': 2026,
                'year_to': 2026,
                **vals,
            }
        ).action_fill()

    def _get_days(self):
        return {holiday.date: holiday.name for holiday in self.hours.holiday_ids}

    def test_the_holidays_of_a_country(self):
        self._fill()
        self.assertEqual(
            sorted(self._get_days()),
            [
                date(2026, 1, 1),
                date(2026, 4, 3),
                date(2026, 4, 6),
                date(2026, 5, 1),
                date(2026, 5, 14),
                date(2026, 5, 25),
                date(2026, 10, 3),
                date(2026, 12, 25),
                date(2026, 12, 26),
            ],
        )
        self.assertEqual(self._get_days()[date(2026, 4, 3)], "Karfreitag")
        self.assertEqual(set(self.hours.holiday_ids.mapped('minute_from')), {0})

    def test_the_holidays_of_a_region_by_code_or_name(self):
        for region in ('BY', 'by', " bayern "):
            with self.subTest(region=region):
                self.hours.holiday_ids.unlink()
                self._fill(region=region)
                self.assertIn(date(2026, 1, 6), self._get_days())

    def test_a_day_off_that_is_moved_is_one_too(self):
        self._fill(
            country_id=self.env.ref('base.uk').id, region="ENG", year_from=2027, year_to=2027
        )
        self.assertLessEqual({date(2027, 12, 25), date(2027, 12, 27)}, set(self._get_days()))

    def test_what_is_entered_already_stays(self):
        self.env['assist.billing.hours.holiday'].create(
            {
                'hours_id': self.hours.id,
                'date': '2026-12-25',
                'name': "Half a day",
                'minute_from': 720,
            }
        )
        self._fill()
        self._fill(year_to=2027)
        self.assertEqual(self._get_days()[date(2026, 12, 25)], "Half a day")
        self.assertEqual(len(self.hours.holiday_ids), 18)

    def test_days_off_of_the_schedule_come_along(self):
        calendar = self.env['resource.calendar'].create(
            {'name': "Office", 'tz': 'Europe/Berlin', 'company_id': self.company.id}
        )
        self.env['resource.calendar.leaves'].create(
            {
                'name': "Summer party",
                'calendar_id': calendar.id,
                'company_id': self.company.id,
                'date_from': '2026-07-02 22:00:00',
                'date_to': '2026-07-03 21:59:59',
            }
        )
        self._fill(calendar_id=calendar.id)
        self.assertEqual(self._get_days()[date(2026, 7, 3)], "Summer party")
        self.assertEqual(len(self.hours.holiday_ids), 10)
        self.hours.holiday_ids.unlink()
        self._fill(calendar_id=calendar.id, country_id=False)
        self.assertEqual(list(self._get_days()), [date(2026, 7, 3)])

    def test_the_dialog_proposes_the_company_s_own(self):
        self.company.country_id = self.germany
        self.company.state_id = self.env.ref('base.state_de_by')
        action = self.hours.action_fill()
        dialog = Form(self.env['assist.fill.hours'].with_context(**action['context']))
        self.assertEqual(dialog.country_id, self.germany)
        self.assertEqual((dialog.region, dialog.year_from, dialog.year_to), ("BY", 2026, 2027))
        self.assertIn("BY Bayern", dialog.regions)
        dialog.country_id = self.env.ref('base.fr')
        self.assertFalse(dialog.region, "a region of another country")
        unknown = self.env['res.country'].search(
            [('code', 'not in', public_holidays.get_countries())], limit=1
        )
        self.company.country_id = unknown
        self.assertTrue(unknown)
        self.assertFalse(self.hours.action_fill()['context']['default_country_id'])

    def test_what_cannot_be_filled_in_is_refused(self):
        for vals, words in (
            ({'region': "Texas"}, "Germany has no region “Texas”.*BY Bayern"),
            ({'year_from': 2027}, "from 2027 to 2026: give at most 10 years"),
            ({'year_to': 2036}, "from 2026 to 2036: give at most 10 years"),
            ({'year_from': 1800, 'year_to': 1800}, "No public holidays of Germany are known"),
            ({'country_id': False}, "Choose a working schedule"),
        ):
            with self.subTest(vals=vals), self.assertRefused(words):
                self._fill(**vals)
        self.assertFalse(self.hours.holiday_ids)

    def test_every_country_can_be_asked(self):
        known = set(self.env['res.country'].search([]).mapped('code'))
        countries = known.intersection(public_holidays.get_countries())
        self.assertGreater(len(countries), 100)
        for country in countries:
            with self.subTest(country=country):
                for region in list(public_holidays.get_regions(country))[:1] or [None]:
                    public_holidays.find(country, region, [2026])
