from odoo import api, fields, models

from .. import sources


class AssistSessionImportColumn(models.TransientModel):
    """A column of a file that is looked at, and what it is taken for."""

    _name = 'assist.session.import.column'
    _description = "Column of a Session File"
    _inherit = ['assist.chosen']
    _order = 'sequence, id'

    # === FIELDS === #

    import_id = fields.Many2one('assist.session.import', required=True, ondelete='cascade')
    sequence = fields.Integer()
    name = fields.Char(string="Column", readonly=True)
    sample = fields.Char(string="For Example", readonly=True)
    field = fields.Selection(
        selection='_get_fields',
        string="Taken As",
        help="Several columns taken for the same are joined by a blank, such as a date and a time.",
    )

    # === DEFAULTS AND SELECTIONS === #

    @api.model
    def _get_fields(self):
        """Return what a column can be taken for: `sources.FIELDS` and what each is called."""
        labels = self.env['assist.session.import']._get_field_labels()
        return [(name, labels[name]) for name in sources.FIELDS]
