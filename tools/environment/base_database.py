"""A database of Odoo's own add-ons, made once and copied by each run of the tests.

Odoo's add-ons take most of the time of an installation, and compiling its web pages' scripts and
styles takes as long again; neither changes from one run to the next. Ours are installed anew each
time, in a copy.
"""

import ast
import hashlib
import os
import subprocess
from pathlib import Path

from . import databases, odoo_command, odoo_source, places
from .console import Problem

PREFIX = 'assist_base_'
# Run in Odoo's shell.
PREPARED_PAGES = places.CLONE / 'tests/prepared_pages.py'
# They change nothing of what is installed.
LEFT_OUT = {'__pycache__', 'doc', 'i18n', 'tests'}


def copy_to(name: str, wanted: list[str]) -> Path:
    """Make a database in which only the add-ons `wanted`, of this clone, have to be installed.

    :return: the file of what was logged at WARNING or above while Odoo's own were.
    """
    needed = _needed(wanted)
    base = f'{PREFIX}{_checksum(needed)}'
    with places.locked(
        places.state_dir() / 'base_database.lock', "Another run makes the base; waiting."
    ):
        if not databases.exists(base):
            _make(base, needed)
        databases.copy(base, name)
    return _findings_of(base)


def run_in_shell(database: str, *scripts: Path) -> None:
    """Run scripts in Odoo's shell, one after the other in the same process."""
    shell = ['shell', f'--database={database}', '--no-http', '--log-level=warn']
    text = '\n'.join(script.read_text() for script in scripts)
    with odoo_command.started(shell, stdin=subprocess.PIPE, text=True) as process:
        process.communicate(text)
    if process.returncode:
        raise Problem(f"The database {database} could not be prepared.", "See above.")


def _make(base: str, needed: list[str]) -> None:
    for name in databases.names():
        # Of another Odoo, or left by a run that was killed meanwhile.
        if name.startswith(PREFIX):
            databases.drop(name)
            places.remove(_findings_of(name))
    half = f'{base}_new'
    log = places.state_dir() / f'{base}.log'
    odoo_command.run_with_progress(
        f"Installing {', '.join(needed)} of Odoo, to be copied by each run",
        [f'--database={half}', f"--init={','.join(needed)}", '--stop-after-init'],
        log,
        _findings_of(base),
    )
    places.remove(log)
    run_in_shell(half, PREPARED_PAGES)
    # It gets its name only when it is whole.
    databases.rename(half, base)


def _findings_of(base: str) -> Path:
    return places.state_dir() / f'{base}.findings'


def _needed(wanted: list[str]) -> list[str]:
    """Return the add-ons of Odoo that some of this clone depend on."""
    depended = set()
    for module in wanted:
        manifest = ast.literal_eval((places.CLONE / module / '__manifest__.py').read_text())
        depended |= set(manifest['depends'])
    return sorted(
        module for module in depended if not (places.CLONE / module / '__manifest__.py').is_file()
    )


def _checksum(needed: list[str]) -> str:
    """Return a checksum of Odoo's files, by their size and time, and of what makes the base."""
    odoo = odoo_source.find()
    summed = hashlib.sha256(repr(needed).encode())
    for path in (Path(__file__), PREPARED_PAGES):
        summed.update(path.read_bytes())
    for top in sorted({odoo.python_path / 'odoo', *odoo.addons}):
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(set(folders) - LEFT_OUT)
            for file in sorted(files):
                stat = os.stat(os.path.join(folder, file))
                summed.update(f'{folder}/{file} {stat.st_size} {stat.st_mtime_ns}\n'.encode())
    return summed.hexdigest()[:12]
