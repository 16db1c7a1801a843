"""How translations are kept up to date."""

import os
import subprocess

from . import databases, odoo_command, places, testing
from .console import say

CORE = 'assist_billing'

# Run by Odoo's own Python, which has polib. The dates of each run would only make differences.
MERGE = """
import sys, polib
template = polib.pofile(sys.argv[1])
for name in ('POT-Creation-Date', 'PO-Revision-Date'):
    del template.metadata[name]
template.save(sys.argv[1])
for path in sys.argv[2:]:
    catalogue = polib.pofile(path)
    catalogue.merge(template)
    for entry in catalogue.obsolete_entries():
        catalogue.remove(entry)
    catalogue.sort(key=lambda entry: entry.msgid)
    catalogue.save(path)
    print(f"{path}: {len(catalogue.untranslated_entries())} of {len(catalogue)} to translate")
"""


def update() -> None:
    """Write each add-on's template anew from a fresh database; merge it into its languages.

    An add-on's words are exported where there is nothing but what it depends on. A model takes up
    the fields of every add-on that is there when it is installed: beside Timesheets, sessions have
    ratings, whose words are that add-on's.
    """
    core = f'assist_test_{os.getpid()}'
    try:
        _install(core, CORE)
        for module in sorted(testing.modules(), key=lambda module: module != CORE):
            # Odoo installs some by themselves beside the core.
            if databases.has_module(core, module):
                _update_module(core, module)
            else:
                _update_alone(core, module)
    finally:
        databases.drop(core)


def _update_alone(core: str, module: str) -> None:
    """Do it for an add-on that is not beside the core by itself, in a copy of that database."""
    name = f'{core}_{module}'
    try:
        databases.copy(core, name)
        _install(name, module)
        _update_module(name, module)
    finally:
        databases.drop(name)


def _install(database: str, module: str) -> None:
    findings = places.state_dir() / f'{database}.findings'
    try:
        testing.install(database, findings, [module])
    finally:
        places.remove(findings)


def _update_module(database: str, module: str) -> None:
    folder = places.CLONE / module / 'i18n'
    folder.mkdir(exist_ok=True)
    template = folder / f'{module}.pot'
    export = ['i18n', 'export', '-d', database, '-l', 'pot', '-o', str(template), module]
    subprocess.run(
        [odoo_command.python(), '-m', 'odoo', *export],
        env=odoo_command.environment(),
        stderr=subprocess.DEVNULL,
        check=True,
    )
    say(f"{template.relative_to(places.CLONE)} is written.")
    catalogues = [str(path.relative_to(places.CLONE)) for path in sorted(folder.glob('*.po'))]
    merge = [odoo_command.python(), '-c', MERGE, str(template), *catalogues]
    subprocess.run(merge, cwd=places.CLONE, check=True)
