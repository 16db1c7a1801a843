from odoo import api, fields, models
from odoo.tools import SQL

from ...rules.matching import Texts
from ...utils.sql_changes import changing
from ..ingest.session_source import SOURCE_TEXTS

# What matching gives a session.
MATCHED = ('partner_id', 'matching_rule_id', 'write_uid', 'write_date')
# What a rule compares, as it is stored, in the order of `Texts`.
TEXT_COLUMNS = tuple(SOURCE_TEXTS[name] for name in Texts._fields)


class AssistSession(models.Model):
    """Sessions that say by themselves whose they are, by the matching rules."""

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

    # === CONSTRAINTS AND INDEXES === #

    # What rules are applied to, and what is grouped in the inbox.
    _without_customer_index = models.Index(
        "(company_id) WHERE partner_id IS NULL AND state != 'billed'"
    )

    # === CRUD METHODS === #

    def write(self, vals):
        self._assist_check_access('write', [vals])
        said = self.filtered(
            lambda session: (
                'partner_id' in vals
                and session.matching_rule_id
                and session.partner_id.id != vals['partner_id']
            )
        )
        result = super().write(vals)
        if said:
            # Somebody says so, no rule any more.
            super(AssistSession, said._assist_as_engine()).write({'matching_rule_id': False})
        return result

    # === BUSINESS METHODS === #

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
