def pre_init_hook(env):
    """Let go of products kept from an earlier installation that have lines in another unit.

    Odoo would not take their data again, for their unit must not change; new ones are made.
    """
    if 'account.move.line' not in env:
        return
    names = env['ir.model.data'].search(
        [('module', '=', 'assist_billing'), ('model', '=', 'product.product')]
    )
    for name in names:
        product = env['product.product'].browse(name.res_id)
        if product.exists() and env['account.move.line'].search_count(
            [
                ('product_id', '=', product.id),
                ('product_uom_id', 'not in', (False, product.uom_id.id)),
            ],
            limit=1,
        ):
            name.unlink()


def post_init_hook(env):
    """Give our products the sale tax of each company that already has a chart of accounts.

    They were made a moment ago, so the taxes they have are those Odoo gives to any product.
    """
    companies = env['res.company'].search([('chart_template', '!=', False)])
    companies._assist_set_product_taxes(given=companies._assist_get_products())
