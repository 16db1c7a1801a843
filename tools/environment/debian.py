"""Packages taken from the machine's own Debian mirror, into a folder, with nothing installed."""

import contextlib
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

from .console import MEGABYTE, Problem, Progress
from .places import HELD_LOCKS
from .processes import Worker

ODOO_PATH_HINT = (
    "Or have Odoo 19.0 from elsewhere (its git repository, branch 19.0) and name its folder:"
    "\n  ODOO_PATH=/path/to/odoo make run"
)
# Where Debian keeps the keys of its archive, unstable's among them.
KEYRINGS = [
    Path('/usr/share/keyrings/debian-archive-keyring.gpg'),
    Path('/usr/share/keyrings/debian-archive-keyring.pgp'),
]


class Mirror(NamedTuple):
    """Where this machine gets Debian from, and the suite it follows."""

    address: str
    suite: str


def machine_mirror() -> Mirror:
    """Return the mirror that the machine's apt sources name for its own release of Debian.

    :raise Problem: when this is no Debian, or its sources name no mirror.
    """
    suite = _release_name()
    fields = '$(RELEASE)\t$(COMPONENT)\t$(REPO_URI)'
    answer = subprocess.run(
        ['apt-get', 'indextargets', '--format', fields, 'Created-By: Packages'],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in answer.stdout.splitlines():
        release, component, address = line.split('\t')
        if release == suite and component == 'main' and not address.startswith('cdrom:'):
            return Mirror(address, suite)
    raise Problem(
        f"This machine's apt sources name no mirror of Debian {suite}.",
        answer.stderr or "Odoo is fetched from the mirror that the machine uses itself.",
        f"Have /etc/apt/sources.list.d name Debian's main component.\n{ODOO_PATH_HINT}",
    )


def _release_name() -> str:
    """Return the code name of the Debian release that runs here."""
    facts = {}
    release_file = Path('/etc/os-release')
    if release_file.is_file():
        pairs = (
            line.split('=', 1) for line in release_file.read_text().splitlines() if '=' in line
        )
        facts = {name: value.strip('"') for name, value in pairs}
    if facts.get('ID') != 'debian' or not shutil.which('apt-get'):
        raise Problem(
            f"This is {facts.get('PRETTY_NAME', 'not Debian')}: Odoo cannot be fetched here.",
            "Odoo 19 is taken from Debian's packages.",
            ODOO_PATH_HINT,
        )
    return facts.get('VERSION_CODENAME', 'sid')


class Apt:
    """An apt with sources, lists and cache of its own below `folder`; the system's stay untouched.

    It serves two suites of the machine's mirror: the machine's own, and `sid` (unstable).
    """

    def __init__(self, folder: Path, mirror: Mirror):
        self.folder, self.mirror = folder, mirror
        for name in ('lists/partial', 'archives/partial'):
            (folder / name).mkdir(parents=True, exist_ok=True)
        keyring = next((path for path in KEYRINGS if path.exists()), None)
        option = f'[signed-by={keyring}] ' if keyring else ''  # else what apt trusts anyway
        suites = dict.fromkeys([mirror.suite, 'sid'])
        (folder / 'sources.list').write_text(
            ''.join(f'deb {option}{mirror.address} {suite} main\n' for suite in suites)
        )
        (folder / 'apt.conf').write_text(
            f'Dir::Etc::SourceList "{folder}/sources.list";\n'
            'Dir::Etc::SourceParts "-";\n'
            f'Dir::State::Lists "{folder}/lists";\n'
            f'Dir::Cache "{folder}";\n'
            # Read the lists once, not at each call; container images switch this off.
            'Dir::Cache::pkgcache "packages.bin";\n'
            'Acquire::GzipIndexes "false";\n'
            'APT::Sandbox::User "";\n'  # a folder of one's own is out of reach of the user _apt
            'Acquire::Languages "none";\n'
            'Acquire::Retries "3";\n'
            '#clear Acquire::IndexTargets::deb;\n'
            'Acquire::IndexTargets::deb::Packages { ShortDescription "Packages";'
            ' MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";'
            ' Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages"; };\n'
            '#clear APT::Update::Post-Invoke;\n'
            '#clear APT::Update::Post-Invoke-Success;\n'
        )

    def update(self, progress: Progress) -> None:
        """Fetch the lists of packages, whose signatures apt verifies."""
        with _growth_of(self.folder / 'lists', progress):
            self._run('apt-get', '-q', '-oAPT::Update::Error-Mode=any', 'update')

    def download(self, names: list[str], into: Path, progress: Progress) -> list[Path]:
        """Download packages (`name/suite`) that match the checksums of the signed lists."""
        answer = self._run('apt-get', 'download', '--print-uris', *names)
        # 'address' file-name size SHA256:checksum
        rows = [line.split() for line in answer.splitlines() if line.startswith("'")]
        total = sum(int(row[2]) for row in rows)
        with _growth_of(into, progress, total):
            self._run('apt-get', '-q', 'download', *names, cwd=into)
        return [into / row[1] for row in rows]

    def candidate(self, name: str) -> str:
        """Return the version of a package that unstable offers, '' when it offers none."""
        answer = self._run('apt-cache', 'madison', name)
        # name | version | address suite/component architecture Packages
        rows = [[cell.strip() for cell in line.split('|')] for line in answer.splitlines()]
        return next((row[1] for row in rows if ' sid/' in row[2]), '')

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        full = [command[0], '-c', str(self.folder / 'apt.conf'), *command[1:]]
        answer = subprocess.run(
            full,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            pass_fds=HELD_LOCKS,
        )
        if answer.returncode:
            words = ' '.join(word for word in command if not word.startswith('-'))
            errors = [line for line in answer.stderr.splitlines() if line.startswith(('E:', 'W:'))]
            raise Problem(
                f"`{words}` got nothing from {self.mirror.address}.",
                '\n'.join(errors[-6:]) or answer.stderr,
                "Look at the network and its proxy, and run this again; what was fetched is kept."
                f"\n{ODOO_PATH_HINT}",
            )
        return answer.stdout


def package_field(package: Path, field: str) -> str:
    answer = subprocess.run(
        ['dpkg-deb', '--field', str(package), field], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def unpack(packages: list[Path], into: Path, progress: Progress) -> None:
    """Unpack the files of packages below `into`.

    :raise Problem: when a package cannot be read to its end, or the disk is full.
    """
    total = sum(int(package_field(package, 'Installed-Size')) * 1024 for package in packages)
    done = 0
    for package in packages:
        for size in _unpack(package, into):
            done += size
            progress.show_bytes(min(done, total), total)


def _unpack(package: Path, into: Path) -> Iterator[int]:
    """Unpack one package, yielding the size of each block that is done."""
    package_to_tar = ['dpkg-deb', '--fsys-tarfile', package]
    tar = ['tar', '--extract', '--no-same-owner', '--no-same-permissions', '--directory', str(into)]
    with (
        tempfile.TemporaryFile() as errors,  # as many as there are files, when the disk is full
        Worker(package_to_tar, stdout=PIPE, stderr=errors) as source,
        Worker(tar, stdin=PIPE, stderr=errors) as target,
    ):
        with contextlib.suppress(BrokenPipeError):  # tar says why it stopped reading
            while block := source.stdout.read(1 << 20):
                target.stdin.write(block)
                yield len(block)
        source.stdout.close()
        target.communicate()
        source.wait()
        errors.seek(0)
        words = errors.read(500).decode(errors='replace')
    if target.returncode or source.returncode:
        raise Problem(
            f"{package.name} cannot be unpacked into {into}.",
            words,
            f"Make room on that disk; or, if damaged, remove {package.parent}. Run this again.",
        )


@contextlib.contextmanager
def _growth_of(folder: Path, progress: Progress, total: int = 0) -> Iterator[None]:
    """Show how much a program puts into a folder while it works, of `total` bytes if known."""
    before = _size(folder)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.3):
            size = _size(folder) - before
            if total:
                progress.show_bytes(size, total)
            else:
                progress.show(f'{size / MEGABYTE:.0f} MB')

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob('*'):
        with contextlib.suppress(FileNotFoundError):  # apt renames its files
            total += path.stat().st_size
    return total
