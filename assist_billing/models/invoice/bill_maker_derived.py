import json
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, repeat

import psycopg2

from odoo import models, tools
from odoo.tools import SQL, float_repr, split_every
from odoo.tools.mail import generate_tracking_message_id

from ...utils.races import NOBODYS_FAULT, undone
from ...utils.refusals import (
    NotDerivedError,
    NotProvenError,
    OutdatedError,
    RefusedTogetherError,
)
from ...utils.remembering import TRIED, Same, remembered
from ...utils.sql_changes import flush_others, get_depended_on, to_json
from .bill_maker_rule import LISTENED_MODELS

# From fewer bills of a shape nothing is gained by deriving them: two of them are made by Odoo.
FEWEST = 4
# So many bills of a shape are compared at least, to prove that others may be derived.
FEWEST_COMPARED = 2
# Of so many derived bills one is made anew by Odoo, to be compared; and that several at a time, so
# in one batch of several: the first one costs as much as the next three.
SAMPLED = 250
SAMPLED_TOGETHER = 8
# So long, and of so many shapes, a run derives from bills of its earlier batches: who changes what
# bills are made from need not wait longer for that to show in those that follow.
KEPT_SECONDS = 60
KEPT_SHAPES = 256
# What handing over for sending changes on a bill that others may still be derived from.
QUEUED_VALUES = {
    'sending_data',
    'assist_delivery_state',
    'assist_message_id',
    'is_manually_modified',
}
# In so many parts are bills taken apart that the database refuses together.
PARTS = 5
# What is a customer's own on a bill. All other values, of header and lines, make up its shape.
OWN_VALUES = (
    'partner_id',
    'partner_shipping_id',
    'commercial_partner_id',
    'invoice_partner_display_name',
    'invoice_date_due',
    'invoice_origin',
    'ref',
    'assist_cycle_id',
    'amount_untaxed',
    'amount_tax',
    'amount_total',
    'amount_residual',
    'amount_untaxed_signed',
    'amount_untaxed_in_currency_signed',
    'amount_tax_signed',
    'amount_total_signed',
    'amount_total_in_currency_signed',
    'amount_residual_signed',
)
OWN_LINE_VALUES = (
    'name',
    'partner_id',
    'quantity',
    'price_unit',
    'price_subtotal',
    'price_total',
    'balance',
    'debit',
    'credit',
    'amount_currency',
    'amount_residual',
    'amount_residual_currency',
    'tax_base_amount',
    'date_maturity',
)
# Stored fields that are computed from what bills of a shape have in common; or from their numbers
# and references, and are given with these.
COMPUTED_ALIKE = {
    'account.move': {'assist_misc_charge', 'narration', 'sequence_prefix', 'team_id'},
    'account.move.line': {
        'company_currency_id',
        'company_id',
        'date',
        'invoice_date',
        'is_storno',
        'journal_id',
        'move_name',
        'no_followup',
        'parent_state',
        'payment_id',
        'ref',
        'statement_id',
        'statement_line_id',
        'tax_group_id',
        'tax_line_id',
    },
}
# Looked up for each value of each bill.
OWN_LINE_SET = frozenset(OWN_LINE_VALUES)
NOT_OF_SHAPE = frozenset((*OWN_VALUES, 'line_ids'))
NUMBER_VALUES = ('name', 'sequence_number', 'payment_reference', 'made_sequence_gap')
# The tables that are derived, with the column that names the bill; its lines' links follow them.
TABLES = {
    'account_move': 'id',
    'account_move_line': 'move_id',
    'mail_message': 'res_id',
    'mail_followers': 'res_id',
}
LISTENED_TABLES = {model.replace('.', '_'): model for model in LISTENED_MODELS}
LINKS = {
    'account_move_line_account_tax_rel': ('account_move_line', 'account_move_line_id'),
    'account_account_tag_account_move_line_rel': ('account_move_line', 'account_move_line_id'),
    'mail_followers_mail_message_subtype_rel': ('mail_followers', 'mail_followers_id'),
}
# What the number of a bill depends on, besides its customer.
SEQUENCE_VALUES = ('journal_id', 'move_type', 'invoice_date', 'date')
# Counted for all bills together, see `_assist_increase_ranks`.
RANKED = 'res_partner'
# Nobody has paid a new bill: for Odoo to find that out takes as long as all the rest.
UNPAID = ('reconciled_payment_ids', 'matched_payment_ids')
# What differs between two messages of one kind in any case: the moment, and its name.
MESSAGE_OWN = {'date', 'message_id'}


@dataclass
class Member:
    """A bill that has its shape in common with others."""

    index: int  # among the bills of the batch
    is_posted: bool
    plain: dict  # as of `_prepare_invoice_vals`
    own: dict  # own values of the bill, as they are stored
    own_lines: list[dict]  # of its lines, in order
    traits: set = field(default_factory=set)  # as of `_get_traits`, where they count


@dataclass
class Family:
    """Bills of one shape. Two of them, as unlike as can be, Odoo makes; the others are derived.

    Later batches of a run derive from the same two, see `_get_kept`.

    Where there are no others, all are made to be compared with each other, see `_prove`.
    """

    kind: str
    kind_name: str
    is_posted: bool
    is_proven: bool  # bills of the kind were compared before
    shape: str  # as of `_get_shape`
    sequence: tuple  # the same for those whose numbers may follow each other
    kept: list  # of Exemplar: two of an earlier batch of the run, or none
    models: list[Member]
    others: list[Member] = field(default_factory=list)
    exemplars: models.Model | None = None  # of this batch
    # Tables and how much was written to each before the exemplars were made.
    written: dict = field(default_factory=dict)
    # Index of a member -> what Odoo made for it, to be compared with what is derived.
    sample: dict = field(default_factory=dict)

    @property
    def is_to_prove(self):
        return not self.others


