"""How many different values PostgreSQL is to expect in a column, where it guesses wrongly."""

from odoo.tools import SQL


def expect_values(records, name, count):
    """Tell PostgreSQL how many different values the field `name` has, whatever it counts.

    To be called by `init`; counts at once, the first time.
    """
    env = records.env
    told = env.execute_query(
        SQL(
            "SELECT 1 FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s"
            " AND attoptions @> ARRAY[%s]",
            records._table,
            name,
            f'n_distinct={count}',
        )
    )
    if told:
        return
    table, column = SQL.identifier(records._table), SQL.identifier(name)
    env.cr.execute(
        SQL("ALTER TABLE %s ALTER COLUMN %s SET (n_distinct = %s)", table, column, count)
    )
    env.cr.execute(SQL("ANALYZE %s (%s)", table, column))
