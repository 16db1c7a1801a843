"""How translations are kept up to date."""

import os
import subprocess

from . import databases, odoo_command, places, testing
from .console import say

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
    """Write each add-on's template anew from a fresh database; merge it into its languages."""
    name = f'assist_test_{os.getpid()}'
    findings = places.state_dir() / f'{name}.findings'
    try:
        testing.install(name, findings, testing.modules())
        for module in testing.modules():
            _update_module(name, module)
    finally:
        places.remove(findings)
        databases.drop(name)


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
