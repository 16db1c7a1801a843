from dataclasses import astuple
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_round, format_date

from ...rules import rating
from ...rules.fees import FeeGroup
from ...utils.checks import count_digits
from ...utils.remembering import Same, remembered
from .account_move_line import PRINTED_DIGITS

# Charged as a flat amount, whatever sessions and hours are counted in.
FLAT_CHARGES = ('base_fee', 'cap', 'minimum')


class LineTerms(NamedTuple):
    """What the terms of a cycle give its lines; taxes and account before any fiscal position."""

    product: models.Model
    taxes: models.Model
    uom: models.Model
    account: models.Model
    # Taxes and account that the product has today.
    present: tuple


class AssistBillingCycle(models.Model):
    """What the invoice of a cycle says. Nothing here writes."""

    _inherit = 'assist.billing.cycle'

    # === INVOICE === #

    def _prepare_move_vals(self, is_current):
        """Return what a document keeps of its cycle.

        :param bool is_current: it is the cycle's current bill, so the usage is on it
        """
        usage = self if is_current else self.browse()
        return {
            'assist_association_id': self.association_id.id,
            'assist_plan_id': self.plan_id.id,
            'assist_period_start': self.date_start,
            'assist_period_end': self.date_end,
            'assist_session_count': usage.session_count,
            'assist_session_hours': usage.session_seconds / 3600,
            'assist_device_quantity': usage.device_quantity,
        }

    def _prepare_invoice_vals(self, outcome, now):
        """Return the values of the invoice of this cycle.

        Where more is credited than charged it is a credit note, with all signs turned round.

        :param Outcome outcome: its rating and late sessions
        :param datetime now: naive UTC; when the bill is made
        """
        self.ensure_one()
        return {
            **self._prepare_document_vals(now),
            **self._prepare_date_vals(outcome.charged, now),
            **self.env['account.move']._prepare_assist_kind_vals('bill', self),
            **({'move_type': 'out_refund'} if outcome.total < 0 else {}),
            'invoice_line_ids': self._prepare_line_commands(outcome),
        }

    def _prepare_supplementary_vals(self, outcome, now):
        """Return the values of a bill for late sessions of this closed cycle."""
        self.ensure_one()
        return {
            **self._prepare_document_vals(now),
            **self._prepare_date_vals(outcome.charged, now),
            **self.env['account.move']._prepare_assist_kind_vals('supplementary', self),
            'invoice_line_ids': self._prepare_line_commands(outcome),
        }

    def _prepare_fees_vals(self, outcome, now):
        """Return the values of a bill for the fees in advance of this cycle alone."""
        self.ensure_one()
        invoice_date = self._get_invoice_date(outcome.charged, now, self.date_start)
        self._check_currency(invoice_date)
        return {
            **self._prepare_document_vals(now),
            'invoice_date': invoice_date,
            'invoice_date_due': fields.Date.add(invoice_date, days=self.association_id.due_days),
            **self._prepare_served_vals(supplied=self.date_start),
            **self.env['account.move']._prepare_assist_kind_vals('supplementary', self),
            'invoice_line_ids': self._prepare_line_commands(outcome),
        }

    def _prepare_document_vals(self, now):
        """Return what all customer invoices of this cycle have in common."""
        self.ensure_one()
        partner = self.partner_id
        return {
            'move_type': 'out_invoice',
            'company_id': self.company_id.id,
            'partner_id': partner.id,
            'currency_id': self.currency_id.id,
            # The customer's own payment term would overwrite the due date on posting.
            'invoice_payment_term_id': False,
            **self._prepare_served_vals(),
            # Not the user of the scheduled action.
            'invoice_user_id': (partner.user_id or partner.commercial_partner_id.user_id).id,
            'invoice_origin': self.plan_id.name,
            'ref': self.association_id.customer_reference,
            'assist_rounds_lines': True,
        }

    def _prepare_served_vals(self, supplied=None):
        """Return when this cycle was served, as values of its invoice.

        :param date supplied: default: its last day
        """
        self.ensure_one()
        last_day = self._get_last_day()
        return self.env['account.move']._prepare_assist_served_vals(
            self.date_start, last_day, supplied or last_day
        )

    def _prepare_date_vals(self, charged, now):
        """Return the dates of an invoice of this cycle that is made at `now`.

        :param set charged: what it charges, as `Outcome.charged`
        """
        self.ensure_one()
        invoice_date = self._get_invoice_date(charged, now)
        self._check_currency(invoice_date)
        return {
            'invoice_date': invoice_date,
            'invoice_date_due': self._get_due_date(invoice_date),
        }

    def _get_invoice_date(self, charged, now, day=None):
        """Return the date of a bill made at `now`: what the company dates bills by, or today.

        It is today when that day is in the future for the company, is too long ago (a bill made
        months late is dated when it is made), or is covered by a lock date.

        :param set charged: what it charges, as `Outcome.charged`
        :param day: another day to date it by
        """
        self.ensure_one()
        company = self.company_id
        today = self._get_today(now)
        by_last_day = company.assist_date_bills == 'last_day'
        day = day or (self._get_last_day() if by_last_day else self.date_end)
        age = (today - day).days
        if not 0 <= age <= company.assist_backdate_days:
            return today
        return today if self._is_locked(day, charged) else day

    @remembered(lambda cycle, now: (cycle.company_id.id, now))
    def _get_today(self, now):
        return self.company_id._assist_get_today(now)

    def _is_locked(self, day, charged):
        """Tell whether a lock date covers `day`, as Odoo asks for a customer invoice."""
        self.ensure_one()
        locks = self._get_locks(day)
        if locks == {'tax_lock_date'}:
            return self._is_taxed(charged)
        return bool(locks)

    @remembered(lambda cycle, day: (cycle.company_id.id, day))
    def _get_locks(self, day):
        # Those of the companies above a branch are among them.
        violations = self.company_id._get_lock_date_violations(day, purchase=False)
        return {name for _date, name in violations}

    def _get_due_date(self, invoice_date):
        """Return when a bill of that date is due.

        Who dates bills by the last served day gives the customer no day less for it: the days are
        counted from the day after, as if the bill were of that one.
        """
        self.ensure_one()
        start = invoice_date
        if self.company_id.assist_date_bills == 'last_day':
            start = max(invoice_date, self.date_end)
        return fields.Date.add(start, days=self.association_id.due_days)

    def _is_taxed(self, charged):
        """Tell whether a line has a tax, once the customer's fiscal position is applied."""
        self.ensure_one()
        taxes = self.env['account.tax'].union(
            *(origin._get_line_taxes(charge) for charge, origin in charged)
        )
        return bool(taxes and self._get_fiscal_position().map_tax(taxes))

    def _get_line_taxes(self, charge):
        """Return the taxes of a line of `charge` as frozen, before any fiscal position."""
        charge, product_id = charge if isinstance(charge, tuple) else (charge, None)
        return self._get_line_terms(charge, product_id).taxes

    def _check_currency(self, invoice_date):
        """Refuse a currency without an active rate: Odoo would silently take a rate of 1."""
        self.ensure_one()
        currency, company = self.currency_id, self.company_id
        if currency == company.currency_id:
            return
        if not currency.active:
            raise UserError(
                self.env._(
                    "The currency %(currency)s of plan “%(plan)s” is not active. Activate it "
                    "under Accounting / Currencies, and give it a rate.",
                    currency=currency.name,
                    plan=self.plan_id.name,
                )
            )
        rate = self.env['res.currency.rate'].search(
            [
                ('currency_id', '=', currency.id),
                ('name', '<=', invoice_date),
                ('company_id', 'in', (company.root_id.id, False)),
            ],
            limit=1,
        )
        if not rate:
            raise UserError(
                self.env._(
                    "The currency %(currency)s of plan “%(plan)s” has no rate on %(date)s in "
                    "company %(company)s. Enter a rate of that day or before.",
                    currency=currency.name,
                    plan=self.plan_id.name,
                    date=format_date(self.env, invoice_date),
                    company=company.name,
                )
            )

    # === LINES === #

    def _prepare_line_commands(self, outcome):
        """Return the invoice lines of `outcome`, in the order they are printed."""
        self.ensure_one()
        sign = -1 if outcome.total < 0 else 1
        return [
            fields.Command.create(
                self._prepare_line_vals(
                    line.charge,
                    sign * line.quantity,
                    line.price,
                    origin,
                    **({'group': line.group} if line.group else {}),
                )
            )
            for line, origin in outcome.lines
        ]

    def _prepare_line_vals(self, charge, quantity, price, origin, group=None):
        """Return the values of one invoice line.

        :param str charge: what it charges, a value of `account.move.line.assist_charge`
        :param quantity: printed quantity (Decimal)
        :param price: price of one, untaxed or taxed as the taxes of its product say (Decimal)
        :param origin: the cycle it is about, whose terms it takes: this one, or an earlier one of
            late sessions
        :param group: with a rate card, what its time has in common, `rules.rating.Group`
        """
        self.ensure_one()
        terms = origin._get_line_terms(charge, group.product if group else None)
        product, uom = terms.product, terms.uom
        if not group and origin._is_flat(charge, price):
            product = terms.product._assist_get_flat_product(self.company_id)
            uom = uom if product == terms.product else product.uom_id
        self._check_taxes(terms.product)
        self._check_quantity(quantity, product)
        return {
            'assist_charge': charge,
            'assist_period_start': origin.date_start,
            'assist_period_end': origin.date_end,
            'product_id': product.id,
            'name': self._get_line_name(
                charge,
                terms.product,
                origin,
                **({'group': group, 'price': price} if group else {}),
            ),
            'quantity': float(quantity),
            'product_uom_id': uom.id,
            'price_unit': self._get_price_unit(terms.product, terms.taxes, float(price)),
            **self._prepare_frozen_vals(product, terms),
        }

    @remembered(
        lambda cycle, charge, product_id=None: (
            cycle.company_id.id,
            cycle.plan_id.id,
            charge == 'device',
            product_id,
            # The same for all cycles that have the same.
            Same(cycle._get_frozen_terms()),
        )
    )
    def _get_line_terms(self, charge, product_id=None):
        """Return what a line of `charge` takes from the frozen terms of this cycle, as LineTerms.

        What does not exist any more is what the plan's product has now.

        :param int product_id: the product of its band, where that has one of its own
        """
        self.ensure_one()
        kind = 'device' if charge == 'device' else 'usage'
        present = self.plan_id._get_product(kind)
        if product_id:
            kind = f'product:{product_id}'
            present = present.browse(product_id).exists() or present
        frozen = self._read_terms().get('products', {}).get(kind)
        if frozen is None:
            frozen = self.plan_id._prepare_product_terms(present)
        product = present
        if frozen['product_id'] != present.id:
            product = present.browse(frozen['product_id']).exists() or present
        taxes, account = accounting = product._assist_get_accounting(self.company_id)
        if set(frozen['tax_ids']) != set(taxes.ids):
            found = taxes.browse(frozen['tax_ids']).exists()
            taxes = found if len(found) == len(frozen['tax_ids']) else taxes
        if frozen['account_id'] != account.id:
            found = account.browse(frozen['account_id'] or ()).exists()
            # Nothing can be posted to an account that was archived.
            account = found if found.active or not frozen['account_id'] else account
        uom = product.uom_id
        if frozen['uom_id'] != uom.id:
            uom = uom.browse(frozen['uom_id']).exists() or uom
        return LineTerms(product, taxes, uom, account, accounting)

    @api.model
    def _freeze_first_taxes(self, company, products):
        """Have the open cycles of `company` bill `products` with the taxes these got only now.

        :param products: those that had no tax in this company until now
        """
        # sudo: run when a chart of accounts is loaded, whoever does it
        opened = self.sudo().search([('company_id', '=', company.id), ('state', '=', 'open')])
        for cycle in opened:
            frozen = {}
            for kind, values in cycle.terms.get('products', {}).items():
                product = products.filtered(
                    lambda each, values=values: each.id == values['product_id']
                )
                if product and not values['tax_ids']:
                    taxes, _account = product._assist_get_accounting(company)
                    frozen[kind] = {**values, 'tax_ids': taxes.ids}
            if frozen:
                cycle.terms = {**cycle.terms, 'products': {**cycle.terms['products'], **frozen}}

    def _is_flat(self, charge, price):
        """Tell whether a line is 1 x an amount of money, and no number of sessions or hours.

        Late sessions are, where what they add is no whole of the price.
        """
        self.ensure_one()
        if charge != 'prior':
            return charge in FLAT_CHARGES
        terms = self._get_frozen_terms()
        return price != terms.printed_price(
            terms.price_per_hour if terms.billing_type == 'hour' else terms.price_per_session
        )

    def _prepare_frozen_vals(self, product, terms):
        """Return taxes and account of a line where Odoo would take others from `product` today.

        Where they are the same Odoo finds them itself, for it knows best what may depend on them.

        :param LineTerms terms: what the line is to have
        """
        self.ensure_one()
        taxes, account = terms.present
        if product != terms.product:
            taxes, account = product._assist_get_accounting(self.company_id)
        vals = {}
        if set(taxes.ids) != set(terms.taxes.ids):
            position = self._get_fiscal_position()
            vals['tax_ids'] = [fields.Command.set(position.map_tax(terms.taxes).ids)]
        if terms.account and terms.account != account:
            vals['account_id'] = self._get_fiscal_position().map_account(terms.account).id
        return vals

    @remembered(lambda cycle, product: (cycle.plan_id.id, product.id))
    def _check_taxes(self, product):
        """Refuse a product whose taxes are all archived: it would silently be billed untaxed."""
        self.ensure_one()
        if untaxed := self.plan_id._get_archived_taxed_products() & product:
            raise UserError(self.plan_id._get_archived_taxes_message(untaxed))

    def _check_quantity(self, quantity, product):
        """Refuse what invoices would round: fewer digits are kept than when the cycle opened.

        :param quantity: printed quantity (Decimal)
        """
        digits = self.env['decimal.precision'].precision_get('Product Unit')
        if count_digits(quantity) > digits:
            raise UserError(
                self.env._(
                    "%(quantity)s × %(product)s cannot be billed exactly: quantities on invoices "
                    "have %(digits)s decimals now. Set “Product Unit” to two or more under "
                    "Settings / Technical / Decimal Accuracy.",
                    quantity=quantity,
                    product=product.display_name,
                    digits=digits,
                )
            )

    @remembered(
        lambda cycle, charge, product, origin, group=None, price=None: (
            cycle.partner_id.lang,
            charge,
            product.id,
            origin.date_start,
            origin.date_end,
            # What has a price of its own is told in words of its own: those of its terms.
            (cycle._get_words_key(origin, group), group, price) if group else None,
        )
    )
    def _get_line_name(self, charge, product, origin, group=None, price=None):
        """Return the text of an invoice line, in the customer's language.

        :param group: as for `_prepare_line_vals`, and
        :param price: its price
        """
        self.ensure_one()
        if isinstance(group, FeeGroup):
            return self._get_fee_line_name(charge, product, origin, group)
        lang = self.partner_id.lang or self.env.lang
        cycle = origin.with_context(lang=lang)
        product = product.with_context(lang=lang, display_default_code=False)
        label = {
            'base_fee': cycle.env._("Base fee per session"),
            'cap': cycle.env._("Reduction to the maximum charge"),
            'minimum': cycle.env._("Top-up to the minimum charge"),
            'prior': cycle.env._("%(product)s, received late", product=product.display_name),
        }.get(charge, product.display_name)
        if about := cycle._describe_group(group, price):
            label = f"{label} – {about}"
        return f"{label}\n{cycle._format_period()}"

    def _get_words_key(self, origin, group):
        """Return what the words for the price of a line depend on, besides the line itself."""
        if isinstance(group, FeeGroup):
            return origin
        # One object for all cycles of the same terms, which lives as long as what is remembered.
        return origin.plan_id, id(origin._get_frozen_terms())

    def _get_fee_line_name(self, charge, product, origin, group):
        """Return the text of the line of a fee, or of its true-up, in the customer's language."""
        self.ensure_one()
        lang = self.partner_id.lang or self.env.lang
        cycle = origin.with_context(lang=lang)
        label = cycle._get_fee_label(charge, product, group)
        return f"{label}\n{cycle._format_period()}"

    def _get_fee_label(self, charge, product, group):
        """Return what a fee, or its true-up, is called, in the language of the context."""
        product = product.with_context(lang=self.env.lang, display_default_code=False)
        label = group.name or product.display_name
        if charge == 'true_up':
            return self.env._("%(fee)s, adjusted by days", fee=label)
        return label

    def _describe_group(self, group, price=None):
        """Return what explains the price of a line, in the language of the context; or nothing.

        That is what rate and tier are for, and on which days it was so, if its price changes within
        the cycle.
        """
        if not group or isinstance(group, FeeGroup):
            return ""
        rates = self.env['assist.billing.rate']
        words = [
            rates._describe_group(group.band, group.kind, group.grade),
            self._describe_tier(group.tier),
            self._describe_price_days(group, price),
        ]
        return ", ".join(filter(None, words))

    def _describe_price_days(self, group, price):
        """Return in words on which days of this cycle a price was in force; nothing if always."""
        self.ensure_one()
        terms = self._read_terms()
        if 'versions' not in terms and not any(
            rate['date_from'] or rate['date_to'] for rate in terms.get('rates', ())
        ):
            return ""
        first, last = rating.get_card(self._get_frozen_terms()).get_days(group, price)
        return self.env['assist.billing.rate']._describe_days(
            first if first and first > self.date_start else None,
            last if last and last < self._get_last_day() else None,
        )

    def _get_price_unit(self, product, taxes, price):
        """Return `price` as it stands on the invoice.

        Prices are in the tax mode of the product's `taxes`; a fiscal position that takes an
        included tax away takes it out of the price, as Odoo does for sales.
        """
        self.ensure_one()
        if not all(tax.price_include for tax in taxes):
            return price  # untaxed, so no tax can be taken out
        unit_price = product._get_tax_included_unit_price_from_price(
            price, taxes, fiscal_position=self._get_fiscal_position()
        )
        # The amount is that of the price as it is printed.
        return float_round(unit_price, precision_digits=PRINTED_DIGITS)

    def _get_fiscal_position(self):
        """Return the fiscal position that the invoice of this cycle will find for itself."""
        self.ensure_one()
        partner = self.partner_id
        delivery = partner.browse(partner.address_get(['delivery'])['delivery'])
        return (
            self.env['account.fiscal.position']
            .with_company(self.company_id)
            ._get_fiscal_position(partner, delivery=delivery)
        )

    # === LATE SESSIONS === #

    def _prepare_priors_vals(self, late, supplementary=None):
        """Return the values of what late sessions (a LateUsage) add to this cycle's bill.

        One for each line that charges them, the first of which keeps the sessions.
        """
        self.ensure_one()
        return [
            {
                **self._prepare_prior_vals(late, line, supplementary),
                **({} if not i else {'session_ids': []}),
            }
            for i, line in enumerate(late.lines or (None,))
        ]

    def _prepare_prior_vals(self, late, line, supplementary=None):
        """Return the values of a line that charges late sessions; without one, of their record."""
        self.ensure_one()
        return {
            'cycle_id': self.id,
            'origin_cycle_id': late.origin.id,
            'currency_id': late.origin.currency_id.id,
            'move_id': supplementary.id if supplementary else False,
            # Without a line they cost nothing more, and are on the statement all the same.
            'quantity': float(line.quantity) if line else 0.0,
            'price': float(line.price) if line else 0.0,
            'amount': float(line.amount) if line else 0.0,
            **({'price_group': list(astuple(line.group))} if line and line.group else {}),
            'session_ids': [fields.Command.link(session_id) for session_id in late.session_ids],
        }
