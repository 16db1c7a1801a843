import json
from collections.abc import Iterable

from psycopg2.errors import SerializationFailure, UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL, split_every

from ... import sources
from ...utils.sql_changes import changing, created
from .session_source import COMPARED, SOURCE_TEXTS

BATCH_SIZE = 2_000
# Another transaction can put rows between our look and our write this often, no more.
ATTEMPTS = 5

# Columns of a new session and their types, as they go to the database.
COLUMNS = {
    'external_id': 'text',
    'name': 'text',
    'kind': 'text',
    'started_at': 'timestamp',
    'ended_at': 'timestamp',
    'duration_seconds': 'int',
    'billable': 'boolean',
    'non_billable_reason': 'text',
    'note': 'text',
    'technician_id': 'int',
    'device_id': 'int',
    'partner_id': 'int',
    'matching_rule_id': 'int',
    **dict.fromkeys(SOURCE_TEXTS.values(), 'text'),
    'source_digest': 'text',
}


class Overtaken(Exception):
    """Another transaction stored the same first."""


class Entry:
    """A session as the database or this batch has it, and what is to be done with it."""

    __slots__ = (
        'difference', 'digest', 'ended', 'ended_at', 'fixed', 'id', 'is_new', 'normal',
        'otherwise', 'seen',
    )  # fmt: skip

    def __init__(self, row=None, *, fixed=False):
        # `fixed`: committed by somebody else after this transaction began, so out of reach.
        self.is_new = row is None
        self.id, self.ended_at, self.digest, self.seen = row or (False, None, None, None)
        self.ended = self.ended_at is not None
        self.fixed = fixed
        self.normal = None  # what is to be created, or what ends it
        self.otherwise = None  # what the source says of it now that it has ended
        self.difference = None

    def meet(self, normal, digest):
        """Take in a record of this session and return its status."""
        if self.is_new and self.normal is None:
            status = 'created'
        elif digest in (self.digest, self.seen) or normal.ended_at is None:
            # Said before; or said while it was still running, by a page that comes late.
            return 'duplicate'
        elif self.ended:
            self.otherwise, self.seen = normal, digest
            return 'duplicate'
        else:
            status = 'updated'
        self.normal, self.digest = normal, digest
        self.ended_at = normal.ended_at
        self.ended = normal.ended_at is not None
        return status

    def is_of(self, normal):
        """Tell whether this is a session that was known under another ID while it ran."""
        return not self.ended or self.ended_at == normal.ended_at

    @property
    def is_changed(self):
        return not self.is_new and (self.normal is not None or self.otherwise is not None)


class IngestRun:
    """What one call of `ingest` keeps from batch to batch."""

    def __init__(self, company, source, take, *, preview=False, repeats=None, look=None):
        self.company = company
        self.source = source
        self.take = take
        self.preview = preview
        # What the rows of the same file said before; None where records are no file.
        self.repeats = repeats
        # Called with each batch: its results, and the status of each session.
        self.look = look
        self.now = fields.Datetime.now()
        self.technicians = self.matcher = None
        self.matches = {}
        # Set once another transaction was met: from then on its rows are looked up first.
        self.met_others = False


