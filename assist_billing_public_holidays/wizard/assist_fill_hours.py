from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import public_holidays

# Laws change: what is further ahead is a guess.
MOST_YEARS = 10


class AssistFillHours(models.TransientModel):
    """Has the public holidays of a country, or of one of its regions, among those to add."""

    _inherit = 'assist.fill.hours'

    # === FIELDS === #

    country_id = fields.Many2one(
        'res.country',
        string="Public Holidays of",
        domain=lambda self: [('code', 'in', public_holidays.get_countries())],
        help="Empty: only the days off of the working schedule.",
    )
    region = fields.Char(
        help="The code or the name of a region. Empty: what the whole country has.",
    )
    regions = fields.Char(compute='_compute_regions')
    year_from = fields.Integer(string="Years", default=lambda self: fields.Date.today().year)
    year_to = fields.Integer(default=lambda self: fields.Date.today().year + 1)

    # === COMPUTE METHODS === #

    @api.depends('country_id')
    def _compute_regions(self):
        for wizard in self:
            regions = {}
            if wizard.country_id:
                regions = public_holidays.get_regions(wizard.country_id.code)
            wizard.regions = ", ".join(
                code if code == name else f"{code} {name}" for code, name in regions.items()
            )

    @api.onchange('country_id')
    def _onchange_country_id(self):
        if self.region and not self._find_region():
            self.region = False

    # === HOLIDAYS === #

    def _get_leaves(self):
        if self.country_id and not self.calendar_id:
            return self.env['resource.calendar.leaves']
        return super()._get_leaves()

    def _get_holidays(self):
        found = super()._get_holidays()
        if not self.country_id:
            return found
        return found | {day: (name, 0) for day, name in self._find_public_holidays().items()}

    def _find_public_holidays(self):
        """Return the public holidays that were asked for: date -> name.

        :raise UserError: no such region, years that make no sense, or nothing known of them
        """
        self.ensure_one()
        country = self.country_id
        if self.region and not self._find_region():
            raise UserError(
                self.env._(
                    "%(country)s has no region “%(region)s” with public holidays of its own. "
                    "Give one of these, or none: %(regions)s",
                    country=country.name,
                    region=self.region,
                    regions=self.regions or "-",
                )
            )
        if not 0 <= self.year_to - self.year_from < MOST_YEARS:
            raise UserError(
                self.env._(
                    "Public holidays from %(first)s to %(last)s: give at most %(most)s years, the "
                    "first one first.",
                    first=str(self.year_from),
                    last=str(self.year_to),
                    most=MOST_YEARS,
                )
            )
        years = range(self.year_from, self.year_to + 1)
        found = public_holidays.find(country.code, self._find_region(), years)
        if not found:
            raise UserError(
                self.env._(
                    "No public holidays of %(country)s are known from %(first)s to %(last)s.",
                    country=country.name,
                    first=str(self.year_from),
                    last=str(self.year_to),
                )
            )
        return found

    def _find_region(self):
        """Return the code of the region that is given; None if it is none of the country."""
        if not self.region or not self.country_id:
            return None
        return public_holidays.find_region(self.country_id.code, self.region)
