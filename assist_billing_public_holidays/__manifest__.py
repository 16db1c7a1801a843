{
    'name': "Assist Billing: Public Holidays",
    'summary': "Fill in service hours with a country's public holidays",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['assist_billing'],
    # Not by itself beside Assist Billing: that has to be installable without this package.
    'external_dependencies': {'python': ['holidays']},
    'data': ['wizard/assist_fill_hours_views.xml'],
}
