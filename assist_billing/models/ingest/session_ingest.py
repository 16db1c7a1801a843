import json

from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL, split_every

from ... import sources
from ...utils.automation_rules import tell_created
from ...utils.sql_changes import changing, created
from .session_entry import Entry
from .session_source import COMPARED, SOURCE_TEXTS

# Sessions that Odoo's import looks up at a time.
LOOKED_UP = 1_000

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


class AssistSession(models.Model):
    """How sessions come in: from programs and files (see `assist.intake`), and by Odoo's import.

    Odoo's import, too, finds what is there already by the source's ID.
    """

    _name = 'assist.session'
    _inherit = ['assist.session', 'assist.intake']

    # Sessions are stored by SQL alone.
    _ingest_flushes = False

    # === CRUD METHODS === #

    @api.model
    def load(self, fields, data):
        # EXTENDS base: a row whose session is there already updates it instead of adding it again,
        # and a row of a source without the source's ID is refused: nothing would find it again.
        self.check_access('create')
        data, messages = self._assist_get_table(fields, data)
        if messages:
            return {'ids': False, 'messages': messages, 'nextrow': 0}
        if {'id', '.id'} & set(fields):
            return super().load(fields, data)
        rows = self._get_import_rows(fields, data)
        if messages := self._check_import_rows(rows):
            return {'ids': False, 'messages': messages, 'nextrow': 0}
        if known := self._find_imported(rows):
            data = [[known.get(key, ''), *row] for key, row in zip(rows, data, strict=True)]
            fields = ['.id', *fields]
        if 'technician_id' in {field.partition('/')[0] for field in fields}:
            return super().load(fields, data)
        # Whoever imports sessions was not the technician of all of them.
        sessions = self.with_context(default_technician_id=False)
        return super(AssistSession, sessions).load(fields, data)

    # === INTAKE === #

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
        return self._ingest_for_user(records, source)

    @api.model
    def _get_ingest_reader(self, source, tz, mapping):
        return sources.normaliser(source, tz=tz, mapping=mapping)

    @api.model
    def _ingest_reject(self, field, code, value):
        return sources.reject(field, code, value)

    @api.model
    def _get_source_zone(self, source, company):
        profile = sources.get(source)
        if profile is not None and profile.naive == 'utc':
            return 'UTC'
        return super()._get_source_zone(source, company)

    @api.model
    def _get_ingest_columns(self):
        return ['started_at', 'ended_at', 'source_digest', 'source_difference_digest']

    @api.model
    def _ingest_read(self, run, first, records):
        # EXTENDS assist.intake: what has the ID of a session at another time, and a row of a file
        # that may be one which is there already under another ID
        results = super()._ingest_read(run, first, records)
        if run.repeats is None and not run.by_account:
            return results
        normals = [one for one in results if isinstance(one, sources.Normal)]
        stored = self._ingest_fetch_known(run, normals)
        refuse = self._ingest_reject_number if run.by_account else self._ingest_reject_other
        results = [
            refuse(stored.get(one.external_id), one) if isinstance(one, sources.Normal) else one
            for one in results
        ]
        if run.repeats is None:
            return results
        normals = [one for one in results if isinstance(one, sources.Normal)]
        entries = {external_id: Entry(row) for external_id, row in stored.items()}
        self._ingest_recall(run, entries, normals)
        new = [normal for normal in normals if not self._ingest_find(run, entries, normal)]
        alike = self._find_alike(run, new)
        run.alike += len(alike)
        if run.takes_alike or not alike:
            return results
        return [
            self._ingest_reject_alike(alike[one.external_id])
            if isinstance(one, sources.Normal) and one.external_id in alike
            else one
            for one in results
        ]

    @api.model
    def _ingest_reject_other(self, row, normal):
        """Return a session of a file; its rejection where its ID is that of another session.

        Of devices and tickets somebody may take the number for an ID. It would be known already,
        and never billed; or take the place of one that is still running.
        """
        digests = row and (row['source_digest'], row['source_difference_digest'])
        if (
            row is None
            or not sources.is_other_session(row['started_at'], row['ended_at'], normal)
            or self._get_source_digest(normal) in digests
        ):
            return normal
        return sources.reject_known(normal, row['started_at'])

    @api.model
    def _ingest_reject_number(self, row, normal):
        """Return a session of an account; its rejection where another account's has its number.

        It would be known already, and never billed, or end one that is still running.
        """
        if (
            row is None
            or not sources.is_other_number(row['started_at'], normal)
            # Somebody set another start here.
            or self._get_source_digest(normal) == row['source_digest']
        ):
            return normal
        return sources.reject_known(normal, row['started_at'], 'numbered_alike')

    @api.model
    def _ingest_reject_alike(self, row):
        """Return the rejection of a session of a file that may be one which is there already."""
        labels = dict(self._fields['source']._description_selection(self.env))
        return sources.reject_alike(row['started_at'], labels.get(row['source'], row['source']))

    @api.model
    def _ingest_is_overtaken(self, ours, theirs):
        return ours is None or bool(theirs['ended_at'] and not ours['ended_at'])

    @api.model
    def _ingest_compare(self, run, normals):
        """Return the entries of the sessions, and for each of `normals` its entry and status."""
        stored = self._ingest_fetch_known(run, normals)
        entries = {external_id: Entry(row) for external_id, row in stored.items()}
        self._ingest_recall(run, entries, normals)
        return entries, [self._ingest_meet(run, entries, normal) for normal in normals]

    @api.model
    def _ingest_fetch_known(self, run, normals):
        """Return the rows of sessions that have one of the IDs of these, by their IDs."""
        ids = {normal.external_id for normal in normals}
        ids |= {normal.open_id for normal in normals if normal.open_id}
        return self._ingest_fetch(run, ids)

    @api.model
    def _ingest_find(self, run, entries, normal):
        """Return under which ID a session is known: its own, or another one; None where it is new.

        :param dict entries: what is known, by its IDs
        """
        if normal.external_id in entries:
            return normal.external_id
        running = entries.get(normal.open_id)
        if running is not None and running.is_of(normal):
            return normal.open_id
        recalled = run.recalled.get(normal.external_id)
        return recalled if recalled in entries else None

    @api.model
    def _ingest_meet(self, run, entries, normal):
        """Return the entry of a session, and its status."""
        known = self._ingest_find(run, entries, normal)
        if known is None:
            entry = entries[normal.external_id] = Entry()
        else:
            entry = entries[known]
            if known != normal.external_id:
                normal = normal._replace(external_id=known, open_id=None)
        return entry, entry.meet(normal, self._get_source_digest(normal))

    @api.model
    def _ingest_store(self, run, normals, compared):
        entries, met = compared
        if run.preview:
            known = [
                entry for entry in entries.values() if entry.id and entry.otherwise is not None
            ]
            differences = self._prepare_differences(known)
            run.differing |= {vals['id'] for vals in differences if vals['text']}
        else:
            self._ingest_store_entries(run, entries.values())
        return [(status, entry.id) for entry, status in met]

    @api.model
    def _ingest_store_entries(self, run, entries):
        """Store what a batch came to: new sessions, ends, and differences."""
        new = [entry for entry in entries if entry.is_new]
        changed = [entry for entry in entries if entry.is_changed]
        if any(entry.fixed for entry in changed):
            # To be changed, but newer than this transaction: its caller begins again.
            message = "Sessions to be ended were stored meanwhile."
            raise ConcurrencyError(message)
        self._ingest_create(run, new)
        names = [*COLUMNS, 'grade_id']
        created(
            self.browse(entry.id for entry in new),
            [*names, *self._get_ingest_defaults(), 'company_id', 'source', 'state'],
        )
        ended = [entry for entry in changed if entry.normal is not None]
        with changing(self.browse(entry.id for entry in ended), names):
            self._ingest_end(run, ended)
        # Of a new one too: its own batch may say two things of it.
        self._ingest_differ([entry for entry in entries if entry.otherwise is not None])
        touched = [entry.id for entry in (*new, *ended)]
        if touched:
            self._resolve_where(SQL("s.id = ANY(%s)", touched))
            self._ingest_invalidate(touched)
        # Whose they are is known by now, as it is of a session entered by hand.
        tell_created(self.browse(entry.id for entry in new))

    @api.model
    def _ingest_create(self, run, entries):
        """Insert new sessions, and give their entries the database IDs."""
        if not entries:
            return
        values = self._prepare_ingest_values(run, [entry.normal for entry in entries])
        # As of any new session, until it is resolved.
        state = self.default_get(['state'])
        ids = {vals['technician_id'] for vals in values} - {None}
        # sudo: whose sessions come in need not see what technicians are
        technicians = self.env['res.users'].sudo().browse(ids)
        grades = {user.id: user.assist_grade_id.id or None for user in technicians}
        for entry, vals in zip(entries, values, strict=True):
            vals |= {'source_digest': entry.digest, **state}
            # That of the technician at the moment, once it has ended.
            has_ended = entry.normal.ended_at
            vals['grade_id'] = grades.get(vals['technician_id']) if has_ended else None
        columns = {**COLUMNS, 'state': 'text', 'grade_id': 'integer'}
        ids = self._ingest_insert(run, columns, values)
        for entry in entries:
            entry.id = ids[entry.normal.external_id]

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
                       -- Who decided here while it ran has emptied the digest.
                       billable = r.billable AND (s.billable OR s.source_digest IS NOT NULL),
                       non_billable_reason =
                           CASE WHEN r.billable AND s.source_digest IS NOT NULL THEN NULL
                           ELSE COALESCE(s.non_billable_reason, r.non_billable_reason) END,
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
                definition=self._get_ingest_definition(COLUMNS),
            ),
            # Being overtaken is no error; it is met by looking again.
            log_exceptions=False,
        )

    @api.model
    def _prepare_differences(self, entries):
        """Return what the source says otherwise of sessions that have ended, as values of each."""
        if not entries:
            return []
        columns = SQL(", ").join(map(SQL.identifier, COMPARED.values()))
        query = SQL(
            "SELECT id, source_digest, %s FROM assist_session WHERE id = ANY(%s)",
            columns,
            [entry.id for entry in entries],
        )
        self.env.cr.execute(query)
        stored = {row['id']: row for row in self.env.cr.dictfetchall()}
        return [
            {
                'id': entry.id,
                'text': self._describe_source_difference(entry.otherwise, stored[entry.id]),
                'digest': entry.seen,
            }
            for entry in entries
            if entry.id in stored
        ]

    @api.model
    def _ingest_differ(self, entries):
        """Keep what the source says otherwise of sessions that have ended."""
        values = self._prepare_differences(entries)
        if not values:
            return
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

    # === ODOO'S IMPORT === #

    @api.model
    def _get_import_rows(self, fields, data):
        """Return `(company id, source, external ID)` for each row; None where it is not known.

        The cell of the external ID is trimmed in `data` too, or it would not be found again.
        """
        places = {name: fields.index(name) for name in ('source', 'external_id') if name in fields}
        company_field = next((name for name in fields if name.startswith('company_id')), None)
        companies = {'': self.env.company.id}
        sources = {'': self._default_source()}
        for value, label in self._fields['source']._description_selection(self.env):
            sources |= {label.casefold(): value, value: value}
        rows = []
        for row in data:
            external_id = ''
            if 'external_id' in places:
                external_id = str(row[places['external_id']] or '').strip()
                row[places['external_id']] = external_id
            source = str(row[places['source']] or '').strip() if 'source' in places else ''
            company = ''
            if company_field:
                company = str(row[fields.index(company_field)] or '').strip()
                if company not in companies:
                    companies[company] = self._find_import_company(company_field, company)
            rows.append((companies[company], sources.get(source.casefold()), external_id))
        return rows

    @api.model
    def _find_import_company(self, field, value):
        """Return the ID of the company that an import names; None leaves the error to Odoo."""
        if field == 'company_id/.id':
            return int(value) if value.isascii() and value.isdigit() else None
        if field == 'company_id/id':
            company = self.env.ref(value, raise_if_not_found=False)
            return company.id if company and company._name == 'res.company' else None
        return self.env['res.company'].search([('name', '=', value)], limit=1).id

    @api.model
    def _check_import_rows(self, rows):
        """Return the messages for rows without the source's ID, or with that of another row."""
        messages = []
        seen = {}
        for index, key in enumerate(rows):
            _company, source, external_id = key
            message = None
            if not external_id:
                if source and source != 'manual':
                    message = self.env._(
                        "Row %(row)s: ID at the Source is missing. A session from a source other "
                        "than Odoo needs one; otherwise importing it again would bill it twice.",
                        row=index + 1,
                    )
            elif key in seen:
                message = self.env._(
                    "Row %(row)s: ID at the Source %(external_id)s is already used in row "
                    "%(first)s. Leave one of the two out.",
                    row=index + 1,
                    external_id=external_id,
                    first=seen[key] + 1,
                )
            else:
                seen[key] = index
            if message:
                messages.append(
                    {
                        'type': 'error',
                        'message': message,
                        'record': index,
                        'rows': {'from': index, 'to': index},
                        'field': 'external_id',
                    }
                )
        return messages

    @api.model
    def _find_imported(self, rows):
        """Return `{(company id, source, external ID): database ID}` of those that are there."""
        known = {}
        wanted = {}
        for company, source, external_id in rows:
            if company and source and external_id:
                wanted.setdefault((company, source), []).append(external_id)
        for (company, source), external_ids in wanted.items():
            for batch in split_every(LOOKED_UP, external_ids):
                found = self.search_fetch(
                    [
                        ('company_id', '=', company),
                        ('source', '=', source),
                        ('external_id', 'in', batch),
                    ],
                    ['external_id'],
                )
                known |= {
                    (company, source, session.external_id): str(session.id) for session in found
                }
        return known
