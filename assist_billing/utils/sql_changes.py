"""What SQL has written, told to the ORM as `write` would tell it."""

from contextlib import contextmanager


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
    and of records that are related now; so automations that watch them act. `records` may be more
    than are changed in the end.
    """
    if records and is_depended_on(records, names):
        records.modified(names, before=True)
    yield
    written_to(records, names)


def written_to(records, names):
    """Have computed what depends on records into whose empty fields `names` SQL has written."""
    records.invalidate_recordset(names, flush=False)
    for name in names:
        for inverse in records.pool.field_inverses[records._fields[name]]:
            if inverse._get_all_cache_ids(records.env):
                records.env[inverse.model_name].invalidate_model([inverse.name], flush=False)
    if records and is_depended_on(records, names):
        _tell(records, names)


def get_log_values(env):
    """Return who makes rows and when, as the ORM notes it on what it creates."""
    now = env.cr.now()
    return {
        'create_uid': env.uid,
        'write_uid': env.uid,
        'create_date': now,
        'write_date': now,
    }


def created(records, names):
    """Have computed what depends on records whose fields `names` SQL has just inserted."""
    if records and is_depended_on(records, names):
        _tell(records, names, create=True)


def _tell(records, names, create=False):
    records.modified(names, create=create)
    for name in names:
        field = records._fields[name]
        if field.compute and field.store:
            # SQL has just written it.
            records.env.remove_to_compute(field, records)
