from collections import defaultdict
from heapq import nlargest

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ...rules import matching
from ..ingest.session_source import SOURCE_TEXTS
from .session_by_rules import TEXT_COLUMNS

# Examples shown when a rule is tried, one of each wording; the counts are of all.
SHOWN = 40
# Sessions `s` that a rule may give a customer.
FREE = SQL("(s.partner_id IS NULL AND s.state != 'billed' AND s.cycle_id IS NULL)")


class AssistMatchingRule(models.Model):
    """What a rule does to sessions that are there, and what it would do."""

    _inherit = 'assist.matching.rule'

    # === FIELDS === #

    try_problem = fields.Char(compute='_compute_try')
    try_fit_count = fields.Integer(
        string="Fit", compute='_compute_try', help="Sessions so far that this rule matches."
    )
    try_unmatched_count = fields.Integer(
        string="Without a Customer",
        compute='_compute_try',
        help="Of these, the unbilled ones without a customer: saving the rule matches them.",
    )
    try_earlier_count = fields.Integer(
        string="Taken by Earlier Rules",
        compute='_compute_try',
        help="Of those without a customer, the ones that a rule higher up also matches; that "
        "rule wins.",
    )
    try_conflict_count = fields.Integer(
        string="Of Another Customer",
        compute='_compute_try',
        help="Matching sessions that belong to another customer. They stay unchanged.",
    )
    try_conflict_ids = fields.Many2many('assist.session', compute='_compute_try')
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
                    'try_conflict_ids': False,
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
        self._check_may_try(company)
        partner_id = self.partner_id._origin.id
        own = self._as_rule(value)
        fits = matching.Single(own).fits
        counts = defaultdict(int)
        examples, conflicts = [], []
        for source, partner, free, count, latest, *said in self._read_texts(company, own):
            if not fits(source, said):
                continue
            counts['try_fit_count'] += count
            if free:
                counts['try_unmatched_count'] += count
            if partner and partner != partner_id:
                counts['try_conflict_count'] += count
                conflicts.append(latest)
            else:
                examples.append(latest)
        if counts['try_unmatched_count']:
            counts['try_earlier_count'] = self._count_taken_earlier(company, own)
        sessions = self.env['assist.session']
        return {
            **counts,
            'try_conflict_ids': sessions.search([('id', 'in', nlargest(SHOWN, conflicts))]),
            'try_session_ids': sessions.search([('id', 'in', nlargest(SHOWN, examples))]),
        }

    @api.model
    def _check_may_try(self, company):
        """Refuse a trial on sessions that the user may not read: what it counts tells of them."""
        if self.env.su:
            return
        self.env['assist.session'].check_access('read')
        if company not in self.env.companies:
            raise AccessError(
                self.env._(
                    "Matching rule: choose one of the companies you are currently working in."
                )
            )

    def _count_taken_earlier(self, company, own):
        """Return how many sessions without a customer a rule further up takes from this one."""
        earlier = self._get_earlier_matcher(company)
        if not earlier.rules:
            return 0
        alone = matching.Matcher([own])
        return sum(
            len(session_ids)
            for source, texts, session_ids in self._read_unmatched(company, [own])
            if alone.find(source, texts) and earlier.find(source, texts)
        )

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
        for source, texts, session_ids in self._read_unmatched(company, ours):
            rule = fitting.find(source, texts) and all_rules.find(source, texts)
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
                    rule.id: self.env._("Sessions matched: %(count)s", count=len(matched[rule.id]))
                    for rule in logged
                }
            )

    # === SQL === #

    @api.model
    def _read_unmatched(self, company, rules):
        """Return what sessions say that have no customer, and that `rules` might fit.

        :return: rows of source, `Texts`, session ids
        """
        self.env['assist.session'].flush_model()
        columns = SQL(", ").join(SQL("s.%s", SQL.identifier(name)) for name in TEXT_COLUMNS)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT array_agg(s.id ORDER BY s.id), s.source, %(columns)s FROM assist_session s
                 WHERE s.company_id = %(company)s AND %(free)s AND (%(superset)s)
              GROUP BY s.source, %(columns)s
                """,
                columns=columns,
                company=company.id,
                free=FREE,
                superset=self._get_superset_sql(rules),
            )
        )
        return [(source, matching.Texts(*texts), ids) for ids, source, *texts in rows]

    @api.model
    def _read_texts(self, company, rule):
        """Return what all sessions of history say where `rule` looks, if it might fit them.

        :return: rows of source, partner id, whether the rule would match them, their number,
            the last id, and what they say
        """
        self.env['assist.session'].flush_model()
        columns = SQL(", ").join(
            SQL("s.%s", SQL.identifier(SOURCE_TEXTS[name]))
            for name in matching.FIELD_TEXTS[rule.field]
        )
        return self.env.execute_query(
            SQL(
                """
                SELECT s.source, s.partner_id, %(free)s AS free, count(*), max(s.id), %(columns)s
                  FROM assist_session s WHERE s.company_id = %(company)s AND (%(superset)s)
              GROUP BY s.source, s.partner_id, free, %(columns)s
                """,
                columns=columns,
                company=company.id,
                free=FREE,
                superset=self._get_superset_sql([rule]),
            )
        )

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
        return SQL(
            "(length(%s) >= %s AND position(%s IN %s) > 0)",
            column,
            len(rule.value.replace('*', '')) if rule.operator == 'pattern' else len(rule.value),
            max(pieces, key=len),
            folded,
        )
