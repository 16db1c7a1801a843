import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.tools import SQL, split_every

from ...utils.automation_rules import watching_writes
from ...utils.races import MAX_RACES, NOBODYS_FAULT, UndoPoint, watched_commits
from ...utils.refusals import (
    NotDerivedError,
    NotProvenError,
    OutdatedError,
    RefusedTogetherError,
)
from ...utils.remembering import CODE, FROZEN, TRIED, Same, remembered, remembering
from ...utils.sql_changes import changing

_logger = logging.getLogger(__name__)

# Cycles closed, and committed, at a time. More gains little, and loses more when one of them fails.
CLOSE_BATCH = 50
# The same where bills are derived from each other: it takes no longer, and more of them are alike.
DERIVED_BATCH = 500
# What a session keeps of the bill it is on.
STAMPED = ('cycle_id', 'billed_seconds', 'merged_into_id', 'state', 'write_uid', 'write_date')
# What a session keeps of its billing, and what is forgotten when its cycle opens again.
FORGOTTEN = ('state', 'cycle_id', 'billed_seconds', 'merged_into_id', 'prior_id')
# In so many parts are those taken apart that failed together.
PARTS = 5
# What cycles come to, as long as they are tried in one transaction: cycle -> Outcome.
OUTCOMES = 'assist_outcomes'
# A cycle that failed is tried again by the next run, then after 1, 2, 4 ... 24 hours.
LONGEST_DELAY_HOURS = 24


