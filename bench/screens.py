"""Every screen of ours at a million sessions: which take how long, and which take too long."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from environment import databases
from environment.console import Problem, Progress

from . import report
from .client import Stage
from .sizes import ScreenSizes

# Milliseconds that each kind may take; an export is of 10,000 rows.
LIMITS = {'screen': 300, 'export': 3_000, 'tie': 3_000}
# So many of those within the limit are in the table; all are in bench/results.json.
SHOWN = 15


def run(
    sizes: ScreenSizes,
    results_path: Path | None = None,
    only: Sequence[str] = (),
    keep: bool = False,
) -> str:
    """Measure the screens alone; return the table.

    :param results_path: figures of a whole run, in which those of the screens are replaced
    :param only: parts of the names of the screens that are opened; default: all
    :param keep: keep the filled database; and open the one that was kept, if there is one
    """
    with Stage() as stage:
        results = measure(stage, sizes, only=only, keep=keep)
    if results_path:
        report.write({**json.loads(results_path.read_text()), **results}, results_path, None)
    return format_table(results)


def measure(
    stage: Stage,
    sizes: ScreenSizes,
    installed: str | None = None,
    only: Sequence[str] = (),
    keep: bool = False,
) -> dict:
    """Fill a database, open every screen in it, and return what each took.

    :param installed: a database with `assist_billing`, to copy; default: one is made
    :param only: as `run` says; `keep` too
    :return: `screens_ms`: name -> milliseconds; `screens_above`: names -> the limit they are above
    """
    progress = Progress(f"Screens at {count_sessions(sizes):,} sessions")
    kept = f'assist_bench_screens_{sizes.name}'
    if keep and databases.exists(kept):
        name = kept
        progress.begin()
    else:
        name = stage.copy(installed or stage.install('assist_billing'), 'screens')
        progress.begin()
        progress.show("storing them")
        _fill(stage, name, sizes)
        if keep:
            stage.keep(name, kept)
            name = kept
    with stage.clients(name) as [client]:
        users = client.do('get_screen_users')
        progress.show("opening every screen")
        found = client.do('walk_screens', **users, only=list(only))
        _check_opened(found)
        above = find_above(found)
        progress.show("opening again what took too long")
        # The machine may have been busy.
        again = client.do('walk_screens', **users, only=list(above)) if above else {}
    for screen, (kind, ms) in again.items():
        if screen in found:
            found[screen] = kind, min(ms, found[screen][1])
    if not keep:
        stage.drop(name)
    progress.end()
    return {
        'screens_ms': {screen: ms for screen, (_kind, ms) in found.items()},
        'screens_above': find_above(found),
    }


def _fill(stage: Stage, name: str, sizes: ScreenSizes) -> None:
    values = dataclasses.asdict(sizes)
    values.pop('name')
    with stage.clients(name) as [client]:
        client.do('fill_screens', **values)


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
