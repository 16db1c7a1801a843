import re

from psycopg2.errors import ForeignKeyViolation

from odoo import api, models

from ...utils.checks import refuse_wrong_types

# The column and the value that PostgreSQL names, in whatever language.
KEY = re.compile(r'\((\w+)\)=\(')


class AssistChosen(models.AbstractModel):
    """What people and programs fill in: dialogs, and all that is stored of ours.

    What was chosen may just have been deleted, and what programs send may be of any type; both are
    said in words.
    """

    _name = 'assist.chosen'
    _description = "Says That What Was Chosen Is Gone"

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self.browse().check_access('create')
        for vals in () if self.env.su else vals_list:
            self.browse()._assist_check_types(vals)
        return super().create(vals_list)

    def write(self, vals):
        self.check_access('write')
        if not self.env.su:
            self._assist_check_types(vals)
        return super().write(vals)

    def _assist_check_types(self, vals):
        """Refuse what is no value of its field; extend it where something else is said later."""
        refuse_wrong_types(self, vals)

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
