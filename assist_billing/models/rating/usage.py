import json
import marshal
from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from itertools import repeat

from odoo import api, models
from odoo.tools import SQL

from ...rules import rating
from ...utils.remembering import FROZEN, remembered, remembering


@dataclass
class LateUsage:
    """Sessions of an earlier cycle that came in late, and what they add to its bill."""

    origin: models.Model
    session_ids: tuple
    lines: tuple
    shares: tuple
    # With a rate card: what the statement says of each, quantity and amount included.
    parts: tuple = ()


@dataclass
class Outcome:
    """What one bill charges: a cycle's rating, fees, late sessions, the days of its devices.

    Without a rating of its own, the bill is one for late sessions, or fees, of `cycle` alone.
    """

    cycle: models.Model
    rating: rating.Rating | None
    late: list = field(default_factory=list)
    devices: list = field(default_factory=list)
    # As `FeeShare`s.
    fees: list = field(default_factory=list)

    @property
    def lines(self):
        """The lines of the bill in order, each with the cycle it is about.

        That is another one for fees in advance, and for late sessions (`prior`).
        """
        own = self.rating.lines if self.rating else ()
        return [
            *((line, self.cycle) for line in own),
            *((share.line, share.cycle) for share in self.fees if share.line.quantity),
            *((line, late.origin) for late in self.late for line in late.lines),
        ]

    @property
    def charged(self):
        """What is charged, each once: (charge, the cycle it is about).

        A charge with another product than the plan's is a pair of itself and that product's ID.
        """
        return {
            (
                (line.charge, line.group.product)
                if line.group and line.group.product
                else line.charge,
                cycle,
            )
            for line, cycle in self.lines
        }

    @property
    def total(self):
        return sum(line.amount for line, _cycle in self.lines)

    @property
    def shares(self):
        """The sessions to be stamped: own ones, then late ones."""
        own = self.rating.sessions if self.rating else ()
        return [*own, *(share for late in self.late for share in late.shares)]

    @property
    def session_count(self):
        """How many sessions are stamped; it splits nothing over them."""
        return len(self.rating.sessions if self.rating else ()) + sum(
            len(late.shares) for late in self.late
        )

    @property
    def parts(self):
        """The parts to be kept, each with the cycle whose terms rated it."""
        own = [(part, self.cycle) for part in self.rating.kept_parts] if self.rating else []
        return own + [(part, late.origin) for late in self.late for part in late.parts]


def subtract_spans(spans, holes):
    """Return half-open date spans without the days of `holes`, both lists of (from, to)."""
    for hole_from, hole_to in holes:
        spans = [
            part
            for span_from, span_to in spans
            for part in (
                (span_from, min(span_to, hole_from)),
                (max(span_from, hole_to), span_to),
            )
            if part[0] < part[1]
        ]
    return spans


def as_decimal(amount):
    """Return a stored amount as the decimal it prints as."""
    return Decimal(str(amount))


