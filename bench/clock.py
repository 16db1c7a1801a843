"""What a step costs: seconds by the wall, and seconds of CPU of Odoo and of PostgreSQL."""

import os
import time
from pathlib import Path

from odoo.tools import SQL

TICKS = os.sysconf('SC_CLK_TCK')


class Clock:
    """Both clocks, from when it is made.

    The CPU's is that of this process and of the server process that serves its cursor: what else
    the machine does meanwhile is not in it.
    """

    def __init__(self, env):
        [[self._server]] = env.execute_query(SQL("SELECT pg_backend_pid()"))
        self._wall, self._cpu = time.perf_counter(), self._get_cpu()

    def stop(self) -> dict[str, float]:
        """Return the seconds of both clocks, as part of an answer."""
        return {
            'seconds': time.perf_counter() - self._wall,
            'cpu': self._get_cpu() - self._cpu,
        }

    def _get_cpu(self) -> float:
        # After the name of the program, which may hold anything.
        fields = Path(f'/proc/{self._server}/stat').read_text().rpartition(') ')[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / TICKS
