from odoo import api, models
from odoo.tools import SQL

from ...utils.automation_rules import is_watched
from ...utils.sql_changes import changing, is_depended_on

# What is resolved of a session.
RESOLVED = ('association_id', 'state', 'cycle_id', 'prior_id')


class AssistSession(models.Model):
    """Who a session is billed to: the nearest association in force when it ended."""

    _inherit = 'assist.session'

    # === BUSINESS METHODS === #

    def _resolve(self):
        """Resolve association and state of these sessions, in one statement.

        Billed sessions stay as they are. A session kept for re-billing leaves its cycle when it
        now belongs to another association, or ends after that cycle. One that was set aside as
        non-billable, when its cycle was billed again or waived, is late when it is billable again.
        """
        if self:
            self._resolve_where(SQL("s.id IN %s", tuple(self.ids)))

    @api.model
    def _resolve_for_associations(self, associations):
        """Resolve again the sessions that these associations have, or whose contacts are below.

        To be called when an association starts, ends, moves, or is suspended.
        """
        if not associations:
            return
        self._resolve_where(
            SQL(
                "(s.association_id IN %(associations)s OR s.partner_id IN (%(contacts)s))",
                associations=tuple(associations.ids),
                contacts=self._get_contacts_below_sql(associations.partner_id),
            )
        )

    @api.model
    def _resolve_for_partners(self, partners):
        """Resolve again the sessions of these contacts and of those below them."""
        if partners:
            self._resolve_where(SQL("s.partner_id IN (%s)", self._get_contacts_below_sql(partners)))

    def _forget_associations(self, associations):
        """Take those of these sessions off associations that are about to be deleted.

        They hold them in the database. The caller resolves them again afterwards.
        """
        if not self or not associations:
            return
        self.flush_model(['association_id', 'state'])
        with changing(self, ['association_id']):
            self._assist_set_state(
                SQL("s.state"),
                SQL("s.association_id IN %s AND s.state != 'billed'", tuple(associations.ids)),
                {'association_id': None},
            )

    @api.model
    def _get_contacts_below_sql(self, partners):
        return SQL(
            """
            WITH RECURSIVE below AS (
                SELECT id FROM res_partner WHERE id IN %s
                UNION
                SELECT p.id FROM res_partner p JOIN below b ON p.parent_id = b.id
            ) SELECT id FROM below
            """,
            tuple(partners.ids),
        )

    @api.model
    def _resolve_where(self, condition):
        """Resolve the unbilled sessions `s` that meet an SQL condition.

        Where two associations of one contact were in force, a session stays with the one it has:
        they were those of two contacts, each at its own prices, until these were merged.

        A running session is resolved as of its start, for the technician to see. The rule
        stands here alone; imports and triggers all come this way.
        """
        for model in ('assist.session', 'assist.billing.association', 'assist.billing.suspension'):
            self.env[model].flush_model()
        self.env['res.partner'].flush_model(['parent_id'])
        self.env['assist.billing.cycle'].flush_model(['state', 'end_at'])
        self._analyze_if_thought_empty()
        resolved = self._get_resolved_sql(condition)
        # Which ones change is only asked for when somebody wants to know.
        changed = self.browse()
        if is_depended_on(self, RESOLVED) or is_watched(self):
            changed = self.browse(
                row[0]
                for row in self.env.execute_query(
                    SQL("%s SELECT s.id FROM assist_session s, resolved r WHERE %s", *resolved)
                )
            )
        defined, joined = resolved
        with changing(changed, RESOLVED):
            self._assist_set_state(
                SQL("r.state"),
                joined,
                {
                    'association_id': SQL("r.association_id"),
                    'cycle_id': SQL("r.cycle_id"),
                    'prior_id': SQL("CASE WHEN r.cycle_id IS NOT NULL THEN s.prior_id END"),
                },
                source=SQL("resolved r"),
                defined=defined,
            )
            self.invalidate_model(RESOLVED)

    @api.model
    def _get_resolved_sql(self, condition):
        """Return what sessions `s` that meet a condition resolve to, and which of them change.

        :return: a WITH clause that defines `resolved`, and the condition to join it by as `r`
        """
        return (
            SQL(
                """
                WITH RECURSIVE target AS (
                    SELECT s.id, s.partner_id, s.company_id, s.ended_at, s.billable, s.cycle_id,
                           s.association_id,
                           COALESCE(s.ended_at, s.started_at) AS at
                      FROM assist_session s
                     WHERE s.state != 'billed' AND %s
                ), chain AS (
                    %s
                ), found AS (
                    SELECT DISTINCT ON (t.id) t.id, a.id AS association_id,
                           EXISTS (
                               SELECT 1 FROM assist_billing_suspension x
                                WHERE x.association_id = a.id AND x.start_at <= t.at
                                  AND (x.end_at IS NULL OR t.at < x.end_at)
                           ) AS suspended
                      FROM target t
                      JOIN chain c ON c.origin = t.partner_id
                      JOIN assist_billing_association a
                        ON a.partner_id = c.partner_id AND a.company_id = t.company_id
                       AND a.start_at <= t.at AND (a.end_at IS NULL OR t.at < a.end_at)
                  ORDER BY t.id, c.depth,
                           a.id IS NOT DISTINCT FROM t.association_id DESC,
                           a.start_at DESC, a.id DESC
                ), resolved AS (
                    SELECT t.id, f.association_id,
                           CASE WHEN t.ended_at IS NULL THEN 'running'
                                WHEN NOT t.billable THEN 'non_billable'
                                WHEN f.association_id IS NULL OR f.suspended THEN 'unmatched'
                                ELSE 'to_bill'
                           END AS state,
                           CASE WHEN k.association_id = f.association_id AND NOT f.suspended
                                 AND t.ended_at < k.end_at
                                 AND (k.state = 'to_rebill' OR NOT t.billable) THEN k.id
                           END AS cycle_id
                      FROM target t
                 LEFT JOIN found f ON f.id = t.id
                 LEFT JOIN assist_billing_cycle k ON k.id = t.cycle_id
                )
                """,
                condition,
                self.env['assist.billing.association']._get_chain_sql(
                    SQL("SELECT DISTINCT partner_id FROM target WHERE partner_id IS NOT NULL")
                ),
            ),
            SQL(
                """
                s.id = r.id
                AND (s.association_id, s.state, s.cycle_id)
                    IS DISTINCT FROM (r.association_id, r.state, r.cycle_id)
                """
            ),
        )

    @api.model
    def _assist_set_state(self, state, where, columns=None, *, source=None, defined=None):
        """Have the sessions `s` that meet a condition in a state. Nothing else writes it.

        In one statement. The caller has flushed, and tells the ORM (see `utils/sql_changes.py`).

        :param state: a state, or SQL that gives one
        :param SQL where: the condition
        :param dict columns: what is written along with it, SQL or a value, by column
        :param SQL source: what else the statement reads, as after FROM
        :param SQL defined: a WITH clause for it
        :return: how many sessions were written to
        """
        written = {'state': state, **(columns or {})}
        self.env.cr.execute(
            SQL(
                "%s UPDATE assist_session s SET %s %s WHERE %s",
                defined or SQL(),
                SQL(", ").join(
                    SQL("%s = %s", SQL.identifier(name), value) for name, value in written.items()
                ),
                SQL("FROM %s", source) if source else SQL(),
                where,
            )
        )
        return self.env.cr.rowcount

    @api.model
    def _analyze_if_thought_empty(self):
        """Have PostgreSQL count the sessions as long as it takes them for none.

        After an import that was rolled back its statistics say "pages, but no rows"; with these
        it compares each session with each.
        """
        if self.env.execute_query(
            SQL("SELECT 1 FROM pg_class WHERE oid = 'assist_session'::regclass AND reltuples <= 0")
        ):
            # Who cannot have the lock at once leaves it to the one that has it.
            self.env.cr.execute("ANALYZE (SKIP_LOCKED) assist_session")
