"""Indices go in whose place others come.

That of all states of sessions: another one has those that are not billed. That of their customers:
another one has each customer's sessions in the order of lists. That of devices' days: another one
has each device's by date.
"""


def migrate(cr, version):
    cr.execute("DROP INDEX IF EXISTS assist_session__state_index")
    cr.execute("DROP INDEX IF EXISTS assist_session__partner_id_index")
    cr.execute("DROP INDEX IF EXISTS assist_billing_cycle_device__device_id_index")
