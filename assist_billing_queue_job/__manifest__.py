{
    'name': "Assist Billing: Job Queue",
    'summary': "Close billing cycles by the workers of OCA's job queue",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'author': "Assist Billing contributors",
    'license': 'LGPL-3',
    'depends': ['assist_billing', 'queue_job'],
    'data': [
        'data/queue_job_data.xml',
        'views/assist_billing_run_views.xml',
        'views/res_config_settings_views.xml',
    ],
    'auto_install': True,
}
