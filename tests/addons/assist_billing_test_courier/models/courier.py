"""The world outside: what the courier was given, and at which moments this process dies.

`COURIER_FILE` names the file that it keeps, a line for each document. `COURIER_DIES` names a moment
(killed as by `kill -9`), `COURIER_FAILS` one (an error is raised), `COURIER_STOPS` one at which the
process waits. `COURIER_POSTS` says that it takes entries when they are posted, too.
"""

import os
import signal
import time
from pathlib import Path

from odoo.exceptions import UserError


def reach(moment):
    """Die, fail or wait at this moment, if that was asked for."""
    if os.environ.get('COURIER_DIES') == moment:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get('COURIER_FAILS') == moment:
        raise UserError(f"The courier fell over: {moment}")
    if os.environ.get('COURIER_STOPS') == moment:
        time.sleep(600)


def hand_over(name):
    """Give a document to the courier, which cannot be undone."""
    with Path(os.environ['COURIER_FILE']).open('a') as file:
        file.write(f"{name}\n")
        file.flush()
        os.fsync(file.fileno())


def takes_posted():
    return bool(os.environ.get('COURIER_POSTS'))
