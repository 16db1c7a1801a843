import hashlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

from ... import sources
from .session_entry import Entry

# What the source says of a session, as columns: by these it is matched and grouped.
SOURCE_TEXTS = {
    'technician': 'source_technician',
    'customer_email': 'source_email',
    'customer_name': 'source_customer',
    'customer_ref': 'source_customer_ref',
    'device_ref': 'source_device_ref',
    'device_name': 'source_device',
    'group': 'source_group',
    'department': 'source_department',
}
# What tells sessions apart that their source does not number, as columns.
TOLD = {name: SOURCE_TEXTS[name] for name in sources.TOLD}
# A list by the minute and one by the second of the same session are less than this apart.
ALIKE_SECONDS = 60
# What is compared when a source says something else later, in the order it is shown.
COMPARED = {
    'started_at': 'started_at',
    'ended_at': 'ended_at',
    'kind': 'kind',
    **SOURCE_TEXTS,
    'note': 'note',
    'billable': 'billable',
}

# What was found is remembered from batch to batch, up to this many values.
REMEMBERED = 100_000


class AssistSession(models.Model):
    """What the source said of a session, who that is here, and what it said later."""

    _inherit = 'assist.session'

    # === FIELDS === #

    import_id = fields.Many2one(
        'assist.session.import.record',
        string="Imported With",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
    )
    source_technician = fields.Char(
        string="Technician at the Source",
        readonly=True,
        copy=False,
        help="E-mail address or name, as given by the source.",
    )
    source_email = fields.Char(string="Customer E-mail at the Source", readonly=True, copy=False)
    source_customer = fields.Char(string="Customer at the Source", readonly=True, copy=False)
    source_customer_ref = fields.Char(
        string="Customer Number at the Source", readonly=True, copy=False
    )
    source_device = fields.Char(string="Device at the Source", readonly=True, copy=False)
    source_device_ref = fields.Char(string="Device ID at the Source", readonly=True, copy=False)
    source_group = fields.Char(string="Group at the Source", readonly=True, copy=False)
    source_department = fields.Char(string="Department at the Source", readonly=True, copy=False)
    source_digest = fields.Char(
        readonly=True, copy=False, help="Digest of the record this session was created from."
    )
    source_difference = fields.Text(
        string="Source Differs",
        readonly=True,
        copy=False,
        help="After this session had ended, the source sent it again with different values. "
        "Nothing was changed here.",
    )
    source_difference_digest = fields.Char(
        readonly=True, copy=False, help="Digest of the record that differs."
    )

    # === CONSTRAINTS AND INDEXES === #

    _source_difference_index = models.Index("(company_id) WHERE source_difference IS NOT NULL")

    # === ACTIONS === #

    def action_dismiss_source_difference(self):
        """Take note of what the source says otherwise; the same record does not bring it back."""
        self._assist_as_engine().write({'source_difference': False})
        return True

    # === BUSINESS METHODS === #

    def _get_source_digest(self, normal):
        """Return a digest by which the same record is known again, in any order and page."""
        # What it was called while it ran says nothing of it.
        return hashlib.blake2b(repr(normal[:-1]).encode(), digest_size=16).hexdigest()

    def _describe_source_difference(self, normal, stored):
        """Say in words what the source says otherwise than is stored here; '' when nothing.

        :param normal: what the source says
        :param dict stored: values of the columns named in `COMPARED`, and `source_digest`
        """
        lines = []
        descriptions = self.fields_get(list(COMPARED.values()), ['string', 'selection'])
        for name, column in COMPARED.items():
            if not stored['source_digest'] and name not in {'started_at', 'ended_at', 'kind'}:
                # Not made of a record: what the source says of it was never asked.
                continue
            theirs, ours = getattr(normal, name), stored[column]
            if name == 'billable':
                # Of what a source does not say so it does not say that it is free either.
                theirs = theirs is not False
            if (theirs or None) == (ours or None):
                continue
            choices = dict(descriptions[column].get('selection') or ())
            if name == 'billable':
                why = self._prepare_ingest_reason(normal)
                choices = {
                    True: self.env._("yes"),
                    False: self.env._("no (%(reason)s)", reason=why) if why else self.env._("no"),
                }
            lines.append(
                self.env._(
                    "%(field)s: %(theirs)s at the source, %(ours)s here",
                    field=descriptions[column]['string'],
                    theirs=self._show_source_value(choices.get(theirs, theirs)),
                    ours=self._show_source_value(choices.get(ours, ours)),
                )
            )
        return "\n".join(lines)

    def _show_source_value(self, value):
        if not value:
            return self.env._("nothing")
        if hasattr(value, 'isoformat'):
            return format_datetime(self.env, value)
        text = " ".join(str(value).split())
        return f"“{text[:200]}…”" if len(text) > 200 else f"“{text}”"

    # === WHO HELPED WHOM === #

    @api.model
    def _prepare_ingest_values(self, run, normals):
        """Return the values of the columns of `session_ingest.COLUMNS` for each session.

        :param IngestRun run: what the call of `ingest` keeps from batch to batch
        :param list normals: sessions in the common form
        """
        if len(run.matches) > REMEMBERED:
            run.matches.clear()
        if run.technicians is None:
            run.technicians = self._get_technicians_by_key(run.company)
        kinds = dict(self._fields['kind']._description_selection(self.env))
        matches = self._match_sessions(run, normals)
        by_rules = self._match_by_rules(run, normals, matches)
        return [
            {
                'external_id': normal.external_id,
                'name': self._prepare_ingest_name(normal, kinds),
                'kind': normal.kind,
                'started_at': normal.started_at,
                'ended_at': normal.ended_at,
                'duration_seconds': normal.duration_seconds,
                'billable': normal.billable is not False,
                'non_billable_reason': self._prepare_ingest_reason(normal),
                'note': normal.note or None,
                'technician_id': run.technicians.get(normal.technician.casefold()) or None,
                'device_id': device_id,
                'partner_id': partner_id or rule_partner_id,
                'matching_rule_id': None if partner_id else rule_id,
                **{column: getattr(normal, name) or None for name, column in SOURCE_TEXTS.items()},
            }
            for normal, (device_id, partner_id), (rule_partner_id, rule_id) in zip(
                normals, matches, by_rules, strict=True
            )
        ]

    @api.model
    def _prepare_ingest_name(self, normal, kinds):
        about = normal.customer_name or normal.device_name or normal.customer_email
        return " ".join((kinds[normal.kind], about or normal.external_id))

    @api.model
    def _prepare_ingest_reason(self, normal):
        if normal.billable is not False:
            return None
        # The notes are marked for translation where they stand, in the sources' profiles.
        return self.env._(normal.billable_note)

    @api.model
    def _get_technicians_by_key(self, company):
        """Return `{key: user id}`: logins, e-mail addresses and names, in lower case.

        A key that two users share stands for nobody. A login goes before an address, an address
        before a name.
        """
        self.env['res.users'].flush_model(['login', 'partner_id', 'company_ids', 'active', 'share'])
        self.env['res.partner'].flush_model(['email_normalized', 'name'])
        self.env.cr.execute(
            SQL(
                """
                SELECT u.id, u.login, p.email_normalized, p.name
                  FROM res_users u
                  JOIN res_partner p ON p.id = u.partner_id
                  JOIN res_company_users_rel c ON c.user_id = u.id AND c.cid = %s
                 WHERE u.active AND u.share IS NOT TRUE
                """,
                company.id,
            )
        )
        rows = self.env.cr.fetchall()
        found = {}
        for position in (3, 2, 1):
            keys = {}
            for row in rows:
                if key := (row[position] or '').strip().casefold():
                    keys.setdefault(key, set()).add(row[0])
            found |= {key: ids.pop() if len(ids) == 1 else None for key, ids in keys.items()}
        return found

    @api.model
    def _match_sessions(self, run, normals):
        """Return `(device id, partner id)` for each session; None where there is none.

        The customer is the device's, else the contact with exactly the e-mail address that the
        source gives, else (see `_match_by_rules`) the one that the first fitting rule names.
        Extend it to match by more: call super, then fill in what is None.
        """
        devices = self._match_devices(run, normals)
        contacts = self._match_contacts(run, normals)
        matches = []
        for normal in normals:
            device_id, partner_id = devices.get(normal.device_ref) or (None, None)
            if device_id is None and not normal.device_ref:
                device_id, partner_id = devices.get(('name', normal.device_name)) or (None, None)
            matches.append((device_id, partner_id or contacts.get(normal.customer_email)))
        return matches

    @api.model
    def _match_devices(self, run, normals):
        """Return `{device_ref or ('name', name): (device id, partner id)}`.

        By the source's ID; where the source gives none, by the name, if one device has it.
        """
        refs = {normal.device_ref for normal in normals if normal.device_ref}
        names = {
            normal.device_name for normal in normals if normal.device_name and not normal.device_ref
        }
        found = self._remember(run, 'device', refs, self._find_devices_by_ref)
        by_name = self._remember(run, 'device_name', names, self._find_devices_by_name)
        return found | {('name', name): match for name, match in by_name.items()}

    @api.model
    def _find_devices_by_ref(self, run, refs):
        self.env['assist.device'].flush_model()
        self.env.cr.execute(
            SQL(
                """
                SELECT external_id, id, partner_id FROM assist_device
                 WHERE company_id = %s AND source = %s AND external_id = ANY(%s)
                """,
                run.company.id,
                run.source,
                list(refs),
            )
        )
        return {ref: match for ref, *match in self.env.cr.fetchall()}

    @api.model
    def _find_devices_by_name(self, run, names):
        self.env['assist.device'].flush_model()
        # Collations differ in what they fold; both sides fold the letters of ASCII alone.
        folded = {name: name.encode().lower().decode() for name in names}
        self.env.cr.execute(
            SQL(
                """
                SELECT lower(name COLLATE "C"), min(id), min(partner_id) FROM assist_device
                 WHERE company_id = %s AND source = %s AND lower(name COLLATE "C") = ANY(%s)
              GROUP BY 1 HAVING count(*) = 1
                """,
                run.company.id,
                run.source,
                list(folded.values()),
            )
        )
        found = {name: match for name, *match in self.env.cr.fetchall()}
        return {name: found[key] for name, key in folded.items() if key in found}

    @api.model
    def _match_contacts(self, run, normals):
        """Return `{e-mail address: partner id}` for the addresses that mean one customer."""
        addresses = {normal.customer_email for normal in normals if normal.customer_email}
        return self._remember(
            run,
            'email',
            addresses,
            lambda run, addresses: self._find_contacts_by_email(run.company, addresses),
        )

    @api.model
    def _find_contacts_by_email(self, company, addresses):
        """Find contacts by address: the one that has it, or the company all of them belong to.

        Colleagues are no customers, whatever address a source shows, and whoever else has it as
        well. What a portal or public user typed is nobody's address until a colleague confirms it.
        """
        self.env['res.partner'].flush_model()
        self.env['res.users'].flush_model(['partner_id', 'active', 'share'])
        self.env.cr.execute(
            SQL(
                """
                WITH colleague AS MATERIALIZED (
                    -- Found once: of portal users, whom one would pass each time, there are many.
                    SELECT c.id, c.email_normalized
                      FROM res_users u JOIN res_partner c ON c.id = u.partner_id
                     WHERE u.active AND u.share IS NOT TRUE
                ), addressed AS (
                    SELECT p.email_normalized AS address, p.id,
                           p.commercial_partner_id, p.company_id, p.active
                      FROM res_partner p
                     WHERE p.email_normalized = ANY(%(addresses)s)
                       AND p.assist_email_unconfirmed IS NOT TRUE
                 UNION ALL
                    SELECT p.assist_confirmed_email AS address, p.id,
                           p.commercial_partner_id, p.company_id, p.active
                      FROM res_partner p
                     WHERE p.assist_confirmed_email = ANY(%(addresses)s)
                       AND p.assist_email_unconfirmed
                )
                SELECT p.address,
                       CASE WHEN count(*) = 1 THEN min(p.id)
                            WHEN count(DISTINCT p.commercial_partner_id) = 1
                             AND bool_or(p.id = p.commercial_partner_id)
                            THEN min(p.commercial_partner_id)
                       END
                  FROM addressed p
                 WHERE p.active AND (p.company_id IS NULL OR p.company_id = %(company)s)
                   AND NOT EXISTS (
                           SELECT 1 FROM colleague c
                            WHERE c.id = p.id OR c.email_normalized = p.address
                       )
              GROUP BY p.address
                """,
                addresses=list(addresses),
                company=company.id,
            )
        )
        return {address: partner_id for address, partner_id in self.env.cr.fetchall() if partner_id}

    @api.model
    def _match_addresses(self, addresses):
        """Give unbilled sessions without a customer the contact that has their address by now.

        :param addresses: normalised e-mail addresses, which contacts have since these sessions came
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT s.company_id, lower(s.source_email), array_agg(s.id)
                  FROM assist_session s
                 WHERE s.partner_id IS NULL AND s.state != 'billed' AND s.cycle_id IS NULL
                   AND lower(s.source_email) = ANY(%s)
              GROUP BY s.company_id, lower(s.source_email)
                """,
                list(addresses),
            )
        )
        found = []
        for company in self.env['res.company'].browse({company_id for company_id, *_said in rows}):
            sessions = {email: ids for company_id, email, ids in rows if company_id == company.id}
            contacts = self._find_contacts_by_email(company, sessions)
            found += [
                (session_id, partner_id, None)
                for address, partner_id in contacts.items()
                for session_id in sessions[address]
            ]
        self._set_partners(found)

    @api.model
    def _remember(self, run, kind, keys, find):
        """Return what `find` gives for keys, asking only for those not asked for before."""
        unknown = {key for key in keys if (kind, key) not in run.matches}
        if unknown:
            found = find(run, unknown)
            run.matches.update({(kind, key): found.get(key) for key in unknown})
        return {key: run.matches[kind, key] for key in keys}

    # === THE SAME UNDER ANOTHER ID === #
    #
    # An ID that is made of what a session says is another one as soon as it says more: a customer
    # that was filled in, a column that the version before did not read. The same session of
    # another source has nothing in common with it but who was helped when. They are looked for
    # among those of the same moment (hence `OFFSET 0`: a table without statistics is read by its
    # company and source otherwise, which is whole).

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
        for row in self._ingest_fetch_begun(run, unknown):
            rows.setdefault(row['started_at'], []).append(row)
        for normal in unknown if rows else ():
            row = self._ingest_choose_same(run, normal, rows.get(normal.started_at, ()))
            if row is not None:
                run.claimed.pop(run.recalled.get(normal.external_id), None)
                run.recalled[normal.external_id] = row['external_id']
                run.claimed[row['external_id']] = normal.external_id
                entries.setdefault(row['external_id'], Entry(row))

    @api.model
    def _ingest_choose_same(self, run, normal, rows):
        """Return the row that is this session under another ID, or None."""
        found = []
        for row in rows:
            external_id = row['external_id']
            claimed = run.claimed.get(external_id)
            if claimed != normal.external_id and (claimed or run.is_told(external_id)):
                continue
            told = {name: row[column] for name, column in TOLD.items()}
            if not sources.is_same_session(normal, {**row, **told}):
                continue
            digest = self._get_source_digest(normal._replace(external_id=external_id))
            # What has been said of it since may have been of another session.
            if row['source_difference_digest'] in (None, digest):
                found.append((digest != row['source_digest'], row['id'], row))
        return min(found)[-1] if found else None

    @api.model
    def _ingest_fetch_begun(self, run, normals):
        """Return the rows of sessions that began when these did and that they may be.

        Of two that their source numbers neither is the other.
        """
        columns = [*self._get_ingest_columns(), *TOLD.values()]
        self.flush_model(['company_id', 'source', 'external_id', *columns])
        self.env.cr.execute(
            SQL(
                """
                SELECT id, external_id, %(columns)s
                  FROM unnest(%(starts)s) AS v (start)
            CROSS JOIN LATERAL (
                           SELECT * FROM assist_session WHERE started_at = v.start OFFSET 0
                       ) s
                 WHERE company_id = %(company)s AND source = %(source)s
                   AND external_id ~ %(pattern)s
                """,
                columns=SQL(", ").join(map(SQL.identifier, columns)),
                starts=list({normal.started_at for normal in normals}),
                company=run.company.id,
                source=run.source,
                pattern=''
                if any(sources.is_derived(normal.external_id) for normal in normals)
                else f'^{sources.DERIVED_ID}$',
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
        or device is the same and so are the times, and both would be billed. Of the same source
        that is a list that a spreadsheet saved again, without its seconds or the noughts before its
        IDs; or one whose end somebody has corrected.

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
            'source_technician',
        ]  # fmt: skip
        self.flush_model(['company_id', 'source', *names])
        # PostgreSQL takes it for so long a query that it compiles it first: longer than it runs.
        self.env.cr.execute("SET LOCAL jit = off")
        self.env.cr.execute(
            SQL(
                """
                SELECT v.external_id AS new_id, s.external_id, s.source, s.started_at
                  FROM unnest(%(external_id)s::text[], %(partner_id)s::integer[],
                              %(technician_id)s::integer[],
                              %(started_at)s::timestamp[], %(ended_at)s::timestamp[],
                              %(source_customer)s::text[], %(source_email)s::text[],
                              %(source_device)s::text[], %(source_device_ref)s::text[],
                              %(source_technician)s::text[])
                       AS v (external_id, partner_id, technician_id, started_at, ended_at,
                             customer, email, device, device_ref, technician)
            CROSS JOIN LATERAL (
                           SELECT * FROM assist_session s
                            WHERE s.started_at > v.started_at - %(apart)s
                              AND s.started_at < v.started_at + %(apart)s
                           OFFSET 0
                       ) s
            CROSS JOIN LATERAL (
                           SELECT s.ended_at > v.ended_at - %(apart)s
                              AND s.ended_at < v.ended_at + %(apart)s AS at_once,
                                  s.started_at = v.started_at
                              AND s.ended_at = v.ended_at AS exactly,
                                  date_trunc('minute', s.started_at)
                                = date_trunc('minute', v.started_at)
                              AND date_trunc('minute', s.ended_at)
                                = date_trunc('minute', v.ended_at)
                              AND (v.started_at = date_trunc('minute', v.started_at)
                                   AND v.ended_at = date_trunc('minute', v.ended_at)
                                OR s.started_at = date_trunc('minute', s.started_at)
                                   AND s.ended_at = date_trunc('minute', s.ended_at)) AS by_minute,
                                  s.started_at = v.started_at
                              AND lower(s.source_technician) = lower(v.technician)
                                  AS is_corrected
                       ) AS t
                 WHERE s.company_id = %(company)s AND s.ended_at IS NOT NULL
                   AND CASE WHEN s.source != %(source)s THEN t.at_once
                            WHEN s.external_id = v.external_id THEN FALSE
                            WHEN s.external_id ~ %(derived)s OR v.external_id ~ %(derived)s
                            THEN t.exactly OR t.by_minute OR t.is_corrected
                            ELSE t.by_minute AND ltrim(lower(s.external_id), '0')
                                               = ltrim(lower(v.external_id), '0')
                       END
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
