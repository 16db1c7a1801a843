{
    'name': "Assist Billing: MeshCentral",
    'summary': "Fetch remote sessions from MeshCentral, and so from Tactical RMM",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['assist_billing'],
    # Not by itself beside Assist Billing: that has to be installable without this package.
    'external_dependencies': {'python': ['websocket-client']},
}
