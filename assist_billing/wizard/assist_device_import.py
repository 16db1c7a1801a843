import base64
from collections import Counter
from contextlib import closing

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

from .. import sources

# So many devices and rejected records are shown; the file is read with all of them.
SHOWN = 20
STATUSES = ('created', 'updated', 'duplicate', 'rejected')


class AssistDeviceImport(models.TransientModel):
    """Unattended devices from a file: looked at first, then brought in."""

    _name = 'assist.device.import'
    _inherit = ['assist.import.file']
    _description = "Import Unattended Devices"

    # === FIELDS === #

    file = fields.Binary(
        required=True,
        attachment=False,
        help="What the tool exports or answers: CSV and other tables, XLSX, JSON, XML. An ID, a "
        "name, and what there is of customer, group, department and the days it was enrolled and "
        "removed.",
    )
    filename = fields.Char()
    source = fields.Selection(
        selection='_get_sources',
        required=True,
        compute='_compute_source',
        store=True,
        precompute=True,
        readonly=False,
        help="The tool whose sessions name these devices. It is recognised where the names in the "
        "file are the tool's own.",
    )
    tz = fields.Selection(
        _tz_get,
        string="Time Zone",
        required=True,
        default=lambda self: self._default_tz(),
        help="Applies to times in the file that have no time zone.",
    )
    date_order = fields.Selection(
        [('dmy', "Day, month, year"), ('mdy', "Month, day, year")],
        string="Order of Dates",
        help="For dates such as 03/04/2026, which can be read both ways.",
    )
    is_complete = fields.Boolean(
        string="This Is the Whole List",
        help="Devices of this source that are not in the file are removed as of today.",
    )
    company_id = fields.Many2one(
        'res.company', required=True, readonly=True, default=lambda self: self.env.company
    )
    state = fields.Selection(
        [('choose', "Choose"), ('preview', "Check"), ('done', "Done")],
        required=True,
        readonly=True,
        default='choose',
    )
    record_count = fields.Integer(string="Records in the File", readonly=True)
    created_count = fields.Integer(string="New Devices", readonly=True)
    updated_count = fields.Integer(string="Changed", readonly=True)
    duplicate_count = fields.Integer(string="Known Already", readonly=True)
    rejected_count = fields.Integer(string="Rejected", readonly=True)
    removed_count = fields.Integer(string="Removed", readonly=True)
    doubted_count = fields.Integer(
        string="Missing, Not Removed",
        readonly=True,
        help="So many of the known devices are not in the file that this was not believed. They "
        "are listed under Devices, filter Missing at the Source.",
    )
    column_ids = fields.One2many('assist.device.import.column', 'import_id', string="Columns")
    columns_of = fields.Char(readonly=True, help="Of which file and source the columns are.")
    doubts = fields.Html(string="To Look At", readonly=True)
    devices_shown = fields.Html(string="Devices", readonly=True)
    rejected_shown = fields.Text(string="First Reason", readonly=True)
    rejected_file = fields.Binary(string="Rejected, to Correct", readonly=True, attachment=False)
    rejected_filename = fields.Char(readonly=True)
    created_ids = fields.Json(readonly=True, help="The devices that this import created.")

    # === DEFAULTS AND SELECTIONS === #

    @api.model
    def _get_sources(self):
        return self.env['assist.session.import']._get_sources()

    # === COMPUTE METHODS === #

    @api.depends('file', 'filename')
    def _compute_source(self):
        for wizard in self:
            try:
                names = wizard._read().names if wizard.file else []
            except UserError:
                # What is wrong with the file is said when it is checked, in words.
                names = []
            wizard.source = sources.recognise_devices(names) or 'csv'

    # === ACTIONS === #

    def action_preview(self):
        """Check the file and say what would come of it; nothing is stored."""
        reading, devices = self._begin()
        mapping, seen = self._get_mapping(reading), []
        # The same as an import, and undone at once: it is foreseen as it will be.
        with closing(self.env.cr.savepoint()):
            answers = devices.with_context(tracking_disable=True)._ingest(
                reading.records,
                self.source,
                tz=self.tz,
                mapping=mapping,
                repeats=sources.DeviceRepeats(reading.lines),
                look=lambda _run, _first, *batch: self._look(seen, *batch),
            )
            shown = self._render_devices(devices, seen)
            self.env.flush_all()
        self.env.invalidate_all(flush=False)
        notes = [*reading.notes, *sources.device_notes(reading, self.source, mapping)]
        self.write(
            {
                **self._prepare_result_vals(reading, answers),
                'state': 'preview',
                'devices_shown': shown,
                'doubts': self._render_list(self._translate_notes(notes)),
            }
        )
        return self._reopen()

    def action_import(self):
        """Bring the devices in, and say what became of each."""
        reading, devices = self._begin()
        mapping = self._get_mapping(reading)
        self._keep_mapping(reading, mapping)
        answers = devices._ingest(
            reading.records,
            self.source,
            tz=self.tz,
            mapping=mapping,
            repeats=sources.DeviceRepeats(reading.lines),
        )
        vals = self._prepare_result_vals(reading, answers)
        # A list with rejected rows may have any device in them, but for one of sums.
        is_whole = all(
            answer['status'] != 'rejected'
            or sources.is_row_of_sums(reading.records[answer['index']])
            for answer in answers
        )
        if self.is_complete and is_whole:
            ids = [answer['id'] for answer in answers if answer['id']]
            seen = set(devices.browse(ids).mapped('external_id'))
            removed, doubted = devices._source_miss(self.source, seen, fields.Datetime.now())
            vals |= {'removed_count': len(removed), 'doubted_count': len(doubted)}
        created = [answer['id'] for answer in answers if answer['status'] == 'created']
        self.write({**vals, 'state': 'done', 'created_ids': created or False})
        return self._reopen()

    def action_back(self):
        """Choose again."""
        self.write({'state': 'choose', 'rejected_file': False, 'rejected_filename': False})
        return self._reopen()

    def action_undo(self):
        """Remove the devices that this import created; what it changed stays changed.

        :raise UserError: one of them is on a bill
        """
        self.ensure_one()
        devices = self.env['assist.device'].with_company(self.company_id)
        devices._check_may_ingest()
        # sudo: whoever brought devices in may take them back; who bills may see no others
        created = devices.browse(self.created_ids or ()).sudo().exists()
        created = created.filtered(
            lambda device: device.create_uid == self.env.user
            and device.company_id == self.company_id
            and device.create_date >= self.create_date
        )
        billed = self.env['assist.billing.cycle.device'].sudo()
        billed = billed.search([('device_id', 'in', created.ids)], limit=1)
        if billed:
            raise UserError(
                self.env._(
                    "%(file)s cannot be undone: %(device)s is on a bill. Remove single devices "
                    "instead, as of a day.",
                    file=self._get_title(),
                    device=billed.device_id.display_name,
                )
            )
        created.unlink()
        self.created_ids = False
        return self.action_back()

    def action_view_devices(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_device_action'),
            'domain': [('source', '=', self.source), ('company_id', '=', self.company_id.id)],
        }

    # === BUSINESS METHODS === #

    def _begin(self):
        """Return the reading of the file, and the devices to bring it into."""
        self.ensure_one()
        self.check_access('write')
        self._check_import_company()
        devices = self.env['assist.device'].with_company(self.company_id)
        devices._check_may_ingest()
        reading = self._read()
        self._fill_columns(reading)
        return reading, devices

    def _reopen(self):
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_device_import_action'
            ),
            'res_id': self.id,
        }

    def _prepare_result_vals(self, reading, answers):
        """Return what the dialog shows of the answers to an import, or to a check."""
        counts = Counter(answer['status'] for answer in answers)
        rejected = [
            (answer['index'], answer['field'], answer['reason'])
            for answer in answers
            if answer['status'] == 'rejected'
        ]
        vals = {
            'record_count': len(answers),
            **{f'{status}_count': counts[status] for status in STATUSES},
            'rejected_shown': False,
            'rejected_file': False,
            'rejected_filename': False,
        }
        if rejected:
            content, extension = sources.write_rejected(reading, rejected)
            vals |= {
                'rejected_shown': self.env._(
                    "Row %(row)s: %(reason)s",
                    row=reading.lines[rejected[0][0]] if reading.lines else rejected[0][0] + 1,
                    reason=rejected[0][2],
                ),
                'rejected_file': base64.b64encode(content),
                'rejected_filename': f'devices-rejected.{extension}',
            }
        return vals

    # === COLUMNS === #

    def _fill_columns(self, reading):
        """List the columns of another table than was looked at before, as they were kept."""
        mappings = self.env['assist.session.mapping']
        columns_of = f'{self.source} {mappings._get_header(reading.names)}'
        if self.columns_of == columns_of:
            return
        # sudo: what was kept is found by the same company's headings alone
        kept = mappings.sudo()._find(self.company_id, self._get_mapped(), reading.names) or {}
        suggested = {
            column: field
            for field, column in sources.suggest_device_mapping(
                list(reading.names), self.source
            ).items()
        }
        self.write(
            {
                'columns_of': columns_of,
                # What was chosen before the first look holds.
                'date_order': (not self.columns_of and self.date_order) or kept.get('date_order'),
                'column_ids': self._prepare_columns(
                    reading, suggested, kept, sources.DEVICE_FIELDS
                ),
            }
        )

    def _get_mapped(self):
        """Return under which name mappings of lists of devices are kept, apart from sessions'."""
        return f'device:{self.source}'

    def _get_mapping(self, reading):
        """Return what differs from the way the source reads such columns; None when nothing."""
        shown = set(self.column_ids.mapped('name'))
        suggested = sources.suggest_device_mapping(list(reading.names), self.source)
        chosen = self._get_chosen_columns()
        # A column that stands for two fields is shown with one of them.
        unseen = {
            field
            for field, column in suggested.items()
            if column in shown and list(suggested.values()).count(column) > 1
        }
        mapping = {}
        for field in sources.DEVICE_FIELDS:
            default = [suggested[field]] if suggested.get(field) in shown else []
            if (
                shown
                and chosen.get(field, []) != default
                and not (field in unseen and field not in chosen)
            ):
                mapping[field] = chosen.get(field)
        if self.date_order:
            mapping['date_order'] = self.date_order
        return mapping or None

    def _keep_mapping(self, reading, mapping):
        """Keep how the columns were set, for the next list that has the same."""
        if reading.names:
            # sudo: mappings have no screen of their own; whoever may import may set them
            self.env['assist.session.mapping'].sudo()._keep(
                self.company_id, self._get_mapped(), reading.names, mapping
            )

    # === PREVIEW === #

    @api.model
    def _look(self, seen, results, answers):
        for result, answer in zip(results, answers, strict=True):
            if len(seen) < SHOWN and isinstance(result, sources.Device):
                seen.append((result, answer))

    def _render_devices(self, devices, seen):
        """Return a table of the first devices as they would be; False when there is none."""
        if not seen:
            return False
        statuses = {
            'created': self.env._("New"),
            'updated': self.env._("Changed"),
            'duplicate': self.env._("Known"),
        }
        headings = (
            self.env._("ID"), self.env._("Name"), self.env._("Customer"), self.env._("Group"),
            self.env._("Department"), self.env._("Enrolled On"), self.env._("Removed On"), "",
        )  # fmt: skip
        lines = []
        for normal, answer in seen:
            # sudo: what the user is about to bring in himself
            device = devices.browse(answer['id']).sudo()
            said = normal.customer_name or normal.customer_email
            unmatched = self.env._("%(name)s (not found)", name=said) if said else ""
            lines.append(
                (
                    normal.external_id, device.name, device.partner_id.display_name or unmatched,
                    normal.group, normal.department, device.enrolled_on or "",
                    device.removed_on or "", statuses[answer['status']],
                )
            )  # fmt: skip
        return self._render_table(headings, lines)
