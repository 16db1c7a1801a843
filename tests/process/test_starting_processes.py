"""A technician who presses Start Now twice at the very same moment."""

PRESS_TWICE = """
import threading
from odoo.service.model import retrying

both = threading.Barrier(2)

def press():
    with env.registry.cursor() as cr:
        sessions = env(cr=cr, user=env.ref('base.user_admin').id, su=False)['assist.session']
        # Each sees the database as it is before the other one has begun anything.
        sessions.search_count([])
        both.wait(timeout=60)
        retrying(sessions.action_start_now, sessions.env)

presses = [threading.Thread(target=press) for _number in range(2)]
for thread in presses:
    thread.start()
for thread in presses:
    thread.join()
"""


def test_start_now_pressed_twice_at_once_begins_one_session(run, query):
    run(PRESS_TWICE)
    assert query("SELECT count(*) FROM assist_session WHERE ended_at IS NULL") == [(1,)]
