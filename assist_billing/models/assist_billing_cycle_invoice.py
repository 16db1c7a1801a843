from odoo import fields, models
from odoo.exceptions import UserError


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

        :param Outcome outcome: its rating and late sessions
        :param datetime now: naive UTC; when the bill is made
        """
        self.ensure_one()
        return {
            **self._prepare_document_vals(now),
            **self._prepare_date_vals(outcome.charged, now),
            'assist_kind': 'bill',
            'assist_cycle_id': self.id,
            'invoice_line_ids': self._prepare_line_commands(outcome),
        }

    def _prepare_supplementary_vals(self, outcome, now):
        """Return the values of a bill for late sessions of this closed cycle."""
        self.ensure_one()
        return {
            **self._prepare_document_vals(now),
            **self._prepare_date_vals(outcome.charged, now),
            'assist_kind': 'supplementary',
            'assist_origin_cycle_id': self.id,
            'invoice_line_ids': self._prepare_line_commands(outcome),
        }

    def _prepare_document_vals(self, now):
        """Return what all customer invoices of this cycle have in common."""
        self.ensure_one()
        partner = self.partner_id
        last_day = self._get_last_day()
        return {
            'move_type': 'out_invoice',
            'company_id': self.company_id.id,
            'partner_id': partner.id,
            'currency_id': self.currency_id.id,
            # The customer's own payment term would overwrite the due date on posting.
            'invoice_payment_term_id': False,
            'delivery_date': last_day,
            'taxable_supply_date': last_day,
            # Not the user of the scheduled action.
            'invoice_user_id': (partner.user_id or partner.commercial_partner_id.user_id).id,
            'invoice_origin': self.plan_id.name,
        }

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

    def _get_invoice_date(self, charged, now):
        """Return the date of a bill made at `now`: what the company dates bills by, or today.

        It is today when that day is in the future for the company, is too long ago (a bill made
        months late is dated when it is made), or is covered by a lock date.

        :param set charged: what it charges, as `Outcome.charged`
        """
        self.ensure_one()
        company = self.company_id
        today = company._assist_get_today(now)
        by_last_day = company.assist_date_bills == 'last_day'
        day = self._get_last_day() if by_last_day else self.date_end
        age = (today - day).days
        if not 0 <= age <= company.assist_backdate_days:
            return today
        return today if self._is_locked(day, charged) else day

    def _is_locked(self, day, charged):
        """Tell whether a lock date covers `day`, as Odoo asks for a customer invoice."""
        self.ensure_one()
        # Those of the companies above a branch are among them.
        locks = {
            name for _date, name in self.company_id._get_lock_date_violations(day, purchase=False)
        }
        if locks == {'tax_lock_date'}:
            return self._is_taxed(charged)
        return bool(locks)

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
        """Return the taxes of a line of `charge`, before any fiscal position.

        A branch has those of the company above it, unless it has taxes of its own.
        """
        self.ensure_one()
        product = self.plan_id._get_product(charge)
        return product.taxes_id._filter_taxes_by_company(self.company_id)

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
                    date=invoice_date,
                    company=company.name,
                )
            )

    # === LINES === #

    def _prepare_line_commands(self, outcome):
        """Return the invoice lines of `outcome`, in the order they are printed."""
        self.ensure_one()
        return [
            fields.Command.create(
                self._prepare_line_vals(line.charge, line.quantity, line.price, origin)
            )
            for line, origin in outcome.lines
        ]

    def _prepare_line_vals(self, charge, quantity, price, origin):
        """Return the values of one invoice line.

        :param str charge: what it charges, a value of `account.move.line.assist_charge`
        :param quantity: printed quantity (Decimal)
        :param price: price of one, untaxed or taxed as the taxes of its product say (Decimal)
        :param origin: the cycle it is about: this one, or an earlier one of late sessions
        """
        self.ensure_one()
        product = self.plan_id._get_product(charge)
        self._check_taxes(product)
        return {
            'assist_charge': charge,
            'product_id': product.id,
            'name': self._get_line_name(charge, product, origin),
            'quantity': float(quantity),
            'product_uom_id': product.uom_id.id,
            'price_unit': self._get_price_unit(product, float(price)),
        }

    def _check_taxes(self, product):
        """Refuse a product whose taxes are all archived: it would silently be billed untaxed."""
        self.ensure_one()
        if untaxed := self.plan_id._get_archived_taxed_products() & product:
            raise UserError(self.plan_id._get_archived_taxes_message(untaxed))

    def _get_line_name(self, charge, product, origin):
        """Return the text of an invoice line, in the customer's language."""
        self.ensure_one()
        lang = self.partner_id.lang or self.env.lang
        cycle = origin.with_context(lang=lang)
        product = product.with_context(lang=lang, display_default_code=False)
        label = {
            'base_fee': cycle.env._("Base fee per session"),
            'minimum': cycle.env._("Top-up to the minimum charge"),
            'prior': cycle.env._("%(product)s, received late", product=product.display_name),
        }.get(charge, product.display_name)
        return f"{label}\n{cycle._format_period()}"

    def _get_price_unit(self, product, price):
        """Return `price` as it stands on the invoice.

        Prices are in the tax mode of the product's taxes; a fiscal position that takes an
        included tax away takes it out of the price, as Odoo does for sales.
        """
        self.ensure_one()
        taxes = product.taxes_id._filter_taxes_by_company(self.company_id)
        if not all(tax.price_include for tax in taxes):
            return price  # untaxed, so no tax can be taken out
        return product._get_tax_included_unit_price_from_price(
            price, taxes, fiscal_position=self._get_fiscal_position()
        )

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

    def _prepare_prior_vals(self, late, supplementary=None):
        """Return the values of what late sessions (a LateUsage) add to this cycle's bill."""
        self.ensure_one()
        line = late.line
        return {
            'cycle_id': self.id,
            'origin_cycle_id': late.origin.id,
            'move_id': supplementary.id if supplementary else False,
            # Without a line they cost nothing more, and are on the statement all the same.
            'quantity': float(line.quantity) if line else 0.0,
            'price': float(line.price) if line else 0.0,
            'amount': float(line.amount) if line else 0.0,
            'session_ids': [fields.Command.link(session_id) for session_id in late.session_ids],
        }
