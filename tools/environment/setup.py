"""The whole set-up, step by step."""

from . import odoo_source, postgres, python_packages, system_packages
from .console import run_steps


def ensure(for_tests: bool = False) -> None:
    """Set up what is missing: minutes the first time, next to nothing when all is there."""
    odoo_source.check_own()
    packages = system_packages.PYTHON + system_packages.ODOO
    if for_tests:
        packages += system_packages.BROWSER
    run_steps(
        [
            system_packages.step(packages),
            *odoo_source.steps(),
            python_packages.step('odoo', "Python packages"),
            postgres.step(),
        ]
    )
    odoo_source.find()
