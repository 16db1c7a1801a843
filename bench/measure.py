"""The measurements: which processes do what in which order, and what is taken of it.

All that is compared is done in turns, one round after the other, so that whatever else the machine
does hits all alike; the first round warms up and does not count. Ways of making bills are compared
by seconds of CPU (of Odoo and of PostgreSQL), all else by the clock on the wall.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from statistics import median
from time import perf_counter

from environment.console import Problem, Progress

from .client import Client, Stage
from .sizes import Sizes

# Of so many customers so many fail.
FAILURES = {'none': None, 'one': (100, 1), 'many': (10, 3)}
PRICES = (['session', None, 20.0], ['device', 2, 5.0])


class Series:
    """Seconds per item of one way, round by round."""

    def __init__(self):
        self.costs: list[float] = []

    def add(self, seconds: float, items: int) -> None:
        self.costs.append(seconds / items)

    @property
    def median(self) -> float:
        return median(self.costs)

    def as_dict(self) -> dict:
        """Return milliseconds per item: the median, and the least and most of all rounds."""
        lowest, highest = min(self.costs), max(self.costs)
        return {
            'ms': round(1000 * self.median, 3),
            'ms_min': round(1000 * lowest, 3),
            'ms_max': round(1000 * highest, 3),
        }


def ratio(one: Series, other: Series) -> float:
    """Return how many times as much the first costs as the second."""
    return round(one.median / other.median, 3)


def get_due(month: int) -> str:
    """Return when the cycles of a month are due, ISO, naive UTC; see `data.get_due_date`."""
    return str(datetime(2025 + (month + 1) // 12, (month + 1) % 12 + 1, 1))


def compare_ways(stage: Stage, sizes: Sizes, ours: str, contract: str) -> dict:
    """Make as many bills in four ways: ours, OCA's, the plain one, by SQL alone."""
    ways, totals, _shares = _compare(
        stage, sizes, ours, contract, "Closing against OCA's contract, plain Odoo and SQL"
    )
    return {
        'vs_oca': ratio(ways['oca'], ways['ours']),
        'vs_plain': ratio(ways['plain'], ways['ours']),
        'vs_floor': ratio(ways['ours'], ways['floor']),
        'ways': {way: series.as_dict() for way, series in ways.items()},
        'totals': totals,
    }


def compare_realistic(stage: Stage, sizes: Sizes, ours: str, contract: str) -> dict:
    """Do the same beside other add-ons: with customers who are alike, then with mixed ones.

    OCA's contracts stay alike, which costs them least.
    """
    alike, _totals, _shares = _compare(
        stage, sizes, ours, contract, "The same beside Sales, Inventory and others"
    )
    mixed, _totals, shares = _compare(
        stage, sizes, ours, contract, "The same with mixed customers", mixed=True
    )
    return {
        'real_vs_oca': ratio(alike['oca'], alike['ours']),
        'real_vs_plain': ratio(alike['plain'], alike['ours']),
        'real_vs_floor': ratio(alike['ours'], alike['floor']),
        'mixed_vs_oca': ratio(mixed['oca'], mixed['ours']),
        'mixed_vs_floor': ratio(mixed['ours'], mixed['floor']),
        **shares,
        'real': {way: series.as_dict() for way, series in alike.items()},
        'mixed': {way: series.as_dict() for way, series in mixed.items()},
    }


def _compare(
    stage: Stage, sizes: Sizes, ours: str, contract: str, title: str, *, mixed: bool = False
) -> tuple[dict[str, Series], dict, dict]:
    """Make as many bills in four ways, in turns.

    :param mixed: customers differ in what they use, in salesperson and fiscal position
    :return: the costs of each way, the totals of the last round; the share of bills that were
        derived in it, and the seconds for proofs in the first
    """
    progress = Progress(title)
    progress.begin()
    due, per_bill = sizes.bills, sizes.sessions_per_bill
    databases = stage.copy(ours, 'ways'), stage.copy(contract, 'others')
    ways = defaultdict(Series)
    totals, shares = [], {}
    with stage.clients(*databases) as (mine, others):
        lines = [[charge, quantity or per_bill, price] for charge, quantity, price in PRICES]
        others.send('prepare_contracts', customers=due, lines=lines)
        first = mine.do('prepare', due=due, bills=sizes.few_bills, sessions=sizes.few_sessions)
        if mixed:
            mine.do('mix', first=first, customers=due)
        others.receive()
        for month in range(sizes.rounds + 1):
            progress.show(f"round {month} of {sizes.rounds}")
            answers = _make_bills(mine, others, first, month, due, per_bill, mixed)
            totals.append({way: answer['total'] for way, answer in answers.items()})
            # Contracts that are alike come to another total than mixed customers.
            _check_bills(answers, due, ('oca',) if mixed else ())
            shares['share_derived'] = round(answers['ours']['derived'] / due, 3)
            shares.setdefault('proof_seconds', round(answers['ours']['proof_seconds'], 3))
            if month:
                for way, answer in answers.items():
                    ways[way].add(answer['cpu'], due)
    for name in databases:
        stage.drop(name)
    progress.end()
    return dict(ways), totals[-1], shares


