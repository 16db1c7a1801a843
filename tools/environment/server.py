"""An Odoo that serves a database for a while, and the port it listens on."""

import contextlib
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from . import odoo_command
from .console import Problem

HOST = '127.0.0.1'


def check_port(port: int) -> None:
    """Raise Problem when somebody listens on the port already."""
    if not _is_free(port):
        other = next(number for number in range(port + 1, 65536) if _is_free(number))
        raise Problem(
            f"Port {port} is taken.",
            "Another program listens on it: perhaps an Odoo that still runs.",
            f"Stop that one, or choose another port: make run PORT={other}",
        )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as candidate:
        candidate.bind((HOST, 0))
        return candidate.getsockname()[1]


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # Lets a port be used again at once after its last user, though not while it listens.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            candidate.bind((HOST, port))
            return True
    return False


class Server:
    """A running Odoo: its address, its process, its log file."""

    def __init__(self, url: str, process: subprocess.Popen, log: Path):
        self.url, self.process, self.log = url, process, log

    def wait(self) -> None:
        """Wait until it ends.

        :raise Problem: when it does, for it should not by itself.
        """
        self.process.wait()
        raise self.ended()

    def ended(self) -> Problem:
        return Problem(
            f"Odoo's server on {self.url} does not answer.",
            odoo_command.last_words(self.log),
            f"The whole log is {self.log}",
        )


@contextlib.contextmanager
def serving(database: str, port: int, cron_threads: int, log: Path) -> Iterator[Server]:
    """Have Odoo serve a database while this lasts.

    :raise Problem: when it does not answer within two minutes.
    """
    options = [
        f'--database={database}',
        f'--http-port={port}',
        f'--max-cron-threads={cron_threads}',
    ]
    with odoo_command.started([*options, f'--logfile={log}']) as process:
        server = Server(f'http://{HOST}:{port}', process, log)
        try:
            _wait_for_answer(server)
            yield server
        except KeyboardInterrupt:
            # Ctrl-C has reached Odoo too. A second signal would make it drop everything.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            raise
        finally:
            process.terminate()


def _wait_for_answer(server: Server) -> None:
    give_up = time.monotonic() + 120
    while server.process.poll() is None and time.monotonic() < give_up:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f'{server.url}/web/health', timeout=5).close()  # noqa: S310 - http
            return
        time.sleep(0.1)
    raise server.ended()
