{
    'name': "Assist Billing: Full Disk",
    'summary': "Files that a full disk cut short do not stand in the way of the next try",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['assist_billing'],
    'auto_install': True,
}