def _make_bills(
    mine: Client, others: Client, first: dict, month: int, due: int, each: int, mixed: bool
):
    _add_due_sessions(mine, first, month, due, each, mixed=mixed)
    ours = mine.do('close', now=get_due(month))
    answers = {'ours': ours, 'oca': others.do('run_contracts', date=get_due(month))}
    if not mixed:
        bills = mine.do('describe', after=ours['after'])
        answers['plain'] = others.do('create_and_post', bills=bills)
    floor = mine.do('copy_by_sql', after=ours['after'], journal=first['journal'])
    return {**answers, 'floor': floor}


def _add_due_sessions(
    client: Client, first: dict, month: int, due: int, each: int, *, mixed: bool = False
) -> None:
    client.do(
        'add_due_sessions', first=first, month=month, customers=due, per_customer=each, mixed=mixed
    )


def _check_bills(answers: dict, due: int, others: tuple[str, ...] = ()) -> None:
    """Check that each way made the same bills.

    :param others: ways whose total is another one
    """
    for way, answer in answers.items():
        is_other = way not in others and abs(answer['total'] - answers['ours']['total']) > 0.005
        if answer['bills'] != due or is_other:
            raise Problem(
                f"The bills of the way “{way}” are not the same as ours.",
                f"Bills and total: {answer['bills']}, {answer['total']}; "
                f"ours: {answers['ours']['bills']}, {answers['ours']['total']}.",
            )


def measure_rates(stage: Stage, sizes: Sizes, ours: str) -> dict:
    """Close as many cycles of hourly plans without rates, and with a rate card on each."""
    progress = Progress("Rates on every plan")
    progress.begin()
    due = sizes.bills
    databases = [stage.copy(ours, name) for name in ('without', 'with')]
    costs = {'without': Series(), 'with': Series()}
    with stage.clients(*databases) as clients:
        present = {'bills': sizes.few_bills, 'sessions': sizes.few_sessions}
        for client in clients:
            client.send('prepare', due=due, hourly=True, **present)
        firsts = [client.receive() for client in clients]
        clients[1].do('add_rates')
        _close_in_turns(progress, sizes, due, clients, firsts, costs.values(), 'cpu')
    for name in databases:
        stage.drop(name)
    progress.end()
    return {
        'rates_cost': ratio(costs['with'], costs['without']),
        'rates': {name: series.as_dict() for name, series in costs.items()},
    }


def _close_in_turns(progress, sizes, due, clients, firsts, costs, clock):
    """Close month after month in several databases, in turns, and add up what it costs.

    :param due: so many cycles are due in each, every month
    :param firsts: what was prepared in each
    :param costs: a Series of each
    :param clock: which seconds count, of those that closing answers
    """
    for month in range(sizes.rounds + 1):
        progress.show(f"round {month} of {sizes.rounds}")
        for client, first, series in zip(clients, firsts, costs, strict=True):
            _add_due_sessions(client, first, month, due, sizes.sessions_per_bill)
            answer = client.do('close', now=get_due(month))
            if answer['bills'] != due:
                raise Problem(f"{answer['bills']} bills were made, not {due}.", "")
            if month:
                series.add(answer[clock], due)


