"""One run of the benchmark from beginning to end."""

import dataclasses
from pathlib import Path

from . import measure, report, screens
from .client import Stage
from .sizes import Sizes

# What many databases have beside Invoicing.
REALISTIC = (
    'sale_management', 'crm', 'stock', 'purchase', 'hr_timesheet', 'l10n_de',
    'account_edi_ubl_cii', 'account_peppol', 'analytic',
)  # fmt: skip


def run(sizes: Sizes, results_path: Path = report.RESULTS, plot: Path | None = report.PLOT) -> dict:
    """Measure everything, write it down and return it; PostgreSQL is running.

    :param plot: where the plot goes; None: nowhere
    """
    machine = report.describe_machine()
    with Stage() as stage:
        ours, contract = stage.install('assist_billing'), stage.install('contract')
        # One database has what many people run beside Invoicing; both ways are measured in it.
        usual = stage.install(','.join(REALISTIC), purpose='realistic')
        real = stage.install('assist_billing', on=usual, purpose='real_ours')
        real_contract = stage.install('contract', on=usual, purpose='real_contract')
        results = {
            **measure.compare_ways(stage, sizes, ours, contract),
            **measure.compare_realistic(stage, sizes, real, real_contract),
            **measure.measure_rates(stage, sizes, ours),
            **measure.measure_workers(stage, sizes, ours),
            **measure.measure_failures(stage, sizes, ours),
            **measure.measure_growth(stage, sizes, ours),
            **measure.measure_ingest(stage, sizes, ours),
            **measure.measure_memory(stage, sizes, ours),
            **measure.measure_printing(stage, sizes, ours),
            **screens.measure(stage, sizes.screens, ours),
        }
    first = {key: results.pop(key) for key in report.GOALS}
    results = {**first, 'sizes': dataclasses.asdict(sizes), 'machine': machine, **results}
    report.write(results, results_path, plot)
    return results
