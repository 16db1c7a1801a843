from datetime import datetime, timedelta

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..thorough import thorough
from .access_common import ODOO_MODELS, AccessCommon, read_table

OPERATIONS = ('read', 'create', 'write', 'unlink')
LETTERS = {'read': 'R', 'create': 'C', 'write': 'W', 'unlink': 'U'}
# A harmless change; without one here, nothing is written, which asks for the same right.
CHANGES = {
    'account.move': {'narration': "changed"},
    'account.move.line': {'name': "changed"},
    'assist.billing.association': {'due_days': 9},
    'assist.billing.plan': {'name': "changed"},
    'assist.device': {'name': "changed"},
    'assist.matching.rule': {'sequence': 99},
    'assist.session': {'note': "changed"},
    'res.partner': {'comment': "changed"},
}
# What a new record of a model needs, besides the company and the customer.
NEEDED = {
    'account.move': {'move_type': 'out_invoice'},
    'account.payment': {'amount': 1.0},
    'assist.billing.plan': {'name': "New"},
    'assist.billing.band': {'name': "New"},
    'assist.billing.hours': {'name': "New"},
    'assist.technician.grade': {'name': "New"},
    'assist.price.revision': {'name': "New", 'date_from': '2030-01-01'},
    'assist.connector': {'name': "New", 'source': 'teamviewer'},
    'assist.device': {'name': "New"},
    'assist.inbound.key': {'name': "New", 'source': 'teamviewer'},
    'assist.device.import': {'file': 'eA=='},
    'assist.matching.rule': {'field': 'customer', 'value': "somebody"},
    'assist.non.billable': {'usual_reason': 'goodwill'},
    'assist.session': {'started_at': '2026-02-11 10:00:00'},
    'assist.session.import': {'file': 'eA=='},
    'assist.unmatched.assign': {'field': 'customer', 'value': "somebody"},
    'assist.waive.cycle': {'reason': "goodwill"},
    'res.partner': {'name': "New"},
}


@thorough
@tagged('post_install', '-at_install')
class TestAccessMatrix(AccessCommon):
    """Who may do what with whose records, asked over HTTP: see `access_matrix.csv`.

    A cell has a letter for each thing its user may do with a record of Acme, a customer of the
    first company: R(ead), C(reate), W(rite), U(nlink). A small letter: he may, but this record is
    kept, and he is told why. A dash: nothing. Dialogs are those that somebody else has open; a
    new one is a user's own.
    """

    maxDiff = None

    def _rpc(self, model, method, args):
        """Call a method as the web client does; return the name of the error, or None."""
        answer = self.url_open(
            f'/web/dataset/call_kw/{model}/{method}',
            json={
                'jsonrpc': '2.0',
                'method': 'call',
                'params': {'model': model, 'method': method, 'args': args, 'kwargs': {}},
            },
        ).json()
        return answer['error']['data']['name'].rpartition('.')[2] if 'error' in answer else None

    def _post(self, model, method, args):
        """Call a method as a program with a key does; return the name of the error, or None."""
        parameters = {
            'read': ('ids', 'fields'),
            'create': ('vals_list',),
            'write': ('ids', 'vals'),
            'unlink': ('ids',),
        }[method]
        answer = self.url_open(
            f'/json/2/{model}/{method}',
            headers=self.headers,
            json=dict(zip(parameters, args, strict=True)),
        )
        return None if answer.ok else answer.json()['name'].rpartition('.')[2]

    def _get_arguments(self, model, operation):
        record = self.records[model]
        if operation == 'create':
            return [[self._get_new_vals(record.sudo())]]
        return [
            record.ids,
            *({'read': [['display_name']], 'write': [CHANGES.get(model, {})]}.get(operation, ())),
        ]

    def _get_new_vals(self, record):
        """Return values of another record like this one, of the same company and customer."""
        if record._transient or record._name not in NEEDED:
            vals = {
                name: record[name].id
                for name, field in record._fields.items()
                if field.type == 'many2one' and field.required and field.store
            }
        else:
            vals = {}
        if 'company_id' in record._fields and not record._fields['company_id'].readonly:
            vals['company_id'] = self.company.id
        if 'partner_id' in record._fields and not record._fields['partner_id'].readonly:
            vals['partner_id'] = self.customer.id
        if record._name == 'assist.billing.association':
            # Acme has one already.
            vals |= {'plan_id': self.plan.id, 'partner_id': self.department.id}
        if 'date_from' in record._fields and record._name not in NEEDED and not record._transient:
            days = {'date_from': '2030-01-01', 'date_to': '2030-02-01'}
            vals |= {name: day for name, day in days.items() if name in record._fields}
        return vals | NEEDED.get(record._name, {})

    def _ask(self, call, model):
        """Return the cell of one user and model."""
        cell = ''
        for operation in OPERATIONS:
            savepoint = self.env.cr.savepoint(flush=False)
            error = call(model, operation, self._get_arguments(model, operation))
            savepoint.rollback()
            savepoint.close()
            if error is None:
                cell += LETTERS[operation]
            elif error in ('UserError', 'ValidationError', 'RedirectWarning'):
                cell += LETTERS[operation].lower()
            elif error not in ('AccessError', 'SessionExpiredException', 'Unauthorized'):
                cell += f'?{error}'
        return cell or '-'

    def test_everybody_may_do_what_the_table_says(self):
        models = [*self._get_our_models(), *ODOO_MODELS]
        self.assertEqual(set(models) - set(self.records), set(), "no record in access_common.py")
        self.env.cr.flush()
        found = {model: {'model': model} for model in models}
        with mute_logger(
            'odoo.http', 'odoo.addons.base.models.ir_model', 'odoo.models',
            'odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_http',
        ):  # fmt: skip
            for name, user in self.users.items():
                if name == 'program':
                    self.authenticate(None, None)  # a key is nobody's session
                    keys = self.env['res.users.apikeys'].with_user(user)
                    key = keys._generate('rpc', "Access", datetime.now() + timedelta(days=1))
                    self.headers = {'Authorization': f'Bearer {key}'}
                    call = self._post
                else:
                    self.authenticate(name, name)
                    call = self._rpc
                for model in models:
                    found[model][name] = self._ask(call, model)
            self.authenticate(None, None)
            for model in models:
                found[model]['public'] = self._ask(self._rpc, model)
        expected = {row['model']: row for row in read_table('access_matrix.csv')}
        wrong = [
            ','.join(row.values()) for model, row in found.items() if row != expected.get(model)
        ]
        self.assertEqual(
            wrong, [], "not as in tests/access_matrix.csv; found:\n" + '\n'.join(wrong)
        )
        self.assertEqual(set(expected), set(found), "rows of models that are no more")
