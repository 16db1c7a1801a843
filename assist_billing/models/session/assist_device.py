from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ...sources.values import ID_LIMIT
from ...utils.checks import find_used, refuse_absurd_dates, refuse_too_long
from ...utils.naming import name_some


class AssistDevice(models.Model):
    """An unattended device that the company looks after."""

    _name = 'assist.device'
    _description = "Unattended Device"
    _inherit = ['mail.thread', 'assist.guard']
    _order = 'name, id'
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(required=True, tracking=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        index=True,
        check_company=True,
        ondelete='restrict',
        tracking=True,
    )
    source = fields.Selection(
        selection='_get_sources',
        required=True,
        default='manual',
        copy=False,  # a copy is by hand, and has no ID at the source
    )
    external_id = fields.Char(
        string="ID at the Source",
        copy=False,
        help="The ID of this device at the source; unique within the source.",
    )
    enrolled_on = fields.Date(
        required=True,
        default=fields.Date.context_today,
        tracking=True,
        help="First day on which it counts, in the zone of the customer's association.",
    )
    removed_on = fields.Date(
        tracking=True, help="First day on which it no longer counts. Empty while it is in service."
    )
    session_ids = fields.One2many('assist.session', 'device_id')
    session_count = fields.Integer(compute='_compute_session_count')

    # === CONSTRAINTS === #

    _external_unique = models.UniqueIndex(
        "(company_id, source, external_id) WHERE external_id IS NOT NULL",
        "This device already exists: two devices of a source cannot share an external ID.",
    )
    _dates_ordered = models.Constraint(
        "CHECK (removed_on >= enrolled_on)", "Device: it cannot be removed before it was enrolled."
    )

    @api.constrains('source', 'external_id')
    def _check_external_id(self):
        for device in self:
            if device.source != 'manual' and not device.external_id:
                raise ValidationError(
                    self.env._(
                        "Device “%(device)s”: ID at the Source is missing. A device from a source "
                        "other than Odoo needs one.",
                        device=device.name,
                    )
                )

    # === COMPUTE METHODS === #

    def _compute_session_count(self):
        counts = dict(
            self.env['assist.session']._read_group(
                [('device_id', 'in', self.ids)], ['device_id'], ['__count']
            )
        )
        for device in self:
            device.session_count = counts.get(device._origin, 0)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self.browse()._check_texts({'name': False, **vals})
            refuse_absurd_dates(self, vals, ['enrolled_on', 'removed_on'])
            self._check_dates_ordered(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_same_company(vals)
        self._check_texts(vals)
        refuse_absurd_dates(self, vals, ['enrolled_on', 'removed_on'])
        for device in self:
            device._check_dates_ordered(vals)
        devices = self
        if 'removed_on' in vals:
            # Said by somebody here, unless it says otherwise.
            vals = {'removed_at_source': False, 'missing_since': False, **vals}
            devices = self._assist_as_engine()
        result = super(AssistDevice, devices).write(vals)
        if vals.get('partner_id'):
            self._link_sessions()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        # sudo: technicians do not read cycles
        billed = self.env['assist.billing.cycle.device'].sudo()
        if kept := billed.search([('device_id', 'in', self.ids)], limit=1).device_id:
            raise UserError(
                self.env._(
                    "Device “%(device)s” is on a bill and cannot be deleted. Remove it instead; "
                    "it then no longer counts.",
                    device=kept.name,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if used := find_used(self, [('assist.session', 'device_id')]):
            raise UserError(
                self.env._(
                    "%(devices)s cannot be deleted, because sessions were held there. Remove it "
                    "instead; it then no longer counts.",
                    devices=name_some(self.env, used.mapped('name')),
                )
            )

    def _check_texts(self, vals):
        """Refuse a device without a name, and an ID that is longer than those of any source."""
        refuse_too_long(self, vals, {'external_id': ID_LIMIT})
        if 'name' in vals and not str(vals['name'] or '').strip():
            raise ValidationError(self.env._("A device needs a name."))

    def _check_same_company(self, vals):
        """Refuse to move a device to another company once sessions or bills name it."""
        if 'company_id' not in vals:
            return
        # sudo: what the user may not see keeps the device as well
        for device in self.sudo():
            if device._assist_is_changed('company_id', vals['company_id']) and (
                device.session_ids
                or self.env['assist.billing.cycle.device']
                .sudo()
                .search_count([('device_id', '=', device.id)], limit=1)
            ):
                raise UserError(
                    self.env._(
                        "Device “%(device)s” has sessions or is on a bill, so it cannot move to "
                        "another company. Remove it, then enrol it in the other company.",
                        device=device.name,
                    )
                )

    def _check_dates_ordered(self, vals):
        """Refuse dates out of order in words that name the device."""
        enrolled_on, removed_on = (
            fields.Date.to_date(vals[name]) if name in vals else self[name]
            for name in ('enrolled_on', 'removed_on')
        )
        if enrolled_on and removed_on and removed_on < enrolled_on:
            raise ValidationError(
                self.env._(
                    "Device “%(device)s” cannot be removed before it was enrolled "
                    "(%(removed)s, %(enrolled)s).",
                    device=vals.get('name') or self.name,
                    removed=format_date(self.env, removed_on),
                    enrolled=format_date(self.env, enrolled_on),
                )
            )

    # === ACTIONS === #

    def action_view_sessions(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_session_action'),
            'domain': [('device_id', '=', self.id)],
            'context': {
                'default_company_id': self.company_id.id,
                'default_device_id': self.id,
                'default_partner_id': self.partner_id.id,
                'default_kind': 'unattended',
            },
        }

    def action_remove(self):
        """Take the device out of service at the end of today."""
        self.check_access('write')
        missing = self.filtered('missing_since')
        tomorrow = fields.Date.add(fields.Date.context_today(self), days=1)
        self.filtered(lambda device: not device.removed_on).write({'removed_on': tomorrow})
        # Its source may have it again one day.
        missing._assist_as_engine().write({'removed_at_source': True})
        return True

    # === SELECTIONS === #

    @api.model
    def _get_sources(self):
        return self.env['assist.session']._get_sources()
