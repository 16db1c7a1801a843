from collections import Counter
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ... import connectors
from ...utils.races import retry_races

# Lists of devices change slowly; they are read again after this.
PAUSE_HOURS = 1


class AssistConnector(models.Model):
    """Unattended devices, fetched department by department."""

    _inherit = 'assist.connector'

    # === FIELDS === #

    device_departments = fields.Char(
        string="Departments",
        help="IDs of the Zoho Assist departments whose unattended devices are fetched, separated "
        "by commas. Leave empty to fetch none. The refresh token also needs the scope "
        "ZohoAssist.unattended.computer.READ. A matching rule for “Department” tells which "
        "customer a department belongs to.",
    )
    devices_at = fields.Datetime(
        string="Devices Fetched",
        readonly=True,
        copy=False,
        help="When the lists of all departments were last read completely.",
    )
    device_count = fields.Integer(compute='_compute_device_count')
    missing_device_count = fields.Integer(compute='_compute_device_count')
    device_rejected_count = fields.Integer(string="Devices Rejected", readonly=True, copy=False)
    device_rejected_reason = fields.Text(readonly=True, copy=False)

    # === CONSTRAINTS === #

    @api.constrains('device_departments')
    def _check_departments(self):
        for connector in self:
            for department in connector._get_departments():
                if not (department.isascii() and department.isdigit() and len(department) <= 30):
                    raise ValidationError(
                        self.env._(
                            "%(name)s: “%(value)s” is not a department ID. A department ID is a "
                            "number, such as 2750000000001; separate several with commas.",
                            name=connector.name,
                            value=department,
                        )
                    )

    # === COMPUTE METHODS === #

    def _compute_device_count(self):
        for connector in self:
            domain = connector._get_device_domain()
            connector.device_count = self.env['assist.device'].search_count(domain)
            connector.missing_device_count = self.env['assist.device'].search_count(
                [*domain, ('missing_since', '!=', False), ('removed_on', '=', False)]
            )

    # === ACTIONS === #

    def action_view_devices(self):
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_device_action'
        )
        missing = bool(self.missing_device_count)
        context = {'search_default_missing': 1} if missing else {}
        return {**action, 'domain': self._get_device_domain(), 'context': context}

    # === BUSINESS METHODS === #

    def _get_departments(self):
        """Return the IDs of the departments, in order, each once."""
        parts = (part.strip() for part in (self.device_departments or '').split(','))
        return list(dict.fromkeys(filter(None, parts)))

    def _get_device_domain(self):
        return [
            ('company_id', '=', self.company_id.id),
            ('source', '=', self.source),
            ('source_department', 'in', self._get_departments()),
        ]

    def _fetch_devices(self, client, now):
        """Fetch the devices of all departments; commits page by page.

        What is not there any more is removed only once every list was read to its end, so an
        interrupted run removes nothing; the next one reads anew, and what comes twice is taken
        once.

        :return: the `ConnectorError` that stopped it, or None
        """
        departments = self._get_departments()
        pause = timedelta(hours=PAUSE_HOURS)
        if not client.lists_devices or not departments:
            return None
        if self.devices_at and self.devices_at > now - pause and not self.error:
            return None
        seen, counts, reasons = set(), Counter(), []
        for department in departments:
            try:
                for page in client.device_pages(department):
                    answers = []
                    retry_races(self._take_devices, page.records, answers)
                    counts.update(answer['status'] for answer in answers)
                    reasons += [answer['reason'] for answer in answers if answer['reason']]
                    # What is rejected is there all the same, so its device is not missing.
                    seen |= self._get_device_ids(client, page.records)
                    self.env['ir.cron']._commit_progress()
            except connectors.ConnectorError as error:
                self.env.cr.rollback()
                error.department = department
                return error
        retry_races(self._finish_devices, seen, departments, counts, reasons, now)
        self.env['ir.cron']._commit_progress()
        return None

    def _take_devices(self, records, answers):
        answers[:] = self.env['assist.device']._ingest(records, self.source)

    @api.model
    def _get_device_ids(self, client, records):
        """Return all that could be the ID of one of these devices."""
        return {
            str(record[name]).strip()
            for record in records
            if isinstance(record, dict)
            for name in client.device_id_names
            if record.get(name)
        }

    def _finish_devices(self, seen, departments, counts, reasons, now):
        _removed, doubted = self.env['assist.device']._source_miss(
            self.source, seen, now, departments
        )
        self.write(
            {
                'devices_at': now,
                'device_rejected_count': counts['rejected'],
                'device_rejected_reason': reasons[0] if reasons else False,
            }
        )
        if doubted:
            self._assist_report_failure(
                self.env._("Devices are missing at the source"),
                self.env._(
                    "Devices that %(name)s no longer lists: %(count)s, which is implausibly "
                    "many. None of them was removed. Review them under Devices and "
                    "remove those that are gone.",
                    count=len(doubted),
                    name=self.name,
                ),
            )
