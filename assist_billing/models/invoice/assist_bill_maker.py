import copy
import logging
from collections import Counter

from markupsafe import Markup

from odoo import models

from ...utils.refusals import NotDerivedError
from ...utils.remembering import TRIED, Same, remembered
from .complete_values import NotAsGivenError, keep_posting

_logger = logging.getLogger(__name__)

# What computes the fields of a document that are the same in draft and posted.
UNCHANGED_BY_POSTING = ('_compute_amount', '_compute_invoice_date_due')

# What must come out as it was given, or the bills are made the ordinary way.
CHECKED_FIELDS = (
    'partner_id',
    'currency_id',
    'journal_id',
    'date',
    'invoice_date',
    'fiscal_position_id',
    'amount_untaxed',
    'amount_tax',
    'amount_total',
    'amount_total_signed',
)
CHECKED_LINE_FIELDS = (
    'display_type',
    'account_id',
    'partner_id',
    'currency_id',
    'quantity',
    'price_unit',
    'price_subtotal',
    'price_total',
    'balance',
    'amount_currency',
    'tax_ids',
    'tax_repartition_line_id',
    'tax_tag_ids',
)

# What Odoo says in the chatter of a new document (`mail.thread.create`).
CREATION_MESSAGE = Markup('<div summary="o_mail_notification"><p>%s</p></div>')


def get_differing(record, vals, names):
    """Return which of these fields of `record` are not what `vals` says, as far as it does."""
    differing = set()
    for name in names:
        if name not in vals:
            continue
        field, value, given = record._fields[name], record[name], vals[name]
        if field.type == 'many2many':
            [*given_ids] = given[0][2] if given else ()
            is_same = set(value.ids) == set(given_ids)
        elif field.type == 'many2one':
            is_same = value.id == given
        elif field.type in ('float', 'monetary'):
            is_same = record.currency_id.is_zero(value - given)
        else:
            is_same = value == given
        if not is_same:
            differing.add(name)
    return differing


