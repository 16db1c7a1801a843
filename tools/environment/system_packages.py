"""What must be installed on the machine itself, and who installs it."""

import contextlib
import glob
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .console import Problem, Progress
from .places import is_root

# Nothing that is installed is removed, and nothing upgraded that need not be.
INSTALL = ['install', '--yes', '--no-install-recommends', '--no-upgrade', '--no-remove']
# Debian's PostgreSQL makes and starts a cluster "main" when first installed, unless told not to.
NO_MAIN_CLUSTER = Path('/etc/postgresql-common/createcluster.d/assist-billing.conf')


def postgres_bins() -> list[Path]:
    """Return the folders of PostgreSQL's server programs, newest version first."""
    found = [Path(path).parent for path in glob.glob('/usr/lib/postgresql/*/bin/initdb')]
    return sorted(found, key=lambda path: int(path.parent.name), reverse=True)


def _has_program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _has_venv() -> bool:
    return all(importlib.util.find_spec(name) for name in ('venv', 'ensurepip'))


def _has_certificates() -> bool:
    return os.path.exists('/etc/ssl/certs/ca-certificates.crt')


# Debian package -> is what we need of it there? (It may have come from elsewhere.)
NEEDED = {
    'ca-certificates': _has_certificates,
    'python3-venv': _has_venv,
    'postgresql': lambda: bool(postgres_bins()),
    'wkhtmltopdf': _has_program('wkhtmltopdf'),
}
# The browser tours need a browser as well.
NEEDED_FOR_TESTS = {
    'chromium': _has_program(
        'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
    ),
}


def missing(for_tests: bool) -> list[str]:
    needed = NEEDED | (NEEDED_FOR_TESTS if for_tests else {})
    return [name for name, is_there in needed.items() if not is_there()]


def install(names: list[str], progress: Progress) -> None:
    """Install missing Debian packages, as root; tell anyone else which ones root must install."""
    command = f"apt-get install --no-install-recommends {' '.join(names)}"
    if not is_root():
        raise Problem(
            f"Missing on this machine: {', '.join(names)}.",
            "These come with Debian, and only root can install them.",
            f"Once, as root:\n  {command}\nThen run the same command again, as yourself."
            + (
                "\n(Debian starts an empty PostgreSQL server of its own then; it is not used here.)"
                if 'postgresql' in names
                else ''
            ),
        )
    if not shutil.which('apt-get'):
        raise Problem(
            f"Missing on this machine: {', '.join(names)}.",
            "There is no apt-get here to install them with.",
            "Install the same programs in this system's own way, or use Debian.",
        )
    _apt_get(['update'], progress)
    if 'postgresql' in names:
        _apt_get([*INSTALL, 'postgresql-common'], progress)
    with _no_main_cluster('postgresql' in names):
        _apt_get([*INSTALL, *names], progress)
    importlib.invalidate_caches()
    left = [name for name in names if not (NEEDED | NEEDED_FOR_TESTS)[name]()]
    if left:
        raise Problem(
            f"Installed, and still not found: {', '.join(left)}.",
            "The package no longer brings what is needed here, or it is not on the PATH.",
            f"See `dpkg -L {left[0]}`, and the PATH of this shell: {os.environ.get('PATH')}",
        )


def _apt_get(arguments: list[str], progress: Progress) -> None:
    """Run apt-get, showing its percentage; raise Problem with its last words when it fails."""
    status_read, status_write = os.pipe()
    command = ['apt-get', '-q', '-o', f'APT::Status-Fd={status_write}', *arguments]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[status_write],
            env=os.environ | {'DEBIAN_FRONTEND': 'noninteractive', 'LC_ALL': 'C.UTF-8'},
        )
        os.close(status_write)
        with open(status_read, errors='replace') as status:
            for line in status:
                # "dlstatus:1:12.5:Retrieving file 1 of 8" or "pmstatus:name:80.0:Configuring name"
                parts = line.rstrip().split(':', 3)
                if len(parts) == 4:
                    progress.show(f'{parts[2]} % {parts[3]}')
        if process.wait():
            output.seek(0)
            words = output.read().decode(errors='replace').splitlines()
            raise Problem(
                f"`{' '.join(['apt-get', *arguments])}` failed.",
                '\n'.join(line for line in words[-8:] if line.strip()),
                "Mend what apt-get complains about (network, sources, disk), then run this again.",
            )


@contextlib.contextmanager
def _no_main_cluster(wanted: bool) -> Iterator[None]:
    """Have PostgreSQL's package not make a server nobody asked for, while it is installed.

    A machine that has PostgreSQL already never comes here, so no cluster of its own is touched.
    """
    if not wanted:
        yield
        return
    NO_MAIN_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    NO_MAIN_CLUSTER.write_text('create_main_cluster = off\n')
    try:
        yield
    finally:
        NO_MAIN_CLUSTER.unlink(missing_ok=True)
