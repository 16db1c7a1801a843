import json
from collections.abc import Iterable

from psycopg2.errors import SerializationFailure, UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL, split_every

from ... import sources

BATCH_SIZE = 2_000
# Another transaction can put rows between our look and our write this often, no more.
ATTEMPTS = 5
# What a record that can be taken in is read into; anything else is a rejection.
FORMS = (sources.Normal, sources.Device)


class Overtaken(Exception):
    """Another transaction stored the same first."""


class IngestRun:
    """What one call of `ingest` keeps from batch to batch.

    :param take: called with `(record, now)`; gives a form of `FORMS`, or a rejection
    :param bool preview: store nothing; `id` is False where a record would be created
    :param repeats: `sources.Repeats` or its like for devices, what the rows of the same file said
        before; None where records are no file. One that has the ID of an earlier row and says
        other things is rejected
    :param bool takes_alike: take in rows of a file though they may be there already under other
        IDs (see `assist.session._find_alike`); default: refuse them
    :param bool by_account: the IDs are numbers that each account of the source begins anew; refuse
        one that is known as that of another session
    :param look: called after each batch with `(run, index of its first, results, answers)`
    """

    def __init__(
        self,
        company,
        source,
        take,
        *,
        preview=False,
        repeats=None,
        takes_alike=False,
        by_account=False,
        look=None,
    ):
        self.company = company
        self.source = source
        self.take = take
        self.preview = preview
        self.repeats = repeats
        self.takes_alike = takes_alike
        self.by_account = by_account
        self.look = look
        self.now = fields.Datetime.now()
        self.technicians = self.matcher = None
        self.matches = {}
        # Set once another transaction was met: from then on its rows are looked up first.
        self.met_others = False
        # The IDs that were told so far; under which others some are known, and the other way round.
        self.told = set()
        self.recalled = {}
        self.claimed = {}
        # How many may be there already under other IDs.
        self.alike = 0
        # Of which something else is said now than is stored, by what only looks.
        self.differing = set()

    def is_told(self, external_id):
        """Tell whether this call, or the file it is part of, has had this ID."""
        return external_id in self.told or (
            self.repeats is not None and external_id in self.repeats
        )


