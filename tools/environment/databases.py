"""Databases of this clone's server, each with its files (Odoo keeps attachments beside the database)."""

import os
import shutil
import subprocess
from pathlib import Path

from . import places, postgres
from .console import Problem


def names() -> list[str]:
    """Return the names of all databases but PostgreSQL's own."""
    return _lines("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname != 'postgres'")


def exists(name: str) -> bool:
    return name in names()


def copy(source: str, target: str) -> None:
    """Make `target` a copy of `source`, with its files.

    :raise Problem: when `source` is missing or in use, or `target` exists.
    """
    made = postgres.run('createdb', f'--template={source}', target, check=False, capture_output=True)
    if made.returncode:
        raise Problem(
            f"The database {source} cannot be copied to {target}.",
            made.stderr,
            "Nobody may be connected to a database while it is copied (`tools/db psql postgres -c"
            f" 'SELECT pid, datname, query FROM pg_stat_activity'` shows who is).\nAn old copy goes with `tools/db drop {target}`.",
        )
    if files(source).is_dir():
        # Odoo names these files by their content and never writes to one again: both databases can share them.
        shutil.copytree(files(source), files(target), copy_function=os.link, dirs_exist_ok=True)


def drop(name: str) -> None:
    """Drop a database, cutting its connections, and its files. One that is not there is no error."""
    dropped = postgres.run('dropdb', '--if-exists', '--force', name, check=False, capture_output=True)
    if dropped.returncode:
        raise Problem(f"The database {name} cannot be dropped.", dropped.stderr)
    places.remove(files(name))


def files(name: str) -> Path:
    """Return the folder of a database's files."""
    return places.state_dir() / 'data/filestore' / name


def has_module(name: str, module: str) -> bool:
    """Tell whether a database exists and has an add-on fully installed."""
    if not exists(name):
        return False
    query = f"SELECT 1 FROM ir_module_module WHERE name = '{module}' AND state = 'installed'"  # noqa: S608 - our own names
    return _lines(query, name) == ['1']


def _lines(query: str, database: str = 'postgres') -> list[str]:
    answer = postgres.run('psql', '-XAtqc', query, database, stdout=subprocess.PIPE, check=False, stderr=subprocess.DEVNULL)
    return answer.stdout.split()
