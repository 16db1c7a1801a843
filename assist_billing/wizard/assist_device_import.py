import base64
import binascii
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

from .. import sources


class AssistDeviceImport(models.TransientModel):
    """Unattended devices from a file: a list of a remote-support tool, or one's own."""

    _name = 'assist.device.import'
    _inherit = ['assist.import.file']
    _description = "Import Unattended Devices"

    # === FIELDS === #

    file = fields.Binary(
        required=True,
        attachment=False,
        help="CSV, XLSX, or JSON. Columns: an ID (key, Device ID ...), a name, and what there is "
        "of customer e-mail, group, department and the day it was enrolled.",
    )
    filename = fields.Char()
    source = fields.Selection(selection='_get_sources', required=True, default='csv')
    tz = fields.Selection(
        _tz_get,
        string="Time Zone",
        required=True,
        default=lambda self: self._default_tz(),
        help="Of the times that the file writes without a zone.",
    )
    is_complete = fields.Boolean(
        string="This Is the Whole List",
        help="Devices of this source that are not in the file are removed as of today.",
    )
    company_id = fields.Many2one(
        'res.company', required=True, readonly=True, default=lambda self: self.env.company
    )
    state = fields.Selection(
        [('choose', "Choose"), ('done', "Done")], required=True, readonly=True, default='choose'
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
    rejected_shown = fields.Text(string="First Reason", readonly=True)
    rejected_file = fields.Binary(string="Rejected, to Mend", readonly=True, attachment=False)
    rejected_filename = fields.Char(readonly=True)

    # === DEFAULTS AND SELECTIONS === #

    @api.model
    def _default_tz(self):
        return self.env['assist.session.import']._default_tz()

    @api.model
    def _get_sources(self):
        return self.env['assist.session.import']._get_sources()

    # === ACTIONS === #

    def action_import(self):
        """Bring the devices in, and say what became of each."""
        self.ensure_one()
        self.check_access('write')
        self._check_import_company()
        devices = self.env['assist.device'].with_company(self.company_id)
        devices._check_may_ingest()
        reading = self._read()
        answers = devices._ingest(reading.records, self.source, tz=self.tz)
        vals = self._prepare_result_vals(reading, answers)
        # A list with rejected rows may have any device in them.
        if self.is_complete and not vals['rejected_count']:
            ids = [answer['id'] for answer in answers]
            seen = set(devices.browse(ids).mapped('external_id'))
            removed, doubted = devices._source_miss(self.source, seen, fields.Datetime.now())
            vals |= {'removed_count': len(removed), 'doubted_count': len(doubted)}
        self.write(vals)
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_device_import_action'
            ),
            'res_id': self.id,
        }

    def action_view_devices(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_device_action'),
            'domain': [('source', '=', self.source), ('company_id', '=', self.company_id.id)],
        }

    # === BUSINESS METHODS === #

    def _read(self):
        """Return the `sources.Reading` of the file. Raise `UserError` saying what is wrong."""
        try:
            data = base64.b64decode(self.with_context(bin_size=False).file or b'')
            return sources.read_file(data, self.filename)
        except sources.ReadError as error:
            reason = self.env['assist.session']._translate_refusal(error)
        except binascii.Error:
            reason = self.env._("The file did not arrive whole. Choose it again.")
        name = self.filename or self.env._("The file")
        raise UserError(self.env._("%(file)s: %(reason)s", file=name, reason=reason))

    def _prepare_result_vals(self, reading, answers):
        counts = Counter(answer['status'] for answer in answers)
        rejected = [
            (answer['index'], answer['field'], answer['reason'])
            for answer in answers
            if answer['status'] == 'rejected'
        ]
        vals = {
            'state': 'done',
            'record_count': len(answers),
            **{
                f'{status}_count': counts[status]
                for status in ('created', 'updated', 'duplicate', 'rejected')
            },
        }
        if rejected:
            content, extension = sources.write_rejected(reading, rejected)
            vals |= {
                'rejected_shown': rejected[0][2],
                'rejected_file': base64.b64encode(content),
                'rejected_filename': f'devices-rejected.{extension}',
            }
        return vals
