from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

from ...utils.checks import refuse_absurd_dates
from ...utils.sql_changes import written_to

# What a session gets from its device.
LINKED = ('device_id', 'partner_id', 'write_uid', 'write_date')
# So few may always go; of more, not the greater part at a time.
BELIEVED = 3


class AssistDevice(models.Model):
    """What the source said of a device: that it is there, gone, missing, or there again."""

    _inherit = 'assist.device'

    # === FIELDS === #

    source_name = fields.Char(string="Name at the Source", readonly=True, copy=False)
    source_group = fields.Char(string="Group at the Source", readonly=True, copy=False)
    source_department = fields.Char(string="Department at the Source", readonly=True, copy=False)
    source_digest = fields.Char(
        readonly=True, copy=False, help="Digest of the last record received from the source."
    )
    removed_at_source = fields.Boolean(
        readonly=True,
        copy=False,
        help="The source no longer has this device. If it reappears there, it counts again.",
    )
    missing_since = fields.Datetime(
        readonly=True,
        copy=False,
        help="The source no longer lists this device, but too many others were missing as well for "
        "this to be trusted. Remove it if it is really gone.",
    )
    absence_ids = fields.One2many('assist.device.absence', 'device_id')

    # === BUSINESS METHODS === #

    def _get_local_todays(self, now):
        """Return `{date: devices}`: what day it is where each device's customer is."""
        grouped = defaultdict(self.browse)
        for company, devices in self.grouped('company_id').items():
            zones = self._get_zones(set(devices.partner_id.ids), company)
            for device in devices:
                zone = zones[device.partner_id.id or None]
                grouped[self._get_local_date(now, zone)] |= device
        return grouped

    def _source_remove(self, now, ends=None):
        """Take devices out that their source does not have any more, as of today.

        :param dict ends: for devices of which the source says since when, by their ID
        """
        for today, devices in self._get_local_todays(now).items():
            for device in devices:
                day = today
                if ends and device.id in ends:
                    day = min(today, *device._get_local_todays(ends[device.id]))
                device._assist_as_engine().write(
                    {'removed_on': max(device.enrolled_on, day), 'removed_at_source': True}
                )

    def _source_reopen(self, now):
        """Let devices count again that their source has again, from today on."""
        absences = []
        for today, devices in self._get_local_todays(now).items():
            for device in devices:
                if not device.removed_on or device.removed_on >= today:
                    continue
                if device.removed_on == device.enrolled_on:
                    # It never counted.
                    device.write({'enrolled_on': today, 'removed_on': False})
                else:
                    absences.append(
                        {
                            'device_id': device.id,
                            'date_from': device.removed_on,
                            'date_to': today,
                        }
                    )
        self.env['assist.device.absence'].create(absences)
        self.write({'removed_on': False})

    @api.model
    def _source_miss(self, source, seen, now, departments=None):
        """Remove the devices that a complete list does not have; doubt it where it is absurd.

        To be called only when the list was read to its end. An empty list, or one that lacks the
        greater part of the devices, removes nothing: those are marked as missing.

        :param set seen: external IDs of all that the source has
        :param datetime now: naive UTC
        :param departments: IDs of the departments that were read; None: the list is of all
        :return: `(removed devices, doubted devices)`
        """
        domain = [
            ('company_id', '=', self.env.company.id),
            ('source', '=', source),
            ('removed_on', '=', False),
        ]
        if departments is not None:
            domain.append(('source_department', 'in', list(departments)))
        there = self.search(domain)
        removed, doubted = self.browse(), self.browse()
        for devices in there.grouped('source_department').values():
            missing = devices.filtered(lambda device: device.external_id not in seen)
            is_all = len(missing) == len(devices)
            if is_all or (len(missing) > BELIEVED and len(missing) * 2 > len(devices)):
                doubted |= missing
            else:
                removed |= missing
        removed._source_remove(now)
        doubted = doubted._assist_as_engine()
        doubted.filtered(lambda device: not device.missing_since).write({'missing_since': now})
        return removed, doubted.with_env(self.env)

    def _link_sessions(self):
        """Give unbilled sessions of these devices, that have no customer, the device's."""
        if not self:
            return
        self.flush_model()
        sessions = self.env['assist.session']
        sessions.flush_model()
        changed = []
        # One by one: each is an equality that the database can look up.
        for condition in self._get_link_conditions():
            rows = self.env.execute_query(
                SQL(
                    """
                    UPDATE assist_session s
                       SET device_id = d.id, partner_id = d.partner_id,
                           write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
                      FROM assist_device d
                     WHERE d.id = ANY(%s) AND s.company_id = d.company_id
                       AND s.partner_id IS NULL AND s.state != 'billed' AND s.cycle_id IS NULL
                       AND %s
                 RETURNING s.id
                    """,
                    self.env.uid,
                    self.ids,
                    condition,
                )
            )
            changed += [row[0] for row in rows]
        if changed:
            written_to(sessions.browse(changed), LINKED)
            sessions._resolve_where(SQL("s.id = ANY(%s)", changed))

    @api.model
    def _get_link_conditions(self):
        """Return by what a session `s` is one of device `d`: as when it comes in later."""
        return (
            SQL("s.device_id = d.id AND d.partner_id IS NOT NULL"),
            SQL(
                """
                s.device_id IS NULL AND s.source = d.source
                AND s.source_device_ref = d.external_id
                """
            ),
            SQL(
                """
                s.device_id IS NULL AND s.source = d.source AND s.source_device_ref IS NULL
                AND lower(s.source_device COLLATE "C") = lower(d.name COLLATE "C")
                AND NOT EXISTS (
                    SELECT 1 FROM assist_device o
                     WHERE o.company_id = d.company_id AND o.source = d.source AND o.id != d.id
                       AND lower(o.name COLLATE "C") = lower(d.name COLLATE "C")
                )
                """
            ),
        )


class AssistDeviceAbsence(models.Model):
    """Days on which a device was not there: removed at its source, and back later."""

    _name = 'assist.device.absence'
    _description = "Absence of an Unattended Device"
    _inherit = ['assist.guard']
    _order = 'device_id, date_from'

    # === FIELDS === #

    device_id = fields.Many2one('assist.device', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='device_id.company_id', store=True, index=True)
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(
        string="To", required=True, help="The first day on which it was there again."
    )

    # === CONSTRAINTS === #

    _dates_ordered = models.Constraint(
        "CHECK (date_to > date_from)", "Absence of a device: it cannot end before it begins."
    )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            refuse_absurd_dates(self, vals, ['date_from', 'date_to'])
        return super().create(vals_list)

    def write(self, vals):
        refuse_absurd_dates(self, vals, ['date_from', 'date_to'])
        return super().write(vals)
