import logging

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.assist_billing.rules import cycles
from odoo.addons.assist_billing.utils.races import LOST_RACES

_logger = logging.getLogger(__name__)

# Sessions whose timesheets are made in one transaction.
BATCH = 500


class AssistSession(models.Model):
    """A finished session is one timesheet of its technician, made by a scheduled action.

    Not by whoever changes the session: an import is not held up by ten thousand timesheets, and
    what Odoo or another add-on has against one of them stops neither session nor bill.
    """

    _inherit = 'assist.session'

    # === CRON === #

    @api.model
    def _trigger_timesheets(self):
        """Wake the scheduled action, if it has something to do."""
        self.flush_model(['timesheet_due'])
        if self.env.execute_query(SQL("SELECT 1 FROM assist_session WHERE timesheet_due LIMIT 1")):
            # sudo: everybody's sessions become timesheets
            self.env.ref('assist_billing_timesheet.ir_cron_record_timesheets').sudo()._trigger()

    @api.model
    def _cron_record_timesheets(self):
        """Bring the timesheets of sessions up to date, a batch in a transaction.

        A session whose timesheet cannot be made is by itself then: it keeps the reason, and is
        tried again when it changes.
        """
        progress = self.env['ir.cron']
        # How many are still taken one by one, for one of them stands in the way of its batch.
        singly = 0
        while sessions := self._lock_timesheets_due(1 if singly else BATCH):
            try:
                sessions._record_timesheets()
                self.env.flush_all()
            except LOST_RACES:
                # Somebody changed them meanwhile: look again.
                self.env.cr.rollback()
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it stops one session
                self.env.cr.rollback()
                if len(sessions) > 1:
                    singly = len(sessions)
                    continue
                self._keep_timesheet_problem(sessions, error)
            singly = max(singly - 1, 0)
            if not progress._commit_progress(len(sessions), remaining=self._count_due()):
                break

    @api.model
    def _lock_timesheets_due(self, size):
        """Lock and return sessions whose timesheet is due, as many as `size`."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM assist_session WHERE timesheet_due ORDER BY id LIMIT %s
                   FOR UPDATE SKIP LOCKED
                """,
                size,
            )
        )
        return self.browse(row[0] for row in rows)

    @api.model
    def _count_due(self):
        [[count]] = self.env.execute_query(
            SQL("SELECT count(*) FROM assist_session WHERE timesheet_due")
        )
        return count

    def _keep_timesheet_problem(self, sessions, error):
        """Keep on one session why its timesheet could not be made."""
        session = sessions.exists()
        if not isinstance(error, UserError):
            _logger.error(
                "The timesheet of session %s could not be made.", session.id, exc_info=error
            )
        session._set_timesheet_state({session: str(error)})

    # === BUSINESS METHODS === #

    def _record_timesheets(self):
        """Make, change or remove the timesheets of these sessions; none twice."""
        for company, sessions in self.grouped('company_id').items():
            # sudo: the engine's; technicians need no right to timesheets
            sessions.sudo().with_company(company).with_context(
                allowed_company_ids=company.ids
            )._record_timesheets_of_company()

    def _record_timesheets_of_company(self):
        lines = self.env['account.analytic.line']._assist_as_engine()
        existing = {
            line.assist_session_id.id: line
            for line in lines.search([('assist_session_id', 'in', self.ids)])
        }
        problems, to_create = {}, []
        for session in self:
            problem = problems[session] = session._get_timesheet_problem()
            vals = None if problem else session._prepare_timesheet_vals()
            line = existing.pop(session.id, None)
            if line is None:
                to_create += [vals] if vals else []
            elif vals is None:
                line.unlink()
            elif changed := line._assist_get_changed(vals):
                line.write(changed)
        lines.create(to_create)
        self._set_timesheet_state(problems)

    def _set_timesheet_state(self, problems):
        """Take the mark off these sessions, and keep why some have no timesheet.

        By SQL, for that is no change of the session: its time of change stays.

        :param dict problems: session -> reason in words, or a falsy value
        """
        self.env.flush_all()
        ids = [session.id for session in problems]
        self.env.cr.execute(
            SQL(
                """
                UPDATE assist_session s SET timesheet_due = FALSE, timesheet_problem = r.problem
                  FROM unnest(%s::int[], %s::text[]) AS r (id, problem) WHERE s.id = r.id
                """,
                ids,
                [problem or None for problem in problems.values()],
            )
        )
        self.invalidate_model(['timesheet_due', 'timesheet_problem'], flush=False)

    def _get_timesheet_problem(self):
        """Return in words why a finished session that has a project has no timesheet, or ''."""
        self.ensure_one()
        project, _task = self._get_timesheet_project()
        if not project or not self.ended_at:
            return ''
        if not self.technician_id:
            return self.env._("It has no technician: nobody's timesheet.")
        if not self._get_timesheet_employee():
            return self.env._(
                "%(technician)s is no employee of %(company)s.",
                technician=self.technician_id.name,
                company=self.company_id.name,
            )
        return ''

    def _get_timesheet_project(self):
        """Return the project and the task of this session's timesheet; both may be empty.

        The session's own count most, then its association's, then the company's.
        """
        self.ensure_one()
        for source in (self, self.association_id):
            if project := source.project_id or source.task_id.project_id:
                task = source.task_id
                return project, task if task.project_id == project else task.browse()
        return self.company_id.assist_project_id, self.env['project.task']

    def _get_timesheet_employee(self):
        """Return the technician as an employee of the session's company."""
        self.ensure_one()
        return self.technician_id.employee_ids.filtered(
            lambda employee: employee.company_id == self.company_id
        )[:1]

    def _prepare_timesheet_vals(self):
        """Return the values of the timesheet of this session; None where it is to have none.

        Its time is the measured one, whatever the bill makes of it.
        """
        self.ensure_one()
        project, task = self._get_timesheet_project()
        if not project or not self.ended_at:
            return None
        units = self.env['ir.model.data']
        # Not `ref`: it asks the database each time.
        hour = self.env['uom.uom'].browse(units._xmlid_to_res_id('uom.product_uom_hour'))
        unit = self.company_id.project_time_mode_id
        vals = {
            'assist_session_id': self.id,
            'name': self.name,
            'date': cycles.local_date(
                self.started_at, self.technician_id.tz or self.company_id._assist_get_zone()
            ),
            'unit_amount': hour._compute_quantity(self.duration_seconds / 3600, unit, round=False),
            'product_uom_id': unit.id,
            'employee_id': self._get_timesheet_employee().id,
            'project_id': project.id,
            'task_id': task.id,
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
        }
        if 'is_so_line_edited' in self.env['account.analytic.line']._fields:
            # The session is billed by itself: no sales order is to bill it again.
            vals |= {'so_line': False, 'is_so_line_edited': True}
        return vals
