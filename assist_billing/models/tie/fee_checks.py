from odoo import api, models
from odoo.tools import SQL

from .assist_billing_tie import PATIENCE_DAYS, Check


class AssistBillingTie(models.Model):
    """Each fee is charged once for each period of a customer, and by the bill that says so."""

    _inherit = 'assist.billing.tie'

    @api.model
    def _get_fee_checks(self):
        return [
            Check(
                'fees_not_charged',
                'assist.billing.cycle',
                self.env._("Periods for which a fee was not charged"),
                self.env._("A closed cycle has each fee of its terms, once."),
            ),
            Check(
                'fees_calculated_wrongly',
                'assist.billing.cycle',
                self.env._("Periods whose fees show a wrong amount"),
                self.env._(
                    "The amount of a fee, and of its adjustment, is its quantity times its price. "
                    "No more is credited than was charged, and the bill that charges it is one of "
                    "the customer."
                ),
            ),
            Check(
                'fees_nobody_billed',
                'assist.billing.cycle',
                self.env._("Fees in advance that no run has billed"),
                self.env._(
                    "A period that began more than two days ago has its fees in advance on a bill, "
                    "or shows why it could not be made."
                ),
            ),
        ]

    def _find_fees_not_charged(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
                 CROSS JOIN LATERAL jsonb_array_elements(c.terms -> 'fees') AS t (fee)
                 WHERE %s AND c.state = 'closed' AND NOT EXISTS (
                       SELECT 1 FROM assist_billing_cycle_fee f
                        WHERE f.cycle_id = c.id AND f.fee_id = (t.fee ->> 'id')::int
                 )
                """,
                self._get_cycle_scope(),
            )
        )

    def _find_fees_calculated_wrongly(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle_fee f
                  JOIN assist_billing_cycle c ON c.id = f.cycle_id
                  JOIN res_currency r ON r.id = f.currency_id
             LEFT JOIN assist_billing_cycle b ON b.id = f.billing_cycle_id
             LEFT JOIN account_move m ON m.id = COALESCE(f.own_move_id, b.move_id)
                 WHERE %s AND (
                       f.amount != round(f.quantity * f.price::numeric / r.rounding::numeric)
                                   * r.rounding::numeric
                    OR f.true_up_amount != round(f.true_up_quantity * f.price::numeric
                                                 / r.rounding::numeric) * r.rounding::numeric
                    OR f.quantity + f.true_up_quantity < 0
                    OR f.currency_id != c.currency_id
                    OR b.association_id != f.association_id
                    OR m.assist_association_id != f.association_id
                    OR m.currency_id != f.currency_id
                    OR (m.state = 'cancel' AND f.own_move_id IS NOT NULL)
                    OR (f.true_up_quantity != 0 AND c.state = 'open')
                 )
                """,
                self._get_cycle_scope(),
            )
        )

    def _find_fees_nobody_billed(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
                  JOIN assist_billing_association a ON a.id = c.association_id
                 WHERE c.company_id = %s AND c.fees_due AND c.error IS NULL
                   AND a.state != 'on_hold'
                   AND c.start_at + %s * INTERVAL '1 day' < %s
                   -- The bill of an older cycle is to charge them.
                   AND NOT EXISTS (
                       SELECT 1 FROM assist_billing_cycle e
                        WHERE e.association_id = c.association_id AND e.state = 'open'
                          AND e.id != c.id
                   )
                """,
                self.company_id.id,
                PATIENCE_DAYS,
                self.checked_at,
            )
        )
