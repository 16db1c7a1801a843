from odoo import api, models


class IrFieldsConverter(models.AbstractModel):
    """What Odoo's import takes for what.

    Choices that a method gives are imported as they are exported: in the user's language. And what
    belongs to one record alone is not taken away from another one that has the like of it.
    """

    _inherit = 'ir.fields.converter'

    # === BUSINESS METHODS === #

    @api.model
    def _str_to_selection(self, model, field, value, savepoint):
        if isinstance(field.selection, str) and model._name.startswith('assist.'):
            # Odoo itself knows their labels in English alone.
            wanted = str(value).casefold()
            for choice, label in field._description_selection(self.env):
                if label.casefold() == wanted:
                    return choice, []
        return super()._str_to_selection(model, field, value, savepoint)

    @api.model
    def _str_to_one2many(self, model, field, records, savepoint):
        # EXTENDS base: by its name Odoo takes the first row that is called so, whosever it is
        if field.comodel_name.startswith('assist.') and any(None in record for record in records):
            name = field.get_description(self.env, ['string'])['string']
            raise ValueError(
                self.env._(
                    "%(field)s: rows are not found by their names, because others can have rows "
                    "of the same name. Leave this column out, or export and import “%(field)s / "
                    "External ID” instead of it.",
                    field=name.replace('%', '%%'),
                )
            )
        return super()._str_to_one2many(model, field, records, savepoint)
