"""What goes wrong: each scene is one fault, as often as it is told, at random moments of a run."""

import ast
import contextlib
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from environment import odoo_command, places
from environment.console import Problem
from environment.spare_postgres import SparePostgres

from . import faults_oracle
from .faults_process import COUNT_DUE, Process, Trial

DRAW = random.Random()  # noqa: S311 - moments, which are to be others each time
# One worker of the scheduler, which its parent starts again whenever it has ended.
PREFORK = ('--workers=1', '--max-cron-threads=1', '--limit-time-real-cron=600')
ABANDONED = 20  # a run that has been disturbed so often is left to end


@dataclass
class Stage:
    """The prepared database, what is owed in it, and how large all is."""

    template: str
    owed: dict
    times: int  # how often each fault strikes at least; `kill -9` twice as often
    cycles: int
    sessions: int
    sent: int
    seconds: float = 0.0  # that an undisturbed run takes

    @contextlib.contextmanager
    def trial(self, server: SparePostgres | None = None):
        name = f'{self.template}_trial'
        if server:
            server.bring(self.template, name)
        with Trial(self.template, name, server and server.host) as trial:
            yield trial


@dataclass
class Outcome:
    """What became of a fault."""

    fault: str
    times: int = 0
    cycles: int = 0
    sessions: int = 0
    half_billed: int = 0
    verdict: faults_oracle.Verdict = field(default_factory=faults_oracle.Verdict)
    notes: str = ''

    def judge(self, stage: Stage, trial: Trial, **how) -> None:
        """Let the run come to its end, in the hours after it, and compare with what is owed."""
        trial.run('finish')
        self.cycles += stage.cycles
        self.sessions += stage.sessions
        self.verdict += faults_oracle.judge(trial.rows, stage.owed, **how)


def nothing(stage: Stage) -> Outcome:
    """The measure for the others: nothing goes wrong."""
    outcome = Outcome("none, for comparison", times=1)
    with stage.trial() as trial:
        process = trial.start('close')
        process.wait_for('^BEGIN')
        began = time.monotonic()
        process.wait()
        stage.seconds = time.monotonic() - began
        outcome.judge(stage, trial)
    outcome.notes = f"{stage.seconds:.1f} s"
    return outcome


def kill_worker(stage: Stage) -> Outcome:
    """The scheduler's worker is killed, comes again, is killed again."""
    outcome = Outcome("`kill -9` of the worker")
    _disturb(stage, outcome, 5 * stage.times, lambda _trial, worker: os.kill(worker, 9))
    return outcome


def cut_connection(stage: Stage) -> Outcome:
    """All connections are cut, by pg_terminate_backend."""
    outcome = Outcome("connection to PostgreSQL cut")
    _disturb(
        stage,
        outcome,
        2 * stage.times,
        lambda trial, _worker: trial.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        ),
    )
    return outcome


def kill_postgres(stage: Stage) -> Outcome:
    """PostgreSQL, a server of its own, is killed and started again; Odoo is not touched."""
    outcome = Outcome("PostgreSQL killed (`kill -9`) and restarted")
    with SparePostgres() as server:

        def strike(_trial: Trial, _worker: int) -> None:
            server.kill()
            time.sleep(DRAW.uniform(0, 1))
            server.start()

        _disturb(stage, outcome, stage.times, strike, server)
    return outcome


def _disturb(
    stage: Stage,
    outcome: Outcome,
    times: int,
    strike: Callable[[Trial, int], None],
    server: SparePostgres | None = None,
) -> None:
    """Run by a scheduler and strike at random moments, in as many runs as it takes."""
    while outcome.times < times:
        with stage.trial(server) as trial:
            scheduler = trial.serve(*PREFORK)
            struck = 0
            while outcome.times < times and struck < ABANDONED:
                worker = _wait_for_work(trial, scheduler)
                if not worker:
                    break
                # Up to the time of three batches: some strikes come early, some cost a whole one.
                time.sleep(DRAW.uniform(0, min(300 / stage.cycles, 0.25) * stage.seconds))
                if not trial.value(COUNT_DUE):
                    break
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    strike(trial, worker)
                    struck += 1
                    outcome.times += 1
                outcome.half_billed += faults_oracle.count_half_billed(trial.rows)
            trial.wait_for_end(scheduler.revive)
            scheduler.end()
            outcome.judge(stage, trial)
        if server:
            server.drop(trial.name)


def _wait_for_work(trial: Trial, scheduler: Process) -> int | None:
    """Wait until the worker is at the run; return its process ID, None when nothing is due."""
    while trial.value(COUNT_DUE):
        scheduler.revive()
        trial.call_schedulers()
        worker = scheduler.find_worker()
        if [f'odoo-{worker}'] in trial.rows(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
        ):
            return worker
        time.sleep(0.02)
    return None


