import base64
import logging
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.base.models.res_partner import _tz_get

from ... import sources
from ...utils.races import LOST_RACES, retry_races
from ...utils.sql_changes import written_to

_logger = logging.getLogger(__name__)

# Larger files are taken in by the scheduler, so many records and a commit at a time.
DIRECT_RECORDS = 20_000
CHUNK_RECORDS = 5_000


class AssistSessionImportRecord(models.Model):
    """A file of sessions that was imported: what became of its records, and how to undo it."""

    _name = 'assist.session.import.record'
    _description = "Session Import"
    _inherit = ['assist.guard']
    _order = 'id desc'

    # === FIELDS === #

    name = fields.Char(string="File Name", required=True, readonly=True)
    file = fields.Binary(readonly=True, attachment=True)
    source = fields.Selection(
        selection=lambda self: self.env['assist.session']._get_sources(),
        required=True,
        readonly=True,
    )
    tz = fields.Selection(
        _tz_get,
        string="Time Zone",
        readonly=True,
        help="Applies to times in the file that have no time zone.",
    )
    encoding = fields.Char(readonly=True, help="The text encoding, if one was chosen.")
    mapping = fields.Json(
        readonly=True,
        help="Columns that were chosen by hand, and what was found out from the whole file.",
    )
    take_alike = fields.Boolean(
        readonly=True, help="Sessions that may be there already under another ID come in, too."
    )
    company_id = fields.Many2one(
        'res.company', required=True, readonly=True, index=True, ondelete='restrict'
    )
    user_id = fields.Many2one(
        'res.users', string="Imported By", required=True, readonly=True, ondelete='restrict'
    )
    state = fields.Selection(
        [
            ('running', "Being Imported"),
            ('failed', "Stopped"),
            ('done', "Imported"),
            ('undone', "Undone"),
        ],
        required=True,
        readonly=True,
        default='running',
        index=True,
    )
    record_count = fields.Integer(string="Records", readonly=True, required=True, default=0)
    position = fields.Integer(string="Processed", readonly=True, required=True, default=0)
    progress = fields.Float(compute='_compute_progress', help="Percentage of the records.")
    created_count = fields.Integer(string="New Sessions", readonly=True, required=True, default=0)
    updated_count = fields.Integer(string="Sessions Ended", readonly=True, required=True, default=0)
    duplicate_count = fields.Integer(
        string="Known Already", readonly=True, required=True, default=0
    )
    rejected_count = fields.Integer(string="Rejected", readonly=True, required=True, default=0)
    rejections = fields.Json(
        readonly=True, help="The index, field and reason of each rejected record."
    )
    rejected_file = fields.Binary(string="Rejected, to Correct", readonly=True, attachment=True)
    rejected_filename = fields.Char(readonly=True)
    error = fields.Char(string="Stopped Because", readonly=True)
    session_ids = fields.One2many('assist.session', 'import_id', readonly=True)
    session_count = fields.Integer(string="Sessions", compute='_compute_session_count')
    undone_by_id = fields.Many2one('res.users', readonly=True, ondelete='restrict')
    undone_at = fields.Datetime(readonly=True)

    # === CONSTRAINTS AND INDEXES === #

    _tie = models.Constraint(
        "CHECK (position = created_count + updated_count + duplicate_count + rejected_count"
        " AND position <= record_count AND (state != 'done' OR position = record_count))",
        "Every record of a file is either a new session, one that has ended, a known one, or "
        "rejected.",
    )

    # === COMPUTE METHODS === #

    @api.depends('record_count', 'position')
    def _compute_progress(self):
        for record in self:
            record.progress = 100.0 * record.position / (record.record_count or 1)

    def _compute_session_count(self):
        counts = dict(
            self.env['assist.session']._read_group(
                [('import_id', 'in', self.ids)], ['import_id'], ['__count']
            )
        )
        for record in self:
            record.session_count = counts.get(record, 0)

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if running := self.filtered(lambda record: record.state == 'running'):
            raise UserError(
                self.env._(
                    "%(file)s is still being imported. Wait until it is finished, or undo it "
                    "first.",
                    file=running[0].name,
                )
            )

    # === ACTIONS === #

    def action_view_sessions(self):
        """Show the sessions that this import created."""
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_session_action'),
            'name': self.env._("Imported Sessions"),
            'domain': [('import_id', '=', self.id)],
            'context': {'create': False},
        }

    def action_retry(self):
        """Go on where a stopped import stopped."""
        self.check_access('read')
        self.env['assist.session']._check_may_ingest()
        # sudo: imports are written by the engine only
        stopped = self.sudo().filtered(lambda record: record.state == 'failed')
        if stopped:
            stopped.write({'state': 'running', 'error': False})
            stopped._trigger()
        return True

    # === CRON === #

    @api.model
    def _cron_import_sessions(self):
        """Take in the files that wait, chunk by chunk; what is killed goes on where it was."""
        running = self.search([('state', '=', 'running')], order='id')
        progress = self.env['ir.cron']
        progress._commit_progress(remaining=len(running))
        for record in running:
            if not record._take_in():
                return
            progress._commit_progress(1)

    @api.model
    def _trigger(self):
        # sudo: a scheduled action is nobody's; it is only asked to come soon
        self.env.ref('assist_billing.ir_cron_import_sessions').sudo()._trigger()

    # === BUSINESS METHODS === #

    def _take_in(self):
        """Take in the rest of the file; False when time is up before its end."""
        try:
            reading = self._read()
            repeats = self._get_repeats(reading)
            while retry_races(self._take_chunk, reading, CHUNK_RECORDS, repeats):
                if not self.env['ir.cron']._commit_progress():
                    return False
        except LOST_RACES:
            raise
        except Exception as error:
            self.env.cr.rollback()
            if isinstance(error, UserError):
                message = str(error)
            else:
                message = f"{type(error).__name__}: {error}"
                _logger.exception("Import %s stopped", self.id)
            retry_races(self._stop, message)
        return True

    def _stop(self, message):
        """Keep why this import stopped, unless somebody has undone it or goes on with it."""
        if self.try_lock_for_update() and self.state == 'running':
            self.write({'state': 'failed', 'error': message})

    def _read(self):
        """Return the `sources.Reading` of the file."""
        self.ensure_one()
        data = base64.b64decode(self.with_context(bin_size=False).file or b'')
        try:
            return sources.read_file(data, self.name, self.encoding or None)
        except sources.ReadError as error:
            raise UserError(self.env['assist.session']._translate_refusal(error)) from error

    def _get_repeats(self, reading):
        """Return what the rows of the file that were taken in before said, by their IDs."""
        repeats = sources.Repeats(reading.lines, reading.records)
        take = sources.normaliser(self.source, tz=self.tz, mapping=self.mapping or None)
        for index, record in enumerate(reading.records[: self.position]):
            result = take(record)
            if isinstance(result, sources.Normal):
                repeats.meet(index, result)
        return repeats

    def _take_chunk(self, reading, size=None, repeats=None):
        """Take in the next records of the file; tell whether there are more.

        Sessions, counts and place in the file are one transaction.

        :param int size: so many; default: all
        :param sources.Repeats repeats: what the rows before said
        """
        self.ensure_one()
        if not self.try_lock_for_update() or self.state != 'running':
            return False  # another process is at it, or it was undone
        self._check_importer()
        records = reading.records[self.position :]
        records = records[:size] if size else records
        repeats = repeats or self._get_repeats(reading)
        repeats.offset = self.position
        answers = (
            # sudo: the rights of whoever imports were asked for before; the scheduler goes on
            self.env['assist.session']
            .with_user(self.user_id)
            .sudo()
            .with_company(self.company_id)
            .with_context(lang=self.user_id.lang)
            ._ingest(
                records,
                self.source,
                tz=self.tz,
                mapping=self.mapping or None,
                repeats=repeats,
                takes_alike=self.take_alike,
            )
        )
        self._link_sessions(answers)
        self.write(self._prepare_taken_vals(reading, answers))
        return self.state == 'running'

    def _check_importer(self):
        """Refuse a user who has lost the company or the right to import meanwhile."""
        # sudo: the scheduler asks for him, whose companies are no secret to it
        user = self.user_id.sudo()
        # The superuser, as scripts have him, is archived and may import all the same.
        is_active = user.active or user._is_superuser()
        if not is_active or self.company_id not in user.company_ids:
            raise AccessError(
                self.env._(
                    "%(user)s is no longer allowed to import into %(company)s.",
                    user=user.name,
                    company=self.company_id.name,
                )
            )
        self.env['assist.session'].with_user(user)._check_may_ingest()

    def _link_sessions(self, answers):
        created = [answer['id'] for answer in answers if answer['status'] == 'created']
        if created:
            self.env['assist.session'].flush_model(['import_id'])
            self.env.cr.execute(
                SQL("UPDATE assist_session SET import_id = %s WHERE id = ANY(%s)", self.id, created)
            )
            written_to(self.env['assist.session'].browse(created), ['import_id'])

    def _prepare_taken_vals(self, reading, answers):
        """Return what the record keeps once these next records were taken in."""
        counts = Counter(answer['status'] for answer in answers)
        vals = {
            f'{status}_count': self[f'{status}_count'] + counts[status]
            for status in ('created', 'updated', 'duplicate', 'rejected')
        }
        vals['position'] = self.position + len(answers)
        rejections = (self.rejections or []) + [
            [self.position + answer['index'], answer['field'], answer['reason']]
            for answer in answers
            if answer['status'] == 'rejected'
        ]
        vals['rejections'] = rejections or False
        if vals['position'] == self.record_count:
            vals['state'] = 'done'
            if rejections:
                content, extension = sources.write_rejected(reading, rejections)
                stem = self.name.rpartition('.')[0] or self.name
                vals['rejected_file'] = base64.b64encode(content)
                vals['rejected_filename'] = f'{stem}-rejected.{extension}'
        return vals
