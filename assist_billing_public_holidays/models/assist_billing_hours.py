from odoo import models

from .. import public_holidays


class AssistBillingHours(models.Model):
    """Proposes the public holidays of where the company is."""

    _inherit = 'assist.billing.hours'

    def action_fill(self):
        action = super().action_fill()
        country, region = self._get_own_country()
        action['context'] |= {'default_country_id': country.id, 'default_region': region}
        return action

    def _get_own_country(self):
        """Return the company's country, empty if its holidays are not known, and its region."""
        self.ensure_one()
        country, state = self.company_id.country_id, self.company_id.state_id
        if country.code not in public_holidays.get_countries():
            return country.browse(), False
        found = (
            public_holidays.find_region(country.code, text)
            for text in (state.code, state.name)
            if text
        )
        return country, next(filter(None, found), False)
