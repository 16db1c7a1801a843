"""All faults one after the other, and the table of what they have cost."""

import json
from collections.abc import Sequence
from pathlib import Path

from environment import places
from environment.console import Problem, Progress

from . import faults_oracle, faults_scenes, report
from .client import Stage as Databases
from .faults_process import Trial

RESULTS = places.CLONE / 'bench/faults.json'
PAGE = places.CLONE / 'docs/faults.md'
# due cycles, sessions of each, bills that are sent, how often a fault strikes
NORMAL = (2_000, 10, 30, 10)
QUICK = (500, 5, 6, 2)
HEADS = (
    "fault", "times", "cycles", "sessions", "half billed", "lost", "doubled", "hanging",
    "sum differs",
)  # fmt: skip


def run(
    sizes: tuple[int, int, int, int], results_path: Path, only: Sequence[str] = ()
) -> list[dict]:
    """Try every fault; write down and return what each has cost.

    :param only: names of the scenes to try, beside the undisturbed run; default: all
    """
    cycles, each, sent, times = sizes
    machine = report.describe_machine()
    results = []
    with Databases() as stage:
        template = stage.install('assist_billing')
        progress = Progress(f"{cycles:,} customers, {cycles * each:,} sessions")
        progress.begin()
        setting = Trial(template, template)
        setting.run('prepare', customers=cycles, per_customer=each, sent=sent)
        owed = faults_oracle.read_owed(setting.rows)
        progress.end(f"they owe {sum(each.total for each in owed.values()):,}")
        scene_stage = faults_scenes.Stage(template, owed, times, cycles, cycles * each, sent)
        for scene in faults_scenes.SCENES:
            if only and scene.__name__ not in (*only, 'nothing'):
                continue
            progress = Progress(scene.__name__.replace('_', ' '))
            progress.begin()
            results.append(_describe(scene(scene_stage)))
            progress.end('  '.join(_format_row(results[-1])[1:]) + f"  {results[-1]['notes']}")
            results_path.write_text(
                json.dumps({'machine': machine, 'faults': results}, indent=2) + '\n'
            )
    return results


def check(results: list[dict]) -> None:
    """Raise Problem when a fault has cost anything."""
    if wrong := [result for result in results if not result['is_clean']]:
        raise Problem(
            "Not all faults went without damage.",
            '\n'.join(f"{result['fault']}: {result['left_hanging']}" for result in wrong),
        )


def format_table(results: list[dict]) -> str:
    """Return the table in Markdown, which reads well as text too."""
    rows = [HEADS, *map(_format_row, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        '| ' + ' | '.join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ) + ' |'
        for row in rows
    ]  # fmt: skip
    rule = '|' + '|'.join('-' * (width + 1) + (':' if n else '-') for n, width in enumerate(widths))
    return '\n'.join([lines[0], rule + '|', *lines[1:]])


def format_page(path: Path = RESULTS) -> str:
    """Return what the page in docs/ says of a run, from what was written down of it."""
    written = json.loads(path.read_text())
    machine, results = written['machine'], written['faults']
    return '\n'.join(
        [
            f"Taken {machine['taken_at']} on {machine['cores']} cores ({machine['cpu']}), load"
            f" {', '.join(map(str, machine['load_before']))} before it began.",
            "",
            format_table(results),
            "",
            *(f"- {each['fault']}: {each['notes']}" for each in results if each['notes']),
        ]
    )


def _describe(outcome: faults_scenes.Outcome) -> dict:
    verdict = outcome.verdict
    return {
        'fault': outcome.fault,
        'times': outcome.times,
        'cycles': outcome.cycles,
        'sessions': outcome.sessions,
        'half_billed': outcome.half_billed,
        'lost': verdict.lost,
        'doubled': verdict.doubled,
        'hanging': sum(verdict.hanging.values()),
        'left_hanging': dict(verdict.hanging),
        'sum_differs': verdict.differing,
        'is_clean': verdict.is_clean and not outcome.half_billed,
        'notes': outcome.notes,
    }


def _format_row(result: dict) -> tuple[str, ...]:
    names = ('times', 'cycles', 'sessions', 'half_billed', 'lost', 'doubled', 'hanging')
    counts = [f'{result[name]:,}' for name in (*names, 'sum_differs')]
    return (result['fault'], *counts)
