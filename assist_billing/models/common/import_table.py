from datetime import date

from odoo import api, models
from odoo.exceptions import UserError

# What a cell may be besides a text; of bytes are files.
_PLAIN = (bool, int, float, date)


class AssistGuard(models.AbstractModel):
    """What comes in by Odoo's import, whoever calls it, is a table of plain cells.

    Odoo reads row by row as many cells as there are names: one that is cut short would be a
    session without an end, and nobody is told.
    """

    _inherit = 'assist.guard'

    # === CRUD METHODS === #

    @api.model
    def load(self, fields, data):
        # EXTENDS base: what is no table, and a row that is cut short, is refused in words
        data, messages = self._assist_get_table(fields, data)
        if messages:
            return {'ids': False, 'messages': messages, 'nextrow': 0}
        return super().load(fields, data)

    # === CHECKS === #

    @api.model
    def _assist_get_table(self, fields, data):
        """Return the rows of an import, their cells as texts, and the messages for bad ones.

        :raise UserError: there is no table at all
        """
        if not (
            isinstance(fields, list | tuple)
            and isinstance(data, list | tuple)
            and all(isinstance(name, str) and name and _is_text(name) for name in fields)
            and all(isinstance(row, list | tuple) for row in data)
        ):
            raise UserError(
                self.env._(
                    "An import needs a list of field names, and a list of rows that each have a "
                    "list of values."
                )
            )
        self._assist_check_names(fields)
        rows, messages = [], []
        for index, row in enumerate(data):
            problem = None
            if len(row) != len(fields) or not row:
                problem = self.env._(
                    "Row %(row)s has %(count)s values, but there are %(names)s columns. Fill in "
                    "the row; an empty value has to be there as well.",
                    row=index + 1,
                    count=len(row),
                    names=len(fields),
                )
            else:
                name = next(
                    (n for n, v in zip(fields, row, strict=True) if not _is_cell(n, v)), None
                )
                problem = name and self.env._(
                    "Row %(row)s: what stands in %(name)s is no plain text or number that can be "
                    "stored.",
                    row=index + 1,
                    name=name,
                )
            if problem:
                place = {'from': index, 'to': index}
                messages.append(
                    {'type': 'error', 'message': problem, 'record': index, 'rows': place}
                )
            else:
                # Odoo's converters take texts, and stumble over anything else.
                rows.append([str(v) if v and isinstance(v, _PLAIN) else v for v in row])
        return rows, messages

    @api.model
    def _assist_check_names(self, fields):
        """Refuse what is no field, or is there twice, so that one value would be lost."""
        for name in fields:
            # “partner_id/id”, “partner_id:id”, “.id”, and properties, “properties.color”
            head = name.replace(':', '/').replace('.', '/').lstrip('/').partition('/')[0]
            if head not in self._fields or fields.count(name) > 1:
                raise UserError(
                    self.env._(
                        "“%(name)s” is no field of %(model)s that can be imported, or is there "
                        "twice.",
                        name=name[:100],
                        model=self.env['ir.model']._get(self._name).name,
                    )
                )


def _is_cell(name, value):
    """Tell whether a value can stand in a cell: nothing, a file, a number, or a text."""
    if name == '.id' and value:
        return str(value).isascii() and str(value).isdigit()
    if not isinstance(value, str):
        return value is None or isinstance(value, (*_PLAIN, bytes))
    return '\0' not in value and _is_text(value)


def _is_text(value):
    """Tell whether a text has no half of a character that takes two."""
    return value.isascii() or not any('\ud800' <= char <= '\udfff' for char in value)
