from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.tools import get_lang

from ...rules import cycles
from ...utils.checks import MOST_DAYS, refuse_too_many
from ...utils.naming import name_some


class ResCompany(models.Model):
    _inherit = 'res.company'

    # === FIELDS === #

    assist_bill_handling = fields.Selection(
        [('draft', "Leave in draft"), ('post', "Post"), ('send', "Post and send")],
        string="Default Bill Handling",
        default='post',
        required=True,
    )
    assist_close_grace_hours = fields.Integer(
        string="Closing Grace (h)",
        default=0,
        required=True,
        help="How many hours to wait after the end of a cycle for late sessions before it is "
        "billed.",
    )
    assist_session_arrival = fields.Selection(
        [
            ('hand', "Recorded by hand in Odoo"),
            ('connector', "Fetched from a tool, or sent by a program"),
            ('file', "Imported from files"),
        ],
        string="How Sessions Arrive",
        help="Chosen on first use, which sets the hours of grace accordingly.",
    )
    assist_unusual_at = fields.Datetime(
        string="Unusual As Of",
        readonly=True,
        copy=False,
        help="When the open periods were last looked through; empty while they are few, and are "
        "looked through each time.",
    )
    assist_date_bills = fields.Selection(
        [('day_after', "The day after the period"), ('last_day', "The last day of the period")],
        string="Bills Are Dated",
        default='day_after',
        required=True,
        help="With the last day, revenue and tax fall in the month of service. In both cases, due "
        "days are counted from the day after the period.",
    )
    assist_backdate_days = fields.Integer(
        string="Backdate Up To (days)",
        default=5,
        required=True,
        help="A bill created up to this many days after that day bears its date; later ones are "
        "dated the day they are created.",
    )
    assist_late_days = fields.Integer(
        string="Late Sessions Wait (days)",
        default=35,
        required=True,
        help="Sessions that arrive after their cycle has closed go on the customer's next bill; if "
        "none follows within this many days, they get a bill of their own.",
    )
    assist_amend_posted = fields.Boolean(
        string="Amend Posted Bills",
        default=True,
        help="Charges and discounts may change a posted bill that has not been sent, printed or "
        "paid.",
    )
    assist_attach_statement = fields.Boolean(
        string="Attach Statement as CSV",
        help="Bills are e-mailed with their session statement as a CSV file, in addition to the "
        "PDF.",
    )
    assist_payment_journal_id = fields.Many2one(
        'account.journal',
        string="Journal for Confirmed Payments",
        check_company=True,
        domain=[('type', 'in', ('bank', 'cash', 'credit'))],
    )
    assist_manager_id = fields.Many2one(
        'res.users',
        string="Billing Manager",
        domain=[('share', '=', False)],
        help="This user is notified when a customer cannot be billed.",
    )

    # === CONSTRAINTS === #

    _assist_days_positive = models.Constraint(
        "CHECK (assist_close_grace_hours >= 0 AND assist_backdate_days >= 0"
        " AND assist_late_days >= 0)",
        "Remote Support settings: hours and days cannot be negative.",
    )

    @api.constrains('assist_close_grace_hours', 'assist_backdate_days', 'assist_late_days')
    def _check_assist_waits(self):
        limits = {
            'assist_close_grace_hours': 24 * MOST_DAYS,
            'assist_backdate_days': MOST_DAYS,
            'assist_late_days': MOST_DAYS,
        }
        for company in self:
            refuse_too_many(company, {name: company[name] for name in limits}, limits)

    # === CRUD METHODS === #

    def write(self, vals):
        if self:
            self.check_access('write')
        if 'active' in vals and not vals['active']:
            self._assist_check_archivable()
        return super().write(vals)

    # === BUSINESS METHODS === #

    def _assist_check_archivable(self):
        """Refuse to archive companies that bill somebody: no bill of theirs could be posted."""
        # sudo: what the user may not see is to be billed all the same
        associations = (
            self.env['assist.billing.association']
            .sudo()
            .search(
                [
                    ('company_id', 'in', self.ids),
                    '|',
                    ('state', '!=', 'ended'),
                    ('cycle_ids.state', 'in', ('open', 'to_rebill')),
                ]
            )
        )
        if associations:
            raise UserError(
                self.env._(
                    "%(companies)s cannot be archived: it still bills remote support to "
                    "%(customers)s. End these associations first, and bill their last periods.",
                    companies=name_some(self.env, associations.company_id.mapped('name')),
                    customers=name_some(self.env, associations.partner_id.mapped('display_name')),
                )
            )

    def _assist_get_today(self, now):
        """Return the company's date at `now` (naive UTC): in its contact's zone, else UTC."""
        return cycles.local_date(now, self._assist_get_zone())

    def _assist_get_zone(self):
        """Return the name of the company's time zone: its contact's, else UTC."""
        self.ensure_one()
        # sudo: the zone of a company's contact is no secret to its users
        return self.sudo().partner_id.tz or 'UTC'

    @api.model
    def _assist_has_mail_server(self):
        """Tell whether there is a server for outgoing mail."""
        # sudo: whether there is one is no secret
        servers = self.env['ir.mail_server'].sudo()
        return bool(servers.search_count([], limit=1)) or (
            tools.config['smtp_server'] != 'localhost'
        )

    def _assist_get_manager(self):
        """Return the user who is told about failures: the chosen one, else a billing manager."""
        self.ensure_one()
        # sudo: the engine must find him, whatever the current user may see
        company = self.sudo()
        if company.assist_manager_id.active:
            return company.assist_manager_id
        group = company.env.ref('assist_billing.assist_billing_group_manager')
        managers = group.all_user_ids.filtered(
            lambda user: user.active and company in user.company_ids
        )
        root = company.env.ref('base.user_root')
        return (managers - root)[:1] or company.env.ref('base.user_admin')

    def _assist_get_language(self):
        """Return the language of who waits for something; of nobody, of who is told of failures."""
        return self.env.lang or get_lang(self.env, self._assist_get_manager().lang).code

    @api.model
    def _assist_get_products(self):
        """Return the products that are shipped for plans."""
        products = self.env['product.product']
        for charge in ('session', 'hour', 'fee', 'device'):
            products |= (
                self.env.ref(f'assist_billing.product_{charge}', raise_if_not_found=False)
                or self.env['product.product']
            )
        return products

    def _assist_get_untaxed_products(self):
        """Return our products that have no tax in this company, nor in one above it."""
        self.ensure_one()
        # sudo: asked when a chart is loaded, for all companies
        return (
            self.sudo()
            ._assist_get_products()
            .filtered(
                lambda product: (
                    product.company_id in (self, self.browse())
                    and not product.taxes_id._filter_taxes_by_company(self)
                )
            )
        )

    def _assist_set_product_taxes(self, given=None):
        """Put each company's sale tax for services on our products that have no tax of it.

        Data files cannot: charts of accounts load after them. What somebody chose is left alone.

        :param given: products that have nothing but what Odoo gives to any product, the default
            sale tax: this is replaced where it is for goods
        """
        # sudo: run at installation and when a chart is loaded, for all companies
        for company in self.sudo():
            default, tax = company.account_sale_tax_id, company._assist_get_service_tax()
            bare = company._assist_get_untaxed_products()
            if given and tax != default:
                bare |= given.sudo().filtered(
                    lambda product, company=company, default=default: (
                        product.taxes_id._filter_taxes_by_company(company) == default
                    )
                )
                bare.taxes_id -= default
            if tax and bare:
                bare.taxes_id |= tax
                # Cycles that opened before there was a tax are not to be billed without.
                self.env['assist.billing.cycle']._freeze_first_taxes(company, bare)

    def _assist_get_service_tax(self):
        """Return the company's sale tax for services: its default one, unless that is for goods.

        Then the one of the same rate for services, if the chart of accounts has one. Fiscal
        positions have other taxes for services than for goods, and these are reported apart.

        A tax says what it is for by its scope. Charts of accounts of many countries leave that
        empty and say it in the name alone: 23% G and 23% S, or 22% and 22% S.
        """
        self.ensure_one()
        default = self.account_sale_tax_id
        if not default or default.tax_scope == 'service':
            return default
        name = default._assist_get_chart_name()
        named = f'{name.removesuffix(" G")} S'
        same = default.search(
            [
                ('company_id', '=', default.company_id.id),
                ('type_tax_use', '=', default.type_tax_use),
                ('tax_scope', '!=', 'consu'),
                ('country_id', '=', default.country_id.id),
                ('amount_type', '=', default.amount_type),
                ('amount', '=', default.amount),
            ]
        ).filtered(
            lambda tax: (
                tax._assist_is_like(default)
                and (
                    tax._assist_get_chart_name() == named
                    or (default.tax_scope == 'consu' and tax.tax_scope == 'service')
                )
            )
        )
        # Of several, the one that is reported alike and proposed first.
        return (
            same.sorted(
                lambda tax: (tax.tax_group_id != default.tax_group_id, tax.sequence, tax.id)
            )[:1]
            or default
        )
