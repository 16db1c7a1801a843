import base64
from datetime import date
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.assist_billing.tests.common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestTimesheets(AssistBillingCommon):
    """A finished session is one timesheet of its technician, as long as there is a project."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.technician = cls._create_technician()
        cls.employee = cls._create_employee(cls.technician, hourly_cost=30.0)
        cls.project = cls._create_project("Remote Support")
        cls.company.sudo().assist_project_id = cls.project

    # === FACTORIES === #

    @classmethod
    def _create_employee(cls, user, **vals):
        return (
            cls.env['hr.employee']
            .sudo()
            .create({'name': user.name, 'user_id': user.id, 'company_id': cls.company.id, **vals})
        )

    @classmethod
    def _create_project(cls, name, **vals):
        return (
            cls.env['project.project']
            .sudo()
            .create({'name': name, 'allow_timesheets': True, 'company_id': cls.company.id, **vals})
        )

    @classmethod
    def _create_task(cls, project, name):
        return cls.env['project.task'].sudo().create({'name': name, 'project_id': project.id})

    @classmethod
    def _create_session(cls, *args, **vals):
        return super()._create_session(*args, **{'technician_id': cls.technician.id, **vals})

    def _record(self):
        self._run_schedule('_cron_record_timesheets', 'assist.session')

    def _lines(self, sessions):
        return (
            self.env['account.analytic.line']
            .sudo()
            .search([('assist_session_id', 'in', sessions.ids)], order='id')
        )

    # === MADE === #

    def test_a_finished_session_is_a_timesheet_of_its_technician(self):
        session = self._create_session(minutes=95, name="Printer")
        self.assertTrue(session.timesheet_due)
        self._record()
        line = self._lines(session)
        self.assertRecordValues(
            line,
            [
                {
                    'name': "Printer",
                    'date': date(2026, 1, 15),
                    'employee_id': self.employee.id,
                    'user_id': self.technician.id,
                    'project_id': self.project.id,
                    'task_id': False,
                    'partner_id': self.customer.id,
                    'company_id': self.company.id,
                }
            ],
        )
        self.assertAlmostEqual(line.unit_amount, 95 / 60)
        self.assertAlmostEqual(line.amount, -47.5)
        self.assertFalse(session.timesheet_due)
        self._record()
        self.assertEqual(self._lines(session), line, "one, however often it runs")

    def test_a_running_session_has_none_until_it_ends(self):
        session = self.env['assist.session'].create(
            {
                'partner_id': self.customer.id,
                'technician_id': self.technician.id,
                'started_at': '2026-01-15 10:00:00',
            }
        )
        self._record()
        self.assertFalse(self._lines(session))
        session.ended_at = '2026-01-15 10:30:00'
        self._record()
        self.assertEqual(self._lines(session).unit_amount, 0.5)

    def test_without_a_project_there_is_none(self):
        self.company.sudo().assist_project_id = False
        session = self._create_session()
        self._record()
        self.assertFalse(self._lines(session))
        self.assertFalse(session.timesheet_due or session.timesheet_problem)

    def test_who_has_none_says_why(self):
        stranger = self._create_technician('stranger')
        nobodys = self._create_session(technician_id=False)
        strangers = self._create_session(technician_id=stranger.id)
        self._record()
        self.assertFalse(self._lines(nobodys | strangers))
        self.assertIn("no technician", nobodys.timesheet_problem)
        self.assertIn("no employee", strangers.timesheet_problem)
        self.assertFalse((nobodys | strangers).filtered('timesheet_due'))
        self._create_employee(stranger)
        nobodys.technician_id = self.technician
        strangers.with_user(self.technician).action_record_timesheet()
        self._record()
        self.assertEqual(len(self._lines(nobodys | strangers)), 2)
        self.assertFalse((nobodys | strangers).filtered('timesheet_problem'))

    def test_the_day_is_the_technicians(self):
        self.technician.tz = 'Asia/Tokyo'
        session = self._create_session(ended_at='2026-01-15 23:00:00')
        self._record()
        self.assertEqual(self._lines(session).date, date(2026, 1, 16))

    # === PROJECT AND TASK === #

    def test_the_nearest_project_counts(self):
        own, customers = self._create_project("Own"), self._create_project("Acme")
        task, own_task = self._create_task(customers, "Support"), self._create_task(own, "Move")
        self._associate(project_id=customers.id, task_id=task.id)
        session = self._create_session()
        unmatched = self._create_session(self.env['res.partner'])
        self._record()
        for line, expected in (
            (self._lines(session), (customers, task)),
            (self._lines(unmatched), (self.project, task.browse())),
        ):
            self.assertEqual((line.project_id, line.task_id), expected)
        session.project_id = own
        self._record()
        line = self._lines(session)
        self.assertEqual((line.project_id, line.task_id), (own, task.browse()))
        session.task_id = own_task
        self._record()
        self.assertEqual(self._lines(session), line)
        self.assertEqual((line.project_id, line.task_id), (own, own_task))

    def test_a_project_that_an_association_gets_later_counts_for_what_is_unbilled(self):
        association = self._associate()
        billed = self._create_session()
        self._close('2026-02-01 00:10:00')
        session = self._create_session(ended_at='2026-02-15 10:00:00')
        self._record()
        association.project_id = self._create_project("Acme")
        self._record()
        self.assertEqual(self._lines(session).project_id, association.project_id)
        self.assertEqual(self._lines(billed).project_id, self.project)

    # === FOLLOWS, THEN FROZEN === #

    def test_it_follows_its_session(self):
        session = self._create_session()
        self._record()
        line = self._lines(session)
        other = self._create_technician('other')
        employee = self._create_employee(other, hourly_cost=10.0)
        session.write(
            {'technician_id': other.id, 'ended_at': '2026-01-15 11:30:00', 'name': "Server"}
        )
        self._record()
        self.assertEqual(self._lines(session), line)
        self.assertRecordValues(
            line,
            [
                {
                    'employee_id': employee.id,
                    'user_id': other.id,
                    'unit_amount': 2.0,
                    'amount': -20.0,
                    'name': "Server",
                }
            ],
        )
        session.technician_id = False
        self._record()
        self.assertFalse(line.exists())

    def test_it_stays_when_nothing_is_charged(self):
        self._associate()
        session = self._create_session()
        self._record()
        line = self._lines(session)
        session.write({'billable': False, 'non_billable_reason': "Goodwill"})
        self._record()
        self.assertEqual((session.state, self._lines(session)), ('non_billable', line))

    def test_what_is_billed_is_frozen(self):
        self._associate()
        session = self._create_session()
        late = self._create_session(ended_at='2026-01-20 10:00:00')
        self._record()
        late.ended_at = '2026-01-20 12:00:00'
        self._close('2026-02-01 00:10:00')
        self.assertEqual(set((session | late).mapped('state')), {'billed'})
        self.assertTrue(late.timesheet_due, "changed before it was billed")
        self.assertFalse(session.timesheet_due, "billing changes no timesheet")
        self._record()
        self.assertEqual(self._lines(late).unit_amount, 2.5)
        for vals in (
            {'name': "Other words"},
            {'ticket': "T-1"},
            {'project_id': self._create_project("Other").id},
            {'task_id': self._create_task(self.project, "Other").id},
        ):
            with self.assertRefused("is billed"):
                session.write(vals)

    def test_a_bill_taken_back_lets_it_follow_again(self):
        association = self._associate()
        session = self._create_session()
        self._close('2026-02-01 00:10:00')
        self._record()
        self._bill(association).button_cancel()
        session.ended_at = '2026-01-15 11:00:00'
        self._record()
        self.assertEqual(self._lines(session).unit_amount, 1.5)

    def test_nobody_changes_it_by_hand(self):
        session = self._create_session()
        self._record()
        line = self._lines(session)
        user = self.env.user
        user.sudo().group_ids |= self.env.ref('hr_timesheet.group_timesheet_manager')
        for vals in ({'unit_amount': 9.0}, {'date': '2026-01-01'}, {'project_id': False}):
            for record in (line, line.with_user(user)):
                with self.assertRefused("Change the session instead"):
                    record.write(vals)
        with self.assertRefused("Change the session instead"):
            line.with_user(user).unlink()
        with self.assertRaises(AccessError), self.cr.savepoint():
            line.with_user(user).create(
                {'name': "x", 'project_id': self.project.id, 'assist_session_id': session.id}
            )
        self.assertTrue(line.readonly_timesheet)
        line.with_user(user).write({'unit_amount': line.unit_amount})
        own = line.with_user(user).create(
            {
                'name': "By hand",
                'project_id': self.project.id,
                'employee_id': self.employee.id,
                'unit_amount': 1.0,
            }
        )
        own.write({'unit_amount': 2.0})
        own.unlink()

    def test_it_goes_with_its_session(self):
        session = self._create_session()
        self._record()
        line = self._lines(session)
        session.with_user(self.technician).unlink()
        self.assertFalse(line.exists())

    # === SALES === #

    def test_no_sales_order_bills_it(self):
        service = self.env['product.product'].create(
            {
                'name': "Support",
                'type': 'service',
                'invoice_policy': 'delivery',
                'service_type': 'timesheet',
            }
        )
        order = (
            self.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': self.customer.id,
                    'order_line': [(0, 0, {'product_id': service.id, 'product_uom_qty': 5})],
                }
            )
        )
        order.action_confirm()
        self.project.write(
            {
                'allow_billable': True,
                'partner_id': self.customer.id,
                'sale_line_id': order.order_line.id,
            }
        )
        session = self._create_session()
        self._record()
        line = self._lines(session)
        self.assertFalse(line.so_line)
        self.assertEqual(line.timesheet_invoice_type, 'non_billable')
        self.assertEqual(order.order_line.qty_delivered, 0.0)
        by_hand = line.sudo().create(
            {
                'name': "By hand",
                'project_id': self.project.id,
                'employee_id': self.employee.id,
                'unit_amount': 1.0,
            }
        )
        self.assertEqual(by_hand.so_line, order.order_line, "which others are")

    # === FAILURES === #

    def test_one_that_cannot_be_made_stops_no_other(self):
        good, bad = self._create_session(), self._create_session(name="Bad")
        self.env.flush_all()
        cls = type(self.env['assist.session'])
        original = cls._prepare_timesheet_vals

        def fail(session):
            if session.name == "Bad":
                message = "The moon is full."
                raise UserError(message)
            return original(session)

        with patch.object(cls, '_prepare_timesheet_vals', fail):
            self._record()
        self.assertEqual(len(self._lines(good)), 1)
        self.assertFalse(self._lines(bad))
        self.assertEqual(bad.timesheet_problem, "The moon is full.")
        self.assertFalse(bad.timesheet_due, "it is not tried for ever")
        bad.name = "Good"
        self._record()
        self.assertEqual((len(self._lines(bad)), bad.timesheet_problem), (1, False))

    @mute_logger('odoo.addons.assist_billing_timesheet.models.timesheet_of_session')
    def test_an_error_of_another_add_on_is_kept_and_logged(self):
        session = self._create_session()
        self.env.flush_all()
        cls = type(self.env['account.analytic.line'])
        with patch.object(cls, '_timesheet_postprocess', side_effect=ZeroDivisionError("none")):
            self._record()
        self.assertIn("none", session.timesheet_problem)

    # === MANY === #

    def test_imports_become_timesheets_and_are_undone_with_them(self):
        rows = "\n".join(
            f"{number},{self.customer.name},2026-01-{number % 28 + 1:02} 10:00:00,"
            f"2026-01-{number % 28 + 1:02} 10:30:00,{self.technician.login}"
            for number in range(600)
        )
        file = f"External ID,Customer,Start,End,Technician\n{rows}\n".encode()
        dialog = self.env['assist.session.import'].create(
            {'file': base64.b64encode(file), 'filename': "sessions.csv", 'tz': 'UTC'}
        )
        dialog.action_import()
        sessions = dialog.record_id.session_ids
        self.assertEqual(len(sessions), 600)
        self.assertFalse(self._lines(sessions), "the import itself makes none")
        self._record()
        lines = self._lines(sessions)
        self.assertEqual(lines.assist_session_id, sessions.sorted('id'))
        self.assertEqual(len(lines), 600)
        sessions.import_id.action_undo()
        self.assertFalse(lines.exists())

    # === ACCESS === #

    def test_a_technician_needs_no_right_to_timesheets(self):
        sessions = self.env['assist.session'].with_user(self.technician)
        session = sessions.create(
            {
                'partner_id': self.customer.id,
                'started_at': '2026-01-15 10:00:00',
                'ended_at': '2026-01-15 11:00:00',
                'ticket': "T-17",
            }
        )
        self._record()
        self.assertEqual(self._lines(session).user_id, self.technician)
        session.ended_at = '2026-01-15 12:00:00'
        self._record()
        self.assertEqual(self._lines(session).unit_amount, 2.0)
        self.assertNotIn('timesheet_ids', sessions.fields_get())
        session.read()
        with self.assertRaises(AccessError):
            self.env['assist.billing.margin'].with_user(self.technician).search([])

    # === STATEMENT === #

    def _print(self, association):
        html, _type = self.env['ir.actions.report']._render_qweb_html(
            'account.report_invoice', self._bill(association).ids
        )
        return html.decode()

    def test_ticket_or_task_is_printed(self):
        association = self._associate()
        task = self._create_task(self.project, "Moving the office")
        self._create_session(ticket="T-4711")
        self._create_session(ended_at='2026-01-16 10:00:00', task_id=task.id)
        self._close('2026-02-01 00:10:00')
        html = self._print(association)
        self.assertIn("T-4711", html)
        self.assertIn("Moving the office", html)

    # === MARGIN === #

    def _margins(self, domain=()):
        groups = self.env['assist.billing.margin']._read_group(
            list(domain), ['partner_id'], ['hours:sum', 'revenue:sum', 'cost:sum', 'margin:sum']
        )
        return {partner: tuple(round(value, 2) for value in values) for partner, *values in groups}

    def test_the_margin_of_a_customer_is_revenue_minus_time(self):
        self._associate()
        session = self._create_session(minutes=60)
        free = self._create_session(ended_at='2026-01-16 10:00:00', minutes=30)
        free.write({'billable': False, 'non_billable_reason': "Goodwill"})
        self._record()
        self.env.flush_all()
        self.assertEqual(self._margins(), {self.customer: (1.5, 0.0, 45.0, -45.0)})
        self._close('2026-02-01 00:10:00')
        self.assertEqual(session.state, 'billed')
        self.assertEqual(self._margins(), {self.customer: (1.5, 20.0, 45.0, -25.0)})
        january = [('date', '>=', '2026-01-01'), ('date', '<', '2026-02-01')]
        self.assertEqual(self._margins(january), self._margins())
        bill = self._bill(session.association_id)
        self.env['assist.add.charges'].create(
            {'move_id': bill.id, 'adjustment_type': 'additional', 'amount': 100.0}
        ).action_add()
        self.env.flush_all()
        self.assertEqual(self._margins()[self.customer][1], 120.0)
