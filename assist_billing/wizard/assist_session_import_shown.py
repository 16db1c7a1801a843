from odoo import models

from .assist_session_import_outlook import show_duration


class AssistSessionImport(models.TransientModel):
    """What the dialog shows before anything is stored: sessions, figures, doubts."""

    _inherit = 'assist.session.import'

    # === BUSINESS METHODS === #

    def _prepare_outlook_vals(self, reading, outlook, notes):
        """Return what the dialog shows of the sessions that would come of a file.

        :param ImportOutlook outlook: what was seen of them
        :param list notes: of `sources.Note`, what the values of the file leave open
        """
        codes = {note.code for note in notes}
        return {
            'is_encoding_open': bool(reading.encoding or self.encoding),
            'encoding': self.encoding or reading.encoding or False,
            'is_order_open': bool(self.date_order or codes & {'open_order', 'both_orders',
                                                              'day_first'}),
            'is_unit_open': bool(self.duration_unit or 'open_unit' in codes),
            'sessions_shown': self._render_sessions(outlook),
            'session_hours': outlook.seconds / 3600,
            'first_day': outlook.first,
            'last_day': outlook.last,
            'matched_count': outlook.matched,
            'unmatched_count': outlook.unmatched,
            'open_count': outlook.opened,
            'short_count': outlook.short,
            'long_count': outlook.long,
            'alike_count': outlook.alike,
            'free_count': outlook.free,
            'doubts': self._render_list(
                self._translate_notes((*reading.notes, *notes)) + self._get_doubts(outlook)
            ),
        }  # fmt: skip

    def _get_doubts(self, outlook):
        """Return sentences on what the sessions look like that sessions seldom do."""
        doubts = []
        if outlook.unmatched and not outlook.told:
            doubts.append(
                self.env._(
                    "None of these sessions says which customer or device it was for: %(count)s. "
                    "They come in unmatched, and somebody has to enter the customer of each; rows "
                    "without an ID that have the same times count as one session. If the file has "
                    "a column for customer, device or ID, choose it under Columns.",
                    count=outlook.unmatched,
                )
            )
        if outlook.opened:
            doubts.append(
                self.env._(
                    "Sessions without an end: %(count)s. They come in as still running, and are "
                    "not billed before they end. If they have ended, see under Columns which one "
                    "is taken as End or Duration.",
                    count=outlook.opened,
                )
            )
        if outlook.alike and self.take_alike:
            doubts.append(
                self.env._(
                    "Sessions with the customer or device and the times of one that is there "
                    "already, from another source or with other details: %(count)s. They will be "
                    "imported, and both will be billed.",
                    count=outlook.alike,
                )
            )
        elif outlook.alike:
            doubts.append(
                self.env._(
                    "Sessions with the customer or device and the times of one that is there "
                    "already, from another source or with other details: %(count)s. They are left "
                    "out, for both would be billed. If they are others, set “Import Them Too” and "
                    "check again.",
                    count=outlook.alike,
                )
            )
        if outlook.differing:
            doubts.append(
                self.env._(
                    "Known sessions of which the file says something else now: %(count)s. They "
                    "stay as they are here, and are billed so. Once the file is imported, each "
                    "says what differs; find them among the sessions by “Source Differs”.",
                    count=outlook.differing,
                )
            )
        if overlapping := outlook.count_overlapping():
            doubts.append(
                self.env._(
                    "Sessions that begin while another one with the same customer and device, or "
                    "without any device, goes on: %(count)s. Both would be billed. If a row is but "
                    "another participant or a part of the same session, leave it out of the file.",
                    count=overlapping,
                )
            )
        if outlook.short and outlook.short * 4 > len(outlook.shown):
            doubts.append(
                self.env._(
                    "Sessions shorter than 10 seconds: %(count)s. If they were longer, see "
                    "what durations are in.",
                    count=outlook.short,
                )
            )
        if outlook.long:
            doubts.append(
                self.env._(
                    "Sessions longer than a day: %(count)s. See whether the order of dates, "
                    "and what durations are in, is right.",
                    count=outlook.long,
                )
            )
        return doubts

    def _render_sessions(self, outlook):
        """Return a table of the first sessions as they would be; False when there is none."""
        rows = outlook.rows()
        if not rows:
            return False
        statuses = {
            'created': self.env._("New"),
            'updated': self.env._("Ends"),
            'duplicate': self.env._("Known"),
        }
        # sudo: names of who was found for these sessions, that the user is about to bring in
        partners = self.env['res.partner'].sudo()
        users = self.env['res.users'].sudo()
        headings = (
            self.env._("Start (%(zone)s)", zone=self.tz), self.env._("End"),
            self.env._("Duration"), self.env._("Customer"), self.env._("Technician"),
            self.env._("Device"), self.env._("Billable"), "",
        )  # fmt: skip
        lines = []
        for normal, vals, status in rows:
            partner = partners.browse(vals['partner_id'] or ())
            user = users.browse(vals['technician_id'] or ())
            lines.append(
                (
                    self._show_moment(outlook, normal.started_at),
                    self._show_moment(outlook, normal.ended_at) or self.env._("still running"),
                    show_duration(normal.duration_seconds) if normal.ended_at else "",
                    partner.display_name or self._show_unmatched(normal),
                    user.name or normal.technician,
                    normal.device_name or normal.device_ref,
                    self.env._("No") if normal.billable is False else self.env._("Yes"),
                    statuses[status],
                )
            )
        return self._render_table(headings, lines)

    def _show_moment(self, outlook, moment):
        return f"{outlook.local(moment):%Y-%m-%d %H:%M:%S}" if moment else ""

    def _show_unmatched(self, normal):
        """Return what the source says of a customer who is nobody here."""
        said = normal.customer_name or normal.customer_email or normal.group
        return self.env._("%(name)s (not found)", name=said) if said else ""
