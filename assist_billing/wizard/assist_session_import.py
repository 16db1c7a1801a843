import base64
import binascii
from collections import Counter

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

from .. import sources

# So many columns and rejected records are shown; the file of the rejected ones has all of them.
SHOWN_COLUMNS = 40
SHOWN_REJECTED = 20


class AssistSessionImport(models.TransientModel):
    """Sessions from a file of a remote-support tool: looked at first, then brought in."""

    _name = 'assist.session.import'
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
    columns_shown = fields.Html(string="Columns", readonly=True)
    rejected_shown = fields.Html(string="Rejected Records", readonly=True)
    rejected_file = fields.Binary(readonly=True, attachment=False)
    rejected_filename = fields.Char(readonly=True)
    first_session_id = fields.Integer(readonly=True)
    last_session_id = fields.Integer(readonly=True)

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
        return self._run(preview=True)

    def action_import(self):
        """Bring the sessions in."""
        return self._run(preview=False)

    def action_back(self):
        """Choose again."""
        self.write({'state': 'choose', 'rejected_file': False, 'rejected_filename': False})
        return self._reopen()

    def action_view_sessions(self):
        """Show the sessions that were created, or ended, by this import."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_session_action'
        )
        # One source and company take one import at a time, so what was created is one row of IDs.
        domain = [
            ('source', '=', self.source),
            ('company_id', '=', self.company_id.id),
            ('id', '>=', self.first_session_id),
            ('id', '<=', self.last_session_id),
        ]
        return {**action, 'domain': domain, 'name': self.env._("Imported Sessions")}

    # === BUSINESS METHODS === #

    def _run(self, *, preview):
        self.ensure_one()
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
        sessions._check_may_ingest()
        answers = sessions._ingest(reading.records, self.source, tz=self.tz, preview=preview)
        self.write(self._prepare_result_vals(reading, answers, preview))
        return self._reopen()

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

    def _prepare_result_vals(self, reading, answers, preview):
        """Return what the dialog shows of the answers."""
        counts = Counter(answer['status'] for answer in answers)
        rejected = [
            (answer['index'], answer['field'], answer['reason'])
            for answer in answers
            if answer['status'] == 'rejected'
        ]
        created = [answer['id'] for answer in answers if answer['status'] == 'created']
        vals = {
            'state': 'preview' if preview else 'done',
            'record_count': len(answers),
            **{
                f'{status}_count': counts[status]
                for status in ('created', 'updated', 'duplicate', 'rejected')
            },
            'columns_shown': self._render_columns(reading),
            'rejected_shown': self._render_rejected(reading, rejected),
            'rejected_file': False,
            'rejected_filename': False,
            'first_session_id': created[0] if created else 0,
            'last_session_id': created[-1] if created else 0,
        }
        if rejected:
            content, extension = sources.write_rejected(reading, rejected)
            stem = (self.filename or 'sessions').rpartition('.')[0] or 'sessions'
            vals['rejected_file'] = base64.b64encode(content)
            vals['rejected_filename'] = f'{stem}-rejected.{extension}'
        return vals

    def _render_columns(self, reading):
        """Return a table of the columns and of what each is taken for; '' where there are none."""
        if not reading.columns:
            return False
        mapping = sources.suggest_mapping(reading.columns, self.source)
        labels = self._get_field_labels()
        rows = [
            (column, labels[field] if field else self.env._("not used"))
            for column, field in sources.show_columns(reading, mapping, SHOWN_COLUMNS)
        ]
        return self._render_table((self.env._("Column"), self.env._("Taken as")), rows)

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

    @api.model
    def _get_field_labels(self):
        """Return what each field of `sources.FIELDS` is called."""
        return {
            'external_id': self.env._("ID"),
            'kind': self.env._("Kind"),
            'started_at': self.env._("Start"),
            'ended_at': self.env._("End"),
            'duration': self.env._("Duration"),
            'running': self.env._("Running"),
            'tz': self.env._("Time Zone"),
            'technician': self.env._("Technician"),
            'customer_email': self.env._("Customer E-mail"),
            'customer_name': self.env._("Customer"),
            'customer_ref': self.env._("Customer Number"),
            'device_ref': self.env._("Device ID"),
            'device_name': self.env._("Device"),
            'group': self.env._("Group"),
            'department': self.env._("Department"),
            'note': self.env._("Note"),
            'billable': self.env._("Billable"),
        }

    def _reopen(self):
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_session_import_action'
            ),
            'res_id': self.id,
        }
