"""OCA's add-ons, for what builds on them."""

from pathlib import Path

from . import places, python_packages
from .console import Step

COMPANION = places.CLONE / 'assist_billing_queue_job'


def is_needed() -> bool:
    """Tell whether an add-on of this clone builds on OCA's."""
    return COMPANION.is_dir()


def step() -> Step:
    """Return the step that fetches OCA's add-ons; it comes after that of Odoo's packages."""
    return python_packages.folder_step('oca', "OCA's add-ons", '--no-deps')


def addons() -> list[Path]:
    """Return the folder of OCA's add-ons if they were fetched."""
    folder = python_packages.folder('oca')
    return [folder / 'odoo/addons'] if places.is_complete(folder) else []
