from odoo import api, models, tools
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.models import LOG_ACCESS_COLUMNS

from ...utils.checks import refuse_wrong_types

# In a context it says that the engine writes. No caller from outside can send this object.
ENGINE = object()
# Fields, by type or name, of which models say more than that a value is none of theirs.
SAID_BETTER = ('date', 'datetime', 'tz')


class AssistEngineFields(models.AbstractModel):
    """Fields that the engine writes, and nobody else: neither screen, RPC, import nor `load`.

    Such a field is declared `readonly=True` and stored, here and on Odoo's own models; that is
    the declaration. Screens take it as it is; `create` and `write` refuse it in words, unless the
    caller is superuser (scheduled actions, `sudo`) or says to be the engine:

        records._assist_as_engine().write({'state': 'done'})

    That keeps the user's own rights, where `sudo` would drop them.
    """

    _name = 'assist.engine.fields'
    _description = "Fields That Only the Engine Writes"

    # === THE ENGINE === #

    @api.model
    @tools.ormcache()
    def _get_engine_fields(self):
        """Return the names of the fields that only the engine writes.

        Extend it for a field that is editable on screens and the engine's all the same.
        """
        return frozenset(
            field.name
            for field in self._fields.values()
            if field.store
            and field.readonly
            and field.name not in ('id', *LOG_ACCESS_COLUMNS)
            and any(module.startswith('assist_billing') for module in field._modules)
        )

    def _assist_as_engine(self):
        """Return these records as the engine sees them: it may write its fields."""
        return self.with_context(assist_engine=ENGINE)

    def _assist_is_engine(self):
        return self.env.su or self.env.context.get('assist_engine') is ENGINE

    # === CRUD METHODS === #

    @api.model
    def default_get(self, fields):
        # EXTENDS base: a default in the context, or one that a user has set, is no engine's
        values = super().default_get(fields)
        for name in self._get_engine_fields() & values.keys():
            value = self._assist_get_own_default(name)
            if value is None:
                del values[name]
            else:
                values[name] = value
        return values

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        if not self._assist_is_engine():
            vals_list = [self._assist_drop_engine_fields(vals) for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        if not self._assist_is_engine():
            vals = self._assist_drop_engine_fields(vals)
        return super().write(vals)

    def copy_data(self, default=None):
        # What the engine wrote stays with the record it wrote it to.
        vals_list = super().copy_data(default)
        if self._assist_is_engine():
            return vals_list
        kept = default or {}
        engine = self._get_engine_fields()
        return [
            {name: value for name, value in vals.items() if name in kept or name not in engine}
            for vals in vals_list
        ]

    # === CHECKS === #

    def _assist_check_access(self, operation, vals_list=()):
        """Refuse who may not do this, before anything is looked up for it.

        The first statement of each `create` and `write` of ours.

        :param str operation: `create` or `write`
        :param vals_list: what is to be written
        :raise AccessError: the user may not; or one of the fields is the engine's
        """
        if self.env.su:
            return
        records = self.browse() if operation == 'create' else self
        if not records and operation == 'write' and not self._name.startswith('assist.'):
            return  # Odoo's own code writes to none of its records, whoever the user is
        records.check_access(operation)
        engine = self._get_engine_fields()
        for vals in vals_list:
            refuse_wrong_types(records, vals, sparing=self._get_said_better())
            refuse_wrong_types(records, {name: vals[name] for name in engine & vals.keys()})
        if self._assist_is_engine():
            return
        for vals in vals_list:
            records._assist_check_engine_fields(vals)

    @api.model
    def _get_said_better(self):
        """Return types and names of fields of which `create` and `write` say more themselves."""
        return SAID_BETTER if self._name.startswith('assist.') else ()

    def _assist_check_engine_fields(self, vals):
        """Refuse a change of what only the engine writes; the same value again is no change."""
        names = self._get_engine_fields() & vals.keys()
        for name in names:
            # Who may not see a field does not learn whether a guess was right.
            self._check_field_access(self._fields[name], 'write')
        changed = [name for name in sorted(names) if self._assist_is_changed(name, vals[name])]
        if changed:
            labels = self.fields_get(changed, ['string'])
            raise AccessError(
                self.env._(
                    "%(model)s: %(fields)s cannot be written. Assist Billing sets this itself; "
                    "leave it out.",
                    model=self.env['ir.model']._get(self._name).name,
                    fields=", ".join(labels[name]['string'] for name in changed),
                )
            )

    def _assist_is_changed(self, name, value):
        """Tell whether writing `value` to field `name` would change one of these records.

        Of a new record: whether it is another than that of a record without it.
        """
        field = self._fields[name]
        if not self:
            default = self._assist_get_own_default(name)
            return field.convert_to_cache(value, self) not in (
                field.convert_to_cache(default or False, self),
                field.convert_to_cache(False, self),
            )
        # sudo: only compared; whether the field may be seen was asked before
        return any(
            field.convert_to_cache(value, record) != field.convert_to_cache(record[name], record)
            for record in self.sudo()
        )

    def _assist_drop_engine_fields(self, vals):
        """Return `vals` without what only the engine writes: it was found to be no change."""
        engine = self._get_engine_fields()
        if engine.isdisjoint(vals):
            return vals
        return {name: value for name, value in vals.items() if name not in engine}

    @api.model
    def _assist_get_own_default(self, name):
        """Return the default that is declared with a field, as for `create`; None without."""
        field = self._fields[name]
        if not field.default:
            return None
        value = field.convert_to_cache(field.default(self), self, validate=False)
        return field.convert_to_write(field.convert_to_record(value, self), self)


class AssistGuard(models.AbstractModel):
    """What every stored model of ours has: its engine's fields, and the company it stays in.

    Odoo asks its rules before a write; here they hold afterwards too, so that nobody can put a
    record where he may not reach.
    """

    _name = 'assist.guard'
    _description = "Guards Who Writes What"
    _inherit = ['assist.engine.fields', 'assist.chosen', 'assist.grouped.lists']

    # === BUSINESS METHODS - orm === #

    @api.model
    def _search_display_name(self, operator, value):
        # EXTENDS base: of what has no field for its name Odoo finds all there is, whatever is asked
        # for; an import then takes the first of them
        if self._rec_name or self._rec_names_search:
            return super()._search_display_name(operator, value)
        finds_all = operator.endswith('like') and '=' not in operator and not value
        is_negative = operator in Domain.NEGATIVE_OPERATORS
        return Domain.TRUE if finds_all != is_negative else Domain.FALSE

    # === CRUD METHODS === #

    def write(self, vals):
        self._assist_check_access('write', [vals])
        if not self.env.su:
            self._assist_check_types(vals)
        result = super().write(self._assist_drop_unchanged(vals))
        if not self.env.su:
            self.check_access('write')
        return result

    # === CHECKS === #

    @api.model
    @tools.ormcache()
    def _get_entered_fields(self):
        """Return the names of the stored fields that are only what is entered, a value each."""
        return frozenset(
            field.name
            for field in self._fields.values()
            if field.store
            and field.column_type
            and not field.compute
            and not field.translate
            and not field.company_dependent
        )

    def _assist_drop_unchanged(self, vals):
        """Return `vals` without what all of these records have already: forms and imports send it.

        Odoo would compute anew whatever depends on it: a price that was agreed upon would become
        the plan's again. What is computed unless it is entered stays in: it says that it is not to
        be computed.
        """
        if not self or self._assist_is_engine():
            return vals
        entered = self._get_entered_fields() & vals.keys()
        for name in entered:
            # Who may not see a field does not learn whether a guess was right.
            self._check_field_access(self._fields[name], 'write')
        return {
            name: value
            for name, value in vals.items()
            if name not in entered or self._assist_is_changed(name, value)
        }

    def _assist_get_drafts(self, vals, names):
        """Return these records as `vals` would make them, or a new one, to be looked at: unstored.

        :param names: the fields to look at; the others are empty
        """
        given = {name: vals[name] for name in names if name in vals}
        drafts = self.browse()
        for record in self or [self]:
            stored = {
                name: record[name].id if record._fields[name].relational else record[name]
                for name in names
                if record
            }
            drafts += self.new({**stored, **given})
        return drafts

    def _assist_check_access(self, operation, vals_list=()):
        # EXTENDS: a company that is not the user's is refused before anything is looked up in it
        super()._assist_check_access(operation, vals_list)
        if self.env.su or 'company_id' not in self._fields:
            return
        for vals in vals_list:
            company_id = vals.get('company_id')
            if company_id and company_id not in self.env.companies.ids:
                raise AccessError(
                    self.env._(
                        "%(model)s: this is not one of the companies you are currently working in. "
                        "Choose one of those.",
                        model=self.env['ir.model']._get(self._name).name,
                    )
                )
