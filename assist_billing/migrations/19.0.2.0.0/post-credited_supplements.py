"""A supplementary bill that was credited is no charge of the bill that it belongs to any more."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {'active_test': False})
    moves = env['account.move']
    credited = moves.search([('assist_bill_id.assist_bill_id', '!=', False)])
    env.add_to_compute(moves._fields['assist_misc_charge'], credited.assist_bill_id.assist_bill_id)
    env.flush_all()
