import base64
import binascii
import hashlib
from itertools import islice

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .. import sources
from ..utils.checks import refuse_wrong_types

# So many columns are shown and can be set; the file is read with all of them.
SHOWN_COLUMNS = 200
# Among so many records an example is looked for.
SAMPLED_RECORDS = 20


class AssistImportFile(models.AbstractModel):
    """A dialog with a file: too large a one is refused before it is stored.

    Storing it would take ten times its size in memory, only to refuse it when it is read.
    """

    _name = 'assist.import.file'
    _description = "File to Be Imported"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    encoding = fields.Selection(
        selection='_get_encodings',
        help="Of the letters of a text whose bytes do not tell it. Choose another one where names "
        "look wrong.",
    )

    # === DEFAULTS AND SELECTIONS === #

    @api.model
    def _get_encodings(self):
        return [(name, self.env._(label)) for name, label in sources.ENCODINGS]

    @api.model
    def _default_tz(self):
        # sudo: the zone of a company's contact is no secret to its users
        return self.env.company.sudo().partner_id.tz or self.env.user.tz or 'UTC'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self.browse().check_access('create')
        for vals in vals_list:
            self._check_before_storing(vals)
        return super().create(vals_list)

    def write(self, vals):
        self.check_access('write')
        self._check_before_storing(vals)
        if 'file' in vals:
            # Of another file nobody has chosen it.
            vals = {'encoding': False, **vals}
        return super().write(vals)

    def _check_before_storing(self, vals):
        # Whatever comes in place of a file did not arrive whole.
        others = {name: value for name, value in vals.items() if name != 'file'}
        self._assist_check_types(others)
        self._check_file_size(vals)

    def _assist_check_types(self, vals):
        # EXTENDS: of a zone that there is none of each row says so, if it can be stored at all
        sparing = ['tz'] if '\0' not in str(vals.get('tz')) else []
        refuse_wrong_types(self, vals, sparing=sparing)

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

    def _read(self):
        """Return the `sources.Reading` of the file. Raise `UserError` saying what is wrong.

        Within a transaction the same file is read once.
        """
        self.ensure_one()
        content = self.with_context(bin_size=False).file or b''
        digest = hashlib.blake2b(content if isinstance(content, bytes) else content.encode())
        key = (digest.digest(), self.filename or '', self.encoding or '')
        kept = self.env.cr.cache.get('assist_billing_reading')
        if kept and kept[0] == key:
            return kept[1]
        try:
            reading = sources.read_file(base64.b64decode(content), self.filename, self.encoding)
        except sources.ReadError as error:
            raise self._get_refusal(error) from None
        except binascii.Error:
            raise self._get_broken() from None
        self.env.cr.cache['assist_billing_reading'] = (key, reading)
        return reading

    def _get_broken(self):
        """Return the `UserError` that says that what came is no file in base 64."""
        reason = self.env._("The file did not arrive whole. Choose it again.")
        return UserError(self.env._("%(file)s: %(reason)s", file=self._get_title(), reason=reason))

    def _get_refusal(self, error):
        """Return the `UserError` that says in the user's language why the file is not read."""
        reason = self.env['assist.session']._translate_refusal(error)
        return UserError(self.env._("%(file)s: %(reason)s", file=self._get_title(), reason=reason))

    def _get_title(self):
        return self[:1].filename or self.env._("The file")

    def _prepare_columns(self, reading, suggested, kept, known):
        """Return the commands that list the columns of a table, and what each is taken for.

        :param dict suggested: column -> field, as the source would read it
        :param dict kept: field -> columns, as somebody set them before
        :param known: the names of all fields
        """
        taken_for = dict(suggested)
        for field in known:
            if field in kept:
                taken_for = {column: taken for column, taken in taken_for.items() if taken != field}
                taken_for |= dict.fromkeys(kept[field] or (), field)
        return [
            Command.clear(),
            *(
                Command.create(
                    {
                        'sequence': sequence,
                        'name': name,
                        'sample': self._get_sample(reading, name),
                        'field': taken_for.get(name),
                    }
                )
                for sequence, name in enumerate(islice(reading.names, SHOWN_COLUMNS))
            ),
        ]

    @api.model
    def _get_sample(self, reading, column):
        """Return the first value in a column, as short text."""
        for record in islice(reading.records, SAMPLED_RECORDS):
            value = sources.value_at(record, column)
            if value not in (None, '') and not isinstance(value, list | dict):
                return sources.shorten(str(value))[1:-1]
        return False

    def _get_chosen_columns(self):
        """Return which columns are taken for what: a dict of field -> names, in their order."""
        chosen = {}
        for column in self.column_ids.sorted('sequence'):
            if column.field:
                chosen.setdefault(column.field, []).append(column.name)
        return chosen

    @api.model
    def _translate_notes(self, notes):
        """Return what is to be looked at of a file, in the user's language."""
        translate = self.env['assist.session']._translate_refusal
        return [translate(note) for note in notes]

    @api.model
    def _render_table(self, headings, rows):
        def line(tag, cells):
            content = Markup('').join(Markup('<{0}>{1}</{0}>').format(tag, cell) for cell in cells)
            return Markup('<tr>%s</tr>') % content

        return Markup(
            '<table class="table table-sm"><thead>%s</thead><tbody>%s</tbody></table>'
        ) % (
            line('th', headings),
            Markup('').join(line('td', row) for row in rows),
        )

    @api.model
    def _render_list(self, lines):
        """Return lines as a list of HTML; False when there is none."""
        if not lines:
            return False
        items = Markup('').join(Markup('<li>%s</li>') % line for line in lines)
        return Markup('<ul class="mb-0 ps-3">%s</ul>') % items

    @api.model
    def _check_file_size(self, vals):
        """Raise `UserError` when the file in `vals` (base 64) is none, or too large to be read."""
        file = vals.get('file') or ''
        if not isinstance(file, str | bytes) or not (isinstance(file, bytes) or file.isascii()):
            raise self._get_broken()
        size = len(file) * 3 // 4
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
