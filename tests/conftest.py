"""Databases and processes of their own for the tests that need real ones."""

import itertools
import os

import pytest

from environment.private_database import PrivateDatabase

NUMBERS = itertools.count(1)


@pytest.fixture
def database():
    """A private copy of the database with the add-ons freshly installed; dropped at the end.

    `database.shell("...")` runs a script in a real process of Odoo; see `PrivateDatabase`.
    """
    template = os.environ['ASSIST_TEMPLATE_DATABASE']
    copy = PrivateDatabase(template, f"{template.removesuffix('_template')}_{next(NUMBERS)}")
    yield copy
    copy.drop()
