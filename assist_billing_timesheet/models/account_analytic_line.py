from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.assist_billing.models.common.engine_fields import ENGINE

# What a timesheet has from its session.
FOLLOWED_FIELDS = (
    'assist_session_id',
    'name',
    'date',
    'unit_amount',
    'product_uom_id',
    'employee_id',
    'user_id',
    'project_id',
    'task_id',
    'partner_id',
    'company_id',
    'so_line',
    'is_so_line_edited',
)


class AccountAnalyticLine(models.Model):
    """The timesheet of a session follows it; nobody changes it by hand."""

    _inherit = 'account.analytic.line'

    # === FIELDS === #

    assist_session_id = fields.Many2one(
        'assist.session',
        string="Remote Support Session",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='cascade',
    )

    # === CONSTRAINTS AND INDEXES === #

    _assist_session_unique = models.UniqueIndex(
        "(assist_session_id) WHERE assist_session_id IS NOT NULL",
        "This session has a timesheet already.",
    )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self._assist_is_engine() and any(
            vals.get('assist_session_id') for vals in vals_list
        ):
            self.check_access('create')
            raise AccessError(
                self.env._("Timesheets of remote support sessions are made from the session.")
            )
        return super().create(vals_list)

    def write(self, vals):
        names = [name for name in FOLLOWED_FIELDS if name in vals]
        if names and not self._assist_is_engine():
            self.check_access('write')
            self._assist_check_followed({name: vals[name] for name in names})
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_session(self):
        if not self._assist_is_engine():
            # sudo: said of a timesheet that may be deleted
            self.sudo().filtered('assist_session_id')._assist_refuse_change()

    # === BUSINESS METHODS === #

    def _is_readonly(self):
        # EXTENDS hr_timesheet
        return super()._is_readonly() or bool(self.sudo().assist_session_id)

    def _assist_as_engine(self):
        """Return these timesheets as the engine sees them: it may write those of sessions."""
        return self.with_context(assist_engine=ENGINE)

    def _assist_is_engine(self):
        return self.env.context.get('assist_engine') is ENGINE

    def _assist_get_changed(self, vals):
        """Return those of `vals` that this timesheet does not have."""
        self.ensure_one()
        return {
            name: value
            for name, value in vals.items()
            if self._fields[name].convert_to_cache(value, self)
            != self._fields[name].convert_to_cache(self[name], self)
        }

    def _assist_check_followed(self, vals):
        """Refuse to change by hand what the timesheet of a session has from it."""
        # sudo: compared only
        for line in self.sudo():
            if (line.assist_session_id or vals.get('assist_session_id')) and (
                line._assist_get_changed(vals)
            ):
                line._assist_refuse_change()

    def _assist_refuse_change(self):
        if self:
            raise UserError(
                self.env._(
                    "“%(timesheet)s” is the timesheet of a remote support session and follows it. "
                    "Change the session instead.",
                    timesheet=self[0].name,
                )
            )
