{
    'name': "Assist Billing: E-Invoices",
    'summary': "The period served and the customer's references in UBL, Peppol and Factur-X",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['assist_billing', 'account_edi_ubl_cii'],
    'auto_install': True,
}
