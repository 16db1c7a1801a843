from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# So many names stand in a sentence; how many more there are is said.
NAMED = 5
# Sessions longer than this are few, and have an index of their own.
LONG_SECONDS = 24 * 3600


class AssistSession(models.Model):
    """Sessions by hand: started, stopped and continued in one click; at once; not to be billed."""

    _inherit = 'assist.session'

    # === FIELDS === #

    continued_from_id = fields.Many2one(
        'assist.session',
        string="Continues",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help="The session that this one continues.",
    )
    is_overlapping = fields.Boolean(
        compute='_compute_overlaps',
        search='_search_is_overlapping',
        help="Its technician has another session at the same time.",
    )
    overlap_text = fields.Char(string="Overlaps", compute='_compute_overlaps')

    # === INDEXES === #

    _technician_index = models.Index("(technician_id, started_at) WHERE technician_id IS NOT NULL")
    _long_index = models.Index(
        "(technician_id) WHERE technician_id IS NOT NULL "
        "AND (ended_at IS NULL OR duration_seconds > 86400)"
    )

    # === COMPUTE METHODS === #

    @api.depends('technician_id', 'started_at', 'ended_at', 'company_id')
    def _compute_overlaps(self):
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.id, o.id, o.name FROM assist_session s JOIN assist_session o ON %s
                 WHERE s.id = ANY(%s) AND %s
                 UNION
                SELECT s.id, o.id, o.name FROM assist_session s JOIN assist_session o ON %s
                 WHERE s.id = ANY(%s) AND %s
              ORDER BY 1, 2
                """,
                self._get_same_time_sql(),
                self.ids,
                self._get_near_sql(),
                self._get_same_time_sql(),
                self.ids,
                self._get_long_sql(),
            )
        )
        others = defaultdict(list)
        for session_id, _other_id, name in rows:
            others[session_id].append(name)
        for session in self:
            names = others[session._origin.id]
            session.is_overlapping = bool(names)
            session.overlap_text = self._name_some(names)

    @api.model
    def _search_is_overlapping(self, operator, value):
        """Find the unbilled sessions in whose time the technician has another one."""
        if operator not in ('in', 'not in'):
            return NotImplemented
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.id FROM assist_session s
                 WHERE s.state != 'billed' AND s.technician_id IS NOT NULL AND (
                       EXISTS (SELECT 1 FROM assist_session o WHERE %s AND %s)
                    OR EXISTS (SELECT 1 FROM assist_session o WHERE %s AND %s))
                """,
                self._get_same_time_sql(),
                self._get_near_sql(),
                self._get_same_time_sql(),
                self._get_long_sql(),
            )
        )
        return [('id', operator, [row[0] for row in rows])]

    @api.model
    def _get_same_time_sql(self):
        """Return whether session `o` is another one of the same technician at the time of `s`."""
        return SQL(
            """
            o.technician_id = s.technician_id AND o.company_id = s.company_id AND o.id != s.id
            AND o.started_at < COALESCE(s.ended_at, now() AT TIME ZONE 'UTC')
            AND COALESCE(o.ended_at, now() AT TIME ZONE 'UTC') > s.started_at
            """
        )

    @api.model
    def _get_near_sql(self):
        """Return what bounds the search to an index: `o` began not long before `s`."""
        return SQL("o.started_at > s.started_at - interval '1 day'")

    @api.model
    def _get_long_sql(self):
        return SQL("(o.ended_at IS NULL OR o.duration_seconds > %s)", SQL(str(LONG_SECONDS)))

    # === ACTIONS === #

    def action_start_now(self):
        """Begin a session now; who it is for can be said while it runs."""
        session = self.env['assist.session'].create({'technician_id': self.env.user.id})
        return session._get_records_action(name=session.name)

    def action_start(self):
        """Go on with this session now: the same customer, device and subject, a new session."""
        self.ensure_one()
        self.check_access('read')
        session = self._assist_as_engine().create(
            {
                'name': self.name,
                'partner_id': self.partner_id.id,
                'device_id': self.device_id.id,
                'kind': self.kind,
                'technician_id': self.env.user.id,
                'continued_from_id': self.id,
            }
        )
        return session.with_env(self.env)._get_records_action(name=session.name)

    def action_make_non_billable(self, reason):
        """Have these sessions not billed; when one of them is billed, none is changed.

        :param str reason: kept on each of them
        """
        self.check_access('write')
        self._check_not_billed()
        if not (reason or "").strip():
            raise UserError(self.env._("Give the reason why these sessions are not billed."))
        self.write({'billable': False, 'non_billable_reason': reason.strip()})
        return True

    def action_make_billable(self):
        """Have sessions billed after all; when one of them is billed, none is changed."""
        self.check_access('write')
        self._check_not_billed()
        sessions = self.filtered(lambda session: not session.billable)
        sessions.write({'billable': True, 'non_billable_reason': False})
        return True

    # === CHECKS === #

    def _check_not_billed(self):
        """Refuse billed sessions by name."""
        billed = self.filtered(lambda session: session.state == 'billed')
        if not billed:
            return
        raise UserError(
            self.env._(
                "These sessions are billed already, so nothing was changed: %(names)s. Leave them "
                "out, or take their bill back first.",
                names=self._name_some(billed.mapped('name')),
            )
        )

    @api.model
    def _name_some(self, names):
        """Return the first of these names in quotes, and how many more there are."""
        text = ", ".join(f"“{name}”" for name in names[:NAMED])
        if len(names) > NAMED:
            text = self.env._("%(names)s and %(count)s more", names=text, count=len(names) - NAMED)
        return text
