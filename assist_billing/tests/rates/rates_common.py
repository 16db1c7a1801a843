from odoo import Command

from ..tie.tie_common import TieCommon

BERLIN = 'Europe/Berlin'


class RatesCommon(TieCommon):
    """An hourly plan of 90.00: half as much again outside Monday to Friday, 8 to 18, in Berlin."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bands = cls.env['assist.billing.band']
        cls.business, cls.rest = bands.create([{'name': "Business"}, {'name': "Out of hours"}])
        cls.hours = cls._create_hours()
        cls.evenings = cls._create_rated_plan()

    @classmethod
    def _create_hours(cls, **vals):
        spans = [
            (day, *span)
            for day in '01234'
            for span in ((0, 480, cls.rest), (480, 1080, cls.business), (1080, 1440, cls.rest))
        ]
        spans += [(day, 0, 1440, cls.rest) for day in ('5', '6', 'holiday')]
        return cls.env['assist.billing.hours'].create(
            {
                'name': "Office",
                'line_ids': [
                    Command.create(
                        {
                            'dayofweek': day,
                            'minute_from': start,
                            'minute_to': end,
                            'band_id': band.id,
                        }
                    )
                    for day, start, end, band in spans
                ],
                **vals,
            }
        )

    @classmethod
    def _create_rated_plan(cls, **vals):
        return cls._create_plan(
            **{
                'name': "Evenings",
                'billing_type': 'hour',
                'price_per_hour': 90.0,
                'increment_minutes': 15,
                'hours_id': cls.hours.id,
                'rate_ids': [Command.create({'band_id': cls.rest.id, 'value': 150.0})],
                **vals,
            }
        )

    @classmethod
    def _work(cls, start, end, partner=None, **vals):
        """Create a session from `start` to `end` (UTC, ISO)."""
        return cls.env['assist.session'].create(
            {
                'partner_id': (partner or cls.customer).id,
                'started_at': start,
                'ended_at': end,
                **vals,
            }
        )

    def _bill_march(self, plan=None, **vals):
        """Associate the customer from March on, and bill that month; return the bill."""
        association = self._associate(
            plan=plan or self.evenings, start_date='2026-03-01', tz=BERLIN, **vals
        )
        self._close('2026-03-31 22:00:00')
        return self._cycles(association)[0].move_id

    def assertStatementAddsUp(self, cycle, statement=None):
        """Rows make sections, sections make lines, lines make the bill."""
        statement = statement or cycle._get_statement()
        for section in statement.sections:
            line = section.line
            self.assertEqual(
                (section.quantity + section.included.quantity if line else 0),
                line.quantity
                if line and line.price != line.amount
                else section.quantity
                if line
                else 0,
            )
            self.assertEqual(section.amount + section.included.amount, line.amount if line else 0)
        self.assertEqual(
            [
                (line.charge, float(line.quantity), float(line.price), float(line.amount))
                for line in statement.lines
            ],
            self._lines(statement.bill),
        )
        return statement
