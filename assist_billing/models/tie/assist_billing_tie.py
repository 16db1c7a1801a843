import json
import time
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ...rules import cycles
from ...utils.checks import refuse_absurd_dates
from ...utils.remembering import remembering

# Offending records kept with a check, to be opened; more would help nobody.
KEPT_RECORDS = 1000
# What the hourly run may take before something that is due counts as forgotten.
PATIENCE_DAYS = 2
# Nobody waits longer than about this (s) for a page: what takes longer is done in the background.
LONGEST_WAIT = 2.0
# Before anything was checked: more sessions than this, as PostgreSQL guesses them, take longer.
MANY_SESSIONS = 100_000
# A request that was not followed for so long (hours) is forgotten, and can be made again.
FORGOTTEN_HOURS = 1
# What each sort and hash of a check may take of PostgreSQL's memory.
WORK_MEMORY = '64MB'
# The states of a session, in the order they are shown.
STATES = ('billed', 'to_bill', 'non_billable', 'running', 'unmatched')


@dataclass(frozen=True)
class Check:
    """One thing that must hold; `_find_<key>` of the tie finds what breaks it, in `model`.

    What one look at a session tells is no method, but one of `_get_session_conditions`.
    """

    key: str
    model: str
    name: str
    meaning: str


class AssistBillingTie(models.Model):
    """The tie: what the sessions say and what the bills say, which must be the same.

    Every check looks for records that break a rule, and must find none. The checks read the
    stored facts anew; they take nothing for granted that the closing run has written.
    """

    _name = 'assist.billing.tie'
    _description = "Reconciliation of Sessions and Bills"
    _inherit = ['mail.thread', 'mail.activity.mixin', 'assist.billing.failure', 'assist.guard']
    _order = 'is_standing desc, id desc'

    # === FIELDS === #

    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    is_standing = fields.Boolean(
        string="Checked Every Night",
        readonly=True,
        copy=False,
        help="Covers all of the company's records; the billing manager is notified of any "
        "differences.",
    )
    date_from = fields.Date(
        string="From", help="First day of the sessions and cycles to check. Leave empty for all."
    )
    date_to = fields.Date(string="To", help="Last day of the sessions and cycles to check.")
    checked_at = fields.Datetime(
        readonly=True, copy=False, help="All figures are those of this moment."
    )
    seconds = fields.Float(string="Took (s)", readonly=True, copy=False)
    requested_at = fields.Datetime(
        readonly=True, copy=False, help="Set while it is being checked again in the background."
    )
    progress = fields.Integer(
        compute='_compute_progress', help="By the time that the last check took, in percent."
    )
    session_count = fields.Integer(string="Sessions", readonly=True, copy=False)
    difference_count = fields.Integer(
        string="Differences",
        readonly=True,
        copy=False,
        tracking=True,
        help="Records that break a rule. There should be none.",
    )
    part_ids = fields.One2many(
        'assist.billing.tie.line', 'tie_id', domain=[('state', '!=', False)], copy=False
    )
    check_ids = fields.One2many(
        'assist.billing.tie.line', 'tie_id', domain=[('state', '=', False)], copy=False
    )

    # === CONSTRAINTS === #

    _standing_unique = models.UniqueIndex(
        "(company_id) WHERE is_standing", "A company has one standing reconciliation."
    )

    @api.constrains('date_from', 'date_to')
    def _check_dates_ordered(self):
        for tie in self:
            if tie.date_from and tie.date_to and tie.date_to < tie.date_from:
                raise ValidationError(
                    self.env._(
                        "The period to reconcile cannot end before it begins. Correct its dates."
                    )
                )

    # === COMPUTE METHODS === #

    @api.depends('company_id', 'date_from', 'date_to')
    def _compute_display_name(self):
        for tie in self:
            days = [fields.Date.to_string(day) for day in (tie.date_from, tie.date_to) if day]
            tie.display_name = ", ".join([tie.company_id.name or "", *days])

    @api.depends('requested_at', 'seconds')
    def _compute_progress(self):
        now = fields.Datetime.now()
        for tie in self:
            tie.progress = 0
            if tie.requested_at and tie.seconds:
                passed = (now - tie.requested_at).total_seconds()
                tie.progress = min(99, max(0, round(100 * passed / tie.seconds)))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            refuse_absurd_dates(self, vals, ['date_from', 'date_to'])
        ties = super().create(vals_list)
        # sudo: who may make a tie does not write what it finds
        ties.sudo()._check_soon()
        return ties

    def write(self, vals):
        self._assist_check_access('write', [vals])
        refuse_absurd_dates(self, vals, ['date_from', 'date_to'])
        if {'date_from', 'date_to', 'company_id'} & vals.keys() and any(
            tie.is_standing for tie in self
        ):
            raise UserError(
                self.env._(
                    "This reconciliation is checked every night and covers everything. Create a "
                    "new one for a period."
                )
            )
        result = super().write(vals)
        if {'date_from', 'date_to', 'company_id'} & vals.keys():
            # sudo: as in `create`
            self.sudo()._check_soon()
        return result

    # === ACTIONS === #

    def action_check(self):
        """Look again: now, or in the background where that takes long."""
        self.check_access('read')
        # sudo: whoever may read the tie may have it read anew
        self.sudo()._check_soon()
        return True

    @api.model
    def action_open(self):
        """Open the tie of the chosen companies, read a moment ago.

        Where reading takes long it shows what was found last, and when, and is read anew meanwhile.
        """
        self.check_access('read')
        # sudo: as in `action_check`
        began = fields.Datetime.now()
        standing = self.sudo()._get_standing(self.env.companies)
        # What was made just now was checked when it was made.
        standing.filtered(lambda tie: tie.create_date < began).action_check()
        return standing.sudo(False)._get_records_action(name=self.env._("Reconciliation"))

    # === IN THE BACKGROUND === #

    def _check_soon(self):
        """Check what is quickly done; have the scheduled action check the rest."""
        for tie in self:
            if not tie._takes_long():
                tie._run()
            elif not tie._is_being_checked():
                tie.requested_at = fields.Datetime.now()
                # sudo: that it runs hangs on no right of who looks
                self.env.ref('assist_billing.ir_cron_tie_requested').sudo()._trigger()

    def _takes_long(self):
        """Tell whether nobody should wait for this tie, by how long it took last time."""
        self.ensure_one()
        if self.checked_at:
            return self.seconds > LONGEST_WAIT
        [[sessions]] = self.env.execute_query(
            SQL("SELECT reltuples FROM pg_class WHERE oid = 'assist_session'::regclass")
        )
        return sessions > MANY_SESSIONS

    def _is_being_checked(self):
        """Tell whether somebody asked for it a while ago, and it may still come."""
        self.ensure_one()
        forgotten = fields.Datetime.subtract(fields.Datetime.now(), hours=FORGOTTEN_HOURS)
        return bool(self.requested_at and self.requested_at > forgotten)

    # === CRON === #

    @api.model
    def _cron_check(self):
        """Tie every company that has sessions or cycles; tell its billing manager what differs."""
        for tie in self._get_standing(self._get_companies()):
            tie._run()
            self.env['ir.cron']._commit_progress(1)

    @api.model
    def _cron_check_requested(self):
        """Check what somebody asked for who is not kept waiting."""
        for tie in self.search([('requested_at', '!=', False)]):
            tie._run()
            self.env['ir.cron']._commit_progress(1)

    @api.model
    def _get_companies(self):
        self.env['assist.session'].flush_model(['company_id'])
        self.env['assist.billing.cycle'].flush_model(['company_id'])
        return self.env['res.company'].browse(
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT p.id FROM res_company p
                     WHERE EXISTS (SELECT 1 FROM assist_session s WHERE s.company_id = p.id)
                        OR EXISTS (SELECT 1 FROM assist_billing_cycle c WHERE c.company_id = p.id)
                  ORDER BY p.id
                    """
                )
            )
        )

    @api.model
    def _get_standing(self, companies):
        """Return the standing ties of `companies`, made where there are none yet."""
        standing = self.search([('is_standing', '=', True), ('company_id', 'in', companies.ids)])
        missing = companies - standing.company_id
        made = self._assist_as_engine().create(
            [{'is_standing': True, 'company_id': company.id} for company in missing]
        )
        return standing | made.with_env(self.env)

    # === CHECKING === #

    def _run(self, now=None):
        """Read sessions and bills anew; keep what differs, and tell the manager if it is standing.

        :param datetime now: naive UTC; default: the present. What is due is judged by it.
        """
        self.ensure_one()
        started = time.monotonic()
        self.env.flush_all()
        self.checked_at = now or fields.Datetime.now()
        # A million of rows is sorted and counted in memory, not in files; and what is compiled for
        # a single query costs more than it saves.
        self.env.cr.execute(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        self.env.cr.execute(SQL("SET LOCAL jit = off"))
        self._prepare_tables()
        parts = self._prepare_parts_vals()
        # Several checks ask what the same cycles rate to; none writes.
        with remembering(self.env):
            checks = self._prepare_checks_vals()
        (self.part_ids | self.check_ids).unlink()
        self.write(
            {
                'session_count': sum(vals['session_count'] for vals in parts),
                'difference_count': sum(vals['difference_count'] for vals in checks),
                'part_ids': [fields.Command.create(vals) for vals in parts],
                'check_ids': [fields.Command.create(vals) for vals in checks],
                'seconds': time.monotonic() - started,
                'requested_at': False,
            }
        )
        if self.is_standing:
            self._assist_in_language()._tell()

    def _tell(self):
        """Leave one activity while there are differences; take it away when there are none."""
        if not self.difference_count:
            self._assist_clear_failure()
            return
        found = self.check_ids.filtered('difference_count')
        self._assist_report_failure(
            self.env._(
                "Sessions and bills of %(company)s do not reconcile", company=self.company_id.name
            ),
            "\n".join(f"{check.name}: {check.difference_count}" for check in found),
        )

    def _prepare_parts_vals(self):
        """Return how many sessions there are in each state, and their time."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.state, count(*), COALESCE(sum(s.duration_seconds), 0),
                       COALESCE(sum(s.billed_seconds) FILTER (WHERE s.state = 'billed'), 0)
                  FROM assist_session s WHERE %s GROUP BY s.state
                """,
                self._get_session_scope(),
            )
        )
        found = {state: figures for state, *figures in rows}
        return [
            {
                'state': state,
                'session_count': found.get(state, (0, 0, 0))[0],
                'measured_hours': found.get(state, (0, 0, 0))[1] / 3600,
                'billed_hours': found.get(state, (0, 0, 0))[2] / 3600,
            }
            # One in no known state is counted all the same: see the first check.
            for state in (*STATES, *(found.keys() - set(STATES)))
        ]

    def _prepare_checks_vals(self):
        vals_list = []
        together = self._find_together()
        for check in self._get_checks():
            found = together.get(check.key)
            count, ids = found or getattr(self, f'_find_{check.key}')()
            vals_list.append(
                {
                    'check': check.key,
                    'res_model': check.model,
                    'difference_count': count,
                    'record_ids': json.dumps(ids),
                }
            )
        return vals_list

    # === WHAT IS LOOKED AT === #

    @api.model
    def _get_checks(self):
        """Return the checks, in the order they are shown. Extend it, with a `_find_<key>` each."""
        return [
            *self._get_session_checks(),
            *self._get_cycle_checks(),
            *self._get_bill_checks(),
            *self._get_part_checks(),
            *self._get_fee_checks(),
        ]

    def _get_session_scope(self):
        """Return the condition on sessions `s` that belong to company and period."""
        begun = SQL("COALESCE(s.ended_at, s.started_at)")
        start, end = self._get_period()
        return self._get_scope(
            SQL("s.company_id = %s", self.company_id.id),
            start and SQL("%s >= %s", begun, start),
            end and SQL("%s < %s", begun, end),
        )

    def _get_cycle_scope(self):
        """Return the condition on cycles `c` that belong to company and period: they end in it."""
        start, end = self._get_period()
        return self._get_scope(
            SQL("c.company_id = %s", self.company_id.id),
            start and SQL("c.end_at > %s", start),
            end and SQL("c.end_at <= %s", end),
        )

    def _get_scope(self, *conditions):
        """Return these conditions as one; a bound that there is not is not looked at for each."""
        return SQL(" AND ").join(condition for condition in conditions if condition)

    def _get_period(self):
        """Return begin and end as instants (naive UTC), False where there is none."""
        zone = self.company_id._assist_get_zone()
        days = self.date_from, self.date_to and fields.Date.add(self.date_to, days=1)
        return [cycles.local_midnight(day, zone) if day else False for day in days]

    def _find(self, query):
        """Return how many ids an SQL query gives, and the first of them."""
        [[count, ids]] = self.env.execute_query(
            SQL(
                "SELECT count(*), (array_agg(f.id ORDER BY f.id))[1:%s]"
                " FROM (SELECT DISTINCT id FROM (%s) AS x) AS f",
                KEPT_RECORDS,
                query,
            )
        )
        return count, ids or []
