from odoo.tests import tagged

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestSessionStatistics(AssistBillingCommon):
    """What PostgreSQL is told of very many sessions, so that it need not sort or read all."""

    def _get_options(self):
        self.cr.execute(
            "SELECT attoptions FROM pg_attribute"
            " WHERE attrelid = 'assist_session'::regclass AND attname = 'started_at'"
        )
        return self.cr.fetchone()[0]

    def test_it_expects_days_where_sessions_begin(self):
        """A database of before is told when it is upgraded; it counts at once, and once."""
        self.assertEqual(self._get_options(), ['n_distinct=1000'])
        customer = self._create_partner("Busy Ltd")
        for minute in range(3):
            self._create_session(customer, ended_at=f'2026-01-05 10:{minute:02}:00')
        self.env.flush_all()
        self.cr.execute("ALTER TABLE assist_session ALTER COLUMN started_at RESET (n_distinct)")
        self.env['assist.session'].init()
        self.assertEqual(self._get_options(), ['n_distinct=1000'])
        self.cr.execute(
            "SELECT n_distinct FROM pg_stats"
            " WHERE tablename = 'assist_session' AND attname = 'started_at'"
        )
        self.assertEqual(self.cr.fetchone(), (1000,))
        with self.assertQueryCount(1):
            self.env['assist.session'].init()

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