class AssistSession(models.Model):
    """The one way in for programs and imports."""

    _inherit = 'assist.session'

    # === BUSINESS METHODS === #

    @api.model
    def ingest(self, records, source):
        """Take in what a remote-support tool wrote of sessions, in the tool's own shape.

        Sending the same again, in other pages, orders or by two callers at a time, changes
        nothing. A session that has ended is never changed by a later record; what the source then
        says otherwise is kept in `source_difference`. A bad record never raises.

        :param list records: dicts as the source writes them. Times without a zone are in the zone
            named by the context key `assist_source_tz`, whatever the source; else in UTC where
            the source is known to mean that, else in the company's.
        :param str source: technical name of the source
        :return: for each record in its order a dict `{'index', 'status', 'id', 'field',
            'reason'}`; status is 'created', 'updated' (was running, now ended), 'duplicate' or
            'rejected'; `id` is that of the session, or False; `field` and `reason` are False
            unless rejected
        :raise AccessError: the user may neither record nor import sessions
        """
        self._check_may_ingest()
        tz = self.env.context.get('assist_source_tz')
        return self._ingest(records, source, tz=tz)

    @api.model
    def _check_may_ingest(self):
        if not self.env.user.has_group('assist_billing.assist_billing_group_ingest'):
            self.check_access('create')
            self.check_access('write')

    @api.model
    def _ingest(
        self, records, source, *, tz=None, mapping=None, preview=False, repeats=None, look=None
    ):
        """Take in records as `ingest` does, with a zone and a mapping of columns.

        :param bool preview: store nothing; `id` is False where a session would be created
        :param sources.Repeats repeats: the file that the records are of: one that has the ID of an
            earlier one and says other things is rejected
        :param look: called for each batch with `(run, index of its first, results, statuses)`
        """
        if isinstance(records, dict):
            records = [records]
        if isinstance(records, str | bytes) or not isinstance(records, Iterable):
            return [self._answer_rejected(0, sources.reject('records', 'not_object', records))]
        company = self.env.company
        tz = tz or self._get_source_zone(source, company)
        take = sources.normaliser(source, tz=tz, mapping=mapping)
        run = IngestRun(company, source, take, preview=preview, repeats=repeats, look=look)
        self.env.flush_all()
        if sources.get(source) and not preview:
            # Whoever brings the same sessions meanwhile waits here, instead of in a deadlock.
            self.env.cr.execute(
                SQL(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                    f'assist.session.ingest {company.id} {source}',
                )
            )
        answers = []
        for batch in split_every(BATCH_SIZE, records):
            answers += self._ingest_batch(run, len(answers), batch)
        return answers

    @api.model
    def _get_source_zone(self, source, company):
        """Return the zone of a source's times without one, where nobody names it."""
        profile = sources.get(source)
        if profile is not None and profile.naive == 'utc':
            return 'UTC'
        return company._assist_get_zone()

    @api.model
    def _ingest_read(self, run, first, records):
        """Return what each record of a batch comes to: a `sources.Normal`, or a rejection."""
        results = [run.take(record, run.now) for record in records]
        if run.repeats is None:
            return results
        return [
            (isinstance(result, sources.Normal) and run.repeats.meet(index, result)) or result
            for index, result in enumerate(results, first)
        ]

    @api.model
    def _ingest_batch(self, run, first, records):
        """Take in one batch in one go; return its answers."""
        results = self._ingest_read(run, first, records)
        normals = [result for result in results if isinstance(result, sources.Normal)]
        met = []
        for attempt in range(ATTEMPTS):
            ids = {normal.external_id for normal in normals}
            ids |= {normal.open_id for normal in normals if normal.open_id}
            entries = self._ingest_fetch(run, ids)
            met = [self._ingest_meet(entries, normal) for normal in normals]
            if run.preview:
                break
            try:
                # A batch is stored whole or not at all.
                with self.env.cr.savepoint(flush=False):
                    self._ingest_store(run, entries.values())
                break
            except (SerializationFailure, UniqueViolation, Overtaken) as overtaken:
                # Somebody stored some of these sessions after this transaction began. They are
                # out of its sight, but another one sees them: look again, with their rows.
                if attempt == ATTEMPTS - 1:
                    raise ConcurrencyError(str(overtaken)) from overtaken
                run.met_others = True
        if run.look:
            run.look(run, first, results, [status for _entry, status in met])
        answers, taken = [], iter(met)
        for index, result in enumerate(results, first):
            if isinstance(result, sources.Normal):
                entry, status = next(taken)
                session_id = entry.id
                answers.append(
                    {'index': index, 'status': status, 'id': session_id, 'field': False,
                     'reason': False}
                )  # fmt: skip
            else:
                answers.append(self._answer_rejected(index, result))
        return answers

    @api.model
    def _answer_rejected(self, index, rejection):
        return {
            'index': index,
            'status': 'rejected',
            'id': False,
            'field': self._translate_label(rejection.field),
            'reason': self._translate_refusal(rejection),
        }

    @api.model
    def _translate_refusal(self, refusal):
        """Return why a record or a file is refused, in the user's language."""
        params = {'field': getattr(refusal, 'field', ''), 'value': '', **refusal.params}
        params = {name: self._translate_label(value) for name, value in params.items()}
        # The templates are marked for translation where they stand, in sources/messages.py.
        return self.env._(refusal.template, **params)

    @api.model
    def _translate_label(self, value):
        """Return the name of a field on the screen in the user's language; anything else as is."""
        if isinstance(value, sources.Labels):
            return ", ".join(self.env._(label) for label in value)
        return self.env._(str(value)) if isinstance(value, sources.Label) else value

    @api.model
    def _ingest_meet(self, entries, normal):
        """Return the entry of a session, and its status."""
        entry = entries.get(normal.external_id)
        if entry is None and normal.open_id:
            running = entries.get(normal.open_id)
            if running is not None and running.is_of(normal):
                normal = normal._replace(external_id=normal.open_id, open_id=None)
                entry = running
        if entry is None:
            entry = entries[normal.external_id] = Entry()
        return entry, entry.meet(normal, self._get_source_digest(normal))

    @api.model
    def _ingest_fetch(self, run, external_ids):
        """Return `{external_id: Entry}` of those sessions that are there already."""
        query = SQL(
            """
            SELECT external_id, id, ended_at, source_digest, source_difference_digest
              FROM assist_session
             WHERE company_id = %s AND source = %s AND external_id = ANY(%s)
            """,
            run.company.id,
            str(run.source),
            list(external_ids),
        )
        if not external_ids:
            return {}
        self.flush_model(['company_id', 'source', 'external_id', 'ended_at'])
        self.env.cr.execute(query)
        entries = {external_id: Entry(row) for external_id, *row in self.env.cr.fetchall()}
        if run.met_others:
            # A new transaction sees what was committed since this one began.
            with self.env.registry.cursor() as cr:
                cr.execute(query)
                for external_id, *row in cr.fetchall():
                    ours = entries.get(external_id)
                    theirs = Entry(row, fixed=True)
                    if ours is None or (theirs.ended and not ours.ended):
                        entries[external_id] = theirs
        return entries

    @api.model
    def _ingest_store(self, run, entries):
        """Store what a batch came to: new sessions, ends, and differences."""
        new = [entry for entry in entries if entry.is_new]
        changed = [entry for entry in entries if entry.is_changed]
        if any(entry.fixed for entry in changed):
            # To be changed, but newer than this transaction: its caller begins again.
            message = "Sessions to be ended were stored meanwhile."
            raise ConcurrencyError(message)
        self._ingest_insert(run, new)
        names = [*COLUMNS, 'grade_id']
        created(self.browse(entry.id for entry in new), [*names, 'company_id', 'source', 'state'])
        ended = [entry for entry in changed if entry.normal is not None]
        with changing(self.browse(entry.id for entry in ended), names):
            self._ingest_end(run, ended)
        # Of a new one too: its own batch may say two things of it.
        self._ingest_differ([entry for entry in entries if entry.otherwise is not None])
        touched = [entry.id for entry in (*new, *ended)]
        if touched:
            self._resolve_where(SQL("s.id = ANY(%s)", touched))
            self._ingest_invalidate(touched)

    @api.model
    def _ingest_insert(self, run, entries):
        """Insert new sessions, and give their entries the database IDs."""
        if not entries:
            return
        values = self._prepare_ingest_values(run, [entry.normal for entry in entries])
        for entry, vals in zip(entries, values, strict=True):
            vals['source_digest'] = entry.digest
        columns = SQL(", ").join(map(SQL.identifier, COLUMNS))
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO assist_session (
                    company_id, source, state, create_uid, create_date, write_uid, write_date,
                    grade_id, %(columns)s
                )
                SELECT %(company)s, %(source)s, 'unmatched', %(uid)s, now_utc.at, %(uid)s,
                       now_utc.at,
                       (SELECT u.assist_grade_id FROM res_users u
                         WHERE u.id = r.technician_id AND r.ended_at IS NOT NULL),
                       %(columns)s
                  FROM json_to_recordset(%(values)s::json) AS r (%(definition)s),
                       (SELECT now() AT TIME ZONE 'UTC' AS at) AS now_utc
                    ON CONFLICT (company_id, source, external_id) WHERE external_id IS NOT NULL
                    DO NOTHING
             RETURNING external_id, id
                """,
                columns=columns,
                company=run.company.id,
                source=run.source,
                uid=self.env.uid,
                values=json.dumps(values, default=str),
                definition=self._get_ingest_definition(),
            ),
            # Being overtaken is no error; it is met by looking again.
            log_exceptions=False,
        )
        ids = dict(self.env.cr.fetchall())
        if len(ids) != len(entries):
            raise Overtaken
        for entry in entries:
            entry.id = ids[entry.normal.external_id]

    @api.model
    def _get_ingest_definition(self):
        """Return the definition of a record set of `COLUMNS`."""
        return SQL(", ").join(
            SQL("%s %s", SQL.identifier(name), SQL(type_)) for name, type_ in COLUMNS.items()
        )

    @api.model
    def _ingest_end(self, run, entries):
        """Write the end, and what else the source says now, to sessions that were running."""
        if not entries:
            return
        values = self._prepare_ingest_values(run, [entry.normal for entry in entries])
        for entry, vals in zip(entries, values, strict=True):
            vals |= {'id': entry.id, 'source_digest': entry.digest}
        texts = SQL(", ").join(
            SQL("%s = r.%s", SQL.identifier(name), SQL.identifier(name))
            for name in (*SOURCE_TEXTS.values(), 'source_digest')
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE assist_session s
                   SET kind = r.kind, started_at = r.started_at, ended_at = r.ended_at,
                       duration_seconds = r.duration_seconds,
                       billable = s.billable AND r.billable,
                       non_billable_reason =
                           COALESCE(s.non_billable_reason, r.non_billable_reason),
                       note = CASE WHEN COALESCE(r.note, '') = '' THEN s.note
                                   WHEN COALESCE(s.note, '') = '' THEN r.note
                                   WHEN position(r.note IN s.note) > 0 THEN s.note
                                   ELSE s.note || E'\\n' || r.note END,
                       technician_id = COALESCE(s.technician_id, r.technician_id),
                       grade_id = (
                           SELECT u.assist_grade_id FROM res_users u
                            WHERE u.id = COALESCE(s.technician_id, r.technician_id)
                              AND r.ended_at IS NOT NULL
                       ),
                       device_id = COALESCE(s.device_id, r.device_id),
                       partner_id = COALESCE(s.partner_id, r.partner_id),
                       matching_rule_id = CASE WHEN s.partner_id IS NULL
                           THEN r.matching_rule_id ELSE s.matching_rule_id END,
                       %(texts)s,
                       write_uid = %(uid)s, write_date = now() AT TIME ZONE 'UTC'
                  FROM json_to_recordset(%(values)s::json) AS r (id int, %(definition)s)
                 WHERE s.id = r.id
                """,
                texts=texts,
                uid=self.env.uid,
                values=json.dumps(values, default=str),
                definition=self._get_ingest_definition(),
            ),
            # Being overtaken is no error; it is met by looking again.
            log_exceptions=False,
        )

    @api.model
    def _ingest_differ(self, entries):
        """Keep what the source says otherwise of sessions that have ended."""
        if not entries:
            return
        columns = SQL(", ").join(map(SQL.identifier, COMPARED.values()))
        query = SQL(
            "SELECT id, source_digest, %s FROM assist_session WHERE id = ANY(%s)",
            columns,
            [entry.id for entry in entries],
        )
        self.env.cr.execute(query)
        stored = {row['id']: row for row in self.env.cr.dictfetchall()}
        values = [
            {
                'id': entry.id,
                'text': self._describe_source_difference(entry.otherwise, stored[entry.id]),
                'digest': entry.seen,
            }
            for entry in entries
            if entry.id in stored
        ]
        sessions = self.browse(vals['id'] for vals in values)
        with changing(sessions, ['source_difference', 'source_difference_digest']):
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE assist_session s
                       SET source_difference = NULLIF(r.text, ''),
                           source_difference_digest = r.digest
                      FROM json_to_recordset(%s::json) AS r (id int, text text, digest text)
                     WHERE s.id = r.id
                    """,
                    json.dumps(values),
                )
            )

    @api.model
    def _ingest_invalidate(self, session_ids):
        """Forget what is cached of sessions written in SQL, and let other modules compute."""
        self.invalidate_model()
        self.env['assist.device'].invalidate_model(['session_ids', 'session_count'])
        known = {
            *COLUMNS, 'name', 'duration_seconds', 'state', 'association_id', 'cycle_id', 'grade_id'
        }  # fmt: skip
        sessions = self.browse(session_ids)
        for field in self._fields.values():
            if field.store and field.compute and field.name not in known:
                self.env.add_to_compute(field, sessions)
