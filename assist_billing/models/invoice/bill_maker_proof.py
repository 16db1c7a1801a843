import functools
import hashlib
import inspect
import logging
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from odoo import fields, models, release
from odoo.models import LOG_ACCESS_COLUMNS
from odoo.tools import format_list

from ...utils.code_reading import (
    OUTSIDE_NAMES,
    get_names,
    get_with_helpers,
    raises,
    watched_outside,
)
from ...utils.races import NOBODYS_FAULT
from ...utils.refusals import NotDerivedError
from ...utils.remembering import CODE, remembered
from .bill_maker_rule import (
    LISTENED_MODELS,
    REPLACED_METHODS,
    get_unknown_modules,
    is_known,
)

_logger = logging.getLogger(__name__)

# Whose code has a say in bills.
SIGNED_MODELS = (
    'account.move',
    'account.move.line',
    'res.partner',
    'mail.thread',
    'assist.bill.maker',
    'assist.billing.cycle',
)
# Who extends one of these numbers bills in ways of its own.
NUMBERING_METHODS = {
    '_compute_name',
    '_get_last_sequence_domain',
    '_get_next_sequence_format',
    '_get_starting_sequence',
    '_set_next_sequence',
}
# No trait of a customer: what the engine itself counts, and what names a single one.
NO_TRAITS = {*LOG_ACCESS_COLUMNS, 'id', 'customer_rank', 'supplier_rank', 'parent_path'}


