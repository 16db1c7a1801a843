"""Names the company and the people of the pictures, in an Odoo shell on a copy of the demo.

`env` is the shell's. Everybody's password is their login.
"""

import os
from pathlib import Path

CUSTOMER = 'Harbor Law Group'

env.company.name = "Helpful Computers"
for user in env['res.users'].search([('login', '=', 'mia')]):
    user.password = user.login
env['res.users'].with_context(no_reset_password=True).create(
    {
        'name': CUSTOMER,
        'login': 'harbor',
        'password': 'harbor',
        'partner_id': env['res.partner'].search([('name', '=', CUSTOMER)], limit=1).id,
        'group_ids': [(6, 0, env.ref('base.group_portal').ids)],
    }
)
bill = env['account.move'].search(
    [('assist_kind', '=', 'bill'), ('partner_id.name', '=', CUSTOMER)],
    order='assist_period_end desc',
    limit=1,
)
env['ir.config_parameter'].set_param('report.url', os.environ['ASSIST_DEMO_URL'])
# The server, asked for style sheets meanwhile, would wait for what is not committed: for ever.
env.cr.commit()
content, _kind = env['ir.actions.report']._render_qweb_pdf('account.account_invoices', bill.ids)
Path(os.environ['ASSIST_PICTURE_PDF']).write_bytes(content)
env.cr.commit()
