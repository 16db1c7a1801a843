"""10,000 customers and 1,000,000 sessions, all due at one moment: time, memory, and the tie."""

from environment.console import Problem, Progress

from .client import Stage
from .measure import get_due
from .sizes import LARGE


def run(sizes=LARGE) -> str:
    """Bill them in one run of the scheduled action; return what it took, as text."""
    customers, each = sizes.large_run, sizes.sessions_per_bill
    with Stage() as stage:
        name = stage.install('assist_billing')
        progress = Progress(f"{customers:,} customers, {customers * each:,} sessions")
        progress.begin()
        with stage.clients(name) as [client]:
            progress.show("storing them")
            first = client.do('prepare', due=customers)
            client.do(
                'add_due_sessions', first=first, month=0, customers=customers, per_customer=each
            )
            client.do('analyze')
        # A new process: its memory is that of the run.
        with stage.clients(name) as [client]:
            progress.show("closing")
            answer = client.do('close', now=get_due(0))
        if answer['bills'] != customers:
            raise Problem(f"{answer['bills']} of {customers} due cycles were billed.")
        with stage.clients(name) as [client]:
            progress.show("checking the tie")
            tie = client.do('check_tie', now=get_due(0))
        progress.end()
    seconds = answer['seconds']
    return '\n'.join(
        [
            f"bills made       {answer['bills']:,}, total {answer['total']:,.2f}",
            f"sessions billed  {tie['billed']:,} of {tie['sessions']:,}",
            f"time             {seconds:.1f} s: {1000 * seconds / customers:.2f} ms a bill",
            f"per hour         {3600 * customers / seconds:,.0f} bills,"
            f" {3600 * customers * each / seconds:,.0f} sessions, with one worker",
            f"memory           {answer['peak_mb']:.0f} MB at the peak,"
            f" {answer['held_mb']:.0f} MB before",
            f"the tie          {tie['differences']} differences in {tie['checks']} checks,"
            f" {tie['seconds']:.1f} s",
            *(f"                 {name}: {count}" for name, count in tie['found'].items()),
        ]
    )
