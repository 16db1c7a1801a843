from odoo import api, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize

from ...utils.checks import address_key, find_used, split_addresses
from ...utils.naming import name_some

# What keeps a contact, by its `partner_id`.
SERVED_BY = ('assist.billing.association', 'assist.session', 'assist.device')


class ResPartner(models.Model):
    _name = 'res.partner'
    _inherit = ['res.partner', 'assist.engine.fields']

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        partners = super().create(vals_list)
        partners._assist_match_later()
        return partners

    def write(self, vals):
        self._assist_check_access('write', [vals])
        if 'active' in vals and not vals['active']:
            self._assist_check_archivable()
        if vals.get('company_id'):
            self._assist_check_company(vals['company_id'])
        result = super().write(vals)
        if 'parent_id' in vals:
            # A session is billed to the nearest association above its contact.
            self.env['assist.session']._resolve_for_partners(self)
        if vals.get('email') or vals.get('active'):
            self._assist_match_later()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_served(self):
        used = find_used(self, [(model, 'partner_id') for model in SERVED_BY])
        if used:
            raise UserError(
                self.env._(
                    "%(customers)s cannot be deleted, because remote support sessions, devices or "
                    "an association refer to this contact. Archive it instead.",
                    customers=name_some(self.env, used.mapped('display_name')),
                )
            )

    # === BUSINESS METHODS - orm === #

    @api.model
    def name_search(self, name='', domain=None, operator='ilike', limit=100):
        # EXTENDS base: where a session's customer is chosen, those who are billed
        # come first
        if not self._assist_is_billed_first():
            return super().name_search(name, domain, operator, limit)
        chosen = Domain(domain or Domain.TRUE)
        first = super().name_search(
            name, chosen & Domain('id', 'child_of', self._assist_get_billed().ids), operator, limit
        )
        if limit and len(first) >= limit:
            return first
        others = chosen & Domain('id', 'not in', [partner_id for partner_id, _name in first])
        return first + super().name_search(name, others, operator, limit and limit - len(first))

    @api.model
    @api.readonly
    def web_search_read(self, domain, specification, offset=0, limit=None, order=None, **kwargs):
        # EXTENDS web: and so they do where they are chosen on a telephone, from cards
        partners = self
        if not order and self._assist_is_billed_first():
            partners = self.with_context(assist_billed_first=self._assist_get_billed())
        return super(ResPartner, partners).web_search_read(
            domain, specification, offset, limit, order, **kwargs
        )

    def _order_to_sql(self, order, query, alias=None, reverse=False):
        # EXTENDS base
        ordered = super()._order_to_sql(order, query, alias, reverse)
        billed = self.env.context.get('assist_billed_first')
        # Who sends one along sends no records.
        if not isinstance(billed, models.BaseModel) or not billed or alias:
            return ordered
        below = self.env['assist.session']._get_contacts_below_sql(billed)
        return SQL("%s IN (%s) DESC, %s", SQL.identifier(self._table, 'id'), below, ordered)

    @api.model
    def _assist_is_billed_first(self):
        """Tell whether a session's customer is chosen, by someone who has sessions to record.

        Others are not to learn who is billed.
        """
        return bool(self.env.context.get('assist_associated_first')) and self.env[
            'assist.session'
        ].has_access('create')

    @api.model
    def _assist_get_billed(self):
        # sudo: technicians see no associations, nor what these say, but whom they are for
        associations = self.env['assist.billing.association'].sudo()
        return associations.search(
            [('company_id', 'in', self.env.companies.ids), ('state', '!=', 'ended')]
        ).partner_id.sudo(False)

    # === BUSINESS METHODS - res.partner === #

    @api.model
    def _asset_difference_search(self, account_type, operator, operand):
        # EXTENDS account: Odoo asks who may read what a customer owes only where it is shown, so
        # that anybody finds it out by searching; technicians see no amounts
        name = 'credit' if account_type == 'asset_receivable' else 'debit'
        self._check_field_access(self._fields[name], 'read')
        return super()._asset_difference_search(account_type, operator, operand)

    # === BUSINESS METHODS === #

    def _assist_match_later(self):
        """Have sessions without a customer find these contacts by their addresses.

        Just before the commit: only then it is known whether a contact is that of a colleague.
        """
        addresses = set(self.filtered('email_normalized').mapped('email_normalized'))
        if not addresses:
            return
        waiting = self.env.cr.precommit.data.setdefault('assist_billing.addresses', set())
        if not waiting:
            self.env.cr.precommit.add(self._assist_match_now)
        waiting |= addresses

    @api.model
    def _assist_match_now(self):
        addresses = self.env.cr.precommit.data.pop('assist_billing.addresses', ())
        # sudo: who enters a contact's address need not see any session
        self.env['assist.session'].sudo()._match_addresses(addresses)

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
            customers=name_some(self.env, associations.partner_id.mapped('display_name')),
        )
        if not self.env['assist.billing.association'].has_access('write'):
            raise UserError(message)
        raise RedirectWarning(
            message,
            associations._get_records_action(name=self.env._("Associations in Force")),
            self.env._("Show the associations"),
        )

    def _assist_check_company(self, company_id):
        """Refuse to move contacts away from the company that bills them, or has done so.

        It could not make bills out to them any more, nor credit notes and what is billed late.
        """
        company = self.env['res.company'].browse(company_id)
        # sudo: what the user may not see is billed all the same
        associations = (
            self.env['assist.billing.association']
            .sudo()
            .search(
                [
                    ('partner_id', 'in', self.ids),
                    '|',
                    ('state', '!=', 'ended'),
                    ('cycle_ids', '!=', False),
                ]
            )
        )
        for association in associations:
            # A contact is for the branches of its company too.
            if company not in association.company_id.parent_ids:
                raise UserError(
                    self.env._(
                        "%(customer)s cannot be moved to %(company)s, because remote support is or "
                        "was billed to this contact by %(biller)s. Leave its company empty, so "
                        "that all companies can use it.",
                        customer=association.partner_id.display_name,
                        company=company.name,
                        biller=association.company_id.name,
                    )
                )

    def _assist_check_mergeable(self):
        """Refuse to merge contacts that would end with two associations in force."""
        per_company = self._assist_get_associations_in_force().grouped('company_id')
        for company, associations in per_company.items():
            if len(associations) > 1:
                raise UserError(
                    self.env._(
                        "%(customers)s cannot be merged, because remote support is billed to each "
                        "of them (company %(company)s). End all but one of their associations "
                        "first.",
                        customers=name_some(
                            self.env, associations.partner_id.mapped('display_name')
                        ),
                        company=company.name,
                    )
                )

    def _assist_get_contacts(self, addresses):
        """Return this customer's contacts for e-mail addresses; those unknown are created below it.

        Somebody else's contact of the same address is not taken: it is not the customer's.

        :param list addresses: normalised or not, at least one
        """
        self.ensure_one()
        contacts = self.browse()
        # sudo: a billing user need not be allowed to make contacts
        known = (
            self.sudo()
            .search([('id', 'child_of', self.commercial_partner_id.id), ('email', '!=', False)])
            .grouped(lambda contact: address_key(contact.email_normalized or contact.email))
        )
        for address in split_addresses(", ".join(addresses)):
            matching = known.get(address_key(email_normalize(address) or address), self.browse())
            contacts |= (
                # Himself, those below him, then others of his company.
                matching.sorted(
                    lambda contact: (contact != self, contact.parent_id != self, contact.id)
                )[:1]
                or self.sudo().create(self._prepare_assist_contact_vals(address))
            )
        return contacts.sudo(False)

    def _prepare_assist_contact_vals(self, address):
        """Return the values of the contact that gets the bills of this customer at `address`."""
        self.ensure_one()
        return {
            'parent_id': self.id,
            # Not an invoice address: bills would then be made out to it.
            'type': 'other',
            'name': address,
            'email': address,
            'lang': self.lang,
            'company_id': self.company_id.id,
        }
