from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, new_test_user

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from ..models.closing import close


class AssistBillingCommon(AccountTestInvoicingCommon):
    """A plan per session (20.00) and one per hour (60.00), in the company's currency."""

    # Companies that were prepared will do, instead of such that were made here.
    takes_prepared_companies = True

    @classmethod
    def setUpClass(cls):
        # Without the products, contacts, taxes and terms that Odoo makes for its own tests of
        # accounting: to make them takes longer than most tests here, and none asks for them.
        super(AccountTestInvoicingCommon, cls).setUpClass()
        cls.company_data = cls.collect_company_accounting_data(cls.env.company)
        # What Odoo's factories of products and invoices take.
        cls.tax_sale_a = cls.company_data['default_tax_sale']
        cls.partner_a, cls.product_a, cls.product_b = cls.partner, cls.product, cls.product
        # As Odoo's: payments wait on an outstanding account until the bank confirms them.
        bank, charts = cls.company_data['default_journal_bank'], cls.env['account.chart.template']
        for way, account in (('inbound', 'debit'), ('outbound', 'credit')):
            bank[f'{way}_payment_method_line_ids'][0].payment_account_id = charts.ref(
                f'account_journal_payment_{account}_account_id', raise_if_not_found=False
            )
        cls.env.user.group_ids |= cls.env.ref('assist_billing.assist_billing_group_manager')
        cls.company = cls.env.company
        cls.company._assist_set_product_taxes()
        cls.plan = cls._create_plan(name="Premium", price_per_session=20.0)
        cls.hourly = cls._create_plan(name="Hourly", billing_type='hour', price_per_hour=60.0)
        cls.customer = cls._create_partner("Acme")

    @classmethod
    def collect_company_accounting_data(cls, company):
        """Find what tests ask for, and no more: Odoo's makes journals besides."""
        accounts = cls.env['account.account'].with_company(company)
        journals = cls.env['account.journal']
        discounts = (
            company.account_journal_early_pay_discount_gain_account_id
            | company.account_journal_early_pay_discount_loss_account_id
        )

        def find(records, name, value):
            domain = [
                *records._check_company_domain(company),
                (name, '=', value),
                *([('id', 'not in', discounts.ids)] if records._name == accounts._name else ()),
            ]
            return records.search(domain, limit=1)

        contacts = cls.env['res.partner'].with_company(company)
        receivable = contacts._fields['property_account_receivable_id']
        sale_tax = company.account_sale_tax_id
        return {
            'company': company,
            'currency': company.currency_id,
            'default_account_revenue': find(accounts, 'account_type', 'income'),
            'default_account_expense': find(accounts, 'account_type', 'expense'),
            'default_account_receivable': receivable.get_company_dependent_fallback(contacts),
            'default_account_tax_sale': sale_tax.invoice_repartition_line_ids.account_id,
            'default_journal_sale': find(journals, 'type', 'sale'),
            'default_journal_bank': find(journals, 'type', 'bank'),
            'default_tax_sale': sale_tax,
        }

    @classmethod
    def setup_other_company(cls, **kwargs):
        return cls.collect_company_accounting_data(
            cls._create_company(**{'name': "company_2"} | kwargs)
        )

    @classmethod
    def setup_independent_user(cls):
        """Take the accountant who was prepared, where there is one."""
        user = cls.env['res.users'].search([('login', '=', 'accountman')])
        if not user:
            return super().setup_independent_user()
        user.group_ids = cls.get_default_groups()
        return user

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.env.ref(
            'assist_billing.assist_billing_group_manager'
        )

    @classmethod
    def _create_company(cls, **create_values):
        """Take a company that was prepared with its chart of accounts, where there is one."""
        prepared = cls.env['res.company']
        is_plain = create_values.keys() == {'name'} and not (cls.country_code or cls.chart_template)
        if cls.takes_prepared_companies and is_plain:
            # sudo: nobody may work in it yet
            prepared = prepared.sudo().search(
                [('name', '=like', "Prepared for tests %")], order='id', limit=1
            )
        if not prepared:
            return super()._create_company(**create_values)
        cls.env.user.company_ids = [Command.link(prepared.id)]
        company = cls.env['res.company'].browse(prepared.id)
        company.write(create_values)
        return company

    # === FACTORIES === #

    @classmethod
    def _create_plan(cls, **vals):
        return cls.env['assist.billing.plan'].create({'name': "Plan", **vals})

    @classmethod
    def _create_partner(cls, name, **vals):
        return cls.env['res.partner'].create({'name': name, **vals})

    @classmethod
    def _associate(cls, partner=None, plan=None, **vals):
        return cls.env['assist.billing.association'].create(
            {
                'partner_id': (partner or cls.customer).id,
                'plan_id': (plan or cls.plan).id,
                'start_date': '2026-01-01',
                'tz': 'UTC',
                **vals,
            }
        )

    @classmethod
    def _create_session(cls, partner=None, ended_at='2026-01-15 10:00:00', minutes=30, **vals):
        """Create a session that ended at `ended_at` (UTC) after `minutes`."""
        ended_at = datetime.fromisoformat(ended_at)
        return cls.env['assist.session'].create(
            {
                'partner_id': (cls.customer if partner is None else partner).id,
                'started_at': ended_at - timedelta(minutes=minutes),
                'ended_at': ended_at,
                **vals,
            }
        )

    @classmethod
    def _create_device(cls, partner=None, **vals):
        return cls.env['assist.device'].create(
            {
                'name': "PC",
                'partner_id': (partner or cls.customer).id,
                'enrolled_on': '2025-01-01',
                **vals,
            }
        )

    @classmethod
    def _create_technician(cls, login='technician'):
        return new_test_user(
            cls.env,
            login,
            groups='assist_billing.assist_billing_group_technician',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    # === ASSERTIONS === #

    @contextmanager
    def assertRefused(self, words):
        """Expect an error for the user that says `words` (a pattern), and nothing changed."""
        with self.assertRaisesRegex(UserError, words), self.cr.savepoint():
            yield

    # === CLOSING === #

    def _close(self, now):
        """Run the closing as of `now` (UTC, ISO) the way the scheduled action does."""
        self._run_schedule(
            '_cron_close_cycles', 'assist.billing.cycle', now=datetime.fromisoformat(now)
        )

    def _batches_of(self, size):
        """Have so many cycles closed at a time, whichever way their bills are made."""
        return patch.multiple(close, CLOSE_BATCH=size, DERIVED_BATCH=size)

    def _run_schedule(self, method, model, **kwargs):
        """Run a scheduled action's method the way the scheduler does."""
        # What the test did is there for others, as after a commit.
        self.env.flush_all()
        # A test that serves HTTP is in test mode all along.
        mode = nullcontext() if isinstance(self, HttpCase) else self.enter_registry_test_mode()
        with mode, self.registry.cursor() as cr:
            env = self.env(cr=cr, user=SUPERUSER_ID, context={})
            getattr(env[model], method)(**kwargs)
        self.env.invalidate_all()
        # Odoo keeps the last number for the length of a transaction; others have numbered since.
        self.env['account.move']._get_sequence_cache().clear()

    def _cycles(self, association):
        return association.cycle_ids.sorted('date_start')

    def _bill(self, association, index=-1):
        """Return the bill of the association's latest cycle that has one (or the nth)."""
        return self._cycles(association).move_id[index]

    def _lines(self, move):
        """Return what the lines of a bill say: a list of (charge, quantity, price, amount)."""
        return [
            (line.assist_charge, line.quantity, line.price_unit, line.price_subtotal)
            for line in move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        ]
