"""How the test suite is run."""

import os
import re
from pathlib import Path

from . import base_database, databases, log_watch, oca, odoo_command, places, python_packages
from .console import Problem, Step, say

# Set for `make test`, which runs a part of the suite; see assist_billing/tests/thorough.py.
SHORT_VARIABLE = 'ASSIST_SHORT'
# Names the environment variables by which the tests learn of what was made for them.
TEMPLATE_VARIABLE = 'ASSIST_TEMPLATE_DATABASE'
# The folder of a `wkhtmltopdf` with patched Qt, to be put first on the PATH.
PATCHED_WKHTMLTOPDF_VARIABLE = 'ASSIST_PATCHED_WKHTMLTOPDF'
# The folder of the rules for e-invoices, and of what runs them.
EINVOICE_VARIABLE = 'ASSIST_EINVOICE_RULES'
# Add-ons that build on other applications of Odoo, or on OCA's: tested beside these.
BESIDE_OTHERS = {
    'assist_billing_din5008',
    'assist_billing_tier_validation',
    'assist_billing_timesheet',
}
# Tests of real processes, which wait and watch more than they work.
PROCESS_TESTS = ('tests/process', 'tests/bench')
# Each takes a gigabyte of memory with the processes, browsers and databases that its tests start.
MOST_LANES = 4
# Run in Odoo's shell.
PREPARED_RECORDS = places.CLONE / 'tests/prepared_records.py'
DATABASE_PATTERN = re.compile(r'assist_test_(\d+)(_\w+)?')


def patched_wkhtmltopdf_step() -> Step:
    """Return the step that fetches a wkhtmltopdf with patched Qt, which Debian's is not."""
    return python_packages.folder_step('wkhtmltopdf', "wkhtmltopdf with patched Qt, for tests")


def einvoice_step() -> Step:
    """Return the step that fetches the rules that e-invoices are tested with."""
    return python_packages.folder_step('einvoice', "Rules for e-invoices, for tests", '--no-deps')


def modules() -> list[str]:
    """Return the names of the add-ons in this clone."""
    return sorted(path.parent.name for path in places.CLONE.glob('*/__manifest__.py'))


def core_modules() -> list[str]:
    """Return the add-ons that need Odoo's `account` alone: what is tested and measured with it.

    Those that build on OCA's are tested in a database of their own; those that build on other
    applications of Odoo beside these, by `make neighbours`.
    """
    return [module for module in modules() if module not in {oca.COMPANION.name, *BESIDE_OTHERS}]


def run_all(
    arguments: list[str],
    paths: list[str] | None = None,
    *,
    short: bool = False,
    thorough: bool = False,
) -> int:
    """Install the add-ons in a fresh database, run its tests; return pytest's exit status.

    With `paths`, those tests alone are run. The add-on that builds on OCA's is tested beside the
    others in a database of its own: there the schedule hands over what it closes elsewhere.

    :param short: leave out the tests that are marked thorough, and run others in a short form.
    :param thorough: run what `short` leaves out or shortens, whole.
    """
    _drop_leftovers()
    name = f'assist_test_{os.getpid()}'
    findings = places.state_dir() / f'{name}.findings'
    try:
        of_base = base_database.copy_to(name, core_modules())
        install(name, findings, core_modules())
        with findings.open('a') as file:
            file.write(of_base.read_text())
        variables = {log_watch.FINDINGS_VARIABLE: str(findings)}
        with_companion = oca.is_needed() and not (paths or arguments or short)
        if short:
            variables[SHORT_VARIABLE] = '1'
            arguments = ['-m', 'not thorough', *arguments]
            if oca.is_needed():
                say(f"The tests of {oca.COMPANION.name} are left to `make thorough`.")
        if thorough:
            arguments = ['-m', 'thorough or shortened', *arguments]
        paths = paths or [
            'tests',
            # They have commands of their own: `make processes`, `make neighbours`.
            *(f'--ignore={path}' for path in (*PROCESS_TESTS, 'tests/neighbours')),
            *(
                f'{module}/tests'
                for module in core_modules()
                if (places.CLONE / module / 'tests').is_dir()
            ),
        ]
        # First, so that the summary of the whole suite comes last.
        alone = run_companion(name) if with_companion else 0
        lanes = min(os.cpu_count() or 1, MOST_LANES)
        return run_pytest(name, [*paths, *arguments], variables, lanes) or alone
    finally:
        places.remove(findings)
        if os.environ.get('KEEP_DB'):
            say(f"The database stays: tools/pytest {name} PATH")
        else:
            databases.drop(name)


def run_companion(core: str) -> int:
    """Install the add-on that builds on OCA's beside the others, and run its tests."""
    name = f'{core}_companion'
    findings = places.state_dir() / f'{name}.findings'
    databases.copy(core, name)
    try:
        install(name, findings, [oca.COMPANION.name])
        return run_pytest(
            name,
            [f'{oca.COMPANION.name}/tests'],
            {log_watch.FINDINGS_VARIABLE: str(findings)},
        )
    finally:
        places.remove(findings)
        databases.drop(name)


def run_pytest(
    database: str, arguments: list[str], variables: dict[str, str] | None = None, lanes: int = 1
) -> int:
    """Run pytest from the clone's top against a database; return its exit status.

    :param lanes: how many processes share the tests.
    Tests that need a database of their own copy a template, for which `database` is copied first.
    """
    template = f'{database}_template'
    workers = []
    if lanes > 1:
        workers = [database_of_worker(database, f'gw{number}') for number in range(lanes)]
        # In the order of the root's conftest.py, not by how many tests a class has.
        shared = ('--dist=loadscope', '--no-loadscope-reorder')
        arguments = [f'--numprocesses={lanes}', *shared, *arguments]
    copies = [template, *workers]
    for copy in copies:
        databases.drop(copy)
    databases.copy(database, template)
    if workers:
        first, *others = workers
        databases.copy(database, first)
        base_database.run_in_shell(first, PREPARED_RECORDS, base_database.PREPARED_PAGES)
        for other in others:
            databases.copy(first, other)
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
        EINVOICE_VARIABLE: str(python_packages.folder('einvoice')),
    }
    environment = odoo_command.environment() | made_for_tests | (variables or {})
    try:
        return odoo_command.foreground(command, cwd=places.CLONE, env=environment)
    finally:
        for copy in copies:
            databases.drop(copy)


def database_of_worker(database: str, worker: str) -> str:
    """Return the name of the copy of a database on which one of pytest's processes works."""
    return f'{database}_{worker}'


def _patched_wkhtmltopdf() -> Path:
    """Return a folder with the patched wkhtmltopdf under that name; its package has another."""
    folder = python_packages.folder('wkhtmltopdf') / 'as-wkhtmltopdf'
    folder.mkdir(exist_ok=True)
    link = folder / 'wkhtmltopdf'
    if not link.exists():
        link.symlink_to('../bin/wkhtmltopdf-pack')
    return folder


def install(name: str, findings: Path, wanted: list[str]) -> None:
    """Install add-ons of this clone, without demo data, in a database that may be new."""
    title = f"Installing {', '.join(wanted)} in the database {name}"
    options = [f'--database={name}', f"--init={','.join(wanted)}", '--stop-after-init']
    log = places.state_dir() / f'{name}.log'
    odoo_command.run_with_progress(title, options, log, findings)
    missing = [module for module in wanted if not databases.has_module(name, module)]
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
