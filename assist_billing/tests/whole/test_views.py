from ast import literal_eval

from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from ..common import AssistBillingCommon

BILLING_ACTIONS = (
    'assist_billing_plan_action',
    'assist_billing_association_action',
    'assist_billing_cycle_action',
    'account_move_action_assist_bills',
    'account_move_action_assist_bills_analysis',
    'assist_matching_rule_action',
)
TECHNICIAN_ACTIONS = (
    'assist_session_action',
    'assist_session_action_mine',
    'assist_session_action_running',
    'assist_session_action_unmatched',
    'assist_unmatched_action',
    'assist_session_action_analysis',
    'assist_device_action',
)
BILLING_MODELS = {
    'assist.billing.plan',
    'assist.billing.association',
    'assist.billing.cycle',
    'account.move',
}


@tagged('post_install', '-at_install')
class TestViews(AssistBillingCommon):
    """Every screen opens for whom it is for, and shows a technician no price."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.technician = cls._create_technician()
        cls.biller = cls._create_user('biller', 'account.group_account_invoice')
        cls.reader = cls._create_user('reader', 'account.group_account_readonly')

    @classmethod
    def _create_user(cls, login, group):
        return new_test_user(
            cls.env,
            login,
            groups=f'base.group_user,{group}',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    # === HELPERS === #

    def _get_action(self, name, user):
        action = (
            self.env['ir.actions.act_window'].with_user(user)._for_xml_id(f'assist_billing.{name}')
        )
        domain = safe_eval(action['domain'] or '[]', {'uid': user.id})
        return action, self.env[action['res_model']].with_user(user), domain

    def _get_arches(self, action, model):
        """Return the views an action offers as {type: arch}, search included."""
        views = [*action['views'], ((action['search_view_id'] or [False])[0], 'search')]
        return {
            view_type: etree.fromstring(view['arch'])
            for view_type, view in model.get_views(views)['views'].items()
        }

    def _get_specification(self, arch, model):
        """Return what the web client would read for a view."""
        specification = {}
        for node in arch.xpath('.//field[not(ancestor::field)]'):
            field = model._fields[node.get('name')]
            if field.type == 'many2one':
                specification[field.name] = {'fields': {'display_name': {}}}
            elif field.type in ('one2many', 'many2many') and len(node):
                comodel = model.env[field.comodel_name]
                sub_arch = etree.fromstring(etree.tostring(node[0]))
                specification[field.name] = {'fields': self._get_specification(sub_arch, comodel)}
            else:
                specification[field.name] = {}
        return specification

    def _open(self, name, user):
        """Do what the web client does when a user opens an action and each of its views."""
        action, model, domain = self._get_action(name, user)
        for view_type, arch in self._get_arches(action, model).items():
            with self.subTest(action=name, view=view_type, user=user.login):
                if view_type == 'search':
                    self._use_filters(arch, model, domain)
                elif view_type in ('pivot', 'graph'):
                    self._group(arch, model, domain)
                else:
                    read = model.web_search_read(domain, self._get_specification(arch, model))
                    self.assertEqual(read['length'], model.search_count(domain))

    def _use_filters(self, arch, model, domain):
        for node in arch.iter('filter'):
            if node.get('domain'):
                model.search_count([*domain, *safe_eval(node.get('domain'), {'uid': 1})])
            group_by = literal_eval(node.get('context') or '{}').get('group_by')
            if group_by:
                self.assertTrue(model.formatted_read_group(domain, [group_by], ['__count']))

    def _group(self, arch, model, domain):
        nodes = arch.xpath('//field[not(@invisible)]')
        measures = [f"{node.get('name')}:sum" for node in nodes if node.get('type') == 'measure']
        groups = [
            ':'.join(filter(None, (node.get('name'), node.get('interval'))))
            for node in nodes
            if node.get('type') != 'measure' and model._fields[node.get('name')].type != 'float'
        ]
        self.assertTrue(measures)
        self.assertTrue(model.formatted_read_group(domain, groups, measures))

    def _make_history(self):
        """Leave one of everything: a paid-for cycle, a failed one, an unmatched session, a rule."""
        association = self._associate(billing_emails="it@acme.example")
        device = self._create_device()
        self._create_session(device_id=device.id)
        self._create_session(partner=self._create_partner("Passer-by"))
        self.env['assist.session'].create({'partner_id': self.customer.id})
        self.env['assist.matching.rule'].create(
            {'value': 'acme.example', 'partner_id': self.customer.id}
        )
        self._close('2026-02-01 00:00:00')
        return association

    # === WHO SEES WHAT === #

    def test_billing_users_open_every_billing_screen(self):
        self._make_history()
        for user in (self.biller, self.reader, self.env.user):
            for name in (*BILLING_ACTIONS, *TECHNICIAN_ACTIONS):
                self._open(name, user)

    def test_technicians_open_every_screen_of_theirs(self):
        self._make_history()
        self._create_session(technician_id=self.technician.id, ended_at='2026-01-20 10:00:00')
        for name in TECHNICIAN_ACTIONS:
            self._open(name, self.technician)

    def test_a_technician_sees_no_price_on_any_screen(self):
        for name in TECHNICIAN_ACTIONS:
            action, model, _domain = self._get_action(name, self.technician)
            for view_type, arch in self._get_arches(action, model).items():
                for node in arch.iter('field'):
                    with self.subTest(action=name, view=view_type, field=node.get('name')):
                        owner = model
                        for parent in reversed([*node.iterancestors('field')]):
                            owner = self.env[owner._fields[parent.get('name')].comodel_name]
                        field = owner._fields[node.get('name')]
                        self.assertNotEqual(field.type, 'monetary')
                        self.assertNotRegex(field.name, r'price|amount|charge|fee|billed_|cycle')
                        self.assertNotIn(field.comodel_name, BILLING_MODELS)
        for model in ('assist.session', 'assist.device'):
            fields = self.env[model].with_user(self.technician).fields_get()
            self.assertFalse([name for name in fields if fields[name]['type'] == 'monetary'])

    def test_a_technician_finds_no_billing_menu(self):
        menus = self.env['ir.ui.menu'].with_user(self.technician)
        visible = menus.browse(menus._visible_menu_ids())
        models = {
            menu.action.res_model
            for menu in visible.sudo()
            if menu.action and menu.action._name == 'ir.actions.act_window'
        }
        self.assertFalse(models & BILLING_MODELS)
        self.assertIn(self.env.ref('assist_billing.assist_session_menu_mine'), visible)

    def test_both_menus_have_the_same_entries(self):
        """That of the app and that below Invoicing, in the same order and for the same people."""

        def get_entries(xmlid):
            root = self.env.ref(xmlid)
            return [
                (group.name, entry.name, entry.action, entry.group_ids)
                for group in root.child_id.sorted('sequence')
                for entry in group.child_id.sorted('sequence')
            ]

        self.assertEqual(
            get_entries('assist_billing.assist_session_menu_root'),
            get_entries('assist_billing.assist_billing_menu_root'),
        )

    def test_a_technician_cannot_sum_billed_time(self):
        sessions = self.env['assist.session']
        self._associate()
        self._create_session(minutes=90)
        [group] = sessions.with_user(self.technician).formatted_read_group(
            [], [], ['duration_hours:sum']
        )
        self.assertEqual(group['duration_hours:sum'], 1.5)
        with self.assertRaises(AccessError):
            sessions.with_user(self.technician).formatted_read_group([], [], ['billed_hours:sum'])

    def test_an_invoice_that_is_no_bill_shows_nothing_of_remote_support(self):
        arch = etree.fromstring(
            self.env['account.move'].get_view(self.env.ref('account.view_move_form').id)['arch']
        )
        [page] = arch.xpath("//page[@name='assist_billing']")
        self.assertEqual(page.get('invisible'), "not assist_kind")
        outside = [
            node
            for node in arch.xpath("//field[starts-with(@name, 'assist_')]")
            if page not in node.iterancestors()
        ]
        for node in outside:
            parents = [node, *node.iterancestors()]
            self.assertTrue(
                any('assist_kind' in (parent.get('invisible') or '') for parent in parents)
                or node.get('invisible') in ('1', 'True')
                or node.get('column_invisible') in ('1', 'True'),
                node.get('name'),
            )

    # === FORMS === #

    def test_a_plan_is_set_up_with_its_customers_on_one_screen(self):
        self.customer.tz = 'Europe/Paris'
        form = Form(self.env['assist.billing.plan'])
        form.name = "Managed Support"
        with self.assertRaises(AssertionError, msg="only the price of the chosen type shows"):
            form.price_per_hour = 1.0
        form.billing_type = 'hour'
        form.price_per_hour = 85.0
        form.charge_devices = True
        form.price_per_device = 7.5
        with form.association_ids.new() as line:
            line.partner_id = self.customer
            line.start_date = '2026-01-25'
            line.due_days = 28
            line.billing_emails = "it@acme.example"
        plan = form.save()
        self.assertEqual(plan.price, 85.0)
        self.assertRecordValues(
            plan.association_ids,
            [
                {
                    'partner_id': self.customer.id,
                    'tz': 'Europe/Paris',
                    'cycle': 'monthly',
                    'due_days': 28,
                    'state': 'running',
                }
            ],
        )
        self.assertFalse(plan.has_cycles)

    def test_currency_and_type_cannot_be_touched_once_a_plan_has_cycles(self):
        self._associate()
        self._close('2026-01-02 00:00:00')
        with Form(self.plan) as form:
            with self.assertRaises(AssertionError):
                form.billing_type = 'hour'
            form.price_per_session = 25.0
        self.assertEqual(self.plan.price, 25.0)

    def test_an_association_takes_the_zone_of_its_customer(self):
        self.customer.tz = 'Asia/Tokyo'
        form = Form(self.env['assist.billing.association'])
        form.partner_id = self.customer
        form.plan_id = self.plan
        self.assertEqual(form.tz, 'Asia/Tokyo')
        form.start_date = '2026-01-01'
        association = form.save()
        self.assertEqual(association.state, 'running')
        self.assertEqual(association.cycle_count, 0)

    def test_a_technician_starts_and_stops_a_session(self):
        self._associate(start_date='2020-01-01')
        device = self._create_device()
        form = Form(self.env['assist.session'].with_user(self.technician))
        with self.assertRaises(AssertionError, msg="a new session needs a customer"):
            form.save()
        form.device_id = device
        self.assertEqual(form.partner_id, self.customer)
        self.assertEqual(form.kind, 'unattended')
        session = form.save()
        self.assertEqual(session.state, 'running')
        self.assertEqual(session.technician_id, self.technician)
        session.action_stop()
        self.assertEqual(session.state, 'to_bill')
        with Form(session) as form:
            form.billable = False
            form.non_billable_reason = "Warranty"
        self.assertEqual(session.state, 'non_billable')

    def test_a_billed_session_is_read_only_but_for_its_internal_note(self):
        self._associate()
        session = self._create_session()
        self._close('2026-02-01 00:00:00')
        with Form(session) as form:
            with self.assertRaises(AssertionError):
                form.ended_at = '2026-01-15 12:00:00'
            form.note = "Asked about the bill."
        self.assertEqual(session.note, "Asked about the bill.")

    def test_a_cycle_is_waived_with_a_reason(self):
        association = self._associate()
        session = self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        cycle = bill.assist_cycle_id
        bill.button_cancel()
        dialog = Form(
            self.env['assist.waive.cycle']
            .with_user(self.biller)
            .with_context(active_model=cycle._name, active_ids=cycle.ids)
        )
        with self.assertRaises(AssertionError, msg="a reason is asked for"):
            dialog.save()
        dialog.reason = "Goodwill"
        dialog.save().action_waive()
        self.assertRecordValues(cycle, [{'state': 'waived', 'waive_reason': "Goodwill"}])
        self.assertEqual(session.state, 'non_billable')

    # Cash basis taxes of the company make Odoo's own settings warn when they open.
    @mute_logger('odoo.tests.form.onchange')
    def test_whatever_can_be_filtered_by_is_filtered_by(self):
        """As the web client's own filters do: is set, is not set."""
        self._associate()
        self._create_session()
        waiting = self._create_session(self._create_partner("Nobody's"))
        for name, model in sorted(self.env.registry.items()):
            is_ours = name.startswith('assist.')
            if model._abstract or not (is_ours or name in ('account.move', 'account.move.line')):
                continue
            records = self.env[name]
            fields = records.fields_get() if records.has_access('read') else {}
            for field, about in fields.items():
                is_asked = field.startswith('assist_') or (is_ours and field != 'display_name')
                if not about.get('searchable') or not is_asked:
                    continue
                with self.subTest(model=name, field=field):
                    records.search_count([(field, '=', False)])
                    records.search_count([(field, '!=', False)])
        sessions = self.env['assist.session']
        self.assertEqual(sessions.search([('unmatched_id', '!=', False)]), waiting)
        self.assertNotIn(waiting, sessions.search([('unmatched_id', '=', False)]))
        self.assertTrue(sessions.search([('unmatched_id', '=', False)]))
        self.env['assist.billing.tie'].search([('check_ids', 'ilike', "bills")])

    def test_each_record_begins_empty(self):
        for name, model in sorted(self.env.registry.items()):
            if model._abstract or not name.startswith('assist.'):
                continue
            records = self.env[name]
            if not records.has_access('create'):
                continue
            with self.subTest(model=name):
                records.onchange({}, [], {field: {} for field in records.fields_get()})

    def test_settings_are_kept_by_the_company(self):
        with Form(self.env['res.config.settings']) as form:
            form.assist_bill_handling = 'draft'
            form.assist_close_grace_hours = 6
            form.assist_backdate_days = 3
            form.assist_late_days = 20
            form.assist_amend_posted = False
            form.assist_payment_journal_id = self.company_data['default_journal_bank']
            form.assist_manager_id = self.env.user
        form.record.execute()
        self.assertRecordValues(
            self.company,
            [
                {
                    'assist_bill_handling': 'draft',
                    'assist_close_grace_hours': 6,
                    'assist_backdate_days': 3,
                    'assist_late_days': 20,
                    'assist_amend_posted': False,
                    'assist_payment_journal_id': self.company_data['default_journal_bank'].id,
                    'assist_manager_id': self.env.user.id,
                }
            ],
        )
        self.assertEqual(
            self.env['assist.billing.plan'].create({'name': "Next"}).bill_handling, 'draft'
        )
