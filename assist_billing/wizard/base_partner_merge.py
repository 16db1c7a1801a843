from odoo import models

from ..models.matching.res_partner_address import MARKERS


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        # EXTENDS base: a database index would refuse it otherwise, without words
        self.check_access('write')
        partners = self.env['res.partner'].browse(partner_ids).exists()
        partners._assist_check_mergeable()
        result = super()._merge(partner_ids, dst_partner, extra_checks)
        # The merge moves rows by SQL: what hangs on the contacts is resolved again.
        self.env['assist.session']._resolve_for_partners(partners.exists())
        return result

    def _update_values(self, src_partners, dst_partner):
        # EXTENDS base: an address brings along whether it is to be confirmed; nothing else does
        address = dst_partner.email_normalized
        # The last one goes first there.
        sources = [dst_partner] if address else list(reversed(src_partners.filtered('email')))
        markers = {name: sources[0][name] if sources else False for name in MARKERS}
        # As the engine: Odoo copies all fields, those that only the engine writes as well.
        result = super()._update_values(src_partners, dst_partner._assist_as_engine())
        dst_partner._assist_write_markers(markers)
        return result
