from datetime import timedelta

from babel.dates import format_skeleton, get_month_names

from odoo import fields, models
from odoo.tools import babel_locale_parse, format_date, format_time, get_lang

from ...rules import cycles, rating
from .shapes import StatementBar, StatementRow

# More bars than this are too thin to read: then each is a week, then a month.
MOST_BARS = 62


class AssistBillingCycle(models.Model):
    """The rows of a statement, its sessions without charge, and its use per day."""

    _inherit = 'assist.billing.cycle'

    # === ROWS === #

    def _get_late_share(self, session):
        """Return how a late session that ended in this cycle was billed, as the rules gave it."""
        merged_into = session.merged_into_id.id or None
        short = session.duration_seconds < self._get_terms().ignore_under_seconds
        return rating.SessionShare(
            id=session.id,
            measured_seconds=session.duration_seconds,
            billed_seconds=session.billed_seconds,
            merged_into=merged_into,
            reason='merged' if merged_into else 'short' if short else None,
        )

    def _get_rows(self, shares):
        """Return a StatementRow for each share, in the order the sessions began.

        :param shares: list of (`rules.rating.SessionShare`, other values of the row)
        """
        sessions = self.env['assist.session'].browse(share.id for share, _values in shares)
        sessions.fetch(['started_at', 'ended_at', 'name', 'customer_note'])
        rows = [
            self._get_row(
                session,
                measured_seconds=share.measured_seconds,
                billed_seconds=share.billed_seconds,
                remark=self._get_remark(share),
                **values,
            )
            for session, (share, values) in zip(sessions, shares, strict=True)
        ]
        return sorted(rows, key=lambda row: (row.session.started_at, row.session.id))

    def _get_row(self, session, **values):
        start, end = self._to_local(session.started_at), self._to_local(session.ended_at)
        return StatementRow(
            session=session,
            day=end.date(),
            date=self._format_day(start),
            time=f"{self._format_time(start)} – {self._format_time(end)}",
            **values,
        )

    def _get_remark(self, share):
        """Say why a session has no charge of its own; empty if it has."""
        if share.reason == 'short':
            return self.env._("Too short to count")
        if share.reason == 'merged':
            head = self.env['assist.session'].browse(share.merged_into)
            own = self.env['assist.session'].browse(share.id)
            start = self._to_local(head.started_at)
            time = self._format_time(start)
            if start.date() != self._to_local(own.started_at).date():
                time = f"{self._format_day(start)} {time}"
            return self.env._("Counted with the one at %(time)s", time=time)
        return ""

    def _get_no_charge_rows(self):
        """Return the sessions of this cycle that are not billable, with the reason."""
        sessions = self.env['assist.session'].search(
            [
                ('association_id', '=', self.association_id.id),
                ('ended_at', '>=', self.start_at),
                ('ended_at', '<', self.end_at),
                ('state', '=', 'non_billable'),
            ],
            order='started_at, id',
        )
        return [
            self._get_row(
                session,
                measured_seconds=session.duration_seconds,
                remark=session.non_billable_reason or "",
            )
            for session in sessions
        ]

    def _to_local(self, instant):
        """Return what clocks in the zone of this cycle show at a naive UTC instant."""
        return cycles.local_time(instant, self.tz)

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

    def _get_bars(self, rows):
        """Return the measured time per day as a list of StatementBar; of long cycles per week.

        :param rows: rows of sessions that ended in this cycle
        """
        if not rows:
            return []
        starts = self._get_bar_starts()
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

    def _get_bar_starts(self):
        """Return the first day of each bar: days, else weeks, else months."""
        days = (self.date_end - self.date_start).days
        if days <= MOST_BARS:
            return [self.date_start + timedelta(days=day) for day in range(days)]
        if days <= 7 * MOST_BARS // 2:
            return [self.date_start + timedelta(days=day) for day in range(0, days, 7)]
        starts, start = [self.date_start], self.date_start
        while (start := fields.Date.add(start.replace(day=1), months=1)) < self.date_end:
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

    def _format_spans(self, spans):
        """Return half-open spans of days by their first and last day, in words."""
        if spans == ((self.date_start, self.date_end),):
            return self.env._("Whole period")
        return ", ".join(
            f"{format_date(self.env, start)} – "
            f"{format_date(self.env, fields.Date.subtract(end, days=1))}"
            for start, end in spans
        )
