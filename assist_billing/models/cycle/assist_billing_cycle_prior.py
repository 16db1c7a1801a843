from odoo import fields, models
from odoo.tools import SQL

from ...rules import rating


class AssistBillingCyclePrior(models.Model):
    """What a cycle's bill charges for sessions of an earlier cycle that came in late."""

    _name = 'assist.billing.cycle.prior'
    _description = "Late Sessions on a Billing Cycle"
    _inherit = ['assist.guard']
    _order = 'cycle_id, origin_cycle_id'

    # === FIELDS === #

    cycle_id = fields.Many2one(
        'assist.billing.cycle', string="Billed With", required=True, index=True, ondelete='cascade'
    )
    origin_cycle_id = fields.Many2one(
        'assist.billing.cycle', string="Period", required=True, index=True, ondelete='restrict'
    )
    company_id = fields.Many2one(related='cycle_id.company_id', store=True, index=True)
    # That of the period itself: what is billed for it never adds up with another one's.
    currency_id = fields.Many2one('res.currency', required=True, readonly=True)
    quantity = fields.Float(digits='Product Unit')
    price = fields.Float(min_display_digits='Product Price')
    amount = fields.Monetary()
    price_group = fields.Json(
        readonly=True,
        help="With a rate card: product, band, kind and grade of the time on its line.",
    )
    session_ids = fields.One2many('assist.session', 'prior_id')
    move_id = fields.Many2one(
        'account.move',
        string="Supplementary Bill",
        index='btree_not_null',
        ondelete='set null',
        help="The bill that charges it, where that is not the one of a later cycle.",
    )

    # === CONSTRAINTS === #

    _amount_positive = models.Constraint(
        "CHECK (amount >= 0)", "Late sessions: the difference cannot be negative."
    )

    # === BUSINESS METHODS === #

    def _get_group(self):
        """Return what the time on its line has in common, `rules.rating.Group`, or None."""
        self.ensure_one()
        return rating.Group(*self.price_group) if self.price_group else None

    def _release_sessions(self):
        """Let go of sessions kept for a bill made again: they are to have one of their own."""
        sessions = self.session_ids.filtered(lambda session: session.state == 'to_bill')
        if not sessions:
            return
        sessions.flush_model(['cycle_id', 'state'])
        self.env.cr.execute(
            SQL(
                "UPDATE assist_session SET cycle_id = NULL, prior_id = NULL WHERE id = ANY(%s)",
                sessions.ids,
            )
        )
        sessions.invalidate_recordset(['cycle_id', 'prior_id'], flush=False)
        sessions.modified(['cycle_id', 'prior_id'])
