from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime, format_duration

from ...sources.normaliser import EARLIEST, LONGEST, TOLERANCE
from ...sources.registry import profiles
from ...sources.values import ID_LIMIT
from ...utils.checks import refuse_too_long
from ...utils.expected_values import expect_values
from ...utils.naming import name_some

# A billed session keeps these: they stand on a bill.
FROZEN_FIELDS = (
    'name',
    'source',
    'external_id',
    'company_id',
    'partner_id',
    'technician_id',
    'device_id',
    'kind',
    'started_at',
    'ended_at',
    'billable',
    'non_billable_reason',
    'customer_note',
)
# What decides about association and state of a session.
RESOLVING_FIELDS = ('company_id', 'partner_id', 'started_at', 'ended_at', 'billable')
# Who may know what became of a session on a bill; technicians may not.
BILLING_GROUPS = 'account.group_account_invoice,account.group_account_readonly'
# Hours are computed from seconds; these let pivot, graph and groups sum them by the database.
HOURS_IN_SECONDS = {'duration_hours': 'duration_seconds', 'billed_hours': 'billed_seconds'}
LONG_RUNNING_HOURS = 24
# Hours in a list are rounded to two digits.
ROUNDED_SECONDS = 18
# Sessions longer than this are few, and have an index of their own.
LONG_SECONDS = 24 * 3600
# Nobody begins two sessions with the same customer within so many.
PRESSED_TWICE_SECONDS = 10
# As many days as they are of, for PostgreSQL to expect; see `init`.
EXPECTED_STARTS = 1000
# How many more there are than are named is said, up to so many.
COUNTED = 100


