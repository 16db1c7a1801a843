"""The benchmark itself: that it runs, compares like with like, and reports all it should."""

import json
import os

import pytest
from bench import client, measure, report, run, screens, sizes

from environment import databases, odoo_command, postgres
from environment.console import Problem

KEYS = {
    'vs_oca', 'vs_plain', 'vs_floor', 'growth_bills', 'growth_sessions', 'memory_mb', 'two_workers',
    'two_journals',
    'real_vs_oca', 'real_vs_plain', 'real_vs_floor', 'mixed_vs_oca', 'mixed_vs_floor',
    'failure_cost', 'vs_create', 'vs_load', 'growth_ingest',
}  # fmt: skip


@pytest.fixture(scope='module')
def with_contract():
    """The name of a copy of the tested database that has OCA's `contract` too."""
    name = f"{os.environ['ASSIST_TEMPLATE_DATABASE'].removesuffix('_template')}_contract"
    databases.drop(name)
    databases.copy(os.environ['ASSIST_TEMPLATE_DATABASE'], name)
    options = [f'--database={name}', '--init=contract', '--stop-after-init', '--no-http']
    assert odoo_command.run([*options, '--log-level=critical']) == 0
    yield name
    databases.drop(name)


@pytest.fixture
def quickly_installed(monkeypatch, with_contract):
    """Databases for the benchmark out of the one that is tested: installing takes long."""
    made = {'assist_billing': os.environ['ASSIST_TEMPLATE_DATABASE'], 'contract': with_contract}
    monkeypatch.setattr(
        client.Stage,
        'install',
        lambda _stage, module, on=None, purpose=None: made.get(module),
    )


def test_smallest_run_gives_all_figures_and_equal_bills(quickly_installed, tmp_path):
    path = tmp_path / 'results.json'
    results = run.run(sizes.TINY, path, plot=None)
    assert json.loads(path.read_text()) == results
    assert set(results) >= KEYS
    assert all(results[key] > 0 for key in KEYS - {'memory_mb'})
    # 2 sessions at 20.00 and 2 devices at 5.00, 15 % tax: 10 customers, whoever makes the bills.
    assert results['totals'] == dict.fromkeys(('ours', 'oca', 'plain', 'floor'), 575.0)
    table = report.format_table(results)
    assert all(key in table for key in KEYS)
    assert {
        'Sessions: list', 'Sessions: by Customer', 'Reconciliation',
        'assist.session: box for something', 'portal /my/remote-support/sessions',
    } <= set(results['screens_ms'])  # fmt: skip
    assert [printed['sessions'] for printed in results['printing']] == [3]
    assert "PDF, 3 sessions" in table
    assert set(results['screens_above']) <= set(results['screens_ms'])


def test_kept_database_is_opened_again_and_single_screens_in_it():
    installed = os.environ['ASSIST_TEMPLATE_DATABASE']
    kept = 'assist_bench_screens_tiny'
    databases.drop(kept)
    try:
        for _run in range(2):
            with client.Stage() as stage:
                found = screens.measure(
                    stage, sizes.TINY_SCREENS, installed, only=['Billing Plans: list'], keep=True
                )
            assert [*found['screens_ms']] == ['Billing Plans: list']
            assert databases.exists(kept)
            # Filled once only.
            assert _count_cycles(kept) == 40 + 20 + 2
    finally:
        databases.drop(kept)


def _count_cycles(database):
    query = "SELECT count(*) FROM assist_billing_cycle"
    return int(postgres.run('psql', '-XAtc', query, database, capture_output=True).stdout)


def test_goal_is_met_on_the_right_side_of_its_bound():
    assert report.is_met('vs_oca', 15.0)
    assert not report.is_met('vs_oca', 14.99)
    assert report.is_met('growth_bills', 1.1)
    assert not report.is_met('growth_bills', 1.11)


def test_different_bills_end_the_run(quickly_installed, monkeypatch, tmp_path):
    monkeypatch.setattr(measure, 'PRICES', (['session', None, 20.0], ['device', 1, 5.0]))
    with pytest.raises(Problem, match=r"oca.* not the same as ours"):
        run.run(sizes.TINY, tmp_path / 'results.json', plot=None)
