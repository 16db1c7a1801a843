from odoo import fields, models

from odoo.addons.assist_billing.models.invoice.account_move_line import ADJUSTMENT_CHARGES


class AccountMove(models.Model):
    """What e-invoices of remote support bills say beside what Odoo knows."""

    _inherit = 'account.move'

    # === BUSINESS METHODS === #

    def _assist_get_served_period(self):
        """Return the first and the last day of what this document charges or credits.

        It covers the periods of all lines: rules of Peppol want them within the document's.

        :return: a pair of dates; None where it is no document of remote support
        """
        self.ensure_one()
        periods = [line._assist_get_served_period() for line in self.invoice_line_ids]
        periods = [period for period in periods if period] or [self._assist_get_own_period()]
        if not all(periods):
            return None
        return min(first for first, _last in periods), max(last for _first, last in periods)

    def _assist_get_own_period(self):
        """Return the first and the last day of the cycle that this document is about, or None."""
        self.ensure_one()
        if not self.assist_period_start or not self.assist_period_end:
            return None
        return self.assist_period_start, fields.Date.subtract(self.assist_period_end, days=1)

    def _assist_get_order_reference(self):
        """Return the order number that the customer gave for this document (BT-13), or False.

        Documents that adjust a bill have a reference to it as their own; the order is the bill's.
        """
        self.ensure_one()
        bill = self.assist_bill_id or self
        return bill.ref or bill.assist_association_id.customer_reference

    def _assist_has_own_order_reference(self):
        """Tell whether Chorus Pro's order number is on the document itself."""
        self.ensure_one()
        name = 'purchase_order_reference'
        return name in self._fields and bool(self[name])

    def _assist_get_buyer_reference(self):
        """Return where within the customer's organisation it is to go (BT-10), or False."""
        self.ensure_one()
        # Of Chorus Pro, on the document itself.
        own = 'buyer_reference' in self._fields and self.buyer_reference
        return own or self.assist_association_id.buyer_reference


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    # === BUSINESS METHODS === #

    def _assist_get_served_period(self):
        """Return the first and the last day of what this line is about.

        :return: a pair of dates; None where that is not known: a line added by hand
        """
        self.ensure_one()
        if self.assist_period_start and self.assist_period_end:
            return self.assist_period_start, fields.Date.subtract(self.assist_period_end, days=1)
        if self.assist_charge in ADJUSTMENT_CHARGES:
            return self.move_id._assist_get_own_period()
        return None
