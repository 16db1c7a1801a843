"""Sessions that were made with a duration in place of an end show how long they were.

They were billed by start and end all the same.
"""


def migrate(cr, version):
    cr.execute(
        """
        UPDATE assist_session
           SET duration_seconds = floor(extract(epoch FROM ended_at - started_at))
         WHERE duration_seconds != floor(extract(epoch FROM ended_at - started_at))
        """
    )
