from odoo import Command
from odoo.tests import tagged

from ..rates.rates_common import RatesCommon


@tagged('post_install', '-at_install')
class TestSessionStatistics(RatesCommon):
    """What PostgreSQL is told of very many sessions, so that it need not sort or read all."""

    def _get_options(self, table, column):
        self.cr.execute(
            "SELECT attoptions FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
            [table, column],
        )
        return self.cr.fetchone()[0]

    def _check_told(self, model, columns, count):
        """A database of before is told when it is upgraded; it counts at once, and once."""
        table = self.env[model]._table
        options = [f'n_distinct={count}']
        for column in columns:
            self.assertEqual(self._get_options(table, column), options)
            self.cr.execute(f"ALTER TABLE {table} ALTER COLUMN {column} RESET (n_distinct)")
        self.env[model].init()
        for column in columns:
            self.assertEqual(self._get_options(table, column), options)
            self.cr.execute(
                "SELECT n_distinct FROM pg_stats WHERE tablename = %s AND attname = %s",
                [table, column],
            )
            self.assertEqual(self.cr.fetchone(), (count,))
        with self.assertQueryCount(len(columns)):
            self.env[model].init()

    def test_it_expects_days_where_sessions_begin(self):
        customer = self._create_partner("Busy Ltd")
        for minute in range(3):
            self._create_session(customer, ended_at=f'2026-01-05 10:{minute:02}:00')
        self.env.flush_all()
        self._check_told('assist.session', ['started_at'], 1000)

    def test_it_expects_few_bands_and_grades(self):
        """Also where no part has one: it would expect more there than where all have."""
        plan = self._create_rated_plan(
            hours_id=False, rate_ids=[Command.create({'kind': 'travel', 'value': 50.0})]
        )
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00', kind='travel')
        self._bill_march(plan)
        parts = self.env['assist.session.part'].sudo().search([])
        self.assertTrue(parts)
        self.assertFalse(parts.band_id or parts.grade_id)
        self._check_told('assist.session.part', ['band_id', 'grade_id'], 10)

    def test_words_are_found_by_an_index(self):
        """As a technician searches, for a part of the subject or of a note."""
        self.cr.execute("SET LOCAL enable_seqscan = off")
        self.cr.execute("SET LOCAL enable_indexscan = off")  # the order's, which reads all
        found = self.env['assist.session'].sudo()._search(
            ['|', '|', ('name', 'ilike', 'printer'), ('note', 'ilike', 'printer'),
             ('customer_note', 'ilike', 'printer')],
            order='id',
        )  # fmt: skip
        query = found.select()
        self.cr.execute(f"EXPLAIN {query.code}", query.params)
        plan = "\n".join(line for [line] in self.cr.fetchall())
        for field in ('name', 'note', 'customer_note'):
            self.assertIn(f'assist_session__{field}_index', plan)
