from datetime import datetime, timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import SQL

from ...utils.checks import FIRST_DAY, LAST_DAY
from ..common import AssistBillingCommon

# Each with the words it is refused in: start, end.
ABSURD = [
    ('0001-01-01 10:00:00', '0001-01-01 11:00:00', "before 1990"),
    ('1989-12-31 23:59:59', '1990-01-01 00:00:01', "before 1990"),
    ('1967-01-01 00:00:00', '2026-01-01 00:00:00', "before 1990"),
    ('1989-12-31 23:59:59', False, "before 1990"),
    ('2024-01-01 00:00:00', '2025-01-01 00:00:01', "more than a year"),
    ('1990-01-01 00:00:00', '2026-01-01 00:00:00', "more than a year"),
    ('9999-12-31 22:00:00', '9999-12-31 23:59:59', "24 hours in the future"),
    ('9999-12-31 22:00:00', False, "24 hours in the future"),
    ('2026-01-01 10:00:00', '9999-12-31 23:59:59', "24 hours in the future"),
    ('2026-01-01 11:00:00', '2026-01-01 10:00:00', "before its start"),
]


@tagged('post_install', '-at_install')
class TestTimesByHand(AssistBillingCommon):
    """Times by hand obey what `ingest` obeys, whichever way they come in."""

    def test_create_refuses_in_words(self):
        for start, end, words in ABSURD:
            with self.subTest(start=start, end=end), self.assertRefused(words):
                self.env['assist.session'].create(
                    {'name': "Long ago", 'started_at': start, 'ended_at': end}
                )
                self.env.flush_all()

    def test_write_refuses_in_words(self):
        session = self._create_session()
        for start, end, words in ABSURD:
            with self.subTest(start=start, end=end), self.assertRefused(words):
                session.write({'started_at': start, 'ended_at': end})
                self.env.flush_all()
        with self.assertRefused("before 1990"):
            session.started_at = '1989-12-31 23:59:59'

    def test_load_refuses_in_words(self):
        for start, end, words in ABSURD:
            with self.subTest(start=start, end=end):
                result = self.env['assist.session'].load(
                    ['name', 'external_id', 'started_at', 'ended_at'],
                    [["Long ago", f'{start} {end}', start, end or '']],
                )
                self.assertFalse(result['ids'])
                self.assertRegex(result['messages'][0]['message'], words)
        self.assertFalse(self.env['assist.session'].search([('name', '=', "Long ago")]))

    def test_ingest_refuses_the_same(self):
        for start, end, _words in ABSURD:
            answer = self.env['assist.session'].ingest(
                [{'external_id': 'a', 'technician': "T", 'customer': "C", 'start': start,
                  'end': end or ''}],
                'csv',
            )[0]  # fmt: skip
            self.assertEqual(answer['status'], 'rejected', (start, end, answer))

    def test_the_edges_are_taken(self):
        for start, end in (
            ('1990-01-01 00:00:00', '1990-01-01 00:00:01'),
            ('2024-01-01 00:00:00', '2025-01-01 00:00:00'),
            ('2026-01-01 00:00:00', '2026-01-01 00:00:00'),
        ):
            with self.subTest(start=start):
                session = self.env['assist.session'].create({'started_at': start, 'ended_at': end})
                self.assertTrue(session.name)

    def test_one_running_since_long_ago_is_stopped_with_a_right_end_only(self):
        session = self._create_session()
        long_ago = fields.Datetime.now() - timedelta(days=400)
        session.write({'started_at': long_ago, 'ended_at': False})
        with self.assertRefused("more than a year"):
            session.action_stop()
        session.ended_at = long_ago + timedelta(hours=1)
        self.assertEqual(session.duration_seconds, 3600)

    def test_absurd_times_that_are_stored_already_can_be_put_right(self):
        session = self._create_session()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE assist_session SET started_at = '0001-01-01 10:00:00',"
                " ended_at = '0001-01-01 11:00:00' WHERE id = %s",
                session.id,
            )
        )
        self.env.invalidate_all()
        session.note = "What is this?"
        session.write({'started_at': datetime(1, 1, 1, 10), 'note': "Still there"})
        session.write({'started_at': '2026-01-01 10:00:00', 'ended_at': '2026-01-01 11:00:00'})
        self.assertEqual(session.duration_seconds, 3600)

    def test_every_date_that_is_counted_with_has_bounds(self):
        """All dates of our models that people write: year 1 and 9999 are refused in words."""
        association = self._associate()
        device = self._create_device()
        connector = self.env['assist.connector'].create({'name': "Zoho", 'source': 'zoho_assist'})
        records = {
            'assist.billing.association': association,
            'assist.billing.suspension': self.env['assist.billing.suspension'].create(
                {'association_id': association.id, 'date_from': '2026-05-01'}
            ),
            'assist.device': device,
            'assist.device.absence': self.env['assist.device.absence'].create(
                {'device_id': device.id, 'date_from': '2026-01-01', 'date_to': '2026-01-02'}
            ),
            'assist.connector': connector,
            'assist.billing.tie': self.env['assist.billing.tie'].create(
                {'company_id': self.company.id}
            ),
            'assist.statement': self.env['assist.statement'].create(
                {'association_id': association.id}
            ),
            'assist.billing.rate': self.env['assist.billing.rate'].create(
                {'plan_id': self.plan.id, 'method': 'percent', 'value': 150}
            ),
            'assist.billing.plan.version': self.env['assist.billing.plan.version'].create(
                {'plan_id': self.plan.id, 'date_from': '2026-07-01', 'price_per_session': 25.0}
            ),
            'assist.price.revision': self.env['assist.price.revision'].create(
                {'name': "Prices", 'date_from': '2027-01-01', 'plan_ids': self.plan.ids}
            ),
            'assist.billing.hours.holiday': self.env['assist.billing.hours']
            .create({'name': "Hours", 'holiday_ids': [(0, 0, {'date': '2026-12-25'})]})
            .holiday_ids,
        }
        # Written by the engine only, or a filter of the database.
        others = {'assist.billing.cycle', 'assist.billing.cycle.device',
                  'assist.associate.customers', 'assist.associate.customers.line',
                  'assist.confirm.payment'}  # fmt: skip
        tried = set()
        for name, model in self.env.registry.items():
            dates = [
                field.name
                for field in model._fields.values()
                if field.type == 'date' and field.store and not field.readonly
                and not (field.compute and field.readonly)
            ]  # fmt: skip
            if not name.startswith('assist.') or not dates or name in others:
                continue
            for field in dates:
                if field in ('activity_date_deadline', 'write_back_from'):
                    continue
                for day in ('0001-01-01', '1989-12-31', '2200-01-02', '9999-12-31'):
                    with (
                        self.subTest(model=name, field=field, day=day),
                        self.assertRefused("out of range|billed up to|before"),
                    ):
                        records[name].sudo().write({field: day})
                        self.env.flush_all()
                tried.add(name)
        self.assertEqual(tried, set(records))
        self.assertEqual((FIRST_DAY.year, LAST_DAY.year), (1990, 2200))

    def test_a_dialog_with_absurd_dates_says_so_and_does_not_break(self):
        dialog = Form(
            self.env['assist.associate.customers'].with_context(default_plan_id=self.plan.id)
        )
        for partner in (self.customer, self._create_partner("Other")):
            dialog.partner_ids.add(partner)
        for day, days in (('0001-01-01', 0), ('9999-12-31', 0), ('2026-01-01', 2**31 - 1)):
            with self.subTest(day=day, days=days):
                dialog.start_date = day
                dialog.due_days = days
                with self.assertRaisesRegex(UserError, "out of range|too many"):
                    dialog.save().action_associate()

    def test_waiting_times_have_bounds(self):
        for name in ('assist_close_grace_hours', 'assist_backdate_days', 'assist_late_days'):
            with self.subTest(name=name), self.assertRefused("too many"):
                self.company[name] = 2**31 - 1
        with self.assertRefused("too many"):
            self._associate(due_days=2**31 - 1)
