from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...utils.checks import (
    MOST_DAYS,
    refuse_absurd_dates,
    refuse_negative,
    refuse_too_many,
    split_addresses,
)


class AssistBillingAssociation(models.Model):
    """What an association cannot be, said in words before the database refuses it in code."""

    _inherit = 'assist.billing.association'

    # === CHECKS === #

    def _check_vals(self, vals):
        """Refuse in words a zone, a date or days that nobody can count with; tidy addresses."""
        refuse_negative(self, vals, ['due_days'])
        refuse_too_many(self, vals, {'due_days': MOST_DAYS})
        if vals.get('tz') and not self._is_zone(vals['tz']):
            raise ValidationError(
                self.env._(
                    "Customer timezone: there is no time zone “%(tz)s”. Zones are named like "
                    "Europe/Paris or America/Los_Angeles.",
                    tz=str(vals['tz'])[:60],
                )
            )
        refuse_absurd_dates(self, vals, ['start_date', 'end_date'])
        if not vals.keys().isdisjoint(('start_date', 'end_date')):
            for association in self or [self]:
                association._check_dates_ordered(vals)
        if vals.get('billing_emails'):
            vals['billing_emails'] = ", ".join(split_addresses(vals['billing_emails']))

    def _check_same_company(self, vals):
        """Refuse a plan or a company of another company once there are cycles."""
        if not {'plan_id', 'company_id'} & vals.keys():
            return
        plan = self.plan_id.browse(vals.get('plan_id'))
        for association in self:
            # sudo: only compared; who may not see the plan is refused when it is written
            company_id = plan.sudo().company_id.id or vals.get('company_id')
            # sudo: cycles that the user may not see count as well
            if (
                company_id
                and company_id != association.company_id.id
                and (association.sudo().cycle_ids)
            ):
                raise UserError(
                    self.env._(
                        "%(customer)s has billing cycles of %(company)s already, so this "
                        "association stays there. End it, and associate the customer with a plan "
                        "of the other company.",
                        customer=association.partner_id.display_name,
                        company=association.company_id.name,
                    )
                )

    def _check_dates_ordered(self, vals):
        start, end = (
            fields.Date.to_date(vals[name]) if name in vals else self[name]
            for name in ('start_date', 'end_date')
        )
        if start and end and end < start:
            raise ValidationError(
                self.env._(
                    "%(customer)s: the association cannot end (%(end)s) before it starts "
                    "(%(start)s).",
                    customer=self._get_customer(vals).display_name,
                    end=end,
                    start=start,
                )
            )

    def _check_not_associated(self, vals):
        """Refuse in words a second association in force; the database would name an index."""
        partner = self._get_customer(vals)
        plan = self.env['assist.billing.plan'].browse(vals.get('plan_id'))
        in_force = partner._assist_get_associations_in_force().filtered(
            lambda association: association.company_id.id
            == (vals.get('company_id') or plan.company_id.id)
        )
        if in_force and vals.get('state') != 'ended':
            in_force._refuse_other()

    def _refuse_other(self):
        """Say that this association stands in the way of another one of the same customer."""
        self.ensure_one()
        raise ValidationError(
            self.env._(
                "%(customer)s is already associated with %(plan)s, from %(start)s to %(end)s. "
                "End that association first, or start this one later.",
                customer=self.partner_id.display_name,
                plan=self.plan_id.name,
                start=self.start_date,
                end=self.end_date or self.env._("further notice"),
            )
        )

    def _check_plan_taken(self, vals):
        """Refuse a plan that is archived: it bills those who have it, and takes no one new."""
        plan = self.env['assist.billing.plan'].browse(vals.get('plan_id'))
        # sudo: only looked at; who may not see the plan is refused when it is written
        if not plan or plan.sudo().active or (self and self.plan_id == plan):
            return
        raise ValidationError(
            self.env._(
                "The plan “%(plan)s” is archived and takes no new customers. Restore it, or "
                "choose another one.",
                plan=plan.sudo().name,
            )
        )

    def _get_customer(self, vals):
        return self.partner_id.browse(vals.get('partner_id')) or self.partner_id

    @api.model
    def _is_zone(self, name):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            return False
        return True
