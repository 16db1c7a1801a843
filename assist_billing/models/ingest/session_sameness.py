from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ... import sources
from .session_entry import Entry
from .session_source import SOURCE_TEXTS

# A list by the minute and one by the second of the same session are less than this apart.
ALIKE_SECONDS = 60
# What tells sessions apart that their source does not number, as columns.
TOLD = {name: SOURCE_TEXTS[name] for name in sources.TOLD}


class AssistSession(models.Model):
    """Sessions that are the same, though their IDs are not.

    They are looked for among those of the same moment (hence `OFFSET 0`: a table without statistics
    is read by its company and source otherwise, which is whole).

    An ID that is made of what a session says is another one as soon as it says more: a customer
    that was filled in, a column that the version before did not read. The same session of another
    source has nothing in common with it but who was helped when.
    """

    _inherit = 'assist.session'

    # === BUSINESS METHODS === #

    @api.model
    def _ingest_recall(self, run, entries, normals):
        """Find sessions of the same source by what they say; put them among those that are known.

        Each is found for one new ID only, and not where its own is told in the same call or file:
        then it is another one.

        :param dict entries: what is known of these sessions, by their IDs
        """
        run.told.update(normal.external_id for normal in normals)
        profile = sources.get(run.source)
        if profile is None or not profile.identity:
            return
        unknown = [normal for normal in normals if not self._ingest_find(run, entries, normal)]
        if not unknown:
            return
        rows = {}
        for row in self._ingest_fetch_begun(run, {normal.started_at for normal in unknown}):
            rows.setdefault(row['started_at'], []).append(row)
        for normal in unknown if rows else ():
            row = self._ingest_choose_same(run, normal, rows.get(normal.started_at, ()))
            if row is not None:
                run.recalled[normal.external_id] = row['external_id']
                entries.setdefault(row['external_id'], Entry(row))

    @api.model
    def _ingest_choose_same(self, run, normal, rows):
        """Return the row that is this session under another ID, or None."""
        before = run.recalled.get(normal.external_id)
        others = set(run.recalled.values()) - {before}
        found = []
        for row in rows:
            external_id = row['external_id']
            if external_id != before and (external_id in others or run.is_told(external_id)):
                continue
            digest = self._get_source_digest(normal._replace(external_id=external_id))
            # What has been said of it since may have been of another session.
            is_free = row['source_difference_digest'] in (None, digest)
            if is_free and sources.is_same_session(
                normal, {**row, **{name: row[column] for name, column in TOLD.items()}}
            ):
                found.append((digest != row['source_digest'], row['id'], row))
        return min(found)[-1] if found else None

    @api.model
    def _ingest_fetch_begun(self, run, starts):
        """Return the rows of sessions of the run's source that began at one of these times."""
        columns = [*self._get_ingest_columns(), *TOLD.values()]
        self.flush_model(['company_id', 'source', 'external_id', *columns])
        self.env.cr.execute(
            SQL(
                """
                SELECT id, external_id, %s
                  FROM (SELECT * FROM assist_session WHERE started_at = ANY(%s) OFFSET 0) s
                 WHERE company_id = %s AND source = %s AND external_id IS NOT NULL
                """,
                SQL(", ").join(map(SQL.identifier, columns)),
                list(starts),
                run.company.id,
                run.source,
            )
        )
        return self.env.cr.dictfetchall()

    @api.model
    def _has_begun_between(self, first, last):
        """Tell whether there is any session of that time; mostly a file brings a month anew."""
        self.flush_model(['started_at'])
        query = SQL(
            "SELECT 1 FROM assist_session WHERE started_at BETWEEN %s AND %s LIMIT 1", first, last
        )
        return bool(self.env.execute_query(query))

    @api.model
    def _find_alike(self, run, normals):
        """Return which sessions to be may be there already: `{external_id: row of the other one}`.

        Nothing says that they are: another source has IDs of its own, and where the ID is made of
        what a session says, one of which something else was said has another. But the ID, customer
        or device is the same and so are the times, and both would be billed.

        :param normals: sessions that are not known by their ID, as they were read
        """
        normals = [normal for normal in normals if normal.ended_at]
        apart = timedelta(seconds=ALIKE_SECONDS)
        if not normals or not self._has_begun_between(
            min(normal.started_at for normal in normals) - apart,
            max(normal.started_at for normal in normals) + apart,
        ):
            return {}
        values = self._prepare_ingest_values(run, normals)
        names = [
            'external_id', 'partner_id', 'technician_id', 'started_at', 'ended_at',
            'source_customer', 'source_email', 'source_device', 'source_device_ref',
        ]  # fmt: skip
        self.flush_model(['company_id', 'source', *names])
        self.env.cr.execute(
            SQL(
                """
                SELECT v.external_id AS new_id, s.external_id, s.source, s.started_at
                  FROM unnest(%(external_id)s::text[], %(partner_id)s::integer[],
                              %(technician_id)s::integer[],
                              %(started_at)s::timestamp[], %(ended_at)s::timestamp[],
                              %(source_customer)s::text[], %(source_email)s::text[],
                              %(source_device)s::text[], %(source_device_ref)s::text[])
                       AS v (external_id, partner_id, technician_id, started_at, ended_at,
                             customer, email, device, device_ref)
            CROSS JOIN LATERAL (
                           SELECT * FROM assist_session s
                            WHERE s.started_at > v.started_at - %(apart)s
                              AND s.started_at < v.started_at + %(apart)s
                           OFFSET 0
                       ) s
                 WHERE s.ended_at > v.ended_at - %(apart)s
                   AND s.ended_at < v.ended_at + %(apart)s
                   AND s.company_id = %(company)s
                   AND (s.source != %(source)s OR (
                       s.external_id != v.external_id
                       AND (s.external_id ~ %(derived)s OR v.external_id ~ %(derived)s)
                       AND s.started_at = v.started_at AND s.ended_at = v.ended_at
                   ))
                   AND COALESCE(s.technician_id = v.technician_id, TRUE)
                   AND CASE WHEN s.external_id = v.external_id
                            THEN TRUE
                            WHEN s.partner_id IS NOT NULL AND v.partner_id IS NOT NULL
                            THEN s.partner_id = v.partner_id
                            ELSE lower(s.source_customer) = lower(v.customer)
                              OR s.source_email = v.email
                              OR lower(s.source_device) = lower(v.device)
                              OR s.source_device_ref = v.device_ref
                       END
              ORDER BY s.id DESC
                """,
                **{name: [vals[name] or None for vals in values] for name in names},
                apart=apart,
                company=run.company.id,
                source=run.source,
                derived=f'^{sources.DERIVED_ID}$',
            )
        )
        return {
            row['new_id']: row
            for row in self.env.cr.dictfetchall()
            if row['source'] != run.source or not run.is_told(row['external_id'])
        }
