from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .assist_billing_run import CHUNK_PARAMETER, DEFAULT_CHUNK

# A job is one transaction: more cycles gain nothing, and hold their locks longer.
MOST = 1_000


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    # === FIELDS === #

    assist_cycles_per_job = fields.Integer(
        string="Cycles per Job", config_parameter=CHUNK_PARAMETER, default=DEFAULT_CHUNK
    )

    # === CONSTRAINTS AND INDEXES === #

    @api.constrains('assist_cycles_per_job')
    def _check_cycles_per_job(self):
        for settings in self:
            if not 0 <= settings.assist_cycles_per_job <= MOST:
                raise ValidationError(
                    self.env._(
                        "Cycles per job: %(number)s is not between 0 (none is handed over) and "
                        "%(most)s.",
                        number=settings.assist_cycles_per_job,
                        most=MOST,
                    )
                )

    # === CRUD METHODS === #

    def set_values(self):
        # EXTENDS base: Odoo forgets a setting of 0, which here means something
        result = super().set_values()
        self.env['ir.config_parameter'].set_param(CHUNK_PARAMETER, str(self.assist_cycles_per_job))
        return result
