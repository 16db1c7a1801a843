"""What holds for every test: nothing unexpected is logged, nothing is skipped."""

import importlib.util
import os
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from environment import log_watch, places, testing

WATCH = pytest.StashKey[log_watch.LogWatch]()
# What was logged while no test ran: title -> messages.
OUTSIDE = pytest.StashKey[dict[str, list[str]]]()
# How many tests `make test` leaves out, and how many it shortens.
LEFT = pytest.StashKey[dict[str, int]]()


def load_thorough():
    """Load what says which tests are thorough; as a package's module it would need Odoo."""
    path = places.CLONE / 'assist_billing/tests/thorough.py'
    spec = importlib.util.spec_from_file_location('thorough', path)
    module = sys.modules['thorough'] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


thorough = load_thorough()


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
    config.stash[LEFT] = {'thorough': 0, 'shortened': 0}
    for name in config.stash[LEFT]:
        config.addinivalue_line('markers', f'{name}: see assist_billing/tests/thorough.py')
    findings = os.environ.get(log_watch.FINDINGS_VARIABLE)
    if findings and not hasattr(config, 'workerinput'):
        config.stash[OUTSIDE]["while the add-ons were installed"] = log_watch.read_findings(
            Path(findings)
        )


def pytest_itemcollected(item):
    """Mark a test by what is said of it, or else of its class."""
    in_class = item.cls and getattr(item.cls, item.originalname, None)
    for said_of in (in_class or item.function, item.cls):
        name = getattr(said_of, thorough.ATTRIBUTE, None)
        if name:
            item.add_marker(name)
            break
    else:
        # Of these there are fewer examples, see tests/rules/conftest.py.
        if getattr(item.function, 'is_hypothesis_test', False):
            item.add_marker('shortened')


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items, config):
    """Begin with what takes long, lest one of the processes is left alone with it at the end.

    Tests of a class stay together; the seconds are those that such tests take on the average.
    """
    if not hasattr(config, 'workerinput'):
        return
    seconds = Counter()
    for item in items:
        seconds[get_scope(item)] += get_seconds(item)
    items.sort(key=lambda item: -seconds[get_scope(item)])


def get_scope(item):
    """Return what pytest-xdist keeps in one process."""
    return item.nodeid.rpartition('::')[0]


def get_seconds(item):
    if item.get_closest_marker('thorough') or item.get_closest_marker('shortened'):
        return 6
    if hasattr(item.cls, 'browser_js'):
        return 2
    return 0.5 if hasattr(item.cls, 'env') or hasattr(item.cls, 'test_tags') else 0.05


def pytest_deselected(items):
    """Count what is left to `make thorough`."""
    left = [item for item in items if item.get_closest_marker('thorough')]
    items[0].config.stash[LEFT]['thorough'] += len(left)


def pytest_collection_finish(session):
    session.config.stash[LEFT]['shortened'] = sum(
        1 for item in session.items if item.get_closest_marker('shortened')
    )
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
        session.config.workeroutput['left'] = session.config.stash[LEFT]
    if any(outside.values()) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take over what a process that shared the tests saw while no test ran."""
    for title, messages in getattr(node, 'workeroutput', {}).get('outside', {}).items():
        node.config.stash[OUTSIDE].setdefault(title, []).extend(messages)
    # Each of them collects all tests.
    node.config.stash[LEFT].update(getattr(node, 'workeroutput', {}).get('left', {}))


def pytest_terminal_summary(terminalreporter, config):
    left = config.stash[LEFT]
    if thorough.IS_SHORT and any(left.values()):
        terminalreporter.section("Left to `make thorough`")
        terminalreporter.line(
            f"{left['thorough']} tests, and the whole of {left['shortened']} "
            "that were run in a short form"
        )
    for title, messages in config.stash[OUTSIDE].items():
        if messages:
            terminalreporter.section(f"Odoo logged {title}", red=True)
            for message in messages:
                terminalreporter.line(message)
