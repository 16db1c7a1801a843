import hashlib
import json
from collections import defaultdict
from datetime import timezone

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL

from ... import sources
from ...rules.matching import Texts
from ...utils.automation_rules import tell_created
from ...utils.sql_changes import changing, created

# Columns of a device and their types, as they go to the database.
COLUMNS = {
    'external_id': 'text',
    'name': 'text',
    'partner_id': 'int',
    'source_name': 'text',
    'source_group': 'text',
    'source_department': 'text',
    'source_digest': 'text',
}
NEW_COLUMNS = {**COLUMNS, 'enrolled_on': 'date', 'removed_on': 'date', 'removed_at_source': 'bool'}


class AssistDevice(models.Model):
    """The one way in for lists of devices, from programs, connectors and files.

    See `assist.intake`.
    """

    _name = 'assist.device'
    _inherit = ['assist.device', 'assist.intake']

    # === INTAKE === #

    @api.model
    def ingest(self, records, source):
        """Take in what a remote-support tool says of its unattended devices.

        Sending the same again, in other pages or orders, changes nothing. What somebody chose
        here stays: the customer, another name, a removal. A device that the source says is
        deleted is removed as of today; one that is there again counts from today. A bad record
        never raises. A device that is not in `records` stays as it is.

        :param list records: dicts as the source writes them. Times without a zone are in the zone
            named by the context key `assist_source_tz`, else in the company's.
        :param str source: technical name of the source
        :return: for each record in its order a dict `{'index', 'status', 'id', 'field',
            'reason'}`; status is 'created', 'updated', 'duplicate' or 'rejected'; `id` is that of
            the device, or False; `field` and `reason` are False unless rejected
        :raise AccessError: the user may neither record devices nor import
        :raise ConcurrencyError: another caller stored other things of the same devices after
            this transaction began; begin again with a new one
        """
        return self._ingest_for_user(records, source)

    @api.model
    def _get_ingest_reader(self, source, tz, mapping):
        return sources.device_reader(source, tz, mapping)

    @api.model
    def _ingest_reject(self, field, code, value):
        return sources.reject_device(field, code, value)

    @api.model
    def _get_ingest_columns(self):
        names = [name for name in COLUMNS if name != 'external_id']
        return ['enrolled_on', 'removed_on', 'removed_at_source', 'missing_since', *names]

    @api.model
    def _ingest_compare(self, run, normals):
        """Return `{external_id: sources.Device}`, and `{external_id: row}` of what is stored."""
        # Where a list has a device more than once, what it says last counts.
        last = {normal.external_id: normal for normal in normals}
        former = {normal.former_id for normal in last.values() if normal.former_id}
        stored = self._ingest_fetch(run, [*last, *former])
        for external_id, normal in last.items():
            # Known by another of its IDs: it is that one, and gets the one that counts.
            if external_id not in stored and normal.former_id in stored:
                stored[external_id] = stored.pop(normal.former_id)
        return last, stored

    @api.model
    def _ingest_store(self, run, normals, compared):
        last, stored = compared
        statuses, ids = self._ingest_store_devices(run, last, stored)
        return [
            (
                statuses[normal.external_id] if last[normal.external_id] is normal else 'duplicate',
                ids[normal.external_id],
            )
            for normal in normals
        ]

    @api.model
    def _ingest_store_devices(self, run, normals, stored):
        """Store devices; return `({external_id: status}, {external_id: id})`."""
        statuses, new, changed = {}, [], []
        ends = {}
        gone, back = self.browse(), self.browse()
        partners = self._ingest_match(run, normals, stored)
        for external_id, normal in normals.items():
            row = stored.get(external_id)
            vals = self._prepare_ingest_vals(normal, row, partners.get(external_id))
            if row is None:
                statuses[external_id] = 'created'
                new.append((normal, vals))
                continue
            device = self.browse(row['id'])
            is_gone = normal.gone and not row['removed_on']
            is_back = not normal.gone and not normal.removed_at and row['removed_at_source']
            gone |= device if is_gone else self.browse()
            back |= device if is_back else self.browse()
            is_changed = any(row[name] != value for name, value in vals.items())
            if is_gone and normal.removed_at:
                ends[row['id']] = normal.removed_at
            if is_changed or row['missing_since']:
                changed.append({'id': row['id'], **vals})
            is_updated = is_changed or is_gone or is_back
            statuses[external_id] = 'updated' if is_updated else 'duplicate'
        fixed = {row['id'] for row in stored.values() if row.get('fixed')}
        if fixed & {*gone.ids, *back.ids, *(vals['id'] for vals in changed)}:
            # To be changed, but newer than this transaction: its caller begins again.
            message = "Devices to be changed were stored meanwhile."
            raise ConcurrencyError(message)
        ids = {external_id: row['id'] for external_id, row in stored.items()}
        inserted = self._ingest_create(run, new)
        ids |= inserted
        with changing(self.browse(vals['id'] for vals in changed), [*COLUMNS, 'missing_since']):
            self._ingest_update(changed)
            self.invalidate_model()
        created(
            self.browse(inserted.values()),
            [*NEW_COLUMNS, *self._get_ingest_defaults(), 'company_id', 'source'],
        )
        # sudo: a program that may only ingest has no access to what is there
        gone.sudo()._source_remove(run.now, ends)
        back.sudo()._source_reopen(run.now)
        touched = [ids[normal.external_id] for normal, _vals in new]
        touched += [vals['id'] for vals in changed]
        # sudo: see above
        self.browse(touched).sudo()._link_sessions()
        tell_created(self.browse(inserted.values()))
        return statuses, ids

    @api.model
    def _ingest_match(self, run, normals, stored):
        """Return `{external_id: partner id}` for devices that have no customer here.

        The customer is the contact with exactly the e-mail address that the source gives, else
        the one that the first fitting matching rule names: by department, group, device ...
        """
        sessions = self.env['assist.session']
        wanted = [
            normal
            for normal in normals.values()
            if not (stored.get(normal.external_id) or {}).get('partner_id')
        ]
        contacts = sessions._match_contacts(run, wanted)
        if run.matcher is None:
            run.matcher = self.env['assist.matching.rule']._get_matcher(run.company)
        found = {}
        for normal in wanted:
            partner_id = contacts.get(normal.customer_email)
            if not partner_id:
                texts = Texts(
                    customer_email=normal.customer_email,
                    customer_name=normal.customer_name,
                    customer_ref=normal.customer_ref,
                    device_ref=normal.external_id,
                    device_name=normal.name,
                    group=normal.group,
                    department=normal.department,
                )
                rule = run.matcher.find(run.source, texts)
                partner_id = rule.partner if rule else None
            found[normal.external_id] = partner_id
        return found

    @api.model
    def _prepare_ingest_vals(self, normal, row, partner_id):
        """Return the values of `COLUMNS`; `row` is what is stored, None if it is new."""
        renamed = row is not None and row['name'] != row['source_name']
        digest = hashlib.blake2b(repr(tuple(normal)).encode(), digest_size=16).hexdigest()
        return {
            'external_id': normal.external_id,
            # A name that somebody gave it here stays.
            'name': row['name'] if renamed else normal.name,
            'partner_id': (row and row['partner_id']) or partner_id,
            'source_name': normal.name,
            'source_group': normal.group or normal.customer_name or None,
            'source_department': normal.department or None,
            'source_digest': digest,
        }

    @api.model
    def _get_enrolment(self, run, normal):
        """Return since when a new device is there: as the source says, else now."""
        if normal.enrolled_at:
            return normal.enrolled_at
        # What is gone already was there before, nobody knows since when: it counts on no day.
        return min(run.now, normal.removed_at) if normal.removed_at else run.now

    @api.model
    def _ingest_create(self, run, new):
        """Insert new devices; return `{external_id: id}`."""
        if not new:
            return {}
        zones = self._get_zones({vals['partner_id'] for _normal, vals in new}, run.company)
        values = []
        for normal, vals in new:
            zone = zones[vals['partner_id']]
            enrolled_on = self._get_local_date(self._get_enrolment(run, normal), zone)
            gone = {}
            if normal.gone or normal.removed_at:
                removed_on = enrolled_on
                if normal.removed_at:
                    removed_on = max(removed_on, self._get_local_date(normal.removed_at, zone))
                gone = {'removed_on': removed_on, 'removed_at_source': True}
            values.append({**vals, 'enrolled_on': enrolled_on, 'removed_at_source': False, **gone})
        return self._ingest_insert(run, NEW_COLUMNS, values)

    @api.model
    def _ingest_update(self, changed):
        if not changed:
            return
        names = list(COLUMNS)
        self.env.cr.execute(
            SQL(
                """
                UPDATE assist_device d
                   SET %(columns)s, missing_since = NULL,
                       write_uid = %(uid)s, write_date = now() AT TIME ZONE 'UTC'
                  FROM json_to_recordset(%(values)s::json) AS r (id int, %(definition)s)
                 WHERE d.id = r.id
                """,
                columns=SQL(", ").join(
                    SQL("%s = r.%s", SQL.identifier(name), SQL.identifier(name)) for name in names
                ),
                uid=self.env.uid,
                values=json.dumps(changed),
                definition=self._get_ingest_definition(COLUMNS),
            ),
            log_exceptions=False,
        )

    # === DATES === #

    @api.model
    def _get_zones(self, partner_ids, company):
        """Return `{partner id or None: zone}`: of the nearest association, else the company's."""
        zones = defaultdict(company._assist_get_zone)
        wanted = [partner_id for partner_id in partner_ids if partner_id]
        if wanted:
            self.env['res.partner'].flush_model(['parent_id'])
            self.env['assist.billing.association'].flush_model()
            self.env.cr.execute(
                SQL(
                    """
                    WITH RECURSIVE chain AS (%s)
                    SELECT DISTINCT ON (c.origin) c.origin, a.tz
                      FROM chain c
                      JOIN assist_billing_association a
                        ON a.partner_id = c.partner_id AND a.company_id = %s
                  ORDER BY c.origin, a.state = 'ended', c.depth, a.start_date DESC
                    """,
                    self.env['assist.billing.association']._get_chain_sql(
                        SQL("SELECT unnest(%s::int[]) AS partner_id", wanted)
                    ),
                    company.id,
                )
            )
            zones.update((partner_id, tz) for partner_id, tz in self.env.cr.fetchall() if tz)
        return zones

    @api.model
    def _get_local_date(self, moment, zone):
        """Return the date that a naive UTC datetime is in a zone."""
        local = fields.Datetime.context_timestamp(
            self.with_context(tz=zone), moment.replace(tzinfo=None)
        )
        return local.astimezone(local.tzinfo or timezone.utc).date()
