from unittest.mock import patch

from odoo.models import BaseModel
from odoo.tests import tagged

from odoo.addons.web.models.models import Base

from ..common import AssistBillingCommon

NOT_GROUPED = ('one2many', 'many2many', 'binary', 'json', 'html', 'properties', 'reference')


@tagged('post_install', '-at_install')
class TestGroupedLists(AssistBillingCommon):
    """Lists of ours are grouped and counted as Odoo does it, in fewer looks at their records."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        technicians = [cls.env.user, cls._create_technician()]
        # By name, in the other order than they are made; one has two sessions, two nobody's name.
        for number, name in enumerate(("Zeta", "Beta", "beta", "Ärger")):
            customer = cls._create_partner(name)
            cls._associate(customer, cls.plan if number % 2 else cls.hourly)
            device = cls._create_device(customer)
            for day in range(1, 2 + number):
                cls._create_session(
                    customer,
                    ended_at=f'2026-01-{day:02} 10:00:00',
                    technician_id=technicians[day % 2].id,
                    device_id=device.id if day % 2 else False,
                )
        cls._create_session(cls.env['res.partner'])

    def _get_models(self):
        for name in self.registry:
            model = self.env[name].sudo()
            if isinstance(model, self.registry['assist.guard']) and not (
                model._abstract or model._transient
            ):
                yield model

    def _get_groups(self, model):
        for name, field in model._fields.items():
            if field.store and field.type not in NOT_GROUPED:
                yield f'{name}:day' if field.type in ('date', 'datetime') else name

    def _read(self, model, group, limit, offset, order):
        return model._formatted_read_group_with_length(
            [], [group], ['__count', 'id:sum'], offset=offset, limit=limit, order=order
        )

    def _read_as_odoo(self, model, *how):
        kind = type(model)
        with (
            patch.object(kind, '_read_group_orderby', BaseModel._read_group_orderby),
            patch.object(
                kind, '_formatted_read_group_with_length', Base._formatted_read_group_with_length
            ),
        ):
            return self._read(model, *how)

    def test_all_our_lists_are_grouped_as_odoo_groups_them(self):
        self._close('2026-02-01 01:00:00')
        compared = 0
        for model in self._get_models():
            for group in self._get_groups(model):
                for how in (
                    (80, 0, None),
                    (1, 0, None),
                    (2, 1, f'{group} desc'),
                    (None, 0, None),
                    (5, 500, None),
                ):
                    with self.subTest(model=model._name, group=group, how=how):
                        expected = self._read_as_odoo(model, group, *how)
                        self.assertEqual(self._read(model, group, *how), expected)
                        compared += len(expected[0])
        self.assertGreater(compared, 500)

    def test_sessions_are_read_once(self):
        sessions = self.env['assist.session']
        self._read(sessions, 'partner_id', 2, 0, None)
        with self.assertQueryCount(2):  # the sessions; what the customers are called
            self.env.invalidate_all()
            groups, length = self._read(sessions, 'partner_id', 2, 0, None)
        self.assertEqual((len(groups), length), (2, 5))

    def test_what_refers_to_its_own_kind(self):
        """Sessions that are billed as one refer to a session: two tables of one name."""
        first, second = self.env['assist.session'].search([], limit=2, order='id')
        self.cr.execute(
            "UPDATE assist_session SET merged_into_id = %s WHERE id = %s", (first.id, second.id)
        )
        self.env.invalidate_all()
        how = ('merged_into_id', 1, 0, 'merged_into_id desc')
        sessions = self.env['assist.session']
        self.assertEqual(self._read(sessions, *how), self._read_as_odoo(sessions, *how))
