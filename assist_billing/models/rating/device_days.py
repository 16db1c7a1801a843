from collections import defaultdict
from datetime import date

from odoo import models
from odoo.tools import SQL

from ...rules import rating


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


class AssistBillingCycle(models.Model):
    """Which devices were there on which days of a cycle. Nothing here writes."""

    _inherit = 'assist.billing.cycle'

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
        charged = (self - kept).filtered(lambda cycle: cycle.terms['charge_devices'])
        if charged:
            charged._read_live_device_days(days)
        return days

    def _read_live_device_days(self, days):
        """Add the device days of open cycles to `days`."""
        found = self._read_devices_below()
        holes = self._read_device_holes(found)
        for cycle in self:
            for device_id, _partner_id, enrolled_on, removed_on in found[cycle.id]:
                span = (
                    max(enrolled_on, cycle.date_start),
                    min(removed_on or date.max, cycle.date_end),
                )
                spans = subtract_spans(
                    [span] if span[0] < span[1] else [],
                    holes[cycle.id, device_id] + cycle._get_suspended_spans(),
                )
                if spans:
                    days[cycle.id].append(rating.Device(device_id, tuple(spans)))

    def _read_devices_below(self):
        """Return devices of each cycle's customer and the contacts below him.

        :return: dict of cycle id -> list of (device id, contact id, enrolled on, removed on)
        """
        self.env['assist.device'].flush_model()
        self.env['assist.device.absence'].flush_model()
        self.env['res.partner'].flush_model(['parent_id'])
        self._flush_usage()
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE below AS (
                    SELECT c.id AS cycle_id, a.partner_id
                      FROM assist_billing_cycle c
                      JOIN assist_billing_association a ON a.id = c.association_id
                     WHERE c.id IN %s
                     UNION
                    SELECT b.cycle_id, p.id
                      FROM below b JOIN res_partner p ON p.parent_id = b.partner_id
                )
                SELECT c.id, d.id, d.partner_id, d.enrolled_on, d.removed_on
                  FROM below b
                  JOIN assist_billing_cycle c ON c.id = b.cycle_id
                  JOIN assist_device d
                    ON d.partner_id = b.partner_id AND d.company_id = c.company_id
                   AND d.enrolled_on < c.date_end
                   AND (d.removed_on IS NULL OR d.removed_on > c.date_start)
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
        pairs = {(cycle_id, row[0]) for cycle_id, rows in found.items() for row in rows}
        if not pairs:
            return holes
        cycle_ids, device_ids = zip(*sorted(pairs), strict=True)
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE pair AS (
                    SELECT * FROM unnest(%s, %s) AS t (cycle_id, device_id)
                ), chain AS (
                    SELECT q.cycle_id, q.device_id, d.partner_id, a.partner_id AS top
                      FROM pair q
                      JOIN assist_device d ON d.id = q.device_id
                      JOIN assist_billing_cycle c ON c.id = q.cycle_id
                      JOIN assist_billing_association a ON a.id = c.association_id
                     WHERE d.partner_id != a.partner_id
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
                  JOIN assist_billing_cycle_device x
                    ON x.device_id = q.device_id AND x.association_id != c.association_id
                   AND x.date_from < c.date_end AND x.date_to > c.date_start
                 UNION ALL
                SELECT q.cycle_id, q.device_id, g.date_from, g.date_to
                  FROM pair q
                  JOIN assist_device_absence g ON g.device_id = q.device_id
                """,
                list(cycle_ids),
                list(device_ids),
            )
        )
        for cycle_id, device_id, date_from, date_to in rows:
            holes[cycle_id, device_id].append((date_from, date_to))
        return holes