class AssistSession(models.Model):
    """One remote-support session: who helped whom, when, and what became of it."""

    _name = 'assist.session'
    _description = "Remote Support Session"
    _inherit = ['mail.thread', 'mail.activity.mixin', 'assist.guard']
    _order = 'started_at desc, id desc'
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(
        string="Subject",
        required=True,
        compute='_compute_name',
        store=True,
        readonly=False,
        precompute=True,
        index='trigram',
    )
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    source = fields.Selection(
        selection='_get_sources',
        required=True,
        default=lambda self: self._default_source(),
        copy=False,  # a copy is by hand, and has no ID at the source
    )
    external_id = fields.Char(
        string="ID at the Source",
        copy=False,
        help="The ID of this session at the source; unique within the source.",
    )
    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        index=False,  # an index of ours begins with it
        check_company=True,
        ondelete='restrict',
        tracking=True,
    )
    association_id = fields.Many2one(
        'assist.billing.association',
        readonly=True,
        copy=False,
        ondelete='restrict',
        help="In force for this customer on the day the session ended.",
    )
    technician_id = fields.Many2one(
        'res.users',
        index=False,  # an index of ours begins with it
        ondelete='restrict',
        domain=[('share', '=', False)],
        default=lambda self: self.env.user if not self.env.su else False,
        tracking=True,
    )
    grade_id = fields.Many2one(
        'assist.technician.grade',
        compute='_compute_grade_id',
        store=True,
        # Not precomputed: that would be as the user, and a technician does not read it.
        compute_sudo=True,
        index='btree_not_null',
        ondelete='restrict',
        groups=BILLING_GROUPS,
        help="What the technician was billed as when the session ended.",
    )
    device_id = fields.Many2one(
        'assist.device', index='btree_not_null', check_company=True, ondelete='restrict'
    )
    kind = fields.Selection(
        [
            ('remote_support', "Remote Support"),
            ('unattended', "Unattended Access"),
            ('screen_share', "Screen Sharing"),
            ('ar', "Augmented Reality"),
            ('on_site', "On Site"),
            ('phone', "Phone"),
            ('travel', "Travel"),
        ],
        required=True,
        default='remote_support',
    )
    started_at = fields.Datetime(
        string="Start", required=True, default=fields.Datetime.now, copy=False, tracking=True
    )
    ended_at = fields.Datetime(
        string="End", copy=False, tracking=True, help="Empty while the session is running."
    )
    duration_seconds = fields.Integer(
        string="Duration (s)", compute='_compute_duration', store=True, precompute=True
    )
    duration_hours = fields.Float(
        string="Duration",
        compute='_compute_hours',
        inverse='_inverse_duration_hours',
        help="Typed, it sets the end.",
    )
    billable = fields.Boolean(default=True, copy=False, tracking=True)
    non_billable_reason = fields.Char(
        copy=False, tracking=True, help="The customer reads it on the statement, under “No charge”."
    )
    note = fields.Text(string="Internal Note", index='trigram')
    customer_note = fields.Text(help="Printed on the statement of the bill.", index='trigram')
    cycle_id = fields.Many2one(
        'assist.billing.cycle',
        readonly=True,
        copy=False,
        ondelete='restrict',
        groups=BILLING_GROUPS,
        help="The cycle that billed this session, or for which it is reserved.",
    )
    billed_seconds = fields.Integer(
        readonly=True,
        copy=False,
        groups=BILLING_GROUPS,
        help="Seconds charged by the hour, after all rating rules.",
    )
    billed_hours = fields.Float(
        string="Billed Time", compute='_compute_hours', groups=BILLING_GROUPS
    )
    prior_id = fields.Many2one(
        'assist.billing.cycle.prior',
        string="Billed Late",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        groups=BILLING_GROUPS,
        help="Set if the session arrived after its own cycle had closed: what it was billed with.",
    )
    merged_into_id = fields.Many2one(
        'assist.session',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help="The session this one was merged into.",
    )
    state = fields.Selection(
        [
            ('running', "Running"),
            ('unmatched', "Unmatched"),
            ('to_bill', "To Bill"),
            ('billed', "Billed"),
            ('non_billable', "Non-billable"),
        ],
        readonly=True,
        required=True,
        default='unmatched',
        copy=False,
        tracking=True,
        help="Unmatched: on the day it ended there was nobody to bill it to.",
    )

    is_long_running = fields.Boolean(
        compute='_compute_is_long_running',
        help="It started more than 24 hours ago and has not ended: was it forgotten?",
    )
    continued_from_id = fields.Many2one(
        'assist.session',
        string="Continues",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help="The session that this one continues.",
    )
    is_overlapping = fields.Boolean(
        compute='_compute_overlaps',
        search='_search_is_overlapping',
        help="Its technician has another session at the same time.",
    )
    overlap_text = fields.Char(string="Overlaps", compute='_compute_overlaps')

    # === CONSTRAINTS AND INDEXES === #

    _external_unique = models.UniqueIndex(
        "(company_id, source, external_id) WHERE external_id IS NOT NULL",
        "This session already exists: two sessions of a source cannot share an external ID.",
    )
    _times_ordered = models.Constraint(
        "CHECK (ended_at >= started_at)", "Session: it cannot end before it starts."
    )
    _duration_positive = models.Constraint(
        "CHECK (duration_seconds >= 0)", "Session: the duration cannot be negative."
    )
    _billed_positive = models.Constraint(
        "CHECK (billed_seconds >= 0)", "Session: the billed time cannot be negative."
    )
    _billed_has_cycle = models.Constraint(
        "CHECK (state != 'billed' OR (cycle_id IS NOT NULL AND ended_at IS NOT NULL))",
        "Session: a billed session belongs to the cycle that billed it.",
    )
    # Nearly all are billed, and are found by their time or their cycle.
    _state_index = models.Index("(state, company_id) WHERE state != 'billed'")
    # The order of lists: they show the first page without sorting all.
    _order_index = models.Index("(started_at DESC, id DESC)")
    # The same of one customer: without it those of the others are read through in that order.
    _customer_index = models.Index("(partner_id, started_at DESC, id DESC)")
    # The closing run reads the waiting sessions of an association, by their end.
    _waiting_index = models.Index("(association_id, ended_at) WHERE cycle_id IS NULL")
    _cycle_index = models.Index("(cycle_id) WHERE cycle_id IS NOT NULL")
    _rated_again_index = models.Index("(association_id, ended_at) WHERE cycle_id IS NOT NULL")
    _technician_index = models.Index("(technician_id, started_at) WHERE technician_id IS NOT NULL")
    _long_index = models.Index(
        "(technician_id) WHERE technician_id IS NOT NULL "
        "AND (ended_at IS NULL OR duration_seconds > 86400)"
    )

    @api.constrains('source', 'external_id')
    def _check_external_id(self):
        for session in self:
            if session.source != 'manual' and not session.external_id:
                raise ValidationError(
                    self.env._(
                        "Session “%(session)s”: ID at the Source is missing. A session from a "
                        "source other than Odoo needs one; otherwise importing it again would bill "
                        "it twice.",
                        session=session.display_name,
                    )
                )

    @api.private
    def init(self):
        # EXTENDS base: sessions are grouped by days and months, never by the second at which they
        # begin. PostgreSQL expects as many groups as there are such seconds and so sorts a million
        # sessions on disk; it is told that there are as many as days in some years. What looks
        # sessions up by the very second has to find them one by one.
        expect_values(self, 'started_at', EXPECTED_STARTS)
        return super().init()

    # === DEFAULTS AND SELECTIONS === #

    @api.model
    def _default_source(self):
        return 'csv' if self.env.context.get('import_file') else 'manual'

    @api.model
    def _get_sources(self):
        """Return the sources as a selection: by hand, every tool that is registered, any file."""
        tools = [(profile.name, profile.label) for profile in profiles() if profile.name != 'csv']
        return [('manual', self.env._("Manual")), *tools, ('csv', self.env._("Other file"))]

    # === COMPUTE METHODS === #

    @api.depends('kind', 'external_id')
    def _compute_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for session in self:
            session.name = session.name or " ".join(
                filter(None, (kinds.get(session.kind), session.external_id))
            )

    @api.depends('started_at', 'ended_at')
    def _compute_duration(self):
        for session in self:
            if session.started_at and session.ended_at:
                elapsed = session.ended_at - session.started_at
                session.duration_seconds = int(elapsed.total_seconds())
            else:
                session.duration_seconds = 0

    @api.depends('technician_id', 'ended_at')
    def _compute_grade_id(self):
        """Keep the grade of the day the session ended: a later one is for later sessions."""
        for session in self:
            session.grade_id = session.ended_at and session.technician_id.assist_grade_id

    @api.depends('duration_seconds', 'billed_seconds')
    def _compute_hours(self):
        for session in self:
            session.duration_hours = session.duration_seconds / 3600
            # sudo: the compute runs for technicians too, who do not read the billed time
            session.sudo().billed_hours = session.sudo().billed_seconds / 3600

    def _inverse_duration_hours(self):
        for session in self:
            session.ended_at = session._get_end_after(session.duration_hours)
        # That of new ones was computed before, and Odoo keeps it as if it had been given.
        self.env.add_to_compute(self._fields['duration_seconds'], self)

    @api.onchange('duration_hours')
    def _onchange_duration_hours(self):
        self.ended_at = self._get_end_after(self.duration_hours)

    def _get_end_after(self, hours):
        """Return when this session ended, if it took so many hours; to the second."""
        if not self.started_at or not hours:
            return self.ended_at
        if hours == self.duration_seconds / 3600:
            return self.ended_at  # nobody typed it
        try:
            return fields.Datetime.add(self.started_at, seconds=round(hours * 3600))
        except (OverflowError, ValueError) as error:  # the calendar ends before
            raise ValidationError(
                self.env._(
                    "Session “%(session)s”: no session lasts %(hours)s hours. Enter hours, such as "
                    "0:30 for half an hour.",
                    session=self.display_name or self.env._("new"),
                    hours=f"{hours:.15g}",
                )
            ) from error

    @api.depends('started_at', 'ended_at')
    def _compute_is_long_running(self):
        earliest = fields.Datetime.subtract(fields.Datetime.now(), hours=LONG_RUNNING_HOURS)
        for session in self:
            session.is_long_running = (
                bool(session.started_at) and not session.ended_at and session.started_at < earliest
            )

    @api.depends('technician_id', 'started_at', 'ended_at', 'company_id')
    def _compute_overlaps(self):
        self.flush_model()
        # Of one that was forgotten weeks ago the others are not all counted.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.id, o.id, o.name FROM assist_session s CROSS JOIN LATERAL (
                       SELECT o.id, o.name FROM assist_session o
                        WHERE %(same_time)s AND %(near)s LIMIT %(most)s
                       ) AS o
                 WHERE s.id = ANY(%(ids)s)
                 UNION
                SELECT s.id, o.id, o.name FROM assist_session s CROSS JOIN LATERAL (
                       SELECT o.id, o.name FROM assist_session o
                        WHERE %(same_time)s AND %(long)s LIMIT %(most)s
                       ) AS o
                 WHERE s.id = ANY(%(ids)s)
              ORDER BY 1, 2
                """,
                same_time=self._get_same_time_sql(SQL("s")),
                near=self._get_near_sql(SQL("s")),
                long=self._get_long_sql(),
                most=COUNTED,
                ids=self.ids,
            )
        )
        others = defaultdict(list)
        for session_id, _other_id, name in rows:
            others[session_id].append(name)
        for session in self:
            names = others[session._origin.id]
            session.is_overlapping = bool(names)
            session.overlap_text = self._name_some(names, at_least=len(names) >= COUNTED)

    @api.model
    def _search_is_overlapping(self, operator, value):
        """Find the unbilled sessions in whose time the technician has another one."""
        if operator not in ('in', 'not in'):
            return NotImplemented
        self.flush_model()
        # What is compiled for a query costs more than it saves: it looks costly, and is not.
        self.env.cr.execute(SQL("SET LOCAL jit = off"))
        found = SQL("IS TRUE") if (operator == 'in') == (True in value) else SQL("IS NOT TRUE")
        # No list of all there are: a page of them is found without looking at the others.
        return Domain.custom(
            to_sql=lambda _model, alias, _query: SQL(
                "(%s) %s", self._get_overlapping_sql(SQL.identifier(alias)), found
            )
        )

    @api.model
    def _get_overlapping_sql(self, session):
        """Return whether an unbilled session, an alias, is in the time of another one."""
        return SQL(
            """
            %(session)s.state != 'billed' AND %(session)s.technician_id IS NOT NULL AND (
                EXISTS (
                    -- The nearest ones first, which are those that overlap if any does.
                    SELECT 1 FROM (
                        SELECT o.id FROM assist_session o WHERE %(same_time)s AND %(near)s
                      ORDER BY o.started_at DESC LIMIT 1
                    ) AS nearest
                ) OR EXISTS (
                    SELECT 1 FROM assist_session o WHERE %(same_time)s AND %(long)s
                )
            )
            """,
            session=session,
            same_time=self._get_same_time_sql(session),
            near=self._get_near_sql(session),
            long=self._get_long_sql(),
        )

    @api.model
    def _get_same_time_sql(self, session):
        """Return whether session `o` is another one of the same technician at the same time."""
        return SQL(
            """
            o.technician_id = %(session)s.technician_id AND o.company_id = %(session)s.company_id
            AND o.id != %(session)s.id
            AND o.started_at < COALESCE(%(session)s.ended_at, now() AT TIME ZONE 'UTC')
            AND COALESCE(o.ended_at, now() AT TIME ZONE 'UTC') > %(session)s.started_at
            """,
            session=session,
        )

    @api.model
    def _get_near_sql(self, session):
        """Return what bounds the search to an index: `o` began not long before the session."""
        return SQL("o.started_at > %s.started_at - interval '1 day'", session)

    @api.model
    def _get_long_sql(self):
        return SQL("(o.ended_at IS NULL OR o.duration_seconds > %s)", SQL(str(LONG_SECONDS)))

    @api.model
    def _search(self, domain, *args, **kwargs):
        # EXTENDS base
        return super()._search(
            Domain(domain).map_conditions(self._look_up_technicians), *args, **kwargs
        )

    @api.model
    def _look_up_technicians(self, condition):
        """Return a condition with the technicians whose names are asked for, who are few.

        PostgreSQL cannot guess that, and would read through all sessions to find theirs.
        """
        if condition.field_expr != 'technician_id' or not condition.operator.endswith('like'):
            return condition
        negative = condition.operator.startswith('not ')
        operator = condition.operator.removeprefix('not ')
        # As in any search by a many2one: those who have left are found too.
        users = self.env['res.users'].with_context(active_test=False)
        found = users.search([('display_name', operator, condition.value)])
        return Domain('technician_id', 'not in' if negative else 'in', found.ids)

    def _field_to_sql(self, alias, field_expr, query=None):
        # OVERRIDE: hours are no column; access is checked on the column they are made of
        if field_expr in HOURS_IN_SECONDS:
            seconds = super()._field_to_sql(alias, HOURS_IN_SECONDS[field_expr], query)
            # By a float: summing a million of numbers with decimals takes several times as long.
            return SQL("(%s / 3600::float)", seconds)
        return super()._field_to_sql(alias, field_expr, query)

    # === ONCHANGE METHODS === #

    @api.onchange('device_id')
    def _onchange_device_id(self):
        """Take the customer of the device, and its kind of session, when none was chosen."""
        if self.device_id.partner_id and not self.partner_id:
            self.partner_id = self.device_id.partner_id
            self.kind = 'unattended'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            refuse_too_long(self.browse(), vals, {'external_id': ID_LIMIT})
            self.browse()._check_times(vals)
        sessions = super().create(vals_list)
        sessions._resolve()
        return sessions

    def write(self, vals):
        self._assist_check_access('write', [vals])
        refuse_too_long(self, vals, {'external_id': ID_LIMIT})
        for session in self:
            session._check_times(vals)
        vals = self._with_one_end(vals)
        self._check_frozen(vals)
        contradicted = self._get_contradicted_matches(vals)
        with self.env.protecting([self._fields['grade_id']], self._get_graded(vals)):
            result = super().write(vals)
        if not vals.keys().isdisjoint(RESOLVING_FIELDS):
            self._resolve()
        contradicted._forget_rule()
        if not vals.keys().isdisjoint(('billable', 'non_billable_reason')):
            # From now on that is said here, also when the source tells of the end.
            decided = self.filtered(lambda session: not session.ended_at and session.source_digest)
            decided._assist_as_engine().write({'source_digest': False})
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        # sudo: technicians do not read the cycle
        if kept := self.sudo().filtered('cycle_id'):
            raise UserError(
                self.env._(
                    "Session “%(session)s” belongs to a bill and cannot be deleted.",
                    session=kept[0].display_name,
                )
            )

    def _with_one_end(self, vals):
        """Return values of sessions that are there, which say but once when they end.

        A list that was exported has end and duration, and one of them was corrected in it: that
        one counts.

        :raise ValidationError: both were changed, and each to something else
        """
        hours, ended_at = vals.get('duration_hours'), vals.get('ended_at')
        if not hours or not ended_at or not isinstance(hours, int | float):
            return vals
        ended_at = fields.Datetime.to_datetime(ended_at)
        is_end_told = True
        for session in self:
            started_at = fields.Datetime.to_datetime(vals.get('started_at') or session.started_at)
            if not started_at:
                return vals
            seconds = (ended_at - started_at).total_seconds()
            if abs(seconds - hours * 3600) <= ROUNDED_SECONDS:
                continue
            if session.ended_at and abs(session.duration_seconds - hours * 3600) <= ROUNDED_SECONDS:
                continue  # nobody typed it
            is_end_told = False
            if ended_at != session.ended_at or started_at != session.started_at:
                raise ValidationError(
                    self.env._(
                        "Session “%(session)s”: from start to end it is %(length)s, but its "
                        "duration is given as %(duration)s. Correct one of them, or leave it out.",
                        session=session.display_name,
                        length=format_duration(seconds / 3600),
                        duration=format_duration(hours),
                    )
                )
        return {name: vals[name] for name in vals if name != 'duration_hours' or not is_end_told}

    def _check_times(self, vals):
        """Refuse times that `ingest` refuses, in words that name the session.

        Before anything is stored: a column may have no room for what they lead to.
        """
        try:
            started_at, ended_at = (
                fields.Datetime.to_datetime(vals[name] if name in vals else self[name])
                for name in ('started_at', 'ended_at')
            )
        except (TypeError, ValueError) as error:  # also the first centuries of Odoo's import
            raise ValidationError(
                self.env._(
                    "Session “%(session)s”: start and end must be valid times, such as "
                    "2026-01-31 14:05:00, and not before 1990.",
                    session=vals.get('name') or vals.get('external_id') or self.env._("new"),
                )
            ) from error
        if self and (started_at, ended_at) == (self.started_at, self.ended_at or None):
            return
        words = {
            'session': vals.get('name')
            or vals.get('external_id')
            or self.display_name
            or self.env._("new"),
            'start': started_at and format_datetime(self.env, started_at),
            'end': ended_at and format_datetime(self.env, ended_at),
        }
        for moment in filter(None, (started_at, ended_at)):
            if moment < EARLIEST:
                raise ValidationError(
                    self.env._(
                        "Session “%(session)s”: %(moment)s is before 1990. Check the year.",
                        moment=format_datetime(self.env, moment),
                        **words,
                    )
                )
        last = max(filter(None, (started_at, ended_at)), default=None)
        if last and last > fields.Datetime.now() + TOLERANCE:
            raise ValidationError(
                self.env._(
                    "Session “%(session)s”: its end %(end)s is more than 24 hours in the "
                    "future. Check the date and the time zone.",
                    **{**words, 'end': format_datetime(self.env, last)},
                )
            )
        if not started_at or not ended_at:
            return
        if ended_at < started_at:
            raise ValidationError(
                self.env._(
                    "Session “%(session)s”: its end (%(end)s) is before its start (%(start)s).",
                    **words,
                )
            )
        if ended_at - started_at > LONGEST:
            raise ValidationError(
                self.env._(
                    "Session “%(session)s”: from %(start)s to %(end)s it would last more "
                    "than a year. Correct its start or end.",
                    **words,
                )
            )

    def _get_graded(self, vals):
        """Return those of these sessions whose grade a change leaves alone.

        They had ended already, and whoever helped is the same: what he is billed as by now says
        nothing of that day.
        """
        if vals.keys().isdisjoint(('technician_id', 'ended_at')):
            return self
        if 'ended_at' in vals and not vals['ended_at']:
            return self.browse()
        return self.filtered(
            lambda session: session.ended_at
            and not (
                'technician_id' in vals
                and session._assist_is_changed('technician_id', vals['technician_id'])
            )
        )

    @api.model
    def _get_frozen_fields(self):
        """Return the names of the fields that a billed session keeps: they stand on a bill."""
        return FROZEN_FIELDS

    def _check_frozen(self, vals):
        """Refuse to change what stands on a bill; writing the same value again is no change."""
        names = [name for name in self._get_frozen_fields() if name in vals]
        for session in self.filtered(lambda session: session.state == 'billed') if names else ():
            changed = [name for name in names if session._assist_is_changed(name, vals[name])]
            if changed:
                labels = self.fields_get(changed, ['string'])
                # sudo: the number of the bill helps, and is no secret
                bill = session.sudo().cycle_id.move_id
                raise UserError(
                    self.env._(
                        "Session “%(session)s” is billed (%(bill)s), so these cannot change: "
                        "%(fields)s. Take the bill back first, or adjust it.",
                        session=session.display_name,
                        bill=bill.name or self.env._("without invoice"),
                        fields=", ".join(labels[name]['string'] for name in changed),
                    )
                )

    def _check_not_billed(self):
        """Refuse billed sessions by name."""
        billed = self.filtered(lambda session: session.state == 'billed')
        if not billed:
            return
        raise UserError(
            self.env._(
                "These sessions are billed already, so nothing was changed: %(names)s. Leave them "
                "out, or take their bill back first.",
                names=self._name_some(billed.mapped('name')),
            )
        )

    @api.model
    def _name_some(self, names, at_least=False):
        """Return what `name_some` does, the names in quotes."""
        return name_some(self.env, [f"“{name}”" for name in names], at_least)

    # === ACTIONS === #

    def action_start_now(self):
        """Begin a session now; who it is for can be said while it runs."""
        session = self._start_once({})
        return session._get_records_action(name=session.name)

    def action_start(self):
        """Go on with this session now: the same customer, device and subject, a new session."""
        self.ensure_one()
        self.check_access('read')
        session = self._start_once(
            {
                'name': self.name,
                # Not the one chosen first: another one would bill it, at its own prices.
                'company_id': self.company_id.id,
                'partner_id': self.partner_id.id,
                'device_id': self.device_id.id,
                'kind': self.kind,
                'continued_from_id': self.id,
            }
        )
        return session._get_records_action(name=session.name)

    @api.model
    def _start_once(self, vals):
        """Begin a session of the user now; who presses twice, on a slow phone, gets the same one.

        :param dict vals: what is known of it, besides who helps
        """
        self.browse().check_access('create')
        # Who presses twice at the same moment waits here, and is served anew, with what was begun.
        self.env.user.flush_recordset()
        self.env.cr.execute(
            SQL("UPDATE res_users SET write_date = write_date WHERE id = %s", self.env.uid)
        )
        earliest = fields.Datetime.subtract(fields.Datetime.now(), seconds=PRESSED_TWICE_SECONDS)
        begun = self.env['assist.session'].search(
            [
                ('technician_id', '=', self.env.uid),
                ('create_uid', '=', self.env.uid),
                ('started_at', '>=', earliest),
                ('ended_at', '=', False),
                ('company_id', '=', vals.get('company_id', self.env.company.id)),
                ('partner_id', '=', vals.get('partner_id')),
                ('continued_from_id', '=', vals.get('continued_from_id')),
            ],
            limit=1,
        )
        if begun:
            return begun
        session = self._assist_as_engine().create({**vals, 'technician_id': self.env.uid})
        return session.with_env(self.env)

    def action_make_non_billable(self, reason):
        """Have these sessions not billed; when one of them is billed, none is changed.

        :param str reason: kept on each of them
        """
        self.check_access('write')
        self._check_not_billed()
        # Of programs it may be anything.
        reason = reason.strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(self.env._("Give the reason why these sessions are not billed."))
        self.write({'billable': False, 'non_billable_reason': reason})
        return True

    def action_make_billable(self):
        """Have sessions billed after all; when one of them is billed, none is changed."""
        self.check_access('write')
        self._check_not_billed()
        sessions = self.filtered(lambda session: not session.billable)
        sessions.write({'billable': True, 'non_billable_reason': False})
        return True

    def action_stop(self):
        """End running sessions now; of a single one, ask what was done (it has ended already)."""
        self.check_access('write')
        running = self.filtered(lambda session: session.state == 'running')
        running.write({'ended_at': fields.Datetime.now()})
        if len(self) == 1 and self.env.context.get('assist_ask_note'):
            return {
                'type': 'ir.actions.act_window',
                'name': self.env._("Stopped. What was done?"),
                'res_model': self._name,
                'res_id': self.id,
                'views': [
                    (self.env.ref('assist_billing.assist_session_view_form_note').id, 'form')
                ],
                'target': 'new',
            }
        return True
