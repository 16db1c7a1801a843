import hashlib
import json

from odoo import api, fields, models


class AssistSessionMapping(models.Model):
    """How a company's own files are read: kept when somebody sets it, found by the headings."""

    _name = 'assist.session.mapping'
    _description = "Columns of Session Files"
    _inherit = ['assist.guard']
    _order = 'write_date desc, id desc'

    # === FIELDS === #

    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade')
    source = fields.Char(required=True, readonly=True)
    header = fields.Char(required=True, readonly=True, help="Digest of the column names.")
    mapping = fields.Json(required=True, readonly=True, help="As of `sources.normalise`.")

    # === CONSTRAINTS AND INDEXES === #

    _header_unique = models.UniqueIndex("(company_id, source, header)")

    # === BUSINESS METHODS === #

    @api.model
    def _get_header(self, columns):
        """Return by what columns of these names, in this order, are known again.

        Columns that are joined are joined in their order.
        """
        names = json.dumps(list(columns))
        return hashlib.blake2b(names.encode('utf-8', 'replace'), digest_size=16).hexdigest()

    @api.model
    def _find(self, company, source, columns):
        """Return the mapping that was kept for such columns, or None."""
        kept = self.search(
            [
                ('company_id', '=', company.id),
                ('source', '=', source),
                ('header', '=', self._get_header(columns)),
            ],
            limit=1,
        )
        return kept.mapping or None

    @api.model
    def _keep(self, company, source, columns, mapping):
        """Keep a mapping for columns of these names; an empty one forgets what was kept."""
        vals = {
            'company_id': company.id,
            'source': source,
            'header': self._get_header(columns),
        }
        kept = self.search([(name, '=', value) for name, value in vals.items()])
        if not mapping:
            kept.unlink()
        elif kept:
            kept.mapping = mapping
        else:
            self.create({**vals, 'mapping': mapping})
