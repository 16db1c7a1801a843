from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError
from odoo.http import request

MARKERS = ('assist_email_unconfirmed', 'assist_confirmed_email')


class ResPartner(models.Model):
    """Addresses from outside: what a customer or a visitor typed matches no session.

    Sessions are matched by e-mail address, and billed by what they match. So an address that a
    portal or public user typed waits until a colleague confirms it; what was confirmed before
    goes on matching. Addresses that were there before this rule, or that no person typed, count.
    """

    _inherit = 'res.partner'

    # === FIELDS === #

    assist_email_unconfirmed = fields.Boolean(
        string="E-mail to Confirm",
        readonly=True,
        help="The e-mail address was entered by a portal or public user. It does not match any "
        "remote support sessions until it is confirmed.",
    )
    assist_confirmed_email = fields.Char(
        string="Confirmed E-mail",
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="While another address is to be confirmed: the one that remote support sessions are "
        "matched by until then.",
    )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self._assist_is_typed_outside():
            return super().create(vals_list)
        vals_list = [self._assist_drop_markers(vals) for vals in vals_list]
        partners = super().create(vals_list)
        # Afterwards, for a default or another add-on may have given the address; sessions are
        # matched just before the commit.
        partners._assist_mark_unconfirmed(False)
        partners._assist_log_unconfirmed()
        return partners

    def write(self, vals):
        if not self._assist_is_typed_outside():
            result = super().write(vals)
            is_marked = self._assist_is_engine() and not vals.keys().isdisjoint(MARKERS)
            if 'email' in vals and not is_marked:
                # Typed by a colleague, which confirms it.
                self._assist_write_markers(dict.fromkeys(MARKERS, False))
            return result
        vals = self._assist_drop_markers(vals)
        if 'email' not in vals:
            return super().write(vals)
        # sudo: markers are not the visitor's; and to read them before and after
        before = {partner: partner.email_normalized for partner in self.sudo()}
        result = super().write(vals)
        for partner, address in before.items():
            if partner.email_normalized != address:
                partner._assist_mark_unconfirmed(address)
                partner._assist_log_unconfirmed()
        return result

    def copy(self, default=None):
        copies = super().copy(default)
        for partner, copy in zip(self, copies, strict=True):
            # Nobody has confirmed the address by making a copy of it.
            if (
                partner.assist_email_unconfirmed
                and copy.email_normalized == partner.email_normalized
            ):
                copy._assist_write_markers({'assist_email_unconfirmed': True})
        return copies

    # === ACTIONS === #

    def action_assist_confirm_email(self):
        """Let sessions be matched by the address that somebody outside typed."""
        if not self.env.user._is_internal():
            raise AccessError(self.env._("Only colleagues can confirm an e-mail address."))
        self.check_access('write')
        unconfirmed = self.filtered('assist_email_unconfirmed')
        unconfirmed._assist_write_markers(dict.fromkeys(MARKERS, False))
        for partner in unconfirmed:
            partner._message_log(
                body=self.env._(
                    "%(email)s was confirmed: remote support sessions are matched by it.",
                    email=partner.email,
                )
            )
        unconfirmed._assist_match_later()
        return True

    # === BUSINESS METHODS === #

    @api.model
    def _assist_is_typed_outside(self):
        """Tell whether a portal or public user is at work here, with whatever rights."""
        user = self.env.user
        if self.env.uid == SUPERUSER_ID and request:
            # Forms for visitors are stored by the superuser; with no user at all, they sign up.
            user = request.env.user
        return not user or not user._is_internal()

    @api.model
    def _assist_drop_markers(self, vals):
        return {name: value for name, value in vals.items() if name not in MARKERS}

    def _assist_mark_unconfirmed(self, address):
        """Mark what was typed from outside.

        :param address: the normalised address that was there before, or False
        """
        for partner in self:
            # What had been confirmed goes on counting, however often it is changed.
            confirmed = (
                partner.assist_confirmed_email if partner.assist_email_unconfirmed else address
            )
            is_back = confirmed and partner.email_normalized == confirmed
            partner._assist_write_markers(
                {
                    'assist_email_unconfirmed': not is_back
                    and bool(partner.email_normalized or confirmed),
                    'assist_confirmed_email': not is_back and confirmed,
                }
            )

    def _assist_write_markers(self, vals):
        """Write markers, and nothing else, for whoever is at work."""
        # sudo: nobody writes them by himself; past `write`, which drops what visitors give
        return super(ResPartner, self.sudo()).write(vals)

    def _assist_log_unconfirmed(self):
        """Leave a note on contacts that a colleague has something to confirm."""
        # sudo: a visitor does not see the notes
        for partner in self.sudo().filtered('assist_email_unconfirmed'):
            partner._message_log(
                body=self.env._(
                    "The e-mail address %(email)s was entered by %(user)s, who is not a "
                    "colleague. It does not match any remote support sessions until a colleague "
                    "confirms it.",
                    email=partner.email or self.env._("(none)"),
                    user=self.env.user.name,
                )
            )