def split_in_parts(records):
    """Return `PARTS` parts of these records, or fewer, none of them empty."""
    return [records.browse(ids) for ids in split_every(-(-len(records) // PARTS), records.ids)]


class AssistBillingCycle(models.Model):
    """Closing cycles: due -> locked -> usage -> rate -> invoice -> post -> stamp -> send.

    The run (`assist.billing.run`) asks for them batch by batch; nothing here commits.
    """

    _inherit = 'assist.billing.cycle'

    # === CRON === #

    @api.model
    def _cron_close_cycles(self, now=None):
        """Open the cycles that have begun and close those that are due; the scheduled action.

        Commits as it goes: each batch is billed wholly or not at all. Running it twice, or twice
        at a time, bills nothing twice.

        :param datetime now: naive UTC; default: the present. For catching up and for tests.
        """
        # Each batch asks which add-ons have a hand in bills: of the same code.
        with remembering(self.env, CODE):
            self.env['assist.billing.run']._close_all(now or fields.Datetime.now())

    # === DUE CYCLES === #

    @api.model
    def _get_due_sql(self, now, tried=(), *, with_grace=True):
        """Return FROM and WHERE of the due cycles `c`.

        Due is the oldest open cycle of an association that is not on hold, once its end and the
        company's grace have passed. Younger ones wait for it: bills are made oldest first.

        :param bool with_grace: false for what a person chooses to bill: that person knows that
            all sessions are there
        """
        return SQL(
            """
            FROM assist_billing_cycle c
            JOIN assist_billing_association a ON a.id = c.association_id
            JOIN res_company p ON p.id = c.company_id
           WHERE c.state = 'open'
             -- Said twice, for the first is in the index.
             AND c.end_at <= %(now)s
             AND c.end_at + %(grace)s * INTERVAL '1 hour' <= %(now)s
             AND a.state != 'on_hold'
             AND (c.retry_at IS NULL OR c.retry_at <= %(now)s)
             AND c.id != ALL(%(tried)s)
             AND NOT EXISTS (
                 SELECT 1 FROM assist_billing_cycle e
                  WHERE e.association_id = c.association_id AND e.state = 'open'
                    AND e.date_start < c.date_start AND e.end_at <= %(now)s
             )
            """,
            now=now,
            tried=list(tried),
            grace=SQL("p.assist_close_grace_hours") if with_grace else 0,
        )

    @api.model
    def _flush_due(self):
        """Store what waits to be stored of that by which cycles are due."""
        self.flush_model(['state', 'end_at', 'date_start', 'association_id', 'retry_at'])
        self.env['assist.billing.association'].flush_model(['state'])
        self.env['res.company'].flush_model(['assist_close_grace_hours'])

    @api.model
    def _count_due(self, now):
        self._flush_due()
        [[count]] = self.env.execute_query(SQL("SELECT count(*) %s", self._get_due_sql(now)))
        return count

    @api.model
    def _has_due(self, now):
        self._flush_due()
        return bool(self.env.execute_query(SQL("SELECT 1 %s LIMIT 1", self._get_due_sql(now))))

    @api.model
    def _lock_due_cycles(self, now, tried=()):
        """Lock the oldest due cycles that nobody else is closing, a batch at most.

        They are of one company only where the run says so, see `_get_companies_apart` there.
        """
        self._flush_due()
        company_id = self.env.context.get('assist_of_company')
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id %s %s ORDER BY c.end_at, c.id LIMIT %s FOR UPDATE OF c SKIP LOCKED",
                self._get_due_sql(now, tried),
                SQL("AND c.company_id = %s", company_id) if company_id else SQL(),
                self._get_batch_size(),
            )
        )
        return self.browse(row[0] for row in rows)

    @api.model
    def _get_batch_size(self):
        """Return how many cycles are closed at a time: half as many after each lost race.

        The fewer sessions a batch has, and the less time it takes, the less of it others change;
        what a batch has lost the next one does not lose all again.
        And who is killed before a batch is through, again and again, gets through a smaller one;
        through a first one soon, or Odoo counts the scheduled action as failing.
        """
        size = DERIVED_BATCH if self.env['assist.bill.maker']._may_derive() else CLOSE_BATCH
        context = self.env.context
        killed = context.get('assist_killed_runs', 0)
        halved = context.get('assist_lost_races', 0) + killed
        if not context.get('assist_has_closed'):
            halved += killed
        return max(1, min(size, context.get('assist_most_cycles') or size) >> halved)

    def _lock_sessions(self):
        """Lock what these cycles may bill: who changes it meanwhile waits, and we do not lose.

        Only after a lost race, for a lock costs as much as the stamp on a session.
        """
        self.flush_model(['association_id', 'end_at'])
        self.env['assist.session'].flush_model(['association_id', 'state', 'ended_at'])
        self.env.cr.execute(
            SQL(
                """
                SELECT s.id FROM assist_session s
                  JOIN assist_billing_cycle c ON c.association_id = s.association_id
                 WHERE c.id = ANY(%s) AND s.state = 'to_bill' AND s.ended_at < c.end_at
              ORDER BY s.id
                   FOR NO KEY UPDATE OF s
                """,
                self.ids,
            )
        )

    # === CLOSING === #

    def _close(self, now):
        """Close these locked cycles; one that fails is set aside and costs no other.

        All are tried together; only when that fails, each part of them by itself, down to the
        culprit. Bills are mostly refused when they are posted, the last thing of all: then the
        culprits are found by posting alone, and the others are billed together once more.

        An add-on that commits while it posts makes all of them billed for good: then what is left
        to do with their bills is done by the run, see `_finish_bills` there.
        """
        # What is tried again is not rated again, for the transaction sees what it saw.
        with remembering(self.env, OUTCOMES, TRIED):
            for part in self._assist_by_language():
                part._close_in_parts(now)

    def _close_in_parts(self, now, how='_close_together'):
        """Close these cycles together; if that fails, part by part.

        :param str how: the method that does it
        """
        if not self:
            return
        point = UndoPoint(self.env.cr)
        try:
            self._close_or_undo(now, point, how)
        except NOBODYS_FAULT:
            raise
        except (NotDerivedError, NotProvenError, OutdatedError) as error:
            for part in self._get_parts_not_derived(error):
                part._close_in_parts(now, how)
        except Exception as error:  # noqa: BLE001 - kept on the cycle and shown
            if point.is_lost:
                _logger.warning("Closed, and stored by another add-on, then: %s", error)
                return
            if len(self) == 1:
                self._close_failed(error, now)
                return
            for part in self._get_parts(error):
                part._close_in_parts(now, how)

    def _close_or_undo(self, now, point, how):
        """Close these cycles within an UndoPoint."""
        try:
            with point:
                getattr(self, how)(now)
        finally:
            if point.is_lost:  # what follows sees what others have changed
                for kind in (OUTCOMES, TRIED):
                    self.env.cr.cache.get(kind, {}).clear()

    def _get_parts(self, error):
        """Return in which parts cycles are tried that failed together."""
        if isinstance(error, RefusedTogetherError) and (culprits := self & error.cycles):
            return [self - culprits, *culprits]
        return split_in_parts(self)

    def _get_parts_not_derived(self, error):
        """Return in which parts cycles are tried whose bills may not be derived as they were."""
        if isinstance(error, NotProvenError):
            return [error.cycles, self - error.cycles]
        if isinstance(error, OutdatedError):
            self.env['assist.bill.maker']._forget_exemplars()
            return [self]
        _logger.warning("Bills are not derived from each other: %s", error)
        for company in self.company_id:
            self._get_maker(company)._stop_deriving(str(error))
        return [self]

    def _close_together(self, now):
        """Bill these cycles, all or none."""
        known = self.env.cr.cache.get(OUTCOMES, {})
        with remembering(self.env, CODE, FROZEN):
            known |= self.filtered(lambda cycle: cycle not in known)._get_outcomes()
            self._bill([known[cycle] for cycle in self], now)
            self._close_succeeded()

    def _bill(self, outcomes, now, handling=None):
        """Make the invoices of `outcomes`, stamp their sessions, close their cycles.

        :param str handling: what to do with the invoices, instead of what each plan says; then
            they are not derived from each other
        :return: the invoices
        """
        closed = {
            outcome.cycle: outcome.cycle._prepare_closed_vals(outcome, now) for outcome in outcomes
        }
        names = {name for vals in closed.values() for name in vals}
        # Rules on cycles see the bills as well, with their numbers.
        with watching_writes(self.concat(*closed), names):
            # Until the cycles are wholly billed nobody commits: half of it would be stored.
            with watched_commits(self.env.cr, lambda: False):
                self._write_each(closed)
                with remembering(self.env):
                    vals_list = [
                        outcome.cycle._get_invoice_vals(outcome, now)
                        for outcome in outcomes
                        if outcome.cycle._is_to_invoice(outcome)
                    ]
                moves, to_derive = self._create_moves(vals_list, may_derive=not handling)
                self._keep_details(outcomes)
                self._stamp_sessions(outcomes)
            # Last: from the first number on, whoever posts in the same journal waits for the
            # commit.
            moves |= self._process_moves(moves, handling, to_derive)
        return moves

    @remembered(lambda cycle, outcome, now: (Same(outcome), now), TRIED)
    def _get_invoice_vals(self, outcome, now):
        """Return the values of this cycle's invoice: the same ones each time that it is tried."""
        return self._prepare_invoice_vals(outcome, now)

    def _write_each(self, vals_by_cycle):
        """Write other values on each cycle as `write` would, but all in one go."""
        if not vals_by_cycle:
            return
        cycles = self.concat(*vals_by_cycle)
        names = {name for vals in vals_by_cycle.values() for name in vals}
        cycles._track_prepare(names)
        log = {'write_uid': self.env.uid, 'write_date': self.env.cr.now()}
        alike = log | {
            name: value
            for name, value in next(iter(vals_by_cycle.values())).items()
            if all(name in vals and vals[name] == value for vals in vals_by_cycle.values())
        }
        for name, value in alike.items():
            field, parts = self._fields[name], [cycles]
            if field.type == 'monetary':
                # As much in another currency is rounded in another way.
                parts = cycles.grouped(field.get_currency_field(cycles)).values()
            for part in parts:
                field.write(part, value)
        for cycle, vals in vals_by_cycle.items():
            for name in vals.keys() - alike.keys():
                self._fields[name].write(cycle, vals[name])
        cycles.modified([*names, *log])
        cycles._validate_fields(names)

    def _is_to_invoice(self, outcome):
        """Tell whether there is something to invoice: no bill is made over zero."""
        return bool(outcome.total)

    def _create_moves(self, vals_list, may_derive=False):
        """Create the invoices, company by company, the fast way where it is proven equal.

        :param bool may_derive: some may be left for `_process_moves` to derive from the others
        :return: the invoices; and what is left, as pairs of what makes it, and families of bills
        """
        moves, to_derive = self.env['account.move'], []
        for company in self.company_id:
            maker = self._get_maker(company)
            made, families = maker._make_bills(
                [vals for vals in vals_list if vals['company_id'] == company.id], may_derive
            )
            moves |= made
            if families:
                to_derive.append((maker, families))
        return moves, to_derive

    def _get_maker(self, company):
        """Return what makes bills of a company."""
        return (
            # sudo: the engine bills, whoever may have started it; company and journal are those of
            # the cycle
            self.env['assist.bill.maker']
            .sudo()
            .with_company(company)
            # No e-mail to a salesperson for each invoice that is theirs.
            .with_context(mail_auto_subscribe_no_notify=True)
        )

    def _process_moves(self, moves, handling=None, to_derive=()):
        """Post the invoices and hand them over for sending, as their plans say.

        :param to_derive: what is left to be derived from them, as of `_create_moves`
        :return: the invoices that were derived
        """
        to_post = moves.filtered(
            lambda move: (handling or move.assist_plan_id.bill_handling) in ('post', 'send')
        )
        maker = moves.env['assist.bill.maker']
        waiting = maker._get_unapproved(to_post)
        maker._request_approval(waiting)
        to_post -= waiting
        to_send = to_post.filtered(
            lambda move: (handling or move.assist_plan_id.bill_handling) == 'send'
        )
        derived, is_stored = self._post_and_derive(to_post, to_send, to_derive)
        to_send |= derived.filtered(lambda move: move.assist_plan_id.bill_handling == 'send')
        if to_send := to_send.filtered(lambda move: move.state == 'posted'):
            to_send._assist_queue_sending()
        if is_stored:
            to_post._assist_mark_unfinished(False)
        return derived

    def _post_and_derive(self, to_post, to_send, to_derive):
        """Post invoices, and derive others from them or find out whether that could be done.

        :param to_send: which of `to_post` are to be sent
        :param to_derive: as of `_create_moves`
        :return: the invoices that were derived; and whether another add-on has stored them all
        """
        commits = []

        def mark_unfinished():
            # Another add-on commits: should this be the end, the next run finishes it.
            commits.append('done')
            (to_post - to_send)._assist_mark_unfinished('post')
            to_send._assist_mark_unfinished('send')

        def hold_back():
            commits.append('held back')
            return False

        derived = to_post.browse()
        to_prove = [pair for pair in to_derive if pair[1][0].is_to_prove]
        to_derive = [pair for pair in to_derive if not pair[1][0].is_to_prove]
        for maker, families in to_derive:
            maker._make_sample(families)
        # Until all of them are there, nobody commits.
        with watched_commits(self.env.cr, hold_back if to_derive else mark_unfinished):
            if to_post:
                self._post_moves(to_post)
            for maker, families in to_derive:
                derived |= maker._derive(families)
        if commits:
            for maker, _families in [*to_derive, *to_prove]:
                maker._stop_deriving(self.env._("an add-on commits while invoices are posted"))
        else:
            for maker, families in to_prove:
                maker._prove(families)
        return derived, 'done' in commits

    def _post_moves(self, moves):
        """Post the invoices.

        :raise RefusedTogetherError: when some of several cannot be posted
        """
        if len(moves) == 1:
            moves.env['assist.bill.maker']._post(moves)
            return
        # What waits to be stored is not stored before: with what posting changes it is one.
        point = UndoPoint(self.env.cr, flush=False)
        try:
            with point:
                moves.env['assist.bill.maker']._post(moves)
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            if point.is_lost:
                raise  # nothing can be undone, and nothing is to be found out
            refused = self._find_refused(moves)
            raise RefusedTogetherError(
                refused.assist_cycle_id | refused.assist_origin_cycle_id
            ) from error

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
                    part.env['assist.bill.maker']._post(part)
            except NOBODYS_FAULT:
                raise
            except Exception:
                if point.is_lost:
                    raise
                refused |= part if len(part) == 1 else self._find_refused(part)
            if point.is_lost:
                break  # stored for good: the others are posted one by one
        return refused

    def _prepare_closed_vals(self, outcome, now):
        """Return what a cycle keeps of its closing."""
        self.ensure_one()
        return {
            **self._prepare_state_vals('closed'),
            'closed_at': now,
            **self._prepare_run_vals(),
            'session_count': outcome.session_count,
            'session_seconds': sum(share.measured_seconds for share in outcome.shares),
            'billed_quantity': float(outcome.rating.billed_quantity),
            'device_quantity': float(outcome.rating.device_quantity),
            'usage_amount': float(outcome.rating.usage_amount),
            **self._prepare_rollover_vals(outcome.rating),
        }

    def _prepare_run_vals(self):
        """Return which run tries them, if one does."""
        run_id = self.env.context.get('assist_run_id')
        return {'run_id': run_id} if run_id else {}

    def _keep_details(self, outcomes, apart=None):
        """Keep the days of devices, and which late sessions added what to which period.

        :param dict apart: cycle -> the supplementary bill, where that is what was made
        """
        device_days, prior_vals, part_vals = [], [], []
        self._keep_fees(outcomes, apart)
        for outcome in outcomes:
            if not outcome.cycle.device_ids:
                device_days += [
                    (outcome.cycle.id, device.id, date_from, date_to)
                    for device in outcome.devices
                    for date_from, date_to in device.days
                ]
            for late in outcome.late:
                prior_vals += outcome.cycle._prepare_priors_vals(
                    late, (apart or {}).get(outcome.cycle)
                )
            part_vals += [
                outcome.cycle._prepare_part_vals(part, origin) for part, origin in outcome.parts
            ]
        self.env['assist.billing.cycle.device']._store_days(device_days)
        self.env['assist.billing.cycle.prior'].create(prior_vals)
        self.env['assist.session.part']._store(part_vals)

    def _prepare_part_vals(self, part, origin):
        """Return what is kept of a part of a session that this cycle bills.

        :param part: a `rules.rating.PartShare`
        :param origin: the cycle whose terms rated it: this one, or an earlier one of late sessions
        """
        self.ensure_one()
        return {
            'session_id': part.id,
            'cycle_id': self.id,
            'currency_id': origin.currency_id.id,
            'started_at': part.start,
            'ended_at': part.end,
            'band_id': part.band,
            'kind': part.kind,
            'grade_id': part.grade,
            'price_date': part.price_date,
            'measured_seconds': part.measured_seconds,
            'seconds': part.seconds,
            'billed_seconds': part.billed_seconds,
            'tier': part.group.tier or 0,
            'price': float(part.price),
            'quantity': float(part.quantity),
            'amount': float(part.amount),
        }

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
            stamped = sessions._assist_set_state(
                'billed',
                SQL(
                    "s.id = v.id AND s.state = 'to_bill' "
                    "AND (s.cycle_id IS NULL OR s.cycle_id = v.cycle_id)"
                ),
                {
                    'cycle_id': SQL("v.cycle_id"),
                    'billed_seconds': SQL("v.seconds"),
                    'merged_into_id': SQL("NULLIF(v.merged, 0)"),
                    'write_uid': self.env.uid,
                    'write_date': SQL("NOW() AT TIME ZONE 'UTC'"),
                },
                source=SQL(
                    "unnest(%s, %s, %s, %s) AS v (id, cycle_id, seconds, merged)",
                    ids,
                    cycle_ids,
                    seconds,
                    merged,
                ),
            )
            if stamped != len(rows):
                raise UserError(
                    self.env._(
                        "Some sessions were billed or changed while this bill was being created. "
                        "Nothing was billed; try again."
                    )
                )

    # === FAILURES === #

    def _close_failed(self, error, now):
        """Keep why the cycle could not be closed and when it is tried again; tell the manager.

        An automation rule or another add-on that minds the keeping itself, and would stop all the
        others with it, is passed over.

        :raise ConcurrencyError: somebody has the manager follow the cycle at this moment; the
            transaction is to be done again
        """
        self.ensure_one()
        message = self._describe_failure(error)
        attempts = self.attempts + 1
        # The next run tries once more; from then on the delay doubles.
        hours = min(2 ** (attempts - 2), LONGEST_DELAY_HOURS) if attempts > 1 else 0
        vals = {
            'error': message,
            'attempts': attempts,
            'retry_at': now + timedelta(hours=hours) if hours else False,
        }
        point = UndoPoint(self.env.cr)
        try:
            with point:
                self.write(vals)
                self._assist_report_failure(
                    self.env._(
                        "%(customer)s could not be billed", customer=self.partner_id.display_name
                    ),
                    message,
                )
        except NOBODYS_FAULT:
            raise
        except Exception as trouble:
            # What is lost each time is no race, and ends no run.
            lost = self.env.context.get('assist_lost_races', 0)
            if isinstance(trouble, ConcurrencyError) and lost < MAX_RACES - 1:
                raise
            _logger.exception("The failure of cycles %s could not be told", self.ids)
            self._write_each({self: vals})

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

    # === LATE SESSIONS === #

    @api.model
    def _lock_late_cycles(self, now, tried):
        """Lock and return closed cycles with late sessions that have waited long enough.

        They wait `assist_late_days` from the end of their cycle, and longer if another bill is
        to follow within that time from now. If the next bill is in another currency, they do not
        wait at all. A batch at most.
        """
        self._flush_due()
        self.flush_model(['start_at'])
        self.env['res.company'].flush_model(['assist_late_days'])
        self.env['assist.session'].flush_model(['association_id', 'state', 'cycle_id', 'ended_at'])
        # PostgreSQL takes it for so long a query that it compiles it first, for two seconds.
        self.env.cr.execute("SET LOCAL jit = off")
        rows = self.env.execute_query(
            SQL(
                """
                WITH late AS MATERIALIZED (
                    -- Of whom something waits from before the end of what is closed: all cycles
                    -- that there ever were are not looked at.
                    SELECT b.id
                      FROM assist_billing_association b
                      JOIN LATERAL (
                           SELECT d.end_at FROM assist_billing_cycle d
                            WHERE d.association_id = b.id AND d.state IN ('closed', 'waived')
                         ORDER BY d.date_start DESC LIMIT 1
                           ) done ON TRUE
                     WHERE EXISTS (
                           SELECT 1 FROM assist_session w
                            WHERE w.association_id = b.id AND w.state = 'to_bill'
                              AND w.cycle_id IS NULL AND w.ended_at < done.end_at
                       )
                )
                SELECT o.id
                  FROM late
                  JOIN assist_billing_cycle o ON o.association_id = late.id
                  JOIN assist_billing_association a ON a.id = o.association_id
                  JOIN res_company p ON p.id = o.company_id
             LEFT JOIN LATERAL (
                       SELECT n.currency_id FROM assist_billing_cycle n
                        WHERE n.association_id = o.association_id AND n.state = 'open'
                     ORDER BY n.date_start LIMIT 1
                       ) following ON TRUE
                 WHERE o.state IN ('closed', 'waived') AND a.state != 'on_hold'
                   AND NOT %(unbilled)s
                   AND (following.currency_id != o.currency_id
                        OR o.end_at + p.assist_close_grace_hours * INTERVAL '1 hour'
                           + p.assist_late_days * INTERVAL '1 day' <= %(now)s)
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
                          AND following.currency_id = o.currency_id
                          AND n.currency_id = o.currency_id
                          AND n.end_at <= %(now)s + p.assist_late_days * INTERVAL '1 day'
                   )
              ORDER BY o.end_at, o.id
                 LIMIT %(limit)s
            FOR UPDATE OF o SKIP LOCKED
                """,
                now=now,
                tried=tried,
                limit=self._get_batch_size(),
                unbilled=self._get_unbilled_sql(SQL("o")),
            )
        )
        return self.browse(row[0] for row in rows)

    def _bill_late(self, now):
        """Bill the late sessions of each of these locked cycles by a supplementary bill."""
        self._bill_apart(now, '_bill_late_together')

    def _bill_late_together(self, now):
        self._bill_supplementary(self._get_late_outcomes(), '_prepare_supplementary_vals', now)

    def _bill_apart(self, now, how):
        """Bill something of each of these locked cycles by a supplementary bill.

        As they close: together, one that fails is set aside. Of one customer one after the other,
        for a later period may go on with the hours that an earlier one has left.

        :param str how: the method that does it
        """
        for rest in self._assist_by_language():
            while rest:
                first = rest.browse().concat(
                    *(of_one[:1] for of_one in rest.grouped('association_id').values())
                )
                first._close_in_parts(now, how)
                rest -= first

    def _bill_supplementary(self, outcomes, prepare, now):
        """Make supplementary bills, all or none.

        :param list outcomes: what each is to charge
        :param str prepare: the method of a cycle that returns the values of the invoice
        """
        with remembering(self.env, CODE, FROZEN):
            moves = self._make_supplementary(outcomes, prepare, now)
            if moves:
                self._process_moves(moves)

    def _make_supplementary(self, outcomes, prepare, now):
        """Make supplementary bills, not posted yet, and keep what they charge; return them."""
        # Until all of it is billed nobody commits.
        with watched_commits(self.env.cr, lambda: False):
            with remembering(self.env):
                vals_list = [
                    getattr(outcome.cycle, prepare)(outcome, now)
                    for outcome in outcomes
                    if outcome.total
                ]
            moves, _none = self._create_moves(vals_list)
            self._keep_details(outcomes, moves.grouped('assist_origin_cycle_id'))
            self._stamp_sessions(outcomes)
            self._close_succeeded()
        return moves

    # === CLOSED WITHOUT A BILL === #

    # Nobody has seen a bill of these cycles, so they can simply open again: for sessions that
    # come in later, and for prices applied to them. The run then closes them as any other.

    @api.model
    def _get_unbilled_sql(self, cycle):
        """Return the SQL condition that nobody has seen a bill of `cycle`, though it has closed.

        Not of a cycle that had a bill, or whose late sessions another bill has carried: what was
        billed of it stands, and the rest is billed as late.

        :param SQL cycle: alias of the cycle in the query
        """
        return SQL(
            """
            (%(cycle)s.state = 'closed' AND %(cycle)s.move_id IS NULL
             AND NOT EXISTS (
                 SELECT 1 FROM account_move um WHERE um.assist_origin_cycle_id = %(cycle)s.id
             )
             AND NOT EXISTS (
                 SELECT 1 FROM assist_billing_cycle_prior up
                  WHERE up.origin_cycle_id = %(cycle)s.id
                    AND (up.cycle_id != %(cycle)s.id OR up.move_id IS NOT NULL OR up.amount != 0)
             ))
            """,
            cycle=cycle,
        )

    @api.model
    def _flush_unbilled(self):
        """Store what waits to be stored of that by which a cycle counts as unbilled."""
        self._flush_usage()
        self.env['assist.billing.cycle.prior'].flush_model()
        self.env['account.move'].flush_model(['assist_origin_cycle_id'])

    @api.model
    def _search_unbilled(self, condition):
        """Return the cycles `c` without a bill that meet an SQL condition, oldest first."""
        self._flush_unbilled()
        rows = self.env.execute_query(
            SQL(
                "SELECT c.id FROM assist_billing_cycle c WHERE %s AND %s ORDER BY c.end_at, c.id",
                self._get_unbilled_sql(SQL("c")),
                condition,
            )
        )
        return self.browse(row[0] for row in rows)

    # === OPENING AGAIN === #

    @api.model
    def _reopen_next_unbilled(self):
        """Lock and open again the next such cycles, a batch at most; return them."""
        self._flush_unbilled()
        self.env['assist.billing.association'].flush_model(['state'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.id FROM assist_billing_cycle c
                  JOIN assist_billing_association a ON a.id = c.association_id
                 WHERE %(unbilled)s AND a.state != 'on_hold' AND EXISTS (
                       SELECT 1 FROM assist_session s
                        WHERE s.association_id = c.association_id AND s.state = 'to_bill'
                          AND s.cycle_id IS NULL
                          AND s.ended_at >= c.start_at AND s.ended_at < c.end_at
                 )
              ORDER BY c.end_at, c.id
                 LIMIT %(limit)s
            FOR UPDATE OF c SKIP LOCKED
                """,
                unbilled=self._get_unbilled_sql(SQL("c")),
                limit=self._get_batch_size(),
            )
        )
        cycles = self.browse(row[0] for row in rows)
        cycles._reopen()
        return cycles

    def _reopen(self):
        """Open these locked cycles again, which closed without a bill.

        All they hold is let go, sessions and days of devices, and is rated anew by the next run.
        """
        if not self:
            return
        # Late sessions of earlier cycles that came to nothing here are late again.
        self.prior_ids.unlink()
        self.device_ids.unlink()
        self.part_ids.unlink()
        self._forget_unbilled_fees()
        sessions = self._release_sessions()
        self.write(
            {
                **self._prepare_state_vals('open'),
                'reopened_at': fields.Datetime.now(),
                'closed_at': False,
                **dict.fromkeys(
                    (
                        'session_count',
                        'session_seconds',
                        'billed_quantity',
                        'device_quantity',
                        'usage_amount',
                    ),
                    0,
                ),
            }
        )
        # They may be somebody else's by now: as long as they counted as billed they stayed.
        sessions._resolve()

    def _release_sessions(self):
        """Take the stamp off the sessions billed by these cycles, in one statement."""
        sessions = self.env['assist.session']
        sessions.flush_model()
        stamped = SQL("s.cycle_id IN %s AND s.state = 'billed'", tuple(self.ids))
        rows = self.env.execute_query(SQL("SELECT s.id FROM assist_session s WHERE %s", stamped))
        sessions._assist_set_state(
            'to_bill',
            stamped,
            {
                **dict.fromkeys(('cycle_id', 'merged_into_id', 'prior_id'), SQL("NULL")),
                'billed_seconds': 0,
                'write_uid': self.env.uid,
                'write_date': SQL("NOW() AT TIME ZONE 'UTC'"),
            },
        )
        sessions = sessions.browse(row[0] for row in rows)
        self.env['assist.session'].invalidate_model(FORGOTTEN)
        self.invalidate_recordset(['session_ids'])
        sessions.modified(FORGOTTEN)
        return sessions
