import csv
import io

from odoo import models

from ...sources.cells import inert_cell


class AssistBillingCycle(models.Model):
    """The statement as a table for spreadsheet programs."""

    _inherit = 'assist.billing.cycle'

    def _get_statement_csv(self):
        """Return the statement of this cycle as CSV (bytes, UTF-8 with a byte order mark).

        The amounts of all rows add up to the usage lines of the bill. Dates are ISO, times those
        of the column's zone, time spans whole seconds, numbers with a point; no cell is a formula.
        """
        return self._write_statement_csv(self._get_statement())

    def _write_statement_csv(self, statement):
        """Return a Statement as CSV, see `_get_statement_csv`."""
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
            if line.charge in ('base_fee', 'device', 'minimum')
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
            cycle._to_local(instant).replace(tzinfo=None).isoformat(' ', 'seconds')
            for instant in (session.started_at, session.ended_at)
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
