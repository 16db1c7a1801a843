import csv
import io
from collections import Counter, defaultdict
from datetime import timedelta
from fractions import Fraction

from babel.dates import format_skeleton, get_month_names

from odoo import api, fields, models
from odoo.tools import SQL, babel_locale_parse, format_date, format_time, get_lang

from ...rules import cycles, rating
from ...rules.fees import FeeGroup
from ...rules.shapes import ONE, ZERO, round_half_up
from ...sources.cells import inert_cell
from ...utils.checks import count_digits
from ..invoice.account_move_line import PRINTED_DIGITS
from ..rating.usage import LateUsage, as_decimal
from .shapes import (
    Statement,
    StatementBar,
    StatementDevice,
    StatementLine,
    StatementRow,
    StatementSection,
)

# More bars than this are too thin to read: then each is a week, then a month.
MOST_BARS = 62


class AssistBillingStatement(models.AbstractModel):
    """Statements: each session and device of a cycle, and how they make its bill.

    Nothing here writes, and the internal note of a session is never read.
    """

    _name = 'assist.billing.statement'
    _description = "Statement of a Remote Support Bill"

    # === STATEMENT === #

    @api.model
    def _get_statement(self, cycle):
        """Return the Statement of a cycle; of one not billed yet, as it would be now.

        A closed cycle is rated again from its frozen terms, the sessions stamped with it and the
        device days kept, so that rows add up to the lines of its bill exactly.
        """
        # sudo: who may see the bill or the cycle may see what it is made of, even without the right
        # to read technicians, devices and sessions (the portal)
        return self.sudo()._make_statement(cycle.sudo())

    @api.model
    def _get_late_statement(self, cycle, bill):
        """Return the Statement of a supplementary bill for late sessions of `cycle`."""
        # sudo: as for the statement of a bill
        return self.sudo()._make_late_statement(cycle.sudo(), bill.sudo())

    def _make_statement(self, cycle):
        cycle.ensure_one()
        rated, late, fees = self._get_rating(cycle)
        lines = self._get_lines(cycle, rated, late, cycle.move_id, fees)
        own = self._get_own_sections(cycle, rated, lines)
        return Statement(
            cycle=cycle,
            bill=cycle.move_id,
            terms=cycle._get_terms(),
            sections=own + self._get_late_sections(cycle, late, lines),
            devices=self._get_devices(cycle, rated, lines),
            lines=lines,
            no_charge=self._get_no_charge_rows(cycle),
            bars=self._get_bars(cycle, [row for section in own for row in section.rows]),
        )

    def _make_late_statement(self, cycle, bill):
        priors = cycle.prior_ids.filtered(lambda prior: prior.move_id == bill)
        late = self._get_billed_late(priors)
        lines = self._get_lines(cycle, None, late, bill)
        return Statement(
            cycle=cycle,
            bill=bill,
            terms=cycle._get_terms(),
            sections=self._get_late_sections(cycle, late, lines),
            lines=lines,
        )

    def _get_rating(self, cycle):
        """Return the rating (None if waived), late sessions and fees of a cycle's bill.

        :return: `rules.rating.Rating`, a list of LateUsage, and one of FeeShare
        """
        if cycle.state in ('open', 'to_rebill'):
            outcome = cycle._get_outcomes()[cycle]
            return outcome.rating, outcome.late, outcome.fees
        late = self._get_billed_late(cycle.prior_ids.filtered(lambda prior: not prior.move_id))
        if cycle.state == 'waived':
            return None, late, []
        sessions = cycle._read_sessions_where(SQL("s.cycle_id = c.id AND s.prior_id IS NULL"))
        devices = cycle._read_device_days()
        fees = cycle._get_fee_shares().get(cycle, [])
        return cycle._rate(sessions[cycle.id], devices[cycle.id]), late, fees

    def _get_billed_late(self, priors):
        """Return late sessions as they were billed, as a list of LateUsage."""
        late = []
        ordered = priors.sorted(lambda prior: (prior.origin_cycle_id.date_start, prior.id))
        for origin, found in ordered.grouped('origin_cycle_id').items():
            lines = tuple(
                rating.Line(
                    'prior',
                    *(as_decimal(prior[name]) for name in ('quantity', 'price', 'amount')),
                    prior._get_group(),
                )
                for prior in found
                if prior.quantity
            )
            sessions = found.session_ids
            shares = tuple(self._get_late_share(origin, session) for session in sessions)
            parts = self._get_late_parts(origin, sessions) if origin._is_by_parts() else ()
            late.append(LateUsage(origin, tuple(sessions.ids), lines, shares, parts))
        return late

    def _get_late_parts(self, origin, sessions):
        """Return the parts of late sessions that ended in `origin`, as they were billed."""
        card = rating.get_card(origin._get_frozen_terms())
        parts = self.env['assist.session.part'].search([('session_id', 'in', sessions.ids)])
        counts = Counter(part.session_id for part in parts)
        return tuple(
            card.make_part({**part._get_share_vals(), 'is_cut': counts[part.session_id] > 1})
            for part in parts
        )

    # === LINES === #

    def _get_lines(self, cycle, rated, late, bill, fees=()):
        """Return the usage lines as a list of StatementLine, in the order they are printed.

        Price and amount are those that `bill` prints, if there is one: a fiscal position may have
        taken an included tax out of the price, and amounts are printed with taxes or without.
        """
        charged = [(line, cycle) for line in (rated.lines if rated else ())]
        charged += [(share.line, share.cycle) for share in fees if share.line.quantity]
        charged += [(line, usage.origin) for usage in late for line in usage.lines]
        printed = defaultdict(list)
        for line in bill.invoice_line_ids.sorted(lambda line: (line.sequence, line.id)):
            printed[line.assist_charge].append(line)
        # The lines of a credit note are turned round.
        sign = bill._assist_get_sign()
        lines = []
        for line, origin in charged:
            price, amount = line.price, line.amount
            if found := self._take_printed(printed[line.charge], sign * line.quantity):
                price, amount = self._get_printed_amounts(cycle, found, sign * line.quantity)
                amount *= sign
            terms = origin._get_frozen_terms()
            lines.append(
                StatementLine(
                    line.charge,
                    # The period stands above; that of late sessions is another one.
                    self._get_charge_label(line.charge, origin, line.group, line.price),
                    line.quantity,
                    price,
                    amount,
                    group=line.group,
                    quantity_digits=terms.quantity_digits,
                    price_digits=max(terms.price_digits, count_digits(price)),
                )
            )
        return lines

    def _take_printed(self, printed, quantity):
        """Take an invoice line out of those of a charge: the first of that quantity, else any."""
        if not printed:
            return None
        same = (i for i, line in enumerate(printed) if as_decimal(line.quantity) == quantity)
        return printed.pop(next(same, 0))

    def _get_charge_label(self, charge, origin, group=None, price=None):
        """Return what a line charges, in the language of the context."""
        if isinstance(group, FeeGroup):
            return self._get_fee_label(charge, origin, group)
        labels = {
            'session': self.env._("Sessions"),
            'hour': self.env._("Hours"),
            'base_fee': self.env._("Base fee per session"),
            'device': self.env._("Unattended devices"),
            'cap': self.env._("Reduction to the maximum charge"),
            'minimum': self.env._("Top-up to the minimum charge"),
        }
        label = labels.get(charge) or self.env._(
            "Received late, for %(period)s", period=origin._format_period()
        )
        about = origin._describe_group(group, price)
        return f"{label} – {about}" if about else label

    def _get_fee_label(self, charge, origin, group):
        """Return what a fee is, and the days it is for, in the language of the context."""
        product = self.env['product.product'].browse(group.product).exists()
        label = origin.with_env(self.env)._get_fee_label(charge, product, group)
        return f"{label}, {origin.with_env(self.env)._format_period()}"

    def _get_printed_amounts(self, cycle, line, quantity):
        """Return price and amount of an invoice line as its document prints them.

        Where an amount with taxes stands beside a price without, the price is given with them too:
        quantity x price is the amount.
        """
        with_taxes = line.move_id.company_price_include == 'tax_included'
        amount = as_decimal(line.price_total if with_taxes else line.price_subtotal)
        rounding, step = self._get_rounding(cycle), ONE.scaleb(-PRINTED_DIGITS)
        amount = round_half_up(amount, rounding)
        price = round_half_up(as_decimal(line.price_unit), step)
        if round_half_up(quantity * price, rounding) != amount:
            price = round_half_up(Fraction(amount) / Fraction(quantity), step)
        return price, amount

    def _get_rounding(self, cycle):
        return cycle._get_frozen_terms().currency_rounding

    def _fit(self, cycle, amounts, total):
        """Return `amounts` such that they make `total`, in proportion to what they are."""
        if sum(amounts) == total:
            return amounts
        weights = [Fraction(amount) for amount in amounts]
        return rating.split_somehow(total, self._get_rounding(cycle), weights)

    # === SESSIONS === #

    def _get_own_sections(self, cycle, rated, lines):
        """Return the sections of the cycle's own sessions, one for each price; empty without any.

        Sessions without a charge of their own stand with those they are counted with.
        """
        if not rated or not rated.sessions:
            return []
        fees = [share.base_fee for share in rated.sessions]
        fee = next((line for line in lines if line.charge == 'base_fee'), None)
        fees = self._fit(cycle, fees, fee.amount) if fee else fees
        fees = dict(zip((share.id for share in rated.sessions), fees, strict=True))
        if not rated.groups:
            usage = rated.get_line('session', 'hour')
            return [self._get_section(cycle, usage, rated.sessions, rated.included, lines, fees)]
        homes = {}
        for group in rated.groups:
            for part in sorted(group.parts, key=lambda part: part.start):
                homes.setdefault(part.id, group)
        sections = []
        for group in rated.groups:
            rows = list(group.parts)
            rows += [
                share
                for share in rated.sessions
                if share.reason and homes.get(share.merged_into, rated.groups[0]) is group
            ]
            # The fee of a session stands with the first of its parts.
            own = {key: fees[key] for key, home in homes.items() if home is group}
            sections.append(self._get_section(cycle, group.line, rows, group.included, lines, own))
        return sections

    def _get_section(self, cycle, usage, rows, included, lines, fees):
        """Return the section of a usage line.

        :param usage: the line as it was rated
        :param rows: shares of sessions, or of parts of them
        :param included: what is included in it, as it was rated
        :param fees: id of a session -> its base fee, of those that are shown here
        """
        line = next(
            (
                line
                for line in lines
                if line.charge == usage.charge
                and line.group == usage.group
                and line.quantity == usage.quantity
            ),
            None,
        )
        gross = sum((share.amount for share in rows), ZERO)
        if line and line.amount != usage.amount:
            # The bill prints it in another tax mode than it was rated in.
            ratio = (
                Fraction(line.amount) / Fraction(usage.amount)
                if usage.amount
                else Fraction(line.price) / Fraction(usage.price or ONE)
            )
            gross = round_half_up(Fraction(gross) * ratio, self._get_rounding(cycle))
            included = rating.Included(included.quantity, line.amount - gross)
        amounts = self._fit(cycle, [share.amount for share in rows], gross)
        values, shown = [], set()
        for share, amount in zip(rows, amounts, strict=True):
            fee = ZERO if share.id in shown else fees.get(share.id, ZERO)
            shown.add(share.id)
            values.append((share, {'quantity': share.quantity, 'amount': amount, 'base_fee': fee}))
        label = cycle._describe_group(usage.group, usage.price)
        return StatementSection(cycle, self._get_rows(cycle, values), line, included, label=label)

    def _get_late_sections(self, cycle, late, lines):
        """Return sections for each earlier period of which sessions came in late."""
        prior_lines = iter([line for line in lines if line.charge == 'prior'])
        sections = []
        for usage in late:
            printed = [next(prior_lines) for _line in usage.lines]
            if usage.parts:
                sections += self._get_late_part_sections(cycle, usage, printed)
                continue
            charged = usage.lines[0] if usage.lines else None
            line = printed[0] if printed else None
            terms = usage.origin._get_frozen_terms()
            quantities = rating.split_late_quantity(terms, charged, usage.shares)
            amounts = rating.split_late_amount(terms, line.amount if line else ZERO, usage.shares)
            rows = self._get_rows(
                cycle,
                [
                    (share, {'quantity': quantity, 'amount': amount})
                    for share, quantity, amount in zip(
                        usage.shares, quantities, amounts, strict=True
                    )
                ],
            )
            sections.append(StatementSection(usage.origin, rows, line, is_late=True))
        return sections

    def _get_late_part_sections(self, cycle, usage, printed):
        """Return the sections of one earlier period with a rate card.

        :param printed: its lines as the bill prints them
        """
        whole = len(printed) == 1 and printed[0].group is None
        taken, sections = set(), []
        for charged, line in zip(usage.lines, printed, strict=True):
            parts = [
                part
                for part in usage.parts
                if whole or (part.group, part.price) == (charged.group, charged.price)
            ]
            taken.update(map(id, parts))
            amounts = self._fit(cycle, [part.amount for part in parts], line.amount)
            sections.append((charged, line, list(zip(parts, amounts, strict=True))))
        rest = [(part, part.amount) for part in usage.parts if id(part) not in taken]
        rest += [(share, ZERO) for share in usage.shares if share.reason]
        if rest and sections:
            sections[0][2].extend(rest)
        elif rest:
            sections.append((None, None, rest))
        return [
            StatementSection(
                usage.origin,
                self._get_rows(
                    cycle,
                    [
                        (share, {'quantity': share.quantity, 'amount': amount})
                        for share, amount in rows
                    ],
                ),
                line,
                is_late=True,
                label=usage.origin._describe_group(charged.group, charged.price) if charged else "",
            )
            for charged, line, rows in sections
        ]

    # === DEVICES === #

    def _get_devices(self, cycle, rated, lines):
        """Return the devices and their parts of the device line, by name."""
        if not rated:
            return []
        line = next((line for line in lines if line.charge == 'device'), None)
        amounts = [share.amount for share in rated.devices]
        amounts = self._fit(cycle, amounts, line.amount) if line else amounts
        devices = [
            StatementDevice(
                device=self.env['assist.device'].browse(share.id),
                days=share.days,
                spans=share.spans,
                looked_after=self._format_spans(cycle, share.spans),
                quantity=share.quantity,
                amount=amount,
            )
            for share, amount in zip(rated.devices, amounts, strict=True)
        ]
        return sorted(devices, key=lambda row: (row.device.name.casefold(), row.device.id))

    # === ROWS === #

    def _get_late_share(self, origin, session):
        """Return how a late session that ended in `origin` was billed, as the rules gave it."""
        merged_into = session.merged_into_id.id or None
        short = session.duration_seconds < origin._get_frozen_terms().ignore_under_seconds
        return rating.SessionShare(
            id=session.id,
            measured_seconds=session.duration_seconds,
            billed_seconds=session.billed_seconds,
            merged_into=merged_into,
            reason='merged' if merged_into else 'short' if short else None,
        )

    def _get_rows(self, cycle, shares):
        """Return a StatementRow for each share, in the order the sessions began.

        :param shares: list of (share of a session or of a part of one, other values of the row)
        """
        sessions = self.env['assist.session'].browse(share.id for share, _values in shares)
        sessions.fetch(['started_at', 'ended_at', 'name', 'customer_note'])
        rows = [
            self._get_row(
                cycle,
                session,
                measured_seconds=share.measured_seconds,
                billed_seconds=share.billed_seconds,
                remark=self._get_remark(cycle, share),
                span=self._get_part_span(share),
                **values,
            )
            for session, (share, values) in zip(sessions, shares, strict=True)
        ]
        return sorted(rows, key=lambda row: (row.started_at, row.session.id))

    def _get_part_span(self, share):
        """Return from when to when a part was, if its session has others; else None."""
        is_cut = isinstance(share, rating.PartShare) and share.is_cut
        return (share.start, share.end) if is_cut else None

    def _get_row(self, cycle, session, span=None, **values):
        span = span or (session.started_at, session.ended_at)
        start, end = self._get_local_times(cycle, *span)
        return StatementRow(
            session=session,
            started_at=span[0],
            ended_at=span[1],
            day=end.date(),
            date=self._format_day(start),
            time=f"{self._format_time(start)} – {self._format_time(end)}",
            **values,
        )

    def _get_remark(self, cycle, share):
        """Say why a session has no charge of its own; empty if it has."""
        if share.reason == 'short':
            return self.env._("Too short to be billed")
        if share.reason == 'merged':
            head = self.env['assist.session'].browse(share.merged_into)
            own = self.env['assist.session'].browse(share.id)
            [start] = self._get_local_times(cycle, head.started_at)
            time = self._format_time(start)
            [own_start] = self._get_local_times(cycle, own.started_at)
            if start.date() != own_start.date():
                time = f"{self._format_day(start)} {time}"
            return self.env._("Billed together with the session at %(time)s", time=time)
        return ""

    def _get_no_charge_rows(self, cycle):
        """Return the sessions of the cycle that are not billable, with the reason."""
        sessions = self.env['assist.session'].search(
            [
                ('association_id', '=', cycle.association_id.id),
                ('ended_at', '>=', cycle.start_at),
                ('ended_at', '<', cycle.end_at),
                ('state', '=', 'non_billable'),
            ],
            order='started_at, id',
        )
        return [
            self._get_row(
                cycle,
                session,
                measured_seconds=session.duration_seconds,
                remark=session.non_billable_reason or "",
            )
            for session in sessions
        ]

    def _get_local_times(self, cycle, *instants):
        """Return what clocks in the zone of the cycle showed at these instants."""
        return [cycles.local_time(instant, cycle.tz) for instant in instants]

    def _format_day(self, local):
        """Return weekday, day and month of a local instant, as the language writes them."""
        return format_skeleton('MMMEd', local, locale=self._get_locale())

    def _format_time(self, local):
        text = format_time(self.env, local.time(), time_format='short')
        # Fonts of PDFs lack the narrow space that some languages have in there.
        return text.replace('\u202f', '\u00a0')

    def _get_locale(self):
        return babel_locale_parse(get_lang(self.env).code)

    # === CHART === #

    def _get_bars(self, cycle, rows):
        """Return the measured time per day as a list of StatementBar; of long cycles per week.

        :param rows: rows of sessions that ended in the cycle
        """
        if not rows:
            return []
        starts = self._get_bar_starts(cycle)
        seconds = dict.fromkeys(starts, 0)
        for row in rows:
            # In a zone the customer has moved to since, it may have ended the day before.
            start = max((start for start in starts if start <= row.day), default=starts[0])
            seconds[start] += row.measured_seconds
        most = max(seconds.values()) or 1
        return [
            StatementBar(
                date=start,
                label=self._get_bar_label(start, starts),
                seconds=seconds[start],
                # A short session is a thin bar, not none.
                percent=max(-(-100 * seconds[start] // most), 2 if seconds[start] else 0),
            )
            for start in starts
        ]

    def _get_bar_starts(self, cycle):
        """Return the first day of each bar: days, else weeks, else months."""
        days = (cycle.date_end - cycle.date_start).days
        if days <= MOST_BARS:
            return [cycle.date_start + timedelta(days=day) for day in range(days)]
        if days <= 7 * MOST_BARS // 2:
            return [cycle.date_start + timedelta(days=day) for day in range(0, days, 7)]
        starts, start = [cycle.date_start], cycle.date_start
        while (start := fields.Date.add(start.replace(day=1), months=1)) < cycle.date_end:
            starts.append(start)
        return starts

    def _get_bar_label(self, start, starts):
        """Return what stands below a bar: the day of the month, or the month; not below each."""
        first = start == starts[0]
        if len(starts) > 1 and (starts[-1] - starts[0]).days > MOST_BARS:
            previous = starts[starts.index(start) - 1]
            return self._get_month_name(start) if first or start.month != previous.month else ""
        return str(start.day) if first or start.day % 5 == 0 or len(starts) <= 16 else ""

    def _get_month_name(self, day):
        return get_month_names('abbreviated', locale=self._get_locale())[day.month]

    def _format_spans(self, cycle, spans):
        """Return half-open spans of days by their first and last day, in words."""
        if spans == ((cycle.date_start, cycle.date_end),):
            return self.env._("Whole period")
        return ", ".join(
            f"{format_date(self.env, start)} – "
            f"{format_date(self.env, fields.Date.subtract(end, days=1))}"
            for start, end in spans
        )

    # === CSV === #

    @api.model
    def _get_csv(self, statement):
        """Return a Statement as CSV (bytes, UTF-8 with a byte order mark), for spreadsheets.

        The amounts of all rows add up to the usage lines of the bill. Dates are ISO, times those
        of the column's zone, time spans whole seconds, numbers with a point; no cell is a formula.
        """
        content = io.StringIO()
        writer = csv.writer(content)
        rows = [self._get_csv_header(), *self._get_csv_rows(statement)]
        writer.writerows([inert_cell(cell) for cell in row] for row in rows)
        return content.getvalue().encode('utf-8-sig')

    def _get_csv_header(self):
        return [
            self.env._("Type"),
            self.env._("Start"),
            self.env._("End"),
            self.env._("Timezone"),
            self.env._("Technician"),
            self.env._("Device"),
            self.env._("Subject"),
            self.env._("Note"),
            self.env._("Remark"),
            self.env._("Measured (s)"),
            self.env._("Quantity"),
            self.env._("Amount"),
            self.env._("Currency"),
        ]

    def _get_csv_rows(self, statement):
        """Return what is written: sessions, what is included, and the other lines of the bill."""
        currency = statement.cycle.currency_id.name
        rows = []
        for section in statement.sections:
            kind = self.env._("Late session") if section.is_late else self.env._("Session")
            rows += [self._get_csv_session(statement, kind, row, currency) for row in section.rows]
            if section.included.quantity or section.included.amount:
                rows.append(
                    self._get_csv_line(
                        self.env._("Included in the plan"),
                        section.included.quantity,
                        section.included.amount,
                        currency,
                    )
                )
        rows += [
            self._get_csv_line(line.label, line.quantity, line.amount, currency)
            for line in statement.lines
            if line.charge in ('base_fee', 'cap', 'device', 'minimum', 'fee', 'true_up')
        ]
        kind = self.env._("No charge")
        rows += [
            self._get_csv_session(statement, kind, row, currency) for row in statement.no_charge
        ]
        return rows

    def _get_csv_session(self, statement, kind, row, currency):
        session = row.session
        cycle = statement.cycle
        start, end = (
            instant.replace(tzinfo=None).isoformat(' ', 'seconds')
            for instant in self._get_local_times(cycle, row.started_at, row.ended_at)
        )
        return [
            kind,
            start,
            end,
            cycle.tz,
            session.technician_id.name or "",
            session.device_id.name or "",
            session.name,
            session.customer_note or "",
            row.remark,
            row.measured_seconds,
            row.quantity,
            row.amount,
            currency,
        ]

    def _get_csv_line(self, label, quantity, amount, currency):
        return [label, *[""] * 9, quantity, amount, currency]
