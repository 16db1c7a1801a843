"""What holds for every test: nothing unexpected is logged, nothing is skipped."""

import os
from pathlib import Path

import pytest

from environment import log_watch

WATCH = pytest.StashKey[log_watch.LogWatch]()
# What was logged while no test ran: title -> messages.
OUTSIDE = pytest.StashKey[dict[str, list[str]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    watch = config.stash[WATCH] = log_watch.LogWatch()
    watch.start()
    config.stash[OUTSIDE] = {}
    if findings := os.environ.get(log_watch.FINDINGS_VARIABLE):
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
    if any(outside.values()) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    for title, messages in config.stash[OUTSIDE].items():
        if messages:
            terminalreporter.section(f"Odoo logged {title}", red=True)
            for message in messages:
                terminalreporter.line(message)
