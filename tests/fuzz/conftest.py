"""Examples: few and always the same in a test run, ever others in a long run (`make fuzz`)."""

import os
from pathlib import Path

import fuzz_run


def pytest_collection_modifyitems(items):
    """Share the minutes of a long run among its tests."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    minutes = float(os.environ.get('ASSIST_FUZZ_MINUTES') or 0)
    fuzz_run.seconds = minutes * 60 / max(len(ours), 1)


def pytest_terminal_summary(terminalreporter):
    """Say how many inputs were tried, and where."""
    tried = fuzz_run.TRIED
    if tried:
        terminalreporter.section("Inputs tried")
        for name, count in sorted(tried.items()):
            terminalreporter.line(f"{count:>9,}  {name}")
        terminalreporter.line(f"{sum(tried.values()):>9,}  in all")