def measure_growth(stage: Stage, sizes: Sizes, ours: str) -> dict:
    """Close the same number of cycles over few and over many bills, few and many sessions."""
    progress = Progress("Growth with the bills and the sessions present")
    progress.begin()
    due = sizes.growth_bills
    present = {
        'few': (sizes.few_bills, sizes.few_sessions),
        'bills': (sizes.many_bills, sizes.few_sessions),
        'sessions': (sizes.few_bills, sizes.many_sessions),
    }
    databases = [stage.copy(ours, name) for name in present]
    costs = {name: Series() for name in present}
    with stage.clients(*databases) as clients:
        progress.show("storing what is to be present")
        for client, (bills, sessions) in zip(clients, present.values(), strict=True):
            others = max(bills // 10 - due, 0)
            client.send('prepare', due=due, others=others, bills=bills, sessions=sessions)
        firsts = [client.receive() for client in clients]
        progress.show("tidying up, as a server does at night")
        for database in databases:
            stage.vacuum(database)
        often = replace(sizes, rounds=sizes.many_rounds)
        _close_in_turns(progress, often, due, clients, firsts, costs.values(), 'seconds')
        progress.show("ingesting")
        taken = _measure_ingest_growth(clients[0], clients[2], sizes)
    for name in databases:
        stage.drop(name)
    progress.end()
    return {
        'growth_bills': ratio(costs['bills'], costs['few']),
        'growth_sessions': ratio(costs['sessions'], costs['few']),
        'growth': {name: series.as_dict() for name, series in costs.items()},
        **taken,
    }


def _measure_ingest_growth(few: Client, many: Client, sizes: Sizes) -> dict:
    costs = {'few': Series(), 'many': Series()}
    count = sizes.ingested_sample
    for turn in range(sizes.rounds + 1):
        for (name, series), client in zip(costs.items(), (few, many), strict=True):
            answer = client.do(
                'ingest', series=f'{name}{turn}', count=count, customers=sizes.growth_bills
            )
            if turn:
                series.add(answer['seconds'], count)
    return {
        'growth_ingest': ratio(costs['many'], costs['few']),
        'ingest_growth': {name: series.as_dict() for name, series in costs.items()},
    }


def measure_ingest(stage: Stage, sizes: Sizes, ours: str) -> dict:
    """Take in the same records by `ingest`, `create` and `load`; then very many at once."""
    progress = Progress("Taking in sessions: ingest, create, load")
    progress.begin()
    name = stage.copy(ours, 'ingest')
    customers, count = sizes.bills, sizes.ingested_sample
    ways = {way: Series() for way in ('ingest', 'create', 'load')}
    with stage.clients(name) as [client]:
        client.do('prepare', due=customers)
        for turn in range(sizes.rounds + 1):
            progress.show(f"round {turn} of {sizes.rounds}")
            for way, series in ways.items():
                answer = client.do(way, series=f'{way}{turn}', count=count, customers=customers)
                if answer['created'] != count:
                    raise Problem(f"{way} created {answer['created']} sessions of {count}.")
                if turn:
                    series.add(answer['seconds'], count)
        at_once, large = Series(), []
        for turn in range(sizes.rounds):
            progress.show(f"{sizes.ingested:,} records at once, round {turn + 1} of {sizes.rounds}")
            large.append(
                client.do('ingest', series=f'l{turn}', count=sizes.ingested, customers=customers)
            )
            at_once.add(large[-1]['seconds'], sizes.ingested)
    stage.drop(name)
    progress.end()
    return {
        'vs_create': ratio(ways['create'], at_once),
        'vs_load': ratio(ways['load'], at_once),
        'ingest': {way: series.as_dict() for way, series in ways.items()},
        'ingest_large': {
            'records': sizes.ingested,
            **at_once.as_dict(),
            # Of the first: later ones find the memory it took.
            'memory_mb': round(large[0]['peak_mb'] - large[0]['held_mb'], 1),
        },
    }


def measure_memory(stage: Stage, sizes: Sizes, ours: str) -> dict:
    """Compare the peak of memory of a small and a large run, each in a new process."""
    progress = Progress(f"Memory of {sizes.small_run:,} and of {sizes.large_run:,} due cycles")
    progress.begin()
    name = stage.copy(ours, 'memory')
    small, large = sizes.small_run, sizes.large_run
    answers = []
    with stage.clients(name) as [client]:
        first = client.do('prepare', due=small, later=large - small)
        for month, due in enumerate((small, large)):
            _add_due_sessions(client, first, month, due, sizes.sessions_per_bill)
    for month, due in enumerate((small, large)):
        progress.show(f"closing {due:,}")
        with stage.clients(name) as [client]:
            answers.append(client.do('close', now=get_due(month)))
        if answers[-1]['bills'] != due:
            raise Problem(f"{answers[-1]['bills']} of {due} due cycles were billed.")
    stage.drop(name)
    progress.end()
    return {
        'memory_mb': round(answers[1]['peak_mb'] - answers[0]['peak_mb'], 1),
        'memory': [
            {
                'due': due,
                'peak_mb': round(answer['peak_mb'], 1),
                'held_mb': round(answer['held_mb'], 1),
                'seconds': round(answer['seconds'], 1),
            }
            for due, answer in zip((small, large), answers, strict=True)
        ],
    }


def measure_printing(stage: Stage, sizes: Sizes, ours: str) -> dict:
    """Make PDFs of bills with their statements, each once."""
    progress = Progress("PDFs of bills")
    progress.begin()
    name = stage.copy(ours, 'printing')
    with stage.clients(name) as [client]:
        answers = client.do('print_bills', counts=sizes.printed)
    stage.drop(name)
    progress.end()
    return {
        'printing': [
            {'sessions': count, **{key: round(figure, 2) for key, figure in answer.items()}}
            for count, answer in zip(sizes.printed, answers, strict=True)
        ]
    }


def measure_failures(stage: Stage, sizes: Sizes, ours: str) -> dict:
    """Close while nobody's bill is refused, one in a hundred is, and three in ten are."""
    progress = Progress("Customers that fail")
    progress.begin()
    name = stage.copy(ours, 'failures')
    due = sizes.failing_bills
    costs = {way: Series() for way in FAILURES}
    month = 0
    with stage.clients(name) as [client]:
        first = client.do('prepare', due=due)
        for turn in range(sizes.many_rounds + 1):
            progress.show(f"round {turn} of {sizes.many_rounds}")
            for way, series in costs.items():
                client.do(
                    'add_due_sessions',
                    first=first,
                    month=month,
                    customers=due,
                    per_customer=sizes.sessions_per_bill,
                )
                seconds = _close_despite(client, first, month, due, FAILURES[way])
                month += 1
                if turn:
                    series.add(seconds, due)
    stage.drop(name)
    progress.end()
    return {
        'failure_cost': ratio(costs['one'], costs['none']),
        'failures': {way: series.as_dict() for way, series in costs.items()},
    }


def _close_despite(client: Client, first: dict, month: int, due: int, failures) -> float:
    """Close with some customers failing, who are billed afterwards; return the seconds."""
    failing = 0
    if failures:
        every, of_them = failures
        failing = sum(index % every < of_them for index in range(due))
        client.do('refuse', partner=first['partner'], every=every, failing=of_them)
    answer = client.do('close', now=get_due(month))
    if answer['bills'] != due - failing:
        raise Problem(f"{answer['bills']} bills were made, not {due} less {failing}.")
    client.do('accept')
    client.do('close', now=get_due(month))
    return answer['seconds']


def measure_workers(stage: Stage, sizes: Sizes, ours: str) -> dict:
    """Close the same cycles with one process and with two at a time.

    All bills in one journal; then half of them in that of another company.
    """
    one, two = (_compare_workers(stage, sizes, ours, journals) for journals in (1, 2))
    return {
        'two_workers': ratio(one[1], one[2]),
        'two_journals': ratio(two[1], two[2]),
        'workers': {str(count): series.as_dict() for count, series in one.items()},
        'workers_two_journals': {str(count): series.as_dict() for count, series in two.items()},
    }


def _compare_workers(stage: Stage, sizes: Sizes, ours: str, journals: int) -> dict[int, Series]:
    """Return what a bill takes one worker, and two at a time."""
    journal = "one journal" if journals == 1 else "two journals"
    progress = Progress(f"One worker and two, {journal}")
    progress.begin()
    name = stage.copy(ours, 'workers')
    due, each = sizes.worker_bills, sizes.worker_bills // journals
    costs = {1: Series(), 2: Series()}
    month = 0
    with stage.clients(name, name) as clients:
        firsts = [clients[0].do('prepare', due=each)]
        if journals == 2:
            firsts.append(clients[0].do('prepare_second_company', due=each))
        for turn in range(sizes.rounds + 1):
            progress.show(f"round {turn} of {sizes.rounds}")
            for workers, series in costs.items():
                for first in firsts:
                    _add_due_sessions(clients[0], first, month, each, sizes.sessions_per_bill)
                seconds = _close_with(clients[:workers], month, due)
                month += 1
                if turn:
                    series.add(seconds, due)
    stage.drop(name)
    progress.end()
    return costs


def _close_with(clients: list[Client], month: int, due: int) -> float:
    """Have processes close the same due cycles together; return the seconds it took."""
    before = clients[0].do('get_last_move')
    began = perf_counter()
    for client in clients:
        client.send('close', now=get_due(month))
    for client in clients:
        client.receive()
    seconds = perf_counter() - began
    made = clients[0].do('count_moves', after=before)['bills']
    if made != due:
        raise Problem(f"{len(clients)} workers made {made} bills of {due}.")
    return seconds
