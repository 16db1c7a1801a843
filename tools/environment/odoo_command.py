"""Odoo's configuration in this environment, and how to run Odoo in it."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from subprocess import DEVNULL

from . import log_watch, oca, odoo_source, places, postgres, python_packages
from .console import Problem, Progress
from .processes import Worker


def python() -> str:
    """Return the Python that Odoo runs on."""
    return str(python_packages.python('odoo'))


def command() -> list[str]:
    """Return how Odoo is started: as a program.

    With `--workers` Odoo starts itself once more, for the websocket, by the path that it was
    started by. Were that `-m odoo`, the path would be a file within its package, which cannot be
    started: Odoo would try it for ever.
    """
    path = places.state_dir() / 'odoo-bin'
    text = "from odoo.cli.command import main\n\nmain()\n"
    if not path.is_file() or path.read_text() != text:
        half = path.with_suffix(f'.{os.getpid()}')
        half.write_text(text)
        half.rename(path)
    return [python(), str(path)]


def environment() -> dict[str, str]:
    """Return the environment variables for Odoo and everything that imports it."""
    odoo = odoo_source.find()
    paths = [str(odoo.python_path), os.environ.get('PYTHONPATH', '')]
    return {
        **os.environ,
        **postgres.connection(),
        'ODOO_RC': str(configuration()),
        'PYTHONPATH': os.pathsep.join(path for path in paths if path),
        'PATH': os.pathsep.join(
            [str(python_packages.folder('odoo') / 'bin'), os.environ.get('PATH', '')]
        ),
    }


def configuration() -> Path:
    """Write Odoo's configuration file and return it. The command line overrides it."""
    odoo = odoo_source.find()
    options = {
        'addons_path': ','.join(str(path) for path in (*odoo.addons, *oca.addons(), places.CLONE)),
        'data_dir': places.state_dir() / 'data',
        'db_host': postgres.socket_dir(),
        'db_user': postgres.ROLE,
        'http_interface': '127.0.0.1',
        'list_db': False,
        'max_cron_threads': 1,
    }
    text = '[options]\n' + ''.join(f'{name} = {value}\n' for name, value in options.items())
    path = places.state_dir() / 'odoo.conf'
    if not path.is_file() or path.read_text() != text:
        half = path.with_suffix(f'.{os.getpid()}')
        half.write_text(text)
        half.rename(path)
    return path


def started(arguments: list[str], **kwargs) -> subprocess.Popen:
    """Start Odoo's command line."""
    kwargs.setdefault('env', environment())
    return subprocess.Popen([*command(), *arguments], **kwargs)


def run(arguments: list[str], **kwargs) -> int:
    """Run Odoo's command line in the foreground and return its exit status."""
    return foreground([*command(), *arguments], **kwargs)


def watched(arguments: list[str], findings: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment of an Odoo that writes down its warnings and errors.

    :param findings: the file for what it logs at WARNING or above; see `log_watch.read_findings`.
    """
    variables = {log_watch.FINDINGS_VARIABLE: str(findings)}
    return [python(), log_watch.__file__, *arguments], environment() | variables


def run_with_progress(title: str, arguments: list[str], log: Path, findings: Path) -> None:
    """Run Odoo's command line with its log in a file, showing which module it is at.

    :param findings: a file for what is logged at WARNING or above.
    :raise Problem: when Odoo does not end well.
    """
    places.remove(log)
    progress = Progress(title)
    progress.begin()
    command, variables = watched([*arguments, f'--logfile={log}'], findings)
    quiet = {'stdin': DEVNULL, 'stdout': DEVNULL, 'stderr': DEVNULL}
    with Worker(command, env=variables, **quiet) as process:
        while process.poll() is None:
            loading = re.findall(r'Loading module (\w+ \(\d+/\d+\))', _text(log))
            progress.show(loading[-1] if loading else 'starting')
            time.sleep(0.2)
    # Odoo ends with 0 after some failures to load a module, having logged them.
    failed = re.search(r' (CRITICAL|ERROR) \S+ odoo\.(modules|registry|service)', _text(log))
    if process.returncode or failed:
        raise Problem(
            f"Odoo ended with {process.returncode}.", last_words(log), f"The whole log is {log}"
        )
    progress.end()


def last_words(log: Path) -> str:
    """Return the end of a log file."""
    return '\n'.join(_text(log).splitlines()[-15:]) or "(It logged nothing.)"


def _text(log: Path) -> str:
    return log.read_text(errors='replace') if log.exists() else ''


def foreground(command: list[str], **kwargs) -> int:
    """Run a command until it ends; signals to this process are for that one.

    :return: the exit status, 128 + n for one that signal n ended.
    """
    kwargs.setdefault('env', environment())
    process = None

    def pass_on(number: int, _frame: object) -> None:
        if process:
            process.send_signal(number)

    handlers = {signal.SIGTERM: pass_on, signal.SIGHUP: pass_on}
    handlers[signal.SIGINT] = lambda _number, _frame: None  # Ctrl-C reaches the command by itself
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        process = subprocess.Popen(command, **kwargs)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
