"""A database for one test, and real processes of Odoo that work on it."""

import re
import tempfile
from pathlib import Path

from . import databases, log_watch, places, postgres
from .ready_odoo import ReadyOdoo


class PrivateDatabase:
    """A copy of a template database, to be dropped at the end.

    :param ready: what its processes are forked from.
    :param template: name of the database to copy; nobody may be connected to it.
    :param name: name of the copy; one of that name is dropped first.
    """

    def __init__(self, ready: ReadyOdoo, template: str, name: str):
        self.name = name
        self._ready = ready
        databases.drop(name)
        databases.copy(template, name)
        self._processes: list[OdooProcess] = []

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Run SQL outside of Odoo, in a transaction of its own; return rows of text."""
        answer = postgres.run(
            *('psql', '-XAtq', '-F', '\x1f', '-v', 'ON_ERROR_STOP=1', '-c', sql, self.name),
            capture_output=True,
            check=False,
        )
        if answer.returncode:
            raise AssertionError(f"psql failed on {self.name}: {answer.stderr}")
        return [tuple(line.split('\x1f')) for line in answer.stdout.splitlines()]

    def shell(self, script: str, timeout: float = 300, expected_log: str = '') -> str:
        """Run a Python script with `env` in a process of Odoo; return what it printed.

        The script commits by itself: `env.cr.commit()`.

        :param timeout: seconds.
        :param expected_log: regular expression of the warnings and errors it may log.
        :raise AssertionError: when the script fails, or logs something unexpected.
        """
        return self.start_shell(script).result(timeout, expected_log)

    def start_shell(self, script: str) -> 'OdooProcess':
        """Start such a script and return at once; see `OdooProcess`."""
        process = OdooProcess(self._ready, self.name, script)
        self._processes.append(process)
        return process

    def drop(self) -> None:
        """Kill what still works on the database, and drop it."""
        for process in self._processes:
            process.kill()
        databases.drop(self.name)


class OdooProcess:
    """A process of `odoo shell` that runs a script. `popen` is like a subprocess.Popen."""

    def __init__(self, ready: ReadyOdoo, database: str, script: str, *options: str):
        self._folder = Path(tempfile.mkdtemp(prefix='process-', dir=places.state_dir()))
        self.popen = ready.start(database, script, options=options, folder=self._folder)

    @property
    def printed(self) -> str:
        """What the script has printed so far."""
        return (self._folder / 'out').read_text()

    def result(self, timeout: float = 300, expected_log: str = '') -> str:
        """Wait for the end and return what was printed; else as `PrivateDatabase.shell`."""
        status = self.popen.wait(timeout)
        if status:
            raise AssertionError(
                f"odoo shell ended with {status}:\n{(self._folder / 'err').read_text()}"
            )
        found = log_watch.read_findings(self._folder / 'findings')
        unexpected = [
            line for line in found if not expected_log or not re.search(expected_log, line)
        ]
        if unexpected:
            raise AssertionError(
                "odoo shell logged what the test did not expect:\n" + '\n'.join(unexpected)
            )
        return self.printed

    def kill(self) -> None:
        """Kill the process as `kill -9` does, if it still runs, and wait for its end."""
        self.popen.kill()
        self.popen.wait()
        places.remove(self._folder)
