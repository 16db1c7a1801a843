"""How the code's form is checked and mended."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from . import npm, places, python_packages, system_packages
from .console import Progress, Step, run_steps, say

PRETTIER = places.CLONE / 'tools/prettier'
# All of pylint-odoo's checks, and none of pylint's: ruff has those.
PYLINT_OPTIONS = (
    *('--rcfile=pyproject.toml', '--score=n', '--disable=all', '--enable=odoolint'),
    '--output-format=json',
)
# A model has one place. These have several, each for a reason.
SPREAD = {
    'account.move': "Odoo's own; each room extends it by what it knows of bills",
    'account.move.line': "Odoo's own; extended by what bills say and by how they are made",
    'account.tax': "Odoo's own; extended by how bills and their adjustments are rounded",
    'res.partner': "Odoo's own; extended by billing, matching and the way bills are made",
    'assist.bill.maker': "the ways in which bills are made, and which of them may be taken",
    'assist.billing.cycle': "the flow itself: a file for each step, from opening to billing again",
    'assist.billing.plan': "its prices and rules, and its rate card",
    'assist.billing.tie': "its checks, by what they are about: sessions, cycles, bills",
    'assist.connector': "what it is, and a file for each thing that it does",
    'assist.device': "what it is, and how devices come in",
    'assist.session': "what it is, how sessions come in, and whose they are",
    'assist.session.import': "the steps of the dialog",
}
SPREAD_CHECK = re.compile(r'Consider merging classes inherited to "([^"]+)"')
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
        _run_pylint(modules),
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
    answer = _call(command)
    return _tell(title, not answer.returncode, answer.stdout)


def _run_pylint(modules: list[str]) -> bool:
    """Run pylint-odoo; that a model is spread over files it says of all but those of `SPREAD`."""
    answer = _call([_tool('pylint'), *PYLINT_OPTIONS, *modules], stderr=subprocess.PIPE)
    try:
        messages = json.loads(answer.stdout)
    except ValueError:
        return _tell("pylint-odoo", False, f"{answer.stdout}{answer.stderr}\n")
    found = [
        "{path}:{line}: {message-id}: {message} ({symbol})\n".format_map(message)
        for message in messages
        if not ((spread := SPREAD_CHECK.match(message['message'])) and spread[1] in SPREAD)
    ]
    return _tell("pylint-odoo", not found, ''.join(found))


def _call(command: list[str], stderr: int = subprocess.STDOUT) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        cwd=places.CLONE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        env=os.environ | {'PYTHONDONTWRITEBYTECODE': '1'},
    )


def _tell(title: str, is_well: bool, complaints: str) -> bool:
    if not is_well:
        sys.stdout.write(complaints)
    say(f"{'ok' if is_well else 'FAILED':>6}  {title}")
    return is_well


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
