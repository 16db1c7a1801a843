"""Customers and contracts for OCA's `contract`, in a database without our add-on; inside Odoo."""

from odoo.tools import SQL

from .rows import copy_rows

PRODUCTS = {'session': "Remote Support Session", 'device': "Unattended Device"}


def prepare_contracts(env, customers, lines):
    """Create as many contracts as customers, each for the same bill, due from February 2025.

    :param lines: [charge, quantity, price] of each line of a bill
    """
    products = env['product.product'].create(
        [{'name': name, 'default_code': code, 'type': 'service'} for code, name in PRODUCTS.items()]
    )
    ids = {product.default_code: product for product in products}
    partner = env['res.partner'].create({'name': "Pattern"})
    env.flush_all()
    first = copy_rows(
        env, 'res_partner', partner.id, customers,
        name="'Customer ' || i", complete_name="'Customer ' || i", ref="'C' || i",
        email="'c' || i || '@example.com'", email_normalized="'c' || i || '@example.com'",
    )  # fmt: skip
    env.cr.execute(SQL("UPDATE res_partner SET commercial_partner_id = id WHERE id >= %s", first))
    env.invalidate_all()
    for number in range(customers):
        env['contract.contract'].create(
            {
                'name': f"Contract {number}",
                'partner_id': first + number,
                'date_start': '2025-02-01',
                'recurring_rule_type': 'monthly',
                'recurring_invoicing_type': 'pre-paid',
                'contract_line_ids': [
                    (0, 0, {
                        'product_id': ids[charge].id,
                        'name': ids[charge].name,
                        'quantity': quantity,
                        'uom_id': ids[charge].uom_id.id,
                        'price_unit': price,
                        'date_start': '2025-02-01',
                        'recurring_next_date': '2025-02-01',
                    })
                    for charge, quantity, price in lines
                ],
            }
        )  # fmt: skip
    env.flush_all()
    env.cr.execute("ANALYZE res_partner, contract_contract, contract_line")
