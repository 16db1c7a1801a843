from unittest.mock import patch

from lxml import etree

from odoo.exceptions import AccessError
from odoo.models import LOG_ACCESS_COLUMNS
from odoo.tests import tagged
from odoo.tools import mute_logger

from .access_common import MANAGER, AccessCommon, read_table

# How a view says that it does not offer something.
FALSE = ('0', 'false', 'False')


@tagged('post_install', '-at_install')
class TestSameAgain(AccessCommon):
    """What a record has already, written once more as forms and imports do, changes nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.everything = cls._create_user(
            'everything', f'{MANAGER},account.group_account_manager,base.group_system'
        )
        # Each has something that is not what it would begin with.
        cls.records['assist.billing.association.fee'].sudo().price = 8.0
        cls.records['assist.billing.plan.version'].sudo().price_per_session = 8.0
        cls.records['assist.matching.rule'].sudo().name = "As somebody called it"
        cls.records['assist.billing.association'].sudo().tz = 'Asia/Tokyo'
        # Who has a grade by now had none when he helped.
        technician = cls.users['technician'].sudo()
        cls.env.flush_all()
        cls.env.cr.execute(
            "UPDATE assist_session SET technician_id = %s WHERE id = %s",
            [technician.id, cls.billed.id],
        )
        cls.env.invalidate_all()
        technician.assist_grade_id = cls.records['assist.technician.grade'].sudo()

    def _read(self, record):
        self.env.flush_all()
        self.env.invalidate_all()
        names = [
            field.name
            for field in record._fields.values()
            if field.store
            and field.column_type
            and field.name not in ('id', *LOG_ACCESS_COLUMNS)
            and any(module.startswith('assist_billing') for module in field._modules)
        ]
        return record.sudo().read(names, load='')[0]

    def test_the_same_value_again_leaves_all_others(self):
        tried = 0
        for row in read_table('editable.csv'):
            model = self.env[row['model']]
            if not model._name.startswith('assist.') or model._transient or not model._auto:
                continue
            if model._name == 'assist.billing.tie':
                continue  # who writes its days has it checked once more
            records = [self.records[model._name]]
            if model._name == 'assist.session':
                records.append(self.billed)
            for record in records:
                if not record.with_user(self.everything).has_access('write'):
                    continue
                before = self._read(record)
                for name in row['fields'].split():
                    if name not in before:
                        continue
                    with self.subTest(record=record, field=name):
                        record.with_user(self.everything).write({name: before[name]})
                        self.assertEqual(self._read(record), before)
                    tried += 1
        self.assertGreater(tried, 100)

    def test_what_can_be_duplicated_is(self):
        """Who is offered to duplicate a record gets a copy, whatever brought the record in."""
        for record in (self.records['assist.session'], self.records['assist.device']):
            record.sudo().write({'source': 'zoho_assist', 'external_id': 'z1'})
        actions = self.env['ir.actions.act_window'].sudo().search([])
        shown = set(actions.mapped('res_model'))
        tried = 0
        for name, record in self.records.items():
            mine = record.with_user(self.everything)
            if not name.startswith('assist.') or name not in shown or record._transient:
                continue
            if not mine.has_access('create'):
                continue
            for view_type in ('form', 'list'):
                root = etree.fromstring(mine.get_view(view_type=view_type)['arch'])
                if not {root.get('create'), root.get('duplicate')}.isdisjoint(FALSE):
                    continue
                with self.subTest(model=name, view=view_type), self.cr.savepoint() as undo:
                    self.assertTrue(mine.copy())
                    undo.rollback()
                tried += 1
        self.assertGreater(tried, 12)

    @mute_logger('odoo.models')
    def test_who_may_not_see_a_field_does_not_learn_whether_a_guess_was_right(self):
        session = self.records['assist.session']
        session.sudo().note = "right"
        technician = session.with_user(self.users['technician'])
        with patch.object(session._fields['note'], 'groups', 'account.group_account_manager'):
            for guess in ("right", "wrong"):
                with self.subTest(guess=guess), self.assertRaises(AccessError):
                    technician.write({'note': guess})
