import inspect

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .access_common import AccessCommon

OPERATIONS = ('create', 'write', 'unlink', 'load')
# Who may nothing with what is ours, and sees none of it.
STRANGERS = ('portal_stranger', 'employee', 'program')
# What a stranger may call all the same, and gets nothing to see by.
OPEN_TO = {
    ('assist.session', 'ingest'): {'program'},
    ('assist.device', 'ingest'): {'program'},
    # Odoo's own: who may see contacts may look for one.
    ('res.partner', 'name_search'): {'portal_stranger', 'employee'},
    ('res.partner', 'web_search_read'): {'portal_stranger', 'employee'},
}
# Only read: who may do so sees no more than he may read anyway.
ARGUMENTS = {
    'arrival': 'hand',
    'reason': "because",
    'records': [{'session_id': 1}],
    'source': 'zoho_assist',
    'fields': ['.id', 'name'],
    'data': [['1', "x"]],
    'domain': [],
    'specification': {},
}


@tagged('post_install', '-at_install')
class TestAccessFirst(AccessCommon):
    """Whoever has no right to something is told just that: access is checked before all else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secrets = {
            "Acme",
            "Premium",
            "Secret",
            "hush",
            "Waiting",
            "Nobody's",
            "2026",
            cls.company.name,
            cls.records['account.move'].name,
        }

    def _get_own_classes(self, model):
        """Return the classes of ours that make up a model."""
        return [
            cls
            for cls in type(self.env[model]).mro()
            if cls.__module__.startswith('odoo.addons.assist_billing')
        ]

    def _get_overriding(self, operation):
        """Return the models on which we override an operation."""
        return [
            model
            for model in sorted(self.env.registry)
            if any(operation in vars(cls) for cls in self._get_own_classes(model))
            and not self.env[model]._abstract
        ]

    def _get_public_methods(self):
        """Return `(model, name)` of what we let anybody call from outside."""
        return sorted(
            {
                (model, name)
                for model in self.env.registry
                for cls in self._get_own_classes(model)
                if not cls.__module__.endswith('.engine_fields')
                for name, member in vars(cls).items()
                if inspect.isfunction(member)
                and not name.startswith('_')
                and name not in OPERATIONS
                and not getattr(member, '_api_private', False)
            }
        )

    def _get_record(self, model):
        if self.env[model]._abstract:
            return self.env[model]
        # Our add-ons beside others extend models of these.
        known = {**self.records, 'res.company': self.company}
        return known[model] if model in known else self.env[model].sudo().create({'name': "Secret"})

    def assertOnlyRefused(self, call):
        """Expect an AccessError that names nothing."""
        with (
            mute_logger(
                'odoo.addons.base.models.ir_model', 'odoo.models', 'odoo.addons.base.models.ir_rule'
            ),
            self.assertRaises(AccessError) as caught,
            self.cr.savepoint(),
        ):
            call()
        told = [secret for secret in self.secrets if secret in str(caught.exception)]
        self.assertEqual(told, [], str(caught.exception))

    def _get_tempting_vals(self, model):
        """Return values of a new record that is like one that is there."""
        if model in ('account.move', 'account.move.line', 'mail.mail', 'mail.notification'):
            return {}
        record = self._get_record(model).sudo()
        vals = record.copy_data()[0]
        # Odoo refuses this to everybody, before it looks who it is.
        vals.pop('parent_id', None)
        return {
            **vals,
            **({'company_id': self.company.id} if 'company_id' in record._fields else {}),
            **({'partner_id': self.customer.id} if 'partner_id' in record._fields else {}),
        }

    def test_there_is_something_to_try(self):
        self.assertGreater(len(self._get_overriding('create')), 8)
        self.assertGreater(len(self._get_overriding('write')), 10)
        self.assertGreater(len(self._get_public_methods()), 60)

    def test_creating(self):
        for model in self._get_overriding('create'):
            vals = self._get_tempting_vals(model)
            for name in STRANGERS:
                stranger = self.env[model].with_user(self.users[name])
                with self.subTest(model=model, user=name):
                    self.assertOnlyRefused(lambda s=stranger, vals=vals: s.create([dict(vals)]))

    def test_writing(self):
        for model in self._get_overriding('write'):
            record = self._get_record(model)
            vals_list = [{name: vals} for name, vals in self._get_tempting_vals(model).items()]
            if 'active' in record._fields:
                vals_list.append({'active': False})
            for name in STRANGERS:
                stranger = record.with_user(self.users[name])
                with self.subTest(model=model, user=name):
                    for vals in vals_list or [{}]:
                        self.assertOnlyRefused(lambda s=stranger, vals=vals: s.write(vals))

    def test_deleting(self):
        for model in self._get_overriding('unlink'):
            record = self._get_record(model)
            for name in STRANGERS:
                with self.subTest(model=model, user=name):
                    self.assertOnlyRefused(record.with_user(self.users[name]).unlink)

    def test_importing(self):
        session = self.records['assist.session']
        for name in STRANGERS:
            sessions = session.with_user(self.users[name])
            for fields, row in (
                (['.id', 'note'], [str(session.id), "x"]),
                (['source', 'external_id', 'note'], ['manual', 'S1', "x"]),
                (['company_id', 'external_id'], [self.company.name, 'S1']),
            ):
                with self.subTest(user=name, fields=fields):
                    self.assertOnlyRefused(lambda s=sessions, f=fields, r=row: s.load(f, [r]))

    def test_calling_what_is_public(self):
        for model, method in self._get_public_methods():
            record = self._get_record(model)
            for name in STRANGERS:
                if name in OPEN_TO.get((model, method), ()):
                    continue
                call = getattr(record.with_user(self.users[name]), method)
                arguments = {
                    parameter.name: ARGUMENTS[parameter.name]
                    for parameter in inspect.signature(call).parameters.values()
                    if parameter.default is parameter.empty
                    and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                }
                with self.subTest(model=model, method=method, user=name):
                    self.assertOnlyRefused(lambda call=call, a=arguments: call(**a))

    def test_a_trial_of_a_rule_tells_of_ones_own_companies_only(self):
        self.billed.sudo().source_customer = "Acme PC"
        rules = self.env['assist.matching.rule']
        spec = {'try_fit_count': {}, 'try_unmatched_count': {}, 'try_problem': {}}
        vals = {
            'company_id': self.company.id,
            'field': 'customer',
            'operator': 'pattern',
            'value': "*cm*",
            'partner_id': False,
            'source': False,
        }
        for name in (*STRANGERS, 'other_manager', 'branch_manager'):
            asked = rules.with_user(self.users[name])
            with self.subTest(user=name):
                self.assertOnlyRefused(lambda a=asked: a.onchange(vals, ['value'], spec))
            dialog = self.env['assist.unmatched.assign'].with_user(self.users[name])
            with self.subTest(user=name, dialog=True):
                self.assertOnlyRefused(
                    lambda d=dialog: d.onchange(vals, ['value'], {'unmatched_count': {}})
                )
        own = rules.with_user(self.users['manager']).onchange(vals, ['value'], spec)
        self.assertEqual(own['value']['try_fit_count'], 1)

    def test_what_a_customer_owes_is_not_found_by_searching(self):
        for name in ('technician', 'employee', 'portal_acme', 'program'):
            for field in ('credit', 'debit'):
                partners = self.env['res.partner'].with_user(self.users[name])
                with self.subTest(user=name, field=field):
                    self.assertOnlyRefused(
                        lambda p=partners, f=field: p.search_count([(f, '>', 5)])
                    )
                    self.assertOnlyRefused(
                        lambda p=partners, f=field: p.search_count(
                            [('child_ids', 'any', [(f, '>', 5)])]
                        )
                    )
        partners = self.env['res.partner'].with_user(self.users['accountant'])
        self.assertIn(self.customer, partners.search([('credit', '>', 5)]))

    @mute_logger(
        'odoo.addons.base.models.ir_model', 'odoo.models', 'odoo.addons.base.models.ir_rule'
    )
    def test_nothing_is_found_out_by_way_of_followers(self):
        """Whoever may write a session makes its customer a follower."""
        session = self.records['assist.session']
        session.with_user(self.users['technician']).message_subscribe(self.customer.ids)
        self.assertGreater(self.customer.sudo().credit, 5)
        for path in (
            'credit',
            'invoice_ids.amount_total',
            'invoice_ids.assist_plan_id.price_per_session',
            'child_ids.invoice_ids.amount_total',
        ):
            for model in ('assist.session', 'assist.device', 'res.partner'):
                records = self.env[model].with_user(self.users['technician'])
                domain = [(f'message_partner_ids.{path}', '>', 5)]
                with self.subTest(model=model, path=path):
                    self.assertOnlyRefused(lambda r=records, d=domain: r.search_count(d))
        sessions = self.env['assist.session'].with_user(self.users['technician'])
        for domain in (
            [('message_partner_ids', 'in', self.customer.ids)],
            [('message_partner_ids', 'ilike', "Acme")],
            [('message_partner_ids.name', '=', "Acme")],
            [('message_partner_ids', 'any', [('name', '=', "Acme")])],
        ):
            with self.subTest(domain=domain):
                self.assertEqual(sessions.search(domain), session)
        accountant = self.env['assist.session'].with_user(self.users['accountant'])
        self.assertIn(session, accountant.search([('message_partner_ids.credit', '>', 5)]))
