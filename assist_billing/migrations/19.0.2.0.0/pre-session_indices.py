"""The index of all states of sessions goes: another one has those that are not billed."""


def migrate(cr, version):
    cr.execute("DROP INDEX IF EXISTS assist_session__state_index")
