import itertools
import logging
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2

from odoo import models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

# Names the lock of those who number bills of a journal.
NUMBERING = 0x455B111
# What tells one posting from another, in the context.
POSTING_NUMBERS = itertools.count(1)


class NotAsGivenError(Exception):
    """Bills were made with all their lines, and something else had a hand in it."""


@dataclass
class Posting:
    """What bills posted together have in common, kept while they are posted."""

    # None where add-ons number in ways of their own.
    number_formats: dict | None = None
    ranks: Counter = field(default_factory=Counter)


@contextmanager
def keep_posting(env, number_formats):
    """Keep what bills have in common while they are posted with `assist_posting` in the context.

    It is kept with the transaction, under a number of its own, and the context holds that number
    alone: an environment is found again by what is in its context, and with it would be what an
    earlier posting has left there.

    :param number_formats: what to keep the formats of numbers in; None: not to keep them
    :return: the number, and the `Posting`
    """
    number = next(POSTING_NUMBERS)
    kept = env.cr.cache.setdefault('assist_postings', {})
    kept[number] = Posting(number_formats)
    try:
        yield number, kept[number]
    finally:
        kept.pop(number)


def get_posting(env):
    """Return the `Posting` of the bills that are being posted together, or None."""
    return env.cr.cache.get('assist_postings', {}).get(env.context.get('assist_posting'))


def _mark_given(model, vals_list):
    """Have the ORM take what was given as computed: nothing follows from it any more."""
    for vals in vals_list:
        given = {model._fields[name] for name in vals if name in model._fields}
        vals['__precomputed__'] = {
            *vals.get('__precomputed__', ()),
            *(field for field in given if field.inverse and field.store),
        }


def _protect_given(model, data_list):
    """Have the ORM keep stored values that were given, instead of computing them again."""
    for data in data_list:
        for name in data['stored']:
            field = model._fields[name]
            if field.compute and field.store:
                data['protected'].add(field)


def _have_same_company(records):
    """Tell whether all that these refer to may be used in their companies, as the ORM checks it.

    The ORM checks record by record; here each field is checked once for all of a company.
    """
    names = [
        name for name, field in records._fields.items() if field.relational and field.check_company
    ]
    for company, of_company in records.grouped('company_id').items():
        for name in names:
            others = of_company.sudo().mapped(name).with_context(active_test=False)
            domain = others and others._check_company_domain(company)
            if domain and others != others.filtered_domain(domain):
                return False
    return True


class AccountMove(models.Model):
    """Documents created from complete values (context `assist_complete`): nothing given is
    computed a second time. What is not given, by whatever add-on, is computed as ever.
    """

    _inherit = 'account.move'

    # === LOW-LEVEL METHODS === #

    def _add_precomputed_values(self, vals_list):
        if self.env.context.get('assist_complete'):
            cycles = self.env['assist.billing.cycle']
            for vals in vals_list:
                cycle_id = vals.get('assist_cycle_id') or vals.get('assist_origin_cycle_id')
                if not cycle_id:
                    raise NotAsGivenError(self.env._("another entry was made with the bills"))
                vals.update(
                    cycles.browse(cycle_id)._prepare_move_vals(bool(vals.get('assist_cycle_id')))
                )
        result = super()._add_precomputed_values(vals_list)
        if self.env.context.get('assist_complete'):
            _mark_given(self, vals_list)
        return result

    def _create(self, data_list):
        if self.env.context.get('assist_complete'):
            _protect_given(self, data_list)
        return super()._create(data_list)

    def _check_company(self, fnames=None):
        if self.env.context.get('assist_complete') and fnames is None and _have_same_company(self):
            return None
        return super()._check_company(fnames)

    def _get_next_sequence_format(self):
        # EXTENDS account: bills posted together, of one journal and date, are numbered alike
        posting = get_posting(self.env)
        if posting is None or posting.number_formats is None:
            return super()._get_next_sequence_format()
        formats = posting.number_formats
        key = (self.journal_id, self.date, self.move_type)
        if key not in formats:
            # Whoever else bills in this journal waits here, and not at each number.
            self.env.cr.execute(
                SQL("SELECT pg_advisory_xact_lock(%s, %s)", NUMBERING, self.journal_id.id)
            )
            number_format, values = super()._get_next_sequence_format()
            values['seq'] = self._assist_get_last_number(number_format, values)
            formats[key] = number_format, values
        number_format, values = formats[key]
        return number_format, dict(values)

    def _assist_get_last_number(self, number_format, values):
        """Return the last number of a sequence, with what others committed since we began.

        This transaction does not see that. Odoo then tries one number after the other; a batch of
        bills is too many for it.
        """
        last = values['seq']
        try:
            with self.env.registry.cursor() as cr:
                # Not for one who changes the table itself: that may be this transaction.
                cr.execute("SET LOCAL lock_timeout = '100ms'")
                cr.execute(
                    SQL(
                        """
                        SELECT name, sequence_number FROM account_move
                         WHERE journal_id = %s AND sequence_prefix = %s AND sequence_number > %s
                      ORDER BY sequence_number
                        """,
                        self.journal_id.id,
                        number_format.partition('{seq')[0].format(**values),
                        last,
                    ),
                    log_exceptions=False,
                )
                rows = cr.fetchall()
                # Nothing was written, and the time limit is for nobody else.
                cr.rollback()
        except psycopg2.errors.LockNotAvailable:
            return last
        for name, number in rows:
            if number != last + 1 or name != number_format.format(**{**values, 'seq': number}):
                break  # Odoo knows better
            last = number
        return last


