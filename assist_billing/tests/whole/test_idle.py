from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from odoo.addons.base.models.ir_cron import IrCron

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestIdle(AssistBillingCommon):
    """Nothing that changed nothing wakes a scheduled action, and no run wakes itself."""

    def _count_triggers(self, run):
        """Return which scheduled actions `run` has woken: a list of their methods."""
        woken = []
        trigger = IrCron._trigger_list

        def count(cron, at_list):
            woken.extend([cron.code] * len(at_list))
            return trigger(cron, at_list)

        with patch.object(IrCron, '_trigger_list', count):
            run()
            self.env.flush_all()
        return woken

    def _get_our_models(self):
        """Return all models that our add-ons define or extend, without the abstract ones."""
        names = {
            name
            for name, model in self.env.registry.items()
            if not model._abstract
            and any(
                base.__module__.startswith('odoo.addons.assist_billing')
                for base in model.mro()
                if '__module__' in vars(base)
            )
        }
        self.assertGreater(len(names), 30)
        self.assertLessEqual(
            {'assist.billing.association', 'assist.session', 'res.partner', 'account.move'}, names
        )
        return sorted(names)

    def _make_records(self):
        """Leave something of each kind: open, closed, failed, ended, held, suspended, imported."""
        for name, vals in (
            ("Running", {}),
            ("Held", {'state': 'on_hold'}),
            ("Suspended", {'state': 'suspended'}),
            ("Over", {'end_date': '2026-01-20'}),
        ):
            partner = self._create_partner(name, email=f"{name}@example.com")
            self._create_session(partner)
            self._associate(partner, **vals)
        self._create_device()
        self._create_session(self.customer, ended_at='2026-01-10 10:00:00')
        self._create_session(self._create_partner("Nobody's"))
        self._close('2026-02-01 00:00:00')
        self.env['assist.matching.rule'].create(
            {'field': 'email_domain', 'operator': 'equals', 'value': 'x.example',
             'partner_id': self.customer.id}
        )  # fmt: skip
        self.env['assist.session.import.record'].sudo().create(
            {'name': "a.csv", 'source': 'csv', 'tz': 'UTC', 'state': 'done',
             'company_id': self.company.id, 'user_id': self.env.user.id}
        )  # fmt: skip
        self.env['assist.connector'].create({'name': "Zoho", 'source': 'zoho_assist'})

    def test_writing_nothing_wakes_nothing(self):
        self._make_records()
        for name in self._get_our_models():
            model = self.env[name].sudo()
            records = model.search([], limit=3) if model._auto else model
            for recordset in (model, records):
                with self.subTest(model=name, records=len(recordset)):
                    self.assertEqual(self._count_triggers(lambda r=recordset: r.write({})), [])

    def test_writing_on_no_record_wakes_nothing(self):
        for name in self._get_our_models():
            model = self.env[name].sudo()
            if not name.startswith('assist.'):
                continue  # of Odoo's own the add-ons that define them say what they do
            vals = {
                field.name: "x" if field.type == 'char' else False
                for field in model._fields.values()
                if field.store and not field.related and field.name not in ('id', 'display_name')
            }
            with self.subTest(model=name):
                self.assertEqual(self._count_triggers(lambda m=model, v=vals: m.write(v)), [])
                self.assertEqual(self._count_triggers(lambda m=model: m.create([])), [])

    def test_writing_what_is_there_already_wakes_nothing(self):
        self._make_records()
        written = set()
        for name in self._get_our_models():
            model = self.env[name].sudo()
            if not name.startswith('assist.') or not model._auto:
                continue
            for record in model.search([], limit=6):
                names = [
                    field.name
                    for field in model._fields.values()
                    if field.store
                    and field.type not in ('one2many', 'many2many', 'binary', 'json')
                    and not field.related
                    and field.name not in ('id', 'create_uid', 'create_date')
                    and field.name not in ('write_uid', 'write_date')
                ]
                values = record.read(names, load='')[0]
                for field_name in names:
                    with self.subTest(record=record, field=field_name):
                        vals = {field_name: values[field_name]}
                        self.assertEqual(
                            self._count_triggers(lambda r=record, v=vals: r.write(v)), []
                        )
                        written.add(name)
        self.assertLessEqual({'assist.billing.association', 'assist.billing.cycle'}, written)

    def test_methods_on_no_record_wake_nothing(self):
        for name in self._get_our_models():
            model = self.env[name].sudo()
            for method in ('action_retry', 'action_fetch_now', '_resolve', '_resolve_sessions'):
                if hasattr(model, method):
                    with self.subTest(model=name, method=method):
                        self.assertEqual(self._count_triggers(getattr(model, method)), [])
        moves = self.env['account.move']
        self.assertEqual(self._count_triggers(moves._assist_queue_sending), [])
        self.assertEqual(self._count_triggers(moves._assist_update_delivery), [])

    def test_a_run_does_not_wake_itself(self):
        self._make_records()
        for now in ('2026-02-01 00:00:00', '2026-03-01 00:00:00', '2026-03-01 00:00:00'):
            with self.subTest(now=now):
                self.assertEqual(self._count_triggers(lambda n=now: self._close(n)), [])
        over = self.env['assist.billing.association'].search([('partner_id.name', '=', "Over")])
        self.assertEqual(over.state, 'ended')

    def test_a_run_over_a_failing_cycle_does_not_wake_itself(self):
        association = self._associate()
        self._create_session()
        journals = self.env['account.journal'].search(
            [('type', '=', 'sale'), ('company_id', '=', self.company.id)]
        )
        journals.active = False
        for _attempt in range(3):
            woken = self._count_triggers(lambda: self._close('2026-02-01 00:00:00'))
            self.assertEqual(woken, [])
        self.assertTrue(self._cycles(association)[0].error)

    def test_what_can_begin_or_fall_due_wakes_the_closing_once(self):
        closing = ['model._cron_close_cycles()']
        associations = self.env['assist.billing.association']

        def associate():
            nonlocal associations
            associations = self._associate(start_date='2025-01-01')

        self.assertEqual(self._count_triggers(associate), closing)
        associations.state = 'on_hold'
        self.env.flush_all()
        for vals, woken in (
            ({'state': 'running'}, closing),
            ({'start_date': '2025-02-01'}, closing),
            ({'tz': 'Asia/Tokyo'}, closing),
            ({'end_date': '2025-06-01'}, closing),
            ({'billing_emails': "a@b.example"}, []),
            ({'due_days': 3}, []),
            ({'state': 'suspended'}, []),
        ):
            with self.subTest(vals=vals):
                self.assertEqual(self._count_triggers(lambda v=vals: associations.write(v)), woken)

    def test_one_that_begins_later_wakes_nothing_yet(self):
        later = fields.Date.today() + timedelta(days=40)
        self.assertEqual(self._count_triggers(lambda: self._associate(start_date=later)), [])
