import logging
from collections import Counter

from markupsafe import Markup

from odoo import api, models
from odoo.fields import Command

from .complete_values import NotAsGivenError, keep_posting

_logger = logging.getLogger(__name__)

# What Odoo gives lines of these kinds as their place (`_compute_sequence`).
PRODUCT_SEQUENCE, TAX_SEQUENCE, TERM_SEQUENCE = 100, 10000, 12000
# Accounts that are matched though they are not marked so (`_compute_amount_residual`).
LIQUIDITY_TYPES = ('asset_cash', 'liability_credit_card')
# What lines without a product have instead of quantity and price.
WITHOUT_PRODUCT = {
    'product_id': False,
    'product_uom_id': False,
    'quantity': 0.0,
    'price_unit': 0.0,
    'price_subtotal': 0.0,
    'price_total': 0.0,
}
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


class AccountMove(models.Model):
    """Bills made all at once, with complete lines: the fast way of the closing run.

    Odoo makes an invoice from its product lines, then adds tax and receivable lines to it, each
    with all that follows. Here Odoo's own tax engine is asked beforehand, and all bills are
    created with all their lines. The result is the same in every stored field; what is not
    proven to be so is made the ordinary way, see `_assist_get_slow_reason`.
    """

    _inherit = 'account.move'

    # === CREATION === #

    @api.model
    def _assist_create_bills(self, vals_list):
        """Create invoices, each the fast way where that is proven equal, else the ordinary way.

        :param list vals_list: of one company, as of `_prepare_invoice_vals`
        :return: the invoices, in the order of `vals_list`
        """
        complete, reasons = self._assist_get_complete_vals(vals_list)
        created = {}
        if complete:
            try:
                moves = self._assist_create_complete(list(complete.values()))
            except NotAsGivenError as error:
                reasons |= dict.fromkeys(complete, str(error))
            else:
                created.update(zip(complete, moves, strict=True))
        if reasons:
            moves = self.create([vals_list[index] for index in reasons])
            created.update(zip(reasons, moves, strict=True))
            self._assist_tell_reasons(dict(zip(moves.ids, reasons.values(), strict=True)))
        return self.concat(*(created[index] for index in range(len(vals_list))))

    @api.model
    def _assist_tell_reasons(self, reasons):
        """Say why bills were made the ordinary way, and keep it for the run book.

        :param dict reasons: id of the bill -> reason in words
        """
        for reason, number in Counter(reasons.values()).items():
            _logger.info("%s bills are made the ordinary way: %s", number, reason)
        # Ids are never given twice: what became of these, or did not, harms no others.
        self.env.cr.cache.setdefault('assist_slow_reasons', {}).update(reasons)

    def _assist_take_slow_reasons(self):
        """Return why some of these bills were just made the ordinary way, and forget it.

        :return: bill -> reason in words
        """
        kept = self.env.cr.cache.get('assist_slow_reasons', {})
        return {move: kept.pop(move.id) for move in self if move.id in kept}

    @api.model
    def _assist_get_complete_vals(self, vals_list):
        """Return which of these invoices can be made the fast way, and why the others cannot.

        :return: index in `vals_list` -> values with all lines; index -> reason in words
        """
        complete, reasons = {}, {}
        general_reason = vals_list and self._assist_get_general_slow_reason()
        memo = {
            'partners': self.env['res.partner'].browse(vals['partner_id'] for vals in vals_list)
        }
        for index, vals in enumerate(vals_list):
            reason = general_reason or self._assist_get_slow_reason(vals)
            vals_with_lines = None if reason else self._assist_prepare_complete_vals(vals, memo)
            if vals_with_lines:
                complete[index] = vals_with_lines
            else:
                reasons[index] = reason or self.env._(
                    "accounts or taxes that Odoo finds in other ways"
                )
        return complete, reasons

    @api.model
    def _assist_create_complete(self, vals_list):
        """Create invoices from values with all their lines, and see that this is what came out.

        :raise NotAsGivenError: with the reason in words; then none was created
        """
        # What was changed before stays whatever comes out.
        self.env.flush_all()
        try:
            # What is created is stored later, together with what posting changes.
            with self.env.cr.savepoint(flush=False):
                moves = self._assist_create_as_given(vals_list)
        except NotAsGivenError:
            self.env.cr.clear()
            raise
        moves._assist_log_creation()
        return moves

    @api.model
    def _assist_create_as_given(self, vals_list):
        # Odoo's point of sale makes its entries with the same two: nothing to be added to the
        # lines, and the balance is checked by whoever uses them.
        moves = self.with_context(
            skip_invoice_sync=True,
            skip_invoice_line_sync=True,
            check_move_validity=False,
            mail_create_nolog=True,
            assist_complete=True,
        ).create(vals_list)
        # As they are now, whoever had a hand in it.
        moves = moves.with_env(self.env)
        for move, vals in zip(moves, vals_list, strict=True):
            if difference := move._assist_find_difference(vals):
                raise NotAsGivenError(difference)
        return moves

    def _assist_find_difference(self, vals):
        """Return in words what is not as it was given, if this bill was changed on its way."""
        self.ensure_one()
        given = [command[2] for command in vals['line_ids']]
        lines = self.line_ids.sorted('id')
        if len(lines) != len(given):
            return self.env._(
                "the bill of %(customer)s has %(count)s entries instead of %(expected)s",
                customer=self.partner_id.display_name,
                count=len(lines),
                expected=len(given),
            )
        names = {
            name
            for line, line_vals in zip(lines, given, strict=True)
            for name in get_differing(line, line_vals, CHECKED_LINE_FIELDS)
        }
        names |= get_differing(self, vals, CHECKED_FIELDS)
        for name, currency in (
            ('balance', self.company_currency_id),
            ('amount_currency', self.currency_id),
        ):
            if not currency.is_zero(sum(lines.mapped(name))):
                names.add(name)
        if not names:
            return None
        return self.env._(
            "on the bill of %(customer)s something has changed: %(fields)s",
            customer=self.partner_id.display_name,
            fields=", ".join(sorted(names)),
        )

    def _assist_log_creation(self):
        """Leave the message that Odoo leaves on a new invoice, on all of these at once."""
        followers = self.env['mail.followers'].search(
            [('res_model', '=', self._name), ('res_id', 'in', self.ids)]
        )
        followed = self.browse(followers.mapped('res_id'))
        others = self - followed
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
        names = self._get_message_create_valid_field_names()
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
        self._message_create(
            [{**values, 'res_id': move.id, 'reply_to': answers[move.id]} for move in others[1:]]
        )

    def _assist_post(self):
        """Post bills together; what they have in common is found out once."""
        if len(self) > 1 and self._assist_is_posting_extended():
            # Such an add-on may commit once it has handed over one of them, and that be the end:
            # the others are drafts yet, to be posted by the next run, and handed over with that.
            for bill in self:
                bill._assist_post()
            return
        if self._assist_is_asked_before_posting():
            self._assist_post_as_a_person()
            return
        context, unchanged, number_formats = {}, [], None
        is_service = set(self.invoice_line_ids.product_id.mapped('type')) <= {'service'}
        if is_service and not self._assist_get_listeners():
            # Posting changes no amount, so there is nothing to bring in line with each other,
            # and nothing to be summed up again.
            context, number_formats = {'skip_invoice_sync': True, 'check_move_validity': False}, {}
            unchanged = [
                field for field in self._fields.values() if field.compute in UNCHANGED_BY_POSTING
            ]
            # Odoo asks for these, in its ways, while posting: read before they change, they need
            # not be stored in between.
            self.mapped('invoice_line_ids')
            self.mapped('journal_line_ids')
        protection = self.env.protecting(unchanged, self)
        with protection, keep_posting(self.env, number_formats) as (number, posting):
            # Not soft: a soft post leaves a bill in draft whose date is tomorrow in UTC.
            self.with_context(**context, assist_posting=number)._post(soft=False)
        self.env['res.partner']._assist_increase_ranks(posting.ranks)

    def _assist_post_as_a_person(self):
        """Post a bill as its button does, for an add-on that asks a person something there.

        Where it asks, the bill stays in draft, and says so.
        """
        self.ensure_one()
        self.action_post()
        if self.state != 'posted':
            self._assist_tell_left_in_draft(
                self.env._("another add-on asks something of whoever posts it")
            )

    def _assist_get_unapproved(self):
        """Return those of these drafts that somebody has to approve before they can be posted.

        The closing run leaves them in draft. For an add-on that has invoices approved; it brings
        `_assist_request_approval` too.
        """
        return self.browse()

    def _assist_request_approval(self):
        """Ask for the approval of these drafts."""
        for bill in self:
            bill._assist_tell_left_in_draft(self.env._("it has to be approved first"))

    def _assist_tell_left_in_draft(self, reason):
        """Say on a bill that its plan would have it posted, and why it is not."""
        self.message_post(
            body=self.env._(
                "This bill stays in draft: %(reason)s. Post it by hand then, and send it.",
                reason=reason,
            )
        )

    # === HEADER === #

    @api.model
    def _assist_prepare_complete_vals(self, vals, memo):
        """Return the values of an invoice with all its lines, or nothing where that cannot be.

        :param dict vals: as of `_prepare_invoice_vals`
        :param dict memo: what bills have in common, kept from one to the next
        """
        # All customers are read at once.
        readable = memo['partners']._prefetch_ids
        partner = self.env['res.partner'].browse(vals['partner_id']).with_prefetch(readable)
        commercial = partner.commercial_partner_id
        company = self.env['res.company'].browse(vals['company_id'])
        delivery = partner.address_get(['delivery'])['delivery']
        position = self.env['account.fiscal.position']._get_fiscal_position(
            partner, delivery=partner.browse(delivery).with_prefetch(readable)
        )
        # Not computed: what Odoo falls back to if the customer has no account of his own.
        receivable = commercial.property_account_receivable_id
        if not receivable:
            return None
        method = partner.property_inbound_payment_method_line_id
        common = self._assist_get_common(vals, method, memo)
        header = {
            **{key: value for key, value in vals.items() if key != 'invoice_line_ids'},
            **common['vals'],
            'partner_shipping_id': delivery,
            'commercial_partner_id': commercial.id,
            'fiscal_position_id': position.id,
            'preferred_payment_method_line_id': method.id,
            'invoice_partner_display_name': partner.display_name,
            'always_tax_exigible': False,
            'payment_state': 'not_paid',
        }
        base_lines = []
        for command in vals['invoice_line_ids']:
            base_line = self._assist_prepare_base_line(
                command[2], vals, common['rate'], position, commercial, memo
            )
            if base_line is None:
                return None
            base_lines.append(base_line)
        lines = self._assist_prepare_base_and_tax_lines(base_lines, company)
        lines.append(
            self._assist_prepare_term_line(
                lines, header, position.map_account(receivable), commercial
            )
        )
        header.update(self._assist_get_amounts(lines, company))
        header['line_ids'] = [Command.create(line) for line in lines]
        return header

    @api.model
    def _assist_get_common(self, vals, method, memo):
        """Return what Odoo computes for a document, but not from its customer.

        It is asked once for all that have currency, dates and way of payment in common.
        """
        names = ('move_type', 'company_id', 'currency_id', 'invoice_date', 'taxable_supply_date')
        key = (*(vals.get(name) for name in names), method.id)
        if key not in memo:
            document = self.new(
                {
                    **{name: vals.get(name) for name in names},
                    'invoice_payment_term_id': False,
                    'preferred_payment_method_line_id': method.id,
                }
            )
            memo[key] = {
                'rate': document.invoice_currency_rate,
                'vals': {
                    'journal_id': document.journal_id.id,
                    'date': document.date,
                    'invoice_currency_rate': document.invoice_currency_rate,
                    'partner_bank_id': document.partner_bank_id.id,
                    'invoice_incoterm_id': document.invoice_incoterm_id.id,
                    'checked': False,
                    'auto_post_until': False,
                    'incoterm_location': False,
                },
            }
        return memo[key]

    @api.model
    def _assist_get_amounts(self, lines, company):
        """Return the sums of a document as `_compute_amount` makes them from its lines."""
        sums = {'product': [0.0, 0.0], 'tax': [0.0, 0.0], 'all': [0.0, 0.0]}
        residual = [0.0, 0.0]
        for line in lines:
            if line['display_type'] == 'payment_term':
                residual[0] += line['amount_residual']
                residual[1] += line['amount_residual_currency']
                continue
            for kind in (line['display_type'], 'all'):
                sums[kind][0] += line['balance']
                sums[kind][1] += line['amount_currency']
        (untaxed, untaxed_currency), (tax, tax_currency), (total, total_currency) = (
            sums['product'],
            sums['tax'],
            sums['all'],
        )
        return {
            'amount_untaxed': -untaxed_currency,
            'amount_tax': -tax_currency,
            'amount_total': -total_currency,
            'amount_residual': residual[1],
            'amount_untaxed_signed': -untaxed,
            'amount_untaxed_in_currency_signed': -untaxed_currency,
            'amount_tax_signed': -tax,
            'amount_total_signed': -total,
            'amount_residual_signed': residual[0],
            'amount_total_in_currency_signed': -total_currency,
        }

    # === LINES === #

    @api.model
    def _assist_prepare_base_line(self, line_vals, vals, rate, position, commercial, memo):
        """Return a product line as Odoo's tax engine wants it; nothing if the line is not fast."""
        company = self.env['res.company'].browse(vals['company_id'])
        product = self.env['product.product'].browse(line_vals['product_id'])
        key = ('product', product.id, position.id)
        if key not in memo:
            own_taxes = product.taxes_id._filter_taxes_by_company(company)
            taxes = position.map_tax(own_taxes)
            account = product.product_tmpl_id.get_product_accounts(fiscal_pos=position)['income']
            memo[key] = (
                taxes,
                account,
                self._assist_is_slow_line(product, own_taxes, taxes, account),
            )
        taxes, account, is_slow = memo[key]
        # Frozen with the terms, where they are not those of the product any more.
        if 'tax_ids' in line_vals or 'account_id' in line_vals:
            if 'tax_ids' in line_vals:
                taxes = self.env['account.tax'].browse(line_vals['tax_ids'][0][2])
            account = account.browse(line_vals.get('account_id', account.id))
            is_slow = self._assist_is_slow_line(product, taxes, taxes, account)
        if is_slow:
            return None
        return self.env['account.tax']._prepare_base_line_for_taxes_computation(
            None,
            product_id=product,
            product_uom_id=self.env['uom.uom'].browse(line_vals['product_uom_id']),
            tax_ids=taxes,
            price_unit=line_vals['price_unit'],
            quantity=line_vals['quantity'],
            discount=line_vals.get('discount', 0.0),
            currency_id=self.env['res.currency'].browse(vals['currency_id']),
            rate=rate,
            sign=-1,
            special_mode=False,
            partner_id=commercial,
            account_id=account,
            analytic_distribution=False,
            name=line_vals['name'],
            assist_vals=line_vals,
            _assist_rounds_lines=vals.get('assist_rounds_lines'),
        )

    @api.model
    def _assist_prepare_base_and_tax_lines(self, base_lines, company):
        """Return the values of the product lines and of the tax lines they make."""
        tax_engine = self.env['account.tax']
        tax_engine._add_tax_details_in_base_lines(base_lines, company)
        totals = []
        for base_line in base_lines:
            # Each line's own totals are rounded without regard to the others, as on screen.
            tax_engine._round_base_lines_tax_details([base_line], company)
            details = base_line['tax_details']
            totals.append((details['total_excluded_currency'], details['total_included_currency']))
        tax_engine._round_base_lines_tax_details(base_lines, company)
        tax_engine._add_accounting_data_in_base_lines_tax_details(base_lines, company)
        result = tax_engine._prepare_tax_lines(base_lines, company)
        lines = [
            {
                **base_line['assist_vals'],
                **amounts,
                'display_type': 'product',
                'sequence': base_line['assist_vals'].get('sequence', PRODUCT_SEQUENCE),
                'partner_id': base_line['partner_id'].id,
                'currency_id': base_line['currency_id'].id,
                'account_id': base_line['account_id'].id,
                'tax_ids': [Command.set(base_line['tax_ids'].ids)],
                'price_subtotal': subtotal,
                'price_total': total,
                'analytic_distribution': False,
            }
            for (base_line, amounts), (subtotal, total) in zip(
                result['base_lines_to_update'], totals, strict=True
            )
        ]
        lines += [
            {
                **WITHOUT_PRODUCT,
                **tax_line,
                'display_type': 'tax',
                'sequence': TAX_SEQUENCE,
            }
            for tax_line in result['tax_lines_to_add']
        ]
        for line in lines:
            self._assist_set_residual(line)
        return lines

    @api.model
    def _assist_prepare_term_line(self, lines, header, account, commercial):
        """Return the values of the line that says what the customer owes."""
        company = self.env['res.company'].browse(header['company_id'])
        currency = self.env['res.currency'].browse(header['currency_id'])
        balance = company.currency_id.round(-sum(line['balance'] for line in lines))
        amount_currency = currency.round(-sum(line['amount_currency'] for line in lines))
        line = {
            **WITHOUT_PRODUCT,
            'display_type': 'payment_term',
            'sequence': TERM_SEQUENCE,
            'name': False,
            'partner_id': commercial.id,
            'currency_id': currency.id,
            'account_id': account.id,
            'tax_ids': [],
            'date_maturity': header['invoice_date_due'],
            'discount_date': False,
            'discount_balance': 0.0,
            'discount_amount_currency': 0.0,
            'balance': balance,
            'amount_currency': amount_currency,
            'analytic_distribution': False,
        }
        self._assist_set_residual(line)
        return line

    @api.model
    def _assist_set_residual(self, line):
        """Add to a line what is open on it: all, where its account is one to be matched."""
        account = self.env['account.account'].browse(line['account_id'])
        is_open = account.reconcile or account.account_type in LIQUIDITY_TYPES
        line['amount_residual'] = line['balance'] if is_open else 0.0
        line['amount_residual_currency'] = line['amount_currency'] if is_open else 0.0
        line['reconciled'] = bool(is_open and not line['balance'] and not line['amount_currency'])
