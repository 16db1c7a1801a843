"""Databases and processes of their own for the tests that need real ones."""

import itertools
import os
import sys

import pytest

from odoo.tests.common import get_db_name

from environment.private_database import PrivateDatabase
from environment.ready_odoo import ReadyOdoo

NUMBERS = itertools.count(1)


@pytest.fixture(scope='session')
def ready_odoo():
    """Odoo, loaded with the add-ons, to fork processes from."""
    ready = ReadyOdoo(
        sys.executable,
        # Not the template: it is copied only while nobody is connected to it.
        get_db_name(),
        ['-c', os.environ['ODOO_RC'], '--no-http', '--log-level=warn'],
    )
    yield ready
    ready.stop()


@pytest.fixture
def database(ready_odoo):
    """A private copy of the database with the add-ons freshly installed; dropped at the end.

    `database.shell("...")` runs a script in a real process of Odoo; see `PrivateDatabase`.
    """
    template = os.environ['ASSIST_TEMPLATE_DATABASE']
    worker = os.environ.get('PYTEST_XDIST_WORKER', '')
    name = f"{template.removesuffix('_template')}_{worker}{next(NUMBERS)}"
    copy = PrivateDatabase(ready_odoo, template, name)
    yield copy
    copy.drop()
