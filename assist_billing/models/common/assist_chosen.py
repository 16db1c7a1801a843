import re

from psycopg2.errors import ForeignKeyViolation

from odoo import api, models

# The column and the value that PostgreSQL names, in whatever language.
KEY = re.compile(r'\((\w+)\)=\(')


class AssistChosen(models.AbstractModel):
    """What people choose other records in, one of which somebody else may just have deleted."""

    _name = 'assist.chosen'
    _description = "Says That What Was Chosen Is Gone"

    # === HELPERS === #

    @api.model
    def _sql_error_to_message(self, exc):
        # EXTENDS base: Odoo takes each foreign key that is refused for one of a record that is
        # being deleted. Who chose what somebody else has just deleted deletes nothing.
        if isinstance(exc, ForeignKeyViolation):
            key = KEY.search(exc.diag.message_detail or "")
            if key and key[1] != 'id' and (field := self._fields.get(key[1])):
                return self.env._(
                    "%(field)s: what was chosen does not exist any more; someone has deleted it "
                    "meanwhile. Nothing was saved. Choose another one.",
                    field=field._description_string(self.env),
                )
        return super()._sql_error_to_message(exc)
