"""Closing by the workers of OCA's job queue: one worker, then two, of Odoo's own server.

Then two that are killed while they are at it.
"""

import socket
import time

from environment import odoo_command
from environment.console import Problem, Progress

from .client import Stage
from .faults_process import Trial
from .measure import get_due

CUSTOMERS, SESSIONS = 1_000, 10
WORKERS = (1, 2)
KILLS = 2
TIMEOUT = 900
# Jobs go by the clock: nobody has another month to be billed since.
END = "UPDATE assist_billing_association SET end_date = DATE '{}' WHERE state != 'on_hold'"
BEGUN = "SELECT coalesce(max(date_started)::text, '') FROM queue_job WHERE state = 'started'"
LEFT = "SELECT count(*) FROM queue_job WHERE state != 'done'"
TAKEN = (
    "SELECT count(*), round(extract(epoch FROM max(date_done) - min(date_started)), 2)"
    " FROM queue_job"
)
MADE = "SELECT count(*) FROM account_move WHERE assist_cycle_id IS NOT NULL AND state = 'posted'"
BILLED = "SELECT count(*) FROM assist_session WHERE state = 'billed'"


def run() -> str:
    """Measure, and return a table as text."""
    lines = [
        f"{CUSTOMERS:,} customers with {SESSIONS} sessions each",
        "workers  jobs  seconds  bills an hour  sessions an hour  times one worker",
    ]
    first = None
    with Stage() as stage:
        template = stage.install('assist_billing_queue_job')
        _prepare(stage, template)
        for workers in WORKERS:
            jobs, seconds = _measure(template, workers)
            first = first or seconds
            bills, sessions = (3600 * count / seconds for count in (1, SESSIONS))
            lines.append(
                f"{workers:<7}  {jobs:<4}  {seconds:<7.1f}  {CUSTOMERS * bills:<13,.0f}"
                f"  {CUSTOMERS * sessions:<16,.0f}  {first / seconds:.2f}"
            )
        jobs, seconds = _measure(template, WORKERS[-1], KILLS)
        lines.append(
            f"Server and {WORKERS[-1]} workers killed {KILLS} times (kill -9) and started again: "
            f"{CUSTOMERS:,} bills of {CUSTOMERS * SESSIONS:,} sessions, each once, "
            f"{seconds:.0f} seconds after the last start."
        )
    return '\n'.join(lines)


def _prepare(stage: Stage, name: str) -> None:
    with stage.clients(name) as [client]:
        first = client.do('prepare', due=CUSTOMERS)
        client.do(
            'add_due_sessions', first=first, month=0, customers=CUSTOMERS, per_customer=SESSIONS
        )
        client.do('analyze')


def _measure(template: str, workers: int, kills: int = 0) -> tuple[int, float]:
    """Have so many workers close all; return the number of jobs, and seconds from first to last.

    :param kills: how often the server and its workers are killed with jobs at work; then the
        seconds are those since the last start
    """
    to_kill = kills
    killed = f", killed {kills} times" if kills else ""
    progress = Progress(f"Job queue with {workers} workers{killed}")
    progress.begin()
    with Trial(template, f'{template}_queue') as trial:
        before = trial.value(MADE), trial.value(BILLED)
        day = get_due(0).partition(' ')[0]
        trial.execute(END.format(day))
        trial.run_script("env['assist.billing.cycle']._cron_close_cycles()\nenv.cr.commit()\n")
        progress.show(f"{trial.value(LEFT)} jobs")
        server = trial.serve_queue(workers, _find_port())
        started, seen = time.monotonic(), ''
        give_up = started + TIMEOUT
        while left := trial.value(LEFT):
            progress.show(f"{left} jobs left")
            [[begun]] = trial.rows(BEGUN)
            if to_kill and begun > seen:
                to_kill, seen = to_kill - 1, begun
                server.end()
                server.revive()
                started = time.monotonic()
            if time.monotonic() > give_up:
                raise Problem("The jobs are not done.", odoo_command.last_words(server.log))
            time.sleep(0.5)
        [[jobs, seconds]] = trial.rows(TAKEN)
        if to_kill:
            raise Problem("The jobs were done before their workers could be killed.")
        if kills:
            seconds = time.monotonic() - started
        made = trial.value(MADE) - before[0], trial.value(BILLED) - before[1]
    if made != (CUSTOMERS, CUSTOMERS * SESSIONS):
        raise Problem(f"{made[0]} bills of {made[1]} sessions were made.")
    progress.end()
    return int(jobs), float(seconds)


def _find_port() -> int:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]
