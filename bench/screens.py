"""Every screen of ours at a million sessions: which take how long, and which take too long."""

import dataclasses
import json
from pathlib import Path

from environment.console import Problem, Progress

from . import report
from .client import Stage
from .sizes import ScreenSizes

# Milliseconds that each kind may take; an export is of 10,000 rows.
LIMITS = {'screen': 300, 'export': 3_000, 'tie': 3_000}
# So many of those within the limit are in the table; all are in bench/results.json.
SHOWN = 15


def run(sizes: ScreenSizes, results_path: Path | None = None) -> str:
    """Measure the screens alone; return the table.

    :param results_path: figures of a whole run, in which those of the screens are replaced
    """
    with Stage() as stage:
        results = measure(stage, sizes)
    if results_path:
        report.write({**json.loads(results_path.read_text()), **results}, results_path, None)
    return format_table(results)


def measure(stage: Stage, sizes: ScreenSizes, installed: str | None = None) -> dict:
    """Fill a database, open every screen in it, and return what each took.

    :param installed: a database with `assist_billing`, to copy; default: one is made
    :return: `screens_ms`: name -> milliseconds; `screens_above`: names -> the limit they are above
    """
    name = stage.copy(installed or stage.install('assist_billing'), 'screens')
    progress = Progress(f"Screens at {count_sessions(sizes):,} sessions")
    progress.begin()
    with stage.clients(name) as [client]:
        progress.show("storing them")
        values = dataclasses.asdict(sizes)
        values.pop('name')
        users = client.do('fill_screens', **values)
    with stage.clients(name) as [client]:
        progress.show("opening every screen")
        found = client.do('walk_screens', **users)
        _check_opened(found)
        above = find_above(found)
        progress.show("opening again what took too long")
        # The machine may have been busy.
        again = client.do('walk_screens', **users, only=list(above)) if above else {}
    for screen, (kind, ms) in again.items():
        found[screen] = kind, min(ms, found[screen][1])
    stage.drop(name)
    progress.end()
    return {
        'screens_ms': {screen: ms for screen, (_kind, ms) in found.items()},
        'screens_above': find_above(found),
    }


def _check_opened(found: dict) -> None:
    errors = {screen: error for screen, (kind, error) in found.items() if kind == 'error'}
    if errors:
        raise Problem(f"Screens that do not open: {', '.join(errors)}", next(iter(errors.values())))


def count_sessions(sizes: ScreenSizes) -> int:
    """Return how many sessions there are."""
    return sizes.bills * sizes.per_bill + sizes.waiting + sizes.unmatched + sizes.portal


def find_above(found: dict) -> dict:
    """Return the limits of those that took longer: `{name: limit}`."""
    return {screen: LIMITS[kind] for screen, (kind, ms) in found.items() if ms > LIMITS[kind]}


def format_table(results: dict) -> str:
    """Return the slowest screens as text, those above their limit first."""
    times, above = results['screens_ms'], results['screens_above']
    slowest = sorted(times, key=times.get, reverse=True)
    shown = [name for name in slowest if name in above]
    shown += [name for name in slowest if name not in above][:SHOWN]
    lines = [f"{'ms':>8}  screen"]
    lines += [
        f"{times[name]:>8,.0f}  {name}{'  ABOVE ' + str(above[name]) if name in above else ''}"
        for name in shown
    ]
    lines.append(f"{len(times)} screens, {len(above)} above the limit; the others are faster.")
    return '\n'.join(lines)
