"""Each add-on can be taken by itself, as a folder or as a Python package."""

import ast
import re
from pathlib import Path

import polib
import pytest

from environment import places

LANGUAGES = ('de', 'es', 'fr')
MANIFESTS = sorted(places.CLONE.glob('*/__manifest__.py'))


@pytest.fixture(params=MANIFESTS, ids=[path.parent.name for path in MANIFESTS])
def folder(request):
    return request.param.parent


def test_it_has_its_licence_its_description_and_a_version(folder):
    manifest = ast.literal_eval((folder / '__manifest__.py').read_text())
    assert 'LESSER GENERAL PUBLIC LICENSE' in (folder / 'LICENSE').read_text()
    assert manifest['license'] == 'LGPL-3'
    assert re.fullmatch(r'19\.0\.\d+\.\d+\.\d+', manifest['version'])
    assert (folder / 'pyproject.toml').is_file()
    assert (folder / 'static/description/icon.png').is_file()
    for image in manifest.get('images', ()):
        assert (folder / image).is_file(), image


def test_the_page_of_a_store_has_its_pictures(folder):
    page = folder / 'static/description/index.html'
    for image in re.findall(r'src="([^"]+)"', page.read_text() if page.is_file() else ''):
        assert (page.parent / image).is_file(), image


def test_no_link_in_its_description_leads_out_of_it(folder):
    """What is installed has no repository around it."""
    for path in [folder / 'README.md', *folder.glob('readme/*.md')]:
        for target in re.findall(r'\]\(([^)]+)\)', path.read_text()):
            if not target.startswith('http'):
                assert (folder / target).resolve().is_relative_to(folder), (path, target)
                assert (folder / target).exists(), (path, target)


def test_migrations_are_not_above_the_version(folder):
    """A script of a later version than the manifest's would never run."""
    manifest = ast.literal_eval((folder / '__manifest__.py').read_text())
    version = [int(part) for part in manifest['version'].split('.')]
    for path in folder.glob('migrations/*/'):
        assert [int(part) for part in path.name.split('.')] <= version, path


def test_its_words_are_in_each_language(folder):
    words = {entry.msgid for entry in polib.pofile(str(next(folder.glob('i18n/*.pot'))))}
    for language in LANGUAGES if words else ():
        catalogue = polib.pofile(str(folder / f'i18n/{language}.po'))
        assert {entry.msgid for entry in catalogue if entry.translated()} == words, language


def test_odoo_itself_finds_each_of_its_tests(folder):
    """Odoo runs those that the package of tests imports; whoever has no pytest runs them so."""
    tests = folder / 'tests'
    files = {path.relative_to(tests).with_suffix('') for path in tests.rglob('test_*.py')}
    imported = set()
    if files:
        for node in ast.walk(ast.parse((tests / '__init__.py').read_text())):
            if isinstance(node, ast.ImportFrom):
                within = Path(*(node.module or '').split('.'))
                imported |= {within / alias.name for alias in node.names}
    assert files == {path for path in imported if path.name.startswith('test_')}
