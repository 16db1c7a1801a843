"""The mail that bills are sent with has one button, a signature, and says what is past due.

Data of this kind is loaded once, so that what somebody changed of it stays: here too.
"""

from odoo import SUPERUSER_ID, api
from odoo.tools import convert_file


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    template = env.ref('assist_billing.mail_template_bill', raise_if_not_found=False)
    if template and template.write_uid.id == SUPERUSER_ID:
        convert_file(env, 'assist_billing', 'data/mail_template_data.xml', {}, mode='init')
