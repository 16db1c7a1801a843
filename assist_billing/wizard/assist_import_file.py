from odoo import api, models
from odoo.exceptions import UserError

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
        for vals in vals_list:
            self._check_file_size(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_file_size(vals)
        return super().write(vals)

    # === BUSINESS METHODS === #

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
