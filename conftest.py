"""What holds for every test: nothing unexpected is logged, nothing is skipped."""

import os
import threading
from pathlib import Path

import pytest

from environment import log_watch, testing

WATCH = pytest.StashKey[log_watch.LogWatch]()
# What was logged while no test ran: title -> messages.
OUTSIDE = pytest.StashKey[dict[str, list[str]]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config):
    """Give each of several processes that share the tests its own copy of the database."""
    if hasattr(config, 'workerinput') and config.getoption('--odoo-database', None):
        config.option.odoo_database = testing.database_of_worker(
            config.option.odoo_database, config.workerinput['workerid']
        )
    return (yield)


@pytest.fixture(scope='session', autouse=True)
def load_registry(pytestconfig):
    """Load the registry before the first test; pytest-odoo's own would copy the database itself."""
    if not pytestconfig.getoption('--odoo-database', None):
        return
    from odoo.modules.registry import Registry  # noqa: PLC0415 - there once pytest-odoo has it
    from odoo.tests.common import get_db_name  # noqa: PLC0415

    threading.current_thread().testing = True
    Registry(get_db_name())


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    watch = config.stash[WATCH] = log_watch.LogWatch()
    watch.start()
    config.stash[OUTSIDE] = {}
    findings = os.environ.get(log_watch.FINDINGS_VARIABLE)
    if findings and not hasattr(config, 'workerinput'):
        config.stash[OUTSIDE]["while the add-ons were installed"] = log_watch.read_findings(
            Path(findings)
        )


def pytest_collection_finish(session):
    session.config.stash[OUTSIDE]["before the first test"] = session.config.stash[WATCH].take()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Make a test fail that was skipped, or during which something unexpected was logged."""
    report = yield
    logged = item.config.stash[WATCH].take()
    if report.skipped and not hasattr(report, 'wasxfail'):
        report.outcome = 'failed'
        report.longrepr = f"Skipped, so it proves nothing: {call.excinfo.value}"
    elif report.passed and logged:
        report.outcome = 'failed'
        report.longrepr = (
            "Odoo logged what this test did not expect (see assertLogs and mute_logger):\n"
            + '\n'.join(logged)
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Make a file fail that skips itself as a whole."""
    report = yield
    if report.skipped:
        report.outcome = 'failed'
        report.longrepr = f"Skipped, so it proves nothing: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    outside = session.config.stash[OUTSIDE]
    outside["after the last test"] = session.config.stash[WATCH].take()
    if hasattr(session.config, 'workerinput'):
        session.config.workeroutput['outside'] = outside
    if any(outside.values()) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take over what a process that shared the tests saw while no test ran."""
    for title, messages in getattr(node, 'workeroutput', {}).get('outside', {}).items():
        node.config.stash[OUTSIDE].setdefault(title, []).extend(messages)


def pytest_terminal_summary(terminalreporter, config):
    for title, messages in config.stash[OUTSIDE].items():
        if messages:
            terminalreporter.section(f"Odoo logged {title}", red=True)
            for message in messages:
                terminalreporter.line(message)
