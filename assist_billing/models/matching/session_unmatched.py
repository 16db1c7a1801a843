from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class AssistSession(models.Model):
    """Which group of the inbox a session is in."""

    _inherit = 'assist.session'

    # === FIELDS === #

    unmatched_id = fields.Many2one(
        'assist.unmatched',
        string="Unmatched Group",
        compute='_compute_unmatched_id',
        search='_search_unmatched_id',
        help="The group of the inbox it is in.",
    )

    # === COMPUTE METHODS === #

    @api.depends('state')
    def _compute_unmatched_id(self):
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT q.group_id, min(q.id) FROM (%s) AS q GROUP BY q.group_id",
                self.env['assist.unmatched']._get_sessions_sql(self.ids),
            )
        )
        # What was asked for is one of the group; the group is known by its first.
        found = dict(rows)
        for session in self:
            session.unmatched_id = found.get(session._origin.id, False)

    def _search_unmatched_id(self, operator, value):
        if operator != 'in':
            return NotImplemented
        self.flush_model()
        ids = [group_id for group_id in value if isinstance(group_id, int)]
        query = SQL(
            "(SELECT q.id FROM (%s) AS q)", self.env['assist.unmatched']._get_sessions_sql(ids)
        )
        return Domain('id', 'in', query)
