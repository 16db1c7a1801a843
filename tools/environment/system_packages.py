"""What must be installed on the machine itself, and who installs it."""

import glob
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .console import Problem, Progress, Step
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


class Package(NamedTuple):
    """A Debian package, what it is for, and whether what we need of it is there already."""

    name: str
    purpose: str
    is_there: Callable[[], bool]


PYTHON = [
    Package('ca-certificates', "downloads", _has_certificates),
    Package('python3-venv', "Python packages", _has_venv),
]
ODOO = [
    Package('postgresql', "databases", lambda: bool(postgres_bins())),
    Package('wkhtmltopdf', "PDF", _has_program('wkhtmltopdf')),
]
BROWSER = [
    Package(
        'chromium',
        "browser tests",
        _has_program('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'),
    ),
]


def step(needed: list[Package]) -> Step:
    """Return the step that installs what is missing of some packages."""

    def is_ready() -> bool:
        left_behind = is_root() and NO_MAIN_CLUSTER.exists()  # by a set-up that was killed
        return not _missing(needed) and not left_behind

    return Step("Packages of this machine", is_ready, lambda progress: _install(needed, progress))


def _missing(packages: list[Package]) -> list[Package]:
    return [package for package in packages if not package.is_there()]


def _ask_root() -> Problem:
    """Tell a normal user what root must install: all of it, so that root is asked only once."""
    packages = _missing(PYTHON + ODOO + BROWSER)
    names = ' '.join(package.name for package in packages)
    purposes = ', '.join(f'{package.name} ({package.purpose})' for package in packages)
    note = "\n(postgresql starts an empty server of its own then; it is not used here.)"
    return Problem(
        f"Missing on this machine: {purposes}.",
        "They come with Debian, and only root can install them.",
        f"Once, as root:\n  apt-get update && apt-get install --no-install-recommends {names}"
        f"\nThen run the same command again, as yourself.{note if 'postgresql' in names else ''}",
    )


def _install(needed: list[Package], progress: Progress) -> None:
    """Install missing Debian packages, as root; tell anyone else which ones root must install."""
    names = [package.name for package in _missing(needed)]
    if not is_root():
        raise _ask_root()
    if not shutil.which('apt-get'):
        raise Problem(
            f"Missing on this machine: {', '.join(names)}.",
            "There is no apt-get here to install them with.",
            "Install the same programs in this system's own way, or use Debian.",
        )
    try:
        _apt_get_install(names, progress)
    finally:
        NO_MAIN_CLUSTER.unlink(missing_ok=True)
    importlib.invalidate_caches()
    left = [package.name for package in _missing(needed)]
    if left:
        raise Problem(
            f"Installed, and still not found: {', '.join(left)}.",
            "The package no longer brings what is needed here, or it is not on the PATH.",
            f"See `dpkg -L {left[0]}`, and the PATH of this shell: {os.environ.get('PATH')}",
        )


def _apt_get_install(names: list[str], progress: Progress) -> None:
    if names:
        _apt_get(['update'], progress)
    if 'postgresql' in names:
        # It was not here, so it has no cluster whose settings these could be.
        _apt_get([*INSTALL, 'postgresql-common'], progress)
        NO_MAIN_CLUSTER.parent.mkdir(exist_ok=True)
        NO_MAIN_CLUSTER.write_text('create_main_cluster = off\n')
    if names:
        _apt_get([*INSTALL, *names], progress)


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
