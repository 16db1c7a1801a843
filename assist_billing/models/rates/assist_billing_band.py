from odoo import api, fields, models
from odoo.exceptions import UserError

from ...utils.checks import find_used


class AssistBillingBand(models.Model):
    """A time of the week that can have a price of its own: business, evening, weekend."""

    _name = 'assist.billing.band'
    _description = "Service Band"
    _inherit = ['assist.guard']
    _order = 'sequence, name, id'
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(
        required=True, translate=True, help="The customer reads it on the bill, beside the hours."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one('res.company', index=True, help="Empty for all companies.")
    product_id = fields.Many2one(
        'product.product',
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        help="Gives lines of this band their account, taxes and unit. If empty, the plan's product "
        "does.",
    )

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        models = ('assist.billing.hours.line', 'assist.billing.rate', 'assist.session.part')
        if used := find_used(self, [(model, 'band_id') for model in models]):
            raise UserError(
                self.env._(
                    "%(bands)s cannot be deleted: service hours, rates or bills use it. Archive "
                    "it instead.",
                    bands=", ".join(used.mapped('name')),
                )
            )
