{
    'name': "Courier, for tests",
    'summary': "Hands invoices over as e-invoicing add-ons do, commits, and can be killed over it",
    'version': '19.0.1.0.0',
    'license': 'LGPL-3',
    'author': "assist_billing",
    'category': 'Hidden/Tests',
    'depends': ['account'],
    'installable': True,
}
