"""What was measured, as a table, as JSON and as a plot."""

import json
import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from environment import places, python_packages
from environment.console import Problem

RESULTS = places.CLONE / 'bench/results.json'
PLOT = places.CLONE / 'docs/images/bench.svg'
PLOTTER = places.CLONE / 'bench/plot.py'
PAGE = places.CLONE / 'docs/performance.md'
SCALING = places.CLONE / 'docs/scaling.md'
# key: what it is, the goal in words, how the figure compares with the goal, the goal
GOALS = {
    'vs_oca': ("times as fast as OCA's contract", 'at least', 15.0),
    'vs_plain': ("times as fast as plain create + _post", 'at least', 10.0),
    'vs_floor': ("times the cost of copying the rows by SQL", 'at most', 4.0),
    'real_vs_oca': ("vs_oca beside Sales, Inventory and others", 'at least', 15.0),
    'real_vs_plain': ("vs_plain beside these", 'at least', 2.4),
    'real_vs_floor': ("vs_floor beside these", 'at most', 5.0),
    'mixed_vs_oca': ("vs_oca beside these, customers mixed", 'at least', 10.0),
    'mixed_vs_floor': ("vs_floor beside these, customers mixed", 'at most', 9.0),
    'share_derived': ("of the bills of mixed customers are derived", 'at least', 0.9),
    'proof_seconds': ("s of Odoo's processor for the first proofs", 'at most', 10.0),
    'rates_cost': ("times the cost with rates on every plan", 'at most', 1.3),
    'growth_bills': ("cost per bill, many bills present to few", 'at most', 1.1),
    'growth_sessions': ("cost per bill, many sessions present to few", 'at most', 1.1),
    'memory_mb': ("MB more at the peak of the large run", 'at most', 50.0),
    'two_workers': ("times as fast with two workers", 'at least', 1.4),
    'two_journals': ("times as fast with two workers, two journals", 'at least', 1.8),
    'failure_cost': ("times the cost when one in a hundred fails", 'at most', 2.0),
    'vs_create': ("times as fast: ingest to create", 'at least', 5.0),
    'vs_load': ("times as fast: ingest to load", 'at least', 5.0),
    'growth_ingest': ("cost per record, many sessions stored to few", 'at most', 1.1),
}
TITLES = {
    'ours': "closing pass",
    'oca': "OCA contract + one batch post",
    'plain': "create + _post, 100 at a time",
    'floor': "SQL copies of the same rows",
}


def is_met(key: str, figure: float) -> bool:
    """Tell whether a figure reaches its goal."""
    _meaning, bound, goal = GOALS[key]
    return figure >= goal if bound == 'at least' else figure <= goal


def describe_machine() -> dict:
    """Return what the figures were taken on, and how busy it was."""
    model = re.search(r'model name\s*: (.*)', Path('/proc/cpuinfo').read_text())
    return {
        'taken_at': datetime.now(timezone.utc).isoformat(timespec='minutes'),
        'cpu': model[1] if model else platform.machine(),
        'cores': os.cpu_count(),
        'load_before': [round(load, 1) for load in os.getloadavg()],
        'python': platform.python_version(),
        # Debian's, or one with patched Qt: they take their time in other ways.
        'wkhtmltopdf': _run('wkhtmltopdf', '--version'),
    }


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write(results: dict, results_path: Path = RESULTS, plot: Path | None = PLOT) -> None:
    """Write the figures, and the plot of them."""
    results_path.write_text(json.dumps(results, indent=2) + '\n')
    if plot is None:
        return
    drawn = subprocess.run(
        [python_packages.python('bench'), PLOTTER, results_path, plot],
        capture_output=True,
        text=True,
        check=False,
    )
    if drawn.returncode:
        raise Problem("The plot could not be drawn.", drawn.stderr)


