from odoo.exceptions import UserError
from odoo.tests import tagged

from ..common import AssistBillingCommon

NAMES = ['source', 'external_id', 'started_at', 'ended_at']
ROW = ['csv', 'A1', '2026-01-15 10:00:00', '2026-01-15 10:30:00']

NO_TABLES = (
    (None, None),
    (NAMES, None),
    (NAMES, 5),
    (NAMES, 'abcd'),
    (NAMES, {'a': 1}),
    (NAMES, ['abcd']),
    (NAMES, [None]),
    (NAMES, [5]),
    ('external_id', [['A1']]),
    ([5], [['A1']]),
    ([None], [['A1']]),
    ([['external_id']], [['A1']]),
    ([''], [['A1']]),
    (['external_\ud800'], [['A1']]),
)
NO_CELLS = ([1], {'a': 1}, ('x',), 'a\0b', 'a\ud800b')


@tagged('post_install', '-at_install')
class TestImportTable(AssistBillingCommon):
    """Whoever calls Odoo's import of a model of ours with no table hears so in words."""

    def _load(self, names, rows):
        sessions = self.env['assist.session']
        before = sessions.search_count([])
        result = sessions.load(names, rows)
        self.assertEqual(sessions.search_count([]) - before, len(result['ids'] or ()))
        return result

    def _assert_row_refused(self, result, words):
        self.assertFalse(result['ids'])
        [message] = result['messages']
        self.assertIn(words, message['message'])
        self.assertEqual((message['type'], message['rows']), ('error', {'from': 1, 'to': 1}))

    def test_a_row_that_is_cut_short_is_no_running_session(self):
        for row in (ROW[:3], [*ROW, 'x'], []):
            with self.subTest(row=row):
                result = self._load(NAMES, [ROW, row])
                self._assert_row_refused(result, f"Row 2 has {len(row)} values")

    def test_of_every_model(self):
        for name, model in self.env.registry.items():
            is_ours = name.startswith('assist.') and model._auto
            if not is_ours or model._abstract or model._transient:
                continue
            with self.subTest(model=name):
                result = self.env[name].load(['id', 'display_name'], [['x']])
                self.assertFalse(result['ids'])
                self.assertIn("Row 1 has 1 values", result['messages'][0]['message'])

    def test_what_is_no_table(self):
        for names, rows in NO_TABLES:
            with self.subTest(names=names, rows=rows), self.assertRaises(UserError):
                self._load(names, rows)

    def test_names_of_fields(self):
        for names in (['nosuch'], ['source', 'source'], ['nosuch/id'], ['.nosuch']):
            with self.subTest(names=names), self.assertRaises(UserError):
                self._load(names, [['x'] * len(names)])

    def test_what_is_no_cell(self):
        for value in NO_CELLS:
            for place in range(len(NAMES)):
                row = list(ROW)
                row[place] = value
                with self.subTest(row=row):
                    result = self._load(NAMES, [[*ROW[:1], 'A2', *ROW[2:]], row])
                    self._assert_row_refused(result, f"Row 2: what stands in {NAMES[place]}")
        for value in ('abc', True, [1], '²'):
            with self.subTest(id=value):
                result = self._load(['.id', 'note'], [['', "x"], [value, "x"]])
                self._assert_row_refused(result, "Row 2: what stands in .id")

    def test_numbers_are_read_as_if_they_were_texts(self):
        for value in (5, True, 1.5, float('nan'), 10**30):
            with self.subTest(value=value):
                result = self._load(NAMES, [[*ROW[:3], value]])
                self.assertFalse(result['ids'])
                words = [message['message'] for message in result['messages']]
                self.assertTrue([text for text in words if "datetime" in text], words)
        [session_id] = self._load([*NAMES, 'billable'], [['csv', 7, *ROW[2:], False]])['ids']
        session = self.env['assist.session'].browse(session_id)
        self.assertRecordValues(session, [{'external_id': '7', 'billable': False}])
