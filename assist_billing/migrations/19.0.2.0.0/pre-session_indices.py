"""Indices of sessions go in whose place others come.

That of all states: another one has those that are not billed. That of customers: another one has
each customer's sessions in the order of lists.
"""


def migrate(cr, version):
    cr.execute("DROP INDEX IF EXISTS assist_session__state_index")
    cr.execute("DROP INDEX IF EXISTS assist_session__partner_id_index")
