from datetime import datetime
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ...models.cycle import assist_billing_cycle
from ..rates.rates_common import RatesCommon

NOW = datetime(2026, 3, 15)


@tagged('post_install', '-at_install')
class TestOpening(RatesCommon):
    """Cycles that begin are stored all at once, as `create` would store them one by one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Scheduled actions open cycles, as superuser.
        cls.cycles = cls.env['assist.billing.cycle'].sudo()

    def test_stored_at_once_they_are_what_create_makes_of_them(self):
        at_once = self._open_cycles("At once", is_extended=False)
        one_by_one = self._open_cycles("One by one", is_extended=True)
        self.assertEqual(len(at_once), 6)
        # Who they are of is different, and when they were made.
        other = {'id', 'association_id', 'partner_id', 'create_date', 'write_date'}
        for one, another in zip(at_once, one_by_one, strict=True):
            stored, wanted = self._read_columns(one), self._read_columns(another)
            self.assertEqual(
                {name: value for name, value in stored.items() if name not in other},
                {name: value for name, value in wanted.items() if name not in other},
            )
            self.assertTrue(all(stored[name] for name in other))

    def test_they_are_seen_by_who_has_looked_before(self):
        association = self._associate(plan=self.evenings)
        self.assertFalse(association.cycle_ids)
        self.cycles._open_for(association, NOW)
        self.assertEqual(len(association.cycle_ids), 3)

    def test_an_add_on_that_extends_create_is_asked(self):
        seen = []
        create = type(self.cycles).create

        def create_and_note(records, vals_list):
            seen.extend(vals_list)
            return create(records, vals_list)

        # Automation rules do it in this way, too: on the class of the registry.
        with patch.object(type(self.cycles), 'create', create_and_note):
            self.cycles._open_for(self._associate(), NOW)
        self.assertEqual(len(seen), 3)

    def test_a_constraint_of_an_add_on_is_asked(self):
        asked = []

        def check(records):
            asked.extend(records.ids)

        check._constrains = ('terms',)
        association = self._associate()
        with patch.object(type(self.cycles), '_constraint_methods', [check]):
            self.cycles._open_for(association, NOW)
        self.assertEqual(sorted(asked), sorted(association.cycle_ids.ids))

    def test_a_default_of_an_add_on_is_stored(self):
        association = self._associate()
        with patch.object(self.cycles._fields['waive_reason'], 'default', lambda _: "By default"):
            self.cycles._open_for(association, NOW)
        self.assertEqual(association.cycle_ids.mapped('waive_reason'), ["By default"] * 3)

    def test_a_field_that_an_add_on_computes_and_stores_is_computed(self):
        # Of what was not given a value.
        self._extend_fields(
            'computed',
            compute="for cycle in self: cycle['x_extra'] = 'computed'",
            depends='session_count',
        )
        association = self._associate()
        with self.enter_registry_test_mode():  # no other transaction sees the table meanwhile
            self.cycles._open_for(association, NOW)
        self.assertEqual(association.cycle_ids.mapped('x_extra'), ["computed"] * 3)

    def test_a_value_that_an_add_on_gives_is_stored(self):
        self._extend_fields('given')
        prepare = type(self.cycles)._prepare_cycle_vals
        association = self._associate()
        with (
            self.enter_registry_test_mode(),
            patch.object(
                type(self.cycles),
                '_prepare_cycle_vals',
                # Empty as the ORM has it: a column would have it otherwise.
                lambda *arguments: {**prepare(*arguments), 'x_extra': False},
            ),
        ):
            self.cycles._open_for(association, NOW)
        self.assertEqual(association.cycle_ids.mapped('x_extra'), [False] * 3)

    def test_all_open_however_many_fill_a_batch(self):
        associations = self.env['assist.billing.association'].browse()
        for size in (1, 2, 3, 4):
            with self.subTest(size=size), patch.object(assist_billing_cycle, 'OPEN_BATCH', size):
                for _number in range(3):
                    associations |= self._associate(self._create_partner(f"Customer {size}"))
                # At first they all begin; then each next one does, beside new ones.
                self._close(f'2026-0{size}-15')
                self.assertEqual(
                    [len(association.cycle_ids) for association in associations],
                    [size] * 3 * size,
                )

    def test_who_cannot_be_counted_does_not_keep_the_rest_of_a_batch_from_opening(self):
        associations = self.env['assist.billing.association'].browse()
        for number in range(4):
            associations |= self._associate(self._create_partner(f"Customer {number}"))
        prepare = type(self.cycles)._prepare_cycles_vals

        def prepare_but_one(cycles, association, *others):
            if association == associations[1]:
                message = "No such day"
                raise ValueError(message)
            return prepare(cycles, association, *others)

        with (
            patch.object(assist_billing_cycle, 'OPEN_BATCH', 2),
            patch.object(type(self.cycles), '_prepare_cycles_vals', prepare_but_one),
        ):
            self._close('2026-01-15')
        self.assertEqual([len(association.cycle_ids) for association in associations], [1, 0, 1, 1])

    def test_of_whom_a_cycle_runs_on_none_opens(self):
        running, over, reopened = (
            self._associate(self._create_partner(name)) for name in ("Runs on", "Over", "Reopened")
        )
        self._close('2026-02-15')
        done = (over + reopened).cycle_ids.sudo()
        done.write(done._prepare_state_vals('closed'))
        # An older one that is open does not count; nor does a last one that closed before its end.
        oldest = self._cycles(reopened)[0].sudo()
        oldest.write(oldest._prepare_state_vals('open'))
        for moment, count in (('2026-02-28 23:59:59', 2), ('2026-03-01 00:00:00', 3)):
            self._close(moment)
            for association in (running, over, reopened):
                self.assertEqual(len(association.cycle_ids), count, moment)

    def test_who_may_not_create_cycles_opens_none(self):
        association = self._associate()
        cycles = self.cycles.with_user(self._create_technician())
        with self.assertRaises(AccessError):
            cycles._create_opened([{'association_id': association.id}])
        self.assertFalse(association.cycle_ids)

    # === HELPERS === #

    def _extend_fields(self, title, **vals):
        """Give cycles a field of somebody else's, `x_extra`."""
        self.addCleanup(self._forget_fields)
        self.env['ir.model.fields'].create(
            {
                'model_id': self.env['ir.model']._get_id('assist.billing.cycle'),
                'name': 'x_extra',
                'field_description': title,
                'ttype': 'char',
                'store': True,
                **vals,
            }
        )

    def _forget_fields(self):
        self.registry.reset_changes()
        self.registry._setup_models__(self.cr, [])

    def _open_cycles(self, name, is_extended):
        """Open the cycles of two customers up to NOW; the plan of one has rates."""
        associations = self._associate(self._create_partner(name), self.evenings)
        associations |= self._associate(self._create_partner(f"{name}, too"))
        with (
            patch.object(type(self.cycles), '_is_create_extended', lambda *_: is_extended),
            patch.object(
                assist_billing_cycle, 'insert', wraps=assist_billing_cycle.insert
            ) as insert,
        ):
            self.cycles._open_for(associations, NOW)
        self.assertEqual(insert.called, not is_extended)
        return associations.cycle_ids.sorted(lambda cycle: (cycle.plan_id.id, cycle.date_start))

    def _read_columns(self, cycle):
        """Return the row of a cycle as the database has it."""
        self.env.flush_all()
        self.env.cr.execute("SELECT * FROM assist_billing_cycle WHERE id = %s", [cycle.id])
        return self.env.cr.dictfetchone()
