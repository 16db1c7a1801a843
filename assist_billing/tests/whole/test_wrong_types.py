from itertools import product

import psycopg2

from odoo.exceptions import UserError
from odoo.models import LOG_ACCESS_COLUMNS
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ...sources.values import ID_LIMIT
from ..thorough import thorough
from .access_common import MANAGER, AccessCommon, read_table

# What programs send by mistake: JSON has all of these.
WRONG = (
    True,
    7,
    -7,
    1.5,
    "nonsense",
    "7",
    "7.5",
    "2026-01-31",
    "x" * 10_000,
    "".join(map(chr, range(0x4E00, 0x4E00 + 5000))),
    2**40,
    "a\0b",
    ["x"],
    [7],
    [[7]],
    [[6, 0, "x"]],
    [None],
    {'x': 7},
    {},
    [],
    None,
)

AUTOMATIC = ('id', *LOG_ACCESS_COLUMNS)


class TakenBack(Exception):
    """What was written was taken, and is undone."""


@tagged('post_install', '-at_install')
class TestWrongTypes(AccessCommon):
    """What is of the wrong type is refused in words, or taken, by each field that people write."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.everything = cls._create_user(
            'everything', f'{MANAGER},account.group_account_manager,base.group_system'
        )

    def _get_fields(self):
        """Return `{record: names of its editable fields}`, one record of each model of ours."""
        found = {}
        for row in read_table('editable.csv'):
            model = self.env[row['model']]
            if not model._name.startswith('assist.'):
                continue
            record = self.records[model._name].with_user(self.everything)
            if model._transient:
                # A dialog is of who has opened it.
                table = SQL.identifier(model._table)
                uid = self.everything.id
                self.cr.execute(SQL("UPDATE %s SET create_uid = %s", table, uid))
                record.invalidate_recordset()
            names = row['fields'].split()
            if names == ['*']:
                names = [
                    name
                    for name, field in model._fields.items()
                    if name not in AUTOMATIC and (field.store or not field.readonly)
                ]
            else:
                names += [
                    name
                    for name, field in model._fields.items()
                    if field.inverse and not field.related and 'assist_billing' in field._modules
                ]
            found[record] = found.get(record, set()) | set(names)
        return found

    def _find_fault(self, write, vals):
        """Return what a program is told that writes `vals`, if that is not in words."""
        try:
            with self.cr.savepoint():
                self.env.invalidate_all()
                write(vals)
                self.env.flush_all()
                raise TakenBack  # noqa: TRY301 - that is what is undone
        except (TakenBack, UserError, psycopg2.IntegrityError):
            return None  # the last is put in words by Odoo, as it is when a person does it
        except Exception as fault:  # noqa: BLE001 - any of them is one
            return repr(fault)[:200]

    @thorough
    @mute_logger('odoo.sql_db', 'odoo.tools.mail')
    def test_every_field_takes_it_or_says_why_not(self):
        fields = self._get_fields()
        self.assertGreater(sum(map(len, fields.values())), 200)
        faults = [
            (record._name, name, value, door, fault)
            for record, names in fields.items()
            for name, value in product(sorted(names), WRONG)
            for door in ('write', 'create')
            if (fault := self._find_fault(getattr(record, door), {name: value}))
        ]
        self.assertEqual(faults, [])

    def test_what_is_refused_is_named(self):
        technician = self.users['technician']
        session = self.records['assist.session'].with_user(technician)
        rule = self.records['assist.matching.rule'].with_user(self.everything)
        for record, vals, words in (
            (
                session,
                {'kind': "nonsense"},
                "Kind cannot be 'nonsense'. It takes one of these: rem",
            ),
            (session, {'partner_id': "Acme"}, "Customer cannot be 'Acme'. It takes the ID"),
            (session, {'note': ["x"]}, r"Internal Note cannot be \['x'\]. It takes a text"),
            (rule, {'source': ["x"]}, r"Source cannot be \['x'\]"),
            (rule, {'sequence': "first"}, "It takes a whole number"),
        ):
            with self.subTest(vals=vals), self.assertRefused(words):
                record.write(vals)

    def test_a_long_id_is_refused_as_it_is_by_files(self):
        technician = self.users['technician']
        long = "".join(map(chr, range(0x4E00, 0x4E00 + ID_LIMIT + 1)))
        for model in ('assist.session', 'assist.device'):
            record = self.records[model].with_user(technician)
            with self.subTest(model=model), self.assertRefused("at most 255 characters"):
                record.write({'external_id': long})
            with self.subTest(model=model), self.assertRefused("at most 255 characters"):
                record.create({'name': "Long", 'source': 'csv', 'external_id': long})
            record.write({'external_id': long[1:]})

    def test_a_device_needs_a_name(self):
        device = self.records['assist.device'].with_user(self.users['technician'])
        for name in (False, None, "", "  "):
            with self.subTest(name=name), self.assertRefused("A device needs a name"):
                device.name = name
            with self.subTest(name=name), self.assertRefused("A device needs a name"):
                device.create({'name': name})
        with self.assertRefused("A device needs a name"):
            device.create({})
