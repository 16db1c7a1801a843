"""Private databases and Odoo processes of their own, to be killed."""

import os
import subprocess
import sys
import uuid

import pytest

from odoo import sql_db

from environment import databases


@pytest.fixture
def database():
    """A copy of the tested database, dropped afterwards; yields its name."""
    # A database is copied only while nobody is connected to it: not the one that is tested.
    template = os.environ['ASSIST_TEMPLATE_DATABASE']
    name = f"{template.removesuffix('_template')}_{uuid.uuid4().hex[:8]}"
    databases.copy(template, name)
    yield name
    sql_db.close_db(name)
    databases.drop(name)


@pytest.fixture
def odoo_shell(database, ready_odoo, tmp_path):
    """Start `odoo shell` on the private database; returns `start(script, *options) -> process`.

    The process is like a subprocess.Popen whose `communicate` returns output and errors as one.
    """
    started = []

    def start(script, *options):
        folder = tmp_path / f'shell{len(started)}'
        folder.mkdir()
        process = ready_odoo.start(database, script, options=options, folder=folder, merged=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def odoo_server(database, tmp_path):
    """Start Odoo's scheduler on the private database; returns `start(*options) -> (Popen, log)`."""
    started = []

    def start(*options):
        log = tmp_path / f'server{len(started)}.log'
        process = subprocess.Popen(
            [
                *(sys.executable, '-m', 'odoo', '--no-http', '-d', database),
                *('-c', os.environ['ODOO_RC'], f'--logfile={log}', *options),
            ],
        )
        started.append(process)
        return process, log

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def run(odoo_shell):
    """Run a script to its end in a process of its own; returns what it printed."""

    def run_script(script):
        process = odoo_shell(script)
        output, _errors = process.communicate(timeout=300)
        assert process.returncode == 0, output
        assert 'Traceback' not in output, output
        return output

    return run_script


@pytest.fixture
def query(database):
    """Run SQL on the private database; returns the rows."""

    def run_query(statement):
        with sql_db.db_connect(database).cursor() as cr:
            cr.execute(statement)
            return cr.fetchall()

    return run_query
