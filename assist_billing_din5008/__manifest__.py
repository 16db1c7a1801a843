{
    'name': "Assist Billing: DIN 5008",
    'summary': "Bills in the German layout say their period and plan, and prices in full",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['assist_billing', 'l10n_din5008'],
    'data': ['views/report_invoice.xml'],
    'assets': {
        'web.report_assets_common': ['assist_billing_din5008/static/src/scss/statement.scss'],
    },
    'auto_install': True,
}
