from odoo import api, models
from odoo.exceptions import UserError


class AccountTax(models.Model):
    _inherit = 'account.tax'

    # === CRUD METHODS === #

    def write(self, vals):
        if self:
            self.check_access('write')
        if 'active' in vals and not vals['active']:
            self._assist_check_archivable()
        restored = self.filtered(lambda tax: not tax.active) if vals.get('active') else self[:0]
        result = super().write(vals)
        restored._assist_tax_open_cycles()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_what_is_billed(self):
        self._assist_check_archivable()

    # === BUSINESS METHODS === #

    def _assist_check_archivable(self):
        """Refuse to archive or delete the last tax of a product that remote support is billed with.

        Such a tax is on no invoice: bills would go out untaxed, and nobody would be told.
        """
        archived = self.filtered('active')
        if not archived:
            return
        for company, products in self.env['assist.billing.plan']._get_billed_products().items():
            for product in products:
                taxes = product.taxes_id._filter_taxes_by_company(company)
                if taxes and taxes <= archived:
                    raise UserError(
                        self.env._(
                            "%(taxes)s cannot be archived or deleted: it is the only tax of "
                            "“%(product)s”, with which remote support is billed in %(company)s. "
                            "Bills would go out untaxed. Choose another tax on the product first, "
                            "or none.",
                            taxes=", ".join(taxes.mapped('name')),
                            product=product.display_name,
                            company=company.name,
                        )
                    )

    def _assist_tax_open_cycles(self):
        """Have cycles that opened while these taxes were archived bill with them.

        As where a company registers for a tax: its products had it all the time.
        """
        if not self:
            return
        for company, products in self.env['assist.billing.plan']._get_billed_products().items():
            taxed = products.filtered(lambda product: product.taxes_id & self)
            if taxed:
                self.env['assist.billing.cycle']._freeze_first_taxes(company, taxed)

    @api.model
    def _assist_get_rate(self, lines):
        """Return which share of the tax repartition lines stand for."""
        return sum(lines.filtered(lambda line: line.repartition_type == 'tax').mapped('factor'))

    def _assist_get_chart_name(self):
        """Return what it is called in the chart of accounts, whatever the user's language."""
        self.ensure_one()
        return (self.with_context(lang='en_US').name or '').strip()

    def _assist_is_like(self, other):
        """Tell whether this tax charges what `other` does, at home and in the same way.

        Not one for other countries, nor one that the customer owes himself.
        """
        self.ensure_one()
        return (
            self.price_include == other.price_include
            and self.include_base_amount == other.include_base_amount
            and self._assist_get_rate(self.invoice_repartition_line_ids)
            == other._assist_get_rate(other.invoice_repartition_line_ids)
            and self.original_tax_ids <= self
            and (
                not other.fiscal_position_ids
                or self.fiscal_position_ids & other.fiscal_position_ids
            )
        )
