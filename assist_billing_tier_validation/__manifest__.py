{
    'name': "Assist Billing: Approvals",
    'summary': "Bills that have to be approved wait in draft, with the approval asked for",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['assist_billing', 'account_move_tier_validation'],
    'auto_install': True,
}
