"""Processes of Odoo to measure in, and databases for them."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator

from environment import databases, odoo_command, places, postgres
from environment.console import Problem

WORKER = places.CLONE / 'bench/worker.py'
PREFIX = f'assist_bench_{os.getpid()}'


class Client:
    """A process of Odoo on one database; see `worker.py` for what it can be told."""

    def __init__(self, database: str):
        self.log = places.state_dir() / f'{database}.bench.log'
        with self.log.open('a') as log:
            self.process = subprocess.Popen(
                [odoo_command.python(), WORKER, database],
                env=odoo_command.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=places.CLONE,
                # Ctrl-C is for this program, which then ends its processes.
                start_new_session=True,
            )

    def send(self, do: str, **arguments) -> None:
        """Give a command and return at once; `receive` has the answer."""
        with contextlib.suppress(BrokenPipeError):  # `receive` says why it died
            self.process.stdin.write(json.dumps({'do': do, **arguments}) + '\n')
            self.process.stdin.flush()

    def receive(self):
        """Wait for the answer to the last command.

        :raise Problem: when it failed, or the process died.
        """
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {'error': odoo_command.last_words(self.log)}
        if 'error' in answer:
            raise Problem("A measured step failed.", answer['error'], f"The log: {self.log}")
        return answer['answer']

    def do(self, do: str, **arguments):
        """Give a command and return its answer."""
        self.send(do, **arguments)
        return self.receive()

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Stage:
    """The databases and processes of one run; leaving it ends and drops them."""

    def __init__(self):
        self._clients: list[Client] = []
        self._databases: list[str] = []

    def __enter__(self) -> 'Stage':
        return self

    def __exit__(self, *_error) -> None:
        for client in self._clients:
            client.process.kill()
            client.process.wait()
            places.remove(client.log)
        for name in self._databases:
            databases.drop(name)

    def install(self, module: str, on: str | None = None, purpose: str | None = None) -> str:
        """Return the name of a database with add-ons freshly installed, to copy from.

        :param module: an add-on, or several with commas between
        :param on: a database that they are installed in a copy of; default: a fresh one
        :param purpose: what to call it; default: as the add-on
        """
        name = self.copy(on, purpose or module) if on else f'{PREFIX}_{purpose or module}'
        if not on:
            self._databases.append(name)
        findings = places.state_dir() / f'{name}.findings'
        odoo_command.run_with_progress(
            f"Installing {module} in a {'copy of another' if on else 'fresh'} database",
            [f'--database={name}', f'--init={module}', '--stop-after-init'],
            places.state_dir() / f'{name}.log',
            findings,
        )
        places.remove(places.state_dir() / f'{name}.log')
        places.remove(findings)
        return name

    def copy(self, template: str, purpose: str) -> str:
        """Return the name of a copy of a template."""
        name = f'{PREFIX}_{purpose}'
        self._databases.append(name)
        databases.copy(template, name)
        return name

    def vacuum(self, name: str) -> None:
        """Do at once what PostgreSQL would do by itself later: while it is measured, maybe."""
        postgres.run('psql', '-Xqc', "VACUUM (ANALYZE)", name)

    def keep(self, name: str, kept: str) -> None:
        """Have a database outlive this run, under another name; nobody is connected to it."""
        databases.rename(name, kept)
        self._databases.remove(name)

    def drop(self, name: str) -> None:
        databases.drop(name)
        self._databases.remove(name)

    @contextlib.contextmanager
    def clients(self, *names: str) -> Iterator[list[Client]]:
        """Start a process on each database, and end them."""
        clients = [Client(name) for name in names]
        self._clients += clients
        yield clients
        for client in clients:
            client.stop()
            self._clients.remove(client)
            places.remove(client.log)
