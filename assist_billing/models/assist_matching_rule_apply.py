from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

from ..rules import matching
from .assist_session_rules import TEXT_COLUMNS
from .assist_session_source import SOURCE_TEXTS

# Sessions shown to try a rule; the counts are of all.
SHOWN_SESSIONS = 40


class AssistMatchingRule(models.Model):
    """What a rule does to sessions that are there, and what it would do."""

    _inherit = 'assist.matching.rule'

    # === FIELDS === #

    try_problem = fields.Char(compute='_compute_try')
    try_fit_count = fields.Integer(
        string="Fit", compute='_compute_try', help="Sessions up to now that this rule fits."
    )
    try_unmatched_count = fields.Integer(
        string="Without a Customer",
        compute='_compute_try',
        help="Of these, the unbilled ones without a customer: saving the rule matches them.",
    )
    try_earlier_count = fields.Integer(
        string="Taken by Earlier Rules",
        compute='_compute_try',
        help="Of those without a customer, the ones that a rule further up fits as well: it wins.",
    )
    try_conflict_count = fields.Integer(
        string="Of Another Customer",
        compute='_compute_try',
        help="Sessions it fits that are another customer's. They stay as they are.",
    )
    try_session_ids = fields.Many2many('assist.session', compute='_compute_try')

    # === COMPUTE METHODS === #

    @api.depends('source', 'field', 'operator', 'value', 'partner_id', 'company_id', 'sequence')
    def _compute_try(self):
        """Count what the rule fits in all of history. Nothing is written."""
        for rule in self:
            rule.update(
                {
                    'try_problem': False,
                    'try_fit_count': 0,
                    'try_unmatched_count': 0,
                    'try_earlier_count': 0,
                    'try_conflict_count': 0,
                    'try_session_ids': False,
                }
            )
            if not (rule.value or "").strip() or not rule.field or not rule.operator:
                continue
            try:
                value = matching.check_value(rule.field, rule.operator, rule.value)
            except matching.BadValue as bad:
                rule.try_problem = self._explain(bad)
                continue
            rule.update(rule._try(value))

    def _try(self, value):
        """Return what the fields of a trial are set to, for this rule with a checked value."""
        self.ensure_one()
        company = self.company_id._origin or self.env.company
        partner_id = self.partner_id._origin.id
        own = self._as_rule(value)
        alone, earlier = matching.Matcher([own]), self._get_earlier_matcher(company)
        counts = defaultdict(int)
        ids = []
        for (source, *texts), partner, free, latest, count in self._read_texts(company, [own]):
            key = tuple(texts)
            if alone.find(source, key) is None:
                continue
            counts['try_fit_count'] += count
            counts['try_unmatched_count'] += free
            if free and earlier.find(source, key):
                counts['try_earlier_count'] += free
            if partner and partner != partner_id:
                counts['try_conflict_count'] += count
            ids += latest
        return {
            **counts,
            'try_session_ids': self.env['assist.session'].search(
                [('id', 'in', ids)], limit=SHOWN_SESSIONS
            ),
        }

    def _as_rule(self, value=None):
        self.ensure_one()
        return matching.Rule(
            self._origin.id,
            self.source or None,
            self.field,
            self.operator,
            value or self.value,
            self.partner_id._origin.id,
        )

    def _get_earlier_matcher(self, company):
        """Return the rules that come before this one, ready to be asked."""
        place = (self.sequence, self._origin.id or float('inf'))
        earlier = self.search([('company_id', '=', company.id)]).filtered(
            lambda rule: (
                (rule.sequence, rule.id) < place
                and rule.id != self._origin.id
                and not rule.is_partner_archived
            )
        )
        return matching.Matcher(rule._as_rule() for rule in earlier)

    # === BUSINESS METHODS === #

    def _apply(self):
        """Match the unbilled sessions without a customer that these rules fit.

        Where several rules fit, the first in order wins, whichever of them is applied. Rules
        that are archived, or whose customer is, do nothing.

        :return: `{rule id: ids of the sessions that it matched now}`
        """
        matched = {}
        self.env['assist.session'].flush_model()
        for company, rules in self.filtered('active').grouped('company_id').items():
            found = rules._find_unmatched(company)
            changed = set(self.env['assist.session']._set_partners_by_rules(found))
            matched |= {
                rule_id: [session_id for session_id in session_ids if session_id in changed]
                for rule_id, (_partner_id, session_ids) in found.items()
            }
        self._log_matched(matched)
        return matched

    def _find_unmatched(self, company):
        """Return `{rule id: (partner id, [session ids])}` for the sessions these rules fit."""
        ours = [rule._as_rule() for rule in self]
        fitting, all_rules = matching.Matcher(ours), self._get_matcher(company)
        found = {}
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.source, %s, array_agg(s.id ORDER BY s.id) FROM assist_session s
                 WHERE s.company_id = %s AND s.partner_id IS NULL AND s.state != 'billed'
                   AND s.cycle_id IS NULL AND (%s)
              GROUP BY %s
                """,
                self._get_columns_sql(),
                company.id,
                self._get_superset_sql(ours),
                SQL(", ").join(SQL(str(place)) for place in range(1, len(TEXT_COLUMNS) + 2)),
            )
        )
        for source, *texts, session_ids in rows:
            key = tuple(texts)
            rule = fitting.find(source, key) and all_rules.find(source, key)
            if rule:
                found.setdefault(rule.id, (rule.partner, []))[1].extend(session_ids)
        return found

    def _move_sessions(self):
        """Give the unbilled sessions that these rules had matched to their new customer."""
        sessions = self.env['assist.session']
        sessions.flush_model()
        rows = (
            self.env.execute_query(
                SQL(
                    """
                SELECT matching_rule_id, array_agg(id ORDER BY id) FROM assist_session
                 WHERE matching_rule_id = ANY(%s) AND state != 'billed' AND cycle_id IS NULL
              GROUP BY matching_rule_id
                """,
                    self.ids,
                )
            )
            if self
            else []
        )
        partners = {rule.id: rule.partner_id.id for rule in self}
        sessions._set_partners_by_rules(
            {rule_id: (partners[rule_id], ids) for rule_id, ids in rows}
        )

    def _log_matched(self, matched):
        """Leave in each rule's history how many sessions it matched."""
        logged = self.browse(rule_id for rule_id, ids in matched.items() if ids)
        if logged:
            logged._message_log_batch(
                bodies={
                    rule.id: self.env._("%(count)s sessions matched", count=len(matched[rule.id]))
                    for rule in logged
                }
            )

    # === SQL === #

    def _read_texts(self, company, rules):
        """Return what the sessions say that `rules` might fit, for all of history.

        :return: rows of `(source, *texts)`, partner id, number of unbilled ones without a
            customer, the latest ids, number
        """
        self.env['assist.session'].flush_model()
        columns = self._get_columns_sql()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.source, %s, s.partner_id,
                       count(*) FILTER (
                           WHERE s.partner_id IS NULL AND s.state != 'billed' AND s.cycle_id IS NULL
                       ),
                       (array_agg(s.id ORDER BY s.started_at DESC, s.id DESC))[1:%s], count(*)
                  FROM assist_session s WHERE s.company_id = %s AND (%s)
              GROUP BY %s
                """,
                columns,
                SHOWN_SESSIONS,
                company.id,
                self._get_superset_sql(rules),
                SQL(", ").join(SQL(str(place)) for place in range(1, len(TEXT_COLUMNS) + 3)),
            )
        )
        size = len(TEXT_COLUMNS) + 1
        return [(row[:size], *row[size:]) for row in rows]

    @api.model
    def _get_columns_sql(self):
        return SQL(", ").join(SQL("s.%s", SQL.identifier(column)) for column in TEXT_COLUMNS)

    @api.model
    def _get_superset_sql(self, rules):
        """Return a condition on sessions `s` that holds for all that `rules` fit, and few more.

        Letters are folded by Python alone, so that a rule fits the same today and at the next
        import; the database only leaves out what cannot fit. Texts beyond ASCII are left in.
        """
        if len(rules) > 20:
            return SQL("TRUE")
        conditions = []
        for rule in rules:
            for name in matching.FIELD_TEXTS[rule.field]:
                column = SQL("s.%s", SQL.identifier(SOURCE_TEXTS[name]))
                condition = SQL("%s ~ '[^ -~]'", column)
                if rule.value.isascii():
                    condition = SQL("(%s OR %s)", condition, self._get_ascii_sql(rule, column))
                if rule.source:
                    condition = SQL("(%s AND s.source = %s)", condition, rule.source)
                conditions.append(condition)
        return SQL(" OR ").join(conditions)

    @api.model
    def _get_ascii_sql(self, rule, column):
        folded = SQL('lower(btrim(%s) COLLATE "C")', column)
        if rule.operator == 'equals' and rule.field != 'email_domain':
            return SQL("%s = %s", folded, rule.value)
        pieces = rule.value.replace('?', '*').split('*')
        return SQL("position(%s IN %s) > 0", max(pieces, key=len), folded)
