"""Odoo 19: the machine owner's own (ODOO_PATH), or Debian's package unpacked into the cache."""

import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from . import npm, places
from .console import Problem, Progress, Step
from .debian import ODOO_PATH_HINT, Apt, machine_mirror, package_field, unpack

PACKAGE = 'odoo-19'
SERIES = '19.0'
# Odoo's package links to fonts and scripts in sibling packages. These two are taken from the
# machine's own suite: unstable's have other file names (Font Awesome 7, Inconsolata without its
# .otf) than the links expect.
FROM_OWN_SUITE = ('fonts-font-awesome', 'fonts-inconsolata')
# Debian leaves this file out, for it is minified. Without it every page logs an error, and every
# browser test fails.
STRIPPED_FILE = 'odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js'
STRIPPED_SOURCE = npm.PackagedFile(
    package='@mediapipe/selfie_segmentation@0.1.1675465747',
    path='selfie_segmentation.js',
    sha256='a4720d2d2374ec9df3510461ff186a4af427fb5bd402375e135875a991467da3',
)


class Odoo(NamedTuple):
    """An Odoo to run: what goes onto Python's path, and the folders of its add-ons."""

    python_path: Path
    addons: list[Path]


def steps() -> list[Step]:
    """Return what it takes to have an Odoo."""
    return [
        Step(f"Odoo {SERIES} from Debian", lambda: _is_ready() or _is_downloaded(), _download),
        Step("Unpacking Odoo", _is_ready, _unpack),
    ]


def check_own() -> None:
    """Raise Problem when ODOO_PATH is set and names no Odoo 19.0."""
    if _own_path():
        find()


@cache
def find() -> Odoo:
    """Return the Odoo to use.

    :raise Problem: when the folder (ODOO_PATH's, or the cache's) does not hold an Odoo 19.0.
    """
    own = _own_path()
    root = Path(own).expanduser().resolve() if own else _python_path(_folder())
    release = root / 'odoo/release.py'
    if not release.is_file():
        raise Problem(
            f"There is no Odoo in {root}.",
            "It has no file odoo/release.py.",
            "ODOO_PATH must name the folder that holds the folder `odoo`, as in Odoo's git."
            if own
            else f"Remove {_folder()} and run this again.",
        )
    _check_series(release.read_text(), root)
    candidates = (root / 'addons', root / 'odoo/addons')
    return Odoo(
        root, [path for path in candidates if path.is_dir() and any(path.glob('*/__manifest__.py'))]
    )


def _check_series(release: str, root: Path) -> None:
    found = re.search(r'^version_info = \((\d+), (\d+)', release, re.MULTILINE)
    series = '.'.join(found.groups()) if found else 'of an unknown version'
    if series != SERIES:
        raise Problem(
            f"{root} holds Odoo {series}.",
            f"The add-ons are made for Odoo {SERIES}.",
            f"ODOO_PATH must name an Odoo {SERIES}." if _own_path() else ODOO_PATH_HINT,
        )


def _own_path() -> str:
    return os.environ.get('ODOO_PATH', '')


def _folder() -> Path:
    return places.cache_dir() / PACKAGE


def _packages_folder() -> Path:
    return places.cache_dir() / f'{PACKAGE}-packages'


def _python_path(prefix: Path) -> Path:
    return prefix / 'usr/lib/python3/dist-packages'


def _is_ready() -> bool:
    return bool(_own_path()) or places.is_complete(_folder())


def _is_downloaded() -> bool:
    return places.is_complete(_packages_folder())


def _download(progress: Progress) -> None:
    """Fetch Odoo's package and its siblings from the machine's mirror, verified by apt."""
    with places.locked(places.cache_dir() / 'odoo.lock', "Another set-up fetches Odoo; waiting."):
        if _is_ready() or _is_downloaded():
            return
        folder = _packages_folder()
        apt = Apt(folder / 'apt', machine_mirror())
        apt.update(progress)
        _check_offer(apt)
        (odoo,) = apt.download([f'{PACKAGE}/sid'], folder, progress)
        apt.download(_siblings(odoo, apt.mirror.suite), folder, progress)
        places.complete(folder)


def _check_offer(apt: Apt) -> None:
    """Make sure that the mirror offers the Odoo we want before fetching 120 MB of it."""
    version = apt.candidate(PACKAGE)
    if not version.startswith(SERIES):
        raise Problem(
            f"Debian's mirror {apt.mirror.address} does not offer Odoo {SERIES} any more.",
            f"Its package {PACKAGE} is of version {version or '(none)'}.",
            ODOO_PATH_HINT,
        )


def _siblings(odoo: Path, own_suite: str) -> list[str]:
    """Return the packages of fonts and scripts that Odoo's package depends on, as `name/suite`."""
    alternatives = package_field(odoo, 'Depends').split(',')
    names = [re.split(r'[\s(|]', alternative.strip())[0] for alternative in alternatives]
    return [
        f"{name}/{own_suite if name in FROM_OWN_SUITE else 'sid'}"
        for name in names
        if name.startswith(('fonts-', 'libjs-'))
    ]


def _unpack(progress: Progress) -> None:
    """Unpack the packages into one folder and add the file that Debian leaves out."""
    with places.locked(places.cache_dir() / 'odoo.lock', "Another set-up unpacks Odoo; waiting."):
        if _is_ready():
            return
        with places.new_folder(_folder()) as prefix:
            unpack(sorted(_packages_folder().glob('*.deb')), prefix, progress)
            npm.fetch(STRIPPED_SOURCE, _python_path(prefix) / STRIPPED_FILE, progress)
            _check_links(prefix)
        places.remove(_packages_folder())


def _check_links(prefix: Path) -> None:
    """Make sure that every link in Odoo's package leads to a file: a dead one breaks pages."""
    dead = [path for path in prefix.rglob('*') if path.is_symlink() and not path.exists()]
    if dead:
        raise Problem(
            f"Debian's Odoo links to {len(dead)} files that its packages do not bring.",
            '\n'.join(f'{path} -> {path.readlink()}' for path in dead[:5]),
            f"Debian unstable does not fit together today: try again later.\n{ODOO_PATH_HINT}",
        )
