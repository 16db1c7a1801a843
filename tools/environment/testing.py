"""How the test suite is run."""

import os
import re
from pathlib import Path

from . import databases, log_watch, odoo_command, places, python_packages
from .console import Problem, Step, say

# Names the environment variables by which the tests learn of what was made for them.
TEMPLATE_VARIABLE = 'ASSIST_TEMPLATE_DATABASE'
# The folder of a `wkhtmltopdf` with patched Qt, to be put first on the PATH.
PATCHED_WKHTMLTOPDF_VARIABLE = 'ASSIST_PATCHED_WKHTMLTOPDF'
DATABASE_PATTERN = re.compile(r'assist_test_(\d+)(_\w+)?')


def patched_wkhtmltopdf_step() -> Step:
    """Return the step that fetches a wkhtmltopdf with patched Qt, which Debian's is not."""
    return python_packages.folder_step('wkhtmltopdf', "wkhtmltopdf with patched Qt, for tests")


def modules() -> list[str]:
    """Return the names of the add-ons in this clone."""
    return sorted(path.parent.name for path in places.CLONE.glob('*/__manifest__.py'))


def run_all(arguments: list[str], paths: list[str] | None = None) -> int:
    """Install the add-ons in a fresh database, run the whole suite; return pytest's exit status.

    With `paths`, those tests alone are run.
    """
    _drop_leftovers()
    name = f'assist_test_{os.getpid()}'
    findings = places.state_dir() / f'{name}.findings'
    try:
        install(name, findings)
        with_findings = {log_watch.FINDINGS_VARIABLE: str(findings)}
        paths = paths or [
            'tests',
            *(
                f'{module}/tests'
                for module in modules()
                if (places.CLONE / module / 'tests').is_dir()
            ),
        ]
        return run_pytest(name, [*paths, *arguments], with_findings)
    finally:
        places.remove(findings)
        if os.environ.get('KEEP_DB'):
            say(f"The database stays: tools/pytest {name} PATH")
        else:
            databases.drop(name)


def run_pytest(database: str, arguments: list[str], variables: dict[str, str] | None = None) -> int:
    """Run pytest from the clone's top against a database; return its exit status.

    Tests that need a database of their own copy a template, for which `database` is copied first.
    """
    template = f'{database}_template'
    databases.drop(template)
    databases.copy(database, template)
    command = [
        *(odoo_command.python(), '-m', 'pytest', f'--odoo-database={database}'),
        # Odoo must log its warnings for them to be seen: pytest-odoo silences them by default.
        *(
            '--odoo-http',
            '--odoo-log-level=warn',
            '--odoo-extra=max-cron-threads=0',
            '--odoo-extra=workers=0',
        ),
        *arguments,
    ]
    made_for_tests = {
        TEMPLATE_VARIABLE: template,
        PATCHED_WKHTMLTOPDF_VARIABLE: str(_patched_wkhtmltopdf()),
    }
    environment = odoo_command.environment() | made_for_tests | (variables or {})
    try:
        return odoo_command.foreground(command, cwd=places.CLONE, env=environment)
    finally:
        databases.drop(template)


def _patched_wkhtmltopdf() -> Path:
    """Return a folder with the patched wkhtmltopdf under that name; its package has another."""
    folder = python_packages.folder('wkhtmltopdf') / 'as-wkhtmltopdf'
    folder.mkdir(exist_ok=True)
    link = folder / 'wkhtmltopdf'
    if not link.exists():
        link.symlink_to('../bin/wkhtmltopdf-pack')
    return folder


def install(name: str, findings: Path) -> None:
    """Install the add-ons of this clone, without demo data, in a new database."""
    title = f"Installing {', '.join(modules())} in the fresh database {name}"
    options = [f'--database={name}', f"--init={','.join(modules())}", '--stop-after-init']
    log = places.state_dir() / f'{name}.log'
    odoo_command.run_with_progress(title, options, log, findings)
    missing = [module for module in modules() if not databases.has_module(name, module)]
    if missing:
        raise Problem(
            f"Not installed: {', '.join(missing)}.",
            odoo_command.last_words(log),
            f"The whole log is {log}",
        )
    places.remove(log)


def _drop_leftovers() -> None:
    """Drop the databases of test runs that were killed."""
    for name in databases.names():
        if (match := DATABASE_PATTERN.fullmatch(name)) and not Path('/proc', match[1]).exists():
            databases.drop(name)
