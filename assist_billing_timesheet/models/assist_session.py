from odoo import api, fields, models

TIMESHEET_FIELDS = ('project_id', 'task_id', 'ticket')


class AssistSession(models.Model):
    """What a session says for timesheets: project, task, ticket."""

    _inherit = 'assist.session'

    # === FIELDS === #

    project_id = fields.Many2one(
        'project.project',
        index='btree_not_null',
        check_company=True,
        domain="[('allow_timesheets', '=', True)]",
        ondelete='restrict',
        help="If empty, that of the customer's association, or the company's for remote support.",
    )
    task_id = fields.Many2one(
        'project.task',
        index='btree_not_null',
        check_company=True,
        domain="[('allow_timesheets', '=', True), ('project_id', '=?', project_id)]",
        ondelete='restrict',
        help="Printed on the statement where no ticket is named.",
    )
    ticket = fields.Char(
        index='btree_not_null',
        help="The number of the customer's ticket. Printed on the statement.",
    )
    timesheet_ids = fields.One2many(
        'account.analytic.line',
        'assist_session_id',
        string="Timesheet",
        groups='hr_timesheet.group_hr_timesheet_user',
    )
    timesheet_due = fields.Boolean(
        string="Timesheet Outdated",
        compute='_compute_timesheet_due',
        store=True,
        help="Its timesheet is made, changed or removed soon.",
    )
    timesheet_problem = fields.Char(
        readonly=True, copy=False, help="Why this session has no timesheet, or an outdated one."
    )

    # === CONSTRAINTS AND INDEXES === #

    _timesheet_due_index = models.Index("(id) WHERE timesheet_due")

    # === COMPUTE METHODS === #

    @api.depends(
        'name',
        'company_id',
        'company_id.assist_project_id',
        'partner_id',
        'association_id',
        'association_id.project_id',
        'association_id.task_id',
        'project_id',
        'task_id',
        'technician_id',
        'started_at',
        'ended_at',
        'duration_seconds',
    )
    def _compute_timesheet_due(self):
        """Mark sessions whose timesheet is not what it should be any more.

        Billing a session changes none of these fields. A billed one keeps its mark: what was due
        before it was billed is still to be done, and nothing is that comes afterwards.
        """
        # sudo: whether there is a timesheet is asked for whoever changes the session
        for session in self.sudo():
            if session.state == 'billed':
                session.timesheet_due = session._origin.timesheet_due
                continue
            project, _task = session._get_timesheet_project()
            session.timesheet_due = bool(session.timesheet_ids or (project and session.ended_at))

    # === CRUD METHODS === #

    @api.model
    def _resolve_where(self, condition):
        # EXTENDS assist_billing: whatever creates or changes sessions comes by here
        result = super()._resolve_where(condition)
        self._trigger_timesheets()
        return result

    def write(self, vals):
        result = super().write(vals)
        self._trigger_timesheets()
        return result

    def unlink(self):
        self.check_access('unlink')
        # sudo: whose timesheet it is does not matter to whoever may delete the session
        self.sudo().timesheet_ids._assist_as_engine().unlink()
        return super().unlink()

    @api.model
    def _get_frozen_fields(self):
        # EXTENDS assist_billing: what is printed, and where its time was booked
        return (*super()._get_frozen_fields(), *TIMESHEET_FIELDS)

    # === ACTIONS === #

    def action_record_timesheet(self):
        """Try again to make the timesheets of these sessions, soon."""
        self.check_access('write')
        # The engine: the mark is its own
        self._assist_as_engine().write({'timesheet_due': True, 'timesheet_problem': False})
        self._trigger_timesheets()
        return True

    # === BUSINESS METHODS === #

    def _get_printed_reference(self):
        """Return the ticket or the task that the statement names with this session, or ''."""
        self.ensure_one()
        # sudo: who reads the bill need not be one who reads tasks
        return self.ticket or self.sudo().task_id.name or ''
