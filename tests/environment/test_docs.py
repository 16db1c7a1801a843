"""What the documentation names is there."""

import re
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
README = (CLONE / 'README.md').read_text()
MODELS = [path.read_text() for path in (CLONE / 'assist_billing/models').rglob('*.py')]
# `a.model`: `_method`, `_another`; or `a.model._method`
HOOKS = [
    (model, method)
    for row in README.partition('## Extend it')[2].splitlines()
    for model, methods in (
        re.findall(r'`([a-z.]+)`: (.*)', row) or re.findall(r'`([a-z.]+)\.(_\w+)`', row)
    )
    for method in re.findall(r'_\w+', methods)
]
PAGES = [CLONE / f'{name}.md' for name in ('README', 'CONTRIBUTING', 'SECURITY')]
PAGES += (CLONE / 'docs').rglob('*.md')


@pytest.mark.parametrize(('model', 'method'), HOOKS)
def test_each_hook_is_a_method_of_its_model(model, method):
    assert any(
        re.search(rf"_(name|inherit) = '{re.escape(model)}'", text) and f'def {method}(' in text
        for text in MODELS
    )


def test_the_hooks_were_found():
    assert len(HOOKS) > 15


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page):
    links = re.findall(r'\]\(([^)#\s]+)', page.read_text())
    assert [link for link in links if '://' not in link and not (page.parent / link).exists()] == []


def test_the_map_of_the_code_names_what_is_there():
    rows = README.partition('## Find your way in the code')[2].partition('\n## ')[0].splitlines()
    names = [name for row in rows for name in re.findall(r'`([\w/.]+)`', row.split(' | ')[0])]
    folders = CLONE, CLONE / 'assist_billing'
    assert [name for name in names if not any((f / name).exists() for f in folders)] == []
    addons = {f'{path.parent.name}/' for path in CLONE.glob('assist_billing_*/__manifest__.py')}
    assert addons <= set(names)
