"""The whole set-up, step by step."""

from . import odoo_source, postgres, python_packages, system_packages
from .console import Step, run_steps


def ensure(for_tests: bool = False) -> None:
    """Set up what is missing: minutes the first time, next to nothing when all is there."""
    run_steps(
        [
            Step(
                "Packages of this machine",
                lambda: not system_packages.missing(for_tests),
                lambda progress: system_packages.install(
                    system_packages.missing(for_tests), progress
                ),
            ),
            *odoo_source.steps(),
            python_packages.step('odoo', "Python packages"),
            postgres.step(),
        ]
    )
    odoo_source.find()
