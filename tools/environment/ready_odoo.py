"""An Odoo that loads once and forks ready processes: tests that start a hundred need it.

To load Odoo and a database's add-ons takes seconds of work; to fork a process that has done so
takes milliseconds. Each fork is a process of its own, with its own connections, and can be killed.
"""

import contextlib
import io
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

if __package__:
    from . import log_watch
else:  # run as a program, beside its package
    import log_watch


class ReadyOdoo:
    """The server that forks, seen by whoever wants processes of it.

    :param python: the one that Odoo runs on.
    :param loaded: a database; the processes work on such with the same add-ons.
    :param options: Odoo's own, for all processes.
    """

    def __init__(self, python: str, loaded: str, options: list[str], **kwargs):
        # A socket's path is short: not in the state folder.
        self._folder = Path(tempfile.mkdtemp(prefix='assist-ready-'))
        self._log = self._folder / 'log'
        with self._log.open('w') as log:
            launcher = subprocess.Popen(
                [python, __file__, str(self._socket), loaded, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                **kwargs,
            )
        # The server is not this process's child: Odoo's tests end all children they find.
        launcher.wait()
        # It lives as long as this is open, and not longer than this process.
        self._lifeline = launcher.stdin
        with launcher.stdout:
            said = launcher.stdout.readline()
        if not said:
            raise AssertionError(f"Odoo did not get ready:\n{self._log.read_text()}")

    @property
    def _socket(self) -> Path:
        return self._folder / 'socket'

    def start(
        self,
        database: str,
        script: str,
        *,
        folder: Path,
        options=(),
        merged=False,
        variables: dict[str, str] | None = None,
    ) -> 'ReadyProcess':
        """Start `odoo shell` with a script on a database; return at once.

        :param folder: where its output and findings go: `out`, `err`, `findings`.
        :param options: Odoo's own, for this process.
        :param merged: write errors among the output.
        :param variables: of its environment, beside those of this process.
        """
        (folder / 'out').touch()
        return ReadyProcess(
            self._socket,
            {
                'errors': 'out' if merged else 'err',
                'database': database,
                'script': script,
                'options': list(options),
                'folder': str(folder),
                'cwd': str(Path.cwd()),
                'environment': os.environ | (variables or {}),
            },
        )

    def stop(self) -> None:
        """End the server. Processes that it forked go on."""
        self._lifeline.close()
        shutil.rmtree(self._folder)


class ReadyProcess:
    """A forked process. What it offers of subprocess.Popen works alike."""

    def __init__(self, address: Path, request: dict):
        self.returncode: int | None = None
        self.stdout = Output(self, Path(request['folder']) / 'out')
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(address))
        self._answers = self._connection.makefile('r')
        self._connection.sendall(json.dumps(request).encode() + b'\n')
        self.pid = int(self._answers.readline())

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, `timeout` seconds at most; return the status, -n if signal n ended it.

        :raise subprocess.TimeoutExpired: when it goes on.
        """
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                # The pid was the only line before: nothing of this one is read yet.
                answer = self._connection.recv(32)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired('odoo shell', timeout) from None
            self.returncode = int(answer)
            self._answers.close()
            self._connection.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Wait for the end; return what is unread of the output, and None for errors."""
        self.wait(timeout)
        return self.stdout.read(), None

    def poll(self) -> int | None:
        """Return the status if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Output:
    """What a process writes, read while it runs."""

    def __init__(self, process: ReadyProcess, path: Path):
        self._process = process
        self._file = path.open()

    def readline(self) -> str:
        """Wait for a line and return it; return an empty one once the process has ended."""
        line = ''
        while not line.endswith('\n'):
            ended = self._process.poll() is not None
            line += self._file.readline()
            if ended:
                break
            if not line.endswith('\n'):
                time.sleep(0.01)
        return line

    def read(self) -> str:
        """Return what has been written and was not read yet."""
        return self._file.read()


# === THE SERVER === #


def serve(address: str, loaded: str, options: list[str]) -> None:
    """Load a database's registry, then fork a process for each request on a socket.

    Says a line on its output once it listens; ends when its input does.
    """
    from odoo import sql_db  # noqa: PLC0415 - only here is there an Odoo
    from odoo.modules.registry import Registry  # noqa: PLC0415
    from odoo.tools import config  # noqa: PLC0415

    config.parse_config([f'--database={loaded}', *options], setup_logging=True)
    registry = Registry(loaded)
    sql_db.close_all()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    lifeline = os.dup(0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.write(1, b'ready\n')
    os.dup2(2, 1)
    while listening in select.select([listening, lifeline], [], [])[0]:
        connection, _peer = listening.accept()
        if not os.fork():
            listening.close()
            _attend(connection, registry, options)
        connection.close()


def _attend(connection: socket.socket, registry, options: list[str]) -> None:
    """Fork the process that was asked for, and tell how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = json.loads(connection.makefile('r').readline())
    os.setsid()
    pid = os.fork()
    if not pid:
        connection.close()
        status = 1
        try:
            status = _work(request, registry, options)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            # What was set up before the fork is not this process's to take down.
            os._exit(status)
    connection.sendall(f'{pid}\n'.encode())
    _pid, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _work(request: dict, registry, options: list[str]) -> int:
    """Be `odoo shell` on the database of the request; return the exit status."""
    folder = Path(request['folder'])
    os.setsid()
    os.chdir(request['cwd'])
    os.environ.clear()
    os.environ.update(request['environment'])
    for name, number in (('out', 1), (request['errors'], 2)):
        with (folder / name).open('a') as file:
            os.dup2(file.fileno(), number)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)
    sys.stdin = io.StringIO()
    # Forks would all draw the same numbers.
    random.seed()
    watch = log_watch.LogWatch()
    watch.start()
    try:
        _run(request['database'], request['script'], [*options, *request['options']], registry)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 - told as Python tells it at the end of a program
        traceback.print_exc()
        return 1
    finally:
        lines = (json.dumps(message) + '\n' for message in watch.take())
        (folder / 'findings').write_text(''.join(lines))
    return 0


def _run(database: str, script: str, options: list[str], registry) -> None:
    import threading  # noqa: PLC0415

    from odoo import SUPERUSER_ID, api, sql_db  # noqa: PLC0415
    from odoo.modules.registry import Registry  # noqa: PLC0415
    from odoo.tools import config  # noqa: PLC0415

    config.parse_config([f'--database={database}', *options], setup_logging=False)
    # The database is a copy with the same add-ons: the same registry serves.
    Registry.registries.pop(registry.db_name, None)
    registry.db_name = database
    registry._db = sql_db.db_connect(database)
    Registry.registries[database] = registry
    # A process that starts remembers nothing.
    registry.clear_all_caches()
    registry.cache_invalidated.clear()
    threading.current_thread().dbname = database
    registry = registry.check_signaling()
    with registry.cursor() as cr:
        context = api.Environment(cr, SUPERUSER_ID, {})['res.users'].context_get()
        env = api.Environment(cr, SUPERUSER_ID, context)
        cr.rollback()
        exec(script, {'__name__': '__main__', 'env': env, 'self': env.user})  # noqa: S102
        cr.rollback()


if __name__ == '__main__':
    # Who started this is to have no child.
    if os.fork():
        os._exit(0)
    serve(sys.argv[1], sys.argv[2], sys.argv[3:])
