import logging
from datetime import timedelta

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

from ...utils.races import NOBODYS_FAULT, UndoPoint, retry_races, watched_commits
from ...utils.sql_changes import changing

_logger = logging.getLogger(__name__)

# What a session keeps of the bill it is on.
STAMPED = ('cycle_id', 'billed_seconds', 'merged_into_id', 'state', 'write_uid', 'write_date')
# In so many parts are those taken apart that failed together.
PARTS = 5
# A cycle that failed is tried again by the next run, then after 1, 2, 4 ... 24 hours.
LONGEST_DELAY_HOURS = 24


def split_in_parts(records):
    """Return `PARTS` parts of these records, or fewer, none of them empty."""
    return [records.browse(ids) for ids in split_every(-(-len(records) // PARTS), records.ids)]


class RefusedTogetherError(Exception):
    """Bills could not be posted together; `cycles` are those that cannot be by themselves."""

    def __init__(self, cycles):
        super().__init__()
        self.cycles = cycles


class AssistBillingCycle(models.Model):
    """Closing locked cycles: usage -> rate -> invoice -> post -> stamp -> send."""

    _inherit = 'assist.billing.cycle'

    # === CLOSING === #

    def _close(self, now):
        """Close these locked cycles; one that fails is set aside and costs no other.

        All are tried together; only when that fails, each part of them by itself, down to the
        culprit. Bills are mostly refused when they are posted, the last thing of all: then the
        culprits are found by posting alone, and the others are billed together once more.

        An add-on that commits while it posts makes all of them billed for good: then what is left
        to do with their bills is done by `_finish_bills`.
        """
        if not self:
            return
        point = UndoPoint(self.env.cr)
        try:
            with point:
                self._close_together(now)
        except NOBODYS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - kept on the cycle and shown
            if point.is_lost:
                _logger.warning("Closed, and stored by another add-on, then: %s", error)
                return
            if len(self) == 1:
                self._close_failed(error, now)
                return
            for part in self._get_parts(error):
                part._close(now)

    def _get_parts(self, error):
        """Return in which parts cycles are tried that failed together."""
        if isinstance(error, RefusedTogetherError) and (culprits := self & error.cycles):
            return [self - culprits, *culprits]
        return split_in_parts(self)

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
        # Until the cycles are wholly billed nobody commits: half of it would be stored.
        with watched_commits(self.env.cr, lambda: False):
            self._write_each(
                {
                    outcome.cycle: outcome.cycle._prepare_closed_vals(outcome, now)
                    for outcome in outcomes
                }
            )
            moves = self._create_moves(
                [
                    outcome.cycle._prepare_invoice_vals(outcome, now)
                    for outcome in outcomes
                    if outcome.cycle._is_to_invoice(outcome)
                ]
            )
            self._keep_details(outcomes)
            self._stamp_sessions(outcomes)
        # Last: from the first number on, whoever posts in the same journal waits for the commit.
        self._process_moves(moves, handling)
        return moves

    def _write_each(self, vals_by_cycle):
        """Write other values on each cycle as `write` would, but all in one go."""
        cycles = self.concat(*vals_by_cycle)
        names = {name for vals in vals_by_cycle.values() for name in vals}
        cycles._track_prepare(names)
        log = {'write_uid': self.env.uid, 'write_date': self.env.cr.now()}
        for cycle, vals in vals_by_cycle.items():
            for name, value in (vals | log).items():
                self._fields[name].write(cycle, value)
        cycles.modified([*names, *log])
        cycles._validate_fields(names)

    def _is_to_invoice(self, outcome):
        """Tell whether there is something to invoice: no bill is made over zero."""
        return bool(outcome.total)

    def _create_moves(self, vals_list):
        """Create the invoices, company by company, the fast way where it is proven equal."""
        moves = self.env['account.move']
        for company in self.company_id:
            moves |= (
                # sudo: the engine bills, whoever may have started it; company and journal are
                # those of the cycle
                moves.sudo()
                .with_company(company)
                # No e-mail to a salesperson for each invoice that is his.
                .with_context(mail_auto_subscribe_no_notify=True)
                ._assist_create_bills(
                    [vals for vals in vals_list if vals['company_id'] == company.id]
                )
            )
        return moves

    def _process_moves(self, moves, handling=None):
        """Post the invoices and hand them over for sending, as their plans say."""
        to_post = moves.filtered(
            lambda move: (handling or move.assist_plan_id.bill_handling) in ('post', 'send')
        )
        to_send = to_post.filtered(
            lambda move: (handling or move.assist_plan_id.bill_handling) == 'send'
        )
        has_marked = False

        def mark_unfinished():
            # Another add-on commits: should this be the end, the next run finishes it.
            nonlocal has_marked
            has_marked = True
            (to_post - to_send)._assist_mark_unfinished('post')
            to_send._assist_mark_unfinished('send')

        if to_post:
            with watched_commits(self.env.cr, mark_unfinished):
                self._post_moves(to_post)
        if to_send:
            to_send._assist_queue_sending()
        if has_marked:
            to_post._assist_mark_unfinished(False)

    def _post_moves(self, moves):
        """Post the invoices.

        :raise RefusedTogetherError: when some of several cannot be posted
        """
        if len(moves) == 1:
            moves._assist_post()
            return
        # What waits to be stored is not stored before: with what posting changes it is one.
        point = UndoPoint(self.env.cr, flush=False)
        try:
            with point:
                moves._assist_post()
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            if point.is_lost:
                raise  # nothing can be undone, and nothing is to be found out
            raise RefusedTogetherError(self._find_refused(moves).assist_cycle_id) from error

    def _find_refused(self, moves):
        """Return which of these invoices cannot be posted by themselves.

        Some are posted for it: whoever calls it undoes all.
        """
        refused = moves.browse()
        # Nothing is to be told of what is undone.
        probes = moves.with_context(tracking_disable=True)
        for part in split_in_parts(probes):
            point = UndoPoint(self.env.cr)
            try:
                with point:
                    part._assist_post()
            except NOBODYS_FAULT:
                raise
            except Exception:
                if point.is_lost:
                    raise
                refused |= part if len(part) == 1 else self._find_refused(part)
            if point.is_lost:
                break  # stored for good: the others are posted one by one
        return refused

    # === WHAT OTHERS HAVE STORED BEFORE ITS TIME === #

    @api.model
    def _finish_bills(self):
        """Post, and hand over for sending, bills that were stored before the run was through."""
        tried = []
        while bill := retry_races(self._finish_next_bill, tried):
            tried.append(bill.id)
            self.env['ir.cron']._commit_progress()

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
        bill = bill.with_company(bill.company_id)
        handling = bill.assist_unfinished
        bill._assist_mark_unfinished(False)
        try:
            with UndoPoint(self.env.cr):
                if bill.state == 'draft':
                    bill._assist_post()
                if bill.state == 'posted' and handling == 'send':
                    bill._assist_queue_sending()
        except NOBODYS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - kept with the bill and shown
            bill._assist_mark_unfinished(False)
            cycle = bill.assist_cycle_id or bill.assist_origin_cycle_id
            reason = cycle._describe_failure(error)
            bill.message_post(
                body=self.env._("This bill could not be posted: %(reason)s", reason=reason)
            )
            cycle._assist_report_failure(
                self.env._(
                    "The bill of %(customer)s could not be posted",
                    customer=cycle.partner_id.display_name,
                ),
                reason,
            )
        return bill

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
        sessions = self.env['assist.session'].browse(ids)
        with changing(sessions, STAMPED):
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

    # === FAILURES === #

    def _close_failed(self, error, now):
        """Keep why the cycle could not be closed and when it is tried again; tell the manager."""
        self.ensure_one()
        message = self._describe_failure(error)
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

    def _describe_failure(self, error):
        """Return why these cycles could not be closed, or their bills posted, and log it."""
        if isinstance(error, UserError):
            _logger.info("Cycles %s could not be closed: %s", self.ids, error)
            return str(error)
        _logger.exception("Cycles %s could not be closed", self.ids)
        return f"{type(error).__name__}: {error}"

    def _close_succeeded(self):
        """Forget earlier failures of cycles that are closed now."""
        if failed := self.filtered('error'):
            failed.write({'error': False, 'attempts': 0, 'retry_at': False})
            failed._assist_clear_failure()
