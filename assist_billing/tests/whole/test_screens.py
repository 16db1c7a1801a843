import sys
from datetime import timedelta

from lxml import etree

from odoo import Command, fields
from odoo.tests import freeze_time, tagged

from ...utils.naming import name_some
from ...utils.zones import get_offset
from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestScreens(AssistBillingCommon):
    """What screens say of records beyond their own fields."""

    # === BILLS === #

    def test_the_status_of_a_bill_follows_its_payment_and_its_due_date(self):
        association = self._associate(due_days=28)
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        with freeze_time('2026-03-01'):
            self.assertEqual(bill.assist_status, 'not_paid')
        bill.invalidate_recordset(['assist_status'])
        with freeze_time('2026-03-02'):
            self.assertEqual(bill.assist_status, 'overdue')
        bill.button_draft()
        self.assertEqual(bill.assist_status, 'draft')
        bill.action_post()
        self._register_payment(bill, amount=bill.amount_total - 1.0)
        self.assertEqual(bill.assist_status, 'partial')
        self._register_payment(bill)
        self.assertEqual(bill.assist_status, 'paid')

    def test_a_credited_bill_counts_for_nothing_net(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        self.assertRecordValues(
            bill,
            [
                {
                    'assist_net_total': bill.amount_total,
                    'assist_net_due': bill.amount_total,
                    'assist_linked_count': 0,
                }
            ],
        )
        credit = bill._reverse_moves([{'invoice_date': bill.invoice_date}])
        self.assertEqual(bill.assist_linked_count, 0, "a draft credit note changes nothing yet")
        credit.action_post()
        self.assertRecordValues(
            bill,
            [
                {
                    'assist_status': 'reversed',
                    'assist_net_total': 0.0,
                    'assist_net_due': 0.0,
                    'assist_linked_count': 1,
                }
            ],
        )

    def test_alike_bills_of_two_cycles_are_no_duplicates(self):
        association = self._associate(cycle='weekly')
        self._create_session(ended_at='2026-01-05 10:00:00')
        self._create_session(ended_at='2026-01-12 10:00:00')
        self._close('2026-03-01 00:00:00')
        first, second = (self._bill(association, index) for index in (0, 1))
        self.assertEqual(first.invoice_date, second.invoice_date)
        self.assertEqual(first.amount_total, second.amount_total)
        self.assertFalse((first | second).duplicated_ref_ids)
        copy = first.copy({'invoice_date': first.invoice_date})
        first.invalidate_recordset(['duplicated_ref_ids'])
        self.assertIn(copy, first.duplicated_ref_ids, "a copy of a bill is one")

    def test_a_bill_leads_to_its_cycle(self):
        association = self._associate()
        self._create_session()
        self._close('2026-02-01 00:00:00')
        bill = self._bill(association)
        cycle = bill.assist_cycle_id
        self.assertEqual(bill.action_assist_view_cycle()['res_id'], cycle.id)
        bill.button_cancel()
        self.assertEqual(bill.action_assist_view_cycle()['res_id'], cycle.id)
        self.assertFalse(cycle.bill_status)

    # === CYCLES === #

    def test_terms_of_a_cycle_are_told_in_words(self):
        self.hourly.write(
            {
                'charge_devices': True,
                'price_per_device': 7.5,
                'device_count': 'peak',
                'ignore_under_seconds': 120,
                'increment_minutes': 5,
                'base_fee': 10.0,
                'base_minutes': 30,
                'included_quantity': 2.0,
                'minimum_charge': 99.0,
                'amounts_per': 'month',
                'prorate_partial': True,
            }
        )
        association = self._associate(plan=self.hourly)
        self._close('2026-01-02 00:00:00')
        cycle = self._cycles(association)
        rows = dict(cycle._get_terms_rows())
        self.assertEqual(rows["Plan"], "Hourly")
        self.assertEqual(rows["Billing Cycle"], "Monthly")
        self.assertIn("60.00", rows["Price Per Hour"])
        self.assertIn("7.50", rows["Price Per Device"])
        self.assertEqual(rows["Devices Counted"], "Most on one day")
        self.assertEqual(rows["Ignore Sessions Shorter Than"], "120 s")
        self.assertEqual(rows["Round Up To"], "5 min")
        self.assertEqual(rows["Minutes in Base Fee"], "30 min")
        self.assertEqual(rows["Included Quantity"], "2.00 hours")
        self.assertIn("99.00", rows["Minimum Charge"])
        self.assertEqual(rows["Amounts Per"], "Month")
        self.assertEqual(rows["Prorate Partial Cycle"], "Yes")
        self.assertNotIn("Merge Breaks Up To", rows, "a rule that is off is not told")
        self.hourly.price_per_hour = 70.0
        self.assertIn("60.00", cycle.terms_summary, "terms are those that were frozen")

    def test_a_plan_name_cannot_put_markup_on_a_cycle(self):
        self.plan.name = "<script>alert(1)</script>"
        association = self._associate()
        self._close('2026-01-02 00:00:00')
        self.assertNotIn("<script", self._cycles(association).terms_summary)

    # === ASSOCIATIONS === #

    def test_an_association_says_when_it_bills_next_and_whether_it_fails(self):
        association = self._associate()
        self._close('2026-02-10 00:00:00')
        self.assertRecordValues(
            association,
            [
                {
                    'cycle_count': 2,
                    'next_close_date': fields.Date.to_date('2026-03-01'),
                    'is_failing': False,
                    'session_count': 0,
                }
            ],
        )
        self._cycles(association)[-1].sudo().error = "No rate"
        association.invalidate_recordset(['is_failing'])
        self.assertTrue(association.is_failing)

    # === SESSIONS === #

    def test_a_session_that_runs_for_more_than_a_day_is_pointed_out(self):
        now = fields.Datetime.now()
        young, old = self.env['assist.session'].create(
            [
                {'partner_id': self.customer.id, 'started_at': now - timedelta(hours=hours)}
                for hours in (23, 25)
            ]
        )
        self.assertFalse(young.is_long_running)
        self.assertTrue(old.is_long_running)
        old.action_stop()
        self.assertFalse(old.is_long_running)

    def test_hours_can_be_grouped_and_agree_with_seconds(self):
        self._associate(plan=self.hourly)
        self._create_session(minutes=45)
        self._create_session(minutes=90, ended_at='2026-01-16 10:00:00')
        self._close('2026-02-01 00:00:00')
        [group] = self.env['assist.session'].formatted_read_group(
            [], ['partner_id'], ['duration_hours:sum', 'billed_hours:sum', 'billed_seconds:sum']
        )
        self.assertEqual(group['duration_hours:sum'], 2.25)
        self.assertEqual(group['billed_hours:sum'], group['billed_seconds:sum'] / 3600)

    def test_a_notice_names_the_first_of_many(self):
        """A payment of 80 bills is confirmed by a notice that fits on the screen."""
        names = [f"C{number}" for number in range(7)]
        self.assertEqual(name_some(self.env, names[:5]), "C0, C1, C2, C3, C4")
        self.assertEqual(name_some(self.env, names), "C0, C1, C2, C3, C4 and 2 more")

    def test_what_has_no_name_yet_is_new(self):
        association = self.env['assist.billing.association']
        self.assertFalse(association.new({}).display_name, "Odoo's forms say “New” then")
        self.assertEqual(association.new({'plan_id': self.plan.id}).display_name, self.plan.name)

    # === CHOICES === #

    def test_a_program_does_not_send_a_file(self):
        sources = dict(self.env['assist.inbound.key'].fields_get()['source']['selection'])
        self.assertEqual(sources['csv'], "Another program")

    def test_no_choice_is_worked_out_for_each_row(self):
        """Odoo asks for all choices of a field for each row that it exports or imports."""
        found = [
            field
            for name in self.env.registry
            for field in self.env[name]._fields.values()
            if field.type == 'selection'
            and not isinstance(field.selection, list)
            and any(module.startswith('assist_billing') for module in field._modules)
        ]
        self.assertIn(self.env['assist.billing.association']._fields['tz'], found)
        for field in found:
            with self.subTest(field=str(field)):
                field._description_selection(self.env)
                self.assertLess(self._count_calls(field), 100)

    def test_an_import_works_out_no_choice_for_each_of_the_others(self):
        """Odoo's import asks for choices that a function gives anew for each of them."""
        found = [
            field
            for name in self.env.registry
            if not self.env[name]._transient
            for field in self.env[name]._fields.values()
            if field.type == 'selection'
            and field.store
            and not field.readonly
            and any(module.startswith('assist_billing') for module in field._modules)
        ]
        self.assertIn(self.env['assist.billing.association']._fields['tz'], found)
        self.assertFalse([str(field) for field in found if callable(field.selection)])

    def test_associations_are_imported_with_their_zones(self):
        partners = [self._create_partner(f"Customer {number}") for number in range(2)]
        answer = self.env['assist.billing.association'].load(
            ['partner_id/.id', 'plan_id/.id', 'start_date', 'tz'],
            [
                [str(partner.id), str(self.plan.id), '2026-01-01', zone]
                for partner, zone in zip(
                    partners,
                    ('europe/berlin', f"Asia/Tokyo ({get_offset('Asia/Tokyo')})"),
                    strict=True,
                )
            ],
        )
        self.assertFalse(answer['messages'])
        associations = self.env['assist.billing.association'].browse(answer['ids'])
        self.assertEqual(associations.mapped('tz'), ['Europe/Berlin', 'Asia/Tokyo'])

    def test_nothing_is_found_by_a_name_that_nothing_has(self):
        """Odoo's import would take the first of all, and a search show all of them."""
        self._associate()
        self._close('2026-02-01T01:00')
        tried = 0
        for name in self.env.registry:
            model = self.env[name].sudo()
            if name.startswith('assist.') and not model._abstract and not model._transient:
                tried += bool(model.search_count([], limit=1))
                with self.subTest(model=name):
                    for operator in ('ilike', '='):
                        self.assertFalse(model.name_search("Nobody – Nothing", operator=operator))
        self.assertGreater(tried, 4)

    def test_what_belongs_to_a_customer_is_imported_by_the_name_of_the_association(self):
        dashed = self._create_partner("Ab – Cd")
        associations = (
            self._associate()
            | self._associate(dashed)
            | self._associate(
                self._create_partner("Acme, Paris", parent_id=self.customer.id), self.hourly
            )
        )
        for association in associations:
            name = association.display_name
            for operator, negative, value in (
                ('=', '!=', name),
                ('ilike', 'not ilike', name),
                ('in', 'not in', [name, "Nobody – Nothing"]),
            ):
                with self.subTest(name=name, operator=operator):
                    found = associations.search([('display_name', operator, value)])
                    self.assertEqual(found, association)
                    others = associations.search([('display_name', negative, value)])
                    self.assertEqual(others & associations, associations - association)
        self.assertEqual(associations.search([('display_name', 'ilike', "cd")]), associations[1])
        answer = self.env['assist.billing.rate'].load(
            ['association_id', 'value'],
            [[association.display_name, '90'] for association in associations],
        )
        self.assertFalse(answer['messages'])
        rates = self.env['assist.billing.rate'].browse(answer['ids'])
        self.assertEqual(rates.association_id, associations)
        self.assertEqual(rates[1].association_id, associations[1])

    def test_rows_of_one_plan_are_not_imported_into_another_by_their_name(self):
        fee = self.env.ref('assist_billing.product_fee')
        for plan in self.plan | self.hourly:
            plan.fee_ids = [Command.create({'product_id': fee.id, 'name': "Care", 'price': 5.0})]
            plan.rate_ids = [Command.create({'kind': 'phone', 'value': 50.0})]
        rows = (self.plan | self.hourly).export_data(['id', 'fee_ids', 'rate_ids'])['datas']
        for columns in (['fee_ids'], ['rate_ids'], ['fee_ids', 'fee_ids/price']):
            with self.subTest(columns=columns):
                answer = self.env['assist.billing.plan'].load(
                    ['id', *columns], [[row[0], "Care", '5'][: len(columns) + 1] for row in rows]
                )
                self.assertFalse(answer['ids'])
                self.assertIn("not found by their names", answer['messages'][0]['message'])
        answer = self.env['assist.billing.plan'].load(
            ['id', 'fee_ids/id', 'fee_ids/price'],
            [[*row, '7'] for row in self.plan.export_data(['id', 'fee_ids/id'])['datas']],
        )
        self.assertFalse(answer['messages'])
        self.assertEqual(self.plan.fee_ids.mapped('price'), [7.0])
        self.assertEqual(self.hourly.fee_ids.mapped('price'), [5.0])

    def test_choices_are_imported_by_their_labels_in_any_language(self):
        """What a list exports in German is to come in again in German."""
        self.env['res.lang']._activate_lang('de_DE')
        env = self.env(context={**self.env.context, 'lang': 'de_DE'})
        translated = set()
        for name in self.env.registry:
            for field in self.env[name]._fields.values():
                if (
                    field.type != 'selection'
                    or not isinstance(field.selection, str)
                    or not name.startswith('assist.')
                    or not field.store
                    or field.readonly
                    or self.env[name]._transient
                ):
                    continue
                english = dict(field._description_selection(self.env))
                converter = env['ir.fields.converter']
                convert = converter.to_field(env[name], field, savepoint=None)
                for choice, label in field._description_selection(env):
                    with self.subTest(field=str(field), label=label):
                        if label != english[choice]:
                            translated.add(str(field))
                            self.assertEqual(convert(label)[0], choice)
                self.assertEqual(convert(choice)[0], choice)
        self.assertIn('assist.session.source', translated)

    def test_no_column_is_called_what_odoo_calls_its_own_id(self):
        """Odoo's import would take it for that, and make new records of those that are there."""
        for name in self.env.registry:
            for field in self.env[name]._fields.values():
                if any(module.startswith('assist_billing') for module in field._modules):
                    with self.subTest(field=str(field)):
                        self.assertNotIn(field.string, ("External ID", "Database ID"))

    def _count_calls(self, field):
        """Return how many functions in Python are called to tell the choices of a field."""
        calls = []

        def watch(_frame, event, _argument):
            if event == 'call':
                calls.append(event)

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            field._description_selection(self.env)
        finally:
            sys.setprofile(before)
        return len(calls)

    def test_lists_of_several_companies_say_whose_each_is(self):
        for name in ('account_move_view_list_assist_bills', 'assist_billing_cycle_view_list_due'):
            view = self.env.ref(f'assist_billing.{name}')
            with self.subTest(view=name):
                [column] = etree.fromstring(view.arch).xpath("//field[@name='company_id']")
                self.assertEqual(column.get('optional'), 'show')
                self.assertIn('allowed_company_ids', column.get('column_invisible'), "of one: none")
