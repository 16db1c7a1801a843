"""The demo: a database with the add-on and its demo data, and a story played in it."""

import hashlib
from pathlib import Path

from . import databases, log_watch, odoo_command, places, server
from .console import Problem, say

DATABASE = 'assist_demo'
MODULE = 'assist_billing'
STORY = places.CLONE / 'tools/demo/story.py'
PDF = places.CLONE / 'build/bill.pdf'


def prepare() -> None:
    """Create the database if it is not there; upgrade it if the add-on's files have changed."""
    if databases.has_module(DATABASE, MODULE):
        if not _sum_file().is_file() or _sum_file().read_text() != _checksum():
            _odoo(
                f"Upgrading {DATABASE}, for the add-on has changed",
                f'--database={DATABASE}',
                f'--update={MODULE}',
            )
    else:
        # It gets its name only when it is whole.
        half = f'{DATABASE}_new'
        databases.drop(half)
        databases.drop(DATABASE)
        _odoo(
            f"Creating the database {DATABASE}",
            f'--database={half}',
            f'--init={MODULE}',
            '--with-demo',
        )
        databases.rename(half, DATABASE)
    _sum_file().write_text(_checksum())


def tell_story() -> None:
    """Import the sample export, close what is due, print the bills, write one as PDF."""
    variables = {'ASSIST_DEMO_PDF': str(PDF)}
    # The PDF's style sheets come from a server. No scheduled actions meanwhile: the story closes
    # each cycle as of its own day.
    with server.serving(DATABASE, server.free_port(), 0, log()) as running, STORY.open() as script:
        variables['ASSIST_DEMO_URL'] = running.url
        options = [f'--database={DATABASE}', '--no-http', '--log-level=warn']
        environment = odoo_command.environment() | variables
        with odoo_command.started(['shell', *options], stdin=script, env=environment) as shell:
            shell.wait()
    if shell.returncode:
        raise Problem(
            f"The demo stopped with status {shell.returncode}.",
            "What went wrong is printed above.",
            "Mend it and run this again. To begin anew: tools/db drop assist_demo",
        )


def serve(port: int) -> None:
    """Serve the demo until Ctrl-C."""
    try:
        with server.serving(DATABASE, port, 1, log()) as running:
            say(
                f"\nOdoo runs on {running.url} - user admin, password admin - until Ctrl-C."
                f"\nIts log is {log()}"
            )
            running.wait()
    except KeyboardInterrupt:
        say("\nStopped.")


def log() -> Path:
    return places.state_dir() / 'demo.log'


def _odoo(title: str, *options: str) -> None:
    """Run Odoo, and show what it warned of."""
    findings = log().with_suffix('.findings')
    odoo_command.run_with_progress(title, [*options, '--stop-after-init'], log(), findings)
    for message in log_watch.read_findings(findings):
        say(message)
    places.remove(findings)


def _sum_file() -> Path:
    return places.state_dir() / 'demo.sum'


def _checksum() -> str:
    """Return a checksum of the add-on's files that is another after any change."""
    total = hashlib.sha256()
    for path in sorted((places.CLONE / MODULE).rglob('*')):
        if path.is_file() and path.suffix != '.pyc':
            total.update(f'{path.relative_to(places.CLONE)}\0'.encode())
            total.update(path.read_bytes())
    return total.hexdigest()
