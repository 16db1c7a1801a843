"""How the code's form is checked and mended."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from . import npm, places, python_packages, system_packages
from .console import Progress, Step, run_steps, say

PRETTIER = places.CLONE / 'tools/prettier'
# All of pylint-odoo's checks, and none of pylint's: ruff has those. A model may be spread over
# several files, by concern.
PYLINT_OPTIONS = (
    *('--rcfile=pyproject.toml', '--score=n', '--disable=all', '--enable=odoolint'),
    '--disable=consider-merging-classes-inherited',
)
# A word that is the same in a language is written out: else nobody could tell what is missing.
PO_OPTIONS = ('--disable=po-pretty-format',)
PRETTIER_FILES = ('xml', 'js', 'scss', 'css')


def ensure() -> None:
    """Set up the checkers; neither Odoo nor PostgreSQL is needed for them."""
    run_steps(
        [
            system_packages.step(system_packages.PYTHON),
            python_packages.step('lint', "Checkers of Python, XML ids and translations"),
            Step("Checker of XML and JavaScript", _has_prettier, _install_prettier),
        ]
    )


def check() -> int:
    """Run all checks; return 0 when all is well, else 1."""
    modules = _modules()
    catalogues = [str(path) for path in _files('po', 'pot')]
    results = [
        _run("ruff check", [_tool('ruff'), 'check', '.']),
        _run("ruff format", [_tool('ruff'), 'format', '--check', '.']),
        _run("pylint-odoo", [_tool('pylint'), *PYLINT_OPTIONS, *modules]),
        _run("oca-checks-odoo-module", [_tool('oca-checks-odoo-module'), *modules]),
        _run("prettier", [*_prettier(), '--check', *map(str, _files(*PRETTIER_FILES))]),
    ]
    if catalogues:
        results.append(_run("oca-checks-po", [_tool('oca-checks-po'), *PO_OPTIONS, *catalogues]))
    return 0 if all(results) else 1


def mend() -> int:
    """Mend what needs no thinking: order of imports, layout of Python, XML and JavaScript."""
    results = [
        _run("ruff check", [_tool('ruff'), 'check', '--fix-only', '--quiet', '.']),
        _run("ruff format", [_tool('ruff'), 'format', '--quiet', '.']),
        _run(
            "prettier",
            [*_prettier(), '--write', '--log-level=warn', *map(str, _files(*PRETTIER_FILES))],
        ),
    ]
    return 0 if all(results) else 1


def _run(title: str, command: list[str]) -> bool:
    answer = subprocess.run(
        command,
        cwd=places.CLONE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        env=os.environ | {'PYTHONDONTWRITEBYTECODE': '1'},
    )
    if answer.returncode:
        sys.stdout.write(answer.stdout)
    say(f"{'FAILED' if answer.returncode else 'ok':>6}  {title}")
    return not answer.returncode


def _tool(name: str) -> str:
    return str(python_packages.folder('lint') / 'bin' / name)


def _modules() -> list[str]:
    return sorted(path.parent.name for path in places.CLONE.glob('*/__manifest__.py'))


def _files(*suffixes: str) -> list[Path]:
    """Return the add-ons' files with one of the suffixes, relative to the clone's top."""
    found = []
    for module in _modules():
        for suffix in suffixes:
            found += (places.CLONE / module).rglob(f'*.{suffix}')
    # Samples are kept as the tools write them.
    return sorted(
        path.relative_to(places.CLONE)
        for path in found
        if not {'samples', 'kinds'} & set(path.parts)
    )


def _prettier_folder() -> Path:
    key = hashlib.sha256((PRETTIER / 'package-lock.json').read_bytes()).hexdigest()[:12]
    return places.cache_dir() / f'prettier-{key}'


def _has_prettier() -> bool:
    return places.is_complete(_prettier_folder())


def _install_prettier(progress: Progress) -> None:
    """Install prettier and its plugin for XML, whose checksums npm verifies."""
    with places.locked(places.cache_dir() / 'prettier.lock'):
        if _has_prettier():
            return
        with places.new_folder(_prettier_folder()) as folder:
            for name in ('package.json', 'package-lock.json'):
                (folder / name).write_bytes((PRETTIER / name).read_bytes())
            npm.run(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder, progress)


def _prettier() -> list[str]:
    modules = _prettier_folder() / 'node_modules'
    return [
        *(npm.node(), str(modules / 'prettier/bin/prettier.cjs')),
        f"--plugin={modules / '@prettier/plugin-xml/src/plugin.js'}",
        f"--config={PRETTIER / 'config.json'}",
    ]