class AssistBillMaker(models.AbstractModel):
    """The one place where invoice values become bills.

    Each bill is made in one of these ways, wholly, and is the same in every stored field:

    - *derived*: bills that have all in common but what is a customer's own are of one shape. Two of
      them are made as said below, the others are derived from these, row by row, by SQL.
    - *complete*: Odoo makes an invoice from its product lines, then adds tax and receivable lines
      to it, each with all that follows. Here Odoo's own tax engine is asked beforehand, and all
      bills are created with all their lines.
    - *ordinary*: as Odoo makes any invoice. So is what is not proven to be the same, see
      `_get_slow_reason`.

    It acts for the user, company and context of its environment.
    """

    _name = 'assist.bill.maker'
    _description = "Makes Bills"

    # === MAKING === #

    def _make_bills(self, vals_list, may_derive=False):
        """Create invoices; those that are to be derived from others follow once these are posted.

        :param list vals_list: of one company, as of `_prepare_invoice_vals`
        :param bool may_derive: what each plan says is done with its bills, and the caller calls
            `_derive` once those that are to be posted are
        :return: the invoices that were created, in the order of `vals_list`; and the families of
            bills, for `_derive`
        """
        moves = self.env['account.move']
        values, reasons = self._get_complete_vals(vals_list)
        families, made_later, reason = [], set(), None
        if may_derive and len(values) > 1:
            reason = self._get_not_derived_reason()
            try:
                # Values in spite of a reason: an add-on that was never compared has a hand in it.
                is_extended = not reasons.keys().isdisjoint(values)
                families = [] if reason else self._find_families(vals_list, values, is_extended)
            except NotDerivedError as error:
                reason = str(error)
            made_later = {member.index for family in families for member in family.others}
        written = self._count_written() if families else {}
        created = {}
        complete = {
            index: vals
            for index, vals in values.items()
            if index not in made_later and index not in reasons
        }
        if complete:
            try:
                made = self._create_complete(copy.deepcopy(list(complete.values())))
            except NotAsGivenError as error:
                reasons |= dict.fromkeys(complete.keys() | made_later, str(error))
                families, made_later = [], set()
            else:
                created.update(zip(complete, made, strict=True))
                self._tell_ways(dict.fromkeys(made.ids, ('complete', reason)))
        ordinary = {
            index: self._join_reasons(why, reason if index in values else None)
            for index, why in reasons.items()
            if index not in made_later
        }
        if ordinary:
            with self._watched_outside():
                made = moves.create(copy.deepcopy([vals_list[index] for index in ordinary]))
            created.update(zip(ordinary, made, strict=True))
            ways = [('ordinary', why) for why in ordinary.values()]
            self._tell_ways(dict(zip(made.ids, ways, strict=True)))
        for family in families:
            family.exemplars = moves.concat(*(created[member.index] for member in family.models))
            family.written = written
        return moves.concat(*(created[index] for index in sorted(created))), families

    def _join_reasons(self, *reasons):
        """Return several reasons as one text; those that are None are left out."""
        return "; ".join(filter(None, reasons))

    def _tell_ways(self, ways):
        """Say which way bills were made, and why no quicker one; keep it for the run book.

        :param dict ways: id of the bill -> way, and reason in words or None
        """
        for (way, reason), number in Counter(ways.values()).items():
            if reason and way == 'ordinary':
                _logger.info("%s bills are made the ordinary way: %s", number, reason)
            elif reason:
                _logger.info("%s bills are not derived: %s", number, reason)
        # Ids are never given twice: what became of these, or did not, harms no others.
        self.env.cr.cache.setdefault('assist_ways', {}).update(ways)

    def _take_ways(self, moves):
        """Return which way some of these bills were just made, and forget it.

        :return: bill -> way, and reason in words or None
        """
        kept = self.env.cr.cache.get('assist_ways', {})
        return {move: kept.pop(move.id) for move in moves if move.id in kept}

    def _get_complete_vals(self, vals_list):
        """Return the values of these invoices with all lines, and why some are made one by one.

        Where an add-on that was never compared has a hand in invoices there are both: Odoo makes
        them one by one, and others may be derived from them.

        :return: index in `vals_list` -> values with all lines; index -> reason in words
        """
        complete, reasons = {}, {}
        general_reason = vals_list and self._get_general_slow_reason()
        listening_reason = None if general_reason else self._get_listening_reason()
        memo = {
            'partners': self.env['res.partner'].browse(vals['partner_id'] for vals in vals_list)
        }
        for index, vals in enumerate(vals_list):
            reason = general_reason or self._get_slow_reason(vals)
            vals_with_lines = None if reason else self._get_vals_with_lines(vals, memo)
            if vals_with_lines:
                complete[index] = vals_with_lines
            if vals_with_lines and listening_reason:
                reasons[index] = listening_reason
            elif not vals_with_lines:
                reasons[index] = reason or self.env._(
                    "accounts or taxes that Odoo finds in other ways"
                )
        return complete, reasons

    @remembered(lambda maker, vals, memo: Same(vals), TRIED)
    def _get_vals_with_lines(self, vals, memo):
        return self._prepare_complete_vals(vals, memo)

    def _create_complete(self, vals_list):
        """Create invoices from values with all their lines, and see that this is what came out.

        :raise NotAsGivenError: with the reason in words; then none was created
        """
        # What was changed before stays whatever comes out.
        self.env.flush_all()
        try:
            # What is created is stored later, together with what posting changes.
            with self.env.cr.savepoint(flush=False):
                moves = self._create_as_given(vals_list)
        except NotAsGivenError:
            self.env.cr.clear()
            raise
        self._log_creation(moves)
        return moves

    def _create_as_given(self, vals_list):
        # Odoo's point of sale makes its entries with the same two: nothing to be added to the
        # lines, and the balance is checked by whoever uses them.
        moves = (
            self.env['account.move']
            .with_context(
                skip_invoice_sync=True,
                skip_invoice_line_sync=True,
                check_move_validity=False,
                mail_create_nolog=True,
                assist_complete=True,
            )
            .create(vals_list)
        )
        # As they are now, whoever had a hand in it.
        moves = moves.with_env(self.env)
        for move, vals in zip(moves, vals_list, strict=True):
            if difference := self._find_difference(move, vals):
                raise NotAsGivenError(difference)
        return moves

    def _find_difference(self, move, vals):
        """Return in words what is not as it was given, if a bill was changed on its way."""
        given = [command[2] for command in vals['line_ids']]
        lines = move.line_ids.sorted('id')
        if len(lines) != len(given):
            return self.env._(
                "the bill of %(customer)s has %(count)s entries instead of %(expected)s",
                customer=move.partner_id.display_name,
                count=len(lines),
                expected=len(given),
            )
        names = {
            name
            for line, line_vals in zip(lines, given, strict=True)
            for name in get_differing(line, line_vals, CHECKED_LINE_FIELDS)
        }
        names |= get_differing(move, vals, CHECKED_FIELDS)
        for name, currency in (
            ('balance', move.company_currency_id),
            ('amount_currency', move.currency_id),
        ):
            if not currency.is_zero(sum(lines.mapped(name))):
                names.add(name)
        if not names:
            return None
        return self.env._(
            "on the bill of %(customer)s something has changed: %(fields)s",
            customer=move.partner_id.display_name,
            fields=", ".join(sorted(names)),
        )

    def _log_creation(self, moves):
        """Leave the message that Odoo leaves on a new invoice, on all of `moves` at once."""
        followers = self.env['mail.followers'].search(
            [('res_model', '=', moves._name), ('res_id', 'in', moves.ids)]
        )
        followed = moves.browse(followers.mapped('res_id'))
        others = moves - followed
        for move in followed | others[:1]:
            message = move.message_post(
                subtype_id=move._creation_subtype().id,
                author_id=self.env.user.partner_id.id,
                body=CREATION_MESSAGE % move._creation_message(),
            )
        if len(others) < 2:
            return
        # Nobody is to be told of these, so all of it is the message itself; but for the document
        # and the address for answers it is the same one.
        names = moves._get_message_create_valid_field_names()
        values = {
            name: field.convert_to_write(message[name], message)
            for name, field in message._fields.items()
            if name in names and name != 'message_id' and field.store and not field.relational
            # What was not given stays so.
            if message[name]
        }
        values |= {
            name: message[name].id
            for name, field in message._fields.items()
            if name in names and field.store and field.type == 'many2one' and message[name]
        }
        answers = others._notify_get_reply_to(
            default=message.email_from, author_id=message.author_id.id
        )
        moves._message_create(
            [{**values, 'res_id': move.id, 'reply_to': answers[move.id]} for move in others[1:]]
        )

    # === POSTING === #

    def _post(self, moves):
        """Post bills together; what they have in common is found out once."""
        if len(moves.company_id) > 1:
            for of_company in moves.grouped('company_id').values():
                self._post(of_company)
            return
        # As for who presses the button: other add-ons number by the company that is worked in.
        moves = moves.with_company(moves.company_id)
        if len(moves) > 1 and self._is_posting_extended():
            # Such an add-on may commit once it has handed over one of them, and that be the end:
            # the others are drafts yet, to be posted by the next run, and handed over with that.
            for bill in moves:
                self._post(bill)
            return
        credit_notes = moves.filtered(lambda move: move.move_type == 'out_refund')
        if credit_notes and credit_notes != moves:
            # They are matched with bills once posted, maybe with one of these.
            self._post(moves - credit_notes)
            self._post(credit_notes)
            return
        if self._is_asked_before_posting():
            self._post_as_a_person(moves)
            return
        context, unchanged, number_formats = {}, [], None
        is_service = set(moves.invoice_line_ids.product_id.mapped('type')) <= {'service'}
        if is_service and not credit_notes and not self._get_listeners():
            # Posting changes no amount, so there is nothing to bring in line with each other,
            # and nothing to be summed up again.
            context, number_formats = {'skip_invoice_sync': True, 'check_move_validity': False}, {}
            unchanged = [
                field for field in moves._fields.values() if field.compute in UNCHANGED_BY_POSTING
            ]
            # Odoo asks for these, in its ways, while posting: read before they change, they need
            # not be stored in between.
            moves.mapped('invoice_line_ids')
            moves.mapped('journal_line_ids')
        protection = self.env.protecting(unchanged, moves)
        with (
            protection,
            self._watched_outside(),
            keep_posting(self.env, number_formats) as (number, posting),
        ):
            # Not soft: a soft post leaves a bill in draft whose date is tomorrow in UTC.
            moves.with_context(**context, assist_posting=number)._post(soft=False)
        self.env['res.partner']._assist_increase_ranks(posting.ranks)

    def _post_as_a_person(self, bill):
        """Post a bill as its button does, for an add-on that asks a person something there.

        Where it asks, the bill stays in draft, and says so.
        """
        with self._watched_outside():
            bill.action_post()
        if bill.state != 'posted':
            self._tell_left_in_draft(
                bill, self.env._("another add-on asks something of whoever posts it")
            )

    # === APPROVAL === #

    def _get_unapproved(self, moves):
        """Return those of these drafts that somebody has to approve before they can be posted.

        The closing run leaves them in draft. For an add-on that has invoices approved; it brings
        its own way of asking, `_request_approval`, too.
        """
        return moves.browse()

    def _request_approval(self, moves):
        """Ask for the approval of these drafts."""
        for bill in moves:
            self._tell_left_in_draft(bill, self.env._("it has to be approved first"))

    def _tell_left_in_draft(self, bill, reason):
        """Say on a bill that its plan would have it posted, and why it is not."""
        bill.message_post(
            body=self.env._(
                "This bill stays in draft: %(reason)s. Post it by hand then, and send it.",
                reason=reason,
            )
        )
