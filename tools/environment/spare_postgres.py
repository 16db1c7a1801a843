"""A PostgreSQL server for one trial, to be killed: nobody else's databases are on it."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from . import places, postgres
from .console import Problem

# A commit that was answered has been handed to the kernel, which outlives the server.
OPTIONS = (
    "-c listen_addresses='' -c unix_socket_permissions=0777 -c shared_buffers=128MB"
    " -c synchronous_commit=on -c fsync=off"
)


class SparePostgres:
    """Made and started on entering, stopped and removed on leaving."""

    def __enter__(self) -> 'SparePostgres':
        # A socket's path is short: not in the state folder.
        self._folder = Path(tempfile.mkdtemp(prefix='assist-spare-'))
        self.data, self.host = self._folder / 'data', self._folder / 'socket'
        self._folder.chmod(0o711)
        for folder in (self.data, self.host):
            postgres.make_folder_of_owner(folder)
        # Odoo, whoever runs it, reaches the socket through the folder.
        self.host.chmod(0o755)
        options = [f'--username={postgres.ROLE}', '--auth=trust', '--encoding=UTF8']
        made = postgres.as_owner(
            [
                *(postgres.program('initdb'), f'--pgdata={self.data}', '--no-sync'),
                *(*options, '--locale=C.UTF-8'),
            ]
        )
        if made.returncode:
            raise Problem("PostgreSQL's initdb cannot make a spare cluster.", made.stderr)
        self.start()
        return self

    def __exit__(self, *_error) -> None:
        self._control('--mode=immediate', 'stop')
        places.remove(self._folder)

    def start(self) -> None:
        """Start the server, also after it was killed."""
        give_up = time.monotonic() + 60
        while True:
            started = self._control(
                f'--log={self.data}/server.log', f"--options=-k '{self.host}' {OPTIONS}", 'start'
            )
            if not started.returncode:
                return
            # After a kill, what it has started goes on for a moment, and holds its memory.
            if time.monotonic() > give_up:
                raise Problem("The spare PostgreSQL server does not start.", started.stderr)
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill the server as `kill -9` does; those it has started notice and end."""
        pid = int((self.data / 'postmaster.pid').read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            while Path('/proc', str(pid), 'exe').exists():
                time.sleep(0.01)

    def bring(self, database: str, name: str) -> None:
        """Copy a database of this clone's server to this one, without its files."""
        self._run('createdb', name)
        with subprocess.Popen(
            [postgres.program('pg_dump'), '--format=custom', '--compress=0', database],
            env=os.environ | postgres.connection(),
            stdout=subprocess.PIPE,
        ) as dump:
            self._run('pg_restore', f'--dbname={name}', '--exit-on-error', stdin=dump.stdout)
        if dump.returncode:
            raise Problem(f"The database {database} cannot be dumped.")

    def drop(self, name: str) -> None:
        """Drop a database that was brought here."""
        self._run('dropdb', '--force', name)

    def _run(self, name: str, *arguments: str, **kwargs) -> str:
        return subprocess.run(
            [postgres.program(name), *arguments],
            env=os.environ | postgres.connection() | {'PGHOST': str(self.host)},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            **kwargs,
        ).stdout

    def _control(self, *arguments: str) -> subprocess.CompletedProcess:
        return postgres.as_owner(
            [
                *(postgres.program('pg_ctl'), f'--pgdata={self.data}'),
                *('--silent', '--wait', *arguments),
            ]
        )
