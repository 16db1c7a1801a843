from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, freeze_time, tagged

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
@freeze_time('2023-01-20 12:00:00')
class TestAssociate(AssistBillingCommon):
    """Associate Customers: several at once, all or none, with what it will come to."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.paris = cls._create_partner("Paris Ltd", tz='Europe/Paris')
        cls.kolkata = cls._create_partner("Kolkata Ltd", tz='Asia/Kolkata')
        cls.department = cls._create_partner("IT", parent_id=cls.paris.id)

    # === HELPERS === #

    def _create_dialog(self, partners, **vals):
        return self.env['assist.associate.customers'].create(
            {
                'plan_id': self.plan.id,
                'partner_ids': partners.ids,
                'start_date': '2023-01-25',
                'due_days': 28,
                **vals,
            }
        )

    def _get_associations(self, partners):
        return self.env['assist.billing.association'].search(
            [('partner_id', 'in', partners.ids)], order='partner_id'
        )

    # === ASSOCIATING === #

    def test_several_customers_and_departments_at_once(self):
        partners = self.paris | self.kolkata | self.department
        self._create_dialog(partners, billing_emails="a@x.example,b@x.example").action_associate()
        for partner, zone in (
            (self.paris, 'Europe/Paris'),
            (self.kolkata, 'Asia/Kolkata'),
            (self.department, 'Europe/Paris'),
        ):
            self.assertRecordValues(
                self._get_associations(partner),
                [
                    {
                        'plan_id': self.plan.id,
                        'cycle': 'monthly',
                        'tz': zone,
                        'due_days': 28,
                        'billing_emails': "a@x.example, b@x.example",
                        'state': 'running',
                    }
                ],
            )

    def test_a_zone_can_be_given_for_all(self):
        self._create_dialog(self.paris | self.kolkata, tz='UTC').action_associate()
        self.assertEqual(
            self._get_associations(self.paris | self.kolkata).mapped('tz'), ['UTC', 'UTC']
        )

    def test_start_due_days_and_addresses_can_differ(self):
        action = self.plan.action_associate_customers()
        with Form(self.env[action['res_model']].with_context(**action['context'])) as form:
            self.assertEqual(form.plan_id, self.plan)
            form.partner_ids.set(self.paris | self.kolkata)
            form.start_date = '2023-01-25'
            form.due_days = 28
            with form.line_ids.edit(1) as line:
                self.assertEqual(line.partner_id, self.kolkata)
                line.start_date = '2023-02-01'
                line.due_days = 7
                line.billing_emails = "books@kolkata.example"
                line.tz = 'UTC'
        form.record.action_associate()
        self.assertRecordValues(
            self._get_associations(self.paris) | self._get_associations(self.kolkata),
            [
                {
                    'start_date': form.record.start_date,
                    'due_days': 28,
                    'billing_emails': False,
                    'tz': 'Europe/Paris',
                },
                {
                    'start_date': form.record.line_ids[1].start_date,
                    'due_days': 7,
                    'billing_emails': "books@kolkata.example",
                    'tz': 'UTC',
                },
            ],
        )
        self.assertEqual(str(form.record.line_ids[1].start_date), '2023-02-01')

    # === WHAT IS OVER === #

    def test_what_is_over_is_said_and_can_wait(self):
        self._create_session(self.paris, ended_at='2022-12-05 10:00:00')
        with Form(self.env['assist.associate.customers']) as form:
            form.plan_id = self.plan
            form.partner_ids.set(self.paris | self.kolkata)
            self.assertFalse(form.closing_now, "nothing of today is over")
            form.start_date = '2022-12-01'
            said = form.closing_now.split("\n")
            self.assertEqual(
                said,
                [
                    "Paris Ltd: 12/01/2022 – 12/31/2022 is over and is billed within the hour, "
                    "with what there is. Sessions: 1",
                    "Kolkata Ltd: 12/01/2022 – 12/31/2022 is over and is billed within the hour, "
                    "with what there is. Sessions: 0",
                ],
            )
            form.waits = True
        notice = form.record.action_associate()
        self.assertNotIn('button', notice['params'])
        associations = self._get_associations(self.paris | self.kolkata)
        self.assertEqual(associations.mapped('state'), ['on_hold', 'on_hold'])
        self._close('2023-01-20 12:00:00')
        self.assertFalse(associations.bill_ids)
        associations.action_resume()
        self._close('2023-01-20 12:00:00')
        self.assertEqual(associations.bill_ids.mapped('assist_session_count'), [1])

    def test_the_notice_offers_to_bill_what_is_over(self):
        dialog = self._create_dialog(self.paris, start_date='2022-12-01')
        dialog._onchange_partner_ids()
        button = dialog.action_associate()['params']['button']
        self.assertEqual(
            (button['model'], button['method']), ('assist.billing.cycle', 'action_bill_over')
        )
        self.assertEqual(
            button['context'], {'allowed_company_ids': self.company.ids}, "where they were put"
        )

    def test_the_first_bill_of_fees_in_advance_is_said(self):
        product = self.plan.session_product_id
        self.plan.fee_ids = [
            Command.create({'product_id': product.id, 'price': 500.0}),
            Command.create({'product_id': product.id, 'price': 7.0, 'charge': 'arrears'}),
            Command.create({'product_id': product.id, 'price': 8.0, 'quantity_rule': 'devices'}),
        ]
        department = self._create_partner("Paris Lab", parent_id=self.department.id)
        self._create_device(self.paris, enrolled_on='2022-12-31')
        self._create_device(self.paris, enrolled_on='2023-02-02')
        self._create_device(self.paris, enrolled_on='2022-01-01', removed_on='2023-01-01')
        self._create_device(department)
        self._associate(department, self.hourly, start_date='2023-01-01')
        with Form(self.env['assist.associate.customers']) as form:
            form.plan_id = self.plan
            form.partner_ids.set(self.paris | self.kolkata)
            form.start_date = '2023-01-20'
            self.assertEqual(
                form.first_advances.split("\n"),
                [
                    "Paris Ltd: the first bill, of 508.00 USD, is made today for the fees of "
                    "01/20/2023 – 02/19/2023.",
                    "Kolkata Ltd: the first bill, of 500.00 USD, is made today for the fees of "
                    "01/20/2023 – 02/19/2023.",
                ],
            )
            form.start_date = '2023-02-02'
            self.assertIn(
                "Paris Ltd: the first bill, of 516.00 USD, is made on 02/02/2023 for the fees of "
                "02/02/2023 – 03/01/2023.",
                form.first_advances,
            )
            form.start_date = '2023-01-20'
        button = form.record.action_associate()['params']['button']
        action = self.env[button['model']].action_bill_over()
        moves = self.env['account.move'].search(action['domain'])
        self.assertEqual(
            {move.partner_id: move.amount_untaxed for move in moves},
            {self.paris: 508.0, self.kolkata: 500.0},
        )
        with self.assertRaisesRegex(UserError, "No period is over"):
            self.env['assist.billing.cycle'].action_bill_over()

    def test_zones_are_chosen_by_their_offsets(self):
        zones = dict(self.env['assist.associate.customers'].fields_get(['tz'])['tz']['selection'])
        self.assertEqual(zones['Asia/Kolkata'], "Asia/Kolkata (UTC+05:30)")

    # === PREVIEW === #

    def test_the_first_three_periods_and_due_dates_are_shown(self):
        with Form(self.env['assist.associate.customers']) as form:
            form.plan_id = self.plan
            form.partner_ids.set(self.paris | self.kolkata)
            form.start_date = '2023-01-25'
            form.due_days = 28
            with form.line_ids.edit(0) as line:
                self.assertEqual(line.tz_offset, "UTC+01:00")
                self.assertEqual(
                    line.preview.split("\n"),
                    [
                        "01/25/2023 – 02/24/2023, due 03/25/2023",
                        "02/25/2023 – 03/24/2023, due 04/22/2023",
                        "03/25/2023 – 04/24/2023, due 05/23/2023",
                    ],
                )
            with form.line_ids.edit(1) as line:
                self.assertEqual(line.tz_offset, "UTC+05:30")
            form.cycle = 'weekly'
            with form.line_ids.edit(0) as line:
                self.assertEqual(
                    line.preview.split("\n")[0], "01/25/2023 – 01/31/2023, due 03/01/2023"
                )
            form.partner_ids.set(self.kolkata)
            self.assertEqual(len(form.line_ids), 1, "one line for each customer chosen")

    def test_what_is_shown_is_what_is_billed(self):
        with Form(self.env['assist.associate.customers']) as form:
            form.plan_id = self.plan
            form.partner_ids.set(self.kolkata)
            form.start_date = '2023-01-25'
            form.due_days = 28
        form.record.action_associate()
        with freeze_time('2023-05-01'):
            for day in ('2023-02-01', '2023-03-01', '2023-04-01'):
                self._create_session(self.kolkata, ended_at=f'{day} 10:00:00')
            for day in ('2023-02-25', '2023-03-25', '2023-04-25'):
                self._close(f'{day} 00:00:00')
        association = self._get_associations(self.kolkata)
        shown = [row.rsplit(" ", 1)[1] for row in form.record.line_ids.preview.split("\n")]
        self.assertEqual(
            [
                f"{cycle.move_id.invoice_date_due:%m/%d/%Y}"
                for cycle in self._cycles(association)[:3]
            ],
            shown,
        )

    # === REFUSALS === #

    def test_conflicts_are_named_customer_by_customer_and_nothing_is_created(self):
        self._associate(self.paris)
        self._associate(self.kolkata)
        free = self._create_partner("Free")
        partners = self.paris | free | self.kolkata
        before = self._get_associations(partners)
        with self.assertRefused(
            "No customer was associated(.|\n)*Paris Ltd is already associated with Premium"
            "(.|\n)*Kolkata Ltd is already associated"
        ):
            self._create_dialog(partners).action_associate()
        self.assertEqual(self._get_associations(partners), before)
        with Form(self.env['assist.associate.customers']) as form:
            form.plan_id = self.plan
            form.partner_ids.set(self.paris | free)
            with form.line_ids.edit(0) as line:
                self.assertIn("already associated", line.conflict)
            with form.line_ids.edit(1) as line:
                self.assertFalse(line.conflict)
            self.assertIn("Paris Ltd is already associated", form.conflicts)

    def test_an_ended_association_conflicts_only_while_it_lasted(self):
        self._associate(self.paris, start_date='2022-01-01', end_date='2023-02-01', state='ended')
        with self.assertRefused("Paris Ltd"):
            self._create_dialog(self.paris).action_associate()
        self._create_dialog(self.paris, start_date='2023-02-01').action_associate()
        self.assertEqual(len(self._get_associations(self.paris)), 2)

    def test_bad_input_is_refused_in_words(self):
        free = self._create_partner("Free")
        for words, vals in (
            ("Choose the plan", {'plan_id': False}),
            ("at least one customer", {'partner_ids': []}),
            ("not an e-mail address", {'billing_emails': "a@x.example, nonsense"}),
            ("due_days|Due Days", {'due_days': -1}),
            ("out of range", {'start_date': '9999-01-01'}),
        ):
            with self.subTest(words=words), self.assertRefused(words):
                self._create_dialog(free, **vals).action_associate()
        with self.assertRefused("no time zone"):
            self._create_dialog(free, tz='Mars/Base')
        self.plan.active = False
        with self.assertRefused("archived"):
            self._create_dialog(free).action_associate()
        self.assertFalse(self._get_associations(free))

    def test_only_managers_associate(self):
        technician = self._create_technician()
        with self.assertRaises(AccessError):
            self.env['assist.associate.customers'].with_user(technician).create({})
