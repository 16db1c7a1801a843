import math

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .access_common import MANAGER, AccessCommon, read_table

# A program can send all of these; JSON as Python reads it has the first two.
UNCOUNTABLE = (math.nan, math.inf, -math.inf, 1e308, -1e308, 10**400, 'nan', 'inf')


@tagged('post_install', '-at_install')
class TestNumbers(AccessCommon):
    """What is no number to count with is refused in words, by each field that people write."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.everything = cls._create_user(
            'everything', f'{MANAGER},account.group_account_manager,base.group_system'
        )

    def _get_numbers(self):
        """Return `{record: names of its numbers that are editable}`, one record of each model."""
        found = {}
        for row in read_table('editable.csv'):
            model = self.env[row['model']]
            if not model._name.startswith('assist.') or model._transient:
                continue
            names = {
                name
                for name in row['fields'].split()
                if model._fields[name].type in ('float', 'integer', 'monetary')
            }
            record = self.records[model._name].with_user(self.everything)
            if names and record.has_access('write'):
                found[record] = found.get(record, set()) | names
        return found

    @mute_logger('odoo.sql_db')
    def test_every_editable_number_has_bounds(self):
        numbers = self._get_numbers()
        self.assertGreater(sum(map(len, numbers.values())), 30)
        for record, names in numbers.items():
            for name in sorted(names):
                values = UNCOUNTABLE
                if record._fields[name].type == 'integer':
                    values = (2**31, -(2**31) - 1, 10**30)
                for value in values:
                    with (
                        self.subTest(model=record._name, field=name, value=value),
                        self.assertRaisesRegex(ValidationError, "no number to count with"),
                    ):
                        record.write({name: value})
                with (
                    self.subTest(model=record._name, field=name, door='create'),
                    self.assertRaisesRegex(ValidationError, "no number to count with"),
                ):
                    record.create([{name: values[0]}])

    def test_a_rule_of_minutes_is_no_longer_than_a_session(self):
        for record, names in (
            (
                self.plan,
                (
                    'ignore_under_seconds',
                    'merge_gap_minutes',
                    'minimum_minutes',
                    'increment_minutes',
                    'base_minutes',
                ),
            ),
            (
                self.env['assist.billing.rate'].create({'plan_id': self.plan.id}),
                ('minimum_minutes', 'increment_minutes'),
            ),
        ):
            for name in names:
                with self.subTest(record=record, name=name), self.assertRefused("too many"):
                    record.write({name: 2**31 - 1})

    def test_a_discount_without_number_is_refused_in_words(self):
        bill = self.records['account.move'].with_user(self.users['accountant'])
        dialogs = self.env['assist.add.charges'].with_user(self.users['accountant'])
        for value in (math.nan, math.inf, 1e308, 1e15):
            with self.subTest(value=value), self.assertRefused("no number to count with"):
                dialogs.create({'move_id': bill.id, 'amount': value})

    def test_no_session_lasts_longer_than_the_calendar(self):
        session = self.records['assist.session'].with_user(self.users['technician'])
        for hours in (1e9, 1e11):
            with self.subTest(hours=hours), self.assertRefused("no session lasts"):
                session.duration_hours = hours
            with self.subTest(hours=hours, door='create'), self.assertRefused("no session lasts"):
                session.create({'started_at': '2026-01-01 10:00:00', 'duration_hours': hours})
        for hours in (math.nan, math.inf, 1e300):
            with self.subTest(hours=hours), self.assertRefused("no number to count with"):
                session.duration_hours = hours
