"""No session has a grade yet: the column is made here, so that none is computed for each."""


def migrate(cr, version):
    cr.execute("ALTER TABLE assist_session ADD COLUMN IF NOT EXISTS grade_id integer")
