from decimal import Decimal

from odoo import api, fields, models

from ...utils.expected_values import expect_values
from ...utils.sql_changes import insert

# As many bands, and grades, for PostgreSQL to expect; see `init`.
EXPECTED_GROUPS = 10


class AssistSessionPart(models.Model):
    """A part of a billed session that has a price of its own: a row of its statement, as billed.

    Only sessions that were cut, or that took a rate or another product, have parts.
    """

    _name = 'assist.session.part'
    _description = "Part of a Billed Session"
    _inherit = ['assist.guard']
    _order = 'session_id, started_at, id'
    # Only the engine writes them, with their cycle, which says when and for whom.
    _log_access = False

    # === FIELDS === #

    session_id = fields.Many2one(
        'assist.session', required=True, readonly=True, index=True, ondelete='restrict'
    )
    cycle_id = fields.Many2one(
        'assist.billing.cycle',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help="The cycle that billed it.",
    )
    company_id = fields.Many2one(related='cycle_id.company_id', store=True, precompute=True)
    currency_id = fields.Many2one(
        'res.currency', required=True, readonly=True, help="That of the period it ended in."
    )
    partner_id = fields.Many2one(related='cycle_id.partner_id', string="Customer")
    started_at = fields.Datetime(string="Start", required=True, readonly=True)
    ended_at = fields.Datetime(string="End", required=True, readonly=True)
    band_id = fields.Many2one(
        'assist.billing.band', readonly=True, index='btree_not_null', ondelete='restrict'
    )
    kind = fields.Selection(selection='_get_kinds', string="Kind of Work", readonly=True)
    grade_id = fields.Many2one(
        'assist.technician.grade', readonly=True, index='btree_not_null', ondelete='restrict'
    )
    price_date = fields.Date(readonly=True, help="The local day whose prices count.")
    measured_seconds = fields.Integer(string="Measured (s)", readonly=True)
    seconds = fields.Integer(
        string="Rated (s)",
        readonly=True,
        help="Measured time, that of sessions merged into this one included.",
    )
    billed_seconds = fields.Integer(string="Billed (s)", readonly=True)
    tier = fields.Integer(
        readonly=True, help="Which tier of the plan gave its price; 0 where none did."
    )
    price = fields.Float(min_display_digits='Product Price', readonly=True)
    quantity = fields.Float(digits='Product Unit', readonly=True)
    amount = fields.Monetary(
        readonly=True, help="Before what the plan includes, in the tax mode of the plan's prices."
    )

    # === CONSTRAINTS AND WHAT POSTGRESQL EXPECTS === #

    _numbers_positive = models.Constraint(
        "CHECK (measured_seconds >= 0 AND seconds >= 0 AND billed_seconds >= 0 AND quantity >= 0"
        " AND amount >= 0)",
        "Part of a session: times and amounts cannot be negative.",
    )

    @api.private
    def init(self):
        # EXTENDS base: where no part has a band, or a grade, PostgreSQL expects two hundred of
        # them, and translates what it takes for a very long query to machine code first. That
        # takes three times as long as the query.
        for name in ('band_id', 'grade_id'):
            expect_values(self, name, EXPECTED_GROUPS)
        return super().init()

    # === BUSINESS METHODS === #

    @api.model
    def _store(self, vals_list):
        """Store parts of sessions that are being billed, in one statement.

        :param list vals_list: as of `_prepare_part_vals` of the cycle, all of the same keys
        """
        cycles = self.env['assist.billing.cycle'].browse({vals['cycle_id'] for vals in vals_list})
        companies = {cycle.id: cycle.company_id.id for cycle in cycles}
        insert(self, [{**vals, 'company_id': companies[vals['cycle_id']]} for vals in vals_list])

    def _get_share_vals(self):
        """Return it as `rules.rating.PartShare` has it, but for what the rate card finds again."""
        self.ensure_one()
        return {
            'id': self.session_id.id,
            'start': self.started_at,
            'end': self.ended_at,
            'measured_seconds': self.measured_seconds,
            'seconds': self.seconds,
            'billed_seconds': self.billed_seconds,
            'band': self.band_id.id or None,
            'kind': self.kind or None,
            'grade': self.grade_id.id or None,
            'price_date': self.price_date,
            'tier': self.tier,
            'quantity': Decimal(str(self.quantity)),
            'amount': Decimal(str(self.amount)),
        }

    # === SELECTIONS === #

    @api.model
    def _get_kinds(self):
        return self.env['assist.session']._fields['kind']._description_selection(self.env)
