from collections import defaultdict
from datetime import date, datetime

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import AccessError, UserError
from odoo.models import LOG_ACCESS_COLUMNS
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...models.common.engine_fields import ENGINE
from ..thorough import thorough
from .access_common import MANAGER, AccessCommon, read_table

# Of Odoo's mixins: mails, followers, activities. Their own models ask who may write them.
MIXIN_FIELDS = ('activity_ids', 'message_follower_ids', 'message_ids', 'website_message_ids')


@tagged('post_install', '-at_install')
class TestEngineFields(AccessCommon):
    """What the engine writes nobody else writes, by whatever door."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Who may do everything that can be granted; only he is not the engine.
        cls.everything = cls._create_user(
            'everything',
            f'{MANAGER},account.group_account_manager,base.group_system',
        )
        cls.technician = cls.users['technician']

    # === THE RULE === #

    def _get_stored_fields(self):
        """Return `{model: names of the stored fields that are ours}`, views left out."""
        found = {}
        for name, model in self.env.registry.items():
            is_ours = name.startswith('assist.')
            if model._abstract or not model._auto or (model._transient and not is_ours):
                continue
            names = {
                field.name
                for field in model._fields.values()
                if field.store
                and field.name not in ('id', *LOG_ACCESS_COLUMNS, *MIXIN_FIELDS)
                and self._is_ours(field)
                and (is_ours or field.name.startswith('assist_'))
            }
            if names:
                found[name] = names
        return found

    def _is_ours(self, field):
        return any(module.startswith('assist_billing') for module in field._modules)

    def test_every_stored_field_is_editable_on_purpose_or_the_engines(self):
        editable = defaultdict(set)
        for row in read_table('editable.csv'):
            editable[row['model']] |= set(row['fields'].split())
        for model, names in self._get_stored_fields().items():
            get_engine_fields = getattr(self.env[model], '_get_engine_fields', frozenset)
            on_purpose = editable.pop(model, set())
            if on_purpose == {'*'}:
                self.assertTrue(self.env[model]._transient)
                continue
            with self.subTest(model=model):
                self.assertEqual(
                    on_purpose & get_engine_fields(), set(), "both editable and the engine's"
                )
                self.assertEqual(on_purpose - names, set(), "editable, but no field any more")
                self.assertEqual(
                    names - on_purpose - get_engine_fields(),
                    set(),
                    "neither in tests/editable.csv nor declared readonly",
                )
        self.assertEqual(editable, {}, "models that are no more")

    @mute_logger(
        'odoo.addons.base.models.ir_model', 'odoo.models', 'odoo.addons.base.models.ir_rule'
    )
    def test_no_engine_field_is_written_by_who_may_do_everything(self):
        tried = 0
        for model, names in self._get_stored_fields().items():
            if not hasattr(self.env[model], '_get_engine_fields'):
                continue
            record = self.records[model].with_user(self.everything)
            # What Odoo cannot do without, whatever else is in it.
            needed = {'move_id': record.move_id.id} if model == 'account.move.line' else {}
            for name in sorted(names & record._get_engine_fields()):
                value = self._get_other_value(self.records[model].sudo(), name)
                # Not the default: a new record has that anyway.
                new = True if record._fields[name].type == 'boolean' else value
                for door, write in (
                    (
                        'write',
                        lambda record=record, name=name, value=value: record.write({name: value}),
                    ),
                    (
                        'web_save',
                        lambda record=record, name=name, value=value: record.web_save(
                            {name: value}, {}
                        ),
                    ),
                    (
                        'create',
                        lambda record=record, vals={**needed, name: new}: record.create([vals]),
                    ),
                ):
                    with self.subTest(model=model, field=name, door=door), self.cr.savepoint():
                        with self.assertRaises(AccessError):
                            write()
                        tried += 1
        self.assertGreater(tried, 200)

    def _get_other_value(self, record, name):
        """Return a value that field `name` of this record does not have."""
        field = record._fields[name]
        if field.type == 'many2one':
            other = record.env[field.comodel_name].search(
                [('id', '!=', record[name].id)], order='id desc', limit=1
            )
            return other.id or (record[name].id or 1) + 1_000_000
        if field.type in ('one2many', 'many2many'):
            return [Command.create({})]
        if field.type == 'selection':
            values = [value for value in field.get_values(record.env) if value != record[name]]
            # Not the default: a new record has that anyway.
            return next(value for value in values if value != record._assist_get_own_default(name))
        return {
            'boolean': lambda: not record[name],
            'integer': lambda: record[name] + 7,
            'float': lambda: record[name] + 7.0,
            'monetary': lambda: record[name] + 7.0,
            'date': lambda: date(2001, 2, 3),
            'datetime': lambda: datetime(2001, 2, 3, 4, 5, 6),
            'json': lambda: {'other': 1},
            'binary': lambda: b'b3RoZXI=',
        }.get(field.type, lambda: "other")()

    # === DOORS === #

    def test_a_billed_session_cannot_be_made_unbilled(self):
        session = self.billed.with_user(self.technician)
        self.assertEqual(session.state, 'billed')
        for vals in (
            {'state': 'to_bill'},
            {'duration_seconds': 1},
            {'association_id': self.draft_association.id},
            {'import_id': self.records['assist.session.import.record'].id},
            {'cycle_id': False},
            {'note': "fine", 'state': 'to_bill'},
        ):
            with self.subTest(vals=vals), self.assertRaises(AccessError):
                session.write(vals)
            with self.subTest(vals=vals, door='web_save'), self.assertRaises(AccessError):
                session.web_save(vals, {'state': {}})
        with self.assertRefused("State cannot be written"):
            session.write({'state': 'to_bill'})
        result = session.load(['.id', 'state'], [[str(session.id), 'To Bill']])
        self.assertFalse(result['ids'])
        self.assertIn("State cannot be written", result['messages'][0]['message'])
        self.assertEqual(self.billed.state, 'billed')

    def test_no_new_session_says_that_it_is_billed(self):
        sessions = self.env['assist.session'].with_user(self.technician)
        vals = {'started_at': '2026-02-03 10:00:00', 'ended_at': '2026-02-03 11:00:00'}
        for extra in ({'state': 'to_bill'}, {'duration_seconds': 9}, {'matching_rule_id': 1}):
            with self.subTest(extra=extra), self.assertRaises(AccessError):
                sessions.create({**vals, **extra})
        for context in ({'default_state': 'billed'}, {'default_source_email': "x@y.example"}):
            with self.subTest(context=context):
                session = sessions.with_context(**context).create(vals)
                self.assertEqual((session.state, session.source_email), ('unmatched', False))
        self.env['ir.default'].sudo().set(
            'assist.session', 'source_email', "x@y.example", user_id=self.technician.id
        )
        self.assertFalse(sessions.create(vals).source_email)

    def test_the_same_value_again_is_no_change(self):
        session = self.billed.with_user(self.technician)
        session.write(
            {'state': 'billed', 'note': "seen", 'association_id': session.association_id.id}
        )
        self.assertEqual((session.state, session.note), ('billed', "seen"))
        new = session.create(
            {'started_at': '2026-02-03 10:00:00', 'state': 'unmatched', 'source_email': False}
        )
        self.assertEqual(new.state, 'running')
        bill = self.records['account.move'].with_user(self.users['accountant'])
        bill.web_save({'assist_kind': 'bill', 'ref': "seen"}, {})
        self.assertEqual(bill.ref, "seen")

    def test_who_guesses_a_hidden_value_is_not_told(self):
        session = self.billed.with_user(self.technician)
        errors = set()
        for cycle in (self.billed.cycle_id.id, self.billed.cycle_id.id + 1, False):
            with self.assertRaises(AccessError) as caught:
                session.write({'cycle_id': cycle})
            errors.add(str(caught.exception))
        self.assertEqual(len(errors), 1)

    def test_nobody_says_from_outside_that_he_is_the_engine(self):
        session = self.billed.with_user(self.technician)
        for said in (True, 1, 'ENGINE', str(ENGINE), {}):
            with self.subTest(said=said), self.assertRaises(AccessError):
                session.with_context(assist_engine=said).write({'state': 'to_bill'})

    def test_a_bill_does_not_forget_its_cycle(self):
        bill = self.records['account.move'].with_user(self.users['accountant'])
        for vals in (
            {'assist_cycle_id': False},
            {'assist_kind': False},
            {'assist_origin_cycle_id': bill.assist_cycle_id.id},
            {'assist_delivery_state': 'sent'},
            {'assist_session_charge': 1.0},
        ):
            with self.subTest(vals=vals), self.assertRaises(AccessError):
                bill.write(vals)
        self.assertTrue(bill.assist_cycle_id)

    # === WHAT GOES ON WORKING === #

    def test_a_technician_works_on_as_before(self):
        sessions = self.env['assist.session'].with_user(self.technician)
        session = sessions.browse(sessions.action_start_now()['res_id'])
        session.write({'partner_id': self.customer.id, 'ended_at': session.started_at})
        again = session.browse(session.action_start()['res_id'])
        self.assertEqual(again.continued_from_id, session)
        self.assertFalse(again.env.context.get('assist_engine'))
        copy = session.copy()
        self.assertEqual(copy.partner_id, self.customer)
        device = self.records['assist.device'].with_user(self.technician)
        device.action_remove()
        self.assertTrue(device.removed_on)

    def test_a_copy_of_an_invoice_has_no_lines_of_a_cycle(self):
        bill = self.records['account.move'].with_user(self.users['accountant'])
        copy = bill.copy()
        self.assertFalse(copy.assist_kind)
        self.assertEqual(set(copy.invoice_line_ids.mapped('assist_charge')), {False})
        copy.action_post()
        self.assertEqual(copy.amount_total, bill.amount_total)

    def test_an_accountant_credits_a_bill_as_any_other(self):
        bill = self.records['account.move'].with_user(self.users['accountant'])
        reversal = (
            self.env['account.move.reversal']
            .with_user(self.users['accountant'])
            .with_context(active_model='account.move', active_ids=bill.ids)
            .create({'journal_id': bill.journal_id.id})
        )
        credit = bill.browse(reversal.reverse_moves()['res_id'])
        self.assertRecordValues(
            credit,
            [{'assist_kind': 'credit', 'assist_bill_id': bill.id, 'move_type': 'out_refund'}],
        )
        self.assertFalse(credit.env.context.get('assist_engine'))


@thorough
@tagged('post_install', '-at_install')
class TestUsageLines(AccessCommon):
    """What was used says what its statement says, whatever is sent to it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_session(cls.stranger)
        cls._close_now(cls.draft_association, '2026-02-01 00:00:00')
        cls.draft = cls.draft_association.cycle_ids.move_id.with_user(cls.users['accountant'])
        cls.line = cls.draft.invoice_line_ids[:1]

    def _get_said(self):
        self.env.invalidate_all()
        return [
            tuple(line.read(['price_subtotal', 'balance', 'quantity', 'move_id'])[0].values())
            for line in self.draft.line_ids
        ], self.draft.amount_total

    def test_no_command_changes_a_usage_line(self):
        self.assertEqual((self.draft.state, self.line.assist_charge), ('draft', 'session'))
        other = self.draft.copy()
        before = self._get_said()
        tax = self.env['account.tax'].search(
            [('company_id', '=', self.company.id), ('id', 'not in', self.line.tax_ids.ids)], limit=1
        )
        contexts = (
            {},
            {'skip_invoice_sync': True, 'check_move_validity': False},
            {'dynamic_unlink': True, 'check_move_validity': False},
            {'assist_engine': True},
        )
        for vals in (
            {'balance': -1.0},
            {'credit': 1.0},
            {'debit': 1.0},
            {'amount_currency': -1.0},
            {'price_subtotal': 1.0},
            {'price_total': 1.0},
            {'price_unit': 1.0},
            {'quantity': 9.0},
            {'discount': 50.0},
            {'tax_ids': [Command.set(tax.ids)]},
            {'tax_ids': [Command.clear()]},
            {'move_id': other.id},
            {'display_type': 'line_note'},
            {'assist_charge': False},
            {'product_id': False},
        ):
            for context in contexts:
                line = self.line.with_context(**context)
                for door, command in (
                    ('write', lambda line=line, vals=vals: line.write(vals)),
                    (
                        'update',
                        lambda line=line, vals=vals: line.move_id.write(
                            {'line_ids': [Command.update(line.id, vals)]}
                        ),
                    ),
                ):
                    with self.subTest(vals=vals, context=context, door=door):
                        with self.assertRaises(UserError), self.cr.savepoint():
                            command()
                        self.assertEqual(self._get_said(), before)
        for context in contexts:
            draft = self.draft.with_context(**context)
            line = self.line.with_context(**context)
            for door, command in (
                ('unlink', line.unlink),
                (
                    'delete',
                    lambda draft=draft, line=line: draft.write(
                        {'line_ids': [Command.delete(line.id)]}
                    ),
                ),
                ('clear', lambda draft=draft: draft.write({'invoice_line_ids': [Command.clear()]})),
                (
                    'set',
                    lambda draft=draft: draft.write({'invoice_line_ids': [Command.set([])]}),
                ),
                (
                    'link',
                    lambda context=context, line=line: other.with_context(**context).write(
                        {'line_ids': [Command.link(line.id)]}
                    ),
                ),
            ):
                with self.subTest(context=context, door=door):
                    with self.assertRaises(UserError), self.cr.savepoint():
                        command()
                    self.assertEqual(self._get_said(), before)

    def test_no_line_by_hand_says_that_it_was_used(self):
        with self.assertRaises(AccessError):
            self.draft.write(
                {
                    'invoice_line_ids': [
                        Command.create(
                            {'name': "More", 'price_unit': 5, 'assist_charge': 'session'}
                        )
                    ]
                }
            )

    def test_odoo_goes_on_computing_them(self):
        self.draft.invoice_line_ids = [
            Command.create({'name': "By hand", 'price_unit': 5.33, 'quantity': 3})
        ]
        self.draft.invoice_date = '2026-03-02'
        self.company.sudo().tax_calculation_rounding_method = 'round_globally'
        self.draft.narration = "Thank you"
        self.draft.action_post()
        self.assertEqual(self.draft.state, 'posted')
        draft = self.draft.copy()
        draft.unlink()
        self.assertFalse(draft.exists())
        engine = self.env(user=SUPERUSER_ID, su=True)
        self.assertTrue(engine['account.move'].browse(self.draft.id).exists())

    def test_a_draft_in_another_currency_takes_another_date_and_rate(self):
        currency = self.env['res.currency'].create(
            {
                'name': 'XYZ',
                'symbol': "X",
                'rate_ids': [
                    Command.create({'name': '2025-01-01', 'rate': 2.0}),
                    Command.create({'name': '2026-02-15', 'rate': 4.0}),
                ],
            }
        )
        plan = self._create_plan(currency_id=currency.id, price_per_session=20.0)
        plan.bill_handling = 'draft'
        customer = self._create_partner("Abroad")
        association = self._associate(customer, plan)
        self._create_session(customer)
        self._close_now(association, '2026-02-01 00:00:00')
        bill = association.cycle_ids.move_id.with_user(self.users['accountant'])
        self.assertEqual(bill.amount_untaxed_signed, 10.0)
        bill.invoice_date = '2026-03-02'
        self.assertEqual(bill.amount_untaxed_signed, 5.0)
        bill.invoice_currency_rate = 8.0
        self.assertRecordValues(bill, [{'amount_untaxed': 20.0, 'amount_untaxed_signed': 2.5}])
        self.assertFalse(bill.env.context.get('assist_engine'))
        bill.action_post()
        self.assertEqual(bill.state, 'posted')

    def test_the_whole_draft_can_be_deleted(self):
        cycle = self.draft.assist_cycle_id
        self.draft.unlink()
        self.assertEqual(cycle.state, 'to_rebill')
