from odoo import api, models


class AccountTax(models.Model):
    """Bills whose lines are rounded before they are summed: what is printed adds up."""

    _inherit = 'account.tax'

    # === BUSINESS METHODS - account.tax === #

    @api.model
    def _add_tax_details_in_base_line(self, base_line, company, rounding_method=None):
        # EXTENDS account: rounded per tax, Odoo sums up what is not rounded yet and puts the cent
        # that differs on a line, though not on paper. Of lines that are rounded beforehand no cent
        # is left over; the tax is still that of their sum.
        method = rounding_method or company.tax_calculation_rounding_method
        if not base_line.get('_assist_rounds_lines') or method == 'round_per_line':
            return super()._add_tax_details_in_base_line(base_line, company, rounding_method)
        if self._assist_is_printed_with_taxes(base_line, company):
            # What is printed holds taxes, so that these have to be rounded with it.
            return super()._add_tax_details_in_base_line(base_line, company, 'round_per_line')
        quantity = base_line['quantity']
        amount = quantity * base_line['price_unit'] * (1 - base_line['discount'] / 100)
        rounded = base_line['currency_id'].round(amount)
        # Not another quantity: there are taxes of so much a piece.
        line = base_line | {'price_unit': rounded / quantity if quantity else 0.0, 'discount': 0.0}
        result = super()._add_tax_details_in_base_line(line, company, rounding_method)
        base_line['tax_details'] = line['tax_details']
        return result

    @api.model
    def _assist_is_printed_with_taxes(self, base_line, company):
        """Tell whether the price or the printed amount of this line includes taxes."""
        if base_line['special_mode'] == 'total_included':
            return True
        if company.account_price_include == 'tax_included':
            return True
        taxes = base_line['tax_ids'].flatten_taxes_hierarchy()
        return not base_line['special_mode'] and any(taxes.mapped('price_include'))
