import base64
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

from .. import sources
from ..models.ingest.assist_session_import_record import DIRECT_RECORDS
from .assist_session_import_outlook import ImportOutlook

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
        help="What the tool exports or answers: CSV and other tables, XLSX, JSON, XML, its log.",
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
        compute='_compute_tz',
        store=True,
        precompute=True,
        readonly=False,
        help="Applies to times in the file that have no time zone. UTC is suggested if the tool is "
        "known to use it, otherwise the company's time zone.",
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
    updated_count = fields.Integer(string="Sessions Ended", readonly=True)
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
            ('d', "Days"),
            ('mm:ss', "Minutes and seconds (05:30)"),
        ],
        string="Durations Are In",
        help="Where they are mere numbers.",
    )
    is_encoding_open = fields.Boolean(
        readonly=True, help="The file does not say in which encoding it is."
    )
    is_order_open = fields.Boolean(readonly=True, help="Its dates can be read both ways.")
    is_unit_open = fields.Boolean(readonly=True, help="Its durations are mere numbers.")
    free_count = fields.Integer(
        string="Not Billable",
        readonly=True,
        help="As the file says: free of charge, billed already, or nobody was helped.",
    )
    alike_count = fields.Integer(
        string="May Be There Already",
        readonly=True,
        help="Sessions with the customer or device and the times of one that came in from another "
        "source, or under another ID.",
    )
    take_alike = fields.Boolean(
        string="Import Them Too", help="Of sessions that are there twice both are billed."
    )
    doubts = fields.Html(string="To Look At", readonly=True)
    sessions_shown = fields.Html(string="Sessions", readonly=True)
    session_hours = fields.Float(
        string="Hours", readonly=True, help="Of all sessions in the file, known ones too."
    )
    first_day = fields.Date(readonly=True)
    last_day = fields.Date(readonly=True)
    matched_count = fields.Integer(
        string="With a Customer",
        readonly=True,
        help="Sessions whose customer is found by device, e-mail address or matching rule. The "
        "others come in unmatched.",
    )
    unmatched_count = fields.Integer(string="Without a Customer", readonly=True)
    open_count = fields.Integer(string="Without an End", readonly=True)
    short_count = fields.Integer(string="Shorter Than 10 Seconds", readonly=True)
    long_count = fields.Integer(string="Longer Than a Day", readonly=True)
    rejected_shown = fields.Html(string="Rejected Records", readonly=True)
    rejected_file = fields.Binary(readonly=True, attachment=False)
    rejected_filename = fields.Char(readonly=True)
    record_id = fields.Many2one('assist.session.import.record', readonly=True)
    nobody_count = fields.Integer(
        string="Belong to Nobody Yet",
        compute='_compute_nobody_count',
        help="Sessions of this import that nobody can be billed for, until they are matched.",
    )

    # === DEFAULTS AND SELECTIONS === #

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
                reading = wizard._read()
            except UserError:
                # What is wrong with the file is said when it is checked, in words.
                wizard.source = False
                continue
            # Of the file that is there now, whatever was chosen for another one before.
            wizard.source = reading.source or wizard._get_plain_source(reading)

    @api.depends('file', 'filename')
    def _compute_tz(self):
        for wizard in self:
            default = wizard._default_tz()
            if wizard.tz and wizard.tz not in {default, 'UTC'}:
                continue  # chosen by somebody
            try:
                told = wizard._read().tz if wizard.file else None
            except UserError:
                told = None
            wizard.tz = told or default

    @api.depends('record_id')
    def _compute_nobody_count(self):
        for wizard in self:
            wizard.nobody_count = wizard.record_id and self.env['assist.session'].search_count(
                [('import_id', '=', wizard.record_id.id), ('state', '=', 'unmatched')]
            )

    # === ACTIONS === #

    def action_preview(self):
        """Check the file and say what would come of it; nothing is stored."""
        self.check_access('write')
        reading, sessions = self._begin()
        mapping, notes = self._infer(reading, self._get_mapping(reading))
        outlook = ImportOutlook(sessions, self.tz)
        answers = sessions._ingest(
            reading.records,
            self.source,
            tz=self.tz,
            mapping=mapping,
            preview=True,
            repeats=sources.Repeats(reading.lines, reading.records),
            takes_alike=self.take_alike,
            look=outlook.look,
        )
        self.write(
            {
                'state': 'preview',
                **self._prepare_result_vals(reading, answers),
                **self._prepare_outlook_vals(reading, outlook, notes),
            }
        )
        return self._reopen()

    def action_import(self):
        """Bring the sessions in: at once, or a large file in the background."""
        self.check_access('write')
        reading, _sessions = self._begin()
        chosen = self._get_mapping(reading)
        self._keep_mapping(reading, chosen)
        mapping, _notes = self._infer(reading, chosen)
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
        self.write(
            {
                'state': 'choose',
                'take_alike': False,
                'rejected_file': False,
                'rejected_filename': False,
            }
        )
        return self._reopen()

    def action_view_sessions(self):
        """Show the sessions that were created by this import."""
        self.ensure_one()
        self.check_access('read')
        return self.record_id.action_view_sessions()

    def action_match(self):
        """Go on to the sessions of nobody, to say whose they are."""
        self.check_access('read')
        return self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_unmatched_action'
        )

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
        if not self.source and not reading.records:
            raise self._get_refusal(sources.ReadError('empty'))
        if not self.source:
            raise UserError(
                self.env._(
                    "%(file)s: the names in it are those of no known tool. Choose the source; for "
                    "a file of your own choose “Other file”.",
                    file=self._get_title(),
                )
            )
        sessions = self.env['assist.session'].with_company(self.company_id)
        self._fill_columns(reading)
        return reading, sessions

    @api.model
    def _get_plain_source(self, reading):
        """Return “File” for a file of no known tool that names when sessions began and ended."""
        suggested = sources.suggest_mapping(reading.names, 'csv')
        has_end = 'ended_at' in suggested or 'duration' in suggested
        return 'csv' if 'started_at' in suggested and has_end else False

    def _infer(self, reading, mapping):
        """Return a mapping with what the whole file tells besides, and what is to be looked at."""
        options, notes = sources.infer(reading, self.source, mapping, tz=self.tz)
        return ({**(mapping or {}), **options} if mapping or options else None), notes

    def _prepare_record_vals(self, reading, mapping):
        """Return what the record of this import begins with."""
        return {
            'name': self._get_title(),
            'file': self.with_context(bin_size=False).file,
            'source': self.source,
            'tz': self.tz,
            'encoding': self.encoding,
            'mapping': mapping or False,
            'take_alike': self.take_alike,
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

    def _reopen(self):
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_session_import_action'
            ),
            'res_id': self.id,
        }
