import ast
from pathlib import Path

from odoo.tests import tagged

from ...utils import sql_changes
from ..common import AssistBillingCommon

ADDON = Path(__file__).parents[2]
# These read or write nothing that could wait in memory, or are called by one that has flushed.
FLUSHED_BY_THEIR_CALLERS = {
    # Another transaction: it sees what is committed, and nothing else.
    'res.partner._assist_add_ranks',
    'account.move._assist_only_sender',
    'assist.billing.cycle._check_not_opened',
    'account.move._assist_get_last_number',
    # A lock, and nothing is read.
    'account.move._get_next_sequence_format',
    'account.move._assist_lock_again',
    # Tables that are read and written in SQL alone.
    'assist.inbound.key._take_receipt',
    'assist.secret.holder._assist_forget_secrets',
    'assist.secret.holder._assist_get_secrets',
    # A note by itself, in the midst of another add-on's commit.
    'account.move._assist_mark_unfinished',
    # Called by `_derive` and `_check_sample` after these have flushed everything.
    'assist.bill.maker._insert',
    # Empties what is computed again at once.
    'assist.bill.maker._empty',
    # Called by `_run` after it has flushed everything.
    'assist.billing.tie._find_together',
    'assist.billing.tie._prepare_tables',
    # What PostgreSQL knows of its tables and rows.
    'expected_values.expect_values',
    'assist.bill.maker._count_written',
    'assist.bill.maker._get_columns',
    'assist.bill.maker._get_not_derived_reason',
    'assist.bill.maker._take_ids',
    'assist.billing.tie._takes_long',
    'account.move._assist_get_marks',
    'assist.billing.run._analyze_new_ledger',
    'assist.session._analyze_if_thought_empty',
    'assist.session.import.record._remove_sessions',
    # Called by those who have flushed, before they note what changes.
    'assist.session._assist_set_state',
    # Called by `_read_device_days` after it has flushed.
    'assist.billing.cycle._read_device_holes',
    # Called by `_run` after it has flushed everything.
    'assist.billing.tie._prepare_parts_vals',
    'assist.billing.tie._find',
    'assist.billing.tie._find_bills_saying_something_else',
    'assist.billing.tie._get_mixed_currencies',
    'assist.billing.tie._get_unexplained',
    'assist.billing.tie._get_wrong_charges',
    'assist.billing.tie._get_wrong_lines',
    'assist.billing.tie._find_periods_billed_otherwise',
    'assist.billing.tie._rate_by_parts',
    'assist.billing.tie._find_parts_saying_something_else',
    # Called by `_ingest` after it has flushed everything, and after `_ingest_fetch`.
    'assist.device._ingest_update',
    'assist.intake._ingest_insert',
    'assist.session._ingest_end',
    'assist.session._prepare_differences',
    'assist.session._ingest_differ',
}


def get_sql_functions():
    """Return `{'model.function': source}` of all functions of ours that send SQL.

    Functions that belong to no model go by their file's name.
    """
    found = {}
    for path in [*ADDON.rglob('*.py'), *ADDON.parent.glob('assist_billing_queue_job/**/*.py')]:
        if {'tests', 'migrations'} & set(path.relative_to(ADDON.parent).parts):
            continue
        for node in ast.parse(path.read_text()).body:
            owner = get_model(node) if isinstance(node, ast.ClassDef) else path.stem
            for function in ast.walk(node):
                if isinstance(function, ast.FunctionDef):
                    source = ast.unparse(function)
                    if 'execute_query(' in source or '.execute(' in source:
                        found[f'{owner}.{function.name}'] = source
    return found


def get_model(class_node):
    """Return the model that a class defines or extends; else the name of the class."""
    said = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in class_node.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ('_name', '_inherit')
    }
    return said.get('_name') or said.get('_inherit') or class_node.name


