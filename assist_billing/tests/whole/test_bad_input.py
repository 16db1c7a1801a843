from datetime import timedelta

import psycopg2

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestBadInput(AssistBillingCommon):
    """What is refused, in which words; and by the database where words come too late."""

    def test_a_plan_needs_a_name_of_at_most_100_characters(self):
        for name in (False, "", "   "):
            with self.subTest(name=name), self.assertRefused("needs a name"):
                self._create_plan(name=name)
        with self.assertRefused("at most 100 characters.*has 101"):
            self._create_plan(name="x" * 101)
        self.assertEqual(len(self._create_plan(name="x" * 100).copy().name), 100)

    def test_prices_and_rules_cannot_be_negative(self):
        for field in (
            'price_per_session',
            'price_per_hour',
            'price_per_device',
            'ignore_under_seconds',
            'merge_gap_minutes',
            'minimum_minutes',
            'increment_minutes',
            'base_fee',
            'base_minutes',
            'included_quantity',
            'minimum_charge',
        ):
            with self.subTest(field=field), self.assertRefused("cannot be negative"):
                self._create_plan(name="Wrong", **{field: -1})
            with (
                self.subTest(field=field, by="the database"),
                mute_logger('odoo.sql_db'),
                self.assertRaises(psycopg2.errors.CheckViolation),
            ):
                self.env.cr.execute(
                    SQL("UPDATE assist_billing_plan SET %s = -1", SQL.identifier(field))
                )

    def test_numbers_may_come_as_text_and_dates_as_anything(self):
        self.plan.write({'price_per_session': '25.50', 'minimum_minutes': '15'})
        self.assertRecordValues(self.plan, [{'price_per_session': 25.5, 'minimum_minutes': 15}])
        association = self._associate(due_days='7')
        self.assertEqual(association.due_days, 7)
        for refused, words in (
            (lambda: self._create_plan(name="Wrong", price_per_session='-1'), "cannot be negative"),
            (lambda: association.write({'due_days': '9999'}), "is too many"),
            (lambda: association.write({'end_date': 7}), "is out of range"),
            (lambda: self.env['assist.session'].create({'started_at': 5}), "must be valid times"),
        ):
            with self.assertRefused(words):
                refused()

    def test_a_zone_must_exist(self):
        for tz in ('Mars/Olympus', 'Europe', '../etc/passwd'):
            with self.subTest(tz=tz), self.assertRefused("no time zone"):
                self._associate(tz=tz)

    def test_every_billing_address_is_checked(self):
        for emails in ("a@b.example, nonsense", "a@b.example;c@d.example", "@", "a b@c.example"):
            with self.subTest(emails=emails), self.assertRefused("not an e-mail address"):
                self._associate(billing_emails=emails)
        association = self._associate(billing_emails=" a@b.example ,, c@d.example ")
        self.assertEqual(association.billing_emails, "a@b.example, c@d.example")

    def test_an_association_does_not_end_before_it_starts_nor_owe_before_it_is_billed(self):
        for vals, words in (
            ({'end_date': '2025-12-31'}, "before it starts"),
            ({'due_days': -1}, "Due Days cannot be negative"),
        ):
            with self.subTest(vals=vals), self.assertRefused(words):
                self._associate(**vals)

    def test_a_start_out_of_range_is_refused(self):
        for day in ('0001-01-01', '9999-12-31'):
            with self.subTest(day=day), self.assertRefused("out of range"):
                self._associate(start_date=day)

    def test_one_association_per_customer_by_words_and_by_the_database(self):
        association = self._associate()
        with self.assertRefused("Acme is already associated with Premium"):
            self._associate(start_date='2027-01-01')
        association.end_date = '2027-01-01'
        with self.assertRefused("is associated with Premium until .*again once that is over"):
            self._associate(start_date='2027-01-01')
        past = self._create_partner("Past")
        self._associate(past, start_date='2020-01-01', end_date='2020-03-01')
        with self.assertRefused("was associated with Premium until .*not billed yet. Bill"):
            self._associate(past, start_date='2021-01-01')
        other = self._associate(self._create_partner("Other"))
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.UniqueViolation):
            self.env.cr.execute(
                "UPDATE assist_billing_association SET partner_id = %s WHERE id = %s",
                [association.partner_id.id, other.id],
            )

    def test_a_session_does_not_end_before_it_starts(self):
        with self.assertRefused("before its start"):
            self._create_session(minutes=-1)
        session = self._create_session()
        with self.assertRefused("before its start"):
            session.ended_at = '2026-01-01 00:00:00'

    def test_a_session_is_not_of_the_day_after_tomorrow(self):
        ended_at = fields.Datetime.now() + timedelta(hours=25)
        with self.assertRefused("24 hours"):
            self._create_session(ended_at=str(ended_at))

    def test_a_session_of_another_source_needs_its_id_and_only_once(self):
        with self.assertRefused("ID at the Source is missing"):
            self._create_session(source='zoho_assist')
        self._create_session(source='zoho_assist', external_id='1')
        self._create_session(source='teamviewer', external_id='1')
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.UniqueViolation):
            self._create_session(source='zoho_assist', external_id='1')

    def test_a_billed_session_is_frozen_by_words_and_by_the_database(self):
        self._associate()
        session = self._create_session(external_id='1', source='anydesk')
        self._close('2026-02-01 00:00:00')
        for vals in (
            {'ended_at': '2026-01-15 11:00:00'},
            {'started_at': '2026-01-15 09:00:00'},
            {'partner_id': self._create_partner("Other").id},
            {'billable': False},
            {'technician_id': False},
            {'customer_note': "Changed"},
            {'name': "Changed"},  # it stands on the statement
        ):
            with self.subTest(vals=vals), self.assertRefused("is billed"):
                session.write(vals)
        session.write({'note': "Internal", 'partner_id': self.customer.id})
        with self.assertRefused("cannot be deleted"):
            session.unlink()
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.IntegrityError),
            self.cr.savepoint(),
        ):
            self.env.cr.execute(
                "DELETE FROM assist_billing_cycle WHERE id = %s", [session.cycle_id.id]
            )

    def test_a_cycle_has_one_bill_by_the_database(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.UniqueViolation):
            bill.sudo().copy({'assist_cycle_id': bill.assist_cycle_id.id}).flush_recordset()

    def test_a_device_is_not_removed_before_it_is_enrolled(self):
        with self.assertRefused("removed before it was enrolled .12/31/2024, "):
            self._create_device(removed_on='2024-12-31')

    def test_a_reason_that_is_no_text_is_none(self):
        """Programs call these methods by their names, with whatever they have."""
        self._associate()
        session = self._create_session()
        self._close('2026-02-01 00:00:00')
        cycle = session.cycle_id
        cycle.move_id.button_cancel()
        for reason in (None, False, "", "  ", 7, 1e30, ["Gift"], {'reason': "Gift"}):
            with self.subTest(reason=reason):
                with self.assertRefused("Give a reason for waiving"):
                    cycle.action_waive(reason)
                with self.assertRefused("Give the reason why"):
                    session.action_make_non_billable(reason)

    # === IN WHOSE WORDS === #

    def test_days_are_said_as_the_reader_writes_them(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        with self.assertRefused("billed up to 02/01/2026 already"):
            association.end_date = '2026-01-20'
        with self.assertRefused("cannot end .12/31/2025. before it starts .01/01/2026"):
            association.end_date = '2025-12-31'

    def test_a_record_is_called_what_the_reader_calls_it(self):
        self.env['ir.model']._get('assist.billing.plan').sudo().name = "Tariff"
        with self.assertRefused("Tariff “Premium”: Price Per Session cannot be negative"):
            self.plan.price_per_session = -1.0
