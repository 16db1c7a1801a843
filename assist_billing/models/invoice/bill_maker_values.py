from odoo import models
from odoo.fields import Command

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


class AssistBillMaker(models.AbstractModel):
    """The complete values of bills: header, product lines, tax lines and what is owed.

    Odoo's own tax engine is asked for them; nothing here writes.
    """

    _inherit = 'assist.bill.maker'

    # === HEADER === #

    def _prepare_complete_vals(self, vals, memo):
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
        common = self._get_common(vals, method, memo)
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
        lines = self._get_base_and_tax_lines(vals, common['rate'], position, commercial, memo)
        if lines is None:
            return None
        lines.append(
            self._prepare_term_line(lines, header, position.map_account(receivable), commercial)
        )
        header.update(self._get_amounts(lines, company))
        header['line_ids'] = [Command.create(line) for line in lines]
        return header

    def _get_common(self, vals, method, memo):
        """Return what Odoo computes for a document, but not from its customer.

        It is asked once for all that have currency, dates and way of payment in common.
        """
        names = ('move_type', 'company_id', 'currency_id', 'invoice_date', 'taxable_supply_date')
        key = (*(vals.get(name) for name in names), method.id)
        if key not in memo:
            document = self.env['account.move'].new(
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

    def _get_amounts(self, lines, company):
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

    def _prepare_base_line(self, line_vals, vals, rate, position, commercial, memo):
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
                self._is_slow_line(product, own_taxes, taxes, account),
            )
        taxes, account, is_slow = memo[key]
        # Frozen with the terms, where they are not those of the product any more.
        if 'tax_ids' in line_vals or 'account_id' in line_vals:
            if 'tax_ids' in line_vals:
                taxes = self.env['account.tax'].browse(line_vals['tax_ids'][0][2])
            account = account.browse(line_vals.get('account_id', account.id))
            is_slow = self._is_slow_line(product, taxes, taxes, account)
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

    def _get_base_and_tax_lines(self, vals, rate, position, commercial, memo):
        """Return the values of the product lines and of the tax lines they make; or nothing.

        Odoo's tax engine is asked once for all bills that charge the same: they differ in
        customer and texts alone.
        """
        key = self._get_charges_key(vals, rate, position, commercial)
        if key not in memo:
            base_lines = [
                self._prepare_base_line(command[2], vals, rate, position, commercial, memo)
                for command in vals['invoice_line_ids']
            ]
            memo[key] = (
                None
                if None in base_lines
                else self._prepare_base_and_tax_lines(
                    base_lines, self.env['res.company'].browse(vals['company_id'])
                )
            )
        if memo[key] is None:
            return None
        lines = [{**line, 'partner_id': commercial.id} for line in memo[key]]
        for line, command in zip(lines, vals['invoice_line_ids'], strict=False):
            line['name'] = command[2]['name']
        return lines

    def _get_charges_key(self, vals, rate, position, commercial):
        """Return all of a bill that its taxes, or texts of tax lines, may depend on."""
        return repr(
            (
                [
                    [item for item in command[2].items() if item[0] != 'name']
                    for command in vals['invoice_line_ids']
                ],
                rate,
                vals['company_id'],
                vals['currency_id'],
                vals.get('assist_rounds_lines'),
                position.id,
                commercial.lang,
            )
        )

    def _prepare_base_and_tax_lines(self, base_lines, company):
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
            self._set_residual(line)
        return lines

    def _prepare_term_line(self, lines, header, account, commercial):
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
        self._set_residual(line)
        return line

    def _set_residual(self, line):
        """Add to a line what is open on it: all, where its account is one to be matched."""
        account = self.env['account.account'].browse(line['account_id'])
        is_open = account.reconcile or account.account_type in LIQUIDITY_TYPES
        line['amount_residual'] = line['balance'] if is_open else 0.0
        line['amount_residual_currency'] = line['amount_currency'] if is_open else 0.0
        line['reconciled'] = bool(is_open and not line['balance'] and not line['amount_currency'])