@dataclass
class Exemplar:
    """What is stored of a bill: the rows of each table in order, and their links."""

    rows: dict[str, list[dict]]
    links: dict[str, list[set]]
    # Table -> what add-ons compute for each of its rows, as it is before that: name -> None.
    empty: dict[str, dict]
    # What was handed over for sending since: what the bill had before, in JSON.
    queued: dict = field(default_factory=dict)

    def __post_init__(self):
        [move] = self.rows['account_move']
        self.id, self.name = move['id'], move['name']
        self.number, self.reference = move['sequence_number'], move['payment_reference']
        # Of lines of its kind that say nothing else.
        self.lines_alike = [
            {name: to_json(row[name]) for name in OWN_LINE_VALUES}
            for row in self.rows['account_move_line']
        ]
        self.ids = {table: [row['id'] for row in rows] for table, rows in self.rows.items()}


def get_label(reference, number):
    """Return what Odoo calls the entry that says what is owed, of a posted bill."""
    return f"{reference} - {number}" if reference and reference != number else number


def count_differing(member, other):
    """Return how unlike two bills are: the number of their values that differ."""
    pairs = [(member.own, other.own), *zip(member.own_lines, other.own_lines, strict=True)]
    return sum(one[name] != two[name] for one, two in pairs for name in one)