def update_page(name: str, text: str, page: Path = PAGE) -> None:
    """Put `text` on a page in docs/, between the two comments that bear `name`."""
    begin, end = f'<!-- {name} -->', f'<!-- end of {name} -->'
    before, found, rest = page.read_text().partition(begin)
    _old, found_too, after = rest.partition(end)
    if not (found and found_too):
        raise Problem(f"{page} has no place for the {name}.", "", f"Give it: {begin} and {end}")
    page.write_text(f'{before}{begin}\n{text}\n{end}{after}')


def format_page(results: dict) -> str:
    """Return what the page in docs/ says of a run."""
    machine, ours = results['machine'], results['ways']['ours']['ms']
    each = results['sizes']['sessions_per_bill']
    loads = ', '.join(str(load) for load in machine['load_before'])
    return '\n'.join(
        [
            f"Taken {machine['taken_at']} on {machine['cores']} cores ({machine['cpu']}), load"
            f" {loads} before it began. Medians of {results['sizes']['rounds']} rounds.",
            "",
            f"One worker: {3_600_000 / ours:,.0f} customers billed in an hour, with"
            f" {3_600_000 / ours * each:,.0f} sessions ({each} each).",
            "",
            "```",
            format_table(results),
            "```",
        ]
    )


def format_table(results: dict) -> str:
    """Return the figures and the goals as text."""
    rows = [("figure", "measured", "goal", "", "what it is")]
    for key, (meaning, bound, goal) in GOALS.items():
        met = "met" if is_met(key, results[key]) else "NOT met"
        rows.append((key, f'{results[key]:.2f}', f'{bound} {goal:g}', met, meaning))
    rows.append(("", "", "", "", ""))
    rows.append(("cost of", "ms", "from", "to", ""))
    for way, title in TITLES.items():
        rows.append((*_format_costs(f"a bill, {way}", results['ways'][way]), title))
    for database in ('real', 'mixed'):
        for way, measured in results[database].items():
            rows.append((*_format_costs(f"{database}, {way}", measured), TITLES[way]))
    for name, costs in results['rates'].items():
        rows.append((*_format_costs(f"a bill, {name} rates", costs), "hourly plans"))
    for name, costs in results['growth'].items():
        rows.append((*_format_costs(f"a bill, {name}", costs), "bills and sessions present"))
    rows += _list_workers(results)
    for name, costs in results['failures'].items():
        rows.append((*_format_costs(f"a due cycle, {name} fail", costs), "refused when posted"))
    for name, costs in results['ingest'].items():
        rows.append((*_format_costs(f"a session, {name}", costs), "new sessions"))
    large = results['ingest_large']
    note = f"{large['records']:,} in one call, {large['memory_mb']} MB more at the peak"
    rows.append((*_format_costs("a session, at once", large), note))
    rows += [
        (
            f"memory, {run['due']:,} due",
            f"{run['peak_mb']} MB",
            "",
            "",
            f"{run['seconds']} s; {run['held_mb']} MB before",
        )
        for run in results['memory']
    ]
    rows += [
        (
            f"PDF, {printed['sessions']:,} sessions",
            f"{printed['seconds']} s",
            "",
            "",
            f"{printed['cpu']} s of Odoo's processor, {printed['bytes'] / 1e6:.1f} MB;"
            f" {results['machine']['wkhtmltopdf']}",
        )
        for printed in results['printing']
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return '\n'.join(
        '  '.join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        .rstrip()
        for row in rows
    )  # fmt: skip


def _list_workers(results: dict) -> list[tuple]:
    return [
        (*_format_costs(f"a bill, {count} workers", costs), f"wall-clock, {journals}")
        for name, journals in (('workers', "one journal"), ('workers_two_journals', "two journals"))
        for count, costs in results[name].items()
    ]


def _format_costs(title: str, costs: dict) -> tuple[str, str, str, str]:
    return (title, f"{costs['ms']:.3f}", f"{costs['ms_min']:.3f}", f"{costs['ms_max']:.3f}")
