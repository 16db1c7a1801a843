from collections import Counter, defaultdict

from odoo import api, models
from odoo.tools import SQL, float_round

from ..invoice.account_move_line import PRINTED_DIGITS, USAGE_CHARGES
from ..rating.usage import as_decimal
from .assist_billing_tie import KEPT_RECORDS, Check

# The lines of a bill that is a credit note are turned round.
SIGN = SQL("CASE WHEN m.move_type = 'out_refund' THEN -1 ELSE 1 END")


class AssistBillingTie(models.Model):
    """Each closed cycle has one bill, whose lines say what its sessions were rated to."""

    _inherit = 'assist.billing.tie'

    @api.model
    def _get_bill_checks(self):
        return [
            Check(
                'cycles_without_their_bill',
                'assist.billing.cycle',
                self.env._("Cycles without their bill"),
                self.env._(
                    "A closed cycle with usage has exactly one bill; any other cycle has none."
                ),
            ),
            Check(
                'bills_without_their_cycle',
                'account.move',
                self.env._("Bills without their cycle"),
                self.env._(
                    "A bill belongs to exactly one closed cycle, has the same customer, currency "
                    "and company, and is not cancelled."
                ),
            ),
            Check(
                'bills_saying_something_else',
                'account.move',
                self.env._("Bills whose lines differ from their cycle"),
                self.env._(
                    "Sessions, hours, base fees, devices, minimum charge and late sessions on the "
                    "lines equal those of the cycle, at the prices of its terms and in its "
                    "currency."
                ),
            ),
            Check(
                'bills_calculated_wrongly',
                'account.move',
                self.env._("Bills that show a wrong amount"),
                self.env._(
                    "The amount of each usage line is its quantity times its price; together these "
                    "are the session charges."
                ),
            ),
            Check(
                'bills_not_adding_up',
                'account.move',
                self.env._("Bills that do not add up"),
                self.env._(
                    "The untaxed amount is the sum of the lines as printed. Bills created before "
                    "version 2.0 are not checked: rounded per tax, they may be a cent off, and "
                    "they keep their amounts."
                ),
            ),
            Check(
                'periods_billed_otherwise',
                'assist.billing.cycle',
                self.env._("Periods billed differently from their rating"),
                self.env._(
                    "The amount billed for a period, including its late sessions, is what all of "
                    "its sessions together come to."
                ),
            ),
        ]

    # === ONE BILL EACH === #

    def _find_cycles_without_their_bill(self):
        return self._find(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
             LEFT JOIN account_move m ON m.id = c.move_id AND m.assist_cycle_id = c.id
                 WHERE %(scope)s AND c.move_id IS NOT NULL AND (m.id IS NULL OR c.state != 'closed')
                 UNION ALL
                SELECT t.id FROM (%(scaled)s) AS t
                 WHERE t.move_id IS NULL
                   AND t.usage_amount
                       + round(t.device_quantity * t.device_price / t.rounding) * t.rounding
                       + (SELECT COALESCE(sum(p.amount), 0) FROM assist_billing_cycle_prior p
                           WHERE p.cycle_id = t.id AND p.origin_cycle_id != t.id)
                       -- Fees that are credited may take away all else.
                       + (SELECT COALESCE(sum(f.amount), 0) FROM assist_billing_cycle_fee f
                           WHERE f.billing_cycle_id = t.id)
                       + (SELECT COALESCE(sum(f.true_up_amount), 0)
                            FROM assist_billing_cycle_fee f WHERE f.cycle_id = t.id) != 0
                """,
                scope=self._get_cycle_scope(),
                scaled=self._get_scaled_sql(),
            )
        )

    def _find_bills_without_their_cycle(self):
        return self._find(
            SQL(
                """
                SELECT m.id FROM account_move m
                  JOIN assist_billing_cycle c ON c.id = m.assist_cycle_id
                 WHERE %(scope)s
                   AND (c.state != 'closed' OR c.move_id IS DISTINCT FROM m.id
                        OR m.state = 'cancel' OR m.move_type NOT IN ('out_invoice', 'out_refund')
                        OR m.assist_kind IS DISTINCT FROM 'bill' OR m.company_id != c.company_id
                        OR m.currency_id != c.currency_id OR m.partner_id != c.partner_id
                        OR EXISTS (
                           SELECT 1 FROM account_move n
                            WHERE n.assist_cycle_id = c.id AND n.id != m.id
                        ))
                 UNION ALL
                SELECT m.id FROM account_move m
             LEFT JOIN assist_billing_cycle c ON c.id = m.assist_origin_cycle_id
                 WHERE m.assist_kind = 'bill' AND m.assist_cycle_id IS NULL
                   AND m.company_id = %(company)s AND (c.id IS NULL OR %(scope)s)
                """,
                scope=self._get_cycle_scope(),
                company=self.company_id.id,
            )
        )

    # === WHAT THE LINES SAY === #

    def _find_bills_saying_something_else(self):
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT m.id, m.fiscal_position_id
                  FROM (%s) AS e
             FULL JOIN (%s) AS l USING (move_id, charge, quantity, price)
                  JOIN account_move m ON m.id = move_id
                 WHERE e.number IS DISTINCT FROM l.number
                """,
                self._get_expected_lines_sql(),
                self._get_lines_sql(),
            )
        )
        wrong = {move_id for move_id, position_id in rows if not position_id}
        moves = self.env['account.move'].browse([row[0] for row in rows if row[1]])
        wrong |= self._get_unexplained(moves) | self._get_mixed_currencies()
        return len(wrong), sorted(wrong)[:KEPT_RECORDS]

    def _get_mixed_currencies(self):
        """Return ids of bills with late sessions of a period that was in another currency."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT m.id FROM assist_billing_cycle_prior p
                  JOIN assist_billing_cycle c ON c.id = p.cycle_id
                  JOIN account_move m
                    ON m.id = CASE WHEN p.origin_cycle_id = c.id THEN p.move_id ELSE c.move_id END
                 WHERE %s AND p.amount > 0 AND p.currency_id != m.currency_id
                """,
                self._get_cycle_scope(),
            )
        )
        return {row[0] for row in rows}

    def _get_expected_lines_sql(self):
        """Return SQL of the usage lines that bills should have, in the terms of their cycles.

        Rows of (move_id, charge, quantity, price, number): so many alike.
        """
        return SQL(
            """
            SELECT move_id, charge, quantity, price, count(*) AS number FROM (%s) AS single
          GROUP BY move_id, charge, quantity, price
            """,
            self._get_expected_rows_sql(),
        )

    def _get_expected_rows_sql(self):
        """Return SQL of these lines one by one.

        Rows of (move_id, origin_id, charge, quantity, price, product_id). The origin is the cycle
        they are about, whose terms they are in; the product is that of a band, where it has one of
        its own. What has several prices is rated anew.
        """
        rated = [
            (
                cycle.move_id.id,
                cycle.id,
                line.charge,
                float(line.quantity),
                float(line.price),
                line.group and line.group.product,
            )
            for cycle, rating in self._rate_by_parts()
            for line in rating.lines
            if line.charge not in ('base_fee', 'device')
        ]
        columns = [list(column) for column in zip(*rated, strict=True)] or [[]] * 6
        return SQL(
            """
            WITH cycle AS (
                SELECT t.*, CASE WHEN t.fee > 0 THEN u.own_counted ELSE 0 END AS fees
                  FROM (%(scaled)s) AS t JOIN (%(used)s) AS u ON u.id = t.id
                 WHERE t.move_id IS NOT NULL
            ), expected AS (
                SELECT move_id, id AS origin_id, billing_type AS charge,
                       billed_quantity AS quantity, price, NULL::int AS product_id
                  FROM cycle WHERE NOT by_parts
                 UNION ALL
                SELECT * FROM unnest(%(moves)s::int[], %(origins)s::int[], %(charges)s::text[],
                       %(quantities)s::float[], %(prices)s::float[], %(products)s::int[])
                 UNION ALL
                SELECT move_id, id, 'base_fee', fees, fee, NULL FROM cycle
                 UNION ALL
                SELECT move_id, id, 'device', device_quantity, device_price, NULL FROM cycle
                 UNION ALL
                SELECT move_id, id, 'minimum', (missing > 0)::int, missing, NULL FROM (
                    SELECT move_id, id, usage_amount
                               - round(billed_quantity * price / rounding) * rounding
                               - round(fees * fee / rounding) * rounding AS missing
                      FROM cycle WHERE NOT by_parts
                ) AS minimum
                 UNION ALL
                SELECT CASE WHEN p.origin_cycle_id = c.id THEN p.move_id ELSE c.move_id END,
                       p.origin_cycle_id, 'prior', p.quantity, p.price,
                       (p.price_group ->> 0)::int
                  FROM assist_billing_cycle_prior p
                  JOIN assist_billing_cycle c ON c.id = p.cycle_id
                 WHERE %(scope)s AND (c.state = 'closed' OR p.origin_cycle_id = c.id)
                 UNION ALL
                SELECT COALESCE(f.own_move_id, c.move_id), f.cycle_id, 'fee', f.quantity, f.price,
                       (f.fee_terms ->> 'product')::int
                  FROM assist_billing_cycle_fee f
                  JOIN assist_billing_cycle c ON c.id = COALESCE(f.billing_cycle_id, f.cycle_id)
                 WHERE %(scope)s AND num_nonnulls(f.billing_cycle_id, f.own_move_id) = 1
                 UNION ALL
                SELECT c.move_id, c.id, 'true_up', f.true_up_quantity, f.price,
                       (f.fee_terms ->> 'product')::int
                  FROM assist_billing_cycle_fee f
                  JOIN assist_billing_cycle c ON c.id = f.cycle_id
                 WHERE %(scope)s
            )
            SELECT move_id, origin_id, charge, quantity, price, product_id
              FROM expected WHERE quantity != 0 AND move_id IS NOT NULL
            """,
            scaled=self._get_scaled_sql(),
            used=self._get_used_sql(),
            scope=self._get_cycle_scope(),
            **dict(
                zip(
                    ('moves', 'origins', 'charges', 'quantities', 'prices', 'products'),
                    columns,
                    strict=True,
                )
            ),
        )

    def _get_lines_sql(self):
        """Return SQL of the usage lines there are, as `_get_expected_lines_sql`."""
        return SQL(
            """
            SELECT l.move_id, l.assist_charge AS charge, %(sign)s * l.quantity AS quantity,
                   l.price_unit AS price, count(*) AS number
              FROM account_move_line l %(where)s
          GROUP BY l.move_id, m.move_type, l.assist_charge, l.quantity, l.price_unit
            """,
            sign=SIGN,
            where=self._get_lines_where(),
        )

    def _get_lines_where(self):
        """Return joins and conditions of the usage lines `l` of bills `m` that count."""
        return SQL(
            """
              JOIN account_move m ON m.id = l.move_id
              JOIN assist_billing_cycle c
                ON c.id = COALESCE(m.assist_cycle_id, m.assist_origin_cycle_id)
             WHERE %s AND m.assist_kind IN ('bill', 'supplementary') AND l.assist_charge IN %s
            """,
            self._get_cycle_scope(),
            USAGE_CHARGES,
        )

    def _get_unexplained(self, moves):
        """Return ids of `moves` whose prices their fiscal positions do not explain either.

        A position that takes away a tax included in the price takes it out of the price.
        """
        if not moves:
            return set()
        expected, prices = defaultdict(Counter), {}
        cycles = self.env['assist.billing.cycle']
        for move_id, origin_id, charge, quantity, price, product_id in self.env.execute_query(
            SQL(
                "SELECT * FROM (%s) AS e WHERE move_id IN %s",
                self._get_expected_rows_sql(),
                tuple(moves.ids),
            )
        ):
            position = moves.browse(move_id).fiscal_position_id
            terms = cycles.browse(origin_id)._get_line_terms(charge, product_id)
            key = (terms.product, terms.taxes, position, price)
            if key not in prices:
                prices[key] = terms.product._get_tax_included_unit_price_from_price(
                    float(price), terms.taxes, fiscal_position=position
                )
            expected[move_id][
                charge, float(quantity), float_round(prices[key], PRINTED_DIGITS)
            ] += 1
        return {
            move.id
            for move in moves
            if expected[move.id]
            != Counter(
                (
                    line.assist_charge,
                    move._assist_get_sign() * line.quantity,
                    float_round(line.price_unit, PRINTED_DIGITS),
                )
                for line in move._assist_get_usage_lines()
            )
        }

    # === WHAT THE LINES COME TO === #

    def _find_bills_calculated_wrongly(self):
        wrong = self._get_wrong_charges() | self._get_wrong_lines()
        return len(wrong), sorted(wrong)[:KEPT_RECORDS]

    def _get_wrong_charges(self):
        """Return ids of bills whose session charges are not the sum of their lines."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT m.id FROM account_move_line l %(where)s
              GROUP BY m.id HAVING %(sign)s * sum(l.price_subtotal) != m.assist_session_charge
                """,
                where=self._get_lines_where(),
                sign=SIGN,
            )
        )
        return {row[0] for row in rows}

    def _get_wrong_lines(self):
        """Return ids of bills with a line that is not quantity x price.

        What is plain is told by the database; about the rest Odoo's tax engine is asked, once for
        lines that are alike. Whether prices included a tax that was changed since is not known any
        more: then either may be.
        """
        tax_ids, modes, changed = self._get_tax_modes()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT min(x.id), array_agg(DISTINCT x.move_id) FROM (
                    SELECT l.id, l.move_id, l.quantity, l.price_unit, l.discount, l.price_subtotal,
                           l.price_total, l.product_id, m.currency_id, m.partner_id,
                           round(l.quantity * l.price_unit * (1 - COALESCE(l.discount, 0) / 100)
                                 / r.rounding) * r.rounding AS product,
                           %(sign)s * l.amount_currency AS amount_currency, g.excluded, g.included,
                           g.changed_at > l.create_date AS is_changed
                      FROM account_move_line l
                      JOIN res_currency r ON r.id = l.currency_id
                 LEFT JOIN (
                           SELECT t.account_move_line_id AS id,
                                  bool_and(COALESCE(a.mode = 'excluded', FALSE)) AS excluded,
                                  bool_and(COALESCE(a.mode = 'included', FALSE)) AS included,
                                  max(a.changed_at) AS changed_at
                             FROM account_move_line_account_tax_rel t
                        LEFT JOIN unnest(%(taxes)s::integer[], %(modes)s::varchar[],
                                         %(changed)s::timestamp[]) AS a (id, mode, changed_at)
                               ON a.id = t.account_tax_id
                         GROUP BY t.account_move_line_id
                           ) AS g ON g.id = l.id
                      %(where)s
                ) AS x
           CROSS JOIN LATERAL (
                    SELECT array_agg(t.account_tax_id ORDER BY t.account_tax_id) AS taxes
                      FROM account_move_line_account_tax_rel t
                     WHERE t.account_move_line_id = x.id
                ) AS g
                 WHERE NOT CASE
                       WHEN x.is_changed AND (x.excluded OR x.included)
                       THEN x.product IN (x.price_subtotal, x.price_total)
                            AND x.amount_currency = -x.price_subtotal
                       WHEN COALESCE(x.excluded, TRUE)
                       THEN x.price_subtotal = x.product AND x.amount_currency = -x.price_subtotal
                       WHEN x.included
                       THEN x.price_total = x.product AND x.amount_currency = -x.price_subtotal
                       ELSE FALSE END
              GROUP BY x.quantity, x.price_unit, x.discount, x.price_subtotal, x.price_total,
                       x.product_id, x.currency_id, x.partner_id, g.taxes
                """,
                where=self._get_lines_where(),
                sign=SIGN,
                taxes=tax_ids,
                modes=modes,
                changed=changed,
            )
        )
        lines = self.env['account.move.line']
        return {
            move_id
            for line_id, move_ids in rows
            if not self._is_calculated(lines.browse(line_id))
            for move_id in move_ids
        }

    def _find_bills_not_adding_up(self):
        # Amounts in their currency are those of a credit note with the sign turned. A line that
        # rounds for payment in cash belongs to the untaxed amount, and has no price.
        return self._find(
            SQL(
                """
                SELECT m.id FROM account_move m
                  JOIN assist_billing_cycle c
                    ON c.id = COALESCE(m.assist_cycle_id, m.assist_origin_cycle_id)
                  JOIN account_move_line l ON l.move_id = m.id
                 WHERE %s AND m.assist_kind IS NOT NULL AND m.assist_rounds_lines
                   AND (l.display_type = 'product'
                        OR (l.display_type = 'rounding' AND l.tax_repartition_line_id IS NULL))
              GROUP BY m.id
                HAVING m.amount_untaxed != sum(
                           CASE WHEN l.display_type = 'product' THEN l.price_subtotal
                                WHEN m.move_type = 'out_refund' THEN l.amount_currency
                                ELSE -l.amount_currency END)
                    OR bool_or(l.display_type = 'product' AND l.price_subtotal !=
                               CASE WHEN m.move_type = 'out_refund' THEN l.amount_currency
                                    ELSE -l.amount_currency END)
                """,
                self._get_cycle_scope(),
            )
        )

    def _get_tax_modes(self):
        """Return the company's taxes: their ids, and of each two things more.

        Whether prices include it, 'included' or 'excluded', None of a group that has both; and when
        it was last changed.
        """
        taxes = self.env['account.tax'].with_context(active_test=False)
        taxes = taxes.search(taxes._check_company_domain(self.company_id))
        modes, changed = [], []
        for tax in taxes:
            parts = tax.flatten_taxes_hierarchy()
            found = set(parts.mapped('price_include'))
            modes.append(
                'excluded' if found <= {False} else 'included' if found == {True} else None
            )
            changed.append(max((tax | parts).mapped('write_date')))
        return taxes.ids, modes, changed

    def _is_calculated(self, line):
        """Tell whether Odoo's tax engine gives the amounts of this line."""
        taxes = self.env['account.tax']
        base_line = line.move_id._prepare_product_base_line_for_taxes_computation(line)
        taxes._add_tax_details_in_base_line(base_line, line.company_id)
        taxes._round_base_lines_tax_details([base_line], line.company_id)
        details = base_line['tax_details']
        return not any(
            line.currency_id.compare_amounts(line[name], details[key])
            for name, key in (
                ('price_subtotal', 'total_excluded_currency'),
                ('price_total', 'total_included_currency'),
            )
        )

    # === LATE SESSIONS === #

    def _find_periods_billed_otherwise(self):
        """Rate the periods that have late sessions again, and compare with all they were billed.

        Left out is a period that was billed again after its late sessions: a person may have
        changed what it is made of.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.id, c.usage_amount + sum(p.amount) FROM assist_billing_cycle c
                  JOIN assist_billing_cycle_prior p ON p.origin_cycle_id = c.id
                  JOIN assist_billing_cycle n ON n.id = p.cycle_id
                 WHERE %s AND c.state IN ('closed', 'waived')
                   AND (n.state = 'closed' OR n.id = c.id)
              GROUP BY c.id
                HAVING bool_and(n.id = c.id OR n.closed_at >= c.closed_at)
                   AND NOT (bool_or(n.id = c.id) AND EXISTS (
                       SELECT 1 FROM account_move m
                        WHERE m.assist_origin_cycle_id = c.id AND m.assist_kind = 'given_back'
                   ))
                """,
                self._get_cycle_scope(),
            )
        )
        periods = self.env['assist.billing.cycle'].browse(row[0] for row in rows)
        sessions = periods._read_billed_sessions()
        wrong = []
        for period, (_id, amount) in zip(periods, rows, strict=True):
            billed = as_decimal(amount)
            rated = period._rate(sessions[period.id]).usage_amount
            # Late ones can bridge a gap, so that all together cost less; nothing is given back.
            merges = bool(period.terms['merge_gap_minutes'])
            if billed < rated or (billed > rated and not merges):
                wrong.append(period.id)
        return len(wrong), sorted(wrong)[:KEPT_RECORDS]
