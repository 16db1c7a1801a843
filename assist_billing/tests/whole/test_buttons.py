import re
from base64 import b64encode

from lxml import etree

from odoo import Command
from odoo.exceptions import UserError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import new_test_user, tagged

from odoo.addons.web.controllers.utils import clean_action

from ..common import AssistBillingCommon

# Records that the buttons of ours are shown on.
AFTER_IMPORTING = {
    ('assist.session.import', 'action_undo'),
    ('assist.session.import', 'action_view_sessions'),
}
DOMAINS = {'account.move': [('assist_kind', '=', 'bill')]}


@tagged('post_install', '-at_install')
class TestButtons(AssistBillingCommon):
    """Each button and each server action of ours, pressed as the web client presses it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids |= cls.env.ref('base.group_system')

    # === HELPERS === #

    def _get_buttons(self):
        """Return `{(model, method)}` of the buttons of all our views, wherever they stand."""
        ours = (
            self.env['ir.model.data']
            .search([('model', '=', 'ir.ui.view'), ('module', '=like', 'assist_billing%')])
            .mapped('res_id')
        )
        buttons = set()
        for view in self.env['ir.ui.view'].browse(ours):
            arch = etree.fromstring(view.arch_db)
            for node in arch.xpath("//*[@type='object'][@name]"):
                model = self._get_model_of(node, self.env[view.model])
                buttons.add((model._name, node.get('name')))
            # What a click on a row or a card does.
            for node in arch.xpath("//*[@action][@type='object']"):
                buttons.add((self._get_model_of(node, self.env[view.model])._name,
                             node.get('action')))  # fmt: skip
        return buttons

    def _get_model_of(self, node, model):
        """Return the model that a node of a view is about: that of the field it stands in."""
        for parent in reversed(list(node.iterancestors('field'))):
            if parent.get('name') in model._fields:
                model = self.env[model._fields[parent.get('name')].comodel_name]
        return model

    def _press(self, model, method, records):
        """Call a method with the ids of records, as the web client does; refusals are answers."""
        try:
            with self.env.cr.savepoint():
                action = call_kw(self.env[model], method, [records.ids], {'context': {}})
                self.env.flush_all()
        except UserError as refused:
            return str(refused)
        self.assertTrue(
            action is None or isinstance(action, bool | dict), f"{model}.{method}: {action!r}"
        )
        if isinstance(action, dict) and action.get('type') == 'ir.actions.act_window':
            self.assertIn('res_model', action)
            self.assertTrue(action.get('views') or action.get('view_mode'))
        return action

    def _make_records(self):
        """Return `{model: records}`: something of each kind that buttons are on."""
        association = self._associate(start_date='2025-11-01', billing_emails="a@b.example")
        for day in ('2025-11-10', '2026-01-10', '2026-01-12'):
            self._create_session(ended_at=f'{day} 10:00:00')
        self._close('2026-01-01 00:00:00')
        self.env['assist.session.import.record'].sudo().create(
            {'name': "a.csv", 'source': 'csv', 'tz': 'UTC', 'state': 'done',
             'company_id': self.company.id, 'user_id': self.env.user.id}
        )  # fmt: skip
        self.env['assist.connector'].create({'name': "Zoho", 'source': 'zoho_assist'})
        self.env['assist.matching.rule'].create(
            {'field': 'email_domain', 'operator': 'equals', 'value': 'x.example',
             'partner_id': self.customer.id}
        )  # fmt: skip
        self._create_device()
        self._create_session(self._create_partner("Nobody's"))
        self.env['assist.billing.tie'].create({'company_id': self.company.id})
        self.env.flush_all()
        return association

    # === TESTS === #

    def test_who_may_only_read_is_offered_nothing_that_changes(self):
        auditor = new_test_user(self.env, 'auditor', groups='account.group_account_readonly')
        actions = self.env['ir.actions.act_window'].search([('res_model', '=like', 'assist.%')])
        buttons = set()
        for action in actions:
            model = self.env[action.res_model].with_user(auditor)
            if model._transient or not model.has_access('read'):
                continue
            views = model.get_views([(False, mode) for mode in action.view_mode.split(',')])
            for view in views['views'].values():
                nodes = etree.fromstring(view['arch']).xpath("//button[@name]")
                buttons |= {(model._name, node.get('name')) for node in nodes}
        self.assertGreater(len(buttons), 10)
        self.assertFalse(
            [
                button
                for button in sorted(buttons)
                if not re.match(r'action_(view|print|try|check)', button[1])
            ]
        )

    def test_every_button_takes_the_call_of_the_web_client(self):
        """Whatever it does: it is not the call that fails."""
        self._make_records()
        buttons = self._get_buttons()
        self.assertGreater(len(buttons), 40)
        pressed = set()
        for model, method in sorted(buttons):
            if model == 'res.config.settings':
                continue  # a dialog over all settings of the system
            # The method exists and may be called from outside.
            get_public_method(self.env[model], method)
            if self.env[model]._transient:
                continue
            records = self.env[model].search(DOMAINS.get(model, []), limit=1)
            for chosen in (records.browse(), records):
                with self.subTest(model=model, button=method, records=len(chosen)):
                    try:
                        self._press(model, method, chosen)
                    except ValueError as error:
                        # A button of a record is never pressed without one.
                        self.assertFalse(chosen)
                        self.assertIn("Expected singleton", str(error))
            if records:
                pressed.add(model)
        self.assertLessEqual(
            {
                'account.move',
                'assist.billing.association',
                'assist.billing.cycle',
                'assist.billing.plan',
                'assist.billing.run',
                'assist.billing.tie',
                'assist.connector',
                'assist.device',
                'assist.session',
                'assist.session.import.record',
                'assist.unmatched',
            },
            pressed,
        )

    def test_buttons_of_dialogs_take_the_call_of_the_web_client(self):
        association = self._make_records()
        bill = self._bill(association, 0)
        cycle = self._cycles(association)[0]
        unmatched = self.env['assist.session'].search([('state', '=', 'unmatched')], limit=1)
        csv = b64encode(b"key,name\n1,PC\n")
        sessions_csv = b64encode(
            b"External ID,Technician,Customer,Start,End\n"
            b"a,T,C,2026-01-05T10:00:00Z,2026-01-05T11:00:00Z\n"
        )
        values = {
            'assist.add.charges': {'move_id': bill.id, 'amount': 5.0},
            'assist.associate.customers': {
                'plan_id': self.plan.id,
                'line_ids': [Command.create({'partner_id': unmatched.partner_id.id})],
            },
            'assist.confirm.payment': {'move_ids': [Command.set(bill.ids)]},
            'assist.device.import': {'file': csv, 'filename': "devices.csv"},
            'assist.fill.hours': {
                'hours_id': self.env['assist.billing.hours'].create({'name': "New"}).id,
            },
            'assist.non.billable': {
                'session_ids': [Command.set(unmatched.ids)],
                'usual_reason': 'warranty',
            },
            'assist.session.import': {
                'file': sessions_csv,
                'filename': "sessions.csv",
                'source': 'csv',
            },
            'assist.statement': {'association_id': association.id},
            'assist.unmatched.assign': {
                'session_id': unmatched.id,
                'field': 'email_domain',
                'value': 'nobody.example',
                'partner_id': unmatched.partner_id.id,
            },
            'assist.waive.cycle': {'cycle_ids': [Command.set(cycle.ids)], 'reason': "Gift"},
        }
        pressed = set()
        for model, method in sorted(self._get_buttons()):
            if not self.env[model]._transient or not model.startswith('assist.'):
                continue
            with self.subTest(dialog=model, button=method), self.env.cr.savepoint():
                dialog = self.env[model].create(values[model])
                if (model, method) in AFTER_IMPORTING:
                    dialog.action_import()
                self._press(model, method, dialog)
                pressed.add(model)
        self.assertEqual(pressed, set(values))

    def test_every_server_action_runs_on_a_selection(self):
        association = self._make_records()
        records = {
            'account.move': self._bill(association, 0),
            'assist.session': self.env['assist.session'].search([('state', '=', 'to_bill')]),
        }
        self.assertTrue(records['assist.session'])
        actions = self._get_server_actions()
        self.assertGreater(len(actions), 7)
        # Sessions first, while they are not billed.
        for action in actions.sorted(lambda action: action.model_name != 'assist.session'):
            chosen = records.get(action.model_name, self.env[action.model_name])
            with self.subTest(action=action.name):
                try:
                    with self.env.cr.savepoint():
                        # As the web client's controller runs it.
                        answer = action.with_context(
                            active_model=chosen._name, active_ids=chosen.ids,
                            active_id=chosen[:1].id,
                        ).run()  # fmt: skip
                        if answer:
                            clean_action(answer, env=action.env)
                        self.env.flush_all()
                except UserError as refused:
                    self.assertTrue(str(refused))

    def test_no_address_that_can_be_opened_bills(self):
        """A server action that needs no selection runs whenever its address is opened."""
        actions = self._get_server_actions().filtered(lambda action: not action.binding_model_id)
        self.assertEqual(
            set(actions.mapped('xml_id')), {'assist_billing.assist_billing_tie_action_open'}
        )

    def _get_server_actions(self):
        ours = (
            self.env['ir.model.data']
            .search([('model', '=', 'ir.actions.server'), ('module', '=like', 'assist_billing%')])
            .mapped('res_id')
        )
        return (
            self.env['ir.actions.server']
            .browse(ours)
            .filtered(lambda action: action.usage == 'ir_actions_server')
        )

    def test_bill_all_that_is_due_with_and_without_a_selection(self):
        association = self._make_records()
        cycles = self.env['assist.billing.cycle']
        for chosen in (cycles, self._cycles(association)[-1]):
            action = call_kw(cycles, 'action_bill_all_due', [chosen.ids], {})
            self.assertEqual(action['res_model'], 'assist.billing.run')
            run = self.env['assist.billing.run'].browse(action['res_id'])
            self.assertEqual(run.state, 'requested')

    def test_try_all_again_with_and_without_a_selection(self):
        association = self._make_records()
        cycles = self.env['assist.billing.cycle']
        cycle = self._cycles(association)[-1]
        for chosen in (cycles, cycle):
            cycle.sudo().write({'error': "No journal", 'retry_at': '2026-02-02 00:00:00'})
            self.assertTrue(call_kw(cycles, 'action_retry_all', [chosen.ids], {}))
            self.assertFalse(cycle.retry_at)

    def test_start_now_with_a_selection(self):
        sessions = self.env['assist.session']
        chosen = self._create_session()
        action = call_kw(sessions, 'action_start_now', [chosen.ids], {})
        self.assertEqual(sessions.browse(action['res_id']).state, 'running')

    def test_bill_selected_takes_a_cycle_whose_next_try_is_an_hour_off(self):
        self._associate(start_date='2025-11-01')
        self._create_session(ended_at='2025-11-10 10:00:00')
        self._close('2025-11-15 00:00:00')
        cycle = self.env['assist.billing.cycle'].search([('partner_id', '=', self.customer.id)])
        cycle.sudo().write({'error': "No journal", 'retry_at': '2999-01-01 00:00:00'})
        self.env.flush_all()
        call_kw(cycle, 'action_bill_selected', [cycle.ids], {})
        self.assertEqual(cycle.state, 'closed')
        self.assertFalse(cycle.error)
