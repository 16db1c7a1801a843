"""The check of the check: `make faults` finds what it looks for."""

import os

import pytest
from bench import faults, faults_oracle
from bench.faults_process import Trial

from environment.console import Problem

CUSTOMERS = 12
# What is spoiled, one after the other: how, and what the verdict has more of then.
SPOILED = (
    (
        "UPDATE account_move_line SET price_subtotal = price_subtotal + 0.01"
        " WHERE id = (SELECT min(id) FROM account_move_line WHERE assist_charge = 'hour')",
        {'differing': 1},
    ),
    (
        "UPDATE account_move_line SET balance = balance + 0.01"
        " WHERE id = (SELECT max(id) FROM account_move_line WHERE display_type = 'tax')",
        {'differing': 1},
    ),
    (
        "UPDATE assist_session SET state = 'to_bill'"
        " WHERE id = (SELECT min(id) FROM assist_session)",
        {'lost': 1, 'hanging': {'sessions to bill': 1}},
    ),
    (
        "UPDATE account_move SET state = 'cancel' WHERE id ="
        " (SELECT id FROM account_move WHERE assist_kind = 'bill'"
        " ORDER BY assist_association_id OFFSET 1 LIMIT 1)",
        {'lost': 1},
    ),
    (
        "UPDATE account_move SET assist_association_id ="
        " (SELECT min(assist_association_id) + 2 FROM account_move WHERE assist_kind = 'bill')"
        " WHERE id = (SELECT id FROM account_move WHERE assist_kind = 'bill'"
        " ORDER BY assist_association_id DESC OFFSET 1 LIMIT 1)",
        # Nobody's bill of one customer, the second one of another, whose amounts it has not.
        {'lost': 1, 'doubled': 1, 'differing': 1},
    ),
    (
        "UPDATE assist_billing_cycle SET error = 'No.', attempts = 1"
        " WHERE id = (SELECT min(id) FROM assist_billing_cycle)",
        {'hanging': {'cycles with an error': 1}},
    ),
    (
        "DELETE FROM assist_billing_cycle WHERE id = (SELECT max(id) FROM assist_billing_cycle)",
        {'hanging': {'customers without a next cycle': 1}},
    ),
    (
        "UPDATE assist_billing_run SET state = 'running'",
        {'hanging': {'runs that have not ended': 1}},
    ),
)


@pytest.fixture
def trial():
    template = os.environ['ASSIST_TEMPLATE_DATABASE']
    with Trial(template, f"{template.removesuffix('_template')}_faults") as found:
        yield found


def test_oracle_agrees_with_an_undisturbed_run_and_finds_each_kind_of_damage(trial):
    trial.run('prepare', customers=CUSTOMERS, per_customer=3, sent=2)
    owed = faults_oracle.read_owed(trial.rows)
    assert len(owed) == CUSTOMERS
    trial.run('finish')
    assert faults_oracle.judge(trial.rows, owed).is_clean
    assert faults_oracle.count_half_billed(trial.rows) == 0
    # Nothing has been sent yet, and with the last word on it that is found too.
    assert faults_oracle.judge(trial.rows, owed, sending=True).hanging == {
        'bills not sent': 2,
        'bills without a mail': 2,
    }
    expected = faults_oracle.Verdict()
    for statement, more in SPOILED:
        trial.execute(statement)
        for name, value in more.items():
            if name == 'hanging':
                expected.hanging.update(value)
            else:
                setattr(expected, name, getattr(expected, name) + value)
        assert faults_oracle.judge(trial.rows, owed) == expected, statement
    assert faults_oracle.count_half_billed(trial.rows) == 1


def test_damage_ends_the_program():
    clean = {'fault': "none", 'is_clean': True, 'left_hanging': {}}
    faults.check([clean])
    with pytest.raises(Problem, match="without damage"):
        faults.check([clean, {**clean, 'fault': "flood", 'is_clean': False}])
