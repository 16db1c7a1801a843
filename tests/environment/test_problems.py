"""What the tools say when something cannot be had."""

import socket

import pytest
from thorough import thorough

from environment import odoo_source, private_database, server
from environment.console import Problem


@pytest.fixture
def own_odoo(monkeypatch, tmp_path):
    """Return a function that lets ODOO_PATH name a folder with such a release.py, or none."""

    def own_odoo(release):
        monkeypatch.setenv('ODOO_PATH', str(tmp_path))
        odoo_source.find.cache_clear()
        if release:
            (tmp_path / 'odoo').mkdir()
            (tmp_path / 'odoo/release.py').write_text(release)

    yield own_odoo
    monkeypatch.undo()
    odoo_source.find.cache_clear()


def test_a_port_that_is_taken_is_named_and_another_offered():
    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=rf'Port {port} is taken') as caught:
            server.check_port(port)
    assert 'make run PORT=' in caught.value.todo
    server.check_port(port)


def test_a_folder_without_odoo_is_refused(own_odoo):
    own_odoo('')
    with pytest.raises(Problem, match="There is no Odoo in") as caught:
        odoo_source.check_own()
    assert 'ODOO_PATH must name' in caught.value.todo


def test_another_version_of_odoo_is_refused(own_odoo):
    own_odoo('version_info = (18, 0, 0, FINAL, 0, "")\n')
    with pytest.raises(Problem, match=r'holds Odoo 18\.0'):
        odoo_source.check_own()


def test_a_problem_reads_what_why_and_what_to_do():
    assert str(Problem("Lost.", "No map.", "Buy one.\nOr ask.")) == (
        "Lost.\n  why:        No map.\n  what to do: Buy one.\n              Or ask."
    )


@thorough
def test_a_script_that_fails_or_logs_in_a_real_process_fails_its_test(database):
    assert database.shell("print(env.cr.dbname)") == f'{database.name}\n'
    with pytest.raises(AssertionError, match='ZeroDivisionError'):
        database.shell("1 / 0")
    warning = "import logging; logging.getLogger('some.logger').warning('careful')"
    with pytest.raises(AssertionError, match=r'WARNING some\.logger: careful'):
        database.shell(warning)
    assert database.shell(warning, expected_log='careful') == ''


def test_a_private_database_is_the_test_s_own(database):
    database.query("CREATE TABLE scratch (id int); INSERT INTO scratch VALUES (1), (2)")
    assert database.query("SELECT id, 'x' FROM scratch ORDER BY id") == [('1', 'x'), ('2', 'x')]
    with pytest.raises(AssertionError, match='does not exist'):
        database.query("SELECT * FROM no_such_table")
    assert isinstance(database, private_database.PrivateDatabase)
