"""What the person at the terminal sees: steps, progress, and problems in words."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MEGABYTE = 1_000_000


class Problem(Exception):
    """Something that cannot be had or done: what, why, and what to do about it."""

    def __init__(self, what: str, why: str = '', todo: str = ''):
        super().__init__(what)
        self.what, self.why, self.todo = what, why, todo

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f'  why:        {_indent(self.why)}')
        if self.todo:
            lines.append(f'  what to do: {_indent(self.todo)}')
        return '\n'.join(lines)


def _indent(text: str) -> str:
    return text.strip().replace('\n', '\n' + ' ' * 14)


def say(text: str = '') -> None:
    """Tell the person something; standard output stays free for what the command itself prints."""
    sys.stderr.write(text + '\n')
    sys.stderr.flush()


class Progress:
    """One line that shows how far a step is: rewritten on a terminal, now and then elsewhere."""

    def __init__(self, head: str):
        self.head = head
        self.is_terminal = sys.stderr.isatty()
        self.began = self.shown = time.monotonic()
        self.width = 0

    def begin(self) -> None:
        if self.is_terminal:
            self._rewrite(f'{self.head} ...')
        else:
            say(f'{self.head} ...')

    def show(self, text: str) -> None:
        """Show how far it is, at most four times a second (every ten seconds in a file)."""
        now = time.monotonic()
        if now - self.shown < (0.25 if self.is_terminal else 10):
            return
        self.shown = now
        if self.is_terminal:
            self._rewrite(f'{self.head}: {text}')
        else:
            say(f'{self.head}: {text}')

    def show_bytes(self, done: int, total: int) -> None:
        self.show(f'{done / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB')

    def end(self, text: str = 'done') -> None:
        line = f'{self.head}: {text} ({time.monotonic() - self.began:.0f} s)'
        if self.is_terminal:
            self._rewrite(line)
            say()
        else:
            say(line)

    def _rewrite(self, line: str) -> None:
        columns = _columns()
        line = line[: columns - 1]
        sys.stderr.write('\r' + line.ljust(min(self.width, columns - 1)))
        sys.stderr.flush()
        self.width = len(line)


def _columns() -> int:
    try:
        return max(40, os.get_terminal_size(sys.stderr.fileno()).columns)
    except OSError:
        return 80


@dataclass
class Step:
    """One part of the set-up: `is_ready()` is quick and has no effect, `make` does the work."""

    title: str
    is_ready: Callable[[], bool]
    make: Callable[[Progress], None]


def run_steps(steps: list[Step]) -> None:
    """Do the steps that are not done yet, in order, numbered among all of them."""
    for number, step in enumerate(steps, 1):
        if step.is_ready():
            continue
        progress = Progress(f'[{number}/{len(steps)}] {step.title}')
        progress.begin()
        step.make(progress)
        progress.end()


@contextlib.contextmanager
def problems_end_the_program() -> Iterator[None]:
    """Print a Problem in words and exit with 1; Ctrl-C exits with 130 and no traceback.

    Being told to end counts as an exit too, so that what was started is stopped.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        yield
    except Problem as problem:
        say(f'\nERROR: {problem}')
        sys.exit(1)
    except OSError as error:
        todo = "Look at that file or disk: space, permissions, owner. Then run this again."
        say(f"\nERROR: {Problem('Something could not be read or written.', str(error), todo)}")
        sys.exit(1)
    except KeyboardInterrupt:
        say('\nInterrupted. Run the same command again: it goes on where it stopped.')
        sys.exit(130)
