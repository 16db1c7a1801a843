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
            CREATE OR REPLACE FUNCTION bench_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE 'The bill of customer %% is refused.', NEW.partner_id;
            END $$;
            CREATE TRIGGER bench_refuse BEFORE UPDATE OF state ON account_move FOR EACH ROW
                WHEN (NEW.state = 'posted' AND (NEW.partner_id - %s) %% %s < %s)
                EXECUTE FUNCTION bench_refuse()
            """,
            partner,
            every,
            failing,
        )
    )


def accept(env):
    """Refuse nothing any more, and have what failed be due at once."""
    env.cr.execute("DROP TRIGGER IF EXISTS bench_refuse ON account_move")
    env.cr.execute("UPDATE assist_billing_cycle SET retry_at = NULL WHERE state = 'open'")
    env.invalidate_all()