class AccountMoveLine(models.Model):
    _inherit = 'account.move.line'

    # === LOW-LEVEL METHODS === #

    def _add_precomputed_values(self, vals_list):
        if self.env.context.get('assist_complete'):
            repartition = self.env['account.tax.repartition.line']
            for vals in vals_list:
                if 'balance' not in vals:
                    raise NotAsGivenError(self.env._("a line was added to a bill"))
                move = self.env['account.move'].browse(vals['move_id'])
                tax = repartition.browse(vals.get('tax_repartition_line_id')).tax_id
                balance = vals['balance']
                vals.update(
                    company_id=move.company_id.id,
                    company_currency_id=move.company_currency_id.id,
                    journal_id=move.journal_id.id,
                    date=move.date,
                    invoice_date=move.invoice_date,
                    parent_state=move.state,
                    move_name=move.name,
                    ref=move.ref,
                    no_followup=False,  # of general journals only
                    tax_line_id=tax.id,
                    tax_group_id=tax.tax_group_id.id,
                    debit=max(balance, 0.0),
                    credit=max(-balance, 0.0),
                    is_storno=False,
                )
        result = super()._add_precomputed_values(vals_list)
        if self.env.context.get('assist_complete'):
            _mark_given(self, vals_list)
        return result

    def _create(self, data_list):
        if self.env.context.get('assist_complete'):
            _protect_given(self, data_list)
        return super()._create(data_list)

    def _check_company(self, fnames=None):
        if self.env.context.get('assist_complete') and fnames is None and _have_same_company(self):
            return None
        return super()._check_company(fnames)


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # === BUSINESS METHODS - res.partner === #

    def _increase_rank(self, field, n=1):
        # EXTENDS account: bills posted together count for all their customers at once
        posting = get_posting(self.env)
        if posting is None or field != 'customer_rank':
            return super()._increase_rank(field, n)
        for partner in self:
            posting.ranks[partner.id] += n
        return None

    def _assist_increase_ranks(self, counts):
        """Count bills of customers as `_increase_rank` does: first ones now, others afterwards.

        :param dict counts: partner id -> number of bills
        """
        partners = self.sudo().browse(counts)
        for count in set(counts.values()):
            new = partners.filtered(
                lambda partner, count=count: not partner.customer_rank
                and counts[partner.id] == count
            )
            new.customer_rank = count
            partners -= new
        if partners:
            ids = partners.ids
            numbers = [counts[partner_id] for partner_id in ids]
            # Afterwards, so that nobody who works on a customer meanwhile makes the run fail; and
            # not at all if these bills are undone, for then it is forgotten what was to be done
            # before the commit.
            cr = self.env.cr
            cr.precommit.add(
                lambda: cr.postcommit.add(lambda: self._assist_add_ranks(ids, numbers))
            )

    def _assist_add_ranks(self, ids, numbers):
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(
                    SQL(
                        """
                        UPDATE res_partner p SET customer_rank = p.customer_rank + v.number
                          FROM unnest(%s, %s) AS v (id, number) WHERE v.id = p.id
                        """,
                        ids,
                        numbers,
                    )
                )
        except psycopg2.OperationalError:
            # As in Odoo: a rank only says whom to list first.
            _logger.debug("Cannot update partner ranks.")