class Sampler:
    """How many bills of each batch a process makes anew: one in `SAMPLED`, evenly spread."""

    def __init__(self):
        self._owed = None

    def take(self, count, compared):
        """Return how many of so many bills of a batch are made anew.

        :param compared: how many of them are compared in any case
        """
        if self._owed is None:
            # Not before: processes that begin as copies of another would all draw the same.
            self._owed = SAMPLED_TOGETHER * random.random()  # noqa: S311
        self._owed += max(0.0, count / SAMPLED - compared)
        number = int(self._owed // SAMPLED_TOGETHER) * SAMPLED_TOGETHER
        self._owed -= number
        return number


sampler = Sampler()


class AssistBillMaker(models.AbstractModel):
    """Bills derived from others of the same shape, row by row, by SQL.

    What makes it safe is looked at each time, on the very database, in the very transaction:

    1. two bills of the shape, as unlike as can be, are made by Odoo, with all that others do to
       them. Each is then derived from the other, and has to come out as it is stored. The batches
       of a run that follow within a minute derive from them too, as long as they are stored as
       they were; of each journal one is made anew, and compared with them;
    2. making them has written to no table but those that are derived;
    3. of the bills derived, one in 250 and one of the first is made by Odoo beforehand, which is
       undone, and compared; what is made anew in a later batch counts among these;
    4. nothing that was never compared has a hand in invoices, see `_get_general_slow_reason`, and
       no trigger of the database either;
    5. numbers are Odoo's next ones, taken last of all, in the journal that the two bills lock.

    Where one of these fails the batch is undone and made without deriving.
    """

    _inherit = 'assist.bill.maker'

    # === RULE === #

    def _get_not_derived_reason(self):
        """Return in words why no bill is derived, though it could be made all at once; or None."""
        if refusal := self._get_evidence().refused.get(None):
            return refusal
        triggers = self.env.execute_query(
            SQL(
                """
                SELECT tgname FROM pg_trigger
                 WHERE tgrelid = ANY(%s::regclass[]) AND NOT tgisinternal AND tgenabled != 'D'
              ORDER BY 1
                """,
                [*TABLES, *LINKS],
            )
        )
        if triggers:
            return self.env._(
                "triggers of the database that watch invoices: %s",
                ", ".join(name for [name] in triggers),
            )
        return self._get_unprovable_reason()

    def _may_derive(self):
        """Tell whether bills of a shape may be derived from each other at present.

        Where add-ons have a hand in invoices: whether any are proven.
        """
        if self._get_not_derived_reason():
            return False
        return not self._is_extended() or bool(self._get_evidence().covered)

    def _stop_deriving(self, reason):
        """Derive nothing any more in this company for a while, and keep why.

        :param str reason: in words
        """
        self._keep_proof(reason=reason)

    # === SHAPES === #

    def _find_families(self, vals_list, complete, is_extended):
        """Return the families among bills: those of which there are enough alike.

        Where add-ons have a hand in invoices, either all of a batch are proven, or none is derived.

        :param list vals_list: as of `_prepare_invoice_vals`
        :param dict complete: index in `vals_list` -> values with all lines
        :param bool is_extended: code that was never compared beforehand has a hand in invoices
        :raise NotDerivedError: where some field may be a customer's own that is not known
        :raise NotProvenError: where some are to be made before the others
        """
        shapes, strangers = defaultdict(list), self._get_strangers(complete.values())
        for index, vals in complete.items():
            if vals.get('assist_cycle_id') and vals['partner_id'] not in strangers:
                cycle = self.env['assist.billing.cycle'].browse(vals['assist_cycle_id'])
                is_posted = cycle.plan_id.bill_handling in ('post', 'send')
                shapes[self._get_shape(vals, is_posted)].append((index, is_posted))
        evidence, kept = self._get_evidence(), self._get_kept(shapes)
        customers = self.env['res.partner'].browse(
            {vals['partner_id'] for vals in complete.values()}
        )
        traits = self._get_customer_traits(customers) if is_extended else {}
        families, refusals, memo = [], {}, {}
        for shape, bills in shapes.items():
            if len(bills) < (FEWEST_COMPARED if is_extended else FEWEST) and shape not in kept:
                continue
            index, is_posted = bills[0]
            kind = self._get_kind(complete[index], is_posted)
            if kind in evidence.refused:
                refusals[kind] = evidence.refused[kind]
                continue
            self._check_fields(complete[index])
            members = [
                Member(
                    index,
                    is_posted,
                    vals_list[index],
                    *self._get_own_values(complete[index], memo),
                    self._get_traits(complete[index], traits) if is_extended else set(),
                )
                for index, is_posted in bills
            ]
            families.append(
                Family(
                    kind,
                    self._get_kind_name(complete[index], is_posted),
                    is_posted,
                    kind in evidence.covered,
                    shape,
                    tuple(complete[index].get(name) for name in SEQUENCE_VALUES),
                    kept.get(shape, []),
                    members,
                )
            )
        if not is_extended or self._are_proven(families, evidence):
            families = self._choose_models(families)
        else:
            families = [family for family in families if len(family.models) >= FEWEST_COMPARED]
            for family in families:
                family.kept = []
        if refusals and not families:
            raise NotDerivedError(self._join_reasons(*dict.fromkeys(refusals.values())))
        return families

    def _are_proven(self, families, evidence):
        """Tell whether all bills of these families are proven.

        :raise NotProvenError: where some are, enough to derive others, and some are not
        """
        unproven, first_proven, is_any_derivable = [], [], False
        for family in families:
            covered = evidence.covered.get(family.kind, set())
            proven = [member for member in family.models if member.traits <= covered]
            is_any_derivable |= len(proven) >= (1 if family.kept else FEWEST)
            if len(proven) < len(family.models):
                unproven += [member for member in family.models if member not in proven]
                first_proven += proven[:1]  # to be compared with
        if unproven and is_any_derivable:
            raise NotProvenError(
                self.env['assist.billing.cycle'].browse(
                    member.plain['assist_cycle_id'] for member in (*unproven, *first_proven)
                )
            )
        return not unproven

    def _choose_models(self, families):
        """Choose which bills Odoo makes, so that the others are derived; return these families.

        Of each shape two, as unlike as can be; or none where two of an earlier batch are kept. But
        one of each journal is made in any case: numbers follow the one that Odoo gives it, and it
        shows whether Odoo still makes bills as it did.

        Rather the last than the first: what failed before is the oldest that is due, and when the
        bill fails that all others are made from, nobody knows yet which of these fail.
        """
        families = [family for family in families if family.kept or len(family.models) >= FEWEST]
        made = {family.sequence for family in families if family.is_posted and not family.kept}
        for family in sorted(families, key=lambda family: -len(family.models)):
            *others, first = family.models
            if not family.kept:
                second = max(reversed(others), key=lambda member: count_differing(first, member))
                family.models = [first, second]
                others = [member for member in others if member is not second]
            elif family.is_posted and family.sequence not in made:
                # Any of them, for it is one of the sample.
                fresh = random.choice(family.models)  # noqa: S311 - it is no secret which
                others = [member for member in family.models if member is not fresh]
                family.models = [fresh]
                made.add(family.sequence)
            else:
                family.models, others = [], family.models
            family.others = others
        return [family for family in families if family.others]

    # === OVER THE BATCHES OF A RUN === #

    def _get_kept(self, shapes):
        """Return what bills of these shapes can be derived from: shape -> two of type Exemplar.

        They are of an earlier batch of the transaction's cursor, which is a run's. Only if they
        are stored as they were when they were checked: nobody has touched them, the database has
        not forgotten them, and it is a moment ago.
        """
        now, found = time.monotonic(), {}
        kept = self._get_all_kept()
        for key in [key for key, (moment, _pair) in kept.items() if now - moment > KEPT_SECONDS]:
            del kept[key]
        pairs = {shape: kept[key][1] for shape in shapes if (key := self._get_key(shape)) in kept}
        if not pairs:
            return {}
        stored = self._read_bills([bill.id for pair in pairs.values() for bill in pair])
        for shape, pair in pairs.items():
            if all(self._is_as_kept(bill, stored.get(bill.id)) for bill in pair):
                found[shape] = pair
            else:
                del kept[self._get_key(shape)]
        return found

    def _is_as_kept(self, bill, stored):
        """Tell whether a bill is stored as it was, but for its having been handed over."""
        if not stored or stored.links != bill.links:
            return False
        [was], [now] = bill.rows['account_move'], stored.rows['account_move']
        handed_over = {name for name in QUEUED_VALUES if was[name] != now[name]}
        bill.queued = {name: to_json(was[name]) for name in handed_over}
        unseen = handed_over and {*handed_over, 'write_date', 'write_uid'}
        return all(was[name] == now[name] for name in was if name not in unseen) and all(
            stored.rows[table] == rows
            for table, rows in bill.rows.items()
            if table != 'account_move'
        )

    def _keep_exemplars(self, families, exemplars):
        """Keep for the batches that follow what bills of these shapes were derived from.

        :param dict exemplars: those that Odoo made: id -> Exemplar
        """
        kept, now = self._get_all_kept(), time.monotonic()
        for family in families:
            if not family.kept:
                kept[self._get_key(family.shape)] = (
                    now,
                    [exemplars[id_] for id_ in family.exemplars.ids],
                )
        for key in list(kept)[:-KEPT_SHAPES]:
            del kept[key]

    def _forget_exemplars(self):
        """Forget all that is kept, of whatever company."""
        self._get_all_kept().clear()

    def _get_all_kept(self):
        return self.env.cr.cache.setdefault('assist_exemplars', {})

    def _get_key(self, shape):
        return self.env.uid, self.env.company.id, self._is_extended(), shape

    def _check_fields(self, vals):
        """Check that all stored fields that are computed are given, or are alike in a shape.

        What another version of Odoo computes besides is found so, before anything is made.

        :param dict vals: values with all lines
        """
        given = {
            'account.move': {
                *vals,
                *self.env['assist.billing.cycle'].browse()._prepare_move_vals(True),
                *NUMBER_VALUES,
                'assist_session_charge',
            },
            'account.move.line': {
                *OWN_LINE_VALUES,
                *(name for _command, _id, line in vals['line_ids'] for name in line),
            },
        }
        unknown = {
            column.name
            for model, names in given.items()
            for column in self.env[model]._fields.values()
            if column.store and (column.compute or column.related)
            if column.name not in names | COMPUTED_ALIKE[model]
            and column not in self._get_computed_by_others(model)
        }
        if unknown:
            raise NotDerivedError(
                self.env._("fields that were never compared: %s", ", ".join(sorted(unknown)))
            )

    def _get_strangers(self, vals_list):
        """Return the ids of customers whom Odoo may refuse to bill in this company.

        Of all else that a bill refers to the exemplars have the same.
        """
        names = ('partner_id', 'partner_shipping_id', 'commercial_partner_id')
        partners = self.env['res.partner'].browse(
            {vals[name] for vals in vals_list for name in names}
        )
        partners = partners.with_context(active_test=False)
        known = partners.filtered_domain(partners._check_company_domain(self.env.company))
        strange = set((partners - known).ids)
        return {
            vals['partner_id']
            for vals in vals_list
            if not strange.isdisjoint(vals[name] for name in names)
        }

    @remembered(lambda maker, vals, is_posted: (Same(vals), is_posted), TRIED)
    def _get_shape(self, vals, is_posted):
        """Return all of a bill that is not a customer's own, as a text to compare."""
        partner = self.env['res.partner'].browse(vals['partner_id'])
        # In the order that they were given: who gives them in another one is of another shape.
        lines = [
            (
                (line['balance'] > 0) - (line['balance'] < 0),
                [item for item in line.items() if item[0] not in OWN_LINE_SET],
            )
            for _command, _id, line in vals['line_ids']
        ]
        header = [item for item in vals.items() if item[0] not in NOT_OF_SHAPE]
        has_reference = bool(vals.get('ref'))
        further = self._get_further_shape(vals)
        return repr((is_posted, partner.lang, has_reference, further, header, lines))

    def _get_further_shape(self, vals):
        """Return what else bills of one shape have in common, of their customers. Extend for more.

        Everything that a stored field of a bill depends on and that is not among its values.
        """
        partner = self.env['res.partner'].browse(vals['partner_id'])
        salesperson = self.env['res.users'].browse(vals['invoice_user_id'])
        # Whoever is both customer and salesperson follows once.
        return partner == salesperson.partner_id

    # === OWN VALUES === #

    @remembered(lambda maker, vals, memo: Same(vals), TRIED)
    def _get_own_values(self, vals, memo):
        return self._prepare_own_values(vals, memo)

    def _prepare_own_values(self, vals, memo):
        """Return what is a customer's own on a bill and on its lines, as it is stored.

        :param dict vals: values with all lines
        :param dict memo: what was stored in the same way already, kept from one bill to the next
        :return: dict, and list of dicts
        """
        cycle = self.env['assist.billing.cycle'].browse(vals['assist_cycle_id'])
        lines = [dict(line) for _command, _id, line in vals['line_ids']]
        move = {
            **{name: vals[name] for name in OWN_VALUES},
            **cycle._prepare_move_vals(True),
            'assist_session_charge': sum(
                line['price_subtotal'] for line in lines if line.get('assist_charge')
            ),
        }
        for line in lines:
            line['debit'], line['credit'] = max(line['balance'], 0.0), max(-line['balance'], 0.0)
        currency_id = vals['currency_id']
        return (
            self._convert_own('account.move', move, currency_id, memo),
            [
                self._convert_own(
                    'account.move.line',
                    {name: line[name] for name in OWN_LINE_VALUES if name in line},
                    currency_id,
                    memo,
                )
                for line in lines
            ],
        )

    def _convert_own(self, model, vals, currency_id, memo):
        """Return values as the columns of a model store them, in JSON."""
        converted = {}
        for name, value in vals.items():
            # By type, too: False equals 0.
            key = (model, name, currency_id, type(value), value)
            if key not in memo:
                memo[key] = self._convert_value(model, name, value, currency_id)
            converted[name] = memo[key]
        return converted

    def _convert_value(self, model, name, value, currency_id):
        records = self.env[model]
        column = records._fields[name]
        if column.type != 'monetary':
            return to_json(column.convert_to_column(value, records))
        currency = self.env.company.currency_id
        if column.get_currency_field(records) == 'currency_id':
            currency = currency.browse(currency_id)
        return float_repr(currency.round(float(value or 0.0)), currency.decimal_places)

    # === DERIVING === #

    def _derive(self, families):
        """Store the other bills of families whose exemplars are as they are to be.

        :return: the bills
        :raise NotDerivedError: when a check fails, with the reason in words
        :raise RefusedTogetherError: when the database refuses some of them
        """
        # What was written to cycles waits for their bills: it is stored with these, at once.
        flush_others(self.env['assist.billing.cycle'])
        self._check_tables(families)
        members, rows, sources, last_numbers, sample, compared = [], [], [], {}, {}, {}
        exemplars = self._read_bills([id_ for family in families for id_ in family.exemplars.ids])
        for family in families:
            made = [exemplars[id_] for id_ in family.exemplars.ids]
            compared[family.kind] = self._check_exemplars(family, made)
            patterns = family.kept or made
            numbers = self._take_numbers(family, patterns, last_numbers)
            members += family.others
            sample |= family.sample
            sources.append(patterns[0])
            rows += self._prepare_others(patterns[0], family.others, numbers)
        self._check_balance(rows)
        self._insert_or_find_refused(members, rows)
        moves = self.env['account.move'].browse(row['account_move'][0]['id'] for row in rows)
        self._tell_of(moves, rows, sources)
        self._compute_for_others(families, moves)
        self._count_ranks(families)
        self._check_sample(moves, members, sample)
        self._tell_ways(dict.fromkeys(moves.ids, ('derived', None)))
        self._keep_exemplars(families, exemplars)
        for family in {family.kind: family for family in families}.values():
            if family.exemplars and not family.is_proven:
                self._keep_proof(family, value_count=compared[family.kind])
        try:
            self._check_outside()
        except NotDerivedError as error:
            # What was handed over is not taken back: these stay, and are the last.
            self._stop_deriving(str(error))
        return moves

    def _compute_for_others(self, families, moves):
        """Compute for derived bills what add-ons never compared do, and check their constraints.

        :raise NotDerivedError: where the two bills of a shape would come out otherwise
        :raise RefusedTogetherError: when a constraint refuses some
        """
        made = moves.browse().concat(*(family.exemplars for family in families))
        for derived, exemplars in ((moves, made), (moves.line_ids, made.line_ids)):
            columns = self._get_computed_by_others(derived._name)
            before = [[record[column.name] for column in columns] for record in exemplars]
            self._empty(exemplars)
            for column in columns:
                self.env.add_to_compute(column, derived | exemplars)
            self.env.flush_all()
            if before != [[record[column.name] for column in columns] for record in exemplars]:
                raise NotDerivedError(
                    self.env._(
                        "fields that are not computed again as they are: %s",
                        ", ".join(column.name for column in columns),
                    )
                )
            for name in self._get_constraints_of_others(derived._name):
                self._check_constraint(derived, name)

    def _get_empty(self, model):
        """Return what add-ons compute for each bill or line, as it is before: name -> None."""
        return {
            column.name: None
            for column in self._get_computed_by_others(model)
            if not column.required
        }

    def _empty(self, records):
        """Empty what add-ons compute, of which some keep what is there."""
        if records and (names := list(self._get_empty(records._name))):
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE id = ANY(%s)",
                    SQL.identifier(records._table),
                    SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in names),
                    records.ids,
                )
            )
            records.invalidate_recordset(names)

    def _check_constraint(self, records, name):
        """Have a constraint of an add-on checked on derived bills or their lines."""
        try:
            getattr(records, name)()
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            refused = records.browse()
            for record in records:
                try:
                    getattr(record, name)()
                except NOBODYS_FAULT:
                    raise
                except Exception:  # noqa: BLE001 - said once it is tried by itself
                    refused |= record
            moves = refused if refused._name == 'account.move' else refused.move_id
            raise RefusedTogetherError(moves.assist_cycle_id) from error

    def _prepare_others(self, exemplar, members, numbers):
        """Return the rows of bills that are to be stored, each as of `_prepare_rows`."""
        ids = self._take_ids(exemplar, len(members))
        return [
            self._prepare_rows(exemplar, *values)
            for values in zip(members, numbers, ids, strict=True)
        ]

    def _prepare_rows(self, exemplar, member, number, ids):
        """Return the rows of a bill that are derived from an exemplar: what is its own in each.

        :param Exemplar exemplar: what it is derived from
        :param Member member: what is its own
        :param number: its number, in full, None of a draft; and the last part of it
        :param dict ids: table -> those of its rows
        :return: table -> list of rows, each with the id of its `source`
        """
        name, number = number
        rows = {
            table: [
                {'source': source['id'], 'id': id_}
                for source, id_ in zip(sources, ids[table], strict=True)
            ]
            for table, sources in exemplar.rows.items()
        }
        [pattern] = exemplar.rows['account_move']
        [move] = rows['account_move']

        def get_numbered(value):
            return name if value == exemplar.name else value

        move |= {
            **member.own,
            'name': name,
            'sequence_number': number,
            'payment_reference': get_numbered(pattern['payment_reference']),
            # The number before is taken, by one of these bills.
            'made_sequence_gap': False,
            **exemplar.empty['account_move'],
            **exemplar.queued,
        }
        for line, source, alike, own in zip(
            rows['account_move_line'],
            exemplar.rows['account_move_line'],
            exemplar.lines_alike,
            member.own_lines,
            strict=True,
        ):
            line |= {
                **alike,
                **own,
                **exemplar.empty['account_move_line'],
                'move_id': move['id'],
                'ref': move['ref'],
                'move_name': get_numbered(source['move_name']),
            }
            if exemplar.name and source['name'] == get_label(pattern['ref'], exemplar.name):
                line['name'] = get_label(move['ref'], name)
        for message in rows['mail_message']:
            message |= {
                'res_id': move['id'],
                'message_id': generate_tracking_message_id(f"{move['id']}-account.move"),
            }
        for follower, source in zip(
            rows['mail_followers'], exemplar.rows['mail_followers'], strict=True
        ):
            is_customer = source['partner_id'] == pattern['partner_id']
            follower |= {
                'res_id': move['id'],
                'partner_id': move['partner_id'] if is_customer else source['partner_id'],
            }
        return rows

    def _take_numbers(self, family, exemplars, last_numbers):
        """Return Odoo's next numbers for the other bills of a family: pairs (in full, last part).

        The exemplars hold the lock on the numbers that follow theirs.

        :param dict last_numbers: the last number taken of each sequence, by the families before
        """
        if not family.is_posted:
            if any(exemplar.name for exemplar in exemplars):
                # The first of its journal, which Odoo numbers when it is made.
                raise NotDerivedError(self.env._("drafts that have numbers"))
            return [(None, exemplars[0].number)] * len(family.others)
        bills = self.env['account.move'].browse(exemplar.id for exemplar in exemplars)
        first = bills.sorted('sequence_number')[0]
        number_format, values = first._get_next_sequence_format()
        last = values.pop('seq')
        prefix = number_format.format(**values, seq=0)
        last = last_numbers.get((first.journal_id, prefix), last)
        if (
            any(
                number_format.format(**values, seq=exemplar.number) != exemplar.name
                or exemplar.number > last
                for exemplar in exemplars
            )
            or first.journal_id.is_self_billing
        ):
            raise NotDerivedError(self.env._("numbers that do not follow each other"))
        if any(exemplar.reference != exemplar.name for exemplar in exemplars):
            raise NotDerivedError(self.env._("payment references of another kind"))
        numbers = range(last + 1, last + 1 + len(family.others))
        last_numbers[first.journal_id, prefix] = numbers[-1]
        return [(number_format.format(**values, seq=number), number) for number in numbers]

    # === CHECKS === #

    def _check_tables(self, families):
        """Check that making the exemplars has written to no other tables than are derived."""
        if not any(family.exemplars for family in families):
            return
        written = self._count_written()
        before = families[0].written
        if written.get('account_move') == before.get('account_move'):
            raise NotDerivedError(self.env._("PostgreSQL does not count what is written"))
        # What closing itself writes is not derived.
        ours = {
            model._table
            for model in self.env.registry.values()
            if (model._original_module or '').startswith('assist_billing')
        }
        others = {
            table
            for table, count in written.items()
            if count != before.get(table, 0)
            and table not in TABLES
            and table not in LINKS
            and table not in ours
            and table != RANKED
        }
        if others:
            raise NotDerivedError(
                self.env._(
                    "making invoices also writes to %(tables)s", tables=", ".join(sorted(others))
                )
            )

    def _check_exemplars(self, family, exemplars):
        """Check that each exemplar, derived from another, comes out as it is stored.

        :return: the number of values that were compared
        :raise NotDerivedError: with what differs, in words
        :raise OutdatedError: when it differs from those of an earlier batch
        """
        if not exemplars:
            return 0
        tracked = self.env.cr.precommit.data.get('mail.tracking.account.move', {})
        if any(tracked.get(exemplar.id) for exemplar in exemplars):
            raise NotDerivedError(self.env._("changes that are to be told of"))
        first, second, *_others = [*exemplars, *family.kept]
        for member, exemplar in zip(family.models, exemplars, strict=True):
            other = second if exemplar is first else first
            differing = set()
            if any(len(exemplar.rows[table]) != len(other.rows[table]) for table in TABLES) or len(
                exemplar.rows['account_move_line']
            ) != len(member.own_lines):
                differing.add(self.env._("number of entries"))
            else:
                rows = self._prepare_rows(
                    other, member, (exemplar.name, exemplar.number), exemplar.ids
                )
                [move] = exemplar.rows['account_move']
                rows['account_move'][0]['made_sequence_gap'] = move['made_sequence_gap']
                for table, derived in rows.items():
                    differing |= self._find_differing(table, derived, exemplar.rows[table])
                differing |= {name for name in LINKS if exemplar.links[name] != other.links[name]}
            if differing and family.kept:
                raise OutdatedError
            if differing:
                raise NotDerivedError(
                    self.env._(
                        "the bill of %(customer)s has values of its own: %(fields)s",
                        customer=member.own['invoice_partner_display_name'],
                        fields=", ".join(sorted(differing)),
                    )
                )
        return sum(
            len(row) for exemplar in exemplars for rows in exemplar.rows.values() for row in rows
        )

    def _find_differing(self, table, rows, stored):
        """Return the columns in which rows, if they were derived, would differ from stored ones."""
        if not rows:
            return set()
        derived = self.env.execute_query_dict(self._get_derived_sql(table, rows, is_sorted=True))
        ignored = MESSAGE_OWN if table == 'mail_message' else ()
        if model := LISTENED_TABLES.get(table):
            # Computed for each, see `_compute_for_others`.
            ignored = {column.name for column in self._get_computed_by_others(model)}
        return {
            name
            for one, other in zip(derived, stored, strict=True)
            for name in one
            if one[name] != other[name] and name not in ignored
        }

    def _check_balance(self, rows):
        """Check that bills which are to be stored balance, each of them."""
        for bill in rows:
            for name in ('balance', 'amount_currency'):
                if sum(Decimal(line[name]) for line in bill['account_move_line']):
                    raise NotDerivedError(self.env._("a bill that does not balance"))

    def _make_sample(self, families):
        """Have one in so many bills that are to be derived made by Odoo, to be compared with them.

        That is undone. Of the first that a process derives at least one. Before any is posted:
        who waits for the next number does not wait for this.

        :raise RefusedTogetherError: when Odoo refuses one: each of them is then billed by itself
        """
        tried = self._get_tried()
        pairs = [(family, member) for family in families for member in family.others]
        count = sum(Same(member.plain) not in tried for _family, member in pairs)
        for family, member in pairs:
            if made := tried.get(Same(member.plain)):
                family.sample[member.index] = made
        # What is made anew in a later batch is compared with what was kept, and stays.
        fresh = sum(len(family.models) for family in families if family.kept)
        is_first = not any(family.is_proven or family.sample for family in families)
        number = max(sampler.take(count, fresh), is_first)
        # Any will do.
        unknown = [pair for pair in pairs if pair[1].index not in pair[0].sample]
        self._make_anew(random.sample(unknown, min(number, len(unknown))))
        tried.update(
            (Same(member.plain), family.sample.get(member.index)) for family, member in pairs
        )

    @remembered(lambda maker: None, TRIED)
    def _get_tried(self):
        """Return what was made of bills that were to be derived before: values -> Exemplar or None.

        What is undone for the sake of some is tried again without these. What Odoo would make of
        the others is known then.
        """
        return {}

    def _make_anew(self, pairs):
        """Have Odoo make these bills, undo that, and keep what was stored with their families.

        :param list pairs: of Family and Member
        """
        if not pairs:
            return
        self.env.flush_all()
        try:
            made = self._make_and_undo([member for _family, member in pairs])
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            # A customer of theirs cannot be billed, which says nothing of how the others are.
            raise RefusedTogetherError(
                self.env['assist.billing.cycle'].browse(
                    member.plain['assist_cycle_id'] for _family, member in pairs
                )
            ) from error
        for (family, member), bill in zip(pairs, made, strict=True):
            family.sample[member.index] = bill

    def _make_and_undo(self, members):
        """Have Odoo make bills its ordinary way, undo them; return what was stored of them."""
        with undone(self.env.cr):
            moves = self.env['account.move'].create([member.plain for member in members])
            to_post = moves.browse(
                move.id for move, member in zip(moves, members, strict=True) if member.is_posted
            )
            if to_post:
                self._post(to_post)
            self.env.flush_all()
            made = self._read_bills(moves.ids)
            return [made[move.id] for move in moves]

    def _check_sample(self, moves, members, sample):
        """Check that the bills of the sample are stored as Odoo would have made them.

        :param dict sample: index of a member -> what Odoo made
        """
        sampled = {
            move.id: member
            for move, member in zip(moves, members, strict=True)
            if member.index in sample
        }
        for move_id, bill in self._read_bills(sampled).items() if sampled else ():
            member = sampled[move_id]
            differing = self._find_unlike(bill, sample[member.index])
            if differing:
                raise NotDerivedError(
                    self.env._(
                        "the bill of %(customer)s, made anew, is another: %(fields)s",
                        customer=member.own['invoice_partner_display_name'],
                        fields=", ".join(sorted(differing)),
                    )
                )

    def _find_unlike(self, one, other):
        """Return in which columns two bills of the same usage differ, but for ids and numbers."""
        differing = {name for name in LINKS if one.links[name] != other.links[name]}
        for table, owner in TABLES.items():
            rows, others = one.rows[table], other.rows[table]
            if len(rows) != len(others):
                differing.add(table)
            for row, other_row in zip(rows, others, strict=False):
                for name in row.keys() - {'id', owner, 'sequence_number', *MESSAGE_OWN}:
                    value, other_value = row[name], other_row[name]
                    if one.name and isinstance(other_value, str):
                        other_value = other_value.replace(other.name, one.name)
                    if value != other_value:
                        differing.add(name)
        return differing

    # === ROWS === #

    def _read_bills(self, move_ids):
        """Return what is stored of bills: id -> Exemplar, of those that are there."""
        rows = {move_id: {table: [] for table in TABLES} for move_id in move_ids}
        for table, owner in TABLES.items():
            for row in self.env.execute_query_dict(
                SQL(
                    "SELECT * FROM %s WHERE %s = ANY(%s) %s ORDER BY id",
                    SQL.identifier(table),
                    SQL.identifier(owner),
                    list(move_ids),
                    SQL(
                        "AND %s = 'account.move'",
                        SQL.identifier('res_model' if table == 'mail_followers' else 'model'),
                    )
                    if owner == 'res_id'
                    else SQL(),
                )
            ):
                rows[row[owner]][table].append(row)
        linked = {
            link: self._read_links(
                link, owner, [row['id'] for bill in rows.values() for row in bill[table]]
            )
            for link, (table, owner) in LINKS.items()
        }
        empty = {table: self._get_empty(model) for table, model in LISTENED_TABLES.items()}
        return {
            move_id: Exemplar(
                bill,
                {
                    link: [linked[link][row['id']] for row in bill[table]]
                    for link, (table, _owner) in LINKS.items()
                },
                empty,
            )
            for move_id, bill in rows.items()
            if bill['account_move']
        }

    def _read_links(self, link, owner, ids):
        """Return what these rows are linked to: id -> set of ids."""
        linked = defaultdict(set)
        for row in self.env.execute_query_dict(
            SQL(
                "SELECT * FROM %s WHERE %s = ANY(%s)",
                SQL.identifier(link),
                SQL.identifier(owner),
                ids,
            )
        ):
            linked[row.pop(owner)] |= set(row.values())
        return linked

    @tools.ormcache('table')
    def _get_columns(self, table):
        """Return the columns of a table with their types, but those that PostgreSQL fills."""
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
                     WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
                       AND attgenerated = ''
                  ORDER BY attnum
                    """,
                    table,
                )
            )
        )

    def _take_ids(self, exemplar, count):
        """Return ids for as many bills like an exemplar: of each a dict of table -> ids."""
        ids = {}
        for table, rows in exemplar.rows.items():
            taken = self.env.execute_query(
                SQL(
                    "SELECT nextval(%s::regclass) FROM generate_series(1, %s)",
                    f'{table}_id_seq',
                    len(rows) * count,
                )
            )
            ids[table] = iter([id_ for [id_] in taken])
        return [
            {table: list(islice(ids[table], len(rows))) for table, rows in exemplar.rows.items()}
            for _place in range(count)
        ]

    def _get_derived_sql(self, table, rows, *, is_sorted=False):
        """Return the SELECT of rows like their sources, but for the columns that `rows` give."""
        columns = self._get_columns(table)
        own = [name for name in rows[0] if name != 'source']
        now = self.env.cr.now()
        # Of an earlier batch, the pattern was stored before.
        moments = {'create_date': now, 'write_date': now}
        if table == 'mail_message':
            moments['date'] = now.replace(microsecond=0)
        return SQL(
            """
            SELECT %s FROM json_to_recordset(%s::json) AS own (source bigint, %s)
              JOIN %s AS pattern ON pattern.id = own.source %s
            """,
            SQL(", ").join(
                SQL("%s::timestamp AS %s", moments[name], SQL.identifier(name))
                if name in moments
                else SQL.identifier('own' if name in own else 'pattern', name)
                for name in columns
            ),
            json.dumps(rows),
            SQL(", ").join(SQL("%s %s", SQL.identifier(name), SQL(columns[name])) for name in own),
            SQL.identifier(table),
            SQL("ORDER BY own.id") if is_sorted else SQL(),
        )

    def _insert(self, rows, last_table=None):
        """Store bills: one statement for each table.

        :param list rows: of each bill, as of `_prepare_rows`
        :param str last_table: store nothing after this one of `TABLES`
        """
        for table in TABLES:
            of_table = [row for bill in rows for row in bill[table]]
            if of_table:
                self.env.cr.execute(
                    SQL(
                        "INSERT INTO %s (%s) %s",
                        SQL.identifier(table),
                        SQL(", ").join(map(SQL.identifier, self._get_columns(table))),
                        # Stored as they come: sorting them costs as much as storing them.
                        self._get_derived_sql(table, of_table),
                    )
                )
            if table == last_table:
                return
        for link, (table, owner) in LINKS.items():
            of_table = [row for bill in rows for row in bill[table]]
            if not of_table:
                continue
            [other] = self._get_columns(link).keys() - {owner}
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO %(link)s (%(owner)s, %(other)s)
                    SELECT own.id, pattern.%(other)s
                      FROM unnest(%(ids)s, %(sources)s) AS own (id, source)
                      JOIN (SELECT %(owner)s, %(other)s FROM %(link)s
                             WHERE %(owner)s = ANY(%(patterns)s) OFFSET 0) AS pattern
                        ON pattern.%(owner)s = own.source
                    """,
                    link=SQL.identifier(link),
                    owner=SQL.identifier(owner),
                    other=SQL.identifier(other),
                    ids=[row['id'] for row in of_table],
                    sources=[row['source'] for row in of_table],
                    # These few by the index: to find so many as there are lines, it is not used.
                    patterns=list({row['source'] for row in of_table}),
                )
            )

    def _insert_or_find_refused(self, members, rows):
        try:
            with self.env.cr.savepoint(flush=False):
                self._insert(rows)
        except NOBODYS_FAULT:
            raise
        except psycopg2.Error as error:
            pairs = list(zip(members, rows, strict=True))
            # What is stored after that which was refused has nothing to do with it.
            refused = self._find_refused(pairs, error.diag.table_name)
            raise RefusedTogetherError(
                self.env['assist.billing.cycle'].browse(
                    member.plain['assist_cycle_id'] for member in refused
                )
            ) from error

    def _find_refused(self, pairs, table):
        """Return which of these bills the database refuses by themselves; nothing is stored.

        :param list pairs: of Member and rows
        :param str table: the one that refused some of them, where that is known
        """
        refused = []
        for part in split_every(-(-len(pairs) // PARTS), pairs, list):
            savepoint = self.env.cr.savepoint(flush=False)
            try:
                self._insert([rows for _member, rows in part], table)
            except NOBODYS_FAULT:
                raise
            except psycopg2.Error:
                savepoint.rollback()
                refused += (
                    [member for member, _rows in part]
                    if len(part) == 1
                    else self._find_refused(part, table)
                )
            savepoint.close(rollback=True)
        return refused

    def _count_written(self):
        """Return how many rows of each table this transaction has written, by name of the table."""
        return dict(
            self.env.execute_query(
                SQL(
                    "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del"
                    " FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
                )
            )
        )

    # === TELLING === #

    def _tell_of(self, moves, rows, patterns):
        """Have computed what depends on bills that SQL has just stored, by whatever add-on.

        :param list patterns: of Exemplar: what they were derived from
        """
        lines = self.env['account.move.line'].browse(
            row['id'] for bill in rows for row in bill['account_move_line']
        )
        stored = {
            records: [column for column in records._fields.values() if column.store]
            for records in (moves, lines)
        }
        for columns in stored.values():
            for column in columns:
                for inverse in self.pool.field_inverses[column]:
                    if inverse._get_all_cache_ids(self.env):
                        self.env[inverse.model_name].invalidate_model([inverse.name], flush=False)
        # All of theirs SQL has just written.
        own = {column for columns in stored.values() for column in columns}
        self._keep_relations(moves, lines, rows, patterns)
        unpaid = [moves._fields[name] for name in UNPAID]
        with (
            self.env.protecting([*stored[moves], *unpaid], moves),
            self.env.protecting(stored[lines], lines),
        ):
            for records, columns in stored.items():
                told = get_depended_on(records, columns, own)
                records.modified([column.name for column in told], create=True)
        moves._get_sequence_cache().clear()

    def _keep_relations(self, moves, lines, rows, patterns):
        """Keep what new bills are related to, which the ORM would ask the database for.

        Nothing can name them yet but what SQL has stored with them.

        :param list patterns: of Exemplar: what they were derived from
        """
        for records in (moves, lines):
            # As the ORM asks for what depends on them.
            asked = records.sudo().with_context(active_test=False)
            stored = [row for bill in rows for row in bill[records._table]]
            sources = [row for pattern in patterns for row in pattern.rows[records._table]]
            for column in records._fields.values():
                if column.type == 'many2one' and column.store and not column.company_dependent:
                    alike = {row[column.name] for row in sources}
                    if column.name in stored[0]:
                        column._insert_cache(asked, [row[column.name] for row in stored])
                    elif len(alike) == 1:
                        column._insert_cache(asked, repeat(*alike))
                elif column.name in UNPAID or self._is_empty_at_first(column):
                    column._insert_cache(asked, repeat(()))
        entries = [tuple(row['id'] for row in bill['account_move_line']) for bill in rows]
        moves._fields['line_ids']._insert_cache(moves, entries)

    def _is_empty_at_first(self, column):
        """Tell whether a field of bills, or of their lines, relates new ones to nothing."""
        if column.compute:
            return False
        if column.type == 'many2many':
            return column.relation not in LINKS
        return column.type == 'one2many' and self.env[column.comodel_name]._table not in TABLES

    def _count_ranks(self, families):
        """Count these bills for their customers, as posting does."""
        counts = Counter(
            partner_id
            for family in families
            if family.is_posted
            for member in family.others
            for partner_id in {member.own['partner_id'], member.own['commercial_partner_id']}
        )
        if counts:
            self.env['res.partner']._assist_increase_ranks(counts)
