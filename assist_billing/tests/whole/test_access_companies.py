import base64

from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .access_common import AccessCommon

FILE = base64.b64encode(b'External ID,Start\nS1,2026-02-01 10:00\nS2,2026-02-01 11:00\n')
# Their company follows from what they belong to, or is asked for there.
WITHOUT_COMPANY_CHECK = {
    # Colleagues help out in other companies.
    ('assist.session', 'technician_id'),
}


@tagged('post_install', '-at_install')
class TestAccessCompanies(AccessCommon):
    """A record stays where its user may reach, and what is billed stays in its company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.users['manager']
        cls.theirs = cls.env(user=SUPERUSER_ID, su=True)['assist.billing.plan'].create(
            {
                'name': "Theirs",
                'company_id': cls.other_company.id,
                'currency_id': cls.other_company.currency_id.id,
            }
        )
        cls.foreign_customer = cls._create_partner("Foreign", company_id=cls.other_company.id)

    def _with_both_companies(self, user):
        """Let a user work in both companies at once."""
        user.sudo().company_ids |= self.other_company
        return {'allowed_company_ids': (self.company | self.other_company).ids}

    # === RULES === #

    def test_each_model_with_a_company_has_a_rule_on_it(self):
        rules = self.env['ir.rule'].sudo().search([('groups', '=', False)])
        for model in self._get_our_models():
            domains = rules.filtered(lambda rule, m=model: rule.model_id.model == m).mapped(
                'domain_force'
            )
            text = " ".join(domains)
            with self.subTest(model=model):
                if self._is_nobodys(model):
                    continue  # no rule lets in whom no right lets in
                if self.env[model]._transient:
                    self.assertIn("('create_uid', '=', user.id)", text)
                else:
                    self.assertIn("company_ids", text)

    def _is_nobodys(self, model):
        """Tell whether no group has any right to records of this model."""
        rights = self.env['ir.model.access'].sudo().search([('model_id.model', '=', model)])
        return not any(
            right[f'perm_{operation}']
            for right in rights
            for operation in ('read', 'write', 'create', 'unlink')
        )

    def test_no_field_of_a_dialog_is_read_as_somebody_else(self):
        for model in self._get_our_models():
            for field in self.env[model]._fields.values():
                if self.env[model]._transient and field.related and not field.inherited:
                    with self.subTest(field=str(field)):
                        self.assertFalse(field.compute_sudo)

    def test_links_are_checked_for_their_company(self):
        for model in self._get_our_models():
            records = self.env[model]
            company = records._fields.get('company_id')
            if records._transient or not records._auto or not company:
                continue
            engine = records._get_engine_fields()
            for field in records._fields.values():
                if (
                    field.type == 'many2one'
                    and field.store
                    and field.name not in engine
                    and (model, field.name) not in WITHOUT_COMPANY_CHECK
                    and field.comodel_name not in ('res.company', 'res.users')
                    and 'company_id' in self.env[field.comodel_name]._fields
                    # The company is that of what the field names.
                    and (company.related or '').partition('.')[0] != field.name
                    # Nobody has the right to write these.
                    and records.with_user(self.manager).has_access('write')
                ):
                    with self.subTest(field=str(field)):
                        self.assertTrue(field.check_company)

    # === WHOSE COMPANY === #

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_nothing_is_put_into_a_company_that_is_not_the_users(self):
        tried = 0
        for model in self._get_our_models():
            record = self.records[model].with_user(self.manager)
            field = record._fields.get('company_id')
            if record._transient or not field or not record.has_access('write'):
                continue
            with self.subTest(model=model), self.assertRaises(UserError):
                record.write({'company_id': self.other_company.id})
            self.assertEqual(record.sudo().company_id, self.company)
            if record.has_access('create') and not field.related:
                tried += 1
                with self.subTest(model=model, create=True), self.assertRaises(AccessError):
                    record.create([{'company_id': self.other_company.id}])
        self.assertGreater(tried, 4)

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_a_foreign_company_is_refused_by_every_link(self):
        association = self.draft_association.with_user(self.manager)
        device = self.records['assist.device'].with_user(self.manager)
        session = self.records['assist.session'].with_user(self.manager)
        rule = self.records['assist.matching.rule'].with_user(self.manager)
        suspension = self.records['assist.billing.suspension'].with_user(self.manager)
        engine = self.env(user=SUPERUSER_ID, su=True)
        theirs = engine['assist.billing.association'].create(
            {
                'partner_id': self.foreign_customer.id,
                'plan_id': self.theirs.id,
                'start_date': '2026-01-01',
            }
        )
        foreign_device = engine['assist.device'].create(
            {'name': "Theirs", 'company_id': self.other_company.id}
        )
        for record, vals in (
            (association, {'plan_id': self.theirs.id}),
            (association, {'partner_id': self.foreign_customer.id}),
            (device, {'partner_id': self.foreign_customer.id}),
            (session, {'partner_id': self.foreign_customer.id}),
            (session, {'device_id': foreign_device.id}),
            (rule, {'partner_id': self.foreign_customer.id}),
            (suspension, {'association_id': theirs.id}),
        ):
            with (
                self.subTest(record=record, vals=vals),
                self.assertRaises(UserError),
                self.cr.savepoint(),
            ):
                record.write(vals)
                self.env.flush_all()

    # === STAYING === #

    def test_what_has_cycles_keeps_its_company(self):
        context = self._with_both_companies(self.manager)
        other = self.other_company.id
        association = self.records['assist.billing.association'].with_user(self.manager)
        for record, vals, words in (
            (association, {'plan_id': self.theirs.id}, "already has billing cycles in"),
            (association, {'company_id': other}, "already has billing cycles in"),
            (self.records['assist.billing.plan'], {'company_id': other}, "has billing cycles"),
            (
                self.records['assist.matching.rule'],
                {'company_id': other},
                "cannot move to another company",
            ),
            (
                self.records['assist.device'],
                {'company_id': other},
                "cannot move to another company",
            ),
            (self.billed, {'company_id': other}, "is billed"),
        ):
            record = record.with_user(self.manager).with_context(**context)
            with self.subTest(record=record, vals=vals), self.assertRefused(words):
                record.write(vals)
        connector = self.records['assist.connector']
        connector.sudo().cursor_at = '2026-01-01 00:00:00'
        connector = connector.with_user(self.manager).with_context(**context)
        with self.assertRefused("has already fetched sessions"):
            connector.company_id = other

    def test_a_customer_with_cycles_keeps_its_company(self):
        customer = self.customer.sudo()
        customer.company_id = self.company
        with self.assertRefused("cannot be moved to Other"):
            customer.company_id = self.other_company
        customer.company_id = False
        with self.assertRefused("cannot be moved to Other"):
            customer.company_id = self.other_company
        self.stranger.copy().sudo().company_id = self.other_company

    # === IMPORTS === #

    def test_a_file_is_imported_into_ones_own_company_alone(self):
        technician = self.users['technician']
        for model in ('assist.session.import', 'assist.device.import'):
            dialog = (
                self.env[model]
                .with_user(technician)
                .create(
                    {
                        'file': FILE,
                        'filename': 'x.csv',
                        'source': 'csv',
                        'company_id': self.other_company.id,
                    }
                )
            )
            for action in {'action_import', 'action_preview'} & set(dir(dialog)):
                with (
                    self.subTest(model=model, action=action),
                    self.assertRaises(AccessError),
                ):
                    getattr(dialog, action)()
        for model in ('assist.session', 'assist.device', 'assist.session.import.record'):
            records = self.env[model].sudo()
            self.assertFalse(records.search([('company_id', '=', self.other_company.id)]))

    def test_the_background_asks_again(self):
        record = self.env['assist.session.import.record'].sudo()
        vals = {
            'name': "x.csv",
            'file': FILE,
            'source': 'csv',
            'tz': 'UTC',
            'company_id': self.other_company.id,
            'user_id': self.users['technician'].id,
            'record_count': 2,
        }
        foreign = record.create(vals)
        own = record.create({**vals, 'company_id': self.company.id})
        self._run_schedule('_cron_import_sessions', 'assist.session.import.record')
        self.assertEqual((foreign.state, own.state), ('failed', 'done'))
        self.assertIn("is no longer allowed to import into", foreign.error)
        self.assertFalse(foreign.created_count)

    # === DIALOGS === #

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_a_dialog_shows_nothing_of_another_company(self):
        stranger = self.users['other_manager']
        bill = self.records['account.move']
        add = self.env['assist.add.charges'].with_user(stranger).create({'move_id': bill.id})
        statement = (
            self.env['assist.statement']
            .with_user(stranger)
            .create({'association_id': self.records['assist.billing.association'].id})
        )
        self.env.flush_all()
        self.env.invalidate_all()
        for dialog, fields in (
            (add, ['session_charge', 'currency_id', 'updated_total']),
            (statement, ['partner_id', 'company_id', 'display_name']),
        ):
            for field in fields:
                with self.subTest(dialog=dialog, field=field), self.assertRaises(AccessError):
                    dialog.read([field])
        for action in (add.action_add, statement.action_print, statement._get_statements):
            with self.subTest(action=action), self.assertRaises(AccessError):
                action()

    def test_a_run_is_seen_where_it_closed_something(self):
        run = self.records['assist.billing.run']
        self.assertTrue(run.with_user(self.manager).search([('id', '=', run.id)]))
        self.assertFalse(run.with_user(self.users['other_manager']).search([('id', '=', run.id)]))
        asked = run.with_user(self.users['other_manager']).action_request()
        self.assertTrue(
            run.with_user(self.users['other_manager']).search([('id', '=', asked['res_id'])])
        )
        self.assertFalse(run.with_user(self.manager).search([('id', '=', asked['res_id'])]))

    # === NAMES === #

    def test_the_name_of_a_customer_is_no_html(self):
        self.customer.name = '<a href="http://evil.example">x</a><img src="y"> http://evil.example'
        cycle = self.records['assist.billing.cycle'].sudo()
        cycle._close_failed(UserError(f"{self.customer.name}\nsecond line"), cycle.end_at)
        activity = cycle._assist_get_failure_activity()
        self.assertNotIn('<a', activity.note)
        self.assertNotIn('<img', activity.note)
        self.assertIn("second line", activity.note)
        self.assertIn("<br", activity.note)
        cycle._close_failed(UserError(f"Again {self.customer.name}"), cycle.end_at)
        self.assertNotIn('<a', activity.note)
        self.assertIn("Again", activity.note)

    def test_the_group_of_programs_says_what_it_may(self):
        group = self.env.ref('assist_billing.assist_billing_group_ingest').sudo()
        self.assertIn("Device", group.name)
        self.assertIn("remove unattended devices", group.comment)
        self.assertEqual(group.implied_ids, group.browse())
