"""Odoo's configuration in this environment, and how to run Odoo in it."""

import os
import signal
import subprocess
from pathlib import Path

from . import log_watch, odoo_source, places, postgres, python_packages


def python() -> str:
    """Return the Python that Odoo runs on."""
    return str(python_packages.python('odoo'))


def environment() -> dict[str, str]:
    """Return the environment variables for Odoo and everything that imports it."""
    odoo = odoo_source.find()
    paths = [str(odoo.python_path), os.environ.get('PYTHONPATH', '')]
    return {
        **os.environ,
        **postgres.connection(),
        'ODOO_RC': str(configuration()),
        'PYTHONPATH': os.pathsep.join(path for path in paths if path),
        'PATH': os.pathsep.join([str(python_packages.folder('odoo') / 'bin'), os.environ.get('PATH', '')]),
    }


def configuration() -> Path:
    """Write Odoo's configuration file and return it. Its options can all be given on the command line too."""
    odoo = odoo_source.find()
    options = {
        'addons_path': ','.join(str(path) for path in (*odoo.addons, places.CLONE)),
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


def run(arguments: list[str], **kwargs) -> int:
    """Run Odoo's command line in the foreground and return its exit status."""
    return foreground([python(), '-m', 'odoo', *arguments], **kwargs)


def watched(arguments: list[str], findings: Path) -> tuple[list[str], dict[str, str]]:
    """Return command and environment to run Odoo with, writing what it logs at WARNING or above to `findings`."""
    program = Path(log_watch.__file__)
    return [python(), str(program), *arguments], environment() | {log_watch.FINDINGS_VARIABLE: str(findings)}


def foreground(command: list[str], **kwargs) -> int:
    """Run a command until it ends; what the terminal or a supervisor wants of this process is for the command.

    :return: the exit status, 128 + n for one that signal n ended.
    """
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the command by itself
    try:
        with subprocess.Popen(
            command,
            env=kwargs.pop('env', None) or environment(),
            preexec_fn=lambda: signal.signal(signal.SIGINT, ignored),
            **kwargs,
        ) as process:
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda received, _frame: process.send_signal(received))
            status = process.wait()
    finally:
        signal.signal(signal.SIGINT, ignored)
    return status if status >= 0 else 128 - status
