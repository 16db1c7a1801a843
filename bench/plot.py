"""Draw the figures of `results.json`, with a Python of its own: `plot.py RESULTS TARGET.svg`."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use('svg')
from matplotlib import pyplot as plt

BLUE, GREY = '#2a6fb0', '#b8bec6'
WAYS = {
    'oca': "OCA\ncontract",
    'plain': "create\n+ post",
    'ours': "closing\npass",
    'floor': "SQL\ncopies",
}


def main(source: str, target: str) -> None:
    results = json.loads(Path(source).read_text())
    # The same figures give the same file.
    mpl.rcParams.update({'svg.hashsalt': 'bench', 'font.size': 9})
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout='constrained')
    draw_ways(axes[0], results)
    draw_growth(axes[1], results)
    draw_workers(axes[2], results)
    draw_ingest(axes[3], results)
    figure.savefig(target, metadata={'Date': None})


def draw_ways(axis, results) -> None:
    costs = [results['ways'][way] for way in WAYS]
    draw_bars(axis, list(WAYS.values()), costs, highlighted=2)
    axis.set_title("One bill, four ways")
    axis.set_ylabel("ms per bill")


def draw_growth(axis, results) -> None:
    sizes = results['sizes']
    names = [
        f"{sizes['few_bills']:,} bills\n{sizes['few_sessions']:,} sessions",
        f"{sizes['many_bills']:,}\nbills",
        f"{sizes['many_sessions']:,}\nsessions",
    ]
    draw_bars(axis, names, [results['growth'][name] for name in ('few', 'bills', 'sessions')])
    axis.set_title("What is there already")
    axis.set_ylabel("ms per bill")


def draw_workers(axis, results) -> None:
    draw_bars(axis, ["1 worker", "2 workers"], list(results['workers'].values()))
    axis.set_title("Workers")
    axis.set_ylabel("ms per bill")


def draw_ingest(axis, results) -> None:
    names = ['load', 'create', 'ingest']
    draw_bars(axis, names, [results['ingest'][name] for name in names], highlighted=2)
    axis.set_title("One session taken in")
    axis.set_ylabel("ms per session")


def draw_bars(axis, names, costs, highlighted=None) -> None:
    """Draw medians as bars, with the least and the most of the rounds as lines."""
    medians = [cost['ms'] for cost in costs]
    spread = [
        [cost['ms'] - cost['ms_min'] for cost in costs],
        [cost['ms_max'] - cost['ms'] for cost in costs],
    ]
    colors = [
        BLUE if highlighted is None or index == highlighted else GREY for index in range(len(names))
    ]
    bars = axis.bar(names, medians, color=colors, yerr=spread, ecolor='#444', capsize=3)
    axis.bar_label(bars, fmt='%.3g', padding=6)
    axis.margins(y=0.2)
    axis.spines[['top', 'right']].set_visible(False)


if __name__ == '__main__':
    main(*sys.argv[1:])
