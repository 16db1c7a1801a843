import logging
from collections import defaultdict
from datetime import timedelta
from itertools import takewhile

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_datetime

from ...utils.races import NOBODYS_FAULT, UndoPoint, retry_races
from ...utils.sql_changes import written_to
from ...utils.sums import format_sums

_logger = logging.getLogger(__name__)

# A run that has shown no sign of life for so long was killed.
SILENT_MINUTES = 15
# So many times batches are halved at most, after runs that were killed: then they are of one.
MOST_HALVED = 10
# Cycles a person closes at once while he waits; more are for the background.
DIRECT_CYCLES = 500
FIGURES = (
    'due_count',
    'closed_count',
    'invoice_count',
    'failed_count',
    'amount_untaxed',
    'amount_total',
)


class AssistBillingRun(models.Model):
    """A closing run, and its entry in the run book: when, by whom, what was due, what became of it.

    Due cycles are closed in batches, each locked, closed and committed by itself. The figures are
    written with each batch, in the batch's own transaction: whatever happens to the run, they are
    those of what was committed. A run that found nothing to do leaves nothing.
    """

    _name = 'assist.billing.run'
    _description = "Remote Support Billing Run"
    _inherit = ['assist.guard']
    _order = 'id desc'

    # === FIELDS === #

    user_id = fields.Many2one('res.users', string="By", required=True, readonly=True)
    state = fields.Selection(
        [
            ('requested', "Requested"),
            ('running', "Running"),
            ('paused', "Paused"),
            ('done', "Done"),
            ('interrupted', "Interrupted"),
        ],
        required=True,
        readonly=True,
        default='running',
        index=True,
        help="Paused: it continues when the scheduler next runs.\nInterrupted: it was stopped; "
        "the next run has taken over the rest.",
    )
    started_at = fields.Datetime(string="Started", readonly=True)
    last_at = fields.Datetime(string="Last Active", readonly=True)
    ended_at = fields.Datetime(string="Ended", readonly=True)
    seconds = fields.Float(string="Took (s)", compute='_compute_seconds')
    line_ids = fields.One2many('assist.billing.run.line', 'run_id', readonly=True)
    cycle_ids = fields.One2many('assist.billing.cycle', 'run_id', readonly=True)
    due_count = fields.Integer(string="Due", compute='_compute_figures')
    closed_count = fields.Integer(string="Closed", compute='_compute_figures')
    invoice_count = fields.Integer(string="Bills", compute='_compute_figures')
    failed_count = fields.Integer(string="Failures", compute='_compute_figures')
    no_address_count = fields.Integer(
        string="Without Address",
        compute='_compute_no_address_count',
        help="Bills of this run that have no address to be sent to.",
    )
    progress = fields.Float(string="Progress (%)", compute='_compute_figures')
    amounts = fields.Char(compute='_compute_figures', help="Billed, before taxes, per currency.")

    # === COMPUTE METHODS === #

    @api.depends('started_at', 'user_id')
    def _compute_display_name(self):
        for run in self:
            moment = format_datetime(self.env, run.started_at or run.create_date)
            run.display_name = self.env._("Run of %(moment)s", moment=moment)

    @api.depends('started_at', 'ended_at', 'last_at')
    def _compute_seconds(self):
        for run in self:
            end = run.ended_at or run.last_at
            run.seconds = (end - run.started_at).total_seconds() if end and run.started_at else 0.0

    @api.depends('line_ids')
    def _compute_figures(self):
        """Sum up the lines that the user may see: those of his companies."""
        for run in self:
            lines = run.line_ids
            for name in ('due_count', 'closed_count', 'invoice_count', 'failed_count'):
                run[name] = sum(lines.mapped(name))
            tried = run.closed_count + run.failed_count
            run.progress = 100 * min(1.0, tried / run.due_count) if run.due_count else 100.0
            billed = lines.filtered('invoice_count').grouped('currency_id')
            run.amounts = format_sums(
                (currency, sum(group.mapped('amount_untaxed')))
                for currency, group in billed.items()
            )

    def _compute_no_address_count(self):
        for run in self:
            run.no_address_count = self.env['account.move'].search_count(
                run._get_no_address_domain()
            )

    # === ACTIONS === #

    @api.model
    def action_request(self):
        """Close all that is due, in the background; return the run, to look at its progress."""
        self.env['assist.billing.cycle']._check_billing_user()
        # sudo: runs are written by the engine only
        run = self.sudo().create({'user_id': self.env.user.id, 'state': 'requested'})
        self.env['assist.billing.association']._trigger_closing()
        return run.sudo(False).action_open()

    def action_open(self):
        self.ensure_one()
        self.check_access('read')
        return self._get_records_action(name=self.env._("Billing Run"))

    def action_view_cycles(self):
        self.ensure_one()
        self.check_access('read')
        return self._get_cycles_action(self.display_name, [('run_id', '=', self.id)])

    def action_view_failures(self):
        self.ensure_one()
        self.check_access('read')
        return self._get_cycles_action(
            self.env._("Failures"), [('run_id', '=', self.id), ('error', '!=', False)]
        )

    def action_view_bills(self):
        self.ensure_one()
        self.check_access('read')
        return self._get_bills_action(self.display_name, self._get_bills_domain())

    def action_view_no_address(self):
        self.ensure_one()
        self.check_access('read')
        return self._get_bills_action(
            self.env._("Bills Without Address"), self._get_no_address_domain()
        )

    @api.model
    def _open_fees_bills(self, cycles):
        """Return an action that opens the bills for fees of these in advance; else what failed."""
        moves = cycles.fee_ids.own_move_id
        if cycles.filtered('error') or not moves:
            return self._get_cycles_action(
                self.env._("Fees in Advance"), [('id', 'in', cycles.ids)]
            )
        return self._get_bills_action(self.env._("Fees in Advance"), [('id', 'in', moves.ids)])

    def _get_cycles_action(self, name, domain):
        action = self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_billing_cycle_action'
        )
        return {**action, 'name': name, 'domain': domain, 'context': {}, 'path': False}

    def _get_bills_action(self, name, domain):
        action = self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.account_move_action_assist_bills'
        )
        action = {**action, 'name': name, 'domain': domain, 'context': {}, 'path': False}
        bill = self.env['account.move'].search(domain, limit=2)
        if len(bill) == 1:
            form = [view for view in action['views'] if view[1] == 'form']
            action |= {'views': form, 'res_id': bill.id}
        return action

    def _get_bills_domain(self):
        return [('assist_cycle_id.run_id', '=', self.id)]

    def _get_no_address_domain(self):
        return [*self._get_bills_domain(), ('assist_delivery_state', '=', 'no_address')]

    # === THE LOOP === #

    @api.model
    def _close_all(self, now):
        """Open the cycles that have begun and close those that are due, as one run.

        :param datetime now: naive UTC
        """
        progress = self.env['ir.cron']
        cycles = self.env['assist.billing.cycle']
        progress._commit_progress()
        # Before cycles open: they freeze the prices that are in force.
        self.env['assist.price.revision']._run(now)
        retry_races(cycles._open_begun_cycles, now)
        self._reopen_unbilled()
        run = retry_races(self._begin, now)
        run = run.with_context(assist_killed_runs=run._count_killed())
        progress._commit_progress()
        run._finish_bills()  # what an earlier run was killed over
        if not (run._bill_fees(now) and run._close_due(now) and run._bill_late_sessions(now)):
            # Out of time: the scheduler comes back for the rest.
            run._pause()
            progress._commit_progress(remaining=max(cycles._count_due(now), 1))
            return
        run._finish_bills()
        run._end()
        if self.search_count([('state', '=', 'requested')], limit=1):
            # Calls that several people ask for meanwhile are one for the scheduler.
            self.env['assist.billing.association']._trigger_closing()
        progress._commit_progress(remaining=0)

    @api.model
    def _reopen_unbilled(self):
        """Open again what closed without a bill and has got sessions since; commits as it goes."""
        while cycles := retry_races(self.env['assist.billing.cycle']._reopen_next_unbilled):
            self.env['ir.cron']._commit_progress(len(cycles))

    def _close_due(self, now):
        """Close all that is due, batch by batch; return False when time is up before.

        Also without a run (an empty one): then nothing is counted.
        """
        tried, run, most = [], self, None
        # It was counted when the run began: without one nothing is due.
        remaining = self.due_count - self.closed_count - self.failed_count
        self.env['ir.cron']._commit_progress(remaining=remaining)
        for company_id in [*self._get_companies_apart().ids, False]:
            run = run.with_context(assist_of_company=company_id)
            while batch := retry_races(run._close_next_batch, now, tried):
                # Where others change much, the next batch begins with twice of what went through.
                if most or batch.env.context.get('assist_lost_races'):
                    most = 2 * len(batch)
                    if most >= self.env['assist.billing.cycle']._get_batch_size():
                        most = None
                run = run.with_context(assist_has_closed=True, assist_most_cycles=most)
                tried += batch.filtered(lambda cycle: cycle.state == 'open').ids
                if not self.env['ir.cron']._commit_progress(len(batch)):
                    return False
                if self._analyze_new_ledger():
                    self.env['ir.cron']._commit_progress()
        return True

    def _get_companies_apart(self):
        """Return the companies that this run bills one after the other: all that have many due.

        Bills of a journal are numbered one transaction after the other, and a batch of several
        companies waits for the numbers of each. So that two runs at a time need not wait for each
        other, one begins with another company than the other. Those of which less than a batch is
        due are billed together, in the end.
        """
        companies = self.line_ids.company_id.sorted('id')
        if len(companies) < 2:
            return companies.browse()
        left = defaultdict(int)
        for line in self.line_ids:
            left[line.company_id] += line.due_count - line.closed_count - line.failed_count
        batch = self.env['assist.billing.cycle']._get_batch_size()
        companies = companies.filtered(lambda company: left[company] >= batch)
        first = self.id % max(len(companies), 1)
        return companies[first:] + companies[:first]

    def _close_next_batch(self, now, tried):
        """Lock and close the next due cycles; return them, or nothing when none is left.

        :param list tried: ids that failed in this run already; they are not tried in circles
        """
        # The lock is the first statement after a commit: its snapshot is fresh, so that what
        # another run has just closed is not due here any more.
        batch = self.env['assist.billing.cycle']._lock_due_cycles(now, tried)
        context = self.env.context
        if context.get('assist_lost_races') or context.get('assist_most_cycles'):
            batch._lock_sessions()
        batch.with_context(assist_run_id=self.id)._close(now)
        self._count_batch(batch)
        return batch

    def _bill_fees(self, now):
        """Bill fees in advance by a bill of their own where no other is to carry them.

        :return: False when time is up before
        """
        tried = []
        while periods := retry_races(self._bill_next_fees, now, tried):
            tried += periods.ids
            if not self.env['ir.cron']._commit_progress(len(periods)):
                return False
        return True

    def _bill_next_fees(self, now, tried):
        """Lock and bill the fees in advance of the next cycles; return these cycles."""
        periods = self.env['assist.billing.cycle']._lock_fees_due(now, tried)
        periods._bill_fees_due(now)
        self._count_late(periods)
        return periods

    def _bill_late_sessions(self, now):
        """Bill late sessions by a bill of their own where no other is to carry them soon.

        :return: False when time is up before
        """
        tried = []
        while origins := retry_races(self._bill_next_late, now, tried):
            tried += origins.ids
            if not self.env['ir.cron']._commit_progress(len(origins)):
                return False
        return True

    def _bill_next_late(self, now, tried):
        """Lock and bill the late sessions of the next closed cycles; return these cycles."""
        origins = self.env['assist.billing.cycle']._lock_late_cycles(now, tried)
        origins._bill_late(now)
        self._count_late(origins)
        return origins

    @api.model
    def _analyze_new_ledger(self):
        """Have PostgreSQL count the entries as long as it takes them for none.

        A ledger's first batches come faster than the server looks by itself; and with statistics
        that say "no rows" a query that Odoo makes while posting takes minutes.

        :return: whether it was to be done
        """
        tables = ('account_move', 'account_move_line')
        if self.env.execute_query(
            SQL(
                "SELECT 1 FROM pg_class WHERE oid IN (%s::regclass, %s::regclass)"
                " AND reltuples <= 0",
                *tables,
            )
        ):
            self.env.cr.execute(
                SQL("ANALYZE %s", SQL(", ").join(SQL.identifier(table) for table in tables))
            )
            return True
        return False

    # === WHAT OTHERS HAVE STORED BEFORE ITS TIME === #

    @api.model
    def _finish_bills(self):
        """Post, and hand over for sending, bills that were stored before the run was through."""
        tried = []
        while bill := retry_races(self._finish_next_bill, tried):
            tried.append(bill.id)
            self.env['ir.cron']._commit_progress(1)

    @api.model
    def _finish_next_bill(self, tried):
        """Lock and finish the next bill that nobody else has at hand; return it, or nothing."""
        self.env['account.move'].flush_model(['assist_unfinished'])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM account_move WHERE assist_unfinished IS NOT NULL"
                " AND id != ALL(%s) ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
                tried,
            )
        )
        # sudo: the engine bills, whoever may have started it
        bill = self.env['account.move'].sudo().browse(row[0] for row in rows)
        if not bill:
            return bill
        bill = bill.with_company(bill.company_id).with_context(
            lang=bill.company_id._assist_get_language()
        )
        handling = bill.assist_unfinished
        point = UndoPoint(self.env.cr)
        try:
            with point:
                if bill.state == 'draft':
                    bill.env['assist.bill.maker']._post(bill)
                if bill.state == 'posted':
                    bill._assist_finish(handling)
                else:  # a person is asked first
                    bill._assist_mark_unfinished(False)
        except NOBODYS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - kept with the bill and shown
            if point.is_lost and bill.state == 'posted':
                _logger.warning("Posted, and stored by another add-on, then: %s", error)
                bill._assist_finish(handling)
                return bill
            bill._assist_mark_unfinished(False)
            cycle = bill.assist_cycle_id or bill.assist_origin_cycle_id
            reason = cycle._describe_failure(error)
            bill.message_post(
                body=bill.env._("This bill could not be posted: %(reason)s", reason=reason)
            )
            cycle._assist_report_failure(
                bill.env._(
                    "The bill of %(customer)s could not be posted",
                    customer=cycle.partner_id.display_name,
                ),
                reason,
            )
        return bill

    # === A SELECTION === #

    @api.model
    def _run_selection(self, cycles):
        """Close those of `cycles` that are over, at once; return the run.

        The company's grace is not waited for: whoever chooses them knows that all sessions are
        there, and those that come in all the same are late ones. A period that is not over is
        never cut short: its end follows from the day the association began, and its minimum,
        devices and included hours are for the whole of it. A failed one is tried again whenever
        that would have been due.
        """
        cycles._check_billing_user()
        if len(cycles) > DIRECT_CYCLES:
            raise UserError(
                self.env._(
                    "%(count)s cycles are too many to wait for. Choose %(limit)s at most, or bill "
                    "all that is due in the background.",
                    count=len(cycles),
                    limit=DIRECT_CYCLES,
                )
            )
        # sudo: cycles and runs are written by the engine only
        run, cycles = self.sudo(), cycles.sudo()
        now = fields.Datetime.now()
        if any('fees' in cycle.terms for cycle in cycles):
            # Their bills charge the next period in advance: it is to be there.
            cycles._open_next_begun(now)
        cycles.filtered('retry_at').write({'retry_at': False})
        run = run.create(
            {'user_id': self.env.user.id, 'started_at': now, 'last_at': now, 'state': 'running'}
        )
        if not run._close_selected(cycles, now):
            raise UserError(
                self.env._(
                    "None of the chosen periods can be billed now: they are not over yet, are "
                    "billed already or being billed by another run, are on hold, or wait for an "
                    "older period of the same customer."
                )
            )
        run._end()
        return run.sudo(False)

    def _close_selected(self, cycles, now):
        """Close those of `cycles` that are due, in this transaction; return those tried."""
        tried = cycles.browse()
        while batch := self._lock_selected(cycles, now, tried.ids):
            batch.with_context(assist_run_id=self.id)._close(now)
            tried |= batch
            self._count_batch(batch)
        return tried

    @api.model
    def _lock_selected(self, cycles, now, tried):
        """Lock those of `cycles` that are over and that nobody else is closing, a batch at most."""
        cycles._flush_due()
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id %s AND c.id = ANY(%s) ORDER BY c.end_at, c.id LIMIT %s"
                " FOR UPDATE OF c SKIP LOCKED",
                cycles._get_due_sql(now, tried, with_grace=False),
                cycles.ids,
                cycles._get_batch_size(),
            )
        )
        return cycles.browse(row[0] for row in rows)

    # === THE BOOK === #

    @api.model
    def _begin(self, now):
        """Enter a run into the book, or go on with one that was requested or paused.

        :param datetime now: naive UTC; what is due then is what this run is to close
        :return: the run; none if nothing is due and nobody asked for one
        """
        self._bury()
        run = self._take_up()
        if not run and not self.env['assist.billing.cycle']._has_due(now):
            return run
        run = run or self.create({'user_id': self.env.user.id})
        moment = fields.Datetime.now()
        run.write(
            {
                'state': 'running',
                'started_at': run.started_at or moment,
                'last_at': moment,
            }
        )
        # What it did not reach in its last turn is counted anew.
        run._set_due_to_tried()
        run._count_due(now)
        return run

    @api.model
    def _take_up(self):
        """Lock and return the oldest run that was requested or paused, if there is one."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM assist_billing_run WHERE state IN ('requested', 'paused')
              ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
                """
            )
        )
        return self.browse(row[0] for row in rows)

    @api.model
    def _bury(self):
        """Close the entries of runs that were killed: the figures they left are true."""
        silent = self.search(
            [
                ('state', '=', 'running'),
                ('last_at', '<', fields.Datetime.now() - timedelta(minutes=SILENT_MINUTES)),
            ]
        ).try_lock_for_update()
        for run in silent:
            run.write({'state': 'interrupted', 'ended_at': run.last_at})

    def _count_killed(self):
        """Return how many runs in a row before this one were killed before they closed anything.

        They may have had too little time for a batch, so this one has smaller ones.
        """
        earlier = self.search([('id', '!=', self.id)], limit=MOST_HALVED)
        fruitless = takewhile(
            lambda run: (
                run.state in ('running', 'interrupted')
                and not (run.closed_count or run.failed_count or run.invoice_count)
            ),
            earlier,
        )
        return len(list(fruitless))

    def _count_due(self, now):
        """Add what is due to what this run has tried already."""
        self._add_figures(
            SQL(
                """
                SELECT c.company_id, c.currency_id, count(*) AS due_count, 0 AS closed_count,
                       0 AS invoice_count, 0 AS failed_count, 0 AS amount_untaxed,
                       0 AS amount_total
                  %s GROUP BY c.company_id, c.currency_id
                """,
                self.env['assist.billing.cycle']._get_due_sql(now),
            )
        )

    def _count_batch(self, cycles):
        """Add what became of these cycles, in the transaction that closed them."""
        if not self or not cycles:
            return
        # What closed knows it already.
        cycles.filtered(lambda cycle: cycle.run_id != self).run_id = self
        self._add_figures(
            SQL(
                """
                SELECT c.company_id, c.currency_id, 0 AS due_count,
                       count(*) FILTER (WHERE c.state = 'closed') AS closed_count,
                       count(m.id) AS invoice_count,
                       count(*) FILTER (WHERE c.state != 'closed') AS failed_count,
                       COALESCE(sum(m.amount_untaxed_in_currency_signed), 0) AS amount_untaxed,
                       COALESCE(sum(m.amount_total_in_currency_signed), 0) AS amount_total
                  FROM assist_billing_cycle c LEFT JOIN account_move m ON m.id = c.move_id
                 WHERE c.id IN %s GROUP BY c.company_id, c.currency_id
                """,
                tuple(cycles.ids),
            )
        )
        self._count_ways(cycles.move_id)

    def _count_ways(self, moves):
        """Add how many of these bills were made which way, and why not a quicker one."""
        ways = self.env['assist.bill.maker']._take_ways(moves)
        for line in self.line_ids:
            of_line = [
                way
                for move, way in ways.items()
                if (move.company_id, move.currency_id) == (line.company_id, line.currency_id)
            ]
            vals = {}
            for way in ('derived', 'ordinary'):
                if count := sum(way == other for other, _reason in of_line):
                    vals[f'{way}_count'] = line[f'{way}_count'] + count
            for way, name in (
                ('complete', 'not_derived_reasons'),
                ('ordinary', 'ordinary_reasons'),
            ):
                reasons = [reason for other, reason in of_line if other == way and reason]
                if reasons:
                    known = (line[name] or "").splitlines()
                    vals[name] = "\n".join(dict.fromkeys([*known, *reasons]))
            if vals:
                line.write(vals)

    def _count_late(self, cycles):
        """Add the bills of their own that were just made for late sessions of these cycles."""
        if not self or not cycles:
            return
        self._add_figures(
            SQL(
                """
                SELECT m.company_id, m.currency_id, 0 AS due_count, 0 AS closed_count,
                       count(*) AS invoice_count, 0 AS failed_count,
                       sum(m.amount_untaxed) AS amount_untaxed, sum(m.amount_total) AS amount_total
                  FROM account_move m
                 WHERE m.assist_origin_cycle_id IN %s AND m.assist_kind = 'supplementary'
                   AND m.create_date = %s
              GROUP BY m.company_id, m.currency_id
                """,
                tuple(cycles.ids),
                # Records made in one transaction have its time.
                self.env.cr.now(),
            )
        )
        self._count_ways(
            self.env['account.move'].search(
                [
                    ('assist_origin_cycle_id', 'in', cycles.ids),
                    ('assist_kind', '=', 'supplementary'),
                    ('create_date', '=', self.env.cr.now()),
                ]
            )
        )

    def _add_figures(self, query):
        """Add rows of figures to the lines, by company and currency, in one statement."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO assist_billing_run_line AS l (
                       run_id, company_id, currency_id, due_count, closed_count, invoice_count,
                       failed_count, amount_untaxed, amount_total)
                SELECT %s, f.* FROM (%s) AS f
                    ON CONFLICT (run_id, company_id, currency_id) DO UPDATE
                   SET due_count = l.due_count + excluded.due_count,
                       closed_count = l.closed_count + excluded.closed_count,
                       invoice_count = l.invoice_count + excluded.invoice_count,
                       failed_count = l.failed_count + excluded.failed_count,
                       amount_untaxed = l.amount_untaxed + excluded.amount_untaxed,
                       amount_total = l.amount_total + excluded.amount_total
             RETURNING l.id
                """,
                self.id,
                query,
            )
        )
        self.last_at = fields.Datetime.now()
        lines = self.env['assist.billing.run.line']
        lines.invalidate_model()
        written_to(lines.browse(row[0] for row in rows), FIGURES)
        self.invalidate_recordset(['line_ids'])

    def _pause(self):
        """Leave the rest to the scheduler's next turn, which takes this run up again."""
        self.write({'state': 'paused', 'last_at': fields.Datetime.now()})

    def _end(self):
        """Close the entry."""
        moment = fields.Datetime.now()
        self.write({'state': 'done', 'ended_at': moment, 'last_at': moment})
        self._set_due_to_tried()

    def _set_due_to_tried(self):
        """Count as due what this run tried: another one may have closed the rest meanwhile."""
        for line in self.line_ids:
            line.due_count = line.closed_count + line.failed_count
