"""Python packages at pinned versions, verified by hash, in virtual environments of their own."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

from . import places
from .console import Problem, Progress, Step
from .processes import Worker

REQUIREMENTS = places.CLONE / 'tools/requirements'
# What Odoo 19 runs on, and its packages were resolved for.
PYTHONS = ((3, 10), (3, 13))


def step(name: str, title: str) -> Step:
    """Return the step that makes the environment of requirements/`name`.txt."""
    return Step(title, lambda: is_ready(name), lambda progress: make(name, progress))


def folder_step(name: str, title: str, *options: str) -> Step:
    """Return the step that puts what requirements/`name`.txt names into a folder of its own.

    It comes after the step of the environment `odoo`, whose pip does it.
    """

    def make_folder(progress: Progress) -> None:
        with places.locked(places.cache_dir() / f'{name}.lock', "Another set-up does; waiting."):
            if not places.is_complete(folder(name)):
                with places.new_folder(folder(name)) as target:
                    _install('odoo', name, progress, f'--target={target}', *options)

    return Step(title, lambda: places.is_complete(folder(name)), make_folder)


def python(name: str) -> Path:
    """Return the Python of the environment that holds the packages of requirements/`name`.txt."""
    return folder(name) / 'bin/python'


def folder(name: str) -> Path:
    """Return the folder in the cache, another for each lock file and Python."""
    made_of = f'{_lock_file(name).read_text()}{sys.version}{Path(sys.executable).resolve()}'
    key = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    return places.cache_dir() / f'python-{name}-{key}'


def is_ready(name: str) -> bool:
    """Tell whether the environment is whole and its Python still installed."""
    return places.is_complete(folder(name)) and python(name).exists()


def make(name: str, progress: Progress) -> None:
    """Make the environment of requirements/`name`.txt."""
    _check_python()
    lock = places.cache_dir() / f'python-{name}.lock'
    with places.locked(lock, "Another set-up installs these packages; waiting."):
        if is_ready(name):
            return
        with places.new_folder(folder(name)) as environment:
            made = subprocess.run(
                [sys.executable, '-m', 'venv', environment],
                capture_output=True,
                text=True,
                check=False,
                pass_fds=places.HELD_LOCKS,
            )
            if made.returncode:
                raise Problem(
                    f"{sys.executable} cannot make a virtual environment.",
                    made.stdout + made.stderr,
                    "As root: apt-get install python3-venv",
                )
            # Some packages come as source: they are built with pinned tools too.
            _install(name, 'build', progress)
            _install(name, name, progress, '--no-build-isolation')


def _check_python() -> None:
    first, last = PYTHONS
    if not first <= sys.version_info[:2] <= last:
        raise Problem(
            f"{sys.executable} is Python {sys.version.split()[0]}.",
            f"Odoo 19 and its packages run on Python {first[0]}.{first[1]} to {last[0]}.{last[1]}.",
            "Have `python3` on the PATH be one of these (Debian's is /usr/bin/python3).",
        )


def _lock_file(name: str) -> Path:
    return REQUIREMENTS / f'{name}.txt'


def _install(environment: str, name: str, progress: Progress, *options: str) -> None:
    """Install what a lock file names with an environment's pip, showing how far it is."""
    pins = set(re.findall(r'^([\w.-]+)==', _lock_file(name).read_text(), re.MULTILINE))
    command = [
        *(python(environment), '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input'),
        *('--progress-bar=off', '--require-hashes', *options, '--requirement', _lock_file(name)),
    ]
    words: list[str] = []
    collected = 0
    with Worker(
        command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout:
            words.append(line.rstrip())
            if line.startswith('Collecting '):
                collected += 1
                progress.show(f'{collected} of {len(pins)} packages')
            elif line.startswith('Installing collected'):
                progress.show(f'installing {collected} packages')
    if process.returncode:
        errors = [line for line in words if 'ERROR' in line or 'error' in line] or words
        raise Problem(
            "The Python packages cannot be installed.",
            '\n'.join(errors[-6:]),
            "Look at the network and at pip's own settings (`pip config list`), and run this again."
            f"\nThe packages wanted, with their hashes, are in {_lock_file(name)}.",
        )
