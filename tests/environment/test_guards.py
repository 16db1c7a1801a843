"""The guards of conftest.py themselves: what must make a run fail does."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from thorough import thorough

from environment import log_watch, places

PASSES = """
import logging
import unittest

class TestExpected(unittest.TestCase):
    def test_expected_by_assert_logs(self):
        with self.assertLogs('some.logger', 'WARNING'):
            logging.getLogger('some.logger').warning("expected")

def test_less_than_a_warning():
    logging.getLogger('some.logger').info("only information")
"""
LOGS = """
import logging

def test_logs():
    logging.getLogger('some.logger').warning("nobody expected %s", "this")
"""
LOGS_IN_SETUP = """
import logging
import unittest

class TestSetup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logging.getLogger('some.logger').error("in setUpClass")

    def test_nothing(self):
        pass
"""
LOGS_ON_IMPORT = """
import logging

logging.getLogger('some.logger').warning("on import")

def test_nothing():
    pass
"""
SKIPS = """
import unittest

class TestSkipped(unittest.TestCase):
    def test_skips(self):
        raise unittest.SkipTest("no browser here")
"""
SKIPS_AS_A_WHOLE = """
import pytest

pytest.skip("not on this machine", allow_module_level=True)
"""


@pytest.fixture
def run(tmp_path):
    """Return a function that runs pytest on a test file under our conftest.py: (status, output)."""
    shutil.copy(places.CLONE / 'conftest.py', tmp_path)

    def run(test_file, findings=()):
        (tmp_path / 'test_it.py').write_text(test_file)
        (tmp_path / 'findings').write_text(''.join(json.dumps(line) + '\n' for line in findings))
        variables = {
            'PYTHONPATH': str(Path(log_watch.__file__).parents[1]),
            log_watch.FINDINGS_VARIABLE: str(tmp_path / 'findings'),
        }
        answer = subprocess.run(
            [sys.executable, '-m', 'pytest', '-p', 'no:odoo', '-p', 'no:cacheprovider', tmp_path],
            env={name: value for name, value in os.environ.items() if name != 'ODOO_RC'}
            | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stdout

    return run


@thorough
def test_expected_messages_and_information_pass(run):
    status, output = run(PASSES)
    assert status == pytest.ExitCode.OK, output
    assert '2 passed' in output


@thorough
@pytest.mark.parametrize(
    ('test_file', 'said'),
    [
        (LOGS, "WARNING some.logger: nobody expected this"),
        (LOGS_IN_SETUP, "ERROR some.logger: in setUpClass"),
        (LOGS_ON_IMPORT, "WARNING some.logger: on import"),
        (SKIPS, "Skipped, so it proves nothing: no browser here"),
        (SKIPS_AS_A_WHOLE, "not on this machine"),
    ],
)
def test_the_unexpected_fails(run, test_file, said):
    status, output = run(test_file)
    assert status in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}, output
    assert said in output


@thorough
def test_what_was_logged_at_installation_fails(run):
    status, output = run(PASSES, findings=["WARNING odoo.registry: while installing"])
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert "WARNING odoo.registry: while installing" in output
    assert '2 passed' in output


def test_no_test_takes_the_time():
    """How long something took says how busy the machine was: see `environment/effort.py`."""
    folders = ('tests', *(f'{path.name}/tests' for path in places.CLONE.glob('assist_billing*')))
    timed = [
        f'{path.relative_to(places.CLONE)}:{number}'
        for folder in folders
        for path in (places.CLONE / folder).rglob('*.py')
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r'\b(perf_counter|process_time|thread_time)(_ns)?\(', line)
    ]
    assert timed == []