@tagged('post_install', '-at_install')
class TestSqlChanges(AssistBillingCommon):
    """What SQL writes is told to the ORM, and what it reads is stored before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._forget_fields)
        # As Studio or another add-on would: on sessions, and on what they belong to.
        cls._add_field(
            'assist.session', 'x_copy', 'char', 'state,cycle_id,billed_seconds,partner_id',
            "record['x_copy'] = '%s %s %s %s' % (record.state, record.cycle_id.id,"
            " record.billed_seconds, record.partner_id.name)",
        )  # fmt: skip
        for model, inverse in (
            ('res.partner', 'partner_id'),
            ('assist.billing.association', 'association_id'),
            ('assist.device', 'device_id'),
            ('assist.session.import.record', 'import_id'),
        ):
            cls._add_field(
                model, 'x_session_ids', 'one2many',
                relation='assist.session', relation_field=inverse,
            )  # fmt: skip
            cls._add_field(
                model, 'x_said', 'char', 'x_session_ids.state',
                "record['x_said'] = ' '.join(sorted(record.x_session_ids.mapped('state')))",
            )  # fmt: skip

        # What somebody else has new records begin with.
        for model in ('assist.session', 'assist.device'):
            cls._add_field(model, 'x_account', 'char')
            cls.env['ir.default'].set(model, 'x_account', "4711")

    @classmethod
    def _add_field(cls, model, name, ttype, depends=False, code=None, **vals):
        lines = f"for record in self:\n    {code}" if code else False
        cls.env['ir.model.fields'].create(
            {
                'model_id': cls.env['ir.model']._get_id(model),
                'name': name,
                'field_description': name,
                'ttype': ttype,
                'store': True,
                'depends': depends,
                'compute': lines,
                **vals,
            }
        )

    @classmethod
    def _forget_fields(cls):
        cls.registry.reset_changes()
        cls.registry._setup_models__(cls.cr, [])

    # === HELPERS === #

    def _assert_up_to_date(self):
        """Each stored value is what it would be if it were computed now."""
        self.env.flush_all()
        self.env.invalidate_all()
        for model, name in (
            ('assist.session', 'x_copy'),
            ('res.partner', 'x_said'),
            ('assist.billing.association', 'x_said'),
            ('assist.device', 'x_said'),
            ('assist.session.import.record', 'x_said'),
        ):
            records = self.env[model].sudo().with_context(active_test=False).search([])
            stored = dict(zip(records.ids, records.mapped(lambda r, n=name: r[n]), strict=True))
            self.env.add_to_compute(records._fields[name], records)
            self.env.flush_all()
            self.assertEqual(stored, {record.id: record[name] for record in records}, model)

    # === TOLD === #

    def test_closing_billing_again_and_late_sessions_are_told(self):
        association = self._associate(start_date='2025-11-01')
        session = self._create_session(ended_at='2025-11-10 10:00:00')
        self._assert_up_to_date()
        self.assertEqual(association.x_said, 'to_bill')
        self._close('2025-12-01 00:00:00')
        self.assertIn('billed', session.x_copy)
        self.assertEqual(association.x_said, 'billed')
        self._assert_up_to_date()
        cycle = self._cycles(association)[0]
        cycle.move_id.button_cancel()
        self._assert_up_to_date()
        self.assertIn('to_bill', session.x_copy)
        cycle.action_rebill()
        self._assert_up_to_date()
        self._create_session(ended_at='2025-11-11 10:00:00')
        self._close('2026-01-01 00:00:00')
        self._assert_up_to_date()

    def test_sessions_that_change_their_association_are_told_on_both_sides(self):
        first = self._associate(start_date='2025-11-01')
        session = self._create_session(ended_at='2026-01-10 10:00:00')
        self._assert_up_to_date()
        other = self._create_partner("Other")
        second = self._associate(other, start_date='2025-11-01')
        session.partner_id = other
        self._assert_up_to_date()
        self.assertEqual((first.x_said or '', second.x_said), ('', 'to_bill'))
        second.end_date = '2026-01-05'
        self._assert_up_to_date()
        self.assertIn('unmatched', session.x_copy)
        self.assertFalse(second.x_said)
        second.end_date = False
        second.state = 'suspended'
        self._assert_up_to_date()

    def test_what_is_brought_in_begins_as_what_is_entered_by_hand(self):
        session = self._create_session()
        device = self._create_device()
        [of_session] = self.env['assist.session'].ingest(
            [
                {
                    'external_id': 'a',
                    'technician': "T",
                    'start': '2026-01-05T10:00:00Z',
                    'end': '2026-01-05T11:00:00Z',
                }
            ],
            'csv',
        )
        [of_device] = self.env['assist.device'].ingest([{'id': 'd', 'name': "PC"}], 'csv')
        session |= session.browse(of_session['id'])
        device |= device.browse(of_device['id'])
        self.assertEqual(session.mapped('x_account'), ["4711", "4711"])
        self.assertEqual(device.mapped('x_account'), ["4711", "4711"])

    def test_matching_is_told(self):
        self._associate(start_date='2025-11-01')
        sessions = self.env['assist.session']
        record = {
            'external_id': 'a', 'technician': "T", 'device': "PC", 'device_ref': 'D1',
            'customer_email': "somebody@acme.example",
            'start': '2026-01-05T10:00:00Z',
        }  # fmt: skip
        answers = sessions.ingest([record], 'csv')
        self.assertEqual(answers[0]['status'], 'created', answers)
        session = sessions.browse(answers[0]['id'])
        self._assert_up_to_date()
        sessions.ingest([{**record, 'end': '2026-01-05T11:00:00Z'}], 'csv')
        self.assertEqual(session.state, 'unmatched')
        self._assert_up_to_date()
        rule = self.env['assist.matching.rule'].create(
            {'field': 'email_domain', 'operator': 'equals', 'value': 'acme.example',
             'partner_id': self.customer.id}
        )  # fmt: skip
        self.assertEqual(session.partner_id, self.customer)
        self._assert_up_to_date()
        rule.partner_id = self._create_partner("Another")
        self._assert_up_to_date()
        self.assertIn("Another", session.x_copy)

    def test_a_device_that_gets_a_customer_tells_its_sessions(self):
        device = self._create_device(partner=self.env['res.partner'])
        session = self._create_session(self.env['res.partner'], device_id=device.id)
        device.partner_id = self.customer
        self.assertEqual(session.partner_id, self.customer)
        self._assert_up_to_date()

    def test_an_automation_on_what_another_field_follows_acts(self):
        """Recomputing is what wakes automation rules of others: once for each session."""
        association = self._associate(start_date='2025-11-01')
        sessions = self._create_session(ended_at='2025-11-10 10:00:00')
        sessions |= self._create_session(ended_at='2025-11-11 10:00:00')
        self._close('2025-12-01 00:00:00')
        self.assertEqual(association.x_said, 'billed billed')
        self.assertEqual(
            [text.split()[0] for text in sessions.mapped('x_copy')], ['billed', 'billed']
        )


@tagged('post_install', '-at_install')
class TestSqlReads(AssistBillingCommon):
    def test_nobody_who_depends_costs_nothing(self):
        self._associate(start_date='2025-11-01')
        session = self._create_session()
        self.env.flush_all()
        self.env.invalidate_all()
        for names in (['state'], ['partner_id', 'matching_rule_id'], ['import_id']):
            with self.assertQueryCount(0), sql_changes.changing(session, names):
                pass

    def test_each_function_that_reads_in_sql_has_flushed(self):
        functions = get_sql_functions()
        self.assertGreater(len(functions), 50)
        unflushed = {
            name for name, source in functions.items() if '_flush' not in source
            and 'flush_' not in source
        }  # fmt: skip
        self.assertEqual(unflushed, FLUSHED_BY_THEIR_CALLERS)

    def test_what_waits_to_be_stored_is_read(self):
        association = self._associate(start_date='2025-11-01')
        self._create_session(ended_at='2025-11-10 10:00:00')
        self._close('2025-11-20 00:00:00')
        cycle = self._cycles(association)
        cycles, now = self.env['assist.billing.cycle'], self.env.cr.now()
        self.assertEqual(cycles._lock_due_cycles(now), cycle)
        cycle.sudo().retry_at = '2999-01-01 00:00:00'
        self.assertFalse(cycles._lock_due_cycles(now))
        self.assertEqual(cycles._count_due(now), 0)
        cycle.sudo().retry_at = False
        self.assertEqual(cycles._count_due(now), 1)
        self.company.assist_close_grace_hours = 87_600
        self.assertEqual(cycles._count_due(now), 0)
        self.company.assist_close_grace_hours = 0
        association.state = 'on_hold'
        self.assertFalse(self.env['assist.billing.run']._lock_selected(cycle, now, []))

    def test_the_inbox_reads_what_waits_to_be_stored(self):
        session = self._create_session(self.env['res.partner']).sudo()
        session.source_email = "a@one.example"
        groups = self.env['assist.unmatched']
        self.assertEqual(groups.search([('session_id', '=', session.id)]).label, 'one.example')
        session.source_email = "a@two.example"
        groups.invalidate_model()
        self.assertEqual(groups.search([('session_id', '=', session.id)]).label, 'two.example')

    def test_matching_reads_what_waits_to_be_stored(self):
        partner = self._create_partner("New", email="new@one.example")
        self.env.flush_all()
        partner.email = "new@two.example"
        found = self.env['assist.session']._find_contacts_by_email(
            self.company, ['new@one.example', 'new@two.example']
        )
        self.assertEqual(found, {'new@two.example': partner.id})

    def test_undoing_an_import_reads_what_waits_to_be_stored(self):
        record = self.env['assist.session.import.record'].sudo().create(
            {'name': "a.csv", 'source': 'csv', 'tz': 'UTC', 'state': 'done',
             'company_id': self.company.id, 'user_id': self.env.user.id}
        )  # fmt: skip
        session = self._create_session()
        self.env.flush_all()
        session.sudo().import_id = record
        self.assertEqual(record._lock_sessions(), session)
