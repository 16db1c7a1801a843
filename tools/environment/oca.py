"""OCA's add-ons, for what builds on them."""

from pathlib import Path

from . import places, python_packages
from .console import Progress, Step

COMPANION = places.CLONE / 'assist_billing_queue_job'


def is_needed() -> bool:
    """Tell whether an add-on of this clone builds on OCA's."""
    return COMPANION.is_dir()


def step() -> Step:
    """Return the step that fetches OCA's add-ons; it comes after that of Odoo's packages."""
    return Step("OCA's add-ons", _is_ready, _make)


def addons() -> list[Path]:
    """Return the folder of OCA's add-ons if they were fetched."""
    return [_folder() / 'odoo/addons'] if _is_ready() else []


def _folder() -> Path:
    return places.cache_dir() / f"oca-{python_packages.key('oca')}"


def _is_ready() -> bool:
    return places.is_complete(_folder())


def _make(progress: Progress) -> None:
    with places.locked(places.cache_dir() / 'oca.lock', "Another set-up fetches them; waiting."):
        if not _is_ready():
            with places.new_folder(_folder()) as folder:
                options = ['--no-deps', '--target', str(folder)]
                python_packages.install('odoo', 'oca', progress, *options)
