from odoo import api, fields, models

from ..rules import cycles
from .checks import MOST_DAYS, refuse_too_many


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
        help="Hours after the end of a cycle during which sessions may still come in before it "
        "is billed.",
    )
    assist_backdate_days = fields.Integer(
        string="Backdate Up To (days)",
        default=5,
        required=True,
        help="A bill made at most this many days after its period ended is dated the day after "
        "the last served one; later, it is dated when it is made.",
    )
    assist_late_days = fields.Integer(
        string="Late Sessions Wait (days)",
        default=35,
        required=True,
        help="Sessions that come in after their cycle closed go on the customer's next bill; if "
        "none follows within this many days, they get a bill of their own.",
    )
    assist_amend_posted = fields.Boolean(
        string="Amend Posted Bills",
        default=True,
        help="Charges and discounts may change a posted bill that was not sent, printed or paid.",
    )
    assist_attach_statement = fields.Boolean(
        string="Attach Statement as CSV",
        help="Bills are e-mailed with their session statement as a CSV file, besides the PDF.",
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
        help="Is told when a customer cannot be billed.",
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

    # === BUSINESS METHODS === #

    def _assist_get_today(self, now):
        """Return the company's date at `now` (naive UTC): in its contact's zone, else UTC."""
        self.ensure_one()
        # sudo: the zone of a company's contact is no secret to its users
        return cycles.local_date(now, self.sudo().partner_id.tz or 'UTC')

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

    @api.model
    def _assist_get_products(self):
        """Return the products that are shipped for plans."""
        products = self.env['product.product']
        for charge in ('session', 'hour', 'device'):
            products |= (
                self.env.ref(f'assist_billing.product_{charge}', raise_if_not_found=False)
                or self.env['product.product']
            )
        return products

    def _assist_set_product_taxes(self):
        """Put each company's default sale tax on our products that have no tax of it.

        Data files cannot: charts of accounts load after them.
        """
        # sudo: run at installation and when a chart is loaded, for all companies
        products = self.sudo()._assist_get_products()
        for company in self.sudo():
            tax = company.account_sale_tax_id
            bare = products.filtered(
                lambda product, company=company: (
                    product.company_id in (company, company.browse())
                    and company not in product.taxes_id.company_id
                )
            )
            if tax and bare:
                bare.taxes_id |= tax
