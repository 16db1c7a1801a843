"""Databases of this clone's server, each with its files: Odoo keeps attachments beside them."""

import os
import shutil
from pathlib import Path

from . import places, postgres
from .console import Problem


def names() -> list[str]:
    """Return the names of all databases but PostgreSQL's own."""
    return _lines(
        "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname != 'postgres'"
    )


def exists(name: str) -> bool:
    return name in names()


def copy(source: str, target: str) -> None:
    """Make `target` a copy of `source`, with its files.

    :raise Problem: when `source` is missing or in use, or `target` exists.
    """
    made = postgres.run(
        'createdb', f'--template={source}', target, check=False, capture_output=True
    )
    if made.returncode:
        raise Problem(
            f"The database {source} cannot be copied to {target}.",
            made.stderr,
            "Nobody may be connected to a database while it is copied. Who is:"
            "\n  tools/db psql postgres -c 'TABLE pg_stat_activity'"
            f"\nAn old copy goes with `tools/db drop {target}`.",
        )
    if files(source).is_dir():
        # Odoo never writes to such a file again: both databases can share them.
        shutil.copytree(files(source), files(target), copy_function=os.link, dirs_exist_ok=True)


def rename(old: str, new: str) -> None:
    """Give a database that nobody is connected to, and its files, another name."""
    places.remove(files(new))
    if files(old).is_dir():
        files(old).rename(files(new))
    postgres.run('psql', '-Xqc', f'ALTER DATABASE "{old}" RENAME TO "{new}"')


def drop(name: str) -> None:
    """Drop a database, if it is there, cutting its connections; and its files."""
    dropped = postgres.run(
        'dropdb', '--if-exists', '--force', name, check=False, capture_output=True
    )
    if dropped.returncode:
        raise Problem(f"The database {name} cannot be dropped.", dropped.stderr)
    places.remove(files(name))


def files(name: str) -> Path:
    """Return the folder of a database's files."""
    return places.state_dir() / 'data/filestore' / name


def has_module(name: str, module: str) -> bool:
    """Tell whether a database exists and has an add-on fully installed."""
    if not exists(name) or not _lines("SELECT to_regclass('ir_module_module')", name):
        return False
    return module in _lines("SELECT name FROM ir_module_module WHERE state = 'installed'", name)


def _lines(query: str, database: str = 'postgres') -> list[str]:
    answer = postgres.run('psql', '-XAtqc', query, database, capture_output=True, check=False)
    if answer.returncode:
        raise Problem(f"PostgreSQL does not answer for the database {database}.", answer.stderr)
    return answer.stdout.split()
