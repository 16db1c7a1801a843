"""Rules of Odoo's `base_automation`, where records are written past `create` and `write`.

That add-on puts methods of its own in the place of a model's `create` and `write` as long as there
is a rule on it. Whoever has made one in its dialog knows nothing of SQL: it is to act all the same.
"""

from contextlib import contextmanager

MODEL = 'base.automation'
# As the add-on knows whom it has run for already, handed from call to call.
DONE = '__action_done'


def is_watched(records):
    """Tell whether a rule watches what is written to this model; the answer costs no query."""
    return MODEL in records.env and hasattr(type(records).write, 'origin')


@contextmanager
def watching_writes(records, names):
    """Let a block write the fields `names` of `records`; the rules that watch them act.

    :param records: may be more than are changed in the end. Those made in this transaction have
        their rules of what is created.
    """
    if not records or not is_watched(records):
        yield
        return
    rules = records.env[MODEL]._get_actions(records, _get_triggers(records, 'WRITE_TRIGGERS'))
    if DONE in records.env.context:
        # Within a `write` that somebody has called: it has its rules on anything by itself.
        rules = rules.filtered(lambda rule: rule.sudo().trigger_field_ids)
    now = records.env.cr.now()
    # sudo: only compared, and handed to the rules, which run as the add-on says
    watched = records.with_env(rules.sudo().env).filtered(lambda record: record.create_date < now)
    before = {rule: rule._filter_pre(watched) for rule in rules}
    old_values = {record.id: {name: record[name] for name in names} for record in watched}
    yield
    changed = watched.filtered(
        lambda record: any(record[name] != old for name, old in old_values[record.id].items())
    )
    for rule in rules.with_context(old_values=old_values):
        found, domain = rule._filter_post_export_domain(before[rule] & changed, feedback=True)
        rule._process(found, domain_post=domain)


def tell_created(records):
    """Have the rules act that watch what is created, of records that SQL has inserted."""
    if not records or MODEL not in records.env or not hasattr(type(records).create, 'origin'):
        return
    rules = records.env[MODEL]._get_actions(records, _get_triggers(records, 'CREATE_TRIGGERS'))
    # sudo: see above
    records = records.with_env(rules.sudo().env)
    for rule in rules.with_context(old_values=None):
        rule._process(rule._filter_post(records, feedback=True))


def _get_triggers(records, name):
    # The add-on is no dependency: only where it is installed its code is there to be asked.
    from odoo.addons.base_automation.models import base_automation  # noqa: PLC0415

    return getattr(base_automation, name)