def reach_time_limit(stage: Stage) -> Outcome:
    """The worker is killed by its parent whenever its time is up."""
    outcome = Outcome("time limit of scheduled actions (--limit-time-real-cron)")
    # Two batches get done in it, the third does not.
    limit = max(2, round(200 * stage.seconds / stage.cycles))
    for _run in range(stage.times):
        if outcome.times >= stage.times:
            break
        with stage.trial() as trial:
            scheduler = trial.serve(*PREFORK, f'--limit-time-real-cron={limit}')
            trial.wait_for_end(scheduler.revive)
            outcome.times += scheduler.count(rf'WorkerCron \(\d+\) timeout after {limit}s')
            scheduler.end()
            outcome.half_billed += faults_oracle.count_half_billed(trial.rows)
            outcome.judge(stage, trial)
    outcome.notes = f"limit {limit} s"
    return outcome


def two_schedulers(stage: Stage) -> Outcome:
    """Two servers with two cron threads each, and two calls from elsewhere at the same time."""
    outcome = Outcome("two schedulers, and two more runs, at once")
    for _time in range(max(1, stage.times // 3)):
        with stage.trial() as trial:
            servers = [trial.serve('--max-cron-threads=2') for _server in range(2)]
            others = [trial.start('close') for _run in range(2)]
            for other in others:
                other.wait_for('^BEGIN')
            trial.wait_for_end()
            for other in others:
                other.wait()
            for server in servers:
                server.end()
            outcome.times += 1
            outcome.judge(stage, trial)
    return outcome


def write_against(stage: Stage) -> Outcome:
    """Two programs change what is being billed; PostgreSQL refuses one or the other."""
    outcome = Outcome("serialization failure, by concurrent writers")
    with stage.trial() as trial:
        scheduler = trial.serve(*PREFORK)
        writers = [trial.start('write_against', seed=number) for number in range(2)]
        for writer in writers:
            writer.wait_for('^BEGIN')
        trial.wait_for_end(scheduler.revive)
        for writer in writers:
            writer.wait()
        scheduler.end()
        outcome.times = scheduler.count("lost a race")
        outcome.judge(stage, trial)
    return outcome


def fill_disk(stage: Stage) -> Outcome:
    """Bills are printed and sent while the disk takes no more files."""
    outcome = Outcome("disk full for the filestore (PDF)")
    with stage.trial() as trial:
        trial.run('close')
        for _time in range(stage.times):
            full = trial.run('send', room=DRAW.randrange(4))
            outcome.times += full.count('files cannot be stored')
        trial.run('send')
        outcome.verdict.lost += _count_lost_files(trial)
        outcome.judge(stage, trial, sending=True)
        outcome.cycles, outcome.sessions = stage.sent, stage.sent * stage.sessions // stage.cycles
    outcome.notes = "by RLIMIT_FSIZE"
    return outcome


def _count_lost_files(trial: Trial) -> int:
    """Count the bills to send whose PDF is not whole in the filestore."""
    lost = 0
    for store, size in trial.rows(
        "SELECT a.store_fname, a.file_size FROM account_move m"
        " JOIN assist_billing_plan p ON p.id = m.assist_plan_id"
        " LEFT JOIN ir_attachment a ON a.res_model = 'account.move' AND a.res_id = m.id"
        " AND a.res_field = 'invoice_pdf_report_file'"
        " WHERE p.bill_handling = 'send' AND m.assist_kind = 'bill'"
    ):
        path = places.state_dir() / 'data/filestore' / trial.name / (store or 'none')
        whole = path.is_file() and path.stat().st_size == int(size)
        lost += not (whole and path.read_bytes().startswith(b'%PDF'))
    return lost


def people_at_work(stage: Stage) -> Outcome:
    """Two accountants work on bills, plans and customers until the run is over."""
    outcome = Outcome("accountants at work meanwhile")
    done = {}
    with stage.trial() as trial:
        scheduler = trial.serve(*PREFORK)
        people = [trial.start('work', seed=DRAW.random()) for _person in range(2)]
        for person in people:
            person.wait_for('^BEGIN')
        trial.wait_for_end(scheduler.revive)
        for person in people:
            if person.wait():
                raise Problem("A person's work failed.", odoo_command.last_words(person.log))
            for name, count in ast.literal_eval(
                re.search(r'^DONE (.*)', person.text, re.MULTILINE)[1]
            ).items():
                done[name] = done.get(name, 0) + count
        scheduler.end()
        trial.run('bill_again')
        outcome.judge(stage, trial, again=True)
    outcome.times = sum(done.values()) - done['lost'] - done['refused']
    outcome.notes = ', '.join(f'{name} {count}' for name, count in done.items())
    return outcome


SCENES = (
    nothing, kill_worker, kill_postgres, cut_connection, fill_disk, write_against,
    reach_time_limit, two_schedulers, people_at_work,
)  # fmt: skip
