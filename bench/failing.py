"""Customers whose bills the database refuses; run inside Odoo."""

from odoo.tools import SQL


def refuse(env, partner, every, failing):
    """Have the bills of some customers refused when they are posted: as late as can be.

    :param partner: the first customer's ID
    :param every: in each so many customers ...
    :param failing: ... so many fail
    """
    env.cr.execute(
        SQL(
            """
            ALTER TABLE account_move ADD CONSTRAINT bench_refuse CHECK (
                state != 'posted' OR assist_cycle_id IS NULL OR id <= %s
                OR (partner_id - %s) %% %s >= %s
            )
            """,
            env['account.move'].search([], order='id desc', limit=1).id,
            partner,
            every,
            failing,
        )
    )


def accept(env):
    """Refuse nothing any more, and have what failed be due at once."""
    env.cr.execute("ALTER TABLE account_move DROP CONSTRAINT IF EXISTS bench_refuse")
    env.cr.execute("UPDATE assist_billing_cycle SET retry_at = NULL WHERE state = 'open'")
    env.invalidate_all()
