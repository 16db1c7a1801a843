"""The whole set-up, step by step."""

from . import oca, odoo_source, postgres, python_packages, system_packages, testing
from .console import run_steps


def ensure(for_tests: bool = False, with_oca: bool = False) -> None:
    """Set up what is missing: minutes the first time, next to nothing when all is there.

    :param for_tests: a browser too.
    :param with_oca: OCA's add-ons too, even if no add-on here builds on them.
    """
    odoo_source.check_own()
    packages = system_packages.PYTHON + system_packages.ODOO
    if for_tests:
        packages += system_packages.BROWSER
    run_steps(
        [
            system_packages.step(packages),
            *odoo_source.steps(),
            python_packages.step('odoo', "Python packages"),
            *([oca.step()] if with_oca or oca.is_needed() else []),
            *([testing.patched_wkhtmltopdf_step(), testing.einvoice_step()] if for_tests else []),
            postgres.step(),
        ]
    )
    odoo_source.find()
