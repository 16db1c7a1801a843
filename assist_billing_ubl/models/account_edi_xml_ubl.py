from odoo import models


def _get_period_node(period):
    first, last = period
    return {'cbc:StartDate': {'_text': first}, 'cbc:EndDate': {'_text': last}}


class AccountEdiXmlUbl20(models.AbstractModel):
    """UBL of remote support bills, of all kinds: what others add to the document is there."""

    _inherit = 'account.edi.xml.ubl_20'

    def _get_invoice_node(self, vals):
        # EXTENDS account_edi_ubl_cii
        document_node = super()._get_invoice_node(vals)
        if vals['invoice'].assist_kind:
            self._assist_add_period(document_node, vals)
            self._assist_add_references(document_node, vals)
        return document_node

    def _assist_add_period(self, document_node, vals):
        if period := vals['invoice']._assist_get_served_period():
            document_node['cac:InvoicePeriod'] = _get_period_node(period)

    def _assist_add_references(self, document_node, vals):
        """Put the customer's references on a document."""
        invoice = vals['invoice']
        if 'cbc:BuyerReference' in document_node:
            if reference := invoice._assist_get_buyer_reference():
                document_node['cbc:BuyerReference'] = {'_text': reference}
        if invoice._assist_has_own_order_reference():
            return
        has_buyer = (document_node.get('cbc:BuyerReference') or {}).get('_text')
        order_node = document_node['cac:OrderReference']
        if reference := invoice._assist_get_order_reference():
            order_node['cbc:ID'] = {'_text': reference}
        elif has_buyer and not (order_node.get('cbc:SalesOrderID') or {}).get('_text'):
            # Odoo's stopgap is the number of the invoice, which is no order of the customer.
            document_node['cac:OrderReference'] = None


class AccountEdiXmlUbl21(models.AbstractModel):
    """UBL from 2.1 on: its lines may have a period."""

    _inherit = 'account.edi.xml.ubl_21'

    def _add_invoice_line_period_nodes(self, line_node, vals):
        # EXTENDS account_edi_ubl_cii
        result = super()._add_invoice_line_period_nodes(line_node, vals)
        line = vals['base_line'].get('record')
        if line and vals['document_type'] in {'invoice', 'credit_note'}:
            if period := line._assist_get_served_period():
                line_node['cac:InvoicePeriod'] = _get_period_node(period)
        return result
