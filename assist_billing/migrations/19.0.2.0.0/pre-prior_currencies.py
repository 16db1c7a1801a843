"""What late sessions were charged is kept in the currency of their own period."""


def migrate(cr, version):
    cr.execute(
        "ALTER TABLE assist_billing_cycle_prior ADD COLUMN IF NOT EXISTS currency_id integer"
    )
    cr.execute(
        """
        UPDATE assist_billing_cycle_prior p SET currency_id = o.currency_id
          FROM assist_billing_cycle o WHERE o.id = p.origin_cycle_id AND p.currency_id IS NULL
        """
    )
