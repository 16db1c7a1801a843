from odoo import api, fields, models

from .. import sources


class AssistDeviceImportColumn(models.TransientModel):
    """A column of a list of devices that is looked at, and what it is taken for."""

    _name = 'assist.device.import.column'
    _description = "Column of a Device File"
    _inherit = ['assist.chosen']
    _order = 'sequence, id'

    # === FIELDS === #

    import_id = fields.Many2one('assist.device.import', required=True, ondelete='cascade')
    sequence = fields.Integer()
    name = fields.Char(string="Column", readonly=True)
    sample = fields.Char(string="For Example", readonly=True)
    field = fields.Selection(
        selection='_get_fields',
        string="Taken As",
        help="Two columns taken for the same day are joined, such as a date and a time.",
    )

    # === DEFAULTS AND SELECTIONS === #

    @api.model
    def _get_fields(self):
        """Return what a column can be taken for: `sources.DEVICE_FIELDS` and their names."""
        return [(name, self.env._(sources.DEVICE_LABELS[name])) for name in sources.DEVICE_FIELDS]
