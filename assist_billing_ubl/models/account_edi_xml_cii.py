from odoo import models


class AccountEdiXmlCii(models.AbstractModel):
    """Factur-X of remote support bills."""

    _inherit = 'account.edi.xml.cii'

    def _export_invoice_vals(self, invoice):
        # EXTENDS account_edi_ubl_cii
        vals = super()._export_invoice_vals(invoice)
        if not invoice.assist_kind:
            return vals
        # Odoo takes the day of the invoice and the day it is due.
        start, end = invoice._assist_get_served_period() or (None, None)
        vals |= {'billing_start': start, 'billing_end': end}
        for line_vals in vals['invoice_line_vals_list']:
            if period := line_vals['line']._assist_get_served_period():
                line_vals['billing_start'], line_vals['billing_end'] = period
        if reference := invoice._assist_get_buyer_reference():
            vals['buyer_reference'] = reference
        if not invoice._assist_has_own_order_reference():
            vals['purchase_order_reference'] = invoice._assist_get_order_reference() or ''
        return vals
