"""How much is measured."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ScreenSizes:
    """What is there when screens are opened."""

    name: str
    customers: int
    bills: int  # of all customers together, a whole number for each
    per_bill: int  # billed sessions of each bill
    waiting: int  # sessions to be billed
    unmatched: int
    portal: int  # sessions of one customer besides


NORMAL_SCREENS = ScreenSizes(
    name='normal',
    customers=10_000,
    bills=100_000,
    per_bill=9,
    waiting=80_000,
    unmatched=20_000,
    portal=100_000,
)
QUICK_SCREENS = ScreenSizes(
    name='quick',
    customers=1_000,
    bills=10_000,
    per_bill=9,
    waiting=8_000,
    unmatched=2_000,
    portal=10_000,
)
TINY_SCREENS = ScreenSizes(
    name='tiny', customers=20, bills=40, per_bill=2, waiting=40, unmatched=10, portal=10
)


@dataclass(frozen=True)
class Sizes:
    """Numbers of rows and of repetitions; figures are medians over `rounds` repetitions."""

    name: str
    rounds: int  # repetitions of each way, after one that is not counted
    bills: int  # bills that each way makes in a round
    sessions_per_bill: int
    few_bills: int  # bills in the ledger, when few and when many are there
    many_bills: int
    few_sessions: int  # sessions stored, when few and when many are there
    many_sessions: int
    growth_bills: int  # bills that a round of the growth measurement makes
    # Repetitions where a tenth of a bill's cost is to be told, or where rounds are unlike.
    many_rounds: int
    small_run: int  # due cycles of the runs whose memory is compared
    large_run: int
    worker_bills: int  # bills that one or two workers make in a round
    failing_bills: int  # due cycles of a round in which some fail
    ingested: int  # records of the one large `ingest`
    ingested_sample: int  # records in a round of `ingest`, `create` and `load`
    printed: list[int]  # sessions on each of the bills that are made PDFs
    screens: ScreenSizes


NORMAL = Sizes(
    name='normal',
    rounds=5,
    bills=500,
    sessions_per_bill=10,
    few_bills=1_000,
    many_bills=100_000,
    few_sessions=10_000,
    many_sessions=1_000_000,
    growth_bills=500,
    many_rounds=11,
    small_run=1_000,
    large_run=20_000,
    # Some batches for each of two workers: of fewer bills one makes more than the other.
    worker_bills=4_000,
    failing_bills=200,
    ingested=100_000,
    ingested_sample=2_000,
    printed=[60, 400, 4_000],
    screens=NORMAL_SCREENS,
)
QUICK = Sizes(
    name='quick',
    rounds=5,
    bills=100,
    sessions_per_bill=10,
    few_bills=1_000,
    many_bills=10_000,
    few_sessions=10_000,
    many_sessions=100_000,
    growth_bills=100,
    many_rounds=11,
    small_run=100,
    large_run=1_000,
    # As many as ever: two workers share batches, and of fewer bills there are too few of these.
    worker_bills=1_000,
    failing_bills=100,
    ingested=20_000,
    ingested_sample=500,
    printed=[60, 400],
    screens=QUICK_SCREENS,
)
# For the test of the benchmark itself.
TINY = Sizes(
    name='tiny',
    rounds=1,
    bills=10,
    sessions_per_bill=2,
    few_bills=10,
    many_bills=20,
    few_sessions=10,
    many_sessions=40,
    growth_bills=5,
    many_rounds=1,
    small_run=5,
    large_run=10,
    worker_bills=10,
    failing_bills=10,
    ingested=50,
    ingested_sample=20,
    printed=[3],
    screens=TINY_SCREENS,
)
# A month end: 100 sessions for each customer.
LARGE = replace(NORMAL, name='large', large_run=10_000, sessions_per_bill=100)
