from odoo import api, models
from odoo.tools import SQL


class AssistBillingCycle(models.Model):
    """Fees as cycles close: what is kept of them, and bills for fees in advance alone.

    The bill of a cycle charges in advance what the next period costs. Where there is no such bill,
    because the customer starts, or begins anew, or the currency changes, they have a bill of their
    own as soon as the period begins.
    """

    _inherit = 'assist.billing.cycle'

    # === WHAT IS KEPT === #

    def _keep_fees(self, outcomes, apart=None):
        """Keep which fees the bills of these outcomes charge, once for each fee and period.

        :param outcomes: as of `_get_outcomes`; those without fees are passed over
        :param dict apart: cycle -> the bill of its own that charges them, where one was made
        """
        vals_list, periods = [], self.browse()
        for outcome in outcomes:
            move = (apart or {}).get(outcome.cycle)
            bearer = {
                'billing_cycle_id': False if move else outcome.cycle.id,
                'own_move_id': move.id if move else False,
            }
            for share in outcome.fees:
                if share.line.charge == 'true_up':
                    share.row.write(self._prepare_true_up_vals(share))
                    continue
                periods |= share.cycle
                if share.row:
                    share.row.write(bearer)
                else:
                    vals_list.append({**share.cycle._prepare_fee_vals(share), **bearer})
        if periods:
            self.env['assist.billing.cycle.fee'].create(vals_list)
            periods._mark_fees_due()

    @api.model
    def _prepare_true_up_vals(self, share):
        """Return what is kept of setting a fee right (a FeeShare)."""
        return {
            'true_up_quantity': float(share.line.quantity),
            'true_up_amount': float(share.line.amount),
            'hours': float(share.hours),
        }

    def _prepare_fee_vals(self, share):
        """Return what is kept of a fee (a FeeShare) that is charged for this period."""
        self.ensure_one()
        fee, line = share.fee, share.line
        return {
            'cycle_id': self.id,
            'fee_id': fee.id,
            'currency_id': self.currency_id.id,
            'fee_terms': {
                'id': fee.id,
                'product': fee.product,
                'name': fee.name,
                'quantity_rule': fee.quantity_rule,
                'quantity': float(fee.quantity),
                'price': float(fee.price),
                'charge': fee.charge,
                'included_hours': float(fee.included_hours),
                'prorate': fee.prorate,
                'true_up': fee.true_up,
            },
            'units': float(share.units),
            'quantity': float(line.quantity),
            'price': float(line.price),
            'amount': float(line.amount),
            'hours': float(share.hours),
        }

    def _forget_unbilled_fees(self):
        """Forget the fees that these cycles without a bill charged: they are found out anew.

        Not those of a period that has closed since: what was set right there is on its bill.
        """
        rows = self.env['assist.billing.cycle.fee'].search([('billing_cycle_id', 'in', self.ids)])
        forgotten = rows.filtered(lambda row: row.cycle_id in self or row.cycle_id.state == 'open')
        periods = forgotten.cycle_id
        forgotten.unlink()
        self.fee_ids.write({'true_up_quantity': 0.0, 'true_up_amount': 0.0})
        periods._mark_fees_due()

    def _release_fees(self):
        """Let go of the fees that the bills of these waived cycles charged for other periods."""
        rows = self.env['assist.billing.cycle.fee'].search(
            [('billing_cycle_id', 'in', self.ids), ('cycle_id', 'not in', self.ids)]
        )
        rows.write({'billing_cycle_id': False})
        rows.cycle_id._mark_fees_due()
        self.write({'fees_due': False})

    # === BILLS OF THEIR OWN === #

    @api.model
    def _lock_fees_due(self, now, tried, companies=None):
        """Lock and return cycles whose fees in advance no other bill is to charge, a batch at most.

        :param companies: of these alone; default: of any

        The bill of an open cycle with fees charges those of the next period, if it is in the same
        currency; late ones of a closed period too.
        """
        self.flush_model()
        self.env['assist.billing.association'].flush_model(['state'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.id
                  FROM assist_billing_cycle c
                  JOIN assist_billing_association a ON a.id = c.association_id
                 WHERE c.fees_due AND a.state != 'on_hold'
                   AND c.start_at <= %(now)s
                   AND (c.retry_at IS NULL OR c.retry_at <= %(now)s)
                   AND c.id != ALL(%(tried)s)
                   AND (%(companies)s::int[] IS NULL OR c.company_id = ANY(%(companies)s))
                   AND NOT EXISTS (
                       SELECT 1 FROM assist_billing_cycle e
                        WHERE e.association_id = c.association_id AND e.id != c.id
                          AND e.state = 'open' AND e.currency_id = c.currency_id
                          AND (e.terms -> 'fees') IS NOT NULL
                          AND e.date_end >= c.date_start
                          AND (e.date_start < c.date_start OR c.state != 'open')
                   )
              ORDER BY c.start_at, c.id
                 LIMIT %(limit)s
            FOR UPDATE OF c SKIP LOCKED
                """,
                now=now,
                tried=list(tried),
                companies=companies.ids if companies else None,
                limit=self._get_batch_size(),
            )
        )
        return self.browse(row[0] for row in rows)

    def _bill_fees_due(self, now):
        """Bill the fees in advance of each of these locked cycles by a bill of their own."""
        self._bill_apart(now, '_bill_fees_together')

    def _bill_fees_together(self, now):
        self._bill_supplementary(self._get_fees_due_outcomes(), '_prepare_fees_vals', now)
