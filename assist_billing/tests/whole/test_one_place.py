import ast
import re
from collections import defaultdict
from pathlib import Path

from odoo.tests import TransactionCase, tagged

ADDON = Path(__file__).parents[2]
# Methods that a model has twice in this add-on, each with the reason.
OVERRIDDEN_TWICE = {
    # Who typed an address is asked before anything else is done with it.
    ('res.partner', 'create'),
    ('res.partner', 'write'),
}
# Which function alone writes a field, as `file.function`.
GATES = {
    'assist_delivery_state': {'delivery._assist_set_delivery_state'},
    'assist_kind': {'account_move._prepare_assist_kind_vals'},
}
# Of `account.move` alone: more files than this nobody keeps in mind.
MOST_FILES = 10


def get_sources():
    """Return `{path: source}` of all Python of this add-on but its tests and migrations."""
    return {
        path: path.read_text()
        for path in sorted(ADDON.rglob('*.py'))
        if not {'tests', 'migrations'} & set(path.relative_to(ADDON).parts)
    }


def get_written_names(node):
    """Return the fields that a piece of code writes by itself, not the functions within it."""
    names = []
    if isinstance(node, ast.Dict):
        names += [key.value for key in node.keys if isinstance(key, ast.Constant)]
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Attribute):
                names.append(target.attr)
            elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                names.append(target.slice.value)
    elif isinstance(node, ast.Call):
        names += [keyword.arg for keyword in node.keywords]
        if isinstance(node.func, ast.Attribute) and node.func.attr == 'setdefault':
            names += [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        names += re.findall(r'(?:\bSET|,)\s+(\w+) =(?!=)', node.value)
    return names


def get_writers(source, stem):
    """Return `{field: {'file.function'}}`: who writes which field."""
    writers = defaultdict(set)

    def visit(node, function):
        if isinstance(node, ast.FunctionDef):
            function = node.name
        for name in get_written_names(node):
            writers[name].add(f'{stem}.{function}')
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), '')
    return writers


@tagged('post_install', '-at_install')
class TestOnePlace(TransactionCase):
    """A concept has one place: nothing is overridden twice, each state has one writer."""

    def _get_own_classes(self, name):
        """Return the classes of this add-on that make up a model, mixins left out."""
        return [
            base
            for base in type(self.env[name]).mro()
            if vars(base).get('_module') == 'assist_billing' and vars(base)['_name'] == name
        ]

    def test_nothing_is_defined_twice_within_the_add_on(self):
        """Else the order of files decides what is done first."""
        twice = set()
        for name in self.env.registry:
            counts = defaultdict(int)
            for base in self._get_own_classes(name):
                for attribute, value in vars(base).items():
                    if callable(value) or isinstance(value, property | classmethod):
                        counts[attribute] += not attribute.startswith('__')
                for field in vars(base).get('_field_definitions', ()):
                    counts[field.name] += 1
            twice |= {(name, attribute) for attribute, count in counts.items() if count > 1}
        self.assertEqual(twice, OVERRIDDEN_TWICE)

    def test_a_bill_is_extended_in_few_files(self):
        classes = self._get_own_classes('account.move')
        self.assertGreater(len(classes), 3, "so the classes are found")
        self.assertLessEqual(len(classes), MOST_FILES)

    def test_each_state_is_written_in_one_place(self):
        found = defaultdict(set)
        for path, source in get_sources().items():
            for name, writers in get_writers(source, path.stem).items():
                found[name] |= writers
        for name, writers in GATES.items():
            with self.subTest(field=name):
                self.assertEqual(found[name], writers)

    def test_all_ways_of_writing_are_recognised(self):
        for source in (
            "def f(move): move.kind = 1",
            "def f(move): move['kind'] = 1",
            "def f(move): move.write({'kind': 1})",
            "def f(move): move.update(kind=1)",
            "def f(move): move.vals.setdefault('kind', 1)",
            "def f(cr): cr.execute('UPDATE t SET kind = 1')",
            "def f(cr): cr.execute('UPDATE t SET x = 2, kind = 1')",
        ):
            with self.subTest(source=source):
                self.assertEqual(get_writers(source, 'file')['kind'], {'file.f'})
        self.assertFalse(get_writers("def f(move): return move.kind == 1", 'file')['kind'])
