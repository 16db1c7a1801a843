"""A PostgreSQL server of this clone's own, without TCP; the system's servers are not touched."""

import contextlib
import fcntl
import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from . import places, system_packages
from .console import Problem, Progress, Step

ROLE = 'odoo'
SETTINGS = """
# Reached through a socket by whoever may enter its folder, and not through the network.
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 100
shared_buffers = 256MB
# The data can be made again: a commit need not wait for the disk. (A crash of the machine still
# leaves all of it consistent.)
synchronous_commit = off
# Copies of template databases are files copied, not rows logged.
wal_level = minimal
max_wal_senders = 0
max_wal_size = 1GB
log_line_prefix = '%m [%p] %d '
"""


def step() -> Step:
    return Step("PostgreSQL server of this clone", _is_made, _make)


def socket_dir() -> Path:
    """Return the folder of the server's socket, whose path may have 107 characters at most."""
    folder = places.state_dir() / 'socket'
    if len(str(folder)) > 80:
        folder = Path('/tmp') / f'assist-billing-{os.geteuid()}-{places.key()}'  # noqa: S108 - made 0700, and ours
    return folder


def connection() -> dict[str, str]:
    """Return the environment variables that lead PostgreSQL's programs to this server."""
    return {'PGHOST': str(socket_dir()), 'PGUSER': ROLE, 'PGDATABASE': 'postgres'}


@contextlib.contextmanager
def serving() -> Iterator[None]:
    """Have the server run. The last process to leave this stops it, unless `keep` was called."""
    with (places.state_dir() / 'postgresql.users').open('a') as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while somebody stops the server
        start()
        try:
            yield
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not _stays().exists():
                    stop()


def start() -> None:
    """Start the server if it does not run."""
    with places.locked(places.state_dir() / 'postgresql.start'):
        if _answers():
            return
        make_folder_of_owner(socket_dir())
        log = _data() / 'server.log'
        started = _control(
            '--silent', '--wait', f'--log={log}', f"--options=-k '{socket_dir()}'", 'start'
        )
        if started.returncode:
            raise Problem(
                "This clone's PostgreSQL server does not start.",
                as_owner(['tail', '-n', '6', str(log)]).stdout or started.stderr,
                "`make clean` removes it with its databases (assist_demo too), to make them again.",
            )


def stop() -> None:
    """Stop the server, cutting its connections."""
    if _is_made() and _is_running():
        _control('--silent', '--wait', '--mode=fast', 'stop')


def remove() -> None:
    """Stop the server and remove what belongs to it, its databases too."""
    keep(False)
    stop()
    places.remove(socket_dir())
    places.remove(_data())


def keep(wanted: bool) -> None:
    """Have the server go on running after the commands that use it have ended, or not."""
    if wanted:
        _stays().touch()
    else:
        _stays().unlink(missing_ok=True)


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, of the version that fits."""
    return str(_bin() / name)


def run(name: str, *arguments: str, **kwargs) -> subprocess.CompletedProcess:
    """Run one of PostgreSQL's client programs (psql, createdb ...) on this server."""
    return subprocess.run(
        [program(name), *arguments],
        env=os.environ | connection(),
        check=kwargs.pop('check', True),
        text=True,
        **kwargs,
    )


def _data() -> Path:
    return places.state_dir() / 'postgresql'


def _stays() -> Path:
    return places.state_dir() / 'postgresql.stays'


def _is_made() -> bool:
    return (_data() / 'PG_VERSION').is_file()


def _is_running() -> bool:
    return _control('status').returncode == 0


def _answers() -> bool:
    """Tell whether the server takes connections, giving one that runs a minute to get there."""
    give_up = time.monotonic() + 60
    while run('pg_isready', '--quiet', check=False).returncode:
        if not _is_running() or time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True


def _bin() -> Path:
    """Return the folder of the server programs that fit this cluster, else of the newest.

    :raise Problem: when the version that made the cluster is no longer installed.
    """
    folders = system_packages.postgres_bins()
    if not _is_made():
        return folders[0]
    version = (_data() / 'PG_VERSION').read_text().strip()
    for folder in folders:
        if folder.parent.name == version:
            return folder
    raise Problem(
        f"This clone's databases were made by PostgreSQL {version}.",
        f"Installed: {', '.join(folder.parent.name for folder in folders) or 'none'}.",
        f"As root: apt-get install postgresql-{version}\n"
        "Or `make clean`, which removes them (assist_demo too); they are made again.",
    )


def _owner() -> pwd.struct_passwd | None:
    """Return the user that the server runs as when root calls, None when it is the caller."""
    if not places.is_root():
        return None
    for name in ('postgres', 'nobody'):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Problem(
        "There is no user to run PostgreSQL as.",
        "It refuses to run as root, and neither `postgres` nor `nobody` exists.",
        "Run this as a normal user, or add one: adduser --system postgres",
    )


def as_owner(command: list[str], **kwargs) -> subprocess.CompletedProcess:
    """Run a program as the user that the server runs as."""
    owner = _owner()
    as_user = {'user': owner.pw_uid, 'group': owner.pw_gid, 'extra_groups': []} if owner else {}
    return subprocess.run(
        command,
        cwd='/',
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        **as_user,
        **kwargs,
    )


def _control(*arguments: str) -> subprocess.CompletedProcess:
    return as_owner([program('pg_ctl'), f'--pgdata={_data()}', *arguments])


def make_folder_of_owner(folder: Path) -> None:
    """Make a folder for the user that the server runs as, and nobody else."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if owner := _owner():
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    if folder.stat().st_uid != (owner.pw_uid if owner else os.geteuid()):
        raise Problem(
            f"The folder {folder} belongs to somebody else.",
            "This clone's PostgreSQL would talk through it.",
            "Have its owner remove it.",
        )


def _make(progress: Progress) -> None:
    """Make the cluster beside its place and move it there when it is whole."""
    with places.locked(places.state_dir() / 'postgresql.start'):
        if _is_made():
            return
        half = _data().with_suffix('.new')
        places.remove(half)
        make_folder_of_owner(half)
        progress.show('initdb')
        options = [f'--username={ROLE}', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8']
        made = as_owner(
            [program('initdb'), f'--pgdata={half}', *options], pass_fds=places.HELD_LOCKS
        )
        if made.returncode:
            raise Problem(
                "PostgreSQL's initdb cannot make a cluster for this clone.",
                made.stderr,
                f"Look at the disk and the permissions of {half.parent}, and run this again.",
            )
        with (half / 'postgresql.conf').open('a') as file:
            file.write(SETTINGS)
        half.rename(_data())