class AssistIntake(models.AbstractModel):
    """How records of remote-support tools come in: one protocol for sessions and for devices.

    Batch by batch they are read, compared with what is there, and stored, each batch whole or not
    at all; when another transaction was quicker, the batch is compared again. What inherits from
    this has `company_id`, `source` and `external_id`, which are unique together.
    """

    _name = 'assist.intake'
    _description = "Intake of Records"

    # Whether storing leaves writes to Odoo's cache that belong into the batch's savepoint.
    _ingest_flushes = True

    # === HOOKS === #

    @api.model
    def _get_ingest_reader(self, source, tz, mapping):
        """Return what reads a record: called with `(record, now)`, gives a form or a rejection."""
        raise NotImplementedError

    @api.model
    def _ingest_reject(self, field, code, value):
        """Return the rejection of what is no record at all."""
        raise NotImplementedError

    @api.model
    def _get_ingest_columns(self):
        """Return the columns by which a record is compared with what is there."""
        raise NotImplementedError

    @api.model
    def _ingest_is_overtaken(self, ours, theirs):
        """Tell whether a row that others stored meanwhile counts, and not ours (None: none)."""
        return ours != theirs

    @api.model
    def _ingest_compare(self, run, normals):
        """Look up what is there, by `_ingest_fetch`; return what `_ingest_store` is to do."""
        raise NotImplementedError

    @api.model
    def _ingest_store(self, run, normals, compared):
        """Store a batch; return `(status, id)` for each of `normals`, in their order.

        :raise Overtaken: others stored some of these meanwhile; it is compared again
        """
        raise NotImplementedError

    # === BUSINESS METHODS === #

    @api.model
    def _ingest_for_user(self, records, source):
        """Take in records for the user; what `ingest` of each model does.

        :raise AccessError: the user may neither record nor import these
        """
        self._check_may_ingest()
        return self._ingest(records, source, tz=self.env.context.get('assist_source_tz'))

    @api.model
    def _check_may_ingest(self):
        if not self.env.user.has_group('assist_billing.assist_billing_group_ingest'):
            self.check_access('create')
            self.check_access('write')

    @api.model
    def _ingest(self, records, source, *, tz=None, mapping=None, **options):
        """Take in records as `ingest` does, with a zone and a mapping of columns.

        :param options: of `IngestRun`
        """
        if isinstance(records, dict):
            records = [records]
        if isinstance(records, str | bytes) or not isinstance(records, Iterable):
            return [self._answer_rejected(0, self._ingest_reject('records', 'not_object', records))]
        company = self.env.company
        tz = tz or self._get_source_zone(source, company)
        run = IngestRun(company, source, self._get_ingest_reader(source, tz, mapping), **options)
        self.env.flush_all()
        if sources.get(source) and not run.preview:
            # Whoever brings the same meanwhile waits here, instead of in a deadlock.
            self.env.cr.execute(
                SQL(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                    f'{self._name}.ingest {company.id} {source}',
                )
            )
        answers = []
        for batch in split_every(BATCH_SIZE, records):
            answers += self._ingest_batch(run, len(answers), batch)
        return answers

    @api.model
    def _get_source_zone(self, source, company):
        """Return the zone of a source's times without one, where nobody names it."""
        return company._assist_get_zone()

    @api.model
    def _ingest_batch(self, run, first, records):
        """Take in one batch in one go; return its answers."""
        results = self._ingest_read(run, first, records)
        normals = [result for result in results if isinstance(result, FORMS)]
        taken = iter(self._ingest_normals(run, normals))
        answers = []
        for index, result in enumerate(results, first):
            if isinstance(result, FORMS):
                status, record_id = next(taken)
                answers.append(
                    {'index': index, 'status': status, 'id': record_id, 'field': False,
                     'reason': False}
                )  # fmt: skip
            else:
                answers.append(self._answer_rejected(index, result))
        if run.look:
            run.look(run, first, results, answers)
        return answers

    @api.model
    def _ingest_read(self, run, first, records):
        """Return what each record of a batch comes to: one of `FORMS`, or a rejection."""
        results = [run.take(record, run.now) for record in records]
        if run.repeats is None:
            return results
        return [
            (isinstance(result, FORMS) and run.repeats.meet(index, result)) or result
            for index, result in enumerate(results, first)
        ]

    @api.model
    def _ingest_normals(self, run, normals):
        """Store what was read, whole or not at all; return `(status, id)` for each."""
        for attempt in range(ATTEMPTS):
            compared = self._ingest_compare(run, normals)
            try:
                with self.env.cr.savepoint(flush=self._ingest_flushes):
                    return self._ingest_store(run, normals, compared)
            except (SerializationFailure, UniqueViolation, Overtaken) as overtaken:
                # Somebody stored some of these after this transaction began. They are out of its
                # sight, but another one sees them: look again, with their rows.
                if attempt == ATTEMPTS - 1:
                    raise ConcurrencyError(str(overtaken)) from overtaken
                run.met_others = True
        return []

    @api.model
    def _ingest_fetch(self, run, external_ids):
        """Return `{external_id: row}` of what is there already: `id`, and the columns compared.

        A row that was committed after this transaction began, so that it cannot be changed, has
        'fixed' set.
        """
        if not external_ids:
            return {}
        columns = self._get_ingest_columns()
        query = SQL(
            "SELECT id, external_id, %s FROM %s "
            "WHERE company_id = %s AND source = %s AND external_id = ANY(%s)",
            SQL(", ").join(map(SQL.identifier, columns)),
            SQL.identifier(self._table),
            run.company.id,
            str(run.source),
            list(external_ids),
        )
        self.flush_model(['company_id', 'source', 'external_id', *columns])
        self.env.cr.execute(query)
        stored = {row['external_id']: row for row in self.env.cr.dictfetchall()}
        if run.met_others:
            # A new transaction sees what was committed since this one began.
            with self.env.registry.cursor() as cr:
                cr.execute(query)
                for row in cr.dictfetchall():
                    if self._ingest_is_overtaken(stored.get(row['external_id']), row):
                        stored[row['external_id']] = {**row, 'fixed': True}
        return stored

    @api.model
    def _ingest_insert(self, run, columns, values):
        """Insert rows in one statement; return `{external_id: id}`.

        :param dict columns: types of the columns by name
        :param list values: for each row a dict of its columns
        :raise Overtaken: others stored some of these meanwhile
        """
        if not values:
            return {}
        defaults = self._get_ingest_defaults()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO %(table)s (
                    company_id, source, create_uid, create_date, write_uid, write_date,
                    %(columns)s
                )
                SELECT %(company)s, %(source)s, %(uid)s, now_utc.at, %(uid)s, now_utc.at,
                       %(values)s
                  FROM json_to_recordset(%(rows)s::json) AS r (%(definition)s),
                       (SELECT now() AT TIME ZONE 'UTC' AS at) AS now_utc
                    ON CONFLICT (company_id, source, external_id) WHERE external_id IS NOT NULL
                    DO NOTHING
             RETURNING external_id, id
                """,
                table=SQL.identifier(self._table),
                columns=SQL(", ").join(map(SQL.identifier, [*columns, *defaults])),
                values=SQL(", ").join([*map(SQL.identifier, columns), *defaults.values()]),
                company=run.company.id,
                source=run.source,
                uid=self.env.uid,
                rows=json.dumps(values, default=str),
                definition=self._get_ingest_definition(columns),
            ),
            # Being overtaken is no error; it is met by looking again.
            log_exceptions=False,
        )
        ids = dict(self.env.cr.fetchall())
        if len(ids) != len(values):
            raise Overtaken
        return ids

    @api.model
    def _get_ingest_defaults(self):
        """Return what new rows have by default in columns that are none of ours, as SQL by name.

        Those of other add-ons, and fields made by hand: `create` would fill them in, and where
        they are required nothing could be stored without.
        """
        others = [
            name
            for name, field in self._fields.items()
            if field.store
            and field.column_type
            and not any(module.startswith('assist_billing') for module in field._modules)
            and name not in models.MAGIC_COLUMNS
        ]
        return {
            name: SQL(
                "%s::%s",
                self._fields[name].convert_to_column_insert(value, self),
                SQL(self._fields[name].column_type[0]),
            )
            for name, value in self.default_get(others).items()
            if name in others
        }

    @api.model
    def _get_ingest_definition(self, columns):
        """Return the definition of a record set of columns, given with their types."""
        return SQL(", ").join(
            SQL("%s %s", SQL.identifier(name), SQL(type_)) for name, type_ in columns.items()
        )

    # === ANSWERS IN WORDS === #

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
            return ", ".join(map(self._translate_label, value))
        return self.env._(str(value)) if isinstance(value, sources.Label) else value
