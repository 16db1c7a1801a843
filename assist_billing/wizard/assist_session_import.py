import base64
import binascii
from collections import Counter

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

from .. import sources
from ..models.assist_session_import_record import DIRECT_RECORDS

# So many rejected records are shown; the file of the rejected ones has all of them.
SHOWN_REJECTED = 20


class AssistSessionImport(models.TransientModel):
    """Sessions from a file of a remote-support tool: looked at first, then brought in."""

    _name = 'assist.session.import'
    _inherit = ['assist.import.file']
    _description = "Import Remote Support Sessions"

    # === FIELDS === #

    file = fields.Binary(
        required=True,
        attachment=False,
        help="JSON as the tool's programming interface answers it, CSV, or XLSX.",
    )
    filename = fields.Char()
    source = fields.Selection(
        selection='_get_sources',
        compute='_compute_source',
        store=True,
        readonly=False,
        help="The tool that wrote the file. It is recognised where the names in the file are the "
        "tool's own.",
    )
    tz = fields.Selection(
        _tz_get,
        string="Time Zone",
        required=True,
        default=lambda self: self._default_tz(),
        help="Of the times that the file writes without a zone.",
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
    created_count = fields.Integer(string="New Sessions", readonly=True)
    updated_count = fields.Integer(string="Ended Since", readonly=True)
    duplicate_count = fields.Integer(string="Known Already", readonly=True)
    rejected_count = fields.Integer(string="Rejected", readonly=True)
    column_ids = fields.One2many(
        'assist.session.import.column',
        'import_id',
        string="Columns",
        help="The last choice for files with these columns is kept.",
    )
    columns_of = fields.Char(readonly=True, help="Of which file and source the columns are.")
    is_kept = fields.Boolean(readonly=True, help="Somebody has set these columns before.")
    date_order = fields.Selection(
        [('dmy', "Day, month, year"), ('mdy', "Month, day, year")],
        string="Order of Dates",
        help="For dates such as 03/04/2026, which can be read both ways.",
    )
    duration_unit = fields.Selection(
        [
            ('ms', "Milliseconds"),
            ('s', "Seconds"),
            ('min', "Minutes"),
            ('h', "Hours"),
        ],
        string="Durations Are In",
        help="Where they are mere numbers.",
    )
    rejected_shown = fields.Html(string="Rejected Records", readonly=True)
    rejected_file = fields.Binary(readonly=True, attachment=False)
    rejected_filename = fields.Char(readonly=True)
    record_id = fields.Many2one('assist.session.import.record', readonly=True)

    # === DEFAULTS AND SELECTIONS === #

    @api.model
    def _default_tz(self):
        # sudo: the zone of a company's contact is no secret to its users
        return self.env.company.sudo().partner_id.tz or self.env.user.tz or 'UTC'

    @api.model
    def _get_sources(self):
        known = sources.names()
        return [item for item in self.env['assist.session']._get_sources() if item[0] in known]

    # === COMPUTE METHODS === #

    @api.depends('file', 'filename')
    def _compute_source(self):
        for wizard in self:
            if not wizard.file:
                wizard.source = False
                continue
            try:
                wizard.source = wizard._read().source or wizard.source
            except UserError:
                # What is wrong with the file is said when it is checked, in words.
                wizard.source = False

    # === ACTIONS === #

    def action_preview(self):
        """Check the file and say what would come of it; nothing is stored."""
        self.check_access('write')
        reading, sessions = self._begin()
        answers = sessions._ingest(
            reading.records,
            self.source,
            tz=self.tz,
            mapping=self._get_mapping(reading),
            preview=True,
        )
        self.write({'state': 'preview', **self._prepare_result_vals(reading, answers)})
        return self._reopen()

    def action_import(self):
        """Bring the sessions in: at once, or a large file in the background."""
        self.check_access('write')
        reading, _sessions = self._begin()
        mapping = self._get_mapping(reading)
        self._keep_mapping(reading, mapping)
        # sudo: imports are written by the engine only
        record = self.env['assist.session.import.record'].sudo()
        record = record.create(self._prepare_record_vals(reading, mapping))
        if len(reading.records) > DIRECT_RECORDS:
            record._trigger()
            return {
                'type': 'ir.actions.act_window',
                'name': self.env._("Session Import"),
                'res_model': record._name,
                'res_id': record.id,
                'view_mode': 'form',
            }
        record._take_chunk(reading)
        self.write({'state': 'done', **self._prepare_record_shown(reading, record)})
        return self._reopen()

    def action_back(self):
        """Choose again."""
        self.check_access('write')
        self.write({'state': 'choose', 'rejected_file': False, 'rejected_filename': False})
        return self._reopen()

    def action_view_sessions(self):
        """Show the sessions that were created by this import."""
        self.ensure_one()
        self.check_access('read')
        return self.record_id.action_view_sessions()

    def action_undo(self):
        """Take the import back; choose again."""
        self.check_access('write')
        self.record_id.action_undo()
        return self.action_back()

    # === BUSINESS METHODS === #

    def _begin(self):
        """Return the reading of the file, and the sessions to bring it into.

        :raise UserError: the file cannot be read, or nobody knows its source
        """
        self.ensure_one()
        self._check_import_company()
        self.env['assist.session']._check_may_ingest()
        reading = self._read()
        if not self.source:
            raise UserError(
                self.env._(
                    "%(file)s: the names in it are those of no known tool. Choose the source; for "
                    "a file of your own choose “File”.",
                    file=self._get_title(),
                )
            )
        sessions = self.env['assist.session'].with_company(self.company_id)
        self._fill_columns(reading)
        return reading, sessions

    def _read(self):
        """Return the `sources.Reading` of the file. Raise `UserError` saying what is wrong."""
        self.ensure_one()
        try:
            data = base64.b64decode(self.with_context(bin_size=False).file or b'')
            return sources.read_file(data, self.filename)
        except sources.ReadError as error:
            reason = self.env['assist.session']._translate_refusal(error)
        except binascii.Error:
            reason = self.env._("The file did not arrive whole. Choose it again.")
        raise UserError(self.env._("%(file)s: %(reason)s", file=self._get_title(), reason=reason))

    def _get_title(self):
        return self.filename or self.env._("The file")

    def _prepare_record_vals(self, reading, mapping):
        """Return what the record of this import begins with."""
        return {
            'name': self._get_title(),
            'file': self.with_context(bin_size=False).file,
            'source': self.source,
            'tz': self.tz,
            'mapping': mapping or False,
            'company_id': self.company_id.id,
            'user_id': self.env.user.id,
            'record_count': len(reading.records),
            'state': 'running' if reading.records else 'done',
        }

    def _prepare_result_vals(self, reading, answers):
        """Return what the dialog shows of the answers to a check."""
        counts = Counter(answer['status'] for answer in answers)
        rejected = [
            (answer['index'], answer['field'], answer['reason'])
            for answer in answers
            if answer['status'] == 'rejected'
        ]
        vals = {
            'record_count': len(answers),
            **{
                f'{status}_count': counts[status]
                for status in ('created', 'updated', 'duplicate', 'rejected')
            },
            'rejected_shown': self._render_rejected(reading, rejected),
            'rejected_file': False,
            'rejected_filename': False,
        }
        if rejected:
            content, extension = sources.write_rejected(reading, rejected)
            stem = (self.filename or 'sessions').rpartition('.')[0] or 'sessions'
            vals['rejected_file'] = base64.b64encode(content)
            vals['rejected_filename'] = f'{stem}-rejected.{extension}'
        return vals

    def _prepare_record_shown(self, reading, record):
        """Return what the dialog shows of an import."""
        record = record.with_context(bin_size=False)
        return {
            'record_id': record.id,
            **{
                name: record[name]
                for name in (
                    'record_count', 'created_count', 'updated_count', 'duplicate_count',
                    'rejected_count', 'rejected_file', 'rejected_filename',
                )
            },
            'rejected_shown': self._render_rejected(reading, record.rejections or []),
        }  # fmt: skip

    def _render_rejected(self, reading, rejected):
        """Return a table of the first rejected records; False when there is none."""
        if not rejected:
            return False
        heading = self.env._("Row") if reading.lines else self.env._("Record")
        rows = [
            (reading.lines[index] if reading.lines else index + 1, field, reason)
            for index, field, reason in rejected[:SHOWN_REJECTED]
        ]
        return self._render_table((heading, self.env._("Field"), self.env._("Reason")), rows)

    @api.model
    def _render_table(self, headings, rows):
        def line(tag, cells):
            content = Markup('').join(Markup('<{0}>{1}</{0}>').format(tag, cell) for cell in cells)
            return Markup('<tr>%s</tr>') % content

        return Markup(
            '<table class="table table-sm"><thead>%s</thead><tbody>%s</tbody></table>'
        ) % (
            line('th', headings),
            Markup('').join(line('td', row) for row in rows),
        )

    def _reopen(self):
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_session_import_action'
            ),
            'res_id': self.id,
        }
