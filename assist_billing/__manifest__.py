{
    'name': "Assist Billing",
    'summary': "Bill remote-support sessions and unattended devices with Odoo invoices",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['account'],
    'data': [
        'security/assist_billing_groups.xml',
        'security/assist_session_ingest_security.xml',
        'security/ir.model.access.csv',
        'security/assist_billing_rules.xml',
        'data/product_data.xml',
        'data/mail_activity_type_data.xml',
        'data/ir_cron_data.xml',
    ],
    'demo': [
        'demo/assist_billing_demo.xml',
        'demo/managed_support_demo.xml',
    ],
    'application': True,
    'post_init_hook': 'post_init_hook',
}
