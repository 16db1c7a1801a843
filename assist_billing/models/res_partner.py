from odoo import models
from odoo.exceptions import RedirectWarning, UserError


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # === CRUD METHODS === #

    def write(self, vals):
        if 'active' in vals and not vals['active']:
            self._assist_check_archivable()
        result = super().write(vals)
        if 'parent_id' in vals:
            # A session is billed to the nearest association above its contact.
            self.env['assist.session']._resolve_for_partners(self)
        return result

    # === BUSINESS METHODS === #

    def _assist_get_associations_in_force(self):
        """Return the associations of these contacts that have not ended, in any company."""
        # sudo: an association that the user may not see is in force all the same
        return (
            self.env['assist.billing.association']
            .sudo()
            .search([('partner_id', 'in', self.ids), ('state', '!=', 'ended')])
        )

    def _assist_check_archivable(self):
        associations = self._assist_get_associations_in_force()
        if not associations:
            return
        message = self.env._(
            "%(customers)s cannot be archived: remote support is still billed to them. "
            "End their association first.",
            customers=", ".join(associations.partner_id.mapped('display_name')),
        )
        if not self.env['assist.billing.association'].has_access('write'):
            raise UserError(message)
        raise RedirectWarning(
            message,
            associations._get_records_action(name=self.env._("Associations in Force")),
            self.env._("Show the associations"),
        )

    def _assist_check_mergeable(self):
        """Refuse to merge contacts that would end with two associations in force."""
        per_company = self._assist_get_associations_in_force().grouped('company_id')
        for company, associations in per_company.items():
            if len(associations) > 1:
                raise UserError(
                    self.env._(
                        "%(customers)s cannot be merged: remote support is billed to each of "
                        "them (company %(company)s). End all associations but one first.",
                        customers=", ".join(associations.partner_id.mapped('display_name')),
                        company=company.name,
                    )
                )
