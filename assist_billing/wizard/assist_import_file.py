from odoo import api, models
from odoo.exceptions import AccessError, UserError

from .. import sources


class AssistImportFile(models.AbstractModel):
    """A dialog with a file: too large a one is refused before it is stored.

    Storing it would take ten times its size in memory, only to refuse it when it is read.
    """

    _name = 'assist.import.file'
    _description = "File to Be Imported"

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self.browse().check_access('create')
        for vals in vals_list:
            self._check_file_size(vals)
        return super().create(vals_list)

    def write(self, vals):
        self.check_access('write')
        self._check_file_size(vals)
        return super().write(vals)

    # === BUSINESS METHODS === #

    def _check_import_company(self):
        """Refuse a company that the user does not work in, before anything is read or kept."""
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._(
                    "Files are imported into companies that you work in at present. Choose one "
                    "of them, and import the file again."
                )
            )

    @api.model
    def _check_file_size(self, vals):
        """Raise `UserError` when the file in `vals` (base 64) is larger than any that is read."""
        size = len(vals.get('file') or '') * 3 // 4
        if size > sources.MAX_BYTES + 2:
            megabyte = 1_000_000
            error = sources.ReadError(
                'too_large', size=size // megabyte, limit=sources.MAX_BYTES // megabyte
            )
            raise UserError(
                self.env._(
                    "%(file)s: %(reason)s",
                    file=vals.get('filename') or self[:1].filename or self.env._("The file"),
                    reason=self.env['assist.session']._translate_refusal(error),
                )
            )
