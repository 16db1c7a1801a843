"""What SQL has written, told to the ORM as `write` would tell it."""

import json
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

from odoo.tools import SQL

from .automation_rules import watching_writes


def get_depended_on(records, fields, own):
    """Return which of these fields a field of any add-on, stored or cached, is computed from.

    The answer costs no query, so that a million sessions cost nothing as long as nobody asks for
    more.

    :param own: fields that do not count, for SQL has written them too
    """
    return [
        field
        for field in fields
        if any(
            dependent not in own
            and (dependent.store or bool(dependent._get_all_cache_ids(records.env)))
            for dependent in records.pool.get_dependent_fields(field)
        )
    ]


def is_depended_on(records, names):
    """Tell whether something is computed from one of these fields that is not among them."""
    own = {records._fields[name] for name in names}
    return bool(get_depended_on(records, own, own))


@contextmanager
def changing(records, names):
    """Let a block write the fields `names` of `records` in SQL; what depends on them follows.

    Stored fields of other add-ons are computed again, those of records that were related before
    and of records that are related now; automation rules that watch them act. `records` may be
    more than are changed in the end.
    """
    with watching_writes(records, names):
        if records and is_depended_on(records, names):
            records.modified(names, before=True)
        yield
        written_to(records, names)


def written_to(records, names):
    """Have computed what depends on records into whose empty fields `names` SQL has written."""
    records.invalidate_recordset(names, flush=False)
    _forget_inverses(records, names)
    if records and is_depended_on(records, names):
        _tell(records, names)


def flush_others(model):
    """Compute and store all that waits for it, as `flush_all` does, but for what `model` stores.

    For statements that read nothing of it: what is written to it afterwards is stored with it.
    """
    env = model.env
    env._recompute_all()
    while names := dict.fromkeys(
        field.model_name for field in env._field_dirty if field.model_name != model._name
    ):
        for name in names:
            env[name].flush_model()
        env._recompute_all()


def to_json(value):
    """Return a stored value as JSON takes it, and PostgreSQL reads it back unchanged."""
    if isinstance(value, date | datetime):
        return value.isoformat(' ') if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


def get_log_values(env):
    """Return who makes rows and when, as the ORM notes it on what it creates."""
    now = env.cr.now()
    return {
        'create_uid': env.uid,
        'write_uid': env.uid,
        'create_date': now,
        'write_date': now,
    }


def insert(model, vals_list):
    """Create records in one statement, and tell the ORM of them; return them.

    :param list vals_list: of each the values of its columns, as the database has them, all of the
        same fields; no other field gets one, neither its default nor what is computed beforehand
    """
    if not vals_list:
        return model
    names = list(vals_list[0])
    log = get_log_values(model.env) if model._log_access else {}
    selected, columns = {name: SQL("%s", value) for name, value in log.items()}, {}
    for name in names:
        values, field = [vals[name] for vals in vals_list], model._fields[name]
        column_type = SQL(field.column_type[0])
        # What all of them have is sent, and read, once.
        if values.count(values[0]) == len(values):
            value = json.dumps(values[0]) if field.type == 'json' else values[0]
            # An empty value has no type of its own.
            selected[name] = SQL("%s::%s", value, column_type)
        else:
            selected[name] = SQL.identifier('v', name)
            columns[name] = SQL("%s %s", SQL.identifier(name), column_type)
    source = SQL("generate_series(1, %s)", len(vals_list))
    if columns:
        # Written in half the time that the driver takes for lists, and read as fast.
        rows = [{name: vals[name] for name in columns} for vals in vals_list]
        source = SQL(
            "json_to_recordset(%s::json) AS v (%s)",
            json.dumps(rows, default=to_json),
            _join(columns.values()),
        )
    model.flush_model()
    rows = model.env.execute_query(
        SQL(
            "INSERT INTO %s (%s) SELECT %s FROM %s RETURNING id",
            SQL.identifier(model._table),
            _join_names(selected),
            _join(selected.values()),
            source,
        )
    )
    records = model.browse(row[0] for row in rows)
    _forget_inverses(records, names)
    created(records, names)
    return records


def _join(parts):
    return SQL(", ").join(parts)


def _join_names(names):
    return _join(map(SQL.identifier, names))


def created(records, names):
    """Have computed what depends on records whose fields `names` SQL has just inserted."""
    if records and is_depended_on(records, names):
        _tell(records, names, create=True)


def _forget_inverses(records, names):
    """Have what is known of the fields that are the other side of these read again."""
    for name in names:
        for inverse in records.pool.field_inverses[records._fields[name]]:
            if inverse._get_all_cache_ids(records.env):
                records.env[inverse.model_name].invalidate_model([inverse.name], flush=False)


def _tell(records, names, create=False):
    records.modified(names, create=create)
    for name in names:
        field = records._fields[name]
        if field.compute and field.store:
            # SQL has just written it.
            records.env.remove_to_compute(field, records)
