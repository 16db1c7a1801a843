{
    'name': "Peppol and SdI, for tests",
    'summary': "Counts what Odoo's add-ons transmit in their demo modes; can be killed over it",
    'version': '19.0.1.0.0',
    'license': 'LGPL-3',
    'author': "assist_billing",
    'category': 'Hidden/Tests',
    'depends': ['assist_billing_test_courier', 'assist_billing', 'account_peppol', 'l10n_it_edi'],
    'installable': True,
}