@functools.cache
def _get_file_checksum(path):
    """Return a checksum of a file of code, which does not change while Odoo runs it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _list_found(column, customers):
    """Return what of a field of customers an add-on is likely to act on: of each a tuple.

    Of what each customer has another one of: whether there is one.
    """
    if column.type == 'many2many':
        return [customer[column.name]._ids for customer in customers]
    if column.type == 'many2one':
        if any(True for _id in column._cache_missing_ids(customers)):
            customers.fetch([column.name])
        cache = column._get_cache(customers.env)
        ids = [cache[id_] or False for id_ in customers._ids]
        return [(bool(id_) if column.comodel_name == 'res.partner' else id_,) for id_ in ids]
    values = customers.mapped(column.name)
    if column.type in ('boolean', 'selection'):
        return [(value,) for value in values]
    if column.type in ('integer', 'float', 'monetary'):
        return [((value > 0) - (value < 0),) for value in values]
    return [(bool(value),) for value in values]


class AssistBillMaker(models.AbstractModel):
    """What is proven on this very database, where add-ons have a hand in invoices.

    Nobody has to know them. Bills that Odoo makes its ordinary way, with all that add-ons do to
    them, are compared with what deriving them from each other would have made; what comes out
    equal is derived from then on, see `assist.bill.proof`. Beforehand their code is asked for what
    no comparison shows: who refuses single invoices, ends transactions or hands them over to
    others, or asks something of whoever posts, is to be called for each.

    What they compute for themselves is computed for derived bills as well, and their constraints
    are checked on each.
    """

    _inherit = 'assist.bill.maker'

    # === SIGNATURE === #

    def _get_signature(self):
        """Return what names the code that has a say in bills: another code, another name.

        But for what people have computed on screen, which is computed for each bill in any case.
        """
        key = tuple(type(self.env[name]).__mro__ for name in SIGNED_MODELS)
        known = self.pool.__dict__.setdefault('assist_signatures', {})
        if key not in known:
            known[key] = self._compute_signature()
        return known[key]

    def _compute_signature(self):
        paths, others = set(), [release.version]
        for name in SIGNED_MODELS:
            for parent in type(self.env[name]).__mro__:
                if vars(parent).get('_module'):
                    try:
                        paths.add(inspect.getsourcefile(parent))
                    except (OSError, TypeError):
                        others.append(repr(parent))
        parts = [*map(_get_file_checksum, filter(None, paths)), *others]
        return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:16]

    def _get_evidence(self):
        """Return what is known at present of deriving bills in this company, as `Evidence`."""
        return self.env['assist.bill.proof']._get_evidence(self.env.company, self._get_signature())

    def _is_extended(self):
        """Tell whether code that was never compared beforehand has a hand in invoices."""
        return bool(self._find_listening_parts())

    def _describe_deriving(self):
        """Return in words whether bills are derived from each other at present, and why not."""
        if reason := self._get_not_derived_reason():
            return self.env._("Not at present: %(reason)s.", reason=reason)
        if not self._is_extended():
            return self.env._("Yes: nothing else has a hand in how invoices are made.")
        evidence = self._get_evidence()
        if kinds := len(evidence.covered):
            return self.env._(
                "Yes, beside the add-ons that are installed. Kinds of bills that are proven on "
                "this database: %(count)s.",
                count=kinds,
            )
        if evidence.refused:
            reasons = dict.fromkeys(evidence.refused.values())
            return self.env._("Not at present: %(reason)s.", reason=self._join_reasons(*reasons))
        return self.env._(
            "Not yet: the next run first makes some bills both ways, and compares them."
        )

    # === WHAT NO COMPARISON SHOWS === #

    def _get_unprovable_reason(self):
        """Return in words why deriving bills cannot be proven by comparing them; None if it can."""
        if rules := self._get_automation_rules():
            return self.env._("%(rules)s acts on each invoice", rules=format_list(self.env, rules))
        if found := self._find_strange_effect():
            module, name, words = found
            return self.env._(
                "%(add_on)s (%(method)s) %(does)s",
                add_on=self._get_add_on_titles([module]).get(module, module),
                method=name,
                does=words,
            )
        return None

    @remembered(lambda maker: None, CODE)
    def _find_strange_effect(self):
        """Return what an add-on does that comparing bills would not show, or None.

        :return: name of the add-on, name of the method, what it does in words
        """
        for module, name, function in self._iter_strange_methods():
            if words := self._describe_effect(module, name, function):
                return module, name, words
        return None

    def _describe_effect(self, module, name, function):
        """Return in words what a method of an add-on does that comparing bills would not show."""
        if not module:
            return self.env._("was exchanged while Odoo runs")
        if name in NUMBERING_METHODS:
            return self.env._("numbers invoices in its own way")
        if name == 'action_post':
            return self.env._("is to be asked by whoever posts an invoice")
        functions = get_with_helpers(function, lambda helper: self._get_method_of(module, helper))
        if any(map(raises, functions)):
            return self.env._("may refuse single invoices")
        outside = OUTSIDE_NAMES & set(chain.from_iterable(map(get_names, functions)))
        if outside:
            return self.env._("may act outside of the database (%s)", ", ".join(sorted(outside)))
        return None

    def _iter_strange_methods(self):
        """Yield the methods of unknown add-ons, see `_iter_unknown_methods`.

        But for those that are run for each derived bill: constraints, and what computes the
        add-ons' own fields.
        """
        for model in REPLACED_METHODS:
            computing = {column.compute for column in self._get_computed_by_others(model)}
            for module, name, function in self._iter_unknown_methods(model):
                is_run = hasattr(function, '_constrains') or name in computing
                if not (module and is_run):
                    yield module, name, function

    def _get_method_of(self, module, name):
        """Return the method of this name that an add-on has on invoices or their lines, if any."""
        for model in LISTENED_MODELS:
            for parent in type(self.env[model]).__mro__:
                if vars(parent).get('_module') == module and inspect.isfunction(
                    vars(parent).get(name)
                ):
                    return vars(parent)[name]
        return None

    # === WHAT IS RUN FOR EACH BILL === #

    @remembered(lambda maker, model: model, CODE)
    def _get_computed_by_others(self, model):
        """Return the stored fields of bills or lines that add-ons never compared compute."""
        if model not in LISTENED_MODELS:
            return []
        return [
            column
            for column in self.env[model]._fields.values()
            if column.column_type
            and get_unknown_modules(column)
            and not any(is_known(module, column.name) for module in column._modules)
        ]

    @remembered(lambda maker, model: model, CODE)
    def _get_constraints_of_others(self, model):
        """Return the names of the constraints on bills or lines of add-ons never compared."""
        return sorted(
            {
                name
                for module, name, function in self._iter_unknown_methods(model)
                if module and hasattr(function, '_constrains')
            }
        )

    # === KINDS AND TRAITS === #

    def _get_kind(self, vals, is_posted):
        """Return what names the kind of a bill: its shape, without dates and people.

        :param dict vals: values with all lines
        """
        lines = {
            (
                line['display_type'],
                line.get('assist_charge'),
                line.get('product_id'),
                line['account_id'],
                repr(line.get('tax_ids')),
                line.get('tax_repartition_line_id'),
            )
            for _command, _id, line in vals['line_ids']
        }
        header = [
            vals.get(name)
            for name in ('move_type', 'journal_id', 'currency_id', 'fiscal_position_id')
        ]
        text = repr((is_posted, sorted(vals), header, sorted(lines, key=repr)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _get_kind_name(self, vals, is_posted):
        """Return in words of which kind a bill is."""
        lines = self.env['account.move.line']
        labels = dict(lines._fields['assist_charge']._description_selection(self.env))
        charges = dict.fromkeys(
            labels[line['assist_charge']]
            for _command, _id, line in vals['line_ids']
            if line.get('assist_charge')
        )
        position = self.env['account.fiscal.position'].browse(vals['fiscal_position_id'])
        words = [
            ", ".join(charges),
            self.env['res.currency'].browse(vals['currency_id']).name,
            position.name,
            self.env._("posted") if is_posted else self.env._("in draft"),
        ]
        return " · ".join(filter(None, words))

    def _get_traits(self, vals, customers):
        """Return all that an add-on is likely to act on, of a bill and of its customer.

        A bill is derived only if each of its traits was there on bills that were compared.

        :param dict vals: values with all lines
        :param dict customers: as of `_get_customer_traits`
        :return: set of texts
        """
        return {
            f"total={len(str(int(abs(vals['amount_total']))))}",
            f"salesperson={bool(vals.get('invoice_user_id'))}",
            f"reference={bool(vals.get('ref'))}",
            f"method={vals.get('preferred_payment_method_line_id') or False}",
            f"delivery={vals.get('partner_shipping_id') == vals['partner_id']}",
            *customers[vals['partner_id']],
        }

    def _get_customer_traits(self, customers):
        """Return all that an add-on is likely to act on, of customers and of their companies.

        :return: dict of id -> list of texts
        """
        traits = self._list_traits(customers)
        departments = customers.filtered(
            lambda customer: customer.commercial_partner_id != customer
        )
        of_companies = self._list_traits(departments.commercial_partner_id, 'company.')
        for customer in departments:
            traits[customer.id] += of_companies[customer.commercial_partner_id.id]
        for customer in customers - departments:
            traits[customer.id].append("company=own")
        return traits

    def _list_traits(self, customers, role=''):
        """Return the traits of customers themselves: dict of id -> list of texts.

        One field of all of them after the other, for most have the same value as those before.
        """
        traits, alike = {customer.id: [] for customer in customers}, []
        for column in self._get_trait_columns():
            values = _list_found(column, customers)
            texts = {
                found: [f"{role}{column.name}={value}" for value in found] for found in {*values}
            }
            if len(texts) == 1:
                alike += texts.popitem()[1]
                continue
            for own, found in zip(traits.values(), values, strict=True):
                own += texts[found]
        return {id_: alike + own for id_, own in traits.items()}

    def _get_trait_columns(self):
        """Return the stored fields of a contact that say something of it, of whatever add-on."""
        return [
            column
            for name, column in self.env['res.partner']._fields.items()
            if column.store
            and (column.column_type or column.type == 'many2many')
            and column.type not in ('binary', 'properties', 'json')
            and name not in NO_TRAITS
        ]

    # === PROVING === #

    def _prove(self, families):
        """Find out whether bills that Odoo made its ordinary way could have been derived.

        Nothing but what is found is stored.
        """
        self.env.flush_all()
        try:
            self._check_outside()
            self._check_tables(families)
        except NotDerivedError as error:
            self._keep_proof(reason=str(error))
            return
        for family in families:
            try:
                with self.env.cr.savepoint(flush=False):
                    exemplars = self._read_bills(family.exemplars.ids)
                    compared = self._check_exemplars(family, list(exemplars.values()))
            except NOBODYS_FAULT:
                raise
            except NotDerivedError as error:
                self._keep_proof(family, reason=str(error))
            except Exception as error:
                # The bills are there, and right: whatever it is, it is a reason to derive none.
                _logger.exception("Bills of one shape could not be compared")
                reason = self.env._("they could not be compared: %s", error)
                self._keep_proof(family, reason=reason)
            else:
                self._keep_proof(family, value_count=compared)

    def _check_outside(self):
        """Check that making bills has reached nothing outside of the database."""
        if outside := self.env.cr.cache.pop('assist_outside', None):
            raise NotDerivedError(
                self.env._(
                    "making invoices acts outside of the database: %s", ", ".join(sorted(outside))
                )
            )

    @contextmanager
    def _watched_outside(self):
        """Keep, for `_prove`, what is reached outside of the process while bills are made."""
        if not self._is_extended():
            yield
            return
        with watched_outside() as found:
            yield
        self.env.cr.cache.setdefault('assist_outside', set()).update(found)

    def _keep_proof(self, family=None, *, reason=None, value_count=0):
        """Keep what was found of bills of a kind, or (None) of all."""
        self.env['assist.bill.proof'].create(
            {
                'name': family.kind_name if family else self.env._("All bills"),
                'kind': family.kind if family else False,
                'company_id': self.env.company.id,
                'made_at': fields.Datetime.now(),
                'signature': self._get_signature(),
                'state': 'refused' if reason else 'proven',
                'reason': reason,
                'listeners': "\n".join(self._get_listeners()) or False,
                'bill_count': len(family.models) if family else 0,
                'value_count': value_count,
                'traits': sorted(set().union(*(member.traits for member in family.models)))
                if family and not reason
                else [],
            }
        )
