"""A database with a month end in it, and real processes of Odoo on it, to be killed."""

import contextlib
import csv
import io
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from environment import databases, odoo_command, places, postgres
from environment.console import Problem

COUNT_DUE = """
SELECT count(*) FROM assist_billing_cycle
 WHERE state = 'open' AND end_at <= now() AT TIME ZONE 'UTC'
"""
# A scheduler looks once a minute by itself, and after an action that failed in an hour.
CALL = """
INSERT INTO ir_cron_trigger (cron_id, call_at)
SELECT c.id, now() AT TIME ZONE 'UTC' FROM ir_cron c
 WHERE c.active AND NOT EXISTS (
       SELECT 1 FROM ir_cron_trigger t WHERE t.cron_id = c.id AND t.call_at <= now())
"""
TIMEOUT = 900  # seconds: a run that takes longer is stuck


class Trial:
    """A copy of the prepared database for one fault; leaving it ends and drops all.

    :param host: folder of the socket of another server, on which the copy is already
    """

    def __init__(self, template: str, name: str, host: Path | None = None):
        self.template, self.name, self.host = template, name, host
        self._processes: list[Process] = []

    def __enter__(self) -> 'Trial':
        if not self.host:
            databases.drop(self.name)
            databases.copy(self.template, self.name)
        return self

    def __exit__(self, kind, *_error) -> None:
        for process in self._processes:
            process.end()
            if not kind:
                places.remove(process.log)
        if not self.host:
            databases.drop(self.name)

    def rows(self, query: str) -> list[list[str]]:
        """Run a query outside of Odoo; return rows of text, '' for null."""
        answer = self._psql(f"COPY ({query}) TO STDOUT WITH CSV", self.name)
        return list(csv.reader(io.StringIO(answer)))

    def value(self, query: str) -> int:
        [[value]] = self.rows(query)
        return int(value)

    def execute(self, statement: str) -> None:
        self._psql(statement, self.name)

    def call_schedulers(self) -> None:
        """Have all schedulers look what there is to do."""
        self.execute(CALL)
        self._psql(f"NOTIFY cron_trigger, '{self.name}'", 'postgres')

    def start(self, function: str, **arguments) -> 'Process':
        """Start a function of `faults_data.py` in a process of its own."""
        given = ', '.join(f'{name}={value!r}' for name, value in arguments.items())
        script = f"from bench import faults_data\nfaults_data.{function}(env, {given})\n"
        return self._add(['shell', '--no-http'], script)

    def run(self, function: str, **arguments) -> 'Process':
        """Run such a function to its end.

        :raise Problem: when it fails.
        """
        return self._finish(function, self.start(function, **arguments))

    def run_script(self, script: str) -> 'Process':
        """Run a script of Odoo's shell to its end.

        :raise Problem: when it fails.
        """
        return self._finish("A script", self._add(['shell', '--no-http'], script))

    def serve(self, *options: str) -> 'Process':
        """Start Odoo with its scheduler."""
        return self._add(['server', '--no-http', *options], '')

    def serve_queue(self, workers: int, port: int) -> 'Process':
        """Start Odoo with the runner of its job queue, and so many workers for jobs."""
        # One more than there are jobs at a time, so that the runner is answered at once.
        options = [f'--workers={workers + 1}', f'--http-port={port}', '--max-cron-threads=0']
        variables = {
            'ODOO_QUEUE_JOB_CHANNELS': f'root:{workers}',
            'ODOO_QUEUE_JOB_PORT': str(port),
        }
        return self._add(['server', '--load=base,web,queue_job', *options], '', variables)

    def wait_for_end(self, watch: Callable[[], None] = lambda: None) -> None:
        """Call schedulers until nothing is due; `watch` is called ten times a second.

        :raise Problem: when it takes too long.
        """
        give_up = time.monotonic() + TIMEOUT
        while self.value(COUNT_DUE):
            self.call_schedulers()
            watch()
            if time.monotonic() > give_up:
                log = self._processes[0].log
                raise Problem("The run does not end.", odoo_command.last_words(log))
            time.sleep(0.1)

    def _finish(self, title: str, process: 'Process') -> 'Process':
        if process.wait():
            raise Problem(f"{title} failed.", odoo_command.last_words(process.log))
        return process

    def _add(self, arguments: list[str], script: str, variables: dict | None = None) -> 'Process':
        log = places.state_dir() / f'{self.name}-{len(self._processes)}.log'
        host = [f'--db_host={self.host}'] if self.host else []
        process = Process([*arguments, f'--database={self.name}', *host], script, log, variables)
        self._processes.append(process)
        return process

    def _psql(self, statement: str, database: str) -> str:
        host = {'PGHOST': str(self.host)} if self.host else {}
        answer = subprocess.run(
            [*(postgres.program('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1'), '-c', statement]
            + [database],
            env=os.environ | postgres.connection() | host,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise Problem(f"A query failed on {database}: {statement}", answer.stderr)
        return answer.stdout


class Process:
    """A process of Odoo, what it prints and logs in a file."""

    def __init__(self, arguments: list[str], script: str, log: Path, variables: dict | None = None):
        self.log = log
        self._arguments, self._script, self._variables = arguments, script, variables or {}
        places.remove(log)
        self._start()

    def _start(self) -> None:
        variables = odoo_command.environment()
        # The script imports from here.
        variables['PYTHONPATH'] = os.pathsep.join([str(places.CLONE), variables['PYTHONPATH']])
        with self.log.open('a') as log:
            self.popen = odoo_command.started(
                self._arguments,
                env=variables | {'PYTHONUNBUFFERED': '1'} | self._variables,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=places.CLONE,
                start_new_session=True,
            )
        self.popen.stdin.write(self._script)
        self.popen.stdin.close()

    @property
    def is_alive(self) -> bool:
        return self.popen.poll() is None

    @property
    def text(self) -> str:
        return self.log.read_text(errors='replace')

    def count(self, pattern: str) -> int:
        """Return how often something was logged or printed."""
        return len(re.findall(pattern, self.text, re.MULTILINE))

    def wait_for(self, pattern: str, seconds: float = 120) -> None:
        """Wait until something is logged or printed, or the process has ended."""
        give_up = time.monotonic() + seconds
        while self.is_alive and not self.count(pattern):
            if time.monotonic() > give_up:
                raise Problem(f"{self.log} does not say {pattern}.")
            time.sleep(0.02)

    def wait(self) -> int:
        """Wait for the end; return the exit status."""
        return self.popen.wait(TIMEOUT)

    def kill(self) -> None:
        """Kill it as `kill -9` does."""
        self.popen.kill()
        self.popen.wait()

    def revive(self) -> None:
        """Start it again if it has ended, as the supervisor of a service does."""
        if not self.is_alive:
            self._start()

    def end(self) -> None:
        """End it with all it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def find_worker(self) -> int | None:
        """Return the process ID of the scheduler's present worker, None when there is none."""
        found = re.findall(r'Worker WorkerCron \((\d+)\) alive', self.text)
        pid = int(found[-1]) if found else None
        return pid if pid and Path('/proc', str(pid)).exists() else None
