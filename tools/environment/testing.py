"""How the test suite is run."""

from . import odoo_command, places


def run_pytest(database: str, arguments: list[str]) -> int:
    """Run pytest from the clone's top against a database; return its exit status."""
    command = [
        *(odoo_command.python(), '-m', 'pytest', f'--odoo-database={database}'),
        # Odoo must log its warnings for them to be seen; pytest-odoo would silence all but critical ones.
        *('--odoo-http', '--odoo-log-level=warn', '--odoo-extra=max-cron-threads=0', '--odoo-extra=workers=0'),
        *arguments,
    ]
    return odoo_command.foreground(command, cwd=places.CLONE)
