"""Where things are kept."""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .console import Problem, say

CLONE = Path(__file__).resolve().parents[2]
STAMP = '.complete'
# Open locks. A program that works under one is started with `pass_fds=HELD_LOCKS` and so holds it
# too: when this process is killed and it goes on alone, the next set-up waits for its end.
HELD_LOCKS: list[int] = []


def is_root() -> bool:
    return os.geteuid() == 0


def cache_dir() -> Path:
    """Return the folder of what all clones share: $XDG_CACHE_HOME/assist-billing."""
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(Path.home(), '.cache')
    return _made(Path(base) / 'assist-billing', "Set XDG_CACHE_HOME to a folder you may write to.")


def state_dir() -> Path:
    """Return the folder of what belongs to this clone alone.

    It is `.state` in the clone. For root it is /var/lib/assist-billing/<clone>: PostgreSQL refuses
    to run as root, and the user it runs as instead may not enter a clone below /root.
    """
    if is_root():
        path = Path('/var/lib/assist-billing') / key()
    else:
        path = CLONE / '.state'
    return _made(path, "Use a clone in a folder that belongs to you.")


def key() -> str:
    """Return a name for this clone that no other clone on this machine has."""
    return f'{CLONE.name[:24]}-{hashlib.sha256(str(CLONE).encode()).hexdigest()[:8]}'


def _made(path: Path, todo: str) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"The folder {path} cannot be made.", str(error), todo) from error
    return path


@contextlib.contextmanager
def locked(path: Path, busy: str = '') -> Iterator[None]:
    """Hold the lock file `path`; say `busy` when another process has it, and wait."""
    with path.open('a') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if busy:
                say(busy)
            fcntl.flock(file, fcntl.LOCK_EX)
        HELD_LOCKS.append(file.fileno())
        try:
            yield
        finally:
            HELD_LOCKS.remove(file.fileno())


def is_complete(folder: Path) -> bool:
    """Tell whether a folder made by `new_folder` was finished."""
    return (folder / STAMP).is_file()


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Make a folder anew, in place, and stamp it complete at the end.

    The stamp is written last and after a sync: a folder that was cut short by anything, a power
    failure too, has none and is made again from nothing.
    """
    remove(folder)
    folder.mkdir(parents=True)
    yield folder
    complete(folder)


def complete(folder: Path) -> None:
    """Stamp a folder complete, once all of it is on the disk."""
    os.sync()
    (folder / STAMP).touch()


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there.

    A folder loses its stamp first, lest half of it be taken for whole.
    """
    if path.is_dir() and not path.is_symlink():
        (path / STAMP).unlink(missing_ok=True)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
