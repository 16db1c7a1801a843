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
# States of these models go through one function, which is told the state: nobody else names one in
# what is written. A name that other models have too is left out.
STATES = {
    'assist.session': {'unmatched', 'to_bill', 'billed', 'non_billable'},
    'assist.billing.cycle': {'open', 'closed', 'to_rebill', 'waived'},
}
# In more files than these nobody keeps a model in mind.
MOST_FILES = {'account.move': 10, 'assist.session': 5}


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


def get_states_written(source, stem):
    """Return `{state: {'file.function'}}`: which states are written, as values or by SQL."""
    written = defaultdict(set)

    def visit(node, function):
        if isinstance(node, ast.FunctionDef):
            function = node.name
        for value in get_values_of_state(node):
            if isinstance(value, ast.Constant):
                written[value.value].add(f'{stem}.{function}')
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for statement in re.findall(r'(?s)UPDATE assist_.*?\bSET\b(.*)', node.value):
                assignments = re.split(r'\b(?:FROM|WHERE)\b', statement)[0]
                if re.search(r'(?:^|,)\s*state\s*=', assignments):
                    written['SQL'].add(f'{stem}.{function}')
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), '')
    return written


def get_values_of_state(node):
    """Return what a piece of code writes to a field `state`."""

    def is_state(key):
        return isinstance(key, ast.Constant) and key.value == 'state'

    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [value for key, value in pairs if is_state(key)]
    if isinstance(node, ast.Assign):
        return [
            node.value
            for target in node.targets
            if (isinstance(target, ast.Attribute) and target.attr == 'state')
            or (isinstance(target, ast.Subscript) and is_state(target.slice))
        ]
    if isinstance(node, ast.Call):
        return [keyword.value for keyword in node.keywords if keyword.arg == 'state']
    return []


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

    def test_what_has_many_files_has_few(self):
        for name, most in MOST_FILES.items():
            with self.subTest(model=name):
                classes = self._get_own_classes(name)
                self.assertGreater(len(classes), 3, "so the classes are found")
                self.assertLessEqual(len(classes), most)

    def test_each_state_is_written_in_one_place(self):
        found = defaultdict(set)
        for path, source in get_sources().items():
            for name, writers in get_writers(source, path.stem).items():
                found[name] |= writers
        for name, writers in GATES.items():
            with self.subTest(field=name):
                self.assertEqual(found[name], writers)

    def test_states_of_sessions_and_cycles_are_set_in_one_place(self):
        found = defaultdict(set)
        for path, source in get_sources().items():
            for state, writers in get_states_written(source, path.stem).items():
                found[state] |= writers
        for model, states in STATES.items():
            selection = dict(self.env[model]._fields['state'].selection)
            self.assertFalse(states - selection.keys())
            for state in states:
                with self.subTest(model=model, state=state):
                    self.assertFalse(found[state])
        self.assertFalse(found['SQL'])
        self.assertTrue(found['done'], "so that ways of writing are found")

    def test_a_state_that_is_set_elsewhere_would_be_found(self):
        for source in (
            "def f(cycle): cycle.state = 'open'",
            "def f(cycle): cycle['state'] = 'open'",
            "def f(cycle): cycle.write({'state': 'open'})",
            "def f(cycle): cycle.update(state='open')",
        ):
            with self.subTest(source=source):
                self.assertEqual(get_states_written(source, 'file')['open'], {'file.f'})
        for source in (
            "def f(cr): cr.execute('UPDATE assist_session s SET state = 1 WHERE x')",
            "def f(cr): cr.execute('UPDATE assist_session SET x = 1, state = 2')",
        ):
            with self.subTest(source=source):
                self.assertEqual(get_states_written(source, 'file')['SQL'], {'file.f'})
        for source in (
            "def f(cr): cr.execute('UPDATE assist_session SET x = 1 WHERE state = 2')",
            "def f(cycle): return cycle.state == 'open'",
        ):
            self.assertFalse(get_states_written(source, 'file'))

    def test_a_cycle_goes_only_where_cycles_go(self):
        cycles = self.env['assist.billing.cycle']
        for before, after, is_way in (
            ('open', 'closed', True),
            ('closed', 'to_rebill', True),
            ('to_rebill', 'closed', True),
            ('to_rebill', 'waived', True),
            ('open', 'to_rebill', False),
            ('open', 'waived', False),
            ('closed', 'waived', False),
            ('to_rebill', 'open', False),
            ('waived', 'open', False),
            ('waived', 'closed', False),
            ('waived', 'to_rebill', False),
        ):
            cycle = cycles.new({'state': before})
            with self.subTest(before=before, after=after):
                if is_way:
                    self.assertEqual(cycle._prepare_state_vals(after), {'state': after})
                else:
                    with self.assertRaises(ValueError):
                        cycle._prepare_state_vals(after)

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
