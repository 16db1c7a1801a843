import logging
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

# Cycles closed, and committed, at a time. More gains nothing and holds locks longer.
CLOSE_BATCH = 100
# How often a batch that lost a race is read and tried again before the run gives up.
MAX_RACES = 10
# A cycle that failed is tried again by the next run, then after 1, 2, 4 ... 24 hours.
LONGEST_DELAY_HOURS = 24


class AssistBillingCycle(models.Model):
    """The closing run: due cycles -> lock -> usage -> rate -> invoice -> post -> stamp -> send."""

    _inherit = 'assist.billing.cycle'

    # === CRON === #

    @api.model
    def _cron_close_cycles(self, now=None):
        """Open the cycles that have begun and close those that are due; the scheduled action.

        Commits as it goes: each batch is billed wholly or not at all. Running it twice, or twice
        at a time, bills nothing twice.

        :param datetime now: naive UTC; default: the present. For catching up and for tests.
        """
        now = now or fields.Datetime.now()
        progress = self.env['ir.cron']
        progress._commit_progress()
        self._retry_races(self._open_begun_cycles, now)
        progress._commit_progress(remaining=self._count_due(now))
        tried = []
        while batch := self._retry_races(self._close_next_batch, now, tried):
            tried += batch.ids
            if not progress._commit_progress(len(batch)):
                return  # out of time: the scheduler comes back for the rest
        self._bill_late_sessions(now)
        progress._commit_progress(remaining=0)

    @api.model
    def _close_next_batch(self, now, tried):
        """Lock and close the next due cycles; return them, or nothing when none is left.

        :param list tried: ids this run has tried already; a failed one is not tried in circles.
        """
        # The lock is the first statement after a commit: its snapshot is fresh, so that what
        # another run has just closed is not due here any more.
        batch = self._lock_due_cycles(now, tried)
        batch._close(now)
        return batch

    @api.model
    def _retry_races(self, step, *args):
        """Call `step`; when somebody changed what it read meanwhile, read again.

        A lost race is no error of a cycle.
        """
        for _race in range(MAX_RACES):
            try:
                result = step(*args)
                self.env.flush_all()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as race:
                _logger.info("Closing cycles: lost a race (%s), reading again.", race.pgcode)
                self.env.cr.rollback()
            else:
                return result
        raise UserError(
            self.env._("Closing cycles: too many changes at the same time. It goes on soon.")
        )

    # === DUE CYCLES === #

    @api.model
    def _get_due_sql(self, now, tried=()):
        """Return FROM and WHERE of the due cycles `c`; also what a run book previews.

        Due is the oldest open cycle of an association that is not on hold, once its end and the
        company's grace have passed. Younger ones wait for it: bills are made oldest first.
        """
        return SQL(
            """
            FROM assist_billing_cycle c
            JOIN assist_billing_association a ON a.id = c.association_id
            JOIN res_company p ON p.id = c.company_id
           WHERE c.state = 'open'
             AND c.end_at + p.assist_close_grace_hours * INTERVAL '1 hour' <= %(now)s
             AND a.state != 'on_hold'
             AND (c.retry_at IS NULL OR c.retry_at <= %(now)s)
             AND c.id != ALL(%(tried)s)
             AND NOT EXISTS (
                 SELECT 1 FROM assist_billing_cycle e
                  WHERE e.association_id = c.association_id AND e.state = 'open'
                    AND e.date_start < c.date_start
             )
            """,
            now=now,
            tried=list(tried),
        )

    @api.model
    def _count_due(self, now):
        [[count]] = self.env.execute_query(SQL("SELECT count(*) %s", self._get_due_sql(now)))
        return count

    @api.model
    def _lock_due_cycles(self, now, tried=()):
        """Lock the oldest due cycles that nobody else is closing, CLOSE_BATCH at most."""
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id %s ORDER BY c.end_at, c.id LIMIT %s FOR UPDATE OF c SKIP LOCKED",
                self._get_due_sql(now, tried),
                CLOSE_BATCH,
            )
        )
        return self.browse(row[0] for row in rows)

    # === CLOSING === #

    def _close(self, now):
        """Close these locked cycles; one that fails is set aside and costs no other.

        All are tried together; only when that fails, each half by itself, down to the culprit.
        """
        if not self:
            return
        try:
            with self.env.cr.savepoint():
                self._close_together(now)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            raise  # a lost race or a lost database is no error of these cycles
        except Exception as error:  # noqa: BLE001 - kept on the cycle and shown
            if len(self) == 1:
                self._close_failed(error, now)
                return
            half = len(self) // 2
            self[:half]._close(now)
            self[half:]._close(now)

    def _close_together(self, now):
        """Bill these cycles, all or none."""
        outcomes = self._get_outcomes()
        self._bill(outcomes.values(), now)
        self._close_succeeded()

    def _bill(self, outcomes, now, handling=None):
        """Make the invoices of `outcomes`, stamp their sessions, close their cycles.

        :param str handling: what to do with the invoices, instead of what each plan says
        :return: the invoices
        """
        for outcome in outcomes:
            outcome.cycle.write(outcome.cycle._prepare_closed_vals(outcome, now))
        moves = self._create_moves(
            [
                outcome.cycle._prepare_invoice_vals(outcome, now)
                for outcome in outcomes
                if outcome.cycle._is_to_invoice(outcome)
            ]
        )
        self._process_moves(moves, handling)
        self._keep_details(outcomes)
        self._stamp_sessions(outcomes)
        return moves

    def _is_to_invoice(self, outcome):
        """Tell whether there is something to invoice: no bill is made over zero."""
        return bool(outcome.total)

    def _create_moves(self, vals_list):
        """Create the invoices, company by company; the place to make it faster."""
        moves = self.env['account.move']
        for company in self.company_id:
            moves |= (
                # sudo: the engine bills, whoever may have started it; company and journal are
                # those of the cycle
                moves.sudo()
                .with_company(company)
                # No e-mail to a salesperson for each invoice that is his.
                .with_context(mail_auto_subscribe_no_notify=True)
                .create([vals for vals in vals_list if vals['company_id'] == company.id])
            )
        return moves

    def _process_moves(self, moves, handling=None):
        """Post the invoices and hand them over for sending, as their plans say."""
        to_post = moves.filtered(
            lambda move: (handling or move.assist_plan_id.bill_handling) in ('post', 'send')
        )
        if to_post:
            # Not soft: a soft post leaves a bill in draft whose date is tomorrow in UTC.
            to_post._post(soft=False)
        to_send = to_post.filtered(
            lambda move: (handling or move.assist_plan_id.bill_handling) == 'send'
        )
        if to_send:
            to_send._assist_queue_sending()

    def _prepare_closed_vals(self, outcome, now):
        """Return what a cycle keeps of its closing."""
        self.ensure_one()
        return {
            'state': 'closed',
            'closed_at': now,
            'session_count': len(outcome.shares),
            'session_seconds': sum(share.measured_seconds for share in outcome.shares),
            'billed_quantity': float(outcome.rating.billed_quantity),
            'device_quantity': float(outcome.rating.device_quantity),
            'usage_amount': float(outcome.rating.usage_amount),
        }

    def _keep_details(self, outcomes, supplementary=None):
        """Keep the days of devices, and which late sessions added what to which period.

        :param supplementary: the bill for late sessions alone, if that is what was made
        """
        device_vals, prior_vals = [], []
        for outcome in outcomes:
            if not outcome.cycle.device_ids:
                device_vals += [
                    {
                        'cycle_id': outcome.cycle.id,
                        'device_id': device.id,
                        'date_from': date_from,
                        'date_to': date_to,
                    }
                    for device in outcome.devices
                    for date_from, date_to in device.days
                ]
            prior_vals += [
                outcome.cycle._prepare_prior_vals(late, supplementary) for late in outcome.late
            ]
        self.env['assist.billing.cycle.device'].create(device_vals)
        self.env['assist.billing.cycle.prior'].create(prior_vals)

    def _stamp_sessions(self, outcomes):
        """Mark exactly the sessions that were rated as billed by their cycle, in one statement."""
        rows = [
            (share.id, outcome.cycle.id, share.billed_seconds, share.merged_into or 0)
            for outcome in outcomes
            for share in outcome.shares
        ]
        if not rows:
            return
        self.env['assist.session'].flush_model()
        ids, cycle_ids, seconds, merged = (list(column) for column in zip(*rows, strict=True))
        self.env.cr.execute(
            SQL(
                """
                UPDATE assist_session s
                   SET cycle_id = v.cycle_id, billed_seconds = v.seconds,
                       merged_into_id = NULLIF(v.merged, 0), state = 'billed',
                       write_uid = %s, write_date = NOW() AT TIME ZONE 'UTC'
                  FROM unnest(%s, %s, %s, %s) AS v (id, cycle_id, seconds, merged)
                 WHERE s.id = v.id AND s.state = 'to_bill'
                   AND (s.cycle_id IS NULL OR s.cycle_id = v.cycle_id)
                """,
                self.env.uid,
                ids,
                cycle_ids,
                seconds,
                merged,
            )
        )
        if self.env.cr.rowcount != len(rows):
            raise UserError(
                self.env._(
                    "Some sessions were billed or changed while this bill was made. "
                    "Nothing was billed; try again."
                )
            )
        self.env['assist.session'].invalidate_model()

    # === FAILURES === #

    def _close_failed(self, error, now):
        """Keep why the cycle could not be closed and when it is tried again; tell the manager."""
        self.ensure_one()
        if isinstance(error, UserError):
            message = str(error)
            _logger.info("Cycle %s could not be closed: %s", self.id, message)
        else:
            message = f"{type(error).__name__}: {error}"
            _logger.exception("Cycle %s could not be closed", self.id)
        attempts = self.attempts + 1
        # The next run tries once more; from then on the delay doubles.
        hours = min(2 ** (attempts - 2), LONGEST_DELAY_HOURS) if attempts > 1 else 0
        self.write(
            {
                'error': message,
                'attempts': attempts,
                'retry_at': now + timedelta(hours=hours) if hours else False,
            }
        )
        self._assist_report_failure(
            self.env._("%(customer)s could not be billed", customer=self.partner_id.display_name),
            message,
        )

    def _close_succeeded(self):
        """Forget earlier failures of cycles that are closed now."""
        if failed := self.filtered('error'):
            failed.write({'error': False, 'attempts': 0, 'retry_at': False})
            failed._assist_clear_failure()

    # === LATE SESSIONS === #

    @api.model
    def _bill_late_sessions(self, now):
        """Bill late sessions by a bill of their own where no other is to carry them soon."""
        tried = []
        while origins := self._retry_races(self._bill_next_late, now, tried):
            tried += origins.ids
            if not self.env['ir.cron']._commit_progress():
                return

    @api.model
    def _bill_next_late(self, now, tried):
        """Lock and bill the late sessions of the next closed cycles; return these cycles."""
        origins = self._lock_late_cycles(now, tried)
        for origin in origins:
            origin._bill_late(now)
        return origins

    @api.model
    def _lock_late_cycles(self, now, tried):
        """Lock and return closed cycles with late sessions that have waited long enough.

        They wait `assist_late_days` from the end of their cycle, and longer if another bill is
        to follow within that time from now. CLOSE_BATCH cycles at most.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT o.id
                  FROM assist_billing_cycle o
                  JOIN assist_billing_association a ON a.id = o.association_id
                  JOIN res_company p ON p.id = o.company_id
                 WHERE o.state IN ('closed', 'waived') AND a.state != 'on_hold'
                   AND o.end_at + p.assist_close_grace_hours * INTERVAL '1 hour'
                       + p.assist_late_days * INTERVAL '1 day' <= %(now)s
                   AND (o.retry_at IS NULL OR o.retry_at <= %(now)s)
                   AND o.id != ALL(%(tried)s)
                   AND EXISTS (
                       SELECT 1 FROM assist_session s
                        WHERE s.association_id = o.association_id AND s.state = 'to_bill'
                          AND s.cycle_id IS NULL
                          AND s.ended_at >= o.start_at AND s.ended_at < o.end_at
                   )
                   AND NOT EXISTS (
                       SELECT 1 FROM assist_billing_cycle n
                        WHERE n.association_id = o.association_id AND n.state = 'open'
                          AND n.end_at <= %(now)s + p.assist_late_days * INTERVAL '1 day'
                   )
              ORDER BY o.end_at, o.id
                 LIMIT %(limit)s
            FOR UPDATE OF o SKIP LOCKED
                """,
                now=now,
                tried=tried,
                limit=CLOSE_BATCH,
            )
        )
        return self.browse(row[0] for row in rows)

    def _bill_late(self, now):
        """Bill the late sessions of this locked cycle by a supplementary bill."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                outcome = self._get_late_outcome()
                move = self.env['account.move']
                if outcome.total:
                    move = self._create_moves([self._prepare_supplementary_vals(outcome, now)])
                    self._process_moves(move)
                self._keep_details([outcome], supplementary=move)
                self._stamp_sessions([outcome])
                self._close_succeeded()
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - kept on the cycle and shown
            self._close_failed(error, now)
