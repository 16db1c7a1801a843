import functools
import time
from datetime import date, datetime, timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo import Command, fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..sending.sending_common import SendingCommon
from ..thorough import thorough


@tagged('post_install', '-at_install')
class TestTours(SendingCommon, HttpCase):
    """What people do in a browser; each tour's outcome is then looked at in the database."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.assist_payment_journal_id = cls.company_data['default_journal_bank']
        cls.north = cls._create_partner("Tour Customer North", email='north@customer.example')
        cls.south = cls._create_partner("Tour Customer South", email='south@customer.example')
        cls.technician = cls._create_technician()
        # The month before this one, so that the present moment is when it is due.
        cls.month = fields.Date.today().replace(day=1) - relativedelta(months=1)

    # === HELPERS === #

    def _create_manager(self, *groups):
        return new_test_user(
            self.env,
            'tour_manager',
            groups=','.join(('assist_billing.assist_billing_group_manager', *groups)),
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def _create_usage(self, **vals):
        """Associate both customers, and leave them a session of last month each."""
        associations = self.env['assist.billing.association']
        for partner in (self.north, self.south):
            associations |= self._associate(partner, start_date=self.month, **vals)
            ended_at = datetime.combine(self.month, datetime.min.time()) + timedelta(days=9)
            self._create_session(
                partner,
                name="Northern session" if partner == self.north else "Southern session",
                ended_at=ended_at.isoformat(),
                technician_id=self.technician.id,
            )
        return associations

    def _create_bills(self, **vals):
        """Return the bills of last month: of the northern customer, of the southern one."""
        associations = self._create_usage(**vals)
        self._close(str(self.month + relativedelta(months=1)))
        return associations.cycle_ids.move_id.sorted(lambda bill: bill.partner_id.name)

    def _tour_bills(self, name):
        self.start_tour('/odoo/remote-support-bills', name, login='tour_manager')
        self.env.invalidate_all()

    # === TOURS === #

    @thorough
    def test_a_plan_is_created_and_customers_are_associated(self):
        (self.plan | self.hourly).unlink()
        self._create_manager()
        self.start_tour(
            '/odoo/remote-support-start', 'assist_billing_plan_and_customers', login='tour_manager'
        )
        plan = self.env['assist.billing.plan'].search([('company_id', '=', self.company.id)])
        self.assertRecordValues(
            plan,
            [
                {
                    'name': "Premium Support",
                    'billing_type': 'hour',
                    'price_per_hour': 85.0,
                    'charge_devices': True,
                    'price_per_device': 3.5,
                    'create_uid': self.env['res.users'].search([('login', '=', 'tour_manager')]).id,
                }
            ],
        )
        self.assertRecordValues(
            plan.association_ids.sorted(lambda association: association.partner_id.name),
            [
                {'partner_id': partner.id, 'due_days': 28, 'cycle': 'monthly', 'state': 'running'}
                for partner in (self.north, self.south)
            ],
        )

    @thorough
    def test_the_first_hour_takes_fifteen_clicks(self):
        company = self.setup_other_company()['company']
        company.write({'name': "YourCompany", 'email': False})
        manager = self._create_manager('base.group_system', 'base.group_partner_manager')
        manager.write({'company_ids': [Command.set(company.ids)], 'company_id': company.id})
        self.env['assist.billing.plan'].search([('company_id', '=', company.id)]).unlink()
        overview_class = self.env.registry['assist.billing.overview']
        get_overview = overview_class.get_overview

        @functools.wraps(get_overview)
        def get_slowly(overview):
            time.sleep(1)  # the dialog over the first page must not wait for its answer
            return get_overview(overview)

        with (
            self.mock_mail_gateway(),
            patch.object(overview_class, 'get_overview', get_slowly),
        ):
            self.start_tour(
                '/odoo/remote-support-start', 'assist_billing_first_hour', login='tour_manager'
            )
        self.env.invalidate_all()
        bill = self.env['account.move'].search(
            [('company_id', '=', company.id), ('assist_kind', '=', 'bill')]
        )
        self.assertRecordValues(
            bill,
            [{'assist_session_count': 2, 'amount_untaxed': 40.0, 'assist_delivery_state': 'sent'}],
        )
        self.assertEqual(bill.partner_id.name, "Acme Dental")
        self.assertEqual(company.name, "Helpful Computers")

    @thorough
    def test_a_plan_has_evenings_and_weekends(self):
        self._create_manager()
        self.start_tour(
            '/odoo/action-assist_billing.assist_billing_hours_action/new',
            'assist_billing_evenings_and_weekends',
            login='tour_manager',
        )
        plan = self.env['assist.billing.plan'].search([('name', '=', "Tour Plan")])
        evening = self.env.ref('assist_billing.band_evening')
        weekend = self.env.ref('assist_billing.band_weekend')
        lines = plan.hours_id.line_ids
        self.assertEqual(
            {(line.dayofweek, *line._get_span()) for line in lines},
            {(day, 1080, 1440, evening.id) for day in '01234'}
            | {(day, 0, 1440, weekend.id) for day in '56'},
        )
        self.assertEqual(
            plan.rate_ids.mapped('sentence'),
            ["Evening: 150 % of the price", "Weekend: 200 % of the price"],
        )

    @thorough
    def test_a_managed_agreement_is_billed_in_advance_and_closed(self):
        self._create_manager()
        now = fields.Datetime.now()
        for i in range(12):
            self._create_device(self.north, name=f"PC {i}")
        self.start_tour(
            '/odoo/remote-support-plans', 'assist_billing_managed_agreement', login='tour_manager'
        )
        self.env.invalidate_all()
        plan = self.env['assist.billing.plan'].search([('name', '=', "Tour Agreement")])
        self.assertRecordValues(
            plan.fee_ids,
            [
                {'quantity_rule': 'fixed', 'price': 500.0, 'included_hours': 5.0},
                {'quantity_rule': 'devices', 'price': 8.0, 'included_hours': 0.0},
            ],
        )
        cycle = plan.association_ids.cycle_ids
        self.assertEqual(cycle.fee_ids.own_move_id.amount_untaxed, 596.0)
        self._create_session(
            self.north, ended_at=now.isoformat(sep=' ', timespec='seconds'), minutes=435
        )
        self._close(fields.Datetime.to_string(cycle.end_at))
        self.assertEqual(cycle.move_id.amount_untaxed, 809.75)
        self._tour_bills('assist_billing_managed_agreement_closed')

    @thorough
    def test_prices_rise_for_all_from_january(self):
        self._create_manager()
        plan = self._create_plan(name="Tour Plan", billing_type='hour', price_per_hour=90.0)
        self.south.email = False
        for partner in (self.north, self.south):
            self._associate(partner, plan)
        self.start_tour(
            '/odoo/action-assist_billing.assist_price_revision_action',
            'assist_billing_price_rise',
            login='tour_manager',
        )
        self.env.invalidate_all()
        self.assertRecordValues(
            plan.version_ids, [{'date_from': date(2035, 1, 1), 'price_per_hour': 93.0}]
        )
        revision = self.env['assist.price.revision'].search([('name', '=', "Tour Rise")])
        self.assertEqual(
            {notice.partner_id: notice.state for notice in revision.notice_ids},
            {self.north: 'queued', self.south: 'no_address'},
        )
        self.assertIn("93.00 USD", revision.notice_ids.sudo().mail_id.body_html)

    def test_a_cycle_that_is_due_closes_and_leads_to_its_bill(self):
        associations = self._create_usage()
        self._create_manager('base.group_system')
        cron = self.env.ref('assist_billing.ir_cron_close_cycles')
        self.start_tour(
            f'/odoo/action-base.ir_cron_act/{cron.id}', 'assist_billing_close', login='tour_manager'
        )
        self.env.invalidate_all()
        bills = associations.cycle_ids.move_id
        self.assertEqual(bills.partner_id, self.north | self.south)
        for bill in bills:
            self.assertRecordValues(
                bill, [{'state': 'posted', 'assist_session_count': 1, 'amount_untaxed': 20.0}]
            )
            self.assertRecordValues(
                bill.assist_cycle_id, [{'state': 'closed', 'date_start': self.month}]
            )

    @thorough
    def test_the_progress_of_a_run_is_seen_without_a_reload(self):
        manager = self._create_manager()
        run = (
            self.env['assist.billing.run']
            .sudo()
            .create({'state': 'running', 'due_count': 2, 'user_id': manager.id})
        )
        read = type(run).web_read
        reads = []

        def read_while_it_goes_on(records, *args, **kwargs):
            reads.append(records)
            if len(reads) == 3:
                run.state = 'done'
                run.flush_recordset()
            return read(records, *args, **kwargs)

        self.patch(type(run), 'web_read', read_while_it_goes_on)
        self.start_tour(
            f'/odoo/assist.billing.run/{run.id}', 'assist_billing_run', login='tour_manager'
        )
        self.assertEqual(
            len(reads), 3, "once when it is opened, twice while it goes on, then no more"
        )

    @thorough
    def test_a_discount_is_added_from_the_list(self):
        north, south = self._create_bills()
        self._create_manager()
        self._tour_bills('assist_billing_add_charges')
        self.assertRecordValues(
            north | south,
            [
                {'assist_misc_charge': -5.0, 'amount_untaxed': 15.0, 'amount_total': 17.25},
                {'assist_misc_charge': 0.0, 'amount_untaxed': 20.0, 'amount_total': 23.0},
            ],
        )
        self.assertRecordValues(
            north.assist_adjustment_line_ids, [{'name': "Goodwill", 'assist_charge': 'discount'}]
        )

    @thorough
    def test_payments_are_confirmed_and_one_is_undone(self):
        north, south = self._create_bills()
        self._create_manager()
        self._tour_bills('assist_billing_confirm_payment')
        payments = self.env['account.payment'].search(
            [('assist_bill_id', 'in', (north | south).ids)]
        )
        self.assertRecordValues(
            payments.sorted(lambda payment: payment.partner_id.name),
            [
                {'assist_bill_id': north.id, 'amount': 23.0, 'state': 'canceled'},
                {'assist_bill_id': south.id, 'amount': 23.0, 'state': 'paid'},
            ],
        )
        self.assertRecordValues(
            north | south,
            [
                {'payment_state': 'not_paid', 'amount_residual': 23.0},
                {'payment_state': 'paid', 'amount_residual': 0.0},
            ],
        )

    @thorough
    def test_a_bill_is_sent_by_e_mail(self):
        north, south = self._create_bills(billing_emails='books@north.example')
        self._create_manager()
        with self.mock_mail_gateway():
            self._tour_bills('assist_billing_email')
        self.assertEqual(self._get_sent_addresses(), ['books@north.example'])
        self.assertRecordValues(
            north | south, [{'assist_delivery_state': 'sent'}, {'assist_delivery_state': 'none'}]
        )
        [mail] = self._mails
        self.assertIn(north.name, mail['subject'])
        self.assertEqual(
            [name for name, *_rest in mail['attachments']], [f"{north.name.replace('/', '_')}.pdf"]
        )

    @thorough
    def test_a_bill_is_downloaded(self):
        north, south = self._create_bills()
        self._create_manager()
        self._tour_bills('assist_billing_download')
        self.assertTrue(north.invoice_pdf_report_id)
        self.assertFalse(south.invoice_pdf_report_id)
        self.assertEqual(north.assist_delivery_state, 'none', "downloaded is not sent")
        self.authenticate('tour_manager', 'tour_manager')
        response = self.url_open(north.action_assist_download()['url'])
        self.assertEqual(response.headers['Content-Type'], 'application/pdf')
        self.assertTrue(response.content.startswith(b'%PDF'))

    @thorough
    def test_a_technician_sees_no_price(self):
        self._create_bills()
        with self.assertLogs('odoo.http', 'WARNING') as refused:
            self.start_tour(
                '/odoo/my-remote-sessions', 'assist_billing_technician', login=self.technician.login
            )
        self.assertEqual(len(refused.records), 7, "all that the tour asked for behind the screens")

    @thorough
    def test_the_customer_sees_what_is_his(self):
        north, south = self._create_bills()
        self._close(fields.Datetime.to_string(fields.Datetime.now()))
        user = new_test_user(
            self.env, 'tour_customer', groups='base.group_portal', partner_id=self.north.id
        )
        self.start_tour('/my/remote-support', 'assist_billing_portal', login='tour_customer')
        self.authenticate('tour_customer', 'tour_customer')
        self.assertEqual(self.url_open(f'/my/invoices/{north.id}').status_code, 200)
        theirs = self.url_open(f'/my/invoices/{south.id}', allow_redirects=False)
        self.assertEqual(theirs.status_code, 303, "sent home")
        self.assertEqual(north.with_user(user).search_count([('id', '=', south.id)]), 0)