class AssistBillingCycle(models.Model):
    """What was used in a cycle, and how it rates. Nothing here writes."""

    _inherit = 'assist.billing.cycle'

    # === RATING === #

    def _get_outcomes(self):
        """Return what these cycles would bill now, as a dict of cycle -> Outcome.

        The sessions of all are read in one query, those that came in late in another, if there are
        any; a cycle to bill again is rated with exactly the sessions and device days kept for it.
        """
        outcomes = {}
        with remembering(self.env):
            self._fetch_terms()
            sessions, late = self._read_usage()
            devices = self._read_device_days()
            fees = self._get_fee_shares()
            for cycle in self:
                charged = fees.get(cycle, [])
                rated = cycle._with_fee_hours(charged)
                outcomes[cycle] = Outcome(
                    cycle=cycle,
                    rating=rated._rate(sessions[cycle.id], devices[cycle.id]),
                    late=cycle._rate_late(late.get(cycle.id)),
                    devices=devices[cycle.id],
                    fees=charged,
                )
        return outcomes

    def _get_late_outcomes(self):
        """Return what bills for late sessions alone would charge: for each closed cycle its own."""
        return [
            Outcome(cycle=cycle, rating=None, late=cycle._rate_late(cycle._read_waiting_sessions()))
            for cycle in self
        ]

    def _get_accrued_amounts(self):
        """Return the untaxed amount each cycle would bill if it closed now: cycle -> float."""
        return {cycle: float(outcome.total) for cycle, outcome in self._get_outcomes().items()}

    def _get_terms(self):
        """Return the frozen terms as the rating rules want them, with the hours of its fees.

        A cycle without one day of service owes no minimum.
        """
        self.ensure_one()
        terms = self._get_frozen_terms()
        if 'fees' in self._read_terms():
            terms = replace(terms, fee_hours=self._get_fee_hours())
        suspended = self._get_suspended_spans()
        if suspended and not subtract_spans([(self.date_start, self.date_end)], suspended):
            terms = replace(terms, minimum_charge=0)
        return terms if terms.rollover == 'none' else self._add_rollover(terms)

    # One that is not stored has no key of its own.
    @remembered(lambda cycle: cycle.id or repr(cycle._read_terms()), FROZEN)
    def _get_frozen_terms(self):
        """Return the terms this cycle opened with, whatever became of it since."""
        self.ensure_one()
        return self._make_terms()

    # As bytes they are written in a third of the time that text takes; in the second version, which
    # does not note what is named twice, equal ones are the same.
    @remembered(lambda cycle: marshal.dumps(cycle._read_terms(), 2), FROZEN)
    def _make_terms(self):
        """Return these terms; the same object for all cycles that have the same."""
        return self._get_terms_class().from_dict(self._read_terms())

    def _read_terms(self):
        """Return the terms as they are kept: to be read only. Odoo copies what is asked of it."""
        self.ensure_one()
        terms = self._cache.get('terms')
        return self.terms if terms is None else terms

    def _fetch_terms(self):
        """Read the terms of these cycles; those that are alike, as most are, are decoded once."""
        column = self._fields['terms']
        missing = list(filter(None, column._cache_missing_ids(self)))  # a new one has no id
        if not missing:
            return
        self.flush_model(['terms'])
        rows = self.env.execute_query(
            SQL(
                "SELECT terms::text, array_agg(id) FROM assist_billing_cycle"
                " WHERE id = ANY(%s) GROUP BY terms::text",
                missing,
            )
        )
        for text, ids in rows:
            column._insert_cache(self.browse(ids), repeat(json.loads(text)))

    @api.model
    def _get_terms_class(self):
        """Return the class of terms, `rules.rating.Terms`; an add-on's rules are a subclass."""
        return rating.Terms

    @remembered(lambda cycle: cycle.id or repr(cycle))
    def _get_suspended_spans(self):
        """Return the time without service as half-open spans of local dates.

        A period whose fees were charged in advance lasts a day even if the end came before it.
        """
        self.ensure_one()
        spans = self.association_id._get_suspended_spans()
        end_date = self.association_id.end_date
        if end_date and end_date < self.date_end and self.fee_ids:
            spans.append((end_date, date.max))
        return spans

    def _rate(self, sessions, devices=()):
        """Rate `sessions` and `devices` of this cycle by its frozen terms.

        :param sessions: list of `rules.rating.Session`
        :param devices: list of `rules.rating.Device`
        """
        self.ensure_one()
        return rating.rate(self._get_terms(), self._get_rated_period(), sessions, devices)

    def _get_rated_period(self):
        """Return first day, day after the last, and days it would have uncut: see `rating.rate`."""
        self.ensure_one()
        return self.date_start, self.date_end, (self.whole_date_end - self.date_start).days

    def _rate_late(self, late_by_origin):
        """Rate earlier cycles again with their late sessions; return a list of LateUsage."""
        if not late_by_origin:
            return []
        origins = self.browse(late_by_origin).sorted('date_start')
        billed = origins._read_billed_sessions()
        result = []
        for origin in origins:
            late = late_by_origin[origin.id]
            before = origin._rate(billed[origin.id])
            again = origin._rate(billed[origin.id] + late)
            ids = tuple(session.id for session in late)
            lines = rating.late_charges(origin._get_billed_usage(exclude=self), again, before, ids)
            shares = rating.late_shares(again, before, ids)
            parts = rating.split_late_parts(again, lines, shares) if again.groups else ()
            result.append(LateUsage(origin, ids, lines, shares, parts))
        return result

    def _get_billed_usage(self, exclude):
        """Return what is billed for this cycle's usage so far, on its own bill and later ones.

        :param exclude: cycle whose bill is being made (again) and so does not count
        """
        self.ensure_one()
        priors = self.env['assist.billing.cycle.prior'].search(
            [
                ('origin_cycle_id', '=', self.id),
                ('cycle_id', '!=', exclude.id if exclude != self else False),
                # Bills of their own for late sessions stand, whatever became of the cycle's bill.
                '|',
                ('cycle_id.state', '=', 'closed'),
                ('cycle_id', '=', self.id),
            ]
        )
        return as_decimal(self.usage_amount) + sum(as_decimal(prior.amount) for prior in priors)

    # === SESSIONS === #

    def _read_usage(self):
        """Return the sessions to rate, and the late ones, of which most cycles have none.

        :return: two dicts, as of `_read_sessions_where` and of `_read_late_sessions`
        """
        sessions, with_earlier = defaultdict(list), set()
        found = self._find_sessions(self._get_own_or_free_sql(), 'to_bill')
        for cycle_id, is_earlier, session in found:
            if is_earlier:
                with_earlier.add(cycle_id)
            else:
                sessions[cycle_id].append(session)
        return sessions, self.browse(with_earlier)._read_late_sessions() if with_earlier else {}

    @api.model
    def _get_own_or_free_sql(self):
        """Return the condition for sessions `s` to bill that a cycle `c` would bill."""
        return SQL("(s.cycle_id = c.id OR c.state = 'open' AND s.cycle_id IS NULL)")

    def _read_billed_sessions(self):
        """Return the billed sessions that ended in these cycles, on whatever bill they are."""
        return self._read_sessions_where(SQL("s.cycle_id IS NOT NULL"))

    def _read_waiting_sessions(self):
        """Return sessions that ended in these cycles and that no bill carries yet."""
        return self._read_sessions_where(SQL("s.cycle_id IS NULL"), 'to_bill')

    def _read_sessions_where(self, condition, state='billed'):
        """Return sessions that ended in these cycles, of a state, as `_find_sessions` finds them.

        :return: dict of cycle id -> list of `rules.rating.Session`
        """
        sessions = defaultdict(list)
        in_cycle = SQL("s.ended_at >= c.start_at AND %s", condition)
        for cycle_id, _is_earlier, session in self._find_sessions(in_cycle, state):
            sessions[cycle_id].append(session)
        return sessions

    def _find_sessions(self, condition, state):
        """Yield sessions `s` of a state that ended before the end of these cycles `c`.

        Cycle by cycle, each by an index: for all customers together PostgreSQL would read every
        session that waits to be billed, for each batch. Of the state nothing is said inside: how
        many wait changes faster than the statistics, and that index could be taken for the better.

        :param SQL condition: on the cycle that `s` is of; it must be such that an index serves it
        :return: the cycle's id, whether it ended before the cycle began, `rules.rating.Session`
        """
        self._flush_usage()
        columns, make = self._get_session_reader()
        # It is taken for so long that it would be compiled first, which takes longer.
        self.env.cr.execute("SET LOCAL jit = off")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.id, s.ended_at < c.start_at, %(columns)s
                  FROM assist_billing_cycle c
                  JOIN LATERAL (
                      SELECT * FROM assist_session s
                       WHERE s.association_id = c.association_id AND s.ended_at < c.end_at
                         AND %(condition)s
                      OFFSET 0
                  ) s ON s.state = %(state)s
                 WHERE c.id IN %(cycles)s
                """,
                columns=columns,
                cycles=tuple(self.ids) or (0,),
                condition=condition,
                state=state,
            )
        )
        for cycle_id, is_earlier, *values in rows:
            yield cycle_id, is_earlier, make(values)

    def _read_late_sessions(self):
        """Return late sessions: a dict of cycle id -> own cycle's id -> list of sessions.

        Late is what ended before these cycles and is not billed, though its own cycle is done
        with. One whose own cycle is to be billed again waits for that decision; one whose own
        cycle closed without a bill is billed by that cycle itself; one whose own cycle is in
        another currency gets a bill of its own.
        """
        self._flush_usage()
        columns, make = self._get_session_reader()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.id, o.id, %(columns)s
                  FROM assist_billing_cycle c
                  JOIN assist_session s
                    ON s.association_id = c.association_id AND s.ended_at < c.start_at
                   AND s.state = 'to_bill' AND %(own_or_free)s
                  JOIN assist_billing_cycle o
                    ON o.association_id = c.association_id AND o.state IN ('closed', 'waived')
                   AND o.currency_id = c.currency_id
                   AND s.ended_at >= o.start_at AND s.ended_at < o.end_at
                   AND NOT %(unbilled)s
                 WHERE c.id IN %(cycles)s
                """,
                columns=columns,
                own_or_free=self._get_own_or_free_sql(),
                unbilled=self._get_unbilled_sql(SQL("o")),
                cycles=tuple(self.ids) or (0,),
            )
        )
        late = defaultdict(lambda: defaultdict(list))
        for cycle_id, origin_id, *values in rows:
            late[cycle_id][origin_id].append(make(values))
        return late

    @api.model
    def _get_session_columns(self):
        """Return what the rating is given of a session `s`: a dict of field name -> SQL.

        The fields are those of `_get_session_class`; extend both to read more.
        """
        return {
            'id': SQL("s.id"),
            'start': SQL("s.started_at"),
            'end': SQL("s.ended_at"),
            'customer': SQL("s.partner_id"),
            'technician': SQL("s.technician_id"),
            'device': SQL("s.device_id"),
            'kind': SQL("s.kind"),
            'grade': SQL("s.grade_id"),
        }

    @api.model
    def _get_session_class(self):
        """Return what a session is to the rating, `rules.rating.Session` or a subclass."""
        return rating.Session

    @api.model
    def _get_session_reader(self):
        """Return the SQL of the columns of a session `s`, and what makes a session of their values.

        :return: (SQL, function of a list of values that returns a `rules.rating.Session`)
        """
        columns, session_class = self._get_session_columns(), self._get_session_class()
        names = tuple(columns)
        if names == tuple(each.name for each in fields(session_class))[: len(names)]:
            return SQL(", ").join(columns.values()), lambda values: session_class(*values)

        def make(values):
            return session_class(**dict(zip(names, values, strict=True)))

        return SQL(", ").join(columns.values()), make

    def _flush_usage(self):
        self.flush_model()
        self.env['assist.session'].flush_model()

    # === DEVICES === #

    def _read_device_days(self):
        """Return the days of devices: a dict of cycle id -> list of `rules.rating.Device`.

        A device counts for the nearest association above its contact on each day, without the
        days on which that one is suspended or that another customer was billed for.
        """
        days = defaultdict(list)
        kept = self.filtered(lambda cycle: cycle.state != 'open')
        for cycle in kept:
            for device, rows in cycle.device_ids.grouped('device_id').items():
                spans = tuple((row.date_from, row.date_to) for row in rows)
                days[cycle.id].append(rating.Device(device.id, spans))
        charged = (self - kept).filtered(
            lambda cycle: (
                cycle._read_terms()['charge_devices'] or cycle._counts_devices_for_fees()
            )
        )
        if charged:
            charged._read_live_device_days(days)
        return days

    def _read_live_device_days(self, days):
        """Add the device days of open cycles to `days`."""
        found = self._read_devices_below()
        holes = self._read_device_holes(found)
        for cycle in self:
            suspended = cycle._get_suspended_spans()
            for device_id, enrolled_on, removed_on, *_contacts in found[cycle.id]:
                span = (
                    max(enrolled_on, cycle.date_start),
                    min(removed_on or date.max, cycle.date_end),
                )
                spans = subtract_spans(
                    [span] if span[0] < span[1] else [],
                    holes[cycle.id, device_id] + suspended,
                )
                if spans:
                    days[cycle.id].append(rating.Device(device_id, tuple(spans)))

    def _read_devices_below(self):
        """Return devices of each cycle's customer and the contacts below him.

        :return: dict of cycle id -> list of (device id, enrolled on, removed on, its contact's id,
            the customer's id)
        """
        self.env['assist.device'].flush_model()
        self.env['assist.device.absence'].flush_model()
        self.env['res.partner'].flush_model(['parent_id'])
        self._flush_usage()
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE below AS (
                    SELECT c.id AS cycle_id, a.partner_id, a.partner_id AS top
                      FROM assist_billing_cycle c
                      JOIN assist_billing_association a ON a.id = c.association_id
                     WHERE c.id IN %s
                     UNION
                    SELECT b.cycle_id, p.id, b.top
                      FROM below b JOIN res_partner p ON p.parent_id = b.partner_id
                )
                SELECT c.id, d.id, d.enrolled_on, d.removed_on, b.partner_id, b.top
                  FROM below b
                  JOIN assist_billing_cycle c ON c.id = b.cycle_id
                  JOIN LATERAL (
                      -- Contact by contact: to find those of a few, all there are are not read.
                      SELECT id, enrolled_on, removed_on FROM assist_device
                       WHERE partner_id = b.partner_id AND company_id = c.company_id
                         AND enrolled_on < c.date_end
                         AND (removed_on IS NULL OR removed_on > c.date_start)
                      OFFSET 0
                  ) d ON TRUE
              ORDER BY c.id, d.id
                """,
                tuple(self.ids),
            )
        )
        found = defaultdict(list)
        for cycle_id, *values in rows:
            found[cycle_id].append(values)
        return found

    def _read_device_holes(self, found):
        """Return the days on which devices were not there, or belong to another customer.

        :return: dict of (cycle id, device id) -> list of spans
        """
        holes = defaultdict(list)
        pairs = sorted({(cycle_id, row[0]) for cycle_id, rows in found.items() for row in rows})
        if not pairs:
            return holes
        # Of whoever is below the customer: others may come between.
        below = sorted(
            {
                (cycle_id, device_id, contact_id, customer_id)
                for cycle_id, rows in found.items()
                for device_id, _from, _to, contact_id, customer_id in rows
                if contact_id != customer_id
            }
        )
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE pair AS (
                    SELECT * FROM unnest(%s, %s) AS t (cycle_id, device_id)
                ), chain AS (
                    SELECT * FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[])
                           AS t (cycle_id, device_id, partner_id, top)
                     UNION
                    SELECT h.cycle_id, h.device_id, p.parent_id, h.top
                      FROM chain h
                      JOIN res_partner p ON p.id = h.partner_id
                     WHERE p.parent_id IS NOT NULL AND p.parent_id != h.top
                )
                SELECT h.cycle_id, h.device_id, n.start_date,
                       COALESCE(n.end_date, DATE '9999-12-31')
                  FROM chain h
                  JOIN assist_billing_cycle c ON c.id = h.cycle_id
                  JOIN assist_billing_association n
                    ON n.partner_id = h.partner_id AND n.company_id = c.company_id
                   AND n.start_date < c.date_end
                   AND (n.end_date IS NULL OR n.end_date > c.date_start)
                 UNION ALL
                SELECT q.cycle_id, q.device_id, x.date_from, x.date_to
                  FROM pair q
                  JOIN assist_billing_cycle c ON c.id = q.cycle_id
                  JOIN LATERAL (
                        -- Device by device: all that was ever billed is not read.
                        SELECT * FROM assist_billing_cycle_device
                         WHERE device_id = q.device_id
                           AND date_from < c.date_end AND date_to > c.date_start
                        OFFSET 0
                       ) x ON x.association_id != c.association_id
                 UNION ALL
                SELECT q.cycle_id, q.device_id, g.date_from, g.date_to
                  FROM pair q
                  JOIN assist_device_absence g ON g.device_id = q.device_id
                """,
                *(list(column) for column in zip(*pairs, strict=True)),
                *([row[place] for row in below] for place in range(4)),
            )
        )
        for cycle_id, device_id, date_from, date_to in rows:
            holes[cycle_id, device_id].append((date_from, date_to))
        return holes
