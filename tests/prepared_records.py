"""Makes the companies and the accountant that test classes take; for Odoo's shell.

To make a company with its chart of accounts takes two seconds, and most classes of tests want one
or two. A class takes those that are there, see `AssistBillingCommon`, and undoes what it did to
them, as all it did.
"""

from odoo import Command

COUNT = 2

# The environment of Odoo's shell, which is the superuser's; as little is told as in Odoo's tests.
quiet = env(  # noqa: F821
    context={
        'tracking_disable': True,
        'mail_create_nolog': True,
        'mail_create_nosubscribe': True,
        'mail_notrack': True,
        'no_reset_password': True,
    }
)
charts = quiet['account.chart.template']
for number in range(1, COUNT + 1):
    company = quiet['res.company'].create({'name': f"Prepared for tests {number}"})
    charts.try_loading(
        charts._guess_chart_template(company.country_id), company=company, install_demo=False
    )
    company.account_fiscal_country_id = company.account_fiscal_country_id or quiet.ref('base.us')
    # Who makes a company may work in it; nobody is to, until a test takes it.
    quiet.user.company_ids = [Command.unlink(company.id)]
quiet['res.users'].create(
    {
        'name': "Because I am accountman!",
        'login': 'accountman',
        'password': 'accountman',
        'email': 'accountman@test.com',
        'group_ids': [
            Command.set(
                [
                    quiet.ref(f'{module}.{group}').id
                    for module, group in (
                        ('base', 'group_user'),
                        ('base', 'group_system'),
                        ('account', 'group_account_manager'),
                        ('account', 'group_account_user'),
                        ('product', 'group_product_manager'),
                        ('assist_billing', 'assist_billing_group_manager'),
                    )
                ]
            )
        ],
    }
)
quiet.cr.commit()
