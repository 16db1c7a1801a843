from odoo import api, models


class IrFieldsConverter(models.AbstractModel):
    """Choices that a method gives are imported as they are exported: in the user's language."""

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
