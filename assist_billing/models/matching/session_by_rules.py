from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...rules.matching import Texts
from ...utils.sql_changes import changing
from ..ingest.session_source import SOURCE_TEXTS

# What matching gives a session.
MATCHED = ('partner_id', 'matching_rule_id', 'write_uid', 'write_date')
# What a rule compares, as it is stored, in the order of `Texts`.
TEXT_COLUMNS = tuple(SOURCE_TEXTS[name] for name in Texts._fields)


class AssistSession(models.Model):
    """Whose a session is by the matching rules, and which group of the inbox it is in."""

    _inherit = 'assist.session'

    # === FIELDS === #

    matching_rule_id = fields.Many2one(
        'assist.matching.rule',
        string="Matched by Rule",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help="The rule that gave this session its customer.",
    )
    unmatched_id = fields.Many2one(
        'assist.unmatched',
        string="Unmatched Group",
        compute='_compute_unmatched_id',
        search='_search_unmatched_id',
        help="The group of the inbox it is in.",
    )

    # === CONSTRAINTS AND INDEXES === #

    # What rules are applied to, and what is grouped in the inbox.
    _without_customer_index = models.Index(
        "(company_id) WHERE partner_id IS NULL AND state != 'billed'"
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
        ids = [group_id for group_id in value if isinstance(group_id, int) and group_id]
        query = SQL(
            "(SELECT q.id FROM (%s) AS q)", self.env['assist.unmatched']._get_sessions_sql(ids)
        )
        domain = Domain('id', 'in', query)
        # Whatever is unmatched is in a group of the inbox, and nothing else.
        return domain | Domain('state', '!=', 'unmatched') if False in value else domain

    # === BUSINESS METHODS === #

    def _get_contradicted_matches(self, vals):
        """Return those of which `vals` say another customer than a rule did."""
        if 'partner_id' not in vals:
            return self.browse()
        return self.filtered(
            lambda session: (
                session.matching_rule_id and session.partner_id.id != vals['partner_id']
            )
        )

    def _forget_rule(self):
        """Note that somebody says whose these sessions are, no rule any more."""
        if self:
            self._assist_as_engine().write({'matching_rule_id': False})

    @api.model
    def _match_by_rules(self, run, normals, matches):
        """Return `(partner id, rule id)` for each session; None where no rule fits.

        :param list matches: what `_match_sessions` found: rules are only asked for the rest
        """
        if run.matcher is None:
            run.matcher = self.env['assist.matching.rule']._get_matcher(run.company)
        find = run.matcher.find
        rules = [
            None if partner_id else find(run.source, Texts.of(normal))
            for normal, (_device_id, partner_id) in zip(normals, matches, strict=True)
        ]
        return [(rule.partner, rule.id) if rule else (None, None) for rule in rules]

    @api.model
    def _set_partners_by_rules(self, found):
        """Give sessions without a customer the one that a rule says.

        :param dict found: `{rule id: (partner id, [session ids])}`
        :return: the ids of the sessions that were changed
        """
        return self._set_partners(
            [
                (session_id, partner_id, rule_id)
                for rule_id, (partner_id, session_ids) in found.items()
                for session_id in session_ids
            ]
        )

    @api.model
    def _set_partners(self, rows):
        """Give sessions their customer in one statement; those billed meanwhile stay as they are.

        :param list rows: session id, partner id, and the id of the rule that says so, or None
        :return: the ids of the sessions that were changed
        """
        if not rows:
            return []
        session_ids, partner_ids, rule_ids = map(list, zip(*rows, strict=True))
        self.flush_model(['partner_id', 'state', 'cycle_id'])
        with changing(self.browse(session_ids), MATCHED):
            changed = [
                row[0]
                for row in self.env.execute_query(
                    SQL(
                        """
                        UPDATE assist_session s
                           SET partner_id = r.partner_id, matching_rule_id = r.rule_id,
                               write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
                          FROM unnest(%s::int[], %s::int[], %s::int[])
                            AS r (id, partner_id, rule_id)
                         WHERE s.id = r.id AND s.state != 'billed' AND s.cycle_id IS NULL
                     RETURNING s.id
                        """,
                        self.env.uid,
                        session_ids,
                        partner_ids,
                        rule_ids,
                    )
                )
            ]
        self._resolve_where(SQL("s.id = ANY(%s)", changed))
        return changed
